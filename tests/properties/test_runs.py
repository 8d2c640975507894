"""Any log, cut into any blocks, with crashes anywhere, ends in the same RRD files as one undisturbed run."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rrdtool
from hypothesis import given
from hypothesis import strategies as some

from mailgraph import schema
from mailgraph.checkpoint import Checkpoint
from mailgraph.counting import Counting
from mailgraph.rrd import Store
from mailgraph.rrdfile import RrdFile
from mailgraph.scanner import Options
from mailgraph.schema import STEP, Family
from mailgraph.sources import Block, Position
from tests.conftest import SetZone
from tests.properties.examples import examples

NOW = 1_700_006_400

KINDS = {
    "sent": b"postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)",
    "received": b"postfix/smtpd[8]: 4F3: client=mx.c.example[198.51.100.7]",
    "rejected": b"postfix/smtpd[8]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 550 5.1.1 <a@b.example>: no; from=<>",
    "nothing": b"kernel: hello",
}


class Crash(BaseException):
    """The process is gone."""


class Crashing(Store):
    """A store whose process is gone before the write of a family that ``survives`` reaches 0."""

    survives = -1

    def write(self, family: Family, *arguments: object) -> bool:
        if self.survives == 0:
            raise Crash
        self.survives -= 1
        return super().write(family, *arguments)  # type: ignore[arg-type]


class Entry:
    """A line that is written to the log at ``at`` (epoch seconds), with a stamp that may say otherwise."""

    def __init__(self, at: int, stamp: int, kind: str) -> None:
        self.at = at
        self.stamp = stamp
        self.kind = kind

    @property
    def line(self) -> bytes:
        stamp = datetime.fromtimestamp(self.stamp, UTC).isoformat()
        return b"%b mail %b\n" % (stamp.encode(), KINDS[self.kind])

    def __repr__(self) -> str:
        return f"{self.kind} {self.stamp - NOW:+} at {self.at - NOW:+}"


@some.composite
def logs(draw: some.DrawFn, offsets: tuple[int, ...] = (0,)) -> list[Entry]:
    """Lines in the order in which they are written, stamped some seconds off."""
    at = NOW
    entries = []
    for _ in range(draw(some.integers(1, 14))):
        at += draw(some.sampled_from((0, 0, 1, 30, 61, 130, 400)))
        entries.append(Entry(at, at + draw(some.sampled_from(offsets)), draw(some.sampled_from(list(KINDS)))))
    return entries


class Run:
    """A daemon over a log, in a directory of its own; the clock is the test's."""

    def __init__(self, directory: Path, entries: list[Entry]) -> None:
        self.directory = directory
        self.entries = entries
        self.now = float(NOW)
        self.start()

    def start(self) -> None:
        """A process begins, after an earlier one crashed or at first."""
        self.store = Crashing(str(self.directory), schema.FAMILIES)
        checkpoint = Checkpoint(str(self.directory / "mailgraph.checkpoint"))
        self.counting = Counting(
            "log", self.store, Options(), None, checkpoint, say=lambda _: None, clock=lambda: self.now
        )
        self.counting.start()
        position = self.counting.starts_at.position
        self.read = position.offset if position else 0

    def tick(self, now: float, cuts: list[int], crash_after: int = -1) -> None:
        """Reads what was written up to ``now``, in blocks that end at ``cuts`` too; then there is nothing more.

        With ``crash_after`` the process ends after so many blocks or, later, within the write.
        """
        self.now = now
        end = sum(entry.at <= now for entry in self.entries)
        for block in self._blocks(end, cuts):
            if crash_after == 0:
                raise Crash
            crash_after -= 1
            self.counting.count(block)
            if self.counting.due(idle=False):
                self.counting.write()
        self.counting.caught_up()
        self.store.survives = crash_after
        if self.counting.due(idle=True):
            self.counting.write()
        self.store.survives = -1

    def _blocks(self, end: int, cuts: list[int]) -> Iterator[Block]:
        ends = sorted({cut for cut in cuts if self.read < cut < end} | {end} - {self.read})
        for block_end in ends:
            lines = b"".join(entry.line for entry in self.entries[self.read : block_end])
            self.read = block_end
            yield Block(lines, Position("log", 1, 1, block_end, "head", 1.0))

    def disturbed_tick(self, now: float, data: some.DataObject) -> None:
        """As ``tick``, with cuts and crashes anywhere, and restarts at once."""
        for _ in range(data.draw(some.integers(0, 3), "crashes")):
            cuts = data.draw(some.lists(some.integers(1, len(self.entries)), max_size=4), "cuts")
            try:
                self.tick(now, cuts, data.draw(some.integers(0, 8), "crash after"))
            except Crash:
                self.start()
        self.tick(now, data.draw(some.lists(some.integers(1, len(self.entries)), max_size=4), "cuts"))

    def dump(self) -> dict[str, str]:
        dumped = {}
        for file in sorted(self.directory.glob("*.rrd")):
            rrdtool.dump(str(file), f"{file}.xml")
            dumped[file.name] = Path(f"{file}.xml").read_text()
        return dumped

    def counted(self) -> Counter[tuple[str, int]]:
        """Events by counter and minute, as the RRD of single minutes has them."""
        path = self.directory / "mailgraph_minutes.rrd"
        if not path.exists():  # nothing counted
            return Counter()
        file = RrdFile(str(path))
        start, end = NOW - 3600, file.last // STEP * STEP
        found: Counter[tuple[str, int]] = Counter()
        for source in file.sources:
            for number, value in enumerate(file.rows(source, "AVERAGE", 1, start, end)):
                if value > 0:
                    found[source, start + (number + 1) * STEP] += round(value * STEP)
        return found


def ticks(entries: list[Entry]) -> list[float]:
    """The daemon looks whenever something was written, and when each minute is over."""
    end = entries[-1].at + 6 * STEP
    return sorted({*(float(entry.at) for entry in entries), *(float(at) for at in range(NOW + 15, end, STEP))})


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


@examples(25)
@given(entries=logs((0, 0, 0, -20, -61, -300, -86400)), data=some.data())
def test_cuts_and_crashes_with_restarts_at_once_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], data: some.DataObject
) -> None:
    undisturbed = Run(tmp_path_factory.mktemp("undisturbed"), entries)
    disturbed = Run(tmp_path_factory.mktemp("disturbed"), entries)
    for now in ticks(entries):
        undisturbed.tick(now, [])
        disturbed.disturbed_tick(now, data)
    assert disturbed.dump() == undisturbed.dump()


@examples(25)
@given(entries=logs((0, -1, -5)), data=some.data())
def test_being_down_for_a_while_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], data: some.DataObject
) -> None:
    undisturbed = Run(tmp_path_factory.mktemp("undisturbed"), entries)
    disturbed = Run(tmp_path_factory.mktemp("disturbed"), entries)
    *early, last = ticks(entries)
    for now in early:
        undisturbed.tick(now, [])
        if data.draw(some.booleans(), "up"):
            disturbed.disturbed_tick(now, data)
    undisturbed.tick(last, [])
    disturbed.disturbed_tick(last, data)
    assert disturbed.dump() == undisturbed.dump()


@examples(25)
@given(entries=logs((0, -20, -300, 70, 400, 86400, 20 * 365 * 86400)), data=some.data())
def test_each_event_is_counted_once_wherever_its_stamp_lies(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], data: some.DataObject
) -> None:
    run = Run(tmp_path_factory.mktemp("run"), entries)
    for now in ticks(entries):
        run.disturbed_tick(now, data)
    found: Counter[str] = Counter()
    for (counter, minute), times in run.counted().items():
        assert minute <= run.now
        found[counter] += times
    assert found == Counter(entry.kind for entry in entries if entry.kind != "nothing")
