"""The sample log: each of its lines counts as what it stands for, and its year looks like one."""

import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from mailgraph import sample, schema
from mailgraph.sample import DAY, KINDS, YEAR
from tests.conftest import SetZone

NOW = 1_795_600_000

NAMES = ("sent", "received", "bounced", "rejected", "virus", "spam", "greylisted", "delayed")
"""The counter of each of KINDS."""


def counted(lines: list[str], rrd_dir: Path) -> dict[str, int]:
    """What mailgraph counts of the lines, which begin after New Year 2026."""
    command = [sys.executable, "-m", "mailgraph", "-c", "-v", "-l", "-", "--daemon-rrd", rrd_dir]
    done = subprocess.run(command, input="".join(lines), check=True, capture_output=True, text=True)
    assert done.stderr == ""
    rows = [row.split()[1].split(":")[1:] for row in done.stdout.splitlines()]
    totals = [sum(map(int, column)) for column in zip(*rows, strict=True)]
    return dict(zip(schema.CLASSICAL_COUNTERS, totals, strict=True))


def stamp(line: str) -> float:
    return datetime.fromisoformat(line.split()[0]).timestamp()


def texts(lines: list[str]) -> list[str]:
    """The lines without their stamps."""
    return [line.partition(" ")[2] for line in lines]


@pytest.mark.parametrize(("kind", "name"), list(zip(KINDS, NAMES, strict=True)), ids=NAMES)
def test_each_line_counts_as_its_kind_and_as_nothing_else(
    kind: sample.Kind, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "KINDS", (kind,))
    lines = list(sample.lines(NOW - DAY, NOW))
    assert len(lines) > 20
    assert counted(lines, tmp_path) == dict.fromkeys(schema.CLASSICAL_COUNTERS, 0) | {name: len(lines)}


def test_each_live_line_counts_once(tmp_path: Path) -> None:
    random = Random(1)
    lines = [sample.live_line(NOW + second, random) for second in range(200)]
    assert sum(counted(lines, tmp_path).values()) == 200


def test_lines_are_in_the_order_of_time_and_within_the_span() -> None:
    stamps = [stamp(line) for line in sample.lines(NOW - DAY - 1234, NOW)]
    assert stamps == sorted(stamps)
    assert NOW - DAY - 1234 <= stamps[0] < stamps[-1] <= NOW


def test_the_same_arguments_give_the_same_lines_and_another_seed_gives_others() -> None:
    day = list(sample.lines(NOW - DAY, NOW))
    assert list(sample.lines(NOW - DAY, NOW)) == day
    assert list(sample.lines(NOW - DAY, NOW, seed=2)) != day


def test_a_span_of_no_time_has_no_lines() -> None:
    assert list(sample.lines(NOW, NOW)) == []


def test_a_year_grows_sleeps_at_night_and_rests_at_weekends(set_zone: SetZone) -> None:
    set_zone("UTC")
    sent = [line for line in sample.lines(NOW - YEAR, NOW) if "status=sent" in line]
    times = [datetime.fromisoformat(line.split()[0]) for line in sent]
    quarters = Counter(int((NOW - time.timestamp()) * 4 // YEAR) for time in times)
    assert quarters[0] > 1.3 * quarters[2] > 1.3 * quarters[3] > 0
    by_day = sum(7 <= time.hour < 19 for time in times)
    assert by_day > 5 * (len(times) - by_day)
    weekdays = Counter(time.weekday() for time in times)
    assert weekdays[2] > 2 * weekdays[6] > 0


@pytest.mark.parametrize("wave", sample.WAVES)
def test_a_wave_is_seen(wave: sample.Wave, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "KINDS", (wave.kind,))
    start = NOW - wave.age
    whole = [stamp(line) for line in sample.lines(NOW - YEAR, NOW)]
    during = sum(start <= time < start + wave.length for time in whole)
    before = sum(start - wave.length <= time < start for time in whole)
    assert during > 2 * before
