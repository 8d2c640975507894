"""Lines of mail programs that no rule covers, by program and kind: what is understood to count nothing, and what a
rule may be missing for.

Knows no file.  Costs some microseconds a line, for those who ask (``--unparsed``, ``--check``).
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from mailgraph.logforms import BEFORE_TEXT, HEADER
from mailgraph.scanner import Scanner

MAIL_PROGRAMS = (
    b"amavis", b"clam", b"courier", b"cyrus", b"dkim", b"dovecot", b"dspam", b"exim", b"mailscanner", b"milter",
    b"opendkim", b"opendmarc", b"opensmtpd", b"policy", b"postfix", b"postgrey", b"qmail", b"qpsmtpd", b"rspamd",
    b"sendmail", b"sm-m", b"smtp", b"spam", b"sqlgrey",
)  # fmt: skip
"""What the names of programs that have to do with mail begin with, in any case."""

MOST_KINDS = 10_000
KINDS_SHOWN = 5
SHOWN_LENGTH = 100

_LINE = re.compile(
    rb"%b(?(mainlog)|(?P<program>(?(metalog)[^\]\n]*+|(?(rfc5424)\S++|[^:\n]+?)))%b)(?P<text>[^\n]*+)"
    % (HEADER, BEFORE_TEXT)
)

_VARIABLE = re.compile(rb'<[^>]*+>|"[^"]*+"|(?<![^\s=(])[^\s=]*[\d@/\[]\S*+|(?<==)[^\s,;]++')
"""Addresses, queue ids, numbers, hosts, values: two lines that differ in these alone are of one kind."""


class Kind(NamedTuple):
    """Lines of one program that differ in names and numbers alone: how many, and the first of them."""

    program: bytes
    lines: int
    example: bytes


def kinds(scanner: Scanner, blocks: Iterable[bytes]) -> list[Kind]:
    """What of the blocks' lines no rule covers, by program, the programs and kinds with the most lines first."""
    counted: Counter[tuple[bytes, bytes]] = Counter()
    examples: dict[tuple[bytes, bytes], bytes] = {}
    for block in blocks:
        for line in _LINE.finditer(b"\n" + block):
            program, text = line["program"] or b"exim", line["text"]
            if not program.lower().startswith(MAIL_PROGRAMS) or scanner.covers(line[0]):
                continue
            key = program, _VARIABLE.sub(b"*", text[:SHOWN_LENGTH])
            if key not in counted and len(counted) >= MOST_KINDS:
                key = program, b""
            counted[key] += 1
            examples.setdefault(key, text)
    programs = Counter[bytes]()
    for (program, _), times in counted.items():
        programs[program] += times
    found = [Kind(key[0], times, examples[key]) for key, times in counted.items()]
    return sorted(found, key=lambda kind: (-programs[kind.program], kind.program, -kind.lines, kind.example))


def by_program(found: Iterable[Kind]) -> dict[str, int]:
    """Lines by program, the most first."""
    programs: dict[str, int] = {}
    for kind in found:
        name = shown(kind.program)
        programs[name] = programs.get(name, 0) + kind.lines
    return programs


def report(found: list[Kind]) -> str:
    """A table for people: each program, and below it the kinds that have the most lines."""
    if not found:
        return "every line of a mail program is covered by a rule"
    lines = []
    for program, kinds_of_it in groupby(found, attrgetter("program")):
        own = list(kinds_of_it)
        lines.append(f"{sum(kind.lines for kind in own):9}  {shown(program)}")
        lines += [f"{kind.lines:11}  {shown(kind.example)}" for kind in own[:KINDS_SHOWN]]
        if len(own) > KINDS_SHOWN:
            lines.append(f"{sum(kind.lines for kind in own[KINDS_SHOWN:]):11}  of {len(own) - KINDS_SHOWN} other kinds")
    return "\n".join(lines)


def shown(raw: bytes) -> str:
    """Bytes of a log as a terminal may get them."""
    text = raw[:SHOWN_LENGTH].decode(errors="backslashreplace")
    text = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
    return text + ("..." if len(raw) > SHOWN_LENGTH else "")
