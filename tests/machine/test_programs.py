"""Programs that run beside the counting: real ones, that hang, flood, fail, and leave children behind."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailgraph.programs import Run
from tests.daemon.process import until

Start = Callable[..., Run]


class Elapsed:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


@pytest.fixture
def start(elapsed: Elapsed) -> Iterator[Start]:
    """Runs a shell's script with 5 seconds and 1000 bytes; ends it with the test."""
    runs: list[Run] = []

    def start(script: str) -> Run:
        runs.append(Run(["/bin/sh", "-c", script], 5, 1000, elapsed))
        return runs[-1]

    yield start
    for run in runs:
        run.end()


def running(word: str) -> list[int]:
    """The processes with the word among their arguments, zombies left out."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                found.append(int(pid))
        except OSError:  # it has just ended
            continue
    return found


def marked(tmp_path: Path, script: str) -> tuple[str, str]:
    """A file name of this test, which stands among the arguments of each ``sleep`` of the script."""
    (tmp_path / "slept").symlink_to("/bin/sleep")
    word = str(tmp_path / "slept")
    return script.replace("sleep", word), word


def test_what_a_program_says_is_its_output(start: Start) -> None:
    run = start("echo one 1; echo two 2")
    until(run.over)
    assert (run.output, run.fault, run.descriptors) == (b"one 1\ntwo 2\n", "", [])


def test_nobody_waits_for_a_program(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    run = start(f"read line <{tmp_path}/gate; echo x 1")
    assert not run.over()
    assert len(run.descriptors) == 2
    (tmp_path / "gate").write_text("go\n")
    until(run.over)
    assert run.output == b"x 1\n"


def test_one_that_hangs_is_ended_after_its_time_with_all_its_processes(
    start: Start, elapsed: Elapsed, tmp_path: Path
) -> None:
    script, word = marked(tmp_path, "trap '' TERM HUP INT; sleep 1000 & sleep 1000 | sleep 1000")
    run = start(script)
    until(lambda: len(running(word)) >= 3)
    elapsed.now += 5
    assert not run.over()
    elapsed.now += 0.1
    until(run.over)
    assert run.fault == "took longer than 5 s"
    assert run.descriptors == []
    until(lambda: not running(word))


@pytest.mark.parametrize("where", ["1", "2"])
def test_one_that_floods_is_ended(start: Start, where: str) -> None:
    run = start(f"exec yes '{'x' * 100}' >&{where}")
    until(run.over)
    assert run.fault == "says more than 1000 bytes"
    assert len(run.output) < 1000 + 2 * 65536


def test_one_that_leaves_a_child_behind_is_over_and_the_child_too(start: Start, tmp_path: Path) -> None:
    script, word = marked(tmp_path, "sleep 1000 & echo x 1")
    run = start(script)
    until(run.over)
    assert (run.output, run.fault) == (b"x 1\n", "")
    until(lambda: not running(word))


def test_a_child_in_a_session_of_its_own_is_not_waited_for(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "away")
    script, word = marked(tmp_path, "setsid sh -c 'echo >AWAY; exec sleep 1000' & read line <AWAY; echo x 1")
    run = start(script.replace("AWAY", f"{tmp_path}/away"))
    try:
        until(run.over)
        assert (run.output, run.fault) == (b"x 1\n", "")
    finally:
        until(lambda: running(word))
        for pid in running(word):
            os.kill(pid, 9)


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("exit 3", "ended with status 3"),
        ("echo x 1; echo no disk >&2; echo more >&2; exit 1", "ended with status 1: no disk"),
        ("printf '\\033[2J\\000\\377bad' >&2; exit 1", "ended with status 1: ?[2J?\ufffdbad"),
        ("kill -SEGV $$", "was ended by signal 11"),
    ],
)
def test_a_failure_is_told_with_its_reason(start: Start, script: str, fault: str) -> None:
    run = start(script)
    until(run.over)
    assert run.fault == fault


def test_a_complaint_of_one_that_succeeds_is_none(start: Start) -> None:
    run = start("echo careful >&2; echo x 1")
    until(run.over)
    assert (run.output, run.fault) == (b"x 1\n", "")


def test_one_that_has_closed_its_output_wakes_nobody(start: Start, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    run = start(f"exec >&- 2>&-; read line <{tmp_path}/gate")
    until(lambda: not run.over() and not run.descriptors)
    (tmp_path / "gate").write_text("go\n")
    until(run.over)
    assert run.fault == ""


def test_a_program_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program\n")
    (tmp_path / "text").chmod(0o755)
    with pytest.raises(OSError, match="Exec format"):
        Run([str(tmp_path / "text")], 5, 1000)
    with pytest.raises(FileNotFoundError):
        Run([str(tmp_path / "nothing")], 5, 1000)


def test_numbers_have_a_point_and_there_is_no_input(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    run = start("echo $LC_ALL; pwd; cat")
    until(run.over)
    assert run.output == b"C\n/\n"


def test_ending_the_daemon_ends_what_runs(start: Start, tmp_path: Path) -> None:
    script, word = marked(tmp_path, "sleep 1000 & sleep 1000")
    run = start(script)
    until(lambda: len(running(word)) >= 2)
    run.end()
    until(lambda: not running(word))
