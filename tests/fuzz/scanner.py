"""Coverage-guided fuzzing of the scanner: any bytes, without a crash, a hang, or a line that costs too much.

    bin/setup fuzz && .venv/bin/python -m tests.fuzz.scanner -runs=10000000

Further arguments are libFuzzer's (``-max_total_time=60``, a directory that keeps the corpus, a file that is tried
again).  Guided by the Python code that runs, by the rows that count, and by each doubling of the time that an input
takes; the patterns themselves run in C, unseen, so mutations also repeat pieces of lines and put in the rules' words.
"""

import atexit
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["mailgraph"]):
    from mailgraph.rules import RULES
    from tests.fuzz.target import LONGEST, Target, seeds

REPORT_EVERY = 1_000_000

PIECES = sorted({piece for rule in RULES for piece in re.findall(rb"[\w=:@ .-]{2,}", rule.program + b"\0" + rule.text)})
"""Words of the rules, more or less."""

DOUBLINGS = 24
"""Of a microsecond: 17 seconds, long after the end."""


def steps(names: Iterable[str]) -> list[Callable[[], str]]:
    """A function for each name: calling it is a step that the fuzzer sees."""
    scope: dict[str, Callable[[], str]] = {}
    for name in names:
        exec(f"def {name}():\n    return {name!r}\n", scope)
    return [atheris.instrument_func(step) for name, step in scope.items() if name != "__builtins__"]


class Run:
    """Tries inputs, keeps account and reports."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._started = time.monotonic()
        self._inputs = 0
        self._slowest, self._slowest_input = 0.0, b""
        self._rows = dict(zip(target.rows, steps(target.rows), strict=True))
        self._cost = steps(f"took_2_to_{power}_microseconds" for power in range(DOUBLINGS))

    def __call__(self, raw: bytes) -> None:
        seconds, rows = self._target.try_input(raw)
        for row in rows:
            self._rows[row]()
        for step in self._cost[: int(seconds * 1e6).bit_length()]:
            step()
        if seconds > self._slowest:
            self._slowest, self._slowest_input = seconds, raw
        self._inputs += 1
        if self._inputs % REPORT_EVERY == 0:
            self.report()

    def report(self) -> None:
        """How many inputs, in which time, and the slowest one."""
        elapsed = time.monotonic() - self._started
        print(
            f"{self._inputs:,} inputs in {elapsed:,.0f} s, slowest {self._slowest * 1000:.2f} ms:"
            f" {len(self._slowest_input)} bytes, {self._slowest_input[:80]!r}",
            flush=True,
        )


def mutated(raw: bytes, size: int, seed: int) -> bytes:
    """libFuzzer's mutations; each third time one of ours: a piece of the input over and over, or a rule's word."""
    random = Random(seed)
    if random.random() < 0.67:
        return bytes(atheris.Mutate(raw, size))
    at = random.randrange(len(raw) + 1)
    piece = random.choice(PIECES) if random.random() < 0.5 else raw[at : at + random.randrange(1, 20)]
    times = random.choice((1, 1, 1, 2, 2, 5, 20, size // (len(piece) + 1)))
    return (raw[:at] + piece * times + raw[at:])[:size]


def main() -> None:
    """Runs to the arguments' end, or to the first finding, which libFuzzer writes to a file."""
    run = Run(Target())
    atexit.register(run.report)
    given = sys.argv[1:]
    limits = [f"-max_len={LONGEST}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
    with tempfile.TemporaryDirectory(prefix="mailgraph-fuzz-") as directory:
        for number, seed in enumerate(seeds()):
            Path(directory, f"seed-{number:05}").write_bytes(seed)
        corpora = [] if any(Path(argument).is_file() for argument in given) else [directory]
        atheris.Setup([sys.argv[0], *limits, *given, *corpora], run, custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
