"""`sp.models.spreg` prints the numbers that spreg gives on arrays that were put in order by hand."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import spreg
from scipy import stats

import spatial as sp
from spatial.weights import Weights

N, T = 49, 4


def _lattice() -> Weights:
    links = [
        (7 * i + j, 7 * k + m)
        for i in range(7)
        for j in range(7)
        for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1))
        if 0 <= k < 7 and 0 <= m < 7
    ]
    dense = np.zeros((N, N))
    for a, b in links:
        dense[a, b] = 1.0
    return Weights.from_dense(dense, ids=[f"u{k:02d}" for k in range(N)]).row_standardized()


W = _lattice()
_rng = np.random.default_rng(7)
DATA = pd.DataFrame(_rng.normal(size=(N, 3)), columns=["x1", "x2", "z"], index=W.ids)
DATA["end"] = DATA["z"] + _rng.normal(size=N)
_inverse = np.linalg.inv(np.eye(N) - 0.4 * W.sparse.toarray())
DATA["y"] = _inverse @ (1 + DATA["x1"] + 2 * DATA["x2"] + 0.5 * DATA["end"] + _rng.normal(size=N))
DATA["y2"] = 1 + DATA["x1"] + 0.5 * _rng.normal(size=N) + 0.3 * DATA["y"]
DATA["won"] = (DATA["y"] > DATA["y"].mean()).astype(float)
DATA["half"] = ["a"] * 21 + ["b"] * 28
_index = pd.MultiIndex.from_product([W.ids, range(2000, 2000 + T)], names=["city", "year"])
LONG = pd.DataFrame(_rng.normal(size=(N * T, 2)), columns=["x1", "x2"], index=_index)
LONG["y"] = (
    LONG["x1"] + 2 * LONG["x2"] + np.repeat(_rng.normal(size=N), T) + _rng.normal(size=N * T)
).to_numpy()


def by_hand(name: str, *arrays: Any, **options: Any) -> Any:
    w = W.to_w()
    w.transform = "r"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return getattr(spreg, name)(*arrays, **({"w": w} | options))


def column(*names: str) -> np.ndarray:
    return DATA[list(names)].to_numpy(dtype=float)


Y, X, END, Z = column("y"), column("x1", "x2"), column("end"), column("z")
NAMES = {"name_y": "y", "name_x": ["x1", "x2"]}
PLAIN, IV = "y ~ x1 + x2", "y ~ x1 + x2 + end | end ~ z"

CASES: dict[str, tuple[str, str, tuple[Any, ...], dict[str, Any], dict[str, Any]]] = {
    "OLS": ("OLS", PLAIN, (Y, X), {}, {"spat_diag": True, "moran": True, "white_test": True}),
    "OLS, White": ("OLS", PLAIN, (Y, X), {"robust": "white"}, {}),
    "SLX": ("OLS", "y ~ x1 + x2 + W(x2)", (Y, X), {}, {"slx_lags": 1, "slx_vars": [False, True]}),
    "TSLS": ("TSLS", IV, (Y, X, END, Z), {}, {}),
    "GM_Lag": ("GM_Lag", PLAIN, (Y, X), {}, {}),
    "GM_Lag, said": ("GM_Lag", "y ~ W(y) + x1 + x2", (Y, X), {}, {}),
    "GM_Lag, two lags": ("GM_Lag", PLAIN, (Y, X), {"w_lags": 2}, {"w_lags": 2}),
    "GM_Lag, endogenous": ("GM_Lag", IV, (Y, X), {}, {"yend": END, "q": Z}),
    "GM_Lag, Durbin": (
        "GM_Lag",
        "y ~ x1 + W(x1) + x2",
        (Y, X),
        {"robust": "white"},
        {"slx_lags": 1, "slx_vars": [True, False], "robust": "white"},
    ),
    "GM_Error": ("GM_Error", PLAIN, (Y, X), {}, {}),
    "GM_Error_Het": ("GM_Error_Het", PLAIN, (Y, X), {}, {}),
    "GM_Error_Hom": ("GM_Error_Hom", PLAIN, (Y, X), {}, {}),
    "GM_Endog_Error_Het": ("GM_Endog_Error_Het", IV, (Y, X, END, Z), {}, {}),
    "GM_Combo": ("GM_Combo", PLAIN, (Y, X), {}, {}),
    "GM_Combo_Het": ("GM_Combo_Het", PLAIN, (Y, X), {}, {}),
    "GM_Combo_Hom": ("GM_Combo_Hom", IV, (Y, X), {}, {"yend": END, "q": Z}),
    "GMM_Error": ("GMM_Error", PLAIN, (Y, X), {}, {}),
    "ML_Lag": ("ML_Lag", PLAIN, (Y, X), {}, {}),
    "ML_Error": ("ML_Error", PLAIN, (Y, X), {}, {}),
    "Probit": ("Probit", "won ~ x1", (column("won"), column("x1")), {}, {}),
}


@pytest.mark.evidence("models.spreg", source="spreg on arrays put in order by hand, 49 units")
@pytest.mark.parametrize("case", CASES)
def test_numbers_are_those_of_spreg(case: str) -> None:
    name, formula, arrays, options, also = CASES[case]
    theirs = by_hand(name, *arrays, **(also | ({} if "slx_lags" in also else options)))
    order = theirs.output
    ours = sp.models.spreg(name, formula, DATA.sample(frac=1, random_state=1), W, **options)
    assert np.sort(ours.params) == pytest.approx(np.sort(np.ravel(theirs.betas)), rel=1e-12)
    known = pd.to_numeric(order["std_err"], errors="coerce").to_numpy()
    error = dict(zip(np.ravel(theirs.betas)[order.index], known, strict=True))
    found = dict(zip(ours.params, ours.std_errors, strict=True))
    for value, wanted in error.items():
        nearest = min(found, key=lambda b, v=value: abs(b - v))
        assert found[nearest] == pytest.approx(wanted, rel=1e-10, nan_ok=True)
    p = np.sort(pd.to_numeric(order["prob"], errors="coerce").dropna())
    assert np.sort(ours.tidy()["p_value"].dropna()) == pytest.approx(p, rel=1e-7, abs=1e-300)
    assert ours.spreg_summary.count("\n") > 10


def test_terms_are_those_of_the_formula() -> None:
    fit = sp.models.spreg("GM_Combo_Het", "y ~ W(y) + x2 + x1 + W(x1) + end | end ~ z", DATA, W)
    assert fit.params.index.get_level_values(1).tolist() == [
        "Intercept",
        "W(y)",
        "x2",
        "x1",
        "W(x1)",
        "end",
        "rho",
    ]
    theirs = by_hand("GM_Combo_Het", Y, column("x2", "x1"), yend=END, q=Z, slx_lags=1, slx_vars=[False, True])
    # spreg's order: constant, x2, x1, W x1, end, W y, lambda
    assert fit.params.to_numpy()[[0, 2, 3, 4, 5, 1, 6]] == pytest.approx(np.ravel(theirs.betas), rel=1e-12)


def test_shuffled_rows_and_weights_change_nothing() -> None:
    other = W.reordered(W.ids[::-1])
    first = sp.models.spreg("GM_Lag", PLAIN, DATA, W)
    second = sp.models.spreg("GM_Lag", PLAIN, DATA.sample(frac=1, random_state=3), other)
    assert second.params.to_numpy() == pytest.approx(first.params.to_numpy(), rel=1e-10)
    assert second.residuals.loc[DATA.index, "y"].to_numpy() == pytest.approx(
        first.residuals.loc[DATA.index, "y"].to_numpy(), abs=1e-10
    )


@pytest.mark.parametrize("options", [{}, {"regime_err_sep": False}], ids=["own variances", "one variance"])
def test_regimes_name_their_coefficients(options: dict[str, Any]) -> None:
    fit = sp.models.spreg("OLS_Regimes", PLAIN, DATA, W, regimes="half", **options)
    theirs = by_hand("OLS_Regimes", Y, X, DATA["half"].tolist(), **NAMES, **options)
    table = fit.tidy().set_index("term")
    b = np.ravel(theirs.betas)
    assert table.loc["half[a]:x1", "estimate"] == pytest.approx(b[1], rel=1e-12)
    assert table.loc["half[b]:x2", "estimate"] == pytest.approx(b[5], rel=1e-12)
    p = theirs.output.set_index("var_names")["prob"].astype(float)
    assert table.loc["half[b]:x1", "p_value"] == pytest.approx(p["b_x1"], rel=1e-7)
    assert fit.test("Chow").p_value == pytest.approx(theirs.chow.joint[1], rel=1e-9)


def test_regimes_with_lags_and_one_global_coefficient() -> None:
    fit = sp.models.spreg("GM_Lag_Regimes", PLAIN, DATA, W, regimes="half", cols2regi=[True, False])
    theirs = by_hand("GM_Lag_Regimes", Y, X, DATA["half"].tolist(), cols2regi=[True, False], **NAMES)
    found = theirs.output.set_index("var_names")["coefficients"].astype(float)
    mine = fit.params.droplevel(0)
    assert mine["W(y)"] == pytest.approx(found["_Global_W_y"])
    assert mine["x2"] == pytest.approx(found["_Global_x2"])
    assert mine["half[a]:x1"] == pytest.approx(found["a_x1"])
    apart = sp.models.spreg(
        "GM_Lag_Regimes", PLAIN, DATA, W, regimes="half", regime_lag_sep=True, regime_err_sep=True
    )
    theirs = by_hand(
        "GM_Lag_Regimes", Y, X, DATA["half"].tolist(), regime_lag_sep=True, regime_err_sep=True, **NAMES
    )
    found = theirs.output.set_index("var_names")["coefficients"].astype(float)
    assert apart.params.droplevel(0)["half[b]:W(y)"] == pytest.approx(found["b_W_y"])


# ---- panels
def stacked(name: str) -> np.ndarray:
    """Times slow, units fast, as spreg takes panels."""
    return LONG[name].unstack("year").loc[W.ids].to_numpy().T.reshape(-1, 1)


@pytest.mark.parametrize(
    "name", ["PooledOLS", "PanelFE", "PanelRE", "ML_LagRE", "ML_ErrorPooled", "GM_ErrorPooled", "GM_ErrorRE"]
)
def test_panels_are_stacked_by_id_and_time(name: str) -> None:
    theirs = by_hand(name, stacked("y"), np.hstack([stacked("x1"), stacked("x2")]))
    fit = sp.models.spreg(name, PLAIN, LONG.sample(frac=1, random_state=2), W)
    assert np.sort(fit.params) == pytest.approx(np.sort(np.ravel(theirs.betas)), rel=1e-6)
    own = np.sqrt(np.diag(theirs.vm))
    assert np.sort(fit.std_errors.dropna()) == pytest.approx(np.sort(own), rel=1e-6)
    assert (fit.n_units, fit.n_times, fit.n_obs) == (N, T, N * T)


@pytest.mark.parametrize("name", ["ML_LagFE", "ML_ErrorFE"])
def test_fixed_effects_have_the_covariance_of_lee_and_yu(name: str) -> None:
    """The inverse information of the transformed likelihood, written out with dense matrices."""
    fit = sp.models.spreg(name, PLAIN, LONG, W)
    dense, eye = W.sparse.toarray(), np.eye(N)
    y, x = (v.reshape(T, N, -1) for v in (stacked("y"), np.hstack([stacked("x1"), stacked("x2")])))
    y, x = y - y.mean(axis=0), x - x.mean(axis=0)
    lag = name == "ML_LagFE"
    term = "W(y)" if lag else "rho"
    beta, lam = fit.params.droplevel(0)[["x1", "x2"]].to_numpy(), float(fit.params["y", term])
    A = dense @ np.linalg.inv(eye - lam * dense)
    filtered = x if lag else np.einsum("ij,tjk->tik", eye - lam * dense, x)
    free = T - 1
    if lag:
        u = np.einsum("ij,tj->ti", eye - lam * dense, y[..., 0]) - x @ beta
    else:
        u = np.einsum("ij,tj->ti", eye - lam * dense, y[..., 0] - x @ beta)
    s2 = float(np.sum(u**2)) / (N * free)
    info = np.zeros((4, 4))  # beta, lam, s2
    info[:2, :2] = np.einsum("tik,til->kl", filtered, filtered) / s2
    info[2, 2] = free * np.trace(A @ A + A.T @ A)
    if lag:
        moved = np.einsum("ij,tj->ti", A, x @ beta)
        info[:2, 2] = info[2, :2] = np.einsum("tik,ti->k", x, moved) / s2
        info[2, 2] += np.sum(moved**2) / s2
    info[2, 3] = info[3, 2] = free * np.trace(A) / s2
    info[3, 3] = N * free / (2 * s2**2)
    wanted = np.sqrt(np.diag(np.linalg.inv(info)))[:3]
    # spreg stops its search of the coefficient at 1e-7.
    assert fit.std_errors.droplevel(0)[["x1", "x2", term]].to_numpy() == pytest.approx(wanted, rel=1e-5)
    assert "Lee and Yu" in " ".join(fit.notes)


# ---- systems
def _with_constant(*names: str) -> np.ndarray:
    return np.hstack([np.ones((N, 1)), column(*names)])


@pytest.mark.parametrize("name", ["SUR", "SURerrorGM", "SURerrorML"])
def test_systems_of_equations(name: str) -> None:
    options = {"iter": True} if name == "SUR" else {}
    fit = sp.models.spreg(name, ["y ~ x1 + x2", "y2 ~ x1"], DATA.iloc[::-1], W, **options)
    theirs = by_hand(
        name,
        {0: Y, 1: column("y2")},
        {0: _with_constant("x1", "x2"), 1: _with_constant("x1")},
        name_bigy={0: "y", 1: "y2"},
        name_bigX={0: ["CONSTANT", "x1", "x2"], 1: ["CONSTANT", "x1"]},
        **options,
    )
    assert fit.params["y"].to_numpy()[:3] == pytest.approx(np.ravel(theirs.bSUR[0]), rel=1e-10)
    assert fit.params["y2"].to_numpy()[:2] == pytest.approx(np.ravel(theirs.bSUR[1]), rel=1e-10)
    assert np.sort(fit.std_errors.drop("rho", level=1, errors="ignore")) == pytest.approx(
        np.sort(np.sqrt(np.diag(theirs.varb))), rel=1e-10
    )
    assert sp.regression_table([fit]).frame.shape[1] == 2


def test_three_stage_least_squares_with_common_instruments_is_ours() -> None:
    formulas = ["y ~ x1 + y2", "y2 ~ x2 + y"]
    fit = sp.models.spreg("ThreeSLS", formulas, DATA)
    ours = sp.models.SpatialSystem(formulas, DATA).fit("3sls", cov="hom")
    assert fit.params.to_numpy() == pytest.approx(ours.params.to_numpy(), rel=1e-9)
    assert "the exogenous variables and instruments of all" in " ".join(fit.notes)


def test_lags_in_systems() -> None:
    fit = sp.models.spreg("SURlagIV", ["y ~ x1 + x2", "y2 ~ x1 + x2"], DATA, W)
    theirs = by_hand(
        "SURlagIV",
        {0: Y, 1: column("y2")},
        {0: _with_constant("x1", "x2"), 1: _with_constant("x1", "x2")},
        name_bigy={0: "y", 1: "y2"},
        name_bigX={0: ["CONSTANT", "x1", "x2"], 1: ["CONSTANT", "x1", "x2"]},
    )
    assert fit.params["y2"].to_numpy() == pytest.approx(np.ravel(theirs.b3SLS[1]), rel=1e-10)
    assert fit.params.index.get_level_values(1)[3] == "W(y)"
    effects = fit.impacts(draws=50).tidy()
    assert set(effects["outcome"]) == {"y", "y2"}


# ---- the common result
def test_least_squares_has_the_battery() -> None:
    fit = sp.models.spreg("OLS", PLAIN, DATA, W)
    theirs = by_hand("OLS", Y, X, spat_diag=True, white_test=True)
    wanted = {
        "Jarque-Bera": theirs.jarque_bera["pvalue"],
        "Breusch-Pagan": theirs.breusch_pagan["pvalue"],
        "Koenker-Bassett": theirs.koenker_bassett["pvalue"],
        "White": theirs.white["pvalue"],
        "LM lag": theirs.lm_lag[1],
        "LM error": theirs.lm_error[1],
        "Robust LM lag": theirs.rlm_lag[1],
        "LM SARMA": theirs.lm_sarma[1],
    }
    for name, p in wanted.items():
        assert fit.test(name).p_value == pytest.approx(p, rel=1e-7), name
    assert dict(fit.facts)["condition_number"] == pytest.approx(theirs.mulColli, rel=1e-10)
    assert "Koenker-Bassett" in fit.summary()


@pytest.mark.evidence("models.SpregFit.impacts", source="the reduced form in dense matrices", kind="identity")
def test_effects_are_those_of_the_reduced_form() -> None:
    fit = sp.models.spreg("ML_Lag", PLAIN, DATA, W)
    lam, b = fit.params["y", "W(y)"], fit.params["y", "x1"]
    S = np.linalg.inv(np.eye(N) - lam * W.sparse.toarray()) * b
    table = fit.impacts(draws=200).tidy().set_index(["term", "effect"])["estimate"]
    assert table["x1", "direct"] == pytest.approx(np.trace(S) / N, rel=1e-8)
    assert table["x1", "total"] == pytest.approx(S.sum() / N, rel=1e-8)
    # spreg's default sets the direct effect to the coefficient.
    assert table["x1", "direct"] > b


@pytest.mark.evidence("models.SpregFit.moran", source="the function moran of the residuals", kind="identity")
def test_table_moran_glance_and_predictions_of_a_probit() -> None:
    fits = [sp.models.spreg(name, PLAIN, DATA, W) for name in ("OLS", "GM_Lag", "GM_Combo_Het")]
    table = sp.regression_table(fits)
    assert table.frame.loc["W(y)"].tolist()[0] == ""
    left, kept = (fit.moran(permutations=199).tidy().iloc[0] for fit in fits[::2])
    assert left["I"] == pytest.approx(by_hand("OLS", Y, X, spat_diag=True, moran=True).moran_res[0])
    assert kept["I"] < left["I"]
    assert kept["p_sim"] > 0.05
    assert fits[0].glance().loc[0, "n_units"] == N
    probit = sp.models.spreg("Probit", "won ~ x1", DATA, W, spat_diag=True)
    theirs = by_hand("Probit", column("won"), column("x1"), spat_diag=True)
    assert probit.slopes.loc["x1", "std_error"] == pytest.approx(float(np.ravel(theirs.slopes_std_err)[0]))
    # spreg counts the constant among the slopes: chi2(2) for one slope.
    assert probit.test("LR").statistic == pytest.approx(theirs.LR[0], rel=1e-6)
    assert probit.test("LR").p_value == pytest.approx(stats.chi2.sf(theirs.LR[0], 1), rel=1e-6)
    assert theirs.LR[1] == pytest.approx(stats.chi2.sf(theirs.LR[0], 2), rel=1e-6)
    assert probit.test("LM error, Pinkse (2004)").p_value == pytest.approx(
        float(np.ravel(theirs.Pinkse_error)[1]), rel=1e-6
    )


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    sp.models.spreg("GM_Lag", PLAIN, DATA, W)
    assert capsys.readouterr().out == ""
