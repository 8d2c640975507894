"""What lines may be made of, and how they are cut into blocks."""

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from mailgraph.sources import BLOCK, LONGEST_LINE, Block, SourceError, file_once, standard_input
from tests.sources.reading import Reader

MEGABYTE = 1 << 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.log"


def text_of(path: Path) -> bytes:
    return b"".join(block.data for block in file_once(str(path)))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n",
        b"a\n\n\nb\n",
        b"before\n" + b"\0" * 5000 + b"after\n",
        b"\xff\xfe\x80\n",
        b"one\r\ntwo\r\n",
        b"x" * (MEGABYTE - 1) + b"\nnext\n",
        b"y" * (BLOCK - 1) + b"\n" + b"z" * BLOCK + b"\n",
        b"line\n" * 100_000,
    ],
    ids=["empty", "one", "empty-lines", "nul", "no-utf8", "crlf", "a-mebibyte", "at-the-block's-end", "blocks"],
)
def test_a_file_comes_whole(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    assert text_of(path) == text


def test_a_last_line_without_newline_gets_one(path: Path) -> None:
    path.write_bytes(b"one\ntwo")
    assert text_of(path) == b"one\ntwo\n"


def test_of_an_endless_line_the_start_is_kept_and_the_next_line_is_whole(path: Path) -> None:
    path.write_bytes(b"start" + b"x" * (5 * MEGABYTE) + b"\nnext\n")
    with closing(Reader(path)) as reader:
        reader.read()
    first, second = reader.lines
    assert (first[:6], len(first) <= LONGEST_LINE + BLOCK, second) == (b"startx", True, b"next")
    assert reader.position is not None
    assert reader.position.offset == path.stat().st_size


def test_reading_goes_on_behind_an_endless_line(path: Path) -> None:
    path.write_bytes(b"one\n" + b"x" * (3 * MEGABYTE))
    with closing(Reader(path, keeps_running=False)) as reader:
        reader.read()
        with path.open("ab") as file:
            file.write(b"\ntwo\n")
        reader.read()
    assert [line[:3] for line in reader.lines] == [b"one", b"xxx", b"two"]


def test_a_file_that_is_not_there_is_an_error(path: Path) -> None:
    with pytest.raises(SourceError, match=f"can't read {path}: No such file or directory"):
        list(file_once(str(path)))


def test_a_log_that_grows_line_by_line_comes_line_by_line(path: Path) -> None:
    with closing(Reader(path)) as reader:
        for number in range(50):
            with path.open("ab") as file:
                file.write(b"%d\n" % number)
            reader.read()
            assert reader.lines[-1] == b"%d" % number
    assert len(reader.lines) == 50


def test_standard_input_says_none_until_more_comes() -> None:
    read, write = os.pipe()
    source = standard_input(read)
    assert next(source) is None
    os.write(write, b"one\ntw")
    assert next(source) == Block(b"one\n")
    assert next(source) is None
    os.write(write, b"o")
    os.close(write)
    assert list(source) == [Block(b"two\n")]
    os.close(read)


def test_a_pipe_named_as_file_is_read_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=(b"one\ntwo\n",))
    writer.start()
    assert text_of(fifo) == b"one\ntwo\n"
    writer.join()
