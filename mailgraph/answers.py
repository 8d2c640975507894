"""Answers to HTTP requests: their head, and when a client's copy is still good (RFC 9110, 9111).  Knows no RRD file."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
SVG = "image/svg+xml"

SECURITY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'"),
)
"""A page of pictures, a style sheet and a script of its own, and nothing else."""

NOT_KEPT = ("Cache-Control", "no-store")

METHODS = ("GET", "HEAD")


class Answer:
    """What goes back: status line, headers and body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: str, headers: "list[tuple[str, str]]", body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def answer(status: str, content_type: str, body: "str | bytes", *headers: "tuple[str, str]") -> Answer:
    """An answer with a body; text goes as UTF-8."""
    content = body.encode("utf-8", "replace") if isinstance(body, str) else body
    described = [("Content-Type", content_type), ("Content-Length", str(len(content)))]
    return Answer(status, [*described, *SECURITY, *headers], content)


def not_found() -> Answer:
    """Nothing has that address, and the sentence says what has."""
    sentence = "There is no such page here; the graphs are on the page without a query.\n"
    return answer("404 Not Found", TEXT, sentence, NOT_KEPT)


def not_allowed() -> Answer:
    """A method other than METHODS."""
    methods = ", ".join(METHODS)
    return answer(
        "405 Method Not Allowed", TEXT, f"This page can be read ({methods}) and nothing else.\n", ("Allow", methods)
    )


class Validity:
    """What identifies a content (``tag``), when it last changed and when it may change next (epoch).

    The tag is a weak one: of the same picture, librrd numbers an SVG's parts differently each time.
    """

    __slots__ = ("changed", "changes", "tag")

    def __init__(self, tag: str, changed: "int | None" = None, changes: int = 0) -> None:
        self.tag = tag
        self.changed = changed
        self.changes = changes

    def headers(self, now: float) -> "list[tuple[str, str]]":
        """For a content that is kept until it may change, and asked for with its tag from then on."""
        age = max(self.changes - int(now), 0)
        head = [("ETag", f'W/"{self.tag}"'), ("Cache-Control", f"max-age={age}" if age else "no-cache")]
        return head if self.changed is None else [*head, ("Last-Modified", _http_date(self.changed))]

    def holds(self, environ: "dict[str, Any]") -> bool:
        """Whether the client has this content already.

        The date is compared as text: clients send the one back that they got.
        """
        tags = environ.get("HTTP_IF_NONE_MATCH")
        if tags is not None:
            known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
            return "*" in known or f'"{self.tag}"' in known
        return self.changed is not None and environ.get("HTTP_IF_MODIFIED_SINCE") == _http_date(self.changed)


def _http_date(epoch: int) -> str:
    from mailgraph.dates import http_date  # pages have none

    return http_date(epoch)


def not_modified(validity: Validity, now: float) -> Answer:
    """The client's copy is still good."""
    return Answer("304 Not Modified", [*SECURITY, *validity.headers(now)], b"")
