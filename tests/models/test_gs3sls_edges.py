"""Systems with a part left empty: no exogenous regressor, no outside instrument, one neighbour each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def panel() -> Any:
    """50 units, 4 times: y depends on the endogenous p, which q moves."""
    q, r, v = RNG.normal(size=(3, 200))
    p = q + v
    rows = pd.MultiIndex.from_product([range(50), range(4)], names=["i", "t"])
    frame = pd.DataFrame({"y": 1.5 * p + r + v + RNG.normal(size=200), "p": p, "q": q, "r": r}, index=rows)
    return sp.Panel.from_frame(frame, unit="i", time="t")


def test_no_exogenous_regressor_is_two_stage_least_squares_by_hand(panel: Any) -> None:
    section = panel.at(0)
    fit = sp.models.SpatialSystem("y ~ p - 1 | p ~ q", section).fit("2sls", cov="hom")
    y, p, q = (section[c].to_numpy() for c in "ypq")
    assert fit.params.tolist() == pytest.approx([(q @ y) / (q @ p)])


def test_fixed_effects_with_declared_endogenous_regressors_only(panel: Any) -> None:
    fit = sp.models.fixed_effects("y ~ p | p ~ q", panel)
    y, p, q = (
        c - c.mean(axis=0) - c.mean(axis=1, keepdims=True) + c.mean()
        for c in np.moveaxis(panel.cube(list("ypq")), 2, 0)
    )
    assert fit.tidy()["estimate"].tolist() == pytest.approx([(q * y).sum() / (q * p).sum()])


@pytest.mark.filterwarnings("ignore::spatial.models.WeakInstrumentWarning")
def test_one_neighbour_each_leaves_one_moment_for_rho(panel: Any) -> None:
    """On a directed ring M'M = I: the first moment of Kelejian and Prucha (2010) is empty."""
    ring = sp.Weights.from_dense(np.roll(np.eye(50), 1, axis=1), ids=range(50))
    fit = sp.models.SpatialSystem("y ~ q + r", panel, {"V": ring}, effects=("unit",), error="V").fit("gs2sls")
    row = fit.tidy().set_index("term").loc["rho"]
    assert abs(row["estimate"]) < 0.5
    assert 0 < row["std_error"] < 0.5


def test_strong_spatial_errors_under_any_normalisation_of_their_weights() -> None:
    """|rho| is bounded by one over the spectral radius of M, not by the larger one over its row sums."""
    rng = np.random.default_rng(3)
    side = 12
    place = np.arange(side * side).reshape(side, side)
    pairs = [*zip(place[:, 1:].flat, place[:, :-1].flat, strict=True)]
    pairs += zip(place[1:].flat, place[:-1].flat, strict=True)
    links = [(i, j, float(rng.uniform(0.1, 3))) for a, b in pairs for i, j in ((a, b), (b, a))]
    raw = sp.Weights.from_frame(pd.DataFrame(links, columns=["i", "j", "w"]))
    M = raw.spectral_normalized()
    data = pd.DataFrame({"x": rng.normal(size=len(M.ids))}, index=M.ids)
    u = np.linalg.solve(np.eye(len(M.ids)) - 0.85 * M.sparse.toarray(), rng.normal(size=len(M.ids)))
    data["y"] = data["x"] + u

    fits = [
        sp.models.SpatialSystem("y ~ x", data, {"W": w}, error="W").fit("gs2sls")
        for w in (M, raw, raw.minmax_normalized())
    ]
    assert fits[0].rho["y"] == pytest.approx(0.85, abs=0.1)
    for fit, w in zip(fits, (M, raw, raw.minmax_normalized()), strict=True):
        assert fit.converged
        # The first step weights the two moments equally, whatever the scale of M: nearly, not exactly.
        scale = abs(w.sparse).sum() / abs(M.sparse).sum()
        assert fit.rho["y"] * scale == pytest.approx(fits[0].rho["y"], rel=0.01)
        assert fit.params["y", "x"] == pytest.approx(fits[0].params["y", "x"], abs=0.01)
        assert fit.stability().stable
