"""A picture as small as a word: sent and received in a row of a table, as SVG.  Imports no rrdtool, which takes 80 ms.

Knows no HTTP and no file.
"""

from mailgraph.themes import THEMES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailgraph.figures import Taken
    from mailgraph.views import Look

WIDTH, HEIGHT = 180, 32

PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<rect width="{width}" height="{height}" fill="#{background}"/>
<path d="{area}" fill="#{sent}"/>
<path d="{line}" fill="none" stroke="#{received}" stroke-width="1.5"/>
<path d="M0 {floor}H{width}" stroke="#{axis}"/>
</svg>
"""


def picture(taken: "Taken", look: "Look") -> str:
    """The first series as an area and the second as a line, from nothing to the most of both."""
    theme = THEMES[look.theme]
    area, line = (one.averages for one in taken.figures[:2])
    most = max((value for value in (*area, *line) if value > 0), default=1.0)
    return PICTURE.format(
        width=WIDTH,
        height=HEIGHT,
        floor=HEIGHT - 0.5,
        background=theme.background,
        axis=theme.parts.get("AXIS", "AAAAAA"),
        sent=theme.colour(taken.figures[0].series.counter),
        received=theme.colour(taken.figures[1].series.counter),
        area="".join(_areas(_points(area, most))),
        line="".join(_run("M", run) for run in _runs(_points(line, most))),
    )


def _points(values: "Sequence[float]", most: float) -> "list[tuple[float, float] | None]":
    """Where each row's middle is, from the upper left; None where unknown."""
    width, height = WIDTH / len(values), HEIGHT - 2
    return [
        (round((at + 0.5) * width, 1), round(HEIGHT - 1 - value / most * height, 1)) if value == value else None  # noqa: PLR0124
        for at, value in enumerate(values)
    ]


def _runs(points: "Sequence[tuple[float, float] | None]") -> "list[list[tuple[float, float]]]":
    """Neighbours that are known."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _run(start: str, run: "Sequence[tuple[float, float]]") -> str:
    return start + "L".join(f"{x:g} {y:g}" for x, y in run)


def _areas(points: "Sequence[tuple[float, float] | None]") -> "list[str]":
    return [f"M{run[0][0]:g} {HEIGHT}{_run('L', run)}V{HEIGHT}Z" for run in _runs(points)]
