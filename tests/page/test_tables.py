"""Figures for other programs."""

import csv
import io
import json
from pathlib import Path

import pytest

from mailgraph.page import Page
from mailgraph.schema import Family
from tests.page.rrds import NOON, Reply, Steady, several
from tests.page.test_drawing import legend


@pytest.fixture
def patterned_page(patterned: dict[Family, str]) -> Page:
    directory = next(iter(patterned.values())).rpartition("/")[0]
    return Page(directory, "mailgraph", now=lambda: NOON + 1)


def test_csv_has_a_line_for_each_row_with_units(page: Page) -> None:
    reply = Reply(page, "0-n.csv")
    assert reply.type == "text/csv; charset=utf-8"
    lines = list(csv.reader(reply.text.splitlines()))
    assert lines[0] == [
        "time (UTC)",
        "Sent average (msgs/min)",
        "Sent maximum (msgs/min)",
        "Received average (msgs/min)",
        "Received maximum (msgs/min)",
    ]
    assert lines[1] == ["2026-11-24T12:08:00Z", "1.0", "1.0", "1.0", "1.0"]
    assert lines[180] == ["2026-11-25T12:00:00Z", "1.0", "1.0", "1.0", "1.0"]
    assert lines[181:] == [
        ["total (msgs)", "1440", "", "1440", ""],
        ["average (msgs/min)", "1.0", "", "1.0", ""],
        ["maximum (msgs/min)", "", "1", "", "1"],
    ]


@pytest.mark.parametrize("letter", "neg")
@pytest.mark.parametrize("number", range(4))
def test_json_has_the_numbers_of_the_pictures_legend(
    patterned: dict[Family, str], patterned_page: Page, letter: str, number: int
) -> None:
    content = json.loads(Reply(patterned_page, f"{number}-{letter}.json").body)
    found = [(one["total"], one["average"], one["maximum"]) for one in content["series"]]
    expected = legend(letter, number, patterned)
    assert found == [(round(total), round(average, 2), round(maximum)) for total, average, maximum in expected]


def test_json_says_range_units_and_rows(page: Page) -> None:
    reply = Reply(page, "0-g.json")
    assert reply.type == "application/json"
    content = json.loads(reply.body)
    assert (content["start"], content["end"], content["step"]) == (NOON - 86400, NOON, 480)
    assert content["units"]["average"] == "msgs/min"
    assert (content["times"][0], content["times"][-1], len(content["times"])) == (NOON - 86400 + 480, NOON, 180)
    assert [one["label"] for one in content["series"]] == ["Greylisted", "Delayed"]
    assert content["series"][0]["averages"] == content["series"][0]["maxima"] == [1.0] * 180


def test_what_is_unknown_is_null_or_empty(page: Page) -> None:
    content = json.loads(Reply(page, "g=n&from=0&to=1795000000&form=json").body)
    assert content["series"][0]["averages"][0] is None
    line = Reply(page, "g=n&from=0&to=1795000000&form=csv").text.splitlines()[1]
    assert line.endswith("Z,,,,")


def test_an_svg_is_one(page: Page) -> None:
    reply = Reply(page, "0-n.svg")
    assert reply.type == "image/svg+xml"
    assert b"<svg" in reply.body[:200]


@pytest.mark.parametrize("first", "=+-@\t\r\n")
def test_a_host_whose_name_a_spreadsheet_would_run_stands_behind_an_apostrophe(tmp_path: Path, first: str) -> None:
    name = f"{first}1+1"
    several(tmp_path, {name: Steady(sent=1)}, days=1)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOON + 301)
    hosts = list(csv.reader(io.StringIO(Reply(page, "all&form=csv").text, newline="")))
    rates = list(csv.reader(io.StringIO(Reply(page, "all&0-traffic.csv").text, newline="")))
    assert hosts[1][:2] == [f"'{name}", f"'{name}"]
    assert rates[0][1] == f"'{name} average (msgs/min)"
    assert json.loads(Reply(page, "all&form=json").text)["hosts"][0]["host"] == name
