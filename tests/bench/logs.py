"""Logs of mail servers that do not exist: seeded, of any length, and what they count is known.  Knows no program.

``python -m tests.bench.logs relay bsd 1000000 >mail.log`` writes one.
"""

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import BinaryIO, NamedTuple

BEGIN = 1_736_121_600
"""2025-01-06, a Monday, in UTC: where each log begins that is not of now."""

YEAR = 2025

STRETCH = 1_000_000
"""Lines of a stretch: a longer log repeats it, later and with other queue ids, so that it takes no longer to make."""

HOST = "mail"
HOSTS = "m{:03}"
"""The hosts of a log of several; as long as the one host's name."""


class Form(NamedTuple):
    """How a line is stamped: its second, and what follows of the microseconds."""

    second: str
    fraction: str


BSD = Form("%b %e %H:%M:%S", "")
RFC3339 = Form("%Y-%m-%dT%H:%M:%S", ".{:06}+00:00")
FORMS = {"bsd": BSD, "rfc3339": RFC3339}


class Session(NamedTuple):
    """What one client's visit makes a server say, of the mail that it brings too: seconds since it began, and text."""

    counts: Counter[str]
    lines: tuple[tuple[float, str], ...]


def _sessions(text: str) -> Iterator[tuple[str, Session]]:
    for block in text.split("\n= ")[1:]:
        title, *lines = block.strip().split("\n")
        name, _, counters = title.partition(":")
        stamped = (line.partition(" ") for line in lines)
        yield (
            name,
            Session(Counter(counters.split()), tuple((float(after), _format(said)) for after, _, said in stamped)),
        )


def _format(text: str) -> str:
    """``$name`` as str.format has it."""
    return re.sub(r"\$(\w+)|\$\{(\w+)\}", r"{\1\2}", text.replace("{", "{{").replace("}", "}}"))


SESSIONS = dict(_sessions((Path(__file__).parent / "sessions.txt").read_text()))


class Server(NamedTuple):
    """A server's traffic: sessions a second, and how many of a hundred or so are of each kind."""

    rate: float
    mix: dict[str, int]


SERVERS = {
    # about 100 lines a second
    "relay": Server(
        11.5,
        {
            "filtered": 40,
            "submitted": 8,
            "delivered": 8,
            "deferred": 4,
            "bounced": 3,
            "spam": 8,
            "virus": 1,
            "greylisted": 6,
            "delayed": 4,
            "refused": 6,
            "denied": 4,
            "guesses": 3,
            "hangup": 6,
            "reading": 10,
            "anvil": 1,
        },
    ),
    # a botnet has found the server: about 250 lines a second
    "storm": Server(
        50,
        {
            "blocklisted": 40,
            "denied": 25,
            "refused": 10,
            "pregreeting": 10,
            "hangup": 10,
            "greylisted": 4,
            "guesses": 4,
            "anvil": 2,
            "spam": 1,
            "filtered": 2,
        },
    ),
    # a few lines an hour, for the three RRD files of the original alone
    "quiet": Server(
        0.5 / 3600, {"filtered": 4, "submitted": 2, "refused": 2, "greylisted": 1, "reading": 4, "spam": 1}
    ),
}

_SECOND, _TURN = b"\0", b"\1"
"""What stands for a line's second, and for the stretch in its queue ids."""


class Stretch:
    """Whole sessions of ``lines`` lines or a few more: the text of each second from 0 on, and what all of it counts."""

    def __init__(self, server: Server, form: Form, lines: int, seed: int = 1, hosts: int = 1) -> None:
        """With several ``hosts`` the sessions are theirs in turn; all else is the same."""
        self.form = form
        self.lines = 0
        self.counts: Counter[str] = Counter()
        self.seconds: list[tuple[int, bytes]] = []
        self._fill(_said(server, lines, Random(seed), self.counts, hosts))
        self.span = self.seconds[-1][0] + 1

    def _fill(self, said: Iterator[tuple[float, str]]) -> None:
        text: list[str] = []
        second = 0
        for moment, line in said:
            if int(moment) != second:
                self._add(second, text)
                second = int(moment)
            text.append(f"\0{self.form.fraction.format(int(moment % 1 * 1e6))} {line}\n")
        self._add(second, text)

    def _add(self, second: int, text: list[str]) -> None:
        if text:
            self.lines += len(text)
            self.seconds.append((second, "".join(text).encode()))
            text.clear()

    def stamped(self, text: bytes, moment: int, turn: int) -> bytes:
        """A second's text at ``moment`` (epoch seconds), in the stretch ``turn``."""
        stamp = time.strftime(self.form.second, time.gmtime(moment)).encode()
        return text.replace(_SECOND, stamp).replace(_TURN, b"%03X" % turn)


class Stream:
    """A server's log without end: what it says in a ``period`` of seconds, again and again with other queue ids."""

    def __init__(self, server: Server, form: Form, lines_a_second: float, period: int = 60, hosts: int = 1) -> None:
        per_session = sum(len(SESSIONS[name].lines) * weight for name, weight in server.mix.items()) / sum(
            server.mix.values()
        )
        lines = int(lines_a_second * period)
        self._stretch = Stretch(server._replace(rate=lines_a_second / per_session), form, lines, hosts=hosts)
        self._period = period
        self._seconds: dict[int, list[tuple[int, bytes]]] = {}
        for second, text in self._stretch.seconds:
            turns, at = divmod(second, period)
            self._seconds.setdefault(at, []).append((turns, text))

    def second(self, begin: int, number: int) -> bytes:
        """The lines of a second, counted from ``begin`` (epoch seconds) on; of the ends of earlier sessions too."""
        turn, at = divmod(number, self._period)
        return b"".join(
            self._stretch.stamped(text, begin + number, turn - turns)
            for turns, text in self._seconds.get(at, ())
            if turns <= turn
        )


def _said(
    server: Server, lines: int, random: Random, counts: Counter[str], hosts: int = 1
) -> Iterator[tuple[float, str]]:
    """Moments, hosts and texts in the order of time, until all sessions of ``lines`` lines are over."""
    pending: list[tuple[float, int, str]] = []
    names, weights = list(server.mix), list(server.mix.values())
    moment, begun, sessions = 0.0, 0, 0
    while begun < lines:
        host = HOST if hosts == 1 else HOSTS.format(sessions % hosts)
        sessions += 1
        moment += random.expovariate(server.rate)
        while pending and pending[0][0] <= moment:
            yield _next(pending)
        session = SESSIONS[random.choices(names, weights)[0]]
        counts += session.counts
        values = _values(random, begun)
        for after, text in session.lines:
            heappush(pending, (moment + after, begun, f"{host} {text.format_map(values)}"))
            begun += 1
    while pending:
        yield _next(pending)


def _next(pending: list[tuple[float, int, str]]) -> tuple[float, str]:
    moment, _, text = heappop(pending)
    return moment, text


USERS = tuple(f"user{number:03}" for number in range(100))


def _values(random: Random, number: int) -> dict[str, object]:
    """What differs from session to session; two of them never have a queue id or a process of smtpd in common."""
    bits = random.getrandbits(60)
    amavis = 700 + bits % 20
    return {
        "a": f"\1{2 * number:08X}",
        "b": f"\1{2 * number + 1:08X}",
        "mid": f"{bits:015x}",
        "mail": f"{bits >> 8:012X}",
        "ip": f"198.{18 + bits % 2}.{bits >> 12 & 255}.{bits >> 20 & 255}",
        "name": f"mx{bits >> 16 & 1023}.example.net",
        "sender": f"{bits >> 24 & 0xFFFFF:x}@example.org",
        "user": USERS[(bits >> 32) % len(USERS)],
        "size": 1000 + (bits >> 28 & 0xFFFF),
        "smtpd": 1000 + number % 30_000,
        "back": 31_000 + number % 1000,
        "cleanup": 800 + bits % 30,
        "smtp": 900 + bits % 60,
        "amavis": amavis,
        "turn": f"{amavis:05}-{bits >> 36 & 15:02}",
    }


class Made(NamedTuple):
    """What is in a log that was written."""

    lines: int
    counts: Counter[str]
    seconds: int


def write(file: BinaryIO, server: Server, form: Form, lines: int, begin: int = BEGIN, seed: int = 1) -> Made:
    """Writes a log of ``lines`` lines or a few more, whole sessions all of them."""
    turns = -(-lines // STRETCH)
    stretch = Stretch(server, form, lines // turns, seed)
    for turn in range(turns):
        start = begin + turn * stretch.span
        file.writelines(stretch.stamped(text, start + second, turn) for second, text in stretch.seconds)
    counts = Counter({counter: times * turns for counter, times in stretch.counts.items()})
    return Made(stretch.lines * turns, counts, stretch.span * turns)


def main() -> None:
    """Writes a log to standard output, and what it counts to standard error."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.logs", description=__doc__)
    parser.add_argument("server", choices=SERVERS)
    parser.add_argument("form", choices=FORMS)
    parser.add_argument("lines", type=int)
    parser.add_argument("--begin", type=int, default=BEGIN, help="epoch seconds")
    parser.add_argument("--slower", type=float, default=1, help="how many times longer the log shall last")
    given = parser.parse_args()
    server = SERVERS[given.server]
    slowed = server._replace(rate=server.rate / given.slower)
    print(write(sys.stdout.buffer, slowed, FORMS[given.form], given.lines, given.begin), file=sys.stderr)


if __name__ == "__main__":
    main()
