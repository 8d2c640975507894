"""The page in each web server of the README, set up as the example there says."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from html import unescape
from pathlib import Path

import pytest

from tests.page import png
from tests.page.browser import Browser, Tab
from tests.page.rrds import Steady, several
from tests.page.servers import Client, apache, gunicorn_behind_nginx

WebServer = Callable[[Path, str], AbstractContextManager[tuple[Client, str]]]

CLASSICAL = [f"{number}-{letter}" for number in range(4) for letter in "neg"]


def test_the_page_is_served(served: tuple[Client, str]) -> None:
    client, path = served
    reply = client.get(path)
    assert (reply.status, reply.type) == (200, "text/html; charset=utf-8")
    assert "<h1>Mail statistics for " in reply.text
    assert 'class="sentence"' not in reply.text


def test_all_pictures_are_served_at_once(served: tuple[Client, str]) -> None:
    client, path = served
    with ThreadPoolExecutor(12) as clients:
        replies = list(clients.map(lambda query: client.get(f"{path}?{query}"), CLASSICAL * 2))
    assert [(reply.status, reply.type) for reply in replies] == [(200, "image/png")] * 24
    assert [png.size(reply.body)[0] for reply in replies] == [637] * 24


def test_style_sheet_and_script_are_served(served: tuple[Client, str]) -> None:
    client, path = served
    assert client.get(f"{path}?mailgraph.css").type == "text/css; charset=utf-8"
    assert client.get(f"{path}?mailgraph.js").type == "text/javascript; charset=utf-8"


def test_what_a_client_has_is_not_sent_again(served: tuple[Client, str]) -> None:
    client, path = served
    first = client.get(f"{path}?3-n")
    assert first.headers["Cache-Control"].startswith("max-age=")
    again = client.get(f"{path}?3-n", {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]


def test_head_and_other_methods_and_unknown_queries_are_answered(served: tuple[Client, str]) -> None:
    client, path = served
    head = client.get(f"{path}?0-n.csv", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert client.get(path, method="DELETE").status == 405
    unknown = client.get(f"{path}?unknown")
    assert (unknown.status, unknown.type) == (404, "text/plain; charset=utf-8")
    assert unknown.text == "There is no such page here; the graphs are on the page without a query.\n"


def test_a_range_is_a_page_and_a_table(served: tuple[Client, str]) -> None:
    client, path = served
    assert "Earlier" in client.get(f"{path}?g=n&from=now-6h&to=now").text
    assert client.get(f"{path}?g=n&from=now-6h&to=now&form=json").type == "application/json"


def test_a_browser_shows_all_pictures_and_its_console_is_silent(browser: Browser, served: tuple[Client, str]) -> None:
    client, path = served
    tab = Tab(browser)
    tab.open(f"http://127.0.0.1:{client.port}{path}")
    pictures = "[...document.images].map(image => [image.currentSrc.split('?')[1], image.naturalWidth])"
    assert tab.evaluate(pictures) == [[query, 637] for query in CLASSICAL]
    assert tab.said() == []


@pytest.mark.parametrize("server", [apache, gunicorn_behind_nginx])
def test_several_hosts_are_served_with_all_their_pictures_at_once(server: WebServer, tmp_path: Path) -> None:
    """Under CGI, and under a prefix by threads, which draw from memory at the same time."""
    end = int(time.time()) - 60
    several(tmp_path, {"mx1": Steady(sent=1), "mx 2": Steady(sent=2)}, end, days=1)
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\n")
    with server(tmp_path, str(tmp_path / "default")) as (client, path):
        text = client.get(path).text
        sources = [unescape(part.partition('"')[0]) for part in text.split('<img src="')[1:]]
        assert len(sources) == 16 + 2
        with ThreadPoolExecutor(12) as clients:
            replies = list(clients.map(lambda source: client.get(path + source), sources * 2))
        assert [reply.status for reply in replies] == [200] * 36
        assert [reply.type for reply in replies[:18]] == ["image/png"] * 16 + ["image/svg+xml"] * 2
        years = [number for number, source in enumerate(sources) if "&3-" in source]
        assert len(years) == 4
        assert all(replies[number].body == replies[number + 18].body for number in years)
        assert "<h1>Mail statistics for mx 2</h1>" in client.get(f"{path}?host=mx%202").text
