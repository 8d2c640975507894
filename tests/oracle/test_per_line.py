"""With --classic each line counts as in the original, under every combination of counting options."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from tests.oracle.original import COUNTING_OPTIONS, Events, events_by_line, log_lines, said, sample_logs


def ours(lines: list[bytes], options: Options) -> list[Events]:
    scanner = Scanner(options, Stamps(2024))
    counted = [scanner.scan(line, 0) for line in lines]
    return [
        Counter({(counter, minute): times for minute, counts in tally for counter, times in counts.items()})
        for tally in counted
    ]


def differences(lines: list[bytes], options: Options, log: Path) -> list[tuple[bytes, Events, Events]]:
    log.write_bytes(b"".join(lines))
    theirs = events_by_line(log, options)
    assert len(theirs) == len(lines)
    return [row for row in zip(lines, theirs, ours(lines, options), strict=True) if row[1] != row[2]]


@pytest.fixture(scope="module")
def corpus() -> list[bytes]:
    """Every sample line, hit, near miss and log, in the two usual forms."""
    logs = b"".join(log if log.endswith(b"\n") else log + b"\n" for log in sample_logs().values())
    lines = log_lines("hits.txt") + log_lines("near-misses.txt")
    in_iso_form = [line.replace(b"Nov  5 06:07:08", b"2024-11-05T06:09:08.123456+01:00", 1) for line in lines]
    return lines + in_iso_form + [line.replace(b"2026-", b"2024-", 1) for line in logs.splitlines(keepends=True)]


@pytest.mark.parametrize("options", COUNTING_OPTIONS, ids=said)
def test_each_line_counts_as_in_the_original(options: Options, corpus: list[bytes], tmp_path: Path) -> None:
    assert differences(corpus, options, tmp_path / "mail.log") == []


FRAGMENTS = (
    b" ",
    b"  ",
    b"\t",
    b"\r",
    b"\x0b",
    b"\xa0",
    b"\x85",
    b"\xc3\xa9",
    b"\0",
    *(bytes([c]) for c in b":[](),aE0-_=."),
)


def mutated(lines: list[bytes], random: Random) -> bytes:
    """One of the lines, behind its stamp and host, with something put in, taken out, or exchanged."""
    line = random.choice(lines)[:-1]
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(b"Nov  5 06:07:08 mail "), len(line) + 1)
        before, there, behind = line[:at], line[at : at + 1], line[at + 1 :]
        other = random.choice(lines)[:-1]
        line = random.choice(
            (
                before + random.choice(FRAGMENTS) + there + behind,
                before + behind,
                before,
                before + there.swapcase() + behind,
                before + other[random.randrange(21, len(other)) :],
            )
        )
        line = line.ljust(21)
    return line + b"\n"


@pytest.mark.parametrize("options", [COUNTING_OPTIONS[0], COUNTING_OPTIONS[-1]], ids=said)
def test_damaged_lines_count_as_in_the_original(options: Options, tmp_path: Path) -> None:
    random = Random(5)
    lines = log_lines("hits.txt") + log_lines("near-misses.txt")
    assert differences([mutated(lines, random) for _ in range(8000)], options, tmp_path / "mail.log") == []
