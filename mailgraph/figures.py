"""A graph's rows and the numbers of its legend, from RRD files.  Imports no rrdtool, which makes the same numbers."""

from mailgraph.files import Unusable
from mailgraph.graphs import GRAPHS, SOURCES
from mailgraph.schema import STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailgraph.files import Files
    from mailgraph.graphs import Series
    from mailgraph.rrdfile import RrdFile
    from mailgraph.schema import Family
    from mailgraph.views import Range, View


class Figures:
    """A series over a range: messages per minute in each row, as ``averages`` and as ``maxima`` (None where unknown).

    And the legend's numbers: ``total`` in messages, ``average`` and ``maximum`` in messages per minute, None where
    nothing is known.
    """

    __slots__ = ("average", "averages", "maxima", "maximum", "series", "total")

    def __init__(self, series: "Series", averages: list[float], maxima: list[float], minutes: int) -> None:
        self.series = series
        self.averages = [_known(value) for value in averages]
        self.maxima = [_known(value) for value in maxima]
        rates = [value for value in self.averages if value is not None]
        self.total = sum(rates) * minutes if rates else None
        self.average = sum(rates) / len(rates) if rates else None
        self.maximum = max((value for value in self.maxima if value is not None), default=None)


class Taken:
    """What a view shows: the range it comes to, the figures of its series, and the files that they are from."""

    __slots__ = ("figures", "files", "last", "range")

    def __init__(self, view: "View", steps: int, files: "Files", now: float) -> None:
        graph = GRAPHS[view.letter]
        self.files: dict[Family, RrdFile] = files.of(graph.families(steps))
        self.last = max(file.last for file in self.files.values())
        """The newest minute stored."""
        self.range = view.range(now, self.last, steps)
        self.figures = [
            _figures(series, self.files[family], source, self.range)
            for series in graph.series
            for family, source in (SOURCES[series.counter, steps],)
            if family in self.files
        ]

    @property
    def known(self) -> int:
        """Seconds of the range of which something is known."""
        return self.range.row * max(sum(value is not None for value in one.averages) for one in self.figures)


def taken(view: "View", files: "Files", now: float) -> Taken:
    """What a view shows, from the finest archive that reaches back far enough.  Raises files.Unusable.

    The file of single minutes may be younger than the others; then the next archive serves if it knows more.
    """
    steps, *coarser = view.archives(now)
    if not coarser:
        return Taken(view, steps, files, now)
    try:
        fine = Taken(view, steps, files, now)
    except Unusable:  # the page's top says why
        return Taken(view, coarser[0], files, now)
    if fine.known + 2 * coarser[0] * STEP >= fine.range.end - fine.range.start:
        return fine
    coarse = Taken(view, coarser[0], files, now)
    return fine if fine.known + 2 * coarse.range.row >= coarse.known else coarse


def _figures(series: "Series", file: "RrdFile", source: str, asked: "Range") -> Figures:
    averages, maxima = (file.rows(source, kind, asked.steps, asked.first, asked.end) for kind in ("AVERAGE", "MAX"))
    return Figures(series, averages, maxima, asked.steps)


def _known(value: float) -> "float | None":
    """An RRD holds events per second."""
    return value * STEP if value == value else None  # noqa: PLR0124  NaN is what differs from itself
