"""Values of one's own: a directory of small programs."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailgraph.programs import Run
from mailgraph.sampling import Outcome
from mailgraph.values import FEW, LIMIT, Values, parsed, programs
from tests.daemon.process import until

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root refuses what others may write")


class Directory:
    """A directory of programs, and what a minute of them comes to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = 0.0
        self.started: list[str] = []
        self.values = Values(str(path), self._start)

    def _start(self, command: "list[str]", seconds: float, most: int) -> Run:
        run = Run(command, seconds, most, lambda: self.now)
        self.started.append(os.path.basename(command[0]))
        return run

    def add(self, name: str, script: str, mode: int = 0o755) -> Path:
        file = self.path / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(mode)
        return file

    def outcomes(self, *, begin: bool = True, of: int = 1) -> dict[str, Outcome]:
        """A minute: what each of so many programs comes to, by name."""
        found: dict[str, Outcome] = {}
        if begin:
            self.values.begin()

        def all_there() -> bool:
            found.update({os.path.basename(one.subject): one for one in self.values.collect()})
            return len(found) >= of + begin  # one is the directory's

        until(all_there)
        if begin:
            del found[self.path.name]
        return found

    def samples(self, of: int = 1) -> dict[str, float]:
        """A minute: file and value."""
        return {
            family.file_name(): value
            for outcome in self.outcomes(of=of).values()
            for family, values in outcome.values
            for value in values.values()
        }


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    (tmp_path / "values").mkdir()
    directory = Directory(tmp_path / "values")
    yield directory
    directory.values.close()


def test_each_value_goes_into_a_file_of_its_own(directory: Directory) -> None:
    directory.add("disk", "echo disk_free 12.5; echo inodes -3e2")
    assert directory.samples() == {"mailgraph_value_disk_free.rrd": 12.5, "mailgraph_value_inodes.rrd": -300.0}


def test_programs_run_again_each_minute(directory: Directory, tmp_path: Path) -> None:
    directory.add("count", f"echo x >>{tmp_path}/runs; echo runs $(wc -l <{tmp_path}/runs)")
    assert [directory.samples() for _ in range(3)] == [{"mailgraph_value_runs.rrd": number} for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("rubbish", "line 2 is no name and value: 'rubbish'"),
        ("a b c", "line 2 is no name and value: 'a b c'"),
        ("x" * 5000, "line 2 is no name and value: '" + "x" * 40 + "'"),
        ("Big 1", "line 2 has no name of a to z, 0 to 9 and _, 19 of them at most, a letter first: 'Big'"),
        ("../x 1", "line 2 has no name of a to z, 0 to 9 and _, 19 of them at most, a letter first: '../x'"),
        (
            "a" * 20 + " 1",
            "line 2 has no name of a to z, 0 to 9 and _, 19 of them at most, a letter first: '" + "a" * 20 + "'",
        ),
        ("_a 1", "line 2 has no name of a to z, 0 to 9 and _, 19 of them at most, a letter first: '_a'"),
        ("x one", "line 2 has no number behind x: 'one'"),
        ("x nan", "line 2 has no number behind x: 'nan'"),
        ("x inf", "line 2 has no number behind x: 'inf'"),
        ("x 1e999", "line 2 has no number behind x: '1e999'"),
        ("x 1_000", "line 2 has no number behind x: '1_000'"),
        ("x 1,5", "line 2 has no number behind x: '1,5'"),
        ("ü 1", "line 2 has no name of a to z, 0 to 9 and _, 19 of them at most, a letter first: '\ufffd\ufffd'"),
        ("good 2", "line 2 gives good again"),
    ],
)
def test_a_line_that_is_no_value_is_told_and_the_others_count(line: str, fault: str) -> None:
    values, said = parsed(f"good 1\n{line}\n\nlast 3\n".encode())
    assert ({name: values[name] for name in ("good", "last")}, len(values)) == ({"good": 1, "last": 3}, 2)
    assert said == fault


def test_the_first_of_many_bad_lines_is_told() -> None:
    assert parsed(b"\0\xff\x1b[2J\nbad\n" * 1000) == ({}, "line 1 is no name and value: '\\x00\ufffd\\x1b[2J'")


@pytest.mark.parametrize("text", [b"", b"\n\n", b"  \n"])
def test_a_program_may_have_nothing_to_say(text: bytes) -> None:
    assert parsed(text) == ({}, "")


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("echo x 1; exit 1", "ended with status 1"),
        ("echo x 1; exec yes", "says more than 65536 bytes"),
        ("echo x 1; kill -9 $$", "was ended by signal 9"),
    ],
)
def test_of_one_that_fails_no_value_counts(directory: Directory, script: str, fault: str) -> None:
    file = directory.add("bad", script)
    assert directory.outcomes() == {"bad": Outcome(str(file), fault=fault)}


def test_one_that_hangs_is_ended_and_the_others_count(directory: Directory) -> None:
    directory.add("hang", "exec sleep 1000")
    directory.add("quick", "echo x 1")
    found = directory.outcomes()
    assert list(found) == ["quick"]
    directory.now = 5.1
    assert directory.outcomes(begin=False)["hang"].fault == "took longer than 5 s"


def test_one_that_still_runs_is_not_started_again(directory: Directory) -> None:
    directory.add("hang", "exec sleep 1000")
    for _ in range(3):
        directory.values.begin()
        list(directory.values.collect())
    assert directory.started == ["hang"]


def test_few_run_at_a_time_and_all_in_the_end(directory: Directory, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    names = [f"p{number}" for number in range(2 * FEW)]
    for name in names:
        directory.add(name, f"read line <{tmp_path}/gate; echo {name} 1")
    directory.values.begin()
    list(directory.values.collect())
    assert directory.started == names[:FEW]
    gate = os.open(tmp_path / "gate", os.O_RDWR)
    os.write(gate, b"go\n" * len(names))
    found = directory.outcomes(begin=False, of=len(names))
    os.close(gate)
    assert sorted(found) == names
    assert {one.fault for one in found.values()} == {""}


@pytest.mark.parametrize("name", ["x.sh", "x~", "x.dpkg-old", "#x#", "ü", ".hidden"])
def test_files_of_other_names_are_no_programs(directory: Directory, name: str) -> None:
    directory.add(name, "echo x 1")
    directory.add("good-one_2", "echo y 1")
    assert directory.samples() == {"mailgraph_value_y.rrd": 1}


def test_what_is_not_run_is_listed_with_its_reason(directory: Directory) -> None:
    path = directory.path
    directory.add("README", "text", 0o644)
    directory.add("x.sh", "echo x 1")
    (path / "subdirectory").mkdir()
    (path / "link").symlink_to(path / "nowhere")
    assert [(os.path.basename(each.path), each.fault, each.mend) for each in programs(str(path))] == [
        ("README", "it is not executable", f"chmod +x {path}/README"),
        ("link", "No such file or directory", f"rm {path}/link"),
        ("subdirectory", "it is no file", f"mv {path}/subdirectory elsewhere"),
        ("x.sh", "its name has other characters than letters, digits, - and _", f"mv {path}/x.sh another"),
    ]
    directory.values.begin()
    assert [outcome.fault for outcome in directory.values.collect()] == [""]


def test_a_link_to_a_program_is_one(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "real").write_text("#!/bin/sh\necho x 1\n")
    (tmp_path / "real").chmod(0o755)
    (directory.path / "link").symlink_to(tmp_path / "real")
    assert directory.samples() == {"mailgraph_value_x.rrd": 1}


@ROOT_ONLY
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda file: file.chmod(0o757), "root does not run it: others may write {file} (chmod go-w {file})"),
        (
            lambda file: (os.chown(file, 0, 65534), file.chmod(0o775)),
            "root does not run it: others may write {file} (chmod go-w {file})",
        ),
        (lambda file: os.chown(file, 65534, 0), "root does not run it: {file} belongs to nobody (chown root {file})"),
        (
            lambda file: file.parent.chmod(0o1777),
            "root does not run it: others may write {file.parent} (chmod go-w {file.parent})",
        ),
    ],
    ids=["world", "group", "owner", "directory"],
)
def test_root_runs_nothing_that_others_may_write(
    directory: Directory, change: Callable[[Path], object], fault: str
) -> None:
    file = directory.add("x", "echo x 1")
    change(file)
    assert directory.outcomes()["x"].fault == fault.format(file=file)
    assert directory.started == []


@ROOT_ONLY
def test_nor_a_link_to_such_a_program(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir(mode=0o755)
    os.chown(tmp_path / "theirs", 65534, 65534)
    (tmp_path / "theirs/real").write_text("#!/bin/sh\necho x 1\n")
    (tmp_path / "theirs/real").chmod(0o755)
    (directory.path / "link").symlink_to(tmp_path / "theirs/real")
    assert directory.outcomes()["link"].fault.startswith(f"root does not run it: {tmp_path}/theirs belongs to nobody")


def test_a_value_is_one_programs(directory: Directory) -> None:
    first = directory.add("a", "echo x 1")
    directory.add(
        "b", "while [ ! -e ../gone ]; do sleep 0.01; done; echo x 2; echo y 3".replace("..", str(directory.path.parent))
    )
    assert directory.outcomes()["a"].fault == ""
    (directory.path.parent / "gone").touch()
    found = directory.outcomes(begin=False)["b"]
    assert (found.fault, [family.suffix for family, _ in found.values]) == (
        f"x is given by {first} already",
        ["_value_y"],
    )
    first.unlink()
    assert directory.samples()["mailgraph_value_x.rrd"] == 2


def test_names_without_end_are_refused(directory: Directory) -> None:
    directory.add("many", f"for n in $(seq {LIMIT + 5}); do echo v$n 1; done")
    found = directory.outcomes()["many"]
    assert len(found.values) == LIMIT
    assert found.fault == f"v{LIMIT + 1} is one value too many: there are {LIMIT} already"
    assert len(directory.outcomes()["many"].values) == LIMIT


def test_a_directory_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    values = Values(str(tmp_path / "nowhere"))
    values.begin()
    assert list(values.collect()) == [
        Outcome(str(tmp_path / "nowhere"), fault="can't read it: No such file or directory")
    ]


def test_a_program_that_is_none_is_a_fault(directory: Directory) -> None:
    file = directory.path / "text"
    file.write_text("no program")
    file.chmod(0o755)
    assert directory.outcomes()["text"].fault == "can't run it: Exec format error"
