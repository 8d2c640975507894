"""Web servers on a free port of this machine, started for a test and ended by it."""

import contextlib
import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.programs import require

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
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself, which _wait_for says
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=PATIENCE)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Returns when somebody listens on the port; fails as soon as the process has ended."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise AssertionError(
                f"{process.args!r} has ended: {process.stdout.read().decode() if process.stdout else ''}"
            )
    raise AssertionError(f"{process.args!r} does not serve on port {port}")


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


README = Path(__file__).parents[2] / "README.md"

APACHE = """
ServerRoot "{directory}"
ServerName localhost
DefaultRuntimeDir "{directory}"
PidFile "{directory}/apache.pid"
ScriptSock "{directory}/cgid.sock"
ErrorLog "{directory}/error.log"
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule cgid_module {modules}/mod_cgid.so
LoadModule env_module {modules}/mod_env.so
SetEnv MAILGRAPH_CONFIG "{configuration}"
{example}
"""
APACHE_MODULES = "/usr/lib/apache2/modules"

LIGHTTPD_EXAMPLE = """
server.modules = ("mod_setenv")
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{directory}"
setenv.set-environment = ("MAILGRAPH_CONFIG" => "{configuration}")
{example}
"""

NGINX = """
daemon off;
{user}
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    fastcgi_temp_path {directory}/fastcgi;
    proxy_temp_path {directory}/proxy;
    scgi_temp_path {directory}/scgi;
    uwsgi_temp_path {directory}/uwsgi;
    server {{
        listen 127.0.0.1:{port};
        {example}
    }}
}}
"""


def example(beginning: str) -> str:
    """The indented block of the README behind the paragraph that begins so, made to point at this checkout."""
    block = README.read_text().partition(f"\n{beginning}")[2].partition("\n\n")[2].partition("\n\n")[0]
    lines = block.split("\n")
    assert all(line.startswith("    ") for line in lines), f"{beginning!r} has no example in the README"
    return "\n".join(lines).replace("/opt/mailgraph", str(README.parent))


@contextlib.contextmanager
def apache(directory: Path, configuration: str) -> Iterator[tuple[Client, str]]:
    """Apache with mod_cgid, and the page's path."""
    program = require("apache2")
    port = free_port()
    (directory / "apache.conf").write_text(
        APACHE.format(
            directory=directory,
            port=port,
            modules=APACHE_MODULES,
            configuration=configuration,
            example=example("`mailgraph.cgi` finds everything"),
        )
    )
    # Apache does not serve as root; without a name in a new user namespace one is somebody else, of the same rights.
    somebody = [require("unshare"), "--user"] if os.geteuid() == 0 else []
    with running([*somebody, program, "-D", "FOREGROUND", "-f", directory / "apache.conf"], port) as client:
        yield client, "/mailgraph.cgi"


@contextlib.contextmanager
def lighttpd_example(directory: Path, configuration: str) -> Iterator[tuple[Client, str]]:
    """lighttpd with mod_cgi, and the page's path."""
    port = free_port()
    (directory / "lighttpd.conf").write_text(
        LIGHTTPD_EXAMPLE.format(
            directory=directory, port=port, configuration=configuration, example=example("lighttpd:")
        )
    )
    with running([require("lighttpd"), "-D", "-f", directory / "lighttpd.conf"], port) as client:
        yield client, "/mailgraph.cgi"


@contextlib.contextmanager
def nginx(directory: Path, configuration: str) -> Iterator[tuple[Client, str]]:
    """nginx with fcgiwrap, and the page's path."""
    socket_path = directory / "fcgiwrap.socket"
    wrapper = subprocess.Popen(
        [require("fcgiwrap"), "-c", "2", "-s", f"unix:{socket_path}"],
        env=os.environ | {"MAILGRAPH_CONFIG": configuration},
        start_new_session=True,
    )
    try:
        with _nginx(
            directory, example("nginx, with fcgiwrap:").replace("/run/fcgiwrap.socket", str(socket_path))
        ) as client:
            yield client, "/mailgraph.cgi"
    finally:
        os.killpg(wrapper.pid, signal.SIGTERM)
        wrapper.wait(PATIENCE)


@contextlib.contextmanager
def gunicorn(directory: Path, configuration: str) -> Iterator[tuple[Client, str]]:
    """gunicorn with two workers of four threads, and the page's path."""
    port = free_port()
    line = example("gunicorn, or any other").splitlines()[-1]
    command = shlex.split(line.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
    program = [sys.executable, "-m", "gunicorn", *command[1:]]
    with running(program, port, MAILGRAPH_CONFIG=configuration) as client:
        yield client, "/"


@contextlib.contextmanager
def gunicorn_behind_nginx(directory: Path, configuration: str) -> Iterator[tuple[Client, str]]:
    """Both, and the page's path."""
    with (
        gunicorn(directory, configuration) as (behind, _),
        _nginx(directory, example("and nginx in front").replace(":8000", f":{behind.port}")) as client,
    ):
        yield client, "/mailgraph/"


@contextlib.contextmanager
def _nginx(directory: Path, location: str) -> Iterator[Client]:
    port = free_port()
    (directory / "fastcgi_params").symlink_to("/etc/nginx/fastcgi_params")
    user = "user root;" if os.geteuid() == 0 else ""
    (directory / "nginx.conf").write_text(NGINX.format(directory=directory, port=port, user=user, example=location))
    with running([require("nginx"), "-c", directory / "nginx.conf", "-e", directory / "error.log"], port) as client:
        yield client


WEB_SERVERS = (apache, lighttpd_example, nginx, gunicorn, gunicorn_behind_nginx)


@contextlib.contextmanager
def lighttpd(program: str, directory: Path, root: Path, **environment: str) -> Iterator[Client]:
    """lighttpd with mod_cgi over ``root``, its own files in ``directory``."""
    port = free_port()
    configuration = directory / "lighttpd.conf"
    given = ", ".join(f'"{name}" => "{value}"' for name, value in environment.items())
    configuration.write_text(LIGHTTPD.format(port=port, root=root, log=directory / "breakage.log", environment=given))
    with running([program, "-D", "-f", configuration], port) as client:
        yield client
