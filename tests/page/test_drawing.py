"""Graphs as rrdtool's arguments, and what comes of them."""

import subprocess
import sys
from pathlib import Path

import pytest
import rrdtool

from mailgraph import drawing, figures
from mailgraph.files import Files
from mailgraph.graphs import GRAPHS
from mailgraph.schema import MAIL, PERIODS, VIRUS, Family
from mailgraph.views import Look, Range, parsed
from tests.page import png
from tests.page.rrds import NOON, one_a_minute

LAST_DAY = Range(NOON - 86400, NOON, 8)

COUNTED = [letter for letter, graph in GRAPHS.items() if graph.measure.counted]


def ranged(query: str) -> Range:
    """The range of a period a second after NOON."""
    view = parsed(query)
    return view.range(NOON + 1, NOON, view.steps)


def drawn(letter: str, paths: dict[Family, str], asked: Range = LAST_DAY) -> bytes:
    return drawing.draw(GRAPHS[letter], asked, Look(), "png", paths)


def legend(letter: str, number: int, files: dict[Family, str]) -> list[tuple[float, float, float]]:
    """Total (last of what is sampled), average and maximum of each series as rrdtool would print them, with all digits."""
    graph, asked = GRAPHS[letter], ranged(f"{number}-{letter}")
    kinds = ("total" if graph.measure.counted else "last", "average", "maximum")
    prints = [f"PRINT:{series.counter}_{kind}:%.9lf" for series in graph.series for kind in kinds]
    result = rrdtool.graphv("-", *drawing.arguments(graph, asked, Look(), "png", files), *prints)
    numbers = [float(result[f"print[{at}]"]) for at in range(len(prints))]
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


@pytest.mark.parametrize("letter", COUNTED)
@pytest.mark.parametrize("number", range(4))
def test_the_total_of_a_message_a_minute_is_the_periods_minutes(
    all_files: dict[Family, str], letter: str, number: int
) -> None:
    minutes = PERIODS[number].seconds / 60
    for total, average, maximum in legend(letter, number, all_files):
        assert total == pytest.approx(minutes, rel=0.005)
        assert (average, maximum) == pytest.approx((1, 1))


@pytest.mark.parametrize("letter", COUNTED)
@pytest.mark.parametrize("number", range(4))
def test_figures_read_without_rrdtool_are_those_of_its_legend(
    patterned: dict[Family, str], letter: str, number: int
) -> None:
    found = figures.taken(parsed(f"{number}-{letter}"), Files(patterned), NOON + 1).figures
    expected = legend(letter, number, patterned)
    assert [(one.total, one.average, one.maximum) for one in found] == [pytest.approx(row) for row in expected]
    assert len(set(expected)) == len(expected)


@pytest.mark.parametrize(("letter", "size"), [("n", (637, 243)), ("e", (637, 207)), ("g", (637, 179))])
def test_a_picture_has_the_originals_size(files: dict[Family, str], letter: str, size: tuple[int, int]) -> None:
    assert png.size(drawn(letter, files)) == size


@pytest.mark.parametrize("letter", COUNTED)
def test_the_same_data_give_the_same_bytes(all_files: dict[Family, str], letter: str) -> None:
    assert drawn(letter, all_files) == drawn(letter, all_files)


@pytest.mark.parametrize("name", ["a:b", "back\\slash", "both\\:", "per%cent", "quote\"'", "ünï", "#", " blank "])
def test_any_character_may_stand_in_a_path(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    directory.mkdir()
    assert png.size(drawn("n", one_a_minute(directory, NOON))) == (637, 243)


def test_every_colon_in_a_text_is_escaped(files: dict[Family, str]) -> None:
    given = drawing.arguments(GRAPHS["n"], LAST_DAY, Look(), "png", files)
    comment = next(one for one in given if one.startswith("COMMENT:"))
    assert comment.removeprefix("COMMENT:").replace("\\:", "").count(":") == 0
    assert comment.count("\\:") == 2


def test_a_series_is_stacked_on_nothing_where_the_one_below_is_missing(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON, families=(VIRUS,))
    given = drawing.arguments(GRAPHS["e"], LAST_DAY, Look(), "png", paths)
    assert [one for one in given if one.startswith("AREA")] == [
        "AREA:virus#DDBB00:Viruses ",
        "AREA:spam#999999:Spam    :STACK",
    ]


def test_a_locked_file_is_waited_for(files: dict[Family, str], monkeypatch: pytest.MonkeyPatch) -> None:
    draw, pauses = rrdtool.graphv, []

    def locked_twice(*arguments: str) -> object:
        if len(pauses) < 2:
            raise rrdtool.OperationalError("could not lock RRD")
        return draw(*arguments)

    monkeypatch.setattr(rrdtool, "graphv", locked_twice)
    assert png.size(drawing.draw(GRAPHS["n"], LAST_DAY, Look(), "png", files, pauses.append)) == (637, 243)
    assert pauses == [0.05, 0.05]


def test_a_file_that_stays_locked_is_said(files: dict[Family, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_arguments: str) -> None:
        raise rrdtool.OperationalError("could not lock RRD")

    monkeypatch.setattr(rrdtool, "graphv", locked)
    with pytest.raises(drawing.Locked, match="it is being written"):
        drawing.draw(GRAPHS["n"], LAST_DAY, Look(), "png", files, lambda _seconds: None)


def test_another_reason_is_passed_on_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(drawing.Unusable, match=r"can't draw .*/nothing\.rrd: opening '.*': No such file"):
        drawn("n", {MAIL: str(tmp_path / "nothing.rrd")})


@pytest.mark.parametrize("form", ["png", "svg"])
def test_the_date_is_in_english_in_any_environment(files: dict[Family, str], form: str) -> None:
    assert drawing.date(NOON) in ("Wed Nov 25 12:00:00 2026", "Wed Nov 25 13:00:00 2026")


def test_zoom_doubles_a_picture(files: dict[Family, str]) -> None:
    assert png.size(drawing.draw(GRAPHS["n"], LAST_DAY, Look(zoom=2), "png", files)) == (1274, 486)


def test_a_series_that_is_unknown_throughout_is_no_zero(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON - 30 * 86400)
    for total, average, maximum in legend("n", 0, paths):
        assert [str(number) for number in (total, average, maximum)] == ["nan"] * 3


def test_loading_rrdtool_leaves_datetime_and_the_loader_as_they_were() -> None:
    program = """
import sys
from mailgraph import drawing
flags = sys.getdlopenflags()
rrdtool = drawing._rrdtool()
assert sys.getdlopenflags() == flags
import datetime
assert datetime.__name__ == "datetime"
assert rrdtool.lib_version()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
