"""Each way of rotation, with a reader that keeps running and with one that is down meanwhile: each line comes once."""

import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mailgraph.sources import HINDERED, Follower, Position, SourceError, file_once
from tests.programs import require
from tests.sources.reading import Log, Reader, run

COMPRESSIONS = {
    "gz": ("gzip",),
    "bz2": ("bzip2",),
    "xz": ("xz",),
    "zst": ("zstd", "--rm", "-q"),
}


@pytest.fixture
def log(tmp_path: Path) -> Log:
    log = Log(tmp_path / "mail.log")
    log.write()
    return log


@pytest.fixture(params=[True, False], ids=["running", "down"])
def reader(log: Log, request: pytest.FixtureRequest) -> Iterator[Reader]:
    with closing(Reader(log.path, keeps_running=request.param)) as reader:
        reader.read()
        log.write()
        yield reader


def compress(path: Path, extension: str) -> None:
    program, *options = COMPRESSIONS[extension]
    run(require(program), *options, path)


def test_rename_and_create(log: Log, reader: Reader) -> None:
    log.rename("mail.log.1")
    log.path.touch()
    reader.read()
    log.write()
    reader.read()
    assert reader.lines == log.lines


def test_lines_that_come_after_the_rename_into_the_old_file(log: Log, reader: Reader) -> None:
    old = log.rename("mail.log.1")
    log.path.touch()
    reader.read()
    new, log.path = log.path, old
    log.write()
    reader.read()
    log.path = new
    log.write()
    reader.read()
    assert reader.lines == log.lines


def test_copy_and_truncate(log: Log, reader: Reader) -> None:
    log.rotate("copytruncate")
    assert log.path.stat().st_size == 0
    reader.read()
    log.write(1)
    reader.read()
    assert reader.lines == log.lines


def test_copy_and_truncate_with_more_than_before_written_at_once(log: Log, reader: Reader) -> None:
    log.rotate("copytruncate")
    log.write(20)
    reader.read()
    assert reader.lines == log.lines


def test_copy_and_truncate_with_compression(log: Log, reader: Reader) -> None:
    log.rotate("copytruncate", "compress")
    log.write()
    reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize("extension", COMPRESSIONS)
def test_compressed_at_once(log: Log, reader: Reader, extension: str) -> None:
    compress(log.rename("mail.log.1"), extension)
    log.write()
    reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize("extension", COMPRESSIONS)
def test_logrotate_compresses_at_once(log: Log, reader: Reader, extension: str) -> None:
    program = require(COMPRESSIONS[extension][0])
    log.rotate("create", "compress", f"compresscmd {program}", f"compressext .{extension}", "compressoptions -3")
    log.write()
    reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize(
    "directives", [("dateext",), ("dateext", "dateformat -%Y%m%d-%s", "compress"), ("dateext", "extension .log")]
)
def test_date_stamped_names(log: Log, reader: Reader, directives: tuple[str, ...]) -> None:
    log.rotate("create", *directives)
    log.write()
    reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize(
    "options", [("-n", "-l"), ("-l",), ("-n",), ()], ids=lambda options: " ".join(options) or "compressed"
)
def test_savelog(log: Log, reader: Reader, options: tuple[str, ...]) -> None:
    for _ in range(3):
        run(require("savelog"), "-q", "-c", "9", *options, log.path)
        log.write()
    reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize("times", [2, 5])
@pytest.mark.parametrize(
    "directives", [(), ("compress",), ("compress", "delaycompress"), ("copytruncate", "compress")], ids=" ".join
)
def test_more_than_one_rotation_unseen(log: Log, reader: Reader, times: int, directives: tuple[str, ...]) -> None:
    for _ in range(times):
        log.rotate("create", *directives)
        log.write()
    reader.read()
    assert reader.lines == log.lines


def test_an_empty_rotated_file_between(log: Log, reader: Reader) -> None:
    log.rotate("create")
    log.rotate("create", "ifempty")
    log.write()
    reader.read()
    assert reader.lines == log.lines


def test_a_reused_inode(log: Log, reader: Reader) -> None:
    reader.read()
    inode = log.path.stat().st_ino
    log.path.rename(log.path.with_name("other"))
    shutil.copy2(log.path.with_name("other"), log.path.with_name("mail.log.1"))
    # The same file, hence the same inode, with other content: what a file system may give a new file.
    log.path.with_name("other").rename(log.path)
    log.path.write_bytes(b"")
    assert log.path.stat().st_ino == inode
    log.write(30)
    reader.read()
    assert reader.lines == log.lines


def test_the_log_is_deleted_absent_for_a_while_and_created_again(log: Log, reader: Reader) -> None:
    reader.read()
    log.path.unlink()
    reader.read()
    reader.read()
    log.write()
    reader.read()
    assert reader.lines == log.lines


def test_a_log_directory_that_appears_later(tmp_path: Path) -> None:
    log = Log(tmp_path / "later" / "mail.log")
    with closing(Reader(log.path)) as reader:
        reader.read()
        log.path.parent.mkdir()
        reader.read()
        log.write()
        reader.read()
    assert reader.lines == log.lines
    assert reader.said == [f"{log.path} is not there; waiting for it", f"reading {log.path} again"]


@pytest.mark.parametrize("keeps_running", [True, False])
def test_a_symbolic_link_that_is_switched(tmp_path: Path, keeps_running: bool) -> None:
    link = tmp_path / "mail.log"
    link.symlink_to("monday")
    log = Log(link)
    log.write()
    with closing(Reader(link, keeps_running)) as reader:
        reader.read()
        log.write()
        link.unlink()
        link.symlink_to("tuesday")
        log.write()
        reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize("keeps_running", [True, False])
def test_a_symbolic_link_whose_target_is_rotated(tmp_path: Path, keeps_running: bool) -> None:
    (tmp_path / "target").mkdir()
    link = tmp_path / "mail.log"
    link.symlink_to("target/postfix.log")
    log = Log(link)
    log.write()
    with closing(Reader(link, keeps_running)) as reader:
        reader.read()
        log.write()
        (tmp_path / "target" / "postfix.log").rename(tmp_path / "target" / "postfix.log.1")
        log.write()
        reader.read()
    assert reader.lines == log.lines


def test_truncation_to_a_smaller_size_keeps_what_was_read(log: Log, reader: Reader) -> None:
    reader.read()
    os.truncate(log.path, log.path.read_bytes().rfind(b"\n", 0, -1) + 1)
    reader.read()
    log.write()
    reader.read()
    assert reader.lines == log.lines


@pytest.mark.parametrize("count", [2, 6, 9], ids=["smaller", "same", "larger"])
def test_truncation_and_other_content(log: Log, reader: Reader, count: int) -> None:
    reader.read()
    os.truncate(log.path, 0)
    log.write(count)
    reader.read()
    assert reader.lines == log.lines
    assert reader.said == [
        f"{log.path} as it was read last is gone (deleted or rewritten); reading on with {log.path} from its start"
    ]


def test_a_rotated_file_that_is_deleted_unread_is_told(log: Log) -> None:
    with closing(Reader(log.path, keeps_running=False)) as reader:
        reader.read()
        log.write()
        log.rename("mail.log.1").unlink()
        log.write()
        reader.read()
    assert reader.lines == log.lines[:3] + log.lines[6:]
    assert reader.said == [
        f"{log.path} as it was read last is gone (deleted or rewritten); reading on with {log.path} from its start"
    ]


def test_files_before_the_position_are_not_read_again(log: Log, reader: Reader) -> None:
    for _ in range(3):
        log.rotate("create", "compress")
        log.write()
        reader.read()
    assert reader.lines == log.lines


def test_the_last_line_without_newline_in_a_rotated_file(log: Log, reader: Reader) -> None:
    log.write(1, end=b"")
    reader.read()
    log.rename("mail.log.1")
    log.write()
    reader.read()
    assert reader.lines == log.lines


def test_the_last_line_without_newline_is_waited_for(log: Log, reader: Reader) -> None:
    log.write(1, end=b"")
    reader.read()
    assert reader.lines == log.lines[:-1]
    with log.path.open("ab") as file:
        file.write(b"\n")
    reader.read()
    assert reader.lines == log.lines


def test_of_a_damaged_compressed_file_all_before_the_damage_is_read_and_then_the_next_file(tmp_path: Path) -> None:
    log = Log(tmp_path / "mail.log")
    log.write(1)
    with closing(Reader(log.path, keeps_running=False)) as reader:
        reader.read()
        log.write(9000)
        rotated = log.rename("mail.log.1")
        compress(rotated, "gz")
        compressed = tmp_path / "mail.log.1.gz"
        compressed.write_bytes(compressed.read_bytes()[:-1000])
        log.write()
        reader.read()
    assert reader.lines[-3:] == log.lines[-3:]
    assert reader.lines[:6000] == log.lines[:6000]
    assert reader.said == [
        f"can't read {compressed} further: Compressed file ended before the end-of-stream marker was reached",
        f"reading {log.path} again",
    ]


@pytest.mark.parametrize(
    ("extension", "reason"),
    [("bz2", "Invalid data stream"), ("xz", "Corrupt input data"), ("zst", "Data corruption detected")],
)
def test_damage_in_the_middle_of_a_compressed_file_is_said(log: Log, extension: str, reason: str) -> None:
    log.write(9000)
    compress(log.path, extension)
    damaged = log.path.with_name(f"mail.log.{extension}")
    compressed = bytearray(damaged.read_bytes())
    middle = len(compressed) // 2
    compressed[middle : middle + 1000] = bytes(1000)
    damaged.write_bytes(compressed)
    with pytest.raises(SourceError, match=rf"can't read {damaged}: .*{reason}"):
        list(file_once(str(damaged)))


def test_a_block_of_no_known_kind_in_a_gzip_file_is_said(log: Log) -> None:
    deflate = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    text = log.path.read_bytes()
    log.path.write_bytes(deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH) + b"\7")
    with pytest.raises(SourceError, match=rf"can't read {log.path}: .*invalid block type"):
        list(file_once(str(log.path)))


def test_a_log_whose_time_is_set_back_is_still_the_same(log: Log, reader: Reader) -> None:
    reader.read()
    log.write()
    os.utime(log.path, (1, 1))
    reader.read()
    assert reader.lines == log.lines


def test_a_copy_that_takes_the_logs_place_is_read_on(log: Log, reader: Reader) -> None:
    reader.read()
    shutil.copy2(log.path, log.path.with_name("copy"))
    log.path.with_name("copy").rename(log.path)
    log.write()
    reader.read()
    assert reader.lines == log.lines
    assert reader.said == []


def test_a_file_that_is_compressed_before_any_of_it_was_read(tmp_path: Path) -> None:
    log = Log(tmp_path / "mail.log")
    log.write()
    status, head = log.path.stat(), log.path.read_text()
    compress(log.rename("mail.log.1"), "gz")
    log.write()
    with closing(Reader(log.path)) as reader:
        reader.close()
        reader.position = Position(str(log.path), status.st_dev, status.st_ino, 0, head, status.st_mtime)
        reader.start()
        reader.read()
    assert reader.lines == log.lines


def test_a_log_that_cannot_be_read_yet_is_not_at_its_end(tmp_path: Path) -> None:
    log = Log(tmp_path / "mail.log")
    with closing(Follower(str(log.path), say=lambda _: None)) as follower:
        assert next(follower) is HINDERED
        log.write()
        assert next(follower) is not HINDERED
        assert [block and block.data.count(b"\n") for block in (next(follower), next(follower))] == [3, None]
