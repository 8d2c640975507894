"""Rules of one's own: a TOML file that adds counters, each with an RRD file of its own.

    [[rule]]
    counter = "over_quota"
    program = "dovecot"
    text = 'Quota exceeded'
    sample = 'Nov  5 06:07:08 mail dovecot: lmtp(anna)<7><x>: save failed to INBOX: Quota exceeded'

``program`` is the name as it stands in the log, ``text`` a regular expression that is searched in what follows
``program[pid]: ``, ``sample`` a line of the log that it counts.  A line counts for its program's first rule that fits,
and for what it counts anyway.
"""

import re
import signal
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import groupby
from types import FrameType
from typing import Any, NamedTuple

from mailgraph import MailgraphError
from mailgraph.logforms import BEFORE_TEXT, HEADER, MESSAGE_REPEATED
from mailgraph.schema import COUNTERS, OWN, Family, own_counter, own_family

KEYS = ("counter", "program", "text", "sample")

TRIAL_LENGTH = 16_000
TRIAL_SECONDS = 1.0
"""What all trials of a pattern may take; one that is linear in a line's length takes a fiftieth of it."""


class OwnRulesError(MailgraphError):
    """A mistake in the rules file; the text names file, rule and reason."""


class OwnRule(NamedTuple):
    """Lines of ``program`` whose text has ``text`` somewhere count for ``counter``."""

    counter: str
    program: bytes
    text: re.Pattern[bytes]


class OwnRules:
    """The rules of a file, or none."""

    def __init__(self, rules: Iterable[OwnRule] = ()) -> None:
        in_order = sorted(rules, key=_program)
        self._rules = {program: list(own) for program, own in groupby(in_order, _program)}
        self.counters = tuple(dict.fromkeys(rule.counter for rule in in_order))

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """Finds the lines of the rules' programs."""
        programs = b"|".join(map(re.escape, self._rules))
        before = rb"%b(?P<program>%b)%b(?:%b(?P<often>\d{1,6}+) times: \[ )?+"
        return re.compile(before % (HEADER, programs, BEFORE_TEXT, MESSAGE_REPEATED) + rb"(?P<text>[^\n]*+)")

    def __bool__(self) -> bool:
        return bool(self._rules)

    @property
    def families(self) -> tuple[Family, ...]:
        """An RRD file for each counter: one more needs no change of the others."""
        return tuple(map(own_family, self.counters))

    def counted(self, hit: re.Match[bytes]) -> dict[str, int]:
        """The events of a line that ``pattern`` has found, as many as ``message repeated N times: [ TEXT]`` says."""
        text = _text(hit)
        counter = next((rule.counter for rule in self._rules[hit["program"]] if rule.text.search(text)), None)
        return {counter: int(hit["often"] or 1)} if counter else {}


def _program(rule: OwnRule) -> bytes:
    return rule.program


def _text(hit: re.Match[bytes]) -> bytes:
    """What follows the program, without syslog's brackets around a repeated text."""
    text = hit["text"]
    return text.removesuffix(b"]") if hit["often"] else text


def load(path: str) -> OwnRules:
    """The rules of the file.  Raises OwnRulesError."""
    import tomllib  # 3 ms, for those who have rules

    try:
        with open(path, "rb") as file:
            read = tomllib.load(file)
    except OSError as error:
        raise OwnRulesError(f"can't read {path}: {error.strerror}") from error
    except ValueError as error:  # no TOML, no UTF-8
        raise OwnRulesError(f"{path}: {error}") from error
    rows = read.get("rule")
    if read.keys() != {"rule"} or not isinstance(rows, list):
        raise OwnRulesError(f"{path}: it must hold [[rule]] tables and nothing else")
    return OwnRules(_rule(row, f"{path}, rule {number}") for number, row in enumerate(rows, 1))


def _rule(row: Any, where: str) -> OwnRule:
    if not isinstance(row, dict):
        raise OwnRulesError(f"{where}: it is no table")
    for key in KEYS:
        if not isinstance(row.get(key), str) or not row[key]:
            raise OwnRulesError(f"{where}: {key} is missing, or no text in quotes")
    unknown = sorted(row.keys() - set(KEYS))
    counter = row["counter"]
    where = f"{where} ({counter})"
    if unknown:
        raise OwnRulesError(f"{where}: {unknown[0]} is unknown; there are {', '.join(KEYS)}")
    if own_counter(OWN + counter) is None:
        raise OwnRulesError(f"{where}: a counter's name is a to z, 0 to 9 and _, 19 of them at most, a letter first")
    if counter in COUNTERS:
        raise OwnRulesError(f"{where}: the name is taken; mailgraph counts {counter} itself")
    rule = OwnRule(counter, row["program"].encode(), _pattern(row["text"], where))
    text = _sample_text(rule, row["sample"], where)
    if _is_slow(rule.text, text):
        raise OwnRulesError(f"{where}: the pattern {row['text']!r} is too slow; nested or neighbouring * and + are why")
    if not rule.text.search(text):
        raise OwnRulesError(f"{where}: the pattern {row['text']!r} does not fit the sample's {text.decode()!r}")
    return rule


def _pattern(source: str, where: str) -> re.Pattern[bytes]:
    try:
        return re.compile(source.encode())
    except (re.error, OverflowError, RecursionError) as error:
        raise OwnRulesError(f"{where}: {source!r} is no regular expression: {error} (see Python's re)") from error


def _sample_text(rule: OwnRule, sample: str, where: str) -> bytes:
    """What follows the program in the sample line."""
    hit = OwnRules([rule]).pattern.fullmatch(b"\n" + sample.encode())
    if hit is None:
        name = rule.program.decode()
        raise OwnRulesError(f"{where}: the sample is no log line of the program {name}, or it has more than one line")
    return _text(hit)


def _is_slow(pattern: re.Pattern[bytes], text: bytes) -> bool:
    """Whether a line that somebody crafts makes the pattern slow: the sample's start, and then one thing on and on."""

    def too_long(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, too_long)
    signal.setitimer(signal.ITIMER_VIRTUAL, TRIAL_SECONDS)
    try:
        for crafted in _crafted(text):
            pattern.search(crafted)
    except TimeoutError:
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return False


def _crafted(text: bytes) -> Iterator[bytes]:
    words = text.split(b" ")
    starts = [b" ".join(words[:number]) for number in range(len(words) + 1)][:20]
    units = sorted({text, *words, *(bytes([letter]) for letter in text + b" a0.")} - {b""})[:60]
    for start in starts:
        for unit in units:
            yield (start + b" " + unit * (TRIAL_LENGTH // len(unit)))[:TRIAL_LENGTH] + b"\0"
