"""Addresses of rrdcached, and a connection that is refused, hangs, is lost, or is somebody else's."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailgraph import UsageError
from mailgraph.rrdcached import Connection, NoRrdcachedError, place
from tests.cached.server import Silent, serving


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("mail.example", ("mail.example", 42217)),
        ("mail.example:1234", ("mail.example", 1234)),
        ("192.0.2.1:1234", ("192.0.2.1", 1234)),
        ("[2001:db8::1]:1234", ("2001:db8::1", 1234)),
        ("[2001:db8::1]", ("2001:db8::1", 42217)),
        ("2001:db8::1", ("2001:db8::1", 42217)),
        ("unix:/run/rrdcached.sock", "/run/rrdcached.sock"),
        ("/run/rrdcached.sock", "/run/rrdcached.sock"),
    ],
)
def test_an_address_has_the_forms_that_rrdcached_has(address: str, meant: object) -> None:
    assert place(address) == meant


@pytest.mark.parametrize(
    "address",
    [
        "mail.example:",
        "mail.example:x",
        ":1234",
        "a:70000",
        "[::1",
        "[::1]1",
        "unix:a",
        "a b",
        "a..b:1",
        f"{64 * 'a'}:1",
    ],
)
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(UsageError, match=r"is no address; write HOST:PORT, \[IPv6\]:PORT or unix:/PATH"):
        place(address)


def test_commands_are_answered_over_either_socket(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for address in (server.tcp, server.unix, server.unix.removeprefix("unix:")):
            connection = Connection(address)
            pong, stats = connection.ask("PING", "STATS")
            connection.close()
            assert (pong.refused, pong.text, pong.lines) == (False, "PONG", ())
            assert stats.text == "Statistics follow"
            assert stats.lines[0] == "QueueLength: 0"


def test_a_refusal_of_two_lines_is_one_answer(tmp_path: Path) -> None:
    with serving(tmp_path, "-B") as server:
        connection = Connection(server.tcp)
        refused, pong = connection.ask("CREATE a/b.rrd DS:a:GAUGE:120:0:U RRA:AVERAGE:0.5:1:9", "PING")
        connection.close()
        assert refused.refused
        assert refused.text == f"No permission to recursively create: {server.base}/a"
        assert pong.text == "PONG"


def test_a_connection_that_was_lost_is_made_again(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        connection = Connection(server.tcp)
        connection.ask("PING")
        server.restart()
        assert connection.ask("PING")[0].text == "PONG"
        assert connection.made == 2
        connection.close()


def test_a_wrong_port_or_socket_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(
        NoRrdcachedError,
        match=rf"^can't reach rrdcached at 127.0.0.1:{port}: Connection refused \(see to it that it runs",
    ):
        Connection(f"127.0.0.1:{port}").ask("PING")
    with pytest.raises(NoRrdcachedError, match="socket: No such file or directory"):
        Connection(f"unix:{tmp_path}/socket").ask("PING")
    with pytest.raises(NoRrdcachedError, match="AF_UNIX path too long"):
        Connection(f"unix:/{'a' * 200}").ask("PING")


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_a_hanging_rrdcached_hangs_nobody(tmp_path: Path, over: str) -> None:
    now = [0.0]
    with serving(tmp_path) as server:
        connection = Connection(getattr(server, over), timeout=0.2, clock=lambda: now[0])
        connection.ask("PING")
        with server.hung():
            for moment in (0.0, 0.2):  # over the connection that there is, and over another one
                now[0] = moment
                with pytest.raises(NoRrdcachedError, match=r"no answer for 0\.2 s"):
                    connection.ask("PING")
        now[0] = 0.4
        assert connection.ask("PING")[0].text == "PONG"
        connection.close()


def test_one_that_hung_a_moment_ago_is_not_waited_for_again() -> None:
    now = [0.0]
    with Silent() as silent:
        connection = Connection(silent.address, timeout=0.2, clock=lambda: now[0])
        for moment, callers in ((0.0, 1), (0.09, 0), (0.11, 1)):
            now[0] = moment
            with pytest.raises(NoRrdcachedError, match=r"no answer for 0\.2 s"):
                connection.ask("PING")
            assert silent.callers() == callers


@contextmanager
def saying(text: bytes) -> Iterator[str]:
    """The address of something that says ``text`` to who connects, and then listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            accepted, _ = listening.accept()
            with accepted:
                accepted.sendall(text)
                accepted.recv(100)

        server = threading.Thread(target=serve)
        server.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.join()


@pytest.mark.parametrize(
    "text",
    [
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"0 hello\n",
        b"220 mail.example ESMTP Postfix\r\n" + b"500 x\r\n" * 220,
        b"99999999999 lines follow\n",
        b"x" * 10_000,
        b"\xff\xfe\n",
    ],
)
def test_what_is_no_rrdcached_is_said(text: bytes) -> None:
    with saying(text) as address, pytest.raises(NoRrdcachedError, match="what answers there is no rrdcached"):
        Connection(address).ask("PING")


def test_a_connection_that_ends_is_said() -> None:
    with saying(b"") as address, pytest.raises(NoRrdcachedError, match=r"it closed the connection|Connection reset"):
        Connection(address).ask("PING")
