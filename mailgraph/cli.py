"""The command line: options to objects to exit status (0 done, 1 failed, 2 wrong use)."""

import argparse
import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mailgraph import MailgraphError, UsageError, __version__, config, schema
from mailgraph.splitting import HOSTS_LIMIT

if TYPE_CHECKING:
    from mailgraph.checkpoint import Checkpoint
    from mailgraph.counting import Counting, Start
    from mailgraph.daemon import Alone, Followed
    from mailgraph.ownrules import OwnRules
    from mailgraph.rrd import Access, Direct, Store
    from mailgraph.rrdcached import Connection
    from mailgraph.sampling import Sampling
    from mailgraph.scanner import Options
    from mailgraph.sources import Source

DAEMON_PID = "/var/run/mailgraph.pid"
DAEMON_LOG = "/var/log/mailgraph.log"

EPILOG = f"""
The configuration file ({config.DEFAULT_PATH}, or what MAILGRAPH_CONFIG names) gives MAIL_LOG, HOST_LOGS, RRD_DIR,
PID_FILE, LOG_FILE, RULES_FILE, RRDCACHED, RRDCACHED_HOST, SPLIT_HOSTS, IGNORE_LOCALHOST, MACHINE, QUEUE_DIR, VALUES_DIR
and EXTRA_OPTIONS; options of the command line win.  Without -d and RRD_DIR, the RRD files are in the working directory.
Signals: TERM and INT end after writing what is counted; HUP opens the daemon's log anew.
Exit status: 0 done, 1 failed, 2 wrong use; of --check: 0 all is well, 1 a warning, 2 a problem.
"""


STANDARD_INPUT = "-"

MOST_JOBS = 512


class _Job(NamedTuple):
    """What is to be done: options and configuration together, paths absolute."""

    logs: tuple[str, ...]
    logs_of_hosts: tuple[tuple[str, str], ...]
    cat: bool
    detach: bool
    verbose: bool
    year: int | None
    jobs: int
    options: "Options"
    own: "OwnRules"
    families: tuple[schema.Family, ...]
    directory: str
    rrd_name: str
    pid_file: str
    log_file: str
    machine: bool
    queue: str
    values: str
    rrdcached: str | None
    rrdcached_host: str

    @property
    def log(self) -> str:
        """The one that is followed, or read first."""
        return self.logs[0]


class LogError(MailgraphError):
    """No mail log, or one that can't be read."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mailgraph",
        description="Counts what the mail log says (sent, received, bounced, rejected, spam, virus, greylisted,"
        " delayed) per minute into RRD files, from which mailgraph.cgi draws graphs.",
        epilog=EPILOG,
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34, width=100),
        allow_abbrev=True,
    )
    parser.add_argument("-V", "--version", action="version", version=f"mailgraph {__version__}")
    parser.add_argument(
        "--check", action="store_true", help="look at log, daemon and RRD files, and say what hinders and what mends it"
    )
    parser.add_argument(
        "--unparsed", action="store_true", help="show the log's lines of mail programs that no rule covers, by program"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print each minute that is written")
    _add_log_options(parser.add_argument_group("the log"))
    _add_daemon_options(parser.add_argument_group("the daemon"))
    _add_counting_options(parser.add_argument_group("what is counted"))
    _add_machine_options(parser.add_argument_group("the machine beside the mail, while a log is followed"))
    _add_rrd_options(parser.add_argument_group("the RRD files"))
    _add_page_options(parser.add_argument_group("the page"))
    return parser


def _add_log_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "-l", "--logfile", metavar="FILE", help="the mail log (- is standard input); default: MAIL_LOG, else the usual"
    )
    group.add_argument(
        "--host-log",
        metavar="NAME=FILE",
        action="append",
        help="follow FILE too, as the host NAME, whose RRD files are in hosts/NAME/; may stand several times;"
        " default: HOST_LOGS",
    )
    group.add_argument("-c", "--cat", action="store_true", help="read the log once, to its end; do not follow it")
    group.add_argument(
        "--jobs", metavar="N", type=_processes, help="with -c: processes that read at once; default: one for each core"
    )
    group.add_argument("files", nargs="*", metavar="FILE", help="with -c: more logs, read one after the other")
    group.add_argument(
        "-t",
        "--logtype",
        choices=("syslog", "metalog"),
        default="syslog",
        help="accepted for the original's sake: each line's form is found by itself",
    )
    group.add_argument(
        "-y", "--year", type=_year, help="year of the log's first line; default: near the log's last change, or now"
    )
    group.add_argument("--host", metavar="REGEX", help="count only lines of hosts that match as a whole, in any case")


def _add_daemon_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "-d", "--daemon", action=argparse.BooleanOptionalAction, default=False, help="detach and run in the background"
    )
    for option, metavar, text in (
        ("pid", "FILE", f"write the process id to FILE; default: PID_FILE, else {DAEMON_PID}"),
        ("rrd", "DIR", f"write RRD files to DIR; default: RRD_DIR, else with -d {config.DEFAULT_RRD_DIR}"),
        ("log", "FILE", f"write messages to FILE; default: LOG_FILE, else {DAEMON_LOG}"),
    ):
        group.add_argument(f"--daemon-{option}", metavar=metavar, help=text)
        group.add_argument(f"--daemon_{option}", dest=f"daemon_{option}", help=argparse.SUPPRESS)


def _add_counting_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument("--classic", action="store_true", help="count as Mailgraph 1.14 did, its errors included")
    group.add_argument(
        "--ignore-localhost",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="ignore mail from and to this machine",
    )
    group.add_argument(
        "--ignore-host",
        action="append",
        default=[],
        metavar="REGEX",
        help="ignore mail from and to hosts that match (may be given again)",
    )
    group.add_argument("--rbl-is-spam", action="store_true", help="count rejects of blocklists as spam")
    group.add_argument("--virbl-is-virus", action="store_true", help="count rejects of virbl.dnsbl.bit.nl as virus")
    group.add_argument(
        "--rules", metavar="FILE", help="rules of one's own, a TOML file; default: RULES_FILE, else none"
    )
    group.add_argument("--lmtp-is-smtp", action="store_true", help="count Postfix's lmtp as its smtp")
    group.add_argument(
        "--split-hosts",
        action="store_true",
        help="beside the totals, keep the RRD files of each host of the log in hosts/HOST/; default: SPLIT_HOSTS",
    )
    group.add_argument(
        "--hosts-limit",
        metavar="N",
        type=_positive,
        default=HOSTS_LIMIT,
        help=f"hosts that get files of their own at most; default: {HOSTS_LIMIT}",
    )


def _add_machine_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--machine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="each minute, store the load average and Postfix's queue; default: MACHINE, else yes",
    )
    group.add_argument(
        "--queue", metavar="DIR", help="Postfix's queue_directory; default: QUEUE_DIR, else as main.cf or postqueue say"
    )
    group.add_argument(
        "--values", metavar="DIR", help="programs that print `name value` lines; default: VALUES_DIR, else none"
    )


def _add_rrd_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--rrd-name", metavar="NAME", default="mailgraph", help="NAME.rrd, NAME_virus.rrd, ...; default: mailgraph"
    )
    group.add_argument(
        "--rrdcached",
        metavar="ADDRESS",
        help="keep the RRD files with the rrdcached there, as hosts/NAME/: HOST:PORT or unix:/PATH; default: RRDCACHED",
    )
    group.add_argument(
        "--rrdcached-host", metavar="NAME", help="this machine's NAME there; default: RRDCACHED_HOST, else its own"
    )
    for family in ("mail", "virus", "greylist"):
        group.add_argument(f"--no-{family}-rrd", action="store_true", help=f"do not write the {family} RRD")
    only = group.add_mutually_exclusive_group()
    for family in ("mail", "virus"):
        only.add_argument(f"--only-{family}-rrd", action="store_true", help=f"write no RRD but the {family} RRD")


def _add_page_options(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--static", metavar="DIR", help="write the page and its pictures into DIR and end, for servers without CGI"
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _year(text: str) -> int:
    if not text.isdecimal() or not 1970 <= int(text) <= 2105:
        raise argparse.ArgumentTypeError(f"{text!r} is no year from 1970 to 2105")
    return int(text)


def _processes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes from 1 to {MOST_JOBS}")
    return int(text)


def _cores() -> int:
    """How many of them this process may use, where the system says so."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status.  Wrong use and --help end by SystemExit, as argparse does."""
    parser = _parser()
    said = sys.argv[1:] if arguments is None else arguments
    try:
        return _done(parser, said)
    except BrokenPipeError:  # mailgraph --unparsed | head; what is still buffered must not meet the closed pipe again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except UsageError as error:
        parser.error(str(error))
    except MailgraphError as error:
        if "--check" in said:
            print(f"mailgraph PROBLEM: {error}")
            return 2
        print(f"mailgraph: {error}", file=sys.stderr)
        return 1


def _done(parser: argparse.ArgumentParser, said: Sequence[str]) -> int:
    values = config.load()
    given = parser.parse_args([*_configured(values), *said])
    if given.static:
        return _write_page(given, values)
    if given.unparsed:
        return _show_unparsed(_job(given, values))
    return _check(given, values) if given.check else _run(_job(given, values))


def _write_page(given: argparse.Namespace, values: dict[str, str]) -> int:
    from mailgraph.files import Files, located
    from mailgraph.places import Hosts
    from mailgraph.static import write, write_hosts

    directory, machine = given.daemon_rrd or config.page_dir(values), os.uname().nodename
    split = {"SPLIT_HOSTS": "true"} if given.split_hosts else {}
    several = Hosts(directory, given.rrd_name, machine, values | split)
    if several.by_name:
        wrong = write_hosts(given.static, several, time.time())
    else:
        wrong = several.faults
        write(given.static, Files(located(directory, given.rrd_name)), machine, time.time())
    for sentence in wrong:
        _say(sentence)
    return 1 if wrong else 0


def _configured(values: dict[str, str]) -> list[str]:
    """The configuration's options.  Raises ConfigError."""
    ignore = ["--ignore-localhost"] if values.get("IGNORE_LOCALHOST") == "true" else []
    split = ["--split-hosts"] if values.get("SPLIT_HOSTS") == "true" else []
    machine = ["--no-machine"] if values.get("MACHINE") == "false" else []
    try:
        return [*ignore, *split, *machine, *shlex.split(values.get("EXTRA_OPTIONS", ""))]
    except ValueError as error:
        raise config.ConfigError(f"{config.path()}: EXTRA_OPTIONS: {error}") from error


def _check(given: argparse.Namespace, values: dict[str, str]) -> int:
    from mailgraph import check

    log = given.logfile or config.mail_log(values)
    if log == STANDARD_INPUT:
        raise UsageError("--check can't look at standard input; give --logfile FILE")
    job = _job(argparse.Namespace(**vars(given) | {"daemon": True, "logfile": log or config.MAIL_LOGS[0]}), values)
    if job.logs_of_hosts and not (given.logfile or values.get("MAIL_LOG")):
        log = None
    found = check.check(
        check.Setup(
            values,
            job.log if log else None,
            job.options,
            job.families,
            job.directory,
            job.rrd_name,
            job.pid_file,
            job.log_file,
            job.machine,
            job.queue,
            job.values,
            job.rrdcached,
            job.rrdcached_host,
            job.logs_of_hosts,
        ),
        time.time(),
    )
    print(check.report(found))
    return max(finding.level for finding in found)


def _show_unparsed(job: _Job) -> int:
    from mailgraph import sources, unparsed
    from mailgraph.logforms import Stamps
    from mailgraph.scanner import Scanner

    for log in job.logs:
        _check_log(log, must_be_there=True)
    blocks = sources.standard_input() if job.log == STANDARD_INPUT else sources.files_once(job.logs)
    scanner = Scanner(job.options, Stamps(job.year))
    print(unparsed.report(unparsed.kinds(scanner, (block.data for block in blocks if block))))
    return 0


def _options(given: argparse.Namespace) -> "Options":
    from mailgraph.scanner import Options

    return Options(
        given.classic,
        given.ignore_localhost,
        tuple(given.ignore_host),
        given.rbl_is_spam,
        given.virbl_is_virus,
        given.lmtp_is_smtp,
        given.host,
        given.hosts_limit if given.split_hosts else 0,
    )


def _job(given: argparse.Namespace, values: dict[str, str]) -> _Job:
    from mailgraph.ownrules import OwnRules, load

    rules = given.rules or values.get("RULES_FILE")
    own = load(rules) if rules else OwnRules()
    directory = given.daemon_rrd or values.get("RRD_DIR") or (config.DEFAULT_RRD_DIR if given.daemon else ".")
    hosts = _logs_of_hosts(given, values)
    logs = _logs(given, values, bool(hosts))
    cached = given.rrdcached or values.get("RRDCACHED") or None
    cached_host = given.rrdcached_host or values.get("RRDCACHED_HOST") or ""
    if logs and hosts and cached:
        _check_names(hosts, cached_host)
    if STANDARD_INPUT in logs and given.daemon:
        raise UsageError("--daemon can't read standard input; give --logfile FILE")
    if "/" in given.rrd_name or not given.rrd_name:
        raise UsageError(f"--rrd-name: {given.rrd_name!r} is no file name; the directory is --daemon-rrd's")
    return _Job(
        logs=tuple(log if log == STANDARD_INPUT else os.path.abspath(log) for log in logs),
        logs_of_hosts=hosts,
        cat=given.cat or STANDARD_INPUT in logs,
        detach=given.daemon,
        verbose=given.verbose,
        year=given.year,
        jobs=given.jobs or _cores(),
        options=_options(given),
        own=own,
        families=(*_families(given), *own.families),
        directory=os.path.abspath(directory),
        rrd_name=given.rrd_name,
        pid_file=os.path.abspath(given.daemon_pid or values.get("PID_FILE") or DAEMON_PID),
        log_file=os.path.abspath(given.daemon_log or values.get("LOG_FILE") or DAEMON_LOG),
        machine=given.machine and not (given.only_mail_rrd or given.only_virus_rrd),
        queue=_absolute(given.queue or values.get("QUEUE_DIR")),
        values=_absolute(given.values or values.get("VALUES_DIR")),
        rrdcached=cached,
        rrdcached_host=cached_host,
    )


def _absolute(path: str | None) -> str:
    return os.path.abspath(path) if path else ""


def _logs_of_hosts(given: argparse.Namespace, values: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Names and paths."""
    from mailgraph.splitting import safe_name

    if given.cat or given.unparsed or given.logfile == STANDARD_INPUT:
        if given.host_log:
            raise UsageError("--host-log names a log to follow; to read it once, give it as FILE, with --daemon-rrd")
        return ()
    try:
        logs = given.host_log or shlex.split(values.get("HOST_LOGS", ""))
    except ValueError as error:
        raise config.ConfigError(f"{config.path()}: HOST_LOGS: {error}") from error
    found: dict[str, str] = {}
    for said in logs:
        host, _, log = said.partition("=")
        if not host or not log or host != safe_name(host.encode()) or host in found:
            raise UsageError(
                f"HOST_LOGS: {said!r} is no NAME=FILE, or not the only one of that NAME: a to z, 0 to 9, dot, dash and"
                " underscore, and no dot or dash first"
            )
        found[host] = os.path.abspath(log)
    if found and given.split_hosts:
        raise UsageError("HOST_LOGS and --split-hosts don't go together: a log is of one host, or of several")
    return tuple(found.items())


def _check_names(hosts: tuple[tuple[str, str], ...], machine: str) -> None:
    """Raises UsageError where files of a host would be those of the machine's own log."""
    from mailgraph.rrdcached import directory

    for host, log in hosts:
        if directory(host) == directory(machine):
            raise UsageError(
                f"HOST_LOGS: {host}={log} has the name that this machine's own log has at rrdcached; give it another,"
                " or set RRDCACHED_HOST"
            )


def _logs(given: argparse.Namespace, values: dict[str, str], may_be_none: bool) -> list[str]:
    if given.files and not (given.cat or given.unparsed):
        raise UsageError(f"only --cat reads more than one log; to follow {given.files[0]}, give it with --logfile")
    logs: list[str] = [*filter(None, [given.logfile]), *given.files]
    if STANDARD_INPUT in logs[1:]:
        raise UsageError("standard input is read alone, with --logfile -")
    if may_be_none and not logs and not values.get("MAIL_LOG"):
        return []
    found = None if logs else config.mail_log(values)
    if not logs and found is None:
        raise LogError(f"no mail log: none of {', '.join(config.MAIL_LOGS)} is there; give --logfile or set MAIL_LOG")
    return logs or [found or ""]


def _families(given: argparse.Namespace) -> tuple[schema.Family, ...]:
    if given.only_mail_rrd:
        return (schema.MAIL,)
    if given.only_virus_rrd:
        return (schema.VIRUS,)
    left_out = {
        schema.MAIL: given.no_mail_rrd,
        schema.VIRUS: given.no_virus_rrd,
        schema.GREYLIST: given.no_greylist_rrd,
    }
    families = tuple(family for family in schema.FAMILIES if not left_out.get(family))
    if not set(schema.CLASSICAL) & set(families):
        raise UsageError("no RRD file is left to write; leave out one of the --no-…-rrd options")
    return families


def _run(job: _Job) -> int:
    from mailgraph.daemon import Alone

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the loop takes it
    for log in (*job.logs, *(log for _, log in job.logs_of_hosts)):
        _check_log(log, must_be_there=job.cat)
    with Alone(job.directory, job.rrd_name) as alone:
        return _count(job, alone, _say_with_time if job.detach else _say)


def _count(job: _Job, alone: "Alone", say: Callable[[str], None]) -> int:
    from mailgraph.counting import Counting
    from mailgraph.daemon import Loop, Signals, detached
    from mailgraph.rrd import UnreachableError

    connection = _connection(job)
    files = _files_behind(connection) if connection else _files_here(job, say)
    report = _report if job.verbose else None
    countings = [
        Counting(part.log, part.store, job.options, job.year, part.checkpoint, job.own, say=say, report=report)
        for part in _parts(job, files)
    ]
    for counting in countings:
        try:
            counting.start()
        except UnreachableError as error:
            if job.cat:
                raise
            say(f"{error}; waiting for it")
    if connection:
        connection.close()  # detaching would, behind its back
    process = detached(job.directory, job.pid_file, job.log_file, alone, say) if job.detach else _foreground()
    sampling = contextlib.closing(_sampling(job, _store(job, files), say))
    with process as reopen, Signals() as signals, sampling as sampled:
        alone.sign()
        logs = [_followed(job, counting, say) for counting in countings]
        written = Loop(logs, signals, reopen, sampled).run()
        if job.cat and signals.stop:
            say(
                "stopped before the end of the log; what was read is counted"
                + ("" if job.log == STANDARD_INPUT else ", and another run goes on from there")
            )
        return 0 if written and not (job.cat and signals.stop) else 1


class _Part(NamedTuple):
    """A log, and where what it says is kept."""

    log: str
    store: "Store"
    checkpoint: "Checkpoint | None"


def _parts(job: _Job, files: "Access") -> Iterator[_Part]:
    from mailgraph.checkpoint import Checkpoint, path_of
    from mailgraph.rrd import make_directory

    for host, log in (*(("", log) for log in job.logs[:1]), *job.logs_of_hosts):
        if not job.rrdcached:
            make_directory(schema.host_directory(job.directory, host))
        path = path_of(job.directory, job.rrd_name, host, far=bool(job.rrdcached))
        yield _Part(log, _store(job, files, host), None if job.cat else Checkpoint(path))


def _followed(job: _Job, counting: "Counting", say: Callable[[str], None]) -> "Followed":
    from mailgraph.daemon import Followed

    awaited = (0,) if counting.log == STANDARD_INPUT else ()
    return Followed(
        counting, lambda start: _source(job, start, counting, say), say, awaited=awaited, patient=not job.cat
    )


def _connection(job: _Job) -> "Connection | None":
    if not job.rrdcached:
        return None
    from mailgraph.rrdcached import Connection

    return Connection(job.rrdcached)


def _files_behind(connection: "Connection") -> "Access":
    """The RRD files that an rrdcached keeps."""
    from mailgraph.cached import Cached  # 0.9 ms, for those who have one

    return Cached(connection)


def _files_here(job: _Job, say: Callable[[str], None]) -> "Direct":
    """The RRD files of this machine, none of which is left as a kill of an earlier run left it."""
    from mailgraph.rrd import Direct, RrdError
    from mailgraph.underway import UnderWay

    files = Direct(UnderWay(os.path.join(job.directory, f"{job.rrd_name}.underway")))
    try:
        files.mend()
    except RrdError as error:  # one file, which may be a host's
        say(str(error))
    return files


def _store(job: _Job, files: "Access", host: str = "") -> "Store":
    """The store of the log, or of the one that is a host's."""
    from mailgraph.rrd import Store

    if not job.rrdcached:
        return Store(schema.host_directory(job.directory, host), job.families, job.rrd_name, files)
    from mailgraph.rrdcached import directory

    place = "" if job.options.hosts_limit else directory(host or job.rrdcached_host)
    return Store(place, job.families, job.rrd_name, files)


def _sampling(job: _Job, store: "Store", say: Callable[[str], None]) -> "Sampling":
    """What is looked at beside the log, while one is followed."""
    from mailgraph.sampling import Sampler, Sampling

    samplers: list[Sampler] = []
    if job.machine and not job.cat:
        from mailgraph.machine import Load, Queue

        samplers += [Load(), Queue(job.queue)]
    if job.values and not job.cat:
        from mailgraph.values import Values

        samplers.append(Values(job.values))
    return Sampling(samplers, store, say)


def _check_log(log: str, *, must_be_there: bool) -> None:
    """Raises LogError for a log that can't be read; one that is followed may come later."""
    advice = f"give --logfile, or set MAIL_LOG in {config.path()}"
    if log == STANDARD_INPUT:
        try:
            os.fstat(0)
        except OSError as error:
            raise LogError(f"there is no standard input; {advice}") from error
        return
    if os.path.isdir(log):
        raise LogError(f"{log} is a directory, not a mail log; {advice}")
    if not os.path.exists(log):
        if must_be_there:
            raise LogError(f"{log} is not there; {advice}")
        return
    if not os.access(log, os.R_OK):
        raise LogError(f"can't read {log}: Permission denied (run as root, or as a member of its group)")
    if not must_be_there and not os.path.isfile(log):
        raise LogError(f"{log} is no file that can be followed; read it with --cat")


def _source(job: _Job, start: "Start", counting: "Counting", say: Callable[[str], None]) -> "Source":
    from mailgraph import sources

    if counting.log == STANDARD_INPUT:
        return sources.standard_input()
    if job.cat:
        return _old_logs(job, counting, say)
    return sources.Follower(counting.log, *start, say=say)


def _old_logs(job: _Job, counting: "Counting", say: Callable[[str], None]) -> "Source":
    from mailgraph import ranges, sources

    lanes = ranges.lanes(job.logs, job.jobs, job.year)
    if not lanes:
        return sources.files_once(job.logs)
    from mailgraph.workers import counted_along

    return counted_along(lanes, ranges.scan_of(job.options, job.year, job.own), job.jobs, counting, say)


@contextlib.contextmanager
def _foreground() -> Iterator[Callable[[], None]]:
    yield lambda: None


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk or a terminal that is gone must not end the counting
        print(f"mailgraph: {text}", file=sys.stderr, flush=True)


def _say_with_time(text: str) -> None:
    with contextlib.suppress(OSError):  # as above: the messages' own disk may be the full one
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} mailgraph[{os.getpid()}]: {text}", file=sys.stderr, flush=True)


def _report(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        raise
    except OSError:  # a full disk
        return
