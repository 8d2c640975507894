"""What fuzzing starts from and what it found is tried in each run; and no rule's own words, repeated, make a line slow.

No time is measured closely: a pattern that is quadratic in a line's length takes a hundred times the allowance here.
``python -m tests.fuzz.scanner`` looks closer.
"""

import re
from collections.abc import Iterator

import pytest

from mailgraph.rules import RULES, Rule
from mailgraph.scanner import pattern_source
from tests.conftest import SetZone
from tests.fuzz.target import OPTIONS, Target, seeds

ALLOWED = 1.0
"""Seconds of processor time for a line of LENGTH; linear patterns take some milliseconds."""

LENGTH = 100_000

HEADER = b"Nov  5 06:07:08 mail "


@pytest.fixture(params=["UTC", "Europe/Berlin"])
def target(request: pytest.FixtureRequest, set_zone: SetZone) -> Target:
    set_zone(request.param)
    return Target(ALLOWED)


def test_what_fuzzing_starts_from(target: Target) -> None:
    rows = set().union(*(target.try_input(seed)[1] for seed in seeds()))
    assert len(rows) > 50


def hits() -> dict[str, bytes]:
    """For each rule a sample line that it fits, under whatever options, up to its last character."""
    found: dict[str, bytes] = {}
    for options in OPTIONS:
        pattern = re.compile(pattern_source(tuple(rule for rule in RULES if options.wants(rule)), options.classic))
        for seed in seeds():
            for line in seed[1:].splitlines():
                hit = pattern.match(b"\n" + line + b"\n")
                if hit:
                    found.setdefault(hit.lastgroup or "", line)
    return found


def crafted(rule: Rule, hit: bytes) -> Iterator[bytes]:
    """The rule's words over and over: alone, behind a line that it fits, and where the word stands in that line."""
    words = dict.fromkeys(re.findall(rb"[\w=:@. -]{2,}|\W", rule.text))
    program, _, text = hit.partition(b": ")
    for word in (*words, text[:40], b" " + text):
        endless = word * (LENGTH // len(word))
        yield program + b": " + endless
        yield hit + endless
        at = text.find(word)
        if at > 0:
            yield program + b": " + text[:at] + endless
            yield program + b": " + text[:at] + endless + text[at:]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rules_words_repeated_make_a_line_slow(rule: Rule) -> None:
    hit = HITS.get(rule.name, HEADER + b"postfix/smtpd[1]: 4F9: ")
    chosen = next(number for number, options in enumerate(OPTIONS) if options.wants(rule))
    for line in crafted(rule, hit):
        TARGET.try_input(bytes([chosen]) + line.replace(b"\n", b"") + b"\n")


HITS, TARGET = hits(), Target(ALLOWED)
