"""rrdcached, RRDtool's network daemon: its addresses, a connection, commands and their answers.  Knows no RRD family.

librrd has a client of its own, which the daemon can't be built on.  Measured with librrd 1.7.2: where an update has a
template, and where rrdcached is down, it writes nothing and returns as if it had; it waits for ever for one that
hangs.  The protocol is a line there and a line back (rrdcached(1), PROTOCOL).
"""

import math
import os
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from mailgraph import MailgraphError, UsageError

PORT = 42217
"""Where rrdcached listens if nothing else is said."""

TIMEOUT = 10.0
"""Seconds without an answer after which rrdcached is said to hang."""

LONGEST = 4000
"""Characters of a command at most; rrdcached 1.7.2 reads lines of up to 4096 bytes."""

MOST_LINES = 100_000
LONGEST_LINE = 8192
"""Lines of an answer and bytes of a line at most; what sends more is no rrdcached."""

GREETING = "Command overview"
"""How rrdcached answers HELP, which it allows everybody."""


class NoRrdcachedError(MailgraphError):
    """There is no rrdcached, it does not answer, or something else does; the text says what to do."""


class Answer(NamedTuple):
    """What came back for one command; ``lines`` are those that follow the first, ``text``."""

    refused: bool
    text: str
    lines: tuple[str, ...]


class Connection:
    """A connection to the rrdcached at ``address``, made when it is needed and made again when it was lost.

    ``made`` counts how often: what was learnt over an earlier one may be wrong by now.
    """

    def __init__(self, address: str, timeout: float = TIMEOUT, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises UsageError for an address that is none."""
        self.address = address
        self.made = 0
        self._place = place(address)
        self._timeout = timeout
        self._clock = clock
        self._hangs_until = -math.inf
        self._line: _Line | None = None

    def ask(self, *commands: str) -> list[Answer]:
        """The answers to commands that are sent together.  Raises NoRrdcachedError.

        A connection of before may have been lost since; then all of them are sent again over a new one.  One that did
        not answer is taken to hang for half as long again: who asks for many files does not wait for each.
        """
        if self._clock() < self._hangs_until:
            raise self._unreachable(f"no answer for {self._timeout:g} s")
        reused = self._line is not None
        try:
            return self._asked(commands)
        except TimeoutError as error:
            self._hangs_until = self._clock() + self._timeout / 2
            raise self._unreachable(f"no answer for {self._timeout:g} s") from error
        except (OSError, _NoAnswer) as error:
            self.close()
            if not reused:
                raise self._unreachable(getattr(error, "strerror", None) or str(error)) from error
        return self.ask(*commands)

    def close(self) -> None:
        """Closes what is open; the next command opens it again."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _asked(self, commands: tuple[str, ...]) -> list[Answer]:
        if self._line is None:
            self._line = _Line(self._place, self._timeout)
            self._line.greet()
            self.made += 1
        self._line.send(*commands)
        return [self._line.answer() for _ in commands]

    def _unreachable(self, reason: str) -> NoRrdcachedError:
        self.close()
        return NoRrdcachedError(
            f"can't reach rrdcached at {self.address}: {reason}"
            " (see to it that it runs there, or mend RRDCACHED in the configuration)"
        )


class _NoAnswer(Exception):
    """The connection's end, or something that rrdcached does not say."""


class _Line:
    """An open connection."""

    def __init__(self, to: "str | tuple[str, int]", timeout: float) -> None:
        import socket  # 2 ms, for those who have an rrdcached

        if isinstance(to, str):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(timeout)
            try:
                self._socket.connect(to)
            except OSError:
                self._socket.close()
                raise
        else:
            self._socket = socket.create_connection(to, timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._incoming = self._socket.makefile("rb")
        self._refused = False

    def close(self) -> None:
        self._incoming.close()
        self._socket.close()

    def greet(self) -> None:
        self.send("HELP")
        greeting = self.answer().text
        if greeting != GREETING:
            raise _NoAnswer(f"what answers there is no rrdcached ({greeting!r})")

    def send(self, *commands: str) -> None:
        self._socket.sendall(b"".join(command.encode(errors="surrogateescape") + b"\n" for command in commands))

    def answer(self) -> Answer:
        status, text = self._status()
        self._refused = status < 0
        return Answer(self._refused, text, tuple(self._read() for _ in range(status)))

    def _status(self) -> tuple[int, str]:
        """The first line of an answer.  A refusal may have another ("Did you pass -R ...", 1.7.2), which is skipped."""
        while True:
            text = self._read()
            number, _, said = text.partition(" ")
            if number.removeprefix("-").isdecimal() and int(number) <= MOST_LINES:
                return int(number), said
            if not self._refused:
                raise _NoAnswer(f"what answers there is no rrdcached ({text[:40]!r})")

    def _read(self) -> str:
        line = self._incoming.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise _NoAnswer(
                "it closed the connection" if len(line) < LONGEST_LINE else "what answers there is no rrdcached"
            )
        return line[:-1].decode(errors="replace")


def place(address: str) -> "str | tuple[str, int]":
    """The unix socket, or host and port, that an address names (the forms of rrdcached(1)).  Raises UsageError."""
    path = address.removeprefix("unix:")
    if path.startswith("/"):
        return path
    form = FORMS.fullmatch(address)
    host = form and (form["bracketed"] or form["host"] or form["ipv6"])
    port = int(form["port"] or PORT) if form else 0
    if not host or not 0 < port < 65536 or not _is_name(host):
        raise UsageError(f"RRDCACHED: {address!r} is no address; write HOST:PORT, [IPv6]:PORT or unix:/PATH")
    return host, port


def _is_name(host: str) -> bool:
    """Whether the resolver takes it; for what it does not take, Python raises UnicodeError."""
    try:
        return bool(host.encode("idna"))
    except UnicodeError:
        return False


FORMS = re.compile(
    r"(?:\[(?P<bracketed>[^][\s]+)\]|(?P<host>[^][:\s]+))(?::(?P<port>[0-9]+))?|(?P<ipv6>[^][\s:]*(?::[^][\s:]*){2,})"
)
"""Host and port, the port being PORT where it is missing; an address that is full of colons has none."""


def escaped(path: str) -> str:
    """A path as a word of a command."""
    return path.replace("\\", "\\\\").replace(" ", "\\ ")


def directory(host: str = "") -> str:
    """The directory of this machine's files, ``hosts/`` and its name, which is made safe; or ``host`` as it is.

    Raises UsageError for a ``host`` that is no such name.
    """
    if not host:
        node = os.uname().nodename.lower()
        host = "".join(one if one in HOST_CHARACTERS else "-" for one in node).lstrip(".-")[:LONGEST_HOST]
    if not host or len(host) > LONGEST_HOST or host[0] in ".-" or not set(host) <= HOST_CHARACTERS:
        raise UsageError(
            f"RRDCACHED_HOST: {host!r} can't name a directory here; take up to {LONGEST_HOST} of a-z, 0-9, dot,"
            " underscore and dash, the first no dot or dash"
        )
    return f"hosts/{host}"


HOST_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
LONGEST_HOST = 64
