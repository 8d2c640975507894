"""``bin/run`` as a user has it: in a session of its own, read until it tells the page's address, ended by Ctrl-C."""

import contextlib
import os
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from signal import SIGINT, SIGKILL

PATIENCE = 60

PICTURES = [f"{period}-{graph}" for period in range(4) for graph in "neg"]


class Run:
    """A running bin/run: ``said`` are the lines before the page's address ``url``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.said: list[str] = []
        self.url = ""
        for line in process.stdout:
            if line.startswith("http://"):
                self.url = line.strip()
                break
            self.said.append(line.rstrip("\n"))

    def get(self, target: str = "") -> bytes:
        """The body of an answer that is well."""
        with urllib.request.urlopen(self.url + target, timeout=PATIENCE) as answer:
            return bytes(answer.read())

    def interrupt(self) -> int:
        """Ctrl-C: INT for each process in the foreground; returns the exit status when it has ended."""
        os.killpg(self.process.pid, SIGINT)
        return self.end()

    def end(self) -> int:
        """Waits for the end; returns the exit status."""
        assert self.process.stdout is not None
        watch = threading.Timer(PATIENCE, os.killpg, (self.process.pid, SIGKILL))
        watch.start()
        self.said += self.process.stdout.read().splitlines()  # from its buffer too, which communicate() would skip
        watch.cancel()
        return self.process.wait(PATIENCE)

    def pids(self) -> set[int]:
        """The processes that are there of those that were started and have not left their session."""
        there = set()
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if os.getsid(pid) == self.process.pid and Path(f"/proc/{pid}/cmdline").read_text():
                    there.add(pid)
        return there


@contextlib.contextmanager
def running(command: Sequence[str | Path], **popen: object) -> Iterator[Run]:
    """What ``command`` started, all of it ended when the block is left."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **popen,  # type: ignore[call-overload]
    )
    try:
        yield Run(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, SIGKILL)
        process.communicate()
