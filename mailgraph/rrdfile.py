"""What an RRD file holds, read without librrd: importing that takes as long as a whole answer.  Knows no HTTP.

The format is that of librrd's rrd_format.h, versions 0003 to 0005: C structures in the byte order of the machine that
wrote the file.  A file of another kind of machine is refused, as librrd does.  Nothing is locked: the daemon never
waits for a page.
"""

import posix

from mailgraph.schema import LATEST, STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailgraph.schema import Family

HEAD, SOURCE, ARCHIVE, LIVE, SOURCE_STATE, ROW_STATE, WORD = 128, 120, 120, 16, 112, 80, 8
"""Bytes of the structures stat_head, ds_def, rra_def, live_head, pdp_prep, cdp_prep, and of a number."""

NAME = 20
"""Bytes of a data source's or a consolidation's name, padded with NUL."""

COOKIE, FLOAT_COOKIE = b"RRD\0", 8.642135e130
"""How a file begins, and what its third word is where floats are this machine's."""

LARGEST = 1 << 26
"""Bytes of a file at most: those of this schema have up to 300 kB; a link may lead to anything."""

LARGE, BEGIN = 1 << 16, 1 << 14
"""Of a file of more bytes than that, so many are read until its rows are asked for.

The page of all graphs asks for none of the 200 kB of single minutes, and takes 0.15 ms of 9 less so.
"""

KIND, REGULAR = 0o170000, 0o100000
"""What of a file's mode says what it is, and that it is a file.  Importing ``stat`` for it takes 0.05 ms of 9."""

UNKNOWN = float("nan")


class NotReadable(Exception):
    """A file that librrd on this machine would not read either; the text says what is wrong with it."""


class Archive:
    """Where the rows of one consolidation are.  A row's time is the end of what it consolidates."""

    __slots__ = ("kind", "latest", "offset", "pointer", "rows", "steps")

    def __init__(self, kind: str, steps: int, rows: int, pointer: int, latest: int, offset: int) -> None:
        self.kind = kind
        self.steps = steps
        self.rows = rows
        self.pointer = pointer
        """The row that was written last, of a ring of rows."""
        self.latest = latest
        """That row's time."""
        self.offset = offset


class RrdFile:
    """An RRD file's content as it was when read.  Raises OSError and NotReadable.

    A LARGE one is read anew when its rows are asked for; they are unknown if it can't be read any more.
    """

    def __init__(self, path: str, most: int = BEGIN) -> None:
        self.path = path
        self._blocks: dict[tuple[str, int, int, int], Sequence[float]] = {}
        self._content, self._size = _read(path, most)
        self._with_rows: RrdFile | None = None
        whole = memoryview(self._content)[: len(self._content) // WORD * WORD]
        self._integers: Sequence[int] = whole.cast("L")
        self._floats: memoryview[float] = whole.cast("d")
        self._check_head()
        sources, archives, self.step = self._words(24, 3)
        if HEAD + sources * SOURCE + archives * ARCHIVE > len(self._content):
            raise NotReadable("it was cut off")
        at = HEAD
        self.sources = [self._name(at + number * SOURCE) for number in range(sources)]
        at += sources * SOURCE
        definitions = range(at, at + archives * ARCHIVE, ARCHIVE)
        at += archives * ARCHIVE
        (self.last,) = self._words(at, 1)
        if self.last > LATEST:
            raise NotReadable("it is damaged")
        at += LIVE + sources * SOURCE_STATE + sources * archives * ROW_STATE
        pointers = self._words(at, archives)
        self.archives = self._located(definitions, pointers, at + archives * WORD)

    def _check_head(self) -> None:
        if not self._content:
            raise NotReadable("it is empty")
        if self._content[:4] != COOKIE:
            raise NotReadable("it is not an RRD file")
        if len(self._content) < HEAD:
            raise NotReadable("it was cut off")
        if self._floats[2] != FLOAT_COOKIE:
            raise NotReadable("it was made on another kind of machine")

    def _words(self, offset: int, count: int) -> "Sequence[int]":
        words = self._integers[offset // WORD : offset // WORD + count]
        if len(words) < count:
            raise NotReadable("it was cut off")
        return words

    def _name(self, offset: int) -> str:
        return self._content[offset : offset + NAME].partition(b"\0")[0].decode("ascii", "replace")

    def _located(self, definitions: range, pointers: "Sequence[int]", offset: int) -> list[Archive]:
        archives = []
        for at, pointer in zip(definitions, pointers, strict=True):
            rows, steps = self._words(at + 24, 2)
            row = steps * self.step
            if not row or pointer >= rows:
                raise NotReadable("it is damaged")
            archives.append(Archive(self._name(at), steps, rows, pointer, self.last // row * row, offset))
            offset += rows * len(self.sources) * WORD
        if self._size < offset:
            raise NotReadable("it was cut off")
        return archives

    def check(self, family: "Family") -> None:
        """Raises NotReadable where the file lacks a data source or an archive of the family, or has another step."""
        for source, _ in family.sources:
            if source not in self.sources:
                raise NotReadable(f"it has no data source {source}")
        for kind, steps, _ in family.archives:
            self._archive(kind, steps)
        if self.step != STEP:
            raise NotReadable(f"it has a step of {self.step} s, not {STEP}")

    def rows(self, source: str, kind: str, steps: int, start: int, end: int) -> "Sequence[float]":
        """A data source's rows of ``steps`` steps, for the times behind ``start`` up to ``end``; NaN where unknown.

        ``start`` and ``end`` are multiples of a row.  Raises NotReadable where there is no such archive.
        """
        asked = (kind, steps, start, end)
        if asked not in self._blocks:
            self._blocks[asked] = self._whole()._block(*asked)
        return self._blocks[asked][self.sources.index(source) :: len(self.sources)]

    def _whole(self) -> "RrdFile":
        """The file with its rows."""
        if self._with_rows is None:
            try:
                self._with_rows = self if len(self._content) == self._size else RrdFile(self.path, LARGEST)
            except (OSError, NotReadable):
                self._with_rows = self
        return self._with_rows

    def _block(self, kind: str, steps: int, start: int, end: int) -> "Sequence[float]":
        """Such rows of all data sources, row by row.

        A view of the file's numbers where all are stored: its sums and maxima take a page 0.4 ms, those of lists 0.6.
        """
        archive = self._archive(kind, steps)
        older, older_end, newer, newer_end = self._stored(archive, start, end)
        stored = self._content[older * WORD : older_end * WORD] + self._content[newer * WORD : newer_end * WORD]
        block: memoryview[float] = memoryview(stored).cast("d")
        count = len(self.sources)
        row = steps * self.step
        wanted = (end - start) // row * count
        if len(block) == wanted:
            return block
        before = min(max((archive.latest - archive.rows * row - start) // row * count, 0), wanted)
        return [UNKNOWN] * before + [*block] + [UNKNOWN] * (wanted - before - len(block))

    def totals(self, sources: "Iterable[str]", kind: str, steps: int, start: int, end: int) -> list[float]:
        """Sums of such rows of some data sources, as far as they are stored; NaN where one is, or all are, unknown.

        No list is made of the rows: for hundreds of files that is most of the time.
        """
        file = self._whole()
        stored = file._stored(file._archive(kind, steps), start, end)
        columns = (file._column(stored, source) for source in sources)
        return [sum(older) + sum(newer) if older or newer else UNKNOWN for older, newer in columns]

    def _stored(self, archive: Archive, start: int, end: int) -> tuple[int, int, int, int]:
        """Where those of such rows that the archive has begin and end: up to the ring's seam, and from there."""
        row = archive.steps * self.step
        oldest = archive.latest - archive.rows * row
        first, behind = (start - oldest) // row, (end - oldest) // row
        rows, seam, count = archive.rows, archive.pointer + 1, len(self.sources)
        older = rows - seam
        first = 0 if first < 0 else min(rows, first)
        behind = 0 if behind < 0 else min(rows, behind)
        at = archive.offset // WORD
        return (
            at + (seam + first if first < older else rows) * count,
            at + (seam + behind if behind < older else rows) * count,
            at + (first - older if first > older else 0) * count,
            at + (behind - older if behind > older else 0) * count,
        )

    def _column(self, stored: tuple[int, int, int, int], source: str) -> "tuple[memoryview[float], memoryview[float]]":
        older, older_end, newer, newer_end = stored
        at, count = self.sources.index(source), len(self.sources)
        return self._floats[older + at : older_end : count], self._floats[newer + at : newer_end : count]

    def _archive(self, kind: str, steps: int) -> Archive:
        """The archive of that consolidation; of single steps any is the same."""
        for archive in self.archives:
            if archive.steps == steps and (archive.kind == kind or steps == 1):
                return archive
        raise NotReadable(f"it has no {kind} archive of {steps * STEP} s")


def _read(path: str, most: int) -> tuple[bytes, int]:
    """A file's content, ``most`` bytes of a LARGE one, and its size.

    Without waiting: a pipe among the files would hold the page up for ever.
    """
    file = posix.open(path, posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    try:
        found = posix.fstat(file)
        size = found.st_size
        if found.st_mode & KIND != REGULAR or size > LARGEST:
            raise NotReadable("it is not an RRD file")
        return posix.read(file, size if size <= LARGE else min(size, most)), size
    finally:
        posix.close(file)
