"""An RRD file of rows that are computed, in memory: for librrd to draw what no file holds.  Knows no host.

The format is that of librrd's rrd_format.h, version 0003 (see ``rrdfile``).  Linux gives such a file a path.
"""

import os
import struct

from mailgraph.rrdfile import COOKIE, FLOAT_COOKIE
from mailgraph.schema import HEARTBEAT, STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS = ("AVERAGE", "MAX")

HEAD = struct.Struct("@4s5s7xd3L80x")
SOURCE = struct.Struct("@20s20sL2d56x")
ARCHIVE = struct.Struct("@20s4x2Ld72x")
LIVE = struct.Struct("@2l")
SOURCE_STATE, ROW_STATE = 112, 80
POINTER = struct.Struct("@L")


class MemoryFile:
    """An RRD file of rows of ``steps`` steps up to ``end``, by data source; ``with`` gives its path and frees it.

    ``rows`` are rates, in events per second, NaN where unknown; average and maximum of a row are the same.
    """

    def __init__(self, rows: "Mapping[str, Sequence[float]]", steps: int, end: int) -> None:
        self._content = _content(rows, steps, end)
        self._descriptor = -1

    def __enter__(self) -> str:
        self._descriptor = os.memfd_create("mailgraph")
        with open(self._descriptor, "wb", closefd=False) as file:
            file.write(self._content)
        return f"/proc/self/fd/{self._descriptor}"

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)


def _content(rows: "Mapping[str, Sequence[float]]", steps: int, end: int) -> bytes:
    count = len(next(iter(rows.values())))
    by_row = [value for row in zip(*rows.values(), strict=True) for value in row]
    return b"".join(
        (
            HEAD.pack(COOKIE, b"0003", FLOAT_COOKIE, len(rows), len(KINDS), STEP),
            *(SOURCE.pack(name.encode(), b"ABSOLUTE", HEARTBEAT, 0, float("nan")) for name in rows),
            *(ARCHIVE.pack(kind.encode(), count, steps, 0.5) for kind in KINDS),
            LIVE.pack(end, 0),
            bytes(SOURCE_STATE * len(rows) + ROW_STATE * len(rows) * len(KINDS)),
            POINTER.pack(count - 1) * len(KINDS),
            struct.pack(f"@{len(by_row)}d", *by_row) * len(KINDS),
        )
    )
