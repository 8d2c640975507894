"""The init script, with real daemons: its actions, their exit statuses (LSB), and what it reads from the configuration."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.process import holder, until
from tests.init.site import PROGRAM, ROOT, Site, sent, write_log
from tests.programs import require


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    write_log(site.log, 3)
    yield site
    site.stop()


def test_start_status_restart_force_reload_stop(site: Site) -> None:
    assert site.init("status") == (3, "mailgraph: not running\n")
    assert site.init("start") == (0, f"mailgraph: started, pid {site.pid}; counts {site.log} into {site.rrd_dir}\n")
    first = site.pid
    assert site.init("status") == (0, f"mailgraph: running, pid {first}\n")
    assert site.init("start") == (0, f"mailgraph: already running, pid {first}\n")
    until(lambda: holder(site.rrd_dir) == first)

    for action in ("restart", "force-reload"):
        before = site.pid
        status, said = site.init(action)
        assert (status, said.splitlines()[0]) == (0, f"mailgraph: stopped, was pid {before}")
        assert site.init("status") == (0, f"mailgraph: running, pid {site.pid}\n")
        assert site.pid != before
        until(lambda: holder(site.rrd_dir) == site.pid)

    last = site.pid
    assert site.init("stop") == (0, f"mailgraph: stopped, was pid {last}\n")
    assert site.init("status") == (3, "mailgraph: not running\n")
    assert site.init("stop") == (0, "mailgraph: not running\n")
    assert not site.pid_file.exists()
    assert site.messages.read_text() == ""


def test_the_daemon_counts_the_configured_log_into_the_configured_directory(site: Site) -> None:
    site.init("start")
    until(lambda: sent(site.rrd_dir) == 3)


def test_an_edit_of_log_and_directory_takes_effect_at_the_next_restart(site: Site, tmp_path: Path) -> None:
    site.init("start")
    until(lambda: sent(site.rrd_dir) == 3)
    site.log, site.rrd_dir = tmp_path / "other log", tmp_path / "other directory"
    write_log(site.log, 5)
    site.configure()
    assert site.init("restart")[0] == 0
    until(lambda: sent(site.rrd_dir) == 5)


def test_restart_starts_what_did_not_run(site: Site) -> None:
    status, said = site.init("restart")
    assert (status, said.splitlines()[0]) == (0, "mailgraph: not running")
    assert site.init("status")[0] == 0


def test_a_stale_pid_file_is_told_and_taken_over(site: Site) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    site.pid_file.write_text(f"{ended.pid}\n")
    assert site.init("status") == (1, f"mailgraph: not running, though {site.pid_file} exists\n")
    assert site.init("stop") == (0, "mailgraph: not running\n")
    assert site.init("start")[0] == 0
    assert site.pid != ended.pid


def test_another_programs_process_is_left_alone(site: Site) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        site.pid_file.write_text(f"{other.pid}\n")
        assert site.init("stop") == (0, "mailgraph: not running\n")
        assert site.init("start")[0] == 0
        assert other.poll() is None
        other.terminate()


def test_a_daemon_that_does_not_start_is_told_with_its_reason_and_status_1(site: Site) -> None:
    site.configure(EXTRA_OPTIONS="--host=[")
    status, said = site.init("start")
    assert status == 1
    assert "--host: '[' is no regular expression" in said
    assert said.endswith("mailgraph: did not start (see above)\n")
    assert site.init("status")[0] == 3


def test_a_directory_that_cannot_be_made_is_status_4(site: Site) -> None:
    site.configure(RRD_DIR=site.log / "below")
    status, said = site.init("start")
    assert (status, said.splitlines()[-1]) == (4, f"mailgraph: can't create RRD_DIR {site.log / 'below'}")


def test_a_program_that_is_not_there_is_status_5(site: Site) -> None:
    site.configure(DAEMON="/nowhere/mailgraph")
    said = f"mailgraph: /nowhere/mailgraph is not installed; set DAEMON in {site.configuration}\n"
    assert site.init("start") == (5, said)


def test_a_configuration_that_is_not_there_is_status_6(site: Site) -> None:
    site.configuration.unlink()
    assert site.init("start") == (6, f"mailgraph: can't read configuration {site.configuration}\n")


def test_an_unknown_action_is_status_2(site: Site) -> None:
    assert site.init("begin") == (
        2,
        f"mailgraph: usage: {ROOT}/init/mailgraph {{start|stop|restart|force-reload|status}}\n",
    )


@pytest.mark.parametrize("action", ["start", "restart"])
def test_nothing_is_started_where_boot_start_is_false(site: Site, action: str) -> None:
    site.configure(BOOT_START="false")
    status, said = site.init(action)
    assert (status, said.splitlines()[-1]) == (
        0,
        f"mailgraph: not started, BOOT_START is false in {site.configuration}",
    )
    assert site.init("status")[0] == 3


def test_a_running_daemon_is_stopped_where_boot_start_is_false(site: Site) -> None:
    site.init("start")
    pid = site.pid
    site.configure(BOOT_START="false")
    assert site.init("stop") == (0, f"mailgraph: stopped, was pid {pid}\n")


def test_a_web_servers_user_who_cannot_read_the_files_is_told(site: Site) -> None:
    require("runuser")
    if subprocess.run(["id", "-u"], check=True, capture_output=True).stdout != b"0\n":
        pytest.skip("only root can ask as another user")
    site.rrd_dir.mkdir(mode=0o700)
    site.configure(HTTP_USER="nobody")
    warning = f"mailgraph: the web server's user nobody can't read {site.rrd_dir}; its page will stay empty\n"
    assert warning in site.init("start")[1]


def test_the_file_of_debians_package_is_understood_as_it_is(site: Site, tmp_path: Path) -> None:
    require("mailgraph")
    debian = Path("/usr/share/mailgraph/default.conf").read_text()
    for name in ("BOOT_START", "MAIL_LOG", "IGNORE_LOCALHOST", "EXTRA_OPTIONS", "HTTP_USER", "HTTP_GROUP"):
        assert f"\n{name}=" in debian
    edited = debian.replace('"/var/log/mail.log"', f'"{site.log}"').replace('=""', '="--verbose --rrd-name=mine"')
    site.configure()
    ours = re.sub("(?m)^MAIL_LOG=.*\n", "", site.configuration.read_text())
    site.configuration.write_text(edited + ours)
    assert site.init("start")[0] == 0
    until((site.rrd_dir / "mine.rrd").exists)
    until(lambda: "update " in site.messages.read_text())


def test_the_script_copied_to_init_d_has_log_and_directory_at_its_top(site: Site, tmp_path: Path) -> None:
    script = tmp_path / "mailgraph"
    values = {"MAIL_LOG": site.log, "RRD_DIR": site.rrd_dir, "PID_FILE": site.pid_file, "DAEMON": PROGRAM}
    text = (ROOT / "init/mailgraph").read_text()
    for name, value in values.items():
        text, times = re.subn(f"(?m)^{name}=.*", f"{name}={value}", text, count=1)
        assert times == 1
    script.write_text(text)
    shutil.copymode(ROOT / "init/mailgraph", script)
    site.configuration.write_text(f"LOG_FILE={site.messages}\nHTTP_USER=\n")
    done = site.run(script, "start")
    assert (done.returncode, done.stderr) == (0, "")
    until(lambda: sent(site.rrd_dir) == 3)
    assert site.run(script, "stop").returncode == 0


def test_hosts_logs_need_no_log_beside_them(site: Site, tmp_path: Path) -> None:
    site.configure(MAIL_LOG="", HOST_LOGS=f"a={tmp_path}/a.log")
    (tmp_path / "a.log").touch()
    status, said = site.init("start")
    assert status == 0
    assert f"; counts a={tmp_path}/a.log into {site.rrd_dir}\n" in said
    assert site.init("stop")[0] == 0


def test_the_lsb_header_is_complete() -> None:
    header = (ROOT / "init/mailgraph").read_text().partition("### END INIT INFO")[0]
    for key in ("Provides", "Required-Start", "Required-Stop", "Default-Start", "Default-Stop", "Short-Description"):
        assert f"\n# {key}:" in header
