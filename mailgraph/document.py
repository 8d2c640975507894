"""What a browser shows around and in place of pictures: the pages, and sentences as a page and as a picture.

Values in, text out.  Knows no HTTP, no configuration and no RRD file.
"""

from mailgraph import __version__
from mailgraph.dates import date
from mailgraph.graphs import GRAPHS, WIDTH, Graph
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
    """Addresses on a page: queries to the program that made it."""

    head = '<link rel="stylesheet" href="?mailgraph.css">\n<script src="?mailgraph.js" defer></script>'

    def picture(self, view: View, theme: str = "light", zoom: int = 1) -> str:
        """The picture of a view."""
        light = address(view, form="png")
        return f"{light}{'&theme=dark' if theme == 'dark' else ''}{f'&zoom={zoom}' if zoom > 1 else ''}"

    def own(self, view: View) -> str:
        """The page of a view's own."""
        return address(view, view.since, view.until)


QUERIES = Links()


class Shown:
    """A picture on a page: what it shows, of which range, and its figures (None where they can't be read)."""

    __slots__ = ("figures", "range", "view")

    def __init__(self, view: View, asked: "Range | None" = None, figures: "Sequence[Figures] | None" = None) -> None:
        self.view = view
        self.range = asked
        self.figures = figures


def page(host: str, warnings: "Iterable[str]", periods: "Sequence[Sequence[Shown]]", links: Links = QUERIES) -> str:
    """The page: what is wrong, and for each period a heading and its pictures."""
    jumps = "\n".join(f'<li><a href="#G{number}">{period.title}</a></li>' for number, period in enumerate(PERIODS))
    content = [
        f'<nav aria-label="Periods"><ul id="jump">\n{jumps}\n</ul></nav>\n<main>',
        *_sentences(warnings),
        *(
            f'<section aria-labelledby="G{number}">\n<h2 id="G{number}">{PERIODS[number].title}</h2>\n'
            + f"<p>{'<br>'.join(_linked(shown, links) for shown in pictures)}</p>\n</section>"
            for number, pictures in enumerate(periods)
        ),
        "</main>",
    ]
    return _page(f"Mail statistics for {host}", "\n".join(content), links)


def sentence_page(host: str, sentence: str) -> str:
    """The page when there is nothing to show but a sentence."""
    return _page(f"Mail statistics for {host}", "\n".join(("<main>", *_sentences([sentence]), "</main>")))


def range_page(host: str, warnings: "Iterable[str]", shown: Shown, now: float) -> str:
    """A page of one graph over one range, with links to the ranges around it and to its other forms."""
    title = f"{GRAPHS[shown.view.letter].title}: mail statistics for {host}"
    asked = shown.range
    content = ["<main>", *_sentences(warnings)]
    if asked:
        content += [
            f"<h2>{date(asked.start)} \N{EN DASH} {date(asked.end)}</h2>",
            f"<p>{_picture(shown, QUERIES)}</p>",
            _links("Ranges", _ranges(shown.view, asked, now)),
            _links("Forms", ((form.upper(), address(shown.view, form=form)) for form in FORMS)),
        ]
    content += [_links("Pages", [("All graphs", "?")]), "</main>"]
    return _page(title, "\n".join(content))


def _ranges(view: View, asked: Range, now: float) -> "Iterator[tuple[str, str]]":
    length = asked.end - asked.start
    half = length // 2
    yield "Earlier", address(view, Moment(asked.start - half), Moment(asked.end - half))
    if asked.end + asked.row <= now:
        yield "Later", address(view, Moment(asked.start + half), Moment(asked.end + half))
    if view.until.epoch is None and not view.until.before_now:
        yield "Wider", address(view, Moment(before_now=2 * length), view.until)
        yield "Narrower", address(view, Moment(before_now=half), view.until)
    else:
        yield "Wider", address(view, Moment(asked.start - half), Moment(asked.end + half))
        yield "Narrower", address(view, Moment(asked.start + half // 2), Moment(asked.end - half // 2))
    yield "This range for good", address(view, Moment(asked.start), Moment(asked.end))


def _page(title: str, content: str, links: Links = QUERIES) -> str:
    return PAGE.format(title=text(title), head=links.head, content=content, version=__version__)


def _sentences(sentences: "Iterable[str]") -> "Iterator[str]":
    return (f'<p class="sentence">{text(sentence)}</p>' for sentence in sentences)


def _links(label: str, links: "Iterable[tuple[str, str]]") -> str:
    items = "\n".join(f'<li><a href="{text(target)}">{name}</a></li>' for name, target in links)
    return f'<nav aria-label="{label}"><ul class="links">\n{items}\n</ul></nav>'


def _linked(shown: Shown, links: Links) -> str:
    return f'<a href="{text(links.own(shown.view))}">{_picture(shown, links)}</a>'


def _picture(shown: Shown, links: Links) -> str:
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
    return (
        f'<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{dark}, {larger_dark} 2x">'
        f'<img src="{light}" srcset="{larger} 2x" alt="{text(_described(shown))}"{zoomable}></picture>'
    )


def _described(shown: Shown) -> str:
    """The picture in words: its graph, and the legend's numbers."""
    title = GRAPHS[shown.view.letter].title
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
    width = FRAME_WIDTH + look.width
    height = (look.height or graph.height) + FRAME_HEIGHT + LEGEND_HEIGHT * len(graph.series)
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


def larger(letter: str) -> Look:
    """How a graph looks on a page of its own."""
    times, parts = LARGER
    return Look(width=WIDTH * times // parts, height=GRAPHS[letter].height * times // parts)
