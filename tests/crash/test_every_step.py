"""A crash at each step of what the daemon writes, and another one at each step after the restart: the RRDs are the
same in the end.
"""

import shutil
import time
from pathlib import Path

import pytest

from tests.conftest import SetZone
from tests.crash.harness import Crash, Disk, Machine, Step
from tests.daemon.process import counted

NOW = 1_800_000_060


def stamp(moment: float) -> str:
    return time.strftime("%b %e %H:%M:%S mail", time.gmtime(moment))


def sent(moment: float) -> str:
    return f"{stamp(moment)} postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)"


def spam(moment: float) -> str:
    return f"{stamp(moment)} amavis[9]: (1-2) Blocked SPAM {{Discarded}}, <a@b.example>"


def delivered(moment: float) -> str:
    return f"{stamp(moment)} postfix/local[7]: 4F1: to=<a@b.example>, relay=local, status=sent (delivered to mailbox)"


def at(moment: float, *lines: str) -> Step:
    """At ``moment``, lines are written."""

    def step(machine: Machine) -> None:
        machine.now = moment
        machine.write(*lines)

    return step


def rotate(machine: Machine) -> None:
    machine.log.rename(machine.log.with_name("mail.log.1"))
    machine.log.touch()


SCRIPT = (
    at(NOW + 1, sent(NOW), sent(NOW + 1), spam(NOW + 1)),
    at(NOW + 62, sent(NOW + 61), sent(NOW + 59), f"{stamp(NOW + 62)} mail last message repeated 3 times"),
    at(NOW + 75, sent(NOW + 70)),
    rotate,
    at(NOW + 400, spam(NOW + 399), sent(NOW + 330), delivered(NOW + 399)),
    at(NOW + 420, sent(NOW + 100), sent(NOW + 410)),
    at(NOW + 500),
    at(NOW + 600),
)
"""Gaps, late lines, repeated lines, a rotation; a family that stays empty and one that begins late."""


STRIDE = 7
"""After each first crash the second one is tried at every so many steps, beginning with another each time."""


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, set_zone: SetZone) -> Disk:
    set_zone("UTC")
    return Disk(monkeypatch)


def run_with_crashes(disk: Disk, machine: Machine, *points: int) -> int:
    """Runs the daemon, crashing at the given steps, a restart after each; how many crashes there were."""
    for crashes, point in enumerate((*points, -1)):
        disk.steps = 0
        disk.crash_at = point
        try:
            machine.run()
        except Crash:
            continue
        return crashes
    raise AssertionError("the last run has no crash")


def test_a_crash_at_any_step_and_another_after_it_change_nothing(
    disk: Disk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = Machine(tmp_path / "undisturbed", NOW, SCRIPT)
    assert run_with_crashes(disk, undisturbed) == 0
    expected = undisturbed.dump()
    assert len(expected) == 4
    steps = disk.steps
    tried = 0
    for first in range(steps):
        for second in range(first % STRIDE, steps, STRIDE):
            machine = Machine(tmp_path / f"{first}-{second}", NOW, SCRIPT)
            tried += run_with_crashes(disk, machine, first, second)
            assert machine.dump() == expected, f"crashes at steps {first} and {second}: {machine.said}"
            shutil.rmtree(machine.directory)
    with capsys.disabled():
        print(f"\n{steps} steps, {tried} crashes tried")
    assert tried > 3000


def test_a_line_of_the_future_is_counted_once_whatever_crashes(disk: Disk, tmp_path: Path) -> None:
    script = (at(NOW + 1, sent(NOW), sent(NOW + 20 * 86400)), at(NOW + 80), at(NOW + 200), at(NOW + 600), at(NOW + 700))
    for first in range(100):
        machine = Machine(tmp_path / str(first), NOW, script)
        crashes = run_with_crashes(disk, machine, first)
        file = machine.directory / "mailgraph.rrd"
        assert round(counted(file, "sent", NOW)) == 2, f"crash at step {first}: {machine.said}"
        assert machine.last() < machine.now
        if not crashes:
            break
    assert first > 20
