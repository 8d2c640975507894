"""The tree as git knows it: what a clone would hold."""

import shutil
import subprocess
from pathlib import Path

from tests.programs import require

ROOT = Path(__file__).parents[2]


def files() -> list[str]:
    """The names of the tree's files."""
    git = [require("git"), "-c", f"safe.directory={ROOT}", "-C", ROOT, "ls-files", "-z"]
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout.rstrip("\0").split("\0")


def copy_to(directory: Path) -> Path:
    """A copy of the tree's files in the new ``directory``."""
    for name in files():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, directory / name)
    return directory
