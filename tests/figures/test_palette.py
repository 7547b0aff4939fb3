"""Colours: contrasts and differences recomputed from the hex codes, by formulas that are not ours.

Contrast is WCAG 2's ratio of relative luminances; colour blindness is simulated by the matrices of Machado,
Oliveira and Fernandes (2009, severity 1) in linear RGB; differences are distances in OKLab (Ottosson 2020)
times 100.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from spatial.errors import DataError
from spatial.figures import palette
from spatial.figures.palette import COLORS, NOT_SIGNIFICANT

LIGHT, DARK = 0, 1
MACHADO = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(color: str) -> np.ndarray:
    rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def luminance(color: str) -> float:
    return float(linear(color) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    lms = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return lab @ np.cbrt(lms @ np.clip(rgb, 0, 1))


def difference(one: str, two: str, vision: str = "normal") -> float:
    seen = MACHADO[vision]
    return float(100 * np.linalg.norm(oklab(seen @ linear(one)) - oklab(seen @ linear(two))))


def test_contrast_is_wcags() -> None:
    # WCAG's own example values: black on white is 21; #777777 on white is 4.48.
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


# Token: least contrast on paper, light and dark.
@pytest.mark.parametrize(
    ("token", "light", "dark"),
    [
        ("ink", 16.5, 15.7),
        ("ink-2", 7.6, 9.4),
        ("ink-3", 5.0, 6.2),
        ("rule", 3.2, 3.6),
        ("accent", 7.5, 8.9),
        ("coast", 4.8, 5.8),
        ("hatch", 3.4, 4.8),
        ("HH", 8.8, 8.4),
        ("LL", 9.9, 9.5),
        ("HL", 3.6, 4.5),
        ("LH", 3.8, 4.7),
        ("island", 3.5, 5.8),
    ],
)
def test_contrasts_on_paper_are_those_of_the_specification(token: str, light: float, dark: float) -> None:
    for theme, expected in ((LIGHT, light), (DARK, dark)):
        assert contrast(COLORS[token][theme], COLORS["paper"][theme]) == pytest.approx(expected, abs=0.06)


def test_every_cluster_and_the_hatch_stand_out_from_what_is_not_significant() -> None:
    for theme, token in itertools.product((LIGHT, DARK), ("HH", "LL", "HL", "LH", "island", "hatch")):
        assert contrast(COLORS[token][theme], COLORS[NOT_SIGNIFICANT][theme]) >= 2.95, (token, theme)


@pytest.mark.parametrize("vision", MACHADO)
def test_clusters_are_told_apart_by_every_eye(vision: str) -> None:
    for theme in (LIGHT, DARK):
        for one, two in (("HH", "LL"), ("HL", "LH"), ("HH", "HL"), ("LL", "LH")):
            assert difference(COLORS[one][theme], COLORS[two][theme], vision) >= 13.5, (one, two, theme)


def test_clusters_on_a_grey_printer_keep_three_steps() -> None:
    for theme in (LIGHT, DARK):
        of = {token: COLORS[token][theme] for token in ("HH", "LL", "HL", "LH", NOT_SIGNIFICANT)}
        for core, outlier in itertools.product(("HH", "LL"), ("HL", "LH")):
            assert contrast(of[core], of[outlier]) >= (2.2 if theme == LIGHT else 1.7)
            assert contrast(of[outlier], of[NOT_SIGNIFICANT]) >= 3.0


@pytest.mark.parametrize("vision", MACHADO)
def test_neighbouring_steps_of_a_ramp_differ_for_every_eye(vision: str) -> None:
    for theme in (LIGHT, DARK):
        for colors, least in ((palette.SEQUENTIAL, 9.0), (palette.P_VALUE_COLORS, 12.0)):
            for one, two in itertools.pairwise(colors[theme]):
                assert difference(one, two, vision) >= least, (one, two, theme)
        for one, two in itertools.pairwise(palette.DIVERGING[theme]):
            assert difference(one, two, vision) >= 6.0, (one, two, theme)


def test_sequential_steps_go_one_way_in_luminance() -> None:
    for theme, sign in ((LIGHT, -1), (DARK, 1)):
        steps = [luminance(color) for color in palette.SEQUENTIAL[theme]]
        assert (sign * np.diff(steps) > 0).all()
        for one, two in itertools.pairwise(palette.SEQUENTIAL[theme]):
            assert 1.35 <= contrast(one, two) <= 2.15


def test_diverging_ends_are_alike_and_the_middle_is_pale_or_dark() -> None:
    for theme in (LIGHT, DARK):
        steps = np.array([luminance(color) for color in palette.DIVERGING[theme]])
        assert np.argmax(steps if theme == LIGHT else -steps) == 3
        for k in range(3):
            assert contrast(palette.DIVERGING[theme][k], palette.DIVERGING[theme][6 - k]) < 1.45


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_lines_stand_out_from_paper_and_differ(theme: int) -> None:
    colors = palette.CATEGORIES[theme]
    assert min(contrast(color, COLORS["paper"][theme]) for color in colors) >= 3.4
    assert min(difference(one, two) for one, two in itertools.combinations(colors, 2)) >= 9
    # The two or three that come first are apart for every eye; the others lean on their markers.
    for vision in MACHADO:
        for one, two in itertools.combinations((colors[0], colors[1], colors[5]), 2):
            assert difference(one, two, vision) >= 14
    assert len(set(palette.MARKERS)) == len(colors)


def test_ramps_give_their_own_colours_and_even_steps_between() -> None:
    assert palette.ramp("sequential", 5) == list(palette.SEQUENTIAL[LIGHT])
    assert palette.ramp("diverging", 7, "dark") == list(palette.DIVERGING[DARK])
    assert palette.ramp("p_values", 2) == list(palette.P_VALUE_COLORS[LIGHT][1:])
    for k in range(1, 13):
        assert len(set(palette.ramp("sequential", k))) == k
    four = palette.ramp("diverging", 4)
    assert four[0] == palette.DIVERGING[LIGHT][0]
    assert four[-1] == palette.DIVERGING[LIGHT][-1]
    assert palette.DIVERGING[LIGHT][3] not in four
    for one, two in itertools.pairwise(palette.ramp("sequential", 7)):
        assert difference(one, two) >= 7


def test_the_style_sheet_holds_every_colour_in_both_themes() -> None:
    light, system, dark = palette.css_variables().splitlines()
    assert "--hh: #960f29;" in light
    assert "--not-significant: #eeeeec;" in light
    assert "--s5: #213d74;" in light
    assert "prefers-color-scheme: dark" in system
    for token, (on_light, on_dark) in COLORS.items():
        name = token.lower().replace(" ", "-")
        assert f"--{name}: {on_light};" in light
        assert f"--{name}: {on_dark};" in dark
        assert f"--{name}: {on_dark};" in system


def test_a_theme_holds_inside_its_context_only() -> None:
    with palette.theme("dark"):
        assert palette.color("ink") == COLORS["ink"][DARK]
        assert palette.cluster_color("HH") == COLORS["HH"][DARK]
        assert palette.significance_color(2, 3) == palette.P_VALUE_COLORS[DARK][2]
        assert palette.color("ink", "light") == COLORS["ink"][LIGHT]
    assert palette.color("ink") == COLORS["ink"][LIGHT]


def test_colour_refusals() -> None:
    with pytest.raises(DataError, match=r"No colour is called 'cost'\. Did you mean 'coast'\?"):
        palette.color("cost")
    with pytest.raises(DataError, match="A theme is 'light' or 'dark'; got 'sepia'"), palette.theme("sepia"):  # type: ignore[arg-type]
        pass
    with pytest.raises(DataError, match="A ramp is one of sequential, diverging, p_values; got 'rainbow'"):
        palette.ramp("rainbow", 3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="1 to 12 colours; got 0"):
        palette.ramp("sequential", 0)
    with pytest.raises(DataError, match="A cluster is one of HH, LL"):
        palette.cluster_color("XX")
    with pytest.raises(DataError, match="One to 4 significance levels"):
        palette.significance_color(0, 5)
