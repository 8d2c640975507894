"""What a browser shows around and in place of pictures: the page, and sentences as a page and as a picture.

Text in, text out.  Knows no HTTP, no configuration and no RRD file.
"""

from mailgraph import __version__
from mailgraph.graphs import GRAPHS, Graph
from mailgraph.schema import PERIODS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FRAME_WIDTH = 97
FRAME_HEIGHT = 55
LEGEND_HEIGHT = 14
"""Pixels that rrdtool adds to the plot, with its own font: at the sides, above and below, and for a legend row."""

LINE_LENGTH = 84
"""Characters of 12 pixels' height that fit into a picture's line."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="?mailgraph.css">
</head>
<body>
<h1>{title}</h1>
{content}
<footer>
<hr>
Mailgraph for Python {version}, a port of <a href="https://mailgraph.schweikert.ch/">Mailgraph</a>
by <a href="https://david.schweikert.ch/">David Schweikert</a>
(built on Tobi Oetiker's <a href="https://oss.oetiker.ch/rrdtool/">RRDtool</a>)
</footer>
</body>
</html>
"""

PICTURE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<title>{sentence}</title>
<rect x="0.5" y="0.5" width="{inner_width}" height="{inner_height}" fill="#ffffff" stroke="#cccccc"/>
<text font-family="DejaVu Sans Mono, monospace" font-size="12" fill="#aa0000">
{lines}
</text>
</svg>
"""


def page(host: str, graphs: "Iterable[str]") -> str:
    """The page: for each period a heading and the pictures of ``graphs`` (letters of GRAPHS)."""
    letters = list(graphs)
    jumps = "\n".join(f'<li><a href="#G{number}">{period.title}</a></li>' for number, period in enumerate(PERIODS))
    periods = "\n".join(_period(number, period.title, letters) for number, period in enumerate(PERIODS))
    return _page(host, f'<nav><ul id="jump">\n{jumps}\n</ul></nav>\n<main>\n{periods}\n</main>')


def _period(number: int, title: str, letters: "list[str]") -> str:
    pictures = "<br>\n".join(
        f'<img src="?{number}-{letter}" alt="{text(GRAPHS[letter].title)}, {title.lower()}">' for letter in letters
    )
    return f'<h2 id="G{number}">{title}</h2>\n<p>{pictures}</p>'


def sentence_page(host: str, sentence: str) -> str:
    """The page when there is nothing to show but a sentence."""
    return _page(host, f'<main>\n<p class="sentence">{text(sentence)}</p>\n</main>')


def _page(host: str, content: str) -> str:
    return PAGE.format(title=f"Mail statistics for {text(host)}", content=content, version=__version__)


def sentence_picture(graph: Graph, sentence: str) -> str:
    """A sentence as SVG, as large as the graph that it stands for: it works where an image is asked for."""
    width = FRAME_WIDTH + 540
    height = graph.height + FRAME_HEIGHT + LEGEND_HEIGHT * len(graph.series)
    lines = "\n".join(
        f'<tspan x="16" y="{16 * number + 24}">{text(line)}</tspan>' for number, line in enumerate(_lines(sentence))
    )
    return PICTURE.format(
        width=width,
        height=height,
        inner_width=width - 1,
        inner_height=height - 1,
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
    printable = "".join(character if character.isprintable() else "?" for character in value)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&#39;")):
        printable = printable.replace(character, entity)
    return printable
