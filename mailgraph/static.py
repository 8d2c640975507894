"""The page and its pictures as files, for web servers without CGI.  Knows no HTTP."""

import os
from collections.abc import Iterator

from mailgraph import MailgraphError, assets, document, figures, pages, views
from mailgraph.drawing import DrawingError, draw
from mailgraph.files import Files, Unusable
from mailgraph.schema import MAIL

INDEX = "index.html"

LOOKS = tuple((theme, zoom) for theme in ("light", "dark") for zoom in (1, 2))
"""Each picture comes for light and dark screens, in the page's pixels and in twice as many."""

REFRESH = 300
"""Seconds until the browser loads the page again; a file has no headers to say so."""


class StaticError(MailgraphError):
    """A picture that can't be drawn or a file that can't be written; nothing is half written."""


class Plain(document.Links):
    """Addresses of files beside the page."""

    head = f'<meta http-equiv="refresh" content="{REFRESH}">\n<link rel="stylesheet" href="{assets.STYLESHEET}">'

    def picture(self, view: views.View, theme: str = "light", zoom: int = 1) -> str:
        """``0-n.png``, ``0-n-dark@2x.png``."""
        return f"{view.name}{'-dark' if theme == 'dark' else ''}{f'@{zoom}x' if zoom > 1 else ''}.png"

    def own(self, view: views.View) -> str:
        """The graph that can be enlarged at will."""
        return f"{view.name}.svg"


def write(directory: str, files: Files, host: str, now: float) -> None:
    """Writes ``index.html``, its style sheet and its pictures.  Raises StaticError.

    All is drawn before the first file is written, each file is replaced as a whole, and the page comes last.
    """
    links = Plain()
    try:
        contents = {assets.STYLESHEET: assets.read(assets.STYLESHEET), **dict(_pictures(files, now, links))}
    except (Unusable, DrawingError) as error:
        raise StaticError(f"{error}") from error
    page = pages.overview(
        host, pages.views_of(files), lambda view: figures.taken(view, files, now), files.faults(MAIL, now), links
    )
    contents[INDEX] = page.encode("utf-8", "replace")
    try:
        os.makedirs(directory, exist_ok=True)
        for name, content in contents.items():
            _replace(os.path.join(directory, name), content)
    except OSError as error:
        raise StaticError(f"can't write {error.filename or directory}: {error.strerror}") from error


def _pictures(files: Files, now: float, links: Plain) -> Iterator[tuple[str, bytes]]:
    for view in pages.views_of(files):
        taken = figures.taken(view, files, now)
        for theme, zoom in LOOKS:
            yield links.picture(view, theme, zoom), taken.drawn(views.Look(theme, zoom), "png", draw)
        yield links.own(view), taken.drawn(view.look, "svg", draw)


def _replace(path: str, content: bytes) -> None:
    directory, name = os.path.split(path)
    new = os.path.join(directory, f".{name}.new")
    with open(new, "wb") as file:
        file.write(content)
    os.replace(new, path)
