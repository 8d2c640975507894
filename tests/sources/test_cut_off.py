"""Compressed files that are cut off anywhere, or put together of several parts."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import zstandard

from mailgraph.sources import SourceError, file_once
from tests.programs import require
from tests.sources.reading import Log, Reader, run
from tests.sources.test_rotation import COMPRESSIONS, compress

CUT_OFF = "Compressed file ended before the end-of-stream marker was reached"


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log(tmp_path / "mail.log")
    log.write(5)
    return log


def read(path: Path) -> tuple[bytes, str]:
    """The text that is read of a file, and what is said in the end."""
    text = b""
    try:
        for block in file_once(str(path)):
            text += block.data
    except SourceError as error:
        return text, str(error)
    return text, ""


@pytest.mark.parametrize("extension", COMPRESSIONS)
def test_wherever_a_file_is_cut_off_it_is_said_and_what_was_before_is_read(log: Log, extension: str) -> None:
    text = log.path.read_bytes()
    compress(log.path, extension)
    path = log.path.with_name(f"mail.log.{extension}")
    one = path.read_bytes()
    for end in range(1, 2 * len(one)):
        path.write_bytes((one + one)[:end])
        found, said = read(path)
        assert (text + text).startswith(found), end
        assert said.startswith(f"can't read {path}: ") == (end != len(one)), end
        assert len(found) >= len(text) * ((end + 1) // len(one)), end  # without its last byte it has all its text


@pytest.mark.parametrize("extension", COMPRESSIONS)
def test_a_log_as_long_as_a_compressed_ones_first_bytes_is_read_as_it_is(tmp_path: Path, extension: str) -> None:
    log, empty = tmp_path / "mail.log", tmp_path / f"mail.log.{extension}"
    log.write_bytes(b"B")
    assert read(log) == (b"B\n", "")
    empty.touch()
    assert read(empty) == (b"", "")


def test_after_a_file_that_is_cut_off_the_daemon_reads_the_next(log: Log) -> None:
    with closing(Reader(log.path, keeps_running=False)) as reader:
        reader.read()
        log.write(9000)
        compress(log.rename("mail.log.1"), "zst")
        compressed = log.path.with_name("mail.log.1.zst")
        compressed.write_bytes(compressed.read_bytes()[:-1000])
        log.write()
        reader.read()
    assert reader.lines[:6000] == log.lines[:6000]
    assert reader.lines[-3:] == log.lines[-3:]
    assert reader.said == [f"can't read {compressed} further: {CUT_OFF}", f"reading {log.path} again"]


def framed(text: bytes) -> bytes:
    """As a stream is compressed: the frame does not say how long its text is."""
    stream = zstandard.ZstdCompressor().compressobj()
    return stream.compress(text) + stream.flush()


SKIPPABLE = b"\x50\x2a\x4d\x18\4\0\0\0abcd"
"""A frame without text: RFC 8878, 3.1.2."""


@pytest.mark.parametrize(
    "form",
    [
        lambda text: framed(text) + framed(text),
        lambda text: framed(text) + framed(b"") + framed(text),
        lambda text: SKIPPABLE + framed(text) + SKIPPABLE + SKIPPABLE + framed(text) + SKIPPABLE,
        lambda text: b"".join(framed(line) for line in (text + text).splitlines(keepends=True)),
    ],
    ids=["two", "an empty one between", "skippable ones", "one a line"],
)
@pytest.mark.parametrize("lines", [20, 20_000])
def test_all_frames_of_a_zst_file_are_read(tmp_path: Path, form: Callable[[bytes], bytes], lines: int) -> None:
    log = Log(tmp_path / "mail.log")
    log.write(lines)
    text = log.path.read_bytes()
    log.path.write_bytes(form(text))
    assert read(log.path) == (text + text, "")


@pytest.mark.parametrize("length", [0, 131_071, 131_072, 131_073, 262_144, 10_000_000])
def test_a_frame_ends_where_its_blocks_do(tmp_path: Path, length: int) -> None:
    path = tmp_path / "mail.log.zst"
    text = (bytes(63) + b"\n") * (length // 64) + b"\n" * (length % 64)
    whole = framed(text)
    path.write_bytes(whole)
    assert read(path) == (text, "")
    path.write_bytes(whole[:-1])
    assert read(path)[1] == f"can't read {path}: {CUT_OFF}"


def test_what_pzstd_has_compressed_is_read(log: Log) -> None:
    text = log.path.read_bytes()
    run(require("pzstd"), "-q", log.path)
    assert read(log.path.with_name("mail.log.zst")) == (text, "")


def test_after_a_zst_files_frames_nothing_else_may_come(log: Log) -> None:
    text = log.path.read_bytes()
    log.path.write_bytes(framed(text) + text)
    assert read(log.path) == (text, f"can't read {log.path}: zstd decompressor error: Unknown frame descriptor")
