"""A busy log with rotations, and a program that counts it and is killed (-9) and restarted again and again.

    python -m tests.crash.kill9 --program ours --kills 200
    python -m tests.crash.kill9 --program original --kills 19 --rotations 43 --seconds 30 --rate 10000 --speed 20

Prints how many of the events written are in the RRD file in the end.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

import rrdtool

from tests.daemon.clock import Clock
from tests.daemon.process import last, until
from tests.programs import require

ROW = 8 * 60
LINES_AT_ONCE = 100

SETTLE = 3
"""Seconds in which a program reads what is left; the original looks at a log only so often."""


class Counted(NamedTuple):
    """Events written, and events in the RRD file."""

    written: int
    counted: int
    kills: int
    rotations: int


def stamp(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(moment))


class Writer:
    """Writes numbered events, and rotates as logrotate does: by renaming, all files being kept."""

    def __init__(self, log: Path, clock: Clock) -> None:
        self.log = log
        self._clock = clock
        self.written = 0
        self.rotations = 0
        log.touch()

    def write(self) -> None:
        stamped = stamp(self._clock.now())
        numbers = range(self.written, self.written + LINES_AT_ONCE)
        with self.log.open("a") as file:
            file.writelines(
                f"{stamped} mail postfix/smtp[7]: {number:08X}: to=<a@b.example>, relay=mx[192.0.2.1]:25,"
                " dsn=2.0.0, status=sent (250 ok)\n"
                for number in numbers
            )
        self.written += LINES_AT_ONCE

    def received(self) -> None:
        """A line of another counter."""
        with self.log.open("a") as file:
            file.write(f"{stamp(self._clock.now())} mail postfix/smtpd[7]: 4F1: client=mx[192.0.2.1]\n")

    def rotate(self) -> None:
        for number in range(self.rotations, 0, -1):
            self.log.with_name(f"mail.log.{number}").rename(self.log.with_name(f"mail.log.{number + 1}"))
        self.log.rename(self.log.with_name("mail.log.1"))
        self.log.touch()
        self.rotations += 1


def create(directory: Path, start: int) -> None:
    """The three files, empty, so that the row that holds ``start`` is whole."""
    archives = [f"RRA:{kind}:0.5:{steps}:198" for kind in ("AVERAGE", "MAX") for steps in (8, 56, 280, 3360)]
    for name, sources in (
        ("mailgraph", ("sent", "recv", "bounced", "rejected")),
        ("mailgraph_virus", ("virus", "spam")),
        ("mailgraph_greylist", ("greylisted", "delayed")),
    ):
        made = [f"DS:{source}:ABSOLUTE:120:0:U" for source in sources]
        rrdtool.create(
            str(directory / f"{name}.rrd"), "--start", str(start // ROW * ROW - ROW), "--step", "60", *made, *archives
        )


def total(file: Path, start: int, end: int) -> int:
    """The events of ``sent`` in the day's archive."""
    resolution = ("--resolution", str(ROW), "--start", str(start // ROW * ROW - ROW), "--end", str(end - 1))
    _, names, rows = rrdtool.fetch(str(file), "AVERAGE", *resolution)
    return round(sum((row[names.index("sent")] or 0) * ROW for row in rows))


def program(which: str, log: Path, directory: Path, start: int) -> list[str]:
    if which == "ours":
        return [sys.executable, "-m", "mailgraph", "-l", str(log), "--daemon-rrd", str(directory)]
    year = time.gmtime(start).tm_year
    return [require("mailgraph"), "-y", str(year), "-l", str(log), "--daemon-rrd", str(directory)]


class Plan(NamedTuple):
    """What happens in a run of ``seconds``: at most ``rate`` lines a second, on a clock that goes ``speed`` times faster."""

    kills: int
    rotations: int
    seconds: float
    rate: float = float("inf")
    speed: int = 1
    seed: int = 1

    def moments(self) -> list[tuple[float, str]]:
        """When to kill and when to rotate, in order, at random."""
        random = Random(self.seed)
        whats = ["kill"] * self.kills + ["rotate"] * self.rotations
        return sorted((random.uniform(0, self.seconds), what) for what in whats)


def run(which: str, directory: Path, plan: Plan) -> Counted:
    """One run; then the program gets the time it needs to read to the log's end.

    What was written then is closed by lines of later minutes: the original counts by lines, not by the clock.
    """
    start = int(time.time() - plan.seconds * plan.speed)
    create(directory, start)
    file = directory / "mailgraph.rrd"
    clock = Clock(directory / "clock", start)
    writer = Writer(directory / "mail.log", clock)
    command = program(which, writer.log, directory, start)
    process = subprocess.Popen(command, env=clock.environment)
    begun = time.monotonic()
    try:
        for moment, what in plan.moments():
            while (passed := time.monotonic() - begun) < moment:
                clock.set(start + passed * plan.speed)
                if writer.written < passed * plan.rate:
                    writer.write()
                else:
                    time.sleep(0.001)
            if what == "rotate":
                writer.rotate()
            else:
                process.kill()
                process.wait()
                process = subprocess.Popen(command, env=clock.environment)
        later = int(clock.now()) // ROW * ROW + 2 * ROW
        for rows in (0, 1):
            time.sleep(SETTLE)
            clock.set(later + rows * ROW)
            writer.received()
        until(lambda: last(file) >= later, 150)
    finally:
        process.kill()
        process.wait()
    return Counted(writer.written, total(file, start, later), plan.kills, writer.rotations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", choices=("ours", "original"), default="ours")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rotations", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=float("inf"), help="lines a second (default: full speed)")
    parser.add_argument("--speed", type=int, default=1, help="how many times faster the clock goes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailgraph-kill9-") as directory:
        plan = Plan(given.kills, given.rotations, given.seconds, given.rate, given.speed, given.seed)
        result = run(given.program, Path(directory), plan)
    print(
        f"{given.program}: killed {result.kills} times over {result.rotations} rotations:"
        f" {result.counted} of {result.written} events counted, {result.counted / result.written:.1%}"
    )


if __name__ == "__main__":
    main()
