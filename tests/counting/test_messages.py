"""What is remembered of mail under way: each situation as the lines that tell it."""

import json
from collections import Counter

import pytest

from mailgraph import messages
from mailgraph.checkpoint import as_json
from mailgraph.logforms import Stamps
from mailgraph.messages import Messages
from mailgraph.scanner import Options, Scanner
from tests.conftest import SetZone

NOON = 1_793_880_000
"""2026-11-05 12:00:00 UTC."""


@pytest.fixture(autouse=True)
def utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def line(text: str, minute: int = 0, host: str = "mail") -> bytes:
    program, _, rest = text.partition(": ")
    program = program if "[" in program else f"{program}[4711]"
    return f"Nov  5 {12 + minute // 60:02}:{minute % 60:02}:00 {host} {program}: {rest}\n".encode()


def by_minute(*lines: bytes, options: Options = Options()) -> dict[int, dict[str, int]]:  # noqa: B008
    """Counts by minutes after noon."""
    counted: dict[int, Counter[str]] = {}
    for minute, counts in Scanner(options, Stamps(2026)).scan(b"".join(lines), 0):
        counted.setdefault((minute - NOON) // 60, Counter()).update(counts)
    return {
        minute: {c: n for c, n in counts.items() if n} for minute, counts in counted.items() if any(counts.values())
    }


def counts(*lines: bytes) -> dict[str, int]:
    return counts_under(Options(), *lines)


def counts_under(options: Options, *lines: bytes) -> dict[str, int]:
    total: Counter[str] = Counter()
    for counted in by_minute(*lines, options=options).values():
        total.update(counted)
    return {counter: times for counter, times in total.items() if times}


CLIENT = "postfix/smtpd: {}: client={}"
SENT = "postfix/smtp: {}: to=<a@b.example>, relay={}, delay=1, dsn=2.0.0, status=sent ({})"
FILTER = "127.0.0.1[127.0.0.1]:10024"
FROM_FILTER = "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as {}"
MX = "mx.b.example[192.0.2.1]:25"

ARRIVED = line(CLIENT.format("AAA1", "c.example[198.51.100.7]"))
CAME_BACK = line(CLIENT.format("BBB2", "localhost[127.0.0.1]"))
TO_FILTER = line(SENT.format("AAA1", FILTER, FROM_FILTER.format("BBB2")))
DELIVERED = line(SENT.format("BBB2", MX, "250 2.0.0 Ok: queued as CCC3"))


def test_a_message_through_a_filter_is_received_once_and_sent_once() -> None:
    assert counts(ARRIVED, CAME_BACK, TO_FILTER, DELIVERED) == {"received": 1, "sent": 1}


def test_a_message_through_a_filter_counts_in_the_minute_of_its_arrival() -> None:
    slow = line(SENT.format("AAA1", FILTER, FROM_FILTER.format("BBB2")), 2)
    assert by_minute(ARRIVED, line(CLIENT.format("BBB2", "localhost[127.0.0.1]"), 1), slow) == {0: {"received": 1}}


def test_each_recipient_of_a_message_in_the_filter_is_a_hop() -> None:
    assert counts(ARRIVED, CAME_BACK, TO_FILTER, TO_FILTER, DELIVERED) == {"received": 1, "sent": 1}


def test_a_filter_is_one_for_the_next_message_too() -> None:
    next_one = line(SENT.format("DDD4", FILTER, "250 2.0.0 Ok, eaten"))
    assert counts(ARRIVED, CAME_BACK, TO_FILTER, next_one) == {"received": 1}


def test_a_server_behind_loopback_is_no_filter_by_its_address_alone() -> None:
    assert counts(line(SENT.format("AAA1", "127.0.0.2[127.0.0.2]:2525", "250 Ok: queued as XYZ"))) == {"sent": 1}


def test_a_filter_on_another_machine_is_known_by_the_message_that_comes_back() -> None:
    back = line(CLIENT.format("BBB2", "filter.example[192.0.2.9]"))
    to_filter = line(SENT.format("AAA1", "filter.example[192.0.2.9]:10024", "250 2.0.0 Ok: queued as BBB2"))
    assert counts(ARRIVED, back, to_filter, DELIVERED) == {"received": 1, "sent": 1}


def test_an_answer_that_names_a_queue_id_of_ours_makes_no_filter_of_a_stranger() -> None:
    lie = line(SENT.format("BBB2", MX, "250 2.0.0 Ok: queued as AAA1"))
    assert counts(ARRIVED, CAME_BACK, lie, DELIVERED) == {"received": 2, "sent": 2}


def test_an_answer_that_names_the_message_itself_is_no_hop() -> None:
    assert counts(CAME_BACK, line(SENT.format("BBB2", FILTER, "250 Ok: queued as BBB2"))) == {"received": 1, "sent": 1}


def test_two_servers_in_one_log_do_not_take_each_others_queue_ids() -> None:
    mailstore = line(CLIENT.format("BBB2", "localhost[127.0.0.1]"), host="mailstore")
    assert counts(ARRIVED, mailstore, TO_FILTER) == {"received": 2, "sent": 1}


def test_a_message_that_the_filter_names_as_blocked_is_not_sent() -> None:
    blocked = line("amavis: (00713-03) Blocked BANNED (.exe) {DiscardedInbound}, <s> -> <a>, Queue-ID: AAA1, Hits: -")
    assert counts(ARRIVED, blocked, line(SENT.format("AAA1", FILTER, "250 2.7.0 Ok"))) == {"received": 1}


def test_local_mail_counts_as_received() -> None:
    fetched = line(CLIENT.format("AAA1", "localhost[127.0.0.1]"))
    assert counts(fetched, line(SENT.format("AAA1", MX, "250 Ok: queued as XYZ"))) == {"received": 1, "sent": 1}


@pytest.mark.parametrize(
    "refusal",
    [
        "postfix/cleanup: AAA1: reject: header Subject: x from c.example[198.51.100.7]; from=<>: 5.7.1 no",
        "postfix/cleanup: AAA1: discard: header Subject: x from c.example[198.51.100.7]; from=<>: quiet",
        "postfix/cleanup: AAA1: milter-reject: END-OF-MESSAGE from c.example[198.51.100.7]: 5.7.1 no; from=<>",
        "postfix/cleanup: AAA1: milter-discard: END-OF-MESSAGE from c.example[198.51.100.7]: triggers DISCARD action;",
        "postfix/smtpd: AAA1: milter-reject: DATA from c.example[198.51.100.7]: 550 5.7.1 no; from=<>",
        "postfix/smtpd: AAA1: reject: DATA from c.example[198.51.100.7]: 554 5.7.1 no; from=<>",
        "postfix/smtpd: AAA1: reject: END-OF-MESSAGE from c.example[198.51.100.7]: 554 5.7.1 no; from=<>",
        "postfix/smtpd: warning: AAA1: queue file size limit exceeded",
    ],
)
def test_a_message_that_is_refused_is_not_received(refusal: str) -> None:
    assert counts(ARRIVED, line(refusal, 1)) == {"rejected": 1}
    assert by_minute(ARRIVED, line(refusal, 1)) == {1: {"rejected": 1}}


def test_a_message_of_which_a_recipient_is_refused_is_received() -> None:
    refusal = "postfix/smtpd: AAA1: reject: RCPT from c.example[198.51.100.7]: 550 5.1.1 no; from=<> to=<a@b.example>"
    assert counts(ARRIVED, line(refusal)) == {"received": 1, "rejected": 1}


def test_greylisting_after_data_is_no_receipt() -> None:
    refusal = "postfix/smtpd: AAA1: reject: DATA from c.example[198.51.100.7]: 450 4.2.0 Greylisted; from=<>"
    assert counts(ARRIVED, line(refusal)) == {"greylisted": 1}


END = "postfix/smtpd: disconnect from c.example[198.51.100.7] ehlo=1 {} quit=1 commands=5"


@pytest.mark.parametrize(
    ("statistics", "received"),
    [
        ("mail=2 rcpt=2 data=2", 2),
        ("mail=2 rcpt=2 data=1", 1),
        ("mail=2 rcpt=2 data=1/2", 1),
        ("mail=2 rcpt=2 rset=2", 0),
        ("mail=2 rcpt=2 bdat=2", 2),
        ("mail=2 rcpt=2 bdat=5", 2),
        ("mail=2 rcpt=2 bdat=1/2", 1),
    ],
)
def test_of_a_session_those_messages_are_received_that_its_statistics_say(statistics: str, received: int) -> None:
    session = (ARRIVED, line(CLIENT.format("BBB2", "c.example[198.51.100.7]")), line(END.format(statistics)))
    assert counts(*session).get("received", 0) == received


def test_a_refused_message_is_taken_back_once() -> None:
    refusal = line("postfix/cleanup: AAA1: reject: header Subject: x from c.example[198.51.100.7]; from=<>: 5.7.1 no")
    second = line(CLIENT.format("BBB2", "c.example[198.51.100.7]"))
    assert counts(ARRIVED, refusal, second, line(END.format("mail=2 rcpt=2 data=1/2"))) == {
        "rejected": 1,
        "received": 1,
    }


def test_a_discarded_message_was_accepted_by_the_statistics() -> None:
    discard = line("postfix/cleanup: AAA1: discard: header Subject: x from c.example[198.51.100.7]; from=<>: quiet")
    second = line(CLIENT.format("BBB2", "c.example[198.51.100.7]"))
    assert counts(ARRIVED, discard, second, line(END.format("mail=2 rcpt=2 data=2"))) == {"rejected": 1, "received": 1}


def test_a_message_that_came_back_from_a_filter_was_accepted_by_the_statistics() -> None:
    own_bounce = line(CLIENT.format("DDD4", "localhost[127.0.0.1]"))
    end = line(END.format("mail=2 rcpt=2 data=2").replace("smtpd", "smtpd[99]"))
    inner = [entry.replace(b"smtpd[4711]", b"smtpd[99]") for entry in (CAME_BACK, own_bounce)]
    assert counts(ARRIVED, inner[0], TO_FILTER, inner[1], end) == {"received": 2}


def test_a_client_that_hangs_up_in_the_middle_of_a_message_sent_none() -> None:
    hung_up = line("postfix/smtpd: lost connection after DATA (14 bytes) from c.example[198.51.100.7]")
    old_end = line("postfix/smtpd: disconnect from c.example[198.51.100.7]")  # before Postfix 3.0
    assert counts(ARRIVED, hung_up, old_end) == {}
    with_id = line("postfix/smtpd: AAA1: lost connection after DATA (14 bytes) from c.example[198.51.100.7]")  # 3.10
    assert counts(ARRIVED, with_id, old_end) == {}


def test_a_session_ends_with_its_disconnect_line() -> None:
    old_end = line("postfix/smtpd: disconnect from c.example[198.51.100.7]")
    hung_up = line("postfix/smtpd: lost connection after DATA (0 bytes) from x[192.0.2.1]")
    assert counts(ARRIVED, old_end, hung_up) == {"received": 1}


def test_a_session_is_that_of_its_process() -> None:
    other = line(END.format("mail=1 rcpt=1 rset=1").replace("smtpd", "smtpd[99]"))
    assert counts(ARRIVED, other) == {"received": 1}


def test_lines_without_process_id_make_no_session() -> None:
    form = b"Nov  5 12:00:00 [postfix/smtpd] %b\n"
    texts = (b"AAA1: client=x[192.0.2.1]", b"disconnect from y[192.0.2.2] ehlo=1 mail=1 rcpt=0/1 commands=2/3")
    assert counts(*(form % text for text in texts)) == {"received": 1}


MILTER = (
    "postfix/smtpd: NOQUEUE: milter-reject: {} from c.example[198.51.100.7]: 451 4.7.1 Service unavailable; proto=SMTP"
)


def test_a_client_that_a_milter_refuses_is_refused_once_a_session() -> None:
    session = [line(MILTER.format(stage)) for stage in ("CONNECT", "EHLO", "MAIL", "RCPT")]
    end = line(END.format("mail=0/1 rcpt=0/1"))
    assert counts(*session, end, *session) == {"rejected": 2}


def test_each_sender_that_a_milter_refuses_counts() -> None:
    assert counts(line(MILTER.format("MAIL")), line(MILTER.format("MAIL"))) == {"rejected": 2}


def test_a_message_that_a_milter_discards_before_its_data_is_not_received() -> None:
    discard = line("postfix/smtpd: NOQUEUE: milter-discard: RCPT from c.example[198.51.100.7]: DISCARD action; from=<>")
    second = line(CLIENT.format("BBB2", "c.example[198.51.100.7]"))
    end = line(END.format("mail=2 rcpt=2 data=2"))
    assert counts(discard, ARRIVED, second, end) == {"rejected": 1, "received": 1}


SPAMD = line("spamd: spamd: identified spam (1004.0/5.0) for root:65534 in 0.1 seconds, 511 bytes.")
BY_MILTER = line(
    "postfix/cleanup: AAA1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 Blocked by SpamAssassin;"
)


@pytest.mark.parametrize("lines", [(SPAMD, BY_MILTER), (BY_MILTER, SPAMD)], ids=("filter first", "Postfix first"))
def test_a_verdict_that_filter_and_postfix_tell_is_one(lines: tuple[bytes, ...]) -> None:
    assert counts(*lines) == {"spam": 1, "rejected": 1}


def test_a_verdict_that_postfix_alone_tells_counts() -> None:
    assert counts(BY_MILTER) == {"spam": 1, "rejected": 1}


def test_verdicts_of_two_messages_are_two() -> None:
    other = BY_MILTER.replace(b"AAA1", b"BBB2")
    assert counts(SPAMD, SPAMD, SPAMD, BY_MILTER, other) == {"spam": 3, "rejected": 2}


def test_a_filters_verdict_is_not_that_of_a_message_minutes_later() -> None:
    later = BY_MILTER.replace(b"12:00:00", b"12:05:00")
    assert counts(SPAMD, later) == {"spam": 2, "rejected": 1}


def test_each_of_many_verdicts_is_waited_for_two_minutes() -> None:
    spamd = [SPAMD.replace(b"12:00:00", b"12:%02d:00" % minute) for minute in range(10)]
    refusals = [
        BY_MILTER.replace(
            b"12:00:00 mail postfix/cleanup[4711]: AAA1", b"12:09:30 mail postfix/cleanup[4711]: AAA%d" % n
        )
        for n in range(5)
    ]
    assert counts(*spamd, *refusals) == {"spam": 12, "rejected": 5}


@pytest.mark.parametrize(
    "by_id",
    [
        "rspamd: <a>; proxy; rspamd_task_write_log: id: <x@y>, qid: <AAA1>, ip: 192.0.2.1,"
        " (default: S (reject): [15.00/15.00] [GTUBE(0.00){}]), len: 215",
        "clamav-milter: Message AAA1 from <s@r.example> to <a@b.example> infected by Eicar",
    ],
)
def test_a_filter_that_names_the_message_leaves_the_next_verdict_to_another_one(by_id: str) -> None:
    words, counter = ("Spam", "spam") if "rspamd" in by_id else ("Virus found", "virus")
    refusal = line(f"postfix/cleanup: AAA1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 5.7.1 {words}; from=<>")
    other = SPAMD if counter == "spam" else line("clamav-milter: x Intercepted virus")
    assert counts(refusal, line(by_id), other) == {"rejected": 1, counter: 2}
    assert counts(line(by_id), refusal, other) == {"rejected": 1, counter: 2}
    assert counts(refusal, line(by_id), line(by_id), other, other) == {"rejected": 1, counter: 3}


def test_a_message_with_two_signatures_has_one_verdict() -> None:
    good, bad = "opendkim: AAA1: DKIM verification successful", "opendkim: AAA1: bad signature data"
    assert counts(line(good), line(bad)) == {"dkim_pass": 1}
    assert counts(line(good), line(bad.replace("AAA1", "BBB2"))) == {"dkim_pass": 1, "dkim_fail": 1}


RSPAMD = (
    "rspamd: <a>; proxy; rspamd_task_write_log: id: <x@y>, qid: <AAA1>, ip: 192.0.2.1,"
    " (default: F (soft reject): [5.00/15.00] [{}]), len: 215"
)
TRY_AGAIN = line(
    "postfix/cleanup: AAA1: milter-reject: END-OF-MESSAGE from x[192.0.2.1]: 4.7.1 Try again later; from=<>"
)


def test_rspamds_try_again_is_greylisting_where_rspamd_says_so() -> None:
    assert counts(ARRIVED, line(RSPAMD.format("GREYLIST(0.00){greylisted;}")), TRY_AGAIN) == {"greylisted": 1}


def test_rspamds_try_again_is_a_refusal_where_another_module_says_it() -> None:
    assert counts(ARRIVED, line(RSPAMD.format("RATELIMITED(0.00){x;}")), TRY_AGAIN) == {"rejected": 1}


EXIM = "exim: 2026-11-05 12:00:00 H=(x) [192.0.2.1] F=<s@r.example> rejected RCPT <a@b.example>: Unrouteable address"


def test_exims_line_in_two_logs_is_one_refusal() -> None:
    assert counts(line(EXIM), line(EXIM)) == {"rejected": 1}
    assert counts(*[line(EXIM)] * 4) == {"rejected": 2}
    assert counts(line(EXIM), line(EXIM.replace("exim", "exim[99]"))) == {"rejected": 2}


def test_a_queue_id_that_is_used_again_is_another_message() -> None:
    again = line(CLIENT.format("AAA1", "c.example[198.51.100.7]"), 2)
    sent = line(SENT.format("AAA1", MX, "250 Ok: queued as XYZ"), 2)
    assert counts(ARRIVED, CAME_BACK, TO_FILTER, DELIVERED, again, sent) == {"received": 2, "sent": 2}


def test_a_message_is_forgotten_after_a_quarter_of_an_hour() -> None:
    late = "postfix/cleanup: AAA1: reject: header Subject: x from c.example[198.51.100.7]; from=<>: 5.7.1 no"
    tick = line("postfix/smtpd: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no; from=<>", 16)
    assert counts(ARRIVED, tick, line(late, 16)) == {"received": 1, "rejected": 2}


def test_a_line_of_the_future_makes_nothing_forgotten() -> None:
    future = line("postfix/smtpd: NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 no; from=<>", 300)
    refused = line(
        "postfix/cleanup: AAA1: reject: header Subject: x from c.example[198.51.100.7]; from=<>: 5.7.1 no", 1
    )
    total: Counter[str] = Counter()
    for _, counted in Scanner(Options(), Stamps(2026)).scan(ARRIVED + future + refused, 0, now=NOON + 60):
        total.update(counted)
    assert total == {"received": 0, "rejected": 2}


def test_a_session_of_many_messages_remembers_the_last_ones() -> None:
    scanner = Scanner(Options(), Stamps(2026))
    many = b"".join(line(CLIENT.format(f"AB{number}", "c.example[198.51.100.7]")) for number in range(1000))
    end = line(
        "postfix/smtpd: disconnect from c.example[198.51.100.7] ehlo=1 mail=1000 rcpt=1000 data=999/1000 commands=1"
    )
    total: Counter[str] = Counter()
    for _, counted in scanner.scan(many, 0):
        total.update(counted)
    ((_, session),) = scanner.messages.state()["sessions"]
    assert (total["received"], len(session[1])) == (1000, messages.SESSION_LIMIT)
    for _, counted in scanner.scan(end, 0):
        total.update(counted)
    assert total["received"] == 999


def test_no_more_is_remembered_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "LIMIT", 10)
    scanner = Scanner(Options(), Stamps(2026))
    for number in range(100):
        scanner.scan(line(f"postfix/smtpd[{number}]: AAA{number}: client=c.example[198.51.100.7]"), 0)
    assert kept(scanner) == {"arrivals": 20, "sessions": 20}
    scanner.scan(
        line("postfix/smtpd[1]: NOQUEUE: milter-discard: RCPT from x[192.0.2.1]: DISCARD action;", minute=1), 0
    )
    assert kept(scanner) == {"arrivals": 10, "sessions": 11}


def test_the_limit_leaves_messages_of_many_hosts_their_quarter_of_an_hour() -> None:
    """158 a second; each host's first message is refused in the end."""
    hosts = [f"m{number:03}" for number in range(500)]
    scanner = Scanner(Options(hosts_limit=500), Stamps(2026))
    total: Counter[str] = Counter()
    for minute in range(15):
        many = (
            line(f"postfix/smtpd[7]: A{minute}B{n}: client=c[192.0.2.7]", minute, hosts[n % 500]) for n in range(9500)
        )
        for _, counted in scanner.scan(b"".join(many), 0):
            total.update(counted)
    refused = "postfix/cleanup: A0B{}: milter-reject: END-OF-MESSAGE from c[192.0.2.7]: 5.7.1 no; from=<a> to=<b>"
    late = b"".join(line(refused.format(number), 15, host) for number, host in enumerate(hosts))
    for _, counted in scanner.scan(late, 0):
        total.update(counted)
    assert (total["received"], total["rejected"]) == (15 * 9500 - 500, 500)
    assert {total[f"{host}/received"] for host in hosts} == {15 * 9500 // 500 - 1}


def kept(scanner: Scanner) -> dict[str, int]:
    """How many entries of a kind are remembered."""
    return {name: len(entries) for name, entries in scanner.messages.state().items() if name != "newest"}


def test_what_is_remembered_does_not_depend_on_when_counting_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "LIMIT", 40)
    lines = [line(CLIENT.format(f"AAA{number}", "c.example[198.51.100.7]"), number // 7) for number in range(200)]
    long, short = Scanner(Options(), Stamps(2026)), Scanner(Options(), Stamps(2026))
    long.scan(b"".join(lines), 0)
    short.scan(b"".join(lines[99:]), 0)
    assert long.messages.state()["arrivals"] == short.messages.state()["arrivals"]


def test_a_state_is_json_of_any_bytes() -> None:
    scanner = Scanner(Options(), Stamps(2026))
    raw = b"Nov  5 12:00:00 mail postfix/smtp[1]: AAA1: to=<a>, relay=\xff\xfe[127.0.0.1]:1, status=sent (250 2.7.0 Ok, id=0)\n"
    scanner.scan(ARRIVED + raw, 0)
    state = scanner.messages.state()
    saved = json.loads(as_json(state))
    assert Messages.restored(saved).state() == state
    assert saved["filters"] == [[["mail", "\xff\xfe[127.0.0.1]:1"], [NOON]]]


@pytest.mark.parametrize(
    "damaged",
    [
        {},
        {"newest": "x"},
        {"newest": 1, "arrivals": [1]},
        {"newest": 1, "sessions": {"a": 1}},
        {"newest": 1, "hops": [[["mail", "AAA1"], [1]]]},  # as it was once
        {"newest": 1, "filters": [[["mail", "AAA1"], ["1"]]]},
        {"newest": 1, "arrivals": [[["mail", "AAA1"], [1, "2", "c[192.0.2.1]"]]]},
    ],
)
def test_a_damaged_state_is_an_error(damaged: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Messages.restored(damaged)


def test_a_session_whose_statistics_are_absurd_ends_nothing() -> None:
    absurd = line(f"postfix/smtpd: disconnect from c.example[198.51.100.7] ehlo=1 mail=1 data={'9' * 5000} commands=3")
    assert counts(ARRIVED, absurd) == {}
    assert counts(absurd) == {}


def end(statistics: str) -> bytes:
    return line(f"postfix/smtpd: disconnect from c.example[198.51.100.7] ehlo=1 {statistics} quit=1 commands=9")


def arrived(*queue_ids: str) -> bytes:
    return b"".join(line(CLIENT.format(queue_id, "c.example[198.51.100.7]")) for queue_id in queue_ids)


MANY = [f"4A{number:02}" for number in range(60)]


@pytest.mark.parametrize(
    ("refused", "statistics", "received"),
    [
        ([], "bdat=60", 60),
        ([], "bdat=200", 60),
        ([], "data=60", 60),
        (MANY[:1], "data=59/60", 59),
        (MANY[:1], "bdat=59/60", 59),
        (MANY[:59], "data=1/60", 1),
        ([], "bdat=59 rset=1", 59),
    ],
)
def test_of_a_long_session_what_was_accepted_is_received(refused: list[str], statistics: str, received: int) -> None:
    refusals = {
        queue_id: line(
            f"postfix/cleanup: {queue_id}: milter-reject: END-OF-MESSAGE from c[198.51.100.7]: 5.7.1 no; from=<>"
        )
        for queue_id in refused
    }
    session = b"".join(arrived(queue_id) + refusals.get(queue_id, b"") for queue_id in MANY)
    assert counts(session, end(statistics)).get("received", 0) == received


def test_a_discarded_message_before_another_one_by_chunks() -> None:
    discarded = line("postfix/cleanup: AAA1: discard: header Subject: x from c.example[198.51.100.7]; from=<>: x")
    assert counts(arrived("AAA1"), discarded, arrived("BBB2"), end("bdat=2")) == {"received": 1, "rejected": 1}


@pytest.mark.parametrize(
    ("verdict", "counter"),
    [
        (
            'Blocked SPAM {D}, [1.2.3.4]:5 [1.2.3.4] <", tag2="@b.example> -> <u@e.example>, Queue-ID: 4AB1, Hits: 9',
            "spam",
        ),
        (
            "Blocked INFECTED (Eicar) {D}, <> -> <u@e.example>, Message-ID: <m, tag2=@x>, Queue-ID: 4AB1, Hits: -",
            "virus",
        ),
    ],
)
def test_a_sender_cannot_hide_a_verdict_by_a_fields_name_in_an_address(verdict: str, counter: str) -> None:
    assert counts(line(f"amavis: (1-01) {verdict}")) == {counter: 1}


def test_a_sender_cannot_give_a_message_another_ones_queue_id() -> None:
    lines = [
        line(
            f"amavis: (1-0{n}) Blocked SPAM {{D}}, <> -> <u@e.example>, Queue-ID: 4AB{n}, Message-ID: <m, Queue-ID: 7, @x>"
        )
        for n in (1, 2)
    ]
    assert counts(*lines) == {"spam": 2}


def test_what_goes_through_a_gateway_that_filters_too_is_sent() -> None:
    gateway = "gw.example[10.0.0.5]:25"
    inbound = [
        arrived("4AB1"),
        line(CLIENT.format("4AB2", "gw.example[10.0.0.5]")),
        line(SENT.format("4AB1", gateway, "250 2.0.0 Ok: queued as 4AB2")),
    ]
    assert counts(*inbound, line(SENT.format("4AB3", gateway, "250 2.0.0 Ok: queued as 99AA"))) == {
        "received": 1,
        "sent": 1,
    }


WITH_XFORWARD = line(
    "postfix/smtpd: BBB2: client=localhost[127.0.0.1], orig_queue_id=AAA1, orig_client=c[198.51.100.7]"
)
TO_MX = line(SENT.format("AAA1", MX, "250 2.0.0 Ok: queued as XYZ"))
SAVED = "250 2.0.0 <b@b.example> 4Z+OAg Saved"
TO_STORE = line(SENT.format("AAA1", "mx[private/dovecot-lmtp]", SAVED).replace("postfix/smtp", "postfix/lmtp"))
BLOCKED = line("amavis: (00713-03) Blocked SPAM {DiscardedInbound}, <s> -> <a>, Queue-ID: AAA1, Hits: 9")
DROPPED = line(SENT.format("AAA1", FILTER, "250 2.7.0 Ok, discarded, id=00713-03 - spam"))
THROUGH_FILTER = [(CAME_BACK, TO_FILTER), (WITH_XFORWARD, TO_FILTER), (BLOCKED, DROPPED)]
WAYS_OF_FILTER = ("by its answer", "by XFORWARD", "blocked")


@pytest.mark.parametrize("answer", ["250 ok", "250 2.0.0 Ok: queued as XYZ"])
@pytest.mark.parametrize(("came_back", "to_filter"), THROUGH_FILTER, ids=WAYS_OF_FILTER)
def test_a_recipient_beside_those_that_go_through_a_filter_is_sent(
    came_back: bytes, to_filter: bytes, answer: str
) -> None:
    to_mx = line(SENT.format("AAA1", MX, answer))
    next_one = line(SENT.format("DDD4", MX, answer))
    for lines in ((came_back, to_filter, to_mx), (came_back, to_mx, to_filter), (to_mx, came_back, to_filter)):
        assert counts(ARRIVED, *lines, next_one)["sent"] == 2


@pytest.mark.parametrize(("came_back", "to_filter"), THROUGH_FILTER, ids=WAYS_OF_FILTER)
def test_a_recipient_beside_those_that_go_through_a_filter_is_delivered(came_back: bytes, to_filter: bytes) -> None:
    assert counts(ARRIVED, came_back, to_filter, TO_STORE)["delivered"] == 1


def test_a_filter_whose_answers_say_nothing_is_known_by_xforward() -> None:
    silent = line(SENT.format("AAA1", FILTER, "250 ok"))
    assert counts(ARRIVED, WITH_XFORWARD, silent, silent, DELIVERED) == {"received": 1, "sent": 1}
    far = [entry.replace(b"localhost[127.0.0.1]", b"f[192.0.2.9]") for entry in (WITH_XFORWARD, silent)]
    far[1] = far[1].replace(FILTER.encode(), b"f.example[192.0.2.9]:10024")
    assert counts(ARRIVED, *far, TO_MX, DELIVERED) == {"received": 1, "sent": 2}


def test_a_filter_of_many_machines_is_known_by_xforward() -> None:
    back = WITH_XFORWARD.replace(b"localhost[127.0.0.1]", b"f1.example[192.0.2.9]")
    to_filters = TO_FILTER.replace(FILTER.encode(), b"f.example[192.0.2.8]:10024")
    assert counts(ARRIVED, back, to_filters, to_filters, DELIVERED) == {"received": 1, "sent": 1}


def test_what_goes_on_beside_a_filter_makes_no_filter_of_a_store() -> None:
    next_one = line(SENT.format("DDD4", "mx[private/dovecot-lmtp]", SAVED).replace("postfix/smtp", "postfix/lmtp"))
    assert counts(ARRIVED, WITH_XFORWARD, TO_STORE, TO_FILTER, next_one)["delivered"] == 1


def test_another_machine_cannot_take_a_local_message_for_the_one_it_got() -> None:
    local = [line(CLIENT.format(queue_id, "localhost[127.0.0.1]")) for queue_id in ("4AB1", "4AB2")]
    sent = [
        line(SENT.format("4AB1", "mx.evil.example[203.0.113.6]:25", "250 ok")),
        line(SENT.format("4AB2", "mx.evil.example[203.0.113.6]:25", "250 2.0.0 Ok: queued as 4AB1")),
    ]
    assert counts(*local, *sent) == {"received": 2, "sent": 2}


@pytest.mark.parametrize(
    "said",
    [
        "450 4.1.1 <u@r.example>: Recipient address rejected: unverified address: host mx.r[192.0.2.9] said: 450 4.2.0"
        " <u@r.example>: Recipient address rejected: Greylisted, see x (in reply to RCPT TO command); from=<>",
        "550 5.1.1 <u@r.example>: Recipient address rejected: undeliverable address: host mx.r[192.0.2.9] said: 554 5.7.1"
        " blocked using zen.example (in reply to RCPT TO command); from=<>",
    ],
)
def test_what_another_server_said_of_an_address_is_a_refusal_and_no_more(said: str) -> None:
    assert counts(line(f"postfix/smtpd: NOQUEUE: reject: RCPT from c.example[198.51.100.7]: {said}")) == {"rejected": 1}


def test_sessions_without_process_ids_are_not_one() -> None:
    form = "<22>1 2026-11-05T12:00:00Z mail postfix/smtpd - - - {}\n"
    texts = (
        "4AB1: client=a.example[198.51.100.7]",
        "4AB2: client=b.example[198.51.100.8]",
        "disconnect from a.example[198.51.100.7] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
        "disconnect from b.example[198.51.100.8] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5",
    )
    assert counts(*[form.format(text).encode() for text in texts]) == {"received": 2}


EXIM_TAKEN = "exim: {} <= s@r.example H={} P=esmtp S=372 id=x@r.example"
EXIM_SENT = 'exim: {} => a@b.example R=dnslookup T={} H={} C="{}"'
EXIM_FILTER = "127.0.0.1 [127.0.0.1]"
EXIM_OUT = ("remote_smtp", "mx.b.example [192.0.2.1]", "250 OK id=1aZZZZ-000001-02")
EXIM_IDS = ("1xW2Fj-00002j-33", "1xW2Fj-00002k-0a"), ("1xW2Gj-00000000056-3kVo", "1xW2Gj-00000000057-0aZz")


def exim_taken(queue_id: str, client: str = "(c.example) [198.51.100.7]") -> bytes:
    return line(EXIM_TAKEN.format(queue_id, client))


def exim_sent(queue_id: str, transport: str, relay: str, answer: str) -> bytes:
    return line(EXIM_SENT.format(queue_id, transport, relay, answer))


def from_exims_filter(next_id: str) -> str:
    return f"250 2.6.0 from MTA(smtp:[127.0.0.1]:10025): 250 OK id={next_id}"


FIRST, SECOND = EXIM_IDS[0]
EXIM_ARRIVED = exim_taken(FIRST)
EXIM_CAME_BACK = exim_taken(SECOND, "localhost (filter) [127.0.0.1]")
EXIM_TO_FILTER = exim_sent(FIRST, "amavis", EXIM_FILTER, from_exims_filter(SECOND))


@pytest.mark.parametrize(("first", "second"), EXIM_IDS)
@pytest.mark.parametrize("port", ["", ":10024", ":10024*"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_exims_message_through_a_filter_is_one(first: str, second: str, port: str, address: str) -> None:
    lines = (
        exim_taken(first),
        exim_taken(second, f"(localhost) [{address}]{port.rstrip('*')}"),
        exim_sent(first, "amavis", f"localhost [{address}]{port}", from_exims_filter(second)),
        exim_sent(second, *EXIM_OUT),
    )
    assert counts(*lines) == {"received": 1, "sent": 1}


def test_exim_routes_each_recipient_by_itself() -> None:
    more = EXIM_TO_FILTER.replace(b" => a@", b" -> b@")
    elsewhere = exim_sent(FIRST, *EXIM_OUT)
    assert counts(EXIM_ARRIVED, EXIM_CAME_BACK, EXIM_TO_FILTER, more, elsewhere) == {"received": 1, "sent": 1}
    assert counts(EXIM_ARRIVED, elsewhere, EXIM_CAME_BACK, EXIM_TO_FILTER, more) == {"received": 1, "sent": 1}


def test_another_transport_to_the_filters_address_is_no_filter() -> None:
    saved = exim_sent("1xW2Fj-00002m-0b", "dovecot", EXIM_FILTER, "250 2.0.0 Saved")
    assert counts(EXIM_ARRIVED, EXIM_CAME_BACK, EXIM_TO_FILTER, saved) == {"received": 1, "sent": 1}


@pytest.mark.parametrize(
    "delivery",
    [
        'exim: 1xW2Fj-00002j-33 => a@b.example R=amavis T=amavis H=127.0.0.1 [127.0.0.1] C="{}"',
        'exim: 1xW2Fj-00002j-33 => a@b.example R=amavis T=amavis S=31 H=localhost [::1]:10024 I=[::1]:5 L K C="{}" QT=1s',
        'exim: 1xW2Fj-00002j-33 => a@b.example R=amavis T=by_socket C="{}" DT=0s',
        'exim: 1xW2Fj-00002j-33 => a@b.example R=amavis T=by_socket H=127.0.0.1 C="{}"',
    ],
)
def test_exims_message_that_the_filter_drops_is_not_sent(delivery: str) -> None:
    assert counts(EXIM_ARRIVED, line(delivery.format("250 2.7.0 Ok, discarded, id=10262-05 - spam"))) == {"received": 1}


def test_exims_filter_behind_a_socket_is_known_by_the_message_that_comes_back() -> None:
    to_filter = line(f'exim: {FIRST} => a@b.example R=amavis T=by_socket C="{from_exims_filter(SECOND)}"')
    here = line(f"exim: {SECOND} => a <a@b.example> R=localuser T=local_delivery")
    assert counts(EXIM_ARRIVED, EXIM_CAME_BACK, to_filter, here) == {"received": 1, "delivered": 1}


def test_exims_message_that_a_filter_on_another_machine_hands_back_is_one() -> None:
    back = exim_taken(SECOND, "filter.example [192.0.2.9]:4711")
    to_filter = exim_sent(FIRST, "amavis", "filter.example [192.0.2.9]:10024", from_exims_filter(SECOND))
    assert counts(EXIM_ARRIVED, back, to_filter, exim_sent(SECOND, *EXIM_OUT)) == {"received": 1, "sent": 1}


def test_exims_local_mail_counts() -> None:
    form = exim_taken(FIRST, "localhost [127.0.0.1]")
    assert counts(form, exim_sent(FIRST, *EXIM_OUT)) == {"received": 1, "sent": 1}
    by_program = line(f"exim: {FIRST} <= root@b.example U=root P=local S=300")
    assert counts(by_program, exim_sent(FIRST, *EXIM_OUT)) == {"sent": 1}
    assert counts(by_program, EXIM_CAME_BACK, EXIM_TO_FILTER, exim_sent(SECOND, *EXIM_OUT)) == {"sent": 1}


def test_an_answer_that_names_an_id_of_exims_makes_no_filter_of_a_stranger() -> None:
    form = exim_taken(FIRST, "localhost [127.0.0.1]")
    lie = exim_sent(SECOND, EXIM_OUT[0], EXIM_OUT[1], f"250 OK id={FIRST}")
    itself = exim_sent(FIRST, EXIM_OUT[0], EXIM_FILTER, f"250 OK id={FIRST}")
    assert counts(form, lie, itself) == {"received": 1, "sent": 2}


def test_what_an_exim_client_calls_itself_is_not_its_address() -> None:
    helo = exim_taken(SECOND, "([127.0.0.1]) [203.0.113.6]")
    assert counts(EXIM_ARRIVED, helo, EXIM_TO_FILTER) == {"received": 2, "sent": 1}


def test_a_certificate_of_another_server_does_not_answer_for_it() -> None:
    name = r'X=TLS1.3 CV=yes DN="CN=x \" C=\"250 2.7.0 Ok, id=1" C="250 ok"'
    sent = line(f"exim: {FIRST} => a@b.example R=r T=remote_smtp H=localhost [127.0.0.1] {name}")
    assert counts(sent) == {"sent": 1}


def test_an_older_amavis_names_the_next_message_too() -> None:
    answer = "250 2.6.0 Ok, id=13405-01, from MTA([127.0.0.1]:10025): 250 2.0.0 Ok: queued as BBB2"
    assert counts(ARRIVED, CAME_BACK, line(SENT.format("AAA1", FILTER, answer)), DELIVERED) == {
        "received": 1,
        "sent": 1,
    }


def test_a_message_that_a_filter_behind_a_socket_drops_is_not_delivered() -> None:
    dropped = SENT.format("AAA1", "mx.example[private/filter]", "250 2.7.0 Ok, discarded, id=00713-03 - spam")
    assert counts(ARRIVED, line(dropped.replace("postfix/smtp", "postfix/lmtp"))) == {"received": 1}


IGNORED = (
    Options(ignore_localhost=True),
    Options(ignore_hosts=("localhost",)),
    Options(ignore_hosts=("127",)),
    Options(ignore_hosts=("10024",)),
)
TO_SOCKET = TO_FILTER.replace(b"postfix/smtp[", b"postfix/lmtp[").replace(FILTER.encode(), b"mx[private/filter]")
END_OF_FILTER = line("postfix/smtpd: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 rset=1 commands=4")


@pytest.mark.parametrize("options", IGNORED)
@pytest.mark.parametrize("came_back", [CAME_BACK, WITH_XFORWARD], ids=("by its answer", "by XFORWARD"))
@pytest.mark.parametrize("to_filter", [TO_FILTER, TO_SOCKET], ids=("SMTP", "LMTP"))
def test_a_filter_whose_host_is_ignored_is_one(options: Options, came_back: bytes, to_filter: bytes) -> None:
    assert counts_under(options, ARRIVED, came_back, to_filter, DELIVERED) == {"received": 1, "sent": 1}


@pytest.mark.parametrize("options", IGNORED)
@pytest.mark.parametrize("taken_back", [TO_FILTER, TO_SOCKET, END_OF_FILTER])
def test_what_was_ignored_is_not_taken_back(options: Options, taken_back: bytes) -> None:
    assert counts_under(options, CAME_BACK, taken_back).get("received", 0) >= 0


def test_what_was_ignored_stays_so_after_a_restart() -> None:
    options = Options(ignore_localhost=True)
    before = Scanner(options, Stamps(2026))
    assert before.scan(ARRIVED + CAME_BACK, 0) == [(NOON, {"received": 1})]
    restored = Messages.restored(json.loads(as_json(before.messages.state())))
    after = Scanner(options, Stamps(2026), before.window, restored)
    assert after.scan(TO_SOCKET, 0) == []
