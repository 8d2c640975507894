"""Machines with a mailgraph each, as processes of their own, whose files are with one rrdcached."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import rrdtool

from mailgraph.rrdfile import NotReadable, RrdFile
from mailgraph.schema import STEP
from tests.cached.server import Server, serving
from tests.crash.harness import dump
from tests.crash.kill9 import stamp, total
from tests.daemon.clock import Clock
from tests.daemon.process import Daemon, command, counted, following, until

NOW = 1_800_000_060
DAYS = 40

PAST = 1_700_000_040


def sent(moment: float) -> str:
    return (
        f"{stamp(moment)} mail postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, dsn=2.0.0,"
        " status=sent (250 ok)\n"
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "far") as running:
        yield running


def end_of(file: Path) -> int:
    """The file's newest minute, read without a lock: who has one makes rrdcached lose what it writes meanwhile."""
    try:
        return RrdFile(str(file)).last
    except (FileNotFoundError, NotReadable):
        return 0


def closed(checkpoint: Path) -> list[object]:
    """The closed minutes that a checkpoint remembers."""
    return list(json.loads(checkpoint.read_text())["ledger"]["closed"])


class Host:
    """A machine: its log, and its files at the rrdcached."""

    def __init__(self, directory: Path, server: Server, name: str) -> None:
        self.directory = directory / name
        self.directory.mkdir()
        self.log = self.directory / "mail.log"
        self.log.touch()
        self.rrd_dir = server.base / "hosts" / name
        self._name = name

    def write(self, *lines: str) -> None:
        with self.log.open("a") as file:
            file.writelines(lines)

    @contextmanager
    def following(self, address: str, env: dict[str, str] | None = None) -> Iterator[None]:
        """Its mailgraph runs; what it says goes into the file ``said``."""
        options = ("--no-machine", "--rrdcached", address, "--rrdcached-host", self._name)
        with (self.directory / "said").open("a") as said:
            process = subprocess.Popen(command(self.log, self.directory, *options), stderr=said, env=env)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)

    @property
    def said(self) -> str:
        return (self.directory / "said").read_text()


def test_two_machines_files_are_whole_though_rrdcached_is_killed_under_load(tmp_path: Path) -> None:
    """librrd writes in place: a kill within an update, which is a small part of the time, may tear a row (README)."""
    assert any(are_whole_after_kills(tmp_path / attempt) for attempt in ("first", "second"))


def are_whole_after_kills(directory: Path) -> bool:
    """Whether the files that two machines have at an rrdcached are those that they have on their own disks."""
    directory.mkdir()
    begin = int(time.time()) // STEP * STEP - DAYS * 86400
    end = begin + DAYS * 86400
    with serving(directory / "far") as server:
        a, b = (Host(directory, server, name) for name in ("a", "b"))
        a.write(*map(sent, range(begin, end, 60)))
        b.write(*map(sent, range(begin, end, 90)))
        direct = {host: directory / f"direct {host.log.parent.name}" for host in (a, b)}
        for rrd_dir in direct.values():
            rrd_dir.mkdir()
        with a.following(server.tcp), b.following(server.other):
            for host in (a, b):
                until((host.rrd_dir / "mailgraph.rrd").exists)
                assert end_of(host.rrd_dir / "mailgraph.rrd") < end - STEP
                server.restart()
            with following(a.log, direct[a], "--no-machine"), following(b.log, direct[b], "--no-machine"):
                until(lambda: all(end_of(host.rrd_dir / "mailgraph.rrd") >= end - STEP for host in (a, b)), 180)
                until(lambda: all(end_of(rrd_dir / "mailgraph.rrd") >= end - STEP for rrd_dir in direct.values()), 180)
                with suppress(AssertionError):
                    until(lambda: all(is_same(host.rrd_dir, rrd_dir) for host, rrd_dir in direct.items()))
                    assert total(direct[a] / "mailgraph.rrd", end - 86400, end - 43200) >= 720
                    return not list(a.directory.glob("*.rrd"))
    return False


def is_same(rrd_dir: Path, other: Path) -> bool:
    """Whether two directories hold the same four files in this moment."""
    try:
        return len(found := dump(rrd_dir)) == 4 and found == dump(other)
    except rrdtool.OperationalError:  # one is being written
        return False


def test_one_that_goes_down_is_said_once_and_nothing_is_lost(server: Server, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", NOW + 5)
    host = Host(tmp_path, server, "a")
    file = host.rrd_dir / "mailgraph.rrd"
    with host.following(server.unix, clock.environment):
        host.write(*[sent(NOW)] * 5)
        clock.set(NOW + 75)
        until(lambda: end_of(file) >= NOW)
        server.kill()
        for minute in range(NOW + STEP, NOW + 8 * STEP, STEP):
            host.write(sent(minute))
            clock.set(minute + 75)
        until(lambda: "can't reach rrdcached" in host.said)
        server.start()
        clock.set(NOW + 10 * STEP)
        until(lambda: end_of(file) >= NOW + 8 * STEP)
        until(lambda: "writing works again" in host.said)
    assert round(counted(file, "sent", NOW)) == 12
    assert host.said.count("can't reach rrdcached") == 1
    assert "see to it that it runs there, or mend RRDCACHED" in host.said


def test_one_that_is_down_at_the_start_is_waited_for(server: Server, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", NOW + 75)
    host = Host(tmp_path, server, "a")
    host.write(*[sent(NOW)] * 5)
    file = host.rrd_dir / "mailgraph.rrd"
    server.kill()
    with host.following(server.tcp, clock.environment):
        until(lambda: "can't reach rrdcached" in host.said)
        server.start()
        until(lambda: end_of(file) >= NOW)
    server.kill()
    with host.following(server.tcp, clock.environment):
        host.write(*[sent(NOW + 80)] * 2)
        clock.set(NOW + 3 * STEP)
        until(lambda: host.said.count("can't reach rrdcached") > 1)
        until(lambda: [NOW + STEP, {"sent": 2}] in closed(host.directory / "mailgraph.checkpoint"))  # it counts on
        server.start()
        until(lambda: end_of(file) >= NOW + STEP)
    assert round(counted(file, "sent", NOW)) in (-1, 7)


def test_one_that_runs_detached_reaches_it(server: Server, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path)
    daemon.rrd_dir.mkdir()
    daemon.log.write_text("".join(sent(time.time() - seconds) for seconds in (600, 300, 299)))
    file = server.base / "hosts" / "a" / "mailgraph.rrd"
    try:
        done = daemon.start("--rrdcached", server.unix, "--rrdcached-host", "a")
        assert (done.returncode, done.stderr) == (0, "")
        until(lambda: end_of(file) >= time.time() - 299 - STEP)
        assert daemon.is_alive()
        assert daemon.messages.read_text() == ""
    finally:
        daemon.stop()


def test_the_configuration_names_it_and_the_machine(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text(sent(PAST))
    (tmp_path / "default").write_text(f"RRDCACHED={server.tcp}\nRRDCACHED_HOST=mail_1\n")
    environment = os.environ | {"MAILGRAPH_CONFIG": str(tmp_path / "default")}
    subprocess.run(command(log, tmp_path, "-c"), check=True, env=environment)
    assert end_of(server.base / "hosts" / "mail_1" / "mailgraph.rrd") == PAST


def test_a_log_that_is_read_once_does_not_wait(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text(sent(NOW))
    server.kill()
    done = subprocess.run(
        command(log, tmp_path, "-c", "--rrdcached", server.tcp), check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"mailgraph: can't reach rrdcached at {server.tcp}: Connection refused (")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rrdcached", "here"), "can't reach rrdcached at here: "),
        (("--rrdcached", "::"), "can't reach rrdcached at ::: "),
        (("--rrdcached", "a:b"), "RRDCACHED: 'a:b' is no address; write HOST:PORT"),
        (("--rrdcached", "/socket", "--rrdcached-host", "../a"), "RRDCACHED_HOST: '../a' can't name a directory"),
    ],
)
def test_what_can_not_be_meant_is_said(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    log = tmp_path / "mail.log"
    log.write_text(sent(NOW))
    done = subprocess.run(command(log, tmp_path, "-c", *options), check=False, capture_output=True, text=True)
    assert done.returncode in (1, 2)
    assert said in done.stderr


def test_the_hosts_of_one_log_have_files_beside_the_totals(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text(sent(PAST) + sent(PAST).replace(" mail ", " web1 ") + sent(PAST + STEP))
    subprocess.run(command(log, tmp_path, "-c", "--split-hosts", "--rrdcached", server.unix), check=True)
    assert sorted(os.listdir(server.base / "hosts")) == ["mail", "web1"]
    rows = {
        name: rrdtool.info(str(server.base / name / "mailgraph_minutes.rrd"))["ds[sent].last_ds"]
        for name in (".", "hosts/mail", "hosts/web1")
    }
    assert rows == {".": "1", "hosts/mail": "1", "hosts/web1": "0"}
    assert end_of(server.base / "hosts/web1/mailgraph.rrd") == PAST + STEP
