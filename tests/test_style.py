"""The whole project is clean by its own linters, whose settings stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import require

ROOT = Path(__file__).parent.parent
SCRIPT = "cgi-bin/mailgraph.cgi"
LINTERS = (("ruff", "check", ".", SCRIPT), ("ruff", "format", "--check", ".", SCRIPT), ("mypy",))
SHELL_SCRIPTS = (*sorted(ROOT.glob("bin/*")), ROOT / ".ci/run", ROOT / "init/mailgraph")


def complaints(*command: str | Path) -> str:
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return result.stdout + result.stderr if result.returncode else ""


@pytest.mark.parametrize("linter", LINTERS, ids=" ".join)
def test_python_is_clean_by(linter: tuple[str, ...]) -> None:
    assert complaints(sys.executable, "-m", *linter) == ""


def test_shell_scripts_are_clean_by_shellcheck() -> None:
    assert complaints(require("shellcheck"), *SHELL_SCRIPTS) == ""
