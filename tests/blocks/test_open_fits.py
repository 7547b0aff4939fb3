"""Fits from the disk: tiles, blocks of weights and threads change no bit; lost digits are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from blocks_cases import open_panel_of, system_data
from test_open_weights import cities

import spatial as sp
from spatial.errors import DataError, WeightsError
from spatial.models import SpatialSystem
from spatial.models.large.lags import RowLag

FORMULAS = ["y ~ p + W(y) + a", "p ~ y + W(p) + b"]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("weights.blocks.folder", "weights.blocks.stencil"):
        monkeypatch.setattr(f"spatial.{module}.ROWS", 70)
    monkeypatch.setattr("spatial.models.large.lags.ROWS", 64)
    monkeypatch.setattr("spatial.models.large.lags._RANGE", 90)


def _panel(W: Any, folder: Path, times: int = 4) -> sp.OpenPanel:
    rng = np.random.default_rng(0)
    own = rng.normal(size=(2, W.n))
    for year in range(times):
        a, b, e, v = rng.normal(size=(4, W.n))
        y, p = a + e + 0.4 * (W.sparse @ e) + own[0], b + v + own[1]
        first, second = y, p
        for _ in range(25):
            y, p = first + 0.3 * (W.sparse @ y) + 0.4 * p, second + 0.2 * (W.sparse @ p) - 0.2 * y
        table = pd.DataFrame({"city": W.ids, "year": year, "y": y, "p": p, "a": a, "b": b})
        table.sample(frac=1, random_state=year).to_parquet(folder / f"{year}.parquet")
    return sp.open_panel(folder, unit="city", time="year")


@pytest.mark.parametrize("kind", ["knn", pytest.param("band", marks=pytest.mark.slow), "grid"])
def test_weights_by_blocks_give_the_bits_of_stored_ones(tmp_path: Path, kind: str) -> None:
    places = cities(300)
    if kind == "knn":
        stored, opened = sp.weights.knn(places, 5), sp.weights.knn(places, 5, folder=tmp_path / "w")
    elif kind == "band":
        stored, opened = (
            sp.weights.distance_band(places, 600, islands="keep", **given)
            for given in ({}, {"folder": tmp_path / "w"})
        )
    else:
        stored, opened = (sp.weights.grid((15, 20), stored=s) for s in (True, False))
    stored, opened = stored.row_standardized(), opened.row_standardized()
    (tmp_path / "p").mkdir()
    panel = _panel(stored, tmp_path / "p")
    options: dict[str, Any] = {"effects": "unit" if kind == "band" else ("unit", "time"), "error": "W"}
    one = SpatialSystem(FORMULAS, panel, stored, **options).fit(executor=1)
    for weights in (stored, opened):
        for threads in (1, 2, 7):
            other = SpatialSystem(FORMULAS, panel, weights, **options).fit(executor=threads)
            assert np.array_equal(other.delta, one.delta)
            assert np.array_equal(other.inference.cov, one.inference.cov)
    memory = SpatialSystem(FORMULAS, panel.read(), stored, **options).fit("gs3sls", cov="cluster")
    assert np.allclose(one.tidy()["estimate"], memory.tidy()["estimate"], rtol=1e-10, atol=1e-11)
    assert np.allclose(one.tidy()["std_error"], memory.tidy()["std_error"], rtol=1e-9)
    assert np.isfinite(other.impacts().tidy()["estimate"]).all()


@pytest.mark.evidence("open_panel", kind="identity", source="impacts of the same weights in memory")
@pytest.mark.parametrize("standardized", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_impacts_walk_weights_by_blocks_to_the_numbers_of_stored_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standardized: bool
) -> None:
    for name in ("_CHEAP", "_HELD", "POWERS_LIMIT", "DENSE_LIMIT", "SYMMETRIC_LIMIT"):
        monkeypatch.setattr(f"spatial.models.impacts.traces.{name}", 9)
    monkeypatch.setattr("spatial.models.impacts.traces.PROBE_CELLS", 1)
    monkeypatch.setattr("spatial.models.impacts.traces._CELLS", 2_400)
    monkeypatch.setattr("spatial.weights.blocks.walk._LINKS", 300)
    places = cities(100)
    stored = sp.weights.distance_band(places, 700, islands="keep")
    opened = sp.weights.distance_band(places, 700, islands="keep", folder=tmp_path / "w")
    if standardized:
        stored, opened = stored.row_standardized(), opened.row_standardized()
    from spatial.models.impacts.traces import power_traces
    from spatial.weights.blocks.walk import BlockMatrix

    one, two = power_traces(stored.sparse), power_traces(BlockMatrix(opened), workers=1)
    assert np.allclose(one.values, two.values, rtol=1e-12, atol=1e-15)
    assert np.allclose(one.std_errors, two.std_errors, rtol=1e-10, atol=1e-15)
    assert np.allclose(one.totals, two.totals, rtol=1e-13)
    assert np.isclose(one.radius, two.radius, rtol=1e-13)
    assert (one.row_sum, one.method) == (two.row_sum, two.method)
    (tmp_path / "p").mkdir()
    panel = _panel(stored.row_standardized(), tmp_path / "p")
    fits = [
        SpatialSystem(["y ~ p + W(y) + a", "p ~ y + b"], panel, w, effects="unit").fit("3sls")
        for w in (stored, opened)
    ]
    effects = [fit.impacts() for fit in fits]
    pd.testing.assert_frame_equal(effects[0].tidy(), effects[1].tidy(), rtol=1e-9)
    pd.testing.assert_frame_equal(effects[0].structural(), effects[1].structural(), rtol=1e-9)
    sent = [found.by_unit("y", "a") for found in effects]
    assert np.allclose(sent[0], sent[1], rtol=1e-9)


def test_the_walk_over_blocks_finds_what_the_matrix_holds(tmp_path: Path) -> None:
    places = cities(300)
    matrix = sp.weights.knn(places, 5).sparse
    from spatial.models.data.layout import balanced_layout

    layout = balanced_layout(places.index, pd.Index([0]))
    walked = RowLag.of(sp.weights.knn(places, 5, folder=tmp_path / "w"), layout)
    x = np.random.default_rng(0).normal(size=(300, 3))
    assert np.array_equal(walked.lagged(x, 2), matrix @ x)
    assert np.allclose(walked.transpose(x[:, 0]), matrix.T @ x[:, 0], rtol=1e-13)
    assert np.array_equal(walked.column_squares, np.asarray(matrix.multiply(matrix).sum(axis=0)).ravel())
    assert not walked.own.any()
    assert (walked.norm, walked.constant_row_sum, walked.radius) == (5.0, 5.0, 5.0)
    for first, last, rows, links in walked.gathered():
        touched = np.flatnonzero(np.diff(matrix[:, first:last].indptr))
        assert np.array_equal(rows, np.union1d(touched, np.arange(first, last)))
        assert (links != matrix[rows]).nnz == 0


def test_open_weights_with_islands_or_in_another_order_are_refused(tmp_path: Path) -> None:
    places = cities(120)
    panel = _panel(sp.weights.knn(places, 4).row_standardized(), tmp_path)
    W = sp.weights.knn(places, 4, folder=tmp_path / "w").row_standardized()
    other = sp.weights.knn(places.iloc[::-1], 4, folder=tmp_path / "v").row_standardized()
    with pytest.raises(WeightsError, match=r"W\.reordered needs the weights in memory"):
        SpatialSystem(["y ~ V(y) + W(a) + a"], panel, {"W": W, "V": other}, effects="unit")


@pytest.mark.parametrize("effects", [("unit", "time"), "time", "unit"])
def test_a_level_of_a_hundred_million_leaves_the_digits_of_the_data(tmp_path: Path, effects: Any) -> None:
    """x with mean 1e8 and standard deviation 1 holds 8 digits of its deviations, and so do the estimates."""
    frame, W = system_data(n=90, t=5)
    moved = frame.assign(a=frame["a"] + 1e8)
    exact = frame.assign(a=moved["a"] - 1e8)  # what adding the level has left of the numbers
    fits = [
        SpatialSystem(
            FORMULAS, open_panel_of(f, tmp_path / name, "years"), W, effects=effects, error="W"
        ).fit()
        for name, f in (("a", exact), ("b", moved))
    ]
    assert np.allclose(fits[1].delta, fits[0].delta, rtol=1e-8, atol=1e-9)
    assert np.allclose(fits[1].std_errors, fits[0].std_errors, rtol=1e-8)


def test_a_level_that_no_effect_takes_out_is_refused(tmp_path: Path) -> None:
    frame, W = system_data(n=90, t=5)
    moved = frame.assign(a=frame["a"] + 1e8)
    system = SpatialSystem(FORMULAS, open_panel_of(moved, tmp_path, "years"), W, error="W")
    with pytest.raises(DataError, match=r"The level of 'a', 'W\(a\)' is so far above"):
        system.fit()
    (tmp_path / "y").mkdir()
    near = frame.assign(y=1e8 * frame["a"] + frame["p"], a=frame["a"])
    system = SpatialSystem("y ~ a + W(b)", open_panel_of(near, tmp_path / "y", "years"), W, effects="unit")
    with pytest.raises(DataError, match="The residuals of 'y' are so small"):
        system.fit("2sls")


# ---- the joint estimator
JOINT: dict[str, tuple[Any, dict[str, Any]]] = {
    "two equations": (FORMULAS, {"effects": ("unit", "time"), "error": "W", "cov": "cluster"}),
    "by cell": (FORMULAS, {"effects": "unit", "error": {"y": "W"}, "cov": "het"}),
    "a lag without errors": ("y ~ W(y) + a + W(b)", {"effects": "time", "cov": "cluster"}),
    "no effects": ("y ~ p + W(y) + a + b", {"error": "W", "cov": "hom"}),
}
LONG = {"two equations", "by cell"}


@pytest.mark.evidence("open_panel", kind="identity", source="the joint fits of the same panel in memory")
@pytest.mark.parametrize("case", [pytest.param(c, marks=[pytest.mark.slow] * (c in LONG)) for c in JOINT])
@pytest.mark.filterwarnings("ignore:Weak identification")
def test_the_joint_estimator_is_that_of_memory_with_its_intervals(tmp_path: Path, case: str) -> None:
    formulas, options = JOINT[case]
    frame, W = system_data(n=90, t=5)
    cov = options["cov"]
    given = {key: value for key, value in options.items() if key != "cov"}
    memory = SpatialSystem(formulas, sp.Panel.from_frame(frame, unit="city", time="year"), W, **given)
    system = SpatialSystem(formulas, open_panel_of(frame, tmp_path, "years"), W, **given)
    one, two = system.fit("aqs", cov=cov, executor=1), memory.fit("aqs", cov=cov)
    found, expected = one.tidy(), two.tidy()
    assert found[["equation", "term"]].equals(expected[["equation", "term"]])
    for column in ("estimate", "std_error", "p_value", "conf_low", "conf_high"):
        assert np.allclose(found[column], expected[column], rtol=1e-8, atol=1e-10)
    assert (one.n_effective, set(one.instruments)) == (two.n_effective, set(two.instruments))
    assert "by inverting the distance" in one.summary()
    assert "system.fit('aqs')" not in one.summary()
    effects = [fit.impacts().tidy() for fit in (one, two)]
    assert set(effects[0]["method"]) == {"distance"}
    pd.testing.assert_frame_equal(*effects, rtol=1e-7, atol=1e-10)
    other = system.fit("aqs", cov=cov, executor=2)
    assert np.array_equal(other.delta, one.delta)
    assert np.array_equal(other.inference.cov, one.inference.cov)


def test_what_the_joint_estimator_needs_in_memory_is_said(tmp_path: Path) -> None:
    frame, W = system_data(n=30, t=4)
    panel = open_panel_of(frame, tmp_path, "years")
    V = sp.weights.Weights.from_sparse(W.sparse.T, W.ids).row_standardized()
    with pytest.raises(DataError, match=r"takes one weights matrix.*V, W need it in memory"):
        SpatialSystem("y ~ W(y) + a", panel, {"W": W, "V": V}, effects="unit", error="V").fit("aqs")
    with pytest.raises(DataError, match="this system has neither"):
        SpatialSystem("y ~ W(a) + a", panel, W, effects="unit").fit("aqs")
    places = cities(30)
    walked = sp.weights.knn(places, 4, folder=tmp_path / "w").row_standardized()
    (tmp_path / "p").mkdir()
    held = _panel(sp.weights.as_weights(walked), tmp_path / "p")
    with pytest.raises(DataError, match=r"needs the weights 'W' in memory: spatial\.weights\.as_weights"):
        SpatialSystem("y ~ W(y) + a", held, walked, effects="unit").fit("aqs")


# ---- rows by a condition
@pytest.mark.parametrize(
    ("where", "effects", "error", "cov"),
    [
        ("zone < 4", ("unit", "time"), "W", "cluster"),
        ("kind == 'y' and year >= 2002", "unit", {"p": "W"}, "het"),
        ("year > 2001", "time", "W", "hom"),
        ("zone >= mean(zone)", (), None, "cluster"),
    ],
)
@pytest.mark.filterwarnings("ignore:Weak identification")
def test_chosen_rows_have_lags_of_the_whole_map_as_in_memory(
    tmp_path: Path, where: str, effects: Any, error: Any, cov: str
) -> None:
    frame, W = system_data(n=90, t=6)
    frame["zone"] = frame["city"].str[1:].astype(int) % 5
    frame["kind"] = np.where(frame["zone"] == 0, "x", "y")
    formulas = ["y ~ p + W(y) + a + lag(b, 1)", FORMULAS[1]]
    given = {"effects": effects, "error": error, "where": where}
    memory = SpatialSystem(formulas, sp.Panel.from_frame(frame, unit="city", time="year"), W, **given)
    system = SpatialSystem(formulas, open_panel_of(frame, tmp_path, "years"), W, **given)
    one, two = system.fit("gs3sls", cov=cov, executor=1), memory.fit("gs3sls", cov=cov)
    found, expected = one.tidy(), two.tidy()
    assert np.allclose(found["estimate"], expected["estimate"], rtol=1e-10, atol=1e-11)
    assert np.allclose(found["std_error"], expected["std_error"], rtol=1e-9)
    assert (one.n_obs, one.n_effective) == (two.n_obs, two.n_effective)
    assert np.allclose(one.impacts().tidy()["estimate"], two.impacts().tidy()["estimate"], rtol=1e-8)
    assert np.array_equal(system.fit("gs3sls", cov=cov, executor=2).inference.cov, one.inference.cov)
    with pytest.raises(DataError, match="some of them are outside the chosen rows"):
        system.fit("aqs")
