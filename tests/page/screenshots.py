"""The README's pictures: ``python -m tests.page.screenshots docs`` shows the sample's year in Chromium and saves them."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mailgraph import sample
from tests.page.browser import ALL_LIGHT, Browser, Tab
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
    browser.close()


if __name__ == "__main__":
    main()
