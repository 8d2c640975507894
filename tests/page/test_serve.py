"""The little server of bin/run."""

import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.page import png
from tests.page.rrds import Steady, several
from tests.page.servers import PATIENCE, Client


class Serving:
    """``python -m mailgraph.serve`` with the address that it printed."""

    def __init__(self, *arguments: str | Path) -> None:
        command = [sys.executable, "-m", "mailgraph.serve", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline() if self.process.stdout else ""

    @property
    def port(self) -> int:
        address = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", self.line)
        assert address
        return int(address[1])

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.communicate(timeout=PATIENCE)


def test_it_serves_page_picture_and_style_sheet(fresh: Path) -> None:
    with Serving("--port", "0", "--rrd-dir", fresh) as serving:
        client = Client(serving.port)
        assert "<h1>Mail statistics for " in client.get("/").text
        assert png.size(client.get("/?0-n").body) == (637, 243)
        assert client.get("/mailgraph.css").type == client.get("/?mailgraph.css").type == "text/css; charset=utf-8"
        assert client.get("/favicon.ico").status == 404


def test_it_draws_for_many_at_once(fresh: Path) -> None:
    """librrd crashes when two threads draw."""
    with Serving("--port", "0", "--rrd-dir", fresh) as serving, ThreadPoolExecutor(8) as clients:
        client = Client(serving.port)
        targets = [f"/?{number % 4}-{letter}" for number in range(8) for letter in "neg"]
        assert {reply.status for reply in clients.map(client.get, targets)} == {200}
        assert serving.process.poll() is None


def test_a_connection_that_says_nothing_keeps_nobody_waiting(fresh: Path) -> None:
    with Serving("--port", "0", "--rrd-dir", fresh) as serving, socket.create_connection(("127.0.0.1", serving.port)):
        assert Client(serving.port).get("/").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly_whoever_is_connected(fresh: Path, number: signal.Signals) -> None:
    with Serving("--port", "0", "--rrd-dir", fresh) as serving, socket.create_connection(("127.0.0.1", serving.port)):
        Client(serving.port).get("/?0-n")
        serving.process.send_signal(number)
        assert serving.process.communicate(timeout=PATIENCE) == ("", "")
        assert serving.process.returncode == 0


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Serving("--port", str(port)) as serving:
            _, said = serving.process.communicate(timeout=PATIENCE)
    assert serving.process.returncode == 1
    assert said.startswith(f"mailgraph.serve: can't serve on 127.0.0.1, port {port}: ")
    assert said.endswith("(try --port 0)\n")


def test_a_port_that_does_not_exist_is_said() -> None:
    with Serving("--port", "70000") as serving:
        _, said = serving.process.communicate(timeout=PATIENCE)
    assert serving.process.returncode == 1
    assert said.startswith("mailgraph.serve: can't serve on 127.0.0.1, port 70000: ")


@pytest.mark.parametrize("named", [(), ("--rrd-name", "mailgraph")])
def test_what_no_option_says_is_as_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    several(tmp_path, {"mx1": Steady(sent=1)}, days=1)
    (tmp_path / "hosts.toml").write_text("[names]\nmx1 = 'Frankfurt'\n")
    (tmp_path / "default").write_text(f"RRD_DIR=/elsewhere\nHOSTS_FILE={tmp_path}/hosts.toml\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    with Serving("--port", "0", "--rrd-dir", tmp_path, *named) as serving:
        assert "mx1,Frankfurt," in Client(serving.port).get("/?all&form=csv").text
