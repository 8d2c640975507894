"""The page and its pictures as files, for web servers without CGI.  Knows no HTTP."""

import os
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from mailgraph import MailgraphError, assets, document, figures, overview, pages, small, views
from mailgraph.drawing import draw
from mailgraph.files import Files, Unusable
from mailgraph.graphs import GRAPHS
from mailgraph.hosts import quoted
from mailgraph.overview import ORDERS
from mailgraph.places import PICTURES, Hosts, Many, OneHost
from mailgraph.schema import MAIL, PERIODS
from mailgraph.sums import MANY
from mailgraph.themes import THEMES

INDEX = "index.html"

LONGEST_NAME = 255
"""Bytes of a file's name."""

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


class PlainOverview(overview.Links, Plain):
    """Addresses of files beside the page over all hosts, in directories of the hosts; or beside that of a group.

    ``root`` leads from the page to the directory of all.
    """

    head = Plain.head
    picture = Plain.picture
    own = Plain.own
    forms = ()

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    def table(self, by: str, period: int, form: str = "") -> str:
        """``by-name-1.html``."""
        return INDEX if (by, period, form) == ("traffic", 0, "") else f"by-{by}-{period}.html"

    def host(self, name: str) -> str:
        """``host-mx1/index.html``."""
        return f"{self._root}{quoted(_directory('host', name))}/{INDEX}"

    def group(self, name: str) -> str:
        """``group-Filters/index.html``."""
        return f"{self._root}{quoted(_directory('group', name))}/{INDEX}" if name else f"{self._root}{INDEX}"

    def small(self, name: str, period: int, theme: str = "light") -> str:
        """``host-mx1/small-0-dark.svg``."""
        return f"{self._root}{quoted(_directory('host', name))}/{_small(period, theme)}"


def write(directory: str, files: Files, host: str, now: float) -> None:
    """Writes ``index.html``, its style sheet and its pictures.  Raises StaticError.

    All is drawn before the first file is written, each file is replaced as a whole, and the page comes last.
    """
    _write(directory, _page(files, host, files.faults(MAIL, now), now, Plain()))


def write_hosts(directory: str, several: Hosts, now: float) -> list[str]:
    """Writes the page over all hosts, and below it those of groups and of hosts; each as ``write`` does.

    Returns what is wrong with hosts that can't be drawn, a sentence each, which their pages say.  Raises StaticError
    """
    wrong = []
    for host in several.by_name.values():
        place = several.host(host.name)
        groups = [group for group, names in several.groups.items() if host.name in names]
        try:
            contents = _host(place, PlainOverview("../"), groups, now)
        except StaticError as error:
            wrong.append(f"{error}")
            contents = _instead(host.label, f"{error}")
        _write(os.path.join(directory, _directory("host", host.name)), contents)
    for group in several.groups:
        _write(
            os.path.join(directory, _directory("group", group)),
            _overview(several.group(group), PlainOverview("../"), now),
        )
    _write(directory, _overview(several.group(""), PlainOverview(""), now))
    return wrong


def _instead(label: str, sentence: str) -> dict[str, bytes]:
    """The page, and the pictures that the one over all hosts shows, of a host that can't be drawn."""
    contents = {
        _small(period, theme): document.sentence_picture(GRAPHS["n"], views.Look(theme), sentence)
        for period in range(len(PERIODS))
        for theme in THEMES
    }
    contents[INDEX] = document.sentence_page(label, sentence)
    return {name: content.encode("utf-8", "replace") for name, content in contents.items()}


def _host(place: OneHost, overviews: PlainOverview, groups: list[str], now: float) -> dict[str, bytes]:
    above = [("All hosts", overviews.group("")), *((group, overviews.group(group)) for group in groups)]
    contents = _page(place.files, place.title, place.files.faults(MAIL, now), now, Plain(pages=above))
    for period in range(len(PERIODS)):
        taken = place.taken(views.of_period(period, "n"), now)
        for theme in THEMES:
            contents[_small(period, theme)] = small.picture(taken, views.Look(theme)).encode()
    return {**contents, INDEX: contents.pop(INDEX)}


def _overview(place: Many, links: PlainOverview, now: float) -> dict[str, bytes]:
    """The page in every order and of every period, and its pictures."""
    shown = [views.of_period(number, letter, MANY) for number in range(len(PERIODS)) for letter in PICTURES]
    contents = _drawn(shown, lambda view: place.taken(view, now), links)
    for by in (*(by for by in ORDERS if by != "traffic"), "traffic"):
        for period in reversed(range(len(PERIODS))):
            page = place.page(overview.Asked(by, period), now, place.faults(now), links)
            contents[links.table(by, period)] = page.encode("utf-8", "replace")
    return contents


def _page(files: Files, host: str, faults: list[str], now: float, links: Plain) -> dict[str, bytes]:
    shown = pages.views_of(files)
    contents = _drawn(shown, lambda view: figures.taken(view, files, now), links)
    page = pages.overview(host, shown, lambda view: figures.taken(view, files, now), faults, links)
    return {**contents, INDEX: page.encode("utf-8", "replace")}


def _drawn(shown: "Iterable[views.View]", take: "pages.Take", links: Plain) -> dict[str, bytes]:
    """The style sheet and the pictures, by name.  Raises StaticError."""
    try:
        return {assets.STYLESHEET: assets.read(assets.STYLESHEET), **dict(_pictures(shown, take, links))}
    except Unusable as error:
        raise StaticError(f"{error}") from error


def _pictures(shown: "Iterable[views.View]", take: "pages.Take", links: Plain) -> Iterator[tuple[str, bytes]]:
    for view in shown:
        taken = take(view)
        for theme, zoom in LOOKS:
            yield links.picture(view, theme, zoom), taken.drawn(views.Look(theme, zoom), "png", draw)
        yield links.own(view), taken.drawn(view.look, "svg", draw)


def _directory(kind: str, name: str) -> str:
    """A host's or a group's, as a name of a file: what is in a URL is in no path.  A long one ends in a digest."""
    directory = f"{kind}-{quoted(name)}"
    if len(directory) <= LONGEST_NAME:
        return directory
    digest = blake2b(os.fsencode(name), digest_size=8).hexdigest()
    return f"{directory[: LONGEST_NAME - len(digest) - 1]}-{digest}"


def _small(period: int, theme: str) -> str:
    return f"small-{period}{'-dark' if theme == 'dark' else ''}.svg"


def _write(directory: str, contents: dict[str, bytes]) -> None:
    """Writes files, in this order.  Raises StaticError."""
    try:
        os.makedirs(directory, exist_ok=True)
        for name, content in contents.items():
            _replace(os.path.join(directory, name), content)
    except OSError as error:
        raise StaticError(f"can't write {error.filename or directory}: {error.strerror}") from error


def _replace(path: str, content: bytes) -> None:
    directory, name = os.path.split(path)
    new = os.path.join(directory, f".{name}.new")
    with open(new, "wb") as file:
        file.write(content)
    os.replace(new, path)
