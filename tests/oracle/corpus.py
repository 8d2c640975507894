"""Logs for both programs: seeded mixes of everything that counts, and of what does not, in every form of a line that
the original knows, in the order of time.

What the original gets wrong is kept out (tests of their own say where ours departs): lines of another zone within the
minute, a repeat line in a later minute than what it repeats.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from tests.oracle.original import log_lines, sample_logs

TEXTS = [line.split(b" ", 5)[5][:-1] for line in log_lines("hits.txt") + log_lines("near-misses.txt")]
"""PROGRAM[PID]: TEXT of every sample line."""

_BSD_HEADER = 16
REAL_TEXTS = [
    line[_BSD_HEADER:].partition(b" ")[2]
    for line in sample_logs()["mail.log.gz"].splitlines()
    if line.startswith(b"Nov 25 ")
]

Form = Callable[[datetime, bytes, bytes], bytes]


def bsd(now: datetime, host: bytes, text: bytes) -> bytes:
    return now.strftime("%b %e %H:%M:%S ").encode() + host + b" " + text + b"\n"


def bsd_verbose(now: datetime, host: bytes, text: bytes) -> bytes:
    return now.strftime("%b %e %H:%M:%S <mail.info> ").encode() + host + b" [LOG_MAIL] " + text + b"\n"


def host_twice(now: datetime, host: bytes, text: bytes) -> bytes:
    return bsd(now, host, host + b" " + text)


def solaris(now: datetime, host: bytes, text: bytes) -> bytes:
    program, _, rest = text.partition(b": ")
    return bsd(now, host, program + b": [ID 197553 mail.info] " + rest)


def iso(now: datetime, host: bytes, text: bytes) -> bytes:
    return now.isoformat(timespec="microseconds").encode() + b" " + host + b" " + text + b"\n"


def iso_whole_seconds(now: datetime, host: bytes, text: bytes) -> bytes:
    return now.isoformat(timespec="seconds").replace("+00:00", "Z").encode() + b" " + host + b" " + text + b"\n"


def metalog(now: datetime, host: bytes, text: bytes) -> bytes:
    program, _, rest = text.partition(b": ")
    return now.strftime("%b %e %H:%M:%S [").encode() + program.partition(b"[")[0] + b"] " + rest + b"\n"


BSD_FORMS: tuple[Form, ...] = (bsd, bsd, bsd, bsd_verbose, host_twice, solaris)
FORMS: tuple[Form, ...] = (*BSD_FORMS, iso, iso, iso_whole_seconds)
HOSTS = (b"mail", b"mx.example.org", b"10.0.0.1", b"2001:db8::1")
NOISE = (b"-- MARK --", b"kernel: [12.3] eth0: link up", b"my app: tag with a blank", b"no colon at all", b"")


def mix(
    seed: int,
    lines: int,
    begin: datetime,
    zone: str = "UTC",
    forms: tuple[Form, ...] = FORMS,
    pause: float = 2.0,
    gap: float = 0.0,
    longest_gap: float = 6 * 3600,
) -> bytes:
    """A log of about so many lines, ``pause`` seconds apart on average, of which the part ``gap`` is a long silence."""
    random = Random(seed)
    moment = begin.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    log: list[bytes] = []
    while len(log) < lines:
        moment += timedelta(seconds=random.expovariate(1 / pause))
        if random.random() < gap:
            moment += timedelta(seconds=random.random() * longest_gap)
        local = moment.astimezone(ZoneInfo(zone))
        log.extend(_entry(random, local, random.choice(forms)))
    return b"".join(log)


def _entry(random: Random, now: datetime, form: Form) -> Iterator[bytes]:
    """A line, now and then with a line behind it that says it was repeated."""
    host = random.choice(HOSTS)
    if random.random() < 0.03:
        yield form(now, host, random.choice(NOISE))
        return
    yield form(now, host, random.choice(TEXTS if random.random() < 0.7 else REAL_TEXTS))
    if random.random() < 0.02 and form is not metalog:
        words = random.choice((b"last message repeated %d times", b"above message repeats %d times"))
        yield bsd(now, host, words % random.randrange(1, 9))


def every_rule(begin: datetime) -> bytes:
    """Every sample line once in every form, one a second: each rule alone and each minute another mix."""
    now = begin.replace(tzinfo=UTC)
    log: list[bytes] = []
    for form in FORMS:
        for text in TEXTS:
            now += timedelta(seconds=1)
            log.append(form(now, b"mail", text))
    return b"".join(log)
