"""Entropy weights under Callaway and Sant'Anna, and joint bands of the extended two-way estimator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from spatial.models import did
from spatial.models.policy.group_time import group_time
from spatial.panel import Panel


def selected(seed: int, units: int = 120) -> Panel:
    """Adoption and trends both hang on x: without it trends are not parallel.  The true effect is 1."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(units), range(2000, 2006)], names=["city", "year"])
    unit, year = (index.get_level_values(k).to_numpy() for k in (0, 1))
    x = rng.normal(size=units)
    adopts = x + rng.logistic(size=units) > 0.3
    first = np.where(adopts, np.where(np.arange(units) % 2, 2003, 2004), 0)
    y = rng.normal(size=units)[unit] + 0.4 * x[unit] * (year - 2000) + 0.4 * rng.normal(size=len(index))
    treated = (first[unit] > 0) & (year >= first[unit])
    return Panel(pd.DataFrame({"y": y + treated, "x": x[unit], "first": first[unit]}, index=index))


def test_whole_weights_are_units_that_stand_there_several_times() -> None:
    rng = np.random.default_rng(4)
    units, start = 30, np.repeat([-1, 2, 3], 10)
    Y, X = rng.normal(size=(5, units)), rng.normal(size=(5, units, 1))
    size = np.where(start < 0, rng.integers(1, 4, size=units), 1).astype(float)
    again = np.repeat(np.arange(units), size.astype(int))
    weighted = group_time(Y, X, start, weights=size)
    written = group_time(Y[:, again], X[:, again], start[again])
    np.testing.assert_allclose(weighted.att, written.att, rtol=1e-9)
    # The influence of a unit is that of its copies together.
    together = np.zeros_like(weighted.influence)
    np.add.at(together, again, written.influence)
    np.testing.assert_allclose(weighted.influence, together, atol=1e-10)
    plain = group_time(Y, X, start)
    np.testing.assert_allclose(
        group_time(Y, X, start, weights=np.full(units, 7.0)).att, plain.att, rtol=1e-10
    )


@pytest.mark.evidence(
    "models.did:callaway-santanna", source="trends that hang on a control", kind="simulation"
)
def test_entropy_weights_bring_the_effect_back_and_its_interval_covers(
    record_property: Callable[[str, object], None],
) -> None:
    """30 draws: without the control the effect is too high; balanced, it covers as it says."""
    plain, covers = [], []
    for seed in range(30):
        panel = selected(seed)
        plain.append(did(panel, "y", "first").att)
        row = did(panel, "y", "first", controls=["x"], match="entropy").tidy().iloc[0]
        covers.append(row["conf_low"] <= 1 <= row["conf_high"])
    record_property("coverage", f"{np.mean(covers):.2f} in 30 draws")
    assert np.mean(plain) > 1.5
    assert np.mean(covers) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 30)


@pytest.mark.evidence("models.did:etwfe", source="diff-diff's pointwise errors", kind="identity")
def test_the_extended_estimator_has_joint_bands() -> None:
    import diff_diff

    panel = selected(1)
    fit = did(panel, "y", "first", method="etwfe")
    study = fit.event_study()
    assert np.isfinite(study[["band_low", "band_high"]].to_numpy()).all()
    assert (study["band_high"] >= study["conf_high"]).all()
    assert 0 <= fit.pretrend().p_value <= 1
    frame = panel.frame.reset_index()
    model = diff_diff.WooldridgeDiD(control_group="never_treated", cluster="city")
    found = model.fit(frame, outcome="y", unit="city", time="year", first_treat="first")
    theirs = found.aggregate("event_study").event_study_effects
    for row in study.to_dict("records"):
        assert row["estimate"] == pytest.approx(theirs[row["time"]]["att"], rel=1e-9)
        assert row["std_error"] == pytest.approx(theirs[row["time"]]["se"], rel=1e-9)
