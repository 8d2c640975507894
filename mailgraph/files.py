"""The RRD files behind a page: which there are, what they hold, and what is wrong with them, in a sentence each."""

import posix

from mailgraph.config import FAR
from mailgraph.rrdfile import NotReadable, RrdFile
from mailgraph.schema import ABSOLUTE, FAMILIES, MACHINE, own_counter, own_family, value_family, value_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import TypeVar

    from mailgraph.farfile import FarFile
    from mailgraph.schema import Family

    AnyFile = TypeVar("AnyFile", RrdFile, FarFile)

QUIET = 300
"""Seconds without a minute stored after which the daemon is said to be down; it stores empty minutes too."""


class Unusable(Exception):
    """RRD files that can't be drawn; the text names the file, what is wrong with it and what to do."""


class Locked(Unusable):
    """The daemon writes the file for longer than was waited."""


def located(rrd_dir: str, rrd_name: str) -> "dict[Family, str]":
    """Where each family's file is, those of counters of one's own and of programs' values among them."""
    families = (*FAMILIES, *MACHINE, *_named(rrd_dir, rrd_name))
    directory = rrd_dir if not rrd_dir or rrd_dir.endswith("/") else f"{rrd_dir}/"
    return {family: directory + family.file_name(rrd_name) for family in families}


def _named(rrd_dir: str, rrd_name: str) -> "Iterator[Family]":
    try:
        names = sorted(posix.listdir(rrd_dir or "."))
    except OSError:  # it is said where a file is looked for
        return
    for name in names:
        stem, dot, _ = name.partition(".rrd")
        if not dot or not stem.startswith(f"{rrd_name}_"):
            continue
        named = stem.removeprefix(f"{rrd_name}_")
        counter, value = own_counter(named), value_name(named)
        family = own_family(counter) if counter else value_family(value) if value else None
        if family and name == family.file_name(rrd_name):
            yield family


class Files:
    """RRD files by family, each opened once and when it is asked for."""

    def __init__(self, paths: "Mapping[Family, str]") -> None:
        self.paths = paths
        self._there: dict[Family, bool] = {}
        self._opened: dict[Family, RrdFile | FarFile] = {}
        self._far: dict[Family, FarFile | None] = {}
        self._hindered: Unusable | None = None

    def of(self, families: "Iterable[Family]") -> "dict[Family, RrdFile | FarFile]":
        """Those of the families' files that exist.  Raises Unusable where one can't be used, or where there is none.

        A graph is drawn of what there is: who counts with ``--no-virus-rrd`` still wants to see bounced and rejected.
        """
        wanted = list(families)
        found = {family: self.open(family) for family in wanted if self.exists(family)}
        if not found:
            raise Unusable(_missing(self.paths.get(wanted[0], wanted[0].file_name())))
        return found

    def exists(self, family: "Family") -> bool:
        """Whether there is a file, whatever it is; where another machine can't be asked, whether there ought to be."""
        if family not in self._there:
            self._there[family] = family in self.paths and self._exists(family, self.paths[family])
        return self._there[family]

    def _exists(self, family: "Family", path: str) -> bool:
        if not path.startswith(FAR):
            return _is_there(path)
        try:
            return self._asked(family) is not None
        except Unusable:  # ``open`` raises it too
            return not family.on_demand

    def open(self, family: "Family") -> "RrdFile | FarFile":
        """The family's file.  Raises Unusable."""
        if family not in self._opened:
            path = self.paths[family]
            far = self._asked(family) if path.startswith(FAR) else None
            self._opened[family] = _checked(far, path, family) if far else opened(path, family)
        return self._opened[family]

    def _asked(self, family: "Family") -> "FarFile | None":
        """A file on another machine; when that has hindered once, it is asked no more."""
        from mailgraph.farfile import FarFile

        if self._hindered:
            raise self._hindered
        if family not in self._far:
            try:
                self._far[family] = FarFile(self.paths[family], Unusable)
            except FileNotFoundError:
                self._far[family] = None
            except Unusable as error:
                self._hindered = error
                raise
        return self._far[family]

    def faults(self, required: "Family", now: float) -> list[str]:
        """What is wrong, in a sentence each: files that can't be used, or none yet, or a daemon that is down."""
        wrong = []
        for family in self.paths:
            try:
                if family is required or self.exists(family):
                    self.of([family])
            except Unusable as error:
                if f"{error}" not in wrong:
                    wrong.append(f"{error}")
        counted = (file.last for family, file in self._opened.items() if family.kind == ABSOLUTE)
        last = max(counted, default=int(now))
        if last < now - QUIET:
            from mailgraph.dates import date

            wrong.append(f"mailgraph has stored nothing since {date(last)} (is it running?)")
        return wrong


def _is_there(path: str) -> bool:
    """Whatever it is: a link that leads nowhere too."""
    try:
        posix.lstat(path)
    except (OSError, ValueError):  # there is none, or there can't be one: NUL in the path
        return False
    return True


def opened(path: str, family: "Family") -> RrdFile:
    """The file of a family on this machine.  Raises Unusable."""
    try:
        return _checked(RrdFile(path), path, family)
    except NotReadable as error:
        raise Unusable(_said(path, error)) from error
    except OSError as error:
        raise Unusable(
            f"can't read {path}: {error.strerror} (it should be a file that the web server's user can read)"
        ) from error


def _checked(file: "AnyFile", path: str, family: "Family") -> "AnyFile":
    try:
        file.check(family)
    except NotReadable as error:
        raise Unusable(_said(path, error)) from error
    return file


def _said(path: str, error: NotReadable) -> str:
    return f"can't use {path}: {error} (move it away, and mailgraph makes a new one)"


def _missing(path: str) -> str:
    if path.startswith(FAR):
        return f"there is no {path} yet (start mailgraph; it makes the file when it has counted a minute)"
    import os

    directory = os.path.dirname(path) or "."
    try:
        os.stat(os.path.join(directory, "."))
    except OSError as error:
        return (
            f"can't read the directory {directory}: {error.strerror}"
            " (is it the RRD_DIR that the daemon writes to, and may the web server's user read it?)"
        )
    return f"there is no {path} yet (start mailgraph; it makes the file when it has counted a minute)"
