"""Drawn pictures in a directory of their own, for as long as they are right.  Knows no HTTP.

A picture's name is the tag of all that it was made from (see ``page``), so none is ever out of date, and nothing of
a request is in it.
"""

import os

LIMIT = 256
"""Pictures that are kept: 12 in four looks, their forms, and some ranges; about 10 MB."""


class Kept:
    """The pictures in ``directory``, which must be nobody else's: when there are more than LIMIT, the oldest go."""

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def get(self, tag: str) -> "bytes | None":
        """The picture, None where it is not kept."""
        try:
            with open(os.path.join(self._directory, tag), "rb") as file:
                return file.read()
        except OSError:  # not drawn yet, or the directory can't be used, which ``faults`` says
            return None

    def put(self, tag: str, picture: bytes) -> None:
        """Keeps the picture, whole or not at all; where that fails it is drawn again the next time."""
        new = os.path.join(self._directory, f"{tag}.{os.getpid()}.new")
        try:
            with open(new, "wb") as file:
                file.write(picture)
            os.replace(new, os.path.join(self._directory, tag))
            self._forget()
        except OSError:  # ``faults`` says it on the page
            return

    def faults(self) -> list[str]:
        """What keeps pictures from being kept, in a sentence."""
        if os.access(self._directory, os.W_OK | os.X_OK):
            return []
        return [
            f"can't write CACHE_DIR {self._directory}"
            " (make it for the web server's user, or take CACHE_DIR out of the configuration)"
        ]

    def _forget(self) -> None:
        with os.scandir(self._directory) as entries:
            found = [(entry.stat().st_mtime, entry.path) for entry in entries]
        for _, path in sorted(found)[: max(len(found) - LIMIT, 0)]:
            os.unlink(path)
