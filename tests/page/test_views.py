"""Queries to views, ranges and addresses."""

import pytest

from mailgraph import views
from mailgraph.schema import PERIODS
from mailgraph.views import BadQuery, Range, address, parsed
from tests.page.rrds import NOON

NOW = NOON + 1


def ranged(query: str, now: int = NOW, last: int = NOON) -> Range:
    """The range in the rows of the first archive that may serve."""
    view = parsed(query)
    return view.range(now, last, view.archives(now)[0])


def test_a_classical_query_is_a_picture_of_a_period() -> None:
    view = parsed("2-e")
    assert (view.letter, view.form, view.steps) == ("e", "png", 280)
    assert (view.look.theme, view.look.zoom, view.look.width, view.look.height) == ("light", 1, 540, 0)


@pytest.mark.parametrize(
    ("number", "end"), [(0, 1_795_608_000), (1, 1_795_607_520), (2, 1_795_600_800), (3, 1_795_449_600)]
)
def test_a_period_ends_with_the_last_whole_row_of_its_archive(number: int, end: int) -> None:
    asked = ranged(f"{number}-n", NOON + 59)
    assert (asked.end, asked.steps) == (end, PERIODS[number].steps)
    assert asked.end - asked.start == PERIODS[number].seconds
    assert end % asked.row == 0
    assert 0 <= NOON - end < asked.row


def test_a_row_that_is_being_stored_is_waited_for() -> None:
    assert ranged("0-n", NOON + 100, NOON - 60).end == NOON - 480
    assert ranged("0-n", NOON + 100).end == NOON


def test_data_that_do_not_come_are_not_waited_for() -> None:
    assert ranged("0-n", NOON + 299, NOON - 3600).end == NOON - 480
    assert ranged("0-n", NOON + 300, NOON - 3600).end == NOON


@pytest.mark.parametrize("form", ["png", "svg", "csv", "json"])
def test_a_picture_has_other_forms(form: str) -> None:
    assert parsed(f"0-n.{form}").form == parsed(f"g=n&from=now-6h&to=now&form={form}").form == form


def test_a_range_without_a_form_is_a_page() -> None:
    assert parsed("g=n&from=now-6h&to=now").form == ""


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("g=n&from=now-6h&to=now", NOON - 6 * 3600, NOON),
        ("g=n", NOON - 86400, NOON),
        ("g=n&from=now-90min", NOON - 5400, NOON),
        ("g=n&from=now-2d&to=now-1d", NOON - 2 * 86400, NOON - 86400 + 60),
        ("g=n&from=now-4d&to=now-3d", NOON - 4 * 86400 - 960, NOON - 3 * 86400 + 3360),
        ("g=n&from=1795600000&to=1795604000", 1_795_599_960, 1_795_604_040),
        ("g=n&to=1795604000&from=1795600000", 1_795_599_960, 1_795_604_040),
    ],
)
def test_a_range_is_widened_to_whole_rows(query: str, start: int, end: int) -> None:
    asked = ranged(query)
    assert (asked.start, asked.end) == (start, end)
    assert asked.start % asked.row == asked.end % asked.row == 0


@pytest.mark.parametrize(
    ("ago", "steps"),
    [
        ("1h", [1, 8, 56, 280, 3360]),
        ("26h", [1, 8, 56, 280, 3360]),
        ("27h", [1, 56, 280, 3360]),
        ("52h", [1, 56, 280, 3360]),
        ("53h", [56, 280, 3360]),
        ("8d", [280, 3360]),
        ("38d", [280, 3360]),
        ("39d", [3360]),
        ("9y", [3360]),
    ],
)
def test_a_range_is_in_the_archives_that_reach_back(ago: str, steps: list[int]) -> None:
    assert parsed(f"g=n&from=now-{ago}").archives(NOON) == steps


def test_a_period_is_in_its_own_archive_alone() -> None:
    assert [parsed(f"{number}-n").archives(NOON) for number in range(4)] == [[8], [56], [280], [3360]]


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("g=n&from=now-99y", views.LONGEST_RANGE),
        ("g=n&from=0", views.LONGEST_RANGE),
        ("g=n&from=999999999999&to=999999999999", 600),
        ("g=n&from=now&to=now", 600),
        ("g=n&from=1795604000&to=1795600000", 600),
        ("g=n&from=0&to=0", 201600),
    ],
)
def test_a_range_is_clamped(query: str, seconds: int) -> None:
    asked = ranged(query)
    assert seconds <= asked.end - asked.start <= seconds + asked.row
    assert asked.end <= NOON
    assert asked.start < asked.end


def test_sizes_are_clamped() -> None:
    look = parsed("0-n&zoom=999999&width=99999&height=1").look
    assert (look.zoom, look.width, look.height) == (3, 2000, 40)
    look = parsed("0-n&zoom=0&width=0&height=999999999999").look
    assert (look.zoom, look.width, look.height) == (1, 100, 1000)


@pytest.mark.parametrize(
    "query",
    [
        *(
            "0-n.gif",
            "0-n.",
            "0-n.png.",
            "0-n&",
            "0-n&zoom",
            "0-n&zoom=",
            "0-n&zoom=-1",
            "0-n&zoom=1e3",
            "0-n&zoom=\xb2",
        ),
        *(
            "0-n&zoom=2&zoom=2",
            "0-n&theme=blue",
            "0-n&x=1",
            "0-n&width=1234567890123",
            "0-n&0-e",
            "&0-n",
            "=",
            "&",
            "g=",
        ),
        *("g=x", "g=n&from=yesterday", "g=n&from=now+6h", "g=n&from=now-", "g=n&from=now-6", "g=n&from=now-h"),
        *(
            "g=n&from=now-6x",
            "g=n&from=-6h",
            "g=n&from=-1",
            "g=n&from=1.5",
            "g=n&form=gif",
            "g=n&form=html",
            "from=now",
        ),
        *("g=n&from=now-9999999999999h", "g=n&from=now-6h:DEF", "g=n&from=", "g=n&g=e"),
    ],
)
def test_what_is_not_there_can_not_be_asked_for(query: str) -> None:
    with pytest.raises(BadQuery):
        parsed(query)


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("0-n", {"form": "png"}, "?0-n"),
        ("3-g", {"form": "csv"}, "?3-g.csv"),
        ("g=n&from=now-36h", {}, "?g=n&from=now-36h&to=now"),
        ("g=e&from=now-14d&to=now-7d", {"form": "svg"}, "?g=e&from=now-2w&to=now-1w&form=svg"),
        ("g=e&from=1&to=2&width=800&height=200", {"form": "png"}, "?g=e&from=1&to=2&form=png&width=800&height=200"),
    ],
)
def test_a_view_has_one_address(query: str, options: dict[str, str], expected: str) -> None:
    assert address(parsed(query), **options) == expected
    assert address(parsed(expected[1:]), **options) == expected
