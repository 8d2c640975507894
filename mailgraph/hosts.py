"""Which hosts there are: the directories of RRD_DIR/hosts, or RRD_DIR itself.  Knows no HTTP and no page.

A host is taken from the listing of the directory alone; what a request names is compared with that.
"""

import os

from mailgraph.schema import FAMILIES, HOSTS_DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHOWN_FAULTS = 5
"""Sentences about single hosts that a page begins with; hundreds would hide it."""


class Host:
    """A host: its ``name``, which is its directory's; where its RRD files are; and what it is called on the page.

    One that is ``hidden`` has no row there; it is a part of the sums.
    """

    __slots__ = ("directory", "hidden", "label", "name")

    def __init__(self, name: str, directory: str) -> None:
        self.name = name
        self.directory = directory
        self.label = name
        self.hidden = False


class Listing:
    """The hosts, by name, and what is wrong with directories that are left out, in a sentence each."""

    __slots__ = ("faults", "hosts")

    def __init__(self, hosts: "dict[str, Host]", faults: list[str]) -> None:
        self.hosts = hosts
        self.faults = faults


def listed(rrd_dir: str, rrd_name: str, machine: str, split: bool) -> Listing:
    """The hosts whose RRD files are named so.

    Where the files in RRD_DIR itself are no totals of all hosts (``split``), they are those of one host more: this
    ``machine``.
    """
    parent = os.path.join(rrd_dir, HOSTS_DIRECTORY)
    if not os.path.lexists(parent):
        return Listing({}, [])
    try:
        names = sorted(name for name in os.listdir(parent) if name[0] != ".")
    except OSError as error:
        return Listing({}, [_unreadable(parent, error.strerror)])
    readable = [name for name in names if _is_text(name)]
    faults = [
        f"{parent}/{_shown(name)} is left out: its name is not UTF-8 (give the directory another name)"
        for name in names
        if not _is_text(name)
    ]
    found = {name: Host(name, os.path.join(parent, name)) for name in readable}
    hosts = {name: host for name, host in found.items() if _has_files(host.directory, rrd_name)}
    faults += [_unreadable(host.directory) for host in found.values() if host.name not in hosts and _is_shut(host)]
    if hosts and not split and _has_files(rrd_dir, rrd_name):
        if machine in hosts:
            faults.append(
                f"{rrd_dir} itself is left out: it holds files of {machine}, and so does {parent}/{machine}"
                " (set SPLIT_HOSTS=true if the former are the totals of all hosts, else move them away)"
            )
        else:
            hosts[machine] = Host(machine, rrd_dir)
    return Listing(hosts, faults)


def _unreadable(directory: str, reason: "str | None" = "Permission denied") -> str:
    return f"can't read {directory}: {reason} (it should be readable for the web server's user)"


def _is_shut(host: Host) -> bool:
    """Whether there may be files that this user can't see: a copy may keep owner and mode of another machine."""
    try:
        os.stat(os.path.join(host.directory, "."))
    except OSError as error:  # others: a file, a link to nowhere
        return isinstance(error, PermissionError)
    return False


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return True


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


def _has_files(directory: str, rrd_name: str) -> bool:
    """The mail file nearly always; a host may count without it (``--no-mail-rrd``)."""
    return any(os.path.isfile(os.path.join(directory, family.file_name(rrd_name))) for family in FAMILIES)


def few(faults: "Iterable[str]") -> "Iterator[str]":
    """The first of them, and how many more there are."""
    every = list(faults)
    yield from every[:SHOWN_FAULTS]
    if len(every) > SHOWN_FAULTS:
        yield f"and {len(every) - SHOWN_FAULTS} more of this kind"


def quoted(name: str) -> str:
    """A name as a part of a URL (RFC 3986).  The standard library's urllib.parse would bring ``re`` along."""
    if name.isascii() and name.replace(".", "").replace("-", "").isalnum():
        return name
    return "".join(
        chr(byte) if byte < 128 and (chr(byte).isalnum() or byte in b"-._~") else f"%{byte:02X}"
        for byte in os.fsencode(name)
    )


def unquoted(text: str) -> str:
    """What ``quoted``, or a browser, made such a part of.  Other text than ASCII names nothing."""
    if not text.isascii():
        return ""
    start, *parts = text.encode().split(b"%")
    found = start
    for part in parts:
        digits = part[:2].decode()
        is_number = len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
        found += bytes.fromhex(digits) + part[2:] if is_number else b"%" + part
    return os.fsdecode(found)
