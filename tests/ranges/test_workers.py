"""Processes that read along: one that dies, a file that can't be read, a signal, the end of the program itself."""

import contextlib
import gzip
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

import pytest

from mailgraph.daemon import Alone, Followed, Loop, Signals
from mailgraph.guess import State
from mailgraph.ranges import Counted, Lane, Scan, lanes
from mailgraph.sources import Block, SourceError
from mailgraph.workers import PAUSE, counted_along
from tests.conftest import SetZone
from tests.daemon.process import PATIENCE, command, holder, until
from tests.ranges.mail import NOVEMBER, log
from tests.ranges.reading import NOW, TINY, Reader

GONE = "a process that was reading along is gone (killed?); its part of the log is read without it"

STOPPED = "mailgraph: stopped before the end of the log; what was read is counted, and another run goes on from there\n"


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mail.log"
    path.write_bytes(log(1, 700, NOVEMBER))
    os.utime(path, (NOW, NOW))
    return path


@pytest.fixture
def new_reader(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Reader]:
    return lambda: Reader(tmp_path_factory.mktemp("rrd"))


def dying(scan: Scan, unlucky: Lane, after: int) -> Scan:
    """A scan that kills its process in one of the lanes, when it has said so much of it."""

    def scan_and_die(lane: Lane) -> Iterator[State | Counted]:
        for number, said in enumerate(scan(lane)):
            if lane == unlucky and number == after:
                os.kill(os.getpid(), SIGKILL)
            yield said

    return scan_and_die


@pytest.mark.parametrize("after", [0, 1, 2])
@pytest.mark.parametrize("unlucky", [0, 1, -1])
def test_a_process_that_is_killed_takes_nothing_with_it(
    path: Path, new_reader: Callable[[], Reader], unlucky: int, after: int
) -> None:
    alone = new_reader().alone(path)
    cut = lanes([str(path)], 2, None, TINY)
    said: list[str] = []
    reader = new_reader()
    with_others = reader.with_others(cut, 2, dying(reader.scan, cut[unlucky], after), said.append)
    assert said == [GONE]
    assert with_others.dumps == alone.dumps
    assert with_others.scanned > 0


def test_all_processes_killed(path: Path, new_reader: Callable[[], Reader]) -> None:
    def die(_lane: Lane) -> Iterator[State | Counted]:
        os.kill(os.getpid(), SIGKILL)
        yield from ()

    alone = new_reader().alone(path)
    said: list[str] = []
    with_others = new_reader().with_others(lanes([str(path)], 2, None, TINY), 2, die, said.append)
    assert said == [GONE, GONE]
    assert with_others.dumps == alone.dumps
    assert with_others.scanned == alone.scanned


def test_where_no_more_files_can_be_opened_fewer_processes_do(path: Path, new_reader: Callable[[], Reader]) -> None:
    alone = new_reader().alone(path)
    reader = new_reader()
    cut = lanes([str(path)], 4, None, TINY)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 5, hard))
    try:
        with_others = reader.with_others(cut, 4)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(cut) > 4
    assert with_others.dumps == alone.dumps


def test_a_damaged_file_is_said_behind_what_could_be_read(
    tmp_path: Path, path: Path, new_reader: Callable[[], Reader]
) -> None:
    damaged, later = tmp_path / "damaged.gz", tmp_path / "later.log"
    damaged.write_bytes(gzip.compress(path.read_bytes() * 2)[:-2000])
    later.write_bytes(path.read_bytes())
    logs = [path, damaged, later]
    alone, with_others = new_reader(), new_reader()
    with pytest.raises(SourceError, match=rf"can't read {damaged}: ") as said_alone:
        alone.alone(*logs)
    with pytest.raises(SourceError) as said_with_others:
        with_others.with_others(lanes(map(str, logs), 3, None, TINY), 3)
    for reader in (alone, with_others):
        reader.counting.write()
    assert str(said_with_others.value) == str(said_alone.value)
    assert with_others.dumps() == alone.dumps()
    assert not multiprocessing.active_children()


def test_a_log_that_is_rotated_meanwhile_is_said(path: Path, new_reader: Callable[[], Reader]) -> None:
    cut = lanes([str(path)], 2, None, TINY)
    path.rename(path.with_suffix(".1"))
    path.write_bytes(b"")
    with pytest.raises(SourceError, match=r"is another file since reading began \(rotated\?\); start again"):
        new_reader().with_others(cut)


def test_a_signal_is_heeded_while_tallies_are_waited_for(path: Path, new_reader: Callable[[], Reader]) -> None:
    def wait(_lane: Lane) -> Iterator[State | Counted]:
        signal.pause()
        yield from ()

    reader = new_reader()
    reader.counting.start()

    def source(_start: object) -> Generator[Block, None, None]:
        cut = lanes([str(path)], 2, None, TINY)
        for block in counted_along(cut, wait, 2, reader.counting, pytest.fail):
            assert block is PAUSE
            assert len(multiprocessing.active_children()) == 2
            os.kill(os.getpid(), SIGTERM)
            yield block

    with Signals() as signals:
        log = Followed(reader.counting, source, pytest.fail, patient=False)
        assert Loop([log], signals, lambda: None).run()
        assert signals.stop
    assert not multiprocessing.active_children()


def children(pid: int) -> set[int]:
    """The processes that another one has started and that are there."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def is_there(pid: int) -> bool:
    """Whether the process runs, or has not been waited for."""
    return Path(f"/proc/{pid}").exists()


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 MiB: long enough to be cut as it is by default."""
    path = tmp_path_factory.mktemp("log") / "mail.log"
    text = log(1, 3000, NOVEMBER)
    path.write_bytes(text * ((40 << 20) // len(text)))
    return path


@pytest.fixture
def reading(long_log: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A mailgraph that reads the log with two others, which are there."""
    options = ("--cat", "--jobs", "2")
    with subprocess.Popen(command(long_log, tmp_path, *options), stderr=subprocess.PIPE, text=True) as process:
        until(lambda: len(children(process.pid)) == 2)
        yield process
        process.kill()


@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_signal_ends_all_of_them(reading: "subprocess.Popen[str]", number: int) -> None:
    others = children(reading.pid)
    reading.send_signal(number)
    assert reading.communicate(timeout=PATIENCE)[1] == STOPPED
    assert reading.returncode == 1
    assert not any(map(is_there, others))


def test_they_end_when_the_program_is_killed(reading: "subprocess.Popen[str]") -> None:
    others = children(reading.pid)
    reading.kill()
    reading.wait(PATIENCE)
    until(lambda: not any(map(is_there, others)))


def open_files(pid: int) -> set[str]:
    """What the process has open, nothing when it has ended; a file that it closes just then may be among them or not."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(descriptor))
    return found


def test_a_program_that_is_killed_leaves_no_lock(reading: "subprocess.Popen[str]", tmp_path: Path) -> None:
    until(lambda: holder(tmp_path) == reading.pid)
    lock = str(tmp_path / "mailgraph.lock")
    assert lock in open_files(reading.pid)
    others = children(reading.pid)
    until(lambda: all((files := open_files(other)) and lock not in files for other in others))
    reading.kill()
    reading.wait(PATIENCE)
    with Alone(str(tmp_path), "mailgraph"):
        pass


def test_they_end_in_the_middle_of_a_lane_when_the_program_is_killed(
    path: Path, new_reader: Callable[[], Reader]
) -> None:
    def scan_for_long(_lane: Lane) -> Iterator[State | Counted]:
        time.sleep(2 * PATIENCE)
        yield from ()

    def read() -> None:
        new_reader().with_others(lanes([str(path)], 2, None, TINY), 2, scan_for_long)

    program = multiprocessing.get_context("fork").Process(target=read)
    program.start()
    pid = program.pid or 0
    until(lambda: len(children(pid)) == 2)
    others = children(pid)
    program.kill()
    program.join(PATIENCE)
    until(lambda: not any(map(is_there, others)))


def test_one_that_is_killed_is_said_and_the_program_goes_on(reading: "subprocess.Popen[str]") -> None:
    os.kill(min(children(reading.pid)), SIGKILL)
    assert reading.communicate(timeout=PATIENCE)[1] == f"mailgraph: {GONE}\n"
    assert reading.returncode == 0


@pytest.mark.parametrize("options", [("--jobs", "1"), ("--jobs", "8")])
def test_a_short_log_starts_no_process(path: Path, tmp_path: Path, options: tuple[str, str]) -> None:
    program = "import sys; from mailgraph.cli import main; main(); print('multiprocessing' in sys.modules)"
    arguments = [*command(path, tmp_path, "--cat", *options)[3:]]
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("number", ["0", "two", "513"])
def test_no_number_of_processes(path: Path, tmp_path: Path, number: str) -> None:
    done = subprocess.run(command(path, tmp_path, "-c", "--jobs", number), check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{number!r} is no number of processes from 1 to 512" in done.stderr
