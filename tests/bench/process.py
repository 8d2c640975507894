"""A program that runs on, as the kernel sees it: time, memory, wake-ups, writes, and how far it has read a log."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench.timing import KIB, environment

PATIENCE = 120
"""Seconds until what should happen is missed."""

TICK = 0.02


class Overdue(Exception):
    """Something that should have happened did not; the text says what."""


class Look(NamedTuple):
    """A moment, and what a program has used until then: seconds of processor time, how often it went to sleep, bytes
    for the disk; and its resident bytes."""

    moment: float
    busy: float
    sleeps: float
    written: float
    memory: int

    def since(self, earlier: "Look") -> "Look":
        """What it used a second since then; the moment is how many seconds that were, the memory that of now."""
        seconds = self.moment - earlier.moment
        return Look(
            seconds,
            (self.busy - earlier.busy) / seconds,
            (self.sleeps - earlier.sleeps) / seconds,
            (self.written - earlier.written) / seconds,
            self.memory,
        )


class Process:
    """A running program."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._proc = Path(f"/proc/{process.pid}")

    def most_memory(self) -> int:
        """Its resident bytes when these were most."""
        return int(self._field("status", "VmHWM")) * KIB

    def look(self) -> Look:
        """What the kernel says of it now."""
        tasks = (self._proc / "task").iterdir()
        return Look(
            time.monotonic(),
            sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9,
            int(self._field("status", "voluntary_ctxt_switches")),
            int(self._field("io", "write_bytes")),
            int(self._field("status", "VmRSS")) * KIB,
        )

    def position(self, log: Path) -> int | None:
        """How far it has read ``log``; None while that is not open."""
        for descriptor in (self._proc / "fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed in this moment
                if descriptor.samefile(log):
                    return int(self._field(f"fdinfo/{descriptor.name}", "pos"))
        return None

    def has_read(self, log: Path) -> bool:
        """Whether it is at the log's end."""
        return self.position(log) == log.stat().st_size

    def wait_until_read(self, log: Path) -> None:
        """Returns as soon as it is at the log's end.  Raises Overdue."""
        deadline = time.monotonic() + PATIENCE
        while not self.has_read(log):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Overdue(f"{self._process.args!r} has not read {log} to its end")
            time.sleep(TICK)

    def _field(self, file: str, name: str) -> str:
        for line in (self._proc / file).read_text().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return value.split()[0]
        raise KeyError(name)


def resident() -> int:
    """This process' bytes of memory."""
    (size,) = (
        line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")
    )
    return int(size) * KIB


@contextmanager
def running(command: list[str], directory: Path, **more: str) -> Iterator[Process]:
    """Runs a program in ``directory``, ``more`` in its environment, until the block is left."""
    process = subprocess.Popen(
        command, cwd=directory, env=environment(directory) | more, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Process(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, 15)
        process.wait()
