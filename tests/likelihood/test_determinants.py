"""log|I - aW| by each method against dense determinants, and its stated error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import fitted, nearest, ring
from scipy import sparse
from scipy.sparse.linalg import spsolve

from spatial.errors import DataError
from spatial.models.likelihood import determinants
from spatial.models.likelihood.determinants import Eigenvalues, Interpolant, log_determinant
from spatial.models.likelihood.power_series import PowerSeries, exact_traces
from spatial.weights import Weights


def _dense(W: np.ndarray, a: float) -> tuple[float, float, float]:
    G = W @ np.linalg.inv(np.eye(len(W)) - a * W)
    return float(np.linalg.slogdet(np.eye(len(W)) - a * W)[1]), -np.trace(G), -np.trace(G @ G)


@pytest.mark.parametrize("W", [ring(40), ring(40, seed=3), nearest(300, 5, 1).toarray()])
def test_exact_methods_meet_dense_determinants(W: np.ndarray) -> None:
    matrix = sparse.csr_array(W)
    for found in (Eigenvalues.of(matrix), Interpolant(sparse.csc_array(matrix), 1.0)):
        for a in (-0.95, -0.3, 0.0, 0.5, 0.98):
            value, slope, curve = _dense(W, a)
            f, first, second = found(a)
            assert f == pytest.approx(value, abs=2e-8)
            assert first == pytest.approx(slope, abs=1e-5 * max(1.0, abs(slope)))
            assert second == pytest.approx(curve, rel=1e-3, abs=1e-4)
            assert abs(f - value) <= found.error(a) + 1e-10


def test_the_method_is_chosen_by_size_and_named() -> None:
    assert log_determinant(nearest(200, 4, 1)).method == "eigenvalues"
    found = log_determinant(nearest(400, 4, 1))
    assert found.method == "sparse LU at 65 nodes"
    assert 0 < found.error(0.5) < 1e-8
    assert found.bounds == pytest.approx((-0.999, 0.999))
    # Dense weights of some size: eigenvalues, for a factorisation would have no zeros to save.
    assert isinstance(log_determinant(sparse.csr_array(ring(400, seed=2, k=40))), Eigenvalues)


def test_beyond_exact_methods_a_seed_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(determinants, "EXACT_UNITS", 300)
    monkeypatch.setattr(determinants, "_CACHE", type(determinants._CACHE)())
    W = nearest(400, 4, 1)
    with pytest.raises(DataError, match=r"beyond 300 .* Give their seed, fit\('ml', seed=1\)"):
        log_determinant(W)
    first, again, other = (log_determinant(W, seed)(0.5)[0] for seed in (1, 1, 2))
    assert first == again != other


def test_the_power_series_states_an_error_that_holds() -> None:
    W = nearest(2_000, 6, 2)
    exact = Interpolant(sparse.csc_array(W), 1.0)
    inside = []
    for seed in range(8):
        series = PowerSeries.of(W, 1.0, seed)
        for a in (-0.4, 0.3, 0.6, 0.85):
            gap = np.abs(np.array(series(a)) - exact(a))
            inside.append(gap[0] <= series.error(a))
            assert series.error(a) < 0.02 * abs(exact(a)[0])
    # Three standard errors and the tail: nearly always.
    assert np.mean(inside) >= 0.95


def test_the_first_four_traces_are_exact() -> None:
    W = nearest(300, 5, 3)
    dense = W.toarray()
    expected = [np.trace(np.linalg.matrix_power(dense, m)) for m in range(1, 5)]
    assert exact_traces(W) == pytest.approx(expected, abs=1e-12)


def test_weights_without_links_leave_no_determinant() -> None:
    found = log_determinant(sparse.csr_array((5, 5)))
    assert found(0.7) == (0.0, 0.0, 0.0)


def test_a_fit_by_random_signs_is_that_by_factorisation_and_says_how_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n = 2_000
    W = nearest(n, 6, 4)
    random = np.random.default_rng(2)
    data = pd.DataFrame({"x": random.normal(size=n)})
    data["y"] = spsolve(sparse.csc_array(sparse.eye_array(n) - 0.5 * W), data["x"] + random.normal(size=n))
    weights = Weights.from_sparse(W)
    exact = fitted("y ~ x + W(y)", data, weights)
    monkeypatch.setattr(determinants, "EXACT_UNITS", 1_000)
    monkeypatch.setattr(determinants, "_CACHE", type(determinants._CACHE)())
    with pytest.raises(DataError, match=r"Give their seed, fit\('ml', seed=1\)"):
        fitted("y ~ x + W(y)", data, weights)
    found = fitted("y ~ x + W(y)", data, weights, seed=1)
    gap = abs(found.params["y", "W(y)"] - exact.params["y", "W(y)"]) / exact.std_errors["y", "W(y)"]
    assert gap < 0.05
    notes = " ".join(found.notes)
    assert "16 random probes, 30 powers" in notes
    assert "other random signs would move lambda by about 0.0" in notes
    assert found.covariance.label == "observed information"
    assert found.std_errors["y", "W(y)"] == pytest.approx(exact.std_errors["y", "W(y)"], rel=0.01)
