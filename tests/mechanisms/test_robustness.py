"""Robustness: each key of a variant against the fit written out, one table, one curve, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import DataError, FormulaError
from spatial.models import SpatialSystem, fixed_effects, robustness
from spatial.panel import Panel

N, T = 60, 5


def panel(seed: int = 0) -> Panel:
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"])
    data = pd.DataFrame(rng.normal(size=(N * T, 6)), columns=["x", "z", "w", "w2", "p", "e"], index=index)
    data["x"] += data.w + data.w2
    data["y"] = data.x + 0.5 * data.z + data.e
    data["y2"] = data.y + 0.3 * data.p
    data["x2"] = data.x + 0.1 * data.p
    data["region"] = np.where(index.get_level_values(0) < 30, "east", "west")
    return Panel(data)


def weights(step: int = 1) -> sp.Weights:
    matrix = np.roll(np.eye(N), step, axis=1) + np.roll(np.eye(N), -step, axis=1)
    return sp.Weights.from_dense(matrix, ids=range(N)).row_standardized()


def same(fit: Any, other: Any) -> None:
    np.testing.assert_allclose(fit.params.to_numpy(), other.params.to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(fit.std_errors.to_numpy(), other.std_errors.to_numpy(), rtol=1e-9)
    assert fit.n_obs == other.n_obs


@pytest.mark.evidence("models.robustness", source="each variant fitted by itself", kind="identity")
def test_each_key_is_the_fit_written_out() -> None:
    source = panel()
    base = fixed_effects("y ~ x + z", source)
    found = robustness(
        base,
        {
            "outcome": {"outcome": "y2"},
            "swap": {"swap": {"x": "x2"}},
            "add": {"add": ["p"]},
            "drop": {"drop": ["z"]},
            "policies": {"policies": ["p"], "drop": "z"},
            "where": {"where": "region == 'east' and year >= 1"},
            "effects": {"effects": ["unit", "region:time"]},
            "cov": {"cov": "hom"},
            "winsorised": {"winsorize": 0.05},
            "lagged": {"shift": 1},
            "leads": {"shift": -1},
        },
    )
    same(found.fits["outcome"], fixed_effects("y2 ~ x + z", source))
    same(found.fits["swap"], fixed_effects("y ~ x2 + z", source))
    same(found.fits["add"], fixed_effects("y ~ x + z + p", source))
    same(found.fits["drop"], fixed_effects("y ~ x", source))
    same(found.fits["policies"], fixed_effects("y ~ x + p", source))
    same(found.fits["where"], fixed_effects("y ~ x + z", source, where="region == 'east' and year >= 1"))
    same(found.fits["effects"], fixed_effects("y ~ x + z", source, effects=("unit", "region:time")))
    same(found.fits["cov"], fixed_effects("y ~ x + z", source, cov="hom"))
    same(found.fits["winsorised"], fixed_effects("y ~ x + z", source.winsorize(["y", "x", "z"], 0.05)))
    same(found.fits["lagged"], fixed_effects("y ~ lag(x, 1) + lag(z, 1)", source))
    ahead = source.shift(["x", "z"], -1, name="f_{column}").restrict(times=[0, 1, 2, 3])
    same(found.fits["leads"], fixed_effects("y ~ f_x + f_z", ahead))
    assert found.fits["lagged"].params.index.get_level_values(1).tolist() == ["x", "z"]


def test_instruments_replace_those_that_are_declared() -> None:
    source = panel()
    base = fixed_effects("y ~ x + z | unit + time | x ~ w", source)
    found = robustness(
        base, {"other": {"instruments": ["w2"]}, "both": {"instruments": ["w", "w2"]}}, terms="x"
    )
    same(found.fits["other"], fixed_effects("y ~ x + z | unit + time | x ~ w2", source))
    same(found.fits["both"], fixed_effects("y ~ x + z | unit + time | x ~ w + w2", source))


def test_weights_errors_and_methods_of_a_system() -> None:
    source, W = panel(), weights()
    system = SpatialSystem("y ~ x + z + W(x)", source, W, effects=("unit",))
    found = robustness(
        system,
        {
            "far": {"weights": {"W": weights(3)}},
            "error": {"error": "W", "method": "gs2sls"},
            "within": {"where": "region == 'east'", "lags": "within", "cov": "het"},
        },
        method="2sls",
        terms=["x", "W(x)"],
    )
    far = SpatialSystem("y ~ x + z + W(x)", source, weights(3), effects=("unit",)).fit("2sls")
    same(found.fits["far"], far)
    spatial = SpatialSystem("y ~ x + z + W(x)", source, W, effects=("unit",), error="W").fit("gs2sls")
    same(found.fits["error"], spatial)
    assert found.fits["within"].estimate.design.choice.lags == "within"
    assert "far: weights W to given." in found.table_notes


def test_one_table_and_one_curve() -> None:
    base = fixed_effects("y ~ x + z", panel())
    found = robustness(base, {"加控制": {"add": ["p"]}, "only": {"drop": ["z"]}}, terms="x")
    frame = sp.regression_table([found]).frame
    assert frame.shape[1] == 3
    row = found.glance().iloc[0]
    assert (row["variants"], row["same_sign"], row["significant"]) == (2, 2, 2)
    assert row["least"] <= row["median"] <= row["largest"]
    axes = found.plot(lang="zh")
    assert sorted(t.get_text() for t in axes.get_xticklabels()) == ["base", "only", "加控制"]
    assert axes.get_ylabel() == "x的效应"
    assert "线段：95% 置信区间" in axes.figure.note
    assert "only: drop z." in str(found)
    assert repr(found) == "<Robustness of x: 2 variants>"
    with pytest.raises(DataError, match=r"There are several terms: x, z. Choose one with term="):
        robustness(base, {"only": {"add": ["p"]}}).plot()


def test_adding_what_is_there_is_one_refusal_and_no_warning() -> None:
    base = fixed_effects("y ~ x + z", panel())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match="Variant 'a' is the same as the fit itself"):
            robustness(base, {"a": {"add": ["x"]}})


@pytest.mark.parametrize(
    ("variants", "options", "error", "message"),
    [
        ({}, {}, DataError, "robustness needs variants"),
        ({"a": {}}, {}, DataError, "Variant 'a' changes nothing"),
        ({"a": {"wheer": "x > 1"}}, {}, DataError, "no fit has 'wheer'. Did you mean 'where'"),
        ({"base": {"drop": ["z"]}}, {}, DataError, "'base' is the fit itself"),
        ({"a": {"swap": {"q": "x2"}}}, {}, DataError, "'q' is not in the formulas"),
        ({"a": {"add": ["x"]}}, {}, DataError, "Variant 'a' is the same as the fit itself"),
        ({"a": {"add": ["p"]}, "b": {"policies": ["p"]}}, {}, DataError, "'b' is the same as variant 'a'"),
        ({"a": {"drop": ["q"]}}, {}, FormulaError, "Variant 'a': q cannot be left out"),
        ({"a": {"where": "region == 'north'"}}, {}, DataError, "Variant 'a': No row meets"),
        ({"a": {"drop": ["z"]}}, {"terms": "k"}, DataError, "The fit has no term 'k'. It has x, z"),
    ],
)
@pytest.mark.filterwarnings("ignore:Written twice")
def test_what_has_no_answer_is_refused(
    variants: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        robustness(fixed_effects("y ~ x + z", panel()), variants, **options)


def policy_panel() -> Panel:
    rng = np.random.default_rng(3)
    index = pd.MultiIndex.from_product([range(60), range(2000, 2008)], names=["city", "year"])
    city, year = (index.get_level_values(k).to_numpy() for k in (0, 1))
    data = pd.DataFrame({"first": np.where(city < 20, 2003, np.where(city < 40, 2005, 0))}, index=index)
    data["other"] = rng.normal(size=len(data))
    data["y"] = (
        city / 60 + 1.0 * ((data["first"] > 0) & (year >= data["first"])) + 0.3 * rng.normal(size=len(data))
    )
    data["y2"] = data["y"] + 0.1 * data["other"]
    return Panel(data)


def test_effects_of_policies_and_fits_by_other_estimators_are_variants_too() -> None:
    source = policy_panel()
    base = sp.models.did(source, "y", "first", method="twfe", controls=["other"])
    imputed = sp.models.did(source, "y", "first", method="borusyak-jaravel-spiess", controls=["other"])
    found = robustness(
        base,
        {
            "outcome": {"swap": {"y": "y2"}},
            "alone": {"drop": ["other"]},
            "late": {"where": "year >= 2001"},
            "trimmed": {"winsorize": 0.02},
            "imputed": imputed,
        },
        terms="ATT",
    )
    written = {
        "outcome": base.refit(outcome="y2"),
        "alone": sp.models.did(source, "y", "first", method="twfe"),
        "late": sp.models.did(source, "y", "first", method="twfe", controls=["other"], where="year >= 2001"),
        "trimmed": base.refit(panel=source.winsorize(["y", "other"], 0.02)),
        "imputed": imputed,
    }
    for name, fit in written.items():
        assert found.fits[name].att == pytest.approx(fit.att, rel=1e-12)
        assert found.fits[name].std_error == pytest.approx(fit.std_error, rel=1e-12)
    assert found.tidy()["variant"].tolist() == ["base", *written]
    assert found.changes["imputed"] == {"estimator": "borusyak-jaravel-spiess"}
    with pytest.raises(DataError, match=r"no fit has 'macth'\. Did you mean 'match'"):
        robustness(base, {"m": {"macth": "psm"}})
