"""What lies at the top of the tree: nothing that does not belong there."""

from tests.packaging.tree import files

TOP = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "bin",
    "cgi-bin",
    "docs",
    "init",
    "mailgraph",
    "pyproject.toml",
    "tests",
}


def test_the_top_level_holds_what_belongs_there_and_nothing_else() -> None:
    assert {name.partition("/")[0] for name in files()} == TOP
