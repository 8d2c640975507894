""".ci/run installs what the tests run, and what bin/setup would: three lists in step."""

import ast
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.programs import require
from tests.sources.test_rotation import COMPRESSIONS

ROOT = Path(__file__).parents[2]

NAMED_IN_TABLES = {"tests/sources/test_rotation.py": {command[0] for command in COMPRESSIONS.values()}}
"""Programs whose names don't stand in the call of ``require`` itself, by the file that calls it."""


def ci_packages() -> set[str]:
    (block,) = re.findall(r"(?ms)^packages=\(\n(.*?)^\)", (ROOT / ".ci/run").read_text())
    return {package for line in block.splitlines() for package in line.partition("#")[0].split()}


def setup_packages() -> set[str]:
    (packages,) = re.findall(r"apt-get install (?:-\S+ )*(.*)", (ROOT / "bin/setup").read_text())
    return set(packages.split())


def required() -> dict[str, str]:
    """Each program that a test requires, with a file that does; "?" stands for one that no text names."""
    programs = {}
    for file in ROOT.glob("tests/**/*.py"):
        name = file.relative_to(ROOT).as_posix()
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "require":
                (program,) = call.args
                named = {program.value} if isinstance(program, ast.Constant) else NAMED_IN_TABLES.get(name, {"?"})
                programs |= {str(each): name for each in named}
    return programs


PROGRAMS = {program: file for program, file in required().items() if file != "tests/packaging/test_ci.py"}


def packages_of(program: str) -> set[str]:
    """The Debian packages that the program's file belongs to, wherever a link leads."""
    path = require(program)
    paths = {path, os.path.realpath(path), path.removeprefix("/usr"), os.path.realpath(path).removeprefix("/usr")}
    done = subprocess.run(["dpkg-query", "--search", *paths], check=False, capture_output=True, text=True)
    return {line.partition(":")[0] for line in done.stdout.splitlines()}


def field(name: str, package: str) -> str:
    command = ["dpkg-query", "--show", f"--showformat=${{{name}}}", package]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def is_essential(package: str) -> bool:
    return field("Essential", package) == "yes"


def depended_on(package: str) -> set[str]:
    """What an installed package depends on directly: nginx-light is a choice of modules, the program is nginx'."""
    return set(re.findall(r"[a-z0-9][a-z0-9.+-]+", re.sub(r"\(.*?\)", "", field("Depends", package))))


def test_ci_installs_what_setup_would() -> None:
    assert setup_packages() - ci_packages() == set()


def test_each_required_program_has_a_name() -> None:
    assert "?" not in PROGRAMS


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_ci_installs_each_program_that_tests_run(program: str) -> None:
    require("dpkg-query")
    packages = packages_of(program)
    installed = ci_packages().union(*map(depended_on, ci_packages()))
    assert packages, f"{program} ({PROGRAMS[program]}) belongs to no package"
    assert packages & installed or any(map(is_essential, packages)), f"{packages} is not in .ci/run"


def test_a_missing_program_fails_in_ci_and_skips_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = "no-such-program"
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"^no-such-program is not installed; .ci/run installs"):
        require(missing)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match=r"^no-such-program is not installed$"):
        require(missing)
