"""The programs that are measured, and how each is called to read one log to its end."""

import functools
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench.logs import YEAR
from tests.bench.timing import Spent, Work, environment, run
from tests.programs import found

HERE = Path(__file__).parent
OURS = str(HERE.parents[1] / "bin/mailgraph")
PYTHON = str(HERE.parents[1] / ".venv/bin/python")

EVENT_WORDS = r"status=(sent|bounced)|client=|reject: |(Passed|Blocked) (SPAM|INFECTED)|Greylisted|triplet found"
"""What one would look for to count by hand."""


class Program(NamedTuple):
    """A program, and its arguments for a log and for an empty directory into which it may write."""

    name: str
    arguments: Callable[[Path, Path], list[str]]


def _counting(log: Path, rrd_dir: Path) -> list[str]:
    return ["-c", "-y", str(YEAR), "-l", str(log), "--daemon-rrd", str(rrd_dir)]


def _mtail(program: Path) -> Program:
    return Program("mtail", lambda log, _: ["--one_shot", "--logtostderr", f"--progs={program}", f"--logs={log}"])


EXAMPLE = Path("/usr/share/doc/mtail/examples/postfix.mtail")
"""Not on systems that leave out documentation."""

OTHERS = {
    "the original": Program("mailgraph", _counting),
    "mtail, six counters": _mtail(HERE / "six.mtail"),
    **({"mtail, its Postfix example": _mtail(EXAMPLE)} if EXAMPLE.exists() else {}),
    "pflogsumm": Program("pflogsumm", lambda log, _: [str(log)]),
    "grep -cE, event words": Program("grep", lambda log, _: ["-cE", EVENT_WORDS, str(log)]),
    "Python, one pattern": Program(PYTHON, lambda log, _: [str(HERE / "bare.py"), str(log)]),
    "wc -l": Program("wc", lambda log, _: ["-l", str(log)]),
}
"""What people use instead, by the name that the table has for it; and the least that any Python takes (bare.py)."""


def ours(*options: str) -> Program:
    """Ours with these options, of one process unless they say otherwise."""
    alone = ("--jobs", "1") if can_share() and "--jobs" not in options else ()
    return Program(OURS, lambda log, rrd_dir: [*_counting(log, rrd_dir), *alone, *options])


@functools.cache
def can_share() -> bool:
    """Whether ours can scan a log with several processes."""
    said = subprocess.run([OURS, "--help"], check=True, capture_output=True, text=True, env=environment(HERE))
    return "--jobs" in said.stdout


def work(program: Program, log: Path) -> Work | None:
    """A run of the program over the log, into an empty directory each time; None where it is not installed."""
    path = found(program.name)
    if path is None:
        return None

    def once() -> Spent:
        with tempfile.TemporaryDirectory(dir=log.parent) as directory:
            return run([path, *program.arguments(log, Path(directory))], Path(directory))

    return once
