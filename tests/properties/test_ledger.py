"""The ledger: each event once, in its own minute where that is open; what is closed never changes."""

from collections import Counter

from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailgraph.ledger import Ledger
from mailgraph.schema import STEP
from tests.properties.examples import examples

NOW = 1_700_006_400

minutes = some.integers(-6, 6).map(lambda minutes: minutes * STEP) | some.sampled_from((-30 * 86400, 30 * 86400))
counts = some.dictionaries(some.sampled_from(("sent", "received", "spam")), some.integers(1, 4), min_size=1)


class Minutes(RuleBasedStateMachine):
    """A ledger under lines that come on time, late and from the future, a clock that goes on, and restarts."""

    @initialize(held=some.none() | some.just(NOW - 2 * STEP))
    def begin(self, held: int | None) -> None:
        self.now = NOW
        self.ledger = Ledger(held)
        self.held = held
        self.expected: Counter[str] = Counter()
        self.closed: dict[int, dict[str, int]] = {}
        self.closed_through: int | None = held

    @rule(offset=minutes, counts=counts)
    def line(self, offset: int, counts: dict[str, int]) -> None:
        minute = (self.now + offset) // STEP * STEP
        self.ledger.add([(minute, counts)], self.now)
        if self.held is None or minute > self.held:
            self.expected.update(counts)

    @rule(seconds=some.sampled_from((1, 15, 60, 200, 3600)))
    def clock_goes_on(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def read_to_the_end(self) -> None:
        self.ledger.caught_up()
        self.held = None
        self.ledger.close(self.now)

    @rule()
    def restart(self) -> None:
        self.ledger = Ledger.restored(self.ledger.state())

    @precondition(lambda self: self.ledger.closed_through is not None)
    @rule()
    def forget_nothing_that_matters(self) -> None:
        before = self.ledger.closed_through
        self.ledger.forget(self.ledger.kept_from or 0)
        assert self.ledger.closed_through == before

    @invariant()
    def each_event_is_counted_once(self) -> None:
        found: Counter[str] = Counter()
        for counts in (*self.ledger.open.values(), *self.ledger.closed.values()):
            found.update(counts)
        assert found == self.expected

    @invariant()
    def closed_minutes_never_change(self) -> None:
        assert self.closed.items() <= self.ledger.closed.items()
        new = self.ledger.closed.keys() - self.closed.keys()
        assert all(self.closed_through is None or minute > self.closed_through for minute in new)
        self.closed = {minute: dict(counts) for minute, counts in self.ledger.closed.items()}
        self.closed_through = self.ledger.closed_through

    @invariant()
    def at_most_two_minutes_are_open_and_none_lies_in_the_future(self) -> None:
        assert len(self.ledger.open) <= 2
        assert max(self.ledger.open, default=0) <= self.now
        assert all(minute % STEP == 0 for minute in self.ledger.open)

    @invariant()
    def no_open_minute_is_closed(self) -> None:
        through = self.ledger.closed_through
        assert through is None or all(minute > through for minute in self.ledger.open)


TestMinutes = Minutes.TestCase
TestMinutes.settings = examples(150)
