"""One log that many hosts write: followed while its time runs fast, and what their number makes of the costs.

``python -m tests.bench.hosts scanned 2000 3`` and ``counted 500 2000 22`` print figures; each is a process of its own,
since memory is one of them.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from mailgraph.checkpoint import Checkpoint
from mailgraph.counting import Counting
from mailgraph.logforms import Stamps
from mailgraph.rrd import Direct, Store
from mailgraph.scanner import Options, Scanner
from mailgraph.schema import FAMILIES
from mailgraph.sources import Block
from mailgraph.underway import UnderWay
from tests.bench.following import followed_by
from tests.bench.logs import BEGIN, RFC3339, SERVERS, Stream
from tests.bench.process import resident, running
from tests.bench.programs import OURS
from tests.bench.timing import Spent, run
from tests.daemon.clock import library
from tests.programs import found

MINUTE = 60
NUMBERS = (1, 10, 100, 500)
"""Of hosts."""

SPEED = 40
"""How many times faster than ours the clock of the program runs that follows: an hour in a minute and a half."""

LATE = 2
"""Seconds, of that clock, by which lines come later than they are stamped: it begins a little after ours."""

FIRST = 3
"""Minutes that are not measured, at least: in these the files are made, which takes long on a slow disk."""

CLOSE = 5
"""Seconds by which a program is behind that keeps up."""

CGI = Path(OURS).parents[1] / "cgi-bin/mailgraph.cgi"


def stream(hosts: int, rate: float) -> Stream:
    """The log: a busy relay's, as many hosts as may be; ``rate`` is lines a second of all of them."""
    return Stream(SERVERS["relay"], RFC3339, rate, hosts=hosts)


class Followed(NamedTuple):
    """What following took: the share of a core, bytes for the disk a minute, memory at most and in the end, bytes of
    the RRD files and of the checkpoint, and how many seconds behind the log's end was read."""

    share: float
    written: float
    most: int
    memory: int
    files: int
    checkpoint: int
    behind: float


def follow(directory: Path, hosts: int, rate: float, minutes: int) -> Followed | None:
    """A log that ends now, followed by a program whose clock runs fast; None without ``faketime``.

    It looks for new lines once a second of that clock.
    """
    faketime = found("faketime")
    if faketime is None:
        return None
    log = directory / "mail.log"
    log.touch()
    lines = stream(hosts, rate)
    begin = (int(time.time()) // MINUTE - minutes - 1) * MINUTE
    clock = {
        "LD_PRELOAD": library(faketime),
        "FAKETIME": f"{begin - time.time():+.3f} x{SPEED}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    with running([*followed_by(OURS, log, directory), "--split-hosts"], directory, **clock) as process:
        begun = time.monotonic() + LATE / SPEED
        process.wait_until_read(log)
        before = process.look()
        ends = deque([0], CLOSE)
        first = 0
        for number in _seconds(begun, minutes * MINUTE):
            if not first and number >= FIRST * MINUTE and (process.position(log) or 0) >= ends[0]:
                first = number
                before = process.look()
            with log.open("ab") as file:
                file.write(lines.second(begin, number))
                ends.append(file.tell())
        ended = time.monotonic()
        process.wait_until_read(log)
        used = process.look().since(before)
        faster = (minutes * MINUTE - first) / used.moment
        return Followed(
            used.busy / faster,
            used.written / faster * MINUTE,
            process.most_memory(),
            used.memory,
            sum(file.stat().st_size for file in directory.rglob("*.rrd")),
            (directory / "mailgraph.checkpoint").stat().st_size,
            (time.monotonic() - ended) * SPEED,
        )


def _seconds(begun: float, number: int) -> Iterator[int]:
    """The seconds of the fast clock, each when it is over."""
    for second in range(number):
        time.sleep(max(begun + (second + 1) / SPEED - time.monotonic(), 0))
        yield second


def overview(directory: Path) -> Spent:
    """The page over all hosts whose files are in the directory, once, as a web server's CGI process."""
    configuration = directory / "default"
    configuration.write_text(f"RRD_DIR={directory}\n")
    return run([str(CGI)], directory, MAILGRAPH_CONFIG=str(configuration), QUERY_STRING="")


def scanned(rate: float, rounds: int) -> dict[int, float]:
    """By number of hosts, seconds of processor time for the same lines, in blocks of a second: the median of rounds."""
    streams = {hosts: stream(hosts, rate) for hosts in NUMBERS}
    scanners = {hosts: Scanner(Options(hosts_limit=max(NUMBERS)), Stamps()) for hosts in NUMBERS}
    spent: dict[int, list[float]] = {hosts: [] for hosts in NUMBERS}
    for turn in range(rounds + 1):
        for hosts, scanner in scanners.items():
            blocks = [streams[hosts].second(BEGIN, turn * MINUTE + second) for second in range(MINUTE)]
            start = time.process_time()
            for block in blocks:
                scanner.scan(block, BEGIN)
            if turn:  # in the first minute there is nothing to remember yet
                spent[hosts].append(time.process_time() - start)
    return {hosts: median(seconds) for hosts, seconds in spent.items()}


class Counted(NamedTuple):
    """What counting took: processor seconds and seconds of one minute's write, bytes of memory and of the checkpoint."""

    busy: float
    seconds: float
    memory: int
    checkpoint: int


def counted(hosts: int, rate: float, minutes: int) -> Counted:
    """Counts as the program does that follows, which looks once a second; the writes' medians are of the last half."""
    lines, now = stream(hosts, rate), 0.0
    with tempfile.TemporaryDirectory(prefix="mailgraph-bench-") as directory:
        checkpoint = Path(directory) / "mailgraph.checkpoint"
        before = resident()
        counting = Counting(
            "mail.log",
            Store(directory, FAMILIES, access=Direct(UnderWay(str(Path(directory) / "mailgraph.underway")))),
            Options(hosts_limit=max(NUMBERS)),
            checkpoint=Checkpoint(str(checkpoint)),
            say=print,
            clock=lambda: now,
        )
        counting.start()
        spent: list[tuple[float, float]] = []
        for number in range(minutes * MINUTE):
            now = BEGIN + number + 1
            counting.count(Block(lines.second(BEGIN, number)))
            counting.caught_up()
            if counting.due(idle=True):
                spent.append(_timed(counting.write))
        busy, seconds = zip(*spent[len(spent) // 2 :], strict=True)
        return Counted(median(busy), median(seconds), resident() - before, checkpoint.stat().st_size)


def _timed(action: Callable[[], object]) -> tuple[float, float]:
    busy, begun = time.process_time(), time.perf_counter()
    action()
    return time.process_time() - busy, time.perf_counter() - begun


def apart(*arguments: str) -> str:
    """What this module prints as a process of its own."""
    command = [sys.executable, "-m", "tests.bench.hosts", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def scanned_apart(rate: float, rounds: int) -> dict[int, float]:
    """``scanned`` by a process of its own."""
    return {int(hosts): seconds for hosts, seconds in json.loads(apart("scanned", str(rate), str(rounds))).items()}


def counted_apart(hosts: int, rate: float, minutes: int) -> Counted:
    """``counted`` by a process of its own."""
    return Counted(*json.loads(apart("counted", str(hosts), str(rate), str(minutes))))


def main(what: str, *given: str) -> None:
    """Prints the figures as JSON."""
    if what == "scanned":
        rate, rounds = given
        print(json.dumps(scanned(float(rate), int(rounds))))
    else:
        hosts, rate, minutes = given
        print(json.dumps(counted(int(hosts), float(rate), int(minutes))))


if __name__ == "__main__":
    main(*sys.argv[1:])
