"""The RRD files: create, last, batched updates; every error said with file and reason.  Knows no log.

What librrd does silently is undone here: it overwrites files (``--no-overwrite``), takes values by position
(``--template``), hands updates to a daemon that RRDCACHED_ADDRESS names and loses them if that is down, crashes on
very many values in one call (they go in batches), and leaves half an update where it is killed (``underway``).
Measured with librrd 1.7.2.
"""

import os
import pwd
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import rrdtool

from mailgraph import MailgraphError, rrdhead
from mailgraph.schema import ABSOLUTE, HEARTBEAT, HOSTS_DIRECTORY, STEP, Family
from mailgraph.splitting import OF_HOST, safe_name
from mailgraph.underway import UnderWay

BATCH = 2000
"""Values of one update call.  librrd crashed at 200,000; batches of some hundreds reach full speed: 1-2 us a value."""

SET_BACK = 5 * STEP
"""Seconds by which a clock may be put back without a word."""

TRIES = 20
PAUSE = 0.05
"""Seconds between tries, where another process reads or writes the file: librrd does not wait for a lock."""

FEW = 50
"""Files that are synced one by one.  2,500 of them took 8.4 s so, and 0.15 s with all else on their file system."""

Pause = Callable[[float], None]


class RrdError(MailgraphError):
    """An RRD file that can't be created, read or updated; the text names the file, what is wrong and what to do."""


class UnreachableError(RrdError):
    """The files are on another machine, and that can't be reached: none of them can."""


class OutdatedError(RrdError):
    """A file that ends before the minutes that are still remembered: only the log can fill what is between."""


class Access(Protocol):
    """How RRD files are reached.  Minutes are epoch seconds; each method raises RrdError."""

    def last(self, path: str) -> int | None:
        """The newest minute that the file surely holds, None where there is no file."""

    def create(self, path: str, start: int, sources: Sequence[str], archives: Sequence[str]) -> None:
        """A file that ends at ``start``; an existing one is not touched."""

    def update(self, path: str, sources: Sequence[str], updates: Sequence[str]) -> None:
        """Values for these data sources, ``MINUTE:VALUE:...`` each; after the return the file holds them."""

    def check(self, path: str, sources: Sequence[str]) -> None:
        """Raises RrdError for a file that can't be used, or that lacks a data source; none at all is well."""

    def sync(self, paths: Sequence[str]) -> None:
        """Have the disk hold what the files hold; some of them need not be there."""

    def make_directory(self, path: str) -> None:
        """Have the directory be there."""

    def listed(self, path: str) -> list[str]:
        """What is in a directory; nothing where there is none, or where that can't be asked for."""


class Direct:
    """Files of this machine, by librrd.

    With ``under_way`` an update that a kill cuts short is undone by ``mend``: the file is as it was before.
    """

    def __init__(self, under_way: UnderWay | None = None, pause: Pause = time.sleep) -> None:
        self._under_way = under_way
        self._pause = pause
        os.environ.pop("RRDCACHED_ADDRESS", None)

    def last(self, path: str) -> int | None:
        """See Access."""
        head = rrdhead.read(path)  # takes 5 us, rrdtool's ``info`` 42
        if head:
            return head.last // STEP * STEP
        if not os.path.lexists(path):
            return None
        info = self._call(rrdtool.info, path)  # rrdtool's ``last`` has 32 bits, which end in 2038
        return int(info["last_update"]) // STEP * STEP

    def create(self, path: str, start: int, sources: Sequence[str], archives: Sequence[str]) -> None:
        """See Access."""
        options = ("--no-overwrite", "--start", str(start), "--step", str(STEP))
        self._call(rrdtool.create, path, *options, *sources, *archives)

    def update(self, path: str, sources: Sequence[str], updates: Sequence[str]) -> None:
        """See Access."""
        if self._under_way:
            try:
                self._under_way.keep(path, int(updates[-1].partition(":")[0]))
            except OSError as error:
                raise RrdError(_explained(self._under_way.path, str(error.strerror))) from error
        self._call(rrdtool.update, path, "--template", ":".join(sources), *updates)

    def mend(self) -> None:
        """Undo the update that a kill cut short.  Only for who alone writes the files.  Raises RrdError."""
        if not self._under_way:
            return
        try:
            self._under_way.undo()
        except OSError as error:
            raise RrdError(_explained(error.filename or self._under_way.path, str(error.strerror))) from error

    def check(self, path: str, sources: Sequence[str]) -> None:
        """See Access."""
        if not os.path.lexists(path):
            return
        if not os.access(path, os.R_OK | os.W_OK):
            raise RrdError(_explained(path, "Permission denied"))
        info = self._call(rrdtool.info, path)
        for source in sources:
            if f"ds[{source}].type" not in info:
                raise RrdError(_explained(path, f"unknown DS name '{source}'"))

    def sync(self, paths: Sequence[str]) -> None:
        """See Access."""
        if len(paths) <= FEW:
            for path in paths:
                _synced(path, os.fsync)
            return
        done: set[int] = set()
        for directory in dict.fromkeys(map(os.path.dirname, paths)):
            _synced(directory or ".", lambda descriptor: _sync_device(descriptor, done))

    def make_directory(self, path: str) -> None:
        """See Access."""
        make_directory(path)

    def listed(self, path: str) -> list[str]:
        """See Access."""
        try:
            return os.listdir(path)
        except OSError:  # there is none; of one that can't be read, writing says it
            return []

    def _call(self, function: Callable[..., Any], path: str, *arguments: str) -> Any:
        for attempt in range(TRIES):
            try:
                return function(path, *arguments)
            except rrdtool.OperationalError as error:
                reason = str(error)
                if "could not lock" not in reason or attempt == TRIES - 1:
                    raise RrdError(_explained(path, reason)) from error
            self._pause(PAUSE)
        raise AssertionError("unreachable")


class Store:
    """The RRD files of ``families`` in ``directory``, as ``--rrd-name`` names them.

    With ``host`` they hold the events of that host alone, and the directory is made when it is needed.
    """

    def __init__(
        self,
        directory: str,
        families: tuple[Family, ...],
        name: str = "mailgraph",
        access: Access | None = None,
        host: str | None = None,
    ) -> None:
        self.families = families
        self._directory = directory
        self._name = name
        self._host = host
        self._paths = {family: self.path(family) for family in families}
        self._keys = {family: [self._key(counter) for _, counter in family.sources] for family in families}
        self._access = access or Direct()

    def of_host(self, host: str) -> "Store":
        """The store of one host of the log, in ``hosts/HOST/`` of this one's directory."""
        directory = os.path.join(self._directory, HOSTS_DIRECTORY, host)
        return Store(directory, self.families, self._name, self._access, host)

    def hosts(self) -> list[str]:
        """The hosts that have files, of those that a log may name, in the order of their names."""
        parent = os.path.join(self._directory, HOSTS_DIRECTORY)
        names = {family.file_name(self._name) for family in self.families}
        return [
            host
            for host in sorted(self._access.listed(parent))
            if host == safe_name(os.fsencode(host)) and not names.isdisjoint(self._access.listed(f"{parent}/{host}"))
        ]

    def _key(self, counter: str) -> str:
        return counter if self._host is None else f"{self._host}{OF_HOST}{counter}"

    def path(self, family: Family) -> str:
        """The family's file, also of one that is none of ``families``."""
        return os.path.join(self._directory, family.file_name(self._name))

    def last(self, family: Family) -> int | None:
        """The newest minute in the family's file, None where there is no file.  Raises RrdError."""
        return self._access.last(self.path(family))

    def lasts(self) -> dict[Family, int]:
        """``last`` of each file that exists.  Raises RrdError."""
        found = {family: self.last(family) for family in self.families}
        return {family: last for family, last in found.items() if last is not None}

    def write(
        self,
        family: Family,
        counts: Mapping[int, Mapping[str, int]],
        after: int,
        through: int,
        events: Collection[str] | None = None,
    ) -> bool:
        """Bring the file to ``through``: the minutes behind its last, with zeros where ``counts`` has none.

        ``counts`` (events by minute and counter) is complete after ``after`` and up to ``through``.  Doing it again
        changes nothing.  ``events`` are the counters in ``counts``, where the caller has them at hand.  A missing file
        is created, one that is made on demand at its first event, and a host's at an event of the host; the answer is
        whether it was.  Raises OutdatedError for a file that ends before ``after``, and RrdError; a host's file is
        unknown in between, for the log may have been read without regard to hosts then.
        """
        path = self._paths[family]
        last = self._access.last(path)
        missing = last is None
        if last is None:
            if not self._is_made(family, events_of(counts.values()) if events is None else events):
                return False
            self._create(family, after)
            last = after
        if last < after and self._host is not None:
            last = after
        if last < after:
            raise OutdatedError(f"{path} ends at {_shown(last)}, before what is remembered ({_shown(after)})")
        sources = [source for source, _ in family.sources]
        keys = self._keys[family]
        silent = ":0" * len(sources)  # most minutes of a quiet server: a year in 1.3 s instead of 2.3
        first = max(last + STEP, through - family.reach)
        for start in range(first, through + STEP, BATCH * STEP):
            minutes = range(start, min(start + BATCH * STEP, through + STEP), STEP)
            counted = ((minute, counts.get(minute)) for minute in minutes)
            updates = [f"{minute}{_values(keys, events) if events else silent}" for minute, events in counted]
            self._access.update(path, sources, updates)
        return missing

    def sample(self, family: Family, minute: int, values: Mapping[str, float]) -> None:
        """Store what there is in ``minute``, by counter; one without value, and minutes without sample, are unknown.

        The family need be none of ``families``.  Does nothing where the file has that minute already, or a later one
        of the last minutes: a clock that is put right goes over them twice.  A missing file is created.  Raises
        RrdError, also for a file of the future.
        """
        last = self.last(family)
        if last is None:
            self._create(family, minute - STEP)
            last = minute - STEP
        if last > minute + SET_BACK:
            raise RrdError(f"{self.path(family)} ends at {_shown(last)}, later than now, and takes nothing until then")
        if last >= minute:
            return
        updates = [_sampled(family, minute, values)]
        if last < minute - STEP:  # else a gap within the heartbeat would take this value, and a longer one swallow it
            updates.insert(0, _sampled(family, minute - STEP, {}))
        self._access.update(self.path(family), [source for source, _ in family.sources], updates)

    def check(self) -> None:
        """Raises RrdError for a file that can't be written, or that is not mailgraph's."""
        for family, path in self._paths.items():
            self._access.check(path, [source for source, _ in family.sources])

    def sync(self, others: Iterable["Store"] = ()) -> None:
        """Have the kernel write all files, and those of the others, to the disk.  Raises RrdError."""
        self._access.sync([path for store in (self, *others) for path in store._paths.values()])

    def _is_made(self, family: Family, events: Collection[str]) -> bool:
        """Whether a missing file is to be made."""
        if family.on_demand:
            return any(key in events for key in self._keys[family])
        return self._host is None or any(key in events for keys in self._keys.values() for key in keys)

    def _create(self, family: Family, start: int) -> None:
        if self._host is not None:
            self._access.make_directory(self._directory)
        least = 0 if family.kind == ABSOLUTE else "U"
        sources = [f"DS:{source}:{family.kind}:{HEARTBEAT}:{least}:U" for source, _ in family.sources]
        archives = [f"RRA:{kind}:0.5:{steps}:{rows}" for kind, steps, rows in family.archives]
        self._access.create(self.path(family), start, sources, archives)


def make_directory(path: str) -> None:
    """Have a directory of this machine be there.  Raises RrdError."""
    try:
        os.makedirs(path, exist_ok=True)
    except OSError as error:
        raise RrdError(f"can't make {path}: {error.strerror}") from error


def events_of(minutes: Iterable[Mapping[str, int]]) -> set[str]:
    """The counters that have events in these."""
    return set().union(*minutes)


def _synced(path: str, sync: Callable[[int], object]) -> None:
    """Syncs what is there, by its descriptor."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):  # a family without events yet, or a host that was removed
        return
    except OSError as error:
        raise RrdError(f"can't read {path}: {error.strerror}") from error
    try:
        sync(descriptor)
    except OSError as error:
        raise RrdError(f"can't write {path}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _sync_device(descriptor: int, done: set[int]) -> None:
    device = os.fstat(descriptor).st_dev
    if device not in done:
        syncfs(descriptor)
        done.add(device)


def syncfs(descriptor: int) -> None:
    """Have the disk hold the whole file system that a descriptor is on.  Raises OSError.  Python's os lacks it."""
    import ctypes  # takes 5 ms to import, which the many who have few files need not wait for

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):  # no Linux
        os.sync()
        return
    if library.syncfs(descriptor):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _values(keys: Sequence[str], counts: Mapping[str, int]) -> str:
    return "".join(f":{counts.get(key, 0)}" for key in keys)


def _sampled(family: Family, minute: int, values: Mapping[str, float]) -> str:
    return ":".join((str(minute), *(repr(values[name]) if name in values else "U" for _, name in family.sources)))


def _shown(minute: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(minute))


def _explained(path: str, reason: str) -> str:
    """librrd's reason with the file, and what to do about it."""
    for said, advice in ADVICE:
        if said in reason:
            what = reason.rpartition(": ")[2] or "no reason given"
            return f"can't use {path}: {what} ({advice.format(owner=_owner(path))})"
    return f"can't write {path}: no reason given (is the disk full?)" if not reason else f"can't use {path}: {reason}"


ADVICE = (
    ("Permission denied", "owned by {owner}; run as that user or root, or chown it"),
    ("No such file or directory", "create the directory, or mend RRD_DIR in the configuration"),
    ("No space left", "free some space; nothing is lost meanwhile"),
    ("could not lock", "another program holds it; is a second mailgraph or a backup running?"),
    ("is not an RRD file", "move it away, and a new one will be made"),
    ("is too small", "it was cut off; move it away, and a new one will be made"),
    ("Invalid argument", "it is empty; move it away, and a new one will be made"),
    ("reached EOF", "it was cut off; move it away, and a new one will be made"),
    ("unknown DS name", "it is not one of mailgraph's; move it away, and a new one will be made"),
)
"""What librrd says, and what the administrator can do."""


def _owner(path: str) -> str:
    present = path if os.path.exists(path) else os.path.dirname(path) or "."
    try:
        uid = os.stat(present).st_uid
        return pwd.getpwuid(uid).pw_name
    except (OSError, KeyError):  # no such directory, or a user without name
        return "somebody else"
