"""What there is once a minute, by the clock and not by the log, into RRD files.  Knows no log and no page.

No part of the exactly-once counting: a sample that is missed, or can't be stored, is missed.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from mailgraph.rrd import RrdError, Store
from mailgraph.schema import STEP, Family


class Outcome(NamedTuple):
    """What a look at ``subject`` came to: values by counter for each file, and what was wrong with it, if anything."""

    subject: str
    values: Sequence[tuple[Family, Mapping[str, float]]] = ()
    fault: str = ""


class Sampler(Protocol):
    """Something that is looked at once a minute, in no more than some hundredths of a second at a time."""

    def begin(self) -> None:
        """A minute has begun.  An earlier look that is not over goes on."""

    def collect(self) -> Iterable[Outcome]:
        """Goes on with it; what has come to an end since."""

    @property
    def descriptors(self) -> Sequence[int]:
        """What can be read when there is more to collect."""

    def close(self) -> None:
        """Ends what goes on."""


class Sampling:
    """Has samplers look once in each minute of the clock, and stores what they find in that minute.

    ``clock`` gives epoch seconds.  ``say`` gets each fault once, and when it is gone.
    """

    def __init__(
        self,
        samplers: Sequence[Sampler],
        store: Store,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._samplers = samplers
        self._store = store
        self._say = say
        self._clock = clock
        self._minute = 0
        self._faults: dict[str, str] = {}
        """By what has one."""

    def turn(self) -> None:
        """What is to be done just now."""
        minute = int(self._clock()) // STEP * STEP
        self._collect()
        if minute != self._minute:
            self._minute = minute
            for sampler in self._samplers:
                sampler.begin()
            self._collect()

    @property
    def descriptors(self) -> Iterator[int]:
        """What can be read when there is more to do."""
        return (descriptor for sampler in self._samplers for descriptor in sampler.descriptors)

    def close(self) -> None:
        """Ends what goes on."""
        for sampler in self._samplers:
            sampler.close()

    def _collect(self) -> None:
        for sampler in self._samplers:
            for outcome in sampler.collect():
                self._note(outcome.subject, outcome.fault and f"{outcome.subject}: {outcome.fault}")
                for family, values in outcome.values:
                    self._write(family, values)

    def _write(self, family: Family, values: Mapping[str, float]) -> None:
        path = self._store.path(family)
        try:
            self._store.sample(family, self._minute, values)
        except RrdError as error:
            self._note(path, f"{error}; these samples are lost, the counting goes on")
        else:
            self._note(path, "")

    def _note(self, subject: str, fault: str) -> None:
        """What ails several in the same words is said once."""
        if fault and subject not in self._faults:
            known = fault in self._faults.values()
            self._faults[subject] = fault
            if not known:
                self._say(fault)
        elif not fault and subject in self._faults:
            gone = self._faults.pop(subject)
            if gone not in self._faults.values():
                self._say(f"{subject}: all is well again")
