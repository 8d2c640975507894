"""A mail server's files in a directory of their own, and the configuration file that names them."""

import os
import pwd
import subprocess
import time
from pathlib import Path

import rrdtool

from tests.daemon.process import Daemon

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "bin/mailgraph"


class Site(Daemon):
    """A daemon's files; ``configure`` writes the configuration file that is in force for ``run``."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.configuration = directory / "default"
        self.configure()

    def configure(self, **values: str | Path) -> None:
        """Writes the configuration: log, directory, pid file and messages as they stand here, and ``values``."""
        usual = {
            "MAIL_LOG": self.log,
            "RRD_DIR": self.rrd_dir,
            "PID_FILE": self.pid_file,
            "LOG_FILE": self.messages,
            "DAEMON": PROGRAM,
            "HTTP_USER": pwd.getpwuid(os.getuid()).pw_name,
        }
        text = "".join(f'{name}="{value}"\n' for name, value in (usual | values).items())
        self.configuration.write_text(text)

    def run(self, *command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        """Runs a program that reads the configuration."""
        environment = os.environ | {"MAILGRAPH_CONFIG": str(self.configuration), "LC_ALL": "C.UTF-8"}
        return subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, text=True)

    def init(self, action: str) -> tuple[int, str]:
        """Exit status and output of the init script."""
        done = self.run(ROOT / "init/mailgraph", action)
        return done.returncode, done.stdout + done.stderr


def write_log(log: Path, sent: int) -> None:
    """A log of ``sent`` sent messages some hours ago, with received ones before and after, so that their row is whole."""
    now = time.time()
    to = "to=<a@example.org>, relay=mx.example.org[192.0.2.1]:25, status=sent (250 ok)"
    first, last = (_line(now - ago, "postfix/smtpd[1]: 4F0C1A2B3C: client=a.example[192.0.2.2]") for ago in (9999, 999))
    log.write_text("".join([first, *[_line(now - 5000, f"postfix/smtp[1]: 4F0C1A2B3C: {to}")] * sent, last]))


def _line(stamp: float, text: str) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(stamp))} mail {text}\n"


def sent(rrd_dir: Path) -> int | None:
    """Sent messages of the last day in the RRD file, or None before there is one."""
    file = rrd_dir / "mailgraph.rrd"
    if not file.exists():
        return None
    (_, _, step), names, rows = _fetched(file)
    column = names.index("sent")
    return round(sum(row[column] for row in rows if row[column] is not None) * step)


def _fetched(file: Path) -> tuple[tuple[int, int, int], list[str], list[tuple[float | None, ...]]]:
    """The last day's rows, as soon as the daemon does not write just then."""
    for _ in range(100):
        try:
            return rrdtool.fetch(str(file), "AVERAGE", "--start", "end-1d", "--end", "now")
        except rrdtool.OperationalError as error:
            if "could not lock" not in str(error):
                raise
        time.sleep(0.02)
    raise AssertionError(f"{file} is locked for seconds")
