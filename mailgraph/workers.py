"""Processes that scan lanes of a log at once; what they counted comes in the order of the log.

A process that dies, or that can't read its lane, takes no count with it: its lines are scanned by whoever asks here.
"""

import contextlib
import multiprocessing
import os
import pickle
import select
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, Protocol, TypeAlias

from mailgraph.guess import State
from mailgraph.ranges import Counted, Lane, Scan
from mailgraph.scanner import Tally
from mailgraph.sources import Block, SourceError

PATIENCE = 0.2
"""Seconds between two looks at whether to stop, while a tally is waited for."""

ENTRIES = 1000
"""Of a tally that are counted at once, so that the batches of minutes that are written stay small."""

AHEAD = 2
"""So many lanes a process are handed out before the first of them is counted: tallies wait in memory."""

PAUSE = Block(b"", reference=0.0)
"""A block without lines: time to write what is due, and to heed a signal."""

UNREADABLE = b""
"""What a process says where it can't read its lane."""

_Pipe: TypeAlias = "Connection[Any, Any]"


class Counter(Protocol):
    """Who counts: blocks, which come from iterating, and the tallies of lines that others scanned."""

    def skip(self, guess: State, counted: Counted) -> bool:
        """Whether ``guess`` is what is known now; if so, the lines that were counted from it on are behind us."""

    def add(self, tally: Tally) -> None:
        """Count what was skipped."""


def counted_along(
    lanes: Sequence[Lane], scan: Scan, jobs: int, counter: Counter, say: Callable[[str], None]
) -> Generator[Block, None, None]:
    """Gives ``counter`` the tallies of lanes, and whoever iterates the blocks that are to be scanned nevertheless.

    Raises SourceError.
    """
    crew = _Crew(lanes, scan, jobs, say)
    try:
        for number, lane in enumerate(lanes):
            known = yield from crew.next(number)
            for span in lane.spans:
                counted = yield from crew.next(number)
                if isinstance(counted, Counted) and counter.skip(known, counted):
                    for begin in range(0, len(counted.tally), ENTRIES):
                        counter.add(counted.tally[begin : begin + ENTRIES])
                        yield PAUSE
                else:
                    for block in span.blocks():
                        yield block
                        crew.receive(0)
                known = counted and counted.state
    finally:
        crew.end()


class _Crew:
    """The processes, and what they said that is not asked for yet, as they sent it."""

    def __init__(self, lanes: Sequence[Lane], scan: Scan, jobs: int, say: Callable[[str], None]) -> None:
        self._lanes = lanes
        self._say = say
        self._said: list[deque[bytes]] = [deque() for _ in lanes]
        self._awaited = [1 + len(lane.spans) for lane in lanes]
        self._handed_out = 0
        self._processes: list[ForkProcess] = []
        self._idle: list[_Pipe] = []
        self._at_work: dict[_Pipe, int] = {}
        for _ in range(min(jobs, len(lanes))):
            self._start(scan)

    def _start(self, scan: Scan) -> None:
        context = multiprocessing.get_context("fork")
        with contextlib.suppress(OSError):  # no more processes or open files for this user: fewer do it too
            ours, theirs = context.Pipe()
            with theirs:
                process = context.Process(target=_work, args=(theirs, self._lanes, scan), daemon=True)
                process.start()
            self._processes.append(process)
            self._idle.append(ours)

    def end(self) -> None:
        """No process is left."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
        for pipe in (*self._idle, *self._at_work):
            pipe.close()

    def next(self, number: int) -> Generator[Block, None, Any]:
        """What is said of a lane next: a State, then Counteds; None where nothing more comes."""
        while not self._said[number] and self._awaited[number]:
            self._hand_out(number + AHEAD * len(self._processes))
            if not self._at_work:
                break
            self.receive(PATIENCE)
            yield PAUSE
        said = self._said[number]
        return pickle.loads(said.popleft()) if said else None  # noqa: S301 (by our own processes)

    def _hand_out(self, through: int) -> None:
        while self._idle and self._handed_out <= min(through, len(self._lanes) - 1):
            pipe = self._idle.pop()
            self._at_work[pipe] = self._handed_out
            self._handed_out += 1
            try:
                pipe.send(self._at_work[pipe])
            except OSError:
                self._lost(pipe)

    def receive(self, seconds: float) -> None:
        """Takes what processes have said, if need be after waiting that long for it."""
        ready = wait([*self._at_work], seconds)
        for pipe in [pipe for pipe in self._at_work if pipe in ready]:
            try:
                self._take(pipe, pipe.recv_bytes())
            except (EOFError, OSError):
                self._lost(pipe)

    def _take(self, pipe: _Pipe, said: bytes) -> None:
        lane = self._at_work[pipe]
        if said == UNREADABLE:
            self._awaited[lane] = 0
        else:
            self._said[lane].append(said)
            self._awaited[lane] -= 1
        if not self._awaited[lane]:
            del self._at_work[pipe]
            self._idle.append(pipe)

    def _lost(self, pipe: _Pipe) -> None:
        self._awaited[self._at_work.pop(pipe)] = 0
        pipe.close()
        self._say("a process that was reading along is gone (killed?); its part of the log is read without it")


def _work(pipe: _Pipe, lanes: Sequence[Lane], scan: Scan) -> None:
    """Scans the lanes whose numbers come, until nobody asks any more.  Signals are the parent's, which ends this."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _let_go_of_all_but(pipe.fileno())
    threading.Thread(target=_end_with_parent, args=(pipe.fileno(),), daemon=True).start()
    try:
        while True:
            lane = lanes[pipe.recv()]
            try:
                for said in scan(lane):
                    pipe.send(said)
            except SourceError:  # the parent meets it too, when it comes there
                pipe.send_bytes(UNREADABLE)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _let_go_of_all_but(descriptor: int) -> None:
    """Closes what the parent has open: its lock, and its ends of pipes, which would hide its end."""
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, os.sysconf("SC_OPEN_MAX"))


def _end_with_parent(pipe: int) -> None:
    """Ends this process when the pipe's other end is closed: scanning a lane takes seconds."""
    hangup = select.poll()
    hangup.register(pipe, 0)
    hangup.poll()
    os._exit(0)
