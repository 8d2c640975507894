"""The daemon as a process, with the machine beside the mail."""

import math
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from signal import SIGHUP, SIGTERM

import pytest
import rrdtool

from mailgraph.rrdfile import RrdFile
from tests.daemon.clock import Clock
from tests.daemon.process import Daemon, command, following, holder, last, until
from tests.daemon.test_live import write_lines
from tests.machine.test_programs import marked, running
from tests.machine.test_spool import Spool

NOW = 1_800_000_060
"""2027-01-15 08:01 UTC."""


class Server:
    """A mail server: a log, a spool, programs, and a clock."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "mail.log"
        self.log.touch()
        self.rrds = directory / "rrd"
        self.programs = directory / "programs"
        self.configuration = directory / "default"
        self.clock = Clock(directory / "clock", NOW + 5)
        for made in (self.rrds, self.programs, directory / "spool"):
            made.mkdir()
        self.spool = Spool(directory / "spool")
        self.configuration.write_text(f"QUEUE_DIR={self.spool.directory}\nVALUES_DIR={self.programs}\n")
        self.environment = self.clock.environment | {"MAILGRAPH_CONFIG": str(self.configuration)}

    def program(self, name: str, script: str) -> None:
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def last(self, suffix: str) -> int:
        file = self.rrds / f"mailgraph{suffix}.rrd"
        return last(file) if file.exists() else 0

    def stored(self, suffix: str, source: str, minutes: int) -> list[float | None]:
        """The minutes from NOW on."""
        file = RrdFile(str(self.rrds / f"mailgraph{suffix}.rrd"))
        rows = file.rows(source, "AVERAGE", 1, NOW - 60, NOW + 60 * (minutes - 1))
        return [None if math.isnan(row) else row for row in rows]

    def files(self) -> set[str]:
        return {file.name for file in self.rrds.iterdir()} - {
            f"mailgraph.{kind}" for kind in ("lock", "checkpoint", "underway")
        }


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def test_each_minute_has_its_load_queue_and_values(server: Server) -> None:
    server.program("length", f"echo lines $(wc -l <{server.log})")
    server.spool.add("deferred/A/A1", NOW - 300)
    with following(server.log, server.rrds, env=server.environment) as process:
        until(lambda: server.last("_value_lines") == NOW)
        write_lines(server.log, server.clock, 7)
        server.spool.add("active/A2", NOW)
        server.clock.set(NOW + 60)
        until(lambda: server.last("_value_lines") == NOW + 60)
        server.clock.set(NOW + 180)
        until(lambda: server.last("_value_lines") == NOW + 180)
        until(lambda: server.last("") >= NOW)
        assert process.poll() is None
    assert server.stored("_value_lines", "lines", 4) == [0, 7, None, 7]
    assert server.stored("_queue", "deferred", 4) == [1, 1, None, 1]
    assert server.stored("_queue", "active", 4) == [0, 1, None, 1]
    oldest = server.stored("_queue", "oldest", 4)
    assert [None if age is None else age // 60 for age in oldest] == [5, 6, None, 8]
    loads = server.stored("_load", "load15", 4)
    assert [load is None for load in loads] == [False, False, True, False]
    assert max(filter(None, loads), default=0) < 1000
    assert rrdtool.lastupdate(str(server.rrds / "mailgraph.rrd"))["ds"]["sent"] in (0, 7)


def test_a_program_that_hangs_holds_up_no_line_and_is_said_once(server: Server, tmp_path: Path) -> None:
    script, word = marked(tmp_path, "sleep 1000 & sleep 1000")
    server.program("hang", script)
    server.program("quick", "echo x 1")
    with following(server.log, server.rrds, env=server.environment) as process:
        until(lambda: len(running(word)) >= 2 and server.last("_value_x") == NOW)
        write_lines(server.log, server.clock, 100)
        server.clock.set(NOW + 71)
        until(lambda: server.last("") == NOW)
        assert running(word)
        assert rrdtool.lastupdate(str(server.rrds / "mailgraph.rrd"))["ds"]["sent"] == 100
        until(lambda: not running(word))
        server.clock.set(NOW + 125)
        until(lambda: len(running(word)) >= 2)
        until(lambda: not running(word))
        process.terminate()
        assert process.wait() == 0
        assert process.stderr
        assert process.stderr.read() == f"mailgraph: {server.programs}/hang: took longer than 5 s\n"


def test_an_end_of_the_daemon_is_one_of_its_programs(server: Server, tmp_path: Path) -> None:
    script, word = marked(tmp_path, "sleep 1000 & sleep 1000")
    server.program("hang", script)
    with following(server.log, server.rrds, env=server.environment) as process:
        until(lambda: len(running(word)) >= 2)
        process.terminate()
        assert process.wait() == 0
    until(lambda: not running(word))


@pytest.mark.parametrize(
    ("options", "configured", "files"),
    [
        ((), "", {"mailgraph_load.rrd", "mailgraph_queue.rrd", "mailgraph_value_x.rrd"}),
        (("--no-machine",), "", {"mailgraph_value_x.rrd"}),
        ((), "MACHINE=false", {"mailgraph_value_x.rrd"}),
        (("--machine",), "MACHINE=false", {"mailgraph_load.rrd", "mailgraph_queue.rrd", "mailgraph_value_x.rrd"}),
        (("--only-mail-rrd",), "", {"mailgraph_value_x.rrd"}),
        (("--rrd-name", "other"), "", {"other_load.rrd", "other_queue.rrd", "other_value_x.rrd"}),
    ],
    ids=["default", "option", "configuration", "both", "only", "name"],
)
def test_what_is_stored_is_what_is_wanted(
    server: Server, options: tuple[str, ...], configured: str, files: set[str]
) -> None:
    server.program("x", "echo x 1")
    with server.configuration.open("a") as configuration:
        configuration.write(f"{configured}\n")
    with following(server.log, server.rrds, *options, env=server.environment):
        until(lambda: any("_value_x" in name for name in server.files()))
    assert {name for name in server.files() if name.endswith("rrd")} == files


def test_a_log_that_is_read_once_says_nothing_of_the_machine(server: Server) -> None:
    server.program("x", "echo x 1")
    write_lines(server.log, server.clock, 3)
    server.clock.set(NOW + 600)
    subprocess.run(command(server.log, server.rrds, "--cat"), env=server.environment, check=True)
    assert "mailgraph.rrd" in server.files()
    assert not [name for name in server.files() if "load" in name or "queue" in name or "value" in name]


def test_while_the_log_is_missing_the_machine_is_looked_at(server: Server) -> None:
    server.log.unlink()
    with following(server.log, server.rrds, env=server.environment):
        until(lambda: server.last("_queue") == NOW)
        server.clock.set(NOW + 60)
        until(lambda: server.last("_queue") == NOW + 60)
    assert "mailgraph.rrd" not in server.files()


def test_mail_that_cannot_be_written_leaves_the_samples(server: Server) -> None:
    minutes = range(NOW - 2100 * 60, NOW, 60)
    stamps = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(minute)) for minute in minutes)
    lines = [f"{stamp} mail postfix/smtpd[7]: 4F1: client=x[192.0.2.1]\n" for stamp in stamps]
    with following(server.log, server.rrds, env=server.environment) as process:
        until(lambda: server.last("_queue") == NOW)
        (server.rrds / "mailgraph.rrd").write_text("something else")
        with server.log.open("a") as log:
            log.writelines(lines)  # so many minutes are not remembered: reading on waits for the file
        until((server.rrds / "mailgraph_virus.rrd").exists)
        server.clock.set(NOW + 125)

        def woken_has_looked() -> bool:
            process.send_signal(SIGHUP)
            return server.last("_queue") == NOW + 120

        until(woken_has_looked)


@pytest.fixture
def detached(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    daemon.rrd_dir.mkdir()
    daemon.log.touch()
    yield daemon
    daemon.stop()


def test_a_detached_daemon_does_the_same_and_says_it_in_its_log(detached: Daemon, tmp_path: Path) -> None:
    (tmp_path / "values").mkdir()
    assert detached.start("--values", str(tmp_path / "values"), "--queue", str(tmp_path)).returncode == 0
    until((detached.rrd_dir / "mailgraph_load.rrd").exists)
    until(detached.messages.read_text)
    said = f" mailgraph[{detached.pid}]: Postfix's queue {tmp_path}: can't read {tmp_path}/incoming: No such file or directory\n"
    assert detached.messages.read_text().endswith(said)
    until(lambda: holder(detached.rrd_dir) == detached.pid)
    os.kill(detached.pid, SIGTERM)
    until(lambda: not detached.pid_file.exists())
    assert abs(last(detached.rrd_dir / "mailgraph_load.rrd") - time.time()) < 3600
