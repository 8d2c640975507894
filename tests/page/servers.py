"""Web servers on a free port of this machine, started for a test and ended by it."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PATIENCE = 20


class Reply:
    """What a client got."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def type(self) -> str:
        return self.headers["Content-Type"]


class Client:
    """A client of the server on a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, target: str, headers: Mapping[str, str] = {}, method: str = "GET") -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request(method, target, headers=dict(headers))
            return Reply(connection.getresponse())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(command: Sequence[str | Path], port: int, **environment: str) -> Iterator[Client]:
    """The server that ``command`` starts on ``port``, ended when the block is left."""
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        _wait_for(port, process)
        yield Client(port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError(
        f"{process.args!r} does not serve: {process.communicate()[0].decode() if process.poll() else ''}"
    )


LIGHTTPD = """
server.modules = ("mod_cgi", "mod_setenv")
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{root}"
server.breakagelog = "{log}"
cgi.assign = (".cgi" => "")
cgi.execute-x-only = "enable"
setenv.set-environment = ({environment})
mimetype.assign = (".css" => "text/css")
"""


@contextlib.contextmanager
def lighttpd(program: str, directory: Path, root: Path, **environment: str) -> Iterator[Client]:
    """lighttpd with mod_cgi over ``root``, its own files in ``directory``."""
    port = free_port()
    configuration = directory / "lighttpd.conf"
    given = ", ".join(f'"{name}" => "{value}"' for name, value in environment.items())
    configuration.write_text(LIGHTTPD.format(port=port, root=root, log=directory / "breakage.log", environment=given))
    with running([program, "-D", "-f", configuration], port) as client:
        yield client
