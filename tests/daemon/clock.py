"""A clock that a test sets, for processes that it starts."""

import os
import time
from pathlib import Path

from tests.programs import require


def library(faketime: str) -> str:
    """The library of the program ``faketime``: what a process has loaded that sees another time."""
    return str(next((Path(faketime).resolve().parent.parent / "lib").glob("*/faketime/libfaketime.so.1")))


class Clock:
    """The clock of processes that run with ``environment``; ``set`` changes it while they run."""

    def __init__(self, file: Path, now: float) -> None:
        """``now`` is epoch seconds; from there on the clock goes at its usual pace."""
        self._file = file
        self.environment = os.environ | {
            "LD_PRELOAD": library(require("faketime")),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }
        self.set(now)

    def set(self, now: float) -> None:
        """Sets the clock to ``now`` (epoch seconds)."""
        self._offset = now - time.time()
        new = self._file.with_name("clock.new")
        new.write_text(f"{self._offset:+.3f}\n")
        new.replace(self._file)

    def now(self) -> float:
        """What the processes see (epoch seconds)."""
        return time.time() + self._offset
