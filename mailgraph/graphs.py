"""Which graphs there are, and the series in each (tables).  Knows no HTTP, no file and no colour."""

from mailgraph.schema import FAMILIES, Family, own_counter, own_family

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


class Graph:
    """What is drawn into one picture: its height in pixels and its series, the later above the earlier."""

    __slots__ = ("height", "series", "title")

    def __init__(self, title: str, height: int, series: "Sequence[Series]") -> None:
        self.title = title
        self.height = height
        self.series = series

    def families(self, steps: int) -> "list[Family]":
        """The RRD files that hold the graph's series in rows of ``steps``."""
        return list(dict.fromkeys(SOURCES[series.counter, steps][0] for series in self.series))

    @property
    def label_width(self) -> int:
        """Characters of the legend's first column."""
        return max(len(series.label) for series in self.series)


class _Sources(dict[tuple[str, int], tuple[Family, str]]):
    """The schema's, and those of counters of one's own."""

    def __missing__(self, key: tuple[str, int]) -> tuple[Family, str]:
        counter, _ = key
        return own_family(counter), counter


SOURCES = _Sources(
    ((counter, steps), (family, source))
    for family in FAMILIES
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
    """Those of the table, and one for each counter of one's own."""

    def __missing__(self, letter: str) -> Graph:
        counter = own_counter(letter)
        if counter is None:
            raise KeyError(letter)
        return Graph(counter, 96, (Series(counter, AREA, counter),))

    def __contains__(self, letter: object) -> bool:
        return super().__contains__(letter) or (isinstance(letter, str) and own_counter(letter) is not None)


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
}

GRAPHS = _Graphs(_TABLE)
"""By the letter that stands in a picture's URL."""
