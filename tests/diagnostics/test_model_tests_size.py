"""Spatial tests after instrumental variables: their variance, centring and size; the test as an object."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from model_tests_cases import simulated, usaww
from scipy import sparse

from spatial.models.data.layout import LagOperator, balanced_layout
from spatial.models.diagnostics import endogeneity
from spatial.models.diagnostics import panels as panel_tests
from spatial.models.diagnostics import space as spatial_tests
from spatial.models.diagnostics import systems as system_tests
from spatial.models.estimation.least_squares import LinearFit, three_stage, two_stage
from spatial.models.hypothesis import HypothesisTest, frame_of, wald


def test_anselin_kelejian_is_that_of_spreg_for_symmetric_weights() -> None:
    import spreg
    from libpysal.weights import lat2W

    w = lat2W(7, 7)  # binary and symmetric: spreg's D = -2 e'WZ is then -e'(W + W')Z
    rng = np.random.default_rng(9)
    x, z = rng.normal(size=(2, 49, 1))
    q = z + rng.normal(size=(49, 1))
    y = 1 + x + 0.5 * z + rng.normal(size=(49, 1))
    model = spreg.twosls.BaseTSLS(y, np.hstack([np.ones((49, 1)), x]), z, q)
    mi, ak, p = spreg.diagnostics_sp.akTest(model, w, spreg.diagnostics_sp.spDcache(model, w))
    operator = LagOperator(
        (sparse.csr_array(w.sparse),), balanced_layout(pd.RangeIndex(49), pd.RangeIndex(1))
    )
    found = spatial_tests.anselin_kelejian(
        model.u[:, 0],
        model.z,
        model.vm,
        operator,
        n_effective=49,
        time_effects=False,
        clustered=False,
    )
    assert found.statistic == pytest.approx(ak, rel=1e-9)
    assert found.p_value == pytest.approx(p, rel=1e-8)
    assert np.isfinite(mi)


def test_clustered_variance_is_the_double_sum() -> None:
    rng = np.random.default_rng(10)
    W = usaww()
    layout = balanced_layout(pd.RangeIndex(48), pd.RangeIndex(3))
    e = rng.normal(size=144)
    A = spatial_tests.symmetric_part(W)
    cube = e.reshape(3, 48)
    dense, total = A.toarray(), 0.0
    for i in range(48):
        for j in range(48):
            total += 2 * (dense[i, j] * (cube[:, i] @ cube[:, j])) ** 2
    fast = spatial_tests.clustered_variance([A], LagOperator((W,), layout), e)
    assert fast == pytest.approx(total, rel=1e-12)
    # The same matrix given for each period takes the general path.
    slow = spatial_tests.clustered_variance([A, A, A], LagOperator((W, W, W), layout), e)
    assert slow == pytest.approx(total, rel=1e-12)


def test_centring_gives_exact_mean_zero() -> None:
    A = spatial_tests.symmetric_part(usaww())
    J = np.eye(48) - 1 / 48
    centred = J @ (A.toarray() + np.diag(spatial_tests.centring(A))) @ J
    np.testing.assert_allclose(np.diag(centred), 0, atol=1e-13)


@pytest.mark.parametrize("clustered", [False, True])
def test_anselin_kelejian_has_its_size_under_two_way_effects(clustered: bool) -> None:
    rng = np.random.default_rng(11)
    W = usaww()
    periods, n = 6, 48
    layout = balanced_layout(pd.RangeIndex(n), pd.RangeIndex(periods))
    operator = LagOperator((W,), layout)
    effective = (n - 1) * (periods - 1)
    rejected = []
    for _ in range(300):
        cube = rng.normal(size=(periods, n, 3))
        cube = cube - cube.mean(axis=0) - cube.mean(axis=1, keepdims=True) + cube.mean(axis=(0, 1))
        x, y = cube.reshape(-1, 3)[:, :2], cube.reshape(-1, 3)[:, 2]
        bread = np.linalg.inv(x.T @ x)
        e = y - x @ (bread @ (x.T @ y))
        if clustered:
            sums = (x * e[:, None]).reshape(periods, n, 2).sum(axis=0)
            V = bread @ (sums.T @ sums) @ bread
        else:
            V = bread * (e @ e) / effective
        test = spatial_tests.anselin_kelejian(
            e, x, V, operator, n_effective=effective, time_effects=True, clustered=clustered
        )
        rejected.append(test.p_value < 0.05)
    assert 0.02 <= np.mean(rejected) <= 0.09  # 5 percent, three Monte Carlo standard errors


def test_lm_has_its_size_under_unit_effects() -> None:
    rng = np.random.default_rng(12)
    W = usaww()
    periods, n = 4, 48
    operator = LagOperator((W,), balanced_layout(pd.RangeIndex(n), pd.RangeIndex(periods)))

    def within(values: np.ndarray) -> np.ndarray:
        cube = values.reshape(periods, n, -1)
        return (cube - cube.mean(axis=0)).reshape(values.shape)

    x = rng.normal(size=(periods * n, 2))
    rejected = []
    for _ in range(400):
        y = x @ [1.0, -1.0] + rng.normal(size=n * periods)
        tests = spatial_tests.lagrange_multipliers(
            y, x, operator, transform=within, periods_lost=1, variance_divisor=n * (periods - 1)
        )
        rejected.append([test.p_value < 0.05 for test in tests])
    for share in np.mean(rejected, axis=0):
        assert 0.02 <= share <= 0.085


def test_hausman_and_j_have_their_size_with_purged_regressors() -> None:
    rng = np.random.default_rng(14)
    n, B = 600, np.array([[0, 0.4], [0.3, 0]])
    C = np.zeros((2, 12))
    C[:, :6] = [[1, 0, 0.5, 0.3, 0, 0], [0, 1, 0.3, 0.2, 0.6, 0.5]]
    own = ([0, 2, 3], [1, 2, 3, 4, 5])
    places = (slice(0, 4), slice(4, 10))
    inverse = np.linalg.inv(np.eye(2) - B).T
    p_values = []
    for _ in range(200):
        X = rng.normal(size=(n, 12))
        Y = (X @ C.T + rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n)) @ inverse
        Q = np.linalg.qr(X)[0]
        Z = [np.column_stack([Y[:, 1 - g], X[:, own[g]]]) for g in (0, 1)]
        R, r = [Q.T @ z for z in Z], [Q.T @ Y[:, g] for g in (0, 1)]
        two = two_stage(R, r)
        e = np.column_stack([Y[:, g] - Z[g] @ two.delta[places[g]] for g in (0, 1)])
        sigma = e.T @ e / n
        three = three_stage(R, r, np.linalg.inv(sigma))
        # What each equation adds beside the other outcome, solved for both outcomes.
        parts = np.column_stack([R[g][:, 1:] @ three.delta[places[g]][1:] for g in (0, 1)])
        slope = np.array([[0, three.delta[0]], [three.delta[4], 0]])
        fitted = parts @ np.linalg.inv(np.eye(2) - slope).T
        bare = [np.column_stack([fitted[:, 1 - g], R[g][:, 1:]]) for g in (0, 1)]
        purged = two_stage(bare, r), three_stage(bare, r, np.linalg.inv(sigma))
        raw_V, bare_V = ([_joint(f, sigma) for f in pair] for pair in ((two, three), purged))
        naive = endogeneity.hausman(three.delta, two.delta, raw_V[1], raw_V[0])
        right = endogeneity.hausman(three.delta, two.delta, bare_V[1], bare_V[0])
        last = np.column_stack([Y[:, g] - Z[g] @ three.delta[places[g]] for g in (0, 1)])
        j = system_tests.system_j(Q, last, sigma, 10)
        robust = system_tests.clustered_j(Q, Z, Y, e, np.arange(n))
        assert (right.df, naive.df) == (2, 6)
        p_values.append([t.p_value for t in (right, j, robust, naive)])
    rejected = np.mean(np.array(p_values) < 0.05, axis=0)
    assert (rejected[:3] <= 0.096).all()  # 5 percent and three standard errors of 200 draws
    assert rejected[3] > 0.3  # the same test with the outcomes left in: why they are purged


def _joint(fit: LinearFit, sigma: np.ndarray) -> np.ndarray:
    meat = sum(sigma[a, b] * fit.gamma[a] @ fit.gamma[b].T for a in (0, 1) for b in (0, 1))
    return fit.bread @ meat @ fit.bread


def test_wald_uses_the_rank_and_ignores_units() -> None:
    V = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert wald("w", "0", np.array([2.0, 2.0]), V).df == 1
    scale = np.diag([1e-6, 1e4])
    base = np.array([[2.0, 0.3], [0.3, 1.0]])
    r = np.array([1.0, -1.0])
    assert wald("w", "0", scale @ r, scale @ base @ scale).statistic == pytest.approx(
        wald("w", "0", r, base).statistic, rel=1e-9
    )


def test_a_test_is_an_object_with_its_reason() -> None:
    good = HypothesisTest("Wald", "b = 0", 9.0, "chi2", 1, equation="y")
    bad = HypothesisTest.failed("Hansen J", "valid", "exactly identified")
    frame = frame_of([good, bad])
    assert list(frame.columns[:6]) == ["equation", "test", "statistic", "distribution", "df", "p_value"]
    assert frame["p_value"][0] == pytest.approx(0.0026997960632601866)
    assert np.isnan(frame["p_value"][1])
    assert frame["reason"][1] == "exactly identified"
    assert str(good).startswith("Wald [y]: chi2(1) = 9.0000, p = 0.0027")
    assert "not computed: exactly identified" in str(bad)
    assert HypothesisTest("z", "0", -1.959963984540054, "normal").p_value == pytest.approx(0.05)
    assert HypothesisTest("CD F", "weak", 3.0, "").reference == ""
    pd.testing.assert_frame_equal(good.tidy(), frame.iloc[[0]].reset_index(drop=True))


def test_reasons_instead_of_numbers() -> None:
    s = simulated(13)
    exact = np.linalg.qr(s.regressors)[0]
    e = s.y - s.regressors @ np.linalg.lstsq(s.regressors, s.y, rcond=None)[0]
    assert "exactly identified" in system_tests.sargan(exact, e, 320, 3).reason
    assert "exactly identified" in system_tests.system_j(exact, e[:, None], np.eye(1), 3).reason
    few = system_tests.clustered_j(s.basis, [s.regressors], s.y[:, None], e[:, None], s.units % 4)
    assert few.reason == "4 clusters cannot weight 5 moment conditions"
    assert system_tests.diagonal_sigma(e[:, None], 320).reason == "there is one equation"
    nothing = endogeneity.durbin_wu_hausman(s.y, s.X, np.empty((320, 0)), 320)
    assert nothing.reason == "the equation has no endogenous regressor"
    collinear = endogeneity.durbin_wu_hausman(s.y, s.X, s.X[:, [1]], 320)
    assert "collinear" in collinear.reason
    assert "three periods" in panel_tests.pesaran_cd(np.ones((2, 5))).reason
    flat = np.random.default_rng(0).normal(size=(4, 3))
    flat[:, 1] = 1.0
    assert panel_tests.pesaran_cd(flat).reason == "a unit has constant residuals"
    assert panel_tests.effects_f(2.0, 1.0, 0, 10, "unit effects").reason
    assert "units for" in panel_tests.mundlak(s.y, s.X, s.X, s.units % 3, 0.0).reason
    empty = LagOperator(
        (sparse.csr_array((320, 320)),), balanced_layout(pd.RangeIndex(320), pd.RangeIndex(1))
    )
    quiet = spatial_tests.anselin_kelejian(e, s.X, np.eye(2), empty, n_effective=320, time_effects=False)
    assert quiet.reason == "the weights are empty"
    assert wald("w", "0", np.empty(0), np.empty((0, 0))).reason == "there is nothing to test"
    assert wald("w", "0", np.ones(1), np.array([[np.nan]])).reason == "the covariance is not finite"
    assert wald("w", "0", np.ones(1), np.zeros((1, 1))).reason == "the covariance is zero"
