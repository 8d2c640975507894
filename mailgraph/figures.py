"""A graph's rows and the numbers of its legend, from RRD files.  Imports no rrdtool, which makes the same numbers."""

from mailgraph.files import Unusable
from mailgraph.graphs import RATE, SOURCES
from mailgraph.rrdfile import UNKNOWN
from mailgraph.schema import GAUGE, MAIL, STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from mailgraph.farfile import FarFile
    from mailgraph.files import Files
    from mailgraph.graphs import Graph, Measure, Series
    from mailgraph.rrdfile import RrdFile
    from mailgraph.schema import Family
    from mailgraph.views import Look, Range, View

    AnyTaken = TypeVar("AnyTaken", bound="Taken")
    Draw = Callable[[Graph, Range, Look, str, dict[Family, str]], bytes]


LARGEST = 1e30
"""What is beyond it, and an infinity, is from a damaged file: nobody counts so much, and sums stay finite."""


class Figures:
    """A series over a range: in each row the average and the maximum in the graph's measure, NaN where unknown.

    And the legend's numbers: ``average`` and ``maximum`` likewise, ``total`` in messages of what is counted, ``last``
    (the last known average) of what is sampled; None where nothing is known.
    """

    __slots__ = ("_maxima", "_rates", "average", "known", "last", "maximum", "measure", "series", "total")

    def __init__(
        self,
        series: "Series",
        rates: "Sequence[float]",
        maxima: "Sequence[float]",
        row: int,
        measure: "Measure" = RATE,
    ) -> None:
        """``rates`` and ``maxima`` as an RRD holds them: messages per second, or samples."""
        self.series = series
        self.measure = measure
        self._rates, known, total = _known(rates)
        self._maxima, known_maxima, _ = _known(maxima)
        self.known = len(known)
        """Rows of which the average is known."""
        self.total = total * row if known and measure.counted else None
        self.last = known[-1] * measure.factor if known and not measure.counted else None
        self.average = total / len(known) * measure.factor if known else None
        highest = max(known_maxima, default=None)
        self.maximum = None if highest is None else highest * measure.factor

    @property
    def averages(self) -> list[float]:
        """Each row's average."""
        return [rate * self.measure.factor for rate in self._rates]

    @property
    def maxima(self) -> list[float]:
        """Each row's maximum."""
        return [rate * self.measure.factor for rate in self._maxima]

    def fingerprint(self) -> str:
        """Another one for other values, or another name in the legend."""
        return f"{self.series.counter} {self.series.label} {[*self._rates]} {[*self._maxima]}"


class Taken:
    """What a view shows: its graph, the range it comes to, the figures of its series, and the files they are from.

    ``changed`` and ``changes``: when the picture last changed and when it may change next (epoch).
    """

    __slots__ = ("changed", "changes", "figures", "files", "graph", "range")

    def __init__(self, view: "View", steps: int, files: "Files", now: float) -> None:
        graph = self.graph = view.graph
        self.files: dict[Family, RrdFile | FarFile] = files.of(graph.families(steps))
        last = _last(self.files, files)
        self.range = view.range(now, last, steps)
        # A second later when the data are there up to the picture's end: they may come late.
        self.changed: int | None = self.range.end + (last >= self.range.end)
        self.changes = self.range.end + self.range.row
        self.figures = [
            _figures(series, self.files[family], source, self.range, graph.measure)
            for series in graph.series
            for family, source in (SOURCES[series.counter, steps],)
            if family in self.files
        ]

    @property
    def known(self) -> int:
        """Seconds of the range of which something is known."""
        return self.range.row * max(one.known for one in self.figures)

    def drawn(self, look: "Look", form: str, draw: "Draw") -> bytes:
        """The picture, drawn by ``drawing.draw``.  Raises what that raises."""
        return draw(self.graph, self.range, look, form, {family: file.path for family, file in self.files.items()})


def taken(view: "View", files: "Files", now: float) -> Taken:
    """What a view shows.  Raises files.Unusable."""
    return finest(view, now, lambda steps: Taken(view, steps, files, now))


def finest(view: "View", now: float, take: "Callable[[int], AnyTaken]") -> "AnyTaken":
    """What ``take`` has of a view in rows of so many steps, from the finest archive that reaches back far enough.

    The file of single minutes may be younger than the others; then the next archive serves if it knows more.
    Raises files.Unusable.
    """
    steps, *coarser = view.archives(now)
    if not coarser:
        return take(steps)
    try:
        fine = take(steps)
    except Unusable:  # the page's top says why
        return take(coarser[0])
    if fine.known + 2 * coarser[0] * STEP >= fine.range.end - fine.range.start:
        return fine
    coarse = take(coarser[0])
    return fine if fine.known + 2 * coarse.range.row >= coarse.known else coarse


def _last(drawn: "dict[Family, RrdFile | FarFile]", files: "Files") -> int:
    """The newest minute that all graphs of the page have: what is sampled is a minute ahead of what is counted."""
    last = max(file.last for file in drawn.values())
    if any(family.kind == GAUGE for family in drawn) and files.exists(MAIL):
        try:
            last = min(last, files.open(MAIL).last)
        except Unusable:  # the page's top says why
            return last
    return last


def _figures(series: "Series", file: "RrdFile | FarFile", source: str, asked: "Range", measure: "Measure") -> Figures:
    rows = asked.steps, asked.first, asked.end
    return Figures(series, file.rows(source, "AVERAGE", *rows), file.rows(source, "MAX", *rows), asked.row, measure)


def believed(rates: "Sequence[float]") -> "Sequence[float]":
    """NaN in place of what no file holds that is whole."""
    if -LARGEST < sum(rates) < LARGEST:  # NaN is nowhere
        return rates
    return [rate if -LARGEST < rate < LARGEST else UNKNOWN for rate in rates]


def _known(rates: "Sequence[float]") -> "tuple[Sequence[float], Sequence[float], float]":
    """Those that are believed; of these, those that are no NaN, which differs from itself; and the sum of those."""
    total = sum(rates)
    if -LARGEST < total < LARGEST:  # NaN is nowhere, which is found quickest so
        return rates, rates, total
    rates = believed(rates)
    known = [rate for rate in rates if rate == rate]  # noqa: PLR0124
    return rates, known, sum(known)
