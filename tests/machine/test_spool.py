"""Postfix's queue, from trees of queue files and from what postqueue(1) says."""

import os
from pathlib import Path

import pytest

from mailgraph import spool
from mailgraph.machine import Load, Queue
from mailgraph.sampling import Outcome
from mailgraph.schema import LOAD, QUEUE
from mailgraph.spool import Found
from tests.daemon.process import until

NOW = 1_795_633_400

SIZES = b"C_            253             252               1               0             253               0"
ATTRIBUTE = b"A\x16create_time=1795633347"
"""Records as Postfix 3.7 wrote them."""


def message(arrival: int) -> bytes:
    time = b"%d 688715" % arrival
    return SIZES + b"T" + bytes([len(time)]) + time + ATTRIBUTE + b"S\x05a@b.c"


class Spool:
    """A tree as Postfix makes it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for queue in ("incoming", "active", "deferred", "hold", "maildrop", "defer"):
            (directory / queue).mkdir()

    def add(self, name: str, arrival: int = NOW) -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(message(arrival))
        file.chmod(0o700)
        return file

    def found(self, known: dict[str, int] | None = None) -> Found:
        steps = spool.scan(str(self.directory), {} if known is None else known)
        try:
            while True:
                next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


@pytest.fixture
def tree(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def test_an_empty_queue_is_known_to_be_empty(tree: Spool) -> None:
    assert tree.found().values(NOW) == dict.fromkeys(
        ("queue_incoming", "queue_active", "queue_deferred", "queue_hold", "queue_oldest"), 0
    )


def test_messages_are_counted_by_queue_in_hashed_directories_too(tree: Spool) -> None:
    for name in (
        *("incoming/A1", "active/B1", "active/B2", "deferred/C/C8748260971", "deferred/A/A091926096B"),
        *("deferred/4jZTZc46TxzLmND", "deferred/8/3/83", "hold/D1", "maildrop/E1", "defer/A/A091926096B"),
    ):
        tree.add(name)
    assert tree.found().counts == {"incoming": 1, "active": 2, "deferred": 4, "hold": 1}


def test_the_oldest_is_the_first_that_has_arrived_whatever_its_files_times_are(tree: Spool) -> None:
    os.utime(tree.add("deferred/A/A1", NOW - 500), (NOW + 5000, NOW + 5000))
    os.utime(tree.add("active/A2", NOW - 90), (NOW - 9000, NOW - 9000))
    tree.add("incoming/A3", NOW - 1)
    assert tree.found().values(NOW)["queue_oldest"] == 500


def test_what_is_on_hold_is_not_waited_for(tree: Spool) -> None:
    tree.add("hold/A1", NOW - 86400)
    assert tree.found().values(NOW)["queue_oldest"] == 0
    tree.add("active/A2", NOW - 60)
    assert tree.found().values(NOW)["queue_oldest"] == 60


def test_a_message_of_the_future_is_new(tree: Spool) -> None:
    tree.add("active/A1", NOW + 3600)
    assert tree.found().values(NOW)["queue_oldest"] == 0


def test_an_arrival_is_read_once(tree: Spool) -> None:
    file = tree.add("active/A1", NOW - 50)
    known: dict[str, int] = {}
    assert tree.found(known).oldest == NOW - 50
    assert known == {"A1": NOW - 50}
    file.write_bytes(message(NOW - 7))
    (tree.directory / "deferred/A").mkdir()
    file.rename(tree.directory / "deferred/A/A1")
    assert tree.found(known).oldest == NOW - 50
    (tree.directory / "deferred/A/A1").unlink()
    assert tree.found(known).oldest is None
    assert known == {}


def test_no_more_than_so_many_arrivals_are_remembered(tree: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "REMEMBERED", 3)
    for number in range(6):
        tree.add(f"active/A{number}", NOW - number)
    known: dict[str, int] = {}
    for _ in range(2):
        assert (tree.found(known).oldest, len(known)) == (NOW - 5, 3)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"C",
        b"C\x05",
        SIZES,
        SIZES + b"T",
        SIZES + b"T\x03abc",
        SIZES + b"T\x11" + b"9" * 17,
        SIZES + ATTRIBUTE * 20,
        b"C\xff\xff\xff",
        b"\0" * 300,
        b"\xff" * 300,
    ],
    ids=range(11),
)
def test_an_arrival_that_cannot_be_read_is_unknown_and_the_message_counts(tree: Spool, content: bytes) -> None:
    tree.add("active/A1").write_bytes(content)
    values = tree.found().values(NOW)
    assert (values["queue_active"], "queue_oldest" in values) == (1, False)


def test_links_pipes_and_other_directories_are_no_messages(tree: Spool, tmp_path: Path) -> None:
    os.mkfifo(tree.directory / "active/pipe")
    (tree.directory / "active/link").symlink_to(tree.add("maildrop/E1"))
    (tree.directory / "active/A").symlink_to(tree.directory / "maildrop")
    tree.add("active/other/A1")
    assert sum(tree.found().counts.values()) == 0


def test_a_queue_that_cannot_be_read_is_an_error(tree: Spool) -> None:
    (tree.directory / "hold").rmdir()
    assert not spool.readable(str(tree.directory))
    with pytest.raises(FileNotFoundError):
        tree.found()


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("queue_directory = /srv/spool\n", "/srv/spool"),
        ("# queue_directory = /srv/other\nqueue_directory=/srv/spool  \n", "/srv/spool"),
        ("queue_directory = /srv/first\nqueue_directory = /srv/spool\n", "/srv/spool"),
        ("queue_directory = ${other}/spool\n", "/var/spool/postfix"),
        ("myhostname = x\n queue_directory = /srv/continued\n", "/var/spool/postfix"),
        ("", "/var/spool/postfix"),
    ],
)
def test_the_configuration_says_where_the_queue_is(tmp_path: Path, text: str, directory: str) -> None:
    (tmp_path / "main.cf").write_text(text)
    assert spool.configured_directory(str(tmp_path / "main.cf")) == directory


def test_without_configuration_it_is_the_usual_place(tmp_path: Path) -> None:
    assert spool.configured_directory(str(tmp_path / "main.cf")) == "/var/spool/postfix"


LISTING = rb"""{"queue_name": "deferred", "queue_id": "A091926096B", "arrival_time": 1795633347, "message_size": 253, "forced_expire": false, "sender": "a@example.net", "recipients": [{"address": "b@example.org", "delay_reason": "connect to 127.0.0.1[127.0.0.1]:1: Connection refused"}]}
{"queue_name": "active", "queue_id": "4jZTZc46TxzLmND", "arrival_time": 1795633352, "message_size": 244, "forced_expire": false, "sender": "a@example.net", "recipients": [{"address": "\"{\\\"queue_name\\\": \\\"hold\\\"@x"}]}
{"queue_name": "hold", "queue_id": "A8748260971", "arrival_time": 1795633000, "message_size": 253, "forced_expire": false, "sender": "a@example.net", "recipients": []}
"""


def test_what_postqueue_says_is_counted() -> None:
    found = spool.listed(LISTING)
    assert found.values(NOW) == {
        "queue_incoming": 0,
        "queue_active": 1,
        "queue_deferred": 1,
        "queue_hold": 1,
        "queue_oldest": NOW - 1795633347,
    }
    assert spool.listed(b"").values(NOW)["queue_oldest"] == 0


def outcomes(queue: Queue) -> list[Outcome]:
    queue.begin()
    found: list[Outcome] = []

    def at_its_end() -> bool:
        found.extend(queue.collect())
        return queue._scan is None and queue._run is None

    until(at_its_end)
    return found


def test_the_queue_is_looked_at_once_a_minute(tree: Spool) -> None:
    tree.add("active/A1", NOW - 30)
    queue = Queue(str(tree.directory), clock=lambda: NOW)
    expected = {"queue_incoming": 0, "queue_active": 1, "queue_deferred": 0, "queue_hold": 0, "queue_oldest": 30}
    assert outcomes(queue) == [Outcome(f"Postfix's queue {tree.directory}", [(QUEUE, expected)])]
    assert list(queue.collect()) == []


def test_a_long_queue_is_looked_through_in_pieces(tree: Spool) -> None:
    for number in range(100):
        tree.add(f"active/A{number}")
    ticks = iter(range(10_000))
    queue = Queue(str(tree.directory), elapsed=lambda: next(ticks) * 0.01)
    queue.begin()
    turns = 0
    while not (found := list(queue.collect())):
        turns += 1
        queue.begin()  # another minute; the look goes on
    assert turns > 20
    assert found[0].values[0][1]["queue_active"] == 100


def test_a_queue_that_is_named_and_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert outcomes(Queue(str(tmp_path))) == [
        Outcome(f"Postfix's queue {tmp_path}", fault=f"can't read {tmp_path}/incoming: No such file or directory")
    ]


def test_where_there_is_no_postfix_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.cf").write_text(f"queue_directory = {tmp_path}\n")
    monkeypatch.setattr(spool, "SBIN", str(tmp_path))
    assert outcomes(Queue(main_cf=str(tmp_path / "main.cf"))) == []


class Postqueue:
    """A machine whose queue may not be read, with a postqueue that a test writes."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program = directory / "postqueue"
        self.main_cf = directory / "main.cf"
        self.main_cf.write_text(f"queue_directory = {directory}/nowhere\n")
        self.write("exit 69")
        monkeypatch.setattr(spool, "SBIN", str(directory))
        self.queue = Queue(main_cf=str(self.main_cf), clock=lambda: NOW)

    def write(self, script: str) -> None:
        new = self.program.with_name("new")
        new.write_text(f"#!/bin/sh\n{script}\n")
        new.chmod(0o755)
        new.replace(self.program)


@pytest.fixture
def postqueue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Postqueue:
    return Postqueue(tmp_path, monkeypatch)


def test_where_the_directories_may_not_be_read_postqueue_is_asked(postqueue: Postqueue, tmp_path: Path) -> None:
    (tmp_path / "listing").write_bytes(LISTING)
    postqueue.write(f'[ "$*" = -j ] && cat {tmp_path}/listing')
    (found,) = outcomes(postqueue.queue)
    assert found.values[0][1]["queue_deferred"] == 1


def test_a_mail_system_that_is_down_is_said_when_it_was_up(postqueue: Postqueue) -> None:
    postqueue.write("echo 'postqueue: fatal: mail system is down' >&2; exit 69")
    assert outcomes(postqueue.queue) == []
    postqueue.write("true")
    assert outcomes(postqueue.queue)[0].fault == ""
    postqueue.write("echo 'postqueue: fatal: mail system is down' >&2; exit 69")
    fault = f"{postqueue.program} -j ended with status 69: postqueue: fatal: mail system is down"
    assert [one.fault for one in outcomes(postqueue.queue)] == [fault]
    postqueue.program.unlink()
    fault = f"can't start {postqueue.program}: No such file or directory"
    assert [one.fault for one in outcomes(postqueue.queue)] == [fault]


def test_a_listing_of_many_messages_is_read_whole(postqueue: Postqueue, tmp_path: Path) -> None:
    (tmp_path / "listing").write_bytes(LISTING * 2000)
    postqueue.write(f"cat {tmp_path}/listing")
    (found,) = outcomes(postqueue.queue)
    assert found.values[0][1]["queue_hold"] == 2000


def test_the_load_average_is_the_systems() -> None:
    load = Load(lambda: (0.5, 0.25, 0.125))
    assert list(load.collect()) == []
    load.begin()
    expected = Outcome("load average", [(LOAD, {"load_1": 0.5, "load_5": 0.25, "load_15": 0.125})])
    assert list(load.collect()) == [expected]
    assert list(load.collect()) == []


def test_a_system_that_tells_no_load_is_said() -> None:
    def unknown() -> tuple[float, float, float]:
        raise OSError("Load averages are unobtainable")

    load = Load(unknown)
    load.begin()
    assert [one.fault for one in load.collect()] == ["Load averages are unobtainable"]
