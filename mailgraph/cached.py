"""RRD files on another machine, reached through its rrdcached, for the Store; every error said.  Knows no log."""

import time
from collections.abc import Sequence

from mailgraph.rrd import PAUSE, TRIES, Pause, RrdError, UnreachableError
from mailgraph.rrdcached import LONGEST, Answer, Connection, NoRrdcachedError, escaped
from mailgraph.schema import STEP

NO_FILE = "No such file or directory"
NOT_NEWER = "illegal attempt to update"
FORBIDDEN = "that command is forbidden there"
NOT_WRITTEN = "it takes values and does not write them"

ADVICE = (
    (NOT_WRITTEN, "is its disk full, or does another program hold the file?  Its log says"),
    (FORBIDDEN, "see its -P; it must allow CREATE, FLUSH, FORGET, INFO, LAST and UPDATE"),
    ("No permission to recursively create", "start rrdcached with -B -R, or make the directory for its user"),
    ("Cannot create", "rrdcached's user can't make it; see its -U and -b"),
    ("Permission denied", "rrdcached's user can't use it, or it is outside of the base directory; see -U, -B, -b"),
    (NO_FILE, "see rrdcached's base directory, -b"),
    ("could not lock", "another program writes it; is a second mailgraph or a backup running?"),
    ("is not an RRD file", "move it away, and a new one will be made"),
    ("is too small", "it was cut off; move it away, and a new one will be made"),
    ("Invalid argument", "it is empty; move it away, and a new one will be made"),
    ("reached EOF", "it was cut off; move it away, and a new one will be made"),
    ("unknown DS name", "it is not one of mailgraph's; move it away, and a new one will be made"),
)
"""What rrdcached says, or Cached of it, and what the administrator can do."""


class Cached:
    """Files below the base directory of an rrdcached, through it.

    What it has accepted it may lose: by being killed (its journal is written 4 kB late), and by a write that fails,
    as it does while any other process reads the file.  It then goes on saying that it holds the values, FLUSH says
    that they are written, and the next ones leave a gap behind.  So no value is sent before the one before it is in
    the file: each command of values is followed by FLUSH, by FORGET, after which LAST is the file's own, and by LAST.
    It caches nothing for us then, and has nothing to lose.  150 values go in one command, at 1.5 us a value.
    """

    def __init__(self, connection: Connection, pause: Pause = time.sleep) -> None:
        self._connection = connection
        self._pause = pause
        self._columns: dict[str, list[str]] = {}
        self._made = 0

    def last(self, path: str) -> int | None:
        """See Access."""
        *_, last = self._ask(path, "FLUSH", "FORGET", "LAST")
        if last.refused:
            if NO_FILE in last.text:
                return None
            raise self._error(path, last.text)
        return int(last.text) // STEP * STEP

    def stored(self, path: str) -> int | None:
        """What ``last`` says, only looked at: rrdcached is left as it is."""
        (info,) = self._ask(path, "INFO")
        if info.refused:
            if NO_FILE in info.text:
                return None
            raise self._error(path, info.text)
        (last,) = (line.split()[-1] for line in info.lines if line.startswith("last_update "))
        return int(last) // STEP * STEP

    def create(self, path: str, start: int, sources: Sequence[str], archives: Sequence[str]) -> None:
        """See Access."""
        definitions = " ".join((*sources, *archives))
        (created,) = self._ask(path, "CREATE", arguments=f" -O -b {start} -s {STEP} {definitions}")
        if created.refused:
            raise self._error(path, created.text)

    def update(self, path: str, sources: Sequence[str], updates: Sequence[str]) -> None:
        """See Access."""
        columns = self._columns_of(path)
        waiting = [_arranged(update, sources, columns) for update in updates]
        tries = 0
        while waiting:
            sent = _in_one_command(path, waiting)
            answers = self._ask(path, "UPDATE", "FLUSH", "FORGET", "LAST", arguments=f" {' '.join(sent)}")
            refused = next((answer.text for answer in (answers[0], answers[-1]) if answer.refused), None)
            if refused is not None and NOT_NEWER not in refused:
                raise self._error(path, refused)
            last = int(answers[-1].text)
            left = [update for update in waiting if int(update.partition(":")[0]) > last]
            if len(left) == len(waiting):
                tries += 1
                if tries == TRIES:
                    raise self._error(path, NOT_WRITTEN)
                self._pause(PAUSE)
            waiting = left

    def check(self, path: str, sources: Sequence[str]) -> None:
        """See Access."""
        (info,) = self._ask(path, "INFO")
        if info.refused and NO_FILE in info.text:
            return
        columns = self._columns_of(path)
        for source in sources:
            if source not in columns:
                raise self._error(path, f"unknown DS name '{source}'")

    def sync(self, paths: Sequence[str]) -> None:
        """See Access: the far machine's kernel writes it within half a minute, and rrdcached knows no sync."""

    def make_directory(self, path: str) -> None:
        """See Access: rrdcached makes it with the first file, if it was started with ``-R``."""

    def listed(self, path: str) -> list[str]:  # noqa: ARG002 (nowhere)
        """See Access: LIST is none of the commands that rrdcached is to allow."""
        return []

    def _columns_of(self, path: str) -> list[str]:
        """The file's data sources in its order: rrdcached takes values by position, and does not even count them."""
        if self._made != self._connection.made:
            self._columns.clear()
        if path not in self._columns:
            (info,) = self._ask(path, "INFO")
            if info.refused:
                raise self._error(path, info.text)
            keys = [line.partition(" ")[0] for line in info.lines]
            self._columns[path] = [key[3:-7] for key in keys if key.startswith("ds[") and key.endswith("].index")]
        return self._columns[path]

    def _ask(self, path: str, *commands: str, arguments: str = "") -> list[Answer]:
        """The answers about a file to commands of which the first has arguments.  Raises UnreachableError, RrdError."""
        name = escaped(path)
        first, *more = commands
        try:
            answers = self._connection.ask(f"{first} {name}{arguments}", *(f"{command} {name}" for command in more))
        except NoRrdcachedError as error:
            raise UnreachableError(str(error)) from error
        self._made = self._connection.made
        for command, answer in zip(commands, answers, strict=True):
            if answer.refused and answer.text == "Permission denied.":
                raise self._error(path, f"{command}: {FORBIDDEN}")
        return answers

    def _error(self, path: str, reason: str) -> RrdError:
        where = f"{path} at rrdcached {self._connection.address}"
        advice = next((advice for said, advice in ADVICE if said in reason), "")
        return RrdError(f"can't use {where}: {reason.removeprefix('RRD Error: ')}{advice and f' ({advice})'}")


def _arranged(update: str, sources: Sequence[str], columns: Sequence[str]) -> str:
    """Values for the sources, put into the columns of a file, whose own further ones stay unknown."""
    if list(sources) == list(columns):
        return update
    minute, *values = update.split(":")
    given = dict(zip(sources, values, strict=True))
    return ":".join((minute, *(given.get(column, "U") for column in columns)))


def _in_one_command(path: str, updates: Sequence[str]) -> list[str]:
    """The first of the updates, as many as one command of rrdcached takes."""
    length = len(path.encode(errors="surrogateescape"))
    taken: list[str] = []
    for update in updates:
        length += len(update) + 1
        if taken and length > LONGEST:
            break
        taken.append(update)
    return taken
