"""What each line counts by default: every rule has a sample line, and beside it stand lines that only look alike."""

import re
from collections import Counter

import pytest

from mailgraph.logforms import Stamps
from mailgraph.rules import RULES, Rule
from mailgraph.scanner import Options, Scanner, pattern_source
from mailgraph.schema import COUNTERS
from tests.oracle.original import HERE as ORACLE
from tests.oracle.original import as_log_line

HERE = ORACLE.parent / "counting"
HITS = [line.split("\t") for line in (HERE / "hits.txt").read_text().splitlines()]
NEAR_MISSES = (HERE / "near-misses.txt").read_text().splitlines()
OPTION_SETS = (
    Options(),
    Options(ignore_localhost=True),
    Options(lmtp_is_smtp=True),
    Options(ignore_localhost=True, lmtp_is_smtp=True),
    Options(rbl_is_spam=True),
    Options(virbl_is_virus=True),
)


def counted(text: str, options: Options = Options()) -> dict[str, int]:  # noqa: B008
    """What a line counts that is alone in its log."""
    total: Counter[str] = Counter()
    for _, counts in Scanner(options, Stamps(2026)).scan(as_log_line(text.encode()), 0):
        total.update(counts)
    return dict(total)


@pytest.mark.parametrize(("counters", "text"), HITS)
def test_a_line_counts(counters: str, text: str) -> None:
    assert counted(text) == (dict.fromkeys(counters.split("+"), 1) if counters != "-" else {})


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_a_near_miss_counts_nothing(text: str) -> None:
    assert counted(text) == {}


@pytest.fixture(scope="module")
def rows_hit() -> set[str]:
    log = b"\n" + b"".join(as_log_line(text.encode()) for _, text in HITS)
    log += b"".join(as_log_line(line) for line in (ORACLE / "hits.txt").read_bytes().splitlines())
    patterns = [re.compile(pattern_source(tuple(filter(options.wants, RULES)), False)) for options in OPTION_SETS]
    return {hit.lastgroup for pattern in patterns for hit in pattern.finditer(log)}


@pytest.mark.parametrize("rule", [rule for rule in RULES if "-classic" in rule.needs], ids=lambda rule: rule.name)
def test_a_sample_line_hits_each_row(rule: Rule, rows_hit: set[str]) -> None:
    assert rule.name in rows_hit


def test_a_row_has_a_name_of_its_own_and_counts_what_is_stored() -> None:
    names = [rule.name for rule in RULES]
    assert len({*names, *COUNTERS}) == len(names) + len(COUNTERS)
    assert {counter for rule in RULES for counter in rule.counters} <= set(COUNTERS)


RBL = "postfix/smtpd: NOQUEUE: reject: RCPT from x[192.0.2.1]: {}; from=<> to=<a@b.example> proto=ESMTP helo=<x>"
BLOCKED = "{} 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using {}"


@pytest.mark.parametrize(
    ("options", "reply", "counter"),
    [
        (Options(rbl_is_spam=True), BLOCKED.format(554, "zen.example"), "spam"),
        (Options(rbl_is_spam=True), BLOCKED.format(550, "zen.example"), "spam"),
        (Options(rbl_is_spam=True), "550 5.1.1 <x blocked using y@z>: User unknown", "rejected"),
        (Options(rbl_is_spam=True), "450 4.7.1 Service unavailable; Client host blocked using zen.example", "rejected"),
        (Options(virbl_is_virus=True), BLOCKED.format(550, "virbl.dnsbl.bit.nl"), "virus"),
        (Options(virbl_is_virus=True), BLOCKED.format(550, "virblxdnsbl.bit.nl"), "rejected"),
        (Options(True, rbl_is_spam=True), BLOCKED.format(550, "zen.example"), "rejected"),
    ],
)
def test_blocklists_may_count_as_spam_or_virus(options: Options, reply: str, counter: str) -> None:
    assert counted(RBL.format(reply), options) == {counter: 1}


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.8", "::1"])
@pytest.mark.parametrize("behind", ["", ", sasl_method=PLAIN", ", orig_client=x[198.51.100.7]"])
def test_ignore_localhost_takes_no_mail_from_this_machine(address: str, behind: str) -> None:
    line = f"postfix/smtpd: 4F9D2: client=localhost[{address}]{behind}"
    assert counted(line) == {"received": 1}
    assert counted(line, Options(ignore_localhost=True)) == {}


def test_ignore_localhost_takes_mail_from_elsewhere() -> None:
    line = "postfix/smtpd: 4F9D2: client=x[198.51.100.7], orig_client=localhost[127.0.0.1]"
    assert counted(line, Options(ignore_localhost=True)) == {"received": 1}


@pytest.mark.parametrize("relay", ["127.0.0.2[127.0.0.2]:2525", "localhost[::1]:25"])
def test_ignore_localhost_takes_no_mail_to_this_machine(relay: str) -> None:
    line = f"postfix/smtp: 4F9D2: to=<a@b.example>, relay={relay}, dsn=2.0.0, status=sent (250 ok)"
    assert counted(line) == {"sent": 1}
    assert counted(line, Options(ignore_localhost=True)) == {}


@pytest.mark.parametrize("program", ["smtp", "lmtp"])
def test_ignore_localhost_takes_mail_to_other_machines(program: str) -> None:
    line = f"postfix/{program}: 4F9D2: to=<a@b.example>, relay=mx[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)"
    assert counted(line, Options(ignore_localhost=True, lmtp_is_smtp=True)) == {"sent": 1}


def test_ignore_host_works_in_both_directions() -> None:
    received = "postfix/smtpd: 4F9D2: client=filter.example[192.0.2.9], sasl_method=PLAIN"
    sent = "postfix/smtp: 4F9D2: to=<a@filter.example>, relay={}[192.0.2.1]:25, dsn=2.0.0, status=sent (250 filter)"
    options = Options(ignore_hosts=("FILTER", "other"))
    assert counted(received, options) == {}
    assert counted(sent.format("filter.example"), options) == {}
    assert counted(sent.format("mx.example"), options) == {"sent": 1}
