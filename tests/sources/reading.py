"""A log that is written and rotated, and a reader of it that may be down meanwhile."""

import subprocess
from pathlib import Path

from mailgraph.sources import HINDERED, Follower, Position
from tests.programs import require

QUIET_LOOKS = 3
"""So often in a row nothing new means that nothing will come."""


class Log:
    """Writes numbered lines to ``path``; ``lines`` is all that was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] = []

    def write(self, count: int = 3, end: bytes = b"\n") -> None:
        """``count`` lines more, the last one with ``end``."""
        numbers = range(len(self.lines), len(self.lines) + count)
        lines = [b"Nov 25 10:00:%02d mail postfix/smtp[7]: 4F%06X: status=sent" % (n % 60, n) for n in numbers]
        self.lines += lines
        with self.path.open("ab") as file:
            file.write(b"\n".join(lines) + end)

    def rotate(self, *directives: str) -> None:
        """The real logrotate, once, with ``directives``."""
        configuration = self.path.with_name("logrotate.conf")
        options = "\n".join(("rotate 20", "missingok", *directives))
        configuration.write_text(f'"{self.path}" {{\n{options}\n}}\n')
        state = self.path.with_name("logrotate.state")
        run(require("logrotate"), "--force", "--state", state, configuration)

    def rename(self, name: str) -> Path:
        """What rotation does with most logs; the new file is there with the next ``write``."""
        return self.path.rename(self.path.with_name(name))


class Reader:
    """Reads a log as the daemon does; ``lines`` is all that was read."""

    def __init__(self, path: Path, keeps_running: bool = True) -> None:
        self.path = str(path)
        self.keeps_running = keeps_running
        self.lines: list[bytes] = []
        self.said: list[str] = []
        self.position: Position | None = None
        self.start()

    def start(self) -> None:
        """Follow the log from the position on."""
        self._follower = Follower(self.path, self.position, say=self.said.append)

    def read(self) -> None:
        """All there is now; a reader that does not keep running then ends, and the next call starts anew."""
        quiet = 0
        while quiet < QUIET_LOOKS:
            block = next(self._follower)
            if block is None or block is HINDERED:
                quiet += 1
                continue
            quiet = 0
            assert not block.data or block.data.endswith(b"\n")
            assert block.position is not None
            self.lines += block.data.splitlines()
            self.position = block.position
        if not self.keeps_running:
            self.close()
            self.start()

    def close(self) -> None:
        """Let go of the log."""
        self._follower.close()


def run(*command: str | Path) -> None:
    """A program that must succeed."""
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
