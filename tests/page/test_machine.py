"""What is sampled beside the mail, on the page: load, queue, values of programs."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgraph import drawing, figures, static
from mailgraph.files import Files, located
from mailgraph.graphs import GRAPHS
from mailgraph.page import Page
from mailgraph.rrd import Store
from mailgraph.schema import DAY, LOAD, MAIL, QUEUE, STEP, Family, value_family
from mailgraph.views import Look, parsed
from tests.page import png
from tests.page.browser import Browser, Tab
from tests.page.rrds import NOON, Reply, growing, one_a_minute, sampled
from tests.page.servers import lighttpd
from tests.page.test_browser import PICTURES
from tests.page.test_cgi import ROOT
from tests.page.test_document import warnings
from tests.page.test_drawing import legend
from tests.page.test_page import Outline, sentence_of
from tests.programs import require

BACKLOG = value_family("backlog")


def at(directory: Path, now: int = NOON + 1) -> Page:
    return Page(str(directory), "mailgraph", "mail.example.org", now=lambda: now)


def pictures(reply: Reply) -> list[str]:
    return Outline(reply.text).of("img")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A directory with mail, load, queue and a program's value."""
    one_a_minute(tmp_path, NOON)
    sampled(tmp_path, NOON, families=(LOAD, QUEUE, BACKLOG))
    return tmp_path


def test_what_is_sampled_stands_below_the_mail_of_each_period(machine: Path) -> None:
    letters = ("n", "e", "g", "l", "q", "o", "value_backlog")
    assert pictures(Reply(at(machine))) == [f"?{number}-{letter}" for number in range(4) for letter in letters]


def test_also_below_counters_of_ones_own(machine: Path) -> None:
    own = Family("_own_quota", (("quota", "quota"),))
    one_a_minute(machine, NOON, families=(own,), counts={NOON: {"quota": 1}})
    assert pictures(Reply(at(machine)))[3:5] == ["?0-own_quota", "?0-l"]


@pytest.mark.parametrize(("family", "letters"), [(LOAD, ["l"]), (QUEUE, ["q", "o"]), (BACKLOG, ["value_backlog"])])
def test_a_graph_is_there_where_its_file_is(tmp_path: Path, family: Family, letters: list[str]) -> None:
    one_a_minute(tmp_path, NOON)
    sampled(tmp_path, NOON, families=(family,))
    assert pictures(Reply(at(tmp_path)))[: 3 + len(letters)] == [f"?0-{letter}" for letter in ["n", "e", "g", *letters]]


@pytest.mark.parametrize("letter", ["l", "q", "o", "value_backlog"])
@pytest.mark.parametrize("number", [0, 1])
def test_figures_are_those_of_rrdtools_legend(tmp_path: Path, letter: str, number: int) -> None:
    def with_gaps(minute: int, series: int) -> float | None:
        return None if minute // STEP % 50 < 13 or minute > NOON - 1000 else growing(minute, series)

    paths = sampled(tmp_path, NOON, families=(LOAD, QUEUE, BACKLOG), days=9, value=with_gaps)
    found = figures.taken(parsed(f"{number}-{letter}"), Files(paths), NOON + 1).figures
    expected = legend(letter, number, paths)
    assert [(one.last, one.average, one.maximum) for one in found] == [pytest.approx(row) for row in expected]
    assert len(set(expected)) == len(expected)
    assert all(one.total is None for one in found)


def test_a_picture_says_average_maximum_and_last_in_words(machine: Path) -> None:
    page = Reply(at(machine)).text
    assert (
        'alt="Load average. 1 minute: average 10.75, maximum 19.92, last 16.89. 5 minutes: average 11.75, maximum 20.92,'
        " last 17.89. 15 minutes:"
    ) in page
    assert (
        'alt="Messages in Postfix&#39;s queues. Incoming: average 10.75 msgs, maximum 19.92 msgs, last 16.89 msgs.'
        in page
    )
    assert 'alt="backlog. backlog: average 10.7537, maximum 19.92, last 16.89."' in page


def test_the_oldest_messages_age_is_told_in_hours(tmp_path: Path) -> None:
    sampled(tmp_path, NOON, families=(QUEUE,), value=lambda _minute, series: 7200.0 if series == 4 else 3.0)
    page = Reply(at(tmp_path)).text
    assert "Oldest: average 2.00 h, maximum 2.00 h, last 2.00 h." in page
    assert "On hold: average 3.00 msgs, maximum 3.00 msgs, last 3.00 msgs." in page


def test_csv_has_values_without_total(machine: Path) -> None:
    lines = list(csv.reader(Reply(at(machine), "g=q&from=now-1h&form=csv").text.splitlines()))
    assert lines[0][:5] == [
        "time (UTC)",
        *(f"{name} {kind} (msgs)" for name in ("Incoming", "Active") for kind in ("average", "maximum")),
    ]
    assert lines[60][:5] == ["2026-11-25T12:00:00Z", *(f"{growing(NOON, series)}" for series in (0, 0, 1, 1))]
    assert [line[0] for line in lines[61:]] == ["average (msgs)", "maximum (msgs)", "last (msgs)"]
    assert lines[63][1] == f"{growing(NOON, 0)}"


def test_csv_of_what_has_no_unit_names_none(machine: Path) -> None:
    lines = list(csv.reader(Reply(at(machine), "0-value_backlog.csv").text.splitlines()))
    assert lines[0] == ["time (UTC)", "backlog average", "backlog maximum"]
    assert [line[0] for line in lines[-3:]] == ["average", "maximum", "last"]


def test_json_says_units_and_last(machine: Path) -> None:
    content = json.loads(Reply(at(machine), "g=l&from=now-1h&form=json").text)
    assert content["units"] == {"start": "s", "end": "s", "step": "s", "average": "", "maximum": "", "last": ""}
    first = content["series"][0]
    assert (first["name"], first["last"], first["averages"][-1]) == ("load_1", growing(NOON, 0), growing(NOON, 0))
    assert "total" not in first
    assert json.loads(Reply(at(machine), "0-o.json").text)["units"]["last"] == "h"


def test_small_and_large_values_keep_their_digits(tmp_path: Path) -> None:
    families = tuple(map(value_family, ("large", "small", "below")))
    for family, value in zip(families, (123456789012.0, 1.5e-9, -2.5), strict=True):
        sampled(tmp_path, NOON, families=(family,), value=lambda _minute, _series, value=value: value)
    page = at(tmp_path)
    for name, value in (("large", 123456789000.0), ("small", 1.5e-9), ("below", -2.5)):
        content = json.loads(Reply(page, f"0-value_{name}.json").text)["series"][0]
        assert [content[kind] for kind in ("average", "maximum", "last")] == [value] * 3
        assert f"last {value:.6g}." in Reply(page).text
        assert png.size(Reply(page, f"0-value_{name}").body) == (637, 165)


def test_what_is_unknown_is_not_zero(tmp_path: Path) -> None:
    gap = range(NOON - 40 * 60, NOON - 20 * 60)
    sampled(tmp_path, NOON, value=lambda minute, series: None if minute in gap else growing(minute, series))
    content = json.loads(Reply(at(tmp_path), "g=l&from=now-1h&form=json").text)
    known = [
        time
        for time, value in zip(content["times"], content["series"][0]["averages"], strict=True)
        if value is not None
    ]
    assert known == [time for time in range(NOON - 59 * 60, NOON + 60, 60) if time not in gap]


def test_what_is_unknown_throughout_says_so(tmp_path: Path) -> None:
    sampled(tmp_path, NOON, families=(value_family("no"),), value=lambda _minute, _series: None)
    assert 'alt="no. no: unknown."' in Reply(at(tmp_path)).text
    assert Reply(at(tmp_path), "0-value_no.csv").text.splitlines()[-1] == "last,,"


@pytest.mark.parametrize("now", [NOON, NOON + 59, NOON + 65, NOON + 480])
def test_all_pictures_of_a_period_have_the_same_axis(tmp_path: Path, now: int) -> None:
    one_a_minute(tmp_path, NOON - 2 * STEP)  # of the last two minutes lines may still come
    sampled(tmp_path, NOON)
    files = Files(located(str(tmp_path), "mailgraph"))
    ranges = [figures.taken(parsed(f"0-{letter}"), files, now).range for letter in "nlqo"]
    assert len({(one.start, one.end) for one in ranges}) == 1


def test_a_load_without_mail_has_an_axis_too(tmp_path: Path) -> None:
    sampled(tmp_path, NOON)
    content = json.loads(Reply(at(tmp_path), "0-l.json").text)
    assert (content["end"], content["series"][0]["averages"][-1] is None) == (NOON, False)


def test_a_broken_mail_file_leaves_the_load(tmp_path: Path) -> None:
    sampled(tmp_path, NOON)
    (tmp_path / "mailgraph.rrd").write_bytes(b"")
    assert png.size(Reply(at(tmp_path), "0-l").body) == (637, 193)


def test_samples_do_not_hide_that_counting_is_hindered(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON - 3600)
    sampled(tmp_path, NOON)
    assert warnings(Reply(at(tmp_path))) == [
        "mailgraph has stored nothing since Wed Nov 25 11:00:00 2026 (is it running?)"
    ]


def test_a_broken_file_of_samples_is_said(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    (tmp_path / "mailgraph_load.rrd").write_bytes(b"")
    said = f"can&#39;t use {tmp_path}/mailgraph_load.rrd: it is empty (move it away, and mailgraph makes a new one)"
    assert warnings(Reply(at(tmp_path))) == [said]


def test_a_value_is_not_the_counter_of_the_same_name(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    sampled(tmp_path, NOON, families=(value_family("sent"),), value=lambda _minute, _series: 42.0)
    page = at(tmp_path)
    assert json.loads(Reply(page, "0-value_sent.json").text)["series"][0]["last"] == 42
    assert json.loads(Reply(page, "0-n.json").text)["series"][0]["average"] == 1


@pytest.mark.parametrize(
    "query", ["0-value_", "0-value_X", "0-value_../x", "g=value_.&from=now-1d", "0-value_" + "a" * 20]
)
def test_what_no_value_can_be_called_is_not_found(tmp_path: Path, query: str) -> None:
    assert Reply(at(tmp_path), query).status == "404 Not Found"


def test_a_value_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    assert "there is no mailgraph_value_x.rrd yet" in sentence_of(Reply(at(tmp_path), "0-value_x")).replace(
        f"{tmp_path}/", ""
    )


@pytest.mark.parametrize("letter", ["l", "q", "o", "value_backlog"])
def test_a_graph_comes_in_all_forms_and_ranges(machine: Path, letter: str) -> None:
    page = at(machine)
    assert b"<svg" in Reply(page, f"1-{letter}.svg").body[:200]
    assert Reply(page, f"g={letter}&from=now-6h&to=now").status == "200 OK"
    assert png.size(Reply(page, f"0-{letter}&zoom=2&theme=dark").body)[0] == 1274


def test_the_axis_names_what_is_measured(machine: Path) -> None:
    paths = located(str(machine), "mailgraph")
    asked = parsed("0-l").range(NOON + 1, NOON, 8)
    labels = {}
    for letter in ("l", "q", "o", "value_backlog", "n"):
        given = drawing.arguments(GRAPHS[letter], asked, Look(), "png", paths)
        labels[letter] = given[given.index("--vertical-label") + 1]
    assert labels == {"l": "load", "q": "msgs", "o": "hours", "value_backlog": "value", "n": "msgs/min"}


def test_the_pages_files_have_them_too(machine: Path, tmp_path: Path) -> None:
    static.write(str(tmp_path / "html"), Files(located(str(machine), "mailgraph")), "mail", NOON + 1)
    assert png.size((tmp_path / "html/0-l.png").read_bytes()) == (637, 193)
    assert (tmp_path / "html/3-value_backlog-dark@2x.png").is_file()


@pytest.fixture
def address(fresh: Path, tmp_path: Path) -> Iterator[str]:
    """The page of mail and load of now, in lighttpd's cgi-bin."""
    rrds = tmp_path / "rrd"
    rrds.mkdir()
    for file in fresh.glob("*.rrd"):
        (rrds / file.name).write_bytes(file.read_bytes())
    end = Store(str(fresh), (MAIL,)).last(MAIL)
    assert end
    sampled(rrds, end, families=(LOAD, QUEUE, BACKLOG))
    (tmp_path / "default").write_text(f"RRD_DIR={rrds}\n")
    with lighttpd(require("lighttpd"), tmp_path, ROOT, MAILGRAPH_CONFIG=str(tmp_path / "default")) as client:
        yield f"http://127.0.0.1:{client.port}/cgi-bin/mailgraph.cgi"


def test_a_browser_shows_them_with_the_mails_axis(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.open(address)
    letters = ("n", "e", "g", "l", "q", "o", "value_backlog")
    assert tab.evaluate(PICTURES) == [[f"{number}-{letter}", 637] for number in range(4) for letter in letters]
    assert (
        tab.evaluate("new Set([...document.images].slice(0, 7).map(i => i.dataset.from + '-' + i.dataset.to)).size")
        == 1
    )
    assert tab.said() == []


def test_two_days_are_kept_minute_by_minute(machine: Path) -> None:
    content = json.loads(Reply(at(machine), f"g=l&from={NOON - 2 * DAY + 60}&form=json").text)
    assert content["step"] == 60
    assert [round(value, 6) for value in content["series"][2]["averages"]] == [
        round(growing(minute, 2), 6) for minute in content["times"]
    ]
