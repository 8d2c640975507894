"""The graph page as one WSGI callable: from a request to its answer.  Knows nothing of the daemon.

Imports little, and rrdtool not at all: a CGI script pays for every import in every request.
"""

import os
import time

from mailgraph import config, document, graphs
from mailgraph.schema import FAMILIES, MAIL, PERIODS, Family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse, WSGIEnvironment

STYLESHEET = "mailgraph.css"

REFRESH = 300
"""Seconds until the browser loads the page again."""

STYLE_MAX_AGE = 86400

PICTURES = {
    f"{number}-{letter}": (graph, period)
    for number, period in enumerate(PERIODS)
    for letter, graph in graphs.GRAPHS.items()
}
"""By query string, as the original's page names them and panels embed them."""


class Answer:
    """What goes back: status line, body, type and further headers."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: str, content_type: str, body: "str | bytes", *headers: tuple[str, str]) -> None:
        self.status = status
        self.body = body.encode("utf-8", "replace") if isinstance(body, str) else body
        self.headers = [
            ("Content-Type", content_type),
            ("Content-Length", str(len(self.body))),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'"),
            *headers,
        ]


TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
SVG = "image/svg+xml"

NOT_KEPT = ("Cache-Control", "no-store")


class Page:
    """The WSGI callable.

    What is not given comes from the configuration file, read anew for each request: ``rrd_dir`` (RRD_DIR) and
    ``rrd_name`` (``--rrd-name`` in EXTRA_OPTIONS).  ``host`` is the heading's; by default this machine.
    ``stylesheet`` is a file to serve, if it exists, instead of the one that comes with the package.
    """

    def __init__(
        self,
        rrd_dir: "str | None" = None,
        rrd_name: "str | None" = None,
        host: "str | None" = None,
        stylesheet: "str | None" = None,
        now: "Callable[[], float]" = time.time,
    ) -> None:
        self._rrd_dir = rrd_dir
        self._rrd_name = rrd_name
        self._host = host or os.uname().nodename
        self._stylesheets = [stylesheet] if stylesheet else []
        self._stylesheets += _packaged_stylesheets()
        self._now = now

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """The answer to a request, as PEP 3333 has it."""
        answer = self._answer(environ)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _answer(self, environ: "dict[str, Any]") -> Answer:
        query = environ.get("QUERY_STRING", "")
        name = environ.get("PATH_INFO", "").rpartition("/")[2]
        if STYLESHEET in (query, name):
            return self._style()
        if "." in name and name != "mailgraph.cgi":
            return not_found()
        if not query:
            return self._page()
        return self._picture(query) if query in PICTURES else not_found()

    def _page(self) -> Answer:
        try:
            paths = self._paths()
        except config.ConfigError as error:
            return Answer("500 Internal Server Error", HTML, document.sentence_page(self._host, f"{error}"), NOT_KEPT)
        letters = [letter for letter, graph in graphs.GRAPHS.items() if _is_expected(graph, paths)]
        return Answer("200 OK", HTML, document.page(self._host, letters), ("Refresh", str(REFRESH)))

    def _picture(self, query: str) -> Answer:
        graph, period = PICTURES[query]
        try:
            paths = graphs.existing(graph, self._paths())
            picture = graphs.draw(graph, period, graphs.latest_end(period, self._now()), paths)
        except graphs.Locked as error:
            status, sentence = "503 Service Unavailable", f"{error}"
        except (graphs.DrawingError, config.ConfigError) as error:
            status, sentence = "500 Internal Server Error", f"{error}"
        else:
            return Answer("200 OK", "image/png", picture)
        return Answer(status, SVG, document.sentence_picture(graph, sentence), NOT_KEPT)

    def _style(self) -> Answer:
        for path in self._stylesheets:
            try:
                with open(path, "rb") as file:
                    style = file.read()
            except FileNotFoundError:  # copied alone, or installed elsewhere: the next place
                continue
            return Answer("200 OK", "text/css; charset=utf-8", style, ("Cache-Control", f"max-age={STYLE_MAX_AGE}"))
        return not_found()

    def _paths(self) -> "dict[Family, str]":
        """Where the RRD files are.  Raises ConfigError."""
        rrd_dir, rrd_name = self._rrd_dir, self._rrd_name
        if rrd_dir is None or rrd_name is None:
            values = config.load()
            rrd_dir = config.rrd_dir(values) if rrd_dir is None else rrd_dir
            rrd_name = config.rrd_name(values) if rrd_name is None else rrd_name
        return {family: os.path.join(rrd_dir, family.file_name(rrd_name)) for family in FAMILIES}


def not_found() -> Answer:
    """There is no such picture, and the sentence says so."""
    return Answer("404 Not Found", TEXT, "There is no such page here; the graphs are on the page without a query.\n")


def _is_expected(graph: graphs.Graph, paths: "dict[Family, str]") -> bool:
    """Whether the page shows the graph.

    Not where the daemon counts without it (``--no-greylist-rrd``): its files are missing while the mail file exists.
    """
    return (
        MAIL in graph.families
        or not os.path.exists(paths[MAIL])
        or any(os.path.exists(paths[family]) for family in graph.families)
    )


def _packaged_stylesheets() -> list[str]:
    """Where mailgraph.css is: in the checkout, and where pip installs it (PREFIX/lib/python3.11/site-packages)."""
    package = os.path.dirname(os.path.abspath(__file__))
    above = os.path.dirname(package)
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(above)))
    return [
        os.path.join(above, "cgi-bin", STYLESHEET),
        os.path.join(prefix, "share", "mailgraph", "cgi-bin", STYLESHEET),
    ]


application = Page()
"""For mod_wsgi, gunicorn, uWSGI: ``gunicorn mailgraph.page``."""
