"""What a page is about where there are several hosts: one of them, a group, or all.  From a scope to pages and figures.

A query begins with the scope: ``host=NAME``, ``group=NAME`` or ``all``; what follows is as without one.  Knows no HTTP.
"""

from mailgraph import config, figures, hosts, overview, pages, sums, survey, views
from mailgraph.document import Links, Shown
from mailgraph.files import Files, Unusable, located
from mailgraph.schema import MAIL, PERIODS
from mailgraph.views import SMALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from mailgraph.figures import Taken
    from mailgraph.hosts import Host
    from mailgraph.overview import Asked
    from mailgraph.schema import Family
    from mailgraph.views import View

GRAPHS_OF_SUM = "graphs"

SMALLS = {f"{SMALL}={number}": number for number in range(len(PERIODS))}

PICTURES = ("n", "e", *sums.STACKS)
"""What the overview shows of each period."""


class NoSuchPlace(Exception):
    """A scope that names no host and no group there is."""


class Hosts:
    """All hosts, and what the hosts file says of them.

    ``split``: the RRD files in RRD_DIR itself are the totals of all hosts.
    """

    def __init__(self, rrd_dir: str, rrd_name: str, machine: str, values: "Mapping[str, str]") -> None:
        self.rrd_dir = rrd_dir
        self.rrd_name = rrd_name
        self.split = config.split_hosts(values)
        listing = hosts.listed(rrd_dir, rrd_name, machine, self.split)
        self.by_name = listing.hosts
        self.faults = list(hosts.few(listing.faults))
        self.order: Sequence[str] = ()
        self.groups: Mapping[str, Collection[str]] = {}
        path = values.get("HOSTS_FILE")
        if path and self.by_name:
            self._take(path)

    def _take(self, path: str) -> None:
        from mailgraph.hostsfile import HostsFile

        file = HostsFile(path, self.by_name)
        self.faults += hosts.few(file.mistakes)
        self.order, self.groups = file.order, file.groups
        for name, host in self.by_name.items():
            host.label = file.labels.get(name, name)
            host.hidden = name in file.hidden

    def place(self, scope: str) -> "OneHost | Many":
        """What a scope is about.  Raises NoSuchPlace."""
        kind, _, text = scope.partition("=")
        name = hosts.unquoted(text)
        if (scope == "all" and self.by_name) or (kind == "group" and name in self.groups):
            return self.group(name)
        if kind == "host" and name in self.by_name:
            return self.host(name)
        raise NoSuchPlace

    def host(self, name: str) -> "OneHost":
        """A host that is there."""
        return OneHost(self, self.by_name[name])

    def group(self, name: str) -> "Many":
        """A group that is there; all hosts, where the name is empty."""
        names = self.groups[name] if name else self.by_name
        return Many(self, name, [self.by_name[one] for one in names])

    def last(self) -> int:
        """The newest minute of the totals, which is that of all hosts; 0 where there are none: each has its own."""
        if not self.split:
            return 0
        try:
            return Files(located(self.rrd_dir, self.rrd_name)).open(MAIL).last
        except Unusable:  # the page's top says why
            return 0

    def paths(self, host: "Host") -> "dict[Family, str]":
        """Where a host's files are."""
        return located(host.directory, self.rrd_name)


def divided(query: str) -> tuple[str, str]:
    """The scope that a query begins with, and the rest; the former is empty where there is none."""
    scope, _, rest = query.partition("&")
    return (scope, rest) if scope == "all" or scope.startswith(("host=", "group=")) else ("", query)


class OneHost:
    """A host of several: its page is the classical one."""

    def __init__(self, known: Hosts, host: "Host") -> None:
        self.title = host.label
        self.scope = f"host={hosts.quoted(host.name)}"
        self.files = Files(known.paths(host))
        groups = [
            (group, f"?group={hosts.quoted(group)}") for group, names in known.groups.items() if host.name in names
        ]
        self.links = Links(self.scope, f"?{self.scope}", [("All hosts", "?"), *groups])

    def asked(self, rest: str) -> "View | None":
        """What is asked for, None for the page of all graphs.  Raises BadQuery."""
        if not rest:
            return None
        first, ampersand, look = rest.partition("&")
        if first not in SMALLS:
            return views.parsed(rest)
        view = views.parsed(f"{SMALLS[first]}-n{ampersand}{look}")
        view.form = SMALL
        return view

    def taken(self, view: "View", now: float) -> "Taken":
        """What a view shows.  Raises files.Unusable."""
        return figures.taken(view, self.files, now)

    def written(self, asked: "View | Asked | None", now: float, faults: list[str]) -> tuple[str, str]:
        """The page of all graphs or of one, and that it is in no other form."""
        faults = [*self.files.faults(MAIL, now), *faults]
        if isinstance(asked, views.View):
            return "", pages.single(self.title, asked, lambda view: self.taken(view, now), now, faults, self.links)
        shown = pages.views_of(self.files)
        return "", pages.overview(self.title, shown, lambda view: self.taken(view, now), faults, self.links)


class Many:
    """All hosts, or those of a group: their overview, and their sum as if it were a host."""

    def __init__(self, known: Hosts, group: str, members: "Sequence[Host]") -> None:
        self._known = known
        self._group = group
        self._members = members
        shown = sum(not one.hidden for one in members)
        self.title = group or ("1 host" if shown == 1 else f"{shown} hosts")
        self.scope = f"group={hosts.quoted(group)}" if group else "all"
        home = f"?{self.scope}" if group else "?"
        self.links = overview.Links(self.scope, home, [("All graphs of the sum", f"?{self.scope}&{GRAPHS_OF_SUM}")])
        self._totals = Files(located(known.rrd_dir, known.rrd_name)) if known.split and not group else None
        """The files that hold the sum already."""
        self._last = known.last()

    def asked(self, rest: str) -> "View | Asked | None":
        """What is asked for, None for the page of all graphs of the sum.  Raises BadQuery."""
        if rest == GRAPHS_OF_SUM:
            return None
        try:
            return overview.asked(rest)
        except views.BadQuery:  # then it is a picture
            return views.parsed(rest, sums.TOTALS if self._totals else sums.MANY)

    def taken(self, view: "View", now: float) -> "Taken":
        """What a view shows.  Raises files.Unusable."""
        if self._totals and view.letter not in sums.STACKS:
            return figures.taken(view, self._totals, now)
        return sums.taken(view, self._members, self._known.rrd_name, now, self._last)

    def faults(self, now: float) -> list[str]:
        """What is wrong, but with single hosts: their rows say that."""
        return [*(self._totals.faults(MAIL, now) if self._totals else ()), *self._known.faults]

    def written(self, asked: "View | Asked | None", now: float, faults: list[str]) -> tuple[str, str]:
        """The form, empty for HTML, and the text of: a page of one graph, of all graphs of the sum, or the overview."""
        wrong = [*self.faults(now), *faults]
        if isinstance(asked, overview.Asked):
            return asked.form, self._table(asked, now) if asked.form else self.page(asked, now, wrong, self.links)
        links = Links(self.scope, self.links.home)
        if asked:
            return "", pages.single(self.title, asked, lambda view: self.taken(view, now), now, wrong, links)
        return "", pages.overview(self.title, self._views(), lambda view: self.taken(view, now), wrong, links)

    def page(self, asked: "Asked", now: float, faults: list[str], links: overview.Links) -> str:
        """The overview."""
        seen = self._overview(now)
        periods = [[self._shown(seen, number, letter, now) for letter in PICTURES] for number in range(len(PERIODS))]
        return seen.page(asked, faults, periods, links)

    def _table(self, asked: "Asked", now: float) -> str:
        seen = self._overview(now)
        return seen.csv(asked) if asked.form == "csv" else seen.json(asked)

    def _overview(self, now: float) -> overview.Overview:
        seen = survey.survey(self._members, self._known.rrd_name, now, self._last)
        return overview.Overview(
            self.title,
            self._group,
            [one for one in seen if not one.host.hidden],
            [one for one in seen if one.host.hidden],
            self._known.order,
            self._known.groups,
            now,
        )

    def _shown(self, seen: overview.Overview, number: int, letter: str, now: float) -> "tuple[Shown, int]":
        """A picture, in words too, and the rows of its legend."""
        view = views.of_period(number, letter, sums.MANY)
        asked = view.range(now, self._last, view.steps)
        if letter in sums.STACKS:
            return Shown(view, asked, said=seen.stack_in_words(number, letter)), seen.stacked
        rows = len(view.graph.series)
        if self._totals:
            return pages.shown(view, lambda view: self.taken(view, now)), rows
        labels = {series.counter: series.label for series in view.graph.series}
        return Shown(view, asked, said=seen.sum_in_words(number, labels)), rows

    def _views(self) -> "list[View]":
        """All graphs of the sum: those that any of the hosts has."""
        if self._totals:
            return pages.views_of(self._totals)
        there = [Files(self._known.paths(host)) for host in self._members]
        paths = {family: path for files in there for family, path in files.paths.items() if files.exists(family)}
        return [view for view in pages.views_of(Files(paths)) if view.letter in sums.MANY]
