"""The page over several hosts, and the same as CSV and JSON: values in, text out.  Knows no HTTP and no RRD file."""

import time

from mailgraph import document, tables
from mailgraph.dates import date, span
from mailgraph.hosts import quoted
from mailgraph.levels import ABOVE, BELOW, HOUR, SILENT
from mailgraph.schema import PERIODS
from mailgraph.small import HEIGHT, WIDTH
from mailgraph.sums import LARGEST, OTHER, STACKS, short
from mailgraph.survey import COUNTERS, TRAFFIC
from mailgraph.views import BadQuery, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from mailgraph.document import Shown
    from mailgraph.levels import Level
    from mailgraph.survey import Surveyed

    Picture = tuple[Shown, int]
    """And the rows of its legend."""

ORDERS = {"traffic": "traffic", "rejected": "rejects", "name": "name"}
"""What hosts may be sorted by: as the URL and as the page says it."""

FORMS = ("csv", "json")

COLUMNS = {
    "Sent": ("sent",),
    "Received": ("received",),
    "Rejected": ("rejected",),
    "Spam and viruses": ("spam", "virus"),
    "Bounced": ("bounced",),
}
"""What a host's row tells, and the counters of which it is the sum."""

UNKNOWN = "\N{EN DASH}"

SHOWN_NAMES = 10
"""Hosts that are named on top; the others stand first in the table too."""

LAZY = ' loading="lazy" width="{}" height="{}"'
"""Drawn when it comes into view; what is below does not jump then."""


class Asked:
    """How the hosts are to be shown: sorted ``by`` one of ORDERS, totals of a ``period`` (its number), one of FORMS.

    ``form`` is empty for the page.
    """

    __slots__ = ("by", "form", "period")

    def __init__(self, by: str = "traffic", period: int = 0, form: str = "") -> None:
        self.by = by
        self.period = period
        self.form = form


def asked(query: str) -> Asked:
    """What ``by=name&period=1&form=csv`` asks for.  Raises BadQuery."""
    given = options(query) if query else {}
    by, period, form = given.pop("by", "traffic"), given.pop("period", "0"), given.pop("form", "")
    periods = [str(number) for number in range(len(PERIODS))]
    if given or by not in ORDERS or period not in periods or (form and form not in FORMS):
        raise BadQuery
    return Asked(by, periods.index(period), form)


class Links(document.Links):
    """Addresses on a page over several hosts: queries, as on the others."""

    forms: "tuple[str, ...]" = FORMS
    """What the table also comes as."""

    def table(self, by: str, period: int, form: str = "") -> str:
        """The page with its table sorted so."""
        return f"?{self.scope}by={by}&period={period}{f'&form={form}' if form else ''}"

    def host(self, name: str) -> str:
        """A host's own page."""
        return f"?host={quoted(name)}"

    def group(self, name: str) -> str:
        """The page over the hosts of a group; of all hosts, where the name is empty."""
        return f"?group={quoted(name)}" if name else "?all"

    def small(self, name: str, period: int, theme: str = "light") -> str:
        """The small picture in a host's row."""
        return f"{self.host(name)}&small={period}{'&theme=dark' if theme == 'dark' else ''}"


class Overview:
    """What a page over several hosts says.

    ``title`` is what the statistics are for; ``group`` is empty for all hosts.  ``hosts`` are those with a row,
    ``hidden`` those that only count in the sums; ``order`` are names that come first where hosts are sorted by name.
    ``groups`` are the hosts' names by group.
    """

    def __init__(
        self,
        title: str,
        group: str,
        hosts: "Sequence[Surveyed]",
        hidden: "Sequence[Surveyed]",
        order: "Sequence[str]",
        groups: "Mapping[str, Collection[str]]",
        now: float,
    ) -> None:
        self.title = title
        self.group = group
        self.hosts = hosts
        self.hidden = hidden
        self._order = {name: at for at, name in enumerate(order)}
        self._groups = groups
        self._now = now
        every = *hosts, *hidden
        self._sums = [
            {counter: sum(one.totals[period].get(counter) or 0 for one in every) for counter in COUNTERS}
            for period in range(len(PERIODS))
        ]

    def sorted(self, asked: Asked) -> "list[Surveyed]":
        """The hosts in their order; those first that somebody should look at."""
        return sorted(self.hosts, key=lambda one: (one.rank(self._now), *self._place(one, asked)))

    def _place(self, one: "Surveyed", asked: Asked) -> "tuple[float, int, str]":
        named = self._order.get(one.host.name, len(self._order)), one.host.label.casefold()
        if asked.by == "name":
            return 0, *named
        return -one.total(asked.period, STACKS[asked.by]), *named

    def total(self, period: int, counters: "Iterable[str]") -> float:
        """Of all hosts, those that are hidden too."""
        return sum(self._sums[period][counter] for counter in counters)

    def share(self, one: "Surveyed", period: int) -> "float | None":
        """A host's part of the traffic; None where there is none."""
        every = self.total(period, TRAFFIC)
        return one.total(period, TRAFFIC) / every if every else None

    def sum_in_words(self, period: int, counters: "Mapping[str, str]") -> str:
        """The sums by counter and what it is called."""
        return " ".join(
            f"{label}: total {self.total(period, (counter,)):.0f} messages." for counter, label in counters.items()
        )

    def stack_in_words(self, period: int, by: str) -> str:
        """The largest hosts and the sum of the others."""
        largest = sorted(self.hosts, key=lambda one: (-one.total(period, STACKS[by]), one.host.name))[:LARGEST]
        named = [(short(one.host.label), one.total(period, STACKS[by])) for one in largest]
        if self.stacked > LARGEST or self.hidden:
            named.append((OTHER, self.total(period, STACKS[by]) - sum(total for _, total in named)))
        return " ".join(f"{label}: total {total:.0f} messages." for label, total in named)

    @property
    def stacked(self) -> int:
        """Rows in the legend of a stack."""
        return min(len(self.hosts), LARGEST) + (len(self.hosts) > LARGEST or bool(self.hidden))

    def page(
        self, asked: Asked, warnings: "Iterable[str]", periods: "Sequence[Sequence[Picture]]", links: Links
    ) -> str:
        """The page: what is wrong, who needs a look, for each period its pictures, and a row for each host."""
        ordered = self.sorted(asked)
        jumps = [(period.title, f"#G{number}") for number, period in enumerate(PERIODS)] + [("Hosts", "#hosts")]
        content = [
            document.links_to("Parts of this page", jumps),
            *self._groups_nav(links),
            '<main class="hosts">',
            *document.sentences(warnings),
            *self._look_at(ordered, links),
            *(_period(number, shown, links) for number, shown in enumerate(periods)),
            '<section aria-labelledby="hosts">\n<h2 id="hosts">Hosts</h2>',
            _choice(
                "Sorted by", [(said, links.table(by, asked.period), by == asked.by) for by, said in ORDERS.items()]
            ),
            _choice(
                "Totals of",
                [
                    (period.title, links.table(asked.by, number), number == asked.period)
                    for number, period in enumerate(PERIODS)
                ],
            ),
            self._table(ordered, asked, links),
            *(
                [
                    document.links_to(
                        "Forms", [(form.upper(), links.table(asked.by, asked.period, form)) for form in links.forms]
                    )
                ]
                if links.forms
                else ()
            ),
            "</section>",
            *([document.links_to("Pages", links.pages)] if links.pages else ()),
            "</main>",
        ]
        return document.whole(f"Mail statistics for {self.title}", "\n".join(content), links)

    def _groups_nav(self, links: Links) -> "Iterator[str]":
        if self._groups:
            names = ["", *self._groups]
            yield _choice(
                "Groups", [(name or "All hosts", links.group(name), name == self.group) for name in names], spoken=False
            )

    def _look_at(self, ordered: "Sequence[Surveyed]", links: Links) -> "Iterator[str]":
        """Who needs a look, in one sentence."""
        named = [
            f'<a href="{document.text(links.host(one.host.name))}">{document.text(one.host.label)}</a>'
            for one in ordered
            if notes(one, self._now)
        ]
        if named:
            more = f" and {len(named) - SHOWN_NAMES} more" if len(named) > SHOWN_NAMES else ""
            those = f"{len(named)} of these hosts need" if len(named) > 1 else "One of these hosts needs"
            yield f'<p class="look">{those} a look: {", ".join(named[:SHOWN_NAMES])}{more}.</p>'

    def _table(self, ordered: "Sequence[Surveyed]", asked: Asked, links: Links) -> str:
        title = PERIODS[asked.period].title.lower()
        hidden = f"; all together with those of {len(self.hidden)} hidden" if self.hidden else ""
        heads = "".join(
            f'<th scope="col">{label}</th>' for label in (*COLUMNS, "Share", "Data\N{RIGHT SINGLE QUOTATION MARK}s age")
        )
        every = self.total(asked.period, TRAFFIC)
        rows = "\n".join(self._row(one, asked, every, links) for one in ordered)
        sums = "".join(f"<td>{self.total(asked.period, counters):,.0f}</td>" for counters in COLUMNS.values())
        return (
            f"<table>\n<caption>Messages of the {title}; share of those sent and received{hidden}</caption>\n"
            f'<thead><tr><th scope="col">Host</th>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n'
            f'<tfoot><tr><th scope="row">All together</th>{sums}<td></td><td></td></tr></tfoot>\n</table>'
        )

    def _row(self, one: "Surveyed", asked: Asked, every: float, links: Links) -> str:
        name, label = one.host.name, document.text(one.host.label)
        traffic = one.total(asked.period, TRAFFIC)
        said = [f'<p class="note">{document.text(note)}</p>' for note in notes(one, self._now)]
        small, dark = (document.text(links.small(name, asked.period, theme)) for theme in ("light", "dark"))
        cells = [_number(one, asked.period, counters) for counters in COLUMNS.values()]
        cells += [f"{traffic / every:.1%}" if every else UNKNOWN, span(self._now - one.last) if one.last else UNKNOWN]
        return (
            f'<tr{" class=look" if said else ""}><th scope="row"><a href="{document.text(links.host(name))}">{label}'
            f'<picture><source media="screen and (prefers-color-scheme: dark)" srcset="{dark}">'
            f'<img src="{small}" alt="{traffic:.0f} messages sent and received"{LAZY.format(WIDTH, HEIGHT)}>'
            "</picture></a>"
            f"{''.join(said)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
        )

    def csv(self, asked: Asked) -> str:
        """A line for each host."""
        lines = [["host", "name", "groups", *COUNTERS, "share", "last minute (UTC)", "unusual"]]
        for one in self.sorted(asked):
            counts = [one.totals[asked.period].get(counter) for counter in COUNTERS]
            share = self.share(one, asked.period)
            lines.append(
                [
                    one.host.name,
                    one.host.label,
                    "; ".join(self._groups_of(one)),
                    *("" if count is None else f"{count:.0f}" for count in counts),
                    "" if share is None else f"{share:.4f}",
                    time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(one.last)) if one.last else "",
                    "; ".join(notes(one, self._now)),
                ]
            )
        return "".join(",".join(map(tables.cell, line)) + "\r\n" for line in lines)

    def json(self, asked: Asked) -> str:
        """One object: the period, and for each host its totals; null where unknown."""
        from json import dumps

        period = PERIODS[asked.period]
        content = {
            "title": self.title,
            "period": period.title,
            "seconds": period.seconds,
            "now": int(self._now),
            "units": {"seconds": "s", "now": "s", "last": "s", **dict.fromkeys(COUNTERS, "msgs")},
            "total": {counter: round(self.total(asked.period, (counter,))) for counter in COUNTERS},
            "hosts": [
                {
                    "host": one.host.name,
                    "name": one.host.label,
                    "groups": self._groups_of(one),
                    **{
                        counter: None if (count := one.totals[asked.period].get(counter)) is None else round(count)
                        for counter in COUNTERS
                    },
                    "share": self.share(one, asked.period),
                    "last": one.last or None,
                    "unusual": list(notes(one, self._now)),
                }
                for one in self.sorted(asked)
            ],
        }
        return dumps(content) + "\n"

    def _groups_of(self, one: "Surveyed") -> list[str]:
        return [group for group, names in self._groups.items() if one.host.name in names]


def notes(one: "Surveyed", now: float) -> list[str]:
    """Why somebody should look at a host, in words."""
    if one.fault:
        return [one.fault]
    if one.is_old(now):
        return [f"no data for {span(now - one.last)} (since {date(one.last)})"]
    said = [_level(one.level, "", now)] if one.level else []
    return said + ([_level(one.rejects, "rejects ", now)] if one.rejects else [])


def _level(level: "Level", what: str, now: float) -> str:
    least, most = (f"{events * 3600 / HOUR:,.0f}" for events in level.usual)
    usual = f"usually {least} to {most}" if least != most else f"usually about {least}"
    if level.kind == SILENT:
        return f"silent for {span(now - level.since)}; {usual} messages an hour at this time"
    level_of = {BELOW: "far below", ABOVE: "far above"}[level.kind]
    return f"{what}{level_of} the usual level: {level.count * 3600 / HOUR:,.0f} in the last hour, {usual}"


def _number(one: "Surveyed", period: int, counters: "Iterable[str]") -> str:
    known = [count for counter in counters if (count := one.totals[period].get(counter)) is not None]
    return f"{sum(known):,.0f}" if known else UNKNOWN


def _period(number: int, pictures: "Sequence[Picture]", links: Links) -> str:
    shown = "\n".join(_figure(*picture, links) for picture in pictures)
    head = f'<section aria-labelledby="G{number}">\n<h2 id="G{number}">{PERIODS[number].title}</h2>'
    return f'{head}\n<div class="pair">{shown}</div>\n</section>'


def _figure(shown: "Shown", rows: int, links: Links) -> str:
    graph = shown.view.graph
    title = graph.title if shown.view.letter in STACKS else f"Sum: {graph.title[0].lower()}{graph.title[1:]}"
    picture = document.linked(shown, links, LAZY.format(*document.size(graph, shown.view.look, rows)))
    return f"<figure>\n<figcaption>{title}</figcaption>\n{picture}\n</figure>"


def _choice(label: str, choices: "Iterable[tuple[str, str, bool]]", spoken: bool = True) -> str:
    """Links of which one is chosen: name, address, whether it is."""
    items = "\n".join(
        f'<li><a href="{document.text(target)}"{" aria-current=true" if chosen else ""}>{document.text(name)}</a></li>'
        for name, target, chosen in choices
    )
    said = f"<span>{label}:</span>\n" if spoken else ""
    return f'<nav aria-label="{label}">{said}<ul class="links">\n{items}\n</ul></nav>'
