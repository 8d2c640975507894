"""The hosts file: what is right in it counts, and each mistake is a sentence."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailgraph.hostsfile import HostsFile

NAMES = ("filter1", "filter2", "mx1", "mx2", "mx3", "test")

WHOLE = """
order = ["mx2", "mx*"]
hidden = ["te?t"]

[names]
mx1 = "Frankfurt"
"mx2" = "Paris, <rue> & 'co'"

[groups]
"Front ends" = ["mx*"]
Filters = ["filter2", "filter1"]
"""


def written(directory: Path, text: str) -> HostsFile:
    path = directory / "hosts.toml"
    path.write_text(text)
    return HostsFile(str(path), NAMES)


def test_it_names_groups_orders_and_hides_hosts(tmp_path: Path) -> None:
    file = written(tmp_path, WHOLE)
    assert file.mistakes == []
    assert file.labels == {"mx1": "Frankfurt", "mx2": "Paris, <rue> & 'co'"}
    assert file.groups == {"Front ends": ("mx1", "mx2", "mx3"), "Filters": ("filter2", "filter1")}
    assert file.order == ("mx2", "mx1", "mx3")
    assert file.hidden == {"test"}


def test_nothing_in_it_is_needed(tmp_path: Path) -> None:
    file = written(tmp_path, "# nothing\n")
    assert (file.mistakes, file.labels, file.groups, file.order, file.hidden) == ([], {}, {}, (), frozenset())


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("order = [", "{}: Invalid value (at end of document)"),
        ("\nx =\n", "{}: Invalid value (at line 2, column 4)"),
        (f"order = {'[' * 5000}", "{}: brackets stand in brackets too often"),
        ("hide = ['mx1']", "{}: 'hide' is unknown; there are order, hidden, names, groups"),
        ("order = 'mx1'", "{}: order is no list of texts in quotes"),
        ("hidden = [1]", "{}: hidden is no list of texts in quotes"),
        ("hidden = ['mx9']", "{}: hidden: there is no host 'mx9'"),
        ("order = ['x*']", "{}: order: there is no host 'x*'"),
        ("names = 'mx1'", "{}: names is no table; write [names] on a line of its own"),
        ("[names]\nmx9 = 'x'", "{}: names: there is no host 'mx9'"),
        ("[names]\nmx1 = 1", "{}: names: 'mx1' is called no text in quotes"),
        ("[names]\nmx1 = ' '", "{}: names: 'mx1' is called no text in quotes"),
        ("[names]\nmx1 = 'a'\nmx2 = 'a'", "{}: names: 'mx2' would be called 'a', as another host is"),
        ("[names]\nmx1 = 'mx2'", "{}: names: 'mx1' would be called 'mx2', as another host is"),
        ("groups = ['mx1']", "{}: groups is no table; write [groups] on a line of its own"),
        ("[groups]\na = 'mx1'", "{}: groups: 'a' is no list of texts in quotes"),
        ("[groups]\na = []", "{}: groups: 'a' is empty"),
        ("[groups]\n' ' = ['mx1']", "{}: groups: a group has no name"),
        ("[groups]\na = ['mx1', 'mx7']", "{}: groups: 'a': there is no host 'mx7'"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_reason(tmp_path: Path, text: str, mistake: str) -> None:
    file = written(tmp_path, text)
    assert file.mistakes == [mistake.format(tmp_path / "hosts.toml")]


def test_mistakes_stand_in_the_same_order_each_time(tmp_path: Path) -> None:
    keys = "abcdefgh"
    file = written(tmp_path, "".join(f"{key} = 1\n" for key in reversed(keys)))
    assert [mistake.split()[1] for mistake in file.mistakes] == [f"'{key}'" for key in keys]


def test_a_mistake_leaves_the_rest_in_force(tmp_path: Path) -> None:
    file = written(tmp_path, WHOLE.replace('"te?t"', '"te?t", "mx9", 3').replace('"filter2", ', '"filter9", '))
    assert len(file.mistakes) == 2
    assert file.groups["Filters"] == ("filter1",)
    assert file.labels["mx1"] == "Frankfurt"


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    missing = HostsFile(str(tmp_path / "none"), NAMES)
    assert missing.mistakes == [f"can't read HOSTS_FILE {tmp_path}/none: No such file or directory"]
    (tmp_path / "latin").write_bytes(b"order = ['\xff']")
    (mistake,) = HostsFile(str(tmp_path / "latin"), NAMES).mistakes
    assert mistake.startswith(f"{tmp_path}/latin: 'utf-8' codec can't decode byte 0xff")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_plain_file_is_said_and_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "hosts.toml")
    mistakes = HostsFile(str(tmp_path / "hosts.toml"), NAMES).mistakes
    assert mistakes == [f"can't read HOSTS_FILE {tmp_path}/hosts.toml: it is no plain file"]
