"""The files of many hosts: how often each is asked, what the disk surely has, and how much is remembered for one."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailgraph import counting
from mailgraph.rrd import FEW, Direct, Store, syncfs
from tests.conftest import SetZone
from tests.crash.harness import FAMILIES, Crash, Machine
from tests.splitting.test_splitting import NOW, SPLIT, all_files, at, received, sent


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def stamp(second: int) -> str:
    return time.strftime("%b %d %H:%M:%S", time.gmtime(NOW + second))


class Asked(Direct):
    """Counts how often files are asked for their last minute."""

    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[str] = Counter()

    def last(self, path: str) -> int | None:
        self.times[os.path.relpath(path, os.path.dirname(os.path.dirname(path)))] += 1
        return super().last(path)


def test_each_file_is_asked_once_a_minute_for_its_last_one(tmp_path: Path) -> None:
    access = Asked()

    def forget(_machine: Machine) -> None:
        access.times.clear()

    script = (
        at(NOW + 1, sent("a", stamp(0)), sent("silent", stamp(1))),
        at(NOW + 2000),
        forget,
        at(NOW + 2060),
        forget,
    )
    machine = Machine(
        tmp_path / "m",
        NOW,
        script[:4],
        store=lambda: Store(str(tmp_path / "m"), FAMILIES, access=access),
        options=SPLIT,
    )
    machine.run()
    assert set(access.times.values()) == {1}
    assert set(access.times) == {
        f"{directory}/{family.file_name()}" for directory in ("m", "a", "silent") for family in FAMILIES
    }


MINUTES = 120


class Cache(Direct):
    """Files of which the disk has what was synced, and nothing else; the power goes off at an update."""

    def __init__(self, directory: Path, disk: Path, updates: int) -> None:
        super().__init__()
        self._directory = directory
        self._disk = disk
        self.left = updates

    def update(self, path: str, sources: Sequence[str], updates: Sequence[str]) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash
        super().update(path, sources, updates)

    def sync(self, paths: Sequence[str]) -> None:
        for path in filter(os.path.exists, paths):
            synced = self._disk / Path(path).relative_to(self._directory)
            synced.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, synced)

    def power_cut(self) -> None:
        """Leaves what the disk has."""
        for path in self._directory.rglob("*.rrd"):
            path.unlink()
        if self._disk.exists():
            shutil.copytree(self._disk, self._directory, dirs_exist_ok=True)


def test_a_power_cut_while_a_long_log_is_read_takes_nothing_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many batches of a few minutes each are written within a moment."""
    monkeypatch.setattr(counting, "BATCH_MINUTES", 7)
    lines = [write(host, stamp(60 * n)) for n in range(MINUTES) for host in "abb" * 40 for write in (sent, received)]
    script = (at(NOW + 60 * MINUTES), at(NOW + 60 * MINUTES + 100), at(NOW + 60 * MINUTES + 120))

    def machine_with(directory: Path, access: Direct) -> Machine:
        machine = Machine(
            directory,
            NOW + 60 * MINUTES,
            script,
            store=lambda: Store(str(directory), FAMILIES, access=access),
            options=SPLIT,
        )
        machine.write(*(line.rstrip("\n") for line in lines))
        return machine

    counts = Cache(tmp_path / "undisturbed", tmp_path / "unused", -1)
    undisturbed = machine_with(tmp_path / "undisturbed", counts)
    undisturbed.run()
    expected = all_files(undisturbed)
    updates = -1 - counts.left
    assert updates > 100
    for crash_at in range(1, updates + 1, 11):
        directory = tmp_path / str(crash_at)
        access = Cache(directory, tmp_path / f"disk{crash_at}", crash_at)
        machine = machine_with(directory, access)
        with pytest.raises(Crash):
            machine.run()
        access.power_cut()
        machine.run()
        assert all_files(machine) == expected, f"power cut at update {crash_at}: {machine.said}"
        assert machine.said == []


def test_files_that_are_not_there_need_no_sync(tmp_path: Path) -> None:
    Direct().sync([str(tmp_path / f"{number}/a.rrd") for number in range(FEW + 1)])
    Direct().sync([str(tmp_path / "a.rrd")])


def test_a_file_system_that_can_not_be_synced_is_an_error() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        syncfs(-1)
