"""Graphs as rrdtool's arguments, and what comes of them."""

from pathlib import Path

import pytest
import rrdtool

from mailgraph import graphs
from mailgraph.graphs import GRAPHS
from mailgraph.schema import DAY, GREYLIST, MAIL, PERIODS, VIRUS, Family
from tests.page import png
from tests.page.rrds import NOON, one_a_minute

LAST_DAY = PERIODS[0]


@pytest.mark.parametrize("letter", GRAPHS)
@pytest.mark.parametrize("period", PERIODS, ids=lambda period: period.title)
def test_the_total_of_a_message_a_minute_is_the_periods_minutes(
    files: dict[Family, str], letter: str, period: graphs.Period
) -> None:
    graph = GRAPHS[letter]
    prints = [f"PRINT:{series.counter}_total:%lf" for series in graph.series]
    drawn = rrdtool.graphv("-", *graphs.arguments(graph, period, graphs.latest_end(period, NOON), files), *prints)
    totals = [float(drawn[f"print[{at}]"]) for at in range(len(prints))]
    assert totals == pytest.approx([period.seconds / 60] * len(prints), rel=0.005)


@pytest.mark.parametrize(("letter", "size"), [("n", (637, 243)), ("e", (637, 207)), ("g", (637, 179))])
def test_a_picture_has_the_originals_size(files: dict[Family, str], letter: str, size: tuple[int, int]) -> None:
    assert png.size(graphs.draw(GRAPHS[letter], LAST_DAY, NOON, files)) == size


@pytest.mark.parametrize("letter", GRAPHS)
def test_the_same_data_give_the_same_bytes(files: dict[Family, str], letter: str) -> None:
    assert graphs.draw(GRAPHS[letter], LAST_DAY, NOON, files) == graphs.draw(GRAPHS[letter], LAST_DAY, NOON, files)


@pytest.mark.parametrize("name", ["a:b", "back\\slash", "both\\:", "per%cent", "quote\"'", "ünï", "#", " blank "])
def test_any_character_may_stand_in_a_path(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    assert png.size(graphs.draw(GRAPHS["n"], LAST_DAY, NOON, one_a_minute(directory, NOON))) == (637, 243)


def test_every_colon_in_a_text_is_escaped(files: dict[Family, str]) -> None:
    comment = next(one for one in graphs.arguments(GRAPHS["n"], LAST_DAY, NOON, files) if one.startswith("COMMENT:"))
    assert comment.removeprefix("COMMENT:").replace("\\:", "").count(":") == 0
    assert comment.count("\\:") == 2


@pytest.mark.parametrize(
    ("period", "end"),
    list(zip(PERIODS, (1_795_608_000, 1_795_607_520, 1_795_600_800, 1_795_449_600), strict=True)),
)
def test_a_period_ends_with_the_last_whole_row_of_its_archive(period: graphs.Period, end: int) -> None:
    row = period.steps * 60
    assert graphs.latest_end(period, NOON + 59) == end
    assert end % row == 0
    assert 0 <= NOON - end < row


def test_a_graph_is_drawn_of_the_files_that_exist(tmp_path: Path, files: dict[Family, str]) -> None:
    one_a_minute(tmp_path, NOON, families=(MAIL,))
    paths = {family: str(tmp_path / family.file_name()) for family in files}
    found = graphs.existing(GRAPHS["e"], paths)
    assert list(found) == [MAIL]
    assert png.size(graphs.draw(GRAPHS["e"], LAST_DAY, NOON, found)) == (637, 179)


def test_a_series_is_stacked_on_nothing_where_the_one_below_is_missing(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON, families=(VIRUS,))
    drawn = [one for one in graphs.arguments(GRAPHS["e"], LAST_DAY, NOON, paths) if one.startswith("AREA")]
    assert drawn == ["AREA:virus#DDBB00:Viruses ", "AREA:spam#999999:Spam    :STACK"]


def test_a_locked_file_is_waited_for(files: dict[Family, str], monkeypatch: pytest.MonkeyPatch) -> None:
    draw, pauses = rrdtool.graphv, []

    def locked_twice(*arguments: str) -> object:
        if len(pauses) < 2:
            raise rrdtool.OperationalError("could not lock RRD")
        return draw(*arguments)

    monkeypatch.setattr(rrdtool, "graphv", locked_twice)
    assert png.size(graphs.draw(GRAPHS["n"], LAST_DAY, NOON, files, pauses.append)) == (637, 243)
    assert pauses == [0.05, 0.05]


def test_a_file_that_stays_locked_is_said(files: dict[Family, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_arguments: str) -> None:
        raise rrdtool.OperationalError("could not lock RRD")

    monkeypatch.setattr(rrdtool, "graphv", locked)
    with pytest.raises(graphs.Locked, match="it is being written"):
        graphs.draw(GRAPHS["n"], LAST_DAY, NOON, files, lambda _seconds: None)


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


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (spoil_empty, "it is empty"),
        (spoil_short, "it was cut off"),
        (spoil_cut, "it was cut off"),
        (spoil_text, "it is not an RRD file"),
        (spoil_directory, "it is a directory"),
        (spoil_foreign, "it was not made by mailgraph"),
        (spoil_link, "it does not exist"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_file_that_cannot_be_drawn_is_named_with_what_to_do(tmp_path: Path, spoil: object, said: str) -> None:
    paths = one_a_minute(tmp_path, NOON)
    spoil(Path(paths[GREYLIST]))
    with pytest.raises(graphs.DrawingError) as error:
        graphs.draw(GRAPHS["g"], LAST_DAY, NOON, graphs.existing(GRAPHS["g"], paths))
    assert str(error.value).startswith(f"can't draw {paths[GREYLIST]}: {said} (")


def test_no_file_yet_says_that_mailgraph_makes_it(tmp_path: Path) -> None:
    with pytest.raises(graphs.DrawingError, match=r"there is no .*/mailgraph\.rrd yet \(start mailgraph"):
        graphs.existing(GRAPHS["n"], {MAIL: str(tmp_path / "mailgraph.rrd")})


def test_a_missing_directory_is_named() -> None:
    with pytest.raises(graphs.DrawingError, match=r"can't read the directory /no/such/directory: No such file"):
        graphs.existing(GRAPHS["n"], {MAIL: "/no/such/directory/mailgraph.rrd"})
