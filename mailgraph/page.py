"""The graph page as one WSGI callable: from a request to its answer.  Knows nothing of the daemon.

Imports little, and rrdtool not at all: a CGI script pays for every import in every request.
"""

import posix
import time

from mailgraph import __version__, answers, config, figures, views
from mailgraph.answers import HTML, NOT_KEPT, SVG, Answer, Validity, answer
from mailgraph.files import Files, Locked, Unusable, located
from mailgraph.schema import HOSTS_DIRECTORY, MAIL
from mailgraph.views import SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any
    from wsgiref.types import StartResponse, WSGIEnvironment

    from mailgraph.figures import Taken
    from mailgraph.kept import Kept
    from mailgraph.places import Hosts
    from mailgraph.schema import Family
    from mailgraph.views import View

STATIC = {"mailgraph.css": "text/css; charset=utf-8", "mailgraph.js": "text/javascript; charset=utf-8"}
SCRIPT = "mailgraph.cgi"

REFRESH = 300
"""Seconds until the browser loads the page again."""

STATIC_AGE = 86400
"""Seconds that style sheet and script may be kept."""

RETRY = 10
"""Seconds after which a locked file is worth another try."""

PRIME = 2**61 - 1

ALL = "all"
SCOPES = (ALL, "host=", "group=")
"""How queries begin that are about several hosts (see ``places``)."""

TYPES = {"png": "image/png", "svg": SVG, "csv": "text/csv; charset=utf-8", "json": "application/json", SMALL: SVG}


class Page:
    """The WSGI callable.

    The configuration file is read anew for each request; ``rrd_dir`` and ``rrd_name`` stand for its RRD_DIR and
    ``--rrd-name``, where they are given.  ``host`` is the heading's; by default this machine.  Style sheet and script
    are those in the directory ``beside``, where it has them, else the package's.
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
        self._host = host or posix.uname().nodename
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
        if query.startswith(SCOPES):
            return self._scoped(query, environ)
        try:
            view = views.parsed(query) if query else None
        except views.BadQuery:
            return answers.not_found()
        return self._view(view, environ) if view and view.form else self._html(view, environ)

    def _html(self, view: "View | None", environ: "dict[str, Any]") -> Answer:
        """The page of one view, or of all graphs; where there are several hosts, the page over them."""
        from mailgraph import document, pages

        try:
            settings = self._settings()
        except config.ConfigError as error:
            return answer("500 Internal Server Error", HTML, document.sentence_page(self._host, f"{error}"), NOT_KEPT)
        several = self._hosts(settings) if view is None and settings.may_have_hosts else None
        if several and several.by_name:
            return self._about(ALL, several, settings, environ)
        files, now = Files(settings.paths()), self._now()
        faults = [*files.faults(MAIL, now), *settings.faults(), *(several.faults if several else ())]
        if view:
            page = pages.single(self._host, view, lambda view: figures.taken(view, files, now), now, faults)
        else:
            shown = pages.views_of(files)
            page = pages.overview(self._host, shown, lambda view: figures.taken(view, files, now), faults)
        return self._page(page, environ)

    def _page(self, page: str, environ: "dict[str, Any]") -> Answer:
        return self._unless_held(environ, Validity(_tag(page)), lambda: page, HTML, ("Refresh", str(REFRESH)))

    def _scoped(self, query: str, environ: "dict[str, Any]") -> Answer:
        """The answer to a query that is about one host of several, a group of them, or all."""
        try:
            settings = self._settings()
        except config.ConfigError as error:
            from mailgraph.document import sentence_page

            return answer("500 Internal Server Error", HTML, sentence_page(self._host, f"{error}"), NOT_KEPT)
        return self._about(query, self._hosts(settings), settings, environ)

    def _about(self, query: str, several: "Hosts", settings: "_Settings", environ: "dict[str, Any]") -> Answer:
        from mailgraph import places

        scope, rest = places.divided(query)
        try:
            place = several.place(scope)
            asked = place.asked(rest)
        except (places.NoSuchPlace, views.BadQuery):
            return answers.not_found()
        now = self._now()
        if isinstance(asked, views.View) and asked.form:
            return self._picture(asked, environ, settings.kept, lambda: place.taken(asked, now))
        form, text = place.written(asked, now, settings.faults())
        if form:
            return self._unless_held(environ, Validity(_tag(text)), lambda: text, TYPES[form])
        return self._page(text, environ)

    def _hosts(self, settings: "_Settings") -> "Hosts":
        from mailgraph.places import Hosts

        return Hosts(settings.rrd_dir, settings.rrd_name, self._host, settings.values)

    def _view(self, view: "View", environ: "dict[str, Any]") -> Answer:
        try:
            settings = self._settings()
        except config.ConfigError as error:
            return _sentence("500 Internal Server Error", view, f"{error}")
        files = Files(settings.paths())
        return self._picture(view, environ, settings.kept, lambda: figures.taken(view, files, self._now()))

    def _picture(
        self, view: "View", environ: "dict[str, Any]", kept: "Kept | None", take: "Callable[[], Taken]"
    ) -> Answer:
        """A picture or a table of what is taken; a sentence where that can't be."""
        try:
            taken = take()
            validity = _validity(view, taken)
            return self._unless_held(
                environ, validity, lambda: _content(view, taken, validity.tag, kept), TYPES[view.form]
            )
        except Locked as error:
            retry = ("Retry-After", str(RETRY))
            return _sentence("503 Service Unavailable", view, f"{error}", retry)
        except Unusable as error:
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
        from mailgraph import assets

        try:
            content = assets.read(name, self._beside)
        except FileNotFoundError:
            return answers.not_found()
        except OSError as error:
            sentence = f"can't read {error.filename}: {error.strerror} (make it readable for the web server's user)\n"
            return answer("500 Internal Server Error", answers.TEXT, sentence, NOT_KEPT)
        return answer("200 OK", STATIC[name], content, ("Cache-Control", f"max-age={STATIC_AGE}"))

    def _settings(self) -> "_Settings":
        """What is given and what is configured.  Raises ConfigError."""
        values = config.load()
        return _Settings(self._rrd_dir or config.page_dir(values), self._rrd_name or config.rrd_name(values), values)


class _Settings:
    """Where the RRD files are, how they are named, and the configuration file's ``values``."""

    __slots__ = ("kept", "rrd_dir", "rrd_name", "values")

    def __init__(self, rrd_dir: str, rrd_name: str, values: "dict[str, str]") -> None:
        self.rrd_dir = rrd_dir
        self.rrd_name = rrd_name
        self.values = values
        self.kept = _kept(values.get("CACHE_DIR"))

    def paths(self) -> "dict[Family, str]":
        """Where each family's file is."""
        return located(self.rrd_dir, self.rrd_name)

    @property
    def may_have_hosts(self) -> bool:
        """Whether there is a directory of hosts; it may be empty."""
        try:
            found = posix.stat(f"{self.rrd_dir}/{HOSTS_DIRECTORY}")
        except OSError:  # the usual case: there is none
            return False
        from stat import S_ISDIR

        return S_ISDIR(found.st_mode)

    def faults(self) -> list[str]:
        """What keeps pictures from being kept."""
        return self.kept.faults() if self.kept else []


def _kept(directory: "str | None") -> "Kept | None":
    """Where drawn pictures are kept, if they are to be."""
    if not directory:
        return None
    from mailgraph.kept import Kept

    return Kept(directory)


def _content(view: "View", taken: "Taken", tag: str, kept: "Kept | None") -> "str | bytes":
    if view.form in ("csv", "json"):
        from mailgraph import tables

        return tables.csv(taken.figures, taken.range) if view.form == "csv" else tables.json(taken)
    if view.form == SMALL:
        from mailgraph import small

        return small.picture(taken, view.look)
    picture = kept.get(tag) if kept else None
    if picture is None:
        from mailgraph.drawing import draw

        picture = taken.drawn(view.look, view.form, draw)
        if kept:
            kept.put(tag, picture)
    return picture


def _sentence(status: str, view: "View", sentence: str, *headers: "tuple[str, str]") -> Answer:
    """A sentence where a picture or a table was asked for."""
    if view.form in ("csv", "json"):
        return answer(status, answers.TEXT, f"{sentence}\n", NOT_KEPT, *headers)
    from mailgraph.document import sentence_picture

    return answer(status, SVG, sentence_picture(view.graph, view.look, sentence), NOT_KEPT, *headers)


def _validity(view: "View", taken: "Taken") -> Validity:
    """Its tag is made from all that goes into the picture."""
    look, asked = view.look, taken.range
    drawn = [one.fingerprint() for one in taken.figures]
    pixels = (look.theme, look.zoom, look.width, look.height)
    tag = _tag(repr((__version__, view.letter, view.form, pixels, asked.start, asked.end, drawn)))
    return Validity(tag, taken.changed, taken.changes)


def _tag(content: str) -> str:
    """A remainder of the content as one large number; hashlib would bring OpenSSL along."""
    return f"{int.from_bytes(content.encode('utf-8', 'replace'), 'big') % PRIME:x}"


application = Page()
"""For mod_wsgi, gunicorn, uWSGI: ``gunicorn mailgraph.page``."""
