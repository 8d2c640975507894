"""A real rrdcached of a test's own, on a unix socket and on a port of two addresses of the loopback interface."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGCONT, SIGSTOP

from tests.daemon.process import PATIENCE, until
from tests.programs import require


class Server:
    """An rrdcached and its base directory; ``options`` are added to it, the sockets last."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.base = directory / "base"
        self.base.mkdir(parents=True)
        self.unix = f"unix:{directory / 'socket'}"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.tcp, self.other = f"127.0.0.1:{port}", f"127.0.0.2:{port}"
        files = ("-p", str(directory / "pid"), "-o", str(directory / "log"), "-b", str(self.base))
        self._command = [require("rrdcached"), "-g", *files, *options]
        self._command += [word for address in (self.unix, self.tcp, self.other) for word in ("-l", address)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers on both sockets."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL, env=os.environ | {"TZ": "UTC"})
        until(self._answers)

    def kill(self) -> None:
        """What kill -9 does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(PATIENCE)

    def restart(self) -> None:
        """kill -9, and up again."""
        self.kill()
        self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        assert self._process is not None
        self._process.send_signal(SIGSTOP)
        try:
            until(self._is_stopped)
            yield
        finally:
            self._process.send_signal(SIGCONT)

    def _is_stopped(self) -> bool:
        """Whether each thread has taken notice of the signal."""
        threads = Path(f"/proc/{self._process.pid}/task").glob("*/stat")
        return all(stat.read_text().rpartition(")")[2].split()[0] == "T" for stat in threads)

    def _answers(self) -> bool:
        host, _, port = self.tcp.rpartition(":")
        with suppress(OSError):
            socket.create_connection((host, int(port))).close()
            with socket.socket(socket.AF_UNIX) as unix:
                unix.connect(self.unix.removeprefix("unix:"))
            return True
        return False


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[Server]:
    """A running rrdcached, ended when the block is left; as two machines need it if there are no other options."""
    server = Server(directory, *(options or ("-B", "-R")))
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Silent:
    """Something at ``address`` that takes connections and never says a word."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def callers(self) -> int:
        """How many connections were made since this was asked last."""
        self._listening.setblocking(False)
        found = 0
        with suppress(BlockingIOError):
            while True:
                self._listening.accept()[0].close()
                found += 1
        return found
