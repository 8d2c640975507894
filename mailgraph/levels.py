"""Whether a host has fallen silent or is far from its usual level, from what its RRD files hold.  Knows no file.

The last hour is held against the same hour of each of the last seven days.  It is far below where it has less than a
quarter of what that hour had a week ago, and on all of these days but one (which may have been an outage); it is far
above where it has more than four times of what any of them had.  Less than FLOOR events an hour is noise.
"""

from math import inf

from mailgraph.schema import ARCHIVE_STEPS, DAY, STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rates = Callable[[int, int, int], Sequence[float]]
    """Events per second in rows of so many steps, behind a time and up to another (epoch); NaN where unknown."""

FINE, COARSE, COARSEST = ARCHIVE_STEPS[:3]
FINE_ROW, HOUR, LONG_ROW = FINE * STEP, COARSE * STEP, COARSEST * STEP
"""An hour is 56 minutes, a row of the archive that goes back a week; and of the one for a month, the days before."""

FACTOR = 4
FLOOR = 20
"""Of 20 that come by chance, fewer than a quarter come once in 60,000 hours (Poisson); 500 hosts have 12,000 a day."""

DAYS = 7
LEAST_DAYS = 2

SILENT, BELOW, ABOVE = "silent", "below", "above"


class Level:
    """How a host is unusual: ``kind`` (SILENT, BELOW, ABOVE), events of the last hour, and what is ``usual``.

    ``usual`` are the lesser and the greater number; ``since``, of a silent one, is the end of its last events (epoch).
    """

    __slots__ = ("count", "kind", "since", "usual")

    def __init__(self, kind: str, count: float, usual: tuple[float, float], since: int = 0) -> None:
        self.kind = kind
        self.count = count
        self.usual = usual
        self.since = since


def judged(rates: "Rates", end: int) -> Level | None:
    """What is unusual in the hour up to ``end``, a whole row of FINE steps; None where nothing is, or can be known."""
    count = _last_hour(rates, end)
    if not count < inf:  # NaN: the daemon has not run for an hour yet; or a damaged file
        return None
    before = _same_hours(rates, end)
    if not count:
        return _silent(rates, end, before)
    usual = _usual(before)
    if usual and usual[0] >= FLOOR and count * FACTOR < usual[0]:
        return Level(BELOW, count, usual)
    return _above(count, usual)


def risen(rates: "Rates", end: int) -> Level | None:
    """Where only more than usual is worth a look."""
    count = _last_hour(rates, end)
    return _above(count, _usual(_same_hours(rates, end))) if FACTOR * FLOOR < count < inf else None


def _last_hour(rates: "Rates", end: int) -> float:
    """Events, NaN where not all is known."""
    return sum(rates(FINE, end - HOUR, end)) * FINE_ROW


def _above(count: float, usual: tuple[float, float] | None) -> Level | None:
    return Level(ABOVE, count, usual) if usual and count > FACTOR * max(usual[1], FLOOR) else None


def _same_hours(rates: "Rates", end: int) -> dict[int, tuple[float, float]]:
    """The least and the most of events in the same hour, by days ago, where they are known.

    The hour lies across two rows.  Where one begins work at eight sharp, the hour up to ten to eight is like the first
    of them, and the one up to ten past eight like either.
    """
    first = (end - DAYS * DAY - 1) // HOUR * HOUR - HOUR
    rows = rates(COARSE, first, end // HOUR * HOUR)
    found = {}
    for days in range(1, DAYS + 1):
        whole, into = divmod(end - days * DAY - first, HOUR)
        one, other = rows[whole - 1], rows[whole if into else whole - 1]
        if one < inf and other < inf:  # nor NaN
            found[days] = min(one, other) * HOUR, max(one, other) * HOUR
    return found


def _usual(before: dict[int, tuple[float, float]]) -> tuple[float, float] | None:
    """The least and the most that is usual; None of too young a host."""
    if len(before) < LEAST_DAYS:
        return None
    leasts = sorted(least for least, _ in before.values())
    least = leasts[1] if len(leasts) > LEAST_DAYS else leasts[0]
    return min(least, before.get(DAYS, (least, least))[0]), max(most for _, most in before.values())


def _silent(rates: "Rates", end: int, before: dict[int, tuple[float, float]]) -> Level | None:
    """A host without events: silent where it usually has some at this hour.

    Days on which it was silent already tell nothing; where these are too many, its average before does.
    """
    since, average = _before_silence(rates, end)
    usual = _usual({days: events for days, events in before.items() if end - days * DAY <= since})
    if usual is None and average is not None:
        usual = average, average
    return Level(SILENT, 0, usual, since) if usual and usual[0] >= FLOOR else None


def _before_silence(rates: "Rates", end: int) -> tuple[int, float | None]:
    """When the last events were, and the average of an hour until then, from the finest rows that have some."""
    for steps, row, span in ((FINE, FINE_ROW, DAY), (COARSE, HOUR, DAYS * DAY), (COARSEST, LONG_ROW, 31 * DAY)):
        newest = end // row * row
        known = rates(steps, newest - span // row * row, newest)
        for quiet, rate in enumerate(reversed(known)):
            if 0 < rate < inf:
                earlier = [one for one in known[: len(known) - quiet] if one < inf]  # nor NaN
                return newest - quiet * row, sum(earlier) / len(earlier) * HOUR
    return 0, None
