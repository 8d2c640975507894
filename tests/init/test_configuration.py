"""One edit of the configuration file, and every program follows: unit, plain command, CGI script (init script: beside)."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM

import pytest

from mailgraph import config
from tests.daemon.process import PATIENCE, until
from tests.init.site import PROGRAM, ROOT, Site, sent, write_log
from tests.programs import require

UNIT = ROOT / "init/mailgraph.service"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.rrd_dir.mkdir()
    write_log(site.log, 3)
    yield site
    site.stop()


def edit(site: Site, directory: Path) -> None:
    """The administrator's edit: another log with 5 messages, another directory."""
    site.log, site.rrd_dir = directory / "other.log", directory / "other"
    site.rrd_dir.mkdir()
    write_log(site.log, 5)
    site.configure()


def unit(key: str) -> str:
    (value,) = re.findall(f"(?m)^{key}=(.*)", UNIT.read_text())
    return str(value)


def picture(site: Site) -> bytes:
    """What a web server gets from the CGI script."""
    request = {"REQUEST_METHOD": "GET", "QUERY_STRING": "0-n", "MAILGRAPH_CONFIG": str(site.configuration)}
    done = subprocess.run([ROOT / "cgi-bin/mailgraph.cgi"], env=request, check=True, capture_output=True)
    return done.stdout


def test_the_plain_command_follows_an_edit(site: Site, tmp_path: Path) -> None:
    assert site.run(PROGRAM, "--cat").returncode == 0
    assert sent(site.rrd_dir) == 3
    edit(site, tmp_path)
    assert site.run(PROGRAM, "--cat").returncode == 0
    assert sent(site.rrd_dir) == 5


def test_the_cgi_script_follows_an_edit(site: Site, tmp_path: Path) -> None:
    site.run(PROGRAM, "--cat")
    before = picture(site)
    assert b"image/png" in before
    edit(site, tmp_path)
    assert b"image/png" not in picture(site)
    site.run(PROGRAM, "--cat")
    assert b"image/png" in picture(site)


def test_the_units_command_reads_log_and_directory_from_the_configuration_alone(site: Site, tmp_path: Path) -> None:
    edit(site, tmp_path)
    program, *options = shlex.split(unit("ExecStart"))
    assert program == "/opt/mailgraph/bin/mailgraph"
    environment = os.environ | {"MAILGRAPH_CONFIG": str(site.configuration)}
    with subprocess.Popen([PROGRAM, *options], cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as daemon:
        until(lambda: sent(site.rrd_dir) == 5)
        daemon.send_signal(SIGTERM)
        assert daemon.communicate(timeout=PATIENCE) == (None, b"")
    assert daemon.returncode == 0


def test_without_a_directory_in_the_configuration_the_unit_writes_where_the_page_looks() -> None:
    assert unit("WorkingDirectory") == f"%S/{unit('StateDirectory')}"
    assert f"/var/lib/{unit('StateDirectory')}" == config.DEFAULT_RRD_DIR


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    analyze = require("systemd-analyze")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/mailgraph/bin/mailgraph", str(PROGRAM)))
    done = subprocess.run(
        [analyze, "verify", "--man=no", "--recursive-errors=no", copy], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_configuration_file_that_we_ship_holds_the_defaults() -> None:
    values = config.load(str(ROOT / "init/mailgraph.default"))
    script = dict(re.findall("(?m)^([A-Z_]+)=(.*)", (ROOT / "init/mailgraph").read_text()))
    assert config.rrd_dir(values) == config.DEFAULT_RRD_DIR
    assert {name: script[name] for name in ("MAIL_LOG", "RRD_DIR", "BOOT_START", "HTTP_USER")} == {
        name: values[name] for name in ("MAIL_LOG", "RRD_DIR", "BOOT_START", "HTTP_USER")
    }
