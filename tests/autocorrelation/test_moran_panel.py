"""Moran's I of panels: years, the pooled row, trajectories; units of measurement."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from lattice import grid

from spatial.autocorrelation.global_geary import geary
from spatial.autocorrelation.global_getis import general_g
from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.hot_spots import getis_ord
from spatial.autocorrelation.lisa import local_moran
from spatial.autocorrelation.moments import (
    build_constants,
    moran_moments,
    trajectory_moments,
)
from spatial.autocorrelation.panels import moran_panel
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.panel.panel import Panel
from spatial.weights import Weights

CLOSE: dict[str, float] = {"rel": 1e-10, "abs": 1e-12}


# ---- panels
def panel_of(x: pd.Series[float], years: int = 3) -> Panel:
    rng = np.random.default_rng(4)
    parts = [
        pd.DataFrame(
            {"city": x.index, "year": 2000 + t, "x": x.to_numpy() * (t + 1) + rng.normal(size=len(x))}
        )
        for t in range(years)
    ]
    return Panel.from_frame(pd.concat(parts), unit="city", time="year")


def test_panel_rows_are_those_of_each_year() -> None:
    x, W = grid(6)
    panel = panel_of(x)
    table = moran_panel(panel, "x", W, permutations=99, seed=5)
    assert list(table["time"]) == [2000, 2001, 2002, "pooled"]
    for row in table.iloc[:3].itertuples():
        result = moran(panel.at(row.time)["x"], W, permutations=99, seed=5)
        assert (row.I, row.p_sim, row.z_normality) == (result.I, result.p_sim, result.z_normality)
    assert list(table["n"]) == [36, 36, 36, 108]


@pytest.mark.evidence("moran_panel", source="Moran's I with block-diagonal weights", kind="identity")
@pytest.mark.parametrize("center", ["within", "overall"])
@pytest.mark.parametrize("missing", [False, True])
def test_the_pooled_row_is_moran_with_stacked_weights(missing: bool, center: Any) -> None:
    x, W = grid(6)
    panel = panel_of(x)
    if missing:
        values = panel.frame["x"].copy()
        values.iloc[[5, 40]] = np.nan
        panel = panel.with_columns(x=values)
    table = moran_panel(panel, "x", W, permutations=19, missing="drop", center=center)
    blocks, stacked = [], []
    for t in panel.times:
        one = panel.at(t)["x"].dropna()
        cut = W.subset(one.index)
        blocks.append((cut.row_standardized() if missing else cut).sparse)
        stacked.append((one - (one.mean() if center == "within" else 0.0)).to_numpy())
    whole = moran(
        np.concatenate(stacked), Weights.from_sparse(sparse.block_diag(blocks, format="csr")), permutations=0
    )
    pooled = table.iloc[-1]
    assert pooled["I"] == pytest.approx(whole.I, rel=1e-10)
    assert pooled["n"] == whole.n
    assert table.attrs["center"] == center
    assert ("differences between years count" in table.attrs["pooled"]) == (center == "overall")
    assert np.isnan(pooled["p_randomisation"]) == missing
    assert 0 < pooled["p_sim"] <= 1


@pytest.mark.parametrize("diagonal", [0.0, 0.5])
@pytest.mark.parametrize("center", ["within", "overall"])
def test_pooled_moments_are_those_of_all_720_arrangements_of_trajectories(
    diagonal: float, center: str
) -> None:
    rng = np.random.default_rng(1)
    W = rng.random((6, 6)) * (rng.random((6, 6)) < 0.5)
    np.fill_diagonal(W, diagonal * rng.random(6))
    Z = rng.exponential(size=(6, 3)) @ rng.normal(size=(3, 3))
    Z -= Z.mean(axis=0) if center == "within" else Z.mean()
    every = [np.einsum("it,ij,jt", Z[list(p)], W, Z[list(p)]) for p in itertools.permutations(range(6))]
    mean, variance, _, _ = trajectory_moments(Z, build_constants(sparse.csr_array(W)))
    assert mean == pytest.approx(np.mean(every), rel=1e-12)
    assert variance == pytest.approx(np.var(every), rel=1e-9)


def test_pooled_normality_moments_are_those_of_rotated_trajectories() -> None:
    rng = np.random.default_rng(2)
    W = rng.random((6, 6)) * (rng.random((6, 6)) < 0.5)
    Z = rng.normal(size=(6, 3)) @ rng.normal(size=(3, 3)) + [0.5, 0.0, -0.5]
    level = Z.mean(axis=0)
    basis = np.linalg.qr(np.column_stack([np.ones(6), rng.normal(size=(6, 5))]))[0][:, 1:]
    inside = basis.T @ (Z - level)
    rotated = np.linalg.qr(rng.normal(size=(20_000, 5, 5)))
    turns = rotated[0] * np.sign(np.einsum("rii->ri", rotated[1]))[:, None, :]
    values = basis @ (turns @ inside) + level
    forms = np.einsum("rit,ij,rjt->r", values, W, values)
    _, _, mean, variance = trajectory_moments(Z, build_constants(sparse.csr_array(W)))
    assert forms.mean() == pytest.approx(mean, abs=4 * forms.std() / np.sqrt(20_000))
    assert forms.var() == pytest.approx(variance, rel=0.05)
    # One year is Cliff and Ord's.
    z = (Z - level)[:, :1]
    constants = build_constants(sparse.csr_array(W))
    _, _, mean, variance = trajectory_moments(z, constants)
    scale = 6 / (constants.total * float(z[:, 0] @ z[:, 0]))
    moments = moran_moments(z[:, 0], constants)
    assert scale * mean == pytest.approx(moments.expected, rel=1e-12)
    assert scale**2 * variance == pytest.approx(moments.variance_normality, rel=1e-9)


def test_a_common_trend_is_no_clustering() -> None:
    x, W = grid(6)
    noise = panel_of(x).with_columns(x=np.random.default_rng(9).normal(size=108))
    trend = noise.with_columns(x=lambda f: f["x"] + 50.0 * (f.index.get_level_values(1) - 2000))
    within, without = (moran_panel(p, "x", W, permutations=199).iloc[-1] for p in (trend, noise))
    assert within["I"] == pytest.approx(without["I"], rel=1e-9)
    assert within["p_sim"] == without["p_sim"] > 0.05
    overall = moran_panel(trend, "x", W, permutations=199, center="overall").iloc[-1]
    assert overall["I"] > 0.9
    # The years keep their levels in each permutation: the p-values see no clustering either.
    assert min(overall[["p_sim", "p_normality", "p_randomisation"]]) > 0.05


def test_a_year_without_values_has_a_row_without_numbers() -> None:
    x, W = grid(5)
    panel = panel_of(x)
    year = panel.frame.index.get_level_values(1)
    empty = panel.with_columns(x=panel.frame["x"].where(year != 2001))
    table = moran_panel(empty, "x", W, permutations=19, missing="drop").set_index("time")
    assert table.loc[2001, "n"] == 0
    assert table.loc[2001].drop(["column", "n"]).isna().all()
    assert table.loc["pooled", "n"] == 50
    left = panel_of(x).with_columns(x=panel.frame["x"].where(year < 0))
    with pytest.raises(DataError, match="fewer than 4 values in each year"):
        moran_panel(left, "x", W, missing="drop")
    with pytest.raises(DataError, match=r"needs at least 4 units with values; got 0 \(25 were dropped"):
        moran(empty.at(2001)["x"], W, missing="drop")


# ---- units of measurement
@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-100, 1e100, 1e200, 1e300])
def test_the_unit_of_measurement_changes_nothing(unit: float) -> None:
    x, W = grid(5)
    x = x.abs() + 1
    for statistic, letter in ((moran, "I"), (geary, "C"), (general_g, "G")):
        first, second = statistic(x, W, permutations=99), statistic(x * unit, W, permutations=99)
        assert getattr(second, letter) == pytest.approx(getattr(first, letter), rel=1e-10)
        assert (second.p_sim, second.n) == (first.p_sim, first.n)
        assert second.z_randomisation == pytest.approx(first.z_randomisation, rel=1e-8)
    for local in (local_moran, getis_ord):
        first, second = local(x, W, permutations=99).frame, local(x * unit, W, permutations=99).frame
        pd.testing.assert_frame_equal(first, second, rtol=1e-8)


def test_weights_that_cannot_be_squared_are_refused() -> None:
    x, W = grid(5)
    with pytest.raises(WeightsError, match=r"a size that can be squared; the largest of these is 5e\+199"):
        moran(x, W.scaled(1e200))


def test_panel_shuffled_and_as_a_frame() -> None:
    x, W = grid(5)
    panel = panel_of(x)
    frame = panel.frame.sample(frac=1, random_state=0)
    rng = np.random.default_rng(0)
    first = moran_panel(panel, ["x"], W, permutations=49)
    second = moran_panel(frame, ["x"], W.reordered(rng.permutation(W.ids)), permutations=49, workers=1)
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_panel_bad_input() -> None:
    x, W = grid(5)
    panel = panel_of(x)
    gap = panel.frame["x"].copy()
    gap.iloc[4] = np.nan
    with pytest.raises(DataError, match=r"'x' must be finite in each cell; .* \('u001', 2001\)"):
        moran_panel(panel.with_columns(x=gap), "x", W)
    with pytest.raises(DataError, match="no column 'y'"):
        moran_panel(panel, "y", W)
    with pytest.raises(DataError, match="Did you mean 'within'"):
        moran_panel(panel, "x", W, center="withn")
    with pytest.raises(DataError, match=r"needs a Panel, or a DataFrame indexed by \(unit, time\)"):
        moran_panel(x.to_frame(), "x", W)
    with pytest.raises(AlignmentError, match="In the panel only: 'u024'"):
        moran_panel(panel, "x", W.subset(W.ids[:-1]))
    flat = panel.with_columns(x=panel.frame["x"].where(panel.frame.index.get_level_values(1) != 2001, 1.0))
    with pytest.raises(DataError, match="needs values that vary"):
        moran_panel(flat, "x", W)
