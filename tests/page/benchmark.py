"""How long the page takes beside the original's: ``python -m tests.page.benchmark [ROUNDS]`` prints medians and ratios.

Both read the same RRD files and run in turn, so other work on the machine weighs on both.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.page.rrds import Patterned, one_a_minute
from tests.page.servers import Client, gunicorn, lighttpd
from tests.page.test_cgi import ROOT
from tests.page.test_oracle import Original
from tests.programs import require

PICTURES = [f"{number}-{letter}" for number in range(4) for letter in "neg"]

Work = Callable[[], object]


class Both:
    """The original's script and ours over the same files, alone and in web servers."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.original = Original(directory)
        one_a_minute(directory / "new", int(time.time()) - 60, days=400, counts=Patterned())
        for path in (directory / "new").iterdir():
            path.rename(directory / path.name)
        (directory / "default").write_text(f"RRD_DIR={directory}\n")
        self.configuration = str(directory / "default")
        (directory / "cgi-bin").mkdir()
        for name, script in (
            ("original.cgi", directory / "original.cgi"),
            ("ours.cgi", ROOT / "cgi-bin/mailgraph.cgi"),
        ):
            (directory / "cgi-bin" / name).symlink_to(script)
        self.cgi = stack.enter_context(
            lighttpd(require("lighttpd"), directory, directory, MAILGRAPH_CONFIG=self.configuration)
        )
        self.wsgi, _ = stack.enter_context(gunicorn(directory, self.configuration))

    def forget_pictures(self) -> None:
        """The original's; ours keeps none."""
        for picture in self.directory.rglob("*.png"):
            picture.unlink()

    def theirs(self, query: str) -> Work:
        return lambda: _run(self.directory / "original.cgi", QUERY_STRING=query, SCRIPT_NAME="/mailgraph.cgi")

    def ours(self, query: str, tag: str = "") -> Work:
        script = ROOT / "cgi-bin/mailgraph.cgi"
        given = {"QUERY_STRING": query, "MAILGRAPH_CONFIG": self.configuration, "HTTP_IF_NONE_MATCH": tag}
        return lambda: _run(script, **{name: value for name, value in given.items() if value or name == "QUERY_STRING"})

    def tags(self) -> dict[str, str]:
        return {query: self.wsgi.get(f"/?{query}").headers["ETag"] for query in PICTURES}


def _run(script: Path, **environment: str) -> bytes:
    return subprocess.run([script], env={"PATH": os.defpath} | environment, check=True, capture_output=True).stdout


def _at_once(client: Client, path: str, tags: dict[str, str]) -> Work:
    """The page, then all its pictures, over as many connections as a browser opens."""

    def load() -> None:
        client.get(path)
        with ThreadPoolExecutor(6) as connections:
            asked = [(f"{path}?{query}", {"If-None-Match": tags[query]} if tags else {}) for query in PICTURES]
            assert all(reply.status in (200, 304) for reply in connections.map(lambda one: client.get(*one), asked))

    return load


@contextmanager
def _prepared() -> Iterator[Both]:
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        (Path(directory) / "new").mkdir()
        yield Both(Path(directory), stack)


def _median_of(work: Work, before: Work, rounds: int) -> float:
    spent = []
    for _ in range(rounds):
        before()
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def measured(rounds: int) -> Iterator[tuple[str, float, float, float]]:
    """What is measured, the original's seconds, ours, and the ratio that it should not be above."""
    with _prepared() as both:
        tags = both.tags()
        forget, keep = both.forget_pictures, lambda: None
        cgi, wsgi = both.cgi, both.wsgi
        theirs_at_once = _at_once(cgi, "/cgi-bin/original.cgi", {})
        ours = "/cgi-bin/ours.cgi"
        for name, goal, before, their, our in (
            ("HTML page", 0.6, keep, both.theirs(""), both.ours("")),
            ("picture drawn anew", 0.95, forget, both.theirs("0-n"), both.ours("0-n")),
            ("picture that is still fresh", 0.5, keep, both.theirs("0-n"), both.ours("0-n", tags["0-n"])),
            ("page and 12 fresh pictures, lighttpd", 0.6, keep, theirs_at_once, _at_once(cgi, ours, tags)),
            ("page and 12 pictures drawn anew, lighttpd", 1.0, forget, theirs_at_once, _at_once(cgi, ours, {})),
            ("page and 12 fresh pictures, gunicorn", 0.1, keep, theirs_at_once, _at_once(wsgi, "/", tags)),
        ):
            their(), our()
            halves = [(_median_of(their, before, 1), _median_of(our, keep, 1)) for _ in range(rounds)]
            yield name, statistics.median(one for one, _ in halves), statistics.median(one for _, one in halves), goal


def main() -> None:
    """Prints a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 31
    print(f"{'medians of ' + str(rounds):44}{'original':>10}{'ours':>10}{'ratio':>8}{'goal':>7}")
    for name, their, our, goal in measured(rounds):
        print(f"{name:44}{their * 1000:7.1f} ms{our * 1000:7.1f} ms{our / their:8.2f}{goal:7.2f}", flush=True)


if __name__ == "__main__":
    main()
