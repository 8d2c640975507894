"""The graph page as one WSGI callable: from a request to its answer.  Knows nothing of the daemon.

Imports little, and rrdtool not at all: a CGI script pays for every import in every request.
"""

import os
import time

from mailgraph import __version__, answers, assets, config, figures, views
from mailgraph.answers import HTML, NOT_KEPT, SVG, Answer, Validity, answer
from mailgraph.drawing import DrawingError, Locked, draw
from mailgraph.files import Files, Unusable, located
from mailgraph.graphs import GRAPHS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse, WSGIEnvironment

    from mailgraph.figures import Taken
    from mailgraph.schema import Family
    from mailgraph.views import View

STATIC = {assets.STYLESHEET: "text/css; charset=utf-8", assets.SCRIPT: "text/javascript; charset=utf-8"}
SCRIPT = "mailgraph.cgi"

REFRESH = 300
"""Seconds until the browser loads the page again."""

STATIC_AGE = 86400
"""Seconds that style sheet and script may be kept."""

RETRY = 10
"""Seconds after which a locked file is worth another try."""

PRIME = 2**61 - 1

TYPES = {"png": "image/png", "svg": SVG, "csv": "text/csv; charset=utf-8", "json": "application/json"}


class Page:
    """The WSGI callable.

    What is not given comes from the configuration file, read anew for each request: ``rrd_dir`` (RRD_DIR) and
    ``rrd_name`` (``--rrd-name`` in EXTRA_OPTIONS).  ``host`` is the heading's; by default this machine.
    Style sheet and script are those in the directory ``beside``, where it has them, else the package's.
    """

    def __init__(
        self,
        rrd_dir: "str | None" = None,
        rrd_name: "str | None" = None,
        host: "str | None" = None,
        beside: "str | None" = None,
        now: "Callable[[], float]" = time.time,
    ) -> None:
        self._rrd_dir = rrd_dir
        self._rrd_name = rrd_name
        self._host = host or os.uname().nodename
        self._beside = beside
        self._now = now

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """The answer to a request, as PEP 3333 has it."""
        answered = self._answer(environ)
        start_response(answered.status, answered.headers)
        return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else answered.body]

    def _answer(self, environ: "dict[str, Any]") -> Answer:
        if environ.get("REQUEST_METHOD", "GET") not in answers.METHODS:
            return answers.not_allowed()
        query = environ.get("QUERY_STRING", "")
        name = environ.get("PATH_INFO", "").rpartition("/")[2]
        for static in (query, name):
            if static in STATIC:
                return self._file(static)
        if "." in name and name != SCRIPT:
            return answers.not_found()
        if not query:
            return self._html(None, environ)
        try:
            view = views.parsed(query)
        except views.BadQuery:
            return answers.not_found()
        return self._view(view, environ) if view.form else self._html(view, environ)

    def _html(self, view: "View | None", environ: "dict[str, Any]") -> Answer:
        """The page of one view, or of all graphs."""
        from mailgraph import document, pages

        try:
            files = Files(self._paths())
        except config.ConfigError as error:
            return answer("500 Internal Server Error", HTML, document.sentence_page(self._host, f"{error}"), NOT_KEPT)
        now = self._now()
        page = pages.single(self._host, view, files, now) if view else pages.overview(self._host, files, now)
        return self._unless_held(environ, Validity(_tag(page)), lambda: page, HTML, ("Refresh", str(REFRESH)))

    def _view(self, view: "View", environ: "dict[str, Any]") -> Answer:
        try:
            taken = figures.taken(view, Files(self._paths()), self._now())
            return self._unless_held(environ, _validity(view, taken), lambda: _content(view, taken), TYPES[view.form])
        except Locked as error:
            retry = ("Retry-After", str(RETRY))
            return _sentence("503 Service Unavailable", view, f"{error}", retry)
        except (Unusable, DrawingError, config.ConfigError) as error:
            return _sentence("500 Internal Server Error", view, f"{error}")

    def _unless_held(
        self,
        environ: "dict[str, Any]",
        validity: Validity,
        content: "Callable[[], str | bytes]",
        content_type: str,
        *headers: "tuple[str, str]",
    ) -> Answer:
        """The content, or 304 where the client has it; it is made for the former alone."""
        now = self._now()
        if validity.holds(environ):
            return answers.not_modified(validity, now)
        return answer("200 OK", content_type, content(), *validity.headers(now), *headers)

    def _file(self, name: str) -> Answer:
        try:
            content = assets.read(name, self._beside)
        except FileNotFoundError:
            return answers.not_found()
        return answer("200 OK", STATIC[name], content, ("Cache-Control", f"max-age={STATIC_AGE}"))

    def _paths(self) -> "dict[Family, str]":
        """Where the RRD files are.  Raises ConfigError."""
        rrd_dir, rrd_name = self._rrd_dir, self._rrd_name
        if rrd_dir is None or rrd_name is None:
            values = config.load()
            rrd_dir = config.rrd_dir(values) if rrd_dir is None else rrd_dir
            rrd_name = config.rrd_name(values) if rrd_name is None else rrd_name
        return located(rrd_dir, rrd_name)


def _content(view: "View", taken: "Taken") -> "str | bytes":
    graph = GRAPHS[view.letter]
    if view.form in ("csv", "json"):
        from mailgraph import tables

        return tables.csv(taken.figures, taken.range) if view.form == "csv" else tables.json(graph, taken)
    paths = {family: file.path for family, file in taken.files.items()}
    return draw(graph, taken.range, view.look, view.form, paths)


def _sentence(status: str, view: "View", sentence: str, *headers: "tuple[str, str]") -> Answer:
    """A sentence where a picture or a table was asked for."""
    if view.form in ("csv", "json"):
        return answer(status, answers.TEXT, f"{sentence}\n", NOT_KEPT, *headers)
    from mailgraph.document import sentence_picture

    return answer(status, SVG, sentence_picture(GRAPHS[view.letter], view.look, sentence), NOT_KEPT, *headers)


def _validity(view: "View", taken: "Taken") -> Validity:
    """Its tag is made from all that goes into the picture.

    The date is the picture's end, and a second later when the data are there up to its end: they may come late.
    """
    look, asked = view.look, taken.range
    drawn = [one.fingerprint() for one in taken.figures]
    pixels = (look.theme, look.zoom, look.width, look.height)
    tag = _tag(repr((__version__, view.letter, view.form, pixels, asked.start, asked.end, drawn)))
    return Validity(tag, asked.end + (taken.last >= asked.end), asked.end + asked.row)


def _tag(content: str) -> str:
    """A remainder of the content as one large number; hashlib would bring OpenSSL along."""
    return f"{int.from_bytes(content.encode('utf-8', 'replace'), 'big') % PRIME:x}"


application = Page()
"""For mod_wsgi, gunicorn, uWSGI: ``gunicorn mailgraph.page``."""
