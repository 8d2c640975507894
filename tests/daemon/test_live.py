"""The whole way, live: a log that another process writes, the daemon, the RRD file a minute later, the page's picture."""

import subprocess
import time
from pathlib import Path

import rrdtool

from tests.daemon.clock import Clock
from tests.daemon.process import counted, following, last, until

CGI = Path(__file__).parents[2] / "cgi-bin" / "mailgraph.cgi"

NOW = 1_800_000_060
"""2027-01-15 08:01 UTC: a row of the day's archive holds the eight minutes from here on."""


def write_lines(log: Path, clock: Clock, count: int) -> None:
    """Another process writes lines of now."""
    stamp = time.strftime("%b %e %H:%M:%S", time.gmtime(clock.now()))
    line = f"{stamp} mail postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)"
    subprocess.run(["sh", "-c", f"for n in $(seq {count}); do echo '{line}'; done >>{log}"], check=True)


def picture(rrd_dir: Path, clock: Clock) -> bytes:
    """The day's picture of mail, from the CGI script."""
    environment = clock.environment | {
        "MAILGRAPH_CONFIG": str(rrd_dir / "default"),
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "0-n",
        "SCRIPT_NAME": "/cgi-bin/mailgraph.cgi",
    }
    (rrd_dir / "default").write_text(f"RRD_DIR={rrd_dir}\n")
    answer = subprocess.run([CGI], env=environment, check=True, capture_output=True).stdout
    assert b"\x89PNG" in answer
    return answer.partition(b"\x89PNG")[2]


def test_a_minute_later_the_rrd_holds_the_counts_and_the_picture_has_changed(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    file = tmp_path / "mailgraph.rrd"
    log.touch()
    clock = Clock(tmp_path / "clock", NOW + 5)
    with following(log, tmp_path, env=clock.environment):
        write_lines(log, clock, 100)
        clock.set(NOW + 71)  # nothing more comes: the clock alone closes the minute
        until(file.exists)
        until(lambda: last(file) == NOW)
        assert rrdtool.lastupdate(str(file))["ds"]["sent"] == 100
        before = picture(tmp_path, clock)
        write_lines(log, clock, 1000)
        clock.set(NOW + 9 * 60)
        until(lambda: counted(file, "sent", NOW) >= 0)
        assert round(counted(file, "sent", NOW)) == 1100
        assert picture(tmp_path, clock) != before
