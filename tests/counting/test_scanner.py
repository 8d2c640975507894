"""What a scan says beside its rules: repeated messages, hosts, options, cuts, crafted lines."""

import re
import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mailgraph import UsageError
from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner, Tally
from tests.conftest import SetZone
from tests.oracle.original import log_lines

RECEIVED = b"Nov  5 06:07:08 host postfix/smtpd[1]: 4F9D2: client=mx.example.org[192.0.2.1]\n"
REJECTED = b"Nov  5 06:07:08 host postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 User unknown\n"


@pytest.fixture(autouse=True)
def utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def totals(*tallies: Tally) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for tally in tallies:
        for _, counts in tally:
            counted.update(counts)
    return dict(counted)


def counts(log: bytes, **options: object) -> dict[str, int]:
    return totals(Scanner(Options(**options), Stamps(2026)).scan(log, 0))  # type: ignore[arg-type]


def repeat(times: int, host: bytes = b"host", stamp: bytes = b"Nov  5 06:07:08") -> bytes:
    return b"%b %b last message repeated %d times\n" % (stamp, host, times)


def test_a_repeated_message_counts_as_often_as_it_says() -> None:
    assert counts(RECEIVED + repeat(4)) == {"received": 5}
    assert counts(RECEIVED + b"Nov  5 06:07:08 host above message repeats 4 times\n") == {"received": 5}
    assert counts(RECEIVED + b"Nov  5 06:07:08 host last message repeated 1 time\n") == {"received": 2}


def test_a_repeated_message_counts_in_the_minute_of_the_repeat_line() -> None:
    scanner = Scanner(Options(), Stamps(2026))
    log = RECEIVED + repeat(4, stamp=b"Nov  5 06:09:08")
    assert scanner.scan(log, 0) == [(1793858820, {"received": 1}), (1793858940, {"received": 4})]


def test_a_repeated_message_is_that_of_the_same_host() -> None:
    other = RECEIVED.replace(b" host ", b" other ")
    assert counts(REJECTED + other + repeat(3)) == {"rejected": 4, "received": 1}
    assert counts(RECEIVED + repeat(3, host=b"stranger")) == {"received": 1}


def test_a_repeated_message_may_be_one_that_counts_nothing() -> None:
    assert counts(RECEIVED + b"Nov  5 06:07:08 host kernel: hello\n" + repeat(3)) == {"received": 1}


def test_a_mark_is_no_message() -> None:
    assert counts(RECEIVED + b"Nov  5 06:07:08 host -- MARK --\n" + repeat(3)) == {"received": 4}


def test_a_message_repeated_twice_over_is_the_first_one() -> None:
    assert counts(RECEIVED + repeat(3) + repeat(2)) == {"received": 6}


def test_a_repeated_message_may_stand_in_the_block_before() -> None:
    scanner = Scanner(Options(), Stamps(2026))
    assert totals(scanner.scan(RECEIVED, 0), scanner.scan(repeat(3), 0)) == {"received": 4}


def test_a_scanner_goes_on_with_the_window_of_another() -> None:
    scanner = Scanner(Options(), Stamps(2026))
    scanner.scan(RECEIVED, 0)
    assert totals(Scanner(Options(), Stamps(2026), scanner.window).scan(repeat(3), 0)) == {"received": 3}


def test_a_repeated_message_may_be_of_a_program_that_the_scanner_has_not_seen() -> None:
    other = b"Nov  5 06:07:08 host dspam[1]: spam detected from x\n"
    for options in (Options(), Options(host="host")):
        scanner = Scanner(options, Stamps(2026), RECEIVED)
        assert totals(scanner.scan(repeat(3) + other + other, 0)) == {"received": 3, "spam": 2}


def test_a_program_may_come_up_at_any_time() -> None:
    scanner = Scanner(Options(), Stamps(2026))
    others = [
        b"Nov  5 06:07:08 host %b: %b\n" % line for line in ((b"dspam", b"spam detected from"), (b"hook", b"* Virus"))
    ]
    counted = [
        totals(scanner.scan(block, 0)) for block in (b"no log line\n", REJECTED, others[0], REJECTED + others[1])
    ]
    assert counted == [{}, {"rejected": 1}, {"spam": 1}, {"rejected": 1, "virus": 1}]


def test_a_repeat_line_without_a_message_counts_nothing() -> None:
    assert counts(repeat(3)) == {}


def test_a_client_without_a_queue_id_is_no_message_though_the_line_has_no_process_id() -> None:
    assert counts(b"Nov  5 06:07:08 host postfix/smtpd: 4F9: client=x[192.0.2.1]\n") == {"received": 1}
    for tag in (b"postfix/smtpd", b"postfix/submission/smtpd", b"postfix/postscreen"):
        assert counts(b"Nov  5 06:07:08 host %b: client=x[192.0.2.1]\n" % tag) == {}


INLINE = (
    b"Nov  5 06:07:08 host postfix/smtpd[1]: message repeated 4 times: [ NOQUEUE: reject: RCPT from x: 550 5.1.1 no]\n"
)


def test_rsyslogs_repeated_message_counts_as_often_as_it_says() -> None:
    assert counts(REJECTED + INLINE) == {"rejected": 5}


def test_the_original_does_not_know_rsyslogs_repeated_message() -> None:
    assert counts(REJECTED + INLINE, classic=True) == {"rejected": 1}


def test_rsyslogs_repeated_message_multiplies_a_number() -> None:
    line = b"Nov  5 06:07:08 host MailScanner[1]: message repeated 4 times: [ Spam Checks: Found 3 spam messages]\n"
    assert counts(line) == {"spam": 12}


@pytest.mark.parametrize(
    ("host", "expected"),
    [("host", 1), ("HOST", 1), ("h.*", 1), ("hos", 0), ("ost", 0), ("other|host", 1), ("localhost", 1)],
)
def test_the_option_host_takes_lines_of_hosts_that_match_as_a_whole(host: str, expected: int) -> None:
    metalog = b"Nov  5 06:07:08 [postfix/smtpd] 4F9: client=x[192.0.2.1]\n"
    line = metalog if host == "localhost" else RECEIVED
    assert counts(line, host=host).get("received", 0) == expected


LMTP = b"Nov  5 06:07:08 host postfix/lmtp[1]: 4F9: to=<a@b.example>, relay=%b, delay=0.1, dsn=2.0.0, status=%b (x)\n"


def test_lmtp_is_smtp() -> None:
    log = LMTP % (b"mx[192.0.2.1]:24", b"sent") + LMTP % (b"mx[192.0.2.1]:24", b"bounced")
    assert counts(log, classic=True) == {}
    assert counts(log, classic=True, lmtp_is_smtp=True) == {"sent": 1, "bounced": 1}


def test_lmtp_is_smtp_and_ignore_options() -> None:
    local, filtered = LMTP % (b"localhost[127.0.0.1]:24", b"sent"), LMTP % (b"filter[192.0.2.1]:24", b"sent")
    assert counts(local, classic=True, lmtp_is_smtp=True, ignore_localhost=True) == {}
    assert counts(filtered, classic=True, lmtp_is_smtp=True, ignore_localhost=True) == {"sent": 1}
    assert counts(filtered, classic=True, lmtp_is_smtp=True, ignore_hosts=("FILTER",)) == {}


@pytest.mark.parametrize("option", [{"host": "("}, {"ignore_hosts": ("[",)}])
def test_an_option_that_is_no_regular_expression_is_named(option: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"^--(host|ignore-host): '[\[(]' is no regular expression: "):
        Scanner(Options(**option), Stamps())  # type: ignore[arg-type]


LINES = (
    log_lines("hits.txt")
    + log_lines("near-misses.txt")
    + [
        INLINE,
        repeat(2),
        repeat(3, b"mail"),
        b"Nov  5 06:08:08 mail -- MARK --\n",
        b"\n",
        b"\r\n",
        b"\xff\0\n",
        b"Nov\n",
    ]
    + [line.replace(b"Nov  5 06:07:08", b"2026-11-05T06:08:08+00:00") for line in log_lines("hits.txt")]
)


@settings(max_examples=100, deadline=None)
@given(some.lists(some.sampled_from(LINES), max_size=40), some.booleans())
def test_a_block_counts_as_the_sum_of_its_lines(lines: list[bytes], classic: bool) -> None:
    together, alone = (Scanner(Options(classic=classic, rbl_is_spam=True), Stamps(2026)) for _ in range(2))
    block = together.scan(b"".join(lines), 0)
    by_line = [entry for line in lines for entry in alone.scan(line, 0)]
    assert by_minute(block) == by_minute(by_line)


@settings(max_examples=100, deadline=None)
@given(some.lists(some.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")), max_size=8), some.data())
def test_any_bytes_between_the_lines_change_nothing(noise: list[bytes], data: some.DataObject) -> None:
    lines = [RECEIVED, *(line + b"\n" for line in noise), REJECTED]
    assert counts(b"".join(data.draw(some.permutations(lines)))) == {"received": 1, "rejected": 1}


def by_minute(tally: Tally) -> Counter[tuple[int, str]]:
    counted: Counter[tuple[int, str]] = Counter()
    for minute, events in tally:
        for counter, times in events.items():
            counted[minute, counter] += times
    return counted


@pytest.fixture
def dead_mans_switch() -> Iterator[None]:
    """Ends a test that would run for hours, as one of the patterns would over a long line if it were quadratic."""

    def stop(*_: object) -> None:
        raise AssertionError("a pattern that is not linear in the length of a line")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 40)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def crafted_lines(length: int) -> Iterator[bytes]:
    """For each program, each sample text and each of its words over and over, behind a queue id too."""
    units = {(line.partition(b": ")[0], unit) for line in LINES for unit in _units(line)}
    for program, unit in sorted(units):
        endless = (unit * (length // len(unit) + 1))[:length]
        yield program + b": " + endless + b"\n"
        if b"postfix" in program:
            yield program + b": 4F9D2: " + endless + b"\n"
            yield program + b": 4F9D2: to=<a@b.example>, status=sent relay=" + endless + b"\n"


def _units(line: bytes) -> list[bytes]:
    text = line.partition(b": ")[2].rstrip()
    return [unit for unit in (text, text + b" ", b"relay=", *text.split(), *re.split(rb"[\[= ]", text)) if unit]


@pytest.mark.parametrize("options", [Options(True, True, ("filter",), True, True, True), Options(ignore_hosts=("x",))])
@pytest.mark.usefixtures("dead_mans_switch")
def test_a_crafted_line_costs_no_more_than_its_length(options: Options) -> None:
    scanner = Scanner(options, Stamps(2026))
    scanned = sum(1 for line in crafted_lines(100_000) if scanner.scan(line, 0) is not None)
    assert scanned > 1000


def test_a_repeat_that_names_no_host_repeats_nothing() -> None:
    metalog = b"Nov  5 06:07:08 [postfix/smtpd] 4F9D2: client=x[192.0.2.1]\n"
    assert totals(
        Scanner(Options(), Stamps(2026)).scan(metalog + b"Nov  5 06:07:08 [last message repeated 3 times\n", 0)
    ) == {"received": 1}
