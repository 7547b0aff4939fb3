"""Maximum likelihood against spatialreg, splm (R) and spreg: numbers that we did not make."""

from __future__ import annotations

import numpy as np
import pytest
from lattice import spdep_weights
from likelihood_cases import columbus, fitted, produc, ring, simulated

from spatial.models import HeteroskedasticityWarning, SpatialSystem
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings(
    "ignore::spatial.models.likelihood.estimator.HeteroskedasticityWarning"
)

# spatialreg 1.4-2 in R 4.2.2, method "eigen", queen weights, tolerances 1e-10: CRIME ~ INC + HOVAL.
SPATIALREG = {
    "SAR": (
        ("CRIME ~ INC + HOVAL + W(CRIME)", None),
        {"Intercept": 45.6032479841064, "INC": -1.04872814193341, "HOVAL": -0.266334808027116},
        {"Intercept": 7.25740383817017, "INC": 0.307405915922674, "HOVAL": 0.0890962907234713},
        (0.423325436197199, 0.119510444137823),
        None,
        (-182.673972010134, 96.8571809562568, 375.347944020268),
    ),
    "SEM": (
        ("CRIME ~ INC + HOVAL", "W"),
        {"Intercept": 60.2794695495948, "INC": -0.957305329035275, "HOVAL": -0.304559258930199},
        {"Intercept": 5.36559384446465, "INC": 0.334230754528085, "HOVAL": 0.0920473157117332},
        None,
        (0.546753036783333, 0.138050777297853),
        (-183.749428062057, 97.674232210291, 377.498856124114),
    ),
    "SAC": (
        ("CRIME ~ INC + HOVAL + W(CRIME)", "W"),
        {"Intercept": 47.9153591622422, "INC": -1.04274929316506, "HOVAL": -0.279840900241241},
        {"Intercept": 9.98554827445013, "INC": 0.328627963512094, "HOVAL": 0.09069937667548},
        (0.369374247035686, 0.196252570480308),
        (0.146416989560185, 0.301020548848812),
        (-182.555023803708, 97.0434418674647, 377.110047607416),
    ),
    "SDM": (
        ("CRIME ~ INC + HOVAL + W(INC) + W(HOVAL) + W(CRIME)", None),
        {"INC": -0.919906108496705, "W(INC)": -0.583913259810209, "W(HOVAL)": 0.257684321592112},
        {"INC": 0.334741909103038, "W(INC)": 0.574224496093806, "W(HOVAL)": 0.18723486606993},
        (0.403462617682371, 0.161333846463005),
        None,
        (-181.639254440351, 93.2722403262151, 377.278508880701),
    ),
    "SDEM": (
        ("CRIME ~ INC + HOVAL + W(INC) + W(HOVAL)", "W"),
        {"INC": -1.05225848764132, "W(INC)": -1.20487607089253, "W(HOVAL)": 0.131245088893489},
        {"INC": 0.321279319819107, "W(INC)": 0.573641570762472, "W(HOVAL)": 0.207244920232465},
        None,
        (0.403582138837775, 0.163521379719119),
        (-181.778997106001, 93.8032973457372, 377.557994212001),
    ),
}


@pytest.mark.evidence("models.SpatialSystem:ml", source="spatialreg 1.4-2, columbus")
@pytest.mark.parametrize("name", SPATIALREG)
def test_cross_sections_are_those_of_spatialreg(name: str) -> None:
    (formula, error), slopes, errors, lag, rho, (loglik, s2, aic) = SPATIALREG[name]
    fit = fitted(formula, *columbus(), error=error)
    found = fit.tidy().set_index("term")
    for term, value in slopes.items():
        assert found.loc[term, "estimate"] == pytest.approx(value, rel=2e-6)
        assert found.loc[term, "std_error"] == pytest.approx(errors[term], rel=2e-6)
    for term, pair in (("W(CRIME)", lag), ("rho", rho)):
        if pair is not None:
            assert found.loc[term, ["estimate", "std_error"]].tolist() == pytest.approx(pair, rel=2e-6)
    facts = dict(fit.facts)
    assert facts["log_likelihood"] == pytest.approx(loglik, abs=1e-8)
    assert facts["aic"] == pytest.approx(aic, abs=1e-7)
    assert fit.sigma.iloc[0, 0] == pytest.approx(s2, rel=1e-7)
    assert f"({name})" in fit.summary().splitlines()[0]


def test_tests_between_models_are_those_of_spatialreg() -> None:
    data, W = columbus()
    durbin = fitted("CRIME ~ INC + HOVAL + W(INC) + W(HOVAL) + W(CRIME)", data, W).diagnostics()
    # LR.Sarlm(m_sdm, m_lag); LR1.Sarlm and Wald1.Sarlm of m_sdm; LMtest of its residuals
    assert durbin.test("LR: no spatial lags of regressors", "CRIME").statistic == pytest.approx(
        2.06943513956662, abs=1e-7
    )
    assert durbin.test("LR: spatial lag", "CRIME").statistic == pytest.approx(4.66268949514949, abs=1e-7)
    assert durbin.test("Wald: spatial lag", "CRIME").statistic == pytest.approx(6.25396760626579, rel=1e-5)
    left = durbin.test("LM: innovations over space", "CRIME")
    assert left.statistic == pytest.approx(0.362579532840658, rel=1e-5)
    # 2 (LL of SDM - LL of SEM)
    common = durbin.test("LR: common factor (Durbin against error)", "CRIME")
    assert common.statistic == pytest.approx(2 * (183.749428062057 - 181.639254440351), abs=1e-7)
    assert common.df == 2
    lag = fitted("CRIME ~ INC + HOVAL + W(CRIME)", data, W)
    assert lag.diagnostics().test("LM: innovations over space", "CRIME").statistic == pytest.approx(
        0.247031360012256, rel=1e-5
    )
    assert lag.moran(permutations=0).frame["z"].iloc[0] ** 2 == pytest.approx(0.247031360012256, rel=1e-5)
    # The same statistic tests rho beside the lag, where it is estimated too, and comes before Wald's.
    both = fitted("CRIME ~ INC + HOVAL + W(CRIME)", data, W, error="W").diagnostics()
    assert both.test("LM: spatial error", "CRIME").statistic == pytest.approx(0.247031360012256, rel=1e-5)
    names = [t.name for t in both.tests]
    assert names.index("LM: spatial error") < names.index("LR: spatial error")
    assert "rejects too often in small samples" in both.test("Wald: spatial error", "CRIME").detail
    assert "too often" not in lag.diagnostics().test("Wald: spatial lag", "CRIME").detail


def test_heteroskedasticity_of_columbus_is_warned_of() -> None:
    with pytest.warns(HeteroskedasticityWarning, match="Breusch-Pagan"):
        fit = fitted("CRIME ~ INC + HOVAL + W(CRIME)", *columbus())
    assert "compare fit('gs2sls') or fit('aqs')" in " ".join(fit.notes)


# splm 1.6-5: spml(lgsp ~ lpcap + lpc + lemp + unemp, usaww, model = "within", effect = "individual").
SPLM = {
    "lag": (
        ("lgsp ~ lpcap + lpc + lemp + unemp + W(lgsp)", None),
        [-0.0465818935104332, 0.187432519188851, 0.625090171296087, -0.00448158977405743],
        [0.0254424968759251, 0.0230441535073934, 0.0297043593253802, 0.000865303580201594],
        (0.274688711742279, 0.023516404664596),
        None,
        0.00111137946375833,
    ),
    "error": (
        ("lgsp ~ lpcap + lpc + lemp + unemp", "W"),
        [0.0051438404099949, 0.205302557298062, 0.782253978919074, -0.00223166515961224],
        [0.0250108642513283, 0.0231426773272617, 0.027805721213152, 0.00107091201208932],
        None,
        (0.557401321520724, 0.0330749054398574),
        0.000976486176495063,
    ),
    "both": (
        ("lgsp ~ lpcap + lpc + lemp + unemp + W(lgsp)", "W"),
        [-0.0103496534313411, 0.190578091255982, 0.75523721284595, -0.00306128366894008],
        [0.0255344874206265, 0.0242828541171368, 0.0290385437832064, 0.00103151299144351],
        (0.0885760236455102, 0.0263124610726679),
        (0.455311625149412, 0.0425383545844372),
        0.0009966284282478,
    ),
}
TERMS = ["lpcap", "lpc", "lemp", "unemp"]


@pytest.mark.evidence("models.SpatialSystem:ml", source="splm 1.6-5, Produc")
@pytest.mark.parametrize("name", SPLM)
def test_panels_with_unit_effects_are_those_of_splm(name: str) -> None:
    (formula, error), slopes, errors, lag, rho, s2 = SPLM[name]
    fit = fitted(formula, *produc(), error=error, effects=("unit",), compat="direct")
    found = fit.tidy().set_index("term")
    assert found.loc[TERMS, "estimate"].tolist() == pytest.approx(slopes, rel=1e-6)
    assert found.loc[TERMS, "std_error"].tolist() == pytest.approx(errors, rel=1e-6)
    for term, pair in (("W(lgsp)", lag), ("rho", rho)):
        if pair is not None:
            assert found.loc[term, ["estimate", "std_error"]].tolist() == pytest.approx(pair, rel=1e-6)
    assert fit.sigma.iloc[0, 0] == pytest.approx(s2, rel=1e-6)
    assert "compat='direct'" in " ".join(fit.notes)
    # Transformed: the same estimates, the variance and its errors by n = N (T - 1).
    own = fitted(formula, *produc(), error=error, effects=("unit",))
    assert own.params.to_numpy() == pytest.approx(fit.params.to_numpy(), rel=1e-8)
    assert own.sigma.iloc[0, 0] == pytest.approx(s2 * 17 / 16, rel=1e-6)
    assert own.std_errors.to_numpy() == pytest.approx(fit.std_errors.to_numpy() * np.sqrt(17 / 16), rel=1e-8)


def test_time_effects_differ_from_splm_by_its_lag_of_demeaned_columns() -> None:
    """splm lags what is demeaned and does not demean again: W J y for J W y.  So do pooled demeaned data."""
    panel, W = produc(demeaned="year")
    formula = "lgsp ~ lpcap + lpc + lemp + unemp + W(lgsp) - 1"
    found = fitted(formula, panel, W).tidy().set_index("term")
    assert found.loc["W(lgsp)", ["estimate", "std_error"]].tolist() == pytest.approx(
        (-0.00574524964121615, 0.00583612471785305), rel=1e-7
    )
    assert found.loc["lpcap", "estimate"] == pytest.approx(0.160445069886426, rel=1e-8)
    fit = fitted("lgsp ~ lpcap + lpc + lemp + unemp - 1", panel, W, error="W")
    assert fit.rho.iloc[0] == pytest.approx(0.496230200650571, rel=1e-6)


def test_pooled_panels_are_those_of_splm() -> None:
    panel, W = produc()
    fit = fitted("lgsp ~ lpcap + lpc + lemp + unemp + W(lgsp)", panel, W, error="W")
    # spml(..., model = "pooling", lag = TRUE, spatial.error = "b")
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(897.413022077431, abs=1e-6)
    assert fit.params["lgsp", "W(lgsp)"] == pytest.approx(0.00563794224089114, rel=1e-6)
    assert fit.rho.iloc[0] == pytest.approx(0.52280208236669, rel=1e-7)
    error = fitted("lgsp ~ lpcap + lpc + lemp + unemp", panel, W, error="W", cov="observed")
    assert dict(error.facts)["log_likelihood"] == pytest.approx(897.061900612624, abs=1e-6)
    # splm takes the error of rho from the numerical Hessian.
    assert error.rho_std_errors.iloc[0] == pytest.approx(0.0374437025459566, rel=2e-5)


@pytest.mark.filterwarnings("ignore")  # spreg's own
def test_spreg_agrees_live() -> None:
    import spreg
    from libpysal.weights import WSP, WSP2W

    data, W = columbus()
    w = WSP2W(WSP(W.sparse))
    w.transform = "r"
    y, X = data[["CRIME"]].to_numpy(), data[["INC", "HOVAL"]].to_numpy()
    lag = spreg.ML_Lag(y, X, w)
    own = fitted("CRIME ~ INC + HOVAL + W(CRIME)", data, W)
    assert own.params.to_numpy() == pytest.approx(lag.betas.ravel(), rel=1e-6)
    assert own.std_errors.to_numpy() == pytest.approx(np.sqrt(np.diag(lag.vm))[:4], rel=1e-6)
    error = spreg.ML_Error(y, X, w)
    own = fitted("CRIME ~ INC + HOVAL", data, W, error="W")
    assert [*own.params, *own.rho] == pytest.approx(error.betas.ravel().tolist(), rel=1e-6)

    n, times = 40, 4
    dense = ring(n)
    panel = simulated(dense, times, 3, lam=0.4)
    cube = panel.frame.sort_index(level=[1, 0])
    w = WSP2W(WSP(Weights.from_dense(dense).sparse))
    w.transform = "r"
    y, X = cube[["y"]].to_numpy(), cube[["x", "z"]].to_numpy()
    for formula, e, oracle in (
        ("y ~ x + z + W(y)", None, spreg.Panel_FE_Lag(y, X, w)),
        ("y ~ x + z", "W", spreg.Panel_FE_Error(y, X, w)),
    ):
        # spreg divides by all rows: too small for few times, met by compat.
        own = fitted(formula, panel, dense, error=e, effects=("unit",), compat="direct")
        assert [*own.params, *own.rho] == pytest.approx(oracle.betas.ravel().tolist(), rel=1e-5, abs=1e-7)
        errors = [*own.std_errors, *own.rho_std_errors]
        assert errors == pytest.approx(np.sqrt(np.diag(oracle.vm))[:3].tolist(), rel=1e-5)


def test_effects_of_columbus_are_those_of_spatialreg() -> None:
    data, W = columbus()
    found = fitted("CRIME ~ INC + HOVAL + W(CRIME)", data, W).impacts(draws=0).tidy()
    wide = found.pivot_table(index="term", columns="effect", values="estimate")
    # impacts(lagsarlm(...), listw), exact
    for term, expected in (
        ("INC", [-1.10089544989559, -0.717683353413593, -1.81857880330918]),
        ("HOVAL", [-0.279583205690293, -0.182262732248519, -0.461845937938812]),
    ):
        assert wide.loc[term, ["direct", "indirect", "total"]].tolist() == pytest.approx(expected, rel=5e-6)
    assert (found["std_error"] > 0).all()


# spatialreg 1.4-2, the same with the neighbours of col.gal.nb: lag or rho with its error, log-likelihood.
GAL = {
    "SAR": (0.403889679460876, 0.12071313433819, -183.16828003635),
    "SEM": (0.520887683457659, 0.141286197744108, -184.155204671899),
    "SAC": (0.353261823334885, 0.196693559966358, -183.0731254613),
    "SDM": (0.382506231817572, 0.162374821963977, -182.016116443503),
    "SDEM": (0.376129188875345, 0.165540312272225, -182.232889736857),
}


@pytest.mark.evidence("models.SpatialSystem:ml", source="spatialreg 1.4-2, columbus, col.gal.nb")
@pytest.mark.parametrize("name", GAL)
def test_cross_sections_by_other_neighbours_are_those_of_spatialreg(name: str) -> None:
    value, error, loglik = GAL[name]
    formula, spatial_error = SPATIALREG[name][0]
    fit = fitted(formula, columbus()[0], spdep_weights("gal", "W"), error=spatial_error)
    found = fit.tidy().set_index("term").loc["W(CRIME)" if "W(CRIME)" in formula else "rho"]
    assert found["estimate"] == pytest.approx(value, rel=2e-6)
    assert found["std_error"] == pytest.approx(error, rel=2e-6)
    assert dict(fit.facts)["log_likelihood"] == pytest.approx(loglik, abs=1e-8)


def test_lagrange_multiplier_tests_by_other_neighbours_are_those_of_spdep() -> None:
    system = SpatialSystem("CRIME ~ INC + HOVAL", columbus()[0], spdep_weights("gal", "W"))
    tests = system.fit("ols").diagnostics()
    for name, value in (
        ("LM error", 4.61112584434427),
        ("LM lag", 7.85567540711146),
        ("Robust LM error", 0.0335141070581876),
        ("Robust LM lag", 3.27806366982538),
        ("LM SARMA", 7.88918951416965),
    ):
        assert tests.test(name, "CRIME").statistic == pytest.approx(value, rel=1e-9)
