"""Which graphs there are, and the series in each (tables).  Knows no HTTP, no file and no colour."""

from mailgraph.schema import (
    FAMILIES,
    MACHINE,
    STEP,
    VALUE_COUNTER,
    Family,
    own_counter,
    own_family,
    value_family,
    value_name,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 540
"""Pixels of the plot: three for each row of the archive that a period is drawn from."""

LINE = "LINE2"
AREA = "AREA"
STACKED = "STACKED"
"""An area that begins where the area before it ends."""


class Series:
    """One counter in a graph: how it is drawn (LINE, AREA, STACKED) and its name in the legend."""

    __slots__ = ("counter", "label", "style")

    def __init__(self, counter: str, style: str, label: str) -> None:
        self.counter = counter
        self.style = style
        self.label = label


class Measure:
    """What a graph's numbers are: an RRD's values times ``factor``, in ``unit``; ``axis`` is said beside the plot.

    ``counted`` are events, which have a total; other values have a last one.  Those of which nobody knows how large
    they are come ``scaled``: with six digits wherever the point is, and an axis of thousands or millions.
    """

    __slots__ = ("axis", "counted", "factor", "scaled", "unit")

    def __init__(
        self, unit: str, factor: float = 1, axis: str = "", counted: bool = False, scaled: bool = False
    ) -> None:
        self.unit = unit
        self.factor = factor
        self.axis = axis or unit
        self.counted = counted
        self.scaled = scaled


RATE = Measure("msgs/min", STEP, counted=True)
MESSAGES = Measure("msgs")
HOURS = Measure("h", 1 / 3600, axis="hours")
AVERAGE_LOAD = Measure("", axis="load")
ANY = Measure("", axis="value", scaled=True)


class Graph:
    """What is drawn into one picture: its height in pixels and its series, the later above the earlier."""

    __slots__ = ("height", "measure", "series", "title")

    def __init__(self, title: str, height: int, series: "Sequence[Series]", measure: Measure = RATE) -> None:
        self.title = title
        self.height = height
        self.series = series
        self.measure = measure

    def families(self, steps: int) -> "list[Family]":
        """The RRD files that hold the graph's series in rows of ``steps``."""
        return list(dict.fromkeys(SOURCES[series.counter, steps][0] for series in self.series))

    @property
    def label_width(self) -> int:
        """Characters of the legend's first column."""
        return max(len(series.label) for series in self.series)


class _Sources(dict[tuple[str, int], tuple[Family, str]]):
    """The schema's, and those of counters of one's own and of programs' values."""

    def __missing__(self, key: tuple[str, int]) -> tuple[Family, str]:
        counter, _ = key
        value = counter.removeprefix(VALUE_COUNTER)
        return (own_family(counter), counter) if value == counter else (value_family(value), value)


SOURCES = _Sources(
    ((counter, steps), (family, source))
    for family in FAMILIES + MACHINE
    for source, counter in family.sources
    for _, steps, _ in family.archives
)
"""Where a counter is stored in rows of so many steps: file and data source."""


def _checks(counters: str, label: str) -> "tuple[Series, ...]":
    """A check of mail that comes in: passed, nothing there to check, failed."""
    return (
        Series(f"{counters}_pass", AREA, f"{label} pass"),
        Series(f"{counters}_none", STACKED, f"{label} none"),
        Series(f"{counters}_fail", LINE, f"{label} fail"),
    )


class _Graphs(dict[str, Graph]):
    """Those of the table, and one for each counter of one's own and for each value of a program."""

    def __missing__(self, letter: str) -> Graph:
        counter, value = own_counter(letter), value_name(letter)
        if counter:
            return Graph(counter, 96, (Series(counter, AREA, counter),))
        if value:
            return Graph(value, 96, (Series(VALUE_COUNTER + value, AREA, value),), ANY)
        raise KeyError(letter)

    def __contains__(self, letter: object) -> bool:
        return super().__contains__(letter) or (isinstance(letter, str) and is_named(letter))


def is_named(letter: str) -> bool:
    """Whether a graph is that of a counter of one's own, or of a program's value: of those there may be any."""
    return own_counter(letter) is not None or value_name(letter) is not None


_TABLE = {
    "n": Graph(
        "Sent and received",
        160,
        (
            Series("sent", AREA, "Sent"),
            Series("received", LINE, "Received"),
        ),
    ),
    "e": Graph(
        "Bounced, viruses, spam and rejected",
        96,
        (
            Series("bounced", AREA, "Bounced"),
            Series("virus", STACKED, "Viruses"),
            Series("spam", STACKED, "Spam"),
            Series("rejected", LINE, "Rejected"),
        ),
    ),
    "g": Graph(
        "Greylisted and delayed",
        96,
        (
            Series("greylisted", AREA, "Greylisted"),
            Series("delayed", LINE, "Delayed"),
        ),
    ),
    "d": Graph(
        "Delivered here, deferred and expired",
        96,
        (
            Series("delivered", AREA, "Delivered"),
            Series("deferred", LINE, "Deferred"),
            Series("expired", LINE, "Expired"),
        ),
    ),
    "s": Graph("SPF", 96, _checks("spf", "SPF")),
    "k": Graph("DKIM", 96, _checks("dkim", "DKIM")),
    "m": Graph("DMARC", 96, _checks("dmarc", "DMARC")),
    "l": Graph(
        "Load average",
        96,
        (
            Series("load_1", AREA, "1 minute"),
            Series("load_5", LINE, "5 minutes"),
            Series("load_15", LINE, "15 minutes"),
        ),
        AVERAGE_LOAD,
    ),
    "q": Graph(
        "Messages in Postfix's queues",
        96,
        (
            Series("queue_incoming", AREA, "Incoming"),
            Series("queue_active", STACKED, "Active"),
            Series("queue_deferred", STACKED, "Deferred"),
            Series("queue_hold", STACKED, "On hold"),
        ),
        MESSAGES,
    ),
    "o": Graph("Oldest message in Postfix's queues", 96, (Series("queue_oldest", AREA, "Oldest"),), HOURS),
}

GRAPHS = _Graphs(_TABLE)
"""By the letter that stands in a picture's URL."""
