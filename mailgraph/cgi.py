"""Runs the page for one request of the Common Gateway Interface (RFC 3875).  Knows no page.

The standard library's wsgiref.handlers does this too; importing it takes as long as the whole answer does here.
Of ``os``, which takes 0.6 ms of 10, the part is used that it is made of.
"""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import NoReturn
    from wsgiref.types import WSGIApplication

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
"""The font that librrd asks for first, where Debian has it."""

FONTS = f"{__file__.rpartition('/')[0]}/fonts.conf"
"""The places of fonts for fontconfig, which in each process reads dozens of files of /etc/fonts else, for 2 of 30 ms.

These say what stands in for a font that is missing, and how letters are smoothed, which librrd sets itself.
"""


def run(application: "WSGIApplication") -> "NoReturn":
    """Answers the request in the environment on standard output, and ends the process.

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


def _environment() -> dict[str, str]:
    return {_text(name): _text(value) for name, value in posix.environ.items()}


def _text(given: bytes) -> str:
    return given.decode(errors="surrogateescape")
