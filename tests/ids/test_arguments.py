"""Arguments that do not fit: what was meant is named, and nothing else of the function changes."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import spatial as sp
from spatial import names
from spatial.errors import SpatialError, SpatialWarning, hinted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda *_: sp.read_cities("nc", ids="fips"), r"'ids'. Did you mean 'id'\? Call it as read_"),
        (lambda *_: sp.read_panel("nc_crime", id="fips"), r"'id'. Did you mean 'unit'\?"),
        (lambda c, _: sp.weights.distance_band(c, threshold=9), r"Did you mean 'km'\? .*_band\(cities, km,"),
        (lambda c, _: sp.weights.knn(c, n=4), r"Did you mean 'k'\?"),
        (lambda c, W: sp.explore(c, ["bir74"], W), r"as explore\(cities, panel, columns, W, path, lang=,"),
        (lambda c, W: sp.moran(c["bir74"], W, permutation=9), r"Did you mean 'permutations'\?"),
        (lambda c, W: sp.moran(c["bir74"], W, 99), r"3 were given. Call it as moran\(x, W, permutations=,"),
        (lambda c, W: sp.moran(y=c["bir74"], w=W), r"'y'. Did you mean 'x'\?"),
        (lambda c, W: sp.moran(c["bir74"], W, qqq=1), r"'qqq'. Call it as"),
    ],
)  # fmt: skip
def test_the_argument_that_was_meant_is_named(call: Callable[[Any, Any], Any], message: str) -> None:
    cities = sp.read_cities("nc")
    with pytest.raises(TypeError, match=message) as caught:
        call(cities, sp.weights.contiguity(cities))
    assert caught.value.__suppress_context__


def test_a_type_error_of_the_function_itself_stays_as_it_is() -> None:
    @hinted
    def halved(x: Any) -> Any:
        return x / 2

    with pytest.raises(TypeError, match=r"^unsupported operand"):
        halved("a")
    assert halved(4) == 2


def test_signature_and_pickle_are_those_of_the_function() -> None:
    assert list(inspect.signature(sp.weights.knn).parameters)[:3] == ["cities", "k", "ellipsoid"]
    assert pickle.loads(pickle.dumps(sp.moran)) is sp.moran


def test_warnings_point_at_the_line_that_called() -> None:
    frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[shapely.box(0, 0, 1, 1), None], crs=3857)
    calls: list[Callable[[], Any]] = [
        lambda: sp.read_cities(frame, "id", drop_empty=True),
        lambda: sp.weights.Weights.from_dense([[0, -1.0], [-1.0, 0]]),
        lambda: sp.models.parse_formula("y ~ x + x"),
    ]
    for call in calls:
        with pytest.warns(SpatialWarning) as caught:
            call()
        assert [found.filename for found in caught] == [__file__]


def system() -> Any:
    panel = sp.shapefiles.load("nc_crime")
    counties = sp.read_cities("nc").loc[panel.units]
    W = sp.weights.contiguity(counties).row_standardized()
    return sp.models.SpatialSystem("crmrte ~ polpc + W(crmrte) + density", panel, W, effects="unit")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: sp.models.SpatialSystem("y ~ x", s, effect="unit"), r"^SpatialSystem\(\).*mean 'effects'"),
        (lambda s: s.fit(covariance="hom"), r"Did you mean 'cov'\? Call it as fit\(method, "),
        (lambda s: s.fit("2sls", vcov="hom"), r"Did you mean 'cov'"),
        (lambda s: s.fit("2sls").confint(conf_level=0.9), r"Did you mean 'level'\? Call it as confint\("),
        (lambda s: s.fit("2sls").diagnostics(lags=2), r"Call it as diagnostics\(\)\."),
        (lambda s: s.fit("2sls").impacts(reps=2), r"Did you mean 'draws'"),
        (lambda s: sp.models.fixed_effects("y ~ x", s, fe="unit"), r"Did you mean 'effects'"),
        (lambda _: sp.models.Conley(threshold=100), r"^Conley\(\) .* Did you mean 'km'"),
        (lambda _: sp.regression_table([], label={}), r"Did you mean 'labels'"),
        (lambda _: sp.shapefiles.load("nc").pipe(sp.map_values), r"Call it as map_values\(cities, "),
    ],
)  # fmt: skip
def test_models_figures_and_tables_name_it_too_in_an_error_of_this_package(call: Any, message: str) -> None:
    with pytest.raises(SpatialError, match=message) as caught:
        call(system())
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("x", [[1.0, 2.0], {"a": 1.0}])
def test_values_and_weights_in_the_wrong_order_are_told_apart(x: Any) -> None:
    W = sp.weights.contiguity(sp.read_cities("nc"))
    for swapped in (sp.moran, sp.local_moran, sp.geary):
        with pytest.raises(SpatialError, match=r"got Series\. Values come first and weights second"):
            swapped(W, pd.Series(x))


def test_terms_that_stand_twice_are_named_once() -> None:
    with pytest.warns(SpatialWarning, match=r"^Written twice in a formula, used once: x, x:z\.$"):
        parsed = sp.models.parse_formula("y ~ x + x:z + x + z:x")
    assert [term.name for term in parsed.terms] == ["x", "x:z"]
    assert len(sp.models.parse_formula("y ~ x * z + x").terms) == 3  # the product holds x on purpose


NAMES = {
    "sp.queen": "sp.weights.contiguity(cities)",
    "sp.KNN": "sp.weights.knn(cities, k)",
    "sp.lisa": "sp.local_moran",
    "sp.fixed_effects": "sp.models.fixed_effects",
    "sp.box_map": 'sp.map_values(cities, x, scheme="box")',
    "sp.models.regression_table": "sp.regression_table",
    "sp.models.xsmle": "sp.models.SpatialSystem(\"y ~ x + W(y)\", panel, W).fit('ml')",
    "sp.weights.rook": "sp.weights.contiguity(cities, rook=True)",
    "W.row_standardize": "'row_standardized()'",
    "panel.lag": "'shift(columns, 1)'",
    "panel.winsorise": "'winsorize'",
    "fit.loglik": "'glance'",
    "system.summary": "'fit()'",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_of_other_programs_lead_to_ours(name: str) -> None:
    panel = sp.read_panel("nc_crime")
    owners = {
        "W": sp.weights.contiguity(sp.read_cities("nc")),
        "panel": panel,
        "fit": sp.models.fixed_effects("crmrte ~ polpc", panel),
        "system": sp.models.SpatialSystem("crmrte ~ polpc", panel),
        "sp": sp,
        "sp.models": sp.models,
        "sp.weights": sp.weights,
    }
    owner, _, attribute = name.rpartition(".")
    with pytest.raises(AttributeError) as refused:
        getattr(owners[owner], attribute)
    assert str(refused.value).endswith(f" Did you mean {NAMES[name]}?")


def test_what_a_name_of_another_program_leads_to_is_there() -> None:
    for here in names._CALLED:
        place, *rest = here.split("(")[0].split(".")
        value: Any = {"sp": sp, "panel": sp.Panel, "fit": sp.models.SystemFit}[place]
        for part in rest:
            value = getattr(value, part)
    for owner in (sp.Weights, sp.Panel, sp.models.SpatialSystem):
        for here in owner._known_as.values():
            assert here.split("(")[0] in {*dir(owner), "frame", "labels"}, here


def test_methods_of_panels_and_weights_are_called_by_their_own_names() -> None:
    with pytest.raises(
        sp.ArgumentError, match=r"^winsorize\(\) takes from .* Call it as winsorize\(columns, share"
    ):
        sp.read_panel("nc_crime").winsorize(["polpc"], 1, 99)  # type: ignore[call-arg, arg-type, misc]


def test_warnings_below_a_context_point_at_the_caller_too() -> None:
    frame = sp.read_panel("nc_crime")
    model = sp.models.SpatialSystem("crmrte ~ polpc + density", frame, effects=("unit", "time"))
    with pytest.warns(sp.models.HeteroskedasticityWarning) as caught:
        model.fit("ml")
    assert {found.filename for found in caught} == {__file__}


def test_row_numbers_in_the_place_of_ids_are_recognised() -> None:
    cities = sp.read_cities("nc")
    frame = cities.drop(columns="geometry").reset_index()
    wanted = r"Are these row numbers\? frame\.set_index\(column\) makes the ids the index\."
    with pytest.raises(sp.AlignmentError, match=wanted):
        sp.map_values(cities, frame["bir74"])
    with pytest.raises(sp.AlignmentError, match=wanted):
        sp.moran(frame["bir74"], sp.weights.contiguity(cities))
