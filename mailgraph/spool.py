"""Postfix's queue: how many messages there are, and since when.  Knows no RRD.

Its directories are read where they may be (by root and by postfix), else ``postqueue -j`` is asked, which anybody may
run.  Reading is done in steps: a queue of 100,000 messages must not hold up the counting.
"""

import os
import re
import shutil
from collections.abc import Generator, Iterator, Mapping
from typing import NamedTuple

from mailgraph.schema import QUEUES

MAIN_CF = "/etc/postfix/main.cf"
DEFAULT_DIRECTORY = "/var/spool/postfix"

HELD = "hold"
"""The queue in which messages wait for the administrator, who may leave them there for as long as he likes."""

REMEMBERED = 50_000
"""Messages whose arrival is remembered, about 10 MB; that of others is read again each time."""

BEGIN = 256
"""Bytes at a queue file's start that hold its arrival."""

SBIN = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))

LISTED = re.compile(rb'^\{"queue_name": "(\w+)", "queue_id": "\w+", "arrival_time": (\d+)', re.MULTILINE)
"""A message as postqueue(1) lists it in JSON: an address or a server's answer can't begin a line."""


class Found(NamedTuple):
    """Messages by queue, and when the oldest that is not on hold has arrived (epoch seconds)."""

    counts: Mapping[str, int]
    oldest: int | None

    def values(self, now: float) -> dict[str, float]:
        """By counter; without messages the oldest is 0 seconds old, and where no arrival can be read it is unknown."""
        values: dict[str, float] = {f"queue_{queue}": self.counts.get(queue, 0) for queue in QUEUES}
        waiting = any(self.counts.get(queue) for queue in QUEUES if queue != HELD)
        if self.oldest is not None:
            values["queue_oldest"] = max(int(now) - self.oldest, 0)
        elif not waiting:
            values["queue_oldest"] = 0
        return values


def configured_directory(main_cf: str = MAIN_CF) -> str:
    """``queue_directory`` of Postfix's main.cf, as far as it stands there in plain words; else /var/spool/postfix."""
    found = DEFAULT_DIRECTORY
    try:
        with open(main_cf, encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                name, equals, value = line.partition("=")
                if equals and name.rstrip() == "queue_directory" and value.strip().startswith("/"):
                    found = value.strip()
    except OSError:  # no Postfix, or one that keeps its configuration elsewhere
        return DEFAULT_DIRECTORY
    return found


def readable(directory: str) -> bool:
    """Whether the queues may be read."""
    return all(os.access(os.path.join(directory, queue), os.R_OK | os.X_OK) for queue in QUEUES)


def postqueue() -> str | None:
    """Where the program is."""
    return shutil.which("postqueue", path=SBIN)


def scan(directory: str, known: dict[str, int]) -> Generator[None, None, Found]:
    """Look at each file of the queues, a step for each.  Raises OSError.

    ``known`` is when messages have arrived, by queue id; in the end it holds those that are there now.
    """
    counts = dict.fromkeys(QUEUES, 0)
    arrivals: dict[str, int] = {}
    oldest = None
    for queue in QUEUES:
        for entry in _files(os.path.join(directory, queue)):
            counts[queue] += 1
            if queue != HELD:
                arrival = known.get(entry.name) or arrived(entry.path)
                if arrival is not None:
                    oldest = arrival if oldest is None else min(oldest, arrival)
                    if len(arrivals) < REMEMBERED:
                        arrivals[entry.name] = arrival
            yield
    known.clear()
    known.update(arrivals)
    return Found(counts, oldest)


def _files(queue: str) -> Iterator[os.DirEntry[str]]:
    """The files of a queue and of its hashed subdirectories, which are named by a character each."""
    waiting = [queue]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    yield entry
                elif len(entry.name) == 1 and entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def arrived(path: str) -> int | None:
    """When the message of a queue file has arrived (epoch seconds), None where that can't be read.

    Its file's times do not say: Postfix sets them to when it tries again.  A queue file is records of type, length and
    text (Postfix's rec_type.h); near its start there is one of type T, of seconds and microseconds.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_file) as file:
            begin = file.read(BEGIN)
    except OSError:  # delivered meanwhile
        return None
    at = 0
    while at + 1 < len(begin):
        kind, length = begin[at : at + 1], begin[at + 1]
        text = begin[at + 2 : at + 2 + length]
        if kind == b"T":
            seconds = text.split(b" ")[0]
            return int(seconds) if seconds.isdigit() and len(seconds) < 12 else None
        if length >= 128:  # goes on in the next byte; none before the arrival is as long
            return None
        at += 2 + length
    return None


def _open_file(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def listed(output: bytes) -> Found:
    """What ``postqueue -j`` says."""
    counts: dict[str, int] = {}
    oldest = None
    for queue, arrival in LISTED.findall(output):
        name = queue.decode()
        counts[name] = counts.get(name, 0) + 1
        if name != HELD:
            oldest = int(arrival) if oldest is None else min(oldest, int(arrival))
    return Found(counts, oldest)
