"""Figures: what is drawn, by id, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_cases import IDS, points, said, slope
from matplotlib.collections import PathCollection
from small_font import register_font

from spatial import figures
from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.lisa import local_moran
from spatial.autocorrelation.panels import moran_panel
from spatial.autocorrelation.two_variables import bivariate_moran
from spatial.errors import AlignmentError, DataError
from spatial.figures.palette import COLORS
from spatial.panel.panel import Panel
from spatial.weights import Weights


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


# ---- Moran scatter
@pytest.mark.evidence("moran_scatter", source="the slope of the drawn line is Moran's I", kind="identity")
def test_scatter_slope_is_morans_i(weights: Weights, x: pd.Series) -> None:
    z = (x - x.mean()).to_numpy()
    expected = z @ (weights.sparse @ z) / (z @ z)
    axes = figures.moran_scatter(x, weights)
    assert slope(axes) == pytest.approx(expected, rel=1e-12)
    assert said(axes, "title") == "Moran scatter plot of income"
    signed = f"{expected:.3f}".replace("-", "−")
    assert said(axes, "subtitle") == f"Moran’s I = {signed}, n = 10"
    assert axes.get_xlabel() == "income (standardised)"
    assert axes.get_ylabel() == "Spatial lag of income"


def test_scatter_of_weights_that_do_not_sum_to_one_still_has_slope_i(weights: Weights, x: pd.Series) -> None:
    plain = figures.moran_scatter(x, weights)
    scaled = figures.moran_scatter(x, weights.scaled(7.0))
    assert slope(scaled) == pytest.approx(slope(plain), rel=1e-12)
    xy = points(scaled)
    fitted = np.polyfit(xy[:, 0], xy[:, 1], 1)
    assert fitted[0] == pytest.approx(slope(scaled), rel=1e-12)


def test_scatter_line_goes_through_the_means(x: pd.Series) -> None:
    star = np.zeros((10, 10))
    star[0, 1:] = star[1:, 0] = 1
    W = Weights.from_dense(star, IDS).row_standardized()
    axes = figures.moran_scatter(x, W)
    xy = points(axes)
    assert abs(xy[:, 1].mean()) > 0.1  # the lag's mean is not zero
    line = next(line for line in axes.lines if line.get_gid() == "moran-line")
    at_mean = np.interp(xy[:, 0].mean(), line.get_xdata(), line.get_ydata())
    assert at_mean == pytest.approx(xy[:, 1].mean(), rel=1e-9)


def test_scatter_has_one_scale_on_both_axes_and_draws_far_points_at_the_edge() -> None:
    n = 200
    ring = np.zeros((n, n))
    for i in range(n):
        ring[i, (i + 1) % n] = ring[i, (i - 1) % n] = 0.5
    x = pd.Series(np.linspace(0, 1, n), name="x")
    x.iloc[7] = 60.0
    axes = figures.moran_scatter(x, Weights.from_dense(ring))
    assert axes.get_aspect() == 1.0
    assert points(axes)[:, 0].max() == 8.0
    assert "Triangles at the edge: 1 beyond 8 standard deviations" in axes.figure.note


def test_scatter_does_not_depend_on_the_order_of_rows(weights: Weights, x: pd.Series) -> None:
    names = pd.Series([f"city {i}" for i in IDS], index=IDS)
    one = figures.moran_scatter(x, weights, labels=names)
    two = figures.moran_scatter(x.sample(frac=1, random_state=3), weights, labels=names[::-1])
    np.testing.assert_array_equal(points(one), points(two))
    assert sorted(t.get_text() for t in one.texts) == sorted(t.get_text() for t in two.texts)


def test_scatter_labels_only_outliers_by_name(weights: Weights) -> None:
    x = pd.Series([0.0] * 9 + [100.0], index=IDS, name="x")
    x += np.linspace(0, 1, 10)
    names = pd.Series([f"city {i}" for i in IDS], index=IDS)
    texts = {t.get_text() for t in figures.moran_scatter(x, weights, labels=names).texts}
    assert "city j" in texts
    assert "city d" not in texts
    assert {text.split(" (")[0] for text in texts} >= {"High-High", "Low-Low", "Low-High", "High-Low"}
    counts = [int(text.split("(")[1][:-1]) for text in texts if text.startswith(("High-", "Low-"))]
    assert sum(counts) == 10
    assert "j" in {t.get_text() for t in figures.moran_scatter(x, weights, labels=True).texts}


def test_scatter_of_a_result_reads_its_numbers(weights: Weights, x: pd.Series) -> None:
    z = (x - x.mean()) / x.std(ddof=0)
    lag = weights.lag(z)
    result = SimpleNamespace(z=z, lag=lag.sample(frac=1, random_state=1), I=float(z @ lag / (z @ z)))
    result.name, result.p_sim = "wage", 0.0421
    axes = figures.moran_scatter(result)
    signed = f"{result.I:.3f}".replace("-", "−")
    assert said(axes, "subtitle") == f"Moran’s I = {signed}, two-sided p = 0.042, n = 10"
    assert axes.get_xlabel() == "wage (standardised)"
    np.testing.assert_allclose(points(axes)[:, 1], lag.loc[z.index], rtol=1e-12)


def test_scatter_of_real_results(weights: Weights, x: pd.Series) -> None:
    result = moran(x, weights, permutations=0)
    axes = result.plot()
    assert slope(axes) == pytest.approx(result.I, rel=1e-12)
    assert f"p = {result.p_randomisation:.3f}" in said(axes, "subtitle")
    local = local_moran(x, weights, permutations=99, alpha=0.5)
    axes = local.plot()
    assert slope(axes) == pytest.approx(local.I, rel=1e-12)
    colors = [matplotlib.colors.to_hex(c) for c in axes.collections[0].get_facecolors()]
    significant = (local.frame["cluster"] != "not significant").to_numpy()
    # The grey ones are drawn first.
    assert [c != COLORS["dot"][0] for c in colors] == sorted(significant.tolist())
    assert sum(significant) > 0
    both = bivariate_moran(x, x.rename("crime") ** 2, weights, permutations=9).plot()
    assert (both.get_xlabel(), both.get_ylabel()) == ("income (standardised)", "Spatial lag of crime")


def test_moran_panel_is_drawn_as_it_comes(weights: Weights, panel: Panel) -> None:
    axes = figures.moran_over_time(moran_panel(panel, "x", weights, permutations=9))
    (dots,) = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert np.asarray(dots.get_offsets())[:, 0].tolist() == [1, 2, 3]


def test_scatter_colors_clusters_by_id(weights: Weights, x: pd.Series) -> None:
    cluster = pd.Series("not significant", index=IDS)
    cluster["c"] = "HH"
    local = SimpleNamespace(frame=pd.DataFrame({"cluster": cluster}).iloc[::-1])
    axes = figures.moran_scatter(x, weights, local=local)
    colors = [matplotlib.colors.to_hex(c) for c in axes.collections[0].get_facecolors()]
    (place,) = [k for k, color in enumerate(colors) if color == COLORS["HH"][0]]
    z = (x - x.mean()) / x.std(ddof=0)
    assert points(axes)[place, 0] == pytest.approx(z["c"])
    assert "Colours: local Moran, p ≤ 0.05" in axes.figure.note


def test_scatter_in_chinese(weights: Weights, x: pd.Series, tmp_path: Path) -> None:
    axes = figures.moran_scatter(x, weights, name="GDP", lang="zh")
    assert axes.get_ylabel() == "GDP的空间滞后"
    assert any(t.get_text().startswith("高-高 (") for t in axes.texts)
    figures.save_figure(axes, tmp_path / "a.svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"W": None}, "Values alone have no spatial lag"),
        ({"lang": "fr"}, "lang must be 'en' or 'zh'; got 'fr'"),
        ({"labels": ["a"]}, "labels must be a Series of names by id"),
        ({"ax": "here"}, "ax must be a matplotlib Axes; got str"),
        ({"at": 2000}, "column= and at= are for panels"),
    ],
)
def test_scatter_refusals(weights: Weights, x: pd.Series, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        figures.moran_scatter(x, **{"W": weights, **arguments})


def test_scatter_refuses_what_is_no_result_and_values_that_do_not_fit(weights: Weights, x: pd.Series) -> None:
    with pytest.raises(DataError, match=r"needs the result of moran\(\), or a Series and W; got ndarray"):
        figures.moran_scatter(x.to_numpy(), weights)
    with pytest.raises(DataError, match="must vary over the units; all 10 are 3"):
        figures.moran_scatter(pd.Series(3.0, index=IDS, name="x"), weights)
    with pytest.raises(DataError, match="NaN or infinity at 'b'"):
        figures.moran_scatter(x.mask(x.index == "b"), weights)
    with pytest.raises(AlignmentError, match="'j'"):
        figures.moran_scatter(x.drop("j"), weights)
    with pytest.raises(AlignmentError, match="these have none: 'a'"):
        figures.moran_scatter(x, weights, labels=pd.Series("n", index=IDS[1:]))
    local = SimpleNamespace(frame=pd.DataFrame({"cluster": "HH"}, index=IDS[:9]))
    with pytest.raises(AlignmentError, match="In the cities only: 'j'"):
        figures.moran_scatter(x, weights, local=local)


# ---- Moran through time
@pytest.mark.evidence("moran_over_time", source="what is drawn, point by point", kind="hand")
def test_moran_over_time_fills_significant_points_and_leaves_out_the_pooled_row() -> None:
    frame = pd.DataFrame(
        {
            "column": "x",
            "time": [2001, 2000, "pooled"],
            "I": [0.3, 0.2, 0.9],
            "p_sim": [0.01, 0.2, 0.01],
            "expected": -0.1,
        }
    )
    axes = figures.moran_over_time(frame, labels={"x": "income"})
    assert points(axes).tolist() == [[2000, 0.2], [2001, 0.3]]
    assert axes.collections[0].get_facecolors()[0].tolist() == [1, 1, 1, 1]
    assert axes.collections[0].get_facecolors()[1].tolist() != [1, 1, 1, 1]
    assert [t.get_text() for t in axes.texts] == ["expected by chance", "income 0.30"]
    assert axes.get_legend() is None
    assert axes.get_ylim()[0] <= 0 <= axes.get_ylim()[1]
    assert "Filled: permutation p ≤ 0.05" in axes.figure.note
    assert "Pooled over the years, deviations from each year’s mean: I = 0.900" in axes.figure.note


def test_moran_over_time_shades_what_chance_gives(weights: Weights, panel: Panel) -> None:
    frame = moran_panel(panel, "x", weights, permutations=0)
    axes = figures.moran_over_time(frame)
    (band,) = [c for c in axes.collections if c.get_gid() == "band"]
    years = frame[frame["time"] != "pooled"]
    reach = 1.96 * np.sqrt(years["variance_randomisation"].astype(float))
    ends = band.get_paths()[0].vertices
    assert ends[:, 1].max() == pytest.approx((years["expected"] + reach).max())
    assert ends[:, 1].min() == pytest.approx((years["expected"] - reach).min())


def test_words_at_the_ends_of_lines_do_not_overlap() -> None:
    rows = [{"column": c, "time": t, "I": 0.3 + 0.001 * k} for k, c in enumerate("abc") for t in (1, 2)]
    axes = figures.moran_over_time(pd.DataFrame(rows))
    axes.figure.draw_without_rendering()
    boxes = sorted((t.get_window_extent() for t in axes.texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in itertools.pairwise(boxes))


def test_moran_over_time_needs_its_columns() -> None:
    with pytest.raises(DataError, match=r"moran_over_time needs the column 'I'\..*It has: 'column', 'time'"):
        figures.moran_over_time(pd.DataFrame({"column": ["x"], "time": [1]}))
    with pytest.raises(DataError, match="needed as a DataFrame; got list"):
        figures.moran_over_time([1])
    with pytest.raises(DataError, match="has no rows"):
        figures.moran_over_time(pd.DataFrame({"column": [], "time": [], "I": []}))


# ---- estimates


@pytest.mark.evidence("density_ridges", source="one curve a time", kind="hand")
def test_ridges_by_time(panel: Panel) -> None:
    axes = figures.density_ridges(panel, "x")
    assert [t.get_text() for t in axes.get_yticklabels()] == ["3", "2", "1"]
    assert axes.get_xlabel() == "income per head"
    assert len(axes.collections) == 3
    assert len(figures.density_ridges(panel, "x", [1, 3], bandwidth=0.5).collections) == 2


def test_ridge_refusals(panel: Panel) -> None:
    with pytest.raises(DataError, match="no column 'y'"):
        figures.density_ridges(panel, "y")
    with pytest.raises(DataError, match="no time 9; it has 1, 2, 3"):
        figures.density_ridges(panel, "x", [9])
    with pytest.raises(DataError, match="bandwidth must be positive; got -1"):
        figures.density_ridges(panel, "x", bandwidth=-1)
    with pytest.raises(DataError, match="must vary; all 30 values are 1"):
        figures.density_ridges(panel.with_columns(x=1.0), "x")
    with pytest.raises(DataError, match="fewer than two numbers at 1, 2, 3"):
        figures.density_ridges(panel.with_columns(x=np.nan), "x")
    with pytest.raises(DataError, match="A Panel is needed"):
        figures.density_ridges(pd.DataFrame(), "x")


@pytest.mark.evidence("neighbour_histogram", source="bars of a small map", kind="hand")
def test_histogram_counts_neighbours(weights: Weights) -> None:
    cut = weights.subset(["a", "b", "c", "f"], islands="keep")
    axes = figures.neighbour_histogram(cut)
    assert [(round(b.get_x() + b.get_width() / 2), b.get_height()) for b in axes.patches] == [
        (0, 1),
        (1, 2),
        (2, 1),
    ]
    assert said(axes, "subtitle") == "Mean 1.00; 1 without neighbours"
    assert said(axes, "title") == "Neighbours of 4 units"
    assert figures.neighbour_histogram(weights.to_graph()).patches[0].get_height() == 10


@pytest.mark.evidence(
    "reference_distribution", source="bars sum to the permutations; the darker ones are p", kind="identity"
)
def test_the_reference_distribution_of_any_permutation_test(weights: Weights, x: pd.Series) -> None:
    result = moran(x, weights, permutations=199)
    axes = figures.reference_distribution(result)
    bars = axes.patches
    assert sum(bar.get_height() for bar in bars[: len(bars) // 2]) == 199
    (line,) = [line for line in axes.lines if line.get_gid() == "observed"]
    assert line.get_xdata()[0] == pytest.approx(result.I)
    assert "199 permutations" in axes.figure.note
    # The darker bars are what the p-value counts: p = (count + 1) / (permutations + 1).
    one_sided = moran(x, weights, permutations=199, alternative="greater")
    axes = figures.reference_distribution(one_sided)
    darker = sum(bar.get_height() for bar in axes.patches[len(axes.patches) // 2 :])
    assert darker == int((one_sided.simulated >= one_sided.I).sum())


def test_the_reference_distribution_of_one_unit(weights: Weights, x: pd.Series) -> None:
    local = local_moran(x, weights, permutations=99, keep_simulations=True)
    axes = figures.reference_distribution(local, unit="c", lang="zh")
    (line,) = [line for line in axes.lines if line.get_gid() == "observed"]
    assert line.get_xdata()[0] == pytest.approx(local.frame.loc["c", "Ii"])
    assert said(axes, "title") == "income, c的参考分布"
    with pytest.raises(DataError, match="The result has no unit 'zz'; it has 'a', 'b'"):
        figures.reference_distribution(local, unit="zz")
    with pytest.raises(
        DataError, match="does not keep its permutations: repeat it with keep_simulations=True"
    ):
        figures.reference_distribution(local_moran(x, weights, permutations=9), unit="c")
    with pytest.raises(DataError, match="has no permutations of one statistic: repeat the test with"):
        figures.reference_distribution(moran(x, weights, permutations=0))


# ---- scatter plots of a panel
def test_a_panel_has_a_scatter_plot_for_each_year_and_one_of_all(weights: Weights, panel: Panel) -> None:
    frame = moran_panel(panel, "x", weights, permutations=19).set_index("time")
    axes = figures.moran_scatter(panel, weights, column="x", permutations=19)
    assert [small.get_title(loc="left").split()[0] for small in axes.child_axes] == ["1", "2", "3"]
    for time, small in zip((1, 2, 3), axes.child_axes, strict=True):
        assert slope(small) == pytest.approx(frame.loc[time, "I"], rel=1e-12)
        assert f"p = {frame.loc[time, 'p_sim']:.3f}" in small.get_title(loc="left")
    assert len({small.get_xlim() for small in axes.child_axes}) == 1
    pooled = figures.moran_scatter(panel, weights, column="x", at="pooled", permutations=19)
    assert slope(pooled) == pytest.approx(frame.loc["pooled", "I"], rel=1e-12)
    xy = points(pooled)
    assert len(xy) == 30
    assert np.polyfit(*xy.T, 1)[0] == pytest.approx(frame.loc["pooled", "I"], rel=1e-9)
    assert said(pooled, "subtitle").startswith("Pooled: Moran’s I = ")
    one = figures.moran_scatter(panel, weights, column="x", at=2, permutations=19, lang="zh")
    assert slope(one) == pytest.approx(frame.loc[2, "I"], rel=1e-12)
    assert (
        len(figures.moran_scatter(panel, weights, column="x", at=[1, "pooled"], permutations=0).child_axes)
        == 2
    )
    with pytest.raises(DataError, match=r"The panel has no time 9\. It has 1, 2, 3; or 'all', or 'pooled'"):
        figures.moran_scatter(panel, weights, column="x", at=9)
    with pytest.raises(DataError, match="needs the weights and a column"):
        figures.moran_scatter(panel, weights)
