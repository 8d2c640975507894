"""The page as files: mailgraph --static DIR."""

import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from mailgraph import assets
from mailgraph.files import Files, located
from mailgraph.places import Hosts
from mailgraph.schema import GREYLIST, MAIL
from mailgraph.static import StaticError, write, write_hosts
from tests.page import png
from tests.page.browser import EAGER, LOADED, Browser, Tab
from tests.page.rrds import NOON, Steady, one_a_minute, several
from tests.page.test_page import Outline

CLASSICAL = [f"{number}-{letter}" for number in range(4) for letter in "neg"]


@pytest.fixture(scope="module")
def written(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    static = tmp_path_factory.mktemp("static") / "mail"
    write(str(static), Files(located(str(directory), "mailgraph")), "mail.example.org", NOON + 1)
    return static


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_all_that_the_page_refers_to_is_there_and_nothing_else(written: Path) -> None:
    text = (written / "index.html").read_text()
    outline = Outline(text)
    referred = {*outline.of("img"), *(target for target in outline.of("a") if not target.startswith(("#", "https:")))}
    sets = [part.partition('"')[0] for part in text.split('srcset="')[1:]]
    referred |= {one.strip().split()[0] for listed in sets for one in listed.split(",")}
    assert referred | {"index.html", "mailgraph.css"} == names(written)
    assert len(referred) == 12 * 5


def test_the_pictures_are_those_of_the_cgi_script(written: Path) -> None:
    for query in CLASSICAL:
        size = (637, {"n": 243, "e": 207, "g": 179}[query[-1]])
        assert png.size((written / f"{query}.png").read_bytes()) == size
        assert png.size((written / f"{query}-dark@2x.png").read_bytes()) == (2 * size[0], 2 * size[1])
        assert b"<svg" in (written / f"{query}.svg").read_bytes()[:200]
    assert (written / "mailgraph.css").read_bytes() == assets.read("mailgraph.css")


def test_a_web_server_may_read_the_files(written: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    for path in written.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_the_page_loads_itself_again(written: Path) -> None:
    assert '<meta http-equiv="refresh" content="300">' in (written / "index.html").read_text()


@pytest.mark.parametrize("dark", [False, True])
def test_a_browser_shows_it_from_the_disk(browser: Browser, written: Path, dark: bool) -> None:
    tab = Tab(browser, scale=2, dark=dark)
    tab.open(written.as_uri() + "/index.html")
    pictures = tab.evaluate(
        "[...document.images].map(image => [image.currentSrc.split('/').pop(), image.naturalWidth])"
    )
    assert pictures == [[f"{query}{'-dark' if dark else ''}@2x.png", 637] for query in CLASSICAL]
    assert tab.evaluate("getComputedStyle(document.querySelector('h1')).textAlign") == "center"
    assert tab.said() == []


def test_what_cannot_be_drawn_leaves_the_old_files(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON)
    directory = tmp_path / "static"
    write(str(directory), Files(located(str(tmp_path), "mailgraph")), "one", NOON + 1)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    Path(paths[GREYLIST]).write_bytes(b"")
    with pytest.raises(StaticError, match=r"can't use .*mailgraph_greylist\.rrd: it is empty \(move it away"):
        write(str(directory), Files(located(str(tmp_path), "mailgraph")), "two", NOON + 60)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """Who has the old file open goes on reading the old one."""
    one_a_minute(tmp_path, NOON)
    directory = tmp_path / "static"
    write(str(directory), Files(located(str(tmp_path), "mailgraph")), "one", NOON + 1)
    with (directory / "index.html").open() as old:
        write(str(directory), Files(located(str(tmp_path), "mailgraph")), "another", NOON + 1)
        assert "Mail statistics for one<" in old.read()
    assert "Mail statistics for another<" in (directory / "index.html").read_text()
    assert [name for name in names(directory) if name.startswith(".")] == []


def test_a_graph_that_is_not_counted_is_left_out(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON, families=(MAIL,))
    write(str(tmp_path / "static"), Files(located(str(tmp_path), "mailgraph")), "one", NOON + 1)
    assert not any("-g" in name for name in names(tmp_path / "static"))
    assert "0-n.png" in names(tmp_path / "static")


def mailgraph(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mailgraph", *arguments]
    environment = os.environ | {"MAILGRAPH_CONFIG": os.devnull}
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)


def test_the_command_writes_and_ends(fresh: Path, tmp_path: Path) -> None:
    done = mailgraph("--static", tmp_path / "static", "--daemon-rrd", fresh)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(names(tmp_path / "static")) == 62


def test_what_hinders_the_command_is_said(fresh: Path, tmp_path: Path) -> None:
    done = mailgraph("--static", tmp_path / "static", "--daemon-rrd", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"mailgraph: there is no {tmp_path}/mailgraph.rrd yet (start mailgraph")
    (tmp_path / "file").touch()
    done = mailgraph("--static", tmp_path / "file", "--daemon-rrd", fresh)
    assert (done.returncode, done.stderr) == (1, f"mailgraph: can't write {tmp_path}/file: File exists\n")


# Of several hosts


@pytest.fixture(scope="module")
def over_hosts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page over two hosts, one of them with a name of all sorts, and over a group."""
    root = tmp_path_factory.mktemp("several")
    several(root, {"mx1": Steady(sent=2), "a b&%<c>": Steady(sent=1)}, days=1)
    (root / "hosts.toml").write_text("[groups]\n'A & B' = ['mx1']\n")
    known = Hosts(str(root), "mailgraph", "here", {"HOSTS_FILE": str(root / "hosts.toml")})
    assert write_hosts(str(root / "static"), known, NOON + 301) == []
    return root / "static"


def test_the_page_over_hosts_is_there_with_all_that_it_refers_to(over_hosts: Path) -> None:
    assert names(over_hosts) >= {
        "index.html",
        "by-name-0.html",
        "host-mx1",
        "host-a%20b%26%25%3Cc%3E",
        "group-A%20%26%20B",
    }
    pages = sorted(over_hosts.rglob("*.html"))
    assert len(pages) == 12 + 12 + 2
    referred = set(pages)
    for page in pages:
        text = page.read_text()
        outline = Outline(text)
        targets = [
            target for target in outline.of("a", "img", "link") if not target.startswith(("#", "https:", "data:"))
        ]
        sets = [part.partition('"')[0] for part in text.split('srcset="')[1:]]
        targets += [one.strip().split()[0] for listed in sets for one in listed.split(",")]
        referred |= {(page.parent / unquote(target)).resolve() for target in targets}
    assert referred == {path for path in over_hosts.rglob("*") if path.is_file()}


def test_a_browser_goes_from_the_page_over_hosts_to_a_host_and_back(browser: Browser, over_hosts: Path) -> None:
    tab = Tab(browser)
    tab.open(over_hosts.as_uri() + "/by-name-1.html")
    tab.evaluate(EAGER)
    tab.evaluate(LOADED)
    assert tab.evaluate("[...document.images].every(image => image.naturalWidth)")
    for link, heading in (
        ("tbody a", "Mail statistics for a b&%<c>"),
        (".links a[href='../index.html']", "Mail statistics for 2 hosts"),
        (".links a[href*=group]", "Mail statistics for A & B"),
    ):
        tab.evaluate(f"document.querySelector({link!r}).focus()")
        tab.follow()
        tab.wait()
        assert tab.evaluate("document.querySelector('h1').textContent") == heading
    assert tab.said() == []


def test_a_host_that_cannot_be_drawn_keeps_no_other_from_it(tmp_path: Path) -> None:
    root = several(tmp_path, {"good": Steady(sent=2), "bad": Steady(sent=1)}, int(time.time()) - 60, days=1)
    (root / "hosts/bad/mailgraph.rrd").write_bytes(b"")
    done = mailgraph("--static", tmp_path / "static", "--daemon-rrd", root)
    sentence = f"can't use {root}/hosts/bad/mailgraph.rrd: it is empty (move it away, and mailgraph makes a new one)"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"mailgraph: {sentence}\n")
    assert "it is empty" in (tmp_path / "static/host-bad/index.html").read_text()
    assert "0-n.png" in names(tmp_path / "static/host-good")
    page = (tmp_path / "static/index.html").read_text()
    assert "Mail statistics for 2 hosts" in page
    for small in ("small-0.svg", "small-0-dark.svg"):
        assert f'"host-bad/{small}"' in page
        assert "it is empty" in (tmp_path / "static/host-bad" / small).read_text()


def test_files_beside_split_hosts_are_their_totals(tmp_path: Path) -> None:
    root = several(tmp_path, {"mx1": Steady(sent=2)}, int(time.time()) - 60, days=1)
    one_a_minute(tmp_path, int(time.time()) - 60, 1, (MAIL,), Steady(sent=2))
    assert mailgraph("--static", tmp_path / "static", "--daemon-rrd", root, "--split-hosts").returncode == 0
    assert "<title>Mail statistics for 1 host</title>" in (tmp_path / "static/index.html").read_text()


def test_a_name_that_is_too_long_in_a_url_names_a_file_all_the_same(tmp_path: Path) -> None:
    hosts = {letter * 60: Steady(sent=1) for letter in "éè"}
    root = several(tmp_path, hosts, int(time.time()) - 60, days=1)
    assert mailgraph("--static", tmp_path / "static", "--daemon-rrd", root).returncode == 0
    pages = [unquote(link) for link in Outline((tmp_path / "static/index.html").read_text()).of("a") if "host-" in link]
    assert len(set(pages)) == 2
    titles = {(tmp_path / "static" / page).read_text().partition("<title>")[2].partition("<")[0] for page in pages}
    assert titles == {f"Mail statistics for {name}" for name in hosts}
