"""Equations with instruments of their own: against linearmodels, and one set where the spans are one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from linearmodels.system import IVSystemGMM

from spatial.errors import DataError, NotIdentifiedError
from spatial.models import SpatialSystem, WildBootstrap, heterogeneity
from spatial.models.estimation.least_squares import three_stage, two_stage
from spatial.panel.panel import Panel
from spatial.weights import Weights

N, T = 60, 4
pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")  # of weak ones, in few rows
TWO = ["y1 ~ x | p ~ z1 + w", "y2 ~ 1 | q ~ z2"]


def _two(n: int, seed: int) -> pd.DataFrame:
    """p moves with z1 and w, q with z2, which is correlated with the error of the first equation."""
    rng = np.random.default_rng(seed)
    e = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], n)
    z1, w, x, fresh, v1, v2 = rng.standard_normal((6, n))
    z2 = fresh + 0.8 * e[:, 0] - 0.56 * e[:, 1]
    p, q = z1 + 0.5 * w + e[:, 0] + v1, z2 + e[:, 1] + v2
    columns = {"y1": 0.5 * p + 0.3 * x + e[:, 0], "y2": q + e[:, 1], "p": p, "q": q}
    return pd.DataFrame({**columns, "z1": z1, "z2": z2, "w": w, "x": x})


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return _two(500, 2)


@pytest.fixture(scope="module")
def W() -> Weights:
    ring = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1) + np.roll(np.eye(N), 7, axis=1)
    return Weights.from_dense(ring, ids=range(N)).row_standardized()


@pytest.fixture(scope="module")
def panel(W: Weights) -> Panel:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(N * T, 6)), columns=["a", "b", "x", "v", "z1", "z2"])
    frame["i"], frame["t"] = np.tile(range(N), T), np.repeat(range(T), N)
    e = rng.normal(size=N * T)
    frame = frame.assign(p=frame.z1 + frame.z2 + e, q=frame.z1 - frame.z2 + frame.b)
    frame["a"] += 0.5 * frame.p + frame.x + e
    frame["b"] += 0.4 * frame.q + frame.v + 0.5 * e
    inverse = np.linalg.inv(np.eye(N) - 0.4 * W.sparse.toarray())
    for name in ("a", "b"):
        frame[name] = (frame[name].to_numpy().reshape(T, N) @ inverse.T).ravel()
    return Panel.from_frame(frame, unit="i", time="t")


@pytest.mark.evidence("models.SpatialSystem:3sls", source="linearmodels IVSystemGMM, instruments by equation")
def test_coefficients_errors_and_j_are_those_of_linearmodels(data: pd.DataFrame) -> None:
    fit = SpatialSystem(TWO, data).fit("3sls", cov="hom")
    c = data.assign(c=1.0)
    equations = {
        "one": {"dependent": c.y1, "exog": c[["c", "x"]], "endog": c.p, "instruments": c[["z1", "w"]]},
        "two": {"dependent": c.y2, "exog": c[["c"]], "endog": c.q, "instruments": c[["z2", "x"]]},
    }
    other = IVSystemGMM(equations, weight_type="unadjusted").fit(iter_limit=2, cov_type="unadjusted")
    assert fit.params.to_numpy() == pytest.approx(other.params.to_numpy(), rel=1e-9)
    assert fit.std_errors.to_numpy() == pytest.approx(other.std_errors.to_numpy(), rel=1e-9)
    j = fit.diagnostics().test("Hansen-Sargan J")
    assert j.statistic == pytest.approx(other.j_stat.stat, rel=1e-8)
    assert j.df == other.j_stat.df == 2
    assert "declared instruments by equation (y1: z1, w; y2: z2)" in fit.summary()


def test_an_instrument_that_is_valid_in_one_equation_only_spoils_no_other() -> None:
    """With the instruments of all in both the first slope is wrong however large the sample."""
    fit = SpatialSystem(TWO, _two(20_000, 2)).fit("3sls")
    assert fit.params["y1", "p"] == pytest.approx(0.5, abs=0.03)
    assert fit.params["y2", "q"] == pytest.approx(1.0, abs=0.03)
    with_all = ["y1 ~ x | p ~ z1 + w + z2", "y2 ~ 1 | q ~ z2 + z1 + w"]
    wrong = SpatialSystem(with_all, _two(20_000, 2)).fit("3sls").params
    assert abs(wrong["y1", "p"] - 0.5) > 0.04


@pytest.mark.evidence(
    "models.SpatialSystem:3sls", source="200 samples, instruments by equation: coverage", kind="simulation"
)
@pytest.mark.slow
def test_intervals_cover(record_property: Any) -> None:
    hits = np.zeros(2)
    for seed in range(200):
        fit = SpatialSystem(TWO, _two(200, seed)).fit("3sls", cov="het")
        bounds = fit.confint().set_index(["equation", "term"])
        for k, (row, truth) in enumerate(((("y1", "p"), 0.5), (("y2", "q"), 1.0))):
            hits[k] += bounds.loc[row, "conf_low"] <= truth <= bounds.loc[row, "conf_high"]
    record_property("coverage", f"{hits[0] / 200:.3f} and {hits[1] / 200:.3f} in 200 samples")
    assert (np.abs(hits / 200 - 0.95) < 0.046).all()  # three standard errors of the simulation


@pytest.mark.parametrize("method", ["2sls", "3sls", "gs2sls", "gs3sls", "gmm"])
def test_where_the_spans_are_one_the_numbers_are_those_of_one_set(
    panel: Panel, W: Weights, method: Any
) -> None:
    """z1 and z1 + z2 span what z1 and z2 span: lags, effects, errors and two-step weights included."""
    options: dict[str, Any] = {"effects": "unit", "error": "W" if method.startswith("g") else None}
    names = ["a ~ x + W(a) | p ~ z1 + z2", "b ~ v + W(b) | q ~ {}"]
    same, apart = (
        SpatialSystem([names[0], names[1].format(z)], panel, W, **options)
        for z in ("z1 + z2", "z1 + I(z1 + z2)")
    )
    assert not same.structure.has_own_instruments
    assert apart.structure.has_own_instruments
    one, own = same.fit(method), apart.fit(method)
    assert own.params.to_numpy() == pytest.approx(one.params.to_numpy(), rel=1e-7)
    assert own.joint_cov.to_numpy() == pytest.approx(one.joint_cov.to_numpy(), rel=1e-6, abs=1e-12)
    tests = [
        fit.diagnostics().tidy().query("~test.str.contains('Difference')").reset_index(drop=True)
        for fit in (one, own)
    ]
    assert tests[1]["test"].tolist() == tests[0]["test"].tolist()
    assert tests[1]["statistic"].to_numpy() == pytest.approx(
        tests[0]["statistic"].to_numpy(), rel=1e-5, nan_ok=True
    )
    first, second = (s.identification() for s in (same, apart))
    assert second.identified
    assert second.instruments["F"].to_numpy() == pytest.approx(first.instruments["F"].to_numpy(), rel=1e-7)


@pytest.mark.evidence(
    "models.SystemFit.equation_tests", source="each equation estimated by itself", kind="identity"
)
def test_each_equation_is_that_of_its_own_set_where_they_are_estimated_one_by_one(
    panel: Panel, W: Weights
) -> None:
    both = SpatialSystem(["a ~ x + W(a) | p ~ z1", "b ~ v + W(b) | q ~ z2"], panel, W, effects="unit")
    fit = both.fit("2sls")
    for formula, others in (("a ~ x + W(a) | p ~ z1", "v"), ("b ~ v + W(b) | q ~ z2", "x")):
        single = SpatialSystem(formula, panel, W, effects="unit", instruments=others).fit("2sls")
        name = formula[0]
        assert fit.params[name].to_numpy() == pytest.approx(single.params[name].to_numpy(), rel=1e-9)
        assert fit.std_errors[name].to_numpy() == pytest.approx(single.std_errors[name].to_numpy(), rel=1e-9)
        own, its = (f.equation_tests().loc[name, ["j", "first_stage_f"]].to_numpy() for f in (fit, single))
        assert own == pytest.approx(its, rel=1e-7)
        sets = [f.anderson_rubin(equation=name).tidy()["conf_low"].to_numpy(float) for f in (fit, single)]
        assert sets[0] == pytest.approx(sets[1], rel=1e-4)


def test_an_equation_that_names_none_uses_all_and_those_of_the_system_serve_every_one(
    data: pd.DataFrame,
) -> None:
    third = data.assign(y3=data["p"] + data["q"])
    system = SpatialSystem([*TWO, "y3 ~ x"], third, instruments="z1")
    lists = [e.instruments for e in system.structure.equations]
    assert lists == [("z1", "w", "z1"), ("z2", "z1"), None]
    names = [system.design.seen_by(g).instrument_names for g in range(3)]
    assert names == [
        ("Intercept", "x", "z1", "w"),
        ("Intercept", "x", "z1", "z2"),
        ("Intercept", "x", "z1", "w", "z2"),
    ]
    # What one equation names and another has among its regressors is exogenous everywhere.
    system = SpatialSystem(["y1 ~ x | p ~ z1", "y2 ~ z1 | q ~ z2"], data)
    assert system.design.seen_by(1).instrument_names == ("Intercept", "x", "z1", "z2")


def test_with_one_identity_for_a_selection_the_formulas_are_the_plain_ones() -> None:
    rng = np.random.default_rng(5)
    R, r = [rng.normal(size=(6, 3)) for _ in range(2)], [rng.normal(size=6) for _ in range(2)]
    precision = np.array([[2.0, 0.5], [0.5, 1.0]])
    for make, more in ((two_stage, ()), (three_stage, (precision,))):
        plain, own = make(R, r, *more), make(R, r, *more, [np.eye(6)] * 2)
        for name in ("delta", "bread", "gamma"):
            assert getattr(own, name) == pytest.approx(getattr(plain, name), rel=1e-9, abs=1e-12)


def test_what_takes_one_set_refuses_several(data: pd.DataFrame, panel: Panel, W: Weights) -> None:
    system = SpatialSystem(TWO, data.assign(g=np.arange(500) % 12))
    said = r"different instruments \(y1: z1, w; y2: z2\), and {} takes one set for all: use '3sls'"
    with pytest.raises(DataError, match=said.format("iv='best'")):
        system.fit("3sls", iv="best")
    with pytest.raises(DataError, match=said.format("WildBootstrap")):
        system.fit("3sls", cov=WildBootstrap(by="g", replications=99)).tidy()
    with pytest.raises(DataError, match=said.format("a comparison of groups")):
        heterogeneity(system, by="g")
    pair = ["a ~ x + W(a) | p ~ z1", "b ~ v + W(b) | q ~ z2"]
    with pytest.raises(DataError, match=r"and method='aqs' takes one set"):
        SpatialSystem(pair, panel, W, error="W").fit("aqs")
    assert SpatialSystem(pair, panel, W, error="W").fit().method == "gs3sls"
    with pytest.raises(DataError, match=r"and effects='random' takes one set"):
        SpatialSystem(pair, panel, W, effects="random").fit("3sls")
    with pytest.raises(NotIdentifiedError):
        SpatialSystem(["y1 ~ x | p + w ~ z1", "y2 ~ 1 | q ~ z2"], data).fit("3sls")
