"""The head of an RRD file as it was before an update, kept so that one which a kill cuts short is undone.

librrd writes in place, value by value: what it knows of the data sources and of unfinished rows, pointers and rows, and
at last the value's time.  A kill within that leaves a file that has the value and does not say so, and another update
would put it into the archives twice.  All of this but the rows stands in the file's head, some 5 kB: with that put back
as it was, the file ends where it did, and who counts does the update again, which writes in the same places.

Nothing is synced: a kill leaves what the kernel has.  Knows no rrdtool.
"""

import errno
import os
import struct
import zlib

from mailgraph import rrdhead
from mailgraph.rrdhead import Head

_SEAL = struct.Struct("@2L")
"""Before what is kept: its checksum and its length, which tell what was written to its end."""


class UnderWay:
    """The file ``path`` keeps one head at a time, of an RRD file in its directory or below; both paths are absolute.

    It is written over by the next one, and never shorter: an update that came to its end is known by its file's time.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._directory = os.path.join(os.path.dirname(path), "")

    def keep(self, path: str, end: int) -> None:
        """Keep a file's head, before an update up to ``end``; nothing of what is no RRD file.  Raises OSError."""
        head = rrdhead.read(path)
        if not head:
            return
        kept = b"%b\0%d\0%b" % (os.fsencode(path.removeprefix(self._directory)), end, head.content)
        descriptor = self._opened()
        try:
            sealed = _SEAL.pack(zlib.crc32(kept), len(kept)) + kept
            if os.pwrite(descriptor, sealed, 0) < len(sealed):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        except PermissionError:  # root has counted by hand, into RRD files that stayed another user's
            os.unlink(self.path)
            return os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)

    def undo(self) -> None:
        """Undo the update that did not come to its end, if there is one.  Raises OSError.

        No other file is touched, and no other state of that file: no older or newer one, and none that was made anew.
        """
        kept = self._kept()
        if not kept:
            return
        place, end, head = kept.split(b"\0", 2)
        path = os.path.join(self._directory, os.fsdecode(place))
        if not _is_within(Head(head), rrdhead.read(path), int(end)):
            return
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, head, 0)
        finally:
            os.close(descriptor)

    def _kept(self) -> bytes:
        """What was written to its end, else nothing."""
        try:
            with open(self.path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            return b""
        if len(content) < _SEAL.size:
            return b""
        checksum, length = _SEAL.unpack_from(content)
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
