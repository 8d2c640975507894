"""What bin/bench is made of works, and its logs count what they claim.  How long anything takes is nobody's claim here."""

import io
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from mailgraph.splitting import OF_HOST
from tests.bench import bare, following, hosts, logs, programs, timing
from tests.bench.__main__ import table
from tests.bench.logs import BEGIN, BSD, FORMS, RFC3339, SERVERS, YEAR
from tests.bench.rows import SECTIONS, Aim, Plan
from tests.programs import require


def all_installed() -> tuple[str, ...]:
    """What is measured, and what compresses."""
    measured = (require("mailgraph"), require("mtail"), require("pflogsumm"), require("grep"), require("wc"))
    return (*measured, require("gzip"), require("bzip2"), require("xz"), require("zstd"))


def counted(log: bytes) -> Counter[str]:
    counts: Counter[str] = Counter()
    for _, events in Scanner(Options(), Stamps(YEAR)).scan(log, BEGIN):
        counts.update(events)
    return counts


def written(server: str, form: logs.Form, lines: int) -> tuple[bytes, logs.Made]:
    file = io.BytesIO()
    made = logs.write(file, SERVERS[server], form, lines)
    return file.getvalue(), made


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("server", SERVERS)
def test_a_log_counts_what_it_claims(server: str, form: str) -> None:
    log, made = written(server, FORMS[form], 5000)
    assert counted(log) == +made.counts
    assert log.count(b"\n") == made.lines
    assert 5000 <= made.lines < 5100


def test_a_log_of_several_stretches_counts_what_it_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "STRETCH", 2000)
    log, made = written("relay", BSD, 6000)
    assert counted(log) == +made.counts
    assert log.count(b"\n") == made.lines
    ids = {line.split()[5] for line in log.splitlines() if b"/cleanup[" in line}
    assert len(ids) == log.count(b"/cleanup[")


def test_a_log_of_several_hosts_differs_in_their_names_alone() -> None:
    one, several = (logs.Stretch(SERVERS["relay"], BSD, 2000, hosts=hosts) for hosts in (1, 3))
    for (second, text), (same_second, by_several) in zip(one.seconds, several.seconds, strict=True):
        assert (re.sub(rb"\bm00[012] ", b"mail ", by_several), same_second) == (text, second)
    hosts = Counter(line.split()[1] for _, text in several.seconds for line in text.splitlines())
    assert set(hosts) == {b"m000", b"m001", b"m002"}
    assert (
        one.counts
        == several.counts
        == counted(b"".join(several.stamped(text, BEGIN + s, 0) for s, text in several.seconds))
    )


def test_a_stream_goes_on_and_on() -> None:
    stream = logs.Stream(SERVERS["relay"], BSD, lines_a_second=30, period=40, hosts=2)
    seconds = [stream.second(BEGIN, number) for number in range(2000)]
    lines = [b"".join(seconds[n : n + 40]).count(b"\n") for n in range(400, 2000, 40)]
    assert set(lines) == {logs.Stretch(SERVERS["relay"], BSD, 1200).lines}
    log = [line.split() for text in seconds for line in text.splitlines()]
    came = {words[5]: number for number, words in reversed(list(enumerate(log))) if words[6].startswith(b"client=")}
    delivered = [(number, words[5]) for number, words in enumerate(log) if b"delay=331," in words]
    assert len(delivered) > 100
    assert all(came[queue_id] < number for number, queue_id in delivered)
    assert len(came) == sum(b": client=" in text for text in b"".join(seconds).splitlines())
    assert b"".join(seconds).splitlines()[-1].startswith(b"Jan  6 00:33:19 ")


def test_the_same_arguments_give_the_same_log() -> None:
    assert written("relay", RFC3339, 1000) == written("relay", RFC3339, 1000)


def test_the_forms_tell_the_same_story() -> None:
    bsd, rfc3339 = (written("storm", form, 500)[0].splitlines() for form in (BSD, RFC3339))
    assert [line[16:] for line in bsd] == [line.split(b" ", 1)[1] for line in rfc3339]


@pytest.mark.parametrize("session", logs.SESSIONS)
def test_each_kind_of_session_comes_from_some_server(session: str) -> None:
    assert any(session in server.mix for server in SERVERS.values())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("server", ["relay", "storm"])
def test_the_bare_pattern_finds_the_lines_that_the_scanner_takes_up(server: str, form: str, tmp_path: Path) -> None:
    text, _ = written(server, FORMS[form], 5000)
    log = tmp_path / "mail.log"
    log.write_bytes(text)
    scanner = Scanner(Options(), Stamps(YEAR))
    taken_up = sum(scanner.covers(b"\n" + line) for line in text.splitlines())
    assert bare.counted(log).total() == taken_up > 1000


def test_the_median_of_several_runs() -> None:
    runs = [timing.Spent(3.0, 2.0, 10), timing.Spent(1.0, 3.0, 30), timing.Spent(2.0, 9.0, 20)]
    assert timing.median(runs) == timing.Spent(2.0, 3.0, 30)


def test_programs_run_in_turn() -> None:
    ran = []

    def work(name: str) -> timing.Spent:
        ran.append(name)
        return timing.Spent(len(ran), 0, 0)

    spent = timing.in_turn({"a": lambda: work("a"), "b": lambda: work("b")}, 3)
    assert ran == ["a", "b", "a", "b", "a", "b"]
    assert {name: one.seconds for name, one in spent.items()} == {"a": 3, "b": 4}


def test_a_program_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(timing.Failed, match=r"^sh ended with 3: oh$"):
        timing.run(["sh", "-c", "echo oh >&2; exit 3"], tmp_path)


def test_the_memory_of_a_program_is_seen(tmp_path: Path) -> None:
    taken = 300_000_000
    spent = timing.run([sys.executable, "-c", f"bytearray({taken}).find(1)"], tmp_path)
    assert taken < spent.memory < 2 * taken


@pytest.mark.parametrize(("limit", "at_least", "met", "missed"), [(2, True, 2, 1.9), (2, False, 2, 2.1)])
def test_an_aim_is_met_or_missed(limit: float, at_least: bool, met: float, missed: float) -> None:
    aim = Aim(limit, at_least)
    assert aim.is_met(met)
    assert not aim.is_met(missed)


@pytest.mark.parametrize(
    ("second", "pause"), [(0, 15), (7.5, 7.5), (8, 7), (14, 1), (15, 0), (48, 0), (48.5, 26.5), (59, 16)]
)
def test_a_look_at_rest_keeps_out_of_the_moment_in_which_a_minute_is_written(second: float, pause: float) -> None:
    assert following.until_minute_is_written(6000 + second, 20) == pause


def test_a_writer_rotates_and_goes_on(tmp_path: Path) -> None:
    writer = following.Writer(tmp_path / "mail.log")
    first = writer.write()
    writer.rotate()
    second = writer.write()
    (rotated,) = tmp_path.glob("mail.log-*")
    assert (rotated.read_bytes().count(b"\n"), writer.log.read_bytes().count(b"\n")) == (first, second)


def test_a_rush_over_rotations_is_counted_to_the_last_line(tmp_path: Path) -> None:
    following.rush(tmp_path, rate=5000, seconds=0.5, rotations=2)
    files = [*sorted(tmp_path.glob("mail.log-*")), tmp_path / "mail.log"]
    assert len(files) == 3
    assert remembered(tmp_path) == counted(b"".join(file.read_bytes() for file in files))


def remembered(rrd_dir: Path) -> Counter[str]:
    """All events that a checkpoint holds."""
    ledger = json.loads((rrd_dir / "mailgraph.checkpoint").read_text())["ledger"]
    counts: Counter[str] = Counter()
    for _, events in ledger["open"] + ledger["closed"]:
        counts.update(events)
    return counts


def test_many_hosts_that_are_followed_under_a_fast_clock_are_counted_to_the_last_line(tmp_path: Path) -> None:
    require("faketime")
    followed = hosts.follow(tmp_path, hosts=3, rate=10, minutes=2)
    assert followed is not None
    counts = remembered(tmp_path)
    totals = {counter: times for counter, times in counts.items() if OF_HOST not in counter}
    assert totals == counted((tmp_path / "mail.log").read_bytes())
    assert {key.partition(OF_HOST)[0] for key in counts if OF_HOST in key} == {"m000", "m001", "m002"}


def test_every_program_counts_the_same_log(tmp_path: Path) -> None:
    assert all_installed()
    log = tmp_path / "mail.log"
    log.write_bytes(written("storm", RFC3339, 500)[0])
    for program in (programs.ours(), *programs.OTHERS.values()):
        once = programs.work(program, log)
        assert once is not None
        assert once().seconds > 0
    assert list(tmp_path.iterdir()) == [log]


def test_the_six_counters_of_mtail_are_right(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    text, made = written("storm", BSD, 2000)
    log.write_bytes(text)
    program = programs.OTHERS["mtail, six counters"]
    command = [require("mtail"), "--one_shot_format=prometheus", *program.arguments(log, tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    values = dict(line.split() for line in said.splitlines() if line and line[0] != "#")
    mtails = {name.partition("{")[0]: int(value) for name, value in values.items()}
    assert mtails["spam"] == made.counts["spam"]
    assert mtails["rejected"] == made.counts["rejected"] + made.counts["greylisted"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_of_the_table_is_printed(section: str, tmp_path: Path) -> None:
    assert all_installed()
    plan = Plan(tmp_path, lines=400, runs=1, days=2, seconds=0.5, programs=(), minutes=3)
    head, empty, title, *rows = table(plan, [section])
    assert (head.split()[:3], empty) == (["medians", "of", "1"], "")
    assert title == f"{section}: {SECTIONS[section][0]}"
    assert all(row.startswith("  ") for row in rows)
    assert len(rows) >= 2
    assert "not installed" not in "".join(rows)
    assert list(tmp_path.glob("*.log*")) == []


def test_without_a_program_its_row_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(programs.OTHERS, "wc -l", programs.Program("no-such-program", lambda log, _: [str(log)]))
    plan = Plan(tmp_path, lines=400, runs=1, days=2, seconds=1, programs=("wc",))
    assert [line.split()[:4] for line in table(plan, ["relay-bsd"])][-1:] == [["wc", "-l", "not", "installed"]]
