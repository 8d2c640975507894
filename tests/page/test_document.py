"""The pages' content: warnings, words for pictures, links from range to range."""

import itertools
from pathlib import Path

import html5lib
import pytest

from mailgraph.page import Page
from mailgraph.schema import DAY, GREYLIST, VIRUS
from tests.page.rrds import NOON, Reply, one_a_minute
from tests.page.test_page import ALL_PICTURES, Outline


def warnings(reply: Reply) -> list[str]:
    return [part.partition("</p>")[0] for part in reply.text.split('<p class="sentence">')[1:]]


def links(reply: Reply) -> dict[str, str]:
    outline = Outline(reply.text).found
    return {text: target for (tag, target), (_, text) in itertools.pairwise(outline) if tag == "a" and text[0] != "?"}


def at(directory: Path, now: int = NOON + 1) -> Page:
    return Page(str(directory), "mailgraph", "mail.example.org", now=lambda: now)


def test_a_page_without_fault_warns_of_nothing(page: Page) -> None:
    assert warnings(Reply(page)) == []


@pytest.mark.parametrize("query", ["", "g=n&from=now-6h&to=now"])
def test_a_page_is_html5(page: Page, tmp_path: Path, query: str) -> None:
    """The strict parser raises what a browser puts right in silence."""
    for one in (page, at(tmp_path / "<nothing> & 'nowhere'")):
        tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(Reply(one, query).text)
        assert tree.get("lang") == "en"
        assert [len(tree.findall(f".//{tag}")) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]


def test_no_file_yet_is_said_once_on_top(tmp_path: Path) -> None:
    reply = Reply(at(tmp_path))
    assert warnings(reply) == [
        f"there is no {tmp_path}/mailgraph.rrd yet (start mailgraph; it makes the file when it has counted a minute)"
    ]
    assert reply.text.index('class="sentence"') < reply.text.index("<h2")


@pytest.mark.parametrize(("late", "said"), [(300, False), (301, True), (86400, True)])
def test_a_daemon_that_stores_nothing_for_five_minutes_is_down(tmp_path: Path, late: int, said: bool) -> None:
    one_a_minute(tmp_path, NOON)
    expected = ["mailgraph has stored nothing since Wed Nov 25 12:00:00 2026 (is it running?)"] if said else []
    assert warnings(Reply(at(tmp_path, NOON + late))) == expected


def test_an_unreadable_file_is_said_on_top_and_the_rest_is_shown(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON)
    Path(paths[GREYLIST]).write_bytes(b"")
    reply = Reply(at(tmp_path))
    assert warnings(reply) == [
        f"can&#39;t use {paths[GREYLIST]}: it is empty (move it away, and mailgraph makes a new one)"
    ]
    assert Outline(reply.text).of("img") == [f"?{query}" for query in ALL_PICTURES]
    assert [Reply(at(tmp_path), f"0-{letter}").type for letter in "neg"] == ["image/png", "image/png", "image/svg+xml"]


def test_a_foreign_file_is_said_once_on_top(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON)
    Path(paths[VIRUS]).write_bytes(Path(paths[GREYLIST]).read_bytes())
    assert warnings(Reply(at(tmp_path))) == [
        f"can&#39;t use {paths[VIRUS]}: it has no data source virus (move it away, and mailgraph makes a new one)"
    ]


def test_a_picture_is_said_in_words_with_its_numbers(page: Page) -> None:
    assert (
        'alt="Sent and received. Sent: total 1440 messages, average 1.00 a minute, maximum 1 a minute.'
        ' Received: total 1440 messages, average 1.00 a minute, maximum 1 a minute."'
    ) in Reply(page).text


def test_numbers_that_are_not_known_are_not_zero(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON - 2 * DAY)
    assert 'alt="Sent and received. Sent: unknown. Received: unknown."' in Reply(at(tmp_path)).text
    assert Reply(at(tmp_path), "0-n.csv").text.splitlines()[-3] == "total (msgs),,,,"


def test_a_picture_comes_in_the_screens_pixels_and_theme(page: Page) -> None:
    assert (
        '<picture><source media="screen and (prefers-color-scheme: dark)"'
        ' srcset="?3-e&amp;theme=dark, ?3-e&amp;theme=dark&amp;zoom=2 2x">'
        '<img src="?3-e" srcset="?3-e&amp;zoom=2 2x" '
    ) in Reply(page).text


def test_a_picture_links_to_its_range(page: Page) -> None:
    ranges = [f"?g={letter}&from=now-{days}&to=now" for days in ("1d", "1w", "31d", "1y") for letter in "neg"]
    assert Outline(Reply(page).text).of("a")[4:16] == ranges


@pytest.mark.parametrize("query", ["g=n&from=now-6h&to=now", "g=e&from=1795500000&to=1795600000"])
def test_all_that_a_page_links_to_is_there(page: Page, query: str) -> None:
    outline = Outline(Reply(page, query).text)
    targets = [target for target in outline.of("a", "img", "script", "link") if target[0] == "?"]
    assert len(targets) >= 12
    assert {Reply(page, target[1:]).status for target in targets} == {"200 OK"}


def test_a_range_leads_to_those_around_it(page: Page) -> None:
    found = links(Reply(page, "g=n&from=1795590240&to=1795600800"))
    assert found["Earlier"] == "?g=n&from=1795584960&to=1795595520"
    assert found["Later"] == "?g=n&from=1795595520&to=1795606080"
    assert found["Wider"] == "?g=n&from=1795584960&to=1795606080"
    assert found["Narrower"] == "?g=n&from=1795592880&to=1795598160"
    assert found["This range for good"] == "?g=n&from=1795590240&to=1795600800"
    assert found["CSV"].startswith("?g=n&from=1795590240&to=1795600800&form=csv")
    assert found["All graphs"] == "?"


def test_a_range_up_to_now_stays_so(page: Page) -> None:
    found = links(Reply(page, "g=n&from=now-6h&to=now"))
    assert found["Wider"] == "?g=n&from=now-12h&to=now"
    assert found["Narrower"] == "?g=n&from=now-3h&to=now"
    assert "Later" not in found
    assert found["This range for good"] == f"?g=n&from={NOON - 6 * 3600}&to={NOON}"


def test_a_ranges_picture_can_be_dragged_over(page: Page) -> None:
    text = Reply(page, "g=n&from=now-6h&to=now").text
    assert f'data-graph="n" data-from="{NOON - 6 * 3600}" data-to="{NOON}" data-left="67" data-width="810"' in text


def test_a_ranges_page_without_files_says_so(tmp_path: Path) -> None:
    reply = Reply(at(tmp_path), "g=n&from=now-6h&to=now")
    assert reply.status == "200 OK"
    assert warnings(reply)[0].startswith(f"there is no {tmp_path}/mailgraph.rrd yet")
    assert links(reply)["All graphs"] == "?"


def test_a_ranges_page_without_configuration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILGRAPH_CONFIG", "/no/such/file")
    reply = Reply(Page(), "g=n&from=now-6h&to=now")
    assert reply.status == "500 Internal Server Error"
    assert warnings(reply)[0].startswith("can&#39;t read configuration /no/such/file")
