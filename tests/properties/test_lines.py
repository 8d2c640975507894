"""Forms and rules: a block counts as the sum of its lines, however it is cut, in any form, zone and order."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from tests.conftest import SetZone
from tests.fuzz.target import OPTIONS, events
from tests.oracle.corpus import FORMS, HOSTS, NOISE, TEXTS, bsd, metalog
from tests.properties.examples import examples

BEGIN = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)
"""Half an hour before the hour that repeats in Berlin."""

REFERENCE = BEGIN.timestamp()

REPEATS = (b"last message repeated 3 times", b"above message repeats 12 times", b"last message repeated 1 time")

texts = some.one_of(
    some.sampled_from(TEXTS),
    some.sampled_from(REPEATS + NOISE),
    some.sampled_from(TEXTS).map(lambda text: text.replace(b": ", b": message repeated 2 times: [ ", 1) + b"]"),
)
junk = some.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"") + b"\n")


@some.composite
def logs(draw: some.DrawFn, zone: str = "UTC") -> list[bytes]:
    """Lines in the order of time, some of them nothing at all."""
    moment = BEGIN
    lines = []
    for _ in range(draw(some.integers(0, 25))):
        if draw(some.integers(0, 5)) == 0:
            lines.append(draw(junk))
            continue
        moment += timedelta(seconds=draw(some.sampled_from((0, 1, 20, 61, 600, 3000))))
        form = draw(some.sampled_from((*FORMS, metalog, bsd)))
        text = draw(texts)
        form = bsd if text in REPEATS + NOISE else form
        lines.append(form(moment.astimezone(ZoneInfo(zone)), draw(some.sampled_from(HOSTS)), text))
    return lines


def cut(draw: some.DataObject, lines: list[bytes]) -> list[bytes]:
    """The same lines in some blocks."""
    ends = [*sorted(draw.draw(some.sets(some.integers(0, len(lines))))), len(lines)]
    return [b"".join(lines[begin:end]) for begin, end in zip([0, *ends], ends, strict=False) if begin < end]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: f"{OPTIONS.index(options)}")
@examples(60)
@given(lines=logs(), data=some.data())
def test_a_log_counts_alike_however_it_is_cut(
    set_zone: SetZone, options: Options, lines: list[bytes], data: some.DataObject
) -> None:
    set_zone("UTC")
    assert_cuts_agree(options, lines, data)


@examples(60)
@given(lines=logs("Europe/Berlin"), data=some.data())
def test_a_log_over_the_end_of_summer_time_counts_alike_however_it_is_cut(
    set_zone: SetZone, lines: list[bytes], data: some.DataObject
) -> None:
    set_zone("Europe/Berlin")
    assert_cuts_agree(Options(), lines, data)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: f"{OPTIONS.index(options)}")
@examples(60)
@given(lines=logs(), before=some.sets(some.sampled_from(TEXTS)))
def test_a_log_counts_alike_whatever_programs_the_scanner_has_seen_before(
    set_zone: SetZone, options: Options, lines: list[bytes], before: set[bytes]
) -> None:
    set_zone("UTC")
    seen = b"".join(bsd(BEGIN, b"elsewhere", text.partition(b":")[0] + b": .") for text in before)
    knowing, block = Scanner(options, Stamps()), b"".join(lines)
    assert knowing.scan(seen, REFERENCE) == []
    assert knowing.scan(block, REFERENCE) == Scanner(options, Stamps()).scan(block, REFERENCE)


def assert_cuts_agree(options: Options, lines: list[bytes], data: some.DataObject) -> None:
    whole = Scanner(options, Stamps()).scan(b"".join(lines), REFERENCE)
    in_parts = Scanner(options, Stamps())
    parts = [counted for block in cut(data, lines) for counted in in_parts.scan(block, REFERENCE)]
    assert events(parts) == events(whole)
