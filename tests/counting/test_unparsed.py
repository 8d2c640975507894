"""What no rule covers is visible: by program, and by kind of line."""

import subprocess
import sys
from pathlib import Path

import pytest

from mailgraph import unparsed
from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from mailgraph.unparsed import Kind


def line(text: str) -> bytes:
    return f"Nov  5 06:07:08 mail {text}\n".encode()


def kinds(*texts: str, options: Options = Options()) -> list[Kind]:  # noqa: B008
    return unparsed.kinds(Scanner(options, Stamps(2026)), [line(text) for text in texts])


CONNECT = "postfix/smtpd[1]: connect from a.example[192.0.2.1]"


def test_a_line_that_counts_is_covered() -> None:
    assert kinds("postfix/smtpd[1]: 4F9: client=a.example[192.0.2.1]") == []


def test_a_line_that_only_ends_something_is_covered() -> None:
    assert kinds("postfix/smtpd[1]: disconnect from a.example[192.0.2.1] commands=0/0") == []


def test_lines_that_differ_in_names_and_numbers_are_of_one_kind() -> None:
    other = "postfix/smtpd[22]: connect from unknown[2001:db8::1]"
    assert kinds(CONNECT, other) == [Kind(b"postfix/smtpd", 2, b"connect from a.example[192.0.2.1]")]
    queued = (
        "4F9: from=<a@b.example>, size=12, nrcpt=1 (queue active)",
        "3Zq8kF: from=<>, size=9, nrcpt=2 (queue active)",
    )
    assert [kind.lines for kind in kinds(*(f"postfix/qmgr[1]: {text}" for text in queued))] == [2]


def test_programs_and_kinds_with_the_most_lines_come_first() -> None:
    found = kinds("clamd[1]: x", "dovecot: b", CONNECT, "dovecot: a", "dovecot: b")
    assert [(kind.program, kind.lines) for kind in found] == [
        (b"dovecot", 2),
        (b"dovecot", 1),
        (b"clamd", 1),
        (b"postfix/smtpd", 1),
    ]


def test_other_programs_are_left_out() -> None:
    assert kinds("kernel: x", "sshd[1]: y", "systemd[1]: postfix started") == []


@pytest.mark.parametrize(
    "program", ["postfix-out/smtpd", "Exim4", "sm-mta", "opendkim", "policyd-spf", "spamass-milter"]
)
def test_mail_programs_are_known_by_what_their_names_begin_with(program: str) -> None:
    assert [kind.program.decode() for kind in kinds(f"{program}[1]: x")] == [program]


def test_each_form_of_a_line_is_looked_at() -> None:
    forms = (
        b"2026-11-05T06:07:08Z mail dovecot: x\n",
        b"Nov  5 06:07:08 [dovecot] x\n",
        b"<22>1 2026-11-05T06:07:08Z mail dovecot 1 - - x\n",
    )
    assert unparsed.kinds(Scanner(Options(), Stamps(2026)), forms) == [Kind(b"dovecot", 3, b"x")]


def test_options_say_what_is_covered() -> None:
    lmtp = "postfix/lmtp[1]: 4F9: to=<a@b.example>, relay=x[192.0.2.1]:24, dsn=2.0.0, status=sent (250 ok)"
    assert kinds(lmtp) == []
    assert len(kinds(lmtp, options=Options(classic=True))) == 1


def test_kinds_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unparsed, "MOST_KINDS", 3)
    found = kinds(*(f"dovecot: {'abcdefgh'[n:]}" for n in range(8)))
    assert sorted(kind.lines for kind in found) == [1, 1, 1, 5]


def test_a_report_names_programs_and_shows_the_first_of_each_kind() -> None:
    found = kinds(CONNECT, CONNECT, *(f"dovecot: {letter}" for letter in "abcdefg"), "clamd: \033[31m")
    assert unparsed.report(found) == "\n".join(
        (
            "        7  dovecot",
            "          1  a",
            "          1  b",
            "          1  c",
            "          1  d",
            "          1  e",
            "          2  of 2 other kinds",
            "        2  postfix/smtpd",
            "          2  connect from a.example[192.0.2.1]",
            "        1  clamd",
            "          1  \\x1b[31m",
        )
    )


def test_a_report_of_nothing_says_so() -> None:
    assert unparsed.report([]) == "every line of a mail program is covered by a rule"


@pytest.mark.parametrize("given", ["file", "-"])
def test_the_command_line_shows_a_log(given: str, tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_bytes(line(CONNECT))
    command = [sys.executable, "-m", "mailgraph", "--unparsed", "-l", log if given == "file" else "-"]
    done = subprocess.run(command, cwd=tmp_path, input=log.read_bytes(), check=True, capture_output=True)
    assert done.stdout == b"        1  postfix/smtpd\n          1  connect from a.example[192.0.2.1]\n"
    assert [file.name for file in tmp_path.iterdir()] == ["mail.log"]


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_bytes(b"".join(line(f"program-of-postfix-{n}[1]: x".replace("program-of-", "")) for n in range(9000)))
    command = f"{sys.executable} -m mailgraph --unparsed -l {log} | head -n 1"
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert (done.stdout.count(b"\n"), done.stderr) == (1, b"")


def test_crafted_lines_cost_no_more_than_their_length() -> None:
    found = kinds(*(f"dovecot: {unit * 100_000}" for unit in ("a", "<", '"', "=", "1", "[", "a=", "(")))
    assert sum(kind.lines for kind in found) == 8
