"""rrdcached dies (kill -9) at each step of what the daemon asks of it: the RRDs are the same in the end."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgraph.cached import Cached
from mailgraph.checkpoint import Checkpoint
from mailgraph.counting import Counting
from mailgraph.rrd import Store, UnreachableError
from mailgraph.rrdcached import Answer, Connection
from mailgraph.scanner import Options
from tests.cached.server import Server, Silent, serving
from tests.conftest import SetZone
from tests.crash.harness import FAMILIES, Machine, dump
from tests.crash.test_every_step import NOW, SCRIPT, at

BEFORE, WITHIN, AFTER, DOWN = range(4)
"""It dies before it is asked; with the first of the commands done; with all done and nothing answered; and stays down."""

STRIDE = 5
"""Each way is tried at every so many steps, beginning with another each: a restart takes a tenth of a second."""


class Mortal(Connection):
    """A connection to an rrdcached that dies at a step."""

    def __init__(self, server: Server, dies_at: int, how: int) -> None:
        super().__init__(server.tcp, timeout=5)
        self.steps = 0
        self._server = server
        self._dies_at = dies_at
        self._how = how

    def ask(self, *commands: str) -> list[Answer]:
        """As rrdcached does, but at the step at which it dies."""
        self.steps += 1
        if self.steps != self._dies_at:
            return super().ask(*commands)
        if self._how == WITHIN:
            super().ask(commands[0])
        elif self._how == AFTER:
            super().ask(*commands)
        self._server.kill()
        try:
            if self._how == BEFORE:
                self._server.start()
            return super().ask(*commands)
        finally:
            if self._how != BEFORE:
                self._server.start()


@pytest.fixture
def server(tmp_path: Path, set_zone: SetZone) -> Iterator[Server]:
    set_zone("UTC")
    with serving(tmp_path / "far") as running:
        yield running


def run(server: Server, directory: Path, dies_at: int = 0, how: int = BEFORE) -> Mortal:
    """The daemon through rrdcached, and once more at the end, as after a restart of its machine."""
    connection = Mortal(server, dies_at, how)
    access = Cached(connection, pause=lambda _seconds: None)
    machine = Machine(directory, NOW, (*SCRIPT, at(NOW + 620)), store=lambda: Store("hosts/a", FAMILIES, access=access))
    machine.run()
    machine.go_on_with([])
    machine.run()
    connection.close()
    return connection


def test_rrdcached_may_die_at_any_step(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    direct = Machine(tmp_path / "direct", NOW, (*SCRIPT, at(NOW + 620)))
    direct.run()
    expected = direct.dump()
    assert len(expected) == 4
    steps = run(server, tmp_path / "undisturbed").steps
    assert dump(server.base / "hosts" / "a") == expected
    tried = 0
    for how in (BEFORE, WITHIN, AFTER, DOWN):
        for step in range(1 + how, steps, STRIDE):
            shutil.rmtree(server.base / "hosts")
            server.restart()
            run(server, tmp_path / f"{how}-{step}", step, how)
            tried += 1
            assert dump(server.base / "hosts" / "a") == expected, f"died at step {step}, way {how}"
    with capsys.disabled():
        print(f"\n{steps} steps, {tried} deaths tried")
    assert tried > 30


def test_one_that_hangs_is_waited_for_once_and_not_with_each_file(server: Server, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "here", NOW, SCRIPT)
    machine.run()
    ticking = itertools.count()  # nothing was a moment ago
    with Silent() as silent:
        connection = Connection(silent.address, timeout=0.2, clock=ticking.__next__)
        store = Store("hosts/a", FAMILIES, access=Cached(connection))
        checkpoint = Checkpoint(str(machine.directory / "mailgraph.checkpoint"))
        counting = Counting(str(machine.log), store, Options(), None, checkpoint, say=print, clock=lambda: NOW + 700)
        counting.start()
        assert silent.callers() == 2  # for a look at the files, and to write
        counting.caught_up()
        with pytest.raises(UnreachableError, match=r"no answer for 0\.2 s"):
            counting.write()
        assert silent.callers() == 1
