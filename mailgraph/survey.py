"""What there is to know of each of many hosts, in one pass over their RRD files.  Knows no HTTP and no HTML.

A file is read as a whole: of one that is in the page cache this takes 20 us, and of the numbers in it those that are
needed become Python's.
"""

import os

from mailgraph import levels
from mailgraph.figures import LARGEST, believed
from mailgraph.files import Unusable, opened
from mailgraph.graphs import SOURCES
from mailgraph.schema import MAIL, PERIODS, VIRUS
from mailgraph.views import of_period

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailgraph.hosts import Host
    from mailgraph.levels import Level, Rates
    from mailgraph.rrdfile import RrdFile
    from mailgraph.views import Range

COUNTERS = ("sent", "received", "rejected", "virus", "spam", "bounced")

TRAFFIC, REJECTED = ("sent", "received"), ("rejected",)
"""What hosts are stacked and sorted by."""

OLD = 900
"""Seconds after which a host's data are old: files that are copied every few minutes are not."""

VIEWS = tuple(of_period(number, "n") for number in range(len(PERIODS)))


class Surveyed:
    """A host: ``last``, its newest minute (epoch); ``totals`` in each period by counter, None where nothing is known.

    ``level`` is what is unusual about its traffic, ``rejects`` about what it rejects, ``fault`` why its files can't be
    read.
    """

    __slots__ = ("fault", "host", "last", "level", "rejects", "totals")

    def __init__(self, host: "Host") -> None:
        self.host = host
        self.last = 0
        self.totals: list[dict[str, float | None]] = [{} for _ in PERIODS]
        self.level: Level | None = None
        self.rejects: Level | None = None
        self.fault = ""

    def total(self, period: int, counters: "Iterable[str]") -> float:
        """Events of these counters; what is unknown is none."""
        return sum(self.totals[period].get(counter) or 0 for counter in counters)

    def is_old(self, now: float) -> bool:
        """Whether no data have come for a while."""
        return self.last < now - OLD

    def rank(self, now: float) -> int:
        """The less, the sooner somebody should look at the host; hosts that are well have the same."""
        wrong = (
            bool(self.fault),
            self.is_old(now),
            *(bool(self.level and self.level.kind == kind) for kind in (levels.SILENT, levels.BELOW, levels.ABOVE)),
            bool(self.rejects),
            True,
        )
        return wrong.index(True)


def survey(hosts: "Iterable[Host]", rrd_name: str, now: float, last: int) -> list[Surveyed]:
    """Each host as it is, its totals up to the row with which pictures of their sum end (``last`` as in sums.Sums)."""
    ranges = [view.range(now, last, view.steps) for view in VIEWS]
    return [_surveyed(host, rrd_name, now, ranges) for host in hosts]


def _surveyed(host: "Host", rrd_name: str, now: float, ranges: "Sequence[Range]") -> Surveyed:
    found = Surveyed(host)
    for family in (MAIL, VIRUS):
        path = os.path.join(host.directory, family.file_name(rrd_name))
        if not os.path.lexists(path):
            continue
        try:
            file = opened(path, family)
        except Unusable as error:
            found.fault = f"{error}"
            continue
        _count(found, file, [one for one in COUNTERS if SOURCES[one, PERIODS[0].steps][0] is family], ranges)
        if family is MAIL and not found.is_old(now):
            _judge(found, file)
    if not (found.fault or found.last):
        found.fault = f"{host.directory} holds neither mail nor virus counts"
    return found


def _count(found: Surveyed, file: "RrdFile", counters: list[str], ranges: "Sequence[Range]") -> None:
    found.last = max(found.last, file.last)
    for totals, asked in zip(found.totals, ranges, strict=True):
        rows = "AVERAGE", asked.steps, asked.first, asked.end
        sources = [SOURCES[counter, asked.steps][1] for counter in counters]
        for counter, source, total in zip(counters, sources, file.totals(sources, *rows), strict=True):
            is_known = -LARGEST < total < LARGEST  # NaN is nowhere; more is from a damaged file
            totals[counter] = total * asked.row if is_known else _known(file.rows(source, *rows), asked.row)


def _known(rates: "Sequence[float]", row: int) -> "float | None":
    known = [rate for rate in rates if -LARGEST < rate < LARGEST]
    return sum(known) * row if known else None


def _judge(found: Surveyed, file: "RrdFile") -> None:
    end = file.last // levels.FINE_ROW * levels.FINE_ROW
    found.level = levels.judged(_rates(file, TRAFFIC), end)
    found.rejects = levels.risen(_rates(file, REJECTED), end)


def _rates(file: "RrdFile", counters: "Iterable[str]") -> "Rates":
    """Of several counters in sum."""

    def rates(steps: int, start: int, end: int) -> "Sequence[float]":
        sources = [SOURCES[counter, steps][1] for counter in counters]
        columns = [believed(file.rows(source, "AVERAGE", steps, start, end)) for source in sources]
        return columns[0] if len(columns) == 1 else [sum(row) for row in zip(*columns, strict=True)]

    return rates
