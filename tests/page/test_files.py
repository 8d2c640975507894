"""RRD files as they may be, read without librrd."""

import os
from pathlib import Path

import pytest
import rrdtool

from mailgraph.files import Files, Unusable
from mailgraph.graphs import GRAPHS
from mailgraph.rrdfile import RrdFile
from mailgraph.schema import ARCHIVE_STEPS, CLASSICAL, DAY, GREYLIST, MAIL, MINUTES, Family
from tests.page.rrds import NOON, one_a_minute


@pytest.mark.parametrize("steps", ARCHIVE_STEPS)
@pytest.mark.parametrize("kind", ["AVERAGE", "MAX"])
@pytest.mark.parametrize("back", [3, 50, 195])
def test_rows_are_those_that_librrd_fetches(patterned: dict[Family, str], steps: int, kind: str, back: int) -> None:
    """Inside what is stored, and behind it."""
    row = steps * 60
    end = (NOON // row + 2) * row
    start = end - back * row
    for path in (patterned[family] for family in CLASSICAL):
        _, names, rows = rrdtool.fetch(path, kind, "-r", str(row), "-s", str(start), "-e", str(end - 1))
        assert len(rows) == back
        for at, name in enumerate(names):
            found = RrdFile(path).rows(name, kind, steps, start, end)
            assert [None if value != value else value for value in found] == [values[at] for values in rows]


def test_rows_before_those_that_are_stored_are_unknown(files: dict[Family, str]) -> None:
    file = RrdFile(files[MAIL])
    rows = file.rows("sent", "AVERAGE", 8, NOON - 200 * 480, NOON)
    assert [value == value for value in rows] == [False] * 2 + [True] * 198
    assert [value == value for value in file.rows("sent", "MAX", 8, NOON - 210 * 480, NOON - 200 * 480)] == [False] * 10


def test_the_last_update_is_librrds(patterned: dict[Family, str]) -> None:
    for path in patterned.values():
        assert RrdFile(path).last == rrdtool.last(path)


def test_a_row_that_nobody_wrote_is_unknown(tmp_path: Path) -> None:
    path = one_a_minute(tmp_path, NOON, days=1)[MAIL]
    rows = RrdFile(path).rows("sent", "AVERAGE", 8, NOON - 2 * DAY, NOON + 480)
    assert [value == value for value in rows] == [False] * 180 + [True] * 180 + [False]


def spoil_empty(path: Path) -> None:
    path.write_bytes(b"")


def spoil_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def spoil_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def spoil_text(path: Path) -> None:
    path.write_bytes(b"This is no RRD file.\n" * 100)


def spoil_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def spoil_foreign(path: Path) -> None:
    path.unlink()
    rrdtool.create(str(path), "--start", str(NOON - DAY), "DS:load:GAUGE:600:0:U", "RRA:AVERAGE:0.5:1:600")


def spoil_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def spoil_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def spoil_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def spoil_huge(path: Path) -> None:
    os.truncate(path, 2**26 + 1)


def spoil_other_machine(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:16] + content[23:15:-1] + content[24:])


def spoil_archives(path: Path) -> None:
    path.unlink()
    sources = [f"DS:{name}:ABSOLUTE:120:0:U" for name in ("greylisted", "delayed")]
    rrdtool.create(str(path), "--start", str(NOON - DAY), *sources, "RRA:AVERAGE:0.5:1:600")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_empty, "it is empty ("),
        (spoil_short, "it was cut off ("),
        (spoil_cut, "it was cut off ("),
        (spoil_text, "it is not an RRD file ("),
        (spoil_pipe, "it is not an RRD file ("),
        (spoil_device, "it is not an RRD file ("),
        (spoil_huge, "it is not an RRD file ("),
        (spoil_other_machine, "it was made on another kind of machine ("),
        (spoil_directory, "it is not an RRD file ("),
        (spoil_link, "No such file or directory ("),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path, spoil: object, said: str) -> None:
    paths = one_a_minute(tmp_path, NOON)
    spoil(Path(paths[GREYLIST]))
    with pytest.raises(Unusable) as error:
        Files(paths).open(GREYLIST)
    assert (
        str(error.value).removeprefix("can't use ").removeprefix("can't read ").startswith(f"{paths[GREYLIST]}: {said}")
    )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_foreign, "it has no data source greylisted"),
        (spoil_archives, "it has no AVERAGE archive of 480 s"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_of_something_else_is_named_with_what_to_do(tmp_path: Path, spoil: object, said: str) -> None:
    paths = one_a_minute(tmp_path, NOON)
    spoil(Path(paths[GREYLIST]))
    with pytest.raises(Unusable) as error:
        Files(paths).open(GREYLIST)
    assert str(error.value) == f"can't use {paths[GREYLIST]}: {said} (move it away, and mailgraph makes a new one)"


def test_files_that_do_not_exist_are_left_out(tmp_path: Path, files: dict[Family, str]) -> None:
    one_a_minute(tmp_path, NOON, families=(MAIL,))
    paths = {family: str(tmp_path / family.file_name()) for family in files}
    assert list(Files(paths).of(GRAPHS["e"].families(8))) == [MAIL]


def test_no_file_yet_says_that_mailgraph_makes_it(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"there is no .*/mailgraph\.rrd yet \(start mailgraph"):
        Files({MAIL: str(tmp_path / "mailgraph.rrd")}).of([MAIL])


def test_a_missing_directory_is_named() -> None:
    with pytest.raises(Unusable, match=r"can't read the directory /no/such/directory: No such file"):
        Files({MAIL: "/no/such/directory/mailgraph.rrd"}).of([MAIL])


def test_the_rows_of_a_large_file_are_those_of_when_they_are_asked_for(tmp_path: Path) -> None:
    path = Path(one_a_minute(tmp_path, NOON)[MINUTES])
    asked = "sent", "AVERAGE", 1, NOON - 600, NOON
    before, after = RrdFile(str(path)), RrdFile(str(path))
    rates = [*before.rows(*asked)]
    assert len(rates) == 10
    assert min(rates) > 0
    path.unlink()
    assert [*before.rows(*asked)] == rates
    assert all(rate != rate for rate in after.rows(*asked))
    assert after.last == NOON
