"""A PNG's pixels, to compare pictures with."""

import struct
import zlib

Row = list[bytes]


def size(picture: bytes) -> tuple[int, int]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", picture[16:24])


def pixels(picture: bytes) -> list[Row]:
    """Rows of pixels of three (RGB) or four bytes (with alpha), of eight bits each and not interlaced (PNG, W3C)."""
    width, height = size(picture)
    depth, colour, _, _, interlaced = picture[24:29]
    assert (depth, interlaced) == (8, 0)
    across = {2: 3, 6: 4}[colour]
    packed, at = b"", 8
    while at < len(picture):
        length, kind = struct.unpack(">I4s", picture[at : at + 8])
        packed += picture[at + 8 : at + 8 + length] * (kind == b"IDAT")
        at += length + 12
    lines = zlib.decompress(packed)
    stride = width * across + 1
    above = bytearray(stride - 1)
    rows = []
    for start in range(0, height * stride, stride):
        above = _unfiltered(lines[start], bytearray(lines[start + 1 : start + stride]), above, across)
        rows.append([bytes(above[at : at + across]) for at in range(0, stride - 1, across)])
    return rows


def _unfiltered(kind: int, line: bytearray, above: bytearray, across: int) -> bytearray:
    for at in range(len(line)):
        left = line[at - across] if at >= across else 0
        corner = above[at - across] if at >= across else 0
        predicted = (0, left, above[at], (left + above[at]) // 2, _paeth(left, above[at], corner))[kind]
        line[at] = (line[at] + predicted) & 0xFF
    return line


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda byte: abs(guess - byte))
