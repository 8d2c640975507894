"""Old logs cut into lanes that can be scanned at once, each from a guess of what is remembered where it begins.

Who scans a lane first scans what stands before it, for what that leaves remembered.  Where it proves to be what is
remembered at the end of the lane before, the lane's counts are taken as they are; else its lines are scanned again.
Knows no process and no ledger.
"""

import os
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from itertools import pairwise
from stat import S_ISREG
from typing import NamedTuple, TypeAlias

from mailgraph.guess import Number, State
from mailgraph.logforms import LINE, Stamps
from mailgraph.messages import REMEMBERED, Key
from mailgraph.ownrules import OwnRules
from mailgraph.rotation import head, text_of
from mailgraph.scanner import WINDOW, Options, Scanner, Tally
from mailgraph.schema import STEP
from mailgraph.sources import BLOCK, Block, Span
from mailgraph.splitting import Counts

BEFORE = REMEMBERED + 5 * STEP
"""Seconds of log that are scanned before a lane: what is remembered may depend on what was when it came.

What lasts longer comes up again: Postfix ends a session that is silent for five minutes.
"""

BEFORE_LEAST = 40
"""At least one in 40 bytes of a lane's length is scanned before it: hours, on a quiet server."""

TAIL = 32 << 20
"""Bytes of text at the end of a compressed file that are scanned before a lane."""

COMPRESSED = 10
"""Bytes of text in a byte of a compressed log, about."""

STAMPED_WITHIN = 64 * 1024
"""In so many bytes there is a line with a stamp."""

STEPS = 64
"""In so many steps the years of a log are told, where stamps have none: each is near to the one before."""


class Sizes(NamedTuple):
    """Bytes: of a lane at least (so that it is worth a process) and at most (its tallies wait for the lanes before).

    There is one tally for each ``span`` of a lane: behind it, a guess that was wrong can prove right.  What is
    remembered costs as much to hand over as four megabytes of log to scan.  ``worth`` is how many times as fast it must
    be at least, going by what is scanned before the lanes: that is most of a storm's log of an hour.
    """

    least: int = 16 << 20
    most: int = 1 << 30
    span: int = 128 << 20
    block: int = BLOCK
    worth: float = 1.5


SIZES = Sizes()


class Counted(NamedTuple):
    """What a span counts, what is known behind it, and of which Numbers that depends."""

    tally: Tally
    state: State
    asked: frozenset[Key]


class Lane(NamedTuple):
    """Spans that follow each other, and the one that is scanned before them; ``newest`` is the minute it begins in."""

    spans: tuple[Span, ...]
    before: Span | None = None
    newest: int | None = None


Scan: TypeAlias = Callable[[Lane], Iterator[State | Counted]]
"""Scans a lane: what it takes to be known where the lane begins, then what each of its spans counts."""


def scan_of(options: Options, year: int | None, own: OwnRules | None, clock: Callable[[], float] = time.time) -> Scan:
    """Scans lanes under the given options.  The scan raises SourceError for a file that can't be read."""

    def scan(lane: Lane) -> Iterator[State | Counted]:
        stamps = Stamps(year, lane.newest)
        scanner = Scanner(options, stamps, own=own)

        def events(blocks: Iterable[Block]) -> Iterator[tuple[int, Counts]]:
            for block in blocks:
                now = clock()
                yield from scanner.scan(block.data, now if block.reference is None else block.reference, now)

        merged(events(_last(lane.before) if lane.before else ()))
        asked: set[Key] = set()
        scanner.messages.count_sessions_by(lambda of, guess: Number(of, guess, asked))
        yield State.of(scanner, stamps)
        for span in lane.spans:
            yield Counted(merged(events(span.blocks())), State.of(scanner, stamps), frozenset(asked))
            asked.clear()

    return scan


def _last(before: Span) -> Iterable[Block]:
    """The blocks before a lane; of a file to its very end, and so of a compressed one, the last TAIL bytes."""
    if before.end is not None:
        return before.blocks()
    last: deque[Block] = deque()
    size = 0
    for block in before.blocks():
        last.append(block)
        size += len(block.data)
        while size > TAIL:
            size -= len(last.popleft().data)
    return last


def merged(tally: Iterable[tuple[int, Counts]]) -> Tally:
    """A tally that says the same in fewer entries: those of a minute are one until the log comes to a newer minute.

    Only the newest minute before an event decides in which open minute it counts, not the order since.
    """
    entries: Tally = []
    newest = -1
    since: dict[int, Counts] = {}
    for minute, counts in tally:
        if minute > newest:
            newest = minute
            since = {}
        if minute not in since:
            since[minute] = {}
            entries.append((minute, since[minute]))
        into = since[minute]
        for counter, times in counts.items():
            into[counter] = into.get(counter, 0) + times
    return entries


def lanes(logs: Iterable[str], jobs: int, year: int | None = None, sizes: Sizes = SIZES) -> list[Lane]:
    """Cuts logs, read one after the other, for ``jobs`` processes; empty where that gains nothing or can't be done.

    A compressed file can't be entered in the middle, so all of it is in one lane; a pipe can't be read twice.
    """
    if jobs < 2:
        return []
    try:
        files = _files(logs)
        return _Cutter(files, year, sizes).lanes(jobs) if files else []
    except OSError:  # reading them one after the other says what is wrong, behind what can be read
        return []


class _File(NamedTuple):
    """A file of the log; ``start`` and ``size`` are bytes of text, of a compressed file as many as there may be."""

    path: str
    key: tuple[int, int]
    start: int
    size: int
    is_compressed: bool
    modified: float

    @property
    def end(self) -> int:
        return self.start + self.size

    def text(self, begin: int, end: int) -> bytes:
        """The bytes between two offsets; of a compressed file as many first ones."""
        with FileIO(self.path) as file:
            return head(file, end - begin) if self.is_compressed else os.pread(file.fileno(), end - begin, begin)


def _files(logs: Iterable[str]) -> list[_File]:
    """The files that are not empty; none if one of them is no regular file."""
    files: list[_File] = []
    start = 0
    for path in logs:
        status = os.stat(path)
        if not S_ISREG(status.st_mode):
            return []
        with FileIO(path) as file:
            is_compressed = text_of(file) is not file
        size = status.st_size * (COMPRESSED if is_compressed else 1)
        if size:
            files.append(_File(path, (status.st_dev, status.st_ino), start, size, is_compressed, status.st_mtime))
        start += size
    return files


class _Cutter:
    """Where files are cut; a *place* is an offset in the text of all of them."""

    def __init__(self, files: list[_File], year: int | None, sizes: Sizes) -> None:
        self._files = files
        self._year = year
        self._sizes = sizes
        self._stamps = Stamps()

    def lanes(self, jobs: int) -> list[Lane]:
        """As many as are worth it; the first is longer, as nothing is scanned before it."""
        size = self._files[-1].end
        number = max(min(jobs, size // self._sizes.least), -(-size // self._sizes.most))
        if number < 2:
            return []
        middle = self._cut(size // 2)
        before = self._before(middle, size // number)[1] if middle else 0
        scanned = size + (number - 1) * before
        if min(jobs, number) * size < self._sizes.worth * scanned:
            return []
        length = scanned // number
        cuts = {self._cut(length + lane * (length - before)) for lane in range(number - 1)} - {0, size}
        return [self._lane(begin, end, length) for begin, end in pairwise((0, *sorted(cuts), size))] if cuts else []

    def _cut(self, place: int) -> int:
        """A place near ``place`` where a lane may begin."""
        file = self._at(place)
        if file.is_compressed:
            return file.start if place - file.start < file.size // 2 else file.end
        return file.start + self._line_start(file, place - file.start)

    def _at(self, place: int) -> _File:
        return next(file for file in reversed(self._files) if file.start <= max(place, 0))

    def _line_start(self, file: _File, offset: int) -> int:
        """Where a block of ``file`` ends and the next one begins, at ``offset`` or before it."""
        block = self._sizes.block
        for end in range(offset // block * block, 0, -block):
            newline = file.text(end - block, end).rfind(b"\n")
            if newline >= 0:
                return end - block + newline + 1
        return 0

    def _lane(self, begin: int, end: int, length: int) -> Lane:
        spans = tuple(span for file in self._files for span in self._spans(file, begin - file.start, end - file.start))
        if begin == 0:
            return Lane(spans)
        before, _ = self._before(begin, length)
        return Lane(spans, before, self._known_at(self._at(begin - 1).start + before.begin))

    def _spans(self, file: _File, begin: int, end: int) -> Iterator[Span]:
        """What of ``file`` is between two offsets, which may lie outside."""
        begin, end = max(begin, 0), min(end, file.size)
        if begin >= end:
            return
        if file.is_compressed:
            yield Span(file.path, key=file.key)
            return
        cuts = {self._line_start(file, offset) for offset in range(begin + self._sizes.span, end, self._sizes.span)}
        for at, until in pairwise((begin, *sorted(cut for cut in cuts if cut > begin), end)):
            yield Span(file.path, at, None if until == file.size else until, file.key, self._sizes.block)

    def _before(self, begin: int, length: int) -> tuple[Span, int]:
        """What is scanned before a lane that begins at the place, of the file before it; how many bytes that costs."""
        file = self._at(begin - 1)
        if file.is_compressed:
            return Span(file.path, key=file.key), 0
        end, block = begin - file.start, self._sizes.block
        earliest = self._minute(file, end - block, self._stamps) - BEFORE
        distance = block
        while distance < end and self._minute(file, end - distance, self._stamps) >= earliest:
            distance *= 2
        blocks = range(max(end - distance, 0), end, block)
        enough = bisect_left(blocks, earliest, key=lambda offset: self._minute(file, offset, self._stamps))
        least = end - max(length // BEFORE_LEAST, 2 * WINDOW)
        start = self._line_start(file, max(min(blocks[max(enough - 1, 0)], least), 0))
        return Span(file.path, start, end, file.key, block), end - start

    def _known_at(self, place: int) -> int | None:
        """The minute of a line of which the year alone is known in which the log begins; None where it is not."""
        if self._year is None:
            return None
        stamps = Stamps(self._year)
        for at in range(0, place, place // STEPS + 1):
            self._minute(self._at(at), at - self._at(at).start, stamps)
        return self._minute(self._at(place), place - self._at(place).start, stamps)

    def _minute(self, file: _File, offset: int, stamps: Stamps) -> int:
        """Of the first line behind ``offset`` that has one; 0 where there is none."""
        stamps.refer(file.modified)
        offset = max(offset, 0)
        text = file.text(offset, offset + STAMPED_WITHIN)
        stamped = (stamps.minute(*line.group("minute", "zone")) for line in LINE.finditer(b"\n" + text))
        return next((minute for minute in stamped if minute is not None), 0)
