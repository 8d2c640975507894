"""The hosts of a log that many machines write to: a name for each that is safe as a directory's, and a bound on them.

A log is not to be trusted: whoever may write to it may invent hosts.  Knows no file.
"""

import re
from collections.abc import Callable, Iterable
from itertools import islice

from mailgraph.digests import blake2b

Counts = dict[str, int]
"""Events by counter; those of one host under HOST/COUNTER, and in those of the counter too."""

OF_HOST = "/"
"""Between a host and a counter in the key of the host's own events; in no name of either."""

HOSTS_LIMIT = 1000

NAME_LENGTH = 64

SPELLINGS = 10_000
"""Hosts as they are written whose names are kept at hand."""

_UNSAFE = re.compile(r"[^a-z0-9._-]")


def safe_name(host: bytes | None) -> str:
    """A directory's name for a host: lower case, of ``a-z0-9._-``, no dot or dash first, not too long.

    Names that differ in case alone are one host's; a digest tells long ones apart.  ``localhost`` where a line names
    none.
    """
    name = _UNSAFE.sub("_", (host or b"localhost").decode("latin-1").lower())
    if name[0] in ".-":
        name = f"_{name}"
    if len(name) > NAME_LENGTH:
        digest = blake2b(name.encode(), digest_size=4).hexdigest()
        name = f"{name[: NAME_LENGTH - len(digest) - 1]}-{digest}"
    return name


class Names:
    """The safe names of hosts, kept at hand."""

    def __init__(self) -> None:
        self._names: dict[bytes | None, str] = {}

    def __getitem__(self, host: bytes | None) -> str:
        name = self._names.get(host)
        if name is None:
            if len(self._names) >= SPELLINGS:
                self._names.clear()
            name = self._names[host] = safe_name(host)
        return name


class Hosts:
    """The hosts that have files of their own: the first ``limit`` ones; what others do is in the totals alone.

    The first ones of all are those of ``names``, and a place is kept for each of ``expected``, until a log names it.
    ``say`` gets a message for the administrator when there are more.
    """

    def __init__(
        self, limit: int, names: Iterable[str] = (), expected: Iterable[str] = (), *, say: Callable[[str], None]
    ) -> None:
        self.names = dict.fromkeys(islice(names, limit))
        self._expected = set(expected) - self.names.keys()
        self._limit = limit
        self._say = say
        self._said = False

    def admit(self, counts: Counts) -> Counts:
        """The events without those of hosts that are too many; new ones among the first ``limit`` are taken in."""
        refused: dict[str, None] = {}
        for key in counts:
            host, of_host, _ = key.rpartition(OF_HOST)
            if of_host and host not in self.names:
                if len(self.names) < self._limit and (
                    host in self._expected or len(self.names) + len(self._expected) < self._limit
                ):
                    self._expected.discard(host)
                    self.names[host] = None
                else:
                    refused[key] = None
        if not refused:
            return counts
        if not self._said:
            self._said = True
            host = next(iter(refused)).partition(OF_HOST)[0]
            self._say(
                f"there are more than {self._limit} hosts, in the log or with files;"
                f" {host} and later ones count in the totals alone (see --hosts-limit)"
            )
        return {key: times for key, times in counts.items() if key not in refused}
