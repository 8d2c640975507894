"""RRD files through a real rrdcached: the same bytes as without, whatever it loses, and every error said."""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import rrdtool

from mailgraph import UsageError
from mailgraph.cached import Cached
from mailgraph.rrd import BATCH, OutdatedError, RrdError, Store, UnreachableError
from mailgraph.rrdcached import Connection, directory
from mailgraph.schema import CLASSICAL, DELIVERY, FAMILIES, MAIL, MINUTES, STEP
from tests.cached.server import Server, serving
from tests.crash.harness import dump

START = 1_800_000_060
COUNTS = {START + number * STEP: {"sent": number % 7, "virus": number % 3} for number in range(1, 3 * BATCH)}
DELIVERED = {START + 9 * STEP: {"delivered": 3}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "far") as running:
        yield running


@contextmanager
def stored(address: str, host: str = "a", pause: Callable[[float], None] = lambda _seconds: None) -> Iterator[Store]:
    """The files of ``host`` at an rrdcached."""
    connection = Connection(address, timeout=5)
    try:
        yield Store(f"hosts/{host}", FAMILIES, access=Cached(connection, pause))
    finally:
        connection.close()


def ask(address: str, *commands: str) -> list[str]:
    """What another client of rrdcached is answered."""
    connection = Connection(address)
    answers = connection.ask(*commands)
    connection.close()
    return [answer.text for answer in answers]


def write_all(store: Store, through: int) -> None:
    for family in FAMILIES:
        store.write(family, COUNTS | DELIVERED, START, through)


@contextmanager
def read_by_another(file: Path) -> Iterator[None]:
    """As librrd locks a file that it reads."""
    with file.open("rb") as opened:
        fcntl.fcntl(opened, fcntl.F_SETLK, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
        yield


def test_over_either_socket_the_files_are_those_that_librrd_writes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "direct").mkdir()
    last = START + len(COUNTS) * STEP
    for host, address in (("tcp", server.tcp), ("unix", server.unix)):
        with stored(address, host) as store:
            for through in (START + 5 * STEP, START + 6 * STEP, last):
                write_all(store, through)
            assert store.lasts() == dict.fromkeys((*CLASSICAL, MINUTES, DELIVERY), last)
    direct = Store(str(tmp_path / "direct"), FAMILIES)
    write_all(direct, last)
    expected = dump(tmp_path / "direct")
    assert len(expected) == 5
    assert dump(server.base / "hosts" / "tcp") == expected
    assert dump(server.base / "hosts" / "unix") == expected


@pytest.mark.parametrize("journal", [False, True])
def test_what_was_written_outlives_kill_9(tmp_path: Path, journal: bool) -> None:
    options = ["-B", "-R"]
    if journal:
        (tmp_path / "journal").mkdir()
        options += ["-j", str(tmp_path / "journal")]
    with serving(tmp_path / "far", *options) as server, stored(server.tcp) as store:
        for minute in range(START + STEP, START + 9 * STEP, STEP):
            store.write(MAIL, COUNTS, START, minute)
            server.restart()
            assert store.last(MAIL) == minute


def test_a_file_that_another_program_reads_is_written_a_moment_later(server: Server) -> None:
    file = server.base / "hosts" / "a" / "mailgraph.rrd"
    waited = []
    with stored(server.tcp) as store:
        store.write(MAIL, COUNTS, START, START + STEP)
    with ExitStack() as reading:
        reading.enter_context(read_by_another(file))

        def pause(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                reading.close()

        with stored(server.tcp, pause=pause) as store:
            store.write(MAIL, COUNTS, START, START + 9 * STEP)
            assert store.last(MAIL) == START + 9 * STEP
    assert len(waited) == 3
    assert rrdtool.info(str(file))["last_update"] == START + 9 * STEP


def test_a_file_that_another_program_holds_is_said_and_nothing_is_skipped(server: Server, tmp_path: Path) -> None:
    file = server.base / "hosts" / "a" / "mailgraph.rrd"
    with stored(server.tcp) as store:
        store.write(MAIL, COUNTS, START, START + STEP)
        with (
            read_by_another(file),
            pytest.raises(
                RrdError,
                match=r"^can't use hosts/a/mailgraph\.rrd at rrdcached 127\.0\.0\.1:\d+: it takes values and does not write"
                r" them \(is its disk full, or does another program hold the file\?  Its log says\)$",
            ),
        ):
            store.write(MAIL, COUNTS, START, START + 2 * STEP)
        store.write(MAIL, COUNTS, START, START + 3 * STEP)
    (tmp_path / "direct").mkdir()
    Store(str(tmp_path / "direct"), (MAIL,)).write(MAIL, COUNTS, START, START + 3 * STEP)
    assert dump(file.parent)["mailgraph.rrd"] == dump(tmp_path / "direct")["mailgraph.rrd"]


def test_what_rrdcached_claims_to_hold_and_has_lost_is_written_again(server: Server) -> None:
    with stored(server.tcp) as store:
        store.write(MAIL, COUNTS, START, START + STEP)
        name = "hosts/a/mailgraph.rrd"
        lost = ask(server.tcp, f"UPDATE {name} {START + 2 * STEP}:1", f"FLUSH {name}", f"LAST {name}")
        assert lost[2] == str(START + 2 * STEP)  # though one value is too few for the file, and nothing was written
        assert store.last(MAIL) == START + STEP
        store.write(MAIL, COUNTS, START, START + 2 * STEP)
        assert store.last(MAIL) == START + 2 * STEP


def test_a_file_with_columns_of_its_own_takes_ours_by_name(server: Server) -> None:
    ours = [f"DS:{source}:ABSOLUTE:120:0:U" for source in ("rejected", "other", "bounced", "recv", "sent")]
    ask(
        server.tcp,
        f"CREATE hosts/a/mailgraph.rrd -b {START} -s 60 {' '.join(ours)} RRA:AVERAGE:0.5:1:9 RRA:MAX:0.5:1:9",
    )
    with stored(server.tcp) as store:
        store.check()
        store.write(MAIL, {START + STEP: {"sent": 60, "received": 120, "rejected": 180}}, START, START + STEP)
    file = str(server.base / "hosts" / "a" / "mailgraph.rrd")
    _, names, rows = rrdtool.fetch(file, "AVERAGE", "--start", str(START), "--end", str(START + STEP - 1))
    assert dict(zip(names, rows[0], strict=True)) == {"sent": 1, "recv": 2, "bounced": 0, "rejected": 3, "other": None}


def test_a_file_that_is_deleted_there_is_made_anew(server: Server) -> None:
    with stored(server.tcp) as store:
        assert store.write(MAIL, COUNTS, START, START + STEP)
        (server.base / "hosts/a/mailgraph.rrd").unlink()
        assert store.last(MAIL) is None
        assert store.write(MAIL, COUNTS, START, START + 2 * STEP)
        assert store.last(MAIL) == START + 2 * STEP


def test_a_file_that_ends_too_early_is_said(server: Server) -> None:
    with stored(server.tcp) as store:
        store.write(MAIL, COUNTS, START, START + STEP)
        with pytest.raises(OutdatedError, match=r"^hosts/a/mailgraph\.rrd ends at .*, before what is remembered"):
            store.write(MAIL, COUNTS, START + 9 * STEP, START + 10 * STEP)


def test_one_that_is_down_is_told_from_a_file_that_can_not_be_used(server: Server) -> None:
    with stored(server.tcp) as store:
        store.write(MAIL, COUNTS, START, START + STEP)
        server.kill()
        with pytest.raises(UnreachableError, match="Connection refused"):
            store.write(MAIL, COUNTS, START, START + 2 * STEP)
        server.start()
        store.write(MAIL, COUNTS, START, START + 2 * STEP)


def test_a_directory_that_it_may_not_make_is_said(tmp_path: Path) -> None:
    with serving(tmp_path, "-B") as server, stored(server.tcp) as store:
        with pytest.raises(
            RrdError,
            match=r"^can't use hosts/a/mailgraph\.rrd at rrdcached \S+: No permission to recursively create: \S+/hosts/a"
            r" \(start rrdcached with -B -R, or make the directory for its user\)$",
        ):
            store.write(MAIL, COUNTS, START, START + STEP)
        (server.base / "hosts" / "a").mkdir(parents=True)
        assert store.write(MAIL, COUNTS, START, START + STEP)


@pytest.mark.parametrize("command", ["CREATE", "FLUSH", "FORGET", "INFO", "LAST", "UPDATE"])
def test_a_command_that_is_forbidden_is_named(tmp_path: Path, command: str) -> None:
    allowed = ",".join({"CREATE", "FLUSH", "FORGET", "INFO", "LAST", "UPDATE"} - {command})
    with (
        serving(tmp_path, "-B", "-R", "-P", allowed) as server,
        stored(server.tcp) as store,
        pytest.raises(
            RrdError,
            match=rf": {command}: that command is forbidden there \(see its -P; it must allow",
        ),
    ):
        store.write(MAIL, COUNTS, START, START + STEP)


def test_these_commands_are_all_that_is_needed(tmp_path: Path) -> None:
    allowed = ("-P", "CREATE,FLUSH,FORGET,INFO,LAST,UPDATE")
    with serving(tmp_path, "-B", "-R", *allowed) as server, stored(server.tcp) as store:
        store.check()
        assert store.write(MAIL, COUNTS, START, START + STEP)


def test_a_path_outside_of_the_base_directory_is_refused(server: Server) -> None:
    with stored(server.tcp, "../../..") as store, pytest.raises(RrdError, match=r"outside of the base directory"):
        store.last(MAIL)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"text" * 1000, "is not an RRD file"), (b"RRD\0", "it was cut off"), (b"", "it is empty")],
)
def test_a_file_that_is_none_is_said(server: Server, content: bytes, said: str) -> None:
    file = server.base / "hosts" / "a" / "mailgraph.rrd"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with stored(server.tcp) as store:
        for reading in (store.check, store.lasts):
            with pytest.raises(RrdError, match=said):
                reading()


def test_a_file_of_another_program_is_said(server: Server) -> None:
    ask(server.tcp, "CREATE hosts/a/mailgraph.rrd DS:load:GAUGE:120:0:U RRA:AVERAGE:0.5:1:9")
    with (
        stored(server.tcp) as store,
        pytest.raises(RrdError, match=r"unknown DS name 'sent' \(it is not one of mailgraph's"),
    ):
        store.check()


def test_blanks_and_backslashes_of_a_name_arrive(server: Server) -> None:
    connection = Connection(server.tcp)
    store = Store("hosts/a", (MAIL,), "our \\mail", Cached(connection))
    assert store.write(MAIL, COUNTS, START, START + STEP)
    connection.close()
    assert os.listdir(server.base / "hosts" / "a") == ["our \\mail.rrd"]


@pytest.mark.parametrize(
    ("node", "directory_name"),
    [("Mail1.Example.org", "hosts/mail1.example.org"), ("-x/../ü", "hosts/x-..--"), ("m" * 99, f"hosts/{'m' * 64}")],
)
def test_this_machines_name_is_made_safe(monkeypatch: pytest.MonkeyPatch, node: str, directory_name: str) -> None:
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", node, "", "", "")))
    assert directory() == directory_name


@pytest.mark.parametrize("host", ["..", "a/b", "-a", "A", "a" * 65, "a b"])
def test_a_name_that_is_given_must_be_a_safe_one(host: str) -> None:
    with pytest.raises(UsageError, match=r"RRDCACHED_HOST: .* can't name a directory"):
        directory(host)
    assert directory("mail1.example_2") == "hosts/mail1.example_2"
