"""Colours that can be seen and told apart, computed as WCAG 2.2 and CIE 1976 do."""

import itertools

import pytest

from mailgraph.graphs import GRAPHS
from mailgraph.schema import CLASSICAL_COUNTERS
from mailgraph.sums import BY_SIZE
from mailgraph.themes import DARK, LIGHT, THEMES

MATRICES = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
}
"""What an eye without one kind of cones makes of linear red, green and blue (Machado et al. 2009, severity 1)."""

TELLS_APART = 25
"""Difference of two colours in CIELAB; about 2 is just noticeable side by side."""

Colour = tuple[float, float, float]


def linear(colour: str) -> Colour:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def lab(colour: Colour) -> Colour:
    red, green, blue = (min(1, max(0, part)) for part in colour)
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(colour: str, eye: str) -> Colour:
    red, green, blue = linear(colour)
    one, two, three = (row[0] * red + row[1] * green + row[2] * blue for row in MATRICES[eye])
    return lab((one, two, three))


@pytest.mark.parametrize("theme", THEMES)
def test_hosts_stand_out_from_any_background(theme: str) -> None:
    colours = THEMES[theme]
    assert list(colours.hosts) == list(BY_SIZE)
    assert min(contrast(colour, colours.background) for colour in colours.hosts.values()) >= 3


@pytest.mark.parametrize("eye", MATRICES)
@pytest.mark.parametrize("theme", THEMES)
def test_any_eye_tells_a_host_from_its_neighbours(theme: str, eye: str) -> None:
    """As many colours as there are hosts in a stack no eye tells apart; those that touch each other, every eye does."""
    colours = [seen(colour, eye) for colour in THEMES[theme].hosts.values()]
    for one, other in itertools.pairwise(colours):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 >= TELLS_APART


@pytest.mark.parametrize("counter", DARK.series)
def test_a_series_stands_out_from_a_dark_background(counter: str) -> None:
    assert contrast(DARK.series[counter], DARK.background) >= 3


def test_the_classical_colours_would_vanish_on_dark() -> None:
    assert contrast(LIGHT.series["sent"], DARK.background) < 3
    assert contrast(LIGHT.series["bounced"], DARK.background) < 3


def test_text_on_dark_can_be_read() -> None:
    assert contrast(DARK.parts["FONT"], DARK.parts["BACK"]) >= 4.5


@pytest.mark.parametrize("eye", MATRICES)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("letter", GRAPHS)
def test_any_eye_tells_the_series_of_a_graph_apart(letter: str, theme: str, eye: str) -> None:
    colours = [seen(THEMES[theme].series[series.counter], eye) for series in GRAPHS[letter].series]
    for one, other in itertools.combinations(colours, 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 >= TELLS_APART


def test_every_series_has_a_colour_in_every_theme() -> None:
    counters = {series.counter for graph in GRAPHS.values() for series in graph.series}
    assert all(set(theme.series) == counters for theme in THEMES.values())


def test_the_light_colours_are_the_classical_ones() -> None:
    assert [(counter, LIGHT.series[counter]) for counter in CLASSICAL_COUNTERS] == [
        ("sent", "000099"),
        ("received", "009900"),
        ("bounced", "000000"),
        ("rejected", "AA0000"),
        ("virus", "DDBB00"),
        ("spam", "999999"),
        ("greylisted", "999999"),
        ("delayed", "006400"),
    ]
