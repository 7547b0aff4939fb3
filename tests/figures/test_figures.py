"""Figures: what is drawn, by id, and what is refused."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from small_font import register_font

from spatial import figures
from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.lisa import local_moran
from spatial.autocorrelation.panels import moran_panel
from spatial.autocorrelation.two_variables import bivariate_moran
from spatial.errors import AlignmentError, DataError
from spatial.figures.palette import COLORS, theme
from spatial.figures.style.labels import place_labels
from spatial.panel.panel import Panel
from spatial.weights import Weights

IDS = list("abcdefghij")
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True, scope="module")
def chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_font(tmp_path_factory.getbasetemp())


@pytest.fixture
def weights() -> Weights:
    matrix = np.zeros((10, 10))
    for i in range(10):
        matrix[i, (i + 1) % 10] = matrix[i, (i - 1) % 10] = 0.5
    return Weights.from_dense(matrix, IDS)


@pytest.fixture
def x() -> pd.Series:
    return pd.Series(RNG.permutation(np.arange(10.0) ** 2), index=IDS, name="income")


def points(axes: Any) -> np.ndarray:
    return np.asarray(axes.collections[0].get_offsets())


def slope(axes: Any) -> float:
    line = next(line for line in axes.lines if line.get_gid() == "moran-line")
    return float(np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0])


def said(axes: Any, gid: str) -> str:
    texts = [t.get_text() for t in axes.figure.texts if t.get_gid() == gid]
    return " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")


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
def tidy(terms: list[Any], shift: float = 0.0, **more: Any) -> pd.DataFrame:
    estimate = np.arange(len(terms), dtype=float) + shift
    return pd.DataFrame(
        {"term": terms, "estimate": estimate, "conf_low": estimate - 1, "conf_high": estimate + 2, **more}
    )


def intervals(axes: Any, name: str = "") -> list[list[float]]:
    """Return each bar's ends."""
    (bars,) = [c for c in axes.collections if c.get_gid() == f"intervals {name}".strip()]
    return [[float(end[0]) for end in segment] for segment in bars.get_segments()]


def estimates(axes: Any, name: str = "") -> np.ndarray:
    (dots,) = [c for c in axes.collections if c.get_gid() == f"estimates {name}".strip()]
    return np.asarray(dots.get_offsets())


@pytest.mark.evidence("coefficient_plot", source="what is drawn, interval by interval", kind="hand")
def test_coefficients_stand_in_their_rows_with_their_intervals() -> None:
    axes = figures.coefficient_plot(
        {"queen": tidy(["Intercept", "x", "z"]), "knn": tidy(["z"], 5.0)}, labels={"x": "police"}
    )
    assert [t.get_text() for t in axes.get_yticklabels()] == ["police", "z"]
    assert estimates(axes, "queen")[:, 0].tolist() == [1.0, 2.0]
    assert intervals(axes, "queen") == [[0.0, 3.0], [1.0, 4.0]]
    assert estimates(axes, "knn")[:, 0].tolist() == [5.0]
    assert np.round(estimates(axes, "knn")[:, 1]).tolist() == [1.0]  # the row of z
    (dots,) = [c for c in axes.collections if c.get_gid() == "estimates queen"]
    filled = [color.tolist() != [1, 1, 1, 1] for color in dots.get_facecolors()]
    assert filled == [False, True]  # [0, 3] holds zero
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["queen", "knn"]


def test_coefficients_take_results_and_one_equation_of_a_system() -> None:
    system = pd.concat([tidy(["x"]).assign(equation="y1"), tidy(["x"], 3.0).assign(equation="y2")])
    fit = SimpleNamespace(tidy=lambda: system)
    axes = figures.coefficient_plot(fit, equation="y2")
    assert estimates(axes)[:, 0].tolist() == [3.0]
    assert said(axes, "title") == "Equation of y2"
    with pytest.raises(DataError, match=r"several of equation: 'y1', 'y2'\. Choose one with equation="):
        figures.coefficient_plot(fit)
    with pytest.raises(DataError, match="No equation 'y3'"):
        figures.coefficient_plot(fit, equation="y3")


def test_coefficient_refusals() -> None:
    with pytest.raises(DataError, match="No fit has the term 'zz'"):
        figures.coefficient_plot(tidy(["x"]), terms=["zz"])
    with pytest.raises(DataError, match="needs at least one fit"):
        figures.coefficient_plot({})
    with pytest.raises(DataError, match=r"must be a result with tidy\(\)"):
        figures.coefficient_plot(3)
    with pytest.raises(DataError, match="must give a DataFrame; it gave list"):
        figures.coefficient_plot(SimpleNamespace(tidy=lambda: [1]))
    with pytest.raises(DataError, match="needs the column 'conf_low'"):
        figures.coefficient_plot(tidy(["x"]).drop(columns="conf_low"))


@pytest.mark.evidence("impacts_plot", source="what is drawn, effect by effect", kind="hand")
def test_impacts_in_order_and_by_outcome() -> None:
    frame = pd.concat([tidy(["x", "z"], k, effect=e) for k, e in enumerate(("total", "direct", "indirect"))])
    axes = figures.impacts_plot(frame, lang="zh")
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["直接效应", "间接效应", "总效应"]
    assert estimates(axes, "直接效应")[:, 0].tolist() == [1.0, 2.0]
    two = pd.concat([frame.assign(outcome="a"), frame.assign(outcome="b")])
    one = figures.impacts_plot(two, outcome="b", labels={"b": "crime"})
    assert len([c for c in one.collections if str(c.get_gid()).startswith("estimates")]) == 3
    assert said(one, "title") == "Effects on crime"
    with pytest.raises(DataError, match="several of outcome"):
        figures.impacts_plot(two)
    with pytest.raises(DataError, match="Effects must be among direct, indirect, total; got 'short'"):
        figures.impacts_plot(frame.assign(effect="short"))


def test_terms_of_unlike_scale_get_panels_of_their_own() -> None:
    frame = tidy(["a", "b", "c", "d"])
    frame.loc[2:, "conf_low"] -= 40.0
    frame.loc[2:, "conf_high"] += 40.0
    axes = figures.coefficient_plot(frame)
    assert [[t.get_text() for t in small.get_yticklabels()] for small in axes.child_axes] == [
        ["a", "b"],
        ["c", "d"],
    ]
    assert "Panels have their own scales" in axes.figure.note
    given = figures.coefficient_plot(frame, ax=Figure().subplots())
    assert given.child_axes == []


@pytest.mark.evidence("event_study_plot", source="what is drawn, time by time", kind="hand")
def test_event_study_is_ordered_and_shows_the_reference() -> None:
    frame = tidy([1, -2, 0]).rename(columns={"term": "time"})
    axes = figures.event_study_plot(frame)
    assert estimates(axes)[:, 0].tolist() == [-2, 0, 1]
    assert [line.get_xdata() for line in axes.lines if line.get_gid() == "reference"] == [[-1.0]]
    (path,) = [line for line in axes.lines if line.get_gid() == "path"]
    assert path.get_xdata().tolist() == [-2, -1, 0, 1]
    assert path.get_ydata()[1] == 0
    assert "Base period −1 (hollow)" in axes.figure.note
    there = figures.event_study_plot(frame, reference=None)
    assert not [line for line in there.lines if line.get_gid() == "reference"]


def test_event_studies_stand_side_by_side_with_simultaneous_caps() -> None:
    frame = tidy([-2, 0, 1]).rename(columns={"term": "time"})
    banded = frame.assign(band_low=frame["conf_low"] - 1, band_high=frame["conf_high"] + 1)
    axes = figures.event_study_plot({"own": banded, "neighbours": frame}, label="Effect on output")
    one, two = (c for c in axes.collections if c.get_gid() == "estimates")
    assert (np.asarray(two.get_offsets()) - np.asarray(one.get_offsets()))[0].tolist() == pytest.approx(
        [0.24, 0]
    )
    caps = [c for c in axes.collections if c.get_gid() == "simultaneous"]
    assert np.asarray(caps[1].get_offsets())[:, 1].tolist() == banded["band_high"].tolist()
    assert [t.get_text() for t in axes.texts] == ["own 2.00", "neighbours 2.00"]
    assert "caps: simultaneous" in axes.figure.note
    with pytest.raises(DataError, match="one to three studies side by side; got 0"):
        figures.event_study_plot({})
    frame = tidy([1, -2, 0]).rename(columns={"term": "time"})
    with pytest.raises(DataError, match="one estimate for each time; these repeat: 1"):
        figures.event_study_plot(pd.concat([frame, frame.head(1)]))


# ---- distributions
@pytest.fixture
def panel() -> Panel:
    rows = [(i, t, RNG.normal() + t) for i in IDS for t in (1, 2, 3)]
    frame = pd.DataFrame(rows, columns=["city", "year", "x"])
    return Panel.from_frame(frame, unit="city", time="year", labels={"x": "income per head"})


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


# ---- with distance
def test_correlograms_draw_their_bands_and_pairs() -> None:
    frame = pd.DataFrame(
        {
            "low": [100.0, 0.0],
            "high": [200.0, 100.0],
            "I": [0.1, 0.4],
            "p_sim": [0.3, 0.01],
            "pairs": [90, 50],
            "conf_low": [-0.1, -0.2],
            "conf_high": [0.1, 0.2],
        }
    )
    axes = figures.correlogram_plot(frame)
    (dots,) = [c for c in axes.collections if isinstance(c, PathCollection)]
    assert np.asarray(dots.get_offsets()).tolist() == [[50.0, 0.4], [150.0, 0.1]]
    assert [color.tolist() == [1, 1, 1, 1] for color in dots.get_facecolors()] == [False, True]
    assert len([c for c in axes.collections if c.get_gid() == "band"]) == 1
    heights = [bar.get_height() for bar in axes.patches]
    assert heights[0] / heights[1] == pytest.approx(50 / 90)
    assert "Bars: numbers of pairs" in axes.figure.note
    moments = frame.drop(columns=["conf_low", "conf_high"]).assign(expected=-0.1, std_error=0.05)
    by_moments = figures.correlogram_plot(moments)
    (band,) = [c for c in by_moments.collections if c.get_gid() == "band"]
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(-0.1 + 1.96 * 0.05)
    assert "by their exact variance" in by_moments.figure.note
    with pytest.raises(DataError, match="one value for each distance; these repeat: 50"):
        figures.correlogram_plot(pd.concat([frame, frame.tail(1)]))
    with pytest.raises(DataError, match="correlogram_plot needs the column 'estimate'"):
        figures.correlogram_plot(frame.drop(columns="I"))
    with pytest.raises(DataError, match=r"needs a result with tidy\(\), or such a frame; got int"):
        figures.correlogram_plot(3)


def test_sweeps_name_the_band_of_the_largest_statistic() -> None:
    frame = pd.DataFrame({"distance": [300, 100, 200], "z_value": [3.0, 2.0, 4.0]})
    axes = figures.sweep_plot(frame, lang="zh")
    assert [t.get_text() for t in axes.texts] == ["200 千米"]
    assert axes.lines[1].get_xdata().tolist() == [100, 200, 300]


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


# ---- what all figures share
def test_words_stand_round_the_figure_inside_its_edges(weights: Weights, x: pd.Series) -> None:
    axes = figures.moran_scatter(
        x,
        weights,
        title="A title that is long enough to be broken into two lines, as titles of papers often are",
        subtitle="A subtitle",
        note="A note. " * 30,
    )
    figure = axes.figure
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.texts]
    assert min(box.x0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.x1
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    inner = axes.get_tightbbox()
    assert not any(box.overlaps(inner) for box in boxes)
    assert figure.alt.endswith("as titles of papers often are. A subtitle")


def test_titles_can_be_left_to_the_journal(weights: Weights, x: pd.Series) -> None:
    axes = figures.moran_scatter(x, weights, titles=False)
    assert axes.figure.texts == []
    assert axes.figure.note.startswith("Note: Both axes in standard deviations")
    given = figures.moran_scatter(x, weights, ax=Figure().subplots())
    assert given.get_title(loc="left") == "Moran scatter plot of income"
    assert any(t.get_gid() == "subtitle" for t in given.texts)


def test_files_hold_truetype_fonts_text_and_the_alternative_text(
    weights: Weights, x: pd.Series, tmp_path: Path
) -> None:
    axes = figures.moran_scatter(x, weights)
    pdf = figures.save_figure(axes, tmp_path / "a.pdf").read_bytes()
    assert b"/Subtype /Type3" not in pdf
    assert b"/FontFile2" in pdf
    svg = figures.save_figure(axes, tmp_path / "a.svg").read_text()
    assert ">Moran scatter plot of income</text>" in svg
    assert "Moran scatter plot of income. Moran’s I" in svg  # the description
    from PIL import Image

    with Image.open(figures.save_figure(axes, tmp_path / "a.png")) as image:
        assert image.info["Description"] == axes.figure.alt
        assert image.info["dpi"][0] == pytest.approx(300, abs=0.1)


def test_figures_are_drawn_on_dark_paper_too(weights: Weights, x: pd.Series) -> None:
    with theme("dark"):
        axes = figures.moran_scatter(x, weights)
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == COLORS["paper"][1]
    assert matplotlib.colors.to_hex(axes.figure.get_facecolor()) == COLORS["paper"][1]
    assert matplotlib.colors.to_hex(axes.figure.texts[0].get_color()) == COLORS["ink"][1]


def test_axes_given_are_used_and_nothing_is_left_in_pyplot(weights: Weights, x: pd.Series) -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    mine = Figure().subplots()
    assert figures.moran_scatter(x, weights, ax=mine) is mine
    figures.moran_scatter(x, weights)
    assert plt.get_fignums() == before
    assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]


@pytest.mark.evidence("save_figure", source="equal figures are equal bytes in three formats", kind="identity")
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_equal_figures_are_equal_files(weights: Weights, x: pd.Series, tmp_path: Path, suffix: str) -> None:
    paths = [
        figures.save_figure(figures.moran_scatter(x, weights), tmp_path / f"{k}{suffix}", dpi=60)
        for k in "ab"
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_unknown_formats_are_refused(weights: Weights, x: pd.Series, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"written as one of .*\.pdf.*\.png.*; got .*map\.docx"):
        figures.save_figure(figures.moran_scatter(x, weights), tmp_path / "map.docx")


def test_labels_never_overlap_and_are_left_out_where_there_is_no_room() -> None:
    axes = Figure(figsize=(3, 3)).subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    crowd = np.full((80, 2), 0.5) + RNG.normal(scale=0.02, size=(80, 2))
    placed = place_labels(axes, crowd, [f"label {k}" for k in range(80)])
    axes.figure.draw_without_rendering()
    boxes = [matplotlib.text.Text.get_window_extent(label) for label in placed]
    assert 2 <= len(placed) < 80
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])


def test_labels_with_markup_are_drawn_as_text(tmp_path: Path) -> None:
    axes = Figure().subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    place_labels(axes, np.array([[0.5, 0.5]]), [r"$\frac{$ <b> %"])
    axes.figure.savefig(tmp_path / "a.png")
    assert axes.texts[0].get_text() == r"$\frac{$ <b> %"


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    figures_and_maps = "spatial.figures.autocorrelation.scatter, spatial.figures.estimates, spatial.maps.maps"
    rooms = f"{figures_and_maps}, spatial.gis.layers"
    code = f"import {rooms}, sys; print(sorted(HEAVY & set(sys.modules)))"
    heavy = {"matplotlib", "mapclassify", "libpysal", "numba"}
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {heavy}; {code}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
