"""Values at the ends of what a float holds, and texts nested without end: an answer or one refusal."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError, FormulaError, SpatialError

IDS = [f"{110000 + 100 * k}" for k in range(30)]
BOXES = [shapely.box(110 + i, 30 + j, 111 + i, 31 + j) for i in range(6) for j in range(5)]


@pytest.fixture(scope="module")
def cities() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"v": np.arange(30.0) + 1}, geometry=BOXES, index=pd.Index(IDS, name="id"), crs=4326
    )


@pytest.fixture(scope="module")
def panel() -> sp.Panel:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([IDS, range(2000, 2005)], names=["id", "year"])
    x = rng.normal(size=150)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=150)}, index=index)
    return sp.Panel.from_frame(frame.reset_index(), unit="id", time="year")


def table(panel: sp.Panel, cities: gpd.GeoDataFrame) -> pd.DataFrame:
    weights = sp.weights.contiguity(cities).row_standardized()
    return sp.models.SpatialSystem("y ~ x + W(y)", panel, weights).fit("2sls").tidy()


@pytest.mark.parametrize("scale", [1e-68, 1e68])
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_change_of_unit_leaves_t_and_rho_as_they_are(
    name: str, scale: float, panel: sp.Panel, cities: gpd.GeoDataFrame
) -> None:
    base = table(panel, cities)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = table(panel.with_columns({name: panel[name] * scale}), cities)
    np.testing.assert_allclose(found["p_value"], base["p_value"], rtol=1e-6, atol=1e-12)
    rho = base["term"] == "W(y)"
    np.testing.assert_allclose(found.loc[rho, "estimate"], base.loc[rho, "estimate"], rtol=1e-8)


@pytest.mark.parametrize("scale", [1e-300, 1e-100, 1e100, 1e300])
@pytest.mark.parametrize("name", ["x", "y"])
def test_values_whose_fourth_powers_no_float_holds_are_refused(
    name: str, scale: float, panel: sp.Panel, cities: gpd.GeoDataFrame
) -> None:
    with pytest.raises(DataError, match=f"{name} has values of up to .* fourth powers .* use another unit"):
        table(panel.with_columns({name: panel[name] * scale}), cities)


@pytest.mark.parametrize("scale", [5e-324, 1.7e308 / 30])
def test_a_centre_of_gravity_does_not_depend_on_the_unit(scale: float, cities: gpd.GeoDataFrame) -> None:
    mass = pd.Series(np.arange(30.0), cities.index)
    expected = sp.gravity_center(mass, cities)[["lon", "lat"]]
    np.testing.assert_allclose(sp.gravity_center(mass * scale, cities)[["lon", "lat"]], expected, rtol=1e-12)


DEEP: dict[str, Callable[[sp.Panel], Any]] = {
    "parentheses": lambda p: sp.models.evaluate("(" * 5000 + "x" + ")" * 5000, p),
    "a sum": lambda p: sp.models.evaluate(" + ".join(["x"] * 600), p),
    "signs": lambda p: sp.models.SpatialSystem("y ~ " + "-" * 600 + "x", p),
    "lags": lambda p: sp.models.SpatialSystem("y ~ " + "lag(" * 3000 + "x" + ", 1)" * 3000, p),
    "effects": lambda p: sp.models.SpatialSystem("y ~ x", p, effects="(" * 3000 + "unit" + ")" * 3000),
    "a junction": lambda p: p.where(" and ".join(["x > 0"] * 600)),
    "negations": lambda p: p.where("not " * 600 + "x > 0"),
    "a condition": lambda p: p.where("(" * 600 + "x > 0" + ")" * 600),
}


@pytest.mark.parametrize("what", DEEP)
def test_a_formula_or_condition_without_end_is_refused(what: str, panel: sp.Panel) -> None:
    with pytest.raises(FormulaError, match="nested too deeply, or too long") as found:
        DEEP[what](panel)
    assert len(str(found.value)) < 1000


def test_a_hundred_summands_and_brackets_are_read(panel: sp.Panel) -> None:
    expected = 100 * panel["x"]
    np.testing.assert_allclose(sp.models.evaluate("+".join(["x"] * 100), panel), expected)
    np.testing.assert_allclose(sp.models.evaluate("(" * 100 + "x" + ")" * 100, panel), panel["x"])
    assert len(panel.where(" and ".join(["x > 0"] * 100))) == len(panel.where("x > 0"))


@pytest.mark.parametrize(
    "text",
    [
        "x = " + "[" * 20000 + "]" * 20000,
        "x = " + "{a=" * 5000 + "1" + "}" * 5000,
        ".".join(["a"] * 5000) + " = 1",
        f"[{'.'.join(['a'] * 5000)}]\nx = 1",
        "x = " + "9" * 5000,
    ],
    ids=["lists", "tables", "a dotted key", "a dotted section", "a number"],
)
def test_a_study_file_without_end_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(SpatialError, match=r"nested too deeply|not TOML"):
        sp.run_study(tmp_path / "study.toml")
