"""Figures as tables for other programs: CSV (RFC 4180) and JSON.  Knows no HTTP and no file."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailgraph.figures import Figures, Taken
    from mailgraph.graphs import Graph
    from mailgraph.views import Range

DIGITS = 6
"""Digits behind the point of a row's values: a message a year is 0.000002 a minute."""


def csv(figures: "list[Figures]", asked: "Range") -> str:
    """A line for each row, by its end in UTC, average and maximum of each series; below, the legend's numbers."""
    head = [
        "time (UTC)",
        *(f"{one.series.label} {kind} (msgs/min)" for one in figures for kind in ("average", "maximum")),
    ]
    lines = [head]
    for at, end in enumerate(_ends(asked)):
        values = [_shown(value) for one in figures for value in (one.averages[at], one.maxima[at])]
        lines.append([time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)), *values])
    lines.append(["total (msgs)", *(cell for one in figures for cell in (_shown(one.total, 0), ""))])
    lines.append(["average (msgs/min)", *(cell for one in figures for cell in (_shown(one.average, 2), ""))])
    lines.append(["maximum (msgs/min)", *(cell for one in figures for cell in ("", _shown(one.maximum, 0)))])
    return "".join(",".join(line) + "\r\n" for line in lines)


def json(graph: "Graph", taken: "Taken") -> str:
    """One object: the range, the units, and for each series the legend's numbers and its rows; null where unknown."""
    from json import dumps

    asked = taken.range
    content = {
        "title": graph.title,
        "start": asked.first,
        "end": asked.end,
        "step": asked.row,
        "units": {"start": "s", "end": "s", "step": "s", "total": "msgs", "average": "msgs/min", "maximum": "msgs/min"},
        "times": list(_ends(asked)),
        "series": [
            {
                "name": one.series.counter,
                "label": one.series.label,
                "total": _rounded(one.total, 0),
                "average": _rounded(one.average, 2),
                "maximum": _rounded(one.maximum, 0),
                "averages": [_rounded(value) for value in one.averages],
                "maxima": [_rounded(value) for value in one.maxima],
            }
            for one in taken.figures
        ],
    }
    return dumps(content) + "\n"


def _ends(asked: "Range") -> range:
    return range(asked.first + asked.row, asked.end + asked.row, asked.row)


def _rounded(value: "float | None", digits: int = DIGITS) -> "float | None":
    """None for NaN too."""
    return round(value, digits or None) if value is not None and value == value else None  # noqa: PLR0124


def _shown(value: "float | None", digits: int = DIGITS) -> str:
    rounded = _rounded(value, digits)
    return "" if rounded is None else str(rounded)
