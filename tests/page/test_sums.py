"""Pictures of several hosts: their sum and the largest above each other, drawn from memory."""

import json
import math
import os
from pathlib import Path

import pytest
import rrdtool

from mailgraph import sums
from mailgraph.drawing import draw
from mailgraph.figures import Taken
from mailgraph.files import Unusable
from mailgraph.hosts import Host, listed
from mailgraph.memory import MemoryFile
from mailgraph.page import Page
from mailgraph.rrdfile import RrdFile
from mailgraph.schema import MAIL, MINUTES, own_family
from mailgraph.sums import MANY, short, taken
from mailgraph.views import BadQuery, parsed
from tests.page import png
from tests.page.rrds import NOON, Reply, Steady, one_a_minute, several

NOW = NOON + 301
"""Everybody has had the time to send NOON's minute."""


@pytest.fixture(scope="module")
def thirteen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hosts h01, h02, ...: the number is how much each sends, receives and rejects in a minute."""
    hosts = {
        f"h{number:02}": Steady(sent=number, received=2 * number, rejected=14 - number, spam=1)
        for number in range(1, 14)
    }
    return several(tmp_path_factory.mktemp("thirteen"), hosts, days=2)


def hosts_of(directory: Path) -> list[Host]:
    return list(listed(str(directory), "mailgraph", "here", False).hosts.values())


def shown(directory: Path, query: str, now: float = NOW) -> Taken:
    return taken(parsed(query, MANY), hosts_of(directory), "mailgraph", now)


def numbers(directory: Path, query: str) -> dict[str, tuple[float | None, float | None]]:
    return {one.series.label: (one.total, one.average) for one in shown(directory, query).figures}


def test_rows_in_memory_are_those_that_librrd_fetches() -> None:
    rows = {"sent": [0.0, 1.5, math.nan, 3.0], "recv": [4.0, 3.0, 2.0, 1.0]}
    with MemoryFile(rows, 8, NOON) as path:
        for kind in ("AVERAGE", "MAX"):
            span = ("--start", str(NOON - 4 * 480), "--end", str(NOON - 1), "--resolution", "480")
            (start, end, step), names, fetched = rrdtool.fetch(path, kind, *span)
            assert (start, end, step, names) == (NOON - 4 * 480, NOON, 480, ("sent", "recv"))
            assert fetched == [(0.0, 4.0), (1.5, 3.0), (None, 2.0), (3.0, 1.0)]
            assert [*RrdFile(path).rows("recv", kind, 8, NOON - 2 * 480, NOON)] == [2.0, 1.0]
    assert not os.path.lexists(path)


@pytest.mark.parametrize("query", ["0-n", "1-e", "0-n&theme=dark&zoom=2"])
def test_the_sum_of_one_host_looks_like_the_host(tmp_path: Path, query: str) -> None:
    several(tmp_path, {"one": Steady(sent=3, received=2, rejected=1, bounced=1, spam=1, virus=1)})
    files = one_a_minute(tmp_path / "hosts/one", NOON)
    assert Path(files[MAIL]).exists()
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert Reply(page, f"all&{query}").body == Reply(page, f"host=one&{query}").body


def test_the_sum_is_added_up_row_by_row(thirteen: Path) -> None:
    assert numbers(thirteen, "0-n") == {
        "Sent": (pytest.approx(91 * 1440), pytest.approx(91)),
        "Received": (pytest.approx(182 * 1440), pytest.approx(182)),
    }
    assert numbers(thirteen, "0-e")["Spam"] == (pytest.approx(13 * 1440), pytest.approx(13))


def test_the_largest_hosts_are_stacked_and_the_others_are_one(thirteen: Path) -> None:
    found = numbers(thirteen, "0-traffic")
    assert list(found) == [f"h{number:02}" for number in range(13, 3, -1)] + ["other"]
    assert found["h13"] == (pytest.approx(39 * 1440), pytest.approx(39))
    assert found["other"] == (pytest.approx(18 * 1440), pytest.approx(18))
    assert list(numbers(thirteen, "0-rejected"))[:2] == ["h01", "h02"]


def test_a_hidden_host_is_in_the_sum_and_not_named(thirteen: Path) -> None:
    hosts = hosts_of(thirteen)
    hosts[-1].hidden = True
    found = {one.series.label: one.total for one in taken(parsed("0-traffic", MANY), hosts, "mailgraph", NOW).figures}
    assert list(found) == [f"h{number:02}" for number in range(12, 2, -1)] + ["other"]
    assert found["other"] == pytest.approx((1 + 2 + 13) * 3 * 1440)


@pytest.mark.parametrize("young", ["a", "z"])
def test_what_one_host_does_not_know_is_taken_from_the_others(tmp_path: Path, young: str) -> None:
    several(tmp_path, {"old": Steady(sent=5)}, days=9)
    several(tmp_path, {young: Steady(sent=7)}, days=1)
    (figures, _) = shown(tmp_path, "1-n").figures
    assert figures.averages[50] == pytest.approx(5)
    assert figures.averages[-1] == pytest.approx(12)
    year = shown(tmp_path, "3-n").figures[0].averages
    assert math.isnan(year[0])


def test_a_host_that_cannot_be_read_is_left_out(tmp_path: Path, thirteen: Path) -> None:
    several(tmp_path, {"good": Steady(sent=5), "bad": Steady(sent=7)}, days=1)
    (tmp_path / "hosts/bad/mailgraph.rrd").write_bytes(b"no RRD file")
    assert numbers(tmp_path, "0-n")["Sent"] == (pytest.approx(5 * 1440), pytest.approx(5))
    (tmp_path / "hosts/good/mailgraph.rrd").write_bytes(b"")
    with pytest.raises(Unusable, match=r"hosts/good/mailgraph.rrd: it is empty"):
        shown(tmp_path, "0-n")


def test_minutes_are_added_up_where_every_host_has_them(tmp_path: Path) -> None:
    several(tmp_path, {"one": Steady(sent=5), "two": Steady(sent=7)}, days=1)
    for name, count in (("one", 5), ("two", 7)):
        place = tmp_path / "hosts" / name
        assert shown(tmp_path, "g=n&from=now-2h&to=now").range.row == 480
        one_a_minute(place, NOON, 1, (MINUTES,), Steady(sent=count))
    found = shown(tmp_path, "g=n&from=now-2h&to=now")
    assert found.range.row == 60
    assert found.figures[0].averages[-1] == pytest.approx(12)


def test_a_sum_ends_when_every_host_has_had_the_time_to_send(thirteen: Path) -> None:
    assert shown(thirteen, "0-n", NOON + 299).range.end == NOON - 480
    assert shown(thirteen, "0-n", NOON + 300).range.end == NOON


@pytest.mark.parametrize(
    ("now", "split", "total"), [(NOON + 2, False, 1), (NOON + 301, False, 481), (NOON + 2, True, 481)]
)
def test_pictures_and_tables_of_several_hosts_end_with_the_same_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: float, split: bool, total: int
) -> None:
    counts = {NOON - 600: {"sent": 1}, NOON - 60: {"sent": 480}}
    several(tmp_path, {"one": counts}, days=1)
    if split:
        one_a_minute(tmp_path, NOON, 1, (MAIL,), counts)
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\nSPLIT_HOSTS={'true' if split else 'false'}\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    page = Page(host="here", now=lambda: now)
    for query in ("all&0-n.json", "all&0-traffic.json"):
        assert json.loads(Reply(page, query).text)["series"][0]["total"] == total
    assert json.loads(Reply(page, "all&form=json").text)["hosts"][0]["sent"] == total
    assert Reply(page, "all&form=csv").text.splitlines()[1].startswith(f"one,one,,{total},")
    assert f"Sent: total {total} messages" in Reply(page, "all").text


def test_a_sum_is_kept_until_the_next_row_unless_a_host_is_late(tmp_path: Path) -> None:
    several(tmp_path, {"one": Steady(sent=5)}, end=NOON)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    reply = Reply(page, "all&0-n")
    assert reply.headers["Cache-Control"] == f"max-age={480 - 301}"
    assert "Last-Modified" not in reply.headers
    assert Reply(page, "all&0-n", HTTP_IF_NONE_MATCH=reply.headers["ETag"]).status == "304 Not Modified"
    several(tmp_path, {"late": Steady(sent=5)}, end=NOON - 120)
    late = Reply(page, "all&0-n")
    assert late.headers["Cache-Control"] == "no-cache"
    assert late.headers["ETag"] != reply.headers["ETag"]
    one_a_minute(tmp_path / "hosts/late", NOON, 1, (MAIL,), Steady(sent=5))
    there = Reply(page, "all&0-n")
    assert there.headers["Cache-Control"] == f"max-age={480 - 301}"
    assert there.headers["ETag"] != late.headers["ETag"]


def test_a_host_that_is_down_for_long_is_not_waited_for(tmp_path: Path) -> None:
    several(tmp_path, {"one": Steady(sent=5)}, end=NOON)
    several(tmp_path, {"down": Steady(sent=5)}, end=NOON - 3600)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert Reply(page, "all&0-n").headers["Cache-Control"] == f"max-age={480 - 301}"


@pytest.mark.parametrize("name", ["x" * 64, "a:b\\l", "l\\", "100%", "ünïcode", "a\nb", "--daemon", "%s%n", "<b>&amp;"])
def test_any_name_may_stand_in_a_legend(tmp_path: Path, name: str) -> None:
    several(tmp_path, {name: Steady(sent=1), "other": Steady(sent=2)}, days=1)
    found = shown(tmp_path, "0-traffic")
    picture = found.drawn(parsed("0-n").look, "png", draw)
    assert png.size(picture) == (637, 160 + 55 + 2 * 14)
    assert [series.label for series in found.graph.series][1] == short(name)


def test_a_long_name_is_cut() -> None:
    assert short("x" * 20) == "x" * 20
    assert short("x" * 21) == "x" * 19 + "…"
    assert short("a\nb\\l") == "a?b?l"


def test_tables_name_the_hosts_in_full(tmp_path: Path) -> None:
    name = "a-name-that-fits-into-no-legend.example.org"
    several(tmp_path, {name: Steady(sent=1)}, days=1)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert json.loads(Reply(page, "all&0-traffic.json").text)["series"][0]["label"] == name
    assert Reply(page, "all&0-traffic.csv").text.split(",")[1] == f"{name} average (msgs/min)"


def test_a_stack_draws_no_more_than_eleven_series(thirteen: Path) -> None:
    page = Page(str(thirteen), "mailgraph", now=lambda: NOW)
    assert png.size(Reply(page, "all&3-traffic").body) == (637, 160 + 55 + 11 * 14)
    assert len(Reply(page, "all&0-rejected.csv").text.split("\r\n")[0].split(",")) == 1 + 2 * 11
    assert sums.LARGEST == 10


def test_a_counter_of_ones_own_is_added_up_too(tmp_path: Path) -> None:
    several(tmp_path, {"one": Steady(sent=5), "two": Steady(sent=7)}, days=1)
    for name, count in (("one", 2), ("two", 3)):
        one_a_minute(tmp_path / "hosts" / name, NOON, 1, (own_family("over_quota"),), Steady(over_quota=count))
    assert numbers(tmp_path, "0-own_over_quota") == {"over_quota": (pytest.approx(5 * 1440), pytest.approx(5))}
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert 'src="?all&amp;3-own_over_quota"' in Reply(page, "all&graphs").text
    with pytest.raises(BadQuery):
        parsed("0-own_", MANY)
