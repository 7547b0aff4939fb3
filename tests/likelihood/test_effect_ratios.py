"""Intervals of effects by likelihood ratios: against searches written out, regressions, and tests of zero."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from likelihood_cases import fitted, ring, simulated
from scipy import linalg, optimize, stats

from spatial.errors import DataError, SpatialWarning
from spatial.models import SpatialSystem
from spatial.weights import Weights

N = 40
W = ring(N)
LIMIT = float(stats.chi2.ppf(0.95, 1))
EFFECTS = ["direct", "indirect", "total"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    return simulated(W, 1, 8, lam=0.4).frame.droplevel(1)


OMEGA = np.linalg.eigvals(W)


def _multipliers(lam: float) -> dict[str, float]:
    own, whole = float(np.real(np.mean(1 / (1 - lam * OMEGA)))), 1 / (1 - lam)
    return {"direct": own, "indirect": whole - own, "total": whole}


def _lowest(loss: Callable[[float], float], low: float, high: float) -> float:
    """The least value over a fine grid, then between its neighbours."""
    grid = np.linspace(low, high, 400)
    k = int(np.argmin([loss(float(a)) for a in grid]))
    ends = float(grid[max(k - 1, 0)]), float(grid[min(k + 1, 399)])
    found = optimize.minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-11})
    return float(found.fun)


def _left(y: np.ndarray, Z: np.ndarray) -> float:
    return float(np.sum((y - Z @ np.linalg.lstsq(Z, y, rcond=None)[0]) ** 2))


@pytest.mark.evidence("models.Impacts.confint", source="a search over lambda written out", kind="identity")
@pytest.mark.parametrize("effect", EFFECTS)
def test_at_both_ends_the_ratio_of_a_lag_model_is_the_quantile(data: pd.DataFrame, effect: str) -> None:
    """The slope of x is what the effect says at each lambda: a regression of the rest."""
    fit = fitted("y ~ x + z + W(y)", data, W)
    y, x = data["y"].to_numpy(), data["x"].to_numpy()
    rest = np.column_stack([np.ones(N), data["z"]])

    def at(value: float) -> float:
        def loss(lam: float) -> float:
            e = y - lam * W @ y - x * value / _multipliers(lam)[effect]
            logdet = float(np.sum(np.log(np.abs(1 - lam * OMEGA))))
            return N / 2 * (np.log(2 * np.pi * _left(e, rest) / N) + 1) - logdet

        return _lowest(loss, -0.9, 0.95)

    row = fit.impacts().confint(method="lr", term="x").set_index("effect").loc[effect]
    for end in ("conf_low", "conf_high"):
        ratio = 2 * (fit.estimate.log_likelihood + at(float(row[end])))
        assert ratio == pytest.approx(LIMIT, abs=1e-5)


def test_an_interval_that_holds_zero_crosses_it(data: pd.DataFrame) -> None:
    """Below zero an indirect effect of a positive slope needs a lag below zero: a second hill."""
    weak = data.assign(y=simulated(W, 1, 3, lam=0.05).frame["y"].to_numpy())
    fit = fitted("y ~ x + z + W(y)", weak, W)
    found = fit.impacts().confint(method="lr", term="x").set_index("effect")
    lag = fit.confint(method="lr").set_index("term").loc["W(y)"]
    assert lag["conf_low"] < 0 < lag["conf_high"]
    assert found.loc["indirect", "conf_low"] < 0 < found.loc["indirect", "conf_high"]
    assert found.loc["indirect", "p_value"] == pytest.approx(lag["p_value"], rel=1e-5)


def test_p_values_are_those_of_likelihood_ratio_tests(data: pd.DataFrame) -> None:
    fit = fitted("y ~ x + z + W(y)", data, W)
    found = fit.impacts().confint(method="lr", term="z").set_index("effect")["p_value"]
    top, without = (one.estimate.log_likelihood for one in (fit, fitted("y ~ x + W(y)", data, W)))
    dropped = stats.chi2.sf(2 * (top - without), 1)
    assert found["total"] == pytest.approx(dropped, rel=1e-5)
    assert found["direct"] == pytest.approx(dropped, rel=1e-5)
    # Nothing goes to others where either the slope or the lag is zero: the better of the two.
    lag = fit.diagnostics().test("LR: spatial lag", "y").p_value
    assert found["indirect"] == pytest.approx(max(dropped, lag), rel=1e-5)


@pytest.mark.evidence("models.SystemFit.confint", source="statsmodels OLS: t intervals by small=True")
@pytest.mark.evidence("models.SpatialSystem:ml", source="statsmodels 0.14, OLS: t intervals by small=True")
def test_in_a_regression_they_are_the_t_intervals(data: pd.DataFrame) -> None:
    """Of a model without lags or errors the ratio is a function of F, which small=True reads it by."""
    lagged = data.assign(wx=W @ data["x"].to_numpy())
    fit = fitted("y ~ x + z + W(x)", data, W, small=True)
    ols = sm.OLS(lagged["y"], sm.add_constant(lagged[["x", "z", "wx"]])).fit()
    expected = ols.conf_int().loc[["const", "x", "z", "wx"]].to_numpy()
    for method in ("lr", "wald"):
        found = fit.confint(method=method)  # type: ignore[arg-type]
        assert found[["conf_low", "conf_high"]].to_numpy() == pytest.approx(expected, rel=1e-7)
        assert found["p_value"].to_numpy() == pytest.approx(ols.pvalues.to_numpy(), rel=1e-6)
    assert fit.std_errors.to_numpy() == pytest.approx(ols.bse.to_numpy(), rel=1e-9)
    effects = fit.impacts().confint(method="lr", term="x").set_index("effect")[["conf_low", "conf_high"]]
    assert effects.loc["direct"].to_numpy() == pytest.approx(expected[1], rel=1e-7)
    assert effects.loc["indirect"].to_numpy() == pytest.approx(expected[3], rel=1e-7)
    total = ols.t_test("x + wx = 0").conf_int()[0]
    assert effects.loc["total"].to_numpy() == pytest.approx(total, rel=1e-7)
    nothing = fit.impacts().confint(method="lr", term="z").set_index("effect").loc["indirect"]
    assert (nothing[["estimate", "conf_low", "conf_high"]] == 0).all()


def test_a_lag_and_an_error_with_effects_out_are_searched_together() -> None:
    """The total effect of a panel: held at its ends, the best of all (lambda, rho) written out."""
    panel = simulated(W, 3, 4, lam=0.4, rho=0.3)
    fit = fitted("y ~ x + W(y)", panel, W, error="W", effects=("unit", "time"))
    found = fit.impacts().confint(method="lr").set_index("effect").loc["total"]
    profile = fit.estimate.model.profile

    def loss(place: np.ndarray, value: float) -> float:
        lam = float(place[0])
        low, high = profile.bounds(0)
        if not (low < lam < high and low < place[1] < high):
            return 1e9
        y, _, Z = profile.parts(place)
        e = y - Z[:, 0] * value * (1 - lam)
        logs = sum(j(float(a))[0] for j, a in zip(profile.jacobians, place, strict=True))
        return profile.n / 2 * (np.log(2 * np.pi * float(e @ e) / profile.n) + 1) - logs

    for end in ("conf_low", "conf_high"):
        begins = [fit.estimate.found.place, np.array([0.1, 0.5]), np.array([0.6, -0.2])]
        least = min(
            optimize.minimize(
                loss, b, (float(found[end]),), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11}
            ).fun
            for b in begins
        )
        assert 2 * (fit.estimate.log_likelihood + least) == pytest.approx(LIMIT, abs=1e-5)
    assert found["conf_low"] < found["estimate"] < found["conf_high"]


def test_random_effects_and_the_exponential_have_them_too() -> None:
    panel = simulated(W, 3, 4, lam=0.3, effects=False)
    random = fitted("y ~ x + z + W(y)", panel, W, effects=("random",))
    effects = random.impacts()
    found = effects.confint(method="lr", term="z").set_index("effect")["p_value"]
    without = dict(fitted("y ~ x + W(y)", panel, W, effects=("random",)).facts)["log_likelihood"]
    top = dict(random.facts)["log_likelihood"]
    assert found["total"] == pytest.approx(stats.chi2.sf(2 * (top - without), 1), rel=1e-4)
    data = panel.frame.xs(0, level=1)
    mess = SpatialSystem("y ~ x + z + W(y)", data, Weights.from_dense(W)).fit("mess")
    y, Z = data["y"].to_numpy(), np.column_stack([np.ones(N), data["z"]])
    row = mess.impacts().confint(method="lr", term="x").set_index("effect").loc["total"]
    for end in ("conf_low", "conf_high"):

        def loss(alpha: float, value: float = float(row[end])) -> float:
            e = linalg.expm(-alpha * W) @ y - data["x"].to_numpy() * value * np.exp(-alpha)
            return N / 2 * (np.log(2 * np.pi * _left(e, Z) / N) + 1)

        assert 2 * (dict(mess.facts)["log_likelihood"] + _lowest(loss, -1.5, 2.5)) == pytest.approx(
            LIMIT, abs=1e-5
        )


def test_small_samples_have_their_factor_and_their_law() -> None:
    panel = simulated(W, 4, 6, lam=0.3)
    for method in ("ml", "mess"):
        system = SpatialSystem("y ~ x + z + W(y)", panel, Weights.from_dense(W), effects="unit")
        plain, small = system.fit(method), system.fit(method, small=True)  # type: ignore[arg-type]
        n, p = 3 * N, 3
        assert small.std_errors.to_numpy() == pytest.approx(
            np.sqrt(n / (n - p)) * plain.std_errors.to_numpy(), rel=1e-12
        )
        assert small.df == n - p
        assert "t(117)" in small.summary()
        wider = small.confint(method="lr")["conf_low"] < plain.confint(method="lr")["conf_low"]
        assert wider.all()
        again = small.vcov("observed")
        assert again.df == n - p
    random = fitted("y ~ x + z + W(y)", panel, W, effects=("random",), small=True)
    assert random.df == 4 * N - 4


def test_what_has_no_ratio_of_effects_is_refused(data: pd.DataFrame) -> None:
    fit = fitted("y ~ x + z + W(y)", data, W)
    with pytest.raises(DataError, match=r"are of averages: by unit use method='wald'"):
        fit.impacts().confint(method="lr", outcome="y", term="x", by_unit="sent")
    with pytest.raises(DataError, match=r"confint.method='lr'"):
        replace(fit.impacts(), _estimate=None).confint(method="lr")
    with pytest.raises(DataError, match=r"need a likelihood; this fit is by '2sls'"):
        SpatialSystem("y ~ x + z", data, Weights.from_dense(W)).fit("2sls").impacts().confint(method="lr")
    two = {"W": Weights.from_dense(W), "D": Weights.from_dense(ring(N, seed=3))}
    several = SpatialSystem("y ~ x + z + W(y) + D(x)", data, two).fit("ml")
    with pytest.raises(DataError, match=r"with one weights matrix and horizon='short'"):
        several.impacts().confint(method="lr")
    with pytest.warns(SpatialWarning, match="Nickell"):
        dynamic = fitted("y ~ x + W(y) + lag(y, 1)", simulated(W, 5, 2, lam=0.3), W, effects=("unit",))
    with pytest.raises(DataError, match=r"biased in dynamic models with unit effects"):
        dynamic.impacts().confint(method="lr")


def test_effects_say_where_intervals_by_standard_errors_are_too_short(data: pd.DataFrame) -> None:
    few = "in .91 to .95 of samples; by likelihood ratios"
    assert few in fitted("y ~ x + z + W(y)", data, W).impacts(draws=0).summary()
    assert few not in fitted("y ~ x + z", data, W).impacts(draws=0).summary()  # no lag
    large = simulated(ring(260), 1, 8, lam=0.4).frame.droplevel(1)
    assert few not in fitted("y ~ x + z + W(y)", large, ring(260)).impacts(draws=0).summary()
    for times, said in ((5, True), (11, False)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpatialWarning)
            panel = simulated(W, times, 2, lam=0.3)
            fit = fitted("y ~ x + W(y) + lag(y, 1)", panel, W, effects=("unit",))
            notes = fit.impacts(draws=0, horizon="long").notes
        assert any("ratios with an estimated denominator" in note for note in notes) is said
        assert not any(few in note for note in notes)
