# ruff: noqa: SIM300 - C is a statistic, not a constant
"""Geary's C: spdep's numbers, exact enumeration, invariance, bad input."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from lattice import SPDEP, columbus, grid, shuffled, spdep_weights

from spatial.autocorrelation.global_geary import geary
from spatial.errors import DataError, SpatialWarning
from spatial.weights import Weights, contiguity


@pytest.mark.evidence("geary", digits=10, source="spdep 1.4.2 geary.test, columbus")
@pytest.mark.parametrize("case", sorted(SPDEP["global"]))
def test_geary_is_spdeps(case: str) -> None:
    # R 4.2.2, spdep 1.4.2, geary.test; it prints z with the other sign, and tests C below 1.
    which, style, name = case.split("_")
    truth = SPDEP["global"][case]
    result = geary(columbus(name), spdep_weights(which, style), permutations=0, alternative="less")
    assert result.C == pytest.approx(truth["C"], rel=1e-10)
    for kind in ("randomisation", "normality"):
        assert getattr(result, f"variance_{kind}") == pytest.approx(
            truth[f"geary_variance_{kind}"], rel=1e-10
        )
        assert getattr(result, f"z_{kind}") == pytest.approx(truth[f"geary_z_{kind}"], rel=1e-10)
        assert getattr(result, f"p_{kind}") == pytest.approx(truth[f"geary_p_{kind}"], rel=1e-9)


def test_moments_are_those_of_all_720_arrangements() -> None:
    rng = np.random.default_rng(7)
    matrix = rng.random((6, 6)) * (rng.random((6, 6)) < 0.7)
    np.fill_diagonal(matrix, 0)
    x = rng.exponential(size=6)
    arranged = np.array(list(itertools.permutations(x)))
    apart = (arranged[:, :, None] - arranged[:, None, :]) ** 2
    every = 5 / (2 * matrix.sum()) * (apart * matrix).sum(axis=(1, 2)) / ((x - x.mean()) ** 2).sum()
    result = geary(x, Weights.from_dense(matrix), permutations=4999)
    assert every.mean() == pytest.approx(1, rel=1e-12)
    assert result.variance_randomisation == pytest.approx(every.var(), rel=1e-10)
    assert result.simulated is not None
    assert result.simulated.min() >= every.min() - 1e-12
    assert result.simulated.var() == pytest.approx(every.var(), rel=0.1)
    exact = min(1.0, 2 * min((every >= result.C - 1e-12).mean(), (every <= result.C + 1e-12).mean()))
    assert result.p_sim == pytest.approx(exact, abs=0.06)


def test_esda_has_the_same_statistic() -> None:
    from esda import Geary

    x, W = grid(8)
    peer = Geary(x.to_numpy(), W.to_w(), permutations=0)
    result = geary(x, W, permutations=0)
    assert result.C == pytest.approx(peer.C, rel=1e-12)
    assert result.z_randomisation == pytest.approx(peer.z_rand, rel=1e-9)


def test_own_weights_play_no_part() -> None:
    x, W = grid(6)
    own = Weights.from_sparse(sparse.csr_array(W.sparse + sparse.eye_array(36)), W.ids)
    first, second = geary(x, W), geary(x, own)
    assert first.C == pytest.approx(second.C, rel=1e-12)
    assert first.variance_normality == pytest.approx(second.variance_normality, rel=1e-12)
    assert first.p_sim == second.p_sim


def test_sorting_workers_and_scale_change_nothing() -> None:
    x, W = grid(9)
    first, second = geary(x, W, workers=1), geary(*shuffled(x, W), workers=3)
    assert (first.C, first.p_sim, first.z_normality) == (second.C, second.p_sim, second.z_normality)
    assert geary(x * 5 + 1, W.scaled(7)).C == pytest.approx(first.C, rel=1e-10)


def test_result_tables_text_and_errors() -> None:
    x, W = grid(5)
    result = geary(x, W, permutations=99)
    assert list(result.tidy()["method"]) == ["normality", "randomisation", "permutation"]
    assert result.glance().loc[0, "C"] == result.C
    text = result.summary()
    assert "below 1 neighbours are alike" in text
    assert "permutation" in text
    assert str(result) == text
    assert "permutation " not in geary(x, W, permutations=0).summary()
    assert repr(result).startswith("<Geary x: C = ")
    with pytest.raises(DataError, match="Geary's C needs values that vary"):
        geary(x * 0, W)
    x.iloc[0] = np.nan
    with pytest.raises(DataError, match="'u000'"):
        geary(x, W)
    assert list(geary(x, W, missing="drop").dropped) == ["u000"]


def test_normality_of_skewed_values_warns_of_itself(nc: Any) -> None:
    W = contiguity(nc)
    with pytest.warns(SpatialWarning, match=r"bir74 is far from normal \(kurtosis 1.*Read p_randomisation"):
        found = geary(nc["bir74"], W, permutations=0)
    assert found.far_from_normal
    assert "times that by normality" in found.summary()
    normal = pd.Series(np.random.default_rng(0).normal(size=100), index=W.ids)
    assert not geary(normal, W, permutations=0).far_from_normal
