"""What has no answer is refused with the way out; missing cells and holes are counted and named."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from policy_cases import policy_panel, seats

import spatial as sp
from spatial.errors import AlignmentError, DataError, SpatialError, WeightsError
from spatial.models import did
from spatial.panel import Panel

NEIGHBOURS: dict[str, Any] = {"rings": [0, 60], "cities": seats()}


@cache
def simulated(seed: int = 0, **options: Any) -> Panel:
    return policy_panel(np.random.default_rng(seed), **options)


def _changed(**columns: Any) -> Panel:
    return simulated().with_columns(**columns)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: did(p, "y", "first", method="cs"), "There is no method 'cs'"),
        (lambda p: did(p, "y", "frist"), "no column 'frist'. Did you mean 'first'"),
        (lambda p: did(p, "y", "x"), "constant within each unit"),
        (lambda p: did(p, "y", {0: 1999.5, 5: 2003.5}), "no times of the panel"),
        (lambda p: did(p, "y", {999: 2003}), "units that the panel does not have: 999"),
        (lambda p: did(p, "y", {}), "No unit is treated within the times"),
        (
            lambda p: did(p, "y", "first", method="synthetic"),
            r"there are 2: 2003 \(15\), 2005 \(15\)",
        ),
        (lambda p: did(p.where("first > 0"), "y", "first"), 'Use control_group="not-yet"'),
        (lambda p: did(p, "y", "first", rings=[0, 100]), "rings need cities"),
        (lambda p: did(p, "y", "first", rings=[50, 100], cities=seats()), "start at 0 and grow"),
        (lambda p: did(p, "y", "first", rings=[0, 60, 5000], cities=seats()), 'leave 30; or exposure="both"'),
        (
            lambda p: did(p, "y", "first", exposure="both", **NEIGHBOURS),
            "two answers to one question",
        ),
        (
            lambda p: did(p, "y", "first", method="gardner", **NEIGHBOURS),
            "has no place for them",
        ),
        (
            lambda p: did(p, "y", "first", method="stacked", exposure="both", W=sp.weights.knn(seats(), 2)),
            "exposure changes over time, and stacked takes no control that does",
        ),
        (
            lambda p: did(p, "y", "first", exposure="both", W=sp.weights.knn(seats(), 2)),
            "and callaway-santanna takes no control that does: .* or rings with 'callaway-santanna'",
        ),
        (lambda p: did(p, "y", "first", method="twfe", exposure="both"), "needs W"),
        (lambda p: did(p, "y", "first", cov="het"), "cov is 'cluster'"),
        (
            lambda p: did(p, "y", "first", method="gardner", cov="cluster:province"),
            "influence of each cell",
        ),
        (lambda p: did(p, "y", "first", effects=("unit", "province:time")), "is for 'twfe' and 'borusyak"),
        (lambda p: did(p, "y", "first", policies=["D"]), "at the base time only"),
        (lambda p: did(p, "y", "first", match="psm"), r'match="psm" needs controls'),
        (lambda p: did(p, "y", "first", method="gardner", match="entropy", controls=["x"]), "weights units"),
        (lambda p: did(p, "y", "first", window=(1, 3)), "window is"),
        (lambda p: did(p, "y", "first", control_group="notyet"), "control_group is"),
        (lambda p: did(p, "y", "first").placebo(5), "20 draws or more"),
        (
            lambda p: did(p.where("first != 2005"), "y", "first", method="twfe").bacon(),
            "There is one cohort, 2003",
        ),
        (lambda p: did(p, "y", "first").drop_one("region"), "by is 'unit', 'cohort' or a Series"),
        (lambda p: did(p, "y", "first").honest([]), "M are numbers"),
        (lambda p: did(p, "y", "first").tidy(level=2), "level must lie"),
    ],
)
def test_what_has_no_answer_is_refused_with_the_way_out(call: Any, message: str) -> None:
    with pytest.raises(SpatialError, match=message):
        call(simulated())


def test_a_treatment_that_is_switched_off_or_never_starts_is_refused() -> None:
    frame = simulated().to_frame()
    off = frame.assign(D=np.where(frame["year"] == 2007, 0, frame["D"]))
    with pytest.raises(DataError, match="switched off again in"):
        did(Panel.from_frame(off, unit="city", time="year"), "y", "D")
    group = frame.assign(D=(frame["first"] > 0).astype(int))
    with pytest.raises(DataError, match="says who, and not when"):
        did(Panel.from_frame(group, unit="city", time="year"), "y", "D")


def test_missing_cells_are_counted_and_balanced_methods_say_so() -> None:
    frame = simulated().to_frame()
    frame.loc[[3, 50], "y"] = np.nan
    panel = Panel.from_frame(frame, unit="city", time="year")
    assert any("2 cells with missing values" in n for n in did(panel, "y", "first", method="twfe").notes)
    with pytest.raises(DataError, match="2 of 90 units miss some of 8"):
        did(panel, "y", "first")


def test_times_with_a_hole_are_refused() -> None:
    panel = simulated().where("year != 2004")
    with pytest.raises(DataError, match="between 2003 and 2005 there is a hole"):
        did(panel, "y", "first")
    dated = panel.to_frame()
    for column in ("year", "first"):
        dated[column] = [pd.Timestamp(int(v), 1, 1) if v > 0 else pd.NaT for v in dated[column]]
    with pytest.raises(DataError, match=r"between 2003.* and 2005.* there is a hole"):
        did(Panel.from_frame(dated, unit="city", time="year"), "y", "first")


def test_units_treated_from_the_first_time_are_left_out_and_named() -> None:
    calendar = simulated().frame["first"].groupby(level=0).first().astype(float)
    calendar.loc[calendar[calendar > 0].index[0]] = 1990
    fit = did(simulated(), "y", calendar)
    assert any("treated at the first time are left out" in note for note in fit.notes)
    assert fit.n_units == 89


def test_a_map_or_weights_without_a_unit_are_refused() -> None:
    with pytest.raises(AlignmentError, match="no city for 0"):
        did(simulated(), "y", "first", rings=[0, 60], cities=seats().iloc[1:])
    with pytest.raises((AlignmentError, WeightsError), match="no unit 0"):
        did(simulated(), "y", "first", method="twfe", exposure="both", W=sp.weights.knn(seats().iloc[1:], 2))
