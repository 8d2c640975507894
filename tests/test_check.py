"""``--check``: each state of log, daemon and files is made for real, and looked at."""

import os
import pwd
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import rrdtool

from mailgraph import schema, spool
from mailgraph.check import Finding, Level, Setup, _user, check, first_barrier, report
from mailgraph.checkpoint import Checkpoint
from mailgraph.cli import main
from mailgraph.counting import Counting
from mailgraph.daemon import Alone
from mailgraph.rrd import Store
from mailgraph.scanner import Options
from mailgraph.sources import Follower
from tests.conftest import SetZone
from tests.machine.test_spool import Spool

NOW = 1_700_006_400
"""2023-11-15 00:00 UTC."""

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM

SENT = "postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, dsn=2.0.0, status=sent (250 ok)"


def stamped(moment: int, text: str = SENT) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}+00:00 mail {text}"


class Machine:
    """A machine on which all is well: a log of a few minutes, counted by a daemon that runs, and a configuration."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.stack = stack
        self.log = directory / "mail.log"
        self.rrd_dir = directory / "rrd"
        self.configuration = directory / "default"
        self.pid_file = directory / "mailgraph.pid"
        self.values = {"MAIL_LOG": str(self.log), "RRD_DIR": str(self.rrd_dir), "HTTP_USER": "root"}
        self.configuration.write_text("".join(f"{name}={value}\n" for name, value in self.values.items()))
        self.rrd_dir.mkdir()
        self.write(*(stamped(NOW - minute * 60) for minute in range(9, -1, -1)))
        self.alone = stack.enter_context(Alone(str(self.rrd_dir), "mailgraph"))
        self.alone.sign()
        self.count()

    def write(self, *lines: str, at: float = NOW) -> None:
        self.log.write_text("".join(f"{line}\n" for line in lines))
        os.utime(self.log, (at, at))

    def count(self) -> None:
        """As the daemon does, up to now."""
        store = Store(str(self.rrd_dir), schema.FAMILIES)
        checkpoint = Checkpoint(str(self.rrd_dir / "mailgraph.checkpoint"))
        counting = Counting(str(self.log), store, Options(), None, checkpoint, say=print, clock=lambda: NOW)
        counting.start()
        with closing(Follower(str(self.log), *counting.starts_at, say=print)) as follower:
            while (block := next(follower)) is not None:
                counting.count(block)
        counting.caught_up()
        counting.write()
        os.utime(checkpoint.path, (NOW, NOW))

    def stop(self) -> None:
        """The daemon ends."""
        self.stack.close()

    def rrd(self, suffix: str = "") -> Path:
        return self.rrd_dir / f"mailgraph{suffix}.rrd"

    def setup(self, **changes: object) -> Setup:
        setup = Setup(
            self.values,
            str(self.log),
            Options(),
            schema.FAMILIES,
            str(self.rrd_dir),
            "mailgraph",
            str(self.pid_file),
            "/var/log/mailgraph.log",
        )
        return setup._replace(**changes)  # type: ignore[arg-type]

    def findings(self, **changes: object) -> dict[str, Finding]:
        return {finding.subject: finding for finding in check(self.setup(**changes), NOW)}

    def bad(self, **changes: object) -> list[str]:
        return [finding.subject for finding in check(self.setup(**changes), NOW) if finding.level]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, set_zone: SetZone) -> Iterator[Machine]:
    set_zone("UTC")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    with ExitStack() as stack:
        yield Machine(tmp_path, stack)


def test_all_is_well(machine: Machine) -> None:
    assert machine.bad() == []


def test_looking_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    machine.stop()
    (machine.rrd_dir / "mailgraph.lock").unlink()

    def state() -> dict[str, tuple[int, bytes]]:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = state()
    machine.findings()
    assert state() == before


# The log


def test_a_log_that_is_not_there(machine: Machine) -> None:
    machine.log.unlink()
    finding = machine.findings()["log"]
    assert (finding.level, finding.text) == (PROBLEM, f"{machine.log}: No such file or directory")
    assert finding.mend.endswith(f"set MAIL_LOG in {machine.configuration} to the mail log")


def test_no_log_anywhere(machine: Machine) -> None:
    finding = machine.findings(log=None)["log"]
    assert finding.level == PROBLEM
    assert finding.text == "none of /var/log/mail.log, /var/log/maillog, /var/log/syslog is there"


def test_a_log_that_is_a_directory(machine: Machine) -> None:
    finding = machine.findings(log=str(machine.rrd_dir))["log"]
    assert (finding.level, finding.text) == (PROBLEM, f"{machine.rrd_dir} is a directory")


def test_a_pipe_is_not_read(machine: Machine) -> None:
    machine.log.unlink()
    os.mkfifo(machine.log)
    finding = machine.findings()["log"]
    assert (finding.level, finding.text) == (
        OK,
        f"{machine.log} is no plain file; reading it here would take its lines away",
    )


def test_lines_of_a_known_form_are_told(machine: Machine) -> None:
    assert machine.findings()["lines"].text == f"10 of the last 10 in {machine.log} have a known form"


def test_the_first_three_lines_in_no_known_form_are_shown(machine: Machine) -> None:
    machine.write(stamped(NOW), "one", "two \x1b[2J", "x" * 200, "four", stamped(NOW))
    finding = machine.findings()["lines"]
    assert (finding.level, finding.text) == (WARNING, f"2 of the last 6 in {machine.log} have a known form")
    assert finding.more == ("one", r"two \x1b[2J", "x" * 100 + "...")


def test_a_few_lines_in_no_known_form_are_shown_without_warning(machine: Machine) -> None:
    machine.write(*[stamped(NOW)] * 200, "odd")
    finding = machine.findings()["lines"]
    assert (finding.level, finding.more) == (OK, ("odd",))


def test_a_file_without_any_known_line_is_no_mail_log(machine: Machine) -> None:
    machine.write("a", "b")
    finding = machine.findings()["lines"]
    assert (finding.level, finding.mend) == (
        PROBLEM,
        f"is it a mail log?  Else set MAIL_LOG in {machine.configuration} to one",
    )


def test_the_end_of_a_long_log_is_looked_at(machine: Machine) -> None:
    machine.write("cut off", *["odd"] * 500_000, *[stamped(NOW)] * 20_000)
    finding = machine.findings()["lines"]
    assert (finding.level, finding.more) == (OK, ())


def test_what_counts_in_the_lines_is_told(machine: Machine) -> None:
    assert machine.findings()["events"].text == "in these lines: sent 10"


def test_lines_that_no_rule_covers_are_counted_by_program(machine: Machine) -> None:
    assert machine.findings()["rules"].text == "cover every one of these lines that is a mail program's"
    machine.write(*(stamped(NOW, text) for text in (SENT, "clamd[1]: x", "dovecot: x", "dovecot: y", "cron[1]: z")))
    finding = machine.findings()["rules"]
    text = "cover all of these lines but (mailgraph --unparsed shows them): dovecot 2, clamd 1"
    assert (finding.level, finding.text) == (OK, text)


def test_lines_that_count_nothing_are_told(machine: Machine) -> None:
    machine.write(stamped(NOW, "kernel: hello"))
    finding = machine.findings()["events"]
    assert (finding.level, finding.text) == (WARNING, "none of these lines counts")


def test_an_option_host_that_fits_no_line_is_named(machine: Machine) -> None:
    finding = machine.findings(options=Options(host="mx"))["events"]
    assert (finding.level, finding.mend.partition(",")[0]) == (WARNING, "mend --host mx")


def test_the_age_of_the_last_line(machine: Machine) -> None:
    machine.write(stamped(NOW - 7200), at=NOW - 7200)
    finding = machine.findings()["last line"]
    assert (finding.level, finding.text) == (OK, "of 2023-11-14 22:00, 2 h ago")


def test_a_log_that_nobody_writes_any_more(machine: Machine) -> None:
    machine.write(stamped(NOW - 3 * 86400), at=NOW - 3 * 86400)
    finding = machine.findings()["last line"]
    assert (finding.level, finding.text) == (
        WARNING,
        "of 2023-11-12 00:00, 3 days ago: does syslog still write here?",
    )


@pytest.mark.parametrize(("offset", "said"), [(3600, "60 min ahead of"), (-7200, "2 h behind")])
def test_a_clock_that_differs(machine: Machine, offset: int, said: str) -> None:
    machine.write(stamped(NOW + offset))
    finding = machine.findings()["clock"]
    assert (finding.level, finding.text, finding.mend) == (
        WARNING,
        f"the last line's stamp is {said} the time at which it was written",
        "set clock and time zone on mail: timedatectl",
    )


def test_behind_an_empty_log_the_rotated_one_is_looked_at(machine: Machine) -> None:
    rotated = machine.log.rename(machine.log.with_name("mail.log.1"))
    subprocess.run(["gzip", rotated], check=True)
    machine.log.touch()
    assert machine.findings()["lines"].text == f"10 of the last 10 in {rotated}.gz have a known form"


def test_an_empty_log(machine: Machine) -> None:
    machine.write()
    finding = machine.findings()["lines"]
    assert (finding.level, finding.mend) == (WARNING, f"logger -p mail.info test; tail -n 1 {machine.log}")


# The daemon


def test_the_daemon_that_runs(machine: Machine) -> None:
    assert machine.findings()["daemon"].text == f"runs, pid {os.getpid()}"


def test_a_daemon_that_does_not_run(machine: Machine) -> None:
    machine.stop()
    finding = machine.findings()["daemon"]
    assert (finding.level, finding.text) == (PROBLEM, f"does not run: nobody holds {machine.rrd_dir}/mailgraph.lock")
    assert "mailgraph" in finding.mend


def test_a_pid_file_that_names_another(machine: Machine) -> None:
    machine.pid_file.write_text("1\n")
    finding = machine.findings()["daemon"]
    assert (finding.level, finding.mend) == (WARNING, f"echo {os.getpid()} > {machine.pid_file}")


def test_a_configuration_edited_since_the_daemons_start(machine: Machine) -> None:
    os.utime(machine.configuration, (NOW + 10**8, NOW + 10**8))
    finding = machine.findings()["daemon"]
    assert (finding.level, finding.text) == (
        WARNING,
        f"runs, pid {os.getpid()}, since before {machine.configuration} was edited",
    )


# The RRD files


def test_an_rrd_directory_that_is_not_there(machine: Machine) -> None:
    machine.stop()
    shutil.rmtree(machine.rrd_dir)
    finding = machine.findings()["RRD directory"]
    assert (finding.level, finding.text) == (PROBLEM, f"{machine.rrd_dir} is not there")
    assert finding.mend == f"install -d {machine.rrd_dir}, or set RRD_DIR in {machine.configuration}"


def test_an_rrd_directory_that_is_a_file(machine: Machine) -> None:
    finding = machine.findings(directory=str(machine.log))["RRD directory"]
    assert (finding.level, finding.text) == (PROBLEM, f"{machine.log} is no directory")


def test_the_last_update_of_an_rrd_is_told(machine: Machine) -> None:
    finding = machine.findings()["mailgraph.rrd"]
    assert (finding.level, finding.text) == (OK, "ends at 2023-11-14 23:58, 2 min ago")


def test_an_rrd_that_is_behind_though_the_daemon_runs(machine: Machine) -> None:
    finding = {f.subject: f for f in check(machine.setup(), NOW + 3600)}["mailgraph.rrd"]
    assert (finding.level, finding.mend) == (WARNING, "tail /var/log/mailgraph.log says which")


def test_an_rrd_that_ends_in_the_future(machine: Machine) -> None:
    rrdtool.update(str(machine.rrd()), "--template", "sent", f"{NOW + 86400}:1")
    finding = machine.findings()["mailgraph.rrd"]
    assert (finding.level, finding.text) == (
        PROBLEM,
        "ends at 2023-11-16 00:00, 24 h ahead: until then it takes nothing",
    )


def test_an_rrd_that_is_not_there_yet(machine: Machine) -> None:
    machine.rrd("_virus").unlink()
    assert machine.findings()["mailgraph_virus.rrd"].level == WARNING


ENDLESS = struct.pack("4s5s7xd3Q80x", b"RRD", b"0003", 8.642135e130, 2**40, 2**40, 60)
"""The head of a file of more data sources than any disk holds."""


@pytest.mark.parametrize("content", [b"", b"no RRD file at all", b"RRD\0" + b"0003\0" + b"\0" * 50, ENDLESS])
@pytest.mark.parametrize("runs", [True, False])
def test_an_rrd_that_is_none(machine: Machine, content: bytes, runs: bool) -> None:
    if not runs:
        machine.stop()
    machine.rrd().write_bytes(content)
    finding = machine.findings()["mailgraph.rrd"]
    assert (finding.level, finding.mend) == (
        PROBLEM,
        f"mv {machine.rrd()} {machine.rrd()}.bad: the daemon makes a new one",
    )


def test_an_rrd_of_something_else(machine: Machine) -> None:
    shutil.copy(machine.rrd("_virus"), machine.rrd())
    finding = machine.findings()["mailgraph.rrd"]
    assert (finding.level, finding.text) == (
        PROBLEM,
        "has no data source sent, recv, bounced, rejected: it is not mailgraph's",
    )


# The checkpoint


def test_the_checkpoint_is_told(machine: Machine) -> None:
    with machine.log.open("a") as file:
        file.write("x" * 2000)
    assert machine.findings()["checkpoint"].text == f"written 0 s ago; 2.0 kB of {machine.log} came since"


def test_without_checkpoint(machine: Machine) -> None:
    (machine.rrd_dir / "mailgraph.checkpoint").unlink()
    assert machine.findings()["checkpoint"].level == OK


def test_a_damaged_checkpoint(machine: Machine) -> None:
    checkpoint = machine.rrd_dir / "mailgraph.checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-5])
    finding = machine.findings()["checkpoint"]
    assert (finding.level, finding.mend) == (
        WARNING,
        f"rm {checkpoint}: the daemon reads the log again from its start, and counts nothing twice",
    )


def test_a_checkpoint_of_another_kind(machine: Machine) -> None:
    Checkpoint(str(machine.rrd_dir / "mailgraph.checkpoint")).save({"position": None})
    assert machine.findings()["checkpoint"].level == WARNING


def test_a_checkpoint_of_another_log(machine: Machine) -> None:
    finding = machine.findings(log="/var/log/other")["checkpoint"]
    assert (finding.level, finding.text) == (WARNING, f"written 0 s ago, of another log: {machine.log}")


# The machine beside the mail


def test_a_queue_that_can_be_read(machine: Machine, tmp_path: Path) -> None:
    Spool(tmp_path)
    finding = machine.findings(machine=True, queue=str(tmp_path))["queue"]
    assert (finding.level, finding.text) == (OK, f"{_user()} can read {tmp_path}")


def test_a_queue_that_is_named_and_is_none(machine: Machine, tmp_path: Path) -> None:
    finding = machine.findings(machine=True, queue=str(tmp_path / "spool"))["queue"]
    assert (finding.level, finding.text) == (WARNING, f"{tmp_path}/spool is not there")
    assert finding.mend.startswith(f"run mailgraph as root, or set QUEUE_DIR in {machine.configuration} to what")


def test_a_queue_that_postqueue_is_asked_for(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "readable", lambda _directory: False)
    monkeypatch.setattr(spool, "SBIN", str(tmp_path))
    assert "queue" not in machine.findings(machine=True)
    (tmp_path / "postqueue").touch(mode=0o755)
    finding = machine.findings(machine=True)["queue"]
    assert (finding.level, finding.text.partition("; ")[2]) == (OK, f"the daemon asks {tmp_path}/postqueue, if it may")


def test_the_files_of_load_and_queue(machine: Machine) -> None:
    Store(str(machine.rrd_dir), (schema.LOAD,)).sample(schema.LOAD, NOW - 3600, {"load_1": 1})
    found = machine.findings(machine=True)
    assert found["mailgraph_queue.rrd"].text == "is not there; its first value makes it"
    assert (found["mailgraph_load.rrd"].level, found["mailgraph_load.rrd"].text.partition(",")[0]) == (
        WARNING,
        "ends at 2023-11-14 23:00",
    )


def test_without_the_machine_nothing_is_said_of_it(machine: Machine) -> None:
    assert not {"queue", "values", "mailgraph_load.rrd", "mailgraph_queue.rrd"} & set(machine.findings())


def test_programs_that_are_run_and_files_that_are_not(machine: Machine, tmp_path: Path) -> None:
    directory = tmp_path / "programs"
    directory.mkdir()
    for name, mode in (("good", 0o755), ("text", 0o644)):
        (directory / name).touch()
        (directory / name).chmod(mode)
    found = [each for each in check(machine.setup(programs=str(directory)), NOW) if each.subject == "values"]
    assert found == [
        Finding(WARNING, "values", f"{directory}/text: it is not executable", f"chmod +x {directory}/text"),
        Finding(OK, "values", f"of good in {directory}"),
    ]


def test_a_directory_of_programs_that_is_not_there(machine: Machine) -> None:
    finding = machine.findings(programs="/nowhere/programs")["values"]
    assert (finding.level, finding.text) == (WARNING, "can't read /nowhere/programs: No such file or directory")
    assert finding.mend == f"set VALUES_DIR in {machine.configuration} to a directory of programs"


def test_the_command_looks_at_the_machine(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--check", "--values", "/nowhere/programs", "--queue", "/nowhere/spool"])
    said = capsys.readouterr().out
    assert "can't read /nowhere/programs: No such file or directory" in said
    assert "/nowhere/spool is not there" in said
    assert "mailgraph_load.rrd" in said


# The page


def test_a_page_that_draws_other_files(machine: Machine) -> None:
    machine.values["RRD_DIR"] = "/elsewhere"
    finding = machine.findings()["page"]
    assert (finding.level, finding.text) == (
        WARNING,
        f"draws /elsewhere/mailgraph.rrd, not {machine.rrd_dir}/mailgraph.rrd",
    )


def test_a_web_servers_user_that_is_none(machine: Machine) -> None:
    machine.values["HTTP_USER"] = "nosuchuser"
    finding = machine.findings()["page"]
    assert (finding.level, finding.text) == (WARNING, "HTTP_USER nosuchuser is no user of this machine")


def open_to_all(path: Path) -> None:
    """pytest's directories are its user's alone."""
    while path != path.parent:
        if not path.stat().st_mode & 0o001:
            path.chmod(0o755)
        path = path.parent


def test_an_rrd_that_the_web_server_may_not_read(machine: Machine) -> None:
    machine.values["HTTP_USER"] = "nobody"
    open_to_all(machine.rrd_dir)
    machine.rrd().chmod(0o600)
    finding = machine.findings()["page"]
    assert (finding.level, finding.mend) == (PROBLEM, f"chmod o+r {machine.rrd()}")


def test_a_hosts_rrd_that_the_web_server_may_not_read(machine: Machine) -> None:
    machine.values["HTTP_USER"] = "nobody"
    place = machine.rrd_dir / "hosts/mx1"
    place.mkdir(parents=True)
    shutil.copy(machine.rrd(), place)
    open_to_all(place)
    assert machine.findings()["page"].level == OK
    (place / "mailgraph.rrd").chmod(0o600)
    finding = machine.findings()["page"]
    assert (finding.level, finding.mend) == (PROBLEM, f"chmod o+r {place}/mailgraph.rrd")


def test_a_directory_that_the_web_server_may_not_pass(machine: Machine) -> None:
    open_to_all(machine.rrd_dir)
    machine.rrd_dir.chmod(0o700)
    assert first_barrier(str(machine.rrd()), "nobody") == str(machine.rrd_dir)


def test_an_rrd_that_the_web_server_may_read(machine: Machine) -> None:
    open_to_all(machine.rrd_dir)
    assert first_barrier(str(machine.rrd()), "nobody") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file to another group")
def test_permission_by_group(machine: Machine) -> None:
    open_to_all(machine.rrd_dir)
    machine.rrd().chmod(0o640)
    os.chown(machine.rrd(), -1, pwd.getpwnam("nobody").pw_gid)
    assert first_barrier(str(machine.rrd()), "nobody") is None


def test_root_reads_everything(machine: Machine) -> None:
    machine.rrd().chmod(0)
    assert first_barrier(str(machine.rrd()), "root") is None


# The command


def test_the_report_begins_with_what_matters() -> None:
    shown = report([Finding(OK, "log", "/l"), Finding(PROBLEM, "daemon", "is down", "start it", ("one", "two"))])
    assert shown == (
        "mailgraph PROBLEM: 1 of 2 checks: daemon\n"
        "OK       log     /l\n"
        "PROBLEM  daemon  is down\n"
        "                 | one\n"
        "                 | two\n"
        "                 -> start it"
    )


def test_the_report_when_all_is_well() -> None:
    assert report([Finding(OK, "log", "/l")]).splitlines()[0] == "mailgraph OK: all 1 checks"


def test_the_command_looks_at_what_is_configured(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.stop()
    assert main(["--check"]) == 2
    shown = capsys.readouterr().out
    assert str(machine.log) in shown
    assert str(machine.rrd_dir) in shown


def test_the_exit_status_is_that_of_the_worst(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--daemon-pid", str(machine.pid_file)]) == 1
    assert capsys.readouterr().out.startswith("mailgraph WARNING: ")


def test_a_configuration_that_is_none_is_a_problem(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.configuration.write_text("what\n")
    assert main(["--check"]) == 2
    assert capsys.readouterr().out == (
        f"mailgraph PROBLEM: {machine.configuration}, line 1: 'what' is not NAME=value\n"
    )


def test_standard_input_can_not_be_looked_at(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--check", "-l", "-"])
    assert "--check can't look at standard input" in capsys.readouterr().err


def test_one_machine_alone_has_no_finding_about_hosts(machine: Machine) -> None:
    assert {"hosts", "hosts file"} & machine.findings().keys() == set()


def test_hosts_and_the_hosts_file_that_are_well(machine: Machine, tmp_path: Path) -> None:
    for name in ("mx1", "mx2"):
        shutil.copytree(machine.rrd_dir, machine.rrd_dir / "hosts" / name, ignore=shutil.ignore_patterns("hosts"))
    path = tmp_path / "hosts.toml"
    path.write_text("hidden = ['mx2']\n")
    machine.values |= {"HOSTS_FILE": str(path), "SPLIT_HOSTS": "true"}
    found = machine.findings()
    assert found["hosts"] == Finding(OK, "hosts", f"2 on one page, of {machine.rrd_dir}/hosts")
    assert found["hosts file"] == Finding(OK, "hosts file", str(path))


def test_each_mistake_in_the_hosts_file_is_a_finding(machine: Machine, tmp_path: Path) -> None:
    path = tmp_path / "hosts.toml"
    path.write_text("order = ['mx1']\nhide = 1\n")
    machine.values["HOSTS_FILE"] = str(path)
    found = [finding for finding in check(machine.setup(), NOW) if finding.subject == "hosts file"]
    mend = f"edit {path}; what is right in it counts"
    assert found == [
        Finding(WARNING, "hosts file", f"{path}: 'hide' is unknown; there are order, hidden, names, groups", mend),
        Finding(WARNING, "hosts file", f"{path}: order: there is no host 'mx1'", mend),
    ]


def test_a_directory_of_hosts_that_is_left_out(machine: Machine) -> None:
    shutil.copytree(machine.rrd_dir, machine.rrd_dir / "hosts" / os.fsdecode(b"\xff"))
    (finding,) = (finding for finding in check(machine.setup(), NOW) if finding.subject == "hosts")
    assert finding == Finding(
        WARNING,
        "hosts",
        f"{machine.rrd_dir}/hosts/\\udcff is left out: its name is not UTF-8",
        "give the directory another name",
    )


def with_log_of_host(machine: Machine) -> dict[str, Finding]:
    """What is found where the log of the host mx is counted beside the main one, both at the same time."""
    return machine.findings(logs_of_hosts=(("mx", str(machine.log)),))


def test_what_is_said_of_the_main_files_is_said_of_a_hosts_own(machine: Machine) -> None:
    shutil.copytree(machine.rrd_dir, machine.rrd_dir / "hosts/mx", ignore=shutil.ignore_patterns("hosts"))
    found = with_log_of_host(machine)
    for subject in ("log", "last line", "checkpoint", *(family.file_name() for family in schema.FAMILIES)):
        assert found[f"{subject} of mx"] == found[subject]._replace(subject=f"{subject} of mx")


def test_a_hosts_own_files_that_are_damaged(machine: Machine) -> None:
    directory = machine.rrd_dir / "hosts/mx"
    directory.mkdir(parents=True)
    for name in ("mailgraph.rrd", "mailgraph.checkpoint"):
        (directory / name).write_text("x")
    found = with_log_of_host(machine)
    assert found["mailgraph.rrd of mx"].mend.startswith(f"mv {directory}/mailgraph.rrd ")
    assert found["checkpoint of mx"].mend.startswith(f"rm {directory}/mailgraph.checkpoint:")
    assert found["mailgraph.rrd"].level == found["checkpoint"].level == OK


def test_a_host_of_which_nothing_is_kept_yet(machine: Machine) -> None:
    found = with_log_of_host(machine)
    assert (found["mailgraph.rrd of mx"].level, found["mailgraph.rrd of mx"].text) == (WARNING, "is not there yet")
    assert found["checkpoint of mx"].level == OK


def test_a_mend_of_a_hosts_log_names_the_setting_that_names_it(machine: Machine) -> None:
    found = machine.findings(log=None, logs_of_hosts=(("mx", "/none"),))
    assert found["log of mx"].mend.endswith(f"set HOST_LOGS in {machine.configuration} to the mail log")
    assert "log" not in found
