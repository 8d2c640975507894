"""After a power cut: RRD files older than the checkpoint, a checkpoint that is torn, empty or garbage, files gone."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import SetZone
from tests.crash.harness import Machine, Step
from tests.crash.test_every_step import at, sent, spam

NOW = 1_800_000_060

MINUTES = 30

SCRIPT: tuple[Step, ...] = (
    *(
        at(NOW + 60 * n + 5, *[sent(NOW + 60 * n)] * (n % 4), *[spam(NOW + 60 * n + 1)] * (n % 3))
        for n in range(MINUTES)
    ),
    *[at(NOW + 60 * MINUTES + 75)] * 2,
)
"""Each minute has other counts, some none; the last one is closed by the clock."""


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, str]:
    undisturbed = Machine(tmp_path / "undisturbed", NOW, SCRIPT)
    undisturbed.run()
    return undisturbed.dump()


def rrd_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.rrd"))


def run_with_old_files(directory: Path, minutes: int, *names: str) -> Machine:
    """A run in which a power cut takes back the last ``minutes`` of the named RRD files, and restarts the daemon."""
    saved = directory.with_name("saved")

    def save(machine: Machine) -> None:
        saved.mkdir()
        for file in rrd_files(machine.directory):
            shutil.copy2(file, saved)

    script = list(SCRIPT)
    script.insert(MINUTES - minutes, save)
    machine = Machine(directory, NOW, script)
    machine.run()
    for name in names:
        shutil.copy2(saved / name, directory)
    machine.go_on_with((at(machine.now),))
    machine.run()
    return machine


ALL = ("mailgraph.rrd", "mailgraph_virus.rrd", "mailgraph_greylist.rrd")


@pytest.mark.parametrize("minutes", range(1, 15))
def test_rrds_of_minutes_ago_are_brought_up_to_date(tmp_path: Path, expected: dict[str, str], minutes: int) -> None:
    machine = run_with_old_files(tmp_path / "cut", minutes, *ALL)
    assert machine.dump() == expected
    assert machine.said == []


@pytest.mark.parametrize("name", ALL)
def test_one_rrd_of_minutes_ago_is_brought_up_to_date(tmp_path: Path, expected: dict[str, str], name: str) -> None:
    assert run_with_old_files(tmp_path / "cut", 14, name).dump() == expected


def test_rrds_older_than_what_is_remembered_are_filled_from_the_log(tmp_path: Path, expected: dict[str, str]) -> None:
    machine = run_with_old_files(tmp_path / "cut", 25, *ALL)
    assert machine.dump() == expected
    assert [text.rpartition("; ")[2] for text in machine.said] == ["reading the log again from its start"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 900,
        b'{"version":1,"log":"',
        b"[]",
        b"{}",
        b'{"version":99}',
        b'{"version":1}',
        b'{"version":1,"log":1,"position":[1],"ledger":{},"newest":"x","window":3}',
        b'{"version":1,"log":"/l","position":null,"ledger":{"open":[["x",{}]],"closed":[],"closed_through":null,'
        b'"kept_from":null,"held":null},"newest":null,"window":""}',
        b"\xff\xfe",
    ],
    ids=[
        "empty",
        "zeros",
        "torn",
        "a-list",
        "no-version",
        "another-version",
        "no-state",
        "other-types",
        "letters",
        "bytes",
    ],
)
@pytest.mark.parametrize("restart_after", [3, 17])
def test_a_checkpoint_that_is_none_is_told_and_survived(
    tmp_path: Path, expected: dict[str, str], content: bytes, restart_after: int
) -> None:
    machine = Machine(tmp_path / "cut", NOW, SCRIPT[:restart_after])
    machine.run()
    (machine.directory / "mailgraph.checkpoint").write_bytes(content)
    machine.go_on_with(SCRIPT[restart_after:])
    machine.run()
    assert machine.dump() == expected
    assert [text.rpartition("; ")[2] for text in machine.said] == [
        "reading the log again from its start, behind what the RRD files hold"
    ]


def test_without_checkpoint_the_log_is_read_behind_what_the_rrds_hold(tmp_path: Path, expected: dict[str, str]) -> None:
    machine = Machine(tmp_path / "cut", NOW, SCRIPT[:17])
    machine.run()
    (machine.directory / "mailgraph.checkpoint").unlink()
    machine.go_on_with(SCRIPT[17:])
    machine.run()
    assert machine.dump() == expected


def test_without_checkpoint_a_log_that_is_there_late_is_counted_in_its_minutes(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    machine = Machine(tmp_path / "cut", NOW, SCRIPT[:17])
    machine.run()
    (machine.directory / "mailgraph.checkpoint").unlink()
    away = machine.log.rename(machine.log.with_name("away"))
    machine.go_on_with(
        (lambda _: None, lambda _: None, lambda machine: away.rename(machine.log) and None, *SCRIPT[17:])
    )
    machine.run()
    assert machine.dump() == expected


def test_without_checkpoint_rotated_files_are_read_too_where_the_rrds_end_before(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    machine = Machine(tmp_path / "cut", NOW, SCRIPT[:7])
    machine.run()
    (machine.directory / "mailgraph.checkpoint").unlink()
    for number in range(7, 20):
        SCRIPT[number](machine)
        if number in (10, 15):
            machine.log.rename(machine.log.with_name(f"mail.log-20270115{number}"))
    machine.go_on_with(SCRIPT[20:])
    machine.run()
    assert machine.dump() == expected
