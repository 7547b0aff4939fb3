"""Moderation: by hand, effects over the moderator, Johnson-Neyman, built instruments, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError, FormulaError
from spatial.models import SpatialSystem, WeakInstrumentWarning, fixed_effects, moderation
from spatial.models.mechanisms.interacted import johnson_neyman
from spatial.models.mechanisms.rewriting import Parts, swapped
from spatial.panel import Panel

N, T = 60, 5


def panel(seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 6)), columns=["x", "m", "z", "w", "v", "e"], index=index)
    data["m"] = 5 + 2 * data.m
    data["d"] = data.w + data.v + 0.6 * data.e
    data["y"] = data.x * (0.2 + 0.3 * (data.m - 5)) + 0.5 * data.z + data.e
    data["iv"] = data.d * (1.0 + 0.3 * (data.m - 5)) + 0.5 * data.z + data.e
    data["名称"] = data.m
    data["flat"], data["text"] = 1.0, "a"
    return Panel(data)


@pytest.mark.evidence(
    "models.moderation", source="fixed_effects with the product written out", kind="identity"
)
def test_the_fit_is_least_squares_with_the_centred_product() -> None:
    source = panel()
    found = moderation(fixed_effects("y ~ x + z", source), "x", "m")
    centre = float(found.interactions["centre"].iloc[0])
    assert centre == pytest.approx(source["m"].mean(), rel=1e-5)
    made = source.with_columns(xm=source["x"] * (source["m"] - centre))
    plain = fixed_effects("y ~ x + z + m + xm", made)
    np.testing.assert_allclose(found.fits["m"].params, plain.params, rtol=1e-9)
    np.testing.assert_allclose(found.fits["m"].std_errors, plain.std_errors, rtol=1e-9)
    row = found.effects.set_index("at").loc["90%"]
    b, V = plain.params.droplevel(0), plain.cov.droplevel(0).droplevel(0, axis=1)
    d = np.quantile(source["m"], 0.9) - centre
    assert row["estimate"] == pytest.approx(b["x"] + d * b["xm"])
    variance = V.loc["x", "x"] + 2 * d * V.loc["x", "xm"] + d**2 * V.loc["xm", "xm"]
    assert row["std_error"] == pytest.approx(np.sqrt(variance))


def test_centring_moves_the_main_effect_and_nothing_else() -> None:
    fit = fixed_effects("y ~ x + m + z", panel())
    centred, raw = moderation(fit, "x", "m"), moderation(fit, "x", "m", centre=False)
    pd.testing.assert_frame_equal(centred.effects, raw.effects)
    pd.testing.assert_frame_equal(centred.regions, raw.regions)
    assert raw.fits["m"].params.index.get_level_values(1).tolist() == ["x", "m", "z", "x:m"]
    assert centred.fits["m"].params["y", "x"] != raw.fits["m"].params["y", "x"]


def test_johnson_neyman_bounds_are_where_the_band_meets_zero() -> None:
    found = moderation(fixed_effects("y ~ x", panel()), "x", "m")
    assert found.regions["significant"].tolist() == [True, False, True]
    assert found.regions["sign"].tolist() == ["negative", "", "positive"]
    assert found.regions["share"].sum() == pytest.approx(1)
    curve = found.curve
    for cut in found.regions["low"].iloc[1:]:
        nearest = min(
            abs(np.interp(cut, curve["value"], curve["conf_low"])),
            abs(np.interp(cut, curve["value"], curve["conf_high"])),
        )
        assert nearest < 2e-3
    assert len(johnson_neyman(np.array([5.0, 0.01]), np.diag([0.01, 0.01]), 1.96)) == 2
    assert len(johnson_neyman(np.array([0.1, 0.01]), np.diag([1.0, 1.0]), 1.96)) == 0


def test_an_interaction_of_an_endogenous_treatment_gets_instruments() -> None:
    source = panel()
    found = moderation(fixed_effects("iv ~ d + z | unit + time | d ~ w", source), "d", "m")
    row = found.interactions.iloc[0]
    assert row["instruments"].startswith("w:I(m - ")
    assert abs(row["estimate"] - 0.3) < 3 * row["std_error"]
    centre = float(row["centre"])
    made = source.with_columns(
        dm=source["d"] * (source["m"] - centre), wm=source["w"] * (source["m"] - centre)
    )
    plain = fixed_effects("iv ~ d + z + m + dm | unit + time | d + dm ~ w + wm", made)
    np.testing.assert_allclose(found.fits["m"].params, plain.params, rtol=1e-8)


def test_in_a_system_the_other_outcome_and_the_lag_of_the_own_get_theirs() -> None:
    ring = np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)
    W = sp.Weights.from_dense(ring, ids=range(N)).row_standardized()
    system = SpatialSystem(["iv ~ d + z + W(iv)", "d ~ w + x"], panel(), W, effects=("unit",))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentWarning)  # there is no spatial lag in these data
        found = moderation(system, "d", "m", method="2sls")
        lag = moderation(SpatialSystem("y ~ x + z + W(y)", panel(), W), "W(y)", "m", method="2sls")
    assert found.equation == "iv"
    assert [t.split(":")[0] for t in found.interactions["instruments"].iloc[0].split(", ")] == ["w", "x"]
    assert [t.split(":")[0] for t in lag.interactions["instruments"].iloc[0].split(", ")] == ["W(x)", "W(z)"]
    with pytest.raises(DataError, match="choose an equation, equation= one of y, iv"):
        moderation(SpatialSystem(["y ~ x", "iv ~ x"], panel()), "x", "m", method="2sls")


def test_several_moderators_their_table_and_their_figure() -> None:
    found = moderation(fixed_effects("y ~ x", panel(), where="year >= 1"), "x", ["m", "名称"])
    assert list(found.fits) == ["m", "名称"]
    table = sp.regression_table([found])
    assert table.frame.loc["Observations"].tolist() == ["240", "240"]
    assert table.frame.loc["Sample"].tolist() == ["year >= 1"] * 2
    assert any("at the 90% quantile" in note for note in table.notes)
    with pytest.raises(DataError, match=r"There are several moderators: m, 名称. Choose one with by="):
        found.plot()
    axes = found.plot(by="名称", lang="zh")
    assert axes.get_xlabel() == "名称"
    assert len(axes.get_legend().get_texts()) == 2
    with pytest.raises(DataError, match="by is one of m, 名称; got 'k'"):
        found.plot(by="k")
    assert "Johnson-Neyman: from" in str(found)
    assert found.glance()["share_significant"].between(0, 1).all()
    assert repr(found) == "<Moderation x on y by m, 名称>"


@pytest.mark.parametrize(
    ("treatment", "by", "options", "error", "message"),
    [
        ("k", "m", {}, DataError, "No equation has the term 'k'. There are x, z"),
        ("x", "k", {}, DataError, "The data have no column 'k'"),
        ("x", "text", {}, DataError, "must hold numbers"),
        ("x", "flat", {}, DataError, "flat is the same in every row"),
        ("x", "y", {}, DataError, "y is an outcome of the system"),
        ("x", [], {}, FormulaError, "by is a name, or a list of names"),
        ("x", "m", {"level": 2}, DataError, "level is between 0 and 1"),
        ("x", "m", {"method": "3slss"}, DataError, "Did you mean '3sls'"),
    ],
)
def test_what_has_no_answer_is_refused(
    treatment: str, by: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        moderation(fixed_effects("y ~ x + z", panel()), treatment, by, **options)


def test_only_systems_and_their_fits_are_taken() -> None:
    with pytest.raises(DataError, match="moderation takes a SpatialSystem or a fit of one; got str"):
        moderation("y ~ x", "x", "m")  # type: ignore[arg-type]


def test_formulas_are_rewritten_in_their_parts() -> None:
    parts = Parts.of("log(y) ~ x + `a b` + W(x) | unit + region:time | x ~ z + w")
    assert (parts.effects, parts.endogenous, parts.instruments) == ("unit + region:time", "x", "z + w")
    assert parts.text == "log(y) ~ x + `a b` + W(x) | unit + region:time | x ~ z + w"
    assert Parts.of("y ~ x | x ~ z").text == "y ~ x | x ~ z"
    assert swapped("y ~ `a b` + log(x):x2", {"a b": "c", "x": "d e"}) == "y ~ c + log(`d e`):x2"
