"""The one-minute detail of the last two days, in a file of its own."""

import json
from pathlib import Path

import pytest
import rrdtool

from mailgraph.page import Page
from mailgraph.rrd import Store
from mailgraph.rrdfile import RrdFile
from mailgraph.schema import CLASSICAL, CLASSICAL_COUNTERS, DAY, FAMILIES, MAIL, MINUTES
from tests.page.rrds import NOON, Patterned, Reply, one_a_minute


def shown(directory: Path, query: str) -> dict[str, object]:
    page = Page(str(directory), "mailgraph", now=lambda: NOON + 1)
    return json.loads(Reply(page, f"{query}&form=json").body)


def test_each_minute_of_two_days_is_kept(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON, days=4, counts=Patterned())
    file = RrdFile(paths[MINUTES])
    expected = [Patterned().get(minute) for minute in range(NOON - 2 * DAY + 60, NOON + 60, 60)]
    for counter in CLASSICAL_COUNTERS:
        found = file.rows(counter, "AVERAGE", 1, NOON - 2 * DAY, NOON)
        assert [round(rate * 60, 6) for rate in found] == [counts[counter] for counts in expected]


def test_librrd_takes_a_minutes_maximum_from_the_same_rows(tmp_path: Path) -> None:
    path = one_a_minute(tmp_path, NOON, counts=Patterned())[MINUTES]
    fetched = [
        rrdtool.fetch(path, kind, "-r", "60", "-s", str(NOON - 3600), "-e", str(NOON)) for kind in ("AVERAGE", "MAX")
    ]
    assert fetched[0] == fetched[1]


def test_catching_up_on_a_year_writes_the_last_minutes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update, written = rrdtool.update, []

    def counted(path: str, *arguments: str) -> None:
        written.append(len(arguments) - 2)
        update(path, *arguments)

    monkeypatch.setattr(rrdtool, "update", counted)
    Store(str(tmp_path), (MINUTES,)).write(MINUTES, Patterned(), NOON - 365 * DAY, NOON)
    assert 2 * 1440 < sum(written) < 3 * 1440


def test_the_classical_files_are_as_they_were(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON)
    for family in CLASSICAL:
        info = rrdtool.info(paths[family])
        archives = [(info[f"rra[{at}].cf"], info[f"rra[{at}].pdp_per_row"], info[f"rra[{at}].rows"]) for at in range(8)]
        assert archives == [(kind, steps, 198) for kind in ("AVERAGE", "MAX") for steps in (8, 56, 280, 3360)]
        assert "rra[8].cf" not in info
    assert Path(paths[MAIL]).name == "mailgraph.rrd"


@pytest.mark.parametrize("query", ["g=n&from=now-6h", f"g=e&from={NOON - 2 * DAY}&to={NOON - DAY}", "g=g&from=now-2d"])
def test_a_range_of_the_last_two_days_is_drawn_minute_by_minute(directory: Path, query: str) -> None:
    assert shown(directory, query)["step"] == 60


def test_an_older_range_is_drawn_from_the_next_archive(directory: Path) -> None:
    assert shown(directory, "g=n&from=now-3d")["step"] == 3360


def test_without_the_minutes_a_range_is_drawn_from_the_classical_file(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON, families=CLASSICAL)
    assert shown(tmp_path, "g=n&from=now-6h")["step"] == 480


def test_while_the_minutes_are_younger_the_classical_file_serves(tmp_path: Path) -> None:
    one_a_minute(tmp_path, NOON, families=CLASSICAL)
    store = Store(str(tmp_path), FAMILIES)
    store.write(MINUTES, Patterned(), NOON - 3 * 3600, NOON)
    assert shown(tmp_path, "g=n&from=now-6h")["step"] == 480
    assert shown(tmp_path, "g=n&from=now-2h")["step"] == 60


def test_a_server_of_two_hours_shows_its_minutes(tmp_path: Path) -> None:
    store = Store(str(tmp_path), FAMILIES)
    for family in FAMILIES:
        store.write(family, Patterned(), NOON - 2 * 3600, NOON)
    assert shown(tmp_path, "g=n&from=now-1d")["step"] == 60


def test_a_broken_file_of_minutes_leaves_the_classical_graphs(tmp_path: Path) -> None:
    paths = one_a_minute(tmp_path, NOON)
    Path(paths[MINUTES]).write_bytes(b"")
    assert shown(tmp_path, "g=n&from=now-6h")["step"] == 480
    assert "mailgraph_minutes.rrd: it is empty" in Reply(Page(str(tmp_path), "mailgraph", now=lambda: NOON)).text
