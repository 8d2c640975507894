"""Several logs of one machine, followed by one daemon, each as a host."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.daemon.clock import Clock
from tests.daemon.process import PATIENCE, command, counted, following, holder, last, until

NOW = 1_800_000_060


def write(log: Path, moment: float, times: int) -> None:
    stamp = time.strftime("%b %e %H:%M:%S", time.gmtime(moment))
    with log.open("a") as file:
        line = f"{stamp} mail postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (250 ok)\n"
        file.write(line * times)


def options(tmp_path: Path, *hosts: str) -> list[str]:
    return [word for host in hosts for word in ("--host-log", f"{host}={tmp_path / host}.log")]


def test_each_log_has_files_of_its_own_and_takes_turns(tmp_path: Path) -> None:
    main, incoming, outgoing = (tmp_path / f"{name}.log" for name in ("mail", "in", "out"))
    for log in (main, incoming):
        log.touch()
    clock = Clock(tmp_path / "clock", NOW + 5)
    files = [tmp_path / "mailgraph.rrd", *(tmp_path / "hosts" / host / "mailgraph.rrd" for host in ("in", "out"))]
    with following(main, tmp_path, *options(tmp_path, "in", "out"), env=clock.environment):
        for log, times in zip((main, incoming, outgoing), (2, 3, 4), strict=True):  # the last one comes later
            write(log, NOW, times)
        clock.set(NOW + 71)
        until(lambda: [last(file) for file in files] == [NOW] * 3)
        incoming.rename(tmp_path / "in.log.1")
        write(incoming, NOW + 72, 5)
        clock.set(NOW + 9 * 60)
        until(lambda: all(counted(file, "sent", NOW) >= 0 for file in files))
    assert [round(counted(file, "sent", NOW)) for file in files] == [2, 8, 4]
    assert sorted(path.name for path in (tmp_path / "hosts/in").glob("*.checkpoint")) == ["mailgraph.checkpoint"]


def test_a_restart_goes_on_in_each_log(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock", NOW + 5)
    environment = clock.environment | {"MAILGRAPH_CONFIG": str(tmp_path / "default")}
    logs = {host: tmp_path / f"{host}.log" for host in ("in", "out")}
    named = " ".join(f"{host}={log}" for host, log in logs.items())
    (tmp_path / "default").write_text(f'HOST_LOGS="{named}"\nRRD_DIR={tmp_path}\n')
    files = [tmp_path / "hosts" / host / "mailgraph.rrd" for host in logs]
    for moment in (NOW, NOW + 300):
        for times, log in enumerate(logs.values(), 1):
            write(log, moment, times)
        clock.set(moment + 5)
        process = subprocess.Popen(
            command(Path(), tmp_path, "--no-machine")[:3], env=environment, stderr=subprocess.DEVNULL
        )
        clock.set(moment + 75)
        until(lambda moment=moment: [last(file) for file in files] == [moment] * 2)  # type: ignore[misc]
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
    clock.set(NOW + 9 * 60)
    with subprocess.Popen(command(Path(), tmp_path)[:3], env=environment, stderr=subprocess.DEVNULL) as process:
        until(lambda: all(counted(file, "sent", NOW) >= 0 for file in files))
        process.terminate()
    assert [round(counted(file, "sent", NOW)) for file in files] == [2, 4]
    assert not (tmp_path / "mailgraph.rrd").exists()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("a", "HOST_LOGS: 'a' is no NAME=FILE"),
        ("=x", "HOST_LOGS: '=x' is no NAME=FILE"),
        ("../a=x", "HOST_LOGS: '../a=x' is no NAME=FILE"),
        ("A=x", "HOST_LOGS: 'A=x' is no NAME=FILE"),
        ("a=/", "/ is a directory, not a mail log"),
    ],
)
def test_a_mistake_is_said(tmp_path: Path, said: str, why: str) -> None:
    log = tmp_path / "mail.log"
    log.touch()
    run = subprocess.run(
        command(log, tmp_path, "--host-log", said), check=False, capture_output=True, text=True, timeout=PATIENCE
    )
    assert run.returncode != 0
    assert why in run.stderr


def test_a_quote_that_is_not_closed_is_said(tmp_path: Path) -> None:
    (tmp_path / "default").write_text("HOST_LOGS='a=\"x'\n")
    for option in ("--no-machine", "--check"):
        run = subprocess.run(
            command(tmp_path / "mail.log", tmp_path, option),
            check=False,
            capture_output=True,
            text=True,
            env=os.environ | {"MAILGRAPH_CONFIG": str(tmp_path / "default")},
        )
        assert "default: HOST_LOGS: No closing quotation" in run.stdout + run.stderr
        assert "Traceback" not in run.stderr


def test_standard_input_is_read_alone_whatever_else_is_followed(tmp_path: Path) -> None:
    (tmp_path / "default").write_text(f"HOST_LOGS=a={tmp_path}/a.log\n")
    line = (
        "2026-11-05T06:07:08+00:00 m postfix/smtp[7]: 4F1: to=<a@b.example>, relay=mx[192.0.2.1]:25, status=sent (x)\n"
    )
    run = subprocess.run(
        command(Path("-"), tmp_path),
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"MAILGRAPH_CONFIG": str(tmp_path / "default")},
        input=line,
        timeout=PATIENCE,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert (tmp_path / "mailgraph.rrd").exists()
    assert not (tmp_path / "hosts").exists()


def test_what_is_read_once_is_not_named_as_a_hosts_log(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    write(log, NOW, 1)
    run = subprocess.run(
        command(log, tmp_path, "-c", *options(tmp_path, "a")), check=False, capture_output=True, text=True
    )
    assert run.returncode == 2
    assert "--host-log names a log to follow" in run.stderr


def test_behind_an_rrdcached_a_host_has_another_name_than_the_machine(tmp_path: Path) -> None:
    """Else two logs would be counted into the same files, of which one would be refused."""
    cached = ("--rrdcached", "127.0.0.1:1", "--rrdcached-host", "a")
    run = subprocess.run(
        command(tmp_path / "mail.log", tmp_path, *cached, *options(tmp_path, "a")),
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert run.returncode == 2
    assert "has the name that this machine's own log has at rrdcached" in run.stderr


def test_behind_an_rrdcached_the_page_is_not_told_that_the_files_are_here(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.touch()
    with following(log, tmp_path, "--rrdcached", "127.0.0.1:1", *options(tmp_path, "a")) as process:
        until(lambda: holder(tmp_path) == process.pid)
    assert not (tmp_path / "hosts").exists()


def test_one_name_has_one_log_and_is_not_split(tmp_path: Path) -> None:
    twice = command(tmp_path / "x", tmp_path, *options(tmp_path, "a", "a"))
    assert "not the only one of that NAME" in subprocess.run(twice, check=False, capture_output=True, text=True).stderr
    split = command(tmp_path / "x", tmp_path, "--split-hosts", *options(tmp_path, "a"))
    assert "don't go together" in subprocess.run(split, check=False, capture_output=True, text=True).stderr


def test_check_looks_at_each_log(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    write(log, time.time(), 1)
    run = subprocess.run(
        command(log, tmp_path, "--check", *options(tmp_path, "in")), check=False, capture_output=True, text=True
    )
    assert "log of in" in run.stdout
    assert f"{tmp_path}/in.log: No such file or directory" in run.stdout
