"""``--check`` looks at rrdcached, and at the files behind it."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mailgraph import schema
from mailgraph.cached import Cached
from mailgraph.check import Finding, Level
from mailgraph.rrd import Store
from mailgraph.rrdcached import Connection
from mailgraph.scanner import Options
from tests.cached.server import Server, serving
from tests.conftest import SetZone
from tests.test_check import NOW, Machine


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "far") as running:
        yield running


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_zone: SetZone) -> Iterator[Machine]:
    set_zone("UTC")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    with ExitStack() as stack:
        yield Machine(tmp_path, stack)


def findings(machine: Machine, server: Server) -> dict[str, Finding]:
    return machine.findings(rrdcached=server.tcp, rrdcached_host="a")


def write(server: Server, through: int) -> None:
    connection = Connection(server.tcp)
    store = Store("hosts/a", schema.CLASSICAL, access=Cached(connection))
    for family in schema.CLASSICAL:
        store.write(family, {}, NOW - 3600, through)
    connection.close()


def test_all_is_well(machine: Machine, server: Server) -> None:
    write(server, NOW - 120)
    found = findings(machine, server)
    assert found["rrdcached"].level == Level.OK
    assert found["rrdcached"].text == f"{server.tcp} answers; the files are hosts/a/mailgraph.rrd, ... there"
    assert found["mailgraph.rrd"] == Finding(Level.OK, "mailgraph.rrd", "ends at 2023-11-14 23:58, 2 min ago")
    assert found["mailgraph_spf.rrd"].level == Level.OK
    assert found["mailgraph_minutes.rrd"].text == "is not there yet"


def test_of_one_log_of_many_hosts_it_looks_at_the_totals(machine: Machine, server: Server) -> None:
    found = machine.findings(rrdcached=server.tcp, options=Options(hosts_limit=9))
    assert found["rrdcached"].text == f"{server.tcp} answers; the files are mailgraph.rrd, ... there"


def test_of_a_log_of_a_host_it_looks_at_the_hosts_files_there_and_its_checkpoint_here(
    machine: Machine, server: Server
) -> None:
    write(server, NOW - 120)
    checkpoint = machine.rrd_dir / "mailgraph.a.checkpoint"
    checkpoint.write_text("x")
    found = machine.findings(rrdcached=server.tcp, rrdcached_host="b", logs_of_hosts=(("a", str(machine.log)),))
    assert found["mailgraph.rrd of a"].text == "ends at 2023-11-14 23:58, 2 min ago"
    assert found["mailgraph.rrd"].text == "is not there yet"
    assert found["checkpoint of a"].mend.startswith(f"rm {checkpoint}:")


def test_the_page_of_a_mail_server_asks_rrdcached(machine: Machine, server: Server) -> None:
    values = machine.values | {"RRDCACHED": server.tcp, "RRDCACHED_HOST": "a"}
    found = machine.findings(values=values, rrdcached=server.tcp, rrdcached_host="a")
    assert found["page"] == Finding(Level.OK, "page", f"asks {server.tcp} for the RRD files")


def test_one_that_is_down(machine: Machine, server: Server) -> None:
    server.kill()
    found = findings(machine, server)
    assert found["rrdcached"] == Finding(
        Level.PROBLEM,
        "rrdcached",
        f"can't reach rrdcached at {server.tcp}: Connection refused",
        "see to it that it runs there, or mend RRDCACHED in the configuration",
    )
    assert "mailgraph.rrd" not in found


def test_a_file_that_is_not_ours(machine: Machine, server: Server) -> None:
    connection = Connection(server.tcp)
    connection.ask("CREATE hosts/a/mailgraph.rrd DS:load:GAUGE:120:0:U RRA:AVERAGE:0.5:1:9")
    connection.close()
    assert findings(machine, server)["mailgraph.rrd"].mend == (
        "it is not one of mailgraph's; move it away, and a new one will be made"
    )


def test_looking_changes_nothing(machine: Machine, server: Server) -> None:
    write(server, NOW - 120)
    connection = Connection(server.tcp)
    connection.ask(f"UPDATE hosts/a/mailgraph.rrd {NOW - 60}:1:1:1:1")
    assert findings(machine, server)["mailgraph.rrd"].text == "ends at 2023-11-14 23:58, 2 min ago"
    (pending,) = connection.ask("PENDING hosts/a/mailgraph.rrd")
    connection.close()
    assert pending.lines == (f"{NOW - 60}:1:1:1:1",)
