"""Imports run one way: down this list, and from the daemon's side to the page's side never."""

import ast
from functools import cache
from pathlib import Path

import pytest

from mailgraph import cgi

PACKAGE = Path(__file__).parent.parent / "mailgraph"

FOUNDATION = ("schema", "rrdcached", "rrdfile", "config")
DAEMON = (
    "rules",
    "digests",
    "splitting",
    "logforms",
    "messages",
    "ownrules",
    "scanner",
    "ledger",
    "rrdhead",
    "underway",
    "rrd",
    "cached",
    "rotation",
    "sources",
    "guess",
    "ranges",
    "workers",
    "checkpoint",
    "counting",
    "programs",
    "spool",
    "sampling",
    "values",
    "machine",
    "daemon",
)
PAGE = (
    "dates",
    "themes",
    "graphs",
    "views",
    "farfile",
    "files",
    "figures",
    "tables",
    "drawing",
    "document",
    "pages",
    "assets",
    "hosts",
    "hostsfile",
    "levels",
    "survey",
    "memory",
    "sums",
    "small",
    "overview",
    "places",
    "static",
    "answers",
    "kept",
    "page",
    "cgi",
    "serve",
)
TOP = ("unparsed", "check", "cli", "__main__", "sample", "tryout")
ORDER = (*FOUNDATION, *DAEMON, *PAGE, *TOP)


@cache
def imports(module: str) -> frozenset[str]:
    """What the module imports anywhere in it, with full names: ``mailgraph.schema``, ``os``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "mailgraph":
            found |= {f"mailgraph.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return frozenset(found)


def ours(module: str) -> set[str]:
    """Which of the package's modules the module imports."""
    return {name for name in ORDER if f"mailgraph.{name}" in imports(module)}


def reach(*modules: str) -> set[str]:
    """Our modules that these import, and those that they import in turn, and themselves."""
    reached: set[str] = set()
    waiting = set(modules)
    while waiting:
        module = waiting.pop()
        reached.add(module)
        waiting |= ours(module) - reached
    return reached


def test_each_module_has_its_place_in_the_order() -> None:
    assert sorted(ORDER) == sorted(file.stem for file in PACKAGE.glob("*.py") if file.stem != "__init__")


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    assert ours(module) <= set(ORDER[: ORDER.index(module)])


def test_the_package_itself_imports_none_of_its_modules() -> None:
    assert ours("__init__") == set()


def test_daemon_and_page_meet_in_the_foundation_alone() -> None:
    assert reach(*DAEMON) & reach(*PAGE) <= set(FOUNDATION)


WRITING = {"rrd", "cached", "counting", "sampling", "values", "machine", "daemon"}


@pytest.mark.parametrize("module", [name for name in DAEMON if name not in WRITING])
def test_what_reads_and_counts_knows_no_rrdtool(module: str) -> None:
    for reached in reach(module):
        assert "rrdtool" not in imports(reached)


def at_once(module: str) -> set[str]:
    """Which of the package's modules a module imports when it is imported itself, and those in turn; and itself."""
    found = {module}
    for node in ast.parse((PACKAGE / f"{module}.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module == "mailgraph":
            found |= {name for alias in node.names if (name := alias.name) in ORDER}
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith("mailgraph."):
            found.add(str(node.module).removeprefix("mailgraph."))
    return found.union(*(at_once(name) for name in found - {module}))


def test_the_cgi_script_loads_what_the_page_imports_and_nothing_else() -> None:
    assert set(cgi.MODULES) == at_once("page")
    assert set(cgi.HTML) == (at_once("document") | at_once("pages")) - set(cgi.MODULES)


def test_the_cgi_script_loads_a_module_behind_those_that_it_imports() -> None:
    loaded = (*cgi.MODULES, *cgi.HTML)
    for position, module in enumerate(loaded):
        assert at_once(module) <= set(loaded[: position + 1])
