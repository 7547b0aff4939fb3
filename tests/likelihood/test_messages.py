"""What maximum likelihood refuses, and what it warns of, each with what to do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from likelihood_cases import fitted, ring, simulated

from spatial.errors import DataError, NotIdentifiedError
from spatial.models import BoundaryWarning, Conley, SpatialSystem
from spatial.models.likelihood import comparisons, estimator, information
from spatial.panel import Panel
from spatial.weights import Meta, Weights

W20 = Weights.from_dense(ring(20))


@pytest.fixture(scope="module")
def panel() -> Panel:
    return simulated(ring(20), 4, 1, lam=0.3)


def test_systems_and_endogenous_regressors_are_for_instruments(panel: Panel) -> None:
    two = SpatialSystem(["y ~ x + W(y)", "z ~ x"], panel, W20)
    with pytest.raises(DataError, match=r"one equation, and this system has 2: use method='aqs'"):
        two.fit("ml")
    with pytest.raises(DataError, match=r"and z is not: use method='gs2sls', with instruments"):
        fitted("y ~ W(y) | z ~ x", panel, W20)
    both = {"W": W20, "V": Weights.from_dense(ring(20, seed=3))}
    with pytest.raises(DataError, match=r"one spatial lag of the outcome, and there are W\(y\), V\(y\)"):
        SpatialSystem("y ~ x + W(y) + V(y)", panel, both).fit("ml")


def test_the_general_nesting_model_needs_force(panel: Panel) -> None:
    with pytest.raises(NotIdentifiedError, match=r"told apart only weakly: leave out one of the three"):
        fitted("y ~ x + W(x) + W(y)", panel, W20, error="W")
    forced = fitted("y ~ x + W(x) + W(y)", panel, W20, error="W", force=True)
    assert "GNS" in forced.stamps[0]
    assert "condition number of the information" in " ".join(forced.notes)
    assert "GENERAL" in forced.summary().upper()
    other = {"W": W20, "V": Weights.from_dense(ring(20, seed=3))}
    assert SpatialSystem("y ~ x + W(x) + W(y)", panel, other, error="V").fit("ml").stamps == ()


def test_time_effects_need_rows_of_one_sum(panel: Panel) -> None:
    uneven = np.where(ring(20) > 0, 1.0, 0.0)
    uneven[0] *= 2
    weights = Weights.from_dense(uneven / 8)
    with pytest.raises(DataError, match=r"those of W differ: row-standardise them"):
        fitted("y ~ x + W(y)", panel, weights, effects=("time",))
    assert np.isfinite(fitted("y ~ x + W(y)", panel, weights, effects=("unit",)).params).all()
    alone = ring(20)
    alone[3] = 0.0
    kept = Weights.from_dense(alone, meta=Meta(islands="keep"))
    with pytest.raises(DataError, match=r"units without neighbours need islands='nearest'"):
        fitted("y ~ x + W(y)", panel, kept, effects=("unit", "time"))


def test_islands_are_refused_before(panel: Panel) -> None:
    lonely = pd.DataFrame(ring(20))
    lonely.loc[3] = 0.0
    lonely[3] = 0.0
    with pytest.raises(ValueError, match="without neighbours"):
        fitted("y ~ x + W(y)", panel, Weights.from_dense(lonely.to_numpy()).row_standardized())


def test_one_time_cannot_carry_unit_effects() -> None:
    one = simulated(ring(20), 1, 1)
    with pytest.raises(DataError, match="Unit effects need at least two times"):
        fitted("y ~ x + W(y)", one, W20, effects=("unit",))


def test_other_effects_and_unbalanced_panels_name_what_does(panel: Panel) -> None:
    data = panel.frame.assign(region=panel.frame.index.get_level_values(0) % 3).reset_index()
    grouped = Panel.from_frame(data, unit="i", time="t")
    with pytest.raises(DataError, match=r"region:time is none of them: use method='gs2sls'"):
        fitted("y ~ x + W(y)", grouped, W20, effects=("unit", "region:time"))
    hole = Panel.from_frame(data.drop(index=5), unit="i", time="t")
    system = SpatialSystem("y ~ x + W(y)", hole, W20, effects="unit", unbalanced="induced")
    with pytest.raises(DataError, match=r"only for balanced panels .* use method='gs2sls', or unbalanced="):
        system.fit("ml")
    with pytest.raises(DataError, match=r"some are outside the chosen rows .* use lags='within'"):
        fitted("y ~ x + W(y)", grouped, W20, where="region != 1")
    late = fitted("y ~ x + W(y)", grouped, W20, where="time > 0")
    assert late.n_obs == 60


def test_covariances_of_other_methods_are_refused(panel: Panel) -> None:
    for cov in ("cluster", "het", Conley(km=100)):
        with pytest.raises(DataError, match=r"as iid: cov is 'expected', 'observed' or 'qml'"):
            fitted("y ~ x + W(y)", panel, W20, cov=cov)
    fit = SpatialSystem("y ~ x + z", panel, W20).fit("gs2sls", cov="hom")
    with pytest.raises(DataError, match="cov='qml' is a covariance of method='ml'"):
        fit.vcov("qml")
    with pytest.raises(DataError, match=r"Intervals by likelihood ratios need a likelihood"):
        fit.confint(method="lr")
    with pytest.raises(DataError, match=r"compat='direct' is of method='ml'"):
        SpatialSystem("y ~ x + W(y)", panel, W20).fit("gs2sls", compat="direct")
    with pytest.raises(DataError, match=r"compat is 'direct' or left out"):
        fitted("y ~ x + W(y)", panel, W20, compat="splm")
    with pytest.raises(DataError, match="seed is a whole number"):
        fitted("y ~ x + W(y)", panel, W20, seed=-1)


def test_fits_without_innovations_or_observations_are_refused(panel: Panel) -> None:
    data = panel.frame.xs(0, level=1).copy()
    data["y"] = 2 * data["x"] + 1
    with pytest.raises(DataError, match="explain the outcome without error"):
        fitted("y ~ x + W(y)", data, W20)
    few = simulated(ring(5, 1), 2, 1)
    with pytest.raises(DataError, match="5 parameters need more than 4 effective observations"):
        fitted("y ~ x + z + W(x) + W(y)", few, ring(5, 1), effects=("unit", "time"))
    system = SpatialSystem("y ~ x + W(y)", panel, W20)
    with pytest.raises(DataError, match="small=True is of estimates by least squares, instruments and"):
        system.fit("aqs", small=True)
    for method in ("ml", "mess", "aqs"):
        with pytest.raises(DataError, match="passes is of estimators that alternate"):
            system.fit(method, passes=3)


def test_what_needs_dense_matrices_says_up_to_where(monkeypatch: pytest.MonkeyPatch, panel: Panel) -> None:
    monkeypatch.setattr(information, "DENSE_UNITS", 15)
    monkeypatch.setattr(comparisons, "DENSE_UNITS", 15)
    monkeypatch.setattr(estimator, "_EXPECTED_UNITS", 15)
    fit = fitted("y ~ x + W(y)", panel, W20, effects=("unit",))
    assert fit.covariance.label == "observed information"
    with pytest.raises(DataError, match=r"computed up to 15: compare fit\('gs2sls'\).moran"):
        fit.moran()
    with pytest.raises(DataError, match="computed up to 15: use cov='observed'"):
        fit.vcov("expected")
    assert "up to 15 units" in fit.diagnostics().test("LM: innovations over space", "y").reason
    # Unbalanced: the matrices of all times stand side by side.
    monkeypatch.setattr(estimator, "_EXPECTED_UNITS", 50)
    hole = Panel.from_frame(panel.frame.reset_index().drop(index=5), unit="i", time="t")
    system = SpatialSystem("y ~ x + W(y)", hole, W20, effects="time", unbalanced="induced")
    assert system.fit("ml").covariance.label == "observed information"


def test_a_lag_alone_is_a_model(panel: Panel) -> None:
    fit = fitted("y ~ W(y) - 1", panel.frame.xs(0, level=1), W20)
    assert len(fit.params) == 1
    assert fit.diagnostics().test("Breusch-Pagan (Koenker)", "y").reason
    assert np.isfinite(fit.confint(method="lr")["conf_low"]).all()


def test_a_lag_at_its_bound_is_warned_of() -> None:
    # All but constant over space, without a constant: the mean of the neighbours explains everything.
    n, random = 60, np.random.default_rng(1)
    data = pd.DataFrame({"x": random.normal(size=n)})
    data["y"] = 1e4 + random.normal(size=n)
    with pytest.warns(BoundaryWarning, match="lambda of y lies at the bound"):
        fit = fitted("y ~ x + W(y) - 1", data, ring(n))
    assert not fit.converged


def test_alpha_at_the_end_of_its_range_is_warned_of() -> None:
    n, random = 60, np.random.default_rng(1)
    data = pd.DataFrame({"x": random.normal(size=n)})
    data["y"] = 1e4 + random.normal(size=n)
    system = SpatialSystem("y ~ x + W(y) - 1", data, Weights.from_dense(ring(n)))
    with pytest.warns(BoundaryWarning, match="alpha of y lies at the end of the range that is searched, 3:"):
        fit = system.fit("mess")
    assert not fit.converged
