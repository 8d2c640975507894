"""Tallies to minutes, each event exactly once; what a checkpoint holds of that.  Knows no rrdtool and no file.

The newest two minutes are open.  A late line counts in its own minute while that is open, else in the oldest open
one; a line of the future counts in the minute in which it is read.  A minute closes when a line of the minute after
next arrives or, once the log is read to its end, when the clock has left it; closed minutes are kept until the RRDs
surely hold them.
"""

import sys
from collections.abc import Mapping
from typing import Any, TypeAlias

from mailgraph.schema import LATEST, STEP

Counts: TypeAlias = dict[str, int]

GRACE = 10
"""Seconds by which the clock must have left a minute before it closes: syslog daemons and networks are late."""

KEPT = 20 * STEP
"""How long closed minutes are kept: a power cut may take back what the kernel had not yet written of the RRDs.

A quarter of an hour of that, and the minutes that were open at either end.
"""


class Ledger:
    """The open and the closed minutes.

    ``closed`` holds the counts of closed minutes, those without events left out; it is complete after ``kept_from``
    and up to ``closed_through`` (epoch seconds of a minute's start; None before the first).
    """

    def __init__(self, held: int | None = None) -> None:
        """``held`` is the newest minute that all RRDs hold: lines up to it were counted by an earlier run."""
        self.open: dict[int, Counts] = {}
        self.closed: dict[int, Counts] = {}
        self.closed_through = held
        self.kept_from = held
        self._held = held
        self._owed: Counts = {}

    def add(self, tally: list[tuple[int, Counts]], now: float) -> None:
        """Events in the order of the log, read at ``now``."""
        present = int(now) // STEP * STEP
        for stamped, counts in tally:
            if self._held is not None and stamped <= self._held:
                continue
            minute = self._place(min(stamped, present))
            into = self.open.setdefault(minute, {})
            for counter, times in counts.items():
                into[counter] = into.get(counter, 0) + times

    def _place(self, minute: int) -> int:
        """The open minute in which an event of ``minute`` counts, after closing what it closes."""
        newest = max(self.open, default=None)
        if newest is None or minute > newest:
            self._close_through(minute - 2 * STEP)
            newest = minute
        oldest = newest - STEP
        if self.closed_through is not None:
            oldest = max(oldest, self.closed_through + STEP)
        return max(minute, oldest)

    def caught_up(self) -> None:
        """The log is read to its end: from here on every line is a new one, however old its stamp."""
        self._held = None

    def close(self, now: float) -> None:
        """Close the minutes that the clock has left.  Only for a log that is read to its end and followed."""
        if self.open or self.closed_through is not None:
            self._close_through(_left_by(now))

    def end(self, now: float) -> None:
        """Close the minutes with events that the clock has left: an old log says nothing of the time since then."""
        if self.open:
            self._close_through(min(max(self.open), _left_by(now)))

    def _close_through(self, minute: int) -> None:
        past = sorted(open_minute for open_minute in self.open if open_minute <= minute)
        if not past and self.closed_through is None:
            return
        if self.closed_through is not None and minute <= self.closed_through:
            return
        if self.kept_from is None:
            self.kept_from = past[0] - STEP
        for past_minute in past:
            self.closed[past_minute] = self._settled(self.open.pop(past_minute))
        self.closed_through = minute

    def _settled(self, counts: Counts) -> Counts:
        """What a minute counts when it closes, never less than nothing.

        An event that is taken back (a message that its client does not finish) counts less than none; where its own
        minute is closed already, the first later minutes that can make up for it do.
        """
        balance = {counter: counts.get(counter, 0) + self._owed.get(counter, 0) for counter in counts | self._owed}
        self._owed = {counter: times for counter, times in balance.items() if times < 0}
        return {sys.intern(counter): times for counter, times in balance.items() if times > 0}

    def keeps(self, minute: int) -> bool:
        """Whether ``forget`` of that minute would let go of anything."""
        return self.kept_from is not None and minute > self.kept_from

    def forget(self, through: int) -> None:
        """Let go of closed minutes up to ``through``, which all RRDs surely hold."""
        if self.keeps(through):
            self.closed = {minute: counts for minute, counts in self.closed.items() if minute > through}
            self.kept_from = through

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        return {
            "open": _listed(self.open),
            "closed": _listed(self.closed),
            "closed_through": self.closed_through,
            "kept_from": self.kept_from,
            "held": self._held,
            "owed": self._owed,
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Ledger":
        """The ledger of a state.

        Raises AttributeError, KeyError, OverflowError, TypeError or ValueError for what is none.
        """
        ledger = cls(as_minute(state["held"]))
        ledger.open = _minutes(state["open"])
        ledger.closed = _minutes(state["closed"])
        ledger.closed_through = as_minute(state["closed_through"])
        ledger.kept_from = as_minute(state["kept_from"])
        ledger._owed = _counts(state["owed"])
        if (ledger.kept_from is None) != (ledger.closed_through is None):
            raise ValueError("minutes are kept but none is closed")
        return ledger


def _left_by(now: float) -> int:
    """The newest minute that surely gets no more lines."""
    return int(now - GRACE) // STEP * STEP - STEP


def _listed(minutes: Mapping[int, Counts]) -> list[tuple[int, Counts]]:
    return sorted(minutes.items())


def _minutes(listed: list[tuple[int, Counts]]) -> dict[int, Counts]:
    return {_known(minute): _counts(counts) for minute, counts in listed}


def _counts(counts: Mapping[str, int]) -> Counts:
    return {str(counter): int(times) for counter, times in counts.items()}


def _known(value: object) -> int:
    minute = as_minute(value)
    if minute is None:
        raise ValueError("a minute without time")
    return minute


def as_minute(value: object) -> int | None:
    """A minute as a checkpoint has it, or None.  Raises ValueError for anything else."""
    if value is None:
        return None
    if type(value) is not int or value % STEP or not 0 < value < LATEST:
        raise ValueError(f"{value!r} is no minute")
    return value
