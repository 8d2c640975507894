"""The page in each web server of the README, set up as the example there says."""

from concurrent.futures import ThreadPoolExecutor

from tests.page import png
from tests.page.browser import Browser, Tab
from tests.page.servers import Client

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
