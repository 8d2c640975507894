"""What can be asked for: a graph, a range of time, a form and a look, as a query string says it.

Nothing of a query goes on as text: each part is looked up in a table or becomes a number within bounds; the name of a
counter of one's own is of a to z, 0 to 9 and _.  Knows no RRD file and no HTTP.
"""

from mailgraph.graphs import GRAPHS, WIDTH
from mailgraph.schema import DAY, FAMILIES, PERIODS, STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailgraph.graphs import Graph

FORMS = ("png", "svg", "csv", "json")

LIGHT = "light"
"""The theme of a picture where none is asked for."""

SMALL = "small"
"""One more form, of sent and received in a host's row alone."""

LARGEST_ZOOM = 3
WIDTHS = (100, 2000)
HEIGHTS = (40, 1000)
"""Pixels that a plot may have; the largest picture, enlarged, takes half a second and 110 MB."""

REACHES = dict(
    sorted({steps: rows * steps * STEP for family in FAMILIES for _, steps, rows in family.archives}.items())
)
"""Seconds back that rows of so many steps are kept, the finest first."""

NUMBERS = {period.steps: number for number, period in enumerate(PERIODS)}
"""Of the periods, by their archive."""

SHORTEST_RANGE = 600
LONGEST_RANGE = max(REACHES.values())

LATE = 300
"""Seconds after which data that should be there are shown as unknown."""

UNITS = {"s": 1, "min": 60, "h": 3600, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}

DIGITS = 12
"""An epoch of more digits is millennia away."""


class BadQuery(Exception):
    """A query that asks for nothing there is."""


class Look:
    """How a picture is drawn: theme (a key of THEMES), zoom (the page's pixels as screen pixels), size of the plot."""

    __slots__ = ("height", "theme", "width", "zoom")

    def __init__(self, theme: str = LIGHT, zoom: int = 1, width: int = WIDTH, height: int = 0) -> None:
        self.theme = theme
        self.zoom = zoom
        self.width = width
        self.height = height
        """0: the graph's own."""


class Moment:
    """A point of time as asked for: an epoch, or seconds before now."""

    __slots__ = ("before_now", "epoch")

    def __init__(self, epoch: "int | None" = None, before_now: int = 0) -> None:
        self.epoch = epoch
        self.before_now = before_now

    def at(self, now: float) -> int:
        """The epoch."""
        return int(now) - self.before_now if self.epoch is None else self.epoch

    def __str__(self) -> str:
        """As ``_moment`` reads it."""
        if self.epoch is not None:
            return str(self.epoch)
        return f"now-{_duration(self.before_now)}" if self.before_now else "now"


def _duration(seconds: int) -> str:
    unit, length = next((unit, length) for unit, length in reversed(UNITS.items()) if not seconds % length)
    return f"{seconds // length}{unit}"


class Range:
    """A range of time and the archive to take it from: ``start`` and ``end`` (epoch), ``steps`` a row."""

    __slots__ = ("end", "start", "steps")

    def __init__(self, start: int, end: int, steps: int) -> None:
        self.start = start
        self.end = end
        self.steps = steps

    @property
    def row(self) -> int:
        """Seconds of a row."""
        return self.steps * STEP

    @property
    def first(self) -> int:
        """The start of the row that ``start`` lies in."""
        return self.start // self.row * self.row


class View:
    """A graph over a range, as asked for.  ``form`` is one of FORMS, or empty for the page of the view."""

    __slots__ = ("form", "graph", "letter", "look", "since", "steps", "until")

    def __init__(
        self,
        letter: str,
        form: str,
        look: Look,
        since: Moment,
        until: "Moment | None" = None,
        steps: int = 0,
        graphs: "Mapping[str, Graph]" = GRAPHS,
    ) -> None:
        self.letter = letter
        self.graph = graphs[letter]
        self.form = form
        self.look = look
        self.since = since
        self.until = until or Moment()
        self.steps = steps
        """Of the archive; 0 lets the range decide."""

    def archives(self, now: float) -> list[int]:
        """Steps a row of the archives that reach back far enough, the finest first; of a period its own."""
        if self.steps:
            return [self.steps]
        age = int(now) - self._since(now)
        return [steps for steps, reach in REACHES.items() if reach >= age] or [max(REACHES)]

    @property
    def name(self) -> str:
        """The classical name of a view of a period."""
        return f"{NUMBERS[self.steps]}-{self.letter}"

    def _until(self, now: float) -> int:
        return min(self.until.at(now), int(now))

    def _since(self, now: float) -> int:
        until = self._until(now)
        return max(min(self.since.at(now), until - SHORTEST_RANGE), until - LONGEST_RANGE)

    def range(self, now: float, last: int, steps: int) -> Range:
        """The range in rows of ``steps``, where ``last`` is the newest minute stored.

        It ends with the data's last whole row, or without regard to them when they are LATE: so a picture changes when
        a row is there, and goes on when the daemon does not.
        """
        since, until = self._since(now), self._until(now)
        row = steps * STEP
        newest = min(int(now), max(last, int(now) - LATE)) // row * row
        if self.steps:
            return Range(newest - (until - since), newest, steps)
        end = max(min(-(-until // row) * row, newest), since // row * row + row)
        return Range(min(since, end - row) // row * row, end, steps)


def of_period(
    number: int,
    letter: str,
    graphs: "Mapping[str, Graph]" = GRAPHS,
    form: str = "png",
    look: "Look | None" = None,
) -> View:
    """The view of a period, by its number in PERIODS."""
    period = PERIODS[number]
    since = Moment(before_now=period.seconds)
    return View(letter, form, look or Look(), since, steps=period.steps, graphs=graphs)


def _picture(name: str, graphs: "Mapping[str, Graph]") -> "tuple[int, str] | None":
    """Period and graph of what the original's page shows under this query string, or what is beside it here."""
    for number in range(len(PERIODS)):
        letter = name.removeprefix(f"{number}-")
        if letter != name and letter in graphs:
            return number, letter
    return None


def parsed(query: str, graphs: "Mapping[str, Graph]" = GRAPHS) -> View:
    """What ``0-n``, ``0-n.svg``, ``0-n&zoom=2&theme=dark``, or ``g=n&from=now-6h&to=now&form=csv`` asks for.

    Of these graphs, by letter.  Raises BadQuery.
    """
    name, more, rest = query.partition("&")
    picture, dot, form = name.partition(".")
    known = _picture(picture, graphs)
    if known is None:
        return _ranged(options(query), graphs)
    if dot and form not in FORMS:
        raise BadQuery
    further = options(rest) if more else {}
    return _nothing_left(further, of_period(*known, graphs, form or "png", _look(further)))


def address(view: View, since: "Moment | None" = None, until: "Moment | None" = None, form: str = "") -> str:
    """The query string of a view (see ``parsed``): of its own range, or from ``since`` to ``until``.

    Further options may be appended: ``&theme=dark``, ``&zoom=2``.
    """
    look = view.look
    if view.steps and since is None:
        return f"?{view.name}" if form in ("", "png") else f"?{view.name}.{form}"
    found = f"?g={view.letter}&from={since or view.since}&to={until or view.until}"
    if not form:
        return found
    width = f"&width={look.width}" if look.width != WIDTH else ""
    height = f"&height={look.height}" if look.height else ""
    return f"{found}&form={form}{width}{height}"


def _ranged(options: "dict[str, str]", graphs: "Mapping[str, Graph]") -> View:
    letter, form = options.pop("g", ""), options.pop("form", "")
    if letter not in graphs or (form and form not in FORMS):
        raise BadQuery
    since, until = _moment(options.pop("from", "now-1d")), _moment(options.pop("to", "now"))
    return _nothing_left(options, View(letter, form, _look(options), since, until, graphs=graphs))


def options(query: str) -> "dict[str, str]":
    """``name=value&...``; each name once.  Raises BadQuery."""
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise BadQuery
        found[name] = value
    return found


def _nothing_left(options: "Mapping[str, str]", view: View) -> View:
    if options:
        raise BadQuery
    return view


def _look(options: "dict[str, str]") -> Look:
    """Takes the look out of the options."""
    theme = options.pop("theme", LIGHT)
    if theme != LIGHT:
        from mailgraph.themes import THEMES

        if theme not in THEMES:
            raise BadQuery
    zoom = _clamped(_number(options.pop("zoom", "1")), 1, LARGEST_ZOOM)
    width = _clamped(_number(options.pop("width", str(WIDTH))), *WIDTHS)
    height = options.pop("height", "")
    return Look(theme, zoom, width, _clamped(_number(height), *HEIGHTS) if height else 0)


def _moment(text: str) -> Moment:
    """``1795608000``, ``now``, ``now-6h``."""
    if not text.startswith("now"):
        return Moment(_number(text))
    before = text.removeprefix("now")
    if not before:
        return Moment()
    count = before[1:].rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = before[1 + len(count) :]
    if before[0] != "-" or unit not in UNITS:
        raise BadQuery
    return Moment(before_now=_number(count) * UNITS[unit])


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= DIGITS):
        raise BadQuery
    return int(text)


def _clamped(number: int, least: int, most: int) -> int:
    return max(least, min(most, number))
