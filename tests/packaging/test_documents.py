"""README, manual page and change log say what is so."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mailgraph import __version__, config, schema
from mailgraph.logforms import Stamps
from mailgraph.scanner import Options, Scanner
from tests.programs import require

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MANUAL = ROOT / "docs/mailgraph.8"
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()


def mailgraph(*arguments: str | Path, given: str = "") -> str:
    environment = os.environ | {"MAILGRAPH_CONFIG": os.devnull, "COLUMNS": "100"}
    command = [sys.executable, "-m", "mailgraph", *arguments]
    return subprocess.run(command, input=given, env=environment, check=True, capture_output=True, text=True).stdout


def section(title: str) -> str:
    return README.partition(f"\n## {title}")[2].partition("\n## ")[0]


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text))


def test_readme_and_manual_page_list_the_options_that_help_lists() -> None:
    known = options(mailgraph("--help"))
    manual = MANUAL.read_text().replace(r"\-", "-").partition("\n.SH OPTIONS")[2].partition("\n.SH CONFIG")[0]
    assert options(manual) == known
    assert options(section("Options")) == known


def configured_names() -> set[str]:
    """The names that mailgraph and the init script take from the configuration file."""
    sources = "".join(file.read_text() for file in ROOT.glob("mailgraph/*.py"))
    script = (ROOT / "init/mailgraph").read_text()
    return set(re.findall(r'values\.get\("([A-Z_]+)"', sources)) | set(re.findall(r"(?m)^([A-Z_]+)=", script)) - {
        "CONFIG",
        "PATH",
        "UP_WITHIN",
        "DOWN_WITHIN",
    }


def test_readme_and_manual_page_list_the_names_of_the_configuration_file() -> None:
    names = configured_names()
    assert set(re.findall(r"(?m)^\| `([A-Z_]+)` \|", section("Configuration"))) == names
    manual = MANUAL.read_text().partition("\n.SH CONFIGURATION")[2].partition("\n.SH ")[0]
    tags = re.findall(r"(?m)^\.TP\n\.BR? (.*)", manual)
    assert set(re.findall("[A-Z]+_?[A-Z]+", " ".join(tags))) == names


def test_the_shipped_configuration_file_names_nothing_else() -> None:
    shipped = re.findall(r"(?m)^#?([A-Z_]+)=", (ROOT / "init/mailgraph.default").read_text())
    assert set(shipped) <= configured_names()


def test_readme_names_the_defaults() -> None:
    assert all(f"`{log}`" in section("Configuration") for log in config.MAIL_LOGS)
    assert f"`{config.DEFAULT_RRD_DIR}`" in section("Configuration")


def examples() -> dict[str, list[str]]:
    """The sample lines of "What is counted", by counter."""
    found = re.findall(r"(?m)^\*\*(\w+)\*\* is ((?:.+\n)+)\n((?:    .+\n)+)", section("What is counted"))
    return {name.lower(): [line[4:] for line in lines.splitlines()] for name, _, lines in found}


def test_each_counter_is_explained() -> None:
    assert sorted(examples()) == sorted((*schema.CLASSICAL_COUNTERS, "delivered", "deferred", "expired"))


@pytest.mark.parametrize(("counter", "lines"), examples().items(), ids=examples())
def test_each_line_that_is_shown_counts_as_the_readme_says(counter: str, lines: list[str]) -> None:
    log = "".join(f"2026-11-25T12:00:00Z mail {line}\n" for line in lines).encode()
    ((_, counts),) = Scanner(Options(), Stamps()).scan(log, 0)
    assert counts == {counter: len(lines)}


def test_what_readme_links_to_is_there() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README)
    headings = {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in re.findall("(?m)^#+ (.*)", README)
    }
    assert targets
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("https://"):
            assert (ROOT / target).is_file(), target


def test_each_path_of_the_installation_is_in_the_tree() -> None:
    paths = set(re.findall(r"/opt/mailgraph/((?:bin/mailgraph|bin/setup|init|cgi-bin)[\w./-]*)", README))
    assert {"bin/setup", "bin/mailgraph", "init/mailgraph.service", "cgi-bin/mailgraph.cgi"} <= paths
    for path in paths:
        assert (ROOT / path).exists(), path


def test_the_manual_page_is_well_formed() -> None:
    command = [require("man"), "--warnings", "--encoding=UTF-8", "--local-file", "--troff-device=utf8", MANUAL]
    done = subprocess.run(command, env=os.environ | {"LC_ALL": "C.UTF-8"}, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "count what the mail log says into RRD files" in done.stdout


def test_the_change_log_begins_with_this_version() -> None:
    assert re.findall(r"(?m)^## \[(.*?)\] - (?:unreleased|\d{4}-\d\d-\d\d)$", CHANGELOG)[0] == __version__
