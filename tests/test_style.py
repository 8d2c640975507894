"""The whole project is clean by its own linters, whose settings stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import require

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "linter", [("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)], ids=lambda linter: " ".join(linter)
)
def test_python_is_clean_by(linter: tuple[str, ...]) -> None:
    result = subprocess.run([sys.executable, "-m", *linter], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_shell_scripts_are_clean_by_shellcheck() -> None:
    shellcheck = require("shellcheck")
    scripts = [*sorted(ROOT.glob("bin/*")), ROOT / ".ci/run", ROOT / "init/mailgraph"]
    result = subprocess.run([shellcheck, *map(str, scripts)], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
