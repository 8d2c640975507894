"""Who is silent and who is far from the usual level: rates as a test sets them, at a time as a test sets it."""

from collections.abc import Callable

import pytest

from mailgraph.levels import ABOVE, BELOW, HOUR, SILENT, Level, judged, risen
from mailgraph.schema import DAY, STEP
from tests.page.rrds import NOON

Rates = Callable[[int, int, int], list[float]]

UNKNOWN = float("nan")

Hourly = Callable[[int], float]
"""Events an hour at a time."""


def of(hourly: Hourly, since: int = 0) -> Rates:
    """What an RRD file holds of a host that is known from ``since`` on."""

    def rates(steps: int, start: int, end: int) -> list[float]:
        row = steps * STEP
        assert start % row == end % row == 0
        return [
            sum(hourly(at - row + part) for part in range(0, row, 480)) / (row / 480) / HOUR
            if at - row >= since
            else UNKNOWN
            for at in range(start + row, end + row, row)
        ]

    return rates


def last_hour(count: float, before: Hourly = lambda at: 100) -> Hourly:
    return lambda at: count if at >= NOON - HOUR else before(at)


def kind(hourly: Hourly, end: int = NOON, since: int = 0) -> str:
    level = judged(of(hourly, since), end)
    return level.kind if level else ""


def test_a_host_as_always_is_well() -> None:
    assert kind(lambda at: 100) == ""


@pytest.mark.parametrize(("count", "found"), [(0, SILENT), (1, BELOW), (24, BELOW), (26, ""), (399, ""), (401, ABOVE)])
def test_the_last_hour_is_held_against_the_same_hour_of_other_days(count: float, found: str) -> None:
    assert kind(last_hour(count)) == found


@pytest.mark.parametrize(("usual", "count", "found"), [(19, 0, ""), (20, 0, SILENT), (20, 4, BELOW), (1, 79, "")])
def test_few_events_are_noise(usual: float, count: float, found: str) -> None:
    assert kind(last_hour(count, lambda at: usual)) == found


def test_more_than_noise_is_seen_of_a_host_that_has_none() -> None:
    assert kind(last_hour(81, lambda at: 0)) == ABOVE


def test_numbers_are_those_of_the_hour() -> None:
    level = judged(of(last_hour(10, lambda at: 100 + at // DAY - NOON // DAY)), NOON)
    assert level
    assert (round(level.count), [round(one) for one in level.usual]) == (10, [93, 99])


@pytest.mark.parametrize("minutes", range(-72, 73, 8))
@pytest.mark.parametrize("night", [0, 30])
def test_work_that_begins_and_ends_sharp_is_usual(minutes: int, night: float) -> None:
    """Rows of a week are not those of the hour a day later: a day is 25.7 of them."""
    work = lambda at: 500 if (at - NOON) % DAY < DAY / 3 else night  # noqa: E731
    assert kind(work, NOON + minutes * 60) == ""
    assert kind(work, NOON + DAY // 3 + minutes * 60) == ""


def is_weekend(at: int) -> bool:
    """NOON is a Wednesday's."""
    return (at // DAY - NOON // DAY) % 7 in (3, 4)


@pytest.mark.parametrize("days", range(7))
def test_a_quiet_weekend_is_usual(days: int) -> None:
    assert kind(lambda at: 0 if is_weekend(at) else 200, NOON + days * DAY) == ""
    assert kind(lambda at: 30 if is_weekend(at) else 900, NOON + days * DAY) == ""


def test_one_outage_makes_no_other_usual() -> None:
    outage = range(NOON - 2 * DAY - 7200, NOON - 2 * DAY + 7200)
    assert kind(last_hour(0, lambda at: 0 if at in outage else 100)) == SILENT


@pytest.mark.parametrize("hours", [2, 12, 30, 24 * 3, 24 * 6, 24 * 9, 24 * 20])
def test_a_silent_host_stays_one(hours: int) -> None:
    since = NOON - hours * 3600 // 480 * 480
    level = judged(of(lambda at: 0 if at >= since else 100), NOON)
    assert level
    assert level.kind == SILENT
    assert level.usual == pytest.approx((100, 100), rel=0.15)
    assert 0 <= level.since - since <= 280 * 60


def test_a_host_that_never_had_mail_is_not_silent() -> None:
    assert kind(lambda at: 0) == ""


def test_a_host_of_some_hours_is_silent_too_and_nothing_else() -> None:
    assert kind(last_hour(0), since=NOON - 10 * HOUR) == SILENT
    assert kind(last_hour(10), since=NOON - 10 * HOUR) == ""
    assert kind(last_hour(5000), since=NOON - 10 * HOUR) == ""


def test_an_hour_that_is_not_known_is_not_judged() -> None:
    assert judged(of(lambda at: 0, since=NOON - 480), NOON) is None
    assert risen(of(lambda at: 9000, since=NOON - 480), NOON) is None


def test_of_rejects_only_a_rise_matters() -> None:
    found: list[Level | None] = [risen(of(last_hour(count)), NOON) for count in (0, 10, 399, 401)]
    assert [level.kind if level else "" for level in found] == ["", "", "", ABOVE]
