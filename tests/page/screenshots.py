"""The README's pictures: ``python -m tests.page.screenshots docs`` shows the sample's year in Chromium and saves them."""

import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path

from mailgraph import sample
from mailgraph.schema import DAY
from tests.page.browser import ALL_LIGHT, EAGER, LOADED, Browser, Tab
from tests.page.rrds import several
from tests.page.servers import free_port, running
from tests.programs import require


def counted(directory: Path) -> None:
    """RRD files of the sample's year, which ends now."""
    now = int(time.time())
    log = directory / "mail.log"
    with log.open("w") as file:
        file.writelines(sample.lines(now - sample.YEAR, now))
    command = [sys.executable, "-m", "mailgraph", "--cat", "--logfile", log, "--daemon-rrd", directory]
    subprocess.run(command, env=os.environ | {"MAILGRAPH_CONFIG": os.devnull}, check=True)


TWELVE = {
    **{f"mx{number}.example.org": 1 / number for number in range(1, 7)},
    **{f"filter{number}.example.org": 0.45 / number for number in range(1, 4)},
    **{f"office-{place}.example.com": 0.16 / number for number, place in enumerate(("bern", "graz", "ulm"), 1)},
}
"""Hosts, and how large they are beside the largest."""


class Days(dict[int, Mapping[str, int]]):
    """Mail by day and by night, on working days and on others, of a host of this size; none after ``until``."""

    def __init__(self, size: float, until: int) -> None:
        super().__init__()
        self._random = random.Random(size)
        self._size = size
        self._until = until

    def get(self, minute: int, default: object = None) -> Mapping[str, int]:  # type: ignore[override]
        if minute > self._until:
            return {}
        hour, day = minute % DAY / 3600, (minute // DAY + 4) % 7
        level = 60 * self._size * (0.2 + max(0, math.sin((hour - 6) / 12 * math.pi))) * (0.3 if day in (0, 6) else 1)
        parts = {"sent": 1, "received": 1.3, "rejected": 0.8, "spam": 0.2, "bounced": 0.03, "virus": 0.01}
        return {
            counter: max(0, round(self._random.gauss(level * part, (level * part) ** 0.5)))
            for counter, part in parts.items()
        }

    def values(self) -> Collection[Mapping[str, int]]:  # type: ignore[override]
        return [{"sent": 1}]


def twelve(directory: Path) -> None:
    """RRD files of twelve hosts over two months, of which one has fallen silent."""
    now = int(time.time()) - 60
    silent = {"mx4.example.org": now - 3 * 3600}
    several(directory, {name: Days(size, silent.get(name, now)) for name, size in TWELVE.items()}, now, days=60)


def hosts_saved(browser: Browser, url: str, directory: Path) -> None:
    """The page over several hosts: its first period and its table."""
    tab = Tab(browser, width=1310)
    tab.open(url)
    tab.evaluate("document.querySelectorAll('section[aria-labelledby^=G]').forEach((one, at) => at && one.remove())")
    tab.evaluate(EAGER)
    tab.evaluate(LOADED)
    tab.picture(directory / "page-hosts.png")


def saved(browser: Browser, url: str, directory: Path) -> None:
    """The page by day and by night, on a phone, on paper; and a range."""
    for name, tab, query, height in (
        ("page", Tab(browser, width=660), "", 870),
        ("page-dark", Tab(browser, width=660, dark=True), "", 870),
        ("page-phone", Tab(browser, width=360, phone=True), "", 700),
        ("page-range", Tab(browser, width=930), "?g=n&from=now-6h&to=now", 520),
    ):
        tab.open(url + query)
        tab.picture(directory / f"{name}.png", height)
    paper = Tab(browser, width=660, dark=True)
    paper.open(url)
    paper.call("Emulation.setEmulatedMedia", media="print")
    paper.evaluate(ALL_LIGHT)
    paper.picture(directory / "page-print.png", 870)


def main() -> None:
    """Saves the pictures into the directory that is named."""
    directory = Path(sys.argv[1])
    port = free_port()
    browser = Browser(require("chromium"))
    with tempfile.TemporaryDirectory() as work:
        counted(Path(work))
        serve = [sys.executable, "-m", "mailgraph.serve", "--port", str(port), "--rrd-dir", work]
        with running(serve, port):
            saved(browser, f"http://127.0.0.1:{port}/", directory)
    with tempfile.TemporaryDirectory() as work:
        twelve(Path(work))
        serve[-1] = work
        with running(serve, port):
            hosts_saved(browser, f"http://127.0.0.1:{port}/", directory)
    browser.close()


if __name__ == "__main__":
    main()
