"""What may be wrong around the daemon: full disks, locked, deleted, foreign files, read-only directories, permissions.

It is said once in plain words, and when it is over; and nothing is lost.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import rrdtool

from tests.conftest import SetZone
from tests.crash.harness import Machine, Step
from tests.crash.test_every_step import at, sent, spam
from tests.daemon.clock import Clock
from tests.daemon.process import counted, following, until
from tests.programs import require

NOW = 1_800_000_060

SCRIPT: tuple[Step, ...] = (
    at(NOW + 5, sent(NOW + 4), spam(NOW + 4)),
    at(NOW + 65, sent(NOW + 64)),
    at(NOW + 130, sent(NOW + 129), sent(NOW + 128)),
    at(NOW + 190, spam(NOW + 189)),
    at(NOW + 310, sent(NOW + 309)),
    at(NOW + 370, sent(NOW + 369)),
    at(NOW + 500),
    at(NOW + 520),
)
TRYING = "; nothing is lost while the log is there, trying again every 10 s"
WORKS = "writing works again"


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, str]:
    undisturbed = Machine(tmp_path / "undisturbed", NOW, SCRIPT)
    undisturbed.run()
    return undisturbed.dump()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a file system of 2 MiB."""
    path = tmp_path / "small"
    path.mkdir()
    subprocess.run([require("mount"), "-t", "tmpfs", "-o", "size=2m", "tmpfs", path], check=True)
    yield path
    subprocess.run([require("umount"), path], check=True)


def disturbed(
    directory: Path, script: tuple[Step, ...], at_step: int, begin: Step, end: Step, log: Path | None = None
) -> Machine:
    """A run in which something begins before a step of the script, and ends two steps later."""
    before, within, after = script[:at_step], script[at_step : at_step + 2], script[at_step + 2 :]
    machine = Machine(directory, NOW, (*before, begin, *within, end, *after), log)
    machine.run()
    return machine


def fill(path: Path) -> None:
    """Leaves no room on the disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


@pytest.mark.parametrize("step", range(1, len(SCRIPT) - 2))
def test_a_full_disk(small_disk: Path, tmp_path: Path, expected: dict[str, str], step: int) -> None:
    log = tmp_path / "mail.log"  # elsewhere: the log's own disk is not ours to save

    def begin(machine: Machine) -> None:
        fill(machine.directory / "ballast")

    def end(machine: Machine) -> None:
        (machine.directory / "ballast").unlink()

    machine = disturbed(small_disk / "rrd", SCRIPT, step, begin, end, log=log)
    assert machine.dump(tmp_path) == expected
    problem = f"can't write {machine.directory}/mailgraph.checkpoint: No space left on device{TRYING}"
    assert machine.said == [problem, WORKS]


def test_a_full_disk_from_the_first_file_on(small_disk: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    def make_room(machine: Machine) -> None:
        (small_disk / "ballast").unlink()

    fill(small_disk / "ballast")
    os.truncate(
        small_disk / "ballast", (small_disk / "ballast").stat().st_size - 40 * 1024
    )  # room for a checkpoint alone
    machine = Machine(small_disk / "rrd", NOW, (*SCRIPT[:4], make_room, *SCRIPT[4:]), log=tmp_path / "mail.log")
    machine.run()
    assert machine.dump(tmp_path) == expected
    assert len(machine.said) >= 2
    assert (machine.said[0].endswith(TRYING), machine.said[-1]) == (True, WORKS)
    assert "is the disk full?" in machine.said[0]


@pytest.mark.parametrize("name", ["mailgraph.rrd", "mailgraph_virus.rrd"])
def test_an_rrd_that_another_process_has_locked(tmp_path: Path, expected: dict[str, str], name: str) -> None:
    holders: list[subprocess.Popen[bytes]] = []
    program = (
        "import fcntl,sys; f=open(sys.argv[1],'r+b'); fcntl.lockf(f,fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    )

    def begin(machine: Machine) -> None:
        command = [sys.executable, "-c", program, str(machine.directory / name)]
        holders.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert holders[0].stdout is not None
        holders[0].stdout.readline()

    def end(_machine: Machine) -> None:
        holders[0].communicate(b"")

    machine = disturbed(tmp_path / "locked", SCRIPT, 3, begin, end)
    assert machine.dump() == expected
    assert machine.said == [
        f"can't use {machine.directory}/{name}: could not lock RRD"
        f" (another program holds it; is a second mailgraph or a backup running?){TRYING}",
        WORKS,
    ]


def test_an_rrd_that_is_deleted_under_the_daemon_is_made_anew_with_what_is_remembered(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    machine = disturbed(
        tmp_path / "deleted",
        SCRIPT,
        4,
        lambda machine: (machine.directory / "mailgraph.rrd").unlink(),
        lambda _machine: None,
    )
    assert machine.dump() == expected
    assert machine.said == [f"{machine.directory}/mailgraph.rrd was not there any more; made it anew"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "mmaping file '{path}': Invalid argument (it is empty"),
        (b"RRD\x000003\0", "is too small (it was cut off"),
        (b"x" * 60_000, "is not an RRD file (move it away"),
    ],
    ids=["empty", "truncated", "foreign"],
)
def test_an_rrd_that_is_damaged_under_the_daemon(
    tmp_path: Path, expected: dict[str, str], content: bytes, said: str
) -> None:
    def begin(machine: Machine) -> None:
        (machine.directory / "mailgraph.rrd").write_bytes(content)

    def end(machine: Machine) -> None:
        (machine.directory / "mailgraph.rrd").unlink()

    machine = disturbed(tmp_path / "damaged", SCRIPT, 4, begin, end)
    assert machine.dump() == expected
    first, *others = machine.said
    assert first.startswith(f"can't use {machine.directory}/mailgraph.rrd: ")
    assert others == [f"{machine.directory}/mailgraph.rrd was not there any more; made it anew", WORKS]


def test_an_rrd_on_a_disk_that_fails(tmp_path: Path, expected: dict[str, str]) -> None:
    def begin(machine: Machine) -> None:
        (machine.directory / "mailgraph.rrd").rename(machine.directory / "well")
        (machine.directory / "mailgraph.rrd").symlink_to("/proc/self/mem")  # opens, and reading it is an I/O error

    def end(machine: Machine) -> None:
        (machine.directory / "well").rename(machine.directory / "mailgraph.rrd")

    machine = disturbed(tmp_path / "failing", SCRIPT, 4, begin, end)
    assert machine.dump() == expected
    first, *others = machine.said
    assert first.startswith(f"can't use {machine.directory}/mailgraph.rrd: ")
    assert others == [WORKS]


def test_a_directory_made_read_only(small_disk: Path, tmp_path: Path, expected: dict[str, str]) -> None:
    def remount(how: str) -> Step:
        return lambda _machine: subprocess.run(["mount", "-o", f"remount,{how}", small_disk], check=True) and None

    machine = Machine(small_disk / "rrd", NOW, (), log=tmp_path / "mail.log")
    machine.go_on_with((*SCRIPT[:3], remount("ro"), *SCRIPT[3:5], remount("rw"), *SCRIPT[5:]))
    machine.run()
    assert machine.dump(tmp_path) == expected
    assert machine.said == [
        f"can't write {machine.directory}/mailgraph.checkpoint: Read-only file system{TRYING}",
        WORKS,
    ]


def has_read(pid: int, log: Path) -> bool:
    """Whether a process has read what the log holds."""
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if descriptor.readlink() == log:
                return f"pos:\t{log.stat().st_size}\n" in Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text()
    return False


def test_a_new_log_without_permission_is_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text(f"{sent(NOW)}\n")
    clock = Clock(tmp_path / "clock", NOW + 1)
    limits: tuple[str, ...] = ()
    if os.getuid() == 0:
        capabilities = "-dac_override,-dac_read_search"
        limits = (require("setpriv"), "--bounding-set", capabilities, "--inh-caps", capabilities)
    with following(log, tmp_path, env=clock.environment, limits=limits) as process:
        assert process.stderr is not None
        until(lambda: has_read(process.pid, log))
        log.rename(tmp_path / "mail.log.1")
        log.touch(mode=0)
        log.write_text(f"{sent(NOW + 1)}\n")
        message = process.stderr.readline()
        log.chmod(0o600)
        answer = process.stderr.readline()
        clock.set(NOW + 9 * 60)
        until(lambda: (tmp_path / "mailgraph.rrd").exists() and counted(tmp_path / "mailgraph.rrd", "sent", NOW) >= 0)
    assert message == f"mailgraph: can't read {log}: Permission denied; waiting until it can be read\n"
    assert answer == f"mailgraph: reading {log} again\n"
    assert round(counted(tmp_path / "mailgraph.rrd", "sent", NOW)) == 2


def test_a_stray_rrdcached_address_swallows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RRDCACHED_ADDRESS", "unix:/nowhere/rrdcached.sock")
    (tmp_path / "mail.log").write_text(f"{sent(NOW)}\n{sent(NOW + 60)}\n{sent(NOW + 600)}\n")
    command = [sys.executable, "-m", "mailgraph", "-c", "-y", "2026", "-l", "mail.log"]
    subprocess.run(command, cwd=tmp_path, check=True)
    monkeypatch.delenv("RRDCACHED_ADDRESS")
    year_before = NOW - 365 * 86400
    assert rrdtool.last(str(tmp_path / "mailgraph.rrd")) == year_before + 600
    assert round(counted(tmp_path / "mailgraph.rrd", "sent", year_before)) == 2


def test_one_file_that_can_not_be_written_keeps_the_others_not_waiting(tmp_path: Path) -> None:
    """Lines come each minute, after more seconds than a batch waits for."""
    held: list[int] = []

    def damage(machine: Machine) -> None:
        (machine.directory / "mailgraph_virus.rrd").rename(machine.directory / "virus")
        (machine.directory / "mailgraph_virus.rrd").write_text("no RRD")

    def mend(machine: Machine) -> None:
        held.append(machine.last())
        (machine.directory / "virus").rename(machine.directory / "mailgraph_virus.rrd")

    meanwhile = tuple(
        at(NOW + 600 + 60 * minute + second, sent(NOW + 600 + 60 * minute + second - 1))
        for minute in range(10)
        for second in (5, 25, 45)
    )
    end = (at(NOW + 1300), at(NOW + 1320))
    undisturbed = Machine(tmp_path / "undisturbed", NOW, (*SCRIPT, *meanwhile, *end))
    undisturbed.run()
    machine = Machine(tmp_path / "m", NOW, (*SCRIPT, damage, *meanwhile, mend, *end))
    machine.run()
    assert held == [NOW + 600 + 60 * 8 - NOW % 60]
    assert machine.dump() == undisturbed.dump()
    assert machine.said[-1] == WORKS
