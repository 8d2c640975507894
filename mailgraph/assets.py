"""Style sheet and script: where they are.  Knows no HTTP."""

import os

STYLESHEET = "mailgraph.css"
SCRIPT = "mailgraph.js"


def read(name: str, beside: "str | None" = None) -> bytes:
    """The file in the directory ``beside``, where it is there, else the package's.  Raises FileNotFoundError."""
    for directory in (beside, *_packaged()):
        if directory is not None:
            try:
                with open(os.path.join(directory, name), "rb") as file:
                    return file.read()
            except FileNotFoundError:  # the CGI script was copied alone, or is installed elsewhere: the next place
                continue
    raise FileNotFoundError(f"no {name} came with mailgraph")


def _packaged() -> tuple[str, str]:
    """In the checkout; and where pip puts them, beside lib/python3.11."""
    above = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(above)))
    return os.path.join(above, "cgi-bin"), os.path.join(prefix, "share", "mailgraph", "cgi-bin")
