"""Identities that hold to rounding: each special case is an estimator that others have."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from spatial.models import Homoskedastic, SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")

N, T = 36, 5
FULL = ["y1 ~ y2 + W(y1) + W(y2) + x1 + x3", "y2 ~ y1 + W(y1) + W(y2) + x2 + x4"]
BOTH = ("unit", "time")


def lattice(side: int = 6, standardized: bool = True) -> Weights:
    grid = np.arange(side * side).reshape(side, side)
    pairs = [(a, b) for m in (grid, grid.T) for row in m for a, b in pairwise(row)]
    rows = np.array(pairs + [(b, a) for a, b in pairs])
    ids = [f"u{k:02d}" for k in range(side * side)]
    matrix = sp.csr_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), shape=(side**2, side**2))
    found = Weights.from_sparse(matrix, ids=ids)
    return found.row_standardized() if standardized else found


def simulate(W: Weights, times: int = T, seed: int = 0, rho: tuple[float, float] = (0.4, -0.3)) -> Panel:
    """Two equations with unit and time effects; a system in the form of FULL."""
    rng = np.random.default_rng(seed)
    n, M = W.n, W.sparse.toarray() / abs(np.linalg.eigvals(W.sparse.toarray())).max()
    B, Lambda = np.array([[0, 0.3], [0.2, 0]]), np.array([[0.3, 0.1], [0.1, 0.3]])
    C = np.array([[1, 0, 0.5, 0], [0, 1, 0, 0.5]])
    S = np.eye(2 * n) - np.kron(B, np.eye(n)) - np.kron(Lambda, M)
    frames = []
    mu, gamma = rng.normal(size=(2, n)), rng.normal(size=(times, 2))
    for t in range(times):
        X = rng.normal(size=(n, 4)) + 0.5 * mu.T[:, [0, 1, 0, 1]]
        u = [np.linalg.solve(np.eye(n) - r * M, rng.normal(size=n)) for r in rho]
        right = np.concatenate([X @ C[g] + mu[g] + gamma[t, g] + u[g] for g in (0, 1)])
        y = np.linalg.solve(S, right).reshape(2, n)
        frame = pd.DataFrame(np.column_stack([*y, X]), columns=["y1", "y2", "x1", "x2", "x3", "x4"])
        frames.append(frame.assign(city=list(W.ids), year=2000 + t))
    return Panel.from_frame(pd.concat(frames), unit="city", time="year")


@pytest.fixture(scope="module")
def W() -> Weights:
    return lattice()


@pytest.fixture(scope="module")
def panel(W: Weights) -> Panel:
    return simulate(W)


def close(a: Any, b: Any, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(np.asarray(a, float), np.asarray(b, float), rtol=tolerance, atol=tolerance)


# ---- one equation, one period: spreg
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # spreg's use of pandas
def test_cross_section_equals_spreg_gm_lag(W: Weights, panel: Panel) -> None:
    from spreg import GM_Lag

    data = panel.at(2001)
    fit = SpatialSystem("y1 ~ x1 + x3 + W(y1)", data, W).fit("gs2sls", cov="hom")
    arrays = data.loc[W.ids, ["y1", "x1", "x3"]].to_numpy()
    peer = GM_Lag(arrays[:, [0]], arrays[:, 1:], w=W.to_w(), w_lags=2)
    close(fit.params, peer.betas.ravel(), 1e-12)
    close(fit.std_errors, np.sqrt(np.diag(peer.vm)), 1e-10)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_cross_section_with_error_near_spreg_gm_combo_het(W: Weights, panel: Panel) -> None:
    from spreg import GM_Combo_Het

    data = panel.at(2001)
    fit = SpatialSystem("y1 ~ x1 + x3 + W(y1)", data, W, error="W", iv_order=2).fit(
        "gs2sls", cov="het", passes=0
    )
    arrays = data.loc[W.ids, ["y1", "x1", "x3"]].to_numpy()
    peer = GM_Combo_Het(arrays[:, [0]], arrays[:, 1:], w=W.to_w(), w_lags=2, step1c=False, max_iter=1)
    # spreg minimises with an optimiser: its rho, and what follows, ends near 1e-6.
    close(fit.params, peer.betas.ravel()[:-1], 1e-5)


# ---- no spatial terms: 3SLS, SUR, FE
def test_within_equals_dummies_in_linearmodels(panel: Panel) -> None:
    from linearmodels.system import IV3SLS

    fit = SpatialSystem(["y1 ~ y2 + x1 + x3", "y2 ~ y1 + x2 + x4"], panel, effects=BOTH).fit(
        "3sls", cov="hom"
    )
    frame = panel.frame.reset_index()
    dummies = pd.get_dummies(frame["city"], dtype=float).join(
        pd.get_dummies(frame["year"], dtype=float, drop_first=True)
    )
    dummies.columns = [f"d{k}" for k in range(dummies.shape[1])]
    equations = {}
    exogenous = ["x1", "x2", "x3", "x4"]
    for own, other, mine in (("y1", "y2", ["x1", "x3"]), ("y2", "y1", ["x2", "x4"])):
        equations[own] = {
            "dependent": frame[own],
            "exog": pd.concat([frame[mine], dummies], axis=1),
            "endog": frame[[other]],
            "instruments": frame[[x for x in exogenous if x not in mine]],
        }
    peer = IV3SLS(equations).fit(cov_type="unadjusted")
    for equation, term in fit.params.index:
        assert fit.params[(equation, term)] == pytest.approx(peer.params[f"{equation}_{term}"], rel=1e-9)
    # Sigma: they divide by NT, we by (N-1)(T-1).
    factor = np.sqrt(N * T / ((N - 1) * (T - 1)))
    for equation, term in fit.params.index:
        expected = peer.std_errors[f"{equation}_{term}"] * factor
        assert fit.std_errors[(equation, term)] == pytest.approx(expected, rel=1e-8)


def test_different_regressors_without_endogenous_is_sur(panel: Panel) -> None:
    from linearmodels.system import SUR

    data = panel.at(2002)
    fit = SpatialSystem(["y1 ~ x1 + x3", "y2 ~ x2 + x4"], data).fit("3sls", cov="hom")
    one = data.assign(one=1.0)
    peer = SUR(
        {
            "y1": {"dependent": one["y1"], "exog": one[["one", "x1", "x3"]]},
            "y2": {"dependent": one["y2"], "exog": one[["one", "x2", "x4"]]},
        }
    ).fit(method="gls", cov_type="unadjusted", full_cov=True)
    close(fit.params, peer.params, 1e-10)


def test_same_exogenous_regressors_is_least_squares(panel: Panel) -> None:
    formulas = ["y1 ~ x1 + x2 + x3", "y2 ~ x1 + x2 + x3"]
    fit = SpatialSystem(formulas, panel, effects="unit").fit("3sls", cov="hom")
    for name, formula in zip(("y1", "y2"), formulas, strict=True):
        single = SpatialSystem(formula, panel, effects="unit").fit("2sls", cov="hom")
        close(fit.params[name], single.params[name], 1e-12)
        close(fit.std_errors[name], single.std_errors[name], 1e-12)


def test_exogenous_only_equals_pyfixest(panel: Panel) -> None:
    from spatial.models import fixed_effects

    fit = SpatialSystem("y1 ~ x1 + x2 + x3", panel, effects=BOTH).fit("2sls", cov="hom")
    close(fit.params, fixed_effects("y1 ~ x1 + x2 + x3", panel, effects=BOTH).params, 1e-9)


# ---- 3SLS and 2SLS


def test_just_identified_3sls_equals_2sls(panel: Panel) -> None:
    formulas = ["y1 ~ y2 + x1", "y2 ~ y1 + x2"]
    system = SpatialSystem(formulas, panel, effects=BOTH)
    three, two = system.fit("3sls", cov="hom"), system.fit("2sls", cov="hom")
    close(three.params, two.params, 1e-11)
    moments = system.design.basis.Q.T @ three.estimate.numbers.residuals.T
    assert np.abs(moments).max() < 1e-10 * np.abs(three.estimate.numbers.residuals).max()


def test_two_stage_covariance_has_its_cross_blocks(panel: Panel, W: Weights) -> None:
    system = SpatialSystem(FULL, panel, W, effects=BOTH)
    fit = system.fit("2sls", cov="hom")
    numbers, space = fit.estimate.numbers, fit.estimate.space
    R = [space.instrumented(g, 0.0)[:, 1:] for g in (0, 1)]
    inverse = [np.linalg.inv(r.T @ r) for r in R]
    cross = numbers.sigma[0, 1] * inverse[0] @ R[0].T @ R[1] @ inverse[1]
    close(fit.cov.loc[["y1"], ["y2"]], cross, 1e-12)


# ---- effects
def helmert(times: int) -> np.ndarray[Any, Any]:
    out = np.zeros((times - 1, times))
    for t in range(times - 1):
        left = times - 1 - t
        out[t, t], out[t, t + 1 :] = np.sqrt(left / (left + 1)), -np.sqrt(left / (left + 1)) / left
    return out


def test_helmert_equals_within(panel: Panel, W: Weights) -> None:
    """Lee and Yu's transformation gives the same numbers where sums are divided by N(T-1)."""
    fit = SpatialSystem(FULL, panel, W, effects="unit", error="W").fit("gs3sls", cov="hom")
    columns = ["y1", "y2", "x1", "x2", "x3", "x4"]
    cube = panel.cube(columns, units=W.ids)
    moved = np.einsum("st,tnk->snk", helmert(T), cube)
    index = pd.MultiIndex.from_product([range(T - 1), W.ids], names=["year", "city"])
    frame = pd.DataFrame(moved.reshape(-1, 6), index=index, columns=columns).reset_index()
    other = Panel.from_frame(frame, unit="city", time="year")
    without = [f"{formula} - 1" for formula in FULL]
    peer = SpatialSystem(without, other, W, error="W").fit("gs3sls", cov="hom")
    assert peer.n_effective == fit.n_effective == N * (T - 1)
    close(fit.params, peer.params, 1e-9)
    close(fit.std_errors, peer.std_errors, 1e-9)
    close(fit.rho, peer.rho, 1e-9)
    close(fit.rho_std_errors, peer.rho_std_errors, 1e-9)


@pytest.mark.parametrize("standardized", [True, False])
def test_lag_first_then_within_equals_dummies(standardized: bool) -> None:
    """For any weights: also where time demeaning and the lag do not commute."""
    W = lattice(standardized=standardized).scaled(1.0 if standardized else 0.25)
    panel = simulate(W)
    fit = SpatialSystem("y1 ~ x1 + x3 + W(y1)", panel, W, effects=BOTH).fit("2sls", cov="hom")
    columns = panel.cube(["y1", "x1", "x3"], units=W.ids)
    lags = W.lag(columns, axis=1)
    further = W.lag(lags, axis=1)
    flat = lambda a: a.reshape(N * T, -1)  # noqa: E731
    unit, time = np.tile(np.eye(N), (T, 1)), np.repeat(np.eye(T), N, axis=0)[:, 1:]
    D = np.hstack([unit, time])
    Z = np.hstack([flat(columns[:, :, 1:]), flat(lags[:, :, :1]), D])
    H = np.hstack([flat(columns[:, :, 1:]), flat(lags[:, :, 1:]), flat(further[:, :, 1:]), D])
    fitted = H @ np.linalg.lstsq(H, Z, rcond=None)[0]
    expected = np.linalg.lstsq(fitted, flat(columns[:, :, :1])[:, 0], rcond=None)[0][:3]
    close(fit.params, expected, 1e-9)


def test_a_constant_added_to_y_changes_nothing_under_effects(panel: Panel, W: Weights) -> None:
    moved = panel.with_columns(y1=lambda f: f["y1"] + 100.0)
    for effects in ("unit", "time", BOTH):
        one = SpatialSystem(FULL, panel, W, effects=effects).fit("3sls")
        two = SpatialSystem(FULL, moved, W, effects=effects).fit("3sls")
        close(one.params, two.params, 1e-8)


# ---- the error filter
def test_rho_zero_is_the_path_without_error(panel: Panel, W: Weights) -> None:
    plain = SpatialSystem(FULL, panel, W, effects=BOTH).fit("3sls", cov="hom")
    with_error = SpatialSystem(FULL, panel, W, effects=BOTH, error="W").fit("3sls", cov="hom")
    close(plain.params, with_error.params, 1e-12)
    assert with_error.rho.empty
    assert with_error.notes == ("3sls leaves the spatial errors out of the estimation",)


def test_errors_in_one_equation_only(panel: Panel, W: Weights) -> None:
    fit = SpatialSystem(FULL, panel, W, effects=BOTH, error={"y2": "W"}).fit("gs3sls")
    assert list(fit.rho.index) == ["y2"]
    both = SpatialSystem(FULL, panel, W, effects=BOTH, error="W").fit("gs2sls")
    one = SpatialSystem(FULL, panel, W, effects=BOTH, error={"y2": "W"}).fit("gs2sls")
    close(both.params["y2"], one.params["y2"], 1e-12)


def test_other_error_weights_enlarge_the_instruments(panel: Panel, W: Weights) -> None:
    M = W.higher_order(2).row_standardized()
    system = SpatialSystem(FULL, panel, W, effects=BOTH, error=M)
    plain = SpatialSystem(FULL, panel, W, effects=BOTH)
    assert any(name.startswith("M(") for name in system.instruments)
    assert len(system.instruments) > len(plain.instruments)
    fit = system.fit("gs3sls")
    assert fit.rho.index.tolist() == ["y1", "y2"]


# ---- symmetry
def test_order_of_rows_and_units_changes_nothing(panel: Panel, W: Weights) -> None:
    rng = np.random.default_rng(5)
    order = rng.permutation(N)
    shuffled = Panel.from_frame(
        panel.frame.reset_index().sample(frac=1.0, random_state=3), unit="city", time="year"
    )
    one = SpatialSystem(FULL, panel, W, effects=BOTH, error="W").fit("gs3sls")
    two = SpatialSystem(FULL, shuffled, W.reordered(W.ids[order]), effects=BOTH, error="W").fit("gs3sls")
    close(one.tidy()["estimate"], two.tidy()["estimate"], 1e-8)
    close(one.tidy()["std_error"], two.tidy()["std_error"], 1e-7)
    pd.testing.assert_frame_equal(one.residuals, two.residuals, rtol=1e-6, atol=1e-9)


def test_cross_section_in_any_order(panel: Panel, W: Weights) -> None:
    data = panel.at(2000)
    one = SpatialSystem("y1 ~ x1 + W(y1)", data, W, error="W").fit("gs2sls")
    two = SpatialSystem("y1 ~ x1 + W(y1)", data.sample(frac=1.0, random_state=1), W, error="W").fit("gs2sls")
    close(one.params, two.params, 1e-12)


def test_order_of_equations_and_terms_changes_nothing(panel: Panel, W: Weights) -> None:
    one = SpatialSystem(FULL, panel, W, effects=BOTH, error="W").fit("gs3sls")
    turned = ["y2 ~ x4 + x2 + W(y2) + W(y1) + y1", "y1 ~ x3 + W(y2) + W(y1) + x1 + y2"]
    two = SpatialSystem(turned, panel, W, effects=BOTH, error="W").fit("gs3sls")
    close(one.params, two.params.reindex(one.params.index), 1e-8)
    close(one.std_errors, two.std_errors.reindex(one.params.index), 1e-8)
    close(one.rho, two.rho[["y1", "y2"]], 1e-8)


def test_scaling_an_outcome_scales_its_coefficients(panel: Panel, W: Weights) -> None:
    one = SpatialSystem(FULL, panel, W, effects=BOTH).fit("gs3sls")
    two = SpatialSystem(FULL, panel.with_columns(y1=lambda f: 1000 * f["y1"]), W, effects=BOTH).fit("gs3sls")
    factor = pd.Series(1.0, index=one.params.index)
    factor["y1"] = 1000.0
    for term in ("y1", "W(y1)"):
        factor[("y2", term)] = 1 / 1000
    factor[("y1", "W(y1)")] = 1.0
    close(two.params / one.params, factor, 1e-7)
    close(two.std_errors / one.std_errors, factor, 1e-7)


def test_scaling_the_weights_divides_lambda(panel: Panel, W: Weights) -> None:
    one = SpatialSystem(FULL, panel, W, effects="unit").fit("gs3sls")
    two = SpatialSystem(FULL, panel, W.scaled(0.5), effects="unit").fit("gs3sls")
    factor = pd.Series([2.0 if "W(" in term else 1.0 for _, term in one.params.index], one.params.index)
    close(two.params, one.params * factor, 1e-8)


def test_two_disjoint_maps_are_one_block_diagonal_map(W: Weights) -> None:
    """Two maps side by side: pooled in space, or the same rows as two times of one map."""
    both = Weights.from_sparse(
        sp.block_diag([W.sparse, W.sparse], format="csr"), ids=[f"{k}{i}" for k in "ab" for i in W.ids]
    )
    panel = simulate(W, times=2)
    stacked = SpatialSystem(FULL, panel, W, error="W").fit(cov="het")
    frame = panel.frame.reset_index()
    frame.index = pd.Index(frame["year"].map({2000: "a", 2001: "b"}) + frame["city"])
    side = SpatialSystem(FULL, frame.drop(columns=["city", "year"]), both, error="W").fit(cov="het")
    close(stacked.params, side.params, 1e-10)
    close(stacked.std_errors, side.std_errors, 1e-10)
    close(stacked.rho, side.rho, 1e-10)


def test_durbin_restricted_to_zero_is_the_lag_model(W: Weights) -> None:
    """With the same instruments, leaving W x out of the SDM gives the SAR numbers."""
    panel = simulate(W, seed=4)
    sar = SpatialSystem("y1 ~ x1 + x3 + W(y1)", panel, W, effects=BOTH, iv_order=3).fit("2sls")
    sdm = SpatialSystem("y1 ~ x1 + x3 + W(x1) + W(x3) + W(y1)", panel, W, effects=BOTH)
    assert set(sar.instruments) == set(sdm.instruments)
    moments = sdm.fit("2sls").estimate.space.instrumented(0, 0.0)
    restricted = np.linalg.lstsq(moments[:, [1, 2, 5]], moments[:, 0], rcond=None)[0]
    close(sar.params, restricted, 1e-9)


# ---- three equations, several weights, time shifts
def test_three_equations(panel: Panel, W: Weights) -> None:
    rng = np.random.default_rng(9)
    data = panel.with_columns(
        y3=lambda f: 0.5 * f["y1"] + f["x4"] + rng.normal(size=len(f)), x5=rng.normal(size=len(panel))
    )
    formulas = [*FULL, "y3 ~ y1 + W(y3) + x4 + x5"]
    fit = SpatialSystem(formulas, data, W, effects=BOTH, error="W").fit("gs3sls")
    assert fit.sigma.shape == (3, 3)
    assert len(fit.rho) == 3
    assert fit.params[("y3", "y1")] == pytest.approx(0.5, abs=0.3)
    matrices = fit.structure.system_matrices(fit.params.to_numpy())
    assert matrices.B[2, 0] == fit.params[("y3", "y1")]
    assert matrices.Lambda["W"][2, 2] == fit.params[("y3", "W(y3)")]


def test_several_weights(panel: Panel, W: Weights) -> None:
    far = W.higher_order(2).row_standardized()
    fit = SpatialSystem(
        ["y1 ~ W(y1) + F(y1) + x1 + x3", "y2 ~ y1 + F(y2) + x2"], panel, {"W": W, "F": far}, effects="unit"
    ).fit("3sls")
    matrices = fit.structure.system_matrices(fit.params.to_numpy())
    assert matrices.Lambda["F"][0, 0] == fit.params[("y1", "F(y1)")]
    assert "F(W(x1))" in fit.instruments
    assert "W(F(x1))" in fit.estimate.design.instrument_names


def test_time_shift_of_the_outcome(panel: Panel, W: Weights) -> None:
    fit = SpatialSystem("y1 ~ lag(y1, 1) + W(lag(y1, 1)) + x1", panel, W).fit("2sls", cov="hom")
    assert fit.n_times == T - 1
    matrices = fit.structure.system_matrices(fit.params.to_numpy())
    assert matrices.B_shift[1][0, 0] == fit.params[("y1", "lag(y1, 1)")]
    assert matrices.Lambda_shift[1]["W"][0, 0] == fit.params[("y1", "W(lag(y1, 1))")]
    cube = panel.cube(["y1", "x1"], units=W.ids)
    lagged = cube[:-1, :, 0].ravel()
    spatial = W.lag(cube[:-1, :, 0]).ravel()
    Z = np.column_stack([np.ones(len(lagged)), lagged, spatial, cube[1:, :, 1].ravel()])
    close(fit.params, np.linalg.lstsq(Z, cube[1:, :, 0].ravel(), rcond=None)[0], 1e-10)


@pytest.mark.evidence("models.SpatialSystem:gmm", source="the efficient GMM formula", kind="identity")
def test_gmm_weights_and_its_efficient_covariance(panel: Panel) -> None:
    formula = "y1 ~ y2 + x1 + x3 | y2 ~ x2"
    fit = SpatialSystem(formula, panel, effects="unit").fit("gmm", cov="cluster")
    Q, S = fit.estimate.design.basis.Q, fit.estimate.numbers.moment_covariance
    m = Q.T @ fit.estimate.design.projected[:, fit.estimate.design.equation_columns(0)]
    G, inverse = m[:, 1:], np.linalg.inv(S)
    expected = np.linalg.solve(G.T @ inverse @ G, G.T @ inverse @ m[:, 0])
    close(fit.params, expected, 1e-9)
    close(fit.estimate.numbers.fit.bread, np.linalg.inv(G.T @ inverse @ G), 1e-9)


def test_gmm_falls_back_with_few_clusters(panel: Panel, W: Weights) -> None:
    system = SpatialSystem(FULL, panel, W, effects=BOTH)
    with pytest.warns(UserWarning, match="many more clusters than moments"):
        fit = system.fit("gmm", cov=Homoskedastic())
    assert fit.method == "gs3sls"
    close(fit.params, system.fit("3sls").params, 1e-14)
