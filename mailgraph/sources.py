"""Sources of log text: endless streams of blocks of whole lines, each with the position behind it.

A followed log over rotation, one file read to its end, standard input.  Knows no rule, no clock and no waiting: a
source says None when there is nothing to read just now, and whoever asks decides when to ask again.
"""

import contextlib
import os
import select
from collections.abc import Callable, Generator, Iterable, Iterator
from io import FileIO
from typing import Any, NamedTuple, Protocol

from mailgraph import MailgraphError
from mailgraph.rotation import LogFiles, Text, head, pieces, text_of

BLOCK = 256 * 1024
"""Bytes read at once.  Twice as many are no faster, a tenth costs 10 %."""

LONGEST_LINE = 1024 * 1024
"""Bytes of a line that are kept; what counts in a line stands in its first kilobytes."""

HEAD = 512
"""Bytes at a file's start that tell it from others: some two lines with their stamps."""


class SourceError(MailgraphError):
    """A log that can't be read; the text names the file, what is wrong and what to do."""


class Position(NamedTuple):
    """How far a log was read: the file, known again by inode or by the first bytes of its text, and the offset in it.

    ``offset`` counts bytes of text, as they are after decompression: rotation may compress the file.  ``head`` is
    latin-1 for the bytes; ``modified`` is the file's modification time (epoch seconds) when it was read.
    """

    path: str
    device: int
    inode: int
    offset: int
    head: str
    modified: float

    @classmethod
    def restored(cls, state: "list[Any] | None") -> "Position | None":
        """What a checkpoint made of a position, as JSON has it.  Raises TypeError for what is none."""
        if state is None:
            return None
        position = cls(*state)
        if tuple(map(type, position)) != (str, int, int, int, str, float):
            raise TypeError(f"{state!r} is no position")
        return position


class Block(NamedTuple):
    """Whole lines, or none where reading went on to another file.

    A stamp without year is near ``reference`` (epoch seconds), or near now where it is None.
    """

    data: bytes
    position: Position | None = None
    reference: float | None = None


HINDERED = Block(b"")
"""What a source says instead of None while it can't read on: the log is not there, or may not be read."""


class Source(Iterator[Block | None], Protocol):
    """Blocks; None where all is read that there is just now, HINDERED where something can't be read yet."""

    def close(self) -> None:
        """Let go of what is being read."""


class Lines:
    """Cuts what ``read`` gives into blocks of whole lines; ``offset`` is where the next one starts.

    ``block`` is how many bytes it is asked for at once.
    """

    def __init__(self, read: Callable[[int], bytes], offset: int = 0, block: int = BLOCK) -> None:
        self.offset = offset
        self._read = read
        self._block = block
        self._rest = b""
        self._dropped = 0

    def block(self) -> bytes | None:
        """The next whole lines; b"" where a line is not complete yet, None where there is nothing more to read."""
        text = self._read(self._block)
        if not text:
            return None
        lines = self._rest + text
        end = lines.rfind(b"\n") + 1
        self._rest = lines[end:]
        self._taken(end)
        if len(self._rest) > LONGEST_LINE:
            self._dropped += len(self._rest) - LONGEST_LINE
            self._rest = self._rest[:LONGEST_LINE]
        return lines[:end]

    def rest(self) -> bytes:
        """The last line of a file that is not written to any more, where it has no newline."""
        rest = self._rest
        self._rest = b""
        self._taken(len(rest))
        return rest + b"\n" if rest else b""

    def _taken(self, length: int) -> None:
        """A line of which a part was dropped is the first of its block."""
        if length:
            self.offset += length + self._dropped
            self._dropped = 0

    @property
    def seen(self) -> int:
        """The offset behind all that was read, incomplete lines too."""
        return self.offset + self._dropped + len(self._rest)


class _File:
    """One file of a log, open at an offset of its text.  Raises OSError."""

    def __init__(self, path: str, offset: int = 0) -> None:
        self.path = path
        self._file = FileIO(path)
        status = os.fstat(self._file.fileno())
        self.key = (status.st_dev, status.st_ino)
        self.modified = status.st_mtime
        try:
            self._head = head(self._file, HEAD) if self._file.seekable() else b""  # a pipe is read but once
            text = text_of(self._file)
            self.compressed = text is not self._file
            self.lines = Lines(text.read, self._skip(text, offset))
            self.read = text.read
        except OSError:
            self.close()
            raise

    def _skip(self, text: Text, offset: int) -> int:
        """Goes to ``offset``, or to the end of a file that is shorter; returns where that is."""
        if self.compressed:
            return sum(map(len, pieces(text, offset)))
        return self._file.seek(min(offset, os.fstat(self._file.fileno()).st_size)) if self._file.seekable() else 0

    def position(self) -> Position:
        """Behind the last whole line that was read."""
        path = os.path.realpath(self.path)
        return Position(path, *self.key, self.lines.offset, self._head.decode("latin-1"), self.modified)

    def was_rewritten(self) -> bool:
        """Whether the file was truncated, or begins with other bytes than before; else its position is the new one."""
        if self.compressed:
            return False
        status = os.fstat(self._file.fileno())
        begin = os.pread(self._file.fileno(), HEAD, 0)
        if status.st_size < self.lines.seen or not begin.startswith(self._head):
            return True
        self._head = begin
        self.modified = status.st_mtime
        return False

    def begins_like(self, other: "_File") -> bool:
        """Whether the file is a copy of another one, as far as their first bytes say."""
        return bool(other._head) and self._head.startswith(other._head)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class _Entry(NamedTuple):
    """A file of the log as a look at the directory shows it."""

    path: str
    key: tuple[int, int]
    size: int
    modified: float


ABSENT = 10
"""Asked in vain so often, a log that rotation moved away is missed: a new one should be there at once."""


class Follower(LogFiles):
    """The log ``filename``, over rotation, from ``position`` or, without one, from its start.

    Iterating gives Blocks, None where the log is read to its end, HINDERED where it can't be read: ask again later.
    With ``since`` (epoch seconds) and no position, rotated files that were written to since then are read first.
    ``say`` gets a message when reading meets an obstacle, and when it is gone.
    """

    def __init__(
        self, filename: str, position: Position | None = None, since: float | None = None, *, say: Callable[[str], None]
    ) -> None:
        super().__init__(filename)
        self._say = say
        self._obstacles: set[str] = set()
        self._hindered = False
        self._absent = 0
        self._position = position
        self._since = since
        self._file: _File | None = None
        self._blocks = self._follow()

    def next(self) -> Block | None:
        """The next block, or None; never ends."""
        return next(self._blocks)

    def close(self) -> None:
        """Let go of the file that is being read."""
        if self._file:
            self._file.close()
            self._file = None

    def _follow(self) -> Generator[Block | None, None, None]:
        while True:
            self._hindered = False
            following = self._after(self._file) if self._file else self._first()
            following = (yield from self._read_on(self._file, following)) if self._file else following
            if following:
                self.close()
                self._file = following
                yield Block(b"", following.position())  # what is remembered is of this file from here on
            else:
                yield HINDERED if self._hindered or not self._file else None

    def _read_on(self, file: _File, following: _File | None) -> Generator[Block, None, _File | None]:
        """Reads ``file`` to its end; returns what is to be read then, if not further this file.

        ``following`` was looked for before: so nothing can come into this file behind the end that is found here.
        """
        rewritten_behind = yield from self._read(file)
        if rewritten_behind or (following and following.begins_like(file)):
            if following:
                following.close()
            return self._found_again(rewritten_behind or file.position())
        if following:
            yield from self._block(file, file.lines.rest())
        return following

    def _read(self, file: _File) -> Generator[Block, None, Position | None]:
        """Reads on to the file's end; returns where it was when the file was rewritten."""
        while True:
            before = file.position()
            try:
                lines = file.lines.block()
                if file.was_rewritten():
                    return before
            except OSError as error:
                self._met(f"can't read {file.path} further: {_reason(error)}")
                self._hindered = True
                return None
            if lines is None:
                return None
            yield from self._block(file, lines)

    def _block(self, file: _File, lines: bytes) -> Iterator[Block]:
        if lines:
            is_old = file.path != os.path.abspath(self.filename)
            yield Block(lines, file.position(), file.modified if is_old else None)

    def _first(self) -> _File | None:
        """Where reading starts; None while there is no log."""
        if self._position is not None:
            return self._found_again(self._position)
        entries = self._entries()
        since = self._since
        unread = [entry for entry in entries if since is not None and entry.modified >= since]
        return self._opened(unread or self._log_of(entries))

    def _log_of(self, entries: list[_Entry]) -> list[_Entry]:
        """The log itself alone, where it is there; says it where it is not."""
        if entries and entries[-1].path == self.filename:
            return entries[-1:]
        self._met(f"{self.filename} is not there; waiting for it")
        return []

    def _found_again(self, position: Position) -> _File | None:
        """The file in which reading stopped at ``position``, by whatever name, compressed or copied; else the next."""
        entries = self._entries(position.path)
        same = [entry for entry in reversed(entries) if self._is_at(entry, position)]
        if same:
            key = (position.device, position.inode)
            longer = [entry for entry in same if entry.size >= position.offset or entry.key != key]
            best = next((entry for entry in longer if entry.key == key), (longer or same)[0])
            return self._opened(entries[entries.index(best) :], position.offset)
        following = self._opened(_newer(entries, position) or self._log_of(entries))
        if following and position.offset:
            self._say(
                f"{position.path} as it was read last is gone (deleted or rewritten);"
                f" reading on with {following.path} from its start"
            )
        return following

    def _is_at(self, entry: _Entry, position: Position) -> bool:
        """Whether a file begins as the one of ``position`` did."""
        is_same = entry.key == (position.device, position.inode)
        if not position.head:
            return is_same
        if not is_same and int(entry.modified) < int(position.modified):  # bzip2 and zstd keep whole seconds alone
            return False
        try:
            with FileIO(entry.path) as file:
                begin = head(file, HEAD)
        except OSError as error:
            self._met(f"can't read {entry.path}: {_reason(error)}")
            return False
        known = position.head.encode("latin-1")
        return begin.startswith(known) or bool(begin and known.startswith(begin))

    def _after(self, file: _File) -> _File | None:
        """The file that follows ``file``, once there is text in it or behind it; None while ``file`` is the log."""
        try:
            status = os.stat(self.filename)
        except OSError as error:
            self._absent += 1
            if self._absent >= ABSENT:
                self._met(f"can't read {self.filename}: {_reason(error)}; waiting for it")
            return None
        self._absent = 0
        if (status.st_dev, status.st_ino) == file.key:
            self._over()
            return None
        position = file.position()
        entries = self._entries()
        place = next((n for n, entry in enumerate(entries) if entry.key == file.key), None)
        if place is None:
            place = next((n for n, entry in enumerate(entries) if self._is_at(entry, position)), None)
        if place is None:
            later = _newer(entries, position)
        elif entries[place].path == self.filename:  # a copy of what is being read took its place
            later = entries[place:]
        else:
            later = entries[place + 1 :]
        return self._opened(later) if any(entry.size for entry in later) else None

    def _entries(self, *more: str) -> list[_Entry]:
        """All files of the log, oldest first, the log itself last; a look that rotation crossed is taken again."""
        seen, again = self._look(*more), self._look(*more)
        while [entry[:2] for entry in again] != [entry[:2] for entry in seen]:
            seen, again = again, self._look(*more)
        return again

    def _look(self, *more: str) -> list[_Entry]:
        target = os.path.realpath(self.filename)
        through_link = [] if target == os.path.abspath(self.filename) else LogFiles(target).rotated()
        found: dict[tuple[int, int], _Entry] = {}
        for path in (*more, *through_link, *self.rotated(), self.filename):
            try:
                status = os.stat(path)
            except OSError:  # not there (any more); whether that matters, the caller sees
                continue
            key = (status.st_dev, status.st_ino)
            found.pop(key, None)
            found[key] = _Entry(path, key, status.st_size, status.st_mtime)
        return list(found.values())

    def _opened(self, entries: list[_Entry], offset: int = 0) -> _File | None:
        """The first of the files at ``offset``, or the next one from its start where that is damaged.

        None where it can't be read yet, or where rotation gave its name to another meanwhile: look again.
        """
        for entry in entries:
            try:
                file = _File(entry.path, offset if entry is entries[0] else 0)
            except FileNotFoundError:  # rotated in this moment
                return None
            except PermissionError as error:
                self._met(f"can't read {entry.path}: {error.strerror}; waiting until it can be read")
                self._hindered = True
                return None
            except OSError as error:
                self._met(f"can't read {entry.path}: {_reason(error)}; reading on with the next")
                continue
            if file.key != entry.key:
                file.close()
                return None
            self._over()
            return file
        return None

    def _met(self, obstacle: str) -> None:
        """Say an obstacle, once until reading goes on."""
        if obstacle not in self._obstacles:
            self._obstacles.add(obstacle)
            self._say(obstacle)

    def _over(self) -> None:
        if self._obstacles:
            self._obstacles.clear()
            self._say(f"reading {self.filename} again")


def _newer(entries: list[_Entry], position: Position) -> list[_Entry]:
    """What was written to since ``position``: where its file is gone, that was not read."""
    return [entry for entry in entries if int(entry.modified) >= int(position.modified)]


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def files_once(paths: Iterable[str]) -> Generator[Block, None, None]:
    """Files as one log, the oldest first.  Raises SourceError."""
    for path in paths:
        yield from file_once(path)


class Span(NamedTuple):
    """Lines of a file: from byte ``begin`` to ``end``, each the start of a line, or to the file's end where it is None.

    Of a compressed file all of it.  ``key`` are device and inode, where it must be that file; ``block`` is how many
    bytes are read at once.
    """

    path: str
    begin: int = 0
    end: int | None = None
    key: tuple[int, int] | None = None
    block: int = BLOCK

    def blocks(self) -> Generator[Block, None, None]:
        """The lines, in the same blocks as those of the whole file.  Raises SourceError."""
        try:
            with contextlib.closing(_File(self.path, self.begin)) as file:
                if self.key not in (None, file.key):
                    raise SourceError(f"{self.path} is another file since reading began (rotated?); start again")
                lines = file.lines if file.compressed else Lines(self._read_of(file), self.begin, self.block)
                while (block := lines.block()) is not None:
                    if block:
                        yield Block(block, reference=file.modified)
                rest = lines.rest()
        except OSError as error:
            raise SourceError(f"can't read {self.path}: {_reason(error)}") from error
        if rest:
            yield Block(rest, reference=file.modified)

    def _read_of(self, file: "_File") -> Callable[[int], bytes]:
        """Reads as far as the whole file's blocks do, which begin at multiples of a block's size."""
        at = self.begin

        def read(size: int) -> bytes:
            nonlocal at
            text = file.read(min(size - at % size, size if self.end is None else self.end - at))
            at += len(text)
            return text

        return read


def file_once(path: str) -> Generator[Block, None, None]:
    """One file, plain or compressed, from its start to its end.  Raises SourceError."""
    return Span(path).blocks()


def standard_input(descriptor: int = 0) -> Generator[Block | None, None, None]:
    """Standard input to its end; None where nothing has come yet.  Raises SourceError."""
    lines = Lines(lambda length: os.read(descriptor, length))
    try:
        while True:
            if not select.select([descriptor], [], [], 0)[0]:
                yield None
                continue
            block = lines.block()
            if block is None:
                break
            if block:
                yield Block(block)
    except OSError as error:
        raise SourceError(f"can't read standard input: {_reason(error)}") from error
    rest = lines.rest()
    if rest:
        yield Block(rest)
