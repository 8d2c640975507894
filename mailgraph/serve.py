"""The page served to this machine, for a first look and for working on it: ``python -m mailgraph.serve``.

Not for daily use: a web server with the CGI script or a WSGI server is.
"""

import argparse
import signal
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from mailgraph import drawing
from mailgraph.page import Page

HOST = "127.0.0.1"


class Server(ThreadingMixIn, WSGIServer):
    """A thread for each connection: a browser opens some in advance, which must not keep others waiting."""

    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Says nothing of requests that went well; a browser loads a dozen pictures every five minutes."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs a request that went wrong."""
        if str(code)[:1] in "45":
            super().log_request(code, size)


def main() -> int:
    """Serves until TERM or INT; prints the address first."""
    parser = argparse.ArgumentParser(
        prog="mailgraph.serve",
        description="Serves the graph page to this machine; what no option says is as the configuration file says.",
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes any that is free (default: %(default)s)")
    parser.add_argument("--rrd-dir", help="where the RRD files are (default: as configured)")
    parser.add_argument("--rrd-name", help="what they are named (default: as configured)")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    page = Page(options.rrd_dir, options.rrd_name)
    try:
        server = make_server(HOST, options.port, page, Server, Handler)
    except (OSError, OverflowError) as error:
        parser.exit(1, f"mailgraph.serve: can't serve on {HOST}, port {options.port}: {error} (try --port 0)\n")
    with server:
        print(f"http://{HOST}:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except SystemExit:
            drawing.turn.acquire()  # not released: librrd crashes when the process ends in the middle of a drawing
            return 0
    raise AssertionError("unreachable")


def _end(*_signal: Any) -> None:
    raise SystemExit


if __name__ == "__main__":
    raise SystemExit(main())
