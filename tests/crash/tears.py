"""What a kill within librrd's update leaves: some of what changes in the file is written, the value's time is not."""

import struct
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from mailgraph.rrdfile import ARCHIVE, HEAD, SOURCE, WORD


def changed(before: bytes, after: bytes) -> list[int]:
    """Where the 8-byte words are that an update changes, all but the time of the last value, which is written last."""
    return [
        at
        for at in range(0, len(before), WORD)
        if before[at : at + WORD] != after[at : at + WORD] and at != _time(before)
    ]


def torn(before: bytes, after: bytes, written: Collection[int]) -> bytes:
    """The file when only these words of ``after`` are written."""
    content = bytearray(before)
    for at in written:
        content[at : at + WORD] = after[at : at + WORD]
    return bytes(content)


def tear(path: str, update: Callable[[str], object], values: Sequence[str]) -> None:
    """Writes the first half of ``values``, and the next one but for its time."""
    half = len(values) // 2
    for value in values[:half]:
        update(value)
    file = Path(path)
    before = file.read_bytes()
    update(values[half])
    after = file.read_bytes()
    file.write_bytes(torn(before, after, changed(before, after)))


def _time(content: bytes) -> int:
    """Where the time of the last value is."""
    sources, archives = struct.unpack_from("@2L", content, 24)
    return int(HEAD + sources * SOURCE + archives * ARCHIVE)
