"""RRD files to draw from, and the page called as a WSGI server calls it."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import rrdtool

from mailgraph.page import Page
from mailgraph.rrd import Store
from mailgraph.schema import CLASSICAL, COUNTERS, DAY, MACHINE, MAIL, MINUTES, STEP, VIRUS, Family

NOON = 1_795_608_000
"""2026-11-25 12:00 UTC, a whole row of the day's archive."""

ONE_OF_EACH = dict.fromkeys(COUNTERS, 1)


class EveryMinute(dict[int, Mapping[str, int]]):
    """The same counts in each minute."""

    def get(self, minute: int, default: object = None) -> Mapping[str, int]:  # type: ignore[override]
        return ONE_OF_EACH

    def values(self) -> Collection[Mapping[str, int]]:  # type: ignore[override]
        return [ONE_OF_EACH]


def one_a_minute(
    directory: Path,
    end: int,
    days: int = 2,
    families: tuple[Family, ...] = (*CLASSICAL, MINUTES),
    counts: Mapping[int, Mapping[str, int]] = EveryMinute(),
) -> dict[Family, str]:
    """RRD files with one message of each kind in each minute up to ``end`` (or ``counts``), and their paths."""
    end = end // STEP * STEP
    store = Store(str(directory), families)
    for family in families:
        store.write(family, counts, end - days * DAY, end)
    return {family: store.path(family) for family in families}


def growing(minute: int, at: int) -> float:
    """A value for each minute and for each series of a graph, so that none is another's."""
    return (minute // STEP % 997) / 50 + at


def sampled(
    directory: Path,
    end: int,
    days: float = 2,
    families: tuple[Family, ...] = MACHINE,
    value: Callable[[int, int], float | None] = growing,
) -> dict[Family, str]:
    """RRD files with a sample in each minute up to ``end``, and their paths; ``value`` None is unknown."""
    end = end // STEP * STEP
    store = Store(str(directory), families)
    for family in families:
        start = int(end - days * DAY) // STEP * STEP
        store.sample(family, start, {})
        for first in range(start + STEP, end + STEP, 1000 * STEP):
            minutes = range(first, min(first + 1000 * STEP, end + STEP), STEP)
            rows = ([value(minute, at) for at, _ in enumerate(family.sources)] for minute in minutes)
            texts = (":".join("U" if each is None else repr(each) for each in row) for row in rows)
            updates = [f"{minute}:{text}" for minute, text in zip(minutes, texts, strict=True)]
            rrdtool.update(store.path(family), *updates)
    return {family: store.path(family) for family in families}


class Patterned(dict[int, Mapping[str, int]]):
    """Counts that differ from minute to minute and from counter to counter."""

    def get(self, minute: int, default: object = None) -> Mapping[str, int]:  # type: ignore[override]
        at = minute // STEP
        return {counter: (at // 7 % (number + 3)) * (at % 5 == 0) for number, counter in enumerate(COUNTERS)}

    def values(self) -> Collection[Mapping[str, int]]:  # type: ignore[override]
        return [ONE_OF_EACH]


class Reply:
    """What a server would send on."""

    def __init__(self, page: Page, query: str = "", **environ: str) -> None:
        self.status = ""
        self.headers: dict[str, str] = {}
        self.body = b"".join(page({"REQUEST_METHOD": "GET", "QUERY_STRING": query, **environ}, self._start))

    def _start(self, status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        self.status = status
        self.headers = dict(headers)
        assert len(self.headers) == len(headers)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def type(self) -> str:
        return self.headers["Content-Type"]


def listing(*directories: str | Path) -> list[tuple[str, int]]:
    """Every file and directory below, with the time of its last change."""
    found = [path for directory in directories for path in (Path(directory), *sorted(Path(directory).rglob("*")))]
    return [(str(path), path.stat().st_mtime_ns) for path in found]


class Steady(dict[int, Mapping[str, int]]):
    """The same counts in each minute; none after ``until``."""

    def __init__(self, until: int = 0, **counts: int) -> None:
        super().__init__()
        self._until = until
        self._counts = counts

    def get(self, minute: int, default: object = None) -> Mapping[str, int]:  # type: ignore[override]
        return {} if self._until and minute > self._until else self._counts

    def values(self) -> Collection[Mapping[str, int]]:  # type: ignore[override]
        return [self._counts]


def several(
    directory: Path, hosts: Mapping[str, Mapping[int, Mapping[str, int]]], end: int = NOON, days: int = 9
) -> Path:
    """``directory`` with the RRD files of hosts: mail, viruses and spam."""
    for name, counts in hosts.items():
        place = directory / "hosts" / name
        place.mkdir(parents=True)
        one_a_minute(place, end, days, (MAIL, VIRUS), counts)
    return directory
