"""A graph's rows and the numbers of its legend, from RRD files.  Imports no rrdtool, which makes the same numbers."""

from mailgraph.files import unusable
from mailgraph.graphs import SOURCES
from mailgraph.rrdfile import NotReadable
from mailgraph.schema import STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailgraph.graphs import Graph, Series
    from mailgraph.rrdfile import RrdFile
    from mailgraph.schema import Family
    from mailgraph.views import Range


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


def read(graph: "Graph", files: "Mapping[Family, RrdFile]", asked: "Range") -> list[Figures]:
    """The figures of each series whose file is there.  Raises files.Unusable."""
    return [
        _figures(series, files[family], source, asked)
        for series in graph.series
        for family, source in (SOURCES[series.counter],)
        if family in files
    ]


def _figures(series: "Series", file: "RrdFile", source: str, asked: "Range") -> Figures:
    try:
        averages, maxima = (file.rows(source, kind, asked.steps, asked.first, asked.end) for kind in ("AVERAGE", "MAX"))
    except NotReadable as error:
        raise unusable(file.path, error) from error
    return Figures(series, averages, maxima, asked.steps)


def _known(value: float) -> "float | None":
    """An RRD holds events per second."""
    return value * STEP if value == value else None  # noqa: PLR0124  NaN is what differs from itself
