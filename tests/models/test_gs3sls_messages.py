"""The result and its tables; and one clear message for each thing that cannot be done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from system_cases import BAI, FULL, N, T

from spatial.errors import (
    AlignmentError,
    DataError,
    FormulaError,
    NotIdentifiedError,
    SpatialWarning,
    WeightsError,
)
from spatial.models import SpatialSystem, WeakInstrumentWarning
from spatial.panel.panel import Panel
from spatial.weights import Weights


# ---- identification
def test_the_published_form_is_refused(panel: Panel, W: Weights) -> None:
    system = SpatialSystem(BAI, panel, W, effects=("unit", "time"))
    with pytest.raises(NotIdentifiedError, match=r"2 of 2 equations cannot be identified") as caught:
        system.fit("gs3sls")
    assert "Leave out one of: x" in str(caught.value)
    forced = system.fit(force=True)
    assert forced.stamps == ("not identified: forced",)
    assert "*** NOT IDENTIFIED: FORCED ***" in forced.summary()
    assert "not identified: forced" in forced.glance()["stamps"][0]
    assert "not identified: forced" in repr(forced)
    assert forced.vcov("hom").stamps == forced.stamps
    assert not system.identification().identified


def test_too_few_instruments(panel: Panel, W: Weights) -> None:
    with pytest.raises(NotIdentifiedError, match="y"):
        SpatialSystem("y ~ p + k | p ~ k", panel, W).fit("2sls")


def test_weak_instruments_warn(panel: Panel, W: Weights) -> None:
    rng = np.random.default_rng(0)
    data = panel.with_columns(noise=rng.normal(size=len(panel)))
    with pytest.warns(WeakInstrumentWarning, match="Weak identification of y"):
        SpatialSystem("y ~ p + k | p ~ noise", data, W).fit("2sls")


def test_many_instruments_warn(panel: Panel, W: Weights) -> None:
    section = panel.at(0)
    with pytest.warns(SpatialWarning, match="10 instruments for an effective sample of 49"):
        SpatialSystem("y ~ W(y) + x + z + k", section, W).fit("2sls")


# ---- bad input: the data
def test_perfect_collinearity(panel: Panel, W: Weights) -> None:
    data = panel.with_columns(double=lambda f: 2 * f["x"] - f["k"])
    with pytest.raises(
        DataError, match=r"Equation 'y': perfect collinearity. double is a combination of the others"
    ):
        SpatialSystem("y ~ x + k + double + W(y)", data, W)


def test_constant_column(panel: Panel, W: Weights) -> None:
    data = panel.with_columns(five=5.0, zero=0.0)
    with pytest.raises(DataError, match="five is the same in every cell, as is the constant"):
        SpatialSystem("y ~ x + five", data, W)
    with pytest.raises(DataError, match="These terms are 0 in every cell: 'zero'"):
        SpatialSystem("y ~ x + zero", data, W)
    with pytest.raises(DataError, match="The outcome 'zero' has nothing left to explain: it is 0"):
        SpatialSystem("zero ~ x", data, W)
    with pytest.raises(
        DataError, match="The outcome 'five' has nothing left to explain: the effects unit absorb it"
    ):
        SpatialSystem("five ~ x", data, W, effects="unit")


@pytest.mark.filterwarnings("ignore:The effects unit absorb:spatial.errors.SpatialWarning")
def test_everything_absorbed(panel: Panel) -> None:
    data = panel.with_columns(five=5.0)
    with pytest.raises(DataError, match="The effects absorb every term of equation 'y'"):
        SpatialSystem("y ~ five", data, effects="unit")


def test_one_period_with_unit_effects(panel: Panel, W: Weights) -> None:
    with pytest.raises(DataError, match="Unit effects need at least two times; the data have 1"):
        SpatialSystem("y ~ x + W(y)", panel.at(0), W, effects="unit")


def test_effects_that_leave_nothing(panel: Panel) -> None:
    data = panel.with_columns(cell=np.arange(len(panel)))
    with pytest.raises(DataError, match=r"The effects \(196\) leave none of the 196 cells free"):
        SpatialSystem("y ~ x", data, effects="cell")


def test_an_identity_among_outcomes(panel: Panel) -> None:
    data = panel.with_columns(same=lambda f: 3 * f["y"])
    with pytest.raises(DataError, match="Sigma has no inverse: the equations"):
        SpatialSystem(["y ~ x + k", "same ~ x + k"], data).fit("3sls")


def test_weights_of_other_units(panel: Panel, W: Weights) -> None:
    other = Weights(pd.Index([f"d{k}" for k in range(N)]), W.sparse)
    with pytest.raises(AlignmentError, match="the panel and the weights must have the same ids"):
        SpatialSystem("y ~ x + W(y)", panel, other)
    short = W.subset(W.ids[:40])
    with pytest.raises(
        AlignmentError, match=r"In the panel only: 'c40', .*\(49 given, 40 in the weights\)|49 given, 40"
    ):
        SpatialSystem("y ~ x + W(y)", panel, short)
    with pytest.raises(AlignmentError, match="the data and the weights must have the same ids"):
        SpatialSystem("y ~ x + W(y)", panel.at(0), short)
    with pytest.raises(AlignmentError):
        SpatialSystem("y ~ x + W(y) + F(y)", panel, {"W": W, "F": short})


def test_own_weights_in_lags_of_outcomes(panel: Panel, W: Weights) -> None:
    own = Weights.from_dense(W.sparse.toarray() + 0.5 * np.eye(N), ids=W.ids)
    with pytest.raises(WeightsError, match="'W' hold own weights at 'c0', 'c1'"):
        SpatialSystem("y ~ x + W(y)", panel, own)
    with pytest.raises(WeightsError, match="'M' hold own weights"):
        SpatialSystem("y ~ x + W(y)", panel, W, error=own)
    # Of exogenous variables they are a weighted sum like any other.
    assert SpatialSystem("y ~ x + W(x)", panel, own, effects="unit").fit("2sls").n_units == N


def test_uneven_row_sums_warn(panel: Panel, W: Weights) -> None:
    dense = W.sparse.toarray()
    dense[7] *= 100
    with pytest.warns(SpatialWarning, match="Row sums of weights 'W' are far apart"):
        SpatialSystem("y ~ x + W(y)", panel, Weights.from_dense(dense, ids=W.ids))


def test_nickell_bias_warns(panel: Panel, W: Weights) -> None:
    with pytest.warns(SpatialWarning, match=r"Nickell bias: lag\(y, 1\) with unit effects and T = 3"):
        SpatialSystem("y ~ lag(y, 1) + x", panel, W, effects="unit")


def test_a_lag_needs_times(panel: Panel) -> None:
    with pytest.raises(DataError, match="needs more than 4 times; the data have 4"):
        SpatialSystem("y ~ lag(x, 4)", panel)


def test_what_is_no_panel(panel: Panel, W: Weights) -> None:
    with pytest.raises(DataError, match="Data are a Panel, or a DataFrame indexed by unit; got dict"):
        SpatialSystem("y ~ x", {"y": [1]}, W)
    with pytest.raises(DataError, match="The data have no rows"):
        SpatialSystem("y ~ x", pd.DataFrame({"y": [], "x": []}))
    frame = panel.frame.reset_index(level=1)
    with pytest.raises(DataError, match=r"one row for each unit; these repeat: 'c0', .*Panel.from_frame"):
        SpatialSystem("y ~ x", frame, W)


def test_a_frame_indexed_by_unit_and_time_is_a_panel(panel: Panel, W: Weights) -> None:
    one = SpatialSystem(FULL, panel, W, effects="unit").fit("3sls")
    two = SpatialSystem(FULL, panel.frame, W, effects="unit").fit("3sls")
    np.testing.assert_array_equal(one.params, two.params)


# ---- bad input: options
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"iv_order": -1}, DataError, "whole number from 0 to 6; got -1"),
        ({"iv_order": 1.5}, DataError, "got 1.5"),
        ({"unbalanced": "drop"}, DataError, "'raise', 'balance' or 'induced'; got 'drop'"),
        ({"effects": "unti"}, FormulaError, "'unti' is none. Did you mean 'unit'"),
        ({"effects": ("log(x)",)}, FormulaError, "Effects are columns"),
        ({"error": "M"}, WeightsError, "error='M' names no weights; there are W"),
        ({"error": {"q": "W"}}, FormulaError, "error= names 'q', which is no equation; there are y, p"),
        ({"error": 3}, WeightsError, "got int"),
        ({"instruments": "q"}, FormulaError, "no column 'q'"),
        ({"instruments": ["z", "y"]}, FormulaError, "y cannot be an instrument"),
        ({"instruments": ["z", 3]}, FormulaError, "instruments is a text such as"),
        ({"instruments": 3}, FormulaError, "got 3"),
        ({"effects": 3}, FormulaError, "effects are texts such as 'unit' and 'time'; got 3"),
    ],
)
def test_options_of_the_system(panel: Panel, W: Weights, options: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        SpatialSystem(FULL, panel, W, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "gs3ls"}, "Did you mean 'gs3sls'"),
        ({"rho_moments": "kp2004"}, "'kp2010' or 'kp1999'; got 'kp2004'"),
        ({"passes": -1}, "0 or more; got -1"),
        ({"passes": None}, "0 or more; got None"),
    ],
)
def test_options_of_the_fit(panel: Panel, W: Weights, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SpatialSystem(FULL, panel, W).fit(**options)


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ([], "at least one formula"),
        (None, "a list of texts, or a dict of them; got NoneType"),
        (["y ~ x", "y ~ z"], "'y' is on the left of two"),
        (["y ~ x | unit", "p ~ z | time"], "have the same effects"),
        (["y ~ x", "p ~ D(z)"], "'D' is not a function"),
    ],
)
def test_formulas_of_the_system(panel: Panel, W: Weights, formulas: Any, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        SpatialSystem(formulas, panel, W)


def test_nothing_given_is_nothing(panel: Panel) -> None:
    plain = SpatialSystem("y ~ x", panel, {}, effects=None)  # type: ignore[arg-type]
    assert plain.effects == ()
    assert plain.fit("2sls").n_obs == N * T


@pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")
def test_forced_equations_that_are_multiples_are_estimated_one_by_one(panel: Panel, W: Weights) -> None:
    """y = p + x up to rounding: what is forced has an answer, a stamp and a note."""
    noise = 1e-9 * np.random.default_rng(0).normal(size=len(panel.frame))
    data = panel.with_columns(y=panel.frame["x"] + panel.frame["p"] * (1 + noise))
    system = SpatialSystem(BAI, data, W)
    with pytest.raises(NotIdentifiedError):
        system.fit("3sls")
    forced = system.fit("3sls", force=True)
    assert forced.method == "2sls"
    assert forced.stamps == ("not identified: forced",)
    assert any("each by itself" in note for note in forced.notes)
    assert "NOT IDENTIFIED: FORCED" in forced.summary()


def test_an_identity_can_be_estimated_equation_by_equation(panel: Panel, W: Weights) -> None:
    """What the message advises works to the end: the tests that need the inverse of Sigma say so."""
    data = panel.with_columns(s=panel.frame["y"] + panel.frame["p"])
    system = SpatialSystem(["y ~ x + k", "p ~ x + k", "s ~ x + k"], data, W)
    for method in ("3sls", "gmm"):
        with pytest.raises(DataError, match="hold an identity"):
            system.fit(method)  # type: ignore[arg-type]
    fit = system.fit("gs2sls")
    assert fit.params["s", "x"] == pytest.approx(fit.params["y", "x"] + fit.params["p", "x"])
    assert np.isnan(fit.mcelroy_r_squared)
    assert "McElroy" not in fit.summary()
    reasons = [t.reason for t in fit.diagnostics().tests if not t.equation and not t.computed]
    assert sum("Sigma has no inverse" in reason for reason in reasons) == 4


def test_what_a_fit_hands_out_is_a_copy(panel: Panel, W: Weights) -> None:
    fit = SpatialSystem(FULL, panel, W, effects=("unit", "time"), error="W").fit("gs3sls")
    before = fit.summary()
    for found in (fit.params, fit.rho, fit.r_squared, fit.std_errors):
        found.iloc[:] = 0.0
    for table in (fit.cov, fit.joint_cov, fit.sigma, fit.residuals, fit.tidy()):
        table.iloc[:, -1] = 0.0
    assert fit.summary() == before
    assert fit.r_squared.ne(0).all()
    assert fit.residuals.to_numpy().any(axis=0).all()


def test_effects_twice(panel: Panel, W: Weights) -> None:
    with pytest.raises(FormulaError, match="differ; give one of them"):
        SpatialSystem("y ~ x | unit", panel, W, effects="time")
    same = SpatialSystem("y ~ x | year + city", panel, W, effects=("unit", "time"))
    assert same.effects == ("time", "unit")


def test_names_of_weights(panel: Panel, W: Weights) -> None:
    for name in ("log", "W 1"):
        with pytest.raises(WeightsError, match="is not a name that can be"):
            SpatialSystem("y ~ x", panel, {name: W})


def test_kp1999_needs_a_fixed_projector(panel: Panel, W: Weights) -> None:
    system = SpatialSystem("y ~ x + W(y)", panel, W.scaled(0.7), effects=("unit", "time"), error="W")
    assert system.fit("gs2sls", rho_moments="kp1999").n_obs == N * T  # constant row sums
    system = SpatialSystem("y ~ x + W(y)", panel, W.binary().scaled(0.2), effects=("unit", "time"), error="W")
    with pytest.raises(DataError, match="needs effects that the spatial filter leaves as they are"):
        system.fit("gs2sls", rho_moments="kp1999")


def test_missing_effects(panel: Panel) -> None:
    data = panel.with_columns(r=lambda f: np.where(f.index.get_level_values(0) == "c3", np.nan, 1.0))
    with pytest.raises(DataError, match="Effects by 'r' need a value in each cell; missing at 'c3'"):
        SpatialSystem("y ~ x", data, effects="r")
