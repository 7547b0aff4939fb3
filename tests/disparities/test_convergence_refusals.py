"""What convergence refuses, and how it says it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from convergence_cases import make_panel, quiet, ring

from spatial.disparities.convergence import beta_convergence, sigma_convergence
from spatial.errors import AlignmentError, DataError, NotIdentifiedError, WeightsError
from spatial.weights import Weights


# ---- messages
def refuse(
    match: str, panel: Any = None, kind: type[Exception] = DataError, W: Any = None, **options: Any
) -> None:
    with quiet(), pytest.raises(kind, match=match):
        beta_convergence(make_panel() if panel is None else panel, "gdp", W, **options)


def test_refuses_values_without_a_logarithm() -> None:
    frame = make_panel().frame
    frame.loc[("c03", 2004), "gdp"] = 0.0
    refuse(r"'gdp' must be positive; it is not at \('c03', 2004\)", frame)
    with pytest.raises(DataError, match=r"Sigma convergence takes logarithms: 'gdp' must be positive"):
        sigma_convergence(frame, "gdp")
    frame.loc[("c03", 2004), "gdp"] = np.nan
    refuse(r"missing or infinite: \('c03', 2004, 'gdp'\)", frame)
    refuse("no column 'gdp'", frame.rename(columns={"gdp": "pgdp"}))


def test_refuses_panels_with_holes() -> None:
    frame = make_panel().frame
    refuse("each unit at each of the 6 times; some are absent for 'c03'", frame.drop(("c03", 2004)))
    refuse("gaps between .* are 1, 2", frame.drop(2004, level=1))
    dated = frame.drop(2004, level=1)
    dated.index = dated.index.set_levels([pd.Timestamp(y, 1, 1) for y in dated.index.levels[1]], level=1)
    refuse("gaps between .* are 1, 2", dated)
    refuse(
        "A step in time needs two times or more; the panel has 1", frame.xs(2004, level=1, drop_level=False)
    )
    refuse("got a cross-section", make_panel().at(2004))
    refuse("steps must be a whole number from 1 to 5", steps=6)


def test_refuses_other_ids() -> None:
    W = ring([f"x{k:02d}" for k in range(30)])
    refuse("the panel and the weights must have the same ids", None, AlignmentError, W)


def test_refuses_options() -> None:
    refuse("effects must be one of 'unit', 'time'; got 'city'", effects=["city"])
    refuse("lags must be one of 'growth', 'initial', 'controls'; got 'error'", lags=["error"])
    refuse(r"Spatial lags \('growth'\) need weights: pass W", lags="growth")
    refuse('lags has "controls", and no controls', W=ring(make_panel().units), lags=["controls"])


def test_refuses_regressors_that_effects_absorb() -> None:
    panel = make_panel()
    fixed = panel.with_columns(area=pd.Series(np.arange(30.0), panel.units), twin=panel.frame["x"] * 2)
    refuse("do not vary beside the effects: 'area'", fixed, controls=["area"])
    refuse("twin is a combination of the others", fixed, controls=["x", "twin"])
    refuse("These columns stand twice: 'x'", controls=["x", "x"])


def test_takes_columns_of_any_name() -> None:
    panel = make_panel()
    W = ring(panel.units)
    odd = {"gdp": "W", "x": "growth, of 人口"}
    with quiet():
        plain = beta_convergence(panel, "gdp", W, controls=["x"])
        named = beta_convergence(panel.frame.rename(columns=odd), "W", W, controls=[odd["x"]])
    terms = ["log(W)", odd["x"], "W(log(W))", "W(growth of W)"]
    pd.testing.assert_frame_equal(named.estimates, plain.estimates.assign(term=terms))


def test_refuses_too_few() -> None:
    panel = make_panel(t=2)
    refuse("Unit effects need two periods of growth or more; there is one", panel)
    two = panel.frame.loc[["c00", "c01"]]
    refuse(r"2 observations \(2 units x 1 periods\) are too few for 2", two, effects=())


def test_refuses_as_many_instruments_as_observations() -> None:
    few = make_panel(2, n=6, t=4)
    W = ring(few.units)
    refuse("6 instruments for 6 observations", few, W=W, controls=["x"], effects=(), steps=2)


def test_refuses_growth_without_instruments() -> None:
    # Everybody is everybody's neighbour: after time effects all lags are multiples of the start.
    panel = make_panel()
    n = len(panel.units)
    W = Weights.from_dense((np.ones((n, n)) - np.eye(n)) / (n - 1), ids=panel.units)
    refuse(
        "instruments do not tell the coefficients apart",
        None,
        NotIdentifiedError,
        W,
        lags=["growth"],
        effects=("time",),
    )


def test_dispersion_about_neighbours_needs_neighbours() -> None:
    """The mean of no neighbours was taken for 0: the logarithm itself stood for the distance from it."""
    panel = make_panel()
    units = sorted(panel.frame.index.get_level_values(0).unique())
    links = np.zeros((len(units), len(units)))
    for k in range(len(units) - 1):  # a ring without the last unit
        links[k, (k + 1) % (len(units) - 1)] = 1.0
    W = Weights.from_dense(links, ids=units)
    with pytest.raises(WeightsError, match=f"needs neighbours; these units have none: '{units[-1]}'"):
        sigma_convergence(panel, "gdp", W)
