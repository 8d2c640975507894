"""Values of one's own: a directory of small programs that print ``name value`` lines.  Knows no RRD file and no page.

They are run once a minute, FEW at a time.  What one says counts when it ends by itself with status 0.
"""

import math
import os
import pwd
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mailgraph.programs import Run
from mailgraph.sampling import Outcome
from mailgraph.schema import VALUE, VALUE_COUNTER, Family, value_family, value_name

SECONDS = 5
"""How long a program may take."""

MOST = 64 * 1024
"""Bytes that a program may say."""

FEW = 4
"""Programs that run at a time."""

LIMIT = 100
"""Values that are kept, each in a file of its own: a program must not invent names without end."""

SHOWN = 40
"""Characters of a line that are told."""


class Listed(NamedTuple):
    """A file of the directory: why it is not run and what helps, empty where it is run.

    ``refused`` is a program that is meant to be run; others may just lie there.
    """

    path: str
    fault: str = ""
    mend: str = ""
    refused: bool = False


def programs(directory: str) -> list[Listed]:
    """The directory's files, by name.  Raises OSError."""
    return [_looked_at(directory, name) for name in sorted(os.listdir(directory)) if not name.startswith(".")]


def _looked_at(directory: str, name: str) -> Listed:
    path = os.path.join(directory, name)
    if not (name.isascii() and name.replace("-", "_").replace("_", "a").isalnum()):
        return Listed(path, "its name has other characters than letters, digits, - and _", f"mv {path} another")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return Listed(path, "it is no file", f"mv {path} elsewhere")
        if not os.access(path, os.X_OK):
            return Listed(path, "it is not executable", f"chmod +x {path}")
        return Listed(path) if os.geteuid() else _by_root(directory, path)
    except OSError as error:  # removed meanwhile, or a link to nothing
        return Listed(path, f"{error.strerror}", f"rm {path}")


def _by_root(directory: str, path: str) -> Listed:
    """Nobody but root may say what root runs: he would be root."""
    real = os.path.realpath(path)
    for part in dict.fromkeys((directory, os.path.dirname(real), real)):
        status = os.stat(part)
        if status.st_uid:
            owner = _user(status.st_uid)
            return Listed(path, f"root does not run it: {part} belongs to {owner}", f"chown root {part}", refused=True)
        if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid):
            return Listed(path, f"root does not run it: others may write {part}", f"chmod go-w {part}", refused=True)
    return Listed(path)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"{uid}"


def parsed(output: bytes) -> tuple[dict[str, float], str]:
    """The values of a program's output by name, and what is wrong with the first line that is none."""
    values: dict[str, float] = {}
    fault = ""
    for number, line in enumerate(output.decode("ascii", "replace").splitlines(), 1):
        if not line.strip():
            continue
        try:
            name, value = _value(line)
        except ValueError as error:
            fault = fault or f"line {number} {error}"
            continue
        if name in values:
            fault = fault or f"line {number} gives {name} again"
        values.setdefault(name, value)
    return values, fault


def _value(line: str) -> tuple[str, float]:
    """Raises ValueError, saying what is wrong with the line."""
    words = line.split()
    if len(words) != 2:
        raise ValueError(f"is no name and value: {line[:SHOWN]!r}")
    name, text = words
    if value_name(VALUE + name) is None:
        raise ValueError(f"has no name of a to z, 0 to 9 and _, 19 of them at most, a letter first: {name[:SHOWN]!r}")
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"has no number behind {name}: {text[:SHOWN]!r}")
    return name, value


class Values:
    """The programs of ``directory``."""

    def __init__(self, directory: str, start: Callable[[Sequence[str], float, int], Run] = Run) -> None:
        self._directory = directory
        self._start = start
        self._waiting: list[str] = []
        self._running: dict[str, Run] = {}
        self._outcomes: list[Outcome] = []
        self._givers: dict[str, str] = {}
        """The program that gives a value, by the value's name."""

    @property
    def descriptors(self) -> list[int]:
        """Of the programs that run."""
        return [descriptor for run in self._running.values() for descriptor in run.descriptors]

    def begin(self) -> None:
        """A minute has begun: each program that does not run yet is to be run."""
        try:
            found = programs(self._directory)
        except OSError as error:
            self._waiting = []
            self._outcomes.append(Outcome(self._directory, fault=f"can't read it: {error.strerror}"))
            return
        self._outcomes.append(Outcome(self._directory))
        self._outcomes += [Outcome(each.path, fault=f"{each.fault} ({each.mend})") for each in found if each.refused]
        proper = [each.path for each in found if not each.fault]
        self._waiting = [path for path in proper if path not in self._running]
        self._givers = {name: path for name, path in self._givers.items() if path in proper}

    def collect(self) -> Iterator[Outcome]:
        """What the programs have said that have ended; others are started in their place."""
        for path, run in [*self._running.items()]:
            if run.over():
                del self._running[path]
                self._outcomes.append(self._outcome(path, run))
        while self._waiting and len(self._running) < FEW:
            self._run(self._waiting.pop(0))
        outcomes, self._outcomes = self._outcomes, []
        yield from outcomes

    def _run(self, path: str) -> None:
        try:
            self._running[path] = self._start([path], SECONDS, MOST)
        except OSError as error:
            self._outcomes.append(Outcome(path, fault=f"can't run it: {error.strerror}"))

    def _outcome(self, path: str, run: Run) -> Outcome:
        if run.fault:
            return Outcome(path, fault=run.fault)
        values, fault = parsed(run.output)
        samples: list[tuple[Family, Mapping[str, float]]] = []
        for name, value in values.items():
            objection = self._objection(name, path)
            if objection:
                fault = fault or objection
            else:
                self._givers[name] = path
                samples.append((value_family(name), {VALUE_COUNTER + name: value}))
        return Outcome(path, samples, fault)

    def _objection(self, name: str, path: str) -> str:
        """Why the program is not to give that value."""
        giver = self._givers.get(name)
        if giver is None and len(self._givers) >= LIMIT:
            return f"{name} is one value too many: there are {LIMIT} already"
        return f"{name} is given by {giver} already" if giver not in (None, path) else ""

    def close(self) -> None:
        """Ends the programs that run."""
        for run in self._running.values():
            run.end()
