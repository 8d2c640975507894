"""The pages' content, from RRD files to HTML.  Knows no HTTP."""

from mailgraph import document
from mailgraph.files import Unusable
from mailgraph.graphs import GRAPHS, is_named
from mailgraph.schema import MAIL, PERIODS
from mailgraph.views import View, of_period

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mailgraph.figures import Taken
    from mailgraph.files import Files
    from mailgraph.graphs import Graph

    Take = Callable[[View], Taken]
    """What a view shows.  Raises files.Unusable."""


def overview(
    host: str, views: "Iterable[View]", take: "Take", faults: list[str], links: document.Links = document.QUERIES
) -> str:
    """What is wrong (``faults``), and the views of all periods."""
    every = [shown(view, take) for view in views]
    periods = [[one for one in every if one.view.steps == period.steps] for period in PERIODS]
    return document.page(host, faults, periods, links)


def views_of(files: "Files") -> list[View]:
    """What the page shows, in its order: of each period first what is counted, then what is sampled."""
    letters = [letter for letter, graph in GRAPHS.items() if _is_expected(graph, files)]
    letters += [name for name in (family.suffix[1:] for family in files.paths) if is_named(name)]
    letters.sort(key=lambda letter: not GRAPHS[letter].measure.counted)
    return [of_period(number, letter) for number in range(len(PERIODS)) for letter in letters]


def single(
    host: str,
    view: View,
    take: "Take",
    now: float,
    faults: list[str],
    links: document.Links = document.QUERIES,
) -> str:
    """What is wrong (``faults``), and one graph over one range, larger."""
    look = document.larger(view.graph)
    larger = View(view.letter, view.form, look, view.since, view.until, graphs={view.letter: view.graph})
    return document.range_page(host, faults, shown(larger, take), now, links)


def shown(view: View, take: "Take") -> document.Shown:
    """The picture with its figures; without, where they can't be read: the picture itself says why."""
    try:
        taken = take(view)
    except Unusable:
        return document.Shown(view)
    return document.Shown(view, taken.range, taken.figures)


def _is_expected(graph: "Graph", files: "Files") -> bool:
    """Whether the page shows the graph.

    Not where nothing of it was counted yet, nor where the daemon counts without it (``--no-greylist-rrd``): its files
    are missing while the mail file exists.
    """
    families = graph.families(PERIODS[0].steps)
    if all(family.on_demand for family in families):
        return any(files.exists(family) for family in families)
    return MAIL in families or not files.exists(MAIL) or any(files.exists(family) for family in families)
