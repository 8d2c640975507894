"""The page in a real browser, from a real web server."""

import time
from collections.abc import Iterator
from importlib.resources import files as resources
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.page import png
from tests.page.browser import ALL_LIGHT, EAGER, LOADED, Browser, Tab
from tests.page.rrds import Steady, several
from tests.page.servers import lighttpd
from tests.page.test_cgi import ROOT
from tests.programs import require

AXE = resources("axe_core_python").joinpath("axe.min.js").read_text()

PICTURES = "[...document.images].map(image => [image.currentSrc.split('?')[1], image.naturalWidth])"
CLASSICAL = [f"{number}-{letter}" for number in range(4) for letter in "neg"]


@pytest.fixture(scope="module")
def address(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page's, in lighttpd's cgi-bin."""
    directory = tmp_path_factory.mktemp("lighttpd")
    (directory / "default").write_text(f"RRD_DIR={fresh}\n")
    with lighttpd(require("lighttpd"), directory, ROOT, MAILGRAPH_CONFIG=str(directory / "default")) as client:
        yield f"http://127.0.0.1:{client.port}/cgi-bin/mailgraph.cgi"


@pytest.fixture(scope="module")
def over_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page over 14 hosts, of which one is silent, in lighttpd's cgi-bin."""
    directory = tmp_path_factory.mktemp("hosts")
    end = int(time.time()) - 60
    silent = Steady(end - 8400, sent=1)
    hosts = {f"mx{number:02}.example.org": Steady(sent=number, received=number, rejected=1) for number in range(13)}
    several(directory, hosts | {"ein-langer-name-der-nicht-passt.mail.example.org": silent}, end, days=2)
    (directory / "hosts.toml").write_text("[groups]\nFirst = ['mx0*']\n'Rear & more' = ['mx1*']\n")
    (directory / "default").write_text(f"RRD_DIR={directory}\nHOSTS_FILE={directory}/hosts.toml\n")
    with lighttpd(require("lighttpd"), directory, ROOT, MAILGRAPH_CONFIG=str(directory / "default")) as client:
        yield f"http://127.0.0.1:{client.port}/cgi-bin/mailgraph.cgi"


def faults(tab: Tab) -> list[str]:
    """What axe finds, rule and place."""
    tab.evaluate(AXE + ";0")
    found = tab.evaluate("axe.run().then(result => result.violations.map(one => [one.id, one.nodes[0].html]))")
    return [f"{rule}: {place}" for rule, place in found]


def test_all_pictures_are_complete_and_the_console_is_silent(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.open(address)
    assert tab.evaluate(PICTURES) == [[query, 637] for query in CLASSICAL]
    assert tab.said() == []


def test_a_picture_that_cannot_be_drawn_is_a_whole_one(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\n")
    with lighttpd(require("lighttpd"), tmp_path, ROOT, MAILGRAPH_CONFIG=str(tmp_path / "default")) as client:
        for scale in (1, 2):
            tab = Tab(browser, scale=scale)
            tab.open(f"http://127.0.0.1:{client.port}/cgi-bin/mailgraph.cgi")
            assert [width for _, width in tab.evaluate(PICTURES)] == [637] * 12


def test_a_dense_screen_gets_its_own_pixels(browser: Browser, address: str) -> None:
    tab = Tab(browser, scale=2)
    tab.open(address)
    assert tab.evaluate(PICTURES) == [[f"{query}&zoom=2", 637] for query in CLASSICAL]


def test_a_dark_screen_gets_dark_pictures_on_a_dark_page(browser: Browser, address: str) -> None:
    tab = Tab(browser, dark=True)
    tab.open(address)
    assert tab.evaluate(PICTURES) == [[f"{query}&theme=dark", 637] for query in CLASSICAL]
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 29)"


@pytest.mark.parametrize("query", ["", "?g=e&from=now-6h&to=now"])
def test_a_phone_shows_one_column_without_scrolling_sideways(browser: Browser, address: str, query: str) -> None:
    tab = Tab(browser, width=360, height=640, scale=3, phone=True)
    tab.open(address + query)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    lefts = tab.evaluate("[...document.images].map(image => image.getBoundingClientRect().left)")
    assert len(set(lefts)) == 1
    assert tab.evaluate("Math.max(...[...document.images].map(image => image.getBoundingClientRect().right))") <= 360


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("query", ["", "?g=n&from=now-6h&to=now"])
def test_an_accessibility_checker_finds_nothing(browser: Browser, address: str, query: str, dark: bool) -> None:
    tab = Tab(browser, dark=dark)
    tab.open(address + query)
    assert faults(tab) == []


def test_a_hosts_page_is_as_wide_as_the_classical_one_and_that_over_hosts_twice(
    browser: Browser, address: str, over_hosts: str
) -> None:
    tab = Tab(browser, width=1300)
    for page in (address, over_hosts + "?host=mx01.example.org"):
        tab.open(page)
        assert tab.evaluate("document.querySelector('h2').offsetWidth") == 637
    tab.open(over_hosts)
    assert tab.evaluate("document.querySelector('h2').offsetWidth") == 1290


def test_an_accessibility_checker_finds_nothing_on_a_page_of_warnings(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\n")
    with lighttpd(require("lighttpd"), tmp_path, ROOT, MAILGRAPH_CONFIG=str(tmp_path / "default")) as client:
        tab = Tab(browser)
        tab.open(f"http://127.0.0.1:{client.port}/cgi-bin/mailgraph.cgi")
        assert tab.evaluate("document.querySelectorAll('.sentence').length") == 1
        assert faults(tab) == []


@pytest.mark.parametrize("page", ["", "?g=n&from=now-20h&to=now"])
def test_dragging_over_a_picture_shows_the_range(browser: Browser, address: str, page: str) -> None:
    tab = Tab(browser)
    tab.open(address + page)
    box = tab.evaluate("(({left, top}) => [left, top])(document.images[0].getBoundingClientRect())")
    start, end, width = (
        int(value) for value in tab.evaluate("(({from, to, width}) => [from, to, width])(document.images[0].dataset)")
    )
    quarter, half = (box[0] + 67 + width / 4, box[1] + 60), (box[0] + 67 + width / 2, box[1] + 90)
    tab.drag(half, quarter)
    tab.wait()
    asked = parse_qs(tab.evaluate("location.search")[1:])
    assert asked["g"] == ["n"]
    length = end - start
    assert int(asked["from"][0]) == pytest.approx(start + length / 4, abs=length / width)
    assert int(asked["to"][0]) == pytest.approx(start + length / 2, abs=length / width)
    assert tab.evaluate("document.images.length") == 1
    assert tab.said() == []


def test_a_click_on_a_picture_follows_its_link(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.open(address)
    left, top = tab.evaluate("(({left, top}) => [left, top])(document.images[0].getBoundingClientRect())")
    tab.drag((left + 200, top + 80), (left + 202, top + 80))
    tab.wait()
    assert tab.evaluate("location.search") == "?g=n&from=now-1d&to=now"


def test_the_keyboard_reaches_every_link_in_order(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.open(address)
    links = tab.evaluate("[...document.links].map(link => link.href)")
    reached = []
    for _ in links:
        tab.tabulate()
        reached.append(tab.evaluate("document.activeElement.href"))
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == links
    assert len(links) == 4 + 12 + 3


def test_without_script_the_links_lead_on(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.open(address, scripts=False)
    for _ in range(5):
        tab.tabulate()
    tab.follow()
    tab.wait()
    assert tab.evaluate("location.search") == "?g=n&from=now-1d&to=now"


def test_on_paper_there_are_pictures_and_no_links_to_jump(browser: Browser, address: str) -> None:
    tab = Tab(browser, dark=True)
    tab.open(address)
    assert tab.printed()[:5] == b"%PDF-"
    tab.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.evaluate(ALL_LIGHT)
    assert tab.evaluate(PICTURES) == [[query, 637] for query in CLASSICAL]


def test_the_page_is_seen(browser: Browser, address: str, tmp_path: Path) -> None:
    tab = Tab(browser, width=660)
    tab.open(address)
    width, height = png.size(tab.picture(tmp_path / "page.png"))
    assert width == 660
    assert height > 2000


OVER_HOSTS = ["", "?host=mx03.example.org", "?group=Rear%20%26%20more", "?all&g=traffic&from=now-6h&to=now"]


def test_pictures_of_hosts_are_drawn_when_they_come_into_view(browser: Browser, over_hosts: str) -> None:
    tab = Tab(browser, width=1320, height=500)
    tab.open(over_hosts)
    complete = "[...document.images].filter(image => image.complete && image.naturalWidth).length"
    height = tab.evaluate("document.documentElement.scrollHeight")
    assert tab.evaluate("document.images.length") == 16 + 14
    assert tab.evaluate(complete) < 30
    tab.evaluate(EAGER)
    tab.evaluate(LOADED)
    assert tab.evaluate(complete) == 30
    assert tab.evaluate("document.documentElement.scrollHeight") == height
    assert tab.said() == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("query", OVER_HOSTS)
def test_an_accessibility_checker_finds_nothing_over_hosts(
    browser: Browser, over_hosts: str, query: str, dark: bool
) -> None:
    tab = Tab(browser, dark=dark)
    tab.open(over_hosts + query)
    assert faults(tab) == []


@pytest.mark.parametrize("query", OVER_HOSTS)
def test_a_phone_shows_hosts_without_scrolling_sideways(browser: Browser, over_hosts: str, query: str) -> None:
    tab = Tab(browser, width=360, height=640, scale=3, phone=True)
    tab.open(over_hosts + query)
    assert tab.evaluate("document.documentElement.scrollWidth") == 360
    assert (
        tab.evaluate(
            "Math.max(...[...document.querySelectorAll('td')].map(one => one.scrollWidth - one.clientWidth), 0)"
        )
        == 0
    )
    assert faults(tab) == []


def test_a_dark_screen_gets_dark_pictures_of_hosts(browser: Browser, over_hosts: str) -> None:
    tab = Tab(browser, dark=True)
    tab.open(over_hosts)
    tab.evaluate(EAGER)
    tab.evaluate(LOADED)
    assert tab.evaluate("[...document.images].every(image => image.currentSrc.endsWith('&theme=dark'))")


def test_dragging_over_a_hosts_picture_stays_with_the_host(browser: Browser, over_hosts: str) -> None:
    for page, scope in (("", "all"), ("?host=mx03.example.org", "host=mx03.example.org")):
        tab = Tab(browser)
        tab.open(over_hosts + page)
        left, top = tab.evaluate("(({left, top}) => [left, top])(document.images[0].getBoundingClientRect())")
        tab.drag((left + 200, top + 80), (left + 400, top + 80))
        tab.wait()
        assert tab.evaluate("location.search").startswith(f"?{scope}&g=n&from=")
        assert tab.evaluate("document.images.length") == 1
        assert tab.said() == []


def test_the_keyboard_reaches_every_host_and_opens_it(browser: Browser, over_hosts: str) -> None:
    tab = Tab(browser)
    tab.open(over_hosts + "?all&by=name", scripts=False)
    links = tab.evaluate("[...document.links].map(link => link.href)")
    reached = []
    for _ in links:
        tab.tabulate()
        reached.append(tab.evaluate("document.activeElement.href"))
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        if reached[-1].endswith("?host=mx02.example.org"):
            break
    assert reached == links[: len(reached)]
    tab.follow()
    tab.wait()
    assert tab.evaluate("location.search") == "?host=mx02.example.org"
    assert tab.evaluate("document.querySelector('h1').textContent") == "Mail statistics for mx02.example.org"


def test_the_silent_host_stands_first_and_links_lead_on(browser: Browser, over_hosts: str) -> None:
    tab = Tab(browser, width=1320)
    tab.open(over_hosts)
    first = "document.querySelector('tbody tr').textContent"
    assert "silent for 2 h; usually about 60 messages an hour" in tab.evaluate(first)
    assert (
        tab.evaluate("document.querySelector('.look a').search")
        == "?host=ein-langer-name-der-nicht-passt.mail.example.org"
    )


def test_on_paper_the_hosts_are_a_table(browser: Browser, over_hosts: str) -> None:
    tab = Tab(browser, dark=True)
    tab.open(over_hosts)
    assert tab.printed()[:5] == b"%PDF-"
    tab.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert tab.evaluate("getComputedStyle(document.querySelector('table')).display") == "table"
    assert tab.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
