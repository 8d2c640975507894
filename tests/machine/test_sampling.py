"""One sample in each minute of the clock, whatever the clock does, into real RRD files."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
import rrdtool

from mailgraph.rrd import RrdError, Store
from mailgraph.rrdfile import RrdFile
from mailgraph.sampling import Outcome, Sampling
from mailgraph.schema import LOAD, QUEUE, STEP, Family
from tests.conftest import SetZone

NOW = 1_792_886_400
"""2026-10-25 00:00 UTC: an hour before clocks in Europe are put back."""


class Counting:
    """A sampler whose value is how often it was looked at, and which takes ``turns`` to come to it."""

    descriptors: Sequence[int] = ()

    def __init__(self, turns: int = 1) -> None:
        self.looks = 0
        self.fault = ""
        self.closed = False
        self._turns = turns
        self._left = 0

    def begin(self) -> None:
        self.looks += 1
        self._left = self._turns

    def collect(self) -> Iterable[Outcome]:
        self._left -= 1
        if self._left == 0:
            values = [(LOAD, dict.fromkeys(("load_1", "load_5", "load_15"), float(self.looks)))]
            yield Outcome("a thing", () if self.fault else values, self.fault)

    def close(self) -> None:
        self.closed = True


class Machine:
    """A sampling with a clock that a test sets."""

    def __init__(self, directory: Path, sampler: Counting | None = None) -> None:
        self.directory = directory
        self.sampler = sampler or Counting()
        self.now: float = NOW
        self.said: list[str] = []
        self.start()

    def start(self) -> None:
        store = Store(str(self.directory), ())
        self.sampling = Sampling([self.sampler], store, self.said.append, lambda: self.now)

    def at(self, *seconds: float) -> None:
        """A turn at each of these seconds after NOW."""
        for second in seconds:
            self.now = NOW + second
            self.sampling.turn()

    def stored(self, minutes: int) -> list[float | None]:
        """What the file holds of the minutes from NOW on."""
        file = RrdFile(str(self.directory / "mailgraph_load.rrd"))
        rows = file.rows("load5", "AVERAGE", 1, NOW - STEP, NOW + (minutes - 1) * STEP)
        return [None if row != row else row for row in rows]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_each_minute_has_one_sample(machine: Machine) -> None:
    machine.at(*range(0, 240, 7))
    assert machine.stored(5) == [1, 2, 3, 4, None]
    assert machine.sampler.looks == 4


def test_the_file_is_made_with_the_first_sample(machine: Machine) -> None:
    assert not (machine.directory / "mailgraph_load.rrd").exists()
    machine.at(0)
    info = rrdtool.info(str(machine.directory / "mailgraph_load.rrd"))
    assert [info[f"ds[{name}].type"] for name in ("load1", "load5", "load15")] == ["GAUGE"] * 3
    assert {info[f"ds[{name}].minimal_heartbeat"] for name in ("load1", "load5", "load15")} == {120}
    assert (info["step"], info["last_update"]) == (60, NOW)


def test_a_minute_without_turn_is_unknown(machine: Machine) -> None:
    machine.at(0, 60, 180, 480)
    assert machine.stored(9) == [1, 2, None, 3, None, None, None, None, 4]


def test_while_the_daemon_is_down_nothing_is_known(machine: Machine) -> None:
    machine.at(0, 60)
    machine.start()
    machine.at(65)  # the minute is taken already
    machine.at(300)
    assert machine.stored(6) == [1, 2, None, None, None, 4]
    assert machine.said == []


def test_a_clock_that_is_put_back_a_little_takes_no_minute_twice(machine: Machine) -> None:
    machine.at(0, 60, 120, 61, 65, 121, 180)
    assert machine.stored(4) == [1, 2, 3, machine.sampler.looks]
    assert machine.said == []


def test_a_clock_that_is_put_back_far_is_said_once_and_its_time_waited_for(machine: Machine, set_zone: SetZone) -> None:
    set_zone("UTC")
    machine.at(7200, 0, 60, 120, 7200, 7260)
    assert machine.said == [
        f"{machine.directory}/mailgraph_load.rrd ends at 2026-10-25 02:00, later than now, and takes nothing until then;"
        " these samples are lost, the counting goes on",
        f"{machine.directory}/mailgraph_load.rrd: all is well again",
    ]
    assert machine.stored(122)[119:] == [None, 1, machine.sampler.looks]


def test_a_clock_that_jumps_ahead_leaves_a_gap(machine: Machine) -> None:
    machine.at(0, 86400, 86460)
    assert machine.stored(1442) == [1, *[None] * 1439, 2, 3]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
def test_summer_time_ends_and_begins_without_gap(machine: Machine, set_zone: SetZone, zone: str) -> None:
    set_zone(zone)
    machine.at(*range(0, 5 * 3600, 60))
    assert machine.stored(300) == list(range(1, 301))


def test_what_takes_longer_is_stored_in_the_minute_in_which_it_was_looked_at(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Counting(turns=3))
    machine.at(0, 1, 60, 61, 62)
    assert machine.stored(2) == [1, 2]


def test_a_sample_that_cannot_be_stored_is_said_once_and_nothing_ends(machine: Machine) -> None:
    file = machine.directory / "mailgraph_load.rrd"
    file.write_text("something else")
    machine.at(0, 60, 120)
    assert len(machine.said) == 1
    assert machine.said[0].startswith(f"can't use {file}: ")
    assert machine.said[0].endswith("and a new one will be made); these samples are lost, the counting goes on")
    file.unlink()
    machine.at(180, 240)
    assert machine.said[1:] == [f"{file}: all is well again"]
    assert machine.stored(5) == [None, None, None, 4, 5]


def test_a_fault_is_said_once_and_when_it_is_gone(machine: Machine) -> None:
    machine.at(0)
    machine.sampler.fault = "is out of order"
    machine.at(60)
    machine.sampler.fault = "is still out of order"
    machine.at(120)
    machine.sampler.fault = ""
    machine.at(180)
    machine.sampler.fault = "again"
    machine.at(240)
    assert machine.said == ["a thing: is out of order", "a thing: all is well again", "a thing: again"]
    assert machine.stored(5) == [1, None, None, 4, None]


def test_a_value_that_is_not_there_is_unknown_and_the_others_count(tmp_path: Path) -> None:
    store = Store(str(tmp_path), (QUEUE,))
    store.sample(QUEUE, NOW, {"queue_active": 3, "queue_hold": 0})
    file = RrdFile(store.path(QUEUE))
    found = [file.rows(source, "AVERAGE", 1, NOW - STEP, NOW)[0] for source, _ in QUEUE.sources]
    assert str(found) == "[nan, 3.0, nan, 0.0, nan]"


@pytest.mark.parametrize("value", [1e300, -1e300, 1e-300, 0.1 + 0.2, 12345678901234567, -0.0])
def test_any_number_is_stored_as_it_is(tmp_path: Path, value: float) -> None:
    store = Store(str(tmp_path), (LOAD,))
    store.sample(LOAD, NOW, {"load_1": value})
    (found,) = RrdFile(store.path(LOAD)).rows("load1", "AVERAGE", 1, NOW - STEP, NOW)
    assert found == pytest.approx(value, rel=1e-15)


def test_what_ails_several_in_the_same_words_is_said_once(tmp_path: Path) -> None:
    class Refusing(Store):
        def sample(self, family: Family, minute: int, values: object) -> None:
            if minute == NOW:
                raise RrdError("the other machine can't be reached")

    class Two(Counting):
        def collect(self) -> Iterable[Outcome]:
            return [Outcome("things", [(LOAD, {}), (QUEUE, {})])] if self.looks else []

    said: list[str] = []
    now = [NOW, NOW, NOW + 60]
    sampling = Sampling([Two()], Refusing(str(tmp_path), ()), said.append, lambda: now.pop(0))
    for _ in range(3):
        sampling.turn()
    assert said == [
        "the other machine can't be reached; these samples are lost, the counting goes on",
        f"{tmp_path}/mailgraph_queue.rrd: all is well again",
    ]


def test_a_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    missing = tmp_path / "away"
    missing.mkdir()
    machine = Machine(missing)
    os.rmdir(missing)
    machine.at(0)
    machine.at(60)
    assert len(machine.said) == 1
    assert machine.said[0].startswith(f"can't use {missing}/mailgraph_load.rrd: ")


def test_closing_closes_what_is_looked_at(machine: Machine) -> None:
    machine.sampling.close()
    assert machine.sampler.closed
