"""The update of an RRD file that is under way, kept so that one which a kill cuts short is undone.  Knows no rrdtool.

librrd writes in place, value by value: what it knows of the data sources and of unfinished rows, pointers and rows, and
at last the value's time.  A kill within that leaves a file that has the value and does not say so, and another update
would put it into the archives twice.  All of this but the rows stands in the file's head, some 5 kB: with that put back
as it was, the update can be done again, and writes what it wrote, in the same places.

Nothing is synced: a kill leaves what the kernel has.
"""

import errno
import os
import struct
import zlib
from typing import NamedTuple

from mailgraph import rrdhead
from mailgraph.rrdhead import Head

_SEAL = struct.Struct("@2L")
"""Before what is kept: its length and its checksum, which tell what was written to its end."""


class Update(NamedTuple):
    """Values for some data sources of a file, ``MINUTE:VALUE:...`` each, in the order of time."""

    path: str
    sources: tuple[str, ...]
    values: tuple[str, ...]


class UnderWay:
    """The file ``path`` keeps one update at a time, of an RRD file in its directory or below; both paths are absolute.

    It is written over by the next one, and never shorter: an update that came to its end is known by its file's time.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._directory = os.path.join(os.path.dirname(path), "")

    def keep(self, update: Update) -> None:
        """Keep an update that is about to begin; nothing for what is no RRD file.  Raises OSError."""
        head = rrdhead.read(update.path)
        if not head:
            return
        place = update.path.removeprefix(self._directory)
        texts = (place, ":".join(update.sources), " ".join(update.values))
        kept = b"\0".join((*map(os.fsencode, texts), head.content))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            sealed = _SEAL.pack(len(kept), zlib.crc32(kept)) + kept
            if os.pwrite(descriptor, sealed, 0) < len(sealed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def undo(self) -> Update | None:
        """Undo the update that did not come to its end, if there is one; it is to be done again.  Raises OSError.

        No other file is touched, and no other state of that file: no older or newer one, and none that was made anew.
        """
        kept = self._kept()
        if not kept:
            return None
        place, sources, values, head = kept.split(b"\0", 3)
        path = os.path.join(self._directory, os.fsdecode(place))
        update = Update(path, tuple(sources.decode().split(":")), tuple(values.decode().split(" ")))
        if not _is_within(Head(head), rrdhead.read(path), int(update.values[-1].partition(":")[0])):
            return None
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, head, 0)
        finally:
            os.close(descriptor)
        return update

    def _kept(self) -> bytes:
        """What was written to its end, else nothing."""
        try:
            with open(self.path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return b""
        if len(content) < _SEAL.size:
            return b""
        length, checksum = _SEAL.unpack_from(content)
        kept = content[_SEAL.size : _SEAL.size + length]
        return kept if zlib.crc32(kept) == checksum else b""


def _is_within(before: Head, now: Head | None, end: int) -> bool:
    """Whether a file is between the begin of an update and its end: by its definitions, its time and its pointers.

    librrd begins each ring at a row by chance, so that pointers tell two files of one kind apart.
    """
    if not now or now.definitions != before.definitions or not before.last <= now.last < end:
        return False
    for (rows, seconds, pointer), (_, _, pointer_now) in zip(before.rings, now.rings, strict=True):
        if not rows or not seconds or (pointer_now - pointer) % rows > end // seconds - before.last // seconds:
            return False
    return True
