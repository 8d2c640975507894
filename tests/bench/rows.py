"""What is measured: SECTIONS, each a few rows of the table."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.bench import following, hosts
from tests.bench.logs import BEGIN, BSD, HOST, USERS
from tests.bench.programs import OTHERS, OURS, PYTHON, Program, can_share, ours, work
from tests.bench.timing import Spent, Work, in_turn, run
from tests.programs import found


class Aim(NamedTuple):
    """What a ratio should be: at most the limit, or at least."""

    limit: float
    at_least: bool = False

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.limit if self.at_least else ratio <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.limit:.3g}"


class Row(NamedTuple):
    """A row of the table; what the ratio is one of stands in its section's title or in the row's name."""

    name: str
    value: str = ""
    ratio: float | None = None
    busy: float | None = None
    memory: int | None = None
    aim: Aim | None = None


class Plan(NamedTuple):
    """How much is measured: lines of a busy log, runs of each program, days of a quiet log, seconds of following,
    minutes of many hosts' log.

    ``programs`` are parts of the names of those that are wanted, besides ours; none where all are.
    """

    directory: Path
    lines: int
    runs: int
    days: int
    seconds: float
    programs: tuple[str, ...]
    minutes: int = 60

    def wants(self, program: str) -> bool:
        return not self.programs or any(wanted in program for wanted in self.programs)


def made(plan: Plan, server: str, form: str, lines: int, *more: str) -> Path:
    """A log; made by a process of its own, since the children of a large one look as large."""
    log = plan.directory / f"{server}-{form}-{lines}.log"
    command = [sys.executable, "-m", "tests.bench.logs", server, form, str(lines), *more]
    with log.open("wb") as file:
        subprocess.run(command, check=True, stdout=file, stderr=subprocess.DEVNULL)
    return log


BUSY_AIMS = {
    "the original": Aim(15, at_least=True),
    "grep -cE, event words": Aim(1 / 6, at_least=True),
    "ours, --jobs 2": Aim(1 / 1.7),
}


MEASURES = ("the original", "grep -cE, event words", "Python, one pattern", "wc -l")
"""What ours is measured by on each log; what else people use takes minutes, and is there on the first one alone."""


def busy(server: str, form: str, others: Iterable[str], plan: Plan) -> Iterator[Row]:
    """A busy server's log: ours beside others."""
    log = made(plan, server, form, plan.lines)
    programs = {"ours": ours()} | {name: OTHERS[name] for name in others if plan.wants(name)}
    if can_share() and plan.wants("ours"):
        programs["ours, --jobs 2"] = ours("--jobs", "2")
    yield from _beside_ours(programs, log, plan.runs, BUSY_AIMS)
    log.unlink()


def _beside_ours(programs: Mapping[str, Program], log: Path, runs: int, aims: Mapping[str, Aim]) -> Iterator[Row]:
    works = {name: work(program, log) for name, program in programs.items()}
    spent = in_turn({name: once for name, once in works.items() if once}, runs)
    for name in works:
        if name in spent:
            ratio = _ratio(spent[name], spent["ours"], by_the_clock="--jobs" in name)
            yield _timed(name, spent[name], ratio, aims.get(name))
        else:
            yield Row(name, "not installed")


def _ratio(one: Spent, other: Spent, *, by_the_clock: bool = False) -> float:
    """Of processor times, on which other work on the machine weighs least; of several processes at once, by the clock."""
    return one.seconds / other.seconds if by_the_clock else one.busy / other.busy


def _timed(name: str, spent: Spent, ratio: float | None = None, aim: Aim | None = None) -> Row:
    return Row(name, f"{spent.seconds:.2f} s", ratio, spent.busy, spent.memory, aim)


QUIET_LINES = 95
"""Lines a day of the quiet server, about."""


def year(plan: Plan) -> Iterator[Row]:
    """A quiet server's log: hardly a line, but each minute in each file."""
    log = made(plan, "quiet", "rfc3339", plan.days * QUIET_LINES)
    programs = {"ours": ours()} | {name: OTHERS[name] for name in MEASURES[:1] if plan.wants(name)}
    yield from _beside_ours(programs, log, 1, {"the original": Aim(25, at_least=True)})
    log.unlink()


COMPRESSORS = {"gz": ("gzip",), "bz2": ("bzip2",), "xz": ("xz", "-2"), "zst": ("zstd", "-q")}
"""Each with ``-dc`` decompresses, as the program that anybody would read such a log with."""


def compressed(plan: Plan) -> Iterator[Row]:
    """Compressed logs read directly, beside the plain one and the decompressor."""
    plain = made(plan, "relay", "bsd", max(1, plan.lines // 4))
    works: dict[str, Work] = {"ours, plain": _required(ours(), plain)}
    for kind, command in COMPRESSORS.items():
        packed = plain.with_name(f"{plain.name}.{kind}")
        with packed.open("wb") as file:
            subprocess.run([*command, "-c", plain], check=True, stdout=file)
        works[f"ours, {kind}"] = _required(ours(), packed)
        works[command[0]] = _required(Program(command[0], lambda log, _: ["-dc", str(log)]), packed)
    spent = in_turn(works, plan.runs)
    plainly = spent["ours, plain"]
    yield _timed("ours, plain", plainly)
    for kind, (decompressor, *_) in COMPRESSORS.items():
        both = plainly.busy + spent[decompressor].busy
        ours_packed = spent[f"ours, {kind}"]
        yield _timed(f"ours, {kind}", ours_packed, ours_packed.busy / both, Aim(1.5))
    for path in plan.directory.glob(f"{plain.name}*"):
        path.unlink()


def _required(program: Program, log: Path) -> Work:
    once = work(program, log)
    if once is None:
        raise FileNotFoundError(f"{program.name} is not installed")
    return once


LINEAR = Aim(1.1)


def lines(plan: Plan) -> Iterator[Row]:
    """Four and sixteen times the lines, each once."""
    logs = {times: made(plan, "relay", "bsd", times * plan.lines) for times in (1, 4, 16)}
    spent = in_turn({f"{times}": _required(ours(), log) for times, log in logs.items()}, runs=1)
    for times, log in logs.items():
        one = spent[f"{times}"]
        ratio = _ratio(one, spent["1"]) / times
        yield _timed(f"{times * plan.lines:,} lines, {log.stat().st_size / 1e6:,.0f} MB", one, ratio, LINEAR)
        log.unlink()


def files(plan: Plan) -> Iterator[Row]:
    """A quiet server's month into one RRD file, ten and a hundred: a counter of one's own has a file each."""
    log = made(plan, "quiet", "bsd", -(-plan.days // 12) * QUIET_LINES)
    stamp = time.strftime(BSD.second, time.gmtime(BEGIN))
    logins = [f"{stamp} {HOST} dovecot: imap-login: Login: user=<{user}>, method=PLAIN\n" for user in USERS]
    log.write_bytes("".join(logins).encode() + log.read_bytes())
    works = {}
    for count in (1, 10, 100):
        rules = plan.directory / f"{count}.toml"
        rules.write_text("".join(map(_rule, USERS[1:count], logins[1:count])))
        own = ("--rules", str(rules)) if count > 1 else ()
        works[f"{count}"] = _required(ours("--only-mail-rrd", *own), log)
    spent = in_turn(works, plan.runs)
    for count in (1, 10, 100):
        one = spent[f"{count}"]
        yield _timed(f"{count} RRD files", one, _ratio(one, spent["1"]) / count, LINEAR)
    log.unlink()


def _rule(user: str, login: str) -> str:
    return (
        f"[[rule]]\ncounter = '{user}'\nprogram = 'dovecot'\n"
        f"text = 'imap-login: Login: user=<{user}>'\nsample = '''{login.strip()}'''\n"
    )


RUSH, PACE = 50_000, 100
"""Lines a second: what no server writes for long, and a busy one."""


def follow(plan: Plan) -> Iterator[Row]:
    """A log that is followed while it grows; the shares are of one core."""
    with TemporaryDirectory(dir=plan.directory) as directory:
        used, behind = following.rush(Path(directory), RUSH, plan.seconds / 2, rotations=3)
    rush = f"{RUSH:,} lines a second, 3 rotations"
    yield Row(f"{rush}: share", f"{used.busy:.1%}", used.busy, memory=used.memory, aim=Aim(1))
    yield Row("  seconds behind when the writer stops", f"{behind:.2f} s", behind, aim=Aim(1.5))
    original = found("mailgraph")
    with TemporaryDirectory(dir=plan.directory) as directory:
        our, *their = following.pace(Path(directory), [OURS, *filter(None, [original])], PACE, plan.seconds)
    beside = our.at_rest.memory / their[0].at_rest.memory if their else None
    yield from _followed("ours", our, beside, (Aim(0.01), Aim(2), Aim(0), Aim(1.6)))
    for pace in their:
        yield from _followed("the original", pace, None, (None, None, None, None))


def _followed(name: str, pace: following.Pace, beside: float | None, aims: Iterable[Aim | None]) -> Iterator[Row]:
    for_busy, for_wakes, for_writes, for_memory = aims
    at_work, at_rest = pace
    yield Row(f"{name}, {PACE} lines a second: share", f"{at_work.busy:.2%}", at_work.busy, aim=for_busy)
    yield Row("  at rest: wake-ups a second", f"{at_rest.sleeps:.2f}", at_rest.sleeps, aim=for_wakes)
    yield Row("  bytes a second for the disk, but for the minute's", "", at_rest.written, aim=for_writes)
    yield Row("  memory, beside the original's", ratio=beside, memory=at_rest.memory, aim=for_memory)


DAY = 24 * 60 * 60
WEEK = 7 * DAY

LINES_A_SECOND = 105
"""About what the busy relay writes."""


def week(plan: Plan) -> Iterator[Row]:
    """The last week of a relay, ten times the lines of the other logs, read by a program that follows it."""
    lines = 10 * plan.lines
    slower = WEEK * LINES_A_SECOND / lines
    begin = int(time.time()) - WEEK - DAY
    log = made(plan, "relay", "rfc3339", lines, "--begin", str(begin), "--slower", str(slower))
    with TemporaryDirectory(dir=plan.directory) as directory:
        memory = following.memory_of(Path(directory), log)
    log.unlink()
    first, second = max(memory[:5]), max(memory[5:])
    yield Row(f"at most in the first half of {lines:,} lines", memory=first)
    yield Row("in the second", ratio=second / first, memory=second, aim=Aim(1.1))


STARTS = 11
"""Starts for one run of another program: they take milliseconds."""


def start(plan: Plan) -> Iterator[Row]:
    """How long it takes until there is anything."""
    nothing = ["-l", os.devnull, "--daemon-rrd", str(plan.directory)]
    starts = {
        "python3 -c pass": ([PYTHON, "-c", "pass"], None),
        "python3 -c 'import rrdtool'": ([PYTHON, "-c", "import rrdtool"], None),
        "bin/mailgraph --version": ([OURS, "--version"], Aim(2)),
        "bin/mailgraph -c, an empty log": ([OURS, "-c", *nothing], Aim(2)),
    }
    works = {name: partial(run, command, plan.directory) for name, (command, _) in starts.items()}
    spent = in_turn(works, STARTS * plan.runs)
    least = sum(one.seconds for name, one in spent.items() if name.startswith("python3"))
    for name, (_, aim) in starts.items():
        one = spent[name]
        yield Row(name, f"{one.seconds * 1000:.0f} ms", one.seconds / least, one.busy, one.memory, aim)


MANY_HOSTS_RATE = 1 / 500
"""Lines a second of many hosts, for one line of the other logs: 2,000."""

SETTLED = 22
"""Minutes after which as much is remembered as ever will be."""

MANY_HOSTS_AIM = Aim(1.3)


def many_hosts(plan: Plan) -> Iterator[Row]:
    """A log of many hosts: followed for an hour of its time, and the same lines from fewer hosts."""
    rate = plan.lines * MANY_HOSTS_RATE
    most = max(hosts.NUMBERS)
    with TemporaryDirectory(dir=plan.directory) as name:
        directory = Path(name)
        followed = hosts.follow(directory, most, rate, plan.minutes)
        if followed is None:
            yield Row("faketime", "not installed")
            return
        page = in_turn({"page": lambda: hosts.overview(directory)}, 3 * plan.runs)["page"]
    lines = round(rate * DAY)
    yield Row(f"{most} hosts, {rate:,.0f} lines a second: share", f"{followed.share:.2%}", followed.share)
    yield Row(f"  a day's {lines:,} lines, of {plan.minutes} minutes' share", busy=followed.share * DAY)
    yield Row("  seconds behind in the end", f"{followed.behind:.1f} s", followed.behind, aim=Aim(60))
    yield Row("  memory at most", memory=followed.most)
    yield Row("  memory in the end", memory=followed.memory)
    yield Row("  RRD files", f"{followed.files / 1e6:.0f} MB")
    yield Row("  bytes for the disk a minute", f"{followed.written / 1e6:.1f} MB")
    yield Row("  checkpoint", f"{followed.checkpoint / 1e6:.1f} MB")
    yield Row("  the page over all hosts, by CGI", f"{page.seconds * 1000:.0f} ms", None, page.busy)
    yield from _by_hosts(plan, rate)


def _by_hosts(plan: Plan, rate: float) -> Iterator[Row]:
    scanned = hosts.scanned_apart(rate, 2 * plan.runs + 1)
    for number, busy in scanned.items():
        aim = MANY_HOSTS_AIM if number > 1 else None
        yield Row(f"{_hosts(number)}, a minute's lines scanned", "", busy / scanned[1], busy, None, aim)
    counted = {number: hosts.counted_apart(number, rate, min(SETTLED, plan.minutes)) for number in hosts.NUMBERS}
    one = counted[1]
    for number, took in counted.items():
        write = f"{_hosts(number)}, a closed minute written"
        yield Row(write, f"{took.seconds * 1000:.0f} ms", took.busy / one.busy, took.busy, took.memory)
        checkpoint = f"{took.checkpoint / 1e6:.2f} MB"
        yield Row("  its checkpoint", checkpoint, took.checkpoint / one.checkpoint)


def _hosts(number: int) -> str:
    return "1 host" if number == 1 else f"{number} hosts"


Section = Callable[[Plan], Iterator[Row]]

SECTIONS: dict[str, tuple[str, Section]] = {
    "relay-bsd": ("busy relay, BSD stamps; ratio: its time / ours", partial(busy, "relay", "bsd", OTHERS)),
    "relay-rfc3339": ("busy relay, RFC 3339; ratio: its time / ours", partial(busy, "relay", "rfc3339", MEASURES)),
    "storm-bsd": ("spam storm, BSD stamps; ratio: its time / ours", partial(busy, "storm", "bsd", MEASURES)),
    "storm-rfc3339": ("spam storm, RFC 3339; ratio: its time / ours", partial(busy, "storm", "rfc3339", MEASURES)),
    "year": ("a quiet server's year; one run each; ratio: its time / ours", year),
    "compressed": ("compressed logs; ratio: time / (plain + decompressor alone)", compressed),
    "lines": ("more lines; one run each; ratio: time a line / that of the shortest log", lines),
    "files": ("more RRD files, a quiet month; ratio: time a file / that of one", files),
    "start": ("starting; ratio: time / that of both of Python's", start),
    "follow": ("following a log; ratio: as the row says", follow),
    "hosts": (
        f"a log of many hosts, its time {hosts.SPEED} times as fast; ratio: as the row says, or / that of one host",
        many_hosts,
    ),
    "week": ("a week of a busy relay, followed; ratio: memory / that in the first half", week),
}
"""The table's parts, by the name that ``--only`` knows."""
