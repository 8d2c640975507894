"""A real mail server's mail, sent and counted: what was sent is what the RRD files and the page say."""

import json
import os
import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import rrdtool

from mailgraph.page import Page
from mailgraph.schema import CLASSICAL, FAMILIES, STEP
from tests.e2e.stack import EICAR, GTUBE, PASSWORD, Stack, running, wait_for
from tests.page.rrds import Reply


@pytest.fixture
def directory() -> Iterator[Path]:
    """Where every user that the servers run as can go, and short: a socket's path has 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="mailgraph-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def message(text: str, attachment: str = "") -> str:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sender@remote.example", "someone@example.test", "test"
    mail.set_content(text)
    if attachment:
        mail.add_attachment(b"MZ\x90\0", maintype="application", subtype="octet-stream", filename=attachment)
    return mail.as_string()


def send(stack: Stack, port: str, recipient: str, text: str = "hello", attachment: str = "", password: str = "") -> int:
    """Hand a message in; the reply's code."""
    with stack.client(port) as client:
        client.ehlo()
        if password:
            client.login("anna@example.test", password)
        try:
            client.sendmail("sender@remote.example", [recipient], message(text, attachment))
        except smtplib.SMTPRecipientsRefused as refused:
            return next(code for code, _ in refused.recipients.values())
    return 250


def send_everything(stack: Stack) -> dict[str, int]:
    """One of each; what truly happened."""
    clean, spam, virus, banned = (
        send(stack, "filtered", "a@sink.test", text, attachment)
        for text, attachment in (("hello", ""), (GTUBE, ""), (EICAR, ""), ("look", "setup.exe"))
    )
    assert (clean, spam, virus, banned) == (250, 250, 250, 250)
    assert send(stack, "plain", "mail@example.test") == 250
    assert send(stack, "plain", "nobody@example.test") == 550
    assert send(stack, "plain", "x@elsewhere.test") == 554
    assert send(stack, "plain", "x@down.test") == 250
    assert send(stack, "submission", "b@sink.test", password=PASSWORD) == 250
    assert send(stack, "submission", "b@sink.test") == 554
    greylisted = 0
    while send(stack, "greylisting", "mail@example.test") == 450:
        greylisted += 1
        time.sleep(0.3)
    return {
        "received": 4
        + 1
        + 1
        + 1
        + 1,  # through the filter, to a mailbox, to a server that is down, submitted, greylisted
        "sent": 2 + 1,  # clean and marked as spam, submitted
        "delivered": 2,
        "deferred": 1,
        "rejected": 3,
        "spam": 1,
        "virus": 1,
        "greylisted": greylisted,
        "delayed": 1,
    }


LAST_WORDS = {
    "queued as SINK1)": 3,
    "delivered to maildir": 2,
    "status=deferred": 1,
    ") Passed ": 2,
    ") Blocked ": 2,
    "disconnect from ": 1,
}
"""How often the log says what ends a message's way."""


def all_is_logged(stack: Stack) -> bool:
    log = stack.log.read_text()
    return all(log.count(words) >= times for words, times in LAST_WORDS.items())


def wait_until_written(rrds: Path) -> None:
    """The daemon writes a minute when the clock has left it."""
    file, minute = rrds / "mailgraph.rrd", int(time.time()) // STEP * STEP
    wait_for("the last minute", lambda: file.exists() and rrdtool.last(str(file)) >= minute, 120)


def stored(rrds: Path) -> dict[str, int]:
    """The sums of the RRD files' single minutes."""
    sums: dict[str, int] = {}
    for family in FAMILIES:
        path = str(rrds / family.file_name())
        if family in CLASSICAL or not os.path.exists(path):
            continue
        end = rrdtool.last(path)
        _, names, rows = rrdtool.fetch(path, "AVERAGE", "--start", str(end - 900), "--end", str(end))
        for index, name in enumerate(names):
            sums[name] = round(sum(row[index] * STEP for row in rows if row[index] is not None))
    return {name: total for name, total in sums.items() if total}


def shown(rrds: Path) -> dict[str, int]:
    """The totals of the page's JSON."""
    page = Page(str(rrds), "mailgraph")
    replies = [Reply(page, f"g={letter}&from=now-15min&to=now&form=json") for letter in "negd"]
    series = [one for reply in replies for one in json.loads(reply.text)["series"]]
    return {one["name"]: one["total"] for one in series if one["total"]}


def test_what_was_sent_is_what_rrd_files_and_page_say(directory: Path) -> None:
    rrds = directory / "rrd"
    rrds.mkdir()
    with running(directory) as stack:
        daemon = subprocess.Popen([sys.executable, "-m", "mailgraph", "-l", stack.log, "--daemon-rrd", rrds])
        try:
            truth = send_everything(stack)
            wait_for("the end of all mail", lambda: all_is_logged(stack))
            wait_until_written(rrds)
            assert stored(rrds) == truth
            assert shown(rrds) == truth
        finally:
            daemon.terminate()
            daemon.wait()
