"""The least that counting takes in Python: one pattern, made for the benchmark's logs alone, and nothing remembered.

It finds the lines that the scanner takes up, and counts them by minute and kind.  ``python -m tests.bench.bare LOG``
"""

import re
import sys
from collections import Counter
from pathlib import Path

PATTERN = re.compile(
    rb"\n(... .. ..:..|\d{4}-..-..T..:..)\S*+ \S++ (?:postfix/(?:smtpd|smtp|lmtp|submission/smtpd|postscreen)|amavis|postgrey)"
    rb"\[\d++\]: (?:\w++: |\([-\d]++\) |)(disconnect from|client=|reject: |to=<[^\n]*? status=(?:sent|bounced|deferred)"
    rb"|Blocked (?:SPAM|INFECTED)|action=pass, reason=triplet found)"
)

BLOCK = 256 * 1024


def counted(log: Path) -> Counter[tuple[bytes, ...]]:
    """Lines by minute and what makes them count."""
    counts: Counter[tuple[bytes, ...]] = Counter()
    rest = b"\n"
    with log.open("rb", buffering=0) as file:
        while read := file.read(BLOCK):
            text = rest + read
            end = text.rindex(b"\n")
            counts.update([hit.groups() for hit in PATTERN.finditer(text, 0, end)])
            rest = text[end:]
    return counts


if __name__ == "__main__":
    print(counted(Path(sys.argv[1])).total())
