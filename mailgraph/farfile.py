"""RRD files on another machine, asked of its rrdcached: what ``rrdfile`` reads of one.  Knows no HTTP.

Imported only where there are such files: it brings socket and re along.
"""

from contextlib import closing

from mailgraph.config import FAR
from mailgraph.rrdcached import Answer, Connection, NoRrdcachedError, escaped
from mailgraph.rrdfile import UNKNOWN, NotReadable
from mailgraph.schema import STEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailgraph.schema import Family

TIMEOUT = 5.0
"""Seconds without an answer after which the page does without."""


class FarFile:
    """A file's definitions, and its rows when they are asked for.

    Raises FileNotFoundError where there is none, and ``unusable`` for whatever else hinders; the text says what to do.
    """

    def __init__(self, path: str, unusable: type[Exception]) -> None:
        self.path = path
        self._unusable = unusable
        self._address, _, self._name = path.removeprefix(FAR).partition("/")
        info = dict(line.split(" ", 1) for line in self._asked("INFO").lines)
        values = {key: value.partition(" ")[2] for key, value in info.items()}
        self.step = int(values["step"])
        self.last = int(values["last_update"])
        self.sources = [key[3:-7] for key in values if key.startswith("ds[") and key.endswith("].index")]
        self._archives = {
            (values[f"{key[:-5]}.cf"], int(values[f"{key[:-5]}.pdp_per_row"])): int(rows)
            for key, rows in values.items()
            if key.startswith("rra[") and key.endswith("].rows")
        }
        self._fetched: dict[tuple[str, int, int, int], dict[str, list[float]]] = {}

    def _asked(self, command: str, *arguments: object) -> Answer:
        words = (command, escaped(self._name), *map(str, arguments))
        try:
            with closing(Connection(self._address, TIMEOUT)) as connection:
                (answer,) = connection.ask(" ".join(words))
        except NoRrdcachedError as error:
            raise self._unusable(str(error)) from error
        if answer.refused and "No such file" in answer.text:
            raise FileNotFoundError(self.path)
        if answer.refused:
            raise self._unusable(
                f"can't use {self.path}: {command}: {answer.text} (rrdcached must allow INFO and FETCH, see its -P)"
            )
        return answer

    def check(self, family: "Family") -> None:
        """Raises NotReadable where the file lacks a data source or an archive of the family."""
        for source, _ in family.sources:
            if source not in self.sources:
                raise NotReadable(f"it has no data source {source}")
        for kind, steps, _ in family.archives:
            self._kind(kind, steps)

    def rows(self, source: str, kind: str, steps: int, start: int, end: int) -> list[float]:
        """A data source's rows of ``steps`` steps, for the times behind ``start`` up to ``end``; NaN where unknown."""
        asked = (self._kind(kind, steps), steps, start, end)
        if asked not in self._fetched:
            self._fetched[asked] = self._fetch(*asked)
        return self._fetched[asked][source]

    def _kind(self, kind: str, steps: int) -> str:
        """The consolidation to ask for; of single steps any is the same."""
        for has_kind, has_steps in self._archives:
            if has_steps == steps and (has_kind == kind or steps == 1):
                return has_kind
        raise NotReadable(f"it has no {kind} archive of {steps * STEP} s")

    def _fetch(self, kind: str, steps: int, start: int, end: int) -> dict[str, list[float]]:
        """All data sources' rows.  What is older than the archive is not asked for: rrdcached would take a coarser one.

        It takes a finer one where there is, whose rows are put together here.
        """
        row = steps * self.step
        oldest = self.last // row * row - self._archives[kind, steps] * row
        found: dict[int, list[float]] = {}
        step = row
        if max(start, oldest) < end:
            step, found = self._rows_of(kind, max(start, oldest), end)
        nothing = [UNKNOWN] * len(self.sources)
        rows = [
            [found.get(time, nothing) for time in range(end_of_row - row + step, end_of_row + 1, step)]
            for end_of_row in range(start + row, end + 1, row)
        ]
        return {
            source: [consolidated(kind, [values[column] for values in one]) for one in rows]
            for column, source in enumerate(self.sources)
        }

    def _rows_of(self, kind: str, start: int, end: int) -> tuple[int, dict[int, list[float]]]:
        """Seconds of a row, and all data sources' values by the end of each row."""
        lines = [line.partition(":") for line in self._asked("FETCH", kind, start, end).lines]
        named = {name: value for name, _, value in lines if not name.strip().isdecimal()}
        return int(named["Step"]), {
            int(time): [float(value) for value in values.split()] for time, _, values in lines if time not in named
        }


def consolidated(kind: str, values: "Sequence[float]") -> float:
    """One row of several, as librrd makes it: unknown if more than half of them are."""
    known = [value for value in values if value == value]  # noqa: PLR0124 (NaN differs from itself)
    if 2 * len(known) < len(values):
        return UNKNOWN
    return max(known) if kind == "MAX" else sum(known) / len(known)
