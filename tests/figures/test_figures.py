"""Figures: what is drawn, by id, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from small_font import register_font

from spatial import figures
from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.lisa import local_moran
from spatial.autocorrelation.panels import moran_panel
from spatial.autocorrelation.two_variables import bivariate_moran
from spatial.errors import AlignmentError, DataError
from spatial.figures.labels import place_labels
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
    line = next(line for line in axes.lines if line.get_color() == "#202020")
    return float(line.get_ydata()[1] / line.get_xdata()[1])


# ---- Moran scatter
def test_scatter_slope_is_morans_i(weights: Weights, x: pd.Series) -> None:
    z = (x - x.mean()).to_numpy()
    expected = z @ (weights.sparse @ z) / (z @ z)
    axes = figures.moran_scatter(x, weights)
    assert slope(axes) == pytest.approx(expected, rel=1e-12)
    assert axes.get_title(loc="left") == f"Moran's I = {expected:.3f}"
    assert axes.get_xlabel() == "income (standardised)"
    assert axes.get_ylabel() == "Spatial lag of income"


def test_scatter_of_weights_that_do_not_sum_to_one_still_has_slope_i(weights: Weights, x: pd.Series) -> None:
    plain = figures.moran_scatter(x, weights)
    scaled = figures.moran_scatter(x, weights.scaled(7.0))
    assert slope(scaled) == pytest.approx(slope(plain), rel=1e-12)
    xy = points(scaled)
    fitted = xy[:, 0] @ xy[:, 1] / (xy[:, 0] @ xy[:, 0])
    assert fitted == pytest.approx(slope(scaled), rel=1e-12)


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
    assert {"High-High", "Low-Low", "Low-High", "High-Low"} <= texts
    assert "j" in {t.get_text() for t in figures.moran_scatter(x, weights, labels=True).texts}


def test_scatter_of_a_result_reads_its_numbers(weights: Weights, x: pd.Series) -> None:
    z = (x - x.mean()) / x.std(ddof=0)
    lag = weights.lag(z)
    result = SimpleNamespace(z=z, lag=lag.sample(frac=1, random_state=1), I=float(z @ lag / (z @ z)))
    result.name, result.p_sim = "wage", 0.0421
    axes = figures.moran_scatter(result)
    assert axes.get_title(loc="left") == f"Moran's I = {result.I:.3f}, p = 0.042"
    assert axes.get_xlabel() == "wage (standardised)"
    np.testing.assert_allclose(points(axes)[:, 1], lag.loc[z.index], rtol=1e-12)


def test_scatter_of_real_results(weights: Weights, x: pd.Series) -> None:
    result = moran(x, weights, permutations=0)
    axes = result.plot()
    assert slope(axes) == pytest.approx(result.I, rel=1e-12)
    assert axes.get_title(loc="left") == f"Moran's I = {result.I:.3f}, p = {result.p_randomisation:.3f}"
    local = local_moran(x, weights, permutations=99, alpha=0.5)
    axes = local.plot()
    assert slope(axes) == pytest.approx(local.I, rel=1e-12)
    colors = [matplotlib.colors.to_hex(c) for c in axes.collections[0].get_facecolors()]
    significant = local.frame["cluster"] != "not significant"
    assert [c != "#bdbdbd" for c in colors] == significant.tolist()
    both = bivariate_moran(x, x.rename("crime") ** 2, weights, permutations=9).plot()
    assert (both.get_xlabel(), both.get_ylabel()) == ("income (standardised)", "Spatial lag of crime")


def test_moran_panel_is_drawn_as_it_comes(weights: Weights, panel: Panel) -> None:
    axes = figures.moran_over_time(moran_panel(panel, "x", weights, permutations=9))
    assert points(axes)[:, 0].tolist() == [1, 2, 3]


def test_scatter_colors_clusters_by_id(weights: Weights, x: pd.Series) -> None:
    cluster = pd.Series("not significant", index=IDS)
    cluster["c"] = "HH"
    local = SimpleNamespace(frame=pd.DataFrame({"cluster": cluster}).iloc[::-1])
    axes = figures.moran_scatter(x, weights, local=local)
    colors = [matplotlib.colors.to_hex(c) for c in axes.collections[0].get_facecolors()]
    assert [i for i, color in zip(IDS, colors, strict=True) if color == "#960f29"] == ["c"]


def test_scatter_in_chinese(weights: Weights, x: pd.Series, tmp_path: Path) -> None:
    axes = figures.moran_scatter(x, weights, name="GDP", lang="zh")
    assert axes.get_ylabel() == "GDP的空间滞后"
    assert "高-高" in {t.get_text() for t in axes.texts}
    figures.save_figure(axes, tmp_path / "a.svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"W": None}, "Values alone have no spatial lag"),
        ({"lang": "fr"}, "lang must be 'en' or 'zh'; got 'fr'"),
        ({"labels": ["a"]}, "labels must be a Series of names by id"),
        ({"ax": "here"}, "ax must be a matplotlib Axes; got str"),
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
    words = [t.get_text() for t in axes.get_legend().get_texts()]
    assert words == [
        "income",
        "Expected without autocorrelation",
        "p ≤ 0.05",
        "Not significant (p > 0.05)",
    ]


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


def interval(container: Any) -> list[list[float]]:
    """Return each bar's ends."""
    (bars,) = container[2]
    return [[float(p[0]) for p in segment] for segment in bars.get_segments()]


def test_coefficients_stand_in_their_rows_with_their_intervals() -> None:
    axes = figures.coefficient_plot(
        {"queen": tidy(["Intercept", "x", "z"]), "knn": tidy(["z"], 5.0)}, labels={"x": "police"}
    )
    assert [t.get_text() for t in axes.get_yticklabels()] == ["police", "z"]
    first, second = axes.containers
    assert first[0].get_xdata().tolist() == [1.0, 2.0]
    assert interval(first) == [[0.0, 3.0], [1.0, 4.0]]
    assert second[0].get_xdata().tolist() == [5.0]
    assert np.round(second[0].get_ydata()).tolist() == [1.0]  # the row of z
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["queen", "knn"]


def test_coefficients_take_results_and_one_equation_of_a_system() -> None:
    system = pd.concat([tidy(["x"]).assign(equation="y1"), tidy(["x"], 3.0).assign(equation="y2")])
    fit = SimpleNamespace(tidy=lambda: system)
    axes = figures.coefficient_plot(fit, equation="y2")
    assert axes.containers[0][0].get_xdata().tolist() == [3.0]
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


def test_impacts_in_order_and_by_outcome() -> None:
    frame = pd.concat([tidy(["x", "z"], k, effect=e) for k, e in enumerate(("total", "direct", "indirect"))])
    axes = figures.impacts_plot(frame, lang="zh")
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["直接效应", "间接效应", "总效应"]
    assert axes.containers[0][0].get_xdata().tolist() == [1.0, 2.0]
    two = pd.concat([frame.assign(outcome="a"), frame.assign(outcome="b")])
    assert len(figures.impacts_plot(two, outcome="b").containers) == 3
    with pytest.raises(DataError, match="several of outcome"):
        figures.impacts_plot(two)
    with pytest.raises(DataError, match="Effects must be among direct, indirect, total; got 'short'"):
        figures.impacts_plot(frame.assign(effect="short"))


def test_event_study_is_ordered_and_shows_the_reference() -> None:
    frame = tidy([1, -2, 0]).rename(columns={"term": "time"})
    axes = figures.event_study_plot(frame)
    before, after = axes.containers
    assert before[0].get_xdata().tolist() == [-2]
    assert after[0].get_xdata().tolist() == [0, 1]
    assert [line.get_xdata().tolist() for line in axes.lines if line.get_gid() == "reference"] == [[-1]]
    there = figures.event_study_plot(frame, reference=None)
    assert not [line for line in there.lines if line.get_gid() == "reference"]
    with pytest.raises(DataError, match="one estimate for each time; these repeat: 1"):
        figures.event_study_plot(pd.concat([frame, frame.head(1)]))


# ---- distributions
@pytest.fixture
def panel() -> Panel:
    rows = [(i, t, RNG.normal() + t) for i in IDS for t in (1, 2, 3)]
    frame = pd.DataFrame(rows, columns=["city", "year", "x"])
    return Panel.from_frame(frame, unit="city", time="year", labels={"x": "income per head"})


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


def test_histogram_counts_neighbours(weights: Weights) -> None:
    cut = weights.subset(["a", "b", "c", "f"], islands="keep")
    axes = figures.neighbour_histogram(cut)
    assert [(round(b.get_x() + b.get_width() / 2), b.get_height()) for b in axes.patches] == [
        (0, 1),
        (1, 2),
        (2, 1),
    ]
    assert axes.get_title(loc="left") == "Mean 1.00; 1 without neighbours"
    assert figures.neighbour_histogram(weights.to_graph()).patches[0].get_height() == 10


# ---- what all figures share
def test_axes_given_are_used_and_nothing_is_left_in_pyplot(weights: Weights, x: pd.Series) -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    mine = Figure().subplots()
    assert figures.moran_scatter(x, weights, ax=mine) is mine
    figures.moran_scatter(x, weights)
    assert plt.get_fignums() == before
    assert matplotlib.rcParams["font.size"] == matplotlib.rcParamsDefault["font.size"]


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
    rooms = "spatial.figures.scatter, spatial.figures.estimates, spatial.maps.maps, spatial.gis.layers"
    code = f"import {rooms}, sys; print(sorted(HEAVY & set(sys.modules)))"
    heavy = {"matplotlib", "mapclassify", "libpysal", "numba", "bokeh"}
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {heavy}; {code}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
