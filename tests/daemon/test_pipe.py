"""A log that comes through a pipe, and pauses."""

import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from mailgraph.counting import Counting
from mailgraph.daemon import Followed, Loop, Signals
from mailgraph.rrd import Store
from mailgraph.scanner import Options
from mailgraph.schema import CLASSICAL
from mailgraph.sources import Block

NOW = 1_795_600_020
TEXT = "mail postfix/smtpd[1]: 4F0C1A2B3C: client=a.example[192.0.2.2]"


def lines(*ages: int) -> Block:
    """Received messages of so many seconds ago."""
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - age)) for age in ages]
    return Block("".join(f"{stamp} {TEXT}\n" for stamp in stamps).encode())


class Pipe:
    """What is counted of blocks that come through a pipe: ``written`` are received messages by age of their minute."""

    def __init__(self, rrd_dir: Path) -> None:
        self.written: dict[int, int] = {}
        self.at_pause: dict[int, int] = {}
        store = Store(str(rrd_dir), CLASSICAL)
        self._counting = Counting("-", store, Options(), say=pytest.fail, report=self._report, clock=lambda: NOW)

    def _report(self, update: str) -> None:
        minute, _, received, *_ = update.split()[1].split(":")
        if int(received):
            self.written[NOW - int(minute)] = int(received)

    def read(self, *blocks: Block | None) -> None:
        """Counts the blocks; None is a pause, at which ``at_pause`` keeps what is written."""
        self._counting.start()
        reading, writing = os.pipe()
        os.close(writing)  # what waits for the pipe goes on at once

        def source(_start: object) -> Generator[Block | None, None, None]:
            for block in blocks:
                yield block
                if block is None:
                    self.at_pause = dict(self.written)

        with Signals() as signals:
            log = Followed(self._counting, source, pytest.fail, awaited=(reading,), patient=False)
            Loop([log], signals, lambda: None).run()
        os.close(reading)


@pytest.fixture
def pipe(tmp_path: Path) -> Pipe:
    return Pipe(tmp_path)


def test_an_old_log_that_pauses_counts_in_its_own_minutes(pipe: Pipe) -> None:
    pipe.read(lines(86400, 86340), None, lines(7200, 7140, 7080))
    assert pipe.written == {86400: 1, 86340: 1, 7200: 1, 7140: 1, 7080: 1}


def test_a_live_logs_last_minute_is_written_in_a_pause_when_the_clock_has_left_it(pipe: Pipe) -> None:
    pipe.read(lines(240, 180), None, lines(0))
    assert pipe.at_pause == {240: 1, 180: 1}


def test_a_pause_before_the_first_line_is_none(pipe: Pipe) -> None:
    pipe.read(None, lines(7200, 7140))
    assert pipe.written == {7200: 1, 7140: 1}
