"""Rules of one's own: what they count, and each mistake in them as one line."""

import subprocess
import sys
from pathlib import Path

import pytest
import rrdtool

from mailgraph import ownrules
from mailgraph.logforms import Stamps
from mailgraph.ownrules import OwnRulesError
from mailgraph.scanner import Options, Scanner

LINE = "Nov  5 06:07:08 mail {}"
QUOTA = "dovecot: lmtp(anna)<7><x>: save failed to INBOX: Quota exceeded"
REFUSED = "postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 Relay access denied; from=<> to=<a@b>"


def rule(
    counter: str = "over_quota", program: str = "dovecot", text: str = "Quota exceeded", sample: str = QUOTA
) -> str:
    keys = {"counter": counter, "program": program, "text": text, "sample": LINE.format(sample)}
    return "[[rule]]\n" + "".join(f"{key} = '{value}'\n" for key, value in keys.items())


RELAY = rule("relay_tried", "postfix/smtpd", r"\bRelay access denied;", REFUSED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rules.toml"


def counts(path: Path, toml: str, *lines: str, options: Options = Options()) -> dict[str, int]:  # noqa: B008
    path.write_text(toml)
    log = "".join(LINE.format(line) + "\n" for line in lines).encode()
    total: dict[str, int] = {}
    for _, counted in Scanner(options, Stamps(2026), own=ownrules.load(str(path))).scan(log, 0):
        for counter, times in counted.items():
            total[counter] = total.get(counter, 0) + times
    return total


def test_a_line_counts_by_a_rule_of_ones_own(path: Path) -> None:
    assert counts(path, rule(), QUOTA, QUOTA.replace("dovecot", "other"), "dovecot: x") == {"over_quota": 1}


def test_a_line_counts_for_what_it_counts_anyway(path: Path) -> None:
    assert counts(path, rule() + RELAY, REFUSED, QUOTA) == {"relay_tried": 1, "over_quota": 1, "rejected": 1}


def test_the_first_rule_of_a_program_that_fits_counts(path: Path) -> None:
    assert counts(path, rule("first") + rule("second"), QUOTA) == {"first": 1}


def test_several_rules_may_have_one_counter(path: Path) -> None:
    other = rule(text="mailbox full", sample="dovecot: mailbox full")
    assert counts(path, rule() + other, QUOTA, "dovecot: mailbox full") == {"over_quota": 2}


def test_the_option_host_is_kept_to(path: Path) -> None:
    assert counts(path, rule(), QUOTA, options=Options(host="other")) == {}
    assert counts(path, rule(), QUOTA, options=Options(host="mail")) == {"over_quota": 1}


def test_a_pattern_sees_its_own_line_alone(path: Path) -> None:
    assert counts(path, rule(text=r"a\s+b|a$", sample="dovecot: a"), "dovecot: a", "dovecot: b") == {"over_quota": 1}


@pytest.mark.parametrize("classic", [False, True])
def test_a_line_that_syslog_says_is_repeated_counts_as_often(path: Path, classic: bool) -> None:
    inside = "postfix/smtpd[1]: message repeated 3 times: [ {}]".format(REFUSED.partition(": ")[2])
    anchored = rule("relay_tried", "postfix/smtpd", r"^NOQUEUE: .* to=<a@b>$", REFUSED)
    counted = counts(path, anchored, REFUSED, inside, "last message repeated 2 times", options=Options(classic))
    assert counted["relay_tried"] == 1 + 3 + 2 * 3
    counted = counts(path, anchored, REFUSED, "last message repeated 2 times", options=Options(classic))
    assert counted == {"relay_tried": 3, "rejected": 3}


@pytest.mark.parametrize(
    ("toml", "reason"),
    [
        ("[[rule", ": Expected ']]' at the end of an array declaration"),
        ("", ": it must hold [[rule]] tables and nothing else"),
        ("[rule]\n", ": it must hold [[rule]] tables and nothing else"),
        ("rule = [1]\n", ", rule 1: it is no table"),
        ("[[rule]]\ncounter = 'x'\n", ", rule 1: program is missing, or no text in quotes"),
        (rule() + "extra = 1\n", ", rule 1 (over_quota): extra is unknown; there are counter, program, text, sample"),
        (rule() + rule("Bad!"), ", rule 2 (Bad!): a counter's name is a to z"),
        (rule("a" * 20), f", rule 1 ({'a' * 20}): a counter's name is a to z"),
        (rule("spam"), ", rule 1 (spam): the name is taken; mailgraph counts spam itself"),
        (rule(text="Quota ("), ", rule 1 (over_quota): 'Quota (' is no regular expression: missing )"),
        (rule(text="quota"), ", rule 1 (over_quota): the pattern 'quota' does not fit the sample's 'lmtp(anna)"),
        (rule(program="exim"), ", rule 1 (over_quota): the sample is no log line of the program exim"),
        (rule(sample="nothing"), ", rule 1 (over_quota): the sample is no log line of the program dovecot"),
        (rule(text="(x+x+)+y|Quota"), ", rule 1 (over_quota): the pattern '(x+x+)+y|Quota' is too slow"),
        (rule(text=r"(\w| |\W)*z|Quota"), r", rule 1 (over_quota): the pattern '(\\w| |\\W)*z|Quota' is too slow"),
        (rule(text=".*a.*b.*c.*d|Quota"), ", rule 1 (over_quota): the pattern '.*a.*b.*c.*d|Quota' is too slow"),
    ],
)
def test_a_mistake_is_one_line_with_file_rule_and_reason(path: Path, toml: str, reason: str) -> None:
    path.write_text(toml)
    with pytest.raises(OwnRulesError) as caught:
        ownrules.load(str(path))
    assert str(caught.value).startswith(f"{path}{reason}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(OwnRulesError, match=f"^can't read {path}: No such file or directory$"):
        ownrules.load(str(path))


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    log = tmp_path / "mail.log"
    log.write_text("".join(LINE.format(line) + "\n" for line in (QUOTA, REFUSED)))
    command = [sys.executable, "-m", "mailgraph", "-c", "-l", log, *arguments]
    return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)


def test_each_counter_has_an_rrd_file_of_its_own(path: Path, tmp_path: Path) -> None:
    path.write_text(rule() + RELAY)
    assert run(tmp_path, "--rules", str(path)).returncode == 0
    for counter in ("over_quota", "relay_tried"):
        info = rrdtool.info(str(tmp_path / f"mailgraph_own_{counter}.rrd"))
        assert {key for key in info if key.endswith(".index")} == {f"ds[{counter}].index"}
        assert info[f"ds[{counter}].last_ds"] == "1"


def test_the_command_line_says_a_mistake_and_counts_nothing(path: Path, tmp_path: Path) -> None:
    path.write_text(rule("spam"))
    done = run(tmp_path, "--rules", str(path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"mailgraph: {path}, rule 1 (spam): the name is taken; mailgraph counts spam itself\n"
    assert not list(tmp_path.glob("*.rrd"))
