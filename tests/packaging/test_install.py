"""``pip install .`` into a fresh environment: program, page, init files and manual page are all there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgraph import __version__
from tests.init.site import Site, sent, write_log
from tests.packaging.tree import ROOT, copy_to


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("installed")
    source, prefix = copy_to(directory / "source"), directory / "prefix"
    subprocess.run([sys.executable, "-m", "venv", prefix], check=True)
    pip = [prefix / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, source], check=True)
    source.rename(directory / "away")
    return prefix


def test_every_file_for_the_administrator_is_installed(prefix: Path) -> None:
    installed = {
        file.relative_to(prefix).as_posix(): file.read_bytes() for file in prefix.glob("share/**/*") if file.is_file()
    }
    places = {"cgi-bin": "share/mailgraph/cgi-bin", "init": "share/mailgraph/init"}
    wanted = {
        f"{place}/{file.name}": file.read_bytes() for name, place in places.items() for file in ROOT.glob(f"{name}/*")
    }
    manual = {"share/man/man8/mailgraph.8": (ROOT / "docs/mailgraph.8").read_bytes()}
    assert installed == wanted | manual


def test_scripts_can_be_executed(prefix: Path) -> None:
    for script in ("bin/mailgraph", "share/mailgraph/cgi-bin/mailgraph.cgi", "share/mailgraph/init/mailgraph"):
        assert os.access(prefix / script, os.X_OK), script


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.stop()


def test_daemon_and_page_work_from_there(prefix: Path, site: Site, tmp_path: Path) -> None:
    site.configure(DAEMON=prefix / "bin/mailgraph")
    write_log(site.log, 3)
    version = site.run(prefix / "bin/mailgraph", "--version", cwd=tmp_path)
    assert version.stdout == f"mailgraph {__version__}\n"
    started = site.run(prefix / "share/mailgraph/init/mailgraph", "start", cwd=tmp_path)
    assert (started.returncode, started.stderr) == (0, "")
    stopped = site.run(prefix / "share/mailgraph/init/mailgraph", "stop", cwd=tmp_path)
    assert (stopped.returncode, stopped.stderr) == (0, "")
    site.run(prefix / "bin/mailgraph", "--cat", cwd=tmp_path)
    assert sent(site.rrd_dir) == 3
    request = {"REQUEST_METHOD": "GET", "QUERY_STRING": "0-n", "MAILGRAPH_CONFIG": str(site.configuration)}
    script = prefix / "share/mailgraph/cgi-bin/mailgraph.cgi"
    picture = subprocess.run([script], cwd="/", env=request, check=True, capture_output=True).stdout
    assert b"Content-Type: image/png" in picture


def test_nothing_but_its_own_package_is_installed_as_mailgraph(prefix: Path) -> None:
    (packages,) = prefix.glob("lib/python3*/site-packages")
    files = {file.name for file in (packages / "mailgraph").iterdir() if file.is_file()}
    assert files == {file.name for file in (ROOT / "mailgraph").glob("*") if file.is_file()}
    assert not (packages / "tests").exists()
