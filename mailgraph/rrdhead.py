"""The head of an RRD file: all of it but the rows, which librrd changes in place.  Knows no rrdtool.

``rrdfile`` says more of the format.  Numbers have 64 bits: what a machine of 32 writes has no such head.
"""

import os
import struct

from mailgraph.rrdfile import ARCHIVE, COOKIE, HEAD, LIVE, ROW_STATE, SOURCE, SOURCE_STATE, WORD

LONGEST = 1 << 14
"""Bytes of a head at most; mailgraph's own have up to 6 kB."""


class Head:
    """A head's content, its definitions (which no update changes) and ``last``, the time of the newest value."""

    def __init__(self, content: bytes) -> None:
        """``content`` may have rows behind the head.  Raises struct.error or OverflowError where that is damaged."""
        sources, archives, self._step = struct.unpack_from("=3Q", content, 24)
        live = HEAD + sources * SOURCE + archives * ARCHIVE
        self.last: int = struct.unpack_from("=Q", content, live)[0]
        pointers = live + LIVE + sources * SOURCE_STATE + sources * archives * ROW_STATE
        self._pointers = struct.unpack_from(f"={archives}Q", content, pointers)
        self.definitions = content[:live]
        self.content = content[: pointers + archives * WORD]

    @property
    def rings(self) -> list[tuple[int, int, int]]:
        """Of each archive: its rows, the seconds of one, and the one that was written last."""
        first = len(self.definitions) - len(self._pointers) * ARCHIVE
        found = []
        for number, pointer in enumerate(self._pointers):
            rows, steps = struct.unpack_from("=2Q", self.definitions, first + number * ARCHIVE + 24)
            found.append((rows, steps * self._step, pointer))
        return found


def read(path: str) -> Head | None:
    """The head of the file, None where it has none, or can't be read: librrd says why."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        content = os.pread(descriptor, LONGEST, 0)
        return Head(content) if content.startswith(COOKIE) else None
    except (OSError, struct.error, OverflowError):  # a directory, a failing disk, damage
        return None
    finally:
        os.close(descriptor)
