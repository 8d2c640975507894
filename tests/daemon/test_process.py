"""The daemon as a process: detaching, pid file, lock, log file, working directory, signals."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM

import pytest

from tests.daemon.process import PATIENCE, Daemon, command, following, holder, until


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    daemon.rrd_dir.mkdir()
    daemon.log.touch()
    yield daemon
    daemon.stop()


def test_the_caller_is_free_at_once_and_the_daemon_runs(daemon: Daemon) -> None:
    result = daemon.start()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert daemon.is_alive() or daemon.pid
    assert os.readlink(f"/proc/{daemon.pid}/cwd") == str(daemon.rrd_dir)
    assert os.getsid(daemon.pid) != os.getsid(0)


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_signal_ends_the_daemon_and_its_pid_file(daemon: Daemon, number: int) -> None:
    daemon.start()
    pid = daemon.pid
    until(lambda: holder(daemon.rrd_dir) == pid)
    os.kill(pid, number)
    until(lambda: not daemon.pid_file.exists())
    assert daemon.messages.read_text() == ""


def test_a_stale_pid_file_is_taken_over(daemon: Daemon) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    daemon.pid_file.write_text(f"{ended.pid}\n")
    assert daemon.start().returncode == 0
    until(lambda: daemon.pid != ended.pid)


def test_a_pid_file_with_the_number_of_another_program_is_taken_over(daemon: Daemon) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        daemon.pid_file.write_text(f"{other.pid}\n")
        assert daemon.start().returncode == 0
        until(lambda: daemon.pid != other.pid)
        other.terminate()


@pytest.mark.parametrize("content", ["", "no number\n"])
def test_a_pid_file_without_number_is_taken_over(daemon: Daemon, content: str) -> None:
    daemon.pid_file.write_text(content)
    assert daemon.start().returncode == 0
    until(lambda: daemon.pid_file.exists() and daemon.pid_file.read_text().strip().isdecimal())


def test_a_second_daemon_is_refused_by_its_pid_file(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    pid = daemon.pid
    daemon.rrd_dir = tmp_path / "other"
    daemon.rrd_dir.mkdir()
    result = daemon.start()
    assert result.returncode == 1
    assert result.stderr == f"mailgraph: mailgraph runs already, pid {pid} ({daemon.pid_file}); stop it first\n"
    assert daemon.pid == pid


def test_a_second_mailgraph_on_the_same_rrd_directory_is_refused_by_name_and_pid(daemon: Daemon) -> None:
    daemon.start()
    pid = daemon.pid
    until(lambda: holder(daemon.rrd_dir) == pid)
    result = subprocess.run(command(daemon.log, daemon.rrd_dir, "-c"), check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == (
        f"mailgraph: mailgraph, pid {pid}, writes the RRD files in {daemon.rrd_dir} already; stop it first\n"
    )


def test_two_daemons_with_names_of_their_own_share_a_directory(daemon: Daemon) -> None:
    daemon.start()
    with following(daemon.log, daemon.rrd_dir, "--rrd-name", "other") as other:
        until(lambda: holder(daemon.rrd_dir, "other") == other.pid)


def test_messages_that_cannot_be_written_end_nothing(daemon: Daemon) -> None:
    daemon.messages = Path("/dev/full")
    daemon.log.unlink()
    assert daemon.start().returncode == 0
    pid = daemon.pid
    until(lambda: holder(daemon.rrd_dir) == pid)
    daemon.log.touch()  # said too: "reading ... again"
    until(lambda: str(daemon.log) in map(os.path.realpath, Path(f"/proc/{pid}/fd").iterdir()))
    assert daemon.is_alive()


def test_a_pid_file_that_somebody_has_removed(daemon: Daemon) -> None:
    daemon.start()
    pid = daemon.pid
    until(lambda: holder(daemon.rrd_dir) == pid)
    daemon.pid_file.unlink()
    os.kill(pid, SIGTERM)
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert daemon.messages.read_text() == ""


def test_a_pid_file_with_the_number_of_a_program_that_reads_our_log_is_taken_over(daemon: Daemon) -> None:
    daemon.messages.touch()
    with subprocess.Popen(["tail", "-f", daemon.messages]) as other:
        daemon.pid_file.write_text(f"{other.pid}\n")
        assert daemon.start().returncode == 0
        until(lambda: daemon.pid != other.pid)
        other.terminate()


def test_messages_go_to_the_daemons_log_with_their_time(daemon: Daemon) -> None:
    daemon.log.unlink()
    assert daemon.start().returncode == 0
    until(daemon.messages.read_text)
    assert daemon.messages.read_text().endswith(
        f" mailgraph[{daemon.pid}]: {daemon.log} is not there; waiting for it\n"
    )


def test_hangup_opens_the_daemons_log_anew(daemon: Daemon) -> None:
    daemon.start()
    pid = daemon.pid
    until(lambda: holder(daemon.rrd_dir) == pid)
    daemon.messages.rename(daemon.messages.with_name("rotated"))
    os.kill(pid, SIGHUP)
    until(daemon.messages.exists)
    assert daemon.is_alive()


def test_a_log_file_that_cannot_be_made_is_said_before_detaching(daemon: Daemon) -> None:
    result = daemon.start("--daemon-log", "/nowhere/log")
    assert result.returncode == 1
    assert result.stderr == (
        "mailgraph: can't write /nowhere/log: No such file or directory (name another with --daemon-log)\n"
    )


def test_a_pid_file_that_cannot_be_made_is_said_before_detaching(daemon: Daemon) -> None:
    result = daemon.start("--daemon-pid", "/nowhere/pid")
    assert result.returncode == 1
    assert result.stderr == (
        "mailgraph: can't write /nowhere/pid: No such file or directory (name another with --daemon-pid)\n"
    )


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_in_the_foreground_a_signal_ends_with_status_0(daemon: Daemon, number: int) -> None:
    with following(daemon.log, daemon.rrd_dir) as process:
        until(lambda: holder(daemon.rrd_dir) == process.pid)
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
