"""Several hosts in one picture: their sum, or the largest above each other.  Imports no rrdtool, knows no HTTP.

The rows are added up here and drawn from memory: librrd would have to open each file several times.
"""

import os
from operator import add

from mailgraph.figures import Figures, Taken, believed, finest
from mailgraph.files import Files, Unusable
from mailgraph.graphs import AREA, GRAPHS, SOURCES, STACKED, Graph, Series
from mailgraph.memory import MemoryFile
from mailgraph.schema import COUNTERS, own_counter
from mailgraph.survey import OLD, REJECTED, TRAFFIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailgraph.figures import Draw
    from mailgraph.hosts import Host
    from mailgraph.views import Look, Range, View

LARGEST = 10
"""Hosts that a stack shows one by one; the others are one."""

LABEL = 20
"""Characters of a host's name in a legend; with more a row would not fit into the picture."""

OTHER = "other"

BY_SIZE = (*(f"_host{number}" for number in range(LARGEST)), "_others")
"""The series of a stack; no counter of one's own has such a name."""

STACKS = {"traffic": TRAFFIC, "rejected": REJECTED}
"""What hosts are stacked by, and the counters of which it is the sum."""

STACK_GRAPHS = {
    "traffic": Graph("Sent and received, by host", 160, ()),
    "rejected": Graph("Rejected, by host", 160, ()),
}
"""A stack's series are its hosts'."""


class _Many(dict[str, Graph]):
    """Those of which the hosts' counters can be added up; one's own among them."""

    def __missing__(self, letter: str) -> Graph:
        return GRAPHS[letter]

    def __contains__(self, letter: object) -> bool:
        return super().__contains__(letter) or (isinstance(letter, str) and own_counter(letter) is not None)


MANY = _Many(
    {letter: graph for letter, graph in GRAPHS.items() if all(one.counter in COUNTERS for one in graph.series)}
    | STACK_GRAPHS
)
"""The graphs of several hosts, by the letter or word in a picture's URL."""

TOTALS = type(GRAPHS)(GRAPHS | STACK_GRAPHS)
"""The same where the totals have files of their own, which nobody need add up."""


class Sums(Taken):
    """What a view of several hosts shows; as figures.Taken, of one.  Raises files.Unusable where no host has data.

    A row is known where it is of any host, and its maximum is its average: at which minute of a row each host had its
    most is not known.  The range ends LATE before now, or earlier: until then hosts may send what they have counted; or
    with the data up to ``last``, where one daemon has counted for all hosts.
    """

    __slots__ = ("_rows",)

    def __init__(self, view: "View", steps: int, hosts: "Iterable[Host]", rrd_name: str, now: float, last: int) -> None:
        self.files = {}
        self.range = view.range(now, last, steps)
        counters = STACKS.get(view.letter) or tuple(series.counter for series in view.graph.series)
        read = _Read(hosts, rrd_name, counters, self.range)
        if not read.rows or (read.fault and steps != view.archives(now)[-1]):
            raise Unusable(read.fault or "no host has data")  # coarser rows may be there of every host
        # There is no time at which such a picture last changed: its tag alone says whether it is another one.
        self.changed = None
        late = any(last < self.range.end and last >= now - OLD for last in read.lasts)
        self.changes = 0 if late else self.range.end + self.range.row
        series = _stacked(read.rows) if view.letter in STACKS else _added(view.graph, read.rows)
        self._rows = {one.counter: rows for one, rows in series}
        legend = [Series(one.counter, one.style, short(one.label)) for one, _ in series]
        self.graph = Graph(view.graph.title, view.graph.height, legend)
        self.figures = [Figures(one, rows, rows, self.range.row) for one, rows in series]

    def drawn(self, look: "Look", form: str, draw: "Draw") -> bytes:
        """The picture, drawn by ``drawing.draw``.  Raises what that raises."""
        where = {counter: SOURCES[counter, self.range.steps] for counter in self._rows}
        rows = {source: self._rows[counter] for counter, (_, source) in where.items()}
        with MemoryFile(rows, self.range.steps, self.range.end) as path:
            return draw(
                self.graph, self.range, look, form, dict.fromkeys((family for family, _ in where.values()), path)
            )


class _Read:
    """The hosts' rows by counter; each host's newest minute; what is wrong with the last one that can't be read."""

    __slots__ = ("fault", "lasts", "rows")

    def __init__(self, hosts: "Iterable[Host]", rrd_name: str, counters: "Iterable[str]", asked: "Range") -> None:
        self.rows: list[tuple[Host, dict[str, list[float]]]] = []
        self.lasts: list[int] = []
        self.fault = ""
        places = {counter: SOURCES[counter, asked.steps] for counter in counters}
        families = list(dict.fromkeys(family for family, _ in places.values()))
        for host in hosts:
            paths = {family: os.path.join(host.directory, family.file_name(rrd_name)) for family in families}
            try:
                files = Files(paths).of(families)
            except Unusable as error:  # the overview says it in the host's own row
                self.fault = f"{error}"
                continue
            rows = {
                counter: [*believed(files[family].rows(source, "AVERAGE", asked.steps, asked.first, asked.end))]
                for counter, (family, source) in places.items()
                if family in files
            }
            self.rows.append((host, rows))
            self.lasts.append(max(file.last for file in files.values()))


def taken(view: "View", hosts: "Sequence[Host]", rrd_name: str, now: float, last: int = 0) -> Sums:
    """What a view of these hosts shows.  Raises files.Unusable."""
    return finest(view, now, lambda steps: Sums(view, steps, hosts, rrd_name, now, last))


def _added(graph: Graph, read: "Iterable[tuple[Host, dict[str, list[float]]]]") -> "list[tuple[Series, list[float]]]":
    """Each series of the graph, summed over the hosts that have it."""
    by_series = [
        (series, [rows[series.counter] for _, rows in read if series.counter in rows]) for series in graph.series
    ]
    return [(series, _sum(rows)) for series, rows in by_series if rows]


def _stacked(read: "Iterable[tuple[Host, dict[str, list[float]]]]") -> "list[tuple[Series, list[float]]]":
    """The largest hosts as series, the largest first, and the sum of the others."""
    by_host = [(host, _sum(rows.values())) for host, rows in read if rows]
    named = [(host.label, rows) for host, rows in by_host if not host.hidden]
    named.sort(key=lambda one: -sum(rate for rate in one[1] if rate > 0))
    others = [rows for _, rows in named[LARGEST:]] + [rows for host, rows in by_host if host.hidden]
    shown = named[:LARGEST] + ([(OTHER, _sum(others))] if others else [])
    return [(Series(BY_SIZE[at], STACKED if at else AREA, label), rows) for at, (label, rows) in enumerate(shown)]


def _sum(columns: "Iterable[list[float]]") -> list[float]:
    """Row by row; what is unknown of one is taken from the others."""
    added: list[float] = []
    for rows in columns:
        if not added:
            added = rows
        elif (total := sum(added) + sum(rows)) == total:  # no NaN in them
            added = list(map(add, added, rows))
        else:
            added = [_either(one, other) for one, other in zip(added, rows, strict=True)]
    return added


def _either(one: float, other: float) -> float:
    if one != one:  # noqa: PLR0124  # NaN
        return other
    return one if other != other else one + other  # noqa: PLR0124


def short(label: str) -> str:
    """A host's name as it fits into a legend; what librrd would take for a command or can't draw becomes a ?."""
    shown = "".join("?" if letter == "\\" or not letter.isprintable() else letter for letter in label)
    return shown if len(shown) <= LABEL else f"{shown[: LABEL - 1]}\N{HORIZONTAL ELLIPSIS}"
