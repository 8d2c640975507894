"""The page over several hosts, the hosts' own pages, and the same as tables."""

import csv
import io
import json
import math
import os
import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

import html5lib
import pytest

from mailgraph import survey
from mailgraph.hosts import listed, quoted, unquoted
from mailgraph.page import Page
from mailgraph.schema import DAY, LOAD, MAIL, MINUTES, PERIODS, STEP, VIRUS
from tests.page.rrds import NOON, Reply, Steady, listing, one_a_minute, sampled, several
from tests.page.test_document import warnings
from tests.page.test_page import Outline

NOW = NOON + 301

HOSTS = {
    "mx1": Steady(sent=3, received=4, rejected=1, bounced=1, spam=2, virus=1),
    "mx2": Steady(sent=1, received=1, rejected=5),
    "a": Steady(sent=2, received=2, rejected=2),
}

HOSTILE = (
    "with space",
    "a&b=c",
    "x'\"<b>",
    "100%41",
    "new\nline",
    "-dash",
    "ünï",
    "q?#/".replace("/", "+"),
    "back\\slash",
)
"""What a directory may be called."""

At = Callable[..., Page]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return several(tmp_path_factory.mktemp("several"), HOSTS)


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> At:
    """The page of a machine called ``here``, configured so."""

    def page(directory: Path, now: float = NOW, **values: str) -> Page:
        lines = "".join(f"{name}={value}\n" for name, value in ({"RRD_DIR": str(directory)} | values).items())
        (tmp_path / "default").write_text(lines)
        monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
        return Page(host="here", now=lambda: now)

    return page


@pytest.fixture
def page(directory: Path) -> Page:
    return Page(str(directory), "mailgraph", "here", now=lambda: NOW)


def rows(reply: Reply) -> list[list[str]]:
    """The table's rows, each cell's text."""
    found = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(reply.text).findall(".//tbody/tr")
    return [[" ".join(" ".join(cell.itertext()).split()) for cell in row] for row in found]


def names(reply: Reply) -> list[str]:
    return [row[0].split()[0] for row in rows(reply)]


def test_several_hosts_are_one_page_with_a_row_each(page: Page) -> None:
    reply = Reply(page)
    assert (reply.status, reply.headers["Refresh"]) == ("200 OK", "300")
    assert Outline(reply.text).of("title says", "h1 says") == ["Mail statistics for 3 hosts"] * 2
    assert rows(reply) == [
        ["mx1", "4,320", "5,760", "1,440", "4,320", "1,440", "53.8%", "5 min"],
        ["a", "2,880", "2,880", "2,880", "0", "0", "30.8%", "5 min"],
        ["mx2", "1,440", "1,440", "7,200", "0", "0", "15.4%", "5 min"],
    ]


def test_each_period_has_the_sum_and_the_hosts_above_each_other(page: Page) -> None:
    outline = Outline(Reply(page).text)
    assert outline.of("h2 says") == [*(period.title for period in PERIODS), "Hosts"]
    letters = ("n", "e", "traffic", "rejected")
    pictures = [f"?all&{number}-{letter}" for number in range(4) for letter in letters]
    captions = re.findall("<figcaption>(.*?)<", Reply(page).text)
    assert captions[:4] == [
        "Sum: sent and received",
        "Sum: bounced, viruses, spam and rejected",
        "Sent and received, by host",
        "Rejected, by host",
    ]
    assert outline.of("img") == pictures + [f"?host={name}&small=0" for name in ("mx1", "a", "mx2")]


def test_every_picture_is_there_and_as_large_as_the_page_says(page: Page) -> None:
    sizes = re.findall(r'<img src="([^"]+)".*?width="(\d+)" height="(\d+)"', Reply(page).text)
    assert len(sizes) == 16 + 3
    for source, width, height in sizes:
        query = source.replace("&amp;", "&").removeprefix("?")
        reply = Reply(page, query if "small" in query else query.replace("&", "&", 1) + ".svg")
        assert reply.status == "200 OK"
        head = reply.text.partition("<svg")[2].partition(">")[0]
        assert re.search(rf'width="{width}(pt)?" height="{height}(pt)?"', head), (source, head)


def test_pictures_have_alternatives_with_numbers(page: Page) -> None:
    alternatives = re.findall(r'alt="([^"]*)"', Reply(page).text)
    assert alternatives[0] == "Sent and received. Sent: total 8640 messages. Received: total 10080 messages."
    assert alternatives[2] == (
        "Sent and received, by host. mx1: total 10080 messages. a: total 5760 messages. mx2: total 2880 messages."
    )
    assert alternatives[16] == "10080 messages sent and received"


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", ["mx1", "a", "mx2"]),
        ("all", ["mx1", "a", "mx2"]),
        ("all&by=traffic&period=1", ["mx1", "a", "mx2"]),
        ("all&by=rejected", ["mx2", "a", "mx1"]),
        ("all&by=name", ["a", "mx1", "mx2"]),
    ],
)
def test_hosts_are_sorted_by_links(page: Page, query: str, order: list[str]) -> None:
    assert names(Reply(page, query)) == order


def test_the_links_of_the_page_lead_to_every_order_and_period(page: Page) -> None:
    targets = Outline(Reply(page).text).of("a")
    for by in ("traffic", "rejected", "name"):
        assert f"?all&by={by}&period=0" in targets
    for number in range(4):
        assert f"?all&by=traffic&period={number}" in targets
    for target in targets:
        if target.startswith("?"):
            assert Reply(page, target[1:]).status == "200 OK", target


def test_totals_are_of_the_period_that_is_chosen(page: Page) -> None:
    week = rows(Reply(page, "all&period=1"))
    assert week[0][:3] == ["mx1", f"{3 * 7 * 1440:,}", f"{4 * 7 * 1440:,}"]
    assert Outline(Reply(page, "all&period=1").text).of("img")[16] == "?host=mx1&small=1"


def test_totals_are_those_of_the_hosts_own_page(page: Page) -> None:
    for number in range(4):
        own = json.loads(Reply(page, f"host=mx1&{number}-n.json").text)["series"]
        listed_ = {one["host"]: one for one in json.loads(Reply(page, f"all&period={number}&form=json").text)["hosts"]}
        assert [one["total"] for one in own] == [listed_["mx1"]["sent"], listed_["mx1"]["received"]]


def test_a_table_of_the_hosts_is_csv_and_json(page: Page) -> None:
    reply = Reply(page, "all&by=name&form=csv")
    assert reply.type == "text/csv; charset=utf-8"
    table = list(csv.reader(io.StringIO(reply.text)))
    assert table[0] == [
        *("host", "name", "groups", "sent", "received", "rejected", "virus", "spam", "bounced"),
        *("share", "last minute (UTC)", "unusual"),
    ]
    assert table[2] == [
        *("mx1", "mx1", "", "4320", "5760", "1440", "1440", "2880", "1440", "0.5385", "2026-11-25T12:00:00Z", "")
    ]
    found = json.loads(Reply(page, "all&form=json").text)
    assert (found["period"], found["total"]["sent"]) == ("Last Day", 6 * 1440)
    assert found["hosts"][0] == {
        "host": "mx1",
        "name": "mx1",
        "groups": [],
        "sent": 4320,
        "received": 5760,
        "rejected": 1440,
        "virus": 1440,
        "spam": 2880,
        "bounced": 1440,
        "share": pytest.approx(7 / 13),
        "last": NOON,
        "unusual": [],
    }


def test_a_host_that_needs_a_look_stands_first_and_says_why(tmp_path: Path) -> None:
    several(tmp_path, {"well": Steady(sent=50), "quiet": Steady(), "silent": Steady(NOON - 3 * 3600, sent=1)})
    several(tmp_path, {"gone": Steady(sent=9)}, end=NOON - 4 * 3600)
    (tmp_path / "hosts/broken").mkdir()
    (tmp_path / "hosts/broken/mailgraph.rrd").write_bytes(b"")
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    reply = Reply(page, "all&by=name")
    found = rows(reply)
    path = tmp_path / "hosts/broken/mailgraph.rrd"
    assert [row[0] for row in found] == [
        f"broken can't use {path}: it is empty (move it away, and mailgraph makes a new one)",
        "gone no data for 4 h (since Wed Nov 25 08:00:00 2026)",
        "silent silent for 3 h; usually about 60 messages an hour at this time",
        "quiet",
        "well",
    ]
    assert found[0][1:] == ["–", "–", "–", "–", "–", "0.0%", "–"]
    assert reply.text.index('class="look"') < reply.text.index("<h2")
    said = reply.text.partition('<p class="look">')[2].partition("</p>")[0]
    assert re.sub("<.*?>", "", said) == "3 of these hosts need a look: broken, gone, silent."
    unusual = {one["host"]: one["unusual"] for one in json.loads(Reply(page, "all&form=json").text)["hosts"]}
    assert unusual["quiet"] == unusual["well"] == []
    assert unusual["gone"] == ["no data for 4 h (since Wed Nov 25 08:00:00 2026)"]


DAMAGES = {
    "step": (40, 300, "it has a step of 300 s, not 60"),
    "step of nothing": (40, 0, "it is damaged"),
    "steps of a row": (128 + 4 * 120 + 32, 0, "it is damaged"),
    "rows": (128 + 4 * 120 + 24, 2**60, "it was cut off"),
    "last minute": (128 + 12 * 120, 2**62, "it is damaged"),
    "newest row": (128 + 12 * 120 + 16 + 4 * 112 + 32 * 80, 198, "it is damaged"),
}
"""Where a mail file is damaged, by how much, and how that is said."""


@pytest.mark.parametrize(("at", "word", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_one_hosts_trouble_alone(tmp_path: Path, at: int, word: int, said: str) -> None:
    several(tmp_path, {"bad": Steady(sent=5), "good": Steady(sent=7)})
    path = tmp_path / "hosts/bad/mailgraph.rrd"
    content = bytearray(path.read_bytes())
    content[at : at + 8] = word.to_bytes(8, "little")
    path.write_bytes(content)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    first, second = rows(Reply(page))
    assert first[0] == f"bad can't use {path}: {said} (move it away, and mailgraph makes a new one)"
    assert second[:2] == ["good", f"{7 * 1440:,}"]
    assert json.loads(Reply(page, "all&0-n.json").text)["series"][0]["total"] == 7 * 1440
    for query in ("all&form=csv", "all&form=json", "host=bad"):
        assert Reply(page, query).status == "200 OK"
    assert Reply(page, "host=bad&small=0").status == "500 Internal Server Error"


@pytest.mark.parametrize("rate", [math.inf, -math.inf, 1e308, -1e308])
def test_what_nobody_counts_is_unknown_in_a_damaged_file(tmp_path: Path, rate: float) -> None:
    several(tmp_path, {"bad": Steady(sent=5), "good": Steady(sent=7)})
    path = tmp_path / "hosts/bad/mailgraph.rrd"
    content = bytearray(path.read_bytes())
    at = 128 + 12 * 120 + 16 + 4 * 112 + 32 * 80 + 64
    content[at:] = struct.pack("@d", rate) * ((len(content) - at) // 8)
    path.write_bytes(content)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert [row[:2] for row in rows(Reply(page))] == [["good", f"{7 * 1440:,}"], ["bad", "–"]]
    assert json.loads(Reply(page, "all&0-n.json").text)["series"][0]["total"] == 7 * 1440
    assert json.loads(Reply(page, "all&form=json").text)["hosts"][1]["sent"] is None
    own = json.loads(Reply(page, "host=bad&0-n.json").text)["series"][0]
    assert own["total"] is own["average"] is own["maximum"] is own["averages"][0] is own["maxima"][0] is None
    assert Reply(page, "host=bad&0-n.csv").text.splitlines()[1].endswith("Z,,,,")
    assert "Sent: unknown." in Reply(page, "host=bad").text
    assert "inf" not in Reply(page, "host=bad&small=0").text


def test_a_host_whose_directory_may_not_be_read_is_named() -> None:
    with tempfile.TemporaryDirectory() as place:  # pytest's own directories are shut to other users
        os.chmod(place, 0o755)
        shut = several(Path(place), {"shut": Steady(sent=1), "open": Steady(sent=2)}, days=1) / "hosts/shut"
        (shut.parent / "file").touch()
        shut.chmod(0)
        root = os.geteuid()
        try:
            os.seteuid(root or 65534)
            listing = listed(place, "mailgraph", "here", split=False)
        finally:
            os.seteuid(root)
            shut.chmod(0o755)
    assert list(listing.hosts) == ["open"]
    assert listing.faults == [f"can't read {shut}: Permission denied (it should be readable for the web server's user)"]


@pytest.mark.parametrize("rate", [-math.inf, 1e300])
def test_a_host_is_not_called_unusual_for_what_nobody_counts(tmp_path: Path, rate: float) -> None:
    several(tmp_path, {"bad": Steady(sent=50)})
    path = tmp_path / "hosts/bad/mailgraph.rrd"
    content = bytearray(path.read_bytes())
    at = 128 + 12 * 120 + 16 + 4 * 112 + 32 * 80
    newest = struct.unpack_from("@L", content, at)[0]
    struct.pack_into("@d", content, at + 64 + newest * 32, rate)
    path.write_bytes(content)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert rows(Reply(page))[0][0] == "bad"
    assert rows(Reply(page))[0][1] == f"{50 * 1432:,}"


def test_a_host_whose_data_ended_before_the_period_has_no_totals_of_it(tmp_path: Path) -> None:
    several(tmp_path, {"gone": Steady(sent=5)}, end=NOON - 2 * DAY)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert rows(Reply(page))[0][1:7] == ["–"] * 6
    assert json.loads(Reply(page, "all&form=json").text)["hosts"][0]["sent"] is None
    assert rows(Reply(page, "all&period=1"))[0][1] == "35,840"


def test_where_one_daemon_counts_for_all_hosts_every_number_is_of_the_same_time(tmp_path: Path, configured: At) -> None:
    several(tmp_path, {"mx1": Rising(), "mx2": Rising()})
    one_a_minute(tmp_path, NOON, 9, (MAIL, VIRUS), Rising(2))
    (tmp_path / "hosts.toml").write_text("[groups]\nboth = ['mx*']\n")
    page = configured(tmp_path, NOON + 2, SPLIT_HOSTS="true", HOSTS_FILE=str(tmp_path / "hosts.toml"))
    in_rows = json.loads(Reply(page, "all&form=json").text)["hosts"]
    (stacked, other), (summed,), (grouped,) = (
        [one["total"] for one in json.loads(Reply(page, query).text)["series"] if one["total"]]
        for query in ("all&0-traffic.json", "all&0-n.json", "group=both&0-n.json")
    )
    assert [one["sent"] for one in in_rows] == [stacked, other]
    assert summed == grouped == stacked + other


class Rising(dict[int, dict[str, int]]):
    """More in each minute than before."""

    def __init__(self, times: int = 1) -> None:
        super().__init__()
        self._times = times

    def get(self, minute: int, default: object = None) -> dict[str, int]:  # type: ignore[override]
        return {"sent": self._times * (minute - NOON + 10 * DAY) // STEP}

    def values(self) -> list[dict[str, int]]:  # type: ignore[override]
        return [{"sent": 1}]


class Waves(dict[int, dict[str, int]]):
    """More in the last hour than ever before, or less."""

    def __init__(self, before: int, last_hour: int) -> None:
        super().__init__()
        self._counts = before, last_hour

    def get(self, minute: int, default: object = None) -> dict[str, int]:  # type: ignore[override]
        count = self._counts[minute > NOON - 3600]
        return {"received": count, "rejected": count}

    def values(self) -> list[dict[str, int]]:  # type: ignore[override]
        return [{"received": 1}]


def test_a_host_far_from_its_usual_level_says_so(tmp_path: Path) -> None:
    several(tmp_path, {"more": Waves(2, 20), "less": Waves(20, 2)})
    found = rows(Reply(Page(str(tmp_path), "mailgraph", now=lambda: NOW)))
    assert [row[0] for row in found] == [
        "less far below the usual level: 120 in the last hour, usually about 1,200",
        "more far above the usual level: 1,200 in the last hour, usually about 120"
        " rejects far above the usual level: 1,200 in the last hour, usually about 120",
    ]


@pytest.mark.parametrize(("age", "said"), [(900, False), (901, True)])
def test_data_are_old_after_a_quarter_of_an_hour(directory: Path, age: int, said: bool) -> None:
    page = Page(str(directory), "mailgraph", now=lambda: NOON + age)
    assert ("no data for 15 min" in Reply(page).text) == said
    assert survey.OLD == 900


def test_a_host_has_the_classical_page_with_its_own_addresses(page: Page) -> None:
    reply = Reply(page, "host=mx1")
    outline = Outline(reply.text)
    assert outline.of("h1 says") == ["Mail statistics for mx1"]
    assert outline.of("img") == [f"?host=mx1&{number}-{letter}" for number in range(4) for letter in "ne"]
    assert 'data-scope="host=mx1&amp;"' in reply.text
    inside = [target for target in outline.of("a") if target.startswith("?") and target != "?"]
    assert len(inside) == 8
    assert all(target.startswith("?host=mx1&g=") for target in inside)
    assert outline.of("a says")[-4] == "All hosts"


def test_the_picture_of_a_host_is_that_of_its_files(page: Page, directory: Path) -> None:
    alone = Page(str(directory / "hosts/mx1"), "mailgraph", now=lambda: NOW)
    for query in ("0-n", "1-e.svg", "0-n.csv", "2-n.json", "g=n&from=now-6h&to=now&form=csv", "0-n&theme=dark&zoom=2"):
        if "svg" not in query:
            assert Reply(page, f"host=mx1&{query}").body == Reply(alone, query).body
        assert Reply(page, f"host=mx1&{query}").headers["ETag"] == Reply(alone, query).headers["ETag"]


@pytest.mark.parametrize("scope", ["host=mx1", "all"])
def test_every_view_works_in_a_scope_and_stays_there(page: Page, scope: str) -> None:
    reply = Reply(page, f"{scope}&g=n&from=now-6h&to=now")
    outline = Outline(reply.text)
    assert outline.of("img") == [f"?{scope}&g=n&from=now-6h&to=now&form=png&width=810&height=240"]
    within = [target for target in outline.of("a") if target.startswith("?") and target != "?"]
    assert len(within) >= 8
    for target in within:
        assert target.startswith(f"?{scope}")
        assert Reply(page, target[1:]).status == "200 OK", target


def test_a_stack_has_any_range_too(page: Page) -> None:
    reply = Reply(page, "all&g=traffic&from=now-6h&to=now")
    assert Outline(reply.text).of("h1 says") == ["Sent and received, by host: mail statistics for 3 hosts"]
    assert "mx1: total 2520 messages, average 7.00 a minute, maximum 7 a minute." in reply.text
    for form in ("png", "svg", "csv", "json"):
        assert Reply(page, f"all&g=traffic&from=now-6h&to=now&form={form}").status == "200 OK"


def test_all_graphs_of_the_sum_have_a_page(page: Page) -> None:
    outline = Outline(Reply(page, "all&graphs").text)
    assert outline.of("img") == [f"?all&{number}-{letter}" for number in range(4) for letter in "ne"]


def test_the_small_picture_is_an_svg_of_sent_and_received(page: Page) -> None:
    reply = Reply(page, "host=mx1&small=0")
    assert (reply.type, reply.headers["Cache-Control"]) == ("image/svg+xml", f"max-age={480 - 301}")
    assert reply.headers["Last-Modified"] == "Wed, 25 Nov 2026 12:00:01 GMT"
    paths = re.findall(r'<path d="(\S[^"]*)"', reply.text)
    assert paths[0].startswith("M0.5 32L0.5 8.5L1.5 8.5")
    assert paths[1].startswith("M0.5 1L1.5 1")
    dark = Reply(page, "host=mx1&small=0&theme=dark")
    assert "1D2027" in dark.text
    assert dark.headers["ETag"] != reply.headers["ETag"]
    assert Reply(page, "host=mx1&small=0", HTTP_IF_NONE_MATCH=reply.headers["ETag"]).status == "304 Not Modified"


def test_what_is_unknown_is_not_drawn_as_zero(page: Page) -> None:
    area, line = re.findall(r'<path d="(M[^"]*)" fill', Reply(page, "host=mx1&small=3").text)
    assert area.count("M") == line.count("M") == 1
    assert float(line[1:].split()[0]) > 170


@pytest.mark.parametrize(
    "query",
    [
        *(
            "host=",
            "host=mx3",
            "host=../hosts/mx1",
            "host=..",
            "host=.",
            "host=mx1%00",
            "host=mx1/",
            "host=/etc",
            "hosts",
        ),
        *("group=", "group=mx1", "group=x", "all=", "allx", "all&by=age", "all&period=4", "all&period=01", "all&x=y"),
        *("all&form=svg", "all&by=name&by=name", "all&small=0", "all&0-x", "host=mx1&0-traffic", "host=mx1&small=4"),
        *(
            "host=mx1&by=name",
            "host=mx1&graphs",
            "host=mx1&small=0-n.csv",
            "host=mx1&host=mx1",
            "host=MX1",
            "0-traffic",
        ),
        *("g=traffic", "all&0-l", "all&g=q", "all&0-value_x"),
    ],
)
def test_what_is_not_there_is_not_found(page: Page, query: str) -> None:
    assert Reply(page, query).status == "404 Not Found"


def test_the_page_is_html5(page: Page) -> None:
    for query in ("", "host=mx1", "all&graphs", "all&g=traffic&from=now-6h&to=now"):
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(Reply(page, query).text)
        assert [len(tree.findall(f".//{tag}")) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]


def test_the_page_is_not_sent_twice(page: Page) -> None:
    for query in ("", "all&form=csv", "host=mx1"):
        reply = Reply(page, query)
        assert reply.headers["Cache-Control"] == "no-cache"
        assert Reply(page, query, HTTP_IF_NONE_MATCH=reply.headers["ETag"]).status == "304 Not Modified"
        head = Reply(page, query, REQUEST_METHOD="HEAD")
        assert (head.headers, head.body) == (reply.headers, b"")


# Which hosts there are


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_of_a_directory_is_shown_and_leads_to_its_page(tmp_path: Path, name: str) -> None:
    several(tmp_path, {name: Steady(sent=1), "good": Steady(sent=2)}, days=1)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    reply = Reply(page, "all&by=traffic")
    assert rows(reply)[1][0] == " ".join(name.replace("\n", "?").split())
    target = next(
        target for target in Outline(reply.text).of("a") if target.startswith("?host=") and "good" not in target
    )
    assert target == f"?host={quoted(name)}"
    own = Reply(page, target[1:])
    assert Outline(own.text).of("h1 says") == [f"Mail statistics for {name.replace(chr(10), '?')}"]
    html5lib.HTMLParser(strict=True).parse(own.text)
    for picture in Outline(own.text).of("img"):
        assert Reply(page, picture[1:]).type == "image/png"
    assert Reply(page, "all&0-traffic").type == "image/png"
    assert json.loads(Reply(page, "all&form=json").text)["hosts"][1]["host"] == name
    assert list(csv.reader(io.StringIO(Reply(page, "all&form=csv").text, newline="")))[2][0].lstrip("'") == name


def test_a_name_that_is_no_text_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    several(tmp_path, {"good": Steady(sent=2)}, days=1)
    os.rename(tmp_path / "hosts/good", os.fsencode(tmp_path) + b"/hosts/b\xff\nd")
    several(tmp_path, {"good": Steady(sent=2)}, days=1)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOW)
    assert warnings(Reply(page)) == [
        f"{tmp_path}/hosts/b\\udcff\\nd is left out: its name is not UTF-8 (give the directory another name)"
    ]
    assert names(Reply(page)) == ["good"]
    assert Reply(page, "host=b%FF%0Ad").status == "404 Not Found"


@pytest.mark.parametrize("name", [*HOSTILE, "\udcff", "mx1.example.org"])
def test_a_name_comes_back_from_a_url(name: str) -> None:
    assert unquoted(quoted(name)) == name
    assert re.fullmatch("[A-Za-z0-9._~%-]+", quoted(name))


def test_a_browsers_way_of_quoting_names_the_same() -> None:
    assert unquoted("a%2db'c%") == "a-b'c%"
    assert unquoted("ü") == ""


def test_directories_without_rrd_files_are_no_hosts(tmp_path: Path) -> None:
    several(tmp_path, {"mx1": Steady(sent=2), ".mx2.partial": Steady(sent=1)}, days=1)
    (tmp_path / "hosts/empty").mkdir()
    (tmp_path / "hosts/file").write_text("")
    one_a_minute(tmp_path / "hosts/empty", NOON, 1, (MINUTES,))
    assert list(listed(str(tmp_path), "mailgraph", "here", True).hosts) == ["empty", "mx1"]
    os.unlink(tmp_path / "hosts/empty/mailgraph_minutes.rrd")
    assert list(listed(str(tmp_path), "mailgraph", "here", True).hosts) == ["mx1"]


def test_files_beside_the_hosts_are_this_machines(tmp_path: Path, configured: At) -> None:
    several(tmp_path, {"mx1": Steady(sent=2)}, days=1)
    one_a_minute(tmp_path, NOON, 1, (MAIL,), Steady(sent=5))
    page = configured(tmp_path)
    assert [row[:2] for row in rows(Reply(page))] == [["here", "7,200"], ["mx1", "2,880"]]
    assert json.loads(Reply(page, "all&0-n.json").text)["series"][0]["total"] == 7 * 1440
    assert Reply(page, "host=here&0-n").body == Reply(page, "0-n").body


def test_files_beside_the_hosts_are_the_totals_where_the_configuration_says_so(tmp_path: Path, configured: At) -> None:
    several(tmp_path, {"mx1": Steady(sent=2)}, days=1)
    one_a_minute(tmp_path, NOON, 1, (MAIL,), Steady(sent=5))
    page = configured(tmp_path, SPLIT_HOSTS="true")
    assert names(Reply(page)) == ["mx1"]
    assert json.loads(Reply(page, "all&0-n.json").text)["series"][0]["total"] == 5 * 1440
    assert "Sent: total 7200 messages, average 5.00 a minute" in Reply(page).text
    assert Reply(page, "all&0-n").body == Reply(page, "0-n").body
    assert Reply(page, "host=here").status == "404 Not Found"
    sampled(tmp_path, NOON, 1, (LOAD,))
    pictures = Outline(Reply(page, "all&graphs").text).of("img")
    assert "?all&0-l" in pictures
    assert {Reply(page, picture[1:]).type for picture in pictures} == {"image/png"}


def test_a_machine_is_not_counted_twice(tmp_path: Path, configured: At) -> None:
    several(tmp_path, {"here": Steady(sent=2)}, days=1)
    one_a_minute(tmp_path, NOON, 1, (MAIL,), Steady(sent=5))
    reply = Reply(configured(tmp_path))
    assert warnings(reply) == [
        f"{tmp_path} itself is left out: it holds files of here, and so does {tmp_path}/hosts/here"
        " (set SPLIT_HOSTS=true if the former are the totals of all hosts, else move them away)"
    ]
    assert [row[:2] for row in rows(reply)] == [["here", "2,880"]]


def test_without_hosts_nothing_is_different(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    page = Page(str(tmp_path), "mailgraph", "here", now=lambda: NOW)
    before = [(reply.headers, reply.body) for reply in (Reply(page), Reply(page, "0-n"), Reply(page, "all"))]
    (tmp_path / "hosts/empty").mkdir(parents=True)
    after = [(reply.headers, reply.body) for reply in (Reply(page), Reply(page, "0-n"), Reply(page, "all"))]
    assert after == before
    assert Reply(page, "all").status == "404 Not Found"


def test_the_page_of_one_machine_does_not_load_what_is_for_several(tmp_path: Path) -> None:
    import subprocess
    import sys

    one_a_minute(tmp_path, NOON)
    script = f"""
import sys
sys.path.insert(0, {str(Path(survey.__file__).parents[1])!r})
from mailgraph.page import Page
page = Page({str(tmp_path)!r}, "mailgraph", now=lambda: {NOON})
for query in ("", "0-n.csv", "g=n"):
    list(page({{"QUERY_STRING": query}}, lambda *_: None))
print(*(name for name in ("places", "hosts", "survey", "sums", "overview", "levels") if f"mailgraph.{{name}}" in sys.modules))
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout == "\n"


def test_nothing_is_written(page: Page, directory: Path) -> None:
    before = listing(directory)
    for query in ("", "all&0-n", "all&0-traffic", "host=mx1", "host=mx1&0-n", "host=mx1&small=0", "all&form=csv"):
        assert Reply(page, query).status == "200 OK"
    assert listing(directory) == before


def test_a_memory_file_is_closed_when_the_picture_is_drawn(page: Page) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        Reply(page, "all&0-n")
    assert len(os.listdir("/proc/self/fd")) == before


# The hosts file


HOSTS_FILE = """
order = ["mx2"]
hidden = ["a"]
[names]
mx1 = "Frankfurt <1>"
[groups]
"Mail & more" = ["mx*"]
All = ["*"]
"""


@pytest.fixture
def named(directory: Path, tmp_path: Path, configured: At) -> Page:
    (tmp_path / "hosts.toml").write_text(HOSTS_FILE)
    return configured(directory, HOSTS_FILE=str(tmp_path / "hosts.toml"))


def test_the_hosts_file_names_orders_and_hides(named: Page) -> None:
    assert [row[0] for row in rows(Reply(named, "all&by=name"))] == ["mx2", "Frankfurt <1>"]
    assert Outline(Reply(named, "host=mx1").text).of("h1 says") == ["Mail statistics for Frankfurt <1>"]
    found = json.loads(Reply(named, "all&form=json").text)
    assert [(one["host"], one["name"], one["groups"]) for one in found["hosts"]] == [
        ("mx1", "Frankfurt <1>", ["Mail & more", "All"]),
        ("mx2", "mx2", ["Mail & more", "All"]),
    ]
    assert found["total"]["sent"] == 6 * 1440
    stack = json.loads(Reply(named, "all&0-traffic.json").text)["series"]
    assert [(one["label"], one["total"]) for one in stack] == [
        ("Frankfurt <1>", 7 * 1440),
        ("mx2", 2 * 1440),
        ("other", 4 * 1440),
    ]
    assert "other: total 5760 messages." in Reply(named).text


def test_a_group_has_a_page_of_its_own_that_is_linked(named: Page) -> None:
    targets = Outline(Reply(named).text).of("a")
    assert "?group=Mail%20%26%20more" in targets
    reply = Reply(named, "group=Mail%20%26%20more")
    outline = Outline(reply.text)
    assert outline.of("h1 says") == ["Mail statistics for Mail & more"]
    assert names(reply) == ["Frankfurt", "mx2"]
    assert outline.of("img")[0] == "?group=Mail%20%26%20more&0-n"
    assert json.loads(Reply(named, outline.of("img")[0][1:] + ".json").text)["series"][0]["total"] == 4 * 1440
    assert rows(reply)[0][6] == "77.8%"
    assert "?group=Mail%20%26%20more" in Outline(Reply(named, "host=mx1").text).of("a")
    for target in outline.of("a"):
        if target.startswith("?"):
            assert Reply(named, target[1:]).status == "200 OK", target


def test_mistakes_in_the_hosts_file_are_on_the_page(directory: Path, tmp_path: Path, configured: At) -> None:
    path = tmp_path / "hosts.toml"
    path.write_text("hidden = ['mx9']\n[groups]\nBoth = ['mx1', 'a', 7]\n")
    reply = Reply(configured(directory, HOSTS_FILE=str(path)))
    assert [one.replace("&#39;", "'") for one in warnings(reply)] == [
        f"{path}: hidden: there is no host 'mx9'",
        f"{path}: groups: 'Both' is no list of texts in quotes",
    ]
    assert len(rows(reply)) == 3
    path.write_text("hidden = " + str([f"x{number}" for number in range(9)]))
    assert [one.replace("&#39;", "'") for one in warnings(Reply(configured(directory, HOSTS_FILE=str(path))))][-2:] == [
        f"{path}: hidden: there is no host 'x4'",
        "and 4 more of this kind",
    ]


def test_the_sum_below_the_rows_says_how_many_hosts_have_none(named: Page) -> None:
    assert "received; all together with those of 1 hidden</caption>" in Reply(named).text


def test_a_hosts_page_begins_with_the_way_back(page: Page) -> None:
    page_of_one = Reply(page, "host=mx1").text
    assert page_of_one.index('<a href="?">All hosts</a>') < page_of_one.index("<main>")


def test_a_stack_of_other_hosts_is_another_picture_even_with_the_same_numbers(tmp_path: Path, configured: At) -> None:
    several(tmp_path, dict.fromkeys(("one", "two"), Steady(sent=1)))
    (tmp_path / "hosts.toml").write_text("[groups]\nfirst = ['one']\nsecond = ['two']\n")
    page = configured(tmp_path, HOSTS_FILE=str(tmp_path / "hosts.toml"), CACHE_DIR=str(tmp_path))
    first, second = (Reply(page, f"group={group}&0-traffic") for group in ("first", "second"))
    assert first.headers["ETag"] != second.headers["ETag"]
    assert first.body != second.body


def test_a_hidden_host_is_not_counted_in_the_heading(named: Page) -> None:
    for query in ("", "all&graphs"):
        assert Outline(Reply(named, query).text).of("h1 says") == ["Mail statistics for 2 hosts"]
