"""Intervals of effects by distance: gradients, what they share with other intervals, messages."""

from __future__ import annotations

import pickle
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from test_estimator import golden_fit, golden_system, theta_of

from spatial.errors import DataError
from spatial.models import SpatialSystem
from spatial.models.quasi_score.effects import EffectTargets, unit_moments
from spatial.models.quasi_score.inverted import ByDistance
from spatial.panel.panel import Panel
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")


@cache
def golden_impacts() -> Any:
    return golden_fit().impacts()


def targets() -> EffectTargets:
    return EffectTargets(golden_impacts()._map, len(theta_of(golden_fit())))


@pytest.mark.slow
def test_effects_are_those_of_the_impacts_and_gradients_their_derivatives() -> None:
    impacts, theta = golden_impacts(), theta_of(golden_fit())
    frame = impacts.tidy().set_index(["outcome", "term", "effect"])["estimate"]
    found = targets()
    for g, outcome in enumerate(("y1", "y2")):
        for k, term in enumerate(("x1", "x2", "x3", "x4")):
            for effect, target in zip(("direct", "indirect", "total"), found.of(g, k), strict=True):
                value, gradient = target(theta)
                assert value == pytest.approx(frame[outcome, term, effect], rel=1e-9)
                step = 1e-6 * np.eye(len(theta))
                central = [(target(theta + e)[0] - target(theta - e)[0]) / 2e-6 for e in step]
                np.testing.assert_allclose(gradient, central, atol=1e-8)


@pytest.mark.slow
def test_the_mean_over_units_is_the_effect() -> None:
    theta, found = theta_of(golden_fit()), targets()
    direct, _, total = (target(theta)[0] for target in found.of(0, 0))
    sent, received, own = (
        np.array([t(theta)[0] for t in found.by_unit(0, 0, kind)]) for kind in ("sent", "received", "direct")
    )
    assert sent.mean() == pytest.approx(total, rel=1e-9)
    np.testing.assert_allclose(received, total, rtol=1e-9)
    assert own.mean() == pytest.approx(direct, rel=1e-9)
    np.testing.assert_allclose(sent, golden_impacts().by_unit("y1", "x1", "sent"), rtol=1e-8)
    np.testing.assert_allclose(own, golden_impacts().by_unit("y1", "x1", "direct"), rtol=1e-8)


def test_outside_the_stable_region_an_effect_does_not_exist() -> None:
    theta = theta_of(golden_fit()).copy()
    theta[1] = 1.2
    assert np.isnan(targets().of(0, 0)[0](theta)[0])


def test_impacts_show_intervals_by_distance_that_agree_with_p_values() -> None:
    impacts = golden_impacts()
    frame = impacts.tidy()
    assert frame["method"].eq("distance").all()
    assert frame["std_error_simulated"].isna().all()
    outside = (frame["conf_low"] > 0) | (frame["conf_high"] < 0)
    assert (outside == (frame["p_value"] < 0.05)).all()
    assert (frame["conf_low"] < frame["estimate"]).all()
    assert (frame["estimate"] < frame["conf_high"]).all()
    # A spatial multiplier is skewed, and so is its interval; one by standard errors is not.
    total = frame.set_index(["outcome", "term", "effect"]).loc[("y1", "x1", "total")]
    assert total["conf_high"] - total["estimate"] > 1.5 * (total["estimate"] - total["conf_low"])
    wald = impacts.confint(method="wald")
    np.testing.assert_allclose((wald["conf_low"] + wald["conf_high"]) / 2, wald["estimate"], rtol=1e-9)


def test_what_each_table_asks_again_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    first = golden_impacts().tidy()
    monkeypatch.setattr(ByDistance, "interval", None)
    pd.testing.assert_frame_equal(golden_fit().impacts().tidy(), first)
    with pytest.raises(TypeError):
        golden_fit().impacts().tidy(level=0.9)


@pytest.mark.slow
def test_confint_chooses_effects_and_survives_pickling() -> None:
    impacts = pickle.loads(pickle.dumps(golden_impacts()))
    one = impacts.confint(level=0.9, outcome="y2", term="x3")
    assert one["effect"].tolist() == ["direct", "indirect", "total"]


def test_intervals_of_units_are_those_of_the_mean_where_all_are_alike() -> None:
    # A circle: what each unit receives, sends and feels itself is the same for all.
    n = 12
    ring = (np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)) / 2
    rng = np.random.default_rng(4)
    W = Weights.from_dense(ring, ids=range(n))
    x = rng.normal(size=(40, n))
    y = np.linalg.solve(np.eye(n) - 0.4 * ring, (2 * x + rng.normal(size=(40, n))).T).T
    frame = pd.DataFrame({"y": y.ravel(), "x": x.ravel()})
    frame["time"], frame["unit"] = np.repeat(np.arange(40), n), np.tile(np.arange(n), 40)
    panel = Panel.from_frame(frame, unit="unit", time="time")
    fit = SpatialSystem("y ~ x + W(y)", panel, W, effects="unit", error="W").fit("aqs", cov="het")
    impacts = fit.impacts()
    total = impacts.tidy().set_index("effect").loc["total", ["conf_low", "conf_high"]].to_numpy(dtype=float)
    for kind in ("sent", "received"):
        units = impacts.confint(outcome="y", term="x", by_unit=kind)
        assert list(units.index) == list(range(n))
        np.testing.assert_allclose(units[["conf_low", "conf_high"]], np.tile(total, (n, 1)), rtol=1e-4)


def test_what_cannot_be_is_said() -> None:
    impacts = golden_impacts()
    with pytest.raises(DataError, match="give outcome= and term="):
        impacts.confint(by_unit="sent")
    with pytest.raises(DataError, match="outcome is one of 'y1', 'y2'; got 'y3'"):
        impacts.confint(outcome="y3")
    plain = golden_system().fit("gs3sls").impacts(draws=0)
    assert plain.confint()["method"].eq("wald").all()
    with pytest.raises(DataError, match="this fit is by 'gs3sls'"):
        plain.confint(method="distance")
    assert "std_error" in plain.confint(outcome="y1", term="x1", by_unit="sent")
    W = golden_fit().estimate.design.operators["W"].matrices[0]
    with pytest.raises(DataError, match="up to 3000 units"):
        unit_moments(sparse.eye_array(3001, format="csr"), 1.0, "direct", 3)
    assert unit_moments(W, 1.0, "direct", 3).shape == (3, 60)
