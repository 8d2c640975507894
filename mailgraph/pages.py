"""The pages' content, from RRD files to HTML.  Knows no HTTP."""

from mailgraph import document, figures
from mailgraph.files import Files, Unusable
from mailgraph.graphs import GRAPHS, Graph, is_named
from mailgraph.schema import MAIL, PERIODS
from mailgraph.views import View, parsed


def overview(host: str, files: Files, now: float, faults: list[str], links: document.Links = document.QUERIES) -> str:
    """What is wrong (``faults``), and all graphs over all periods."""
    shown = [_shown(view, files, now) for view in views_of(files)]
    periods = [[one for one in shown if one.view.steps == period.steps] for period in PERIODS]
    return document.page(host, faults, periods, links)


def views_of(files: Files) -> list[View]:
    """What the page shows, in its order: of each period first what is counted, then what is sampled."""
    letters = [letter for letter, graph in GRAPHS.items() if _is_expected(graph, files)]
    letters += [name for name in (family.suffix[1:] for family in files.paths) if is_named(name)]
    letters.sort(key=lambda letter: not GRAPHS[letter].measure.counted)
    return [parsed(f"{number}-{letter}") for number in range(len(PERIODS)) for letter in letters]


def single(host: str, view: View, files: Files, now: float, faults: list[str]) -> str:
    """What is wrong (``faults``), and one graph over one range, larger."""
    larger = View(view.letter, view.form, document.larger(view.letter), view.since, view.until)
    return document.range_page(host, faults, _shown(larger, files, now), now)


def _shown(view: View, files: Files, now: float) -> document.Shown:
    """The picture with its figures; without, where they can't be read: the picture itself says why."""
    try:
        taken = figures.taken(view, files, now)
    except Unusable:
        return document.Shown(view)
    return document.Shown(view, taken.range, taken.figures)


def _is_expected(graph: Graph, files: Files) -> bool:
    """Whether the page shows the graph.

    Not where nothing of it was counted yet, nor where the daemon counts without it (``--no-greylist-rrd``): its files
    are missing while the mail file exists.
    """
    families = graph.families(PERIODS[0].steps)
    if all(family.on_demand for family in families):
        return any(files.exists(family) for family in families)
    return MAIL in families or not files.exists(MAIL) or any(files.exists(family) for family in families)
