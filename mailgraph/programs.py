"""Programs that run beside the counting: bounded in time and output, and waited for by nobody.

Knows no RRD and nothing of what the programs say.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import IO

READ = 65536
"""Bytes read at once: what a pipe holds."""

PARTING = 100
"""Hundredths of a second in which a program should be gone that is killed; else it waits for a disk."""

COMPLAINT = 200
"""Characters of a program's complaint that are told."""


class Run:
    """A program, started in a session of its own; raises OSError where it can't be.

    ``over`` is asked now and then.  ``fault`` says why ``output`` is not to be used, and is empty otherwise.
    """

    def __init__(
        self,
        command: Sequence[str],
        seconds: float,
        most: int,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """``most`` are the bytes that it may say; ``elapsed`` is a clock that nobody sets."""
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=os.environ | {"LC_ALL": "C"},  # numbers with a point
            start_new_session=True,
        )
        self._seconds = seconds
        self._most = most
        self._elapsed = elapsed
        self._until = elapsed() + seconds
        self._said: dict[IO[bytes], bytearray] = {}
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                os.set_blocking(pipe.fileno(), False)
                self._said[pipe] = bytearray()
        self.fault = ""

    @property
    def descriptors(self) -> list[int]:
        """What can be read as soon as the program says more."""
        return [pipe.fileno() for pipe in self._said if not pipe.closed]

    @property
    def output(self) -> bytes:
        """What it has written to its standard output."""
        return bytes(next(iter(self._said.values())))

    def over(self) -> bool:
        """Whether the program has ended, or has been ended after its time or for saying too much.

        Nothing of it is left then, what it started and left behind in its process group included.
        """
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        if not self.fault:
            self._read()
            self.fault = self._excess(ended)
        if ended or self.fault:
            self._kill()
        if not ended:  # one that is killed while it waits for a disk may take its time
            return False
        status = self._process.wait()
        self.fault = self.fault or self._failure(status)
        return True

    def end(self) -> None:
        """Ends the program."""
        self._kill()
        for _ in range(PARTING):
            if self._process.poll() is not None:
                return
            select.select([], [], [], 0.01)

    def _kill(self) -> None:
        """Nobody else can have the group's number while its leader is not waited for."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        for pipe in self._said:
            pipe.close()

    def _excess(self, ended: bool) -> str:
        if sum(map(len, self._said.values())) > self._most:
            return f"says more than {self._most} bytes"
        if not ended and self._elapsed() > self._until:
            return f"took longer than {self._seconds:.0f} s"
        return ""

    def _read(self) -> None:
        """What there is to read, at most a little more than may be said."""
        for pipe, said in self._said.items():
            while not pipe.closed and len(said) <= self._most:
                try:
                    part = os.read(pipe.fileno(), READ)
                except BlockingIOError:
                    break
                said.extend(part)
                if not part:
                    pipe.close()

    def _failure(self, status: int) -> str:
        if not status:
            return ""
        how = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
        complaint = [*self._said.values()][1].decode("utf-8", "replace").strip().partition("\n")[0][:COMPLAINT]
        printable = "".join(character if character.isprintable() else "?" for character in complaint)
        return f"{how}: {printable}" if printable else how
