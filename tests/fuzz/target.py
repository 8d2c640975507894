"""What is done with each input: scan it whole and line by line, and look at the clock."""

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from mailgraph.logforms import Stamps
from mailgraph.rules import RULES
from mailgraph.scanner import Options, Scanner, Tally, pattern_source
from tests.oracle.original import log_lines, sample_logs

COUNTING = Path(__file__).parent.parent / "counting"

LONGEST = 4096
"""Bytes of an input, and so of a line."""

TOO_SLOW = 0.010
"""Seconds of processor time that no line may take, where nothing else runs."""

BLOCK_TOO_SLOW = 10 * TOO_SLOW
"""Seconds that no input of many lines may take: each ``last message repeated`` looks at the line before once more."""

TRIES = 10
"""So often an input that seems too slow is tried again: the machine may have been busy."""

COMPARED = 1024
"""Of so many inputs one is scanned line by line too, by scanners of its own: that takes milliseconds."""

REFERENCE = 1_794_000_000
"""2026-11-06, for stamps without a year."""

OPTIONS = (
    Options(),
    Options(classic=True),
    Options(True, True, ("filter|mx", ".*"), rbl_is_spam=True, virbl_is_virus=True, lmtp_is_smtp=True),
    Options(False, True, ("filter",), rbl_is_spam=True, virbl_is_virus=True, lmtp_is_smtp=True),
    Options(rbl_is_spam=True, host="mail|.*example"),
    Options(hosts_limit=1),
)
"""An input's first byte chooses."""

OTHER_LINES = (
    b"Nov  5 06:07:09 mail last message repeated 3 times\n",
    b"Nov  5 06:07:09 mail postfix/smtpd[1]: message repeated 4 times: [ 4F9: reject: RCPT from x: 550 5.1.1 no]\n",
    b"Nov  5 06:07:09 mail -- MARK --\n",
    b"Nov  5 06:07:09 [last message repeated 3 times\n",
    b"Nov  5 06:07:09 [postfix/smtpd] 4F9D2: client=x[192.0.2.1]\n",
    b"2026-11-05T06:07:09.123456+01:00 mail postfix/smtp[4]: 4F9D2: status=sent\n",
    b'<22>1 2026-11-05T06:07:09.123Z mail postfix/smtp 4 - [a b="c"] 4F9D2: status=sent\n',
    b"Nov  5 06:07:09 <mail.info> mail [LOG_MAIL] postfix/smtp[4]: 4F9D2: status=sent\n",
    b"1971-01-01T00:00:00 mail postfix/smtp[4]: 4F9D2: status=sent\n4000-01-01T00:00:00 mail x: y\n",
    b"Nov  5 06:07:09 mail mail postfix/smtp[4]: [ID 197553 mail.info] 4F9D2: status=sent\n",
)
"""Lines in forms that the samples do not have, and what was found: stamps of two ages took seconds."""


class TooSlow(Exception):
    """An input took longer than any may."""


class NotTheSum(Exception):
    """A block counts otherwise than its lines."""


class Target:
    """The scanners under test; ``rows`` are the names of all that may count in a line.

    ``too_slow`` is the processor time, in seconds, that no line may take.
    """

    def __init__(self, too_slow: float = TOO_SLOW) -> None:
        self._too_slow = too_slow
        self._scanners = [_scanner(options) for options in OPTIONS]
        self._patterns = [_pattern(options) for options in OPTIONS]
        self.rows = sorted({row for pattern in self._patterns for row in pattern.groupindex})

    def try_input(self, raw: bytes) -> tuple[float, set[str]]:
        """Scans the bytes behind the first one; returns processor seconds and the rows that counted.

        Raises TooSlow and NotTheSum.
        """
        chosen = raw[0] % len(OPTIONS) if raw else 0
        block = raw[1:] if raw.endswith(b"\n") else raw[1:] + b"\n"
        seconds = self._timed(chosen, block)
        if seconds > self._too_slow:
            seconds = self._try_again(chosen, block, BLOCK_TOO_SLOW)
            for line in block.splitlines(keepends=True):
                self._try_again(chosen, line, self._too_slow)
        if block.count(b"\n") > 1 and crc32(raw) % COMPARED == 0:
            _compare(OPTIONS[chosen], block)
        return seconds, {hit.lastgroup or "" for hit in self._patterns[chosen].finditer(b"\n" + block)}

    def _try_again(self, chosen: int, block: bytes, too_slow: float) -> float:
        seconds = min(self._timed(chosen, block) for _ in range(TRIES))
        if seconds > too_slow:
            raise TooSlow(f"{seconds * 1000:.1f} ms, {len(block)} bytes, {OPTIONS[chosen]}")
        return seconds

    def _timed(self, chosen: int, block: bytes) -> float:
        scanner, stamps = self._scanners[chosen]
        scanner.window = b""
        stamps.newest = None
        before = time.thread_time()
        scanner.scan(block, REFERENCE)
        return time.thread_time() - before


def _compare(options: Options, block: bytes) -> None:
    whole = Scanner(options, Stamps()).scan(block, REFERENCE)
    scanner = Scanner(options, Stamps())
    by_line = [counted for line in block.split(b"\n")[:-1] for counted in scanner.scan(line + b"\n", REFERENCE)]
    if events(whole) != events(by_line):
        raise NotTheSum(f"{events(whole)} as a block, {events(by_line)} line by line, {options}")


def _scanner(options: Options) -> tuple[Scanner, Stamps]:
    stamps = Stamps()
    return Scanner(options, stamps), stamps


def _pattern(options: Options) -> re.Pattern[bytes]:
    wanted = tuple(rule for rule in RULES if options.wants(rule))
    return re.compile(pattern_source(wanted, options.classic))


def events(tally: Tally) -> Counter[tuple[int, str]]:
    """The events of a tally by minute and counter."""
    counted: Counter[tuple[int, str]] = Counter()
    for minute, counts in tally:
        for counter, times in counts.items():
            counted[minute, counter] += times
    return counted


def seeds() -> Iterator[bytes]:
    """What fuzzing starts from: each sample line of a rule, each near miss, each form, some lines of real logs."""
    lines = [*log_lines("hits.txt"), *log_lines("near-misses.txt"), *_default_lines(), *OTHER_LINES]
    for number, line in enumerate(lines):
        yield bytes([number % len(OPTIONS)]) + line
    for number, log in enumerate(sample_logs().values()):
        yield bytes([number % len(OPTIONS)]) + b"".join(log.splitlines(keepends=True)[:4])[: LONGEST - 1]


def _default_lines() -> Iterator[bytes]:
    """What counts by default, and what only looks alike: COUNTERS, a tab, PROGRAM: TEXT."""
    for name in ("hits.txt", "near-misses.txt"):
        for line in (COUNTING / name).read_bytes().splitlines():
            program, _, text = line.rpartition(b"\t")[2].partition(b":")
            yield b"Nov  5 06:07:08 mail %b[4711]:%b\n" % (program, text)
