r"""Blocks of log in, tallies of counters per minute out.  Knows no clock and no file.

One bytes pattern, compiled from the rules and the line forms, runs over ``b"\\n" + block``; Python code runs per
hit, and a hit is a line that counts.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from heapq import merge
from itertools import groupby
from string import ascii_uppercase
from typing import NamedTuple, TypeAlias

from mailgraph import UsageError
from mailgraph.logforms import BEFORE_TEXT, HEADER, INLINE_REPEATED, LINE, MESSAGE_REPEATED, REPEATED, Stamps
from mailgraph.messages import Messages
from mailgraph.ownrules import OwnRules
from mailgraph.rules import EXIM4, POSTFIX_TAG, RULES, Rule
from mailgraph.schema import COUNTERS, LATEST, STEP

Counts: TypeAlias = dict[str, int]
"""Events by counter."""

Tally: TypeAlias = list[tuple[int, Counts]]
"""What a block counts, in the order of its lines: a minute (epoch second of its start) and its events.

A minute stands again where the log goes back to it, so that tallies of any cuts of a log say the same.
"""

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

    def wants(self, rule: Rule) -> bool:
        """Whether the row is there under these options."""
        needed = (need.partition("-") for need in rule.needs.split())
        return all(not getattr(self, without) if without else getattr(self, option) for option, _, without in needed)


def pattern_source(rules: tuple[Rule, ...], classic: bool) -> bytes:
    """The one pattern of all rules; each row is a group with the row's name, around what fits its text."""
    before = BEFORE_TEXT + (b"" if classic else INLINE_REPEATED)
    suites = {b"": b"", b"postfix/": b"postfix/" if classic else POSTFIX_TAG}
    programs = [
        suites[suite] + _alternatives(_program(list(rows), suite, before) for _, rows in groupby(suited, _tag))
        for suite, suited in groupby(rules, _suite)
    ]
    return HEADER + _alternatives([*programs, b"(?P<repeated>%b)" % (REPEATED % b"times")])


def _tag(rule: Rule) -> bytes:
    return rule.program


def _suite(rule: Rule) -> bytes:
    """What the tags of a suite of programs begin with: tried once for all of them."""
    suite, slash, _ = rule.program.rpartition(b"/")
    return suite + slash


def _program(rules: list[Rule], suite: bytes, before: bytes) -> bytes:
    runs = (_opened(opening, list(rows)) for opening, rows in groupby(rules, _opening))
    named = rules[0].program.removeprefix(suite) + before
    return (b"(?(mainlog)|%b)" % named if rules[0].program == EXIM4 else named) + _alternatives(runs)


def _opening(rule: Rule) -> bytes:
    return rule.opening


def _opened(opening: bytes, rules: list[Rule]) -> bytes:
    return _named(opening, f"{rules[0].name}_") + _alternatives(map(_row, rules))


def _alternatives(patterns: Iterable[bytes]) -> bytes:
    return b"(?:%b)" % b"|".join(patterns)


def _row(rule: Rule) -> bytes:
    return b"(?P<%b>%b)" % (rule.name.encode(), _named(rule.text, rule.name))


def _named(text: bytes, owner: str) -> bytes:
    """The text with its groups named for their owner, as OWNER_Q: ``re`` has each name once."""
    return _OWN_GROUP.sub(rb"(?P<%b_\1>" % owner.encode(), text)


_OWN_GROUP = re.compile(rb"\(\?P<([A-Z])>")


class _Step(NamedTuple):
    """A row's step, and which groups it gets: the process id (of two, one is set), and those of opening and text."""

    take: Callable[..., tuple[str, ...]]
    counters: tuple[str, ...]
    process: tuple[int, int]
    groups: tuple[int, ...]


def _steps(rules: tuple[Rule, ...], groups: Mapping[str, int], messages: Messages) -> dict[str, _Step]:
    steps: dict[str, _Step] = {}
    for _, rows in groupby(rules, _tag):
        program = list(rows)
        own = {
            index for rule in program for index in _own_groups(rule.name, groups) + _own_groups(f"{rule.name}_", groups)
        }
        first = min(own | {groups[rule.name] for rule in program})
        for _, run in groupby(program, _opening):
            opened = list(run)
            shared = _own_groups(f"{opened[0].name}_", groups)
            for rule in opened:
                if rule.step:
                    taken = sorted(shared + _own_groups(rule.name, groups))
                    take = getattr(messages, rule.step)
                    steps[rule.name] = _Step(take, rule.counters, (first - 2, first - 1), tuple(taken))
    return steps


def _own_groups(owner: str, groups: Mapping[str, int]) -> list[int]:
    return [groups[name] for letter in ascii_uppercase if (name := f"{owner}_{letter}") in groups]


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
        wanted = tuple(rule for rule in RULES if options.wants(rule))
        self._own = own or None
        self._pattern = re.compile(pattern_source(wanted, options.classic))
        self._counters = {rule.name: rule.counters for rule in wanted}
        self._counters |= {counter: (counter,) for counter in (*COUNTERS, *(own.counters if own else ()))}
        self._numbered = {rule.name for rule in wanted if b"(?P<N>" in rule.text}
        self._steps = _steps(wanted, self._pattern.groupindex, self.messages)
        self._ignored = {rule.name: _ignored_hosts(options, rule.unless) for rule in wanted if rule.unless}
        self._host = None if options.host is None else _compiled(options.host, "--host")
        ignoring = self._ignored.keys() if options.ignore_hosts else set()
        self._looked_at = self._numbered | {"repeated", OwnRules.LAST_GROUP} | ignoring

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
        return self._pattern.match(line + b"\n") is not None

    def _is_known(self, line: bytes) -> bool:
        known = LINE.match(b"\n" + line)
        return known is not None and self._stamps.minute(*known.group("minute", "zone")) is not None

    def _scan(self, block: bytes) -> Tally:
        text = b"\n" + block
        look_at_all = self._host is not None or (self._inline_repeated and MESSAGE_REPEATED in text)
        looked_at, steps = self._looked_at, self._steps
        tally: Tally = []
        rows: Counts = {}
        last: tuple[bytes | None, ...] = ()
        minute: int | None = None
        taken_back = self.messages.taken_back
        for hit in self._hits(text):
            stamp = hit.group(MINUTE, ZONE)
            if stamp != last:
                last = stamp
                rows = {}
                minute = self._stamps.minute(*stamp)
                if minute is not None:
                    tally.append((minute, rows))
                    minute = min(minute, self._present)
                    self.messages.pass_to(minute)
            row = hit.lastgroup or ""
            if look_at_all or row in looked_at:
                if minute is not None:
                    for seen, times in self._look_at(hit, text, minute).items():
                        rows[seen] = rows.get(seen, 0) + times
            elif row in steps:
                if minute is not None:
                    for counter in _said(steps[row], hit, minute):
                        rows[counter] = rows.get(counter, 0) + 1
            else:
                rows[row] = rows.get(row, 0) + 1
            if taken_back:
                tally.extend((earlier, {"received": -1}) for earlier in taken_back)
                taken_back.clear()
        self._remember(block)
        counted = ((minute, self._counts(rows)) for minute, rows in tally)
        return [(minute, counts) for minute, counts in counted if counts]

    def _hits(self, text: bytes) -> Iterable[re.Match[bytes]]:
        """The lines that count, in their order; one that counts by a rule of one's own too comes twice."""
        hits = self._pattern.finditer(text)
        if self._own is None:
            return hits
        return merge(hits, self._own.pattern.finditer(text), key=re.Match.start)

    def _remember(self, block: bytes) -> None:
        self.window = block[-WINDOW:] if len(block) >= WINDOW else (self.window + block)[-WINDOW:]

    def _counts(self, rows: Counts) -> Counts:
        counts: Counts = {}
        for row, times in rows.items():
            for counter in self._counters[row]:
                counts[counter] = counts.get(counter, 0) + times
        return counts

    def _look_at(self, hit: re.Match[bytes], text: bytes, minute: int) -> Counts:
        """The rows or counters that a hit counts, where that takes more than the row's name."""
        row = hit.lastgroup or ""
        if self._host is not None and not self._host.fullmatch(hit[HOST] or b"localhost"):
            return {}
        if self._own is not None and hit.re is self._own.pattern:
            return self._own.counted(hit)
        if row == "repeated":
            return self._repeated(hit, text, minute)
        if row in self._ignored:
            end_of_line = text.find(b"\n", hit.end())
            if any(host.search(text, hit.start(), end_of_line) for host in self._ignored[row]):
                if row in self._steps:  # it counts nothing, but a hop is one
                    _said(self._steps[row]._replace(counters=()), hit, minute)
                return {}
        inline = _INLINE_TIMES.match(text, hit.end(HOST)) if self._inline_repeated and hit[HOST] else None
        times = int(inline[1]) if inline else 1
        if row in self._steps:
            return dict.fromkeys(_said(self._steps[row], hit, minute), times)
        return {row: times * int(hit[f"{row}_N"]) if row in self._numbered else times}

    def _repeated(self, hit: re.Match[bytes], text: bytes, minute: int) -> Counts:
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
                rows: Counts = {}
                for same in self._hits(line):
                    rows |= self._look_at(same, line, minute)
                return {row: times * int(hit["times"]) for row, times in rows.items()}
            end = start
        return {}


MINUTE, ZONE, HOST = (re.compile(HEADER).groupindex[group] for group in ("minute", "zone", "host"))


def _said(step: _Step, hit: re.Match[bytes], minute: int) -> tuple[str, ...]:
    """The counters that a hit is, by its row's step."""
    take, counters, (process, other_process), groups = step
    of = hit[other_process] or hit[process] or b""
    if of == b"-":  # RFC 5424's word for none
        of = b""
    return take(counters, minute, hit[HOST] or b"localhost", of, *map(hit.group, groups))


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
