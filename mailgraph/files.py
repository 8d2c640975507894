"""The RRD files behind a page: which there are, what they hold, and what is wrong with them, in a sentence each."""

import os

from mailgraph.dates import date
from mailgraph.rrdfile import NotReadable, RrdFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailgraph.schema import Family

QUIET = 300
"""Seconds without a minute stored after which the daemon is said to be down; it stores empty minutes too."""


class Unusable(Exception):
    """RRD files that can't be drawn; the text names the file, what is wrong with it and what to do."""


def opened(families: "Iterable[Family]", paths: "Mapping[Family, str]") -> "dict[Family, RrdFile]":
    """Those of the families' files that exist.  Raises Unusable where one can't be used, or where there is none.

    A graph is drawn of what there is: who counts with ``--no-virus-rrd`` still wants to see the bounced and rejected.
    """
    wanted = [paths[family] for family in families]
    found = {family: _opened(paths[family]) for family in families if os.path.lexists(paths[family])}
    if not found:
        raise Unusable(_missing(wanted[0]))
    return found


class Survey:
    """What a directory of RRD files holds: those that can be used, and a sentence for each thing that is wrong."""

    __slots__ = ("files", "warnings")

    def __init__(self, paths: "Mapping[Family, str]", required: "Family", now: float) -> None:
        self.files: dict[Family, RrdFile] = {}
        self.warnings: list[str] = []
        for family, path in paths.items():
            if os.path.lexists(path):
                try:
                    self.files[family] = _opened(path)
                except Unusable as error:
                    self.warn(f"{error}")
            elif family is required:
                self.warn(_missing(path))
        last = max((file.last for file in self.files.values()), default=int(now))
        if last < now - QUIET:
            self.warn(f"mailgraph has stored nothing since {date(last)} (is it running?)")

    def warn(self, sentence: str) -> None:
        """One more thing that is wrong; each is said once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def _opened(path: str) -> RrdFile:
    try:
        return RrdFile(path)
    except NotReadable as error:
        raise unusable(path, error) from error
    except OSError as error:
        raise Unusable(
            f"can't read {path}: {error.strerror} (it should be a file that the web server's user can read)"
        ) from error


def unusable(path: str, error: NotReadable) -> Unusable:
    """What to say of a file of another kind."""
    return Unusable(f"can't use {path}: {error} (move it away, and mailgraph makes a new one)")


def _missing(path: str) -> str:
    directory = os.path.dirname(path) or "."
    try:
        os.stat(os.path.join(directory, "."))
    except OSError as error:
        return (
            f"can't read the directory {directory}: {error.strerror}"
            " (is it the RRD_DIR that the daemon writes to, and may the web server's user read it?)"
        )
    return f"there is no {path} yet (start mailgraph; it makes the file when it has counted a minute)"
