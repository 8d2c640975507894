import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgraph.page import Page
from mailgraph.schema import FAMILIES, Family
from tests.page.browser import Browser
from tests.page.rrds import NOON, Patterned, one_a_minute
from tests.page.servers import WEB_SERVERS, Client
from tests.programs import require


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """But what a test configures itself: this machine may have a mailgraph of its own."""
    monkeypatch.setenv("MAILGRAPH_CONFIG", os.devnull)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, str]:
    """RRD files with one message of each kind a minute over 420 days, up to NOON."""
    return one_a_minute(tmp_path_factory.mktemp("rrd"), NOON, days=420)


@pytest.fixture(scope="session")
def all_files(files: dict[Family, str], tmp_path_factory: pytest.TempPathFactory) -> dict[Family, str]:
    """The same with the files that are made on demand."""
    on_demand = tuple(family for family in FAMILIES if family.on_demand)
    return files | one_a_minute(tmp_path_factory.mktemp("on-demand"), NOON, days=420, families=on_demand)


@pytest.fixture(scope="session")
def patterned(tmp_path_factory: pytest.TempPathFactory) -> dict[Family, str]:
    """RRD files with changing counts over 40 days, up to NOON."""
    return one_a_minute(tmp_path_factory.mktemp("patterned"), NOON, days=40, families=FAMILIES, counts=Patterned())


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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    browser = Browser(require("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="module", params=WEB_SERVERS, ids=lambda server: server.__name__)
def served(
    request: pytest.FixtureRequest, fresh: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Client, str]]:
    directory = tmp_path_factory.mktemp(request.param.__name__)
    (directory / "default").write_text(f"RRD_DIR={fresh}\n")
    with request.param(directory, str(directory / "default")) as served:
        yield served
