"""The hosts of one log: their names, their events beside the totals, their files, and how many there may be."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import rrdtool
from hypothesis import given
from hypothesis import strategies as some

from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from mailgraph.schema import CLASSICAL, FAMILIES
from mailgraph.splitting import NAME_LENGTH, OF_HOST, Hosts, safe_name
from tests.conftest import SetZone
from tests.crash.harness import Crash, Disk, Machine, Step, dump
from tests.daemon.process import PATIENCE, command, counted
from tests.fuzz.target import events
from tests.properties.examples import examples
from tests.properties.test_lines import logs

SPLIT = Options(hosts_limit=1000)
NOW = 1_800_000_060


def sent(host: str, moment: str) -> str:
    return f"{moment} {host} postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)\n"


def received(host: str, moment: str) -> str:
    return f"{moment} {host} postfix/smtpd[8]: 4F1: client=mx.c.example[192.0.2.7]\n"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        (b"mx1.example", "mx1.example"),
        (b"MX1.Example", "mx1.example"),
        (b"2001:db8::1", "2001_db8__1"),
        (b"..", "_.."),
        (b"-rf", "_-rf"),
        (b"user@host", "user_host"),
        (None, "localhost"),
    ],
)
def test_a_hosts_name_is_a_directorys(host: bytes | None, name: str) -> None:
    assert safe_name(host) == name


@examples(300)
@given(some.binary(min_size=1, max_size=400))
def test_any_hosts_name_is_safe(host: bytes) -> None:
    assert re.fullmatch(r"[a-z0-9_][a-z0-9._-]*", safe_name(host))
    assert len(safe_name(host)) <= NAME_LENGTH


def test_long_names_stay_apart() -> None:
    assert safe_name(b"a" * 300) != safe_name(b"a" * 301)


@examples(150)
@given(lines=logs())
def test_the_hosts_events_add_up_to_the_totals(set_zone: SetZone, lines: list[bytes]) -> None:
    set_zone("UTC")
    block = b"".join(lines)
    together = events(Scanner(SPLIT, Stamps(2026)).scan(block, 0))
    totals = {key: times for key, times in together.items() if OF_HOST not in key[1]}
    added: Counter[tuple[int, str]] = Counter()
    for (minute, key), times in together.items():
        if OF_HOST in key:
            added[minute, key.partition(OF_HOST)[2]] += times
    assert totals == events(Scanner(Options(), Stamps(2026)).scan(block, 0))
    assert {key: times for key, times in added.items() if times} == totals


def test_a_message_that_is_taken_back_is_its_hosts() -> None:
    log = (
        "Nov  5 06:07:08 a postfix/smtpd[8]: 4F1: client=x[192.0.2.7]\n"
        "Nov  5 06:07:08 b postfix/smtpd[8]: 4F1: client=x[192.0.2.7]\n"
        "Nov  5 06:08:08 a postfix/cleanup[9]: 4F1: reject: header X: y from x[192.0.2.7]; 5.7.1 no\n"
    )
    total: Counter[str] = Counter()
    for _, counts in Scanner(SPLIT, Stamps(2026)).scan(log.encode(), 0):
        total.update(counts)
    assert +total == {"received": 1, "b/received": 1, "rejected": 1, "a/rejected": 1}


def test_hosts_that_are_too_many_count_in_the_totals_alone() -> None:
    said: list[str] = []
    hosts = Hosts(2, ["a"], say=said.append)
    assert hosts.admit({"sent": 3, "a/sent": 1, "b/sent": 1, "c/sent": 1}) == {"sent": 3, "a/sent": 1, "b/sent": 1}
    assert hosts.admit({"sent": 2, "d/sent": 1, "b/sent": 1}) == {"sent": 2, "b/sent": 1}
    assert list(hosts.names) == ["a", "b"]
    assert said == [
        "there are more than 2 hosts, in the log or with files; c and later ones count in the totals alone (see --hosts-limit)"
    ]


def read(log: Path, rrd_dir: Path, *options: str) -> str:
    """Reads a log once; what was said."""
    rrd_dir.mkdir()
    run = subprocess.run(
        [*command(log, rrd_dir, "-c", "-y", "2026", *options)],
        check=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    return run.stderr


def test_each_hosts_files_are_those_of_its_lines_alone(tmp_path: Path) -> None:
    """Value for value; both hosts begin and end in the same minutes, as their files then do."""
    minutes = [f"Nov  5 0{hour}:{minute:02}" for hour in (1, 3) for minute in range(0, 60, 7)]
    lines = [write(host, f"{at}:0{n}") for at in minutes for n, host in enumerate("abb") for write in (sent, received)]
    log = tmp_path / "mail.log"
    log.write_text("".join(lines))
    read(log, tmp_path / "all", "--split-hosts")
    read(log, tmp_path / "unsplit")
    assert dump(tmp_path / "all") == dump(tmp_path / "unsplit")
    assert sorted(path.name for path in (tmp_path / "all/hosts").iterdir()) == ["a", "b"]
    for host in "ab":
        own = tmp_path / f"{host}.log"
        own.write_text("".join(line for line in lines if f" {host} " in line))
        read(own, tmp_path / host)
        apart = dump(tmp_path / "all/hosts" / host, tmp_path)
        assert apart == dump(tmp_path / host)
        assert set(apart) == {family.file_name() for family in FAMILIES if not family.on_demand}


def test_a_log_of_many_hosts_says_once_that_they_are_too_many(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("".join(sent(f"h{number}", "Nov  5 06:07:08") for number in range(30)))
    said = read(log, tmp_path / "rrd", "--split-hosts", "--hosts-limit", "3")
    assert (
        said.count("there are more than 3 hosts, in the log or with files; h3 and later ones count in the totals alone")
        == 1
    )
    assert sorted(path.name for path in (tmp_path / "rrd/hosts").iterdir()) == ["h0", "h1", "h2"]


def test_an_option_that_is_no_number_is_refused(tmp_path: Path) -> None:
    run = subprocess.run(command(tmp_path, tmp_path, "--hosts-limit", "0"), check=False, capture_output=True, text=True)
    assert run.returncode == 2
    assert "--hosts-limit: '0' is no number from 1 on" in run.stderr


def at(moment: float, *lines: str) -> Step:
    def step(machine: Machine) -> None:
        machine.now = moment
        machine.write(*(line.rstrip("\n") for line in lines))

    return step


def stamp(second: int) -> str:
    minute, second = divmod(NOW + second - 1_800_000_000, 60)
    return f"Jan 15 08:{minute:02}:{second:02}"


SCRIPT = (
    at(NOW + 1, sent("a", stamp(0)), sent("b", stamp(1))),
    at(NOW + 62, sent("a", stamp(61)), received("c", stamp(61))),
    at(NOW + 300, sent("B", stamp(299))),
    at(NOW + 420, sent("a", stamp(410))),
    at(NOW + 500),
)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, set_zone: SetZone) -> Disk:
    set_zone("UTC")
    return Disk(monkeypatch)


def all_files(machine: Machine) -> dict[str, str]:
    hosts = machine.directory / "hosts"
    found = machine.dump()
    for host in sorted(hosts.iterdir()):
        found |= {f"{host.name}/{name}": text for name, text in dump(host).items()}
    return found


def test_a_crash_at_any_step_changes_no_hosts_files(disk: Disk, tmp_path: Path) -> None:
    options = Options(hosts_limit=2)
    undisturbed = Machine(tmp_path / "undisturbed", NOW, SCRIPT, options=options)
    undisturbed.run()
    expected = all_files(undisturbed)
    assert set(expected) >= {f"{host}/{family.file_name()}" for host in "ab" for family in CLASSICAL}
    assert not any(name.startswith("c/") for name in expected)
    steps = disk.steps
    for step in range(steps):
        machine = Machine(tmp_path / str(step), NOW, SCRIPT, options=options)
        disk.steps, disk.crash_at = 0, step
        with pytest.raises(Crash):
            machine.run()
        disk.crash_at = -1
        machine.run()
        assert all_files(machine) == expected, f"crash at step {step}: {machine.said}"
    assert steps > 100


def test_a_silent_host_is_zero_and_one_that_is_removed_stays_away(disk: Disk, tmp_path: Path) -> None:
    def remove(machine: Machine) -> None:
        for file in (machine.directory / "hosts/b").iterdir():
            file.unlink()
        (machine.directory / "hosts/b").rmdir()

    script = (
        at(NOW + 1, sent("a", stamp(0)), sent("b", stamp(1))),
        at(NOW + 500, sent("a", stamp(499))),
        at(NOW + 1500),
        at(NOW + 1510),
        remove,
        at(NOW + 3000, sent("a", stamp(2999))),
        at(NOW + 3300),
    )
    machine = Machine(tmp_path / "m", NOW, script[:4], options=SPLIT)
    machine.run()
    silent = tmp_path / "m/hosts/b/mailgraph.rrd"
    assert rrdtool.info(str(silent))["last_update"] == machine.last()
    assert counted(silent, "sent", NOW + 600) == 0
    machine.go_on_with(script[4:])
    machine.run()
    assert sorted(path.name for path in (tmp_path / "m/hosts").iterdir()) == ["a"]
    assert machine.said == []


def test_a_host_that_can_not_be_written_is_said_and_nothing_is_lost(disk: Disk, tmp_path: Path) -> None:
    def mend(machine: Machine) -> None:
        (machine.directory / "hosts/b").unlink()

    later = (at(NOW + 1500), at(NOW + 1600), at(NOW + 1700))
    undisturbed = Machine(tmp_path / "undisturbed", NOW, (*SCRIPT, *later), options=SPLIT)
    undisturbed.run()
    machine = Machine(tmp_path / "m", NOW, (*SCRIPT, mend, *later), options=SPLIT)
    (tmp_path / "m/hosts").mkdir()
    (tmp_path / "m/hosts/b").write_text("no directory")
    machine.run()
    assert re.match(r"can't make .*/hosts/b: File exists; the totals are written, and 1000 minutes", machine.said[0])
    assert machine.said[1:] == ["writing the hosts' files works again"]
    assert all_files(machine) == all_files(undisturbed)


def test_a_host_that_can_not_be_written_keeps_neither_the_log_nor_a_start_waiting(disk: Disk, tmp_path: Path) -> None:
    rest = (*(at(NOW + 60 * minute, sent("b", stamp(60 * minute - 1))) for minute in range(9, 30)), at(NOW + 1900))
    undisturbed = Machine(tmp_path / "undisturbed", NOW, (*SCRIPT, *rest), options=SPLIT)
    machine = Machine(tmp_path / "m", NOW, SCRIPT, options=SPLIT)
    (tmp_path / "m/hosts").mkdir()
    (tmp_path / "m/hosts/b").write_text("no directory")
    machine.run()
    machine.go_on_with(rest)
    machine.run()
    undisturbed.run()
    assert machine.dump() == undisturbed.dump()
    assert len(machine.said) == 2  # once a start


def test_a_host_that_becomes_a_file_once_it_is_silent_is_let_alone(disk: Disk, tmp_path: Path) -> None:
    def replace(machine: Machine) -> None:
        (machine.directory / "hosts/b").rename(machine.directory / "b")
        (machine.directory / "hosts/b").write_text("no directory")

    script = (*SCRIPT, at(NOW + 3000), at(NOW + 3010), replace, at(NOW + 9000, sent("a", stamp(8999))), at(NOW + 9300))
    machine = Machine(tmp_path / "m", NOW, script, options=SPLIT)
    machine.run()
    assert machine.said == []


def test_hosts_that_are_invented_by_the_thousand_cost_no_time() -> None:
    """Looking for each of them in a list took minutes."""
    hosts = Hosts(1, say=lambda _: None)
    kept = hosts.admit({f"h{number}/sent": 1 for number in range(200_000)})
    assert kept == {"h0/sent": 1}


def test_hosts_are_split_again_after_a_while_without_it(disk: Disk, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "m", NOW, SCRIPT[:2], options=SPLIT)
    machine.run()
    machine.options = Options()
    machine.go_on_with((at(NOW + 1500, sent("a", stamp(1499))), at(NOW + 1600), at(NOW + 3000, sent("a", stamp(2999)))))
    machine.run()
    machine.options = SPLIT
    machine.go_on_with((at(NOW + 3100, sent("a", stamp(3099))), at(NOW + 3400)))
    machine.run()
    assert machine.said == []
    file = tmp_path / "m/hosts/a/mailgraph.rrd"
    assert rrdtool.info(str(file))["last_update"] == machine.last()


def test_without_checkpoint_hosts_that_a_log_invents_displace_none_that_has_files(disk: Disk, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "m", NOW, SCRIPT, options=Options(hosts_limit=2))
    machine.run()
    (tmp_path / "m/mailgraph.checkpoint").unlink()
    machine.log.write_text("")
    for name in ("Invented", ".hidden", "empty"):  # no name of a log's host, or without files
        (tmp_path / "m/hosts" / name).mkdir()
    for name in ("Invented", ".hidden"):
        (tmp_path / "m/hosts" / name / "mailgraph.rrd").touch()
    lines = [sent(host, stamp(880)) for host in "xya"]
    of_b = (tmp_path / "m/hosts/b/mailgraph.rrd").read_bytes()
    machine.go_on_with((at(NOW + 900, *lines), at(NOW + 1800), at(NOW + 1810)))
    machine.run()
    assert counted(tmp_path / "m/hosts/a/mailgraph.rrd", "sent", NOW + 840) == 1
    assert (tmp_path / "m/hosts/b/mailgraph.rrd").read_bytes() == of_b  # it may be another machine's to write
    assert not (tmp_path / "m/hosts/x").exists()
    assert machine.said[-1].startswith("there are more than 2 hosts, in the log or with files; x and later ones")
