"""Programs that do nothing but update RRD files, each killed (-9) after some milliseconds and its files mended.

    python -m tests.crash.kill_updates --kills 1000

Prints how many of the files differ after that from those of a program that nobody disturbed.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from mailgraph.rrd import Direct, Store
from mailgraph.schema import COUNTERS, DELIVERY, MAIL, MINUTES, STEP
from mailgraph.underway import UnderWay

FAMILIES = (MAIL, MINUTES, DELIVERY)
START = 1_800_000_000


def counts(after: int, through: int) -> dict[int, dict[str, int]]:
    """The same for a minute whenever it is asked for."""
    minutes = range(after + STEP, through + STEP, STEP)
    return {
        minute: {counter: minute // STEP * 7 % (at + 5) for at, counter in enumerate(COUNTERS)} for minute in minutes
    }


def write(store: Store, through: int) -> None:
    for family in store.families:
        store.write(family, counts(store.last(family) or START, through), START, through)


def write_for_ever(store: Store, batch: int) -> None:
    minute = max(store.lasts().values())
    while True:
        minute += batch * STEP
        write(store, minute)


def differing(directory: Path, kills: int, batch: int, seed: int = 1) -> int:
    """How often a file differs after a kill and the mending; updates are of ``batch`` minutes."""
    random = Random(seed)
    (directory / "undisturbed").mkdir()
    access = Direct(UnderWay(str(directory / "mailgraph.underway")))
    store = Store(str(directory), FAMILIES, access=access)
    write(store, START + STEP)
    for family in FAMILIES:
        shutil.copy(store.path(family), directory / "undisturbed")
    undisturbed = Store(str(directory / "undisturbed"), FAMILIES)
    found = 0
    for _ in range(kills):
        pid = os.fork()
        if not pid:
            write_for_ever(store, batch)
        time.sleep(random.uniform(0.002, 0.02))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        access.mend()
        through = max(store.lasts().values()) + batch * STEP
        for files in (store, undisturbed):
            write(files, through)
        for family in FAMILIES:
            killed, expected = Path(store.path(family)), Path(undisturbed.path(family))
            if killed.read_bytes() != expected.read_bytes():
                found += 1
                shutil.copy(expected, killed)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1, help="minutes of an update (default: 1)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailgraph-kill-updates-") as directory:
        found = differing(Path(directory), given.kills, given.batch)
    print(f"{given.kills} kills within updates of {given.batch} minutes: {found} files differ")
    return min(found, 1)


if __name__ == "__main__":
    sys.exit(main())
