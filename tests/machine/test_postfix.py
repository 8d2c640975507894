"""The spool of a real Postfix, beside what its own postqueue says of it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgraph import spool
from mailgraph.machine import Queue
from mailgraph.schema import QUEUES
from tests.daemon.process import until
from tests.machine.test_spool import outcomes
from tests.programs import require

MAIN_CF = """
compatibility_level = 3.6
queue_directory = {directory}/spool
data_directory = {directory}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
default_transport = smtp:[127.0.0.1]:1
disable_dns_lookups = yes
alias_maps =
alias_database =
maillog_file = {directory}/maillog
maillog_file_prefixes = {directory}
"""

SERVICES = """
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
"""


class Postfix:
    """A Postfix without network, which can deliver nothing."""

    def __init__(self, directory: Path) -> None:
        self.etc = directory / "etc"
        self.spool = directory / "spool"
        for made in (self.etc, self.spool, directory / "data"):
            made.mkdir(mode=0o755)
        subprocess.run(["chown", "postfix", directory / "data"], check=True)
        (self.etc / "main.cf").write_text(MAIN_CF.format(directory=directory))
        (self.etc / "master.cf").write_text(SERVICES)
        self.run(require("postfix"), "start")

    def run(self, program: str, *options: str, given: str = "") -> str:
        command = [program, "-C" if program.endswith("sendmail") else "-c", str(self.etc), *options]
        return subprocess.run(command, input=given, check=True, capture_output=True, text=True).stdout

    def send(self) -> None:
        before = self.listed()
        self.run(require("sendmail"), "-f", "a@example.net", "b@example.org", given="Subject: x\n\nx\n")
        until(lambda: self.listed().counts.get("deferred", 0) > before.counts.get("deferred", 0))

    def listed(self) -> spool.Found:
        return spool.listed(self.run(require("postqueue"), "-j").encode())


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    if os.geteuid() != 0:
        pytest.skip("a private Postfix needs root")
    require("postfix")
    with tempfile.TemporaryDirectory(prefix="mailgraph-") as name:
        Path(name).chmod(0o755)
        postfix = Postfix(Path(name))
        yield postfix
        postfix.run(require("postfix"), "stop")


def test_the_directories_say_what_postqueue_says(postfix: Postfix) -> None:
    postfix.send()
    postfix.send()
    with (postfix.etc / "main.cf").open("a") as configuration:
        configuration.write("enable_long_queue_ids = yes\nhash_queue_depth = 2\n")
    postfix.run(require("postfix"), "reload")
    postfix.send()
    held = next(file for file in (postfix.spool / "deferred").rglob("*") if file.is_file())
    postfix.run(require("postsuper"), "-h", held.name)
    expected = postfix.listed()
    assert expected.counts == {"deferred": 2, "hold": 1}
    queue = Queue(main_cf=str(postfix.etc / "main.cf"), clock=lambda: (expected.oldest or 0) + 99)
    (found,) = outcomes(queue)
    counts = {f"queue_{queue}": expected.counts.get(queue, 0) for queue in QUEUES}
    assert found.values[0][1] == counts | {"queue_oldest": 99}
