"""What a fit knows of itself, how it prints, and what it keeps."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from system_cases import FULL, N, T

from spatial.models import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights import Meta, Weights


def test_tidy(fit: Any) -> None:
    table = fit.tidy()
    assert list(table) == [
        "equation", "term", "estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high",
    ]  # fmt: skip
    assert len(table) == 12
    np.testing.assert_allclose(
        table["p_value"], 2 * stats.t.sf(np.abs(table["estimate"] / table["std_error"]), 48)
    )
    half = stats.t.ppf(0.975, 48) * table["std_error"]  # 49 clusters
    np.testing.assert_allclose(table["conf_high"] - table["estimate"], half)
    plain = fit.vcov("hom").tidy()
    np.testing.assert_allclose(plain["p_value"], 2 * stats.norm.sf(np.abs(plain["statistic"])))
    wider = fit.tidy(level=0.99)
    assert (wider["conf_low"] < table["conf_low"]).all()
    assert list(table["term"][10:]) == ["rho", "rho"]
    assert list(fit.params.index.names) == ["equation", "term"]


def test_size_is_always_printed(fit: Any) -> None:
    assert (fit.n_units, fit.n_times, fit.n_obs, fit.n_effective) == (N, T, N * T, (N - 1) * (T - 1))
    assert f"N = {N}, T = {T}, observations = {N * T}, effective = {(N - 1) * (T - 1)}" in fit.summary()
    row = fit.glance().iloc[0]
    assert (row["n_units"], row["n_times"], row["n_obs"]) == (N, T, N * T)
    assert f"N = {N}, T = {T}" in repr(fit)


def test_summary_says_what_it_prints(fit: Any) -> None:
    text = fit.summary()
    for part in (
        "R2 = 1 - u'u / y'y",
        "it may be negative",
        "structural slopes",
        "Stability",
        "clustered by unit",
    ):
        assert part in text
    assert str(fit) == text
    assert text == fit.summary()


def test_equal_fits_print_equal_text(panel: Panel, W: Weights, fit: Any) -> None:
    again = SpatialSystem(FULL, panel, W, effects=("unit", "time"), error="W").fit("gs3sls")
    assert again.summary() == fit.summary()


def test_negative_r_squared_is_negative(panel: Panel, W: Weights) -> None:
    rng = np.random.default_rng(3)
    data = panel.with_columns(e=rng.normal(size=len(panel)), far=rng.normal(size=len(panel)))
    data = data.with_columns(bad=lambda f: -2 * f["e"] + f["far"], out=lambda f: f["far"] + f["e"])
    fit = SpatialSystem("out ~ bad + x | unit | bad ~ far", data, W).fit("2sls")
    assert fit.r_squared.iloc[0] < 0
    assert "R2 = -" in fit.summary()


def test_mcelroy_of_perfect_and_useless_models(panel: Panel) -> None:
    rng = np.random.default_rng(1)
    data = panel.with_columns(
        a=lambda f: f["x"] + 1e-6 * rng.normal(size=len(f)), b=rng.normal(size=len(panel))
    )
    good = SpatialSystem(["a ~ x", "p ~ z"], data).fit("3sls")
    assert 0.5 < good.mcelroy_r_squared <= 1
    poor = SpatialSystem("b ~ x", data).fit("3sls")
    assert poor.mcelroy_r_squared == pytest.approx(poor.r_squared.iloc[0], abs=1e-9)


def test_the_result_is_frozen_and_holds_no_frame(fit: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.passes = 3
    for field in dataclasses.fields(fit):
        assert not isinstance(getattr(fit, field.name), (pd.DataFrame, Panel))
    params = fit.params
    params.iloc[0] = 99.0
    assert fit.params.iloc[0] != 99.0


def test_weights_are_named(fit: Any) -> None:
    assert isinstance(fit.weights["W"], Meta)
    assert fit.weights["W"].normalization == "row"
    assert fit.effects == ("unit", "time")
    assert "x" in fit.instruments
    assert "W(k)" in fit.instruments


def test_residuals(fit: Any) -> None:
    frame = fit.residuals
    assert frame.index.names == ["city", "year"]
    assert list(frame.columns) == ["y", "p"]
    assert frame.index.is_monotonic_increasing
    np.testing.assert_allclose(frame.groupby("year").sum(), 0, atol=1e-9)
    np.testing.assert_allclose(frame.groupby("city").sum(), 0, atol=1e-9)


def test_representation_of_the_system(panel: Panel, W: Weights) -> None:
    system = SpatialSystem(FULL, panel, W, effects="unit")
    assert repr(system) == f"<SpatialSystem y, p: N = {N}, T = {T}, effects unit>"
    assert system.formulas == {"y": FULL[0], "p": FULL[1]}


def test_equations_by_name(panel: Panel, W: Weights) -> None:
    named = SpatialSystem({"first": FULL[0], "second": FULL[1]}, panel, W).fit("3sls")
    assert named.structure.names == ("first", "second")
    plain = SpatialSystem(FULL, panel, W).fit("3sls")
    np.testing.assert_array_equal(named.params, plain.params)


def test_other_modules_are_at_hand(fit: Any) -> None:
    assert len(fit.impacts(draws=20).tidy())
    assert len(fit.diagnostics().frame)
    assert "Stability" in str(fit.stability())
