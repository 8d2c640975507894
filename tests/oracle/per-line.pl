#!/usr/bin/perl
# per-line.pl ORIGINAL OPTIONS...: what Debian's mailgraph (the program file ORIGINAL) counts, line by line.
# Prints for each line of the log that OPTIONS name (-c -l LOG) its events as COUNTER@SECONDS, "+" between them, or
# "-".  The original runs whole, with its own option parser; changed are its clock, so that no line is in its future,
# and where its events go: here instead of into RRD files.
use strict;
use warnings;

BEGIN { *CORE::GLOBAL::time = sub () { 4_102_444_800 } }    # 2100

our ($lines, @events) = (0);

sub report { print((join('+', @events) || '-') . "\n") if $lines; @events = () }

my $original = shift;
open my $program, '<', $original or die "per-line.pl: can't read $original: $!\n";
my $source = do { local $/; <$program> };
my $hook = <<'HOOK';
BEGIN {
    no warnings 'redefine';
    *event = sub ($$) { push @::events, "$_[1]\@$_[0]" };
    my $next_line = \&Parse::Syslog::_next_line;
    *Parse::Syslog::_next_line = sub {
        ::report();
        my $line = $next_line->(@_);
        $::lines = defined $line;
        return $line;
    };
}
HOOK
$source =~ s/^main;$/$hook main;/m or die "per-line.pl: $original has no main; is it mailgraph 1.14?\n";
local $SIG{__WARN__} = sub { };
eval $source;
die $@ if $@;
