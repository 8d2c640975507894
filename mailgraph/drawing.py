"""A graph over a range as rrdtool's arguments, and drawn.  Knows no HTTP and no configuration.

rrdtool is imported where a picture is drawn and not before: with its 49 shared libraries it takes as long as Python.
"""

import posix
import sys
import time
from _thread import allocate_lock

from mailgraph.config import FAR
from mailgraph.dates import date
from mailgraph.files import Locked, Unusable
from mailgraph.graphs import AREA, LINE, SOURCES, STACKED
from mailgraph.themes import THEMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mailgraph.graphs import Graph, Measure, Series
    from mailgraph.schema import Family
    from mailgraph.views import Look, Range

LEGEND = (
    ("{0}_total", r"total\: %8.0lf msgs"),
    ("{0}_average", r"avg\: %5.2lf msgs/min"),
    ("{0}_maximum", r"max\: %4.0lf msgs/min\l"),
)
"""A legend row's numbers behind the label; two blanks that rrdtool sets between them make columns."""

SAMPLED_LEGEND = (("{0}_average", r"avg\: "), ("{0}_maximum", r"max\: "), ("{0}_last", r"last\: "))
"""The same of what is sampled; number and unit follow."""

LOCK_TRIES = 20
LOCK_PAUSE = 0.05

PASSING = ("could not lock", "error while talking to rrdcached")
"""What is over with the next try: a file that is written, and librrd's connection of before, which is no more."""

turn = allocate_lock()
"""librrd's drawing is not thread-safe: with six threads 23 of 25 processes crashed."""


def draw(
    graph: "Graph",
    asked: "Range",
    look: "Look",
    form: str,
    paths: "Mapping[Family, str]",
    pause: "Callable[[float], None]" = time.sleep,
) -> bytes:
    """The picture as PNG or SVG (``form``), of the RRD files in ``paths``.  Raises Unusable, Locked."""
    rrdtool = _rrdtool()
    given = arguments(graph, asked, look, form, paths)
    _check(paths.values())
    for attempt in range(LOCK_TRIES):
        try:
            with turn:
                return bytes(rrdtool.graphv("-", *given)["image"])
        except rrdtool.OperationalError as error:
            files = ", ".join(paths.values())
            if not any(passing in str(error) for passing in PASSING):
                raise Unusable(f"can't draw {files}: {error or 'no reason given'}") from error
            if attempt == LOCK_TRIES - 1:
                raise Locked(f"can't draw {files}: it is being written (reload in a moment)") from error
        pause(LOCK_PAUSE)
    raise AssertionError("unreachable")


def _rrdtool() -> "Any":
    """The module, loaded as cheaply as Perl loads its own: with both of these in 3.9 ms, not 5.7.

    Python binds the functions of a library, and of the 49 that it needs, at once, unless told to do so when they are
    called.  And the binding asks for ``datetime``, of which it wants the part in C and nothing written in Python.
    """
    flags = sys.getdlopenflags()
    sys.setdlopenflags(posix.RTLD_LAZY)
    alone = "datetime" not in sys.modules
    try:
        if alone:
            import _datetime

            sys.modules["datetime"] = _datetime
        import rrdtool
    finally:
        sys.setdlopenflags(flags)
        if alone:
            sys.modules.pop("datetime", None)
    return rrdtool


def _check(paths: "Iterable[str]") -> None:
    """Raises Unusable for a path that is not UTF-8: rrdtool's Python binding 0.1.16 would end the process."""
    for path in paths:
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise Unusable(
                f"can't draw {path}: RRDtool's Python binding takes no path that is not UTF-8"
                " (give the directory another name)"
            ) from error


def arguments(graph: "Graph", asked: "Range", look: "Look", form: str, paths: "Mapping[Family, str]") -> list[str]:
    """rrdtool's arguments for the graph's series in ``paths``.

    The start is given relative to the end and the date shown is the end's, so the same data give the same bytes.
    """
    series = [one for one in graph.series if SOURCES[one.counter, asked.steps][0] in paths]
    colours = THEMES[look.theme]
    return [
        *_daemon(paths),
        *("--imgformat", form.upper(), "--zoom", str(look.zoom)),
        *("--width", str(look.width), "--height", str(look.height or graph.height)),
        *("--start", f"end-{asked.end - asked.start}s", "--end", str(asked.end)),
        *("--vertical-label", graph.measure.axis, "--lower-limit", "0", "--slope-mode"),
        *(() if graph.measure.scaled else ("--units-exponent", "0")),
        *(f"--color={part}#{colour}" for part, colour in colours.parts.items()),
        *(argument for one in series for argument in _values(one, graph.measure, asked, paths)),
        *(
            argument
            for at, one in enumerate(series)
            for argument in _drawn(one, colours.colour(one.counter), series[:at], graph)
        ),
        rf"COMMENT:{escaped(f'[{date(asked.end)}]')}\r",
    ]


def _daemon(paths: "Mapping[Family, str]") -> list[str]:
    """Files on another machine are read through its rrdcached; they are all on the same one."""
    far = [path for path in paths.values() if path.startswith(FAR)]
    return ["--daemon", _divided(far[0])[0]] if far else []


def _divided(path: str) -> tuple[str, str]:
    """The rrdcached of a file, nothing for one of this machine, and its path there."""
    if not path.startswith(FAR):
        return "", path
    address, _, name = path.removeprefix(FAR).partition("/")
    return address, name


def _values(series: "Series", measure: "Measure", asked: "Range", paths: "Mapping[Family, str]") -> list[str]:
    """Definitions of the series in its measure (an RRD holds messages per second), and of the legend's numbers."""
    name = series.counter
    family, source = SOURCES[name, asked.steps]
    path = escaped(_divided(paths[family])[1])
    return [
        f"DEF:{name}_rate={path}:{source}:AVERAGE:step={asked.row}",
        f"DEF:{name}_peak={path}:{source}:MAX:step={asked.row}",
        f"CDEF:{name}={name}_rate,{measure.factor},*",
        f"CDEF:{name}_peaks={name}_peak,{measure.factor},*",
        f"VDEF:{name}_total={name}_rate,TOTAL" if measure.counted else f"VDEF:{name}_last={name},LAST",
        f"VDEF:{name}_average={name},AVERAGE",
        f"VDEF:{name}_maximum={name}_peaks,MAXIMUM",
    ]


def _drawn(series: "Series", colour: str, below: "Sequence[Series]", graph: "Graph") -> list[str]:
    style, stack = series.style, ""
    if style == STACKED:
        style, stack = AREA, ":STACK" if any(one.style != LINE for one in below) else ""
    return [
        f"{style}:{series.counter}#{colour}:{escaped(series.label.ljust(graph.label_width))}{stack}",
        *(f"GPRINT:{name.format(series.counter)}:{text}" for name, text in _legend(graph.measure)),
    ]


def _legend(measure: "Measure") -> "Sequence[tuple[str, str]]":
    if measure.counted:
        return LEGEND
    number = f"{'%11.6lg' if measure.scaled else '%8.2lf'} {measure.unit}".rstrip()
    *columns, (name, text) = [(name, text + number) for name, text in SAMPLED_LEGEND]
    return [*columns, (name, rf"{text}\l")]


def escaped(text: str) -> str:
    """``text`` as a part of an argument: a bare colon ends it (since rrdtool 1.10 in a COMMENT too).

    A backslash means something before a colon alone.
    """
    return text.replace(":", "\\:")
