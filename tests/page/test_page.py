"""The page as a WSGI server calls it."""

import os
import subprocess
import sys
import xml.etree.ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

import mailgraph
from mailgraph.page import Page, application
from mailgraph.schema import DAY, DELIVERY, GREYLIST, MAIL, SPF, VIRUS, Family, own_family
from tests.page import png
from tests.page.rrds import NOON, Reply, listing, one_a_minute

ALL_PICTURES = [f"{number}-{letter}" for number in range(4) for letter in "neg"]
SVG = "{http://www.w3.org/2000/svg}"


class Outline(HTMLParser):
    """What of a page is an interface: title, headings, jumps, pictures, links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        for attribute in ("id", "href", "src"):
            if named.get(attribute):
                self.found.append((tag, str(named[attribute])))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.append("")

    def handle_data(self, text: str) -> None:
        tag = self._open[-1] if self._open else ""
        if tag in ("title", "h1", "h2", "a") and text.strip():
            self.found.append((f"{tag} says", text.strip()))

    def of(self, *tags: str) -> list[str]:
        return [value for tag, value in self.found if tag in tags]


def sentence_of(picture: Reply) -> str:
    """What an SVG says to the eye."""
    spans = xml.etree.ElementTree.fromstring(picture.body).iter(f"{SVG}tspan")
    return " ".join(span.text or "" for span in spans)


def test_the_page_names_the_host(page: Page) -> None:
    outline = Outline(Reply(page).text)
    assert outline.of("title says", "h1 says") == ["Mail statistics for mail.example.org"] * 2


def test_the_host_is_this_machine_unless_one_is_given(directory: Path) -> None:
    outline = Outline(Reply(Page(str(directory))).text)
    assert outline.of("h1 says") == [f"Mail statistics for {os.uname().nodename}"]


def test_the_page_jumps_to_each_period(page: Page) -> None:
    outline = Outline(Reply(page).text)
    assert outline.of("ul", "h2") == ["jump", "G0", "G1", "G2", "G3"]
    assert outline.of("a")[:4] == ["#G0", "#G1", "#G2", "#G3"]
    titles = ["Last Day", "Last Week", "Last Month", "Last Year"]
    assert outline.of("a says")[:4] == titles
    assert outline.of("h2 says") == titles


def test_the_page_shows_all_pictures_of_a_period_below_each_other(page: Page) -> None:
    assert Outline(Reply(page).text).of("img") == [f"?{query}" for query in ALL_PICTURES]


def test_the_footer_has_the_version_and_credits(page: Page) -> None:
    footer = Reply(page).text.partition("<footer>")[2]
    assert mailgraph.__version__ in footer
    assert Outline(footer).of("a says") == ["Mailgraph", "David Schweikert", "RRDtool"]


def test_the_page_is_loaded_again_every_five_minutes(page: Page) -> None:
    assert Reply(page).headers["Refresh"] == "300"


@pytest.mark.parametrize("query", ALL_PICTURES)
def test_each_picture_of_the_page_is_a_png(page: Page, query: str) -> None:
    reply = Reply(page, query)
    assert (reply.status, reply.type) == ("200 OK", "image/png")
    assert png.size(reply.body) == (637, {"n": 243, "e": 207, "g": 179}[query[-1]])
    assert reply.headers["Content-Length"] == str(len(reply.body))


@pytest.mark.parametrize(
    "query", ["4-n", "0-x", "0-nn", "x0-n", "0-n.png.", "-", "0", "n", "../0-n", "%30-n", "0-n%00", "\xff", "0-n\n"]
)
def test_an_unknown_query_is_not_found_in_one_sentence(page: Page, query: str) -> None:
    reply = Reply(page, query)
    assert reply.status == "404 Not Found"
    assert reply.type == "text/plain; charset=utf-8"
    assert reply.text == "There is no such page here; the graphs are on the page without a query.\n"


@pytest.mark.parametrize("path", ["/favicon.ico", "/robots.txt", "/mailgraph.cgi/x.php"])
def test_an_unknown_file_is_not_found(page: Page, path: str) -> None:
    assert Reply(page, PATH_INFO=path).status == "404 Not Found"


@pytest.mark.parametrize("path", ["", "/", "/mailgraph.cgi", "/mail/", "/mail/graphs"])
def test_the_page_works_below_any_path(page: Page, path: str) -> None:
    assert Outline(Reply(page, PATH_INFO=path).text).of("img", "link", "script") == [
        "data:,",
        "?mailgraph.css",
        "?mailgraph.js",
        *(f"?{query}" for query in ALL_PICTURES),
    ]


def test_the_style_sheet_is_the_pages_own(page: Page) -> None:
    reply = Reply(page, "mailgraph.css")
    assert (reply.status, reply.type) == ("200 OK", "text/css; charset=utf-8")
    assert reply.body == (Path(__file__).parents[2] / "cgi-bin/mailgraph.css").read_bytes()
    assert Reply(page, PATH_INFO="/mailgraph.css").body == reply.body


def test_a_style_sheet_beside_the_script_wins(tmp_path: Path) -> None:
    (tmp_path / "mailgraph.css").write_text("body { color: teal }")
    page = Page(beside=str(tmp_path))
    assert Reply(page, "mailgraph.css").text == "body { color: teal }"
    assert Reply(page, "mailgraph.js").body == (Path(__file__).parents[2] / "cgi-bin/mailgraph.js").read_bytes()


def test_a_style_sheet_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "mailgraph.css").mkdir()
    reply = Reply(Page(beside=str(tmp_path)), "mailgraph.css")
    assert (reply.status, reply.type) == ("500 Internal Server Error", "text/plain; charset=utf-8")
    assert reply.text == (
        f"can't read {tmp_path}/mailgraph.css: Is a directory (make it readable for the web server's user)\n"
    )


@pytest.mark.parametrize("letter", "neg")
def test_a_missing_file_is_a_picture_that_says_what_to_do(tmp_path: Path, letter: str) -> None:
    reply = Reply(Page(str(tmp_path), "mailgraph"), f"0-{letter}")
    assert (reply.status, reply.type) == ("500 Internal Server Error", "image/svg+xml")
    suffix = {"n": "", "e": "", "g": "_greylist"}[letter]
    said = f"there is no {tmp_path}/mailgraph{suffix}.rrd yet (start mailgraph; it makes the file when it has counted a minute)"
    assert sentence_of(reply).replace(" ", "") == said.replace(" ", "")
    root = xml.etree.ElementTree.fromstring(reply.body)
    assert (root.get("width"), root.get("height")) == ("637", {"n": "243", "e": "207", "g": "179"}[letter])


def test_a_file_that_is_no_rrd_is_a_picture_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mailgraph.rrd").write_text("something else " * 1000)
    reply = Reply(Page(str(tmp_path), "mailgraph"), "0-n")
    assert reply.type == "image/svg+xml"
    assert sentence_of(reply).endswith("it is not an RRD file (move it away, and mailgraph makes a new one)")


def test_a_path_of_any_characters_makes_well_formed_pictures(tmp_path: Path) -> None:
    directory = tmp_path / "<b>&\"'\x01"
    directory.mkdir()
    assert "<b>&\"'?/mailgraph.rrd" in sentence_of(Reply(Page(str(directory), "mailgraph"), "0-n")).replace(" ", "")


def test_a_path_that_is_not_utf_8_is_said(directory: Path, tmp_path: Path) -> None:
    link = os.fsdecode(bytes(tmp_path) + b"/\xff")
    Path(link).symlink_to(directory)
    page = Page(link, "mailgraph", now=lambda: NOON + 1)
    assert "takes no path that is not UTF-8" in sentence_of(Reply(page, "0-n"))
    assert Reply(page, "0-n.csv").status == Reply(page).status == "200 OK"


def test_an_unreadable_configuration_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILGRAPH_CONFIG", "/no/such/file")
    said = "can't read configuration /no/such/file: No such file or directory (create it or unset MAILGRAPH_CONFIG)"
    whole, picture = Reply(application), Reply(application, "0-n")
    assert whole.status == picture.status == "500 Internal Server Error"
    assert said.replace("'", "&#39;") in whole.text
    assert sentence_of(picture) == said


def test_the_configuration_says_where_the_files_are(
    tmp_path: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "default").write_text(f"RRD_DIR={directory}\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    assert Reply(Page(now=lambda: NOON), "0-n").type == "image/png"


def test_an_edit_of_the_configuration_takes_effect_at_once(
    tmp_path: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "default"
    configuration.write_text("RRD_DIR=/no/such/directory\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(configuration))
    page = Page(now=lambda: NOON)
    assert "/no/such/directory" in sentence_of(Reply(page, "0-n"))
    configuration.write_text(f"RRD_DIR={directory}\n")
    assert Reply(page, "0-n").type == "image/png"


@pytest.mark.parametrize(
    "options", ["--rrd-name other", "-v --rrd-name=other --rbl-is-spam", "--rrd-name x --rrd-name other"]
)
def test_the_configured_name_of_the_files_is_the_daemons_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str
) -> None:
    (tmp_path / "default").write_text(f'RRD_DIR={tmp_path}\nEXTRA_OPTIONS="{options}"\n')
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    assert f"{tmp_path}/other.rrd".replace(" ", "") in sentence_of(Reply(application, "0-n")).replace(" ", "")


def test_a_graph_that_is_not_counted_is_left_out(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON, families=(MAIL, VIRUS))
    pictures = Outline(Reply(Page(str(tmp_path), "mailgraph")).text).of("img")
    assert pictures == [f"?{number}-{letter}" for number in range(4) for letter in "ne"]


@pytest.mark.parametrize("families", [(), (GREYLIST,), (MAIL, GREYLIST)], ids=len)
def test_a_graph_that_may_be_counted_is_shown(tmp_path: Path, families: tuple[Family, ...]) -> None:
    one_a_minute(tmp_path, NOON, families=families)
    assert len(Outline(Reply(Page(str(tmp_path), "mailgraph")).text).of("img")) == 12


def test_what_the_original_did_not_count_has_its_graph_once_it_is_counted(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    one_a_minute(tmp_path, NOON, families=(DELIVERY, SPF))
    pictures = Outline(Reply(Page(str(tmp_path), "mailgraph")).text).of("img")
    assert pictures == [f"?{number}-{letter}" for number in range(4) for letter in "negds"]


def test_a_counter_of_ones_own_has_a_graph_of_its_own(tmp_path: Path) -> None:
    own = own_family("over_quota")
    one_a_minute(tmp_path, NOON)
    counts = {minute: {"over_quota": 2} for minute in range(NOON - 2 * DAY, NOON + 60, 60)}
    one_a_minute(tmp_path, NOON, families=(own,), counts=counts)
    page = Page(str(tmp_path), "mailgraph", now=lambda: NOON + 1)
    pictures = Outline(Reply(page).text).of("img")
    assert pictures == [f"?{number}-{letter}" for number in range(4) for letter in ("n", "e", "g", "own_over_quota")]
    drawn = Reply(page, "0-own_over_quota")
    assert (drawn.status, png.size(drawn.body)) == ("200 OK", (637, 165))
    assert '"over_quota"' in Reply(page, "0-own_over_quota.json").text
    assert Reply(page, "g=own_over_quota&from=now-6h&to=now").status == "200 OK"


@pytest.mark.parametrize(
    "query", ["0-own_", "0-own_X", "0-own_../x", "4-own_x", "g=own_.&from=now-1d", "own_x", "0-own_" + "a" * 20]
)
def test_what_no_counter_can_be_called_is_not_found(tmp_path: Path, query: str) -> None:
    assert Reply(Page(str(tmp_path), "mailgraph"), query).status == "404 Not Found"


def test_a_counter_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    assert "there is no mailgraph_own_x.rrd yet" in sentence_of(Reply(Page(str(tmp_path), "mailgraph"), "0-own_x"))


def test_files_of_other_names_are_no_counters(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON)
    for name in (
        "mailgraph_own_.rrd",
        "mailgraph_own_A.rrd",
        "other_own_x.rrd",
        "mailgraph_own_x.rrd.bak",
        "own_x.rrd",
    ):
        (tmp_path / name).write_bytes(b"")
    assert len(Outline(Reply(Page(str(tmp_path), "mailgraph")).text).of("img")) == 12


def test_nothing_is_written(page: Page, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = listing(directory, tmp_path)
    for query in ("", "mailgraph.css", "../x", *ALL_PICTURES):
        Reply(page, query)
    assert listing(directory, tmp_path) == before


def test_a_request_imports_little() -> None:
    """Each of these takes milliseconds, and rrdtool as long as Python itself."""
    script = "import sys; sys.path.insert(0, sys.argv[1]); from mailgraph import cgi, page; print(*sys.modules)"
    root = str(Path(mailgraph.__file__).parents[1])
    command = [sys.executable, "-I", "-S", "-c", script, root]
    modules = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    costly = {
        "re",
        "enum",
        "typing",
        "dataclasses",
        "wsgiref",
        "collections",
        "functools",
        "html",
        "threading",
        "rrdtool",
    }
    assert costly & set(modules) == set()
    assert "mailgraph.page" in modules
