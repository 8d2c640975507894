"""The hosts file: a TOML file that names, groups, orders and hides hosts.  Nothing in it is needed.

    order = ["mx1.example.org", "mx2.example.org"]
    hidden = ["test-*"]

    [names]
    "mx1.example.org" = "Frankfurt 1"

    [groups]
    "Frontends" = ["mx*"]
    "Filters" = ["filter1.example.org", "filter2.example.org"]

``*`` and ``?`` stand for any letters and any one, but in ``names``.  A mistake is a sentence, and what is right counts.
"""

import os
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from stat import S_ISREG
from typing import Any

KEYS = ("order", "hidden", "names", "groups")


class HostsFile:
    """What the file at ``path`` says of the hosts of these ``names``; ``mistakes`` are sentences with file and reason.

    ``order`` and ``hidden`` are hosts, ``labels`` what hosts are called, ``groups`` the hosts of each group.
    """

    def __init__(self, path: str, names: Collection[str]) -> None:
        self._path = path
        self._names = dict.fromkeys(sorted(names))
        self.mistakes: list[str] = []
        self.labels: dict[str, str] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        read = self._read()
        for key in sorted(read.keys() - set(KEYS)):
            self._wrong(f"{key!r} is unknown; there are {', '.join(KEYS)}")
        self.order = self._hosts("order", read.get("order", []))
        self.hidden = frozenset(self._hosts("hidden", read.get("hidden", [])))
        self._take_labels(self._table("names", read))
        self._take_groups(self._table("groups", read))

    def _read(self) -> dict[str, Any]:
        try:
            if not S_ISREG(os.stat(self._path).st_mode):  # a pipe that nobody writes to keeps who opens it for ever
                self.mistakes.append(f"can't read HOSTS_FILE {self._path}: it is no plain file")
                return {}
            with open(self._path, "rb") as file:
                return tomllib.load(file)
        except OSError as error:
            self.mistakes.append(f"can't read HOSTS_FILE {self._path}: {error.strerror}")
        except ValueError as error:  # no TOML, no UTF-8
            self._wrong(str(error))
        except RecursionError:
            self._wrong("brackets stand in brackets too often")
        return {}

    def _wrong(self, reason: str) -> None:
        self.mistakes.append(f"{self._path}: {reason}")

    def _table(self, key: str, read: Mapping[str, Any]) -> Mapping[str, Any]:
        table = read.get(key, {})
        if isinstance(table, dict):
            return table
        self._wrong(f"{key} is no table; write [{key}] on a line of its own")
        return {}

    def _hosts(self, where: str, patterns: Any) -> tuple[str, ...]:
        """The hosts that the list of names and patterns speaks of, in its order."""
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            self._wrong(f"{where} is no list of texts in quotes")
            return ()
        return tuple(dict.fromkeys(self._matching(where, patterns)))

    def _matching(self, where: str, patterns: Iterable[str]) -> Iterator[str]:
        for pattern in patterns:
            matching = self._named(pattern)
            if not matching:
                self._wrong(f"{where}: there is no host {pattern!r}")
            yield from matching

    def _named(self, pattern: str) -> list[str]:
        """A name is looked up: with 500 in ``order``, comparing each with each took 0.2 s of every picture."""
        if not any(letter in pattern for letter in "*?["):
            return [pattern] if pattern in self._names else []
        return [name for name in self._names if name == pattern or fnmatchcase(name, pattern)]

    def _take_labels(self, labels: Mapping[str, Any]) -> None:
        given = set()
        for name, label in labels.items():
            if not isinstance(label, str) or not label.strip():
                self._wrong(f"names: {name!r} is called no text in quotes")
            elif name not in self._names:
                self._wrong(f"names: there is no host {name!r}")
            elif label in given or (label in self._names and label != name):
                self._wrong(f"names: {name!r} would be called {label!r}, as another host is")
            else:
                self.labels[name] = label
                given.add(label)

    def _take_groups(self, groups: Mapping[str, Any]) -> None:
        for group, patterns in groups.items():
            hosts = self._hosts(f"groups: {group!r}", patterns)
            if hosts and group.strip():
                self.groups[group] = hosts
            elif not group.strip():
                self._wrong("groups: a group has no name")
            elif patterns == []:
                self._wrong(f"groups: {group!r} is empty")
