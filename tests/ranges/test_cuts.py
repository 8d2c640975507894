"""Where logs are cut, and tallies in fewer entries."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from mailgraph.ledger import Ledger
from mailgraph.ranges import BEFORE, Sizes, lanes, merged
from mailgraph.rotation import COMPRESSIONS
from mailgraph.schema import STEP
from mailgraph.sources import Span
from tests.conftest import SetZone
from tests.properties.examples import examples
from tests.ranges.mail import NOVEMBER, log
from tests.ranges.reading import TINY

NOON = 1_800_014_400

MEBIBYTE = 1 << 20


@pytest.fixture(autouse=True)
def _utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def refusals(path: Path, lines: int, pause: float) -> Path:
    """A log of lines that are all alike, 150 bytes long and so many seconds apart."""
    text = (
        b" mail postfix/smtpd[7]: NOQUEUE: reject: RCPT from x.example[192.0.2.7]: 550 5.1.1 no; from=<>".ljust(130)
        + b"\n"
    )
    path.write_bytes(
        b"".join(
            (NOVEMBER + timedelta(seconds=pause * n)).strftime("%Y-%m-%dT%H:%M:%S").encode() + text
            for n in range(lines)
        )
    )
    return path


@examples(60)
@given(
    lines=some.lists(some.binary(max_size=600).map(lambda raw: raw.replace(b"\n", b"") + b"\n"), min_size=1),
    end=some.binary(max_size=3).map(lambda raw: raw.replace(b"\n", b"")),
    sizes=some.builds(
        Sizes,
        least=some.integers(1, 2000),
        most=some.integers(1, 2000),
        span=some.integers(1, 2000),
        block=some.sampled_from((16, 100, 256)),
    ),
    jobs=some.integers(1, 5),
)
def test_the_spans_of_all_lanes_are_the_log_in_the_blocks_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], end: bytes, sizes: Sizes, jobs: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "mail.log"
    assume(not lines[0].startswith(tuple(begin for begin, *_ in COMPRESSIONS)))
    path.write_bytes(b"".join(lines) + end)
    whole = [block.data for block in Span(str(path), block=sizes.block).blocks()]
    cut = lanes([str(path)], jobs, None, sizes)
    in_spans = [block.data for lane in cut for span in lane.spans for block in span.blocks()]
    assert in_spans == whole or not cut
    assert all(lane.before and lane.before.end == lane.spans[0].begin for lane in cut[1:])


def test_a_log_that_is_short_is_not_cut(tmp_path: Path) -> None:
    path = refusals(tmp_path / "mail.log", 1000, 1)
    assert lanes([str(path)], 8, None, TINY._replace(least=100_000, most=MEBIBYTE)) == []


def test_one_process_cuts_nothing(tmp_path: Path) -> None:
    path = refusals(tmp_path / "mail.log", 1000, 1)
    assert lanes([str(path)], 1, None, TINY) == []


def test_a_pipe_is_not_cut(tmp_path: Path) -> None:
    path = refusals(tmp_path / "mail.log", 1000, 1)
    assert lanes([str(path), "/dev/stdin" if Path("/dev/stdin").is_fifo() else "/dev/null"], 2, None, TINY) == []


def test_a_file_that_is_not_there_is_left_to_whoever_reads(tmp_path: Path) -> None:
    path = refusals(tmp_path / "mail.log", 1000, 1)
    assert lanes([str(path), str(tmp_path / "nothing")], 2, None, TINY) == []


@pytest.mark.parametrize(("seconds", "is_cut"), [(0.1, False), (2, True)], ids=["half an hour", "half a day"])
def test_a_log_of_which_most_would_be_scanned_twice_is_not_cut(tmp_path: Path, seconds: float, is_cut: bool) -> None:
    path = refusals(tmp_path / "mail.log", 20_000, seconds)
    sizes = Sizes(least=MEBIBYTE // 16, most=64 * MEBIBYTE, span=64 * MEBIBYTE, block=4096)
    assert bool(lanes([str(path)], 2, None, sizes)) is is_cut


def test_as_many_lanes_as_processes_share_the_work(tmp_path: Path) -> None:
    """The first lane is as long as each other with what is scanned before it."""
    path = refusals(tmp_path / "mail.log", 20_000, 2)
    sizes = Sizes(least=MEBIBYTE // 16, most=64 * MEBIBYTE, span=64 * MEBIBYTE, block=4096, worth=0)
    cut = lanes([str(path)], 4, None, sizes)
    ends = [lane.spans[-1].end or path.stat().st_size for lane in cut]
    begins = [lane.before.begin if lane.before else 0 for lane in cut]
    lengths = [end - begin for begin, end in zip(begins, ends, strict=True)]
    assert len(cut) == 4
    assert max(lengths) - min(lengths) < 5 * sizes.block


def test_twenty_minutes_are_scanned_before_a_lane(tmp_path: Path) -> None:
    path = refusals(tmp_path / "mail.log", 20_000, 2)
    cut = lanes([str(path)], 2, None, TINY._replace(least=MEBIBYTE, most=64 * MEBIBYTE))
    before = cut[1].before
    assert before is not None
    assert before.end is not None
    lines = (before.end - before.begin) // 150
    assert BEFORE // 2 <= lines < BEFORE // 2 + 50


def test_hours_are_scanned_before_a_lane_of_a_quiet_log(tmp_path: Path) -> None:
    path = refusals(tmp_path / "mail.log", 20_000, 3600)
    cut = lanes([str(path)], 2, None, TINY._replace(least=MEBIBYTE, most=64 * MEBIBYTE))
    before = cut[1].before
    assert before is not None
    assert before.end is not None
    assert before.end - before.begin > path.stat().st_size // 2 // 41


def test_compressed_files_are_in_one_lane_each(tmp_path: Path) -> None:
    paths = []
    for number in range(4):
        path = tmp_path / f"mail.log.{number}"
        path.write_bytes(gzip.compress(log(number, 300, NOVEMBER)))
        paths.append(str(path))
    cut = lanes(paths, 4, None, TINY._replace(most=MEBIBYTE))
    assert [[span.path for span in lane.spans] for lane in cut] == [[path] for path in paths]
    assert [lane.before and lane.before.path for lane in cut] == [None, *paths[:-1]]


minutes = some.integers(-4, 4).map(lambda minute: NOON + minute * STEP)
counts = some.dictionaries(some.sampled_from(("sent", "received")), some.integers(-1, 3), min_size=1, max_size=2)


@examples(200)
@given(
    entries=some.lists(some.tuples(minutes, counts), max_size=30),
    held=some.none() | minutes,
    now=minutes,
    earlier=some.lists(some.tuples(minutes, counts), max_size=3),
)
def test_a_merged_tally_says_the_same(
    entries: list[tuple[int, dict[str, int]]],
    held: int | None,
    now: int,
    earlier: list[tuple[int, dict[str, int]]],
) -> None:
    states = []
    for tally in (entries, merged(entries)):
        ledger = Ledger(held)
        ledger.add(earlier, now)
        ledger.add(tally, now)
        states.append(ledger.state())
    assert states[0] == states[1]


def test_a_merged_tally_is_short() -> None:
    tally = [
        (NOON, {"sent": 1}),
        (NOON - STEP, {"sent": 2}),
        (NOON, {"sent": 3, "received": 1}),
        (NOON + STEP, {"sent": 1}),
    ]
    assert merged(tally * 2) == [
        (NOON, {"sent": 4, "received": 1}),
        (NOON - STEP, {"sent": 2}),
        (NOON + STEP, {"sent": 2}),
        (NOON, {"sent": 4, "received": 1}),
        (NOON - STEP, {"sent": 2}),
    ]
