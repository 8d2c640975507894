"""Graphs as tables, and a graph and a period as rrdtool's arguments.  Knows no HTTP and no configuration.

rrdtool is imported where a picture is drawn and not before: with its 49 shared libraries it takes as long as Python.
"""

import os
import time
from _thread import allocate_lock

from mailgraph.schema import FAMILIES, STEP, Family, Period

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WIDTH = 540
"""Pixels of the plot: three for each row of the archive that a period is drawn from."""

LINE = "LINE2"
AREA = "AREA"
STACKED = "STACKED"
"""An area that begins where the area before it ends."""


class Series:
    """One counter in a graph: its name in the legend, how it is drawn (LINE, AREA, STACKED) and its colour."""

    __slots__ = ("colour", "counter", "label", "style")

    def __init__(self, counter: str, style: str, colour: str, label: str) -> None:
        self.counter = counter
        self.style = style
        self.colour = colour
        self.label = label


class Graph:
    """What is drawn into one picture: its height in pixels and its series, the later above the earlier."""

    __slots__ = ("height", "series", "title")

    def __init__(self, title: str, height: int, series: "Sequence[Series]") -> None:
        self.title = title
        self.height = height
        self.series = series

    @property
    def families(self) -> "list[Family]":
        """The RRD files that hold the graph's series."""
        return list(dict.fromkeys(SOURCES[series.counter][0] for series in self.series))

    @property
    def label_width(self) -> int:
        """Characters of the legend's first column."""
        return max(len(series.label) for series in self.series)


SOURCES = {counter: (family, source) for family in FAMILIES for source, counter in family.sources}
"""Where a counter is stored."""

GRAPHS = {
    "n": Graph(
        "Sent and received",
        160,
        (
            Series("sent", AREA, "000099", "Sent"),
            Series("received", LINE, "009900", "Received"),
        ),
    ),
    "e": Graph(
        "Bounced, viruses, spam and rejected",
        96,
        (
            Series("bounced", AREA, "000000", "Bounced"),
            Series("virus", STACKED, "DDBB00", "Viruses"),
            Series("spam", STACKED, "999999", "Spam"),
            Series("rejected", LINE, "AA0000", "Rejected"),
        ),
    ),
    "g": Graph(
        "Greylisted and delayed",
        96,
        (
            Series("greylisted", AREA, "999999", "Greylisted"),
            Series("delayed", LINE, "006400", "Delayed"),
        ),
    ),
}
"""By the letter that stands in a picture's URL."""

LEGEND = (
    ("{0}_total", r"total\: %8.0lf msgs"),
    ("{0}_average", r"avg\: %5.2lf msgs/min"),
    ("{0}_maximum", r"max\: %4.0lf msgs/min\l"),
)
"""A legend row's numbers behind the label; two blanks that rrdtool sets between them make columns."""

LOCK_TRIES = 20
LOCK_PAUSE = 0.05

drawing = allocate_lock()
"""librrd's drawing is not thread-safe: with six threads 23 of 25 processes crashed."""


class DrawingError(Exception):
    """A picture that can't be drawn; the text names the file, what is wrong with it and what to do."""


class Locked(DrawingError):
    """The daemon writes the file for longer than was waited."""


def existing(graph: Graph, paths: "Mapping[Family, str]") -> "dict[Family, str]":
    """The graph's RRD files that exist.  Raises DrawingError where there is none.

    A graph is drawn of what there is: who counts with ``--no-virus-rrd`` still wants to see the bounced and rejected.
    """
    wanted = {family: paths[family] for family in graph.families}
    found = {family: path for family, path in wanted.items() if os.path.lexists(path)}
    if not found:
        path = next(iter(wanted.values()))
        try:
            os.stat(os.path.dirname(path) or ".")
        except OSError as error:
            raise DrawingError(
                f"can't read the directory {os.path.dirname(path)}: {error.strerror} (is RRD_DIR in the configuration"
                " the directory that the daemon writes to?)"
            ) from error
        raise DrawingError(f"there is no {path} yet (start mailgraph; it makes the file when it has counted a minute)")
    return found


def latest_end(period: Period, now: float) -> int:
    """The end of the last whole row of the archive that the period is drawn from: the picture changes with it."""
    return int(now) // (period.steps * STEP) * (period.steps * STEP)


def arguments(graph: Graph, period: Period, end: int, paths: "Mapping[Family, str]") -> list[str]:
    """rrdtool's arguments for the graph's series in ``paths`` over the period that ends at ``end`` (epoch).

    The start is given relative to the end and the date shown is the end's, so the same data give the same bytes.
    """
    series = [one for one in graph.series if SOURCES[one.counter][0] in paths]
    return [
        *("--imgformat", "PNG", "--width", str(WIDTH), "--height", str(graph.height)),
        *("--start", f"end-{period.seconds}s", "--end", str(end)),
        *("--vertical-label", "msgs/min", "--lower-limit", "0", "--units-exponent", "0", "--slope-mode"),
        *("--color", "SHADEA#FFFFFF", "--color", "SHADEB#FFFFFF", "--color", "BACK#FFFFFF"),
        *(argument for one in series for argument in _values(one, paths)),
        *(argument for at, one in enumerate(series) for argument in _drawn(one, series[:at], graph.label_width)),
        rf"COMMENT:{escaped(time.strftime('[%a %b %e %H:%M:%S %Y]', time.localtime(end)))}\r",
    ]


def _values(series: Series, paths: "Mapping[Family, str]") -> list[str]:
    """Definitions of the series in messages per minute (an RRD holds them per second), and of the legend's numbers."""
    name = series.counter
    family, source = SOURCES[name]
    path = escaped(paths[family])
    return [
        f"DEF:{name}_rate={path}:{source}:AVERAGE",
        f"DEF:{name}_peak={path}:{source}:MAX",
        f"CDEF:{name}={name}_rate,{STEP},*",
        f"CDEF:{name}_peaks={name}_peak,{STEP},*",
        f"VDEF:{name}_total={name}_rate,TOTAL",
        f"VDEF:{name}_average={name},AVERAGE",
        f"VDEF:{name}_maximum={name}_peaks,MAXIMUM",
    ]


def _drawn(series: Series, below: "Sequence[Series]", label_width: int) -> list[str]:
    style, stack = series.style, ""
    if style == STACKED:
        style, stack = AREA, ":STACK" if any(one.style != LINE for one in below) else ""
    return [
        f"{style}:{series.counter}#{series.colour}:{escaped(series.label.ljust(label_width))}{stack}",
        *(f"GPRINT:{name.format(series.counter)}:{text}" for name, text in LEGEND),
    ]


def escaped(text: str) -> str:
    """``text`` as a part of an argument: a bare colon ends it (since rrdtool 1.10 in a COMMENT too).

    A backslash means something before a colon alone.
    """
    return text.replace(":", "\\:")


def draw(
    graph: Graph, period: Period, end: int, paths: "Mapping[Family, str]", pause: "Callable[[float], None]" = time.sleep
) -> bytes:
    """The picture as PNG, of the RRD files in ``paths`` (see ``existing``).  Raises DrawingError, Locked."""
    import rrdtool

    for attempt in range(LOCK_TRIES):
        try:
            with drawing:
                return bytes(rrdtool.graphv("-", *arguments(graph, period, end, paths))["image"])
        except rrdtool.OperationalError as error:
            reason = str(error)
            if "could not lock" not in reason:
                raise DrawingError(_explained(reason, paths)) from error
            if attempt == LOCK_TRIES - 1:
                raise Locked(_explained(reason, paths)) from error
        pause(LOCK_PAUSE)
    raise AssertionError("unreachable")


def _explained(reason: str, paths: "Mapping[Family, str]") -> str:
    """librrd's reason with the file that it names, and what to do about it."""
    path = next((path for path in paths.values() if path in reason), ", ".join(paths.values()))
    for said, wrong, advice in ADVICE:
        if said in reason:
            return f"can't draw {path}: {wrong} ({advice})"
    return f"can't draw {path}: {reason or 'no reason given'}"


ADVICE = (
    ("Permission denied", "Permission denied", "let the web server's user read it, and search its directory"),
    ("could not lock", "it is being written", "reload in a moment"),
    ("is not an RRD file", "it is not an RRD file", "move it away, and mailgraph makes a new one"),
    ("is too small", "it was cut off", "move it away, and mailgraph makes a new one"),
    ("Invalid argument", "it is empty", "move it away, and mailgraph makes a new one"),
    ("reached EOF", "it was cut off", "move it away, and mailgraph makes a new one"),
    ("No DS called", "it was not made by mailgraph", "move it away, or mend RRD_DIR in the configuration"),
    ("No such file", "it does not exist", "start mailgraph; it makes the file when it has counted a minute"),
    ("No such device", "it is a directory", "move it away, and mailgraph makes a file"),
)
"""What librrd says, in words, and what the administrator can do."""
