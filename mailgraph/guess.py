"""What a scanner knows of the lines before, truly or by a guess, and when a guess is as good as the truth.

Knows no line and no file.
"""

from typing import Any, NamedTuple, TypeAlias

from mailgraph.logforms import Stamps
from mailgraph.messages import Key, Messages
from mailgraph.ownrules import OwnRules
from mailgraph.scanner import Options, Scanner

NUMBERED = "sessions"
"""What of the messages' state has Numbers in it: the sessions, of which some last for hours."""


class Number:
    """A number that was counted from a guess on: what is added is sure; that somebody asked how much it is, is noted.

    ``of`` is what the number is of, ``asked`` the set in which that is noted.
    """

    def __init__(self, of: Key, guess: int, asked: set[Key] | None = None) -> None:
        self.of = of
        self.guess = guess
        self._asked = set() if asked is None else asked

    def __reduce__(self) -> tuple[type["Number"], tuple[Key, int]]:
        return Number, (self.of, self.guess)

    def __add__(self, more: int) -> "Number":
        return Number(self.of, self.guess + more, self._asked)

    def __sub__(self, other: int) -> int:
        self._asked.add(self.of)
        return self.guess - other

    def __rsub__(self, other: int) -> int:
        self._asked.add(self.of)
        return other - self.guess


Shifts: TypeAlias = dict[Key, int]
"""How much greater each Number is in truth."""


class State(NamedTuple):
    """What a scanner knows of the lines before: in equal states the same lines count alike."""

    newest: int | None
    near: float | None
    window: bytes
    messages: dict[str, Any]

    @classmethod
    def of(cls, scanner: Scanner, stamps: Stamps) -> "State":
        """What these know now."""
        return cls(stamps.newest, stamps.near, scanner.window, scanner.messages.state())

    def shifts(self, true: "State") -> Shifts | None:
        """What makes this state, if its Numbers are shifted so, the true one; None where nothing does."""
        shifts: Shifts = {}
        return shifts if _shifts(self, true, shifts) else None

    def shifted(self, shifts: Shifts) -> "State":
        """The state without Numbers."""
        return self._replace(
            messages={
                name: _shifted(state, shifts) if name == NUMBERED else state for name, state in self.messages.items()
            }
        )

    def resumed(self, options: Options, year: int | None, own: OwnRules | None) -> tuple[Scanner, Stamps]:
        """A scanner that knows this, and its stamps."""
        stamps = Stamps(year, self.newest, self.near)
        return Scanner(options, stamps, self.window, Messages.restored(self.messages), own), stamps


def _shifts(guess: Any, true: Any, shifts: Shifts) -> bool:
    if isinstance(guess, Number):
        shifts[guess.of] = true - guess.guess
        return True
    if guess == true:
        return True
    if isinstance(guess, dict):
        return guess.keys() == true.keys() and all(_shifts(guess[name], true[name], shifts) for name in guess)
    is_list = isinstance(guess, list | tuple) and isinstance(true, list | tuple) and len(guess) == len(true)
    return is_list and all(_shifts(*both, shifts) for both in zip(guess, true, strict=True))


def _shifted(state: Any, shifts: Shifts) -> Any:
    if isinstance(state, Number):
        return state.guess + shifts[state.of]
    return [_shifted(part, shifts) for part in state] if isinstance(state, list | tuple) else state
