"""The page draws the files that another machine's rrdcached has, and the same pictures of them as of its own."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from mailgraph import config, farfile
from mailgraph.cached import Cached
from mailgraph.config import ConfigError, page_dir
from mailgraph.farfile import FarFile, consolidated
from mailgraph.files import Unusable
from mailgraph.page import Page
from mailgraph.rrd import Access, Store
from mailgraph.rrdcached import Connection
from mailgraph.rrdfile import RrdFile
from mailgraph.schema import FAMILIES, STEP
from tests.cached.server import Server, Silent, serving
from tests.conftest import SetZone
from tests.page.png import pixels, size

NOW = 1_800_000_060
DAY = 1440
COUNTERS = (
    "sent",
    "received",
    "bounced",
    "rejected",
    "virus",
    "spam",
    "greylisted",
    "delayed",
    "delivered",
    "deferred",
)


def write(directory: str, access: Access | None = None) -> None:
    """Forty days, with a gap of an hour in the last."""
    store = Store(directory, FAMILIES, access=access)
    counts = {
        NOW - minute * STEP: {counter: (minute * 7 + place) % (11 + place) for place, counter in enumerate(COUNTERS)}
        for minute in range(1, 40 * DAY)
    }
    for family in FAMILIES:
        if store.write(family, counts, NOW - 40 * DAY * STEP, NOW - 10 * DAY * STEP):
            store.write(family, counts, NOW - 40 * DAY * STEP, NOW - STEP)


class Machine:
    """A mail server whose files are with an rrdcached, and its page."""

    def __init__(self, directory: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.configuration = directory / "default"
        monkeypatch.setenv("MAILGRAPH_CONFIG", str(self.configuration))
        self.rrd_dir = directory / "own"
        self.rrd_dir.mkdir()
        self.configure(RRDCACHED=server.tcp)

    def configure(self, **values: str) -> None:
        given = {"RRD_DIR": str(self.rrd_dir), "RRDCACHED_HOST": "a"} | values
        self.configuration.write_text("".join(f"{name}={value}\n" for name, value in given.items()))

    def get(self, query: str, rrd_dir: str | None = None) -> tuple[str, bytes]:
        """Status and body; of the files in ``rrd_dir``, or of those that the configuration means."""
        status: list[str] = []
        page = Page(rrd_dir, "mailgraph" if rrd_dir else None, host="mail", now=lambda: NOW + 30)
        environ: dict[str, Any] = {"QUERY_STRING": query, "wsgi.errors": StringIO()}
        body = b"".join(page(environ, lambda said, _headers: status.append(said)))  # type: ignore[arg-type]
        return status[0], body


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with the files of the host ``a``, which no test changes."""
    with serving(tmp_path_factory.mktemp("far") / "far") as running:
        connection = Connection(running.tcp)
        write("hosts/a", Cached(connection))
        connection.close()
        yield running


@pytest.fixture
def machine(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, set_zone: SetZone) -> Machine:
    set_zone("UTC")
    return Machine(tmp_path, server, monkeypatch)


TABLES = (
    *(f"{period}-{graph}.csv" for period in range(4) for graph in "negd"),
    "g=n&from=now-6h&to=now&form=csv",
    "g=e&from=now-30h&to=now-20h&form=csv",
    "g=d&from=now-60d&to=now&form=csv",
)


def test_pages_and_tables_are_those_of_files_at_hand(machine: Machine, server: Server) -> None:
    here = str(server.base / "hosts" / "a")
    for query in TABLES:
        status, table = machine.get(query)
        assert status == "200 OK", query
        assert numbers(table) == numbers(machine.get(query, here)[1]), query
    assert machine.get("") == machine.get("", here)


def numbers(table: bytes) -> list[list[str]]:
    """A table's words, and its numbers but for their last digits: here a minute's sum may have another order."""
    rows = [line.split(",") for line in table.decode().splitlines()]
    return [rows[0], *([time, *(f"{float(word):.9g}" if word else "" for word in words)] for time, *words in rows[1:])]


@pytest.mark.parametrize("query", ["0-n", "1-e", "2-d", "g=e&from=now-6h&to=now&form=png"])
def test_pictures_are_those_of_files_at_hand(machine: Machine, server: Server, query: str) -> None:
    here = str(server.base / "hosts" / "a")
    status, far = machine.get(query)
    assert status == "200 OK"
    assert difference(far, machine.get(query, here)[1]) < 0.02
    assert difference(far, machine.get(f"{query}&theme=dark", here)[1]) > 0.5


def difference(one: bytes, other: bytes) -> float:
    """The part of two pictures that differs.  The last bit of a number that librrd reads may make a pixel lighter."""
    if size(one) != size(other):
        return 1
    pairs = [pair for rows in zip(pixels(one), pixels(other), strict=True) for pair in zip(*rows, strict=True)]
    return sum(a != b for a, b in pairs) / len(pairs)


def test_without_its_rrdcached_the_page_says_so_once(machine: Machine, server: Server) -> None:
    server.kill()
    try:
        status, page = machine.get("")
        assert status == "200 OK"
        assert page.decode().count("Connection refused") == 1
        status, picture = machine.get("0-n")
        assert status == "500 Internal Server Error"
        assert b"reach rrdcached at" in picture
    finally:
        server.start()


def test_a_hanging_one_holds_the_page_up_once(
    machine: Machine, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(farfile, "TIMEOUT", 0.2)
    with server.hung():
        assert machine.get("")[1].count(b"no answer for 0.2 s") == 1
    assert machine.get("0-n.csv")[0] == "200 OK"


def test_one_that_hangs_is_asked_for_one_file_only(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farfile, "TIMEOUT", 0.1)
    with Silent() as silent:
        machine.configure(RRDCACHED=silent.address)
        machine.get("")
        assert silent.callers() == 1


@pytest.mark.parametrize("kind", ["AVERAGE", "MAX"])
@pytest.mark.parametrize(
    ("suffix", "source", "steps"),
    [("", "sent", 8), ("", "rejected", 56), ("_minutes", "sent", 1), ("_delivery", "deferred", 8)],
)
def test_rows_are_those_of_the_archive_also_beyond_its_ends(
    server: Server, kind: str, suffix: str, source: str, steps: int
) -> None:
    far = FarFile(f"rrdcached://{server.tcp}/hosts/a/mailgraph{suffix}.rrd", Unusable)
    near = RrdFile(str(server.base / f"hosts/a/mailgraph{suffix}.rrd"))
    row = steps * STEP
    now = NOW // row * row
    for start, end in ((now - 9 * row, now), (now - 4000 * row, now + 9 * row), (now - 4000 * row, now - 3500 * row)):
        found = far.rows(source, kind, steps, start, end)
        assert [f"{value:.12g}" for value in found] == [
            f"{value:.12g}" for value in near.rows(source, kind, steps, start, end)
        ]
    assert (far.last, far.step, far.sources) == (near.last, near.step, near.sources)


def test_a_restart_of_rrdcached_between_two_pictures_is_not_seen(machine: Machine, server: Server) -> None:
    before = machine.get("0-n")
    server.restart()
    assert machine.get("0-n") == before
    assert before[0] == "200 OK"


def test_a_forbidden_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "far", "-B", "-P", "FLUSH") as server:
        page = Machine(tmp_path, server, monkeypatch).get("")[1].decode()
    assert "INFO: Permission denied. (rrdcached must allow INFO and FETCH, see its -P)" in page


def test_what_is_not_there_yet_is_said(machine: Machine, server: Server) -> None:
    machine.configure(RRDCACHED=server.tcp, RRDCACHED_HOST="b")
    page = machine.get("")[1].decode()
    assert f"there is no rrdcached://{server.tcp}/hosts/b/mailgraph.rrd yet (start mailgraph" in page


def test_where_the_files_are_the_page_reads_them_itself(machine: Machine, server: Server) -> None:
    values = {"RRD_DIR": str(machine.rrd_dir), "RRDCACHED": server.tcp, "RRDCACHED_HOST": "a"}
    assert page_dir(values) == f"rrdcached://{server.tcp}/hosts/a"
    assert page_dir(values | {"SPLIT_HOSTS": "true"}) == f"rrdcached://{server.tcp}"
    assert page_dir(values | {"RRDCACHED": server.unix}) == str(machine.rrd_dir)
    assert page_dir(values | {"RRD_DIR": str(server.base)}) == str(server.base)
    assert page_dir({"RRD_DIR": "/rrds"}) == "/rrds"


def test_an_address_that_is_none_is_said_by_the_page(machine: Machine) -> None:
    machine.configure(RRDCACHED="a:b")
    with pytest.raises(ConfigError, match="'a:b' is no address"):
        page_dir(config.load())
    assert b"is no address; write HOST:PORT" in machine.get("")[1]


@pytest.mark.parametrize(
    ("kind", "values", "row"),
    [
        ("AVERAGE", [1, 2, 3, 6], 3),
        ("MAX", [1, 2, 6, 3], 6),
        ("AVERAGE", [1, 3, float("nan"), float("nan")], 2),
        ("MAX", [2, float("nan")], 2),
    ],
)
def test_rows_are_put_together_as_librrd_does(kind: str, values: list[float], row: float) -> None:
    assert consolidated(kind, values) == row


def test_a_row_of_which_less_than_half_is_known_is_unknown() -> None:
    assert repr(consolidated("AVERAGE", [1, float("nan"), float("nan")])) == "nan"
