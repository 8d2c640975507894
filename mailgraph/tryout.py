"""Daemon and page together until Ctrl-C, on a real mail log or the sample's: what ``bin/run`` starts.

Each is a process of its own, as in daily use; this module starts them, watches them and ends them.
"""

import contextlib
import glob
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from random import Random

from mailgraph import config, sample

PORT = 8080
"""Where the page is served when nobody else is there."""

LOGS = ("/var/log/mail.log", "/var/log/maillog")

LIVE_SECONDS = 10
"""From one line of the sample to the next: a little more than its busiest hour, so that the graph shows it."""

PATIENCE = 10
"""Seconds that a process gets for its end before it is killed."""


class Ended(Exception):
    """A signal to end everything, or a process that ended by itself; the text is for the user, if there is one."""


def main() -> int:
    """Runs until a signal (exit status 0) or until daemon or page ends by itself (1)."""
    if len(sys.argv) > 2 or sys.argv[1:2] in (["-h"], ["--help"]):
        print("usage: bin/run [MAIL_LOG]\nCounts a mail log and serves its graphs to this machine, until Ctrl-C.")
        return 2 * (len(sys.argv) > 2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    try:
        if len(sys.argv) == 2:
            _follow(os.path.abspath(sys.argv[1]))
        else:
            _follow_what_there_is()
    except config.ConfigError as error:
        print(f"bin/run: {error}", file=sys.stderr)
        return 1
    except Ended as end:
        if end.args:
            print(f"bin/run: {end}", file=sys.stderr)
        return 1 if end.args else 0
    return 0


def _end(_number: int, _frame: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the ending of the processes
    raise Ended


def _follow_what_there_is() -> None:
    values = config.load()
    configured = values.get("MAIL_LOG")
    logs = (configured, *LOGS) if configured else LOGS
    log = next((log for log in logs if os.path.exists(log)), None)
    if log:
        _follow(log, values.get("RRD_DIR") if log == configured else None)
    else:
        print(
            f"No mail log here ({', '.join(dict.fromkeys(logs))}): playing a sample, a year of a small server's mail",
            flush=True,
        )
        _play_sample()


def _follow(log: str, rrd_dir: str | None = None) -> None:
    """Counts ``log`` into ``rrd_dir``, else into a directory of this log's own: logs must not mix in one RRD."""
    directory = rrd_dir or os.path.join(_state_home(), "logs", log.strip("/").replace("/", "-"))
    os.makedirs(directory, exist_ok=True)
    print(f"Counting {log} into {directory}", flush=True)
    with _running(*_daemon(log, directory)) as daemon, _page(directory) as page:
        while True:
            _watch(daemon, page, for_seconds=LIVE_SECONDS)


def _state_home() -> str:
    return os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "mailgraph")


def _play_sample() -> None:
    """Counts a year at once, then follows live lines; the RRD files are kept and only brought up to now next time."""
    directory = os.path.join(_state_home(), "sample")
    os.makedirs(directory, exist_ok=True)
    environment = os.environ | {"MAILGRAPH_CONFIG": os.devnull}  # its options are for the real log
    with tempfile.TemporaryDirectory(prefix="mailgraph-") as log_directory:
        log = os.path.join(log_directory, "mail.log")
        now = int(time.time())
        start = _sample_counted_until(directory, now)
        if start is None:
            print("Counting the year, once ...", flush=True)
            start = now - sample.YEAR
        with open(log, "w", encoding="ascii") as file:
            file.writelines(sample.lines(start, now, seed=start))
        counted = subprocess.run([*_daemon(log, directory), "--cat"], env=environment, check=False)
        if counted.returncode:
            raise Ended(f"counting the sample failed with status {counted.returncode} (see above)")
        random = Random(now)
        follow = [*_daemon(log, directory), "--no-machine"]  # the sample's mail is no load of this one
        with _running(*follow, env=environment) as daemon, _page(directory, environment) as page:
            while True:
                _watch(daemon, page, for_seconds=LIVE_SECONDS)
                with open(log, "a", encoding="ascii") as file:
                    file.write(sample.live_line(time.time(), random))


def _sample_counted_until(directory: str, now: int) -> int | None:
    """When an earlier call wrote the sample's RRD files last, or None.

    Removes the files that are of no more use: the checkpoint, which belongs to the earlier call's log, and RRD files
    that other code made, or a clock in the future.
    """
    code = max(os.stat(path).st_mtime for path in glob.glob(os.path.join(os.path.dirname(__file__), "*.py")))
    checkpoints, rrds = (glob.glob(os.path.join(glob.escape(directory), f"*.{kind}")) for kind in ("checkpoint", "rrd"))
    written = max((os.stat(rrd).st_mtime for rrd in rrds), default=0.0)
    is_good = code < written <= now + 1 and now - written < sample.YEAR
    for path in checkpoints if is_good else checkpoints + rrds:
        os.unlink(path)
    return int(written) if is_good else None


def _daemon(log: str, rrd_dir: str) -> list[str]:
    return [sys.executable, "-m", "mailgraph", "--no-daemon", "--logfile", log, "--daemon-rrd", rrd_dir]


def _page(
    rrd_dir: str, env: dict[str, str] | None = None
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    print("The graphs, until Ctrl-C:", flush=True)
    port = str(PORT if _is_free(PORT) else 0)
    return _running(sys.executable, "-m", "mailgraph.serve", "--port", port, "--rrd-dir", rrd_dir, env=env)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:  # somebody serves there
            return False
    return True


@contextlib.contextmanager
def _running(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The process of ``command``, ended when the block is left."""
    process = subprocess.Popen(command, env=env)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _watch(daemon: subprocess.Popen[bytes], page: subprocess.Popen[bytes], for_seconds: float) -> None:
    """Returns after ``for_seconds``; raises Ended as soon as one of the two processes has ended."""
    until = time.monotonic() + for_seconds
    while time.monotonic() < until:
        for name, process in (("the daemon", daemon), ("the page's server", page)):
            if process.poll() is not None:
                raise Ended(f"{name} ended by itself with status {process.returncode} (see above)")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
