"""Classes of values: where they are cut, how they are coloured, and what the legend says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from map_cases import faces, legend
from small_font import register_font

from spatial.compute.compiled import import_kept
from spatial.errors import DataError
from spatial.figures import palette
from spatial.figures.classes import build_classes
from spatial.figures.palette import SEQUENTIAL
from spatial.maps import maps


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


# Fisher-Jenks: Slocum's example of two gaps; equal intervals by hand.
def test_classifiers() -> None:
    values = np.array([1.0, 2, 3, 20, 21, 22, 50, 51])
    assert build_classes(values, "natural_breaks", 3).bounds.tolist() == [3, 22, 51]
    assert build_classes(values, "equal_interval", 2).bounds.tolist() == [26, 51]
    assert build_classes(values, [10, 60], 5).codes(values).tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert build_classes(values, [10.0], 5).bounds.tolist() == [10, 51]
    assert build_classes(values, "BoxPlot", 5).scheme == "BoxPlot"
    assert build_classes(values, "HeadTailBreaks", 5).codes(values).max() < 6
    tied = np.array([0.0] * 9 + [1.0])
    assert build_classes(tied, "quantiles", 5).bounds.tolist() == [0, 1]
    assert build_classes(np.full(4, 7.0), "natural_breaks", 5).labels == ["7"]


@pytest.mark.evidence(
    "map_values",
    digits=2,
    source="mapclassify EqualInterval and Quantiles",
    differs="quantiles are rounded to the fewest digits that leave the classes",
)
def test_quantiles_and_equal_intervals_are_mapclassifys() -> None:
    mapclassify = import_kept("mapclassify")

    values = np.random.default_rng(5).gamma(5.0, size=400)
    for k in (2, 5, 9):
        expected = mapclassify.EqualInterval(values, k=k)
        np.testing.assert_allclose(
            build_classes(values, "equal_interval", k).bounds, expected.bins, rtol=1e-14
        )
        # Quantiles are rounded to the fewest digits that leave each class within a tenth of its size.
        exact, ours = mapclassify.Quantiles(values, k=k), build_classes(values, "quantiles", k)
        counts = np.bincount(ours.codes(values))
        assert (np.abs(counts - exact.counts) <= 0.1 * exact.counts).all()
        assert all(len(f"{bound:.12g}".strip("0.").replace(".", "")) <= 4 for bound in ours.bounds[:-1])
        np.testing.assert_allclose(ours.bounds, exact.bins, rtol=0.05)


def test_zero_has_a_class_of_its_own_where_it_is_common() -> None:
    values = np.r_[np.zeros(60), np.arange(1.0, 101.0)]
    classes = build_classes(values, None, 5)
    assert classes.legend(classes.codes(values)) == [
        "0 (60)",
        "> 0–26 (26)",
        "26–50 (24)",
        "50–75 (25)",
        "75–100 (25)",
    ]


def test_values_of_both_signs_get_classes_symmetric_round_zero() -> None:
    values = np.random.default_rng(1).normal(size=500)
    classes = build_classes(values, None, 5)
    np.testing.assert_allclose(classes.bounds[:4], -classes.bounds[:4][::-1])
    assert classes.colors() == palette.ramp("diverging", 5)
    four = build_classes(values, None, 4)
    assert four.bounds[1] == 0
    # Few on the other side: one way, by magnitude.
    shifted = build_classes(values + 2.5, None, 5)
    assert shifted.center is None
    assert shifted.colors() == list(SEQUENTIAL[0])
    about = build_classes(values + 2.5, None, 5, center=2.5)
    assert about.colors() == palette.ramp("diverging", 5)


def test_negative_values_go_by_magnitude() -> None:
    values = -np.random.default_rng(2).lognormal(size=300)
    classes = build_classes(values, None, 5)
    assert classes.colors() == list(SEQUENTIAL[0])[::-1]
    # A dash would read as a sign.
    assert all(" – " in label for label in classes.labels)


def test_given_bounds_take_their_colours_from_the_centre() -> None:
    values = np.linspace(-3, 6, 100)
    colors = build_classes(values, [-1, 0, 2, 4, 6]).colors()
    assert colors[0] == palette.DIVERGING[0][1]
    assert colors[1] in palette.ramp("diverging", 6)[:3]
    assert colors[4] == palette.DIVERGING[0][-1]


# GeoDa's maps.  The box of Tukey (1977): quartiles by hand for 1..11 with one far value.
def test_box_maps_have_geodas_six_classes() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100])
    classes = build_classes(values, "box")
    # Quartiles 3.5, 6, 8.5: fences -4 and 16.
    assert classes.bounds[1:5].tolist() == [3.5, 6.0, 8.5, 16.0]
    assert classes.legend(classes.codes(values)) == [
        "Lower outlier (0)",
        "Below 25%: 1.0–3.5 (3)",
        "25–50%: 3.5–6.0 (3)",
        "50–75%: 6.0–8.5 (2)",
        "Above 75%: 8.5–16.0 (2)",
        "Upper outlier: 16.0–100.0 (1)",
    ]
    assert classes.legend(classes.codes(values), "zh")[0] == "低值离群 (0)"
    wide = build_classes(values, "box", hinge=20.0)
    assert np.bincount(wide.codes(values), minlength=6)[[0, 5]].tolist() == [0, 0]
    edge = np.array(
        [0.0, 4, 4, 6, 6, 9]
    )  # the fence is 1: what lies on it is none, and 9 = 6 + 1.5 x 2 is none
    assert np.bincount(build_classes(edge, "box").codes(edge), minlength=6)[[0, 5]].tolist() == [1, 0]
    with pytest.raises(DataError, match=r"hinge must be a positive number, as 1\.5 or 3; got 0"):
        build_classes(values, "box", hinge=0)


def test_percentile_and_standard_deviation_maps() -> None:
    values = np.arange(1.0, 201.0)
    found = build_classes(values, "percentile")
    assert np.bincount(found.codes(values)).tolist() == [2, 18, 80, 80, 18, 2]
    assert found.legend(found.codes(values))[0] == "< 1%: 1.0–3.0 (2)"
    normal = np.random.default_rng(0).normal(10, 2, size=5000)
    deviations = build_classes(normal, "standard_deviation")
    np.testing.assert_allclose(deviations.bounds[:5], normal.mean() + normal.std(ddof=1) * np.arange(-2, 3))
    assert len(deviations.colors()) == 6


def test_unique_values_have_colours_without_an_order(cities: Any) -> None:
    cities["zone"] = ["east", "west", "mid", None] * 4
    axes = maps.map_values(cities, "zone", scheme="unique")
    assert legend(axes) == ["east (4)", "mid (4)", "west (4)", "No data (4)"]
    assert faces(axes)[:3] == [palette.CATEGORIES[0][k] for k in (0, 2, 1)]
    cities["many"] = np.arange(16)
    with pytest.raises(DataError, match=r"have 16 different values .* at most 6 colours without an order"):
        maps.map_values(cities, "many", scheme="unique")
    with pytest.raises(DataError, match="hold nothing at all"):
        maps.map_values(cities.assign(zone=None), "zone", scheme="unique")


@pytest.mark.parametrize("scheme", ["quantiles", "natural_breaks", "equal_interval", None])
def test_each_value_lies_in_the_interval_that_its_legend_says(scheme: str | None) -> None:
    values = np.random.default_rng(3).lognormal(size=200)
    classes = build_classes(values, scheme, 5)
    codes = classes.codes(values)
    ends = np.concatenate([[classes.lowest], classes.bounds])
    assert set(codes) == set(range(len(classes.bounds)))
    assert (values <= ends[codes + 1]).all()
    assert ((values > ends[codes]) | (codes == 0)).all()
    assert len(set(classes.labels)) == len(classes.labels)


def test_legend_numbers_have_the_digits_that_they_need() -> None:
    assert build_classes(np.array([0.011, 0.02, 0.031]), [0.011, 0.02, 0.031], 3).labels == [
        "0.011",
        "> 0.011–0.020",
        "0.020–0.031",
    ]
    assert build_classes(np.array([-1500.0, 2500.0]), [0, 2500], 2).labels == ["−1,500 – 0", "0–2,500"]
    assert build_classes(np.array([1.0e-7, 2.5e12]), [1, 2.5e12], 2).labels == ["0–1", "1–2.5×10¹²"]
    assert build_classes(np.array([1234.567, 9999.0]), [2000.5, 9999], 2).labels == [
        "1,234.5–2,000.5",
        "2,000.5–9,999.0",
    ]


def test_ends_of_one_legend_have_the_same_decimals_and_the_extremes_hold_all_values() -> None:
    skewed = np.array([0.0575, 3.0, 5.0, 8.0, 12.0, 30.0, 230.71])
    assert build_classes(skewed, [4.5, 9, 27, 230.71]).labels == [
        "0.0–4.5",
        "4.5–9.0",
        "9.0–27.0",
        "27.0–230.8",
    ]
    whole = np.array([0.462, 9.5, 20.0, 30.0, 192.6])
    assert build_classes(whole, [9, 25, 192.6]).labels == ["0–9", "9–25", "25–193"]
    apart = np.array([1e-6, 0.01, 1.0, 50_000.0])
    assert build_classes(apart, [0.022, 2.2, 50_000]).labels[1:] == ["0.022–2.2", "2.2–50,000"]


@pytest.mark.parametrize("n", [31, 36, 11])
def test_fifths_that_end_at_a_value_are_written_short_and_hold_what_they_held(n: int) -> None:
    # 31 provinces: each fifth ends at a province, which a bound rounded downwards would lose.
    values = np.random.default_rng(n).lognormal(size=n)
    classes = build_classes(values)
    exact = np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]), values)
    assert np.abs(np.bincount(classes.codes(values)) - np.bincount(exact)).max() == 0
    assert max(map(len, classes.labels)) <= len("0.123–0.456")


def test_ends_near_zero_are_written_as_the_others() -> None:
    small = np.linspace(-0.0025, 0.0026, 40)
    assert build_classes(small, [-0.001, -0.00045, 0.000056, 0.00081, 0.0026]).labels[1:4] == [
        "−0.001000 – −0.000450",
        "−0.000450 – 0.000056",
        "0.000056–0.000810",
    ]
    assert build_classes(np.array([1e-6, 4e-6, 9e-6]), [2e-6, 5e-6, 9e-6]).labels[1] == "2×10⁻⁶–5×10⁻⁶"
