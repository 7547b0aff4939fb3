"""Conditional draws: uniform, independent, equal on arrays and compiled, in windows of many values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse
from lattice import SPDEP, grid
from scipy import stats

from spatial.autocorrelation.lisa import local_moran
from spatial.compute import conditional, conditional_kernels
from spatial.compute.conditional import Draws
from spatial.weights import Weights

CASES = sorted(SPDEP["local"])


# ---- the conditional draws
def star(n: int, k: int, weights: Any) -> sparse.csr_array:
    """Return a matrix in which unit 0 has neighbours 1..k, and the others none."""
    rows = np.zeros(k, dtype=int)
    return sparse.csr_array((np.asarray(weights, float), (rows, np.arange(1, k + 1))), shape=(n, n))


def draws(
    values: Any, matrix: sparse.csr_array, runs: int, seed: int = 0, workers: int = 2, *, gaps: bool = False
) -> Any:
    given = np.atleast_2d(np.asarray(values, float))
    most = int(np.diff(matrix.indptr).max())
    found = Draws(given, most, runs, seed, gaps=gaps).count(
        matrix, keep=True, workers=workers, progress=None, label="test"
    )
    assert found.lags is not None
    return found.above, found.below, found.lags


@pytest.mark.parametrize(("n", "k"), [(9, 3), (40, 3)])
def test_each_set_of_neighbours_is_as_likely(n: int, k: int) -> None:
    # With few others the deck is dealt (n = 9); with many, drawn and checked for repeats (n = 40).
    values = np.arange(n, dtype=float)
    _, _, lags = draws(values, star(n, k, [n**2, n, 1]), 60_000 if n == 9 else 20_000)
    codes = lags[0].astype(int)
    first, second, third = codes // n**2, codes // n % n, codes % n
    for one, two in itertools.combinations([first, second, third], 2):
        assert not (one == two).any()
    for drawn in (first, second, third):
        assert 0 not in drawn  # the unit itself
        assert stats.chisquare(np.bincount(drawn, minlength=n)[1:]).pvalue > 1e-4
    if n == 9:
        seen, counts = np.unique(codes, return_counts=True)
        assert len(seen) == 8 * 7 * 6
        assert stats.chisquare(counts).pvalue > 1e-4


def test_every_unit_is_left_out_of_its_own_draws() -> None:
    n = 12
    ring = sparse.csr_array((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    _, _, lags = draws(np.arange(n, dtype=float), ring, 500)
    for i in range(n):
        assert set(lags[i].astype(int)) == set(range(n)) - {i}


def test_units_draw_independently() -> None:
    # esda's shared draws give correlations near 1 between units.
    x, W = grid(20)
    _, _, lags = draws(x.to_numpy(), W.sparse, 499)
    correlation = np.corrcoef(lags)[np.triu_indices(400, 1)]
    assert abs(correlation.mean()) < 4 / np.sqrt(499 * 400 * 399 / 2)
    assert correlation.std() == pytest.approx(1 / np.sqrt(499), rel=0.03)


def test_conditional_moments_are_those_of_the_draws() -> None:
    x, W = grid(8)
    result = local_moran(x, W, permutations=3999, keep_simulations=True)
    simulations = result.simulations
    assert simulations is not None
    z = (simulations.mean(axis=1) - result.frame["expected"]) / np.sqrt(result.frame["variance"] / 3999)
    assert np.abs(z).max() < 5
    # Heavy tails would make the variance of a variance larger; lags of four are near normal.
    np.testing.assert_allclose(simulations.var(axis=1), result.frame["variance"], rtol=0.15)
    near = (result.frame["p_sim"] - result.frame["p_value"]).abs()
    assert near.median() < 0.03


def test_dense_weights_and_long_rows_agree_with_the_moments() -> None:
    # 39 of 39 neighbours: nothing is left to chance, up to the weights.
    rng = np.random.default_rng(0)
    matrix = rng.random((40, 40))
    np.fill_diagonal(matrix, 0)
    result = local_moran(
        rng.normal(size=40), Weights.from_dense(matrix), permutations=999, keep_simulations=True
    )
    assert result.simulations is not None
    spread = result.simulations.std(axis=1) / np.sqrt(result.frame["variance"])
    assert spread.mean() == pytest.approx(1, abs=0.03)


def test_workers_do_not_matter_and_seeds_do(monkeypatch: pytest.MonkeyPatch) -> None:
    x, W = grid(40)
    monkeypatch.setattr(conditional_kernels, "_DRAWS_A_TASK", 20_000)  # many tasks
    monkeypatch.setattr(conditional, "_MOST_SECONDS", 0.0)  # compiled
    many = local_moran(x, W, permutations=99, workers=3).frame
    pd.testing.assert_frame_equal(many, local_moran(x, W, permutations=99, workers=1).frame, check_exact=True)
    other = local_moran(x, W, permutations=99, seed=1).frame
    assert not many["p_sim"].equals(other["p_sim"])


@pytest.mark.parametrize("variables", [0, 1, 3])
@pytest.mark.parametrize(("n", "k"), [(5, 4), (10, 3), (60, 6), (300, 6), (300, 40)])
def test_arrays_and_compiled_kernels_draw_the_same(
    n: int, k: int, variables: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(n + k)
    matrix = sparse.random_array((n, n), density=min(1.0, k / n), rng=rng, format="csr")
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    z = rng.normal(size=(max(variables, 1), n))
    found = []
    for most in (0.0, np.inf):
        monkeypatch.setattr(conditional, "_MOST_SECONDS", most)
        found.append(draws(z, sparse.csr_array(matrix), 201, 1, gaps=variables > 0))
    for compiled, on_arrays in zip(*found, strict=True):
        assert np.array_equal(compiled, on_arrays)


def test_windows_of_shuffled_values_are_samples_of_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditional, "_MOST_SECONDS", 0.0)
    n, k = 3000, 6
    at = np.repeat(np.arange(n), k)
    matrix = sparse.csr_array(
        (np.ones(n * k), (at, (at + np.tile(np.arange(1, k + 1), n)) % n)), shape=(n, n)
    )
    z = np.random.default_rng(1).normal(size=n)
    z -= z.mean()
    plain = draws(z, matrix, 512, 1, 1)
    monkeypatch.setattr(conditional_kernels, "MANY", 1000)
    monkeypatch.setattr(conditional_kernels, "WINDOW", 1024)
    first, second = (draws(z, matrix, 512, 1, w) for w in (1, 2))
    other = draws(z, matrix, 512, 2, 1)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b)  # whatever the number of threads
    # The draws have the moments of the others, and the counts the spread of two independent runs.
    lags = first[2]
    assert lags.mean() == pytest.approx(0, abs=0.05)
    assert lags.std() == pytest.approx(np.sqrt(k * z.var()), rel=0.02)
    p = plain[0] / 512
    noise = np.sqrt(2 * p * (1 - p) / 512 + 1e-6)
    for run in (first, other):
        spread = ((run[0] / 512 - p) / noise).std()
        assert spread < 1.6  # small windows here: variance at most some 2 k / (4 x 1024) more
    # A unit never draws its own value.
    one = np.zeros(n)
    one[7] = 1.0
    drawn = draws(one, matrix, 512, 3, 1)[2]
    assert drawn[7].max() == 0.0
    assert drawn.max() == 1.0
