"""What is taken back leaves its minute while that is open, and else the next one that has it."""

import json

import pytest

from mailgraph.ledger import GRACE, Ledger
from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner

NOON = 1_793_880_000
FAR = NOON + 86400


def closed(*tally: tuple[int, dict[str, int]]) -> dict[int, dict[str, int]]:
    """What the minutes after noon count once all are closed."""
    ledger = Ledger()
    ledger.add([(NOON + 60 * minute, counts) for minute, counts in tally], FAR)
    ledger.close(FAR)
    return {(minute - NOON) // 60: counts for minute, counts in ledger.closed.items() if counts}


def test_an_open_minute_gives_back() -> None:
    assert closed((0, {"received": 2, "sent": 1}), (0, {"received": -1})) == {0: {"received": 1, "sent": 1}}
    assert closed((0, {"received": 2}), (1, {"sent": 1}), (0, {"received": -1})) == {0: {"received": 1}, 1: {"sent": 1}}


def test_a_minute_counts_never_less_than_nothing() -> None:
    assert closed((0, {"received": 1}), (3, {"sent": 1}), (0, {"received": -1})) == {0: {"received": 1}, 3: {"sent": 1}}


def test_a_later_minute_gives_back_for_a_closed_one() -> None:
    tally = (0, {"received": 1}), (3, {"sent": 1}), (0, {"received": -1}), (5, {"received": 1}), (6, {"received": 2})
    assert closed(*tally) == {0: {"received": 1}, 3: {"sent": 1}, 6: {"received": 2}}


def test_one_counter_does_not_give_back_for_another() -> None:
    assert closed((0, {"received": -1, "sent": 3}), (1, {"received": 1})) == {0: {"sent": 3}}


def test_what_is_owed_is_part_of_the_checkpoint() -> None:
    ledger = Ledger()
    ledger.add([(NOON, {"received": -2})], FAR)
    ledger.close(NOON + 120 + GRACE)
    restored = Ledger.restored(json.loads(json.dumps(ledger.state())))
    restored.add([(NOON + 300, {"received": 3})], FAR)
    restored.close(FAR)
    assert restored.closed[NOON + 300] == {"received": 1}


@pytest.mark.parametrize("last", [b"", b"2026-11-05T12:02:02Z mail cron[9]: message repeated 2 times: [ x]\n"])
def test_what_a_line_counts_behind_what_another_takes_back_stays_behind_it(last: bytes) -> None:
    """The second minute opens with a line that only takes back: the first one is open still."""
    lines = (
        b"2026-11-05T12:00:00Z mail postfix/smtpd[7]: 4F1: client=c.example[198.51.100.7]\n",
        b"2026-11-05T12:02:00Z mail postfix/smtpd[7]: disconnect from c.example[198.51.100.7] data=0/1 commands=0/1\n",
        b"2026-11-05T12:02:01Z mail postfix/smtp[8]: 4F2: to=<a@b.example>, relay=x[192.0.2.1]:25, status=sent (250 ok)\n",
    )
    tally = Scanner(Options(), Stamps()).scan(b"".join((*lines, last)), FAR)
    assert tally == [(NOON, {"received": 1}), (NOON, {"received": -1}), (NOON + 120, {"sent": 1})]
