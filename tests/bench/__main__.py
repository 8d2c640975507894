"""How fast mailgraph is beside what people use instead: one table of ratios, each of medians over runs in turn.

Times are by the clock, then of the processor; ratios are those of the processor's, but for several processes at once.
Memory is what was resident at most; it is small where it is less than the benchmark's own.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.rows import SECTIONS, Plan, Row

WIDTHS = "{:50}{:>10}{:>10}{:>10}{:>10}  {}"


def table(plan: Plan, only: list[str]) -> Iterator[str]:
    """The lines of the table, each as soon as it is known."""
    yield WIDTHS.format(f"medians of {plan.runs}", "clock", "busy", "ratio", "memory", "aim")
    for name, (title, section) in SECTIONS.items():
        if not only or any(name.startswith(wanted) for wanted in only):
            yield ""
            yield f"{name}: {title}"
            for row in section(plan):
                yield _shown(row)


def _shown(row: Row) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    missed = row.aim is not None and row.ratio is not None and not row.aim.is_met(row.ratio)
    aim = f"{row.aim}{', missed' if missed else ''}" if row.aim else ""
    busy = "" if row.busy is None else f"{row.busy:.2f} s"
    return WIDTHS.format(f"  {row.name}", row.value, busy, ratio, _size(row.memory), aim).rstrip()


def _size(memory: int | None) -> str:
    if memory is None:
        return ""
    return f"{memory / 1e6:.1f} MB" if memory else "small"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of a busy log (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="of each program (default: %(default)s)")
    parser.add_argument("--days", type=int, default=365, help="of the quiet server's log (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20, help="of following a log (default: %(default)s)")
    parser.add_argument("--minutes", type=int, default=60, help="of many hosts' log (default: %(default)s)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="SECTION", help=f"these sections: {', '.join(SECTIONS)}"
    )
    parser.add_argument(
        "--program", action="append", default=[], metavar="NAME", help="ours beside these only: original, grep, ..."
    )
    given = parser.parse_args()
    unknown = [name for name in given.only if not any(section.startswith(name) for section in SECTIONS)]
    if unknown:
        parser.error(f"there is no section {unknown[0]}")
    with tempfile.TemporaryDirectory(prefix="mailgraph-bench-") as directory:
        programs = tuple(given.program)
        plan = Plan(Path(directory), given.lines, given.runs, given.days, given.seconds, programs, given.minutes)
        for line in table(plan, given.only):
            print(line, flush=True)


if __name__ == "__main__":
    main()
