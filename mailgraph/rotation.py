"""A log's files: the log itself and what rotation made of it, oldest first.  Knows no line and no position.

pygtail knows the names that logrotate, savelog and Python's handlers give; it looks for one file, and for gzip alone.
Here all of them are found, with each compression, since more than one rotation may have passed unseen.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from io import BytesIO, FileIO
from typing import BinaryIO, NamedTuple, Protocol, cast

from pygtail import Pygtail


class Text(Protocol):
    """What gives a log's text, decompressed where it needs be."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, b"" at the end.  Raises OSError, also for a file that is cut off or damaged."""


class _Reader(Protocol):
    def read1(self, size: int, /) -> bytes: ...


_SUFFIX = re.compile(
    r"[.-](?:(?P<number>\d{1,4})|(?P<date>\d{8}|\d{4}-\d\d-\d\d)(?P<time>(?:[-_.T]?\d+)*))(?:\.(?:gz|bz2|xz|zst))?"
)
"""logrotate's and savelog's numbers (the higher the older), logrotate's ``dateext``, Python's dates."""


class _Name(NamedTuple):
    """A rotated file's name, understood: files of one ``scheme`` are ordered by ``order``, oldest first."""

    scheme: str
    order: int
    path: str


class LogFiles(Pygtail):  # type: ignore[misc]  # pygtail has no types
    """The files of the log ``filename``."""

    def __init__(self, filename: str) -> None:
        super().__init__(filename, offset_file=os.devnull, save_on_end=False)

    def _filehandle(self) -> None:
        """None: pygtail would open the file, by the name's ending and as text; ``text_of`` says here what it is."""

    def rotated(self) -> list[str]:
        """The rotated files, oldest first.

        Two schemes of names beside each other are what a changed configuration left: the one that was written to
        last is the newer.
        """
        names = self._understood()
        schemes: dict[str, list[_Name]] = {}
        for name in sorted(names):
            schemes.setdefault(name.scheme, []).append(name)
        in_order = sorted(schemes.values(), key=lambda same: max(map(_modified, (name.path for name in same))))
        paths = [name.path for same in in_order for name in same]
        guessed = None
        with contextlib.suppress(OSError):  # pygtail asks for times of files that rotation may move meanwhile
            guessed = self._check_rotated_filename_candidates()
        return paths if guessed is None or guessed in paths else [*paths, guessed]

    def _understood(self) -> list[_Name]:
        directory, base = os.path.split(self.filename)
        stem, extension = os.path.splitext(base)
        found: dict[tuple[str, int], _Name] = {}
        for entry in sorted(_listed(directory or "."), reverse=True):
            suffix = _between(entry, base, "") or _between(entry, stem, extension)
            match = suffix and _SUFFIX.fullmatch(suffix)
            if match:
                name = _Name(*_order(match), os.path.join(directory, entry))
                found[name[:2]] = name  # the reversed order puts mail.log.1, which gzip still reads, over mail.log.1.gz
        return list(found.values())


def _listed(directory: str) -> list[str]:
    with contextlib.suppress(OSError):  # made later, with the log in it, or not for this user to list
        return os.listdir(directory)
    return []


def _between(name: str, start: str, end: str) -> str | None:
    """What stands between ``start`` and ``end`` in a name: logrotate's ``extension .log`` makes mail-20261125.log."""
    if name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end):
        return name[len(start) : len(name) - len(end)]
    return None


def _order(match: re.Match[str]) -> tuple[str, int]:
    if match["number"]:
        return "number", -int(match["number"])
    return "date", int(re.sub(r"\D", "", match["date"] + match["time"]).ljust(20, "0"))


def _modified(path: str) -> float:
    with contextlib.suppress(OSError):  # rotated further in this moment
        return os.stat(path).st_mtime
    return 0.0


class _Decompressed:
    """The text of a compressed file; of a damaged one all that is before the damage, which is raised then as OSError.

    ``error`` is what the reader raises beside EOFError and OSError.
    """

    def __init__(self, reader: _Reader, error: type[Exception] = OSError) -> None:
        self._reader = reader
        self._errors = (EOFError, OSError, error)
        self._damage: Exception | None = None

    def read(self, size: int, /) -> bytes:
        text = bytearray()
        try:
            while self._damage is None and len(text) < size and (piece := self._reader.read1(size - len(text))):
                text += piece
        except self._errors as error:
            self._damage = error
        if self._damage and not text:
            raise OSError(str(self._damage)) from self._damage
        return bytes(text)


# Imported where there is such a file: zstandard takes 4 ms, each of the others 0.3 to 0.7 ms.


def _gzip(file: BinaryIO) -> _Decompressed:
    import gzip
    import zlib

    return _Decompressed(gzip.GzipFile(fileobj=file), zlib.error)


def _bzip2(file: BinaryIO) -> _Decompressed:
    import bz2

    return _Decompressed(bz2.BZ2File(file))


def _xz(file: BinaryIO) -> _Decompressed:
    import lzma

    return _Decompressed(lzma.LZMAFile(file), lzma.LZMAError)


def _zstandard(file: BinaryIO) -> _Decompressed:
    import zstandard

    return _Decompressed(_Pieces(_frames(file)), zstandard.ZstdError)


FRAME_PART = 1024
"""Bytes of a frame decompressed at once, without a limit to their text: of NULs, which a log truncated under its writer
begins with, 32 MiB.  Four times as many would save a hundredth of the time in which a relay's log is counted."""


def _frames(file: BinaryIO) -> Iterator[bytes]:
    """The text of one frame after the other.  Raises ZstdError, and EOFError where the last one is cut off.

    zstandard's own reader of files ends there as if the frame were complete.
    """
    import zstandard

    decompressor = zstandard.ZstdDecompressor()
    frame = None
    part = file.read(FRAME_PART)
    while part:
        frame = frame or decompressor.decompressobj()
        yield frame.decompress(part)
        part = frame.unused_data or file.read(FRAME_PART)
        if frame.eof:
            frame = None
    if frame:
        raise EOFError("Compressed file ended before the end-of-stream marker was reached")


class _Pieces:
    """What comes in pieces of any size, read in pieces of the size that is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = BytesIO()

    def read1(self, size: int, /) -> bytes:
        text = self._piece.read1(size)
        while not text and (piece := next(self._pieces, None)) is not None:
            self._piece = BytesIO(piece)
            text = self._piece.read1(size)
        return text


COMPRESSIONS = (
    (b"\x1f\x8b", ".gz", _gzip),
    (b"BZh", ".bz2", _bzip2),
    (b"\xfd7zXZ\0", ".xz", _xz),
    (b"\x28\xb5\x2f\xfd", ".zst", _zstandard),
    (b"\x50\x2a\x4d\x18", ".zst", _zstandard),  # pzstd's skippable frame before each other
)
"""What a compressed file begins with, how its name ends, and its text."""


def text_of(file: FileIO) -> Text:
    """The text of a log file from its start on: the file itself, or what decompresses it.

    Which it is, the first bytes say, and not the name, unless the file is cut off within them.
    """
    if not file.seekable():
        return file
    file.seek(0)
    magic = os.pread(file.fileno(), 6, 0)
    for begin, ending, decompressed in COMPRESSIONS:
        is_cut_off = magic and begin.startswith(magic) and str(file.name).endswith(ending)
        if magic.startswith(begin) or is_cut_off:
            return decompressed(cast(BinaryIO, file))
    return file


def head(file: FileIO, length: int) -> bytes:
    """The first ``length`` bytes of a log file's text; fewer before its end or damage.  Raises OSError."""
    return text_of(file).read(length)


def pieces(text: Text, length: int) -> Iterator[bytes]:
    """The next ``length`` bytes, as they come; fewer at the end.  Raises OSError."""
    while length > 0:
        piece = text.read(min(length, 1 << 20))
        if not piece:
            return
        length -= len(piece)
        yield piece
