"""Logs that processes read at once count as logs that one reads, whatever is remembered where they are cut."""

import bz2
import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from mailgraph.ranges import Lane, lanes
from mailgraph.scanner import Options
from tests.conftest import SetZone
from tests.oracle.corpus import Form, bsd, iso
from tests.properties.examples import examples
from tests.ranges.mail import FORMS, NOVEMBER, log
from tests.ranges.reading import DEFAULT, NOW, TINY, Reader, Reading

PACKINGS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress}

CLIENT = "postfix/smtpd[7]: {}: client=c.example[198.51.100.7]"
GOODBYE = "postfix/smtpd[7]: disconnect from c.example[198.51.100.7] ehlo=1 mail=3 rcpt=3 data=1/3 commands=6/8"
SPAMD = "spamd[5]: spamd: identified spam (9.9/5.0) for a:100 in 0.1 seconds, 4 bytes."
DISCARDED = "postfix/cleanup[8]: 4F0: discard: header Subject: x from c.example[198.51.100.7]; from=<>"
REFUSED = "postfix/smtpd[9]: NOQUEUE: reject: RCPT from x[192.0.2.7]: 550 5.1.1 <a@b.example>: no; from=<>"


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def written(directory: Path, text: bytes, name: str = "mail.log") -> Path:
    path = directory / name
    path.write_bytes(text)
    os.utime(path, (NOW, NOW))
    return path


def both(
    factory: pytest.TempPathFactory,
    logs: list[Path],
    cut: list[Lane],
    jobs: int = 2,
    options: Options = DEFAULT,
    year: int | None = None,
) -> tuple[Reading, Reading]:
    """What one process reads, and what it reads with others."""
    alone = Reader(factory.mktemp("alone"), options, year).alone(*logs)
    return alone, Reader(factory.mktemp("others"), options, year).with_others(cut, jobs)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@examples(12)
@given(
    seed=some.integers(0, 2**32),
    lines=some.sampled_from((100, 700)),
    late=some.sampled_from(((0,), (0, 0, 0, 20, 70), (0, 0, 0, 0, 4000, -4000))),
    jobs=some.integers(2, 4),
    span=some.sampled_from((512, 3000, 10**6)),
    year=some.sampled_from((None, 2026)),
    options=some.sampled_from(
        (
            Options(),
            Options(classic=True),
            Options(ignore_localhost=True, lmtp_is_smtp=True),
            Options(hosts_limit=2),
        )
    ),
)
def test_one_log_counts_alike(
    tmp_path_factory: pytest.TempPathFactory,
    form: Form,
    seed: int,
    lines: int,
    late: tuple[int, ...],
    jobs: int,
    span: int,
    year: int | None,
    options: Options,
) -> None:
    path = written(tmp_path_factory.mktemp("log"), log(seed, lines, NOVEMBER, form, late))
    cut = lanes([str(path)], jobs, year, TINY._replace(span=span))
    assert len(cut) > 1
    alone, with_others = both(tmp_path_factory, [path], cut, jobs, options, year)
    assert with_others.dumps == alone.dumps


@examples(12)
@given(
    seed=some.integers(0, 2**32),
    packed=some.lists(some.sampled_from(list(PACKINGS)), min_size=2, max_size=4),
    lines=some.lists(some.sampled_from((0, 50, 200)), min_size=4, max_size=4),
    jobs=some.integers(2, 3),
)
def test_several_files_count_alike(
    tmp_path_factory: pytest.TempPathFactory, seed: int, packed: list[str], lines: list[int], jobs: int
) -> None:
    directory = tmp_path_factory.mktemp("logs")
    text = log(seed, sum(lines[: len(packed)]), NOVEMBER).splitlines(keepends=True)
    paths = []
    for number, packing in enumerate(packed):
        part, text = text[: lines[number]], text[lines[number] :]
        paths.append(written(directory, PACKINGS[packing](b"".join(part)), f"mail.log.{number}"))
    cut = lanes(map(str, paths), jobs, None, TINY)
    assume(cut)
    alone, with_others = both(tmp_path_factory, paths, cut, jobs)
    assert with_others.dumps == alone.dumps


@examples(8)
@given(seed=some.integers(0, 2**32), form=some.sampled_from(list(FORMS.values())))
def test_a_log_over_the_end_of_summer_time_counts_alike(
    tmp_path_factory: pytest.TempPathFactory, set_zone: SetZone, seed: int, form: Form
) -> None:
    set_zone("Europe/Berlin")
    berlin = datetime(2026, 10, 25, 1, 0, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    path = written(tmp_path_factory.mktemp("log"), log(seed, 300, berlin, form, zone="Europe/Berlin"))
    alone, with_others = both(tmp_path_factory, [path], lanes([str(path)], 3, None, TINY), 3)
    assert with_others.dumps == alone.dumps


def said(*entries: tuple[int, str]) -> bytes:
    """Lines in the order of time, each so many seconds after the begin."""
    in_order = sorted(entries, key=itemgetter(0))
    stamped = ((NOVEMBER + timedelta(seconds=second), text) for second, text in in_order)
    return b"".join(iso(moment, b"mail", text.encode()) for moment, text in stamped)


def steady(seconds: range) -> list[tuple[int, str]]:
    """A refusal now and then, and each one again and again."""
    return [(second, text) for second in seconds for text in (REFUSED, *["last message repeated 2 times"] * 9)]


def test_lines_are_not_scanned_twice_where_little_is_remembered(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = written(tmp_path_factory.mktemp("log"), said(*steady(range(0, 60_000, 300))))
    cut = lanes([str(path)], 2, None, TINY)
    alone, with_others = both(tmp_path_factory, [path], cut)
    assert len(cut) > 5
    assert with_others.dumps == alone.dumps
    assert (alone.scanned, with_others.scanned) == (path.stat().st_size, 0)


def test_a_year_without_stamps_of_it_is_guessed(tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = (bsd(NOVEMBER + timedelta(hours=6 * number), b"mail", REFUSED.encode()) for number in range(1300))
    path = written(tmp_path_factory.mktemp("log"), b"".join(lines))
    cut = lanes([str(path)], 2, 2026, TINY)
    alone, with_others = both(tmp_path_factory, [path], cut, year=2026)
    assert len(cut) > 10
    assert with_others.dumps == alone.dumps
    assert with_others.scanned == 0


STRAY_STAMPS = {"another year": b"1999-07-02T00:00:00Z", "an hour ahead": b"2026-10-25T02:50:00+01:00"}


@pytest.mark.parametrize("stamp", STRAY_STAMPS.values(), ids=STRAY_STAMPS)
@pytest.mark.parametrize("year", [2026, None])
def test_a_stamp_that_others_are_near_to_counts_far_behind_it(
    tmp_path_factory: pytest.TempPathFactory, set_zone: SetZone, stamp: bytes, year: int | None
) -> None:
    set_zone("Europe/Berlin")
    begin = datetime(2026, 10, 25, 2, 0)
    lines = (bsd(begin + timedelta(seconds=5 * number), b"mail", REFUSED.encode()) for number in range(720))
    text = stamp + b" mail " + REFUSED.encode() + b"\n" + b"".join(lines)
    path = written(tmp_path_factory.mktemp("log"), text)
    cut = lanes([str(path)], 2, year, TINY)
    alone, with_others = both(tmp_path_factory, [path], cut, year=year)
    assert len(cut) > 5
    assert with_others.dumps == alone.dumps


def test_a_stray_year_counts_far_behind_it_while_the_log_stays_in_a_minute(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    same_minute = [bsd(NOVEMBER, b"mail", REFUSED.encode())] * 500
    later = [bsd(NOVEMBER + timedelta(minutes=number), b"mail", REFUSED.encode()) for number in range(100)]
    stray = b"1999-07-02T00:00:00Z mail " + REFUSED.encode() + b"\n"
    path = written(tmp_path_factory.mktemp("log"), b"".join([same_minute[0], stray, *same_minute, *later]))
    cut = lanes([str(path)], 2, 2026, TINY)
    alone, with_others = both(tmp_path_factory, [path], cut, year=2026)
    assert len(cut) > 5
    assert with_others.dumps == alone.dumps


SESSION = [(2 + 800 * number, CLIENT.format(f"4F{number}")) for number in range(75)]
"""One that lasts from the first minute to the last."""


def test_a_session_that_lasts_over_cuts_is_no_reason_to_scan_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = written(tmp_path_factory.mktemp("log"), said(*steady(range(0, 60_000, 100)), *SESSION))
    cut = lanes([str(path)], 2, None, TINY)
    alone, with_others = both(tmp_path_factory, [path], cut)
    assert len(cut) > 20
    assert with_others.dumps == alone.dumps
    assert with_others.scanned == 0


GOODBYES = {
    "the 49 refused ones of 51": GOODBYE.replace("data=1/3", "bdat=60/109"),
    "two accepted ones, of which one is discarded": GOODBYE.replace("data=1/3", "data=2/51"),
}


@pytest.mark.parametrize("goodbye", GOODBYES.values(), ids=GOODBYES)
@pytest.mark.parametrize("most", [TINY.most, 1 << 20], ids=["many lanes", "two lanes"])
def test_what_a_session_says_of_messages_long_before_a_cut_counts(
    tmp_path_factory: pytest.TempPathFactory, goodbye: str, most: int
) -> None:
    """The statistics come when two thirds of the log are read: what they say depends on all of the session."""
    begun = [(second, text) for second, text in SESSION if second < 40_100]
    lines = [*steady(range(0, 60_000, 100)), *begun, (500, DISCARDED), (40_100, goodbye)]
    path = written(tmp_path_factory.mktemp("log"), said(*lines))
    cut = lanes([str(path)], 2, None, TINY._replace(most=most))
    alone, with_others = both(tmp_path_factory, [path], cut)
    assert (len(cut) == 2) == (most > TINY.most)
    assert with_others.dumps == alone.dumps
    assert 0 < with_others.scanned < 20_000


def test_verdicts_that_wait_are_no_reason_to_scan_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = written(tmp_path_factory.mktemp("log"), said(*((second, SPAMD) for second in range(0, 40_000, 30))))
    cut = lanes([str(path)], 2, None, TINY)
    alone, with_others = both(tmp_path_factory, [path], cut)
    assert len(cut) > 5
    assert with_others.dumps == alone.dumps
    assert with_others.scanned == 0
