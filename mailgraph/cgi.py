"""Runs the page for one request of the Common Gateway Interface (RFC 3875).

Any Python 3 may run it, as the CGI script's first line says, and leaves the page to the one that has what it takes.

The standard library's wsgiref.handlers does this too; importing it takes as long as the whole answer does here.
Of ``os``, which takes 0.6 ms of 10, and of ``importlib`` the part is used that they are made of.
"""

import posix
import sys
from _frozen_importlib_external import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType
    from typing import NoReturn
    from wsgiref.types import WSGIApplication

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


MODULES = ("schema", "config", "rrdfile", "files", "graphs", "figures", "views", "answers", "page")
"""What each answer takes, each module behind those that it needs."""

HTML = ("document", "pages")
"""What the page of all graphs takes besides, which is asked for without a query."""

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
"""The font that librrd asks for first, where Debian has it."""

PACKAGE = __file__.rpartition("/")[0]

FONTS = f"{PACKAGE}/fonts.conf"
"""The places of fonts for fontconfig, which in each process reads dozens of files of /etc/fonts else, for 2 of 30 ms.

These say what stands in for a font that is missing, and how letters are smoothed, which librrd sets itself.
"""


def run(root: str, place: str, script: str, beside: str, rrd_dir: str) -> None:
    """Answers the request in the environment with the page, and ends the process, or has another Python do so.

    ``root`` is where mailgraph is installed, ``place`` in it the directory of this package, ``script`` the CGI script
    and ``beside`` its directory; ``rrd_dir`` may be empty (see page.Page).  Returns where there is no Python that has
    what mailgraph needs.
    """
    others = []
    for packages, python in _installations(root, place):
        if python == "python{}.{}".format(*sys.version_info):
            sys.path.insert(1, packages)
            load(MODULES if posix.environ.get(b"QUERY_STRING") else MODULES + HTML)
            from mailgraph.page import Page

            respond(Page(rrd_dir or None, beside=beside))
        others += [f"{packages}/../../../bin/{python}", f"/usr/bin/{python}", f"/usr/local/bin/{python}"]
    for other in others:
        if posix.access(other, posix.X_OK) and posix.stat(other).st_ino != posix.stat(sys.executable).st_ino:
            posix.execv(other, [other, "-ISBXutf8", script])


def _installations(root: str, place: str) -> "Iterator[tuple[str, str]]":
    """Where what mailgraph needs is, and the name of the Python that has it."""
    for libraries in (f"{root}/.venv/lib", f"{root}/lib"):
        for python in posix.listdir(libraries) if posix.access(libraries, posix.R_OK) else ():
            for packages in (f"{libraries}/{python}/site-packages", f"{libraries}/{python}/dist-packages"):
                if posix.access(packages, posix.F_OK) and place in (root, packages):
                    yield packages, python


def load(names: "Iterable[str]") -> None:
    """Imports modules of the package; ``import`` finds and locks each of a dozen, which takes 0.5 ms more of 9."""
    package = sys.modules["mailgraph"]
    for name in names:
        full, file = f"mailgraph.{name}", f"{PACKAGE}/{name}.py"
        module = type(sys)(full)
        module.__file__ = file
        SourceFileLoader(full, file).exec_module(module)
        sys.modules[full] = module
        setattr(package, name, module)


def respond(application: "WSGIApplication") -> "NoReturn":
    """Writes the application's answer to the request on standard output, and ends the process.

    A client that has gone away is no error.
    """
    head: list[bytes] = []
    body: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _exc_info: "ExcInfo | None" = None
    ) -> "Callable[[bytes], object]":
        lines = [f"Status: {status}", *(f"{name}: {value}" for name, value in headers), "", ""]
        head.append("\r\n".join(lines).encode("latin-1"))
        return body.append

    if posix.access(FONT, posix.R_OK) and not posix.environ.keys() & {b"FONTCONFIG_FILE", b"FONTCONFIG_PATH"}:
        posix.putenv("FONTCONFIG_FILE", FONTS)
    body.extend(application(_environment(), start_response))
    try:
        sys.stdout.buffer.write(b"".join(head + body))
        sys.stdout.buffer.flush()
    except BrokenPipeError:  # there is nobody to tell
        posix._exit(0)
    posix._exit(0)  # Python and librrd would tidy up for 1 to 4 ms


def _environment() -> "dict[str, str]":
    return {_text(name): _text(value) for name, value in posix.environ.items()}


def _text(given: bytes) -> str:
    return given.decode(errors="surrogateescape")
