"""kill -9 for real, at random moments, under a log that is written at full speed and rotated."""

from pathlib import Path

import pytest

from tests.crash import kill9
from tests.crash.kill9 import Plan


@pytest.mark.parametrize("seed", [1, 2])
def test_every_event_is_counted_exactly_once(tmp_path: Path, seed: int) -> None:
    result = kill9.run("ours", tmp_path, Plan(kills=20, rotations=10, seconds=8, rate=50_000, speed=30, seed=seed))
    assert result.rotations == 10
    assert result.written > 10_000
    assert result.counted == result.written
