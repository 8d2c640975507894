"""The mail log of a small server that does not exist, for a first look: any span of time, as much as a year in seconds.

Its lines are what Postfix 3.7, amavisd-new 2.13 and postgrey 1.37 write, in rsyslog's RFC 3339 form, with addresses
and names set aside for examples (RFC 5737, RFC 2606).  Knows nothing of how they are counted.
"""

import time
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY

HOST = "mail"


class Kind(NamedTuple):
    """One kind of event: its line, how many there are on the server's last average day, and who works at night."""

    line: str
    a_day: int
    night: float
    """The rate at night, as a part of the rate by day: people sleep, machines do not."""


PEOPLE, MACHINES = 0.1, 0.8

SENT, RECEIVED, BOUNCED, REJECTED, VIRUS, SPAM, GREYLISTED, DELAYED = KINDS = (
    Kind(
        "postfix/smtp[{pid}]: {id}: to=<{user}@example.org>, relay=mx.example.org[192.0.2.25]:25, delay=0.9,"
        " delays=0.1/0/0.5/0.3, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4F{id})",
        1020,
        PEOPLE,
    ),
    Kind("postfix/smtpd[{pid}]: {id}: client=mx.example.net[198.51.100.{byte}]", 1260, PEOPLE),
    Kind(
        "postfix/smtp[{pid}]: {id}: to=<{user}@example.org>, relay=mx.example.org[192.0.2.25]:25, delay=0.7,"
        " delays=0.1/0/0.4/0.2, dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.25] said:"
        " 550 5.1.1 <{user}@example.org>: User unknown (in reply to RCPT TO command))",
        75,
        PEOPLE,
    ),
    Kind(
        "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from unknown[203.0.113.{byte}]: 554 5.7.1"
        " <{user}@example.org>: Relay access denied; from=<x@example.net> to=<{user}@example.org> proto=ESMTP"
        " helo=<client.example.net>",
        480,
        MACHINES,
    ),
    Kind(
        "amavis[{pid}]: ({pid:05}-{turn:02}) Blocked INFECTED (Eicar-Test-Signature) {{DiscardedInbound,Quarantined}},"
        " [203.0.113.{byte}]:53281 [203.0.113.{byte}] <x@example.net> -> <{user}@example.com>, Queue-ID: {id},"
        " Hits: -, size: 706, 87 ms",
        36,
        MACHINES,
    ),
    Kind(
        "amavis[{pid}]: ({pid:05}-{turn:02}) Blocked SPAM {{DiscardedInbound,Quarantined}},"
        " [203.0.113.{byte}]:35173 [203.0.113.{byte}] <x@example.net> -> <{user}@example.com>, Queue-ID: {id},"
        " Hits: 17.4, size: 4061, 350 ms",
        270,
        MACHINES,
    ),
    Kind(
        "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from unknown[203.0.113.{byte}]: 450 4.2.0"
        " <{user}@example.com>: Recipient address rejected: Greylisted, see"
        " http://postgrey.schweikert.ch/help/example.com.html; from=<x@example.net> to=<{user}@example.com>"
        " proto=ESMTP helo=<client.example.net>",
        360,
        MACHINES,
    ),
    Kind(
        "postgrey[{pid}]: action=pass, reason=triplet found, delay=3{byte}, client_name=mx.example.net,"
        " client_address=198.51.100.{byte}, sender=x@example.net, recipient={user}@example.com",
        180,
        PEOPLE,
    ),
)

USERS = ("anna", "bernd", "carla", "dora", "emil", "info", "office", "sales")


class Wave(NamedTuple):
    """A time in which one kind of event is ``times`` as frequent; it began ``age`` before the log's end."""

    kind: Kind
    age: int
    length: int
    times: float


WAVES = (
    Wave(SPAM, 230 * DAY, 25 * DAY, 6),
    Wave(VIRUS, 150 * DAY, 12 * DAY, 20),
    Wave(REJECTED, 60 * DAY, 20 * DAY, 3),
    Wave(SPAM, 19 * DAY, 3 * DAY, 5),
    Wave(VIRUS, 4 * DAY, 1 * DAY, 15),
    Wave(SPAM, 9 * HOUR, 3 * HOUR, 6),
)


def lines(start: int, end: int, seed: int = 1) -> Iterator[str]:
    """The log of the hours from ``start`` to ``end`` (epoch seconds), its lines in the order of time.

    The traffic has grown to its present rate over the year before ``end``.  The same arguments give the same lines.
    """
    random = Random(seed)
    for hour in range(start, end, HOUR):
        yield from _hour(random, hour, min(hour + HOUR, end), end - hour)


def live_line(now: float, random: Random) -> str:
    """One line of now, of a kind as frequent as by day."""
    kind = random.choices(KINDS, [kind.a_day for kind in KINDS])[0]
    return _line(random, kind, now)


def _hour(random: Random, start: int, end: int, age: int) -> Iterator[str]:
    part_of_day = (end - start) / DAY
    events = [
        (random.uniform(start, end), kind)
        for kind in KINDS
        for _ in range(_about(random, kind.a_day * part_of_day * _rate(kind, start, age)))
    ]
    events.sort(key=lambda event: event[0])
    return (_line(random, kind, stamp) for stamp, kind in events)


def _about(random: Random, expected: float) -> int:
    """A whole number that is ``expected`` on average and varies as a count of independent events does."""
    return max(0, round(random.gauss(expected, expected**0.5)))


def _rate(kind: Kind, start: int, age: int) -> float:
    """How frequent events of ``kind`` are at ``start``, ``age`` before the end; 1 is an average day's rate."""
    local = time.localtime(start)
    by_day = 7 <= local.tm_hour < 19
    rate = (2 - kind.night if by_day else kind.night) * (1 - 0.6 * age / YEAR)
    if kind.night == PEOPLE and local.tm_wday >= 5:
        rate *= 0.4
    for wave in WAVES:
        if wave.kind is kind and wave.age - wave.length < age <= wave.age:
            rate *= wave.times
    return rate


def _line(random: Random, kind: Kind, stamp: float) -> str:
    number = random.getrandbits(40)
    text = kind.line.format(
        pid=700 + number % 90,
        turn=number // 90 % 1000,
        id=f"{number:010X}",
        byte=1 + number % 254,
        user=USERS[number % len(USERS)],
    )
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(stamp))
    return f"{whole}.{int(stamp % 1 * 1e6):06}+00:00 {HOST} {text}\n"
