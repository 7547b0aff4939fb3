"""What a treatment does to its unit and its neighbours where W(D) has a slope; the test of trends before."""

from __future__ import annotations

import numpy as np
import pytest
from policy_cases import policy_panel, seats
from scipy import stats

import spatial as sp
from spatial.errors import DataError
from spatial.models import did
from spatial.models.estimation.laws import Law


@pytest.mark.evidence(
    "models.DifferenceInDifferences.impacts",
    source="the same regression as a system with W(D)",
    kind="identity",
)
@pytest.mark.parametrize("method", ["twfe", "borusyak-jaravel-spiess"])
def test_effects_by_unit_are_the_own_effect_and_what_neighbours_get(method: str) -> None:
    panel, W = policy_panel(np.random.default_rng(3)), sp.weights.knn(seats(), 2)
    fit = did(panel, "y", "first", method=method, exposure="both", W=W)  # type: ignore[arg-type]
    found = fit.impacts()
    frame = found.frame.set_index("effect")
    (own, others), V = fit.estimates, fit.cov.to_numpy()
    sums = W.sparse.sum(axis=0)
    assert found.frame["term"].unique().tolist() == ["D"]
    np.testing.assert_allclose(frame["estimate"], [own, 2 * others, own + 2 * others], rtol=1e-10)
    errors = [np.sqrt(a @ V @ a) for a in (np.array([1, 0]), np.array([0, 2]), np.array([1, 2]))]
    np.testing.assert_allclose(frame["std_error"], errors, rtol=1e-6)
    law = fit.laws[0]
    half = Law(law.df, max(law.scales, default=law.scale)).quantile(0.95) * np.array(errors)
    np.testing.assert_allclose(frame["conf_high"] - frame["estimate"], half, rtol=1e-6)
    np.testing.assert_allclose(found.by_unit("y", "D", "sent"), own + others * sums, rtol=1e-10)
    np.testing.assert_allclose(found.by_unit("y", "D", "received"), own + 2 * others, rtol=1e-10)
    units, slopes = (
        found.units("y", "D"),
        {"sent": sums, "received": np.full(len(sums), 2.0), "direct": 0 * sums},
    )
    quantile = Law(law.df, max(law.scales, default=law.scale)).quantile(0.95)
    for kind, slope in slopes.items():  # by hand: linear in both coefficients
        of_unit = np.sqrt(V[0, 0] + 2 * slope * V[0, 1] + slope**2 * V[1, 1])
        np.testing.assert_allclose(units[f"{kind}_std_error"], of_unit, rtol=1e-6)
        np.testing.assert_allclose(units[f"{kind}_conf_high"], units[kind] + quantile * of_unit, rtol=1e-6)
    averages = found.confint()
    np.testing.assert_allclose(
        averages[["conf_low", "conf_high"]], frame[["conf_low", "conf_high"]], rtol=1e-10
    )
    if method == "twfe":
        system = sp.models.SpatialSystem("y ~ D + W(D)", panel, W, effects=("unit", "time")).fit("ols")
        other = system.impacts()
        np.testing.assert_allclose(other.frame["estimate"], found.frame["estimate"], rtol=1e-8)
        np.testing.assert_allclose(other.by_unit("y", "D"), found.by_unit("y", "D"), rtol=1e-8)


def test_effects_by_unit_need_a_slope_of_neighbours() -> None:
    W = sp.weights.knn(seats(), 2)
    for options in ({"method": "twfe"}, {"method": "gardner", "exposure": "both", "W": W}):
        with pytest.raises(DataError, match=r"exposure='both', W=W\) by 'twfe' or .*SpatialSystem\('y ~ D"):
            did(policy_panel(np.random.default_rng(3)), "y", "first", **options).impacts()  # type: ignore[arg-type]


@pytest.mark.evidence(
    "models.DifferenceInDifferences.pretrend",
    source="Hotelling's F of the path and its covariance",
    kind="hand",
)
@pytest.mark.parametrize("method", ["twfe", "callaway-santanna", "borusyak-jaravel-spiess", "sun-abraham"])
def test_the_test_of_trends_before_is_hotellings_f_of_the_path(method: str) -> None:
    fit = did(policy_panel(np.random.default_rng(4)), "y", "first", method=method)  # type: ignore[arg-type]
    before, k = fit.times < -1, len(fit.terms)
    V = fit.covariance_matrix[k:, k:][np.ix_(before, before)]
    wald, q = fit.path[before] @ np.linalg.solve(V, fit.path[before]), int(before.sum())
    few = min(sum(fit.cohorts.values()), fit.n_never)
    F = (few - q) / (q * (few - 1)) * wald
    found = fit.pretrend()
    assert (found.df, found.df_denominator) == (q, few - q)
    np.testing.assert_allclose([found.statistic, found.p_value], [F, stats.f.sf(F, q, few - q)], rtol=1e-8)
