"""System programs that tests run: a missing one fails the suite in CI and is a visible skip elsewhere."""

import os
import shutil
from typing import NoReturn

SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def found(program: str) -> str | None:
    """The path of ``program``, None where it is not installed."""
    return shutil.which(program, path=SYSTEM_PATH)


def require(program: str) -> str:
    """The path of ``program``; skips the test where it is not installed, or fails it where CI=true."""
    return found(program) or _missing(program)


def _missing(program: str) -> NoReturn:
    import pytest  # 20 MB, which bin/bench would see in each program that it measures

    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed; .ci/run installs what the tests need")
    pytest.skip(f"{program} is not installed")
