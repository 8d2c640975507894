"""The checkpoint file: saved and loaded whole, atomically.  Knows nothing of what it holds."""

import json
import os
from typing import Any

from mailgraph import MailgraphError

VERSION = 1


class CheckpointError(MailgraphError):
    """A checkpoint that can't be written, or one that can't be read; the text names the file and the reason."""


class Checkpoint:
    """One JSON object in the file ``path``."""

    def __init__(self, path: str) -> None:
        self.path = path

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file by ``state``; after the return it is on the disk.  Raises CheckpointError."""
        new = f"{self.path}.new"
        try:
            with open(new, "w", encoding="ascii") as file:
                file.write(json.dumps({"version": VERSION, **state}, separators=(",", ":")))
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
            _sync_directory(os.path.dirname(self.path) or ".")
        except OSError as error:
            raise CheckpointError(f"can't write {self.path}: {error.strerror}") from error

    def load(self) -> dict[str, Any] | None:
        """What was saved, or None where nothing was.  Raises CheckpointError for a file that holds none."""
        try:
            with open(self.path, encoding="ascii") as file:
                state = json.load(file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(f"can't read {self.path}: {error.strerror}") from error
        except ValueError as error:  # not JSON, not ASCII
            raise CheckpointError(f"{self.path} is damaged: {error}") from error
        if not isinstance(state, dict) or state.get("version") != VERSION:
            raise CheckpointError(f"{self.path} is no checkpoint of this version of mailgraph")
        return state


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
