"""The way of a log into the RRD files: scanner, ledger, checkpoint and store, in the order that loses nothing.

The checkpoint is written first, then the RRDs.  Both can fail and be done again: RRD files refuse what they hold
already, and what they lack stands in the checkpoint.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from mailgraph.checkpoint import Checkpoint, CheckpointError
from mailgraph.guess import State
from mailgraph.ledger import KEPT, Ledger, as_minute
from mailgraph.logforms import Stamps
from mailgraph.messages import Messages
from mailgraph.ownrules import OwnRules
from mailgraph.rrd import OutdatedError, RrdError, Store, UnreachableError, events_of
from mailgraph.scanner import Options, Scanner, Tally
from mailgraph.schema import CLASSICAL_COUNTERS, STEP
from mailgraph.sources import Block, Position
from mailgraph.splitting import Hosts

if TYPE_CHECKING:
    from mailgraph.ranges import Counted

BATCH_MINUTES = 2000
"""Closed minutes that wait for the RRDs at most while a long log is read."""

BATCH_COUNTS = 300_000
"""Counts of hosts in closed minutes that wait at most, some 50 MB.

A batch costs as much for each host with events as for the totals: of 500 quiet hosts it takes 2 s.
"""

BATCH_SECONDS = 5
"""How long closed minutes wait at most while a long log is read."""

RECENT = 300
"""Seconds since a live log's newest line at most; only its last minutes are then closed by the clock."""

REMEMBERED_OF_HOSTS = 1000
"""Closed minutes that are remembered for hosts' files that can't be written, a tenth where there are 100 hosts."""

ON_DISK_AFTER = 15 * STEP
"""Seconds after which the kernel has surely written what an RRD file was given; half a minute is usual."""


class Start(NamedTuple):
    """Where reading the log starts: behind a position, else with what is newer than ``since`` (epoch seconds)."""

    position: Position | None
    since: int | None


class Counting:
    """Counts blocks of the log ``log`` into the RRD files of one store.

    ``checkpoint`` is None where nothing is to be remembered between runs (a log read once); ``own`` are rules of one's
    own.  ``say`` gets each message for the administrator, ``report`` each minute's line of ``--verbose``; ``clock``
    gives epoch seconds.
    """

    def __init__(
        self,
        log: str,
        store: Store,
        options: Options,
        year: int | None = None,
        checkpoint: Checkpoint | None = None,
        own: OwnRules | None = None,
        *,
        say: Callable[[str], None],
        report: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.log = log
        self._store = store
        self._options = options
        self._year = year
        self._checkpoint = checkpoint
        self._own = own
        self._say = say
        self._report = report
        self._clock = clock
        self.starts_at = Start(None, None)
        self.started = False
        self._trouble_of_hosts = ""
        self._begin(None)

    def _begin(self, held: int | None) -> None:
        self._ledger = Ledger(held)
        self._stamps = Stamps(self._year)
        self._scanner = Scanner(self._options, self._stamps, own=self._own)
        self._hosts = Hosts(self._options.hosts_limit, say=self._say)
        self._stores: dict[str, Store] = {}
        self._written: list[Store] = []
        self._behind: State | None = None
        self._position: Position | None = None
        self._written_through = held
        self._on_disk_through = 0
        self._on_the_way: deque[tuple[float, int]] = deque()
        self._wrote_at = self._clock()

    def start(self) -> None:
        """Take up what an earlier run left: its checkpoint, else what the RRD files hold.  Raises RrdError.

        ``starts_at`` then says where reading goes on, and ``started`` that this is known.  With a checkpoint it is,
        even where the files can't be reached; ``write`` says that.
        """
        self.started = False
        with contextlib.suppress(UnreachableError):
            self._store.check()
        if self._resume():
            self.starts_at = Start(self._position, None)
        else:
            held = min(self._store.lasts().values(), default=None)
            self._begin(held)
            self._hosts = self._hosts_beside()
            self.starts_at = Start(None, held)
        self.started = True

    def _resume(self) -> bool:
        """Whether the checkpoint says where to go on; closed minutes that an RRD lacks are applied again."""
        try:
            state = self._checkpoint.load() if self._checkpoint else None
            if state is None:
                return False
            self._restore(state)
            same_log = bool(state.get("log") == self.log)
            self._apply_again(same_log)
        except CheckpointError as error:
            self._say(f"{error}; reading the log again from its start, behind what the RRD files hold")
            return False
        except OutdatedError as error:
            self._say(f"{error}; reading the log again from its start")
            return False
        return same_log

    def _apply_again(self, same_log: bool) -> None:
        try:
            self._write_files()
        except UnreachableError:
            if not same_log:
                raise
            return
        if not same_log:  # of that log this is all there will be
            self._ledger.end(self._clock())
            self._write_files()
        self._written_through = self._ledger.closed_through

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self._ledger = Ledger.restored(state["ledger"])
            self._stamps = Stamps(self._year, as_minute(state["newest"]))
            messages = Messages.restored(state["messages"])
            self._scanner = Scanner(self._options, self._stamps, state["window"].encode("latin-1"), messages, self._own)
            self._position = Position.restored(state["position"])
            self._hosts = self._hosts_beside(map(str, state["hosts"]))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:  # another version's
            raise CheckpointError(f"the checkpoint is of another kind: {error!r}") from error

    def _hosts_beside(self, names: Iterable[str] = ()) -> Hosts:
        """Those of these names, and places for those that have files: a log may name others before it names these."""
        limit = self._options.hosts_limit
        return Hosts(limit, names, self._store.hosts() if limit else (), say=self._say)

    def count(self, block: Block) -> None:
        """Count a block's lines; nothing is written yet."""
        if block.data:
            self._know_what_is_behind()
            now = self._clock()
            self.add(self._scanner.scan(block.data, now if block.reference is None else block.reference, now))
        self._position = block.position

    def skip(self, guess: State, counted: "Counted") -> bool:
        """Whether ``guess`` is what is known of the log so far, as far as ``counted`` depends on it.

        If so, the lines that were counted from it on are skipped: their tally is to be given to ``add``.  Only for a
        log that is read once: no checkpoint is made of it.
        """
        shifts = guess.shifts(self._behind or State.of(self._scanner, self._stamps))
        if shifts is None or any(shifts[of] for of in counted.asked):
            return False
        self._behind = counted.state.shifted(shifts)
        return True

    def add(self, tally: Tally) -> None:
        """Count events; nothing is written yet."""
        if self._options.hosts_limit:
            tally = [(minute, self._hosts.admit(counts)) for minute, counts in tally]
        self._ledger.add(tally, self._clock())

    def _know_what_is_behind(self) -> None:
        """Takes up what is known of skipped lines: only where lines follow that nobody else scanned."""
        if self._behind:
            self._scanner, self._stamps = self._behind.resumed(self._options, self._year, self._own)
            self._behind = None

    def caught_up(self) -> None:
        """The log is read to its end: minutes that the clock has left are closed."""
        self._ledger.caught_up()
        self._ledger.close(self._clock())

    def is_recent(self) -> bool:
        """Whether the newest line is of the last minutes: an old log that comes through a pipe may pause anywhere."""
        newest = self._stamps.newest
        return newest is not None and newest >= self._clock() - RECENT

    def ended(self) -> None:
        """A log that was read once is at its end."""
        self._ledger.end(self._clock())

    def due(self, idle: bool) -> bool:
        """Whether closed minutes should be written now; ``idle`` where there is nothing to read just now."""
        if self._ledger.closed_through == self._written_through:
            return False
        return idle or self.is_full() or self._clock() - self._wrote_at >= BATCH_SECONDS

    def is_full(self) -> bool:
        """Whether so much waits for the RRDs that reading on would only fill the memory."""
        closed = self._ledger.closed
        if len(closed) >= BATCH_MINUTES:
            return True
        return bool(self._hosts.names) and sum(map(len, closed.values())) >= BATCH_COUNTS

    def write(self) -> None:
        """Write the checkpoint, then the closed minutes.

        Raises CheckpointError or RrdError; nothing is lost then, and ``write`` may be tried again.  Raises
        OutdatedError where only reading the log again (``start``) can help.
        """
        try:
            if self._checkpoint:
                self._checkpoint.save(self._state())
            self._write_files()
        finally:  # thousands of hosts' files take seconds; what they take must not make the next batch small
            self._wrote_at = self._clock()
        through = self._ledger.closed_through
        if through is not None:
            self._report_through(through)
            self._forget_before(through)
        self._written_through = through

    def _state(self) -> dict[str, Any]:
        return {
            "log": self.log,
            "position": self._position,
            "ledger": self._ledger.state(),
            "newest": self._stamps.newest,
            "window": self._scanner.window,
            "messages": self._scanner.messages.state(),
            "hosts": list(self._hosts.names),
        }

    def _write_files(self) -> None:
        """Bring every file to the newest closed minute; one that fails does not keep the others back.

        Where files on another machine can't be reached, each of them would be waited for.  Raises RrdError; a host's
        own trouble keeps the log waiting only where it is read once.
        """
        ledger = self._ledger
        if ledger.closed_through is None or ledger.kept_from is None:
            return
        failed: list[RrdError] = []
        of_hosts: list[RrdError] = []
        self._written = []
        try:
            events = events_of(ledger.closed.values())
            for store in self._all_stores():
                hindrances = self._write_store(store, events)
                (failed if store is self._store else of_hosts).extend(hindrances)
                if not hindrances:
                    self._written.append(store)
        except UnreachableError as error:
            failed.append(error)
        if not self._checkpoint:
            failed += of_hosts
        if failed:
            raise failed[0]
        self._note_of_hosts(of_hosts)

    def _note_of_hosts(self, failed: list[RrdError]) -> None:
        """Say what hinders a host's files, once, and when nothing does any more."""
        before, self._trouble_of_hosts = self._trouble_of_hosts, str(failed[0]) if failed else ""
        if failed and self._trouble_of_hosts != before:
            minutes = self._remembered() // STEP
            self._say(f"{failed[0]}; the totals are written, and {minutes} minutes of such a host are remembered")
        elif before and not failed:
            self._say("writing the hosts' files works again")
            self._on_disk_through = 0  # they took minutes just now that the others have had for long
            self._on_the_way.clear()

    def _remembered(self) -> int:
        """Seconds of closed minutes that are remembered."""
        if not self._trouble_of_hosts:
            return KEPT
        return max(KEPT, REMEMBERED_OF_HOSTS // (1 + len(self._hosts.names) // 10) * STEP)

    def _all_stores(self) -> Iterator[Store]:
        """That of the totals, and those of the hosts."""
        yield self._store
        for host in self._hosts.names:
            if host not in self._stores:
                self._stores[host] = self._store.of_host(host)
            yield self._stores[host]

    def _write_store(self, store: Store, events: Collection[str]) -> list[RrdError]:
        """Bring a store's files to the newest closed minute; what hindered it.  Raises UnreachableError."""
        ledger = self._ledger
        failed: list[RrdError] = []
        for family in store.families:
            try:
                after, through = ledger.kept_from or 0, ledger.closed_through or 0
                created = store.write(family, ledger.closed, after, through, events)
                if created and store is self._store and not family.on_demand and self._written_through is not None:
                    self._say(f"{store.path(family)} was not there any more; made it anew")
            except UnreachableError:
                raise
            except RrdError as error:
                failed.append(error)
        return failed

    def _report_through(self, through: int) -> None:
        after = self._written_through if self._written_through is not None else self._ledger.kept_from
        if self._report is None or after is None:
            return
        for minute in range(after + STEP, through + STEP, STEP):
            counts = self._ledger.closed.get(minute)
            values = ":".join(str((counts or {}).get(counter, 0)) for counter in CLASSICAL_COUNTERS)
            self._report(f"update {minute}:{values}{'' if counts else ' (SKIP)'}")

    def _forget_before(self, through: int) -> None:
        """Let go of old minutes, of those that were just written only once the disk has them."""
        now, last = self._clock(), through - self._remembered()
        self._on_the_way.append((now, through))
        while self._on_the_way[0][0] <= now - ON_DISK_AFTER:
            self._on_disk_through = self._on_the_way.popleft()[1]
        if self._on_disk_through < last and self._ledger.keeps(last):
            self._store.sync(store for store in self._written if store is not self._store)
            self._on_disk_through = through
            self._on_the_way.clear()
        self._ledger.forget(last)
