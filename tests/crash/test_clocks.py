"""Clocks that are wrong, or are set, and hours and days that are special: each line counts once, at a sensible minute."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.conftest import SetZone
from tests.crash.harness import Machine, Step
from tests.crash.test_every_step import at, sent

NOW = 1_800_000_060
HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def rfc3339(text: str) -> str:
    return f"{text} mail postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)"


def run(directory: Path, *script: Step, now: float = NOW) -> Machine:
    machine = Machine(directory / "machine", now, script)
    machine.run()
    return machine


@pytest.mark.parametrize(
    "future",
    [
        "2027-01-15T08:03:00Z",
        "2027-01-15T09:01:00Z",
        "2027-01-16T08:01:00Z",
        "2028-01-15T08:01:00Z",
        "2106-02-07T06:28:16Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_line_from_the_future_counts_now_and_counting_goes_on(tmp_path: Path, future: str) -> None:
    machine = run(
        tmp_path,
        at(NOW + 1, rfc3339(future)),
        at(NOW + 62, sent(NOW + 61), rfc3339(future)),
        at(NOW + 130, sent(NOW + 129)),
        at(NOW + 300),
        at(NOW + 300),
    )
    assert machine.sent == {NOW: 1, NOW + 60: 2, NOW + 120: 1}
    assert machine.last() == NOW + 180


def test_a_bsd_stamp_a_month_ahead_counts_now(tmp_path: Path) -> None:
    machine = run(tmp_path, at(NOW + 1, sent(NOW + 30 * DAY)), at(NOW + 200), at(NOW + 200))
    assert machine.sent == {NOW: 1}


def test_a_late_line_of_an_open_minute_counts_in_its_minute(tmp_path: Path) -> None:
    machine = run(tmp_path, at(NOW + 61, sent(NOW + 60), sent(NOW + 59)), at(NOW + 200), at(NOW + 200))
    assert machine.sent == {NOW: 1, NOW + 60: 1}


def test_a_line_older_than_the_open_minutes_counts_in_the_oldest_open_one(tmp_path: Path) -> None:
    script = (at(NOW + 61, sent(NOW + 60)), at(NOW + 181, sent(NOW + 180), sent(NOW - 5 * HOUR)), at(NOW + 400))
    assert run(tmp_path, *script, at(NOW + 400)).sent == {NOW + 60: 1, NOW + 120: 1, NOW + 180: 1}


@pytest.mark.parametrize("behind", [45, 300, HOUR, DAY])
def test_two_hosts_with_different_clocks(tmp_path: Path, behind: int) -> None:
    minutes = range(0, 20 * 60, 60)
    script = [at(NOW + n + 30, sent(NOW + n + 29), sent(NOW + n + 29 - behind)) for n in minutes]
    machine = run(tmp_path, *script, *[at(NOW + 22 * 60)] * 2)
    assert sum(machine.sent.values()) == 40
    assert set(machine.sent) <= set(range(NOW - 60, NOW + 20 * 60, 60))


@pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY])
def test_the_machines_clock_is_set_while_running_and_back_again(tmp_path: Path, jump: int) -> None:
    minutes = range(0, 10 * 60, 60)
    script = [at(NOW + n + 30, sent(NOW + n + 29)) for n in minutes]
    script += [at(NOW + jump + n + 30, sent(NOW + jump + n + 29)) for n in range(600, 1200, 60)]
    script += [at(NOW + n + 30, sent(NOW + n + 29)) for n in range(1200, 1800, 60)]
    script += [at(NOW + abs(jump) + 3600, sent(NOW + abs(jump) + 3600)), *[at(NOW + abs(jump) + 4000)] * 2]
    machine = run(tmp_path, *script)
    assert sum(machine.sent.values()) == 31
    assert machine.last() < machine.now


@pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY])
def test_the_rrds_are_never_past_a_clock_that_was_only_set_forth(tmp_path: Path, jump: int) -> None:
    lasts = []

    def look(machine: Machine) -> None:
        lasts.append((machine.last(), machine.now))

    run(
        tmp_path,
        at(NOW + 30, sent(NOW + 29)),
        at(NOW + 130, sent(NOW + 129)),
        look,
        at(NOW + max(jump, 0) + 200, sent(NOW + jump)),
        look,
        at(NOW + max(jump, 0) + 400),
        look,
    )
    assert all(last <= now for last, now in lasts)


def minutes_of(zone: str, *times: str) -> list[int]:
    """Minutes of local times; a time with a + behind it is of the second pass of a repeated hour."""
    moments = [
        datetime.strptime(text.rstrip("+"), "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(zone), fold="+" in text)
        for text in times
    ]
    return [int(moment.timestamp()) for moment in moments]


SPECIAL = (
    ("UTC", "2026-12-31 23:58", "2026-12-31 23:59", "2027-01-01 00:00", "2027-01-01 00:01"),
    ("UTC", "2028-02-28 23:59", "2028-02-29 00:00", "2028-02-29 23:59", "2028-03-01 00:00"),
    ("Europe/Zurich", "2027-03-28 01:58", "2027-03-28 01:59", "2027-03-28 03:00", "2027-03-28 03:01"),
    ("Europe/Zurich", "2027-10-31 02:00", "2027-10-31 02:59", "2027-10-31 02:00+", "2027-10-31 02:30+", "2027-10-31 02:59+", "2027-10-31 03:00"),
    ("America/New_York", "2027-03-14 01:59", "2027-03-14 03:00", "2027-03-14 03:01"),
    ("America/New_York", "2027-11-07 01:00", "2027-11-07 01:59", "2027-11-07 01:00+", "2027-11-07 01:30+", "2027-11-07 01:59+", "2027-11-07 02:00"),
)  # fmt: skip


@pytest.mark.parametrize(("zone", "times"), [(zone, times) for zone, *times in SPECIAL])
def test_a_special_day_while_running(tmp_path: Path, set_zone: SetZone, zone: str, times: list[str]) -> None:
    set_zone(zone)
    minutes = minutes_of(zone, *times)
    assert minutes == sorted(minutes)
    script = [at(minute + 5, bsd(minute, zone)) for minute in minutes]
    machine = run(tmp_path, *script, *[at(minutes[-1] + 300)] * 2, now=minutes[0])
    assert machine.sent == dict.fromkeys(minutes, 1)


@pytest.mark.parametrize(("zone", "times"), [(zone, times) for zone, *times in SPECIAL])
def test_a_special_day_read_in_one_piece(tmp_path: Path, set_zone: SetZone, zone: str, times: list[str]) -> None:
    set_zone(zone)
    minutes = minutes_of(zone, *times)
    lines = [bsd(minute, zone) for minute in minutes]
    machine = run(tmp_path, at(minutes[-1] + 30, *lines), *[at(minutes[-1] + 300)] * 2, now=minutes[-1])
    assert machine.sent == dict.fromkeys(minutes, 1)


def bsd(moment: int, zone: str) -> str:
    """A line stamped with the local time of ``moment``."""
    stamp = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).strftime("%b %e %H:%M:%S")
    return f"{stamp} mail postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)"
