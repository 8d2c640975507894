"""Debian's mailgraph 1.14, the oracle: what it counts line by line, and the sample lines that both programs count."""

import gzip
import itertools
import subprocess
from collections import Counter
from pathlib import Path

from mailgraph.scanner import Options
from tests.programs import require

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "samples"

Events = Counter[tuple[str, int]]
"""Events of one line by counter and minute."""

COUNTING_OPTIONS = tuple(
    Options(True, local, hosts, rbl, virbl)
    for local, hosts, rbl, virbl in itertools.product(
        (False, True), ((), ("filter",), ("mx.b|postgrey", "^nothing")), (False, True), (False, True)
    )
)
"""Every combination of the original's counting options that makes a difference."""


def said(options: Options) -> str:
    """The options as on the command line; a test's id."""
    return " ".join(arguments(options)) or "plain"


def arguments(options: Options) -> list[str]:
    flags = [f"--{name.replace('_', '-')}" for name in ("ignore_localhost", "rbl_is_spam", "virbl_is_virus")]
    wanted = (options.ignore_localhost, options.rbl_is_spam, options.virbl_is_virus)
    hosts = [f"--ignore-host={host}" for host in options.ignore_hosts]
    hosts += [f"--host={options.host}"] if options.host else []
    return [flag for flag, on in zip(flags, wanted, strict=True) if on] + hosts


def log_lines(name: str) -> list[bytes]:
    """The file's texts as lines of a log."""
    return [as_log_line(line) for line in (HERE / name).read_bytes().splitlines()]


def as_log_line(line: bytes) -> bytes:
    """``PROGRAM: TEXT`` with a stamp, a host and a process id."""
    program, _, text = line.partition(b":")
    return b"Nov  5 06:07:08 mail %b[4711]:%b\n" % (program, text)


def sample_logs() -> dict[str, bytes]:
    """The logs of real mail stacks, by name."""
    files = sorted(file for file in SAMPLES.rglob("*.log*"))
    logs = {file.relative_to(SAMPLES).as_posix(): file.read_bytes() for file in files}
    return {name: gzip.decompress(log) if name.endswith(".gz") else log for name, log in logs.items()}


def events_by_line(log: Path, options: Options, *more: str) -> list[Events]:
    """What the original counts for each line of ``log``, BSD stamps taken for 2024."""
    original = require("mailgraph")
    command = ["perl", HERE / "per-line.pl", original, "-c", "-y", "2024", "-l", log, *arguments(options), *more]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [_events(line) for line in printed.splitlines()]


def _events(line: str) -> Events:
    events = [] if line == "-" else [event.partition("@") for event in line.split("+")]
    return Counter((counter, int(second) // 60 * 60) for counter, _, second in events)
