"""The machine beside the mail: its load average, and Postfix's queue.  Knows no RRD file and no page."""

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence

from mailgraph import spool
from mailgraph.programs import Run
from mailgraph.sampling import Outcome
from mailgraph.schema import LOAD, QUEUE

AT_ONCE = 0.05
"""Seconds for which the queue's files are looked at until the counting goes on."""

POSTQUEUE_SECONDS = 20
POSTQUEUE_BYTES = 16 * 1024 * 1024
"""Some 50,000 messages."""


class Load:
    """The load average."""

    descriptors: Sequence[int] = ()

    def __init__(self, look: Callable[[], tuple[float, float, float]] = os.getloadavg) -> None:
        self._look = look
        self._due = False

    def begin(self) -> None:
        """A minute has begun."""
        self._due = True

    def collect(self) -> Iterator[Outcome]:
        """Once a minute."""
        if self._due:
            self._due = False
            yield self._outcome()

    def _outcome(self) -> Outcome:
        try:
            found = self._look()
        except OSError as error:  # a system that does not tell
            return Outcome("load average", fault=f"{error}")
        names = (counter for _, counter in LOAD.sources)
        return Outcome("load average", [(LOAD, dict(zip(names, found, strict=True)))])

    def close(self) -> None:
        """Nothing goes on."""


class Queue:
    """Postfix's queue in ``directory``, or where Postfix's configuration has it if that is empty.

    What can't be read is said where a directory is named, or where it could be read before; else there may just be no
    Postfix here.
    """

    def __init__(
        self,
        directory: str = "",
        main_cf: str = spool.MAIN_CF,
        clock: Callable[[], float] = time.time,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory or spool.configured_directory(main_cf)
        self._program = None if directory else spool.postqueue()
        self._clock = clock
        self._elapsed = elapsed
        self._expected = bool(directory)
        self._known: dict[str, int] = {}
        self._scan: Generator[None, None, spool.Found] | None = None
        self._run: Run | None = None
        self._fault = ""

    @property
    def descriptors(self) -> Sequence[int]:
        """Of postqueue."""
        return self._run.descriptors if self._run else ()

    def begin(self) -> None:
        """A minute has begun; a queue that takes longer is looked at again in the next one."""
        if self._scan or self._run:
            return
        nothing_else = self._expected and not self._program
        if nothing_else or spool.readable(self._directory):
            self._scan = spool.scan(self._directory, self._known)
        elif self._program:
            try:
                self._run = Run([self._program, "-j"], POSTQUEUE_SECONDS, POSTQUEUE_BYTES)
            except OSError as error:
                self._fault = f"can't start {self._program}: {error.strerror}"

    def collect(self) -> Iterator[Outcome]:
        """The queue, when it is looked through."""
        found = self._scanned() if self._scan else self._listed() if self._run else None
        fault, self._fault = self._fault, ""
        if found:
            self._expected = True
            yield Outcome(self._subject, [(QUEUE, found.values(self._clock()))])
        elif fault and self._expected:
            yield Outcome(self._subject, fault=fault)

    @property
    def _subject(self) -> str:
        return f"Postfix's queue {self._directory}"

    def _scanned(self) -> spool.Found | None:
        """What the scan has found, None while it has not come to its end."""
        assert self._scan
        until = self._elapsed() + AT_ONCE
        try:
            while self._elapsed() < until:
                next(self._scan)
        except StopIteration as end:
            self._scan = None
            return end.value  # type: ignore[no-any-return]
        except OSError as error:
            self._scan = None
            self._fault = f"can't read {error.filename}: {error.strerror}"
        return None

    def _listed(self) -> spool.Found | None:
        """What postqueue has said, None while it has not come to its end."""
        assert self._run
        if not self._run.over():
            return None
        run, self._run = self._run, None
        if run.fault:
            self._fault = f"{self._program} -j {run.fault}"
            return None
        return spool.listed(run.output)

    def close(self) -> None:
        """Ends what goes on."""
        if self._scan:
            self._scan.close()
        if self._run:
            self._run.end()
