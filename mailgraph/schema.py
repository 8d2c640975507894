"""What is stored: RRD families, their data sources, step and archives, and the periods drawn from them.

Knows no log and no page.  The CGI script imports this module on every request, hence plain classes and
no ``typing``, ``enum`` or ``dataclasses`` (each costs milliseconds of start-up).
"""

STEP = 60
"""Seconds of one primary data point; a minute is named by the epoch second at which it starts."""

HEARTBEAT = 2 * STEP

HOSTS_DIRECTORY = "hosts"
"""Beside the RRD files: a directory for each host, with files of the same names."""

LATEST = 2**36 // STEP * STEP
"""Epoch seconds, in the year 4147: what claims to be later is of the minute before.  Python's time ends in 9999."""

ROWS = 198
"""Rows of each archive: 180 for 540 pixels at three pixels a row, and a tenth more."""

ARCHIVE_STEPS = (8, 56, 280, 3360)
"""Steps a row, of the archives for day, week, month and year (Debian's mailgraph 1.14)."""

CLASSICAL_ARCHIVES = tuple((kind, steps, ROWS) for kind in ("AVERAGE", "MAX") for steps in ARCHIVE_STEPS)
"""Consolidation, steps a row and rows of each archive, in the file's order."""

MINUTE_ARCHIVES = (("AVERAGE", 1, 3168),)
"""Single minutes of two days and a tenth more; of one value each, average and maximum are the same."""

ABSOLUTE = "ABSOLUTE"
GAUGE = "GAUGE"
"""Kinds of data sources: events since the minute before, and what there is at a moment."""


class Family:
    """One RRD file: ``NAME`` + ``suffix`` + ``.rrd``.

    ``sources`` are ``(data source, counter)`` pairs in the file's order.  Other software reads the classical
    three by position, so these never change.  A family ``on_demand`` gets its file with its first event or value.
    """

    __slots__ = ("archives", "kind", "on_demand", "sources", "suffix")

    def __init__(
        self,
        suffix: str,
        sources: tuple[tuple[str, str], ...],
        on_demand: bool = False,
        archives: tuple[tuple[str, int, int], ...] = CLASSICAL_ARCHIVES,
        kind: str = ABSOLUTE,
    ) -> None:
        self.suffix = suffix
        self.sources = sources
        self.on_demand = on_demand
        self.archives = archives
        self.kind = kind

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Family) and self.suffix == other.suffix

    def __hash__(self) -> int:
        return hash(self.suffix)

    @property
    def reach(self) -> int:
        """Seconds that the longest archive covers, and one row more.  Older values leave no trace in the file."""
        return max(steps * (rows + 1) for _, steps, rows in self.archives) * STEP

    def file_name(self, name: str = "mailgraph") -> str:
        """The file's name, where ``name`` is what ``--rrd-name`` says."""
        return f"{name}{self.suffix}.rrd"


MAIL = Family("", (("sent", "sent"), ("recv", "received"), ("bounced", "bounced"), ("rejected", "rejected")))
VIRUS = Family("_virus", (("virus", "virus"), ("spam", "spam")))
GREYLIST = Family("_greylist", (("greylisted", "greylisted"), ("delayed", "delayed")))

CLASSICAL = (MAIL, VIRUS, GREYLIST)

CLASSICAL_COUNTERS = tuple(counter for family in CLASSICAL for _, counter in family.sources)
"""The classical eight, in the order in which ``--verbose`` prints them."""

MINUTES = Family("_minutes", tuple((counter, counter) for counter in CLASSICAL_COUNTERS), archives=MINUTE_ARCHIVES)
"""What the classical files hold, minute by minute."""


def host_directory(directory: str, host: str) -> str:
    """Where a host's RRD files are, beside those in ``directory``; these themselves, where no host is named."""
    return f"{directory}/{HOSTS_DIRECTORY}/{host}" if host else directory


def on_demand(name: str, counters: tuple[str, ...]) -> Family:
    """A family that is none of the original's; each data source is named as its counter."""
    archives = MINUTE_ARCHIVES + CLASSICAL_ARCHIVES
    return Family(f"_{name}", tuple((counter, counter) for counter in counters), on_demand=True, archives=archives)


DELIVERY = on_demand("delivery", ("delivered", "deferred", "expired"))
SPF = on_demand("spf", ("spf_pass", "spf_none", "spf_fail"))
DKIM = on_demand("dkim", ("dkim_pass", "dkim_none", "dkim_fail"))
DMARC = on_demand("dmarc", ("dmarc_pass", "dmarc_none", "dmarc_fail"))

FAMILIES = (*CLASSICAL, MINUTES, DELIVERY, SPF, DKIM, DMARC)

OWN = "own_"
"""What the names of files and graphs begin with that rules of one's own fill."""


def own_family(counter: str) -> Family:
    """The file of a counter of one's own: one each, so that another one needs no change of a file."""
    return on_demand(OWN + counter, (counter,))


def own_counter(name: str) -> str | None:
    """The counter of one's own that a file's or graph's name speaks of.  librrd takes names up to 19 characters."""
    counter = name.removeprefix(OWN)
    proper = counter.isascii() and counter.isidentifier() and counter == counter.lower() and counter[0] != "_"
    return counter if counter != name and proper and len(counter) <= 19 else None


COUNTERS = tuple({counter: None for family in FAMILIES for _, counter in family.sources})


def sampled(name: str, sources: tuple[tuple[str, str], ...]) -> Family:
    """A family of values that are looked at once a minute."""
    return Family(f"_{name}", sources, on_demand=True, archives=MINUTE_ARCHIVES + CLASSICAL_ARCHIVES, kind=GAUGE)


LOAD = sampled("load", (("load1", "load_1"), ("load5", "load_5"), ("load15", "load_15")))
"""The load averages of 1, 5 and 15 minutes."""

QUEUES = ("incoming", "active", "deferred", "hold")
"""Postfix's queues, as it names their directories."""

QUEUE = sampled("queue", tuple((source, f"queue_{source}") for source in (*QUEUES, "oldest")))
"""Messages in each of Postfix's queues, and the age in seconds of the oldest that is not on hold."""

MACHINE = (LOAD, QUEUE)
"""The machine beside the mail.  No part of what is counted: a sample that is missed is unknown."""

VALUE = "value_"
"""What the names of files and graphs begin with that a program's values fill."""

VALUE_COUNTER = "value-"
"""The same of counters: no rule of one's own can have a counter of such a name."""


def value_family(name: str) -> Family:
    """The file of a value that a program gives: one each, as own_family."""
    return sampled(VALUE + name, ((name, VALUE_COUNTER + name),))


def value_name(name: str) -> str | None:
    """The value that a file's or graph's name speaks of."""
    value = name.removeprefix(VALUE)
    return value if value != name and own_counter(OWN + value) else None


class Period:
    """A range of time that ends now, as the page shows it."""

    __slots__ = ("seconds", "steps", "title")

    def __init__(self, title: str, seconds: int, steps: int) -> None:
        self.title = title
        self.seconds = seconds
        self.steps = steps
        """Steps a row of the archive that this period is drawn from."""


DAY = 86400
PERIODS = tuple(
    Period(title, days * DAY, steps)
    for (title, days), steps in zip(
        (("Last Day", 1), ("Last Week", 7), ("Last Month", 31), ("Last Year", 365)), ARCHIVE_STEPS, strict=True
    )
)
