"""A log over any series of rotations: each line comes once and in order, with the reader running or down."""

import gzip
import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mailgraph.sources import Lines
from tests.properties.examples import examples
from tests.sources.reading import Log, Reader

KEPT = 9


class RotatedLog(Log):
    """A log that is rotated without programs of others: hundreds of times a second."""

    def rename_and_create(self) -> None:
        self._move_up()
        self.path.rename(self._numbered(1))
        self.path.touch()

    def rename(self) -> None:  # type: ignore[override]
        self._move_up()
        self.path.rename(self._numbered(1))

    def copy_and_truncate(self) -> None:
        self._move_up()
        self._numbered(1).write_bytes(self.path.read_bytes())
        os.truncate(self.path, 0)

    def compress(self) -> None:
        """The newest rotated file, as ``delaycompress`` leaves it to the next time."""
        plain = self._numbered(1)
        if plain.exists():
            status = plain.stat()
            compressed = plain.with_name(f"{plain.name}.gz")
            compressed.write_bytes(gzip.compress(plain.read_bytes()))
            os.utime(compressed, (status.st_atime, status.st_mtime))
            plain.unlink()

    def _move_up(self) -> None:
        if not self.path.exists():
            self.path.touch()
        for number in range(KEPT, 0, -1):
            for extension in ("", ".gz"):
                file = self._numbered(number, extension)
                if file.exists():
                    file.rename(self._numbered(number + 1, extension))

    def _numbered(self, number: int, extension: str = "") -> Path:
        return self.path.with_name(f"{self.path.name}.{number}{extension}")


ROTATIONS = ("rename_and_create", "rename", "copy_and_truncate")
deeds = some.lists(some.sampled_from(("write", "write", "read", "compress", *ROTATIONS)), max_size=16).filter(
    lambda chosen: sum(deed in ROTATIONS for deed in chosen) < KEPT
)


@pytest.mark.parametrize("keeps_running", [True, False], ids=["running", "down"])
@examples(150)
@given(deeds=deeds)
def test_each_line_comes_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, keeps_running: bool, deeds: list[str]
) -> None:
    log = RotatedLog(tmp_path_factory.mktemp("log") / "mail.log")
    log.write()
    with closing(Reader(log.path, keeps_running)) as reader:
        reader.read()
        for deed in deeds:
            (reader.read if deed == "read" else getattr(log, deed))()
        log.write()
        reader.read()
        assert reader.lines == log.lines


@examples(300)
@given(text=some.binary(max_size=60), sizes=some.lists(some.integers(1, 9), min_size=1, max_size=30))
def test_lines_come_whole_however_they_are_read(text: bytes, sizes: list[int]) -> None:
    unread = bytearray(text)

    def read(_size: int) -> bytes:
        size = sizes[len(unread) % len(sizes)]
        piece = bytes(unread[:size])
        del unread[:size]
        return piece

    lines = Lines(read)
    blocks = []
    while (block := lines.block()) is not None:
        assert block.endswith(b"\n") or not block
        blocks.append(block)
        assert lines.offset == sum(map(len, blocks))
    blocks.append(lines.rest())
    assert b"".join(blocks) == (text if text.endswith(b"\n") or not text else text + b"\n")
