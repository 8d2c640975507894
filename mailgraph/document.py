"""What a browser shows around and in place of pictures: the pages, and sentences as a page and as a picture.

Values in, text out.  Knows no HTTP, no configuration and no RRD file.
"""

from mailgraph import __version__
from mailgraph.graphs import WIDTH, Graph
from mailgraph.schema import PERIODS
from mailgraph.views import FORMS, Look, Moment, Range, View, address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mailgraph.figures import Figures

PLOT_LEFT = 67
FRAME_WIDTH = 97
FRAME_HEIGHT = 55
LEGEND_HEIGHT = 14
"""Pixels that rrdtool adds to the plot: left of it, at both sides, above and below, and for a legend row."""

LARGER = 3, 2
"""How many times the page's a picture on a page of its own is."""

LINE_LENGTH = 84
"""Characters of 12 pixels' height that fit into a picture's line."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
{head}
</head>
<body>
<header>
<h1>{title}</h1>
</header>
{content}
<footer>
<hr>
<p>Mailgraph for Python {version}, a port of <a href="https://mailgraph.schweikert.ch/">Mailgraph</a>
by <a href="https://david.schweikert.ch/">David Schweikert</a>
(built on Tobi Oetiker's <a href="https://oss.oetiker.ch/rrdtool/">RRDtool</a>)</p>
</footer>
</body>
</html>
"""

PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {inner_width} {inner_height}">
<title>{sentence}</title>
<rect width="100%" height="100%" fill="#ffffff" stroke="#cccccc"/>
<text font-family="DejaVu Sans Mono, monospace" font-size="12" fill="#aa0000">
{lines}
</text>
</svg>
"""


class Links:
    """Addresses on a page: queries to the program that made it.

    ``scope`` begins each of them (``host=mx1``), where they are about one host of several; ``home`` is the page of all
    graphs, and ``pages`` are others that this one names, as name and address.
    """

    head = '<link rel="stylesheet" href="?mailgraph.css">\n<script src="?mailgraph.js" defer></script>'

    def __init__(self, scope: str = "", home: str = "?", pages: "Sequence[tuple[str, str]]" = ()) -> None:
        self.scope = f"{scope}&" if scope else ""
        self.home = home
        self.pages = pages

    def to(self, view: View, since: "Moment | None" = None, until: "Moment | None" = None, form: str = "") -> str:
        """As views.address says."""
        found = address(view, since, until, form)
        return f"?{self.scope}{found[1:]}" if self.scope else found

    def picture(self, view: View, theme: str = "light", zoom: int = 1) -> str:
        """The picture of a view."""
        light = self.to(view, form="png")
        return f"{light}{'&theme=dark' if theme == 'dark' else ''}{f'&zoom={zoom}' if zoom > 1 else ''}"

    def own(self, view: View) -> str:
        """The page of a view's own."""
        return self.to(view, view.since, view.until)


QUERIES = Links()


class Shown:
    """A picture on a page: what it shows, of which range, and its figures (None where they can't be read).

    ``said`` are its figures in words, where they are known without the rows.
    """

    __slots__ = ("figures", "range", "said", "view")

    def __init__(
        self,
        view: View,
        asked: "Range | None" = None,
        figures: "Sequence[Figures] | None" = None,
        said: str = "",
    ) -> None:
        self.view = view
        self.range = asked
        self.figures = figures
        self.said = said


def page(host: str, warnings: "Iterable[str]", periods: "Sequence[Sequence[Shown]]", links: Links = QUERIES) -> str:
    """The page: what is wrong, and for each period a heading and its pictures."""
    jumps = "\n".join(f'<li><a href="#G{number}">{period.title}</a></li>' for number, period in enumerate(PERIODS))
    content = [
        f'<nav aria-label="Periods"><ul id="jump">\n{jumps}\n</ul></nav>',
        *([links_to("Pages", links.pages)] if links.pages else ()),
        "<main>",
        *sentences(warnings),
        *(
            f'<section aria-labelledby="G{number}">\n<h2 id="G{number}">{PERIODS[number].title}</h2>\n'
            + f"<p>{'<br>'.join(linked(shown, links) for shown in pictures)}</p>\n</section>"
            for number, pictures in enumerate(periods)
        ),
        "</main>",
    ]
    return whole(f"Mail statistics for {host}", "\n".join(content), links)


def sentence_page(host: str, sentence: str) -> str:
    """The page when there is nothing to show but a sentence."""
    return whole(f"Mail statistics for {host}", "\n".join(("<main>", *sentences([sentence]), "</main>")))


def range_page(host: str, warnings: "Iterable[str]", shown: Shown, now: float, links: Links = QUERIES) -> str:
    """A page of one graph over one range, with links to the ranges around it and to its other forms."""
    title = f"{shown.view.graph.title}: mail statistics for {host}"
    asked = shown.range
    content = ["<main>", *sentences(warnings)]
    if asked:
        from mailgraph.dates import date  # the page of all graphs has none

        content += [
            f"<h2>{date(asked.start)} \N{EN DASH} {date(asked.end)}</h2>",
            f"<p>{_picture(shown, links)}</p>",
            links_to("Ranges", _ranges(shown.view, asked, now, links)),
            links_to("Forms", ((form.upper(), links.to(shown.view, form=form)) for form in FORMS)),
        ]
    content += [links_to("Pages", [("All graphs", links.home), *links.pages]), "</main>"]
    return whole(title, "\n".join(content))


def _ranges(view: View, asked: Range, now: float, links: Links) -> "Iterator[tuple[str, str]]":
    length = asked.end - asked.start
    half = length // 2
    yield "Earlier", links.to(view, Moment(asked.start - half), Moment(asked.end - half))
    if asked.end + asked.row <= now:
        yield "Later", links.to(view, Moment(asked.start + half), Moment(asked.end + half))
    if view.until.epoch is None and not view.until.before_now:
        yield "Wider", links.to(view, Moment(before_now=2 * length), view.until)
        yield "Narrower", links.to(view, Moment(before_now=half), view.until)
    else:
        yield "Wider", links.to(view, Moment(asked.start - half), Moment(asked.end + half))
        yield "Narrower", links.to(view, Moment(asked.start + half // 2), Moment(asked.end - half // 2))
    yield "This range for good", links.to(view, Moment(asked.start), Moment(asked.end))


def whole(title: str, content: str, links: Links = QUERIES) -> str:
    """A page around its content: what stands between the title and the footer, as HTML."""
    return PAGE.format(title=text(title), head=links.head, content=content, version=__version__)


def sentences(said: "Iterable[str]") -> "Iterator[str]":
    """A paragraph each: what is wrong."""
    return (f'<p class="sentence">{text(sentence)}</p>' for sentence in said)


def links_to(label: str, links: "Iterable[tuple[str, str]]") -> str:
    """A row of links, as name and address."""
    items = "\n".join(f'<li><a href="{text(target)}">{text(name)}</a></li>' for name, target in links)
    return f'<nav aria-label="{label}"><ul class="links">\n{items}\n</ul></nav>'


def linked(shown: Shown, links: Links, more: str = "") -> str:
    """A picture that leads to its view's own page; ``more`` are further attributes."""
    return f'<a href="{text(links.own(shown.view))}">{_picture(shown, links, more)}</a>'


def _picture(shown: Shown, links: Links, more: str = "") -> str:
    """The picture on light and dark screens, each in the screen's own pixels."""
    view, asked = shown.view, shown.range
    light, larger, dark, larger_dark = (
        text(links.picture(view, theme, zoom)) for theme in ("light", "dark") for zoom in (1, 2)
    )
    zoomable = ""
    if asked:
        zoomable = (
            f' data-graph="{view.letter}" data-from="{asked.start}" data-to="{asked.end}"'
            f' data-left="{PLOT_LEFT}" data-width="{view.look.width}"'
        )
        if links.scope:
            zoomable += f' data-scope="{text(links.scope)}"'
    return (
        f'<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{dark}, {larger_dark} 2x">'
        f'<img src="{light}" srcset="{larger} 2x" alt="{text(_described(shown))}"{zoomable}{more}></picture>'
    )


def _described(shown: Shown) -> str:
    """The picture in words: its graph, and the legend's numbers."""
    title = shown.view.graph.title
    if shown.said:
        return f"{title}. {shown.said}"
    if shown.figures is None:
        return f"{title}: no numbers"
    return f"{title}. " + " ".join(_said(one) for one in shown.figures)


def _said(figures: "Figures") -> str:
    label, unit = figures.series.label, f" {figures.measure.unit}".rstrip()
    if figures.average is None or figures.maximum is None:
        return f"{label}: unknown."
    if figures.last is not None:
        form = ".6g" if figures.measure.scaled else ".2f"
        numbers = (figures.average, figures.maximum, figures.last)
        average, maximum, last = (f"{number:{form}}{unit}" for number in numbers)
        return f"{label}: average {average}, maximum {maximum}, last {last}."
    return (
        f"{label}: total {figures.total:.0f} messages, average {figures.average:.2f} a minute,"
        f" maximum {figures.maximum:.0f} a minute."
    )


def sentence_picture(graph: Graph, look: Look, sentence: str) -> str:
    """A sentence as SVG, as large as the graph that it stands for: it works where an image is asked for."""
    width, height = size(graph, look, len(graph.series))
    lines = "\n".join(
        f'<tspan x="16" y="{16 * number + 24}">{text(line)}</tspan>' for number, line in enumerate(_lines(sentence))
    )
    return PICTURE.format(
        width=width * look.zoom,
        height=height * look.zoom,
        inner_width=width,
        inner_height=height,
        sentence=text(sentence),
        lines=lines,
    )


def size(graph: Graph, look: Look, rows: int) -> tuple[int, int]:
    """Width and height of a picture with so many rows in its legend."""
    return FRAME_WIDTH + look.width, (look.height or graph.height) + FRAME_HEIGHT + LEGEND_HEIGHT * rows


def _lines(sentence: str) -> "Iterator[str]":
    """The sentence in lines of up to LINE_LENGTH characters; a longer word (a path) is cut."""
    line = ""
    for word in sentence.split():
        if line and len(line) + 1 + len(word) > LINE_LENGTH:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while len(line) > LINE_LENGTH:
            yield line[:LINE_LENGTH]
            line = line[LINE_LENGTH:]
    if line:
        yield line


def text(value: str) -> str:
    """``value`` as text of HTML or XML, also in a quoted attribute; what can't be printed becomes a question mark.

    The standard library's html.escape would bring ``re`` along: 5 ms of a request.
    """
    printable = value
    if not value.isprintable():
        printable = "".join(character if character.isprintable() else "?" for character in value)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        printable = printable.replace(character, entity)
    return printable


def larger(graph: Graph) -> Look:
    """How a graph looks on a page of its own."""
    times, parts = LARGER
    return Look(width=WIDTH * times // parts, height=graph.height * times // parts)
