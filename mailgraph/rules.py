"""What is counted: RULES, one row a rule.  Knows no time, no file and no line form.

A rule's *program* is the syslog tag without ``[pid]``, its *text* what follows ``tag[pid]: ``; both are bytes
patterns, the text anchored at its start and confined to its line.  The first rule of a program that fits decides.
Facts: Debian's mailgraph 1.14-20+deb12u1, rule by rule, and the programs' own sources.

Two habits keep every pattern linear in the length of a crafted line: a word anywhere is ``.*WORD`` (one way there,
one way back), and a word *behind* another is ``(?>.*?FIRST).*SECOND``: the first FIRST decides, no other is tried.
"""

from typing import NamedTuple

HEX_ID = rb"[\dA-F]++"
LONG_ID = rb"[\dB-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]++"
QUEUE_ID = rb"(?:%b|%b)" % (HEX_ID, LONG_ID)
"""A Postfix queue id: upper-case hexadecimal, or a long id: digits and the consonants of both cases."""

ANY_ID_END = rb"[\dA-HJ-NP-TV-Zb-df-hj-np-tv-z]"
MAYBE_ID = rb"(?:%b: |NOQUEUE: )?" % QUEUE_ID
EXIM_ID = rb"[0-9a-zA-Z]{6}-[0-9a-zA-Z]{6}-[0-9a-zA-Z]{2}"
AMAVIS_ID = rb"\([\w-]+\) "
NO_TAG2 = rb"(?!.*tag2=(?<=\btag2=))"
END = rb"(?=\n)"
NUMBER = rb"0*+[1-9]\d{0,5}+"
"""How often something happened: at least once, and no more digits than a crafted line may make us count."""

SMTPD = rb"postfix/(?:smtpd|postscreen)"
SENDMAIL = rb"(?:sendmail|sm-mta)"
AMAVIS = rb"amavisd?"


def anywhere(word: bytes) -> bytes:
    r"""A whole word anywhere in the text.

    ``.*`` directly before a literal lets the engine jump back to the literal's first letter; with ``\b`` between
    them it tries every byte (3 us a line of Postfix's smtp instead of 0.6).
    """
    return rb".*%b\b(?<=\b%b)" % (word, word)


POSTFIX_TAG = rb"postfix[-\w.]*+/(?:[-\w.]++/)*+"
"""What stands before the daemon's name in Postfix's tags: services and instances have a syslog_name of their own."""


class Rule(NamedTuple):
    """One row: lines of ``program`` whose text fits ``text`` count once for each of ``counters``.

    A group named ``N`` in the text holds how often.  ``needs`` names the option without which the row is not there.
    ``unless`` names the field (``relay=``, ``client=``) whose host ``--ignore-host`` may name: the line then counts
    nothing.
    """

    name: str
    program: bytes
    text: bytes
    counters: tuple[str, ...]
    needs: str = ""
    unless: str = ""


SENT = ("sent",)
RECEIVED = ("received",)
BOUNCED = ("bounced",)
REJECTED = ("rejected",)
VIRUS = ("virus",)
SPAM = ("spam",)
GREYLISTED = ("greylisted",)
DELAYED = ("delayed",)
NOTHING = ()

_LOCAL_RELAY = rb"(?=%b)(?:.*(?<![^\s\[]))?(?>[^\s\[]*?relay=(?<=\brelay=))[^\s\[]*+\[127\.0\.0\.1\]" % anywhere(
    b"status=sent"
)
_LOCAL_CLIENT = rb"%b: client=\S*\[127\.0\.0\.1\](?!\S)" % QUEUE_ID
_BLOCKED = rb"%breject: (?>.*?: 554).* blocked using" % MAYBE_ID

RULES = (
    Rule("smtp_local", rb"postfix/smtp", _LOCAL_RELAY, NOTHING, "ignore_localhost"),
    Rule("smtp_sent", rb"postfix/smtp", anywhere(b"status=sent"), SENT, unless="relay"),
    Rule("smtp_bounced", rb"postfix/smtp", anywhere(b"status=bounced"), BOUNCED),
    Rule("lmtp_local", rb"postfix/lmtp", _LOCAL_RELAY, NOTHING, "ignore_localhost lmtp_is_smtp"),
    Rule("lmtp_sent", rb"postfix/lmtp", anywhere(b"status=sent"), SENT, "lmtp_is_smtp", unless="relay"),
    Rule("lmtp_bounced", rb"postfix/lmtp", anywhere(b"status=bounced"), BOUNCED, "lmtp_is_smtp"),
    Rule("local_bounced", rb"postfix/(?:local|error)", anywhere(b"status=bounced"), BOUNCED),
    Rule("smtpd_local", SMTPD, _LOCAL_CLIENT, NOTHING, "ignore_localhost"),
    Rule("smtpd_received", SMTPD, rb"%b: client=\S" % QUEUE_ID, RECEIVED),
    Rule("smtpd_virbl", SMTPD, _BLOCKED + rb" virbl.dnsbl.bit.nl", VIRUS, "virbl_is_virus"),
    Rule("smtpd_rbl", SMTPD, _BLOCKED, SPAM, "rbl_is_spam"),
    Rule("smtpd_greylisted", SMTPD, rb".*Greylisted", GREYLISTED),
    Rule("smtpd_rejected", SMTPD, rb"%breject: " % MAYBE_ID, REJECTED),
    Rule("smtpd_milter_spam", SMTPD, rb"%bmilter-reject: .*Blocked by SpamAssassin" % MAYBE_ID, SPAM),
    Rule("smtpd_milter_rejected", SMTPD, rb"%bmilter-reject: " % MAYBE_ID, REJECTED),
    Rule("cleanup_rejected", rb"postfix/cleanup", rb".*%b: (?:reject|discard): " % ANY_ID_END, REJECTED),
    Rule("sendmail_received", SENDMAIL, rb".*mailer=(?:local|relay)\b(?<=\bmailer=.....)", RECEIVED),
    Rule("sendmail_sent", SENDMAIL, rb"(?:%b|%b)" % (anywhere(b"stat=Sent"), anywhere(b"mailer=esmtp")), SENT),
    Rule("sendmail_xs4all", SENDMAIL, anywhere(b"ruleset=check_XS4ALL"), REJECTED),
    Rule("sendmail_lost", SENDMAIL, anywhere(b"lost input channel"), REJECTED),
    Rule("sendmail_rcpt", SENDMAIL, anywhere(b"ruleset=check_rcpt"), REJECTED),
    Rule("sendmail_virus", SENDMAIL, anywhere(b"stat=virus"), VIRUS),
    Rule(
        "sendmail_virbl",
        SENDMAIL,
        rb"(?=%b)%b" % (anywhere(b"ivirbl"), anywhere(b"ruleset=check_relay")),
        VIRUS,
        "virbl_is_virus",
    ),
    Rule("sendmail_rbl", SENDMAIL, anywhere(b"ruleset=check_relay"), SPAM, "rbl_is_spam"),
    Rule("sendmail_relay", SENDMAIL, anywhere(b"ruleset=check_relay"), REJECTED),
    Rule(
        "sendmail_sender", SENDMAIL, rb"(?:%b|%b)" % (anywhere(b"sender blocked"), anywhere(b"sender denied")), REJECTED
    ),
    Rule(
        "sendmail_recipient",
        SENDMAIL,
        rb"(?:%b|%b)" % (anywhere(b"recipient denied"), anywhere(b"recipient unknown")),
        REJECTED,
    ),
    Rule("sendmail_bounced", SENDMAIL, rb".*(?i:User unknown)(?<=\b............)" + END, BOUNCED),
    Rule("sendmail_milter", SENDMAIL, rb"(?>.*?\bMilter:).*reject=55(?<=\breject=55)", REJECTED),
    Rule("exim_received", rb"exim", EXIM_ID + rb" <= \S", RECEIVED),
    Rule("exim_sent", rb"exim", EXIM_ID + rb" => \S", SENT),
    Rule("exim_rbl_spam", rb"exim", rb".* rejected because \S+ is in a black list at \S", SPAM, "rbl_is_spam"),
    Rule("exim_rbl", rb"exim", rb".* rejected because \S+ is in a black list at \S", REJECTED),
    Rule("exim_rejected", rb"exim", rb".* rejected RCPT \S+: (?:Sender verify failed|Unknown user)", REJECTED),
    Rule("amavis_spam", AMAVIS, AMAVIS_ID + rb"(?:Passed|Blocked) SPAM(?:MY)?\b" + NO_TAG2, SPAM),
    Rule(
        "amavis_quarantine",
        AMAVIS,
        AMAVIS_ID + rb"(?:Passed|Not-Delivered)\b.*quarantine spam(?<=\bquarantine spam)",
        SPAM,
    ),
    Rule("amavis_virus", AMAVIS, AMAVIS_ID + rb"(?:Passed |Blocked )?(?:INFECTED|BANNED)\b" + NO_TAG2, VIRUS),
    Rule("amavis_old", AMAVIS, rb"Virus found\b", VIRUS),
    Rule("vagatefwd_virus", rb"vagatefwd", rb"VIRUS", VIRUS),
    Rule("hook_virus", rb"hook", rb"\*++ Virus\b", VIRUS),
    Rule("hook_spam", rb"hook", anywhere(b"contains spam"), SPAM),
    Rule("antivir_alert", rb"(?:avgatefwd|avmailgate\.bin|avmilter)", rb"Alert!", VIRUS),
    Rule("antivir_blocked", rb"(?:avgatefwd|avmailgate\.bin|avmilter)", rb".*blocked\." + END, VIRUS),
    Rule("avcheck_virus", rb"avcheck", rb"infected", VIRUS),
    Rule("spamd_spam", rb"spamd", rb"(?:spamd: )?identified spam", SPAM),
    Rule("spamd_virus", rb"spamd", rb".*CLAMAV", VIRUS),
    Rule("dspam_spam", rb"dspam", rb".*spam detected from", SPAM),
    Rule("dspam_virus", rb"dspam", rb".*infected message from", VIRUS),
    Rule("spampd_spam", rb"(?:spamproxyd|spampd)", rb"(?:[^\S\n]*+SPAM|identified spam)", SPAM),
    Rule("drweb_virus", rb"drweb-postfix", rb".*infected", VIRUS),
    Rule("blackhole_both", rb"BlackHole", rb"(?=.*Virus).*(?:RBL|Razor|Spam)", VIRUS + SPAM),
    Rule("blackhole_virus", rb"BlackHole", rb".*Virus", VIRUS),
    Rule("blackhole_spam", rb"BlackHole", rb".*(?:RBL|Razor|Spam)", SPAM),
    Rule("mailscanner_virus", rb"MailScanner", rb".*Virus Scanning: Found", VIRUS),
    Rule("mailscanner_bounced", rb"MailScanner", rb".*Bounce to", BOUNCED),
    Rule("mailscanner_spam", rb"MailScanner", rb"Spam Checks: Found (?P<N>%b) spam messages" % NUMBER, SPAM),
    Rule("clamsmtpd_virus", rb"clamsmtpd", rb".*status=VIRUS", VIRUS),
    Rule("clamav_intercepted", rb"clamav-milter", rb".*Intercepted", VIRUS),
    Rule("clamav_infected", rb"clamav-milter", rb"(?>.*?Message).*infected by", VIRUS),
    Rule("vilter_virus", rb"smtp-vilter", rb".*clamd: found", VIRUS),
    Rule("bogofilter_spam", rb"bogofilter", rb".*Spam", SPAM),
    Rule("filter_module_spam", rb"filter-module", rb".*spam_status=(?<=\bspam_status=)(?:yes|spam)", SPAM),
    Rule("sta_scanner_virus", rb"sta_scanner", rb"[0-9A-F]++: virus", VIRUS),
    Rule("postgrey_both", rb"postgrey", rb"(?=.*delayed [0-9]+ seconds: client).*delay=[0-9]", DELAYED + DELAYED),
    Rule("postgrey_old", rb"postgrey", rb".*delayed [0-9]+ seconds: client", DELAYED),
    Rule("postgrey_delayed", rb"postgrey", rb".*delay=[0-9]", DELAYED),
    Rule("grossd_greylisted", rb"grossd", rb".*a=greylist", GREYLISTED),
)
