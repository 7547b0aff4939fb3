"""Bivariate Moran's I: pairs, their moments, spectral randomisation."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from lattice import grid

from spatial.autocorrelation.moments import build_constants, pair_moments
from spatial.autocorrelation.two_variables import bivariate_moran
from spatial.errors import DataError

CLOSE: dict[str, float] = {"rel": 1e-10, "abs": 1e-12}


def test_bivariate_sorting_workers_and_moments() -> None:
    x, W = grid(9)
    y = (x**2 + np.random.default_rng(2).normal(size=81)).rename("y")
    first = bivariate_moran(x, y, W, permutations=999)
    rng = np.random.default_rng(1)
    second = bivariate_moran(
        x.sample(frac=1, random_state=1),
        y.sample(frac=1, random_state=2),
        W.reordered(rng.permutation(W.ids)),
        workers=1,
    )
    assert (first.I, first.p_sim) == (second.I, second.p_sim)
    assert first.simulated is not None
    assert first.expected == pytest.approx(-first.correlation / 80)
    assert first.simulated.mean() == pytest.approx(
        first.expected, abs=4 * first.simulated.std() / np.sqrt(999)
    )
    assert first.simulated.var() == pytest.approx(first.variance_randomisation, rel=0.2)
    from esda import Moran_BV

    peer = Moran_BV(x.to_numpy(), y.to_numpy(), W.to_w(), permutations=0)
    assert pytest.approx(peer.I, rel=1e-12) == first.I
    assert "correlation" in first.summary()
    assert list(first.tidy()["method"]) == ["randomisation", "permutation"]
    assert first.glance()["n"].item() == 81
    assert first.plot().get_xlabel()
    assert str(first).startswith("Bivariate")
    assert "BivariateMoran x, W y" in repr(first)


def test_pair_moments_are_those_of_all_720_arrangements() -> None:
    rng = np.random.default_rng(1)
    W = rng.random((6, 6)) * (rng.random((6, 6)) < 0.6)
    np.fill_diagonal(W, 0)
    x = rng.exponential(size=6)
    y = x + rng.normal(size=6)
    x, y = x - x.mean(), y - y.mean()
    every = [x[list(p)] @ W @ y[list(p)] for p in itertools.permutations(range(6))]
    w = build_constants(sparse.csr_array(W))
    mean, variance = pair_moments(x, y, w, W.sum(axis=1), float((W**2).sum()))
    assert mean == pytest.approx(np.mean(every), rel=1e-12)
    assert variance == pytest.approx(np.var(every), rel=1e-10)


def test_spectral_randomisation_keeps_the_autocorrelation_of_x() -> None:
    x, W = grid(9)
    y = pd.Series(np.random.default_rng(2).normal(size=81), index=x.index, name="y")
    found = bivariate_moran(x, y, W, null="spectral")
    assert found.expected == 0
    assert found.simulated is not None
    assert found.simulated.var() == pytest.approx(found.variance_randomisation, rel=0.15)
    assert "independent, each as autocorrelated as it is (Moran spectral randomisation)" in found.summary()
    assert "the normal p is cautious (.015 of true nulls" in found.summary()
    assert "pairs (x, y) fall to the units at random" in bivariate_moran(x, y, W).summary()
    with pytest.raises(DataError, match='null must be "pairs" or "spectral"'):
        bivariate_moran(x, y, W, null="spectrum")  # type: ignore[arg-type]
