"""The forms of a log line, as bytes patterns, and a line's stamp as a minute: the year, the zone, the repeated hour.

Knows no rule and no file.  Forms, decided line by line: BSD (RFC 3164) with or without a year, a fraction,
FreeBSD's ``<mail.info>`` or ``[LOG_MAIL]``, Solaris' ``[ID 197553 mail.info]``, a host that stands twice;
RFC 3339 stamps; RFC 5424; metalog; and Exim's own main log, which names neither host nor program.
"""

import re
from calendar import isleap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from mailgraph.schema import DAY, LATEST, STEP

BLANK = rb"[^\S\n]"

_MINUTE = (
    rb"(?P<minute>... .. ..:..|\d{4}-..-..[T ]..:.."
    rb"|<\d{1,3}>(?P<rfc5424>1 )?(?:... .. |\d{4}-..-..[T ])..:..|[A-Za-z]{3} ++\d{1,2} (?:\d{4} )?\d{1,2}:\d\d)"
)
_SECOND = rb":..(?: |(?:[.,]\d++)? ?(?P<zone>Z|[+-]\d\d:?\d\d) |[.,]\d++ | <\w++\.\w++> )"
_HOST = rb"(?P<host>[-\w.@:]++)%b++(?:(?P=host)%b++|\[LOG_[A-Z]++\]%b++|:%b++)*+" % (BLANK, BLANK, BLANK, BLANK)

_MAINLOG = rb"(?P<mainlog>(?=[1-9H\[])(?:\[\d++\] )?+(?=[0-9a-zA-Z]{6}-(?:[0-9a-zA-Z]{6}-..|[0-9a-zA-Z]{11}-....) |H=))"

HEADER = rb"\n(?>%b%b(?:%b|%b| *+(?P<metalog>\[)))" % (_MINUTE, _SECOND, _MAINLOG, _HOST)
"""All that stands before the program, beginning with the newline that ends the line before.

The engine looks for the literal newline and so jumps from line to line; ``(?m)^`` would try every byte.  Common
forms come first and spell out what is fixed in them, and no form is given up once found (``(?>``): 280 ns a line
that does not count, against 1280 ns for the same forms written one optional part after the other.
"""

_PROCESS = rb"(?(rfc5424) |(?:\[(?P<bracket>)|))(?P<process>(?(rfc5424)(?:(?!- )\S++)?+|(?(bracket)\d++)))"
_BEHIND_PROCESS = rb"(?(rfc5424)%b|(?(bracket)\]):%b++(?:\[ID \d++ [a-z0-9]++\.[a-z]++\] |))" % (
    rb"-?+(?<! ) \S++ (?:-|(?:\[(?:[^\]\\\n]|\\.)*+\])++) *+(?:\xef\xbb\xbf)?",
    BLANK,
)

BEFORE_TEXT = rb"(?(metalog)\]%b++|%b%b)" % (BLANK, _PROCESS, _BEHIND_PROCESS)
"""What stands between program and text, in each form; the group ``process`` is the process id, where one is named."""

REPEATED = rb"(?:last message repeated|above message repeats) (?P<%b>\d{1,6}+) time"
"""Syslog's word for the previous line of the same host once more; takes the group name of the count."""

MESSAGE_REPEATED = b"message repeated "

INLINE_REPEATED = rb"(?:message repeated \d{1,6}+ times: \[ |)"
"""rsyslog's, before the text itself."""

LINE = re.compile(
    rb"%b(?:(?P<nothing>%b|-- MARK --)|(?(mainlog)|(?(metalog)[^\]\n]*+|(?(rfc5424)\S++|[^:\n]+?))%b))"
    % (HEADER, REPEATED % b"times", BEFORE_TEXT)
)
"""A line in a known form: of any program, or (group ``nothing``) one that says nothing of its own."""

MONTHS = {name: number for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}

_FIELDS = re.compile(rb"(?:<\d+>(?:1 )?)?(?:([A-Za-z]{3}) +(\d+) (?:(\d{4}) )?|(\d{4})-(\d\d)-(\d\d)[T ])(\d+):(\d+)")

AHEAD = 31 * DAY
"""How far after its reference a stamp without year may lie; one further ahead is of the year before.

A log's last line is near its reference and its first ones lie before it, so the window of a year leans back: logs
of up to eleven months come out right, and so does a clock that runs up to a month ahead.
"""

REMEMBERED_STAMPS = 10_000


class Stamps:
    """Stamps to minutes, in the order of the log; a minute is the epoch second at which it starts.

    ``year`` is that of the first line (``--year``); later ones are then near to the line before.  ``newest`` is the
    newest minute seen, by which the hour that autumn repeats is told apart: a stamp in it that would lie more than
    ten minutes before the newest belongs to the second pass.  ``near`` is what another Stamps says it is.
    """

    SECOND_PASS = 600

    def __init__(self, year: int | None = None, newest: int | None = None, near: float | None = None) -> None:
        self.newest = newest
        self._by_order = year is not None
        self._reference = datetime(year, 7, 2).timestamp() if year is not None else 0.0
        if self._by_order and newest is not None:
            self._reference = newest if near is None else near
        self._remembered: dict[tuple[bytes, bytes | None], int | None] = {}
        self._remembered_near = self._reference

    @property
    def near(self) -> float | None:
        """What the next stamp without year is near (epoch seconds), where the order says it and not ``refer``."""
        return self._reference if self._by_order else None

    def refer(self, reference: float) -> None:
        """Stamps without year are near ``reference``: now for a live log, its modification time for an old one."""
        if not self._by_order:
            self._move(reference)

    def _move(self, reference: float) -> None:
        self._reference = reference
        if abs(reference - self._remembered_near) > DAY or len(self._remembered) > REMEMBERED_STAMPS:
            self._remembered.clear()
            self._remembered_near = reference

    def minute(self, stamp: bytes, zone: bytes | None) -> int | None:
        """The minute of a stamp as HEADER's groups ``minute`` and ``zone`` hold it; None for one that is no time."""
        key = (stamp, zone)
        if key in self._remembered:
            return self._remembered[key]
        passes = self._passes(stamp, zone)
        if passes is None:
            self._remembered[key] = None
            return None
        minute, second_pass = passes
        if minute >= second_pass:  # not twice; in the hour that spring skips, Python's second pass is the earlier one
            self._remembered[key] = minute
        elif self.newest is not None and self.newest >= minute + self.SECOND_PASS:
            minute = second_pass
        self.newest = minute if self.newest is None else max(self.newest, minute)
        if self._by_order:
            self._move(minute)
        return minute

    def _passes(self, stamp: bytes, zone: bytes | None) -> tuple[int, int] | None:
        """The minute in the first and in the second pass of an hour that is repeated; elsewhere twice the same."""
        fields = _FIELDS.fullmatch(stamp)
        if fields is None:
            return None
        name, day, bsd_year, year, month, iso_day, hour, minute = fields.groups()
        in_year = MONTHS.get(name.lower(), 0) if name else int(month), int(day or iso_day), int(hour), int(minute)
        try:
            if year or bsd_year:
                moment = datetime(int(year or bsd_year), *in_year, tzinfo=_zone(zone))
            else:
                moment = self._in_nearest_year(*in_year)
            seconds = (int(moment.replace(fold=fold).timestamp()) for fold in (0, 1))
            first, second = (min(second // STEP * STEP, LATEST - STEP) for second in seconds)
        except (ValueError, OverflowError):  # 31 February, 25:00, year 0
            return None
        return (first, second) if first > 0 else None

    def _in_nearest_year(self, month: int, day: int, hour: int, minute: int) -> datetime:
        latest = datetime.fromtimestamp(self._reference + (183 * DAY if self._by_order else AHEAD))
        for year in range(latest.year, latest.year - 9, -1):  # nine: to the next 29 February across 1900 or 2100
            if month == 2 and day == 29 and not isleap(year):
                continue
            moment = datetime(year, month, day, hour, minute)
            if moment <= latest:
                return moment
        raise ValueError("no such day")

    def lines_across_repeated_hour(self, block: bytes) -> Iterator[bytes] | None:
        """The lines of ``block`` where it may touch an hour that a clock change repeats, else None.

        Then, and only then, the order of all lines decides, not only of those that count: the caller passes each
        line to ``see`` before it counts it.
        """
        ends = self._ends(b"\n" + block)
        if not ends or not _repeats_an_hour(min(ends) - 7200, max(ends) + 7200):
            return None
        return (line + b"\n" for line in block.split(b"\n")[:-1])

    def _ends(self, text: bytes) -> tuple[int, ...]:
        """The minutes of the first and the last line that have one: not every line of a log is one of syslog's."""
        first = next(filter(None, map(self._passes_of, LINE.finditer(text))), None)
        if first is None:
            return ()
        at = text.rfind(b"\n", 0, -1)
        while not (last := self._passes_of(LINE.match(text, at))):
            at = text.rfind(b"\n", 0, at)
        return first + last

    def _passes_of(self, line: re.Match[bytes] | None) -> tuple[int, int] | None:
        return line and self._passes(*line.group("minute", "zone"))

    def see(self, line: bytes) -> None:
        """Take notice of a line's stamp."""
        header = LINE.match(b"\n" + line)
        if header:
            self.minute(*header.group("minute", "zone"))


def _zone(zone: bytes | None) -> timezone | None:
    """None: local time, as the system's zone (or TZ) has it."""
    if zone is None:
        return None
    if zone == b"Z":
        return UTC
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return timezone(-offset if zone.startswith(b"-") else offset)


def _repeats_an_hour(begin: int, end: int) -> bool:
    """Whether local clocks may go back between two epoch seconds; over years that is not looked at day by day.

    A stamp of the year 9999 (senders write their own) cost seconds a block.
    """
    if end - begin > 400 * DAY:
        return True
    times = [*range(begin, end, DAY), end]
    offsets = [datetime.fromtimestamp(moment).astimezone().utcoffset() or timedelta() for moment in times]
    return any(before > after for before, after in pairwise(offsets))
