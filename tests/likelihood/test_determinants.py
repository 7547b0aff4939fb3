"""log|I - aW| by each method against dense determinants, and its stated error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import fitted, nearest, ring
from scipy import sparse
from scipy.sparse.linalg import spsolve

from spatial.errors import DataError
from spatial.models.likelihood.determinants import Anchored, Eigenvalues, choice, log_determinant
from spatial.models.likelihood.determinants.dissection import dissected
from spatial.models.likelihood.determinants.elimination import elimination
from spatial.models.likelihood.determinants.exact import Interpolant, factorised
from spatial.models.likelihood.determinants.power_series import PowerSeries, exact_traces
from spatial.weights import Weights


def _dense(W: np.ndarray, a: float) -> tuple[float, float, float]:
    G = W @ np.linalg.inv(np.eye(len(W)) - a * W)
    return float(np.linalg.slogdet(np.eye(len(W)) - a * W)[1]), -np.trace(G), -np.trace(G @ G)


@pytest.mark.parametrize("W", [ring(40), ring(40, seed=3), nearest(300, 5, 1).toarray()])
def test_exact_methods_meet_dense_determinants(W: np.ndarray) -> None:
    matrix = sparse.csr_array(W)
    n, steps = len(W), elimination(matrix, dissected(matrix))
    for found in (
        Eigenvalues.of(matrix),
        Interpolant(lambda a: factorised(matrix, a), n, 1.0),
        Interpolant(steps, n, 1.0),
    ):
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


def _limits(monkeypatch: pytest.MonkeyPatch, **limits: float) -> None:
    """Let the methods of large maps begin earlier, without what is known already."""
    for name, value in limits.items():
        monkeypatch.setattr(choice, name, value)
    monkeypatch.setattr(choice, "_CACHE", type(choice._CACHE)())


def test_where_elimination_would_fill_in_a_seed_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    _limits(monkeypatch, INTERPOLATED_UNITS=300, _FACTORISED=300, _MOST_OPERATIONS=0)
    W = nearest(400, 4, 1)
    with pytest.raises(DataError, match=r"would fill in .* Give their seed, fit\('ml', seed=1\)"):
        log_determinant(W)
    first, again, other = (log_determinant(W, seed)(0.5)[0] for seed in (1, 1, 2))
    assert first == again != other


def test_the_power_series_states_an_error_that_holds() -> None:
    W = nearest(2_000, 6, 2)
    exact = Interpolant(lambda a: factorised(W, a), W.shape[0], 1.0)
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


def _sample(n: int) -> tuple[pd.DataFrame, Weights]:
    W, random = nearest(n, 6, 4), np.random.default_rng(2)
    data = pd.DataFrame({"x": random.normal(size=n)})
    data["y"] = spsolve(sparse.csc_array(sparse.eye_array(n) - 0.5 * W), data["x"] + random.normal(size=n))
    return data, Weights.from_sparse(W)


def test_a_fit_by_random_signs_is_that_by_factorisation_and_says_how_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, weights = _sample(2_000)
    exact = fitted("y ~ x + W(y)", data, weights)
    _limits(monkeypatch, INTERPOLATED_UNITS=1_000, _FACTORISED=1_000, _MOST_OPERATIONS=0)
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


def test_elimination_is_exact_for_maps_in_parts_paths_and_units_without_links() -> None:
    near = nearest(500, 5, 1)
    apart = sparse.block_diag([near, nearest(300, 3, 2), sparse.csr_array((4, 4))], format="csr")
    path = sparse.diags_array([np.full(699, 0.5), np.full(699, 0.5)], offsets=[-1, 1], format="csr")
    signed = sparse.csr_array(near.multiply(np.random.default_rng(1).choice([-1.0, 1.0], size=near.shape)))
    for W in (near, sparse.csr_array(apart), sparse.csr_array(path), signed, nearest(20, 4, 1)):
        steps = elimination(W, dissected(W))
        for a in (-0.9, 0.4, 0.99):
            dense = np.linalg.slogdet(np.eye(W.shape[0]) - a * W.toarray())[1]
            assert steps(a) == pytest.approx(dense, abs=1e-9)


def test_a_map_needs_few_operations_and_a_random_graph_many() -> None:
    n = 4_000
    random = np.random.default_rng(1).integers(0, n, size=6 * n)
    tangled = sparse.csr_array((np.ones(6 * n), (np.repeat(np.arange(n), 6), random)), shape=(n, n))
    # A planar map takes N^1.5 of them, a graph without separators N^3.
    assert dissected(nearest(n, 6, 1)).operations < 60 * n**1.5
    assert dissected(tangled).operations > 0.05 * n**3


@pytest.mark.parametrize("lam", [-0.4, 0.5, 0.95])
def test_beyond_the_interpolant_the_maximum_is_that_of_exact_determinants(
    monkeypatch: pytest.MonkeyPatch, lam: float
) -> None:
    n, random = 600, np.random.default_rng(3)
    W = nearest(n, 6, 4)
    data = pd.DataFrame({"x": random.normal(size=n)})
    data["y"] = spsolve(sparse.csc_array(sparse.eye_array(n) - lam * W), data["x"] + random.normal(size=n))
    weights = Weights.from_sparse(W)
    exact = fitted("y ~ x + W(x) + W(y)", data, weights, cov="observed")
    _limits(monkeypatch, INTERPOLATED_UNITS=500, _FACTORISED=500)
    found = fitted("y ~ x + W(x) + W(y)", data, weights, cov="observed")
    assert isinstance(log_determinant(W), Anchored)
    assert found.params.to_numpy() == pytest.approx(exact.params.to_numpy(), abs=1e-6)
    assert found.std_errors.to_numpy() == pytest.approx(exact.std_errors.to_numpy(), rel=1e-4)
    assert dict(found.facts)["log_likelihood"] == pytest.approx(dict(exact.facts)["log_likelihood"], abs=1e-5)
    bounds = [fit.confint(method="lr")[["conf_low", "conf_high"]].to_numpy() for fit in (found, exact)]
    assert bounds[0] == pytest.approx(bounds[1], abs=1e-4)
    label = "LR: no spatial lags of regressors"
    tests = [fit.diagnostics().test(label, "y").statistic for fit in (found, exact)]
    assert tests[0] == pytest.approx(tests[1], abs=1e-5)
    assert "elimination (nested dissection) at " in found.notes[0]


def test_the_error_of_places_about_the_maximum_holds() -> None:
    W = nearest(1_500, 6, 4)
    steps = elimination(W, dissected(W))
    found = Anchored(steps, PowerSeries.shape(W, 1.0, np.arange(1_500)))
    assert found(0.0)[0] == found.error(0.0) == 0.0
    rough = abs(found(0.6)[0] - steps(0.6))
    assert found.refine(0.6, 0.08)
    assert not found.refine(0.61, 0.08)  # near enough
    for a in (0.53, 0.57, 0.6, 0.64, 0.67):
        assert abs(found(a)[0] - steps(a)) <= found.error(a) < 1e-6 < rough
        slope = (steps(a + 1e-4) - steps(a - 1e-4)) / 2e-4
        assert found(a)[1] == pytest.approx(slope, abs=1e-3)
    # Elsewhere the error is that of random signs.
    assert found.error(0.2) > 0.01


def test_random_effects_of_many_units_have_exact_determinants_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from likelihood_cases import simulated

    W = nearest(400, 5, 1).toarray()
    panel = simulated(W, 3, 5, lam=0.4)
    exact = fitted("y ~ x + z + W(y)", panel, W, effects=("random",))
    _limits(monkeypatch, INTERPOLATED_UNITS=300, _FACTORISED=300)
    found = fitted("y ~ x + z + W(y)", panel, W, effects=("random",))
    assert "elimination (nested dissection)" in found.notes[0]
    assert found.params.to_numpy() == pytest.approx(exact.params.to_numpy(), abs=1e-6)
    assert found.std_errors.to_numpy() == pytest.approx(exact.std_errors.to_numpy(), rel=1e-3)


@pytest.mark.slow
def test_a_hundred_thousand_units_are_exact_to_a_thousandth_of_a_likelihood() -> None:
    data, weights = _sample(100_000)
    fit = fitted("y ~ x + W(y)", data, weights)
    lam = float(fit.params["y", "W(y)"])
    found = log_determinant(weights.sparse)
    assert found.error(lam) < 1e-5
    # SuperLU, with an order of its own
    assert found(lam)[0] == pytest.approx(factorised(weights.sparse, lam), abs=1e-6)
