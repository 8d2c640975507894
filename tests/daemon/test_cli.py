"""The command line: options, configuration, messages, exit status."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest
import rrdtool

from mailgraph import __version__
from mailgraph.cli import main
from tests.programs import require

LOG = (
    "Nov 25 10:00:01 mail postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)\n"
    "Nov 25 10:00:02 mail postfix/smtp[7]: 4F2: to=<a@b.example>, relay=l[127.0.0.1]:25, status=sent (250 ok)\n"
    "Nov 25 10:01:03 mail postfix/smtpd[8]: 4F3: client=mx.c.example[198.51.100.7]\n"
    "Nov 25 10:01:03 other postfix/smtpd[8]: 4F4: client=mx.c.example[198.51.100.7]\n"
    "Nov 25 10:03:04 mail amavis[9]: (1-2) Blocked SPAM {Discarded}, <a@b.example>\n"
)
MINUTE = 1_764_064_800
"""2025-11-25 10:00 UTC, where the year is given."""

YEAR = ("--year", "2025")

ORIGINAL_OPTIONS = (
    ("-v",), ("--verbose",), ("-c",), ("--cat",), ("-t", "syslog"), ("--logtype=metalog",), ("-y", "2025"),
    ("--year=2025",), ("--host=mail",), ("--no-daemon",), ("--daemon-pid=x",), ("--daemon_pid=x",), ("--daemon-log=x",),
    ("--daemon_log=x",), ("--ignore-localhost",), ("--no-ignore-localhost",), ("--ignore-host=a", "--ignore-host=b"),
    ("--no-mail-rrd",), ("--no-virus-rrd",), ("--no-greylist-rrd",), ("--only-mail-rrd",), ("--only-virus-rrd",),
    ("--rrd-name=mail",), ("--rbl-is-spam",), ("--virbl-is-virus",), ("--lmtp-is-smtp",),
)  # fmt: skip


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("MAILGRAPH_CONFIG", raising=False)
    path = tmp_path / "mail.log"
    path.write_text(LOG)
    return path


@pytest.fixture
def rrd_dir(tmp_path: Path) -> Path:
    path = tmp_path / "rrd"
    path.mkdir()
    return path


def configure(monkeypatch: pytest.MonkeyPatch, path: Path, text: str) -> None:
    path.write_text(text)
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(path))


def updates(output: str) -> dict[int, list[int]]:
    """What --verbose said: the counts of each minute, those filled in left out."""
    lines = [line.removeprefix("update ").split(":") for line in output.splitlines() if "SKIP" not in line]
    return {int(minute): list(map(int, counts)) for minute, *counts in lines}


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"mailgraph {__version__}\n"


def test_help_names_each_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    shown = capsys.readouterr().out
    for first, *_ in ORIGINAL_OPTIONS:
        if "_" not in first:
            assert first.partition("=")[0] in shown


@pytest.mark.parametrize("options", ORIGINAL_OPTIONS, ids=" ".join)
def test_the_original_option_works(log: Path, rrd_dir: Path, options: tuple[str, ...]) -> None:
    assert main(["-c", "-l", str(log), "--daemon_rrd", str(rrd_dir), *options]) == 0
    assert list(rrd_dir.glob("*.rrd"))


def test_verbose_prints_each_minute(log: Path, rrd_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["-c", "-v", "-l", str(log), "--daemon-rrd", str(rrd_dir), *YEAR])
    assert capsys.readouterr().out == (
        f"update {MINUTE}:2:0:0:0:0:0:0:0\n"
        f"update {MINUTE + 60}:0:2:0:0:0:0:0:0\n"
        f"update {MINUTE + 120}:0:0:0:0:0:0:0:0 (SKIP)\n"
        f"update {MINUTE + 180}:0:0:0:0:0:1:0:0\n"
    )


def test_a_log_read_again_counts_nothing_twice(log: Path, rrd_dir: Path) -> None:
    command = ["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), *YEAR]
    main(command)
    once = (rrd_dir / "mailgraph.rrd").read_bytes()
    assert main(command) == 0
    assert (rrd_dir / "mailgraph.rrd").read_bytes() == once


def test_an_old_log_leaves_the_time_since_then_to_the_next_one(log: Path, rrd_dir: Path) -> None:
    main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), *YEAR])
    assert rrdtool.last(str(rrd_dir / "mailgraph.rrd")) == MINUTE + 180


def test_rrd_name_names_the_files(log: Path, rrd_dir: Path) -> None:
    main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), "--rrd-name", "mx"])
    assert {path.name for path in rrd_dir.glob("*.rrd")} >= {"mx.rrd", "mx_virus.rrd", "mx_greylist.rrd"}


@pytest.mark.parametrize(
    ("option", "missing"),
    [
        ("--no-mail-rrd", ["mailgraph.rrd"]),
        ("--no-virus-rrd", ["mailgraph_virus.rrd"]),
        ("--no-greylist-rrd", ["mailgraph_greylist.rrd"]),
        ("--only-mail-rrd", ["mailgraph_greylist.rrd", "mailgraph_virus.rrd"]),
        ("--only-virus-rrd", ["mailgraph.rrd", "mailgraph_greylist.rrd"]),
    ],
)
def test_an_option_leaves_files_out(log: Path, rrd_dir: Path, option: str, missing: list[str]) -> None:
    classical = {"mailgraph.rrd", "mailgraph_greylist.rrd", "mailgraph_virus.rrd"}
    main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), option])
    assert sorted(classical - {path.name for path in rrd_dir.glob("*.rrd")}) == missing


def test_without_a_directory_the_files_are_in_the_working_directory(
    log: Path, rrd_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(rrd_dir)
    main(["-c", "-l", "../mail.log"])
    assert (rrd_dir / "mailgraph.rrd").exists()


def test_log_and_directory_come_from_the_configuration(
    log: Path, rrd_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, log.with_name("default"), f"MAIL_LOG={log}\nRRD_DIR={rrd_dir}\n")
    assert main(["-c"]) == 0
    assert (rrd_dir / "mailgraph.rrd").exists()


def test_ignore_localhost_and_extra_options_come_from_the_configuration(
    log: Path, rrd_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = "--host 'MAIL' --year 2025 -v"
    configure(monkeypatch, log.with_name("default"), f'IGNORE_LOCALHOST=true\nEXTRA_OPTIONS="{extra}"\n')
    main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir)])
    counted = updates(capsys.readouterr().out)
    assert (counted[MINUTE][0], counted[MINUTE + 60][1]) == (1, 1)


def test_the_command_line_wins_over_the_configuration(
    log: Path, rrd_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(monkeypatch, log.with_name("default"), "MAIL_LOG=/nowhere\nRRD_DIR=/nowhere\nIGNORE_LOCALHOST=true\n")
    main(["-c", "-v", "-l", str(log), "--daemon-rrd", str(rrd_dir), "--no-ignore-localhost", *YEAR])
    assert updates(capsys.readouterr().out)[MINUTE][0] == 2


def test_a_minute_that_rotation_has_cut_is_counted_whole(
    log: Path, rrd_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, *_ = LOG.splitlines(keepends=True)
    log.write_text(second)
    older = log.with_name("mail.log.1.gz")
    older.write_bytes(gzip.compress(first.encode()))
    main(["-c", "-v", "--daemon-rrd", str(rrd_dir), *YEAR, str(older), str(log)])
    assert updates(capsys.readouterr().out)[MINUTE][0] == 2


def test_standard_input_is_read_to_its_end(log: Path, rrd_dir: Path) -> None:
    command = [sys.executable, "-m", "mailgraph", "-v", "-l", "-", "--daemon-rrd", rrd_dir, *YEAR]
    result = subprocess.run(command, input=LOG.encode(), check=True, capture_output=True)
    assert list(updates(result.stdout.decode())) == [MINUTE, MINUTE + 60, MINUTE + 180]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["--year", "26"], "'26' is no year from 1970 to 2105"),
        (["--host", "("], "--host: '(' is no regular expression: missing ), unterminated subpattern at position 0"),
        (["--ignore-host", "["], "--ignore-host: '[' is no regular expression: unterminated character set"),
        (["--logtype", "x"], "invalid choice: 'x'"),
        (["--only-mail-rrd", "--only-virus-rrd"], "not allowed with argument"),
        (["--no-mail-rrd", "--no-virus-rrd", "--no-greylist-rrd", "--classic"], "no RRD file is left to write"),
        (["--rrd-name", "a/b"], "--rrd-name: 'a/b' is no file name"),
        (["-d", "-l", "-"], "--daemon can't read standard input"),
        (["more", "-"], "standard input is read alone"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_use_is_said_with_status_2(
    log: Path, rrd_dir: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), *arguments])
    assert message in capsys.readouterr().err


def failure(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a failing command says."""
    assert main(["-c", *map(str, arguments)]) == 1
    return capsys.readouterr().err.removesuffix("\n")


def test_a_missing_log(rrd_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert failure(capsys, "-l", "/nowhere/log", "--daemon-rrd", rrd_dir) == (
        "mailgraph: /nowhere/log is not there; give --logfile, or set MAIL_LOG in /etc/default/mailgraph"
    )


def test_more_than_one_log_to_follow(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(log)])
    assert f"only --cat reads more than one log; to follow {log}, give it with --logfile" in capsys.readouterr().err


def test_a_pipe_is_not_followed(log: Path, rrd_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(log.with_name("fifo"))
    assert main(["-l", str(log.with_name("fifo")), "--daemon-rrd", str(rrd_dir)]) == 1
    assert "is no file that can be followed; read it with --cat" in capsys.readouterr().err


def test_without_standard_input_it_is_said(log: Path, rrd_dir: Path) -> None:
    command = f"exec {sys.executable} -m mailgraph -l - --daemon-rrd {rrd_dir} <&-"
    result = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)
    assert (result.returncode, "there is no standard input" in result.stderr) == (1, True)


def test_a_log_that_is_a_directory(rrd_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is a directory, not a mail log" in failure(capsys, "-l", rrd_dir, "--daemon-rrd", rrd_dir)


def test_a_missing_rrd_directory(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert failure(capsys, "-l", log, "--daemon-rrd", "/nowhere") == (
        "mailgraph: RRD directory /nowhere: No such file or directory (create it, or mend RRD_DIR or --daemon-rrd)"
    )


def test_a_missing_configuration_file(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILGRAPH_CONFIG", "/nowhere/default")
    assert failure(capsys, "-l", log) == (
        "mailgraph: can't read configuration /nowhere/default: No such file or directory"
        " (create it or unset MAILGRAPH_CONFIG)"
    )


def test_extra_options_that_are_no_words(
    log: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, log.with_name("default"), 'EXTRA_OPTIONS="--host \'a"\n')
    assert failure(capsys, "-l", log) == f"mailgraph: {log.with_name('default')}: EXTRA_OPTIONS: No closing quotation"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty; move it away, and a new one will be made"),
        (b"no RRD", "it was cut off; move it away, and a new one will be made"),
        (b"x" * 50_000, "move it away, and a new one will be made"),
    ],
    ids=["empty", "short", "foreign"],
)
def test_a_damaged_rrd_is_told_and_left_alone(
    log: Path, rrd_dir: Path, content: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = rrd_dir / "mailgraph_virus.rrd"
    file.write_bytes(content)
    said = failure(capsys, "-l", log, "--daemon-rrd", rrd_dir)
    assert (str(file) in said, message in said) == (True, True)
    assert file.read_bytes() == content


def test_an_rrd_of_another_program_is_told(log: Path, rrd_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(rrd_dir / "mailgraph.rrd")
    rrdtool.create(file, "--step", "60", "DS:load:GAUGE:120:0:U", "RRA:AVERAGE:0.5:1:10")
    assert failure(capsys, "-l", log, "--daemon-rrd", rrd_dir) == (
        f"mailgraph: can't use {file}: unknown DS name 'sent'"
        " (it is not one of mailgraph's; move it away, and a new one will be made)"
    )


def test_an_rrd_with_one_more_data_source_is_counted_into(log: Path, rrd_dir: Path) -> None:
    file = str(rrd_dir / "mailgraph.rrd")
    sources = [f"DS:{name}:ABSOLUTE:120:0:U" for name in ("extra", "sent", "recv", "bounced", "rejected")]
    rrdtool.create(file, "--start", str(MINUTE - 60), "--step", "60", *sources, "RRA:AVERAGE:0.5:1:10")
    assert main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), *YEAR]) == 0
    _, names, rows = rrdtool.fetch(file, "AVERAGE", "--start", str(MINUTE - 60), "--end", str(MINUTE - 1))
    assert dict(zip(names, rows[0], strict=True))["sent"] * 60 == pytest.approx(2)


def test_of_a_log_that_is_cut_off_all_before_the_cut_is_counted_and_the_rest_when_it_is_whole(
    log: Path, rrd_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = LOG.replace(" 10:", " 11:")
    whole = gzip.compress(LOG.encode()) + gzip.compress(later.encode())
    counted: list[dict[int, list[int]]] = []
    for content in (whole[:-8], whole):
        log.write_bytes(content)
        status = main(["-c", *YEAR, "-v", "-l", str(log), "--daemon-rrd", str(rrd_dir)])
        out, err = capsys.readouterr()
        assert (status, err.startswith(f"mailgraph: can't read {log}: ")) == ((1, True) if not counted else (0, False))
        counted.append(updates(out))
    before, rest = counted
    minutes = (0, 60, 180, 3600, 3660, 3780)
    assert [second for second in minutes if MINUTE + second in before] == [0, 60, 180, 3600, 3660]
    assert [second for second in minutes if MINUTE + second in rest] == [3780]


def without_roots_privilege(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs mailgraph so that files' modes hold even for root."""
    capabilities = "-dac_override,-dac_read_search,-fowner"
    limits = [] if os.getuid() else [require("setpriv"), "--bounding-set", capabilities, "--inh-caps", capabilities]
    command = [*limits, sys.executable, "-m", "mailgraph", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("follow", [(), ("-c",)], ids=["followed", "read once"])
def test_a_log_without_permission(log: Path, rrd_dir: Path, follow: tuple[str, ...]) -> None:
    log.chmod(0)
    result = without_roots_privilege(*follow, "-l", log, "--daemon-rrd", rrd_dir)
    assert result.returncode == 1
    assert result.stderr == (
        f"mailgraph: can't read {log}: Permission denied (run as root, or as a member of its group)\n"
    )


def test_an_rrd_directory_without_permission(log: Path, rrd_dir: Path) -> None:
    rrd_dir.chmod(0o500)
    result = without_roots_privilege("-c", "-l", log, "--daemon-rrd", rrd_dir)
    assert result.returncode == 1
    assert result.stderr == (
        f"mailgraph: can't write in RRD directory {rrd_dir}: Permission denied"
        f" (as user {os.getuid()}; chown or chmod it)\n"
    )


def test_what_root_has_kept_by_hand_hinders_no_other_user(log: Path, rrd_dir: Path) -> None:
    """The RRD files are the other's as before, and so is their directory."""
    main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir), *YEAR])
    (rrd_dir / "mailgraph.underway").chmod(0o444)
    log.write_text(LOG + LOG.replace("10:", "11:"))
    result = without_roots_privilege("-c", "-l", log, "--daemon-rrd", rrd_dir, *YEAR)
    assert (result.returncode, result.stderr) == (0, "")
    assert rrdtool.last(str(rrd_dir / "mailgraph.rrd")) == MINUTE + 3600 + 180


def test_an_rrd_without_permission(log: Path, rrd_dir: Path) -> None:
    main(["-c", "-l", str(log), "--daemon-rrd", str(rrd_dir)])
    (rrd_dir / "mailgraph.rrd").chmod(0o400)
    result = without_roots_privilege("-c", "-l", log, "--daemon-rrd", rrd_dir)
    assert result.returncode == 1
    assert f"can't use {rrd_dir}/mailgraph.rrd: Permission denied (owned by" in result.stderr
