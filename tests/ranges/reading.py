"""Logs that are read by several processes, into RRD files that can be compared."""

import contextlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import pytest
import rrdtool

from mailgraph import schema
from mailgraph.counting import Counting
from mailgraph.daemon import Followed, Loop, Signals
from mailgraph.ranges import Lane, Scan, Sizes, scan_of
from mailgraph.rrd import Store
from mailgraph.scanner import Options
from mailgraph.sources import Block, files_once
from mailgraph.workers import counted_along

NOW = 1_796_000_000

TINY = Sizes(least=4096, most=8192, span=2048, block=512, worth=0)

DEFAULT = Options()

Say = Callable[[str], None]


class Reading(NamedTuple):
    """What a run came to: its RRD files, dumped, and how many bytes were scanned in its own process."""

    dumps: dict[str, str]
    scanned: int


class Reader:
    """Reads logs once, into a directory of its own."""

    def __init__(self, rrd_dir: Path, options: Options = DEFAULT, year: int | None = None) -> None:
        self._rrd_dir = rrd_dir
        self._options = options
        self._year = year
        self._store = Store(str(rrd_dir), schema.FAMILIES)
        self.counting = Counting("log", self._store, options, year, say=pytest.fail, clock=lambda: NOW)
        self.scanned = 0

    @property
    def scan(self) -> Scan:
        """How lanes are scanned."""
        return scan_of(self._options, self._year, None, lambda: NOW)

    def alone(self, *logs: Path) -> Reading:
        """In one process."""
        return self.read(files_once(map(str, logs)))

    def with_others(self, cut: list[Lane], jobs: int = 2, scan: Scan | None = None, say: Say = pytest.fail) -> Reading:
        """With processes that scan ``scan``'s way."""
        return self.read(counted_along(cut, scan or self.scan, jobs, self.counting, say))

    def read(self, blocks: Generator[Block, None, None]) -> Reading:
        """Counts the blocks as the program does."""
        self.counting.start()
        with Signals() as signals:
            log = Followed(self.counting, lambda _: self._seen(blocks), pytest.fail, patient=False)
            assert Loop([log], signals, lambda: None).run()
        return Reading(self.dumps(), self.scanned)

    def _seen(self, blocks: Generator[Block, None, None]) -> Generator[Block, None, None]:
        with contextlib.closing(blocks):
            for block in blocks:
                self.scanned += len(block.data)
                yield block

    def dumps(self) -> dict[str, str]:
        """The RRD files, as rrdtool writes them out."""
        dumps = {}
        for file in sorted(self._rrd_dir.rglob("*.rrd")):
            rrdtool.dump(str(file), f"{file}.xml")
            dumps[str(file.relative_to(self._rrd_dir))] = Path(f"{file}.xml").read_text()
        return dumps
