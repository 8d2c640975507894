"""A mailgraph that runs as a process of its own, and waiting for what it does."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM

import rrdtool

PATIENCE = 60
"""Seconds until what should happen is missed."""


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Returns as soon as the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def command(log: Path, rrd_dir: Path, *options: str | Path) -> list[str]:
    """The command line that counts ``log`` into ``rrd_dir``."""
    return [sys.executable, "-m", "mailgraph", "-l", str(log), "--daemon-rrd", str(rrd_dir), *map(str, options)]


@contextmanager
def following(
    log: Path, rrd_dir: Path, *options: str | Path, env: dict[str, str] | None = None, limits: tuple[str, ...] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A mailgraph in the foreground, ended and waited for when the block is left; ``limits`` is what it is run by."""
    process = subprocess.Popen([*limits, *command(log, rrd_dir, *options)], stderr=subprocess.PIPE, text=True, env=env)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def holder(rrd_dir: Path, name: str = "mailgraph") -> int | None:
    """The process that has signed the lock of the RRD files: it is up then, and takes signals."""
    with suppress(FileNotFoundError, ValueError):
        return int((rrd_dir / f"{name}.lock").read_text())
    return None


class Daemon:
    """A detached mailgraph and its files."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "mail.log"
        self.rrd_dir = directory / "rrd"
        self.pid_file = directory / "mailgraph.pid"
        self.messages = directory / "mailgraph.log"

    def start(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Runs ``mailgraph -d``, which ends when the daemon has detached."""
        files = ("--daemon-pid", self.pid_file, "--daemon-log", self.messages)
        return subprocess.run(
            command(self.log, self.rrd_dir, "-d", *files, *options), check=False, capture_output=True, text=True
        )

    @property
    def pid(self) -> int:
        """Of the running daemon, once it has written it."""
        until(lambda: self.pid_file.exists() and self.pid_file.read_text().strip())
        return int(self.pid_file.read_text())

    def is_alive(self) -> bool:
        """Whether the process of the pid file is there."""
        with suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int(self.pid_file.read_text()), 0)
            return True
        return False

    def stop(self) -> None:
        """Ends the daemon, if it runs, the hard way if it must."""
        if self.is_alive():
            pid = self.pid
            os.kill(pid, SIGTERM)
            with suppress(AssertionError):
                until(lambda: not self.is_alive(), 10)
                return
            os.kill(pid, SIGKILL)


def last(file: Path) -> int:
    """The file's newest minute; 0 while the program has it locked."""
    with suppress(rrdtool.OperationalError):
        return int(rrdtool.last(str(file)))
    return 0


def counted(file: Path, source: str, minute: int) -> float:
    """The events in the row that holds ``minute``, of the day's archive; -1 while it is not complete, or locked."""
    row = 8 * 60
    start = (minute - 1) // row * row  # rrdtool takes the value of a minute for what was before it
    try:
        _, names, rows = rrdtool.fetch(str(file), "AVERAGE", "--start", str(start), "--end", str(start + row - 1))
    except rrdtool.OperationalError:  # the daemon writes in this moment
        return -1
    value = rows[0][names.index(source)]
    return -1 if value is None else float(value) * row
