"""What bin/run starts: a log or the sample is counted and its page is served, until a signal ends all of it."""

import os
import socket
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from signal import SIGHUP, SIGTERM

import pytest

from mailgraph import tryout
from tests.daemon.process import following, holder, until
from tests.init.site import sent, write_log
from tests.running import PICTURES, Run, running

PNG = b"\x89PNG"

LINES = """
import sys
from mailgraph import sample, tryout
tryout.LOGS = tuple(sys.argv.pop(1).split())
tryout.PORT = int(sys.argv.pop(1))
tryout.LIVE_SECONDS = 0.2
sample.YEAR = 40 * sample.DAY
sys.exit(tryout.main())
"""
"""bin/run's last line, with the usual places of a log and of the page as arguments, and a shorter, faster sample."""


class Home:
    """A user's directories and configuration."""

    def __init__(self, directory: Path) -> None:
        self.state = directory / "state"
        self.log = directory / "mail.log"
        self.configuration = directory / "default"
        self.configuration.write_text("")
        self.environment = os.environ | {
            "XDG_STATE_HOME": str(self.state),
            "MAILGRAPH_CONFIG": str(self.configuration),
            "TMPDIR": str(directory),
        }

    def run(
        self, *arguments: str | Path, logs: str = "/nowhere/mail.log", port: int = 0
    ) -> AbstractContextManager[Run]:
        return running([sys.executable, "-c", LINES, logs, str(port), *arguments], env=self.environment)

    def counts_of(self, log: Path) -> Path:
        """Where a log without a configured directory is counted."""
        return self.state / "mailgraph/logs" / str(log).strip("/").replace("/", "-")

    @property
    def sample(self) -> Path:
        return self.state / "mailgraph/sample"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_log_is_counted_and_its_page_served_until_ctrl_c(home: Home) -> None:
    write_log(home.log, 3)
    with home.run(home.log) as run:
        assert run.said == [f"Counting {home.log} into {home.counts_of(home.log)}", "The graphs, until Ctrl-C:"]
        until(lambda: sent(home.counts_of(home.log)) == 3)
        page = run.get()
        for picture in PICTURES:
            assert f"?{picture}".encode() in page
            assert run.get(f"?{picture}").startswith(PNG)
        assert len(run.pids()) == 3
        assert run.interrupt() == 0
        assert run.pids() == set()
        assert run.said[2:] == []


@pytest.mark.parametrize("number", [SIGTERM, SIGHUP])
def test_a_signal_to_bin_run_alone_ends_all(home: Home, number: int) -> None:
    write_log(home.log, 3)
    with home.run(home.log) as run:
        until(lambda: holder(home.counts_of(home.log)))
        run.process.send_signal(number)
        assert run.end() == 0
        assert run.pids() == set()


def test_without_argument_it_is_the_configured_log_in_the_configured_directory(home: Home, tmp_path: Path) -> None:
    write_log(home.log, 3)
    directory = tmp_path / "rrds"
    home.configuration.write_text(f"MAIL_LOG={home.log}\nRRD_DIR={directory}\nEXTRA_OPTIONS='-d --rrd-name=mine'\n")
    with home.run() as run:
        assert run.said[0] == f"Counting {home.log} into {directory}"
        until((directory / "mine.rrd").exists)
        until(lambda: holder(directory, "mine") in run.pids())
        assert run.get("?0-n").startswith(PNG)
        assert run.interrupt() == 0
        assert run.pids() == set()


def test_without_configuration_it_is_the_first_usual_log_that_exists(home: Home) -> None:
    write_log(home.log, 3)
    home.configuration.write_text("MAIL_LOG=/nowhere/configured.log\n")
    with home.run(logs=f"/nowhere/mail.log {home.log}") as run:
        assert run.said[0] == f"Counting {home.log} into {home.counts_of(home.log)}"
        assert run.interrupt() == 0


def test_without_a_log_a_sample_plays_and_all_periods_show_graphs_at_once(home: Home, tmp_path: Path) -> None:
    home.configuration.write_text("EXTRA_OPTIONS=--rrd-name=mine\n")
    with home.run() as run:
        assert run.said[0].startswith("No mail log here (/nowhere/mail.log): playing a sample")
        assert {run.get(f"?{picture}")[:4] for picture in PICTURES} == {PNG}
        total = sent(home.sample)
        assert total is not None
        assert total > 500
        assert run.interrupt() == 0
        assert run.pids() == set()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["default", "state"]


def test_the_samples_live_lines_go_on(home: Home, tmp_path: Path) -> None:
    with home.run() as run:
        (log,) = tmp_path.glob("mailgraph-*/mail.log")
        size = log.stat().st_size
        until(lambda: log.stat().st_size > size)
        assert run.interrupt() == 0
    assert not list(home.sample.glob("*_load.rrd"))


def test_a_second_call_goes_on_with_the_sample_that_was_counted(home: Home) -> None:
    with home.run() as run:
        assert run.interrupt() == 0
    counted = sent(home.sample)
    assert counted
    (home.sample / "mark.rrd").touch()
    with home.run() as run:
        assert run.interrupt() == 0
    assert (home.sample / "mark.rrd").exists()
    assert sent(home.sample) == pytest.approx(counted, abs=10)


def test_a_sample_that_other_code_counted_is_counted_anew(home: Home) -> None:
    with home.run() as run:
        assert run.interrupt() == 0
    (home.sample / "mark.rrd").touch()
    for file in home.sample.glob("*.rrd"):
        os.utime(file, (0, os.stat(tryout.__file__).st_mtime - 1))
    with home.run() as run:
        assert "Counting the year, once ..." in run.said
        assert run.interrupt() == 0
    assert not (home.sample / "mark.rrd").exists()
    assert sent(home.sample)


def test_a_taken_port_is_left_to_whoever_has_it(home: Home) -> None:
    write_log(home.log, 3)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with home.run(home.log, port=port) as run:
            assert run.url != f"http://127.0.0.1:{port}/"
            assert b"Mail statistics" in run.get()
            assert run.interrupt() == 0


def test_a_daemon_that_ends_by_itself_is_told_and_ends_the_page(home: Home) -> None:
    write_log(home.log, 3)
    directory = home.counts_of(home.log)
    directory.mkdir(parents=True)
    with following(home.log, directory):
        until(lambda: holder(directory))
        with home.run(home.log) as run:
            assert run.end() == 1
            assert run.pids() == set()
    assert "bin/run: the daemon ended by itself with status 1 (see above)" in run.said
    assert any("writes the RRD files in" in line for line in run.said)


def test_a_configuration_that_is_not_understood_is_told(home: Home) -> None:
    home.configuration.write_text("nonsense\n")
    with home.run() as run:
        assert run.end() == 1
    assert run.said == [f"bin/run: {home.configuration}, line 1: 'nonsense' is not NAME=value"]


def test_help_and_wrong_use(home: Home) -> None:
    with home.run("--help") as run:
        assert run.end() == 0
    assert run.said[0] == "usage: bin/run [MAIL_LOG]"
    with home.run("one", "two") as run:
        assert run.end() == 2
