r"""Blocks of log in, tallies of counters per minute out.  Knows no clock and no file.

One bytes pattern, compiled from the line forms and the rules of the programs that the log has shown so far, runs over
``b"\\n" + block``; Python code runs per hit, and a hit is a line that counts.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from heapq import merge
from itertools import groupby
from typing import Any, NamedTuple, TypeAlias, TypeVar

from mailgraph import UsageError
from mailgraph.logforms import BEFORE_TEXT, HEADER, INLINE_REPEATED, LINE, MESSAGE_REPEATED, REPEATED, Stamps
from mailgraph.messages import Counters, Messages
from mailgraph.ownrules import OwnRules
from mailgraph.rules import EXIM4, POSTFIX_TAG, RECEIVED, RULES, Rule
from mailgraph.schema import LATEST, STEP
from mailgraph.splitting import OF_HOST, Counts, Names

_T = TypeVar("_T")

Tally: TypeAlias = list[tuple[int, Counts]]
"""What a block counts, in the order of its lines: a minute (epoch second of its start) and its events.

A minute stands again where the log goes back to it, so that tallies of any cuts of a log say the same.
"""

Events: TypeAlias = dict[tuple[Any, ...], int]
"""Events by the counters of one of them; where hosts are split, by its host and these."""

WINDOW = 16 * 1024
"""How many bytes ``last message repeated`` looks back for the line that it repeats."""


class Options(NamedTuple):
    """What the counting options say; ``ignore_hosts`` and ``host`` are regular expressions, matched in any case."""

    classic: bool = False
    ignore_localhost: bool = False
    ignore_hosts: tuple[str, ...] = ()
    rbl_is_spam: bool = False
    virbl_is_virus: bool = False
    lmtp_is_smtp: bool = False
    host: str | None = None
    hosts_limit: int = 0
    """How many hosts are counted apart, too, at most."""

    def wants(self, rule: Rule) -> bool:
        """Whether the row is there under these options."""
        needed = (need.partition("-") for need in rule.needs.split())
        return all(not getattr(self, without) if without else getattr(self, option) for option, _, without in needed)


_UNSEEN = rb"(?P<unseen>)(?s:.*+)"
"""Ends a hit of a program whose rules are not in the pattern, behind all that follows it: no hit comes after it."""


def pattern_source(rules: tuple[Rule, ...], classic: bool, unseen: Collection[str] = ()) -> bytes:
    """The one pattern of all rules; a row ends in an empty group with the row's name.

    Of the programs whose marks are in ``unseen`` it has the tags alone, and _UNSEEN.

    What the engine does with a line that a row does not fit decides the speed: an alternative that begins with a
    literal is passed over at once, one that begins with a group is entered (10 ns, more the more groups there are).
    So the tag is found first, among literals, and then the rows of its program alone are tried: 610 ns a line of a
    busy relay instead of 910.
    """
    before = BEFORE_TEXT + (b"" if classic else INLINE_REPEATED)
    texts = _UNSEEN if unseen else b"(?!)"
    for mark, rows in reversed(_marked(rules).items()):
        if mark not in unseen:
            texts = b"(?(%b)%b|%b)" % (mark.encode(), _texts(rows), texts)
    line = b"(?>%b(?(mainlog)|%b))%b" % (_tags(rules, classic, unseen), before, texts)
    return HEADER + _alternatives([line, REPEATED % b"times" + b"(?P<repeated>)"])


def _programs_source(rules: tuple[Rule, ...], classic: bool) -> bytes:
    """A pattern that finds the programs of lines, whatever their texts: a hit ends in the mark of its program.

    A tag is whole before any of the four bytes that follow it in the forms of a line.
    """
    return HEADER + _tags(rules, classic) + rb"(?(mainlog)|(?=[][: ]))"


def _marked(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The rules by program, under the mark that its tag gets in the pattern."""
    return {f"{rows[0].name}_of_program": rows for rows in _grouped(_tag, rules).values()}


def _tag(rule: Rule) -> bytes:
    return rule.program


def _suite_of(tag: bytes) -> bytes:
    """What the tags of a suite of programs begin with: tried once for all of them."""
    suite, slash, _ = tag.rpartition(b"/")
    return suite + slash


def _grouped(key: Callable[[_T], bytes], items: Iterable[_T]) -> dict[bytes, list[_T]]:
    groups: dict[bytes, list[_T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _tags(rules: tuple[Rule, ...], classic: bool, unseen: Collection[str] = ()) -> bytes:
    """The tags of programs, each followed by its program's mark, where that is not in ``unseen``."""
    marks = {rows[0].program: mark for mark, rows in _marked(rules).items()}
    return _alternatives(
        (POSTFIX_TAG if suite == b"postfix/" and not classic else suite)
        + _alternatives(
            (b"(?(mainlog)|%b)" % tag if tag == EXIM4 else tag.removeprefix(suite))
            + (b"" if marks[tag] in unseen else b"(?P<%b>)" % marks[tag].encode())
            for tag in tags
        )
        for suite, tags in _grouped(_suite_of, marks).items()
    )


def _texts(rows: list[Rule], depth: int = 0) -> bytes:
    """What the texts of a program's rows fit, those that share an opening behind it."""
    return _alternatives(
        _named(run[0].opening[depth], _opener(run, depth)) + _texts(run, depth + 1)
        if len(run[0].opening) > depth
        else _alternatives(b"%b(?P<%b>)" % (_named(rule.text, rule.name), rule.name.encode()) for rule in run)
        for run in _runs(rows, depth)
    )


def _runs(rows: list[Rule], depth: int) -> list[list[Rule]]:
    """Neighbours that have their opening, as far as ``depth``, in common."""
    return [list(run) for _, run in groupby(rows, lambda rule: rule.opening[depth : depth + 1])]


def _opener(run: list[Rule], depth: int) -> str:
    """The owner of the groups of an opening."""
    return f"{run[0].name}_{depth}"


def _alternatives(patterns: Iterable[bytes]) -> bytes:
    return b"(?:%b)" % b"|".join(patterns)


def _named(text: bytes, owner: str) -> bytes:
    """The text with its groups named for their owner, as OWNER_Q: ``re`` has each name once."""
    return _OWN_GROUP.sub(rb"(?P<%b_\1>" % owner.encode(), text)


_OWN_GROUP = re.compile(rb"\(\?P<([A-Z])>")


def _groups(rows: list[Rule], named: Mapping[str, int], depth: int = 0) -> dict[str, tuple[int, ...]]:
    """By row, the groups of its opening and text, in their order."""
    groups: dict[str, tuple[int, ...]] = {}
    for run in _runs(rows, depth):
        if len(run[0].opening) > depth:
            shared = _owned(_opener(run, depth), run[0].opening[depth], named)
            groups |= {row: shared + own for row, own in _groups(run, named, depth + 1).items()}
        else:
            groups |= {rule.name: _owned(rule.name, rule.text, named) for rule in run}
    return groups


def _owned(owner: str, text: bytes, named: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(named[f"{owner}_{letter.decode()}"] for letter in _OWN_GROUP.findall(text))


class _Row(NamedTuple):
    """What a hit of a row needs: the step that says which of the counters it is, and the groups that the step gets."""

    counters: Counters
    step: Callable[..., Counters] | None = None
    groups: tuple[int, ...] = ()
    looked_at: bool = False
    """Whether it takes more than the row to say what the hit counts."""


_LOOKED_AT = _Row((), looked_at=True)


class Scanner:
    """Counts the lines of blocks under the given options.

    ``window`` is the end of the log before the first block: what ``last message repeated`` may speak of;
    ``messages`` is what is remembered of it; ``own`` are rules beside RULES.  Raises UsageError for a pattern of the
    options that is no regular expression.
    """

    def __init__(
        self,
        options: Options,
        stamps: Stamps,
        window: bytes = b"",
        messages: Messages | None = None,
        own: OwnRules | None = None,
    ) -> None:
        self.window = window
        self.messages = Messages() if messages is None else messages
        self._stamps = stamps
        self._present = 0
        self._inline_repeated = not options.classic
        self._classic = options.classic
        self._rules = tuple(rule for rule in RULES if options.wants(rule))
        self._own = own or None
        self._ignored = {rule.name: _ignored_hosts(options, rule.unless) for rule in self._rules if rule.unless}
        self._numbered = {rule.name for rule in self._rules if b"(?P<N>" in rule.text}
        self._unseen = frozenset(_marked(self._rules))
        self._pattern = re.compile(b"\n" + _UNSEEN)
        self._rows: dict[int, _Row] = {}
        self._split = options.hosts_limit > 0
        self._names = Names()
        self._host = None if options.host is None else _compiled(options.host, "--host")

    def _see_programs(self, text: bytes, begin: int) -> None:
        """Has the rules of the text's programs in the pattern, beside those of all programs that were seen before.

        Rules of programs that a log does not have would be two thirds of the 12 ms that compiling all rules takes, and
        of the 0.2 us that a hit costs for its groups.
        """
        self._unseen -= {line.lastgroup for line in self._programs.finditer(text, begin)}
        self._pattern = re.compile(pattern_source(self._rules, self._classic, self._unseen))
        self._rows = self._by_index()

    def _by_index(self) -> dict[int, _Row]:
        """The rows by the number of the group that ends them, as a hit's ``lastindex`` has it."""
        named = self._pattern.groupindex
        rows = {named["repeated"]: _LOOKED_AT}
        for mark, program in _marked(self._rules).items():
            if mark in self._unseen:
                continue
            groups = _groups(program, named)
            for rule in program:
                step = getattr(self.messages, rule.step) if rule.step else None
                looked_at = rule.name in self._numbered or bool(self._ignored.get(rule.name))
                taken = (named["host"], named["process"], *groups[rule.name])
                rows[named[rule.name]] = _Row(rule.counters, step, taken, looked_at)
        return rows

    def scan(self, block: bytes, reference: float, now: float = LATEST) -> Tally:
        """The events of whole lines; a stamp without year is near ``reference``, none is later than ``now``.

        Both are epoch seconds; a line of the future is in the tally as it is stamped.
        """
        self._stamps.refer(reference)
        self._present = int(now) // STEP * STEP
        lines = self._stamps.lines_across_repeated_hour(block)
        if lines is None:
            return self._scan(block)
        tally: Tally = []
        for line in lines:
            self._stamps.see(line)
            tally += self._scan(line)
        return tally

    def unknown_lines(self, block: bytes) -> list[bytes]:
        """The lines in no known form, and those whose stamp is no time: ``scan`` skips them.

        Costs a microsecond a line, for those who ask (``--verbose``, ``--check``).
        """
        return [line for line in block.split(b"\n")[:-1] if not self._is_known(line)]

    def covers(self, line: bytes) -> bool:
        """Whether a rule speaks of the line, which begins with the newline before it; nothing is counted."""
        return bool(self._hits_of_rules(line + b"\n"))

    def _is_known(self, line: bytes) -> bool:
        known = LINE.match(b"\n" + line)
        return known is not None and self._stamps.minute(*known.group("minute", "zone")) is not None

    def _scan(self, block: bytes) -> Tally:
        text = b"\n" + block
        split = self._split
        look_at_all = self._host is not None or (self._inline_repeated and MESSAGE_REPEATED in text)
        hits = self._hits(text)
        rows, taken_back = self._rows, self.messages.taken_back
        own = self._own.pattern if self._own else None
        tally: list[tuple[int, Events]] = []
        stamp: bytes | None = None
        zone: bytes | None = None
        minute: int | None = None
        for hit in hits:
            if hit[MINUTE] != stamp or hit[ZONE] != zone:
                stamp, zone = hit.group(MINUTE, ZONE)
                minute = self._stamps.minute(stamp, zone)
                if minute is not None:
                    events: Events = {}
                    tally.append((minute, events))
                    minute = min(minute, self._present)
                    self.messages.pass_to(minute)
            if minute is None:
                continue
            row = rows[hit.lastindex or 0] if own is None or hit.re is not own else _LOOKED_AT
            counters, step, groups, looked_at = row
            if look_at_all or looked_at:
                for seen, times in self._look_at(hit, row, text, minute).items():
                    key = (hit[HOST], seen) if split else seen
                    events[key] = events.get(key, 0) + times
            else:
                if step:
                    counters = step(counters, minute, *hit.group(*groups))
                if counters:
                    key = (hit[HOST], counters) if split else counters
                    events[key] = events.get(key, 0) + 1
            if taken_back:
                # before the first event of a minute, which closes an earlier one; behind it their place is no matter
                at = len(tally) if events else -1
                tally[at:at] = [
                    (earlier, {(host, RECEIVED) if split else RECEIVED: -1}) for earlier, host in taken_back
                ]
                taken_back.clear()
        self._remember(block)
        fold = self._counts_by_host if split else _counts
        counted = ((minute, fold(events)) for minute, events in tally)
        return [(minute, counts) for minute, counts in counted if counts]

    def _hits(self, text: bytes) -> Iterable[re.Match[bytes]]:
        """The lines that count, in their order; one that counts by a rule of one's own too comes twice."""
        hits = self._hits_of_rules(text)
        if self._own is None:
            return hits
        return merge(hits, self._own.pattern.finditer(text), key=re.Match.start)

    def _hits_of_rules(self, text: bytes) -> list[re.Match[bytes]]:
        """The hits of the pattern as it is then: programs that come up for the first time are in it.

        All of the block at once: to find one and count it before the next is found takes 8 % more time.
        """
        hits = list(self._pattern.finditer(text))
        if not hits or hits[-1].lastgroup != "unseen":
            return hits
        self._see_programs(text, hits[-1].start())
        return list(self._pattern.finditer(text))

    @cached_property
    def _programs(self) -> re.Pattern[bytes]:
        return re.compile(_programs_source(self._rules, self._classic))

    def _row(self, hit: re.Match[bytes]) -> _Row:
        """That of a hit of the pattern as it is now, or of a rule of one's own."""
        return self._rows[hit.lastindex or 0] if hit.re is self._pattern else _LOOKED_AT

    def _remember(self, block: bytes) -> None:
        self.window = block[-WINDOW:] if len(block) >= WINDOW else (self.window + block)[-WINDOW:]

    def _counts_by_host(self, events: Events) -> Counts:
        counts: Counts = {}
        for (host, counters), times in events.items():
            name = self._names[host]
            for counter in counters:
                for key in (counter, f"{name}{OF_HOST}{counter}"):
                    counts[key] = counts.get(key, 0) + times
        return counts

    def _look_at(self, hit: re.Match[bytes], row: _Row, text: bytes, minute: int) -> Events:
        """What a hit counts, where that takes more than its row."""
        if self._host is not None and not self._host.fullmatch(hit[HOST] or b"localhost"):
            return {}
        if self._own is not None and hit.re is self._own.pattern:
            return {(counter,): times for counter, times in self._own.counted(hit).items()}
        name = hit.lastgroup or ""
        if name == "repeated":
            return self._repeated(hit, text, minute)
        counters, step, groups, _ = row
        if self._is_ignored(hit, name, text):
            if step:  # it counts nothing, but a hop is one
                step((), minute, *hit.group(*groups))
            return {}
        inline = _INLINE_TIMES.match(text, hit.end(HOST)) if self._inline_repeated and hit[HOST] else None
        times = int(inline[1]) if inline else 1
        if step:
            counters = step(counters, minute, *hit.group(*groups))
        often = int(hit[f"{name}_N"]) if name in self._numbered else 1
        return {counters: times * often} if counters else {}

    def _is_ignored(self, hit: re.Match[bytes], name: str, text: bytes) -> bool:
        """Whether ``--ignore-host`` names the host of the line, which a row of that name fits."""
        hosts = self._ignored.get(name)
        if not hosts:
            return False
        end_of_line = text.find(b"\n", hit.end())
        return any(host.search(text, hit.start(), end_of_line) for host in hosts)

    def _repeated(self, hit: re.Match[bytes], text: bytes, minute: int) -> Events:
        """``last message repeated``: the rows of the host's line before, as often as it says."""
        before = text[max(1, hit.start() + 1 - WINDOW) : hit.start() + 1]
        if len(before) < WINDOW:
            before = (self.window + before)[-WINDOW:]
        end, host = len(before), hit[HOST]
        while host and (at := before.rfind(host, 0, end)) >= 0:
            start = before.rfind(b"\n", 0, at) + 1
            line = b"\n%b\n" % before[start : before.index(b"\n", at)]
            known = LINE.match(line)
            if known and known["host"] == host and known.lastgroup != "nothing":
                events: Events = {}
                for same in self._hits(line):
                    events |= self._look_at(same, self._row(same), line, minute)
                return {counters: times * int(hit["times"]) for counters, times in events.items()}
            end = start
        return {}


MINUTE, ZONE, HOST = (LINE.groupindex[group] for group in ("minute", "zone", "host"))


def _counts(events: Events) -> Counts:
    counts: Counts = {}
    for counters, times in events.items():
        for counter in counters:
            counts[counter] = counts.get(counter, 0) + times
    return counts


_INLINE_TIMES = re.compile(rb"[^:\n]*?[:-] message repeated (\d{1,6}) times: \[ ")


def _ignored_hosts(options: Options, field: str) -> list[re.Pattern[bytes]]:
    """``--ignore-host`` for a field; the original forgets the parentheses, which shows with ``a|b``.

    Of a run of ``field=field=...`` the first one decides, so that a crafted line costs no more than its length.
    """
    first = rf"(?<![^\s,])(?>[^\s,]*?\b{field}=)[^\s,]*"
    group = "{}" if options.classic else "(?:{})"
    return [_compiled(first + group.format(host), "--ignore-host", host) for host in options.ignore_hosts]


def _compiled(pattern: str, option: str, given: str | None = None) -> re.Pattern[bytes]:
    try:
        return re.compile(os.fsencode(pattern), re.IGNORECASE)
    except re.error as error:
        shown = pattern if given is None else given
        raise UsageError(f"{option}: {shown!r} is no regular expression: {error} (see Python's re)") from error
