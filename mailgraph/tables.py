"""Figures as tables for other programs: CSV (RFC 4180) and JSON.  Knows no HTTP and no file."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailgraph.figures import Figures, Taken
    from mailgraph.graphs import Measure
    from mailgraph.views import Range

DIGITS = 6
"""Digits behind the point of a row's values: a message a year is 0.000002 a minute."""

SIGNIFICANT = 9
"""Digits of a sampled value, of which nobody knows how large it is."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet runs.  A log's hosts have no such name; a directory may, whoever made it."""


def csv(figures: "list[Figures]", asked: "Range") -> str:
    """A line for each row, by its end in UTC, average and maximum of each series; below, the legend's numbers."""
    measure = figures[0].measure
    unit = f" ({measure.unit})" if measure.unit else ""
    names = [cell(f"{one.series.label} {kind}{unit}") for one in figures for kind in ("average", "maximum")]
    head = ["time (UTC)", *names]
    lines = [head]
    columns = [column for one in figures for column in (one.averages, one.maxima)]
    for at, end in enumerate(_ends(asked)):
        values = [_shown(column[at], measure) for column in columns]
        lines.append([time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)), *values])
    if measure.counted:
        lines.append(["total (msgs)", *(cell for one in figures for cell in (_shown(one.total, measure, 0), ""))])
    lines.append([f"average{unit}", *(cell for one in figures for cell in (_shown(one.average, measure, 2), ""))])
    lines.append([f"maximum{unit}", *(cell for one in figures for cell in ("", _shown(one.maximum, measure, 0)))])
    if not measure.counted:
        lines.append([f"last{unit}", *(cell for one in figures for cell in (_shown(one.last, measure), ""))])
    return "".join(",".join(line) + "\r\n" for line in lines)


def cell(text: str) -> str:
    """A text as a cell: one with a comma, a quote or a line break in quotes, what would be a FORMULA behind a '."""
    plain = f"'{text}" if text.startswith(FORMULA) else text
    return '"' + plain.replace('"', '""') + '"' if any(mark in plain for mark in ',"\r\n') else plain


def json(taken: "Taken") -> str:
    """One object: the range, the units, and for each series the legend's numbers and its rows; null where unknown."""
    from json import dumps

    asked, measure = taken.range, taken.graph.measure
    content = {
        "title": taken.graph.title,
        "start": asked.first,
        "end": asked.end,
        "step": asked.row,
        "units": {"start": "s", "end": "s", "step": "s", **_units(measure)},
        "times": list(_ends(asked)),
        "series": [
            {
                "name": one.series.counter,
                "label": one.series.label,
                **({"total": _rounded(one.total, measure, 0)} if measure.counted else {}),
                "average": _rounded(one.average, measure, 2),
                "maximum": _rounded(one.maximum, measure, 0),
                **({} if measure.counted else {"last": _rounded(one.last, measure)}),
                "averages": [_rounded(value, measure) for value in one.averages],
                "maxima": [_rounded(value, measure) for value in one.maxima],
            }
            for one in taken.figures
        ],
    }
    return dumps(content) + "\n"


def _ends(asked: "Range") -> range:
    return range(asked.first + asked.row, asked.end + asked.row, asked.row)


def _units(measure: "Measure") -> "dict[str, str]":
    """Of the numbers."""
    unit = measure.unit
    if measure.counted:
        return {"total": "msgs", "average": unit, "maximum": unit}
    return {"average": unit, "maximum": unit, "last": unit}


def _rounded(value: "float | None", measure: "Measure", digits: int = DIGITS) -> "float | None":
    """With so many digits behind the point, but of what is sampled; None for NaN and infinity, which JSON has not."""
    if value is None or value - value != 0:
        return None
    return round(value, digits or None) if measure.counted else float(f"{value:.{SIGNIFICANT}g}")


def _shown(value: "float | None", measure: "Measure", digits: int = DIGITS) -> str:
    rounded = _rounded(value, measure, digits)
    return "" if rounded is None else str(rounded)
