"""The RRD files of --classic are the original's, value for value, over logs of everything that both understand."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rrdtool

from mailgraph.ledger import Ledger
from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from tests.conftest import SetZone
from tests.oracle import corpus
from tests.oracle.original import COUNTING_OPTIONS, arguments, said
from tests.programs import require

PLAIN, EVERYTHING = COUNTING_OPTIONS[0], COUNTING_OPTIONS[-1]
FAR_FUTURE = 4_102_444_800
NAMES = ("mailgraph.rrd", "mailgraph_virus.rrd", "mailgraph_greylist.rrd")
SOURCES = (("sent", "recv", "bounced", "rejected"), ("virus", "spam"), ("greylisted", "delayed"))


def create(directory: Path, start: int) -> None:
    """The three files, as the original makes them, beginning at ``start``."""
    archives = [f"RRA:{kind}:0.5:{steps}:198" for kind in ("AVERAGE", "MAX") for steps in (8, 56, 280, 3360)]
    directory.mkdir()
    for name, sources in zip(NAMES, SOURCES, strict=True):
        made = [f"DS:{source}:ABSOLUTE:120:0:U" for source in sources]
        rrdtool.create(str(directory / name), "--start", str(start), "--step", "60", *made, *archives)


def run_original(
    log: bytes, directory: Path, options: Options, year: int, *more: str
) -> subprocess.CompletedProcess[bytes]:
    file = directory.parent / "original.log"
    file.write_bytes(log)
    command = [require("mailgraph"), "-c", "-y", str(year), "-l", file, "--daemon-rrd", directory, *arguments(options)]
    return subprocess.run([*command, *more], check=True, capture_output=True)


def run_ours(log: bytes, directory: Path, options: Options, year: int, *more: str) -> None:
    file = directory.parent / "ours.log"
    file.write_bytes(log)
    command = [sys.executable, "-m", "mailgraph", "--classic", "-c", "-y", str(year), "-l", file]
    subprocess.run([*command, "--daemon-rrd", directory, *arguments(options), *more], check=True, capture_output=True)


def dumped(file: Path) -> list[str]:
    """All that the file holds: last update, values of every row of every archive, values under way."""
    rrdtool.dump(str(file), f"{file}.xml")
    return Path(f"{file}.xml").read_text().splitlines()


def differences(one: Path, other: Path) -> list[tuple[str, str]]:
    """The lines of the dumps that are not the same."""
    pairs = (zip(dumped(one / name), dumped(other / name), strict=True) for name in NAMES)
    return [(line, other_line) for pair in pairs for line, other_line in pair if line != other_line]


def last_minute(directory: Path) -> int:
    return int(rrdtool.last(str(directory / NAMES[0])))


def minutes(log: bytes, options: Options, year: int) -> list[int]:
    """The minutes with events, in the order of the log."""
    return [minute for minute, _ in Scanner(options, Stamps(year)).scan(log, 0)]


def event(minute: int, form: corpus.Form = corpus.iso) -> bytes:
    """A line that counts as received."""
    return form(
        datetime.fromtimestamp(minute, UTC).astimezone(), b"mail", b"postfix/smtpd[1]: 4F9D2: client=x[192.0.2.1]"
    )


def both(directory: Path, start: int) -> tuple[Path, Path]:
    """Two directories with the three files, for the original and for ours."""
    create(directory / "theirs", start)
    create(directory / "ours", start)
    return directory / "theirs", directory / "ours"


def assert_same_files(log: bytes, directory: Path, options: Options, year: int, *more: str) -> None:
    """Both programs make the same of ``log``; the original gets an event more, or it would not write the last minute."""
    seen = minutes(log, options, year)
    theirs, ours = both(directory, seen[0] - 60)
    one_more = event(max(seen) + 60, corpus.metalog if "metalog" in more else corpus.iso)
    run_original(log + one_more, theirs, options, year, *more)
    run_ours(log, ours, options, year, *more)
    assert last_minute(ours) == max(seen)
    assert differences(ours, theirs) == []


@pytest.mark.parametrize("options", COUNTING_OPTIONS, ids=said)
def test_every_rule_in_every_form(options: Options, tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    assert_same_files(corpus.every_rule(datetime(2023, 5, 3, 7)), tmp_path, options, 2023)


@pytest.mark.parametrize("options", [PLAIN, EVERYTHING], ids=said)
def test_a_hundred_thousand_lines(options: Options, tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("Europe/Zurich")
    log = corpus.mix(1, 100_000, datetime(2023, 6, 1, 8), "Europe/Zurich", pause=1.5, gap=0.0003)
    assert_same_files(log, tmp_path, options, 2023)


def test_one_host_of_several(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = corpus.mix(8, 3000, datetime(2023, 6, 1))
    assert_same_files(log, tmp_path, PLAIN._replace(host="MAIL|10.*"), 2023)


def test_gaps_of_days_are_zeros(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("America/New_York")
    log = corpus.mix(2, 200, datetime(2023, 6, 1), "America/New_York", gap=0.1, longest_gap=1.5 * 86400)
    assert_same_files(log, tmp_path, PLAIN, 2023)


def test_new_year(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("Europe/Zurich")
    log = corpus.mix(3, 5000, datetime(2022, 12, 31, 21), "Europe/Zurich", pause=5)
    late = corpus.bsd(datetime(2022, 12, 31, 23, 59, 58), b"mail", b"postfix/smtpd[1]: connect from x[192.0.2.1]")
    midnight = log.index(b"\nJan  1 00:0") + 1
    assert_same_files(log[:midnight] + late + log[midnight:], tmp_path, PLAIN, 2022)


@pytest.mark.parametrize(
    ("zone", "begin"),
    [
        ("Europe/Zurich", datetime(2023, 3, 25, 22)),
        ("Europe/Zurich", datetime(2023, 10, 28, 22)),
        ("America/New_York", datetime(2023, 3, 11, 22)),
        ("America/New_York", datetime(2023, 11, 4, 22)),
    ],
)
def test_clock_changes(zone: str, begin: datetime, tmp_path: Path, set_zone: SetZone) -> None:
    set_zone(zone)
    log = corpus.mix(4, 8000, begin, zone, corpus.BSD_FORMS, pause=4)
    assert_same_files(log, tmp_path, PLAIN, begin.year)


def test_a_repeated_hour_in_stamps_with_zones(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("Europe/Zurich")
    log = corpus.mix(6, 8000, datetime(2023, 10, 28, 22), "Europe/Zurich", (corpus.iso,), pause=4)
    assert_same_files(log, tmp_path, PLAIN, 2023)


def test_metalog(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = corpus.mix(5, 5000, datetime(2023, 2, 27), forms=(corpus.metalog,), pause=20)
    assert_same_files(log, tmp_path, PLAIN, 2023, "-t", "metalog")


def split_log() -> tuple[bytes, bytes]:
    """A log, and its first half up to the end of a minute."""
    log = corpus.mix(7, 6000, datetime(2023, 6, 1, 8), pause=5, gap=0.002)
    following = re.search(rb"\n(?:Jun  1 |2023-06-01T)12:30:", log)
    assert following
    return log, log[: following.start() + 1]


@pytest.mark.parametrize("first", ["original", "ours"])
def test_one_continues_the_files_of_the_other(first: str, tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log, first_half = split_log()
    seen = minutes(log, PLAIN, 2023)
    alone, shared = both(tmp_path, seen[0] - 60)
    one_more = event(max(seen) + 60)
    run_original(log + one_more, alone, PLAIN, 2023)
    if first == "original":
        run_original(first_half, shared, PLAIN, 2023)
        run_ours(log, shared, PLAIN, 2023)
    else:
        run_ours(first_half, shared, PLAIN, 2023)
        run_original(log + one_more, shared, PLAIN, 2023)
    assert differences(shared, alone) == []


# Where ours departs on purpose, each time: what the original does, then ours.

NOON = 1_685_620_800
"""2023-06-01 12:00:00 UTC."""


def received_by_original(log: bytes, directory: Path, year: int = 2023) -> dict[int, int]:
    """Mails received by minute, as --verbose says that it writes them."""
    directory.mkdir()
    said = run_original(log, directory, PLAIN, year, "--verbose").stdout
    updates = [line.split()[1].split(":") for line in said.decode().splitlines() if line.startswith("update ")]
    return {int(minute): int(received) for minute, _, received, *_ in updates if received != "0"}


def received_by_ours(log: bytes, year: int = 2023) -> dict[int, int]:
    ledger = Ledger()
    ledger.add(Scanner(PLAIN, Stamps(year)).scan(log, 0), FAR_FUTURE)
    ledger.close(FAR_FUTURE)
    return {minute: counts["received"] for minute, counts in ledger.closed.items() if counts.get("received")}


def test_the_last_minute_is_written(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = event(NOON) + event(NOON + 60)
    assert received_by_original(log, tmp_path / "theirs") == {NOON: 1}
    assert received_by_ours(log) == {NOON: 1, NOON + 60: 1}


def test_the_first_minute_of_new_files_is_written(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = b"".join(event(NOON + 60 * minute) for minute in (1, 2, 3))
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    ours.mkdir()
    run_original(log + event(NOON + 240), theirs, PLAIN, 2023)
    run_ours(log, ours, PLAIN, 2023)
    assert [received_in_unfinished_row(directory) for directory in (theirs, ours)] == [2, 3]


def received_in_unfinished_row(directory: Path) -> int:
    return round(rrdtool.info(str(directory / NAMES[0]))["rra[0].cdp_prep[1].value"] * 60)


def test_a_late_line_counts_in_its_own_minute(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = event(NOON) + event(NOON + 60) + event(NOON) + event(NOON + 120)
    assert received_by_original(log, tmp_path / "theirs") == {NOON: 1, NOON + 60: 1}
    assert received_by_ours(log) == {NOON: 2, NOON + 60: 1, NOON + 120: 1}


def test_a_repeated_message_counts_in_the_minute_that_says_so(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = event(NOON, corpus.bsd) + b"Jun  1 12:01:00 mail last message repeated 4 times\n" + event(NOON + 120)
    assert received_by_original(log, tmp_path / "theirs") == {NOON: 5}
    assert received_by_ours(log) == {NOON: 1, NOON + 60: 4, NOON + 120: 1}


def test_lines_of_two_zones_within_a_minute_keep_their_own_time(tmp_path: Path, set_zone: SetZone) -> None:
    set_zone("UTC")
    log = event(NOON) + event(NOON).replace(b"+00:00", b"-01:00") + event(NOON + 7200)
    assert received_by_original(log, tmp_path / "theirs") == {NOON: 2}
    assert received_by_ours(log) == {NOON: 1, NOON + 3600: 1, NOON + 7200: 1}
