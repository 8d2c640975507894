import time
from pathlib import Path

import pytest

from mailgraph.page import Page
from mailgraph.schema import Family
from tests.page.rrds import NOON, Patterned, one_a_minute


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, str]:
    """RRD files with one message of each kind a minute over 420 days, up to NOON."""
    return one_a_minute(tmp_path_factory.mktemp("rrd"), NOON, days=420)


@pytest.fixture(scope="session")
def patterned(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, str]:
    """RRD files with changing counts over 40 days, up to NOON."""
    return one_a_minute(tmp_path_factory.mktemp("patterned"), NOON, days=40, counts=Patterned())


@pytest.fixture(scope="session")
def directory(files: dict[Family, str]) -> Path:
    return Path(next(iter(files.values()))).parent


@pytest.fixture
def page(directory: Path) -> Page:
    """The page as it was a second after NOON."""
    return Page(str(directory), "mailgraph", "mail.example.org", now=lambda: NOON + 1)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with RRD files of the last two days, for processes that ask the clock."""
    directory = tmp_path_factory.mktemp("fresh")
    one_a_minute(directory, int(time.time()) - 60)
    return directory
