"""An update that a kill cuts short, wherever it does, is undone, and done again the file is as if nothing had been."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
import rrdtool

from mailgraph.rrd import Direct, RrdError, Store
from mailgraph.rrdfile import HEAD, SOURCE, WORD, RrdFile
from mailgraph.schema import LOAD, MAIL, MINUTES, STEP, Family
from mailgraph.underway import UnderWay
from tests.crash.tears import changed, torn
from tests.daemon.process import PATIENCE, command

ROOT = Path(__file__).parent.parent.parent
LONG_ROW = 3360 * STEP
START = 1_800_000_000 // LONG_ROW * LONG_ROW


class Case(NamedTuple):
    """A file that ends at ``last``, and an update of ``minutes`` that is killed within the one at ``at``."""

    family: Family
    last: int
    minutes: Sequence[int]
    at: int = 0


CASES = {
    "within every row": Case(MAIL, START + 3 * STEP, [START + 4 * STEP]),
    "at the end of every row": Case(MAIL, START + LONG_ROW - STEP, [START + LONG_ROW]),
    "single minutes": Case(MINUTES, START + 3300 * STEP, [START + 3301 * STEP]),
    "over rows without value": Case(LOAD, START + 5 * STEP, [START + 40 * STEP]),
    "early in a batch": Case(MAIL, START, range(START + STEP, START + 60 * STEP, STEP), 7),
    "late in a batch": Case(MAIL, START, range(START + STEP, START + 60 * STEP, STEP), 55),
    "in a batch longer than the ring": Case(MAIL, START, range(START + STEP, START + 1800 * STEP, STEP), 1671),
}


def values(family: Family, minutes: Iterable[int]) -> tuple[str, ...]:
    """As librrd takes them, different ones from minute to minute."""
    numbers = range(1, len(family.sources) + 1)
    return tuple(":".join(map(str, (minute, *(minute // STEP % 11 + n for n in numbers)))) for minute in minutes)


def minute_of(value: str) -> int:
    return int(value.partition(":")[0])


class Files:
    """One RRD file, of a host, that ends at ``last``, and what keeps its updates."""

    def __init__(self, directory: Path, family: Family = MAIL, last: int = START) -> None:
        self.kept = directory / "mailgraph.underway"
        self.access = Direct(UnderWay(str(self.kept)))
        self.store = Store(str(directory / "hosts/a"), (family,), access=self.access)
        self.path = Path(self.store.path(family))
        self.sources = tuple(source for source, _ in family.sources)
        self.path.parent.mkdir(parents=True)
        self.store.sample(family, START, {})
        self.after(*values(family, range(START + STEP, last + STEP, STEP)))

    def keep(self, values: tuple[str, ...]) -> None:
        """What the daemon does before an update."""
        UnderWay(str(self.kept)).keep(str(self.path), minute_of(values[-1]))

    def after(self, *values: str) -> bytes:
        """The file's content after these."""
        if values:
            Direct().update(str(self.path), self.sources, values)
        return self.path.read_bytes()

    def mended(self, content: bytes) -> bytes:
        """What becomes of that content."""
        self.path.write_bytes(content)
        self.access.mend()
        return self.path.read_bytes()

    def counted_on(self, content: bytes, values: Iterable[str]) -> bytes:
        """What becomes of it when who counts has then written what it lacks of the values."""
        self.mended(content)
        last = self.access.last(str(self.path)) or 0
        return self.after(*(value for value in values if minute_of(value) > last))


class Tear(NamedTuple):
    """The file before an update, before and after the value at which that is killed, and after all of it."""

    files: Files
    values: tuple[str, ...]
    before: bytes
    around: tuple[bytes, bytes]
    done: bytes

    def states(self) -> Iterator[bytes]:
        """Whatever of that value is written: all up to a word, all from one on, one alone, and any, at random."""
        words = changed(*self.around)
        random = Random(1)
        for at in range(len(words) + 1):
            for written in (words[:at], words[at:], words[at : at + 1], random.sample(words, at)):
                yield torn(*self.around, written)

    @property
    def state(self) -> bytes:
        """All of the value is written but its time."""
        return torn(*self.around, changed(*self.around))


def torn_file(directory: Path, case: Case) -> Tear:
    files = Files(directory, case.family, case.last)
    new = values(case.family, case.minutes)
    files.keep(new)
    before = files.after()
    around = files.after(*new[: case.at]), files.after(new[case.at])
    tear = Tear(files, new, before, around, files.after(*new[case.at + 1 :]))
    files.path.write_bytes(tear.state)
    return tear


@pytest.fixture(params=CASES)
def tear(request: pytest.FixtureRequest, tmp_path: Path) -> Tear:
    return torn_file(tmp_path, CASES[request.param])


@pytest.fixture
def minute(tmp_path: Path) -> Tear:
    return torn_file(tmp_path, CASES["at the end of every row"])


def test_whatever_is_written_the_file_is_as_after_the_update(tear: Tear) -> None:
    states = list(tear.states())
    assert len(states) > 20
    for state in states:
        assert tear.files.counted_on(state, tear.values) == tear.done


def test_undoing_may_be_cut_short_too(tear: Tear) -> None:
    for cut in range(0, 8192, 256):
        assert tear.files.counted_on(tear.before[:cut] + tear.state[cut:], tear.values) == tear.done


def test_a_pointer_may_be_behind_the_last_row_for_a_moment(tmp_path: Path) -> None:
    files = Files(tmp_path, MINUTES)
    (archive,) = RrdFile(str(files.path)).archives
    end = START + (archive.rows - archive.pointer) * STEP
    files.after(*values(MINUTES, range(START + STEP, end, STEP)))
    (new,) = values(MINUTES, [end])
    files.keep((new,))
    before, done = files.after(), files.after(new)
    at = archive.offset - WORD
    assert (before[at : at + WORD], done[at : at + WORD]) == (struct.pack("@L", archive.rows - 1), bytes(WORD))
    assert files.counted_on(before[:at] + struct.pack("@L", archive.rows) + before[at + WORD :], (new,)) == done


def test_an_update_that_came_to_its_end_is_let_alone(tear: Tear) -> None:
    tear.files.path.write_bytes(tear.done)
    newer = tear.files.after(
        *values(tear.files.store.families[0], [tear.files.access.last(str(tear.files.path)) + STEP])
    )
    for state in (tear.done, newer):
        assert tear.files.mended(state) == state


def test_a_file_of_before_the_update_is_let_alone(tmp_path: Path) -> None:
    files = Files(tmp_path)
    older = files.after()
    files.after(*values(MAIL, [START + STEP]))
    files.keep(values(MAIL, [START + 2 * STEP]))
    assert files.mended(older) == older


def test_a_backup_of_just_before_the_update_is_let_alone(tear: Tear) -> None:
    """Who puts it back wants to be rid of what the update wrote."""
    assert tear.files.mended(tear.before) == tear.before


def test_a_file_that_was_made_anew_is_let_alone(minute: Tear, tmp_path: Path) -> None:
    anew = Files(tmp_path / "anew", MAIL, CASES["at the end of every row"].last).after()
    assert minute.files.mended(anew) == anew


@pytest.mark.parametrize("rows", [-1, 2])
def test_a_file_with_another_pointer_is_let_alone(minute: Tear, rows: int) -> None:
    """The update moves each by one."""
    first = RrdFile(str(minute.files.path)).archives[0]
    at = first.offset - 8 * WORD
    pointer = struct.unpack("@L", minute.before[at : at + WORD])[0]
    moved = struct.pack("@L", (pointer + rows) % first.rows)
    content = minute.before[:at] + moved + minute.before[at + WORD :]
    assert minute.files.mended(content) == content


def test_a_file_that_was_tuned_is_let_alone(minute: Tear) -> None:
    rrdtool.tune(str(minute.files.path), "--heartbeat", "sent:600")
    tuned = minute.files.after()
    assert tuned != minute.state
    assert minute.files.mended(tuned) == tuned


@pytest.mark.parametrize("content", [b"", b"RRD\0", b"RRD\0" + bytes(300), b"RRD\0" * 999, bytes(9999)])
def test_what_is_no_rrd_file_any_more_is_let_alone(minute: Tear, content: bytes) -> None:
    assert minute.files.mended(content) == content


@pytest.mark.parametrize("word", [24, 32])
def test_a_damaged_file_whose_archive_has_no_rows_is_let_alone(tmp_path: Path, word: int) -> None:
    """Rows, or steps a row; it is as it was when the update was to begin."""
    files = Files(tmp_path)
    content = files.after()
    at = HEAD + len(files.sources) * SOURCE + word
    damaged = content[:at] + bytes(WORD) + content[at + WORD :]
    files.path.write_bytes(damaged)
    files.keep(values(MAIL, [START + STEP]))
    assert files.mended(damaged) == damaged


def test_a_file_that_is_gone_is_not_missed(minute: Tear) -> None:
    minute.files.path.unlink()
    minute.files.access.mend()
    assert not minute.files.path.exists()


def test_what_was_not_kept_to_its_end_undoes_nothing(tmp_path: Path) -> None:
    """A kill within the keeping: the update has not begun, and the one of before that is written over is done."""
    files = Files(tmp_path)
    batch = values(MAIL, range(START + STEP, START + 30 * STEP, STEP))
    files.keep(batch)
    files.after(*batch)
    kept = files.kept.read_bytes()
    files.keep(values(MAIL, [START + 30 * STEP]))
    new = files.kept.read_bytes()
    before = files.after()
    assert len(new) == len(kept)
    for cut in range(0, len(new), 53):
        if new[cut:] != kept[cut:]:
            files.kept.write_bytes(new[:cut] + kept[cut:])
            files.access.mend()
            files.kept.write_bytes(new[:cut])
            files.access.mend()
    assert files.after() == before


def test_where_an_update_can_not_be_kept_it_does_not_begin(tmp_path: Path) -> None:
    files = Files(tmp_path)
    before = files.after()
    files.kept.unlink()
    files.kept.mkdir()
    with pytest.raises(RrdError, match=r"can't use .*/mailgraph.underway: Is a directory"):
        files.store.write(MAIL, {}, START, START + STEP)
    assert files.after() == before


def test_where_nothing_can_be_undone_it_is_said_and_the_counting_begins(minute: Tear, tmp_path: Path) -> None:
    minute.files.kept.unlink()
    minute.files.kept.mkdir()
    log = tmp_path / "mail.log"
    log.touch()
    done = subprocess.run(
        command(log, tmp_path, "--cat"), check=True, timeout=PATIENCE, stderr=subprocess.PIPE, text=True
    )
    assert done.stderr == f"mailgraph: can't use {minute.files.kept}: Is a directory\n"


def test_what_another_version_kept_undoes_nothing(minute: Tear) -> None:
    """The length stood before the checksum, and there was more between the path and the head."""
    place, end, head = minute.files.kept.read_bytes()[2 * WORD :].split(b"\0", 2)
    kept = b"\0".join((place, b"sent:recv", end + b":1:2", head))
    minute.files.kept.write_bytes(struct.pack("@2L", len(kept), zlib.crc32(kept)) + kept)
    assert minute.files.mended(minute.state) == minute.state


def test_the_next_run_undoes_it(minute: Tear, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.touch()
    subprocess.run(command(log, tmp_path, "--cat"), check=True, timeout=PATIENCE)
    assert minute.files.after(*minute.values) == minute.done


@pytest.mark.parametrize("batch", [1, 300])
def test_no_kill_leaves_a_trace(tmp_path: Path, batch: int) -> None:
    """Kills for real; without the mending 5 of 100 leave one."""
    kills = [sys.executable, "-m", "tests.crash.kill_updates", "--kills", "200", "--batch", str(batch)]
    said = subprocess.run(kills, check=False, capture_output=True, text=True, cwd=ROOT)
    assert said.stdout == f"200 kills within updates of {batch} minutes: 0 files differ\n"
