"""A log that grows while programs follow it: at full speed over rotations, at a server's pace, not at all, for a week."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.bench.logs import RFC3339, SERVERS, Stretch
from tests.bench.process import TICK, Look, Process, running
from tests.bench.programs import OURS

MINUTE = 60
WRITES = (8, 15)
"""Seconds of a minute in which the one before is written; a look at idle programs keeps out of them."""


class Writer:
    """Writes a busy relay's lines of now into a log, and rotates it as logrotate does, by renaming."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.rotations = 0
        self._stretch = Stretch(SERVERS["relay"], RFC3339, 100_000)
        self._texts = ((turn, text) for turn in itertools.count() for _, text in self._stretch.seconds)
        log.touch()

    def write(self) -> int:
        """Writes some hundred lines; returns how many."""
        turn, text = next(self._texts)
        with self.log.open("ab") as file:
            file.write(self._stretch.stamped(text, int(time.time()), turn))
        return text.count(b"\n")

    def rotate(self) -> None:
        self.rotations += 1
        self.log.rename(self.log.with_name(f"{self.log.name}-{time.strftime('%Y%m%d')}{self.rotations:04}"))
        self.log.touch()

    def keep_pace(self, rate: float, seconds: float) -> Iterator[float]:
        """Writes ``rate`` lines a second; meanwhile gives the seconds that have passed, again and again."""
        begun = time.monotonic()
        written = 0
        while (passed := time.monotonic() - begun) < seconds:
            if written < passed * rate:
                written += self.write()
            else:
                yield passed
                time.sleep(TICK)


def followed_by(program: str, log: Path, rrd_dir: Path) -> list[str]:
    """The command by which a program follows a log; original and ours have it in common."""
    return [program, "-l", str(log), "--daemon-rrd", str(rrd_dir)]


class Rush(NamedTuple):
    """A fast log followed: what that took, and seconds from the last line until it was read."""

    used: Look
    behind: float


def rush(directory: Path, rate: float, seconds: float, rotations: int) -> Rush:
    """``rate`` lines a second for ours, while the log is rotated so often."""
    writer = Writer(directory / "mail.log")
    with running(followed_by(OURS, writer.log, directory), directory) as process:
        process.wait_until_read(writer.log)
        before = process.look()
        for passed in writer.keep_pace(rate, seconds):
            if passed > seconds * (writer.rotations + 1) / (rotations + 1):
                writer.rotate()
        ended = time.monotonic()
        process.wait_until_read(writer.log)
        after = process.look()
    return Rush(after.since(before), after.moment - ended)


class Pace(NamedTuple):
    """What following took at a server's pace, and then at rest."""

    at_work: Look
    at_rest: Look


def pace(directory: Path, programs: Sequence[str], rate: float, seconds: float) -> list[Pace]:
    """``rate`` lines a second for a while, then nothing as long, for programs that follow one log."""
    writer = Writer(directory / "mail.log")
    with ExitStack() as stack:
        processes = [_begun(stack, program, writer.log) for program in programs]
        looks = [[process.look() for process in processes]]
        for _ in writer.keep_pace(rate, seconds):
            pass
        for process in processes:
            process.wait_until_read(writer.log)
        looks.append([process.look() for process in processes])
        time.sleep(until_minute_is_written(time.time(), seconds))
        looks.append([process.look() for process in processes])
        time.sleep(seconds)
        looks.append([process.look() for process in processes])
    return [Pace(worked.since(begun), ended.since(rested)) for begun, worked, rested, ended in zip(*looks, strict=True)]


def _begun(stack: ExitStack, program: str, log: Path) -> Process:
    directory = Path(stack.enter_context(TemporaryDirectory(dir=log.parent)))
    process = stack.enter_context(running(followed_by(program, log, directory), directory))
    process.wait_until_read(log)
    return process


def until_minute_is_written(now: float, seconds: float) -> float:
    """Seconds until a rest of ``seconds`` keeps out of the moment in which the minute before is written."""
    first, last = WRITES
    second = now % MINUTE
    free = second >= last and second + seconds <= MINUTE + first
    return 0 if free else (last - second) % MINUTE


def memory_of(directory: Path, log: Path) -> list[int]:
    """Resident bytes of ours, which follows the log, after each tenth of it."""
    tenth = log.stat().st_size / 10
    memory: list[int] = []
    with running(followed_by(OURS, log, directory), directory) as process:
        while len(memory) < 10:
            if (process.position(log) or 0) >= (len(memory) + 1) * tenth:
                memory.append(process.look().memory)
            else:
                time.sleep(TICK)
    return memory
