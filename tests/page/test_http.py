"""What clients and caches between see of the page: tags, dates, ages, methods and statuses."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

import mailgraph
from mailgraph.page import Page
from mailgraph.rrd import Store
from mailgraph.schema import DAY, FAMILIES, MAIL, Family
from tests.page.rrds import NOON, Patterned, Reply, one_a_minute
from tests.page.test_page import sentence_of

LAG = 130
"""Seconds from a minute's start to its being stored: it is over, and the one behind it too."""


class Clock:
    """The time as a test sets it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Server:
    """A daemon that stores a minute a minute, and the page."""

    def __init__(self, directory: Path) -> None:
        self._store = Store(str(directory), FAMILIES)
        self.clock = Clock(NOON)
        self.page = Page(str(directory), "mailgraph", now=self.clock)

    def store_through(self, minute: int) -> None:
        for family in FAMILIES:
            self._store.write(family, Patterned(), NOON - 2 * DAY, minute)

    def pass_minutes(self, count: int, storing: bool = True) -> list[Reply]:
        """The picture in the middle of each minute."""
        seen = []
        for _ in range(count):
            self.clock.now += 60
            if storing:
                self.store_through((self.clock.now - LAG) // 60 * 60)
            seen.append(Reply(self.page, "0-n"))
        return seen


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def changes(values: list[object]) -> list[bool]:
    return [one != other for one, other in itertools.pairwise(values)]


def test_tag_and_date_change_exactly_when_the_picture_does(server: Server) -> None:
    """While the daemon runs, while it is down, when it is back and catches up."""
    seen = server.pass_minutes(20) + server.pass_minutes(20, storing=False) + server.pass_minutes(20)
    pictures = changes([reply.body for reply in seen])
    assert changes([reply.headers["ETag"] for reply in seen]) == pictures
    assert changes([reply.headers["Last-Modified"] for reply in seen]) == pictures
    assert 7 <= sum(pictures) <= 9


def test_a_picture_is_kept_until_the_next_row_of_its_archive(page: Page, server: Server) -> None:
    assert Reply(page, "0-n").headers["Cache-Control"] == "max-age=479"
    assert Reply(page, "1-n").headers["Cache-Control"] == "max-age=2879"
    server.store_through(NOON)
    server.clock.now = NOON + 200
    assert Reply(server.page, "0-n").headers["Cache-Control"] == "max-age=280"


def test_a_picture_whose_next_row_is_due_is_asked_for_again(server: Server) -> None:
    server.store_through(NOON)
    server.clock.now = NOON + 490
    assert Reply(server.page, "0-n").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("query", ["0-n", "3-e", "0-n.svg", "1-g.csv", "2-e.json", "g=n&from=now-6h&to=now&form=png"])
def test_a_client_with_the_content_is_told_so(page: Page, query: str) -> None:
    first = Reply(page, query)
    again = Reply(page, query, HTTP_IF_NONE_MATCH=first.headers["ETag"])
    assert (again.status, again.body) == ("304 Not Modified", b"")
    assert "Content-Type" not in again.headers
    for name in ("ETag", "Last-Modified", "Cache-Control"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("form", ['{0}, "x"', '"x", {0}', " {0} ", "*"])
def test_a_tag_may_stand_in_a_list(page: Page, form: str) -> None:
    tag = Reply(page, "0-n").headers["ETag"]
    assert Reply(page, "0-n", HTTP_IF_NONE_MATCH=form.format(tag)).status == "304 Not Modified"


@pytest.mark.parametrize("tags", ["", "x", '"x"', ",,,", '""', "\xff\x00"])
def test_a_client_with_another_content_gets_the_new_one(page: Page, tags: str) -> None:
    assert Reply(page, "0-n", HTTP_IF_NONE_MATCH=tags).status == "200 OK"


def test_a_client_that_knows_the_date_alone_is_told_too(page: Page) -> None:
    date = Reply(page, "0-n").headers["Last-Modified"]
    assert date == "Wed, 25 Nov 2026 12:00:01 GMT"
    assert Reply(page, "0-n", HTTP_IF_MODIFIED_SINCE=date).status == "304 Not Modified"
    other = "Wed, 25 Nov 2026 12:00:00 GMT"
    assert Reply(page, "0-n", HTTP_IF_MODIFIED_SINCE=other).status == "200 OK"
    assert Reply(page, "0-n", HTTP_IF_MODIFIED_SINCE=date, HTTP_IF_NONE_MATCH='"x"').status == "200 OK"


def test_pages_and_forms_and_looks_differ_in_their_tags(page: Page) -> None:
    queries = ["", "0-n", "0-e", "1-n", "0-n.svg", "0-n.csv", "0-n&theme=dark", "0-n&zoom=2", "0-n&width=600"]
    assert len({Reply(page, query).headers["ETag"] for query in queries}) == len(queries)


def test_the_page_itself_is_not_sent_twice(page: Page) -> None:
    tag = Reply(page).headers["ETag"]
    assert Reply(page, HTTP_IF_NONE_MATCH=tag).status == "304 Not Modified"


def test_neither_a_copy_that_is_good_nor_a_table_nor_the_page_takes_rrdtool(directory: Path) -> None:
    script = f"""
import sys
sys.path.insert(0, sys.argv[1])
from mailgraph.page import Page
page = Page({str(directory)!r}, "mailgraph", now=lambda: {NOON + 1})
def ask(query, **environ):
    head = []
    list(page({{"QUERY_STRING": query, **environ}}, lambda *answer: head.append(answer)))
    return head[0][0], dict(head[0][1]).get("ETag")
ask(""); ask("0-n.csv"); ask("0-n.json")
print(ask("0-n", HTTP_IF_NONE_MATCH=sys.argv[2])[0], "rrdtool" in sys.modules)
"""
    tag = Reply(Page(str(directory), "mailgraph", now=lambda: NOON + 1), "0-n").headers["ETag"]
    command = [sys.executable, "-I", "-S", "-c", script, str(Path(mailgraph.__file__).parents[1]), tag]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "304 Not Modified False\n"


@pytest.mark.parametrize("query", ["", "0-n", "0-n.csv", "mailgraph.css", "unknown"])
def test_head_is_get_without_the_body(page: Page, query: str) -> None:
    got, head = Reply(page, query), Reply(page, query, REQUEST_METHOD="HEAD")
    assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")
    assert head.headers["Content-Length"] == str(len(got.body))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", ""])
def test_another_method_is_not_allowed(page: Page, method: str) -> None:
    reply = Reply(page, "0-n", REQUEST_METHOD=method)
    assert (reply.status, reply.headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")
    assert reply.text == "This page can be read (GET, HEAD) and nothing else.\n"


@pytest.mark.parametrize("query", ["", "0-n", "0-n.csv", "mailgraph.css", "unknown"])
def test_every_answer_forbids_what_the_page_does_not_need(page: Page, query: str) -> None:
    headers = Reply(page, query).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"


def test_a_file_that_stays_locked_is_a_sentence_and_to_be_tried_again(tmp_path: Path) -> None:
    paths: dict[Family, str] = one_a_minute(tmp_path, NOON)
    hold = "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.lockf(file, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, paths[MAIL]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        reply = Reply(Page(str(tmp_path), "mailgraph", now=lambda: NOON + 1), "0-n")
        assert holder.stdin
        holder.stdin.close()
    assert (reply.status, reply.headers["Retry-After"]) == ("503 Service Unavailable", "10")
    assert sentence_of(reply).endswith("it is being written (reload in a moment)")
    assert reply.headers["Cache-Control"] == "no-store"


def test_an_error_is_never_kept(tmp_path: Path) -> None:
    for query in ("0-n", "0-n.csv", "unknown"):
        assert Reply(Page(str(tmp_path), "mailgraph"), query).headers["Cache-Control"] == "no-store"


def test_a_table_that_cannot_be_made_is_a_plain_sentence(tmp_path: Path) -> None:
    reply = Reply(Page(str(tmp_path), "mailgraph"), "0-n.json")
    assert (reply.status, reply.type) == ("500 Internal Server Error", "text/plain; charset=utf-8")
    assert reply.text.startswith(f"there is no {tmp_path}/mailgraph.rrd yet")
