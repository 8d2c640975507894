"""By default the counts of real mail stacks' logs are what truly happened, in both usual forms of a line.

The truth is that of the SMTP replies and of the servers that got the mail: what was sent in each situation, and which
answer it got.  A slice may hold retries of an earlier situation: those are in its "deferred".
"""

import json
import re
from collections import Counter

import pytest

from mailgraph.checkpoint import as_json
from mailgraph.logforms import Stamps
from mailgraph.messages import Messages
from mailgraph.scanner import Options, Scanner, Tally
from tests.conftest import SetZone
from tests.oracle.original import sample_logs

Counts = dict[str, int]

TRUTH: dict[str, Counts] = {
    "01-smtp-sent": {"received": 3, "sent": 4},
    "02-relay-transport": {"received": 1, "sent": 1},
    "03-local": {"received": 4, "delivered": 4, "sent": 1, "deferred": 1},
    "04-local-bounce": {"received": 2, "bounced": 2, "sent": 2},
    "05-virtual": {"received": 1, "delivered": 1},
    "06-lmtp-dovecot": {"received": 1, "delivered": 1},
    "07-lmtp-bounce": {"received": 1, "bounced": 1, "sent": 1},
    "08-lmtp-inet": {"received": 1, "delivered": 1, "bounced": 1, "sent": 1, "deferred": 1},
    "09-smtp-bounce": {"received": 3, "bounced": 2, "sent": 2},  # the third is in 13
    "10-double-bounce": {"received": 1, "bounced": 2},
    "11-error-transport": {"received": 3, "bounced": 1, "sent": 1, "deferred": 2},
    "12-pipe": {"received": 2, "delivered": 1, "bounced": 1, "sent": 1},
    "13-nullmx-loop": {"received": 2, "bounced": 2, "sent": 2, "deferred": 1},
    "14-deferred": {"received": 3, "deferred": 17},
    "15-postsuper": {},
    "16-smtpd-reject": {"rejected": 8, "received": 2, "delivered": 2},
    "17-rbl-554": {"rejected": 2, "received": 1, "delivered": 1},
    "18-rbl-virbl": {"rejected": 1},
    "19-rbl-550": {"rejected": 1},
    "20-header-body-checks": {"received": 6, "rejected": 3, "delivered": 5},  # one is held
    "21-header-check-nonascii": {"rejected": 2},
    "22-helo-bytes": {"rejected": 5},
    "23-smtputf8": {"received": 1, "sent": 1, "rejected": 1},
    "24-funny-addresses": {"received": 4, "bounced": 1, "sent": 3, "rejected": 1, "delivered": 1},
    "25-submission": {"received": 2, "sent": 2, "rejected": 3},
    "26-tls": {"received": 2, "sent": 2},
    "27-smtpd-oddities": {},
    "28-size-limit": {"rejected": 1},
    "29-sendmail-pickup": {"sent": 1, "delivered": 1},
    "30-ipv6": {"received": 1, "sent": 1},
    "31-postscreen": {"received": 3, "rejected": 4, "delivered": 3},
    "32-postgrey": {"greylisted": 3, "delayed": 1, "received": 2, "delivered": 2, "deferred": 2},
    "33-policyd-spf": {"received": 4, "rejected": 2, "delivered": 4, "spf_pass": 1, "spf_none": 2, "spf_fail": 3},
    "34-dkim-dmarc": {
        "received": 5,
        "rejected": 1,
        "sent": 1,
        "delivered": 4,
        "dkim_none": 4,
        "dkim_fail": 1,
        "dmarc_pass": 2,
        "dmarc_none": 2,
        "dmarc_fail": 2,
    },
    "35-amavis-debian": {"received": 7, "sent": 5, "spam": 2, "virus": 2},
    "35x-amavis-clamd-failing": {"received": 7, "sent": 7, "spam": 2, "deferred": 2},
    "36-amavis-passall": {"received": 7, "sent": 8, "spam": 2, "virus": 2},
    "37-amavis-bounce": {"received": 9, "sent": 3, "spam": 2, "virus": 2},  # two are amavisd-new's own bounces
    "38-amavis-prequeue": {"received": 2, "sent": 2, "rejected": 5, "spam": 2, "virus": 2},
    "38b-amavis-by-recipient": {"received": 7, "sent": 2, "spam": 4, "virus": 2},
    "39-amavis-plain-smtp": {"received": 1, "sent": 1},
    "40-amavis-lmtp": {"received": 1, "sent": 1},
    "41-amavis-misc": {"received": 3, "sent": 62, "spam": 1},
    "42-amavis-down": {"received": 1, "deferred": 1},
    "43-spamd-spamc": {"spam": 1},
    "44-spamass-milter": {"received": 1, "rejected": 1, "spam": 1, "delivered": 1, "deferred": 1},
    "45-clamav-milter": {"received": 2, "rejected": 2, "virus": 2, "delivered": 2},  # one refused, one discarded
    "46-clamsmtp": {"received": 2, "virus": 1, "delivered": 1, "deferred": 1},
    "47-rspamd": {
        "received": 1,
        "rejected": 1,
        "spam": 1,
        "greylisted": 2,
        "delivered": 1,
        "deferred": 1,
        "dkim_none": 3,
        "dmarc_none": 3,
    },
    "48-milter-down": {"rejected": 1},
    "49-milter-stages": {"received": 1, "rejected": 10, "greylisted": 1, "spam": 1, "deferred": 1},
    "50-postfix-out-maillog_file": {"received": 2, "sent": 2, "rejected": 1},
    "51-imap-logins": {"deferred": 1},
    "52-cleartext-status-words": {"sent": 1},
    "53-rsyslog-repeated": {"rejected": 5},
    "exim-amavis": {"received": 6, "sent": 6, "delivered": 4, "deferred": 1, "bounced": 1},
    "exim-amavis-all": {"received": 8, "sent": 5, "delivered": 5, "spam": 2},  # by SMTP and LMTP; all of log_selector
    "exim-bounce": {"received": 2, "bounced": 2, "delivered": 2},
    "exim-content": {"rejected": 2, "spam": 1, "virus": 1},
    "exim-deferred": {"received": 2, "deferred": 2},
    "exim-greylist": {"greylisted": 1},
    "exim-oddities": {"received": 1, "delivered": 1},
    "exim-received-sent": {"received": 3, "sent": 3, "delivered": 1},
    "exim-redirect": {"received": 2, "sent": 1},
    "exim-reject": {"rejected": 4},
}

LOGS = {name: log for name, log in sample_logs().items() if re.match(r"\d\d|exim-bw", name)}
FORMS = ("BSD", "RFC 3339")


@pytest.fixture(autouse=True)
def utc(set_zone: SetZone) -> None:
    set_zone("UTC")


def situation(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".log")


def in_form(log: bytes, form: str) -> bytes:
    """A log in BSD form, or the same in RFC 3339's."""
    return log if form == "BSD" else re.sub(rb"(?m)^Nov (\d\d) (\S+) ", rb"2026-11-\1T\2.123456+00:00 ", log)


def total(*tallies: Tally) -> Counts:
    counted: Counter[str] = Counter()
    for tally in tallies:
        for _, counts in tally:
            counted.update(counts)
    return {counter: times for counter, times in counted.items() if times}


def counts(log: bytes) -> Counts:
    return total(Scanner(Options(), Stamps(2026)).scan(log, 0))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LOGS)
def test_the_counts_are_what_happened(name: str, form: str) -> None:
    assert counts(in_form(LOGS[name], form)) == TRUTH[situation(name)]


@pytest.mark.parametrize("name", [name for name in LOGS if name.startswith("exim-bwdef/")])
def test_exims_own_main_log_counts_the_same(name: str) -> None:
    by_syslog = re.findall(rb"(?m)^.{15} \S+ exim\[\d+\]: (2026-.*\n)", LOGS[name])
    main_log = b"".join(
        line for number, line in enumerate(by_syslog) if line not in by_syslog[max(number - 1, 0) : number]
    )
    assert counts(main_log) == TRUTH[situation(name)]


def test_each_situation_has_its_log() -> None:
    assert {situation(name) for name in LOGS} == TRUTH.keys()


def test_all_situations_in_one_log_count_the_same_in_both_forms() -> None:
    bsd, iso = (sample_logs()[name] for name in ("mail.log.gz", "mail-rfc3339.log.gz"))
    assert counts(bsd) == counts(iso)


STATEFUL = (
    "27",
    "28",
    "35-",
    "38-",
    "39",
    "40",
    "44",
    "45",
    "46",
    "47",
    "49",
    "exim-bwdef/exim-reject",
    "exim-bw/exim-amavis",
)


@pytest.mark.parametrize(
    ("names", "lines"), [(STATEFUL, 1), (STATEFUL, 2), (("",), 7), (("",), 50), (("",), 1001)], ids=repr
)
def test_a_restart_after_every_few_lines_changes_nothing(names: tuple[str, ...], lines: int) -> None:
    log = b"".join(log for name, log in LOGS.items() if name.startswith(names)).splitlines(keepends=True)
    tallies, window, messages = [], b"", Messages()
    for start in range(0, len(log), lines):
        scanner = Scanner(Options(), Stamps(2026), window, messages)
        tallies.append(scanner.scan(b"".join(log[start : start + lines]), 0))
        window, messages = scanner.window, Messages.restored(json.loads(as_json(scanner.messages.state())))
    assert total(*tallies) == counts(b"".join(log))
