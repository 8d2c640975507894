"""Colours of pictures, on light and on dark screens (tables).  Knows nothing of what is drawn with them."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Theme:
    """Colours as RRGGBB: ``parts`` by rrdtool's name of the picture's part, ``series`` by counter, ``own`` else.

    ``hosts`` are those of hosts above each other, by their place; light and dark ones in turn.
    """

    __slots__ = ("hosts", "own", "parts", "series")

    def __init__(
        self, parts: "Mapping[str, str]", series: "Mapping[str, str]", hosts: "Mapping[str, str]", own: str
    ) -> None:
        self.parts = parts
        self.series = series
        self.hosts = hosts
        self.own = own

    def colour(self, counter: str) -> str:
        """The colour of a counter, also of one of one's own, or of a host."""
        return self.series.get(counter) or self.hosts.get(counter, self.own)

    @property
    def background(self) -> str:
        """What series must stand out from."""
        return self.parts.get("CANVAS", "FFFFFF")


LIGHT = Theme(
    {"SHADEA": "FFFFFF", "SHADEB": "FFFFFF", "BACK": "FFFFFF"},
    {
        "sent": "000099",
        "received": "009900",
        "bounced": "000000",
        "virus": "DDBB00",
        "spam": "999999",
        "rejected": "AA0000",
        "greylisted": "999999",
        "delayed": "006400",
        "delivered": "3366CC",
        "deferred": "DD8800",
        "expired": "880000",
        "spf_pass": "3366CC",
        "spf_none": "BBBBBB",
        "spf_fail": "AA0000",
        "dkim_pass": "3366CC",
        "dkim_none": "BBBBBB",
        "dkim_fail": "AA0000",
        "dmarc_pass": "3366CC",
        "dmarc_none": "BBBBBB",
        "dmarc_fail": "AA0000",
        "load_1": "BBBBBB",
        "load_5": "3366CC",
        "load_15": "AA0000",
        "queue_incoming": "000099",
        "queue_active": "3366CC",
        "queue_deferred": "DD8800",
        "queue_hold": "BBBBBB",
        "queue_oldest": "3366CC",
    },
    {
        "_host0": "1F5FA8",
        "_host1": "D97000",
        "_host2": "0A5C24",
        "_host3": "D96C85",
        "_host4": "5B3A8E",
        "_host5": "2A9D8F",
        "_host6": "7A0F45",
        "_host7": "8C8C00",
        "_host8": "0B3C5D",
        "_host9": "C0702A",
        "_others": "8A8A8A",
    },
    own="3366CC",
)
"""The classical colours, and behind them those of what the original did not count."""

DARK = Theme(
    {
        "SHADEA": "16181D",
        "SHADEB": "16181D",
        "BACK": "16181D",
        "CANVAS": "1D2027",
        "GRID": "3A3F4A",
        "MGRID": "6A4048",
        "FONT": "E4E6EB",
        "AXIS": "A5ABB8",
        "FRAME": "4A505C",
        "ARROW": "C0707A",
    },
    {
        "sent": "4D8DFF",
        "received": "8CE88C",
        "bounced": "F2F2F2",
        "virus": "FFD23F",
        "spam": "7D828C",
        "rejected": "FF5C5C",
        "greylisted": "7D828C",
        "delayed": "6FE39A",
        "delivered": "4D8DFF",
        "deferred": "FFD23F",
        "expired": "FF5C5C",
        "spf_pass": "4D8DFF",
        "spf_none": "7D828C",
        "spf_fail": "FF8A70",
        "dkim_pass": "4D8DFF",
        "dkim_none": "7D828C",
        "dkim_fail": "FF8A70",
        "dmarc_pass": "4D8DFF",
        "dmarc_none": "7D828C",
        "dmarc_fail": "FF8A70",
        "load_1": "7D828C",
        "load_5": "4D8DFF",
        "load_15": "FF8A70",
        "queue_incoming": "8CE88C",
        "queue_active": "4D8DFF",
        "queue_deferred": "FFD23F",
        "queue_hold": "7D828C",
        "queue_oldest": "4D8DFF",
    },
    {
        "_host0": "4D8DFF",
        "_host1": "FFC266",
        "_host2": "2F9557",
        "_host3": "FFB0C4",
        "_host4": "8A6CF0",
        "_host5": "7FE0D3",
        "_host6": "C04488",
        "_host7": "E3E36B",
        "_host8": "5F93C4",
        "_host9": "F0A070",
        "_others": "8A909C",
    },
    own="4D8DFF",
)
"""Of the same hues as the classical ones, of which sent and bounced would vanish on a dark screen."""

THEMES = {"light": LIGHT, "dark": DARK}
