"""Each form of a log line, and the minute that its stamp means."""

from datetime import UTC, datetime

import pytest

from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from tests.conftest import SetZone

TEXT = b"postfix/smtpd[4711]: 4F9D2190C: client=mx.example.org[192.0.2.1]\n"
NOVEMBER = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


@pytest.fixture(autouse=True)
def utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def minutes(log: bytes, reference: float = NOVEMBER, year: int | None = None) -> list[str]:
    """The minute (UTC) of each received mail of the log."""
    tally = Scanner(Options(), Stamps(year)).scan(log, reference)
    return [
        datetime.fromtimestamp(minute, UTC).strftime("%Y-%m-%d %H:%M")
        for minute, counts in tally
        for _ in range(counts.get("received", 0))
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"Nov  5 06:07:08 host " + TEXT,
        b"Nov 05 06:07:08 host " + TEXT,
        b"Nov 5 06:07:08 host " + TEXT,
        b"nov  5 06:07:08 host " + TEXT,
        b"Nov  5 06:07:08 <mail.info> host " + TEXT,
        b"Nov  5 06:07:08 host [LOG_MAIL] " + TEXT,
        b"Nov  5 06:07:08 <mail.info> host [LOG_MAIL] " + TEXT,
        b"Nov  5 06:07:08 host postfix/smtpd[4711]: [ID 197553 mail.info] 4F9D2190C: client=mx.example.org[192.0.2.1]\n",
        b"Nov  5 06:07:08 host postfix/smtpd: 4F9D2190C: client=mx.example.org[192.0.2.1]\n",
        b"Nov  5 06:07:08 2001:db8::1 " + TEXT,
        b"Nov  5 06:07:08 root@host " + TEXT,
        b"Nov  5 06:07:08 host host " + TEXT,
        b"Nov  5 06:07:08 host : " + TEXT,
        b"Nov  5 06:07:08.123456 host " + TEXT,
        b"Nov  5 2026 06:07:08 host " + TEXT,
        b"Nov  5 06:07:08 [postfix/smtpd] 4F9D2190C: client=mx.example.org[192.0.2.1]\n",
        b"2026-11-05T06:07:08+00:00 host " + TEXT,
        b"2026-11-05T06:07:08.123456+00:00 host " + TEXT,
        b"2026-11-05T06:07:08Z host " + TEXT,
        b"2026-11-05T07:07:08.123456+01:00 host " + TEXT,
        b"2026-11-05T07:07:08+0100 host " + TEXT,
        b"2026-11-05T00:37:08-05:30 host " + TEXT,
        b"2026-11-05 06:07:08+00:00 host " + TEXT,
        b"2026-11-05T06:07:08 host " + TEXT,
        b"2026-11-05 06:07:08,123 host " + TEXT,
        b"<22>1 2026-11-05T06:07:08.123456Z host postfix/smtpd 4711 - - 4F9D2190C: client=mx.example.org[192.0.2.1]\n",
        b'<22>1 2026-11-05T06:07:08Z host postfix/smtpd - ID47 [a@1 b="c\\]d"][e] 4F9D2190C: client=mx.example.org[192.0.2.1]\n',
        b"<22>1 2026-11-05T06:07:08Z host postfix/smtpd - - - \xef\xbb\xbf4F9D2190C: client=mx.example.org[192.0.2.1]\n",
        b"<22>1 2026-11-05T06:07:08Z host postfix/smtpd 4711 - -  4F9D2190C: client=mx.example.org[192.0.2.1]\n",  # rsyslog's
        b"2026-11-05 06:07:08 1xW2Fj-00002j-33 <= s@r.example H=(c.example) [192.0.2.1] P=esmtp S=372\n",
        b"2026-11-05 06:07:08.123 [169] 1xW2Gj-00000000056-3kVo <= s@r.example H=(c.example) [192.0.2.1] P=esmtp S=372\n",
        b"2026-11-05 07:07:08.123 +0100 [169] 1xW2Fj-00002j-33 <= s@r.example H=c.example [192.0.2.1] P=esmtp S=372\n",
        b"<22>Nov  5 06:07:08 host " + TEXT,
        b"<22>Nov 05 06:07:08 host " + TEXT,
    ],
    ids=lambda line: line.decode(errors="replace")[:60],
)
def test_a_line_of_the_form_counts_in_its_minute(line: bytes) -> None:
    assert minutes(line) == ["2026-11-05 06:07"]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"no log line at all\n",
        b"Nov  5 06:07:08 host\n",
        b"Nov  5 06:07 host " + TEXT,
        b"5 Nov 06:07:08 host " + TEXT,
        b"2026-11-05T06:07:08\n",
        b"2026-11-05T06:07:08Z " + TEXT,
        b"Nov 31 06:07:08 host " + TEXT,
        b"Nov  5 24:07:08 host " + TEXT,
        b"Nov  5 06:60:08 host " + TEXT,
        b"Now  5 06:07:08 host " + TEXT,
        b"2026-02-29T06:07:08Z host " + TEXT,
        b"2026-13-01T06:07:08Z host " + TEXT,
        b"0000-01-01T06:07:08Z host " + TEXT,
        b"2026-11-05T06:07:08+99:00 host " + TEXT,
        b"\0\0\0\0Nov  5 06:07:08 host " + TEXT,
        b"Nov  5 06:07:08 host no colon\n",
        b" " + TEXT,
    ],
    ids=repr,
)
def test_a_line_in_no_known_form_is_skipped_and_shown(line: bytes) -> None:
    good = b"Nov  5 06:07:08 host " + TEXT
    assert minutes(good + line + good) == ["2026-11-05 06:07"] * 2
    assert Scanner(Options(), Stamps(2026)).unknown_lines(good + line + good) == [line[:-1]]


def test_a_log_may_change_its_form_from_line_to_line() -> None:
    log = (
        b"Nov  5 06:07:08 host %b2026-11-05T07:08:08+01:00 host %bNov  5 06:09:08 [postfix/smtpd] 4F9: client=x[192.0.2.1]\n"
        b"<22>1 2026-11-05T06:10:08Z host postfix/smtpd 1 - - 4F9: client=x[192.0.2.1]\nNov  5 06:11:08 host %b"
    )
    assert minutes(log % (TEXT, TEXT, TEXT)) == [f"2026-11-05 06:{minute:02}" for minute in range(7, 12)]


@pytest.mark.parametrize(
    ("stamp", "reference", "minute"),
    [
        (b"Nov 25 11:59:00", "2026-11-25 12:00", "2026-11-25 11:59"),
        (b"Nov 25 12:01:00", "2026-11-25 12:00", "2026-11-25 12:01"),
        (b"Dec 24 12:00:00", "2026-11-25 12:00", "2026-12-24 12:00"),  # a clock that is a month ahead
        (b"Dec 31 12:00:00", "2026-11-25 12:00", "2025-12-31 12:00"),
        (b"Jan  1 00:00:00", "2026-11-25 12:00", "2026-01-01 00:00"),
        (b"Dec 31 23:59:59", "2027-01-01 00:00", "2026-12-31 23:59"),
        (b"Jan  1 00:00:00", "2026-12-31 23:59", "2027-01-01 00:00"),
        (b"Nov  5 06:07:08", "2027-02-01 12:00", "2026-11-05 06:07"),
        (b"Feb 29 06:07:08", "2026-11-25 12:00", "2024-02-29 06:07"),
        (b"Feb 29 06:07:08", "2024-02-29 12:00", "2024-02-29 06:07"),
        (b"Feb 29 06:07:08", "2024-02-28 12:00", "2024-02-29 06:07"),
        (b"Feb 29 06:07:08", "2103-01-01 12:00", "2096-02-29 06:07"),  # 2100 has none
    ],
)
def test_the_year_is_the_one_nearest_to_the_reference(stamp: bytes, reference: str, minute: str) -> None:
    seconds = datetime.fromisoformat(reference).replace(tzinfo=UTC).timestamp()
    assert minutes(stamp + b" host " + TEXT, seconds) == [minute]


def test_a_log_goes_over_new_year_and_back() -> None:
    stamps = (b"Dec 31 23:59:58", b"Jan  1 00:00:01", b"Dec 31 23:59:59", b"Jan  1 00:01:00")
    expected = ["2026-12-31 23:59", "2027-01-01 00:00", "2026-12-31 23:59", "2027-01-01 00:01"]
    log = b"".join(stamp + b" host " + TEXT for stamp in stamps)
    assert minutes(log, datetime(2027, 1, 1, 0, 1, tzinfo=UTC).timestamp()) == expected
    assert minutes(log, year=2026) == expected


def test_the_option_year_is_that_of_the_first_line_of_several_years() -> None:
    stamps = (b"Mar  1 12:00:00", b"Jul  1 12:00:00", b"Nov  1 12:00:00", b"Feb 29 12:00:00", b"Aug 10 12:00:00")
    log = b"".join(stamp + b" host " + TEXT for stamp in stamps)
    assert [minute[:7] for minute in minutes(log, year=2023)] == ["2023-03", "2023-07", "2023-11", "2024-02", "2024-08"]


@pytest.mark.parametrize(
    ("zone", "day", "first", "change"),
    [
        ("Europe/Zurich", b"Oct 25", "2026-10-25 00:30", b"02"),
        ("America/New_York", b"Nov  1", "2026-11-01 05:30", b"01"),
    ],
)
def test_an_hour_that_occurs_twice_is_told_apart_by_the_order(
    zone: str, day: bytes, first: str, change: bytes, set_zone: SetZone
) -> None:
    set_zone(zone)
    stamps = (b"%b %b:30:00" % (day, change), b"%b %b:59:59" % (day, change)) * 2 + (
        b"%b %02d:00:00" % (day, int(change) + 1),
    )
    log = b"".join(stamp + b" host " + TEXT for stamp in stamps)
    begin = datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp()
    after = [round((datetime.fromisoformat(m).replace(tzinfo=UTC).timestamp() - begin) / 60) for m in minutes(log)]
    assert after == [0, 29, 60, 89, 90]


@pytest.mark.parametrize("lines_a_block", [1, 2, 5])
def test_a_line_that_counts_nothing_tells_the_repeated_hour_too(lines_a_block: int, set_zone: SetZone) -> None:
    set_zone("Europe/Zurich")
    lines = [
        b"Oct 25 02:10:00 host " + TEXT,
        b"Oct 25 02:55:00 host kernel: hello\n",
        b"Oct 25 02:20:00 host " + TEXT,
        b"Oct 25 02:21:00 host " + TEXT,
        b"Oct 25 03:00:00 host " + TEXT,
    ]
    scanner = Scanner(Options(), Stamps())
    blocks = [b"".join(lines[at : at + lines_a_block]) for at in range(0, len(lines), lines_a_block)]
    counted = [minute for block in blocks for minute, _ in scanner.scan(block, NOVEMBER)]
    assert [datetime.fromtimestamp(minute, UTC).strftime("%H:%M") for minute in counted] == [
        "00:10",
        "01:20",
        "01:21",
        "02:00",
    ]


@pytest.mark.parametrize(
    ("zone", "stamps", "expected"),
    [
        ("Europe/Zurich", (b"Mar 29 01:59:59", b"Mar 29 03:00:00"), ["2026-03-29 00:59", "2026-03-29 01:00"]),
        ("America/New_York", (b"Mar  8 01:59:59", b"Mar  8 03:00:00"), ["2026-03-08 06:59", "2026-03-08 07:00"]),
    ],
)
def test_the_hour_that_spring_skips_is_no_gap(
    zone: str, stamps: tuple[bytes, ...], expected: list[str], set_zone: SetZone
) -> None:
    set_zone(zone)
    assert minutes(b"".join(stamp + b" host " + TEXT for stamp in stamps)) == expected


def test_a_stamp_with_zone_needs_no_local_time(set_zone: SetZone) -> None:
    set_zone("America/New_York")
    stamps = (b"2026-10-25T02:30:00+02:00", b"2026-10-25T02:30:00+01:00", b"2026-10-24T19:30:00-05:00")
    assert minutes(b"".join(stamp + b" host " + TEXT for stamp in stamps)) == [
        "2026-10-25 00:30",
        "2026-10-25 01:30",
        "2026-10-25 00:30",
    ]


@pytest.mark.parametrize("year", [b"4148", b"9998"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_stamp_thousands_of_years_ahead_is_some_time_of_the_future(zone: str, year: bytes, set_zone: SetZone) -> None:
    set_zone(zone)
    assert minutes(year + b"-12-31T23:59:59 host " + TEXT) == ["4147-08-20 07:31"]
    assert minutes(b"Dec 31 " + year + b" 23:59:59 host " + TEXT) == ["4147-08-20 07:31"]


def test_a_block_that_goes_over_centuries_counts_as_its_lines(set_zone: SetZone) -> None:
    set_zone("Europe/Zurich")
    lines = (
        b"1971-01-01T00:00:00 host " + TEXT,
        b"2026-07-01T12:00:00 host " + TEXT,
        b"4000-01-01T00:00:00 host " + TEXT,
    )
    assert minutes(b"".join(lines)) == ["1970-12-31 23:00", "2026-07-01 10:00", "3999-12-31 23:00"]


@pytest.mark.parametrize("first", [b"\n", b"panic!\n", b"Feb 31 02:10:00 host " + TEXT])
def test_lines_without_a_time_at_a_blocks_ends_hide_no_repeated_hour(first: bytes, set_zone: SetZone) -> None:
    set_zone("Europe/Berlin")
    lines = (
        first,
        b"Oct 25 01:20:00 host kernel: hello\n",
        b"Oct 25 02:50:00 host kernel: hello\n",
        b"Oct 25 02:10:00 host " + TEXT,
        first,
    )
    tally = Scanner(Options(), Stamps()).scan(b"".join(lines), NOVEMBER)
    assert [datetime.fromtimestamp(minute, UTC).strftime("%H:%M") for minute, _ in tally] == ["01:10"]
