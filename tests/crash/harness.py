"""The daemon in this process, on a disk that crashes at a chosen step, with a clock and a log that a script moves.

What a crash leaves is what kill -9 leaves: all that was written so far, and a write cut short, librrd's own too.
"""

import builtins
import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import rrdtool

from mailgraph import checkpoint as checkpoint_module
from mailgraph import schema
from mailgraph.checkpoint import Checkpoint
from mailgraph.counting import Counting
from mailgraph.daemon import Followed, Loop
from mailgraph.rrd import Direct, Store, UnreachableError
from mailgraph.scanner import Options
from mailgraph.sources import Follower
from mailgraph.underway import UnderWay
from tests.crash.tears import tear

Step = Callable[["Machine"], None]

FAMILIES = (*schema.CLASSICAL, schema.Family("_delivery", (("delivered", "delivered"),), on_demand=True))
"""The classical files, and one that is made with its first event; each with few rows, so that a dump is fast."""


class Crash(BaseException):
    """The process is gone."""


class Disk:
    """Counts what is written to files by the checkpoint and by rrdtool; crashes before, within or after a step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps = 0
        self.crash_at = -1
        self._fsync, self._replace = os.fsync, os.replace
        self._update, self._create = rrdtool.update, rrdtool.create
        monkeypatch.setattr(checkpoint_module, "open", self._open, raising=False)
        monkeypatch.setattr(os, "fsync", lambda _descriptor: self._step(lambda: None))
        monkeypatch.setattr(os, "replace", lambda *paths: self._step(lambda: self._replace(*paths)))
        monkeypatch.setattr(rrdtool, "create", lambda *arguments: self._step(lambda: self._create(*arguments)))
        monkeypatch.setattr(rrdtool, "update", self._update_in_parts)

    def _step(self, action: Callable[[], Any], half: Callable[[], Any] | None = None) -> Any:
        """Three points to crash at: before, half done, done."""
        first = self.steps
        self.steps += 3
        if self.crash_at == first:
            raise Crash
        if self.crash_at == first + 1 and half is not None:
            half()
            raise Crash
        result = action()
        if first < self.crash_at <= first + 2:
            raise Crash
        return result

    def _open(self, path: str, mode: str = "r", **options: Any) -> Any:
        file = builtins.open(path, mode, **options)  # noqa: SIM115 (the caller closes it)
        if "w" in mode:
            write = file.write

            def cut_short(text: bytes) -> None:
                write(text[: len(text) // 2])
                file.flush()

            with contextlib.ExitStack() as crashed:
                crashed.callback(file.close)
                self._step(lambda: None)  # created, empty
                crashed.pop_all()
            file.write = lambda text: self._step(lambda: write(text), lambda: cut_short(text))
        return file

    def _update_in_parts(self, path: str, option: str, template: str, *values: str) -> None:
        self._step(
            lambda: self._update(path, option, template, *values),
            lambda: tear(path, lambda value: self._update(path, option, template, value), values),
        )


class Machine:
    """A directory with a log and RRD files, a clock, and a script: what happens each time the daemon waits."""

    def __init__(
        self,
        directory: Path,
        now: float,
        script: Sequence[Step],
        log: Path | None = None,
        store: Callable[[], Store] | None = None,
        options: Options | None = None,
    ) -> None:
        """The log and the RRD files are in the directory, if ``log`` and ``store`` do not say another place."""
        self.directory = directory
        self.log = log or directory / "mail.log"
        self.now = now
        self.options = options or Options()
        self.said: list[str] = []
        self.sent: dict[int, int] = {}
        """What was written to the RRDs of the counter, by minute."""

        self._script = list(script)
        self._store = store or self._own_store
        self.hangup = False
        directory.mkdir()
        self.log.touch()

    @property
    def stop(self) -> bool:
        """What the daemon asks its signals: whether to end."""
        return not self._script

    def wait(self, _seconds: float, *_descriptors: int) -> None:
        """The daemon waits; meanwhile the script goes on."""
        if self._script:
            self._script.pop(0)(self)

    def go_on_with(self, script: Sequence[Step]) -> None:
        """What happens after a restart."""
        self._script = list(script)

    def write(self, *lines: str) -> None:
        """Somebody writes lines into the log."""
        with self.log.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        os.utime(self.log, (self.now, self.now))

    def run(self) -> None:
        """The daemon from its start to the end of the script, or to a crash."""
        counting = Counting(
            str(self.log),
            self._store(),
            self.options,
            None,
            Checkpoint(str(self.directory / "mailgraph.checkpoint")),
            say=self.said.append,
            report=self._report,
            clock=lambda: self.now,
        )
        with contextlib.suppress(UnreachableError):  # the loop waits for it
            counting.start()
        log = Followed(
            counting,
            lambda start: Follower(str(self.log), *start, say=self.said.append),
            self.said.append,
            clock=lambda: self.now,
        )
        Loop([log], self, lambda: None).run()  # type: ignore[arg-type]

    def _own_store(self) -> Store:
        access = Direct(UnderWay(str(self.directory / "mailgraph.underway")), pause=lambda _seconds: None)
        access.mend()
        return Store(str(self.directory), FAMILIES, access=access)

    def _report(self, line: str) -> None:
        minute, sent, *_ = line.removeprefix("update ").split(":")
        if int(sent):
            self.sent[int(minute)] = int(sent)

    def last(self) -> int:
        """The newest minute of the RRD file of sent mail."""
        return int(rrdtool.last(str(self.directory / "mailgraph.rrd")))

    def dump(self, directory: Path | None = None) -> dict[str, str]:
        """All that the RRD files hold, by file name; it is written into ``directory`` for that, or beside them."""
        return dump(self.directory, directory)


def dump(rrd_dir: Path, directory: Path | None = None) -> dict[str, str]:
    """All that the RRD files in a directory hold, by file name; written into another one for that, or beside them."""
    dumped = {}
    for file in sorted(rrd_dir.glob("*.rrd")):
        text = (directory or rrd_dir) / f"{file.name}.xml"
        rrdtool.dump(str(file), str(text))
        dumped[file.name] = text.read_text()
    return dumped
