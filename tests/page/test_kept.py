"""Drawn pictures kept in CACHE_DIR, for those who want that."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import rrdtool

from mailgraph import kept
from mailgraph.kept import Kept
from mailgraph.page import Page
from mailgraph.schema import Family
from tests.page.rrds import NOON, Reply, listing, one_a_minute
from tests.page.test_cgi import SCRIPT, answer
from tests.page.test_document import warnings


class Drawings:
    """How often rrdtool draws."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._graphv = rrdtool.graphv
        monkeypatch.setattr(rrdtool, "graphv", self._drawn)

    def _drawn(self, *arguments: str) -> object:
        self.count += 1
        return self._graphv(*arguments)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    directory = tmp_path / "cache"
    directory.mkdir()
    return directory


@pytest.fixture
def page(files: dict[Family, str], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    rrd_dir = next(iter(files.values())).rpartition("/")[0]
    (tmp_path / "default").write_text(f"RRD_DIR={rrd_dir}\nCACHE_DIR={cache}\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    return Page(now=lambda: NOON + 1)


def test_a_picture_is_drawn_once(page: Page, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = Drawings(monkeypatch)
    first, again = Reply(page, "0-n"), Reply(page, "0-n")
    assert (first.status, first.body, first.headers) == (again.status, again.body, again.headers)
    assert drawings.count == 1
    assert len(list(cache.iterdir())) == 1


def test_each_view_and_look_is_kept_by_itself(page: Page, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings = Drawings(monkeypatch)
    queries = ["0-n", "0-e", "1-n", "0-n&zoom=2", "0-n&theme=dark", "0-n.svg", "g=n&from=now-6h&to=now&form=png"]
    bodies = [Reply(page, query).body for query in queries]
    assert [Reply(page, query).body for query in queries] == bodies
    assert drawings.count == len(set(bodies)) == len(list(cache.iterdir())) == len(queries)


def test_a_picture_of_new_data_is_drawn_anew(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_a_minute(tmp_path, NOON)
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\nCACHE_DIR={cache}\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    drawings = Drawings(monkeypatch)
    before = Reply(Page(now=lambda: NOON + 1), "0-n").body
    one_a_minute(tmp_path, NOON + 480)
    assert Reply(Page(now=lambda: NOON + 481), "0-n").body != before
    assert drawings.count == 2


def test_tables_and_pages_are_not_kept(page: Page, cache: Path) -> None:
    for query in ("", "0-n.csv", "0-n.json", "mailgraph.css", "unknown"):
        Reply(page, query)
    assert list(cache.iterdir()) == []


def test_nothing_of_a_request_is_in_a_name(page: Page, cache: Path) -> None:
    for query in ("0-n", "g=n&from=1&to=2&form=png", "0-n&zoom=3"):
        Reply(page, query)
    assert all(set(path.name) <= set("0123456789abcdef") for path in cache.iterdir())


def test_the_oldest_pictures_go(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LIMIT", 3)
    pictures = Kept(str(cache))
    for at, tag in enumerate("abcde"):
        pictures.put(tag, tag.encode())
        os.utime(cache / tag, (at, at)) if tag in os.listdir(cache) else None
    assert sorted(os.listdir(cache)) == ["c", "d", "e"]


def test_a_directory_that_cannot_be_written_is_said_and_pictures_are_drawn(page: Page, cache: Path) -> None:
    cache.rmdir()
    assert Reply(page, "0-n").type == "image/png"
    assert warnings(Reply(page)) == [
        f"can&#39;t write CACHE_DIR {cache}"
        " (make it for the web server&#39;s user, or take CACHE_DIR out of the configuration)"
    ]


def test_a_kept_picture_takes_no_rrdtool(fresh: Path, cache: Path, tmp_path: Path) -> None:
    """Seen from the script's process: a broken rrdtool is not noticed."""
    (tmp_path / "default").write_text(f"RRD_DIR={fresh}\nCACHE_DIR={cache}\n")
    began = int(time.time())
    head, body = answer(SCRIPT, "3-n", MAILGRAPH_CONFIG=str(tmp_path / "default"))
    before = listing(cache)
    fails = {"MAILGRAPH_CONFIG": str(tmp_path / "default"), "LD_LIBRARY_PATH": str(_without_librrd(tmp_path))}
    again, kept_body = answer(SCRIPT, "3-n", **fails)
    passed = int(time.time()) - began
    left, left_again = (int(each.pop("Cache-Control").removeprefix("max-age=")) for each in (head, again))
    assert (again, kept_body) == (head, body)
    assert left - left_again in range(passed + 1)
    assert listing(cache) == before
    given = {"QUERY_STRING": "3-e", "PATH": os.defpath, **fails}
    assert b"librrd" in subprocess.run([SCRIPT], env=given, capture_output=True, check=False).stderr


def _without_librrd(directory: Path) -> Path:
    """A directory that hides the system's librrd by a file of the same name."""
    hiding = directory / "lib"
    hiding.mkdir()
    (hiding / "librrd.so.8").write_bytes(b"no library")
    return hiding
