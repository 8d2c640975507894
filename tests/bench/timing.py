"""How long programs take, and how much memory: run in turn, so that other work on the machine weighs on all of them."""

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.programs import SYSTEM_PATH

KIB = 1024


class Spent(NamedTuple):
    """Seconds by the clock, seconds of processor time, and bytes of resident memory at most, 0 where they can't be told:
    to the kernel a child begins with its parent's memory."""

    seconds: float
    busy: float
    memory: int


Work = Callable[[], Spent]


class Failed(Exception):
    """A program that ended otherwise than it should; the text says how, and what it said."""


def environment(directory: Path) -> dict[str, str]:
    """What each program runs in: one time, no locale's words, no configuration of this machine."""
    return {
        "PATH": SYSTEM_PATH,
        "TZ": "UTC",
        "LC_ALL": "C",
        "HOME": str(directory),
        "MAILGRAPH_CONFIG": os.devnull,
    }


def run(command: list[str], directory: Path, **more: str) -> Spent:
    """Runs a program in ``directory``, ``more`` in its environment, to its end.  Raises Failed."""
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment(directory) | more, stdout=printed, stderr=said
        )  # a file, since grep -c that prints into /dev/null ends at its first match
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise Failed(
                f"{command[0]} ended with {process.returncode}: {said.read().decode(errors='replace').strip()}"
            )
    least = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = usage.ru_maxrss * KIB if usage.ru_maxrss > least else 0
    return Spent(seconds, usage.ru_utime + usage.ru_stime, memory)


def in_turn(works: Mapping[str, Work], runs: int) -> dict[str, Spent]:
    """The medians over so many rounds, in each of which everything runs once."""
    spent: dict[str, list[Spent]] = {name: [] for name in works}
    for _ in range(runs):
        for name, work in works.items():
            spent[name].append(work())
    return {name: median(all_spent) for name, all_spent in spent.items()}


def median(spent: list[Spent]) -> Spent:
    """The medians of the times, and the most memory."""
    seconds, busy, memory = zip(*spent, strict=True)
    return Spent(statistics.median(seconds), statistics.median(busy), max(memory))
