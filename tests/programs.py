"""System programs that tests run: a missing one fails the suite in CI and is a visible skip elsewhere."""

import os
import shutil

import pytest

SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def require(program: str) -> str:
    """The path of ``program``; skips the test where it is not installed, or fails it where CI=true."""
    found = shutil.which(program, path=SYSTEM_PATH)
    if found:
        return found
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed; .ci/run installs what the tests need")
    pytest.skip(f"{program} is not installed")
