"""The head of an RRD file, and what has none."""

import struct
from pathlib import Path

import pytest

from mailgraph import rrdhead

NUMBERS = (4, 8, 60)
"""Data sources, archives and step of a file of mail."""

COOKIE = struct.pack("=4s5s", b"RRD\0", b"0003")
FLOAT = struct.pack("=d", 8.642135e130)


@pytest.mark.parametrize(
    "begin",
    [
        COOKIE + bytes(7) + FLOAT + struct.pack("=3I", *NUMBERS),
        COOKIE + bytes(3) + FLOAT + struct.pack("=3I", *NUMBERS),
        COOKIE + bytes(7) + FLOAT[::-1] + struct.pack(">3Q", *NUMBERS),
    ],
    ids=["ARM with 32 bits", "i386", "another order of bytes"],
)
def test_a_file_of_another_kind_of_machine_has_none(tmp_path: Path, begin: bytes) -> None:
    path = tmp_path / "mailgraph.rrd"
    path.write_bytes(begin.ljust(60_000, b"\0"))
    assert rrdhead.read(str(path)) is None
