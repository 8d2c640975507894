"""From a fresh clone, with little in the environment: one command shows the graphs, one runs the tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.process import until
from tests.init.site import sent, write_log
from tests.packaging.tree import ROOT, copy_to
from tests.running import PICTURES, running

pytestmark = pytest.mark.xdist_group("fresh clone")  # one process, so that one set-up serves all of them

KEPT = ("PATH", "HOME", "CI")
KEPT_BEGINNINGS = ("PIP_", "SSL_", "REQUESTS_", "http", "HTTP", "no_proxy", "NO_PROXY")
"""What pip needs to reach its index here, as it would be configured system-wide elsewhere."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What git knows of this tree, in a directory whose name has a blank."""
    clone = copy_to(tmp_path_factory.mktemp("fresh") / "a clone")
    yield clone
    shutil.rmtree(clone)  # 300 MB with the tests' tools


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_BEGINNINGS)}
    return kept | {"XDG_STATE_HOME": str(tmp_path / "state")}


def test_bin_run_sets_up_once_and_shows_the_graphs(clone: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    log = tmp_path / "mail.log"
    write_log(log, 3)
    directory = tmp_path / "state/mailgraph/logs" / str(log).strip("/").replace("/", "-")
    with running([clone / "bin/run", log], cwd="/", env=environment) as run:
        assert run.said[0] == f"Setting up {clone}/.venv (once) ..."
        assert run.said[-2:] == [f"Counting {log} into {directory}", "The graphs, until Ctrl-C:"]
        until(lambda: sent(directory) == 3)
        assert {run.get(f"?{picture}")[:4] for picture in PICTURES} == {b"\x89PNG"}
        assert run.interrupt() == 0
        assert run.pids() == set()
    with running([clone / "bin/run", log], cwd="/", env=environment) as run:
        assert run.said == [f"Counting {log} into {directory}", "The graphs, until Ctrl-C:"]
        assert run.interrupt() == 0


def test_bin_test_sets_up_and_runs_the_tests_it_is_given(clone: Path, environment: dict[str, str]) -> None:
    command = [clone / "bin/test", "--numprocesses=0", "-q", "tests/test_config.py"]
    done = subprocess.run(command, cwd="/", env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1].split()[1]) == (0, "passed")


def test_program_and_cgi_script_run_from_the_checkout(clone: Path, environment: dict[str, str]) -> None:
    subprocess.run([clone / "bin/setup"], env=environment, check=True)
    done = subprocess.run([clone / "bin/mailgraph", "--version"], cwd="/", check=True, capture_output=True, text=True)
    assert done.stdout.startswith("mailgraph ")
    link = clone.parent / "link"
    link.symlink_to(clone / "bin/mailgraph")
    assert subprocess.run([link, "--version"], check=True, capture_output=True, text=True).stdout == done.stdout
    request = {"REQUEST_METHOD": "GET", "QUERY_STRING": "", "PATH": os.defpath}
    page = subprocess.run([clone / "cgi-bin/mailgraph.cgi"], cwd="/", env=request, check=True, capture_output=True)
    assert b"<h1" in page.stdout


def test_a_moved_checkout_is_set_up_anew(clone: Path, environment: dict[str, str]) -> None:
    subprocess.run([clone / "bin/setup"], env=environment, check=True)
    moved = clone.rename(clone.parent / "moved")
    done = subprocess.run([moved / "bin/setup"], env=environment, check=True, capture_output=True, text=True)
    assert f"Setting up {moved}/.venv" in done.stderr
    version = subprocess.run([moved / "bin/mailgraph", "--version"], check=True, capture_output=True, text=True)
    assert version.stdout.startswith("mailgraph ")
    moved.rename(clone)


def test_before_a_set_up_the_program_says_what_to_do(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "bin", tmp_path / "bin")
    done = subprocess.run([tmp_path / "bin/mailgraph"], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"mailgraph: not set up yet; run {tmp_path}/bin/run or {tmp_path}/bin/setup\n"
