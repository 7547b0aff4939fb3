"""Oster's delta on data where it is known, almost exogenous instruments, one group left out; refusals."""

# ruff: noqa: ARG005 - one signature for all calls

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError, FormulaError
from spatial.models import (
    SpatialSystem,
    fixed_effects,
    leave_one_out,
    oster,
    plausibly_exogenous,
)
from spatial.models.sensitivity.selection import oster_beta, oster_delta
from spatial.panel import Panel

N, T = 60, 5


def known(delta: float, beta: float = 0.7, seed: int = 0) -> pd.DataFrame:
    """Columns exactly as in Oster's model: w1, w2, u orthogonal; x with the given relative selection."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(400, 4))
    raw -= raw.mean(axis=0)
    w1, w2, e, u = (np.linalg.qr(raw)[0] * np.sqrt(400)).T
    seen, unseen = 1.5 * w1, 0.8 * w2
    a = 0.4
    # Cov(x, seen)/Var(seen) = a, Cov(x, unseen)/Var(unseen) = delta * a.
    x = a * seen + delta * a * unseen + u
    return pd.DataFrame({"y": beta * x + seen + unseen + 0.5 * e, "x": x, "w": w1, "hidden": unseen})


@pytest.mark.evidence("models.oster", source="data made with a known delta", kind="identity")
@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0, -0.7])
def test_delta_and_the_slope_are_those_that_made_the_data(delta: float) -> None:
    data = known(delta)
    all_in = SpatialSystem("y ~ x + w + hidden", data).fit("ols", cov="hom")
    r2_max = float(all_in.r_squared.iloc[0])
    fit = SpatialSystem("y ~ x + w", data).fit("ols", cov="hom")
    found = oster(fit, "x", r2_max=r2_max, target=0.7, delta=delta)
    assert found.delta == pytest.approx(delta, rel=1e-8)
    assert all_in.params["y", "x"] == pytest.approx(0.7)
    numbers = (found.short, found.full, found.r2_short, found.r2_full, found.r2_max)
    y, x = data["y"], data["x"]
    left = x - np.polyval(np.polyfit(data["w"], x, 1), data["w"])
    moments = (float(y.var(ddof=0)), float(x.var(ddof=0)), float(left.var(ddof=0)))
    # The true slope is one of the roots; the nearest one is taken.
    assert oster_delta(0.7, *numbers, *moments) == pytest.approx(delta, rel=1e-8)
    assert oster_delta(found.adjusted, *numbers, *moments) == pytest.approx(delta, rel=1e-6)
    assert abs(found.adjusted - found.full) <= abs(0.7 - found.full) + 1e-9


def test_the_rule_of_thumb_base_terms_and_effects() -> None:
    data = known(1.0)
    panel = Panel(data.set_axis(pd.MultiIndex.from_product([range(80), range(5)], names=["i", "t"])))
    fit = fixed_effects("y ~ x + w + hidden", panel, effects="unit")
    found = oster(fit, "x")
    assert found.r2_max == pytest.approx(min(1, 1.3 * found.r2_full))
    assert found.full == pytest.approx(fit.params["y", "x"])
    assert found.short == pytest.approx(fixed_effects("y ~ x", panel, effects="unit").params["y", "x"])
    base = oster(fit, "x", base=["hidden"])
    assert base.short == pytest.approx(
        fixed_effects("y ~ x + hidden", panel, effects="unit").params["y", "x"]
    )
    assert base.full == pytest.approx(found.full)
    low, high = found.bounds
    assert found.robust == (not low <= 0 <= high)
    assert "delta for a slope of 0" in str(found)
    assert repr(found).startswith("<Oster x on y: delta = ")
    assert found.tidy().shape[0] == 1
    assert np.isfinite(oster_beta(1.0, 1.0, 0.8, 0.2, 0.4, 0.6, 1.0, 1.0, 0.8))


def panel(seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 4)), columns=["w", "v", "x", "e"], index=index)
    data["d"] = data.w + data.v + 0.7 * data.e
    data["y"] = 0.5 * data.d + data.x + data.e
    data["省"] = np.array(["甲", "乙", "丙", "丁'"])[np.asarray(index.get_level_values(0)) % 4]
    return Panel(data)


@pytest.mark.evidence(
    "models.plausibly_exogenous", source="two-stage least squares of the changed outcome", kind="identity"
)
def test_each_gamma_is_2sls_of_the_outcome_less_what_the_instrument_does() -> None:
    source = panel()
    fit = fixed_effects("y ~ d + x | unit + time | d ~ w", source)
    found = plausibly_exogenous(fit, "d", range=(-0.2, 0.3), steps=6)
    assert 0.0 in found.frame["gamma"].to_numpy()
    for row in found.frame.to_dict("records"):
        moved = source.with_columns(y=source["y"] - row["gamma"] * source["w"])
        own = fixed_effects("y ~ d + x | unit + time | d ~ w", moved).tidy().set_index("term").loc["d"]
        assert row["estimate"] == pytest.approx(own["estimate"])
        assert (row["conf_low"], row["conf_high"]) == pytest.approx((own["conf_low"], own["conf_high"]))
    assert found.conf_low == found.frame["conf_low"].min()
    assert found.conf_high == found.frame["conf_high"].max()
    # The slope moves by -gamma / (first-stage slope): linear in gamma.
    slope = np.polyfit(found.frame["gamma"], found.frame["estimate"], 1)[0]
    first = fixed_effects("d ~ w + x", source).params["d", "w"]
    assert slope == pytest.approx(-1 / first)
    wide = plausibly_exogenous(fit, "d", range=(-1, 1))
    inside = wide.frame[(wide.frame["conf_low"] <= 0) & (wide.frame["conf_high"] >= 0)]
    assert wide.breakdown == pytest.approx(inside["gamma"].abs().min())
    assert "0 enters at |gamma|" in str(wide)
    axes = found.plot(lang="zh")
    assert axes.get_xlabel() == "工具变量的直接效应 γ"


@pytest.mark.evidence("models.leave_one_out", source="the fit without the group", kind="identity")
def test_one_group_left_out_is_the_fit_without_it() -> None:
    source = panel()
    fit = fixed_effects("y ~ d + x", source, where="year >= 1")
    found = leave_one_out(fit, "d", by="省")
    assert sorted(found.frame["left_out"]) == sorted(["甲", "乙", "丙", "丁'"])
    for row in found.frame.to_dict("records"):
        kept = source.where((source["省"] != row["left_out"]).to_numpy()).restrict(times=[1, 2, 3, 4])
        own = fixed_effects("y ~ d + x", kept)
        assert row["estimate"] == pytest.approx(own.params["y", "d"])
        assert row["n_obs"] == own.n_obs
    assert found.frame["estimate"].is_monotonic_increasing
    axes = found.plot(lang="zh", labels={"甲": "甲省"})
    assert axes.get_legend().get_texts()[0].get_text() == "全样本"
    assert "甲省" in [t.get_text() for t in axes.get_yticklabels()]
    by_time = leave_one_out(fixed_effects("y ~ d", source), "d", by="time")
    assert len(by_time.frame) == T
    assert "of 5 fits" in str(by_time)
    assert repr(by_time).startswith("<LeaveOneOut d without each time: ")
    assert by_time.glance().loc[0, "least"] == by_time.frame["estimate"].min()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f, iv: oster(f, "k"), DataError, "The fit has no term 'k'"),
        (lambda f, iv: oster(iv, "d"), DataError, "oster is for least squares; d is endogenous"),
        (lambda f, iv: oster(f, "d", r2_max=0.01), DataError, "r2_max lies between the R2 of the fit"),
        (lambda f, iv: oster(f, "d", base=["q"]), DataError, "base: the fit has no other term 'q'"),
        (lambda f, iv: oster(f, "d", base=["x"]), DataError, "d is alone in the equation"),
        (lambda f, iv: oster("fit", "d"), DataError, "oster takes a fit of spatial.models; got str"),
        (lambda f, iv: plausibly_exogenous(f, "d", range=(0, 1)), DataError, "has no declared instruments"),
        (lambda f, iv: plausibly_exogenous(iv, "d", range=(1, 0)), DataError, "range is .low, high."),
        (lambda f, iv: plausibly_exogenous(iv, "d", range=(0, 1), instrument="v"), DataError, "is one of w"),
        (lambda f, iv: plausibly_exogenous(iv, "d", range=(0, 1), steps=1), DataError, "steps is a whole"),
        (lambda f, iv: leave_one_out(f, "d", by="k"), DataError, "no column 'k'"),
        (lambda f, iv: leave_one_out(f, "q"), DataError, "The fit has no term 'q'"),
        (lambda f, iv: leave_one_out(f, "d", by="flat"), DataError, "by='flat' has 1 values"),
        (lambda f, iv: oster(f, "d", base=[3]), FormulaError, "base is a name"),
    ],
)
def test_what_has_no_answer_is_refused(call: Any, error: type[Exception], message: str) -> None:
    source = panel().with_columns(flat="a")
    least = fixed_effects("y ~ d + x", source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        instrumented = fixed_effects("y ~ d + x | unit + time | d ~ w", source)
    with pytest.raises(error, match=message):
        call(least, instrumented)
