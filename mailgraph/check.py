"""``mailgraph --check``: what stands between a mail log and its graphs, as the daemon and the page see it.

Each fact is a Finding, with the command or edit that mends it.  Looks only: makes no file, not even the lock, and
changes none.
"""

import contextlib
import grp
import os
import pwd
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from io import FileIO
from typing import Any, NamedTuple

from mailgraph import MailgraphError, config, rrdcached, spool, unparsed
from mailgraph.cached import Cached
from mailgraph.checkpoint import Checkpoint, CheckpointError, path_of
from mailgraph.daemon import holder, read_pid
from mailgraph.files import QUIET
from mailgraph.hosts import Listing, listed
from mailgraph.hostsfile import HostsFile
from mailgraph.ledger import Ledger
from mailgraph.logforms import LINE, Stamps
from mailgraph.rotation import LogFiles, pieces, text_of
from mailgraph.rrd import RrdError, Store
from mailgraph.rrdcached import Connection, NoRrdcachedError
from mailgraph.rrdfile import NotReadable, RrdFile
from mailgraph.scanner import Options, Scanner
from mailgraph.schema import DAY, FAMILIES, GAUGE, HOSTS_DIRECTORY, MACHINE, STEP, Family, host_directory
from mailgraph.sources import Position
from mailgraph.values import programs

TAIL = 1024 * 1024
"""Bytes at the log's end whose lines are looked at: some 7000."""

SHOWN_LINES = 3
SHOWN_PROGRAMS = 8

FEW = 0.01
"""The part of lines in no known form that is nothing to worry about: what a program wrote over several lines."""

SKEW = 300
"""Seconds between a line's stamp and its writing that syslog daemons and networks need at most."""

SCARCE = 1024 * 1024
"""Bytes that should be free for the checkpoint and new RRD files."""

WEB_USERS = ("www-data", "apache", "http", "nginx", "lighttpd", "www")
"""Who runs web servers on Debian, Fedora, Arch, elsewhere; HTTP_USER of the configuration says it better."""


class Level(IntEnum):
    """How bad a finding is; the number is the exit status, as monitoring plugins have it."""

    OK = 0
    WARNING = 1
    PROBLEM = 2


class Finding(NamedTuple):
    """A fact about ``subject``; ``mend`` is the command or edit that helps, ``more`` are lines shown below."""

    level: Level
    subject: str
    text: str
    mend: str = ""
    more: tuple[str, ...] = ()


class Setup(NamedTuple):
    """What is looked at: options and configuration together, paths absolute.

    ``values`` are the configuration file's, which the page goes by; ``log`` is None where none was found, ``rrdcached``
    where the RRD files are in ``directory``.  ``machine`` says whether load and queue are stored, ``queue`` and
    ``programs`` are directories, empty where none is named.  ``host`` is empty, or the one of ``logs_of_hosts``
    whose log and files are looked at.
    """

    values: Mapping[str, str]
    log: str | None
    options: Options
    families: tuple[Family, ...]
    directory: str
    rrd_name: str
    pid_file: str
    log_file: str
    machine: bool = False
    queue: str = ""
    programs: str = ""
    rrdcached: str | None = None
    rrdcached_host: str = ""
    logs_of_hosts: tuple[tuple[str, str], ...] = ()
    host: str = ""

    @property
    def setting(self) -> str:
        """What names the log."""
        return "HOST_LOGS" if self.host else "MAIL_LOG"


def report(findings: list[Finding]) -> str:
    """The findings as lines: a summary first, which is all that a monitoring system shows."""
    worst = max(finding.level for finding in findings)
    bad = [finding.subject for finding in findings if finding.level]
    said = f"{len(bad)} of {len(findings)} checks: {', '.join(bad)}" if bad else f"all {len(findings)} checks"
    width = max(len(finding.subject) for finding in findings)
    return "\n".join([f"mailgraph {worst.name}: {said}", *(line for each in findings for line in _shown(each, width))])


def _shown(finding: Finding, width: int) -> Iterator[str]:
    indent = " " * (width + 11)
    yield f"{finding.level.name:7}  {finding.subject:{width}}  {finding.text}"
    yield from (f"{indent}| {line}" for line in finding.more)
    if finding.mend:
        yield f"{indent}-> {finding.mend}"


def check(setup: Setup, now: float) -> list[Finding]:
    """All findings, from the log to the page."""
    pid = holder(setup.directory, setup.rrd_name)
    return [
        _configuration(),
        *_of_each_log(setup, lambda one: _log(one, now)),
        *_daemon(setup, pid),
        *_directory(setup, pid),
        *_of_each_log(setup, lambda one: _counted(one, pid, now)),
        *_queue(setup),
        *_programs(setup),
        *_page(setup),
        *_hosts(setup),
    ]


def _configuration() -> Finding:
    path = config.path()
    if os.path.exists(path):
        return Finding(Level.OK, "configuration", path)
    return Finding(Level.OK, "configuration", f"{path} is not there; everything is at its default")


def _of_each_log(setup: Setup, look: Callable[[Setup], Iterator[Finding]]) -> Iterator[Finding]:
    """What there is to say of the main log, and of each host's, by name."""
    if setup.log or not setup.logs_of_hosts:
        yield from look(setup)
    for host, log in setup.logs_of_hosts:
        for finding in look(setup._replace(log=log, host=host, machine=False)):
            yield finding._replace(subject=f"{finding.subject} of {host}")


# The log


def _log(setup: Setup, now: float) -> Iterator[Finding]:
    log = setup.log
    name_it = f"set {setup.setting} in {config.path()} to the mail log"
    if log is None:
        yield Finding(Level.PROBLEM, "log", f"none of {', '.join(config.MAIL_LOGS)} is there", _written(name_it))
        return
    try:
        status = os.stat(log)
    except OSError as error:
        mend = _written(name_it) if isinstance(error, FileNotFoundError) else name_it
        yield Finding(Level.PROBLEM, "log", f"{log}: {error.strerror}", mend)
        return
    if stat.S_ISDIR(status.st_mode):
        yield Finding(Level.PROBLEM, "log", f"{log} is a directory", name_it)
    elif not os.access(log, os.R_OK):
        yield Finding(Level.PROBLEM, "log", f"{_user()} can't read {log}", _readable(status))
    elif not stat.S_ISREG(status.st_mode):
        yield Finding(Level.OK, "log", f"{log} is no plain file; reading it here would take its lines away")
    else:
        yield Finding(Level.OK, "log", f"{log}, {_size(status.st_size)}")
        yield from _text(setup, log, now)


def _written(name_it: str) -> str:
    """Debian from 12 on has no syslog daemon of its own accord: only the journal gets the lines."""
    if os.path.isdir("/run/systemd/journal") and not os.path.exists("/usr/sbin/rsyslogd"):
        return f"have syslog write it (on Debian: apt install rsyslog), or {name_it}"
    return name_it


def _readable(status: os.stat_result) -> str:
    group = _name_of(grp.getgrgid, status.st_gid)
    if status.st_mode & stat.S_IRGRP and os.geteuid() and group != "root":
        return f"usermod -aG {group} {_user()} and log in again, or run mailgraph as root"
    return "run mailgraph as root"


def _text(setup: Setup, log: str, now: float) -> Iterator[Finding]:
    """What the lines say, those of the last rotated file where the log is empty."""
    look_at_syslog = f"logger -p mail.info test; tail -n 1 {log}"
    for path in (log, *reversed(LogFiles(log).rotated())):
        try:
            lines, written = _tail(path)
        except OSError as error:
            yield Finding(Level.WARNING, "lines", f"can't read {path}: {error}", "the next rotation will mend it")
            return
        if lines:
            yield from _lines(setup, path, lines, written, now)
            return
    yield Finding(Level.WARNING, "lines", f"{log} is empty, and there is no rotated one", look_at_syslog)


def _tail(path: str) -> tuple[list[bytes], float]:
    """The whole lines at the end of a file, and when it was written to."""
    with FileIO(path) as file:
        status = os.fstat(file.fileno())
        text = text_of(file)
        if text is file:
            begin = max(status.st_size - TAIL, 0)
            file.seek(begin)
            tail = file.read(TAIL)
            begin_is_whole = not begin
        else:
            tail = b""
            begin_is_whole = True
            for piece in pieces(text, 1 << 40):
                begin_is_whole = begin_is_whole and len(tail) + len(piece) <= TAIL
                tail = (tail + piece)[-TAIL:]
    lines = tail.split(b"\n")[:-1]
    return (lines if begin_is_whole else lines[1:]), status.st_mtime


def _lines(setup: Setup, path: str, lines: list[bytes], written: float, now: float) -> Iterator[Finding]:
    stamps = Stamps()
    scanner = Scanner(setup.options, stamps)
    block = b"".join(line + b"\n" for line in lines)
    stamps.refer(written)
    unknown = scanner.unknown_lines(block)
    yield _known_lines(setup, path, len(lines), unknown)
    if len(unknown) < len(lines):
        yield _events(setup, scanner, block, written)
        yield _uncovered(scanner, block)
        yield from _last_line(path, lines, stamps, written, now)


def _known_lines(setup: Setup, path: str, count: int, unknown: list[bytes]) -> Finding:
    text = f"{count - len(unknown)} of the last {count} in {path} have a known form"
    more = tuple(unparsed.shown(line) for line in unknown[:SHOWN_LINES])
    if len(unknown) == count:
        mend = f"is it a mail log?  Else set {setup.setting} in {config.path()} to one"
        return Finding(Level.PROBLEM, "lines", text, mend, more)
    if len(unknown) > FEW * count:
        return Finding(Level.WARNING, "lines", text, "these are skipped; have syslog write a file of mail alone", more)
    return Finding(Level.OK, "lines", text, more=more)


def _events(setup: Setup, scanner: Scanner, block: bytes, written: float) -> Finding:
    totals: dict[str, int] = {}
    for _, counts in scanner.scan(block, written):
        for counter, times in counts.items():
            totals[counter] = totals.get(counter, 0) + times
    counted = ", ".join(f"{counter} {times}" for counter, times in sorted(totals.items()) if times > 0)
    if counted:
        return Finding(Level.OK, "events", f"in these lines: {counted}")
    mend = f"set {setup.setting} in {config.path()} to the mail log"
    if setup.options.host is not None:
        mend = f"mend --host {setup.options.host}, or {mend}"
    return Finding(Level.WARNING, "events", "none of these lines counts", mend)


def _uncovered(scanner: Scanner, block: bytes) -> Finding:
    programs = unparsed.by_program(unparsed.kinds(scanner, [block]))
    if not programs:
        return Finding(Level.OK, "rules", "cover every one of these lines that is a mail program's")
    named = ", ".join(f"{program} {lines}" for program, lines in [*programs.items()][:SHOWN_PROGRAMS])
    return Finding(Level.OK, "rules", f"cover all of these lines but (mailgraph --unparsed shows them): {named}")


def _last_line(path: str, lines: list[bytes], stamps: Stamps, written: float, now: float) -> Iterator[Finding]:
    minute, host = next(_stamped(lines, stamps))
    age = now - minute
    last = f"of {_shown_time(minute)}, {_ago(age)}"
    if age > DAY:
        mend = f"logger -p mail.info test; tail -n 1 {path}"
        yield Finding(Level.WARNING, "last line", f"{last}: does syslog still write here?", mend)
    else:
        yield Finding(Level.OK, "last line", last)
    skew = minute - int(written) // STEP * STEP
    if minute > now + SKEW or abs(skew) > SKEW:
        where = f"on {host}" if host else "of the machine that writes the log"
        direction = "ahead of" if skew > 0 else "behind"
        text = f"the last line's stamp is {_span(abs(skew))} {direction} the time at which it was written"
        yield Finding(Level.WARNING, "clock", text, f"set clock and time zone {where}: timedatectl")
    else:
        yield Finding(Level.OK, "clock", "the last line was written in the minute that its stamp names, or near it")


def _stamped(lines: list[bytes], stamps: Stamps) -> Iterator[tuple[int, str]]:
    """Minute and host of the lines in a known form, the last one first."""
    for line in reversed(lines):
        known = LINE.match(b"\n" + line)
        minute = known and stamps.minute(*known.group("minute", "zone"))
        if known and minute is not None:
            yield minute, unparsed.shown(known["host"] or b"")


# The daemon and its files


def _daemon(setup: Setup, pid: int | None) -> Iterator[Finding]:
    if pid is None:
        text = f"does not run: nobody holds {setup.directory}/{setup.rrd_name}.lock"
        yield Finding(Level.PROBLEM, "daemon", text, _service("start"))
        return
    named = f"pid {pid}" if pid else "though its lock names no process"
    in_file = read_pid(setup.pid_file)
    if pid and in_file and in_file != pid:
        text = f"runs, {named}, but {setup.pid_file} says {in_file}"
        yield Finding(Level.WARNING, "daemon", text, f"echo {pid} > {setup.pid_file}")
    elif _modified(config.path()) > _modified(os.path.join(setup.directory, f"{setup.rrd_name}.lock")):
        text = f"runs, {named}, since before {config.path()} was edited"
        yield Finding(Level.WARNING, "daemon", text, _service("restart"))
    else:
        yield Finding(Level.OK, "daemon", f"runs, {named}")


def _service(action: str) -> str:
    if os.path.isdir("/run/systemd/system"):
        return f"systemctl {action} mailgraph"
    if os.path.exists("/etc/init.d/mailgraph"):
        return f"/etc/init.d/mailgraph {action}"
    return "mailgraph -d" if action == "start" else "end it and start it again: mailgraph -d"


def _directory(setup: Setup, pid: int | None) -> Iterator[Finding]:
    directory = setup.directory
    if not os.path.isdir(directory):
        what = "is no directory" if os.path.lexists(directory) else "is not there"
        mend = f"install -d {directory}, or set RRD_DIR in {config.path()}"
        yield Finding(Level.PROBLEM, "RRD directory", f"{directory} {what}", mend)
        return
    free = os.statvfs(directory)
    if free.f_bavail * free.f_frsize < SCARCE:
        yield Finding(
            Level.PROBLEM, "RRD directory", f"{directory}: the disk is full", f"free some space: df {directory}"
        )
    elif pid is None and not os.access(directory, os.W_OK | os.X_OK):  # of one that runs, the RRDs tell
        owner = _name_of(pwd.getpwuid, os.stat(directory).st_uid)
        mend = f"run mailgraph as {owner} or root, or chown {_user()} {directory}"
        yield Finding(Level.PROBLEM, "RRD directory", f"{_user()} can't write in {directory}", mend)
    else:
        yield Finding(Level.OK, "RRD directory", directory)


def _counted(setup: Setup, pid: int | None, now: float) -> Iterator[Finding]:
    """What is kept of a log."""
    yield from _rrds(setup, pid, now)
    yield _checkpoint(setup, now)


def _rrds(setup: Setup, pid: int | None, now: float) -> Iterator[Finding]:
    if setup.rrdcached:
        yield from _cached(setup, setup.rrdcached, pid, now)
        return
    if not os.path.isdir(setup.directory):
        return
    for family in setup.families + (MACHINE if setup.machine else ()):
        yield _rrd(setup, family, pid, now)


def _rrd(setup: Setup, family: Family, pid: int | None, now: float) -> Finding:
    store = Store(host_directory(setup.directory, setup.host), (family,), setup.rrd_name)
    path = store.path(family)
    name = os.path.basename(path)
    if not os.path.lexists(path):
        return _missing(name, family, pid)
    try:
        file = RrdFile(path)
        if pid is None:  # who runs can write
            store.check()
    except OSError as error:
        return Finding(Level.PROBLEM, name, f"{_user()} can't read it: {error.strerror}", "run this check as root")
    except NotReadable as error:
        return Finding(Level.PROBLEM, name, str(error), _anew(path))
    except RrdError as error:
        return _as_problem(name, error)
    lacking = [source for source, _ in family.sources if source not in file.sources]
    if lacking or file.step != STEP:
        what = f"has no data source {', '.join(lacking)}" if lacking else f"has a step of {file.step} s, not {STEP}"
        return Finding(Level.PROBLEM, name, f"{what}: it is not mailgraph's", _anew(path))
    return _last_update(setup, name, path, file.last, pid, now)


def _cached(setup: Setup, address: str, pid: int | None, now: float) -> Iterator[Finding]:
    """The files behind an rrdcached, after that itself; there is nothing to say of them where it can't be reached."""
    directory = "" if setup.options.hosts_limit else f"{rrdcached.directory(setup.host or setup.rrdcached_host)}/"
    with contextlib.closing(Connection(address)) as connection:
        access = Cached(connection)
        try:
            connection.ask("HELP")
        except NoRrdcachedError as error:
            yield _as_problem("rrdcached", error)
            return
        yield Finding(
            Level.OK, "rrdcached", f"{address} answers; the files are {directory}{setup.rrd_name}.rrd, ... there"
        )
        for family in setup.families:
            name = family.file_name(setup.rrd_name)
            path = f"{directory}{name}"
            try:
                access.check(path, [source for source, _ in family.sources])
                last = access.stored(path)
            except RrdError as error:
                yield _as_problem(name, error)
                continue
            yield _missing(name, family, pid) if last is None else _last_update(setup, name, path, last, pid, now)


def _as_problem(subject: str, error: MailgraphError) -> Finding:
    said, bracket, advice = str(error).removesuffix(")").rpartition(" (")
    return Finding(Level.PROBLEM, subject, said, advice) if bracket else Finding(Level.PROBLEM, subject, str(error))


def _missing(name: str, family: Family, pid: int | None) -> Finding:
    if family.on_demand:
        first = "value" if family.kind == GAUGE else "event"
        return Finding(Level.OK, name, f"is not there; its first {first} makes it")
    if pid is None:
        return Finding(Level.WARNING, name, "is not there; the daemon makes it", _service("start"))
    return Finding(Level.WARNING, name, "is not there yet", "wait for some minutes: the daemon makes it")


def _anew(path: str) -> str:
    return f"mv {path} {path}.bad: the daemon makes a new one"


def _last_update(setup: Setup, name: str, path: str, last: int, pid: int | None, now: float) -> Finding:
    ends = f"ends at {_shown_time(last)}, {_ago(now - last)}"
    if last > now + SKEW:
        return Finding(Level.PROBLEM, name, f"{ends}: until then it takes nothing", f"set the clock, or {_anew(path)}")
    if now - last > QUIET and pid is None:
        return Finding(Level.WARNING, name, ends, _service("start"))
    if now - last > QUIET:
        text = f"{ends}, though the daemon runs: it may be reading a long log, or be hindered"
        return Finding(Level.WARNING, name, text, f"tail {setup.log_file} says which")
    return Finding(Level.OK, name, ends)


def _checkpoint(setup: Setup, now: float) -> Finding:
    path = path_of(setup.directory, setup.rrd_name, setup.host, far=bool(setup.rrdcached))
    again = "the daemon reads the log again from its start, and counts nothing twice"
    try:
        state = Checkpoint(path).load()
        if state is None:
            return Finding(Level.OK, "checkpoint", "is not there; it comes with the first minute that is counted")
        position = Position.restored(state["position"])
        Ledger.restored(state["ledger"])
    except (CheckpointError, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        said = str(error) if isinstance(error, CheckpointError) else f"{path} is of another kind: {error!r}"
        return Finding(Level.WARNING, "checkpoint", said, f"rm {path}: {again}")
    written = f"written {_ago(now - _modified(path))}"
    if state["log"] != setup.log:
        mend = f"set {setup.setting} in {config.path()}, or restart the daemon: {_service('restart')}"
        return Finding(Level.WARNING, "checkpoint", f"{written}, of another log: {state['log']}", mend)
    return Finding(Level.OK, "checkpoint", f"{written}; {_read_so_far(position)}")


def _read_so_far(position: Position | None) -> str:
    if position is None:
        return "nothing of the log is read yet"
    try:
        status = os.stat(position.path)
    except OSError:  # rotated meanwhile
        return f"read to byte {position.offset} of what was {position.path}"
    if (status.st_dev, status.st_ino) != (position.device, position.inode):
        return f"read to byte {position.offset} of what was {position.path}"
    return f"{_size(max(status.st_size - position.offset, 0))} of {position.path} came since"


# The machine beside the mail


def _queue(setup: Setup) -> Iterator[Finding]:
    """Most who have no Postfix want to hear nothing of its queue."""
    directory = setup.queue or spool.configured_directory()
    program = None if setup.queue else spool.postqueue()
    if not setup.machine:
        return
    if spool.readable(directory):
        yield Finding(Level.OK, "queue", f"{_user()} can read {directory}")
    elif program:
        yield Finding(Level.OK, "queue", f"{_user()} can't read {directory}; the daemon asks {program}, if it may")
    elif setup.queue:
        what = "is not there" if not os.path.isdir(directory) else f"has queues that {_user()} can't read"
        mend = f"run mailgraph as root, or set QUEUE_DIR in {config.path()} to what `postconf -h queue_directory` says"
        yield Finding(Level.WARNING, "queue", f"{directory} {what}", mend)


def _programs(setup: Setup) -> Iterator[Finding]:
    if not setup.programs:
        return
    try:
        found = programs(setup.programs)
    except OSError as error:
        mend = f"set VALUES_DIR in {config.path()} to a directory of programs"
        yield Finding(Level.WARNING, "values", f"can't read {setup.programs}: {error.strerror}", mend)
        return
    for each in found:
        if each.fault:
            yield Finding(Level.WARNING, "values", f"{each.path}: {each.fault}", each.mend)
    run = [os.path.basename(each.path) for each in found if not each.fault]
    yield Finding(Level.OK, "values", f"of {', '.join(run) or 'no program'} in {setup.programs}")


# The page


def _page(setup: Setup) -> Iterator[Finding]:
    directory, name = config.rrd_dir(dict(setup.values)), config.rrd_name(dict(setup.values))
    far = config.page_dir(dict(setup.values))
    if far.startswith(config.FAR):
        yield Finding(Level.OK, "page", f"asks {far.removeprefix(config.FAR).partition('/')[0]} for the RRD files")
        return
    if (os.path.abspath(directory), name) != (setup.directory, setup.rrd_name):
        text = f"draws {directory}/{name}.rrd, not {setup.directory}/{setup.rrd_name}.rrd"
        yield Finding(Level.WARNING, "page", text, f"set RRD_DIR in {config.path()}, or drop the option")
        return
    user = setup.values.get("HTTP_USER") or next(filter(_exists, WEB_USERS), None)
    if user is None or not _exists(user):
        text = "the web server's user is not known" if user is None else f"HTTP_USER {user} is no user of this machine"
        yield Finding(Level.WARNING, "page", text, f"set HTTP_USER in {config.path()} to the web server's user")
        return
    places = [setup.directory, *(host.directory for host in _listing(setup).hosts.values())]
    paths = [os.path.join(place, family.file_name(setup.rrd_name)) for place in places for family in FAMILIES]
    barred = [barrier for path in paths if (barrier := first_barrier(path, user))]
    if barred:
        mend = "; ".join(dict.fromkeys(f"chmod o+{'x' if os.path.isdir(path) else 'r'} {path}" for path in barred))
        yield Finding(Level.PROBLEM, "page", f"the web server's user {user} can't read the RRD files", mend)
    else:
        yield Finding(Level.OK, "page", f"the web server's user {user} can read the RRD files")


def _hosts(setup: Setup) -> Iterator[Finding]:
    """The directories of hosts, and the file that names them."""
    listing = _listing(setup)
    if listing.hosts:
        yield Finding(Level.OK, "hosts", f"{len(listing.hosts)} on one page, of {setup.directory}/{HOSTS_DIRECTORY}")
    for fault in listing.faults:
        said, _, mend = fault.removesuffix(")").rpartition(" (")
        yield Finding(Level.WARNING, "hosts", said, mend)
    path = setup.values.get("HOSTS_FILE")
    if not path:
        return
    mistakes = HostsFile(path, listing.hosts).mistakes
    for mistake in mistakes:
        yield Finding(Level.WARNING, "hosts file", mistake, f"edit {path}; what is right in it counts")
    if not mistakes:
        yield Finding(Level.OK, "hosts file", path)


def _listing(setup: Setup) -> Listing:
    split = config.split_hosts(setup.values)
    return listed(setup.directory, setup.rrd_name, os.uname().nodename, split)


def first_barrier(path: str, user: str) -> str | None:
    """What keeps ``user`` from reading the file at the absolute ``path``: a directory or the file itself, else None.

    A file that is not there keeps nobody.  By owner, group and mode; an access control list is taken to let pass.
    """
    account = pwd.getpwnam(user)
    groups = os.getgrouplist(user, account.pw_gid)
    parts = os.path.realpath(path).split("/")
    for length in range(1, len(parts) + 1):
        part = "/".join(parts[:length]) or "/"
        if not os.path.exists(part):
            return None
        wanted = 4 if length == len(parts) else 1
        if not _may(os.stat(part), wanted, account.pw_uid, groups) and not _has_list(part):
            return part
    return None


def _may(status: os.stat_result, wanted: int, uid: int, groups: list[int]) -> bool:
    if uid == 0:
        return True
    shift = 6 if status.st_uid == uid else 3 if status.st_gid in groups else 0
    return bool(status.st_mode >> shift & wanted)


def _has_list(path: str) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except (OSError, AttributeError):  # no such thing on this file system, or on this system
        return False


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _user() -> str:
    return _name_of(pwd.getpwuid, os.geteuid())


def _name_of(look_up: Any, number: int) -> str:
    """A user's or a group's name; the number where it has none."""
    try:
        return str(look_up(number)[0])
    except KeyError:
        return str(number)


def _modified(path: str) -> float:
    """Epoch seconds, 0 for what is not there."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def _size(length: int) -> str:
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if length >= one:
            return f"{length / one:.1f} {unit}"
    return f"{length} bytes"


def _shown_time(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


def _ago(age: float) -> str:
    return f"{_span(age)} ago" if age >= 0 else f"{_span(-age)} ahead"


def _span(seconds: float) -> str:
    for unit, one in (("days", DAY), ("h", 3600), ("min", 60)):
        if seconds >= 2 * one:
            return f"{seconds / one:.0f} {unit}"
    return f"{seconds:.0f} s"
