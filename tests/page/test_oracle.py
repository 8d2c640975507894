"""The page and its pictures beside those of Debian's mailgraph 1.14."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from mailgraph.page import Page
from tests.page import png
from tests.page.rrds import Reply, one_a_minute
from tests.page.test_page import Outline

INSTALLED = [Path("/usr/lib/cgi-bin/mailgraph.cgi"), Path("/usr/share/mailgraph/mailgraph.cgi")]
LEFT = slice(0, 62)
"""Columns of a picture that hold the vertical label and the scale's numbers."""
PLOT = slice(0, 112)
"""Rows of the smallest plot and what is beside it, above the times."""
RIGHT = slice(616, None)
"""Columns with the watermark."""
LEGEND = slice(-50, -20)
"""Rows with the legend's last rows.  The date is below: the original's is the time of drawing, ours the data's end."""
TOTALS = slice(140, 222)
"""Columns of the legend with the total: the original misses what is between the last whole row and now."""


class Original:
    """Debian's script, made to read and write in a directory of the test's."""

    def __init__(self, directory: Path) -> None:
        found = next((path for path in INSTALLED if path.exists()), None)
        if found is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("Debian's mailgraph is not installed")
        self.now = time.time()
        one_a_minute(directory, int(self.now) - 60)
        text = re.sub(r"/var/(lib|cache)/mailgraph", str(directory), found.read_text())
        self._script = directory / "original.cgi"
        self._script.write_text(text)
        self._script.chmod(0o755)
        self.page = Page(str(directory), "mailgraph", now=lambda: self.now)

    def answer(self, query: str) -> bytes:
        environment = {"QUERY_STRING": query, "SCRIPT_NAME": "", "PATH": os.defpath}
        done = subprocess.run([self._script], env=environment, capture_output=True, check=True)
        return re.split(rb"\r?\n\r?\n", done.stdout, maxsplit=1)[1]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return Original(tmp_path_factory.mktemp("original"))


def test_the_page_has_the_originals_title_headings_jumps_and_pictures(original: Original) -> None:
    theirs, ours = Outline(original.answer("").decode()), Outline(Reply(original.page).text)
    for tags in (("title says",), ("h1 says",), ("h2 says",), ("ul", "h2"), ("img",)):
        assert ours.of(*tags) == theirs.of(*tags)
    assert ours.of("a says", "a")[:8] == theirs.of("a says", "a")[:8]


@pytest.mark.parametrize("query", [f"{number}-{letter}" for number in range(4) for letter in "neg"])
def test_a_picture_has_the_originals_size(original: Original, query: str) -> None:
    assert png.size(Reply(original.page, query).body) == png.size(original.answer(query))


@pytest.mark.parametrize("letter", "neg")
def test_a_pictures_frame_and_legend_are_the_originals_pixel_by_pixel(original: Original, letter: str) -> None:
    theirs = png.pixels(original.answer(f"0-{letter}"))
    ours = png.pixels(Reply(original.page, f"0-{letter}").body)
    assert _columns(ours, LEFT) == _columns(theirs, LEFT)
    assert _columns(ours, RIGHT) == _columns(theirs, RIGHT)
    for rows in (ours, theirs):
        for row in rows[LEGEND]:
            row[TOTALS] = []
    assert ours[LEGEND] == theirs[LEGEND]
    assert len({pixel for row in ours[LEGEND] for pixel in row}) > 2


def _columns(picture: list[png.Row], columns: slice) -> list[png.Row]:
    return [row[columns] for row in picture[PLOT]]
