"""How long the page over several hosts takes as CGI: ``python -m tests.page.benchmark_hosts [ROUNDS]`` prints medians."""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.page.rrds import Patterned, one_a_minute
from tests.page.test_cgi import ROOT

SIZES = (1, 10, 100, 500)

ASKED = {
    "the page": "",
    "the page, a year by name": "all&by=name&period=3",
    "as JSON": "all&form=json",
    "the sum of a day, drawn": "all&0-n",
    "hosts above each other, drawn": "all&1-traffic",
    "a host's page": "host=host0",
    "a host's small picture": "host=host0&small=0",
}


def spent(configuration: Path, query: str) -> float:
    """Seconds of one request."""
    given = {"PATH": os.defpath, "QUERY_STRING": query, "MAILGRAPH_CONFIG": str(configuration)}
    start = time.perf_counter()
    done = subprocess.run([ROOT / "cgi-bin/mailgraph.cgi"], env=given, check=True, capture_output=True)
    took = time.perf_counter() - start
    assert done.stdout.startswith(b"Status: 200 OK"), done.stdout[:200]
    return took


def main() -> None:
    """Prints a table: milliseconds by what is asked for and number of hosts."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as work:
        directory = Path(work)
        one = directory / "one"
        one.mkdir()
        one_a_minute(one, int(time.time()) - 60, days=400, counts=Patterned())
        (directory / "default").write_text(f"RRD_DIR={directory}\n")
        print(f"{f'ms, medians of {rounds}':34}" + "".join(f"{f'{size} hosts':>11}" for size in SIZES))
        rows: dict[str, list[float]] = {name: [] for name in ASKED}
        there = 0
        for size in SIZES:
            for number in range(there, size):
                shutil.copytree(one, directory / "hosts" / f"host{number}")
            there = size
            for name, query in ASKED.items():
                rows[name].append(statistics.median(spent(directory / "default", query) for _ in range(rounds)))
        for name, medians in rows.items():
            print(f"{name:34}" + "".join(f"{median * 1000:11.0f}" for median in medians))


if __name__ == "__main__":
    main()
