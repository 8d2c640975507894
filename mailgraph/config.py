"""The one configuration file, read alike by the init script, the systemd unit, the daemon and the CGI script.

It is a shell fragment (the init script sources it), of which this module reads assignments: ``NAME=value``,
quoted or not, with ``$NAME`` of an earlier assignment.  Nothing is executed.  Knows no log, no RRD and no page;
imported on every CGI request, hence no ``shlex`` and no ``re``.
"""

import posix
import sys

from mailgraph import MailgraphError, UsageError
from mailgraph.schema import HOSTS_DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PATH = "/etc/default/mailgraph"

DEFAULT_RRD_DIR = "/var/lib/mailgraph"

FAR = "rrdcached://"
"""How the path of a file begins that is on another machine, with its rrdcached: FAR, address, slash, its path there."""

MAIL_LOGS = ("/var/log/mail.log", "/var/log/maillog", "/var/log/syslog")
"""Where a mail log is looked for when nothing names one."""


class ConfigError(MailgraphError):
    """A configuration file that can't be read or understood; the text names file, line and what to do."""


def path() -> str:
    """The configuration file: what MAILGRAPH_CONFIG names, else /etc/default/mailgraph."""
    return _named() or DEFAULT_PATH


def _named() -> str:
    """What MAILGRAPH_CONFIG says.  Importing ``os`` for it would take 0.6 ms of a CGI request's 10."""
    if "os" in sys.modules:
        return str(sys.modules["os"].environ.get("MAILGRAPH_CONFIG", ""))
    return posix.environ.get(b"MAILGRAPH_CONFIG", b"").decode(errors="surrogateescape")


def load(file: str | None = None) -> dict[str, str]:
    """The assignments of the configuration file; ``{}`` where the default file does not exist.

    Raises ConfigError for a file that MAILGRAPH_CONFIG or the caller names and that can't be read, and for a line
    that is no assignment.
    """
    named = file or _named()
    chosen = named or DEFAULT_PATH
    try:
        with open(chosen, "rb", buffering=0) as lines:
            return parse(lines.read().decode("utf-8", "surrogateescape"), chosen)
    except FileNotFoundError as error:
        if named:
            raise ConfigError(
                f"can't read configuration {chosen}: {error.strerror} (create it or unset MAILGRAPH_CONFIG)"
            ) from error
        return {}
    except OSError as error:
        raise ConfigError(f"can't read configuration {chosen}: {error.strerror} (make it readable)") from error


def parse(text: str, name: str = DEFAULT_PATH) -> dict[str, str]:
    """Assignments of a shell fragment, later ones winning.  Raises ConfigError, naming ``name`` and the line."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        statement = line.strip().removeprefix("export ").lstrip()
        if not statement or statement.startswith("#"):
            continue
        key, equals, rest = statement.partition("=")
        if not equals or not key.isidentifier():
            raise ConfigError(f"{name}, line {number}: {line.strip()!r} is not NAME=value")
        try:
            values[key] = _word(rest, values)
        except ValueError as error:
            raise ConfigError(f"{name}, line {number}: {error}") from error
    return values


def _word(rest: str, values: dict[str, str]) -> str:
    """One shell word at the start of ``rest``: quotes removed, ``$NAME`` replaced, a comment behind it dropped."""
    word, quote, at = "", "", 0
    while at < len(rest):
        character = rest[at]
        at += 1
        if character == quote:
            quote = ""
        elif quote == "'":
            word += character
        elif character == "\\" and at < len(rest) and (not quote or rest[at] in '"\\$`'):
            word += rest[at]
            at += 1
        elif character == "$" and at < len(rest):
            replacement, at = _variable(rest, at, values)
            word += replacement
        elif character == "`":
            raise ValueError("commands are not run here; write the value itself")
        elif quote:
            word += character
        elif character in "\"'":
            quote = character
        elif character.isspace() or character == ";":
            _nothing_but_comment(rest[at:])
            break
        else:
            word += character
    if quote:
        raise ValueError(f"the quote {quote} is not closed")
    return word


def _variable(rest: str, at: int, values: dict[str, str]) -> tuple[str, int]:
    """The value of the variable whose name starts at ``at``, behind its ``$``, and where the text goes on."""
    braced = rest[at] == "{"
    start = end = at + braced
    while end < len(rest) and (rest[end] == "_" or rest[end].isalnum()):
        end += 1
    if end == start or (braced and rest[end : end + 1] != "}"):
        raise ValueError("only $NAME and ${NAME} are understood behind a $; write the value itself")
    return values.get(rest[start:end], ""), end + braced


def _nothing_but_comment(rest: str) -> None:
    rest = rest.lstrip().removeprefix(";").lstrip()
    if rest and not rest.startswith("#"):
        raise ValueError(f"{rest!r} stands behind the value; put the value in quotes")


def rrd_dir(values: dict[str, str]) -> str:
    """Where the RRD files are: RRD_DIR, else /var/lib/mailgraph."""
    return values.get("RRD_DIR") or DEFAULT_RRD_DIR


def page_dir(values: dict[str, str]) -> str:
    """Where the page finds the RRD files: RRD_DIR, or FAR, address and directory of those that are on another machine.

    On the machine that keeps the files of all, their directory is there.  A unix socket leads to no other machine.
    Raises ConfigError.
    """
    directory, address = rrd_dir(values), values.get("RRDCACHED", "")
    if not address or address.startswith(("unix:", "/")):
        return directory
    import os

    if os.path.isdir(os.path.join(directory, HOSTS_DIRECTORY)):
        return directory
    from mailgraph import rrdcached

    try:
        rrdcached.place(address)
        if split_hosts(values):
            return f"{FAR}{address}"
        return f"{FAR}{address}/{rrdcached.directory(values.get('RRDCACHED_HOST', ''))}"
    except UsageError as error:
        raise ConfigError(f"{path()}: {error}") from error


def mail_log(values: dict[str, str]) -> str | None:
    """The mail log: MAIL_LOG, else the first usual one that exists, else None."""
    import os

    return values.get("MAIL_LOG") or next((log for log in MAIL_LOGS if os.path.exists(log)), None)


def rrd_name(values: dict[str, str]) -> str:
    """What the RRD files are named: ``--rrd-name``, perhaps shortened, in EXTRA_OPTIONS, else ``mailgraph``."""
    named = "mailgraph"
    words = values.get("EXTRA_OPTIONS", "").split()
    for word, following in zip(words, [*words[1:], ""], strict=False):
        option, equals, value = word.partition("=")
        if len(option) > len("--r") and "--rrd-name".startswith(option):
            named = (value if equals else following).strip("'\"") or named
    return named


def split_hosts(values: "Mapping[str, str]") -> bool:
    """Whether RRD_DIR's own files are the totals of the hosts below it.

    SPLIT_HOSTS=true says so, and ``--split-hosts``, perhaps shortened, in EXTRA_OPTIONS.
    """
    words = values.get("EXTRA_OPTIONS", "").split()
    given = any(len(word) > len("--s") and "--split-hosts".startswith(word) for word in words)
    return given or values.get("SPLIT_HOSTS") == "true"
