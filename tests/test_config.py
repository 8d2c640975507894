"""The configuration file: what the shell understands of it, and what is told of what is not understood."""

import subprocess
from pathlib import Path

import pytest

from mailgraph import config
from mailgraph.config import ConfigError

FORMS = {
    "A=/var/log/mail.log": "/var/log/mail.log",
    "A=x # why": "x",
    "A=x#y": "x#y",
    "A=x ; # why": "x",
    "A=x;": "x",
    "  A=x  ": "x",
    "export A=x": "x",
    "A=": "",
    'A=""': "",
    "A='/srv/my rrds'": "/srv/my rrds",
    'A="a;b#c"': "a;b#c",
    'A="it\'s"': "it's",
    "A=a'b'\"c\"d": "abcd",
    r"A=a\ b": "a b",
    r"A='a\b'": r"a\b",
    r'A="a\b\"\\\$"': 'a\\b"\\$',
    'B=b\nA="$B and ${B}c"': "b and bc",
    "B=b\nA=$B.d": "b.d",
    "B=b\nA='$B'": "$B",
    "A=$B": "",
    "A=first\nA=second": "second",
    "A=x\n\n# A=y": "x",
    "A=/srv/größe": "/srv/größe",
}


@pytest.mark.parametrize(("text", "value"), FORMS.items(), ids=FORMS)
def test_a_value_is_what_the_shell_makes_of_it(text: str, value: str) -> None:
    assert config.parse(text)["A"] == value
    by_shell = subprocess.run(
        ["sh", "-c", f'{text}\nprintf %s "$A"'], env={}, check=True, capture_output=True, text=True
    )
    assert by_shell.stdout == value


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("A", "'A' is not NAME=value"),
        ("A = x", "'A = x' is not NAME=value"),
        ("1A=x", "'1A=x' is not NAME=value"),
        ('[ -r /etc/x ] && . "/etc/x"', "'[ -r /etc/x ] && . \"/etc/x\"' is not NAME=value"),
        ("A=x y", "'y' stands behind the value; put the value in quotes"),
        ("A='x", "the quote ' is not closed"),
        ('A="x', 'the quote " is not closed'),
        ("A=`id`", "commands are not run here; write the value itself"),
        ('A="`id`"', "commands are not run here; write the value itself"),
        ("A=$(id)", "only $NAME and ${NAME} are understood behind a $; write the value itself"),
        ("A=${B:-x}", "only $NAME and ${NAME} are understood behind a $; write the value itself"),
    ],
)
def test_a_line_that_is_not_understood_is_told_with_its_number(line: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.parse(f"# comment\n{line}\n", "/etc/default/mailgraph")
    assert str(caught.value) == f"/etc/default/mailgraph, line 2: {complaint}"


def test_bytes_that_are_no_utf_8_come_through(tmp_path: Path) -> None:
    file = tmp_path / "default"
    file.write_bytes(b"RRD_DIR=/srv/gr\xf6\xdfe\n")
    assert config.load(str(file))["RRD_DIR"] == "/srv/gr\udcf6\udcdfe"


def test_without_a_file_there_are_no_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILGRAPH_CONFIG", raising=False)
    monkeypatch.setattr(config, "DEFAULT_PATH", "/nowhere/default")
    assert config.load() == {}


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine"
    file.write_text("MAIL_LOG=/srv/log\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(file))
    assert (config.path(), config.load()) == (str(file), {"MAIL_LOG": "/srv/log"})


def test_a_named_file_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILGRAPH_CONFIG", "/nowhere/mine")
    with pytest.raises(ConfigError, match=r"^can't read configuration /nowhere/mine: No such file or directory \(cre"):
        config.load()


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r": Is a directory \(make it readable\)$"):
        config.load(str(tmp_path))


def test_log_and_directory_are_the_configured_ones() -> None:
    values = {"MAIL_LOG": "/srv/log", "RRD_DIR": "/srv/rrds"}
    assert (config.mail_log(values), config.rrd_dir(values)) == ("/srv/log", "/srv/rrds")


def test_without_values_the_directory_is_debians() -> None:
    assert config.rrd_dir({}) == "/var/lib/mailgraph"


def test_without_values_the_log_is_the_first_usual_one_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tuple(str(tmp_path / name) for name in ("mail.log", "maillog", "syslog"))
    monkeypatch.setattr(config, "MAIL_LOGS", logs)
    assert config.mail_log({}) is None
    for log in reversed(logs):
        Path(log).touch()
        assert config.mail_log({}) == log


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ("", "mailgraph"),
        ("--verbose", "mailgraph"),
        ("--rrd-name mx", "mx"),
        ("--rrd-name=mx --verbose", "mx"),
        ("--rrd-name 'mx'", "mx"),
        ("--rrd-n=mx", "mx"),
        ("--rrd-name a --rrd-name b", "b"),
        ("--rrd-name", "mailgraph"),
    ],
)
def test_the_page_finds_the_name_of_the_rrd_files(options: str, name: str) -> None:
    assert config.rrd_name({"EXTRA_OPTIONS": options}) == name


@pytest.mark.parametrize(
    ("values", "split"),
    [
        ({}, False),
        ({"SPLIT_HOSTS": "true"}, True),
        ({"SPLIT_HOSTS": "false"}, False),
        ({"EXTRA_OPTIONS": "--verbose --split-hosts"}, True),
        ({"EXTRA_OPTIONS": "--split"}, True),
        ({"EXTRA_OPTIONS": "-- --s --static x --verbose"}, False),
    ],
)
def test_the_page_knows_whether_hosts_are_split(values: dict[str, str], split: bool) -> None:
    assert config.split_hosts(values) == split
