"""Logs of mail that comes in, is filtered, refused and sent; few queue ids and processes, so that its lines meet."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from tests.oracle.corpus import Form, bsd, iso

HITS = Path(__file__).parent.parent / "counting/hits.txt"

TEXTS = [line.rpartition(b"\t")[2] for line in HITS.read_bytes().splitlines()]
"""PROGRAM: TEXT of what counts, or bears on what counts."""

MEETING = (
    *(text for text in TEXTS if re.match(rb"postfix/(smtpd|cleanup): ", text)),
    b"postfix/smtpd: 4F9D2190C: client=mx.c.example[198.51.100.7]",
    b"postfix/smtpd: 5A: client=localhost[127.0.0.1]",
    b"postfix/smtp: 4F9D2190C: to=<a@b.example>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 2.0.0"
    b" from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 5A)",
    b"postfix/smtp: 4F9D2190C: to=<a@b.example>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 ok)",
    b"postfix/smtpd: disconnect from c.example[198.51.100.7] ehlo=1 mail=3 rcpt=3 data=1/3 commands=6/8",
    b"postfix/smtpd: disconnect from c.example[198.51.100.7] ehlo=1 mail=3 rcpt=3 bdat=2/4 commands=6/8",
    b"spamd: spamd: identified spam (9.9/5.0) for a:100 in 0.1 seconds, 4 bytes.",
    b"last message repeated 3 times",
)

IDS = (b"4F9D2190C", b"5A", b"4F0", b"4F1", b"3Zq8kF5xJnz9rrD")

PAUSES = (0, 0, 0, 1, 5, 30, 61, 300)

LONG_PAUSES = (1200, 40_000)


def log(
    seed: int, lines: int, begin: datetime, form: Form = iso, late: tuple[int, ...] = (0,), zone: str = "UTC"
) -> bytes:
    """So many lines, some of them ``late`` by some seconds, with a long pause now and then."""
    return b"".join(_lines(Random(seed), lines, begin, form, late, ZoneInfo(zone)))


def _lines(
    random: Random, lines: int, begin: datetime, form: Form, late: tuple[int, ...], zone: ZoneInfo
) -> Iterator[bytes]:
    moment = begin
    for _ in range(lines):
        pauses = LONG_PAUSES if random.random() < 0.02 else PAUSES
        moment += timedelta(seconds=random.choice(pauses))
        text = random.choice(TEXTS if random.random() < 0.3 else MEETING)
        said = re.sub(b"|".join(IDS), lambda _: random.choice(IDS), text)
        program, colon, rest = said.partition(b": ")
        tag = program + b"[%d]" % random.choice((7, 8)) if colon else program
        stamp = (moment - timedelta(seconds=random.choice(late))).astimezone(zone)
        yield form(stamp, random.choice((b"mail", b"mx")), tag + colon + rest)


NOVEMBER = datetime(2026, 11, 5, tzinfo=UTC)
"""In a year without a stamp, near the tests' present."""

FORMS = {"iso": iso, "bsd": bsd}
