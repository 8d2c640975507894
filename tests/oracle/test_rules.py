"""Each rule has a line that it counts; lines that look alike count nothing."""

import re
from collections.abc import Iterator

import pytest

from mailgraph.logforms import Stamps
from mailgraph.rules import RULES, Rule
from mailgraph.scanner import Options, Scanner, pattern_source
from tests.oracle.original import HERE, log_lines

CLASSIC_RULES = [rule for rule in RULES if "-classic" not in rule.needs]
OPTIONS = Options(True, ignore_localhost=True, rbl_is_spam=True, virbl_is_virus=True, lmtp_is_smtp=True)


def option_sets() -> Iterator[Options]:
    """None, and each option that a row needs with the options that stand beside it in some row."""
    for needs in {rule.needs for rule in CLASSIC_RULES}:
        yield Options(**{"classic": True} | dict.fromkeys(needs.split(), True))


@pytest.fixture(scope="module")
def rows_hit() -> set[str]:
    text = b"\n" + b"".join(log_lines("hits.txt"))
    patterns = [re.compile(pattern_source(tuple(filter(options.wants, RULES)), True)) for options in option_sets()]
    return {hit.lastgroup for pattern in patterns for hit in pattern.finditer(text)}


@pytest.mark.parametrize("rule", CLASSIC_RULES, ids=lambda rule: rule.name)
def test_a_sample_line_hits_each_row(rule: Rule, rows_hit: set[str]) -> None:
    assert rule.name in rows_hit


@pytest.mark.parametrize("line", log_lines("hits.txt"), ids=(HERE / "hits.txt").read_text().splitlines())
def test_each_sample_line_hits_a_row(line: bytes) -> None:
    pattern = re.compile(pattern_source(tuple(filter(OPTIONS.wants, RULES)), True))
    assert pattern.match(b"\n" + line)


def test_a_near_miss_counts_nothing() -> None:
    scanner = Scanner(Options(classic=True), Stamps(2024))
    assert [line for line in log_lines("near-misses.txt") if scanner.scan(line, 0)] == []
