"""Arguments as they come: valid ones by kind, and odd ones of each kind, drawn by a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

import spatial as sp

N, T = 12, 4
IDS = [f"{110000 + 100 * k}" for k in range(N)]
INDUSTRIES = ["mining", "retail", "bank"]
Change = Callable[[Any], Any]
Odd = tuple[str, Change]


@dataclass(frozen=True)
class Later:
    """A value that takes work: made when it is needed, so that collecting the tests does not wait for it."""

    make: Callable[[], Any]


@dataclass(frozen=True)
class Given:
    """An argument with a value of its own, and the kind of its odd ones; `values` are by `VALID` else."""

    kind: str
    value: Any


def column(name: Any) -> Given:
    return Given("column", name)


def number(value: Any) -> Given:
    return Given("number", value)


def always(value: Any) -> Change:
    """Whatever the valid value was."""
    return lambda _: value


# ---- valid arguments
def cities() -> gpd.GeoDataFrame:
    boxes = [shapely.box(110 + i, 30 + j, 111 + i, 31 + j) for i in range(4) for j in range(3)]
    columns = {"name": [f"city {k}" for k in range(N)], "gdp": np.random.default_rng(1).lognormal(size=N)}
    return gpd.GeoDataFrame(columns, geometry=boxes, index=pd.Index(IDS, name="adcode"), crs=4326)


def weights() -> sp.Weights:
    return sp.weights.contiguity(cities()).row_standardized()


def values() -> pd.Series[float]:
    return pd.Series(np.random.default_rng(2).lognormal(size=N), index=pd.Index(IDS, name="adcode"), name="x")


def table() -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(3).integers(1, 50, (N, 3)), index=IDS, columns=INDUSTRIES)


def panel() -> sp.Panel:
    rng = np.random.default_rng(5)
    index = pd.MultiIndex.from_product([IDS, range(2000, 2000 + T)], names=["adcode", "year"])
    frame = pd.DataFrame(rng.lognormal(size=(N * T, 3)), index=index, columns=["x", "y", "z"])
    frame[INDUSTRIES] = rng.integers(1, 50, (N * T, 3))
    frame["total"] = frame[INDUSTRIES].sum(axis=1)
    return sp.Panel.from_frame(frame.reset_index(), unit="adcode", time="year")


VALID: dict[str, Callable[[], Any]] = {
    "x": values, "W": weights, "cities": cities, "panel": panel, "table": table,
}  # fmt: skip

# ---- odd ones of any kind
ANYTHING: list[Odd] = [
    ("None", always(None)),
    ("a number", always(3)),
    ("text", always("x")),
    ("an empty text", always("")),
    ("an empty list", always([])),
    ("a list of None", always([None] * N)),
    ("a dict", always({"a": 1})),
    ("an object", always(object())),
    ("a class", always(dict)),
    ("NaN", always(float("nan"))),
    ("an empty frame", always(pd.DataFrame())),
    ("an empty Series", always(pd.Series(dtype=float))),
    ("an empty array", always(np.zeros(0))),
    ("an array of 3 axes", always(np.ones((2, N, 3)))),
]


def _at(v: Any, value: Any) -> Any:
    out = v.astype(object)
    out.iloc[N // 2] = value
    return out


LABELLED: list[Odd] = [
    ("rows shuffled", lambda v: v.sample(frac=1, random_state=7)),
    ("ids as numbers", lambda v: v.set_axis([int(i) for i in v.index], axis=0)),
    ("ids as floats", lambda v: v.set_axis([float(i) for i in v.index], axis=0)),
    ("one unit left out", lambda v: v.iloc[1:]),
    ("one unit only", lambda v: v.iloc[:1]),
    ("two units only", lambda v: v.iloc[:2]),
    ("no unit", lambda v: v.iloc[:0]),
    ("a unit twice", lambda v: pd.concat([v, v.iloc[:1]])),
    ("an id repeated", lambda v: v.set_axis([v.index[1], *list(v.index)[1:]], axis=0)),
    ("another unit", lambda v: v.rename(index={IDS[0]: "999999"})),
    ("a missing id", lambda v: v.set_axis([None, *list(v.index)[1:]], axis=0)),
    ("ids counted", lambda v: v.reset_index(drop=True)),
    ("pairs as ids", lambda v: v.set_axis(pd.MultiIndex.from_product([list(v.index), [1]]), axis=0)),
    ("ids of several types", lambda v: v.set_axis([1, *list(v.index)[1:]], axis=0)),
]


def _times(size: float) -> Change:
    return lambda v: v * size


NUMBERS: list[Odd] = [
    *((f"times {size:g}", _times(size)) for size in (1e-300, 1e-100, 1e-20, 1e20, 1e100, 1e300, -1.0, 0.0)),
    ("plus a million", lambda v: v + 1e6),
    ("plus 1e15", lambda v: v + 1e15),
    ("one NaN", lambda v: _at(v, np.nan).astype(float)),
    ("one infinity", lambda v: _at(v, np.inf).astype(float)),
    ("one huge", lambda v: _at(v, 1e308).astype(float)),
    ("all NaN", lambda v: v * np.nan),
    ("one not zero", lambda v: (v * 0).astype(float) + np.eye(1, len(v))[0]),
    ("text", lambda v: v.astype(str)),
    ("some text", lambda v: _at(v, "4,672")),
    ("a date among them", lambda v: _at(v, pd.Timestamp("2000-01-01"))),
    ("dates", lambda v: v.map(lambda _: pd.Timestamp("2000-01-01"))),
    ("complex", lambda v: v * 1j),
    ("truth", lambda v: v > v.median()),
    ("categories", lambda v: v.astype("category")),
    ("whole numbers", lambda v: (v * 10).astype(int)),
    ("float32", lambda v: v.astype("float32")),
    ("nullable", lambda v: _at(v, pd.NA).astype("Float64")),
    ("Arrow", lambda v: v.astype("float64[pyarrow]")),
    ("an array", lambda v: v.to_numpy()),
    ("a list", lambda v: v.tolist()),
    ("a masked array", lambda v: np.ma.masked_less(v.to_numpy(), float(v.median()))),
    ("a column", lambda v: v.to_frame()),
    ("two columns", lambda v: pd.concat([v, v], axis=1)),
    ("a matrix", always(np.ones((N, N)))),
]


def _first(shape: Any) -> Change:
    return lambda v: v.set_geometry([shape, *v.geometry[1:]], crs=v.crs)


MAPS: list[Odd] = [
    ("no CRS", lambda v: v.set_crs(None, allow_override=True)),
    ("projected", lambda v: v.to_crs(32650)),
    ("points", lambda v: v.set_geometry(v.geometry.representative_point())),
    ("one empty geometry", _first(shapely.Polygon())),
    ("one missing geometry", _first(None)),
    ("a bow tie", _first(shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]))),
    ("a collection", _first(shapely.GeometryCollection([shapely.Point(110, 30)]))),
    ("lines", lambda v: v.set_geometry(v.geometry.boundary)),
    ("all in one place", lambda v: v.set_geometry([shapely.Point(1, 1)] * len(v), crs=4326)),
    ("far out", _first(shapely.Point(1e9, 1e9))),
    ("not finite", _first(shapely.Point(np.inf, 0))),
    ("no geometry", lambda v: pd.DataFrame(v.drop(columns="geometry"))),
    ("geometry alone", lambda v: v.geometry),
    ("a path", always("no such file.gpkg")),
]


def _frame(change: Callable[[pd.DataFrame], Any]) -> Change:
    return lambda v: sp.Panel.from_frame(change(v.to_frame()), unit="adcode", time="year")


def _column(value: Any) -> Change:
    return lambda v: v.with_columns(x=value)


PANELS: list[Odd] = [
    ("a frame by unit and time", lambda v: v.frame),
    ("one time", lambda v: v.restrict(times=[2000])),
    ("two times", lambda v: v.restrict(times=[2000, 2001])),
    ("a gap in time", lambda v: v.restrict(times=[2000, 2002, 2003])),
    ("unbalanced", _frame(lambda f: f.iloc[1:])),
    ("one unit", lambda v: v.restrict(units=IDS[:1])),
    ("one unit left out", lambda v: v.restrict(units=IDS[1:])),
    ("ids as numbers", lambda v: v.map_units(int)),
    ("rows shuffled", lambda v: v.frame.sample(frac=1, random_state=1)),
    ("months", _frame(lambda f: f.assign(year=f["year"].map(lambda y: f"2000-0{y - 1999}")))),
    ("one variable missing at a time", _frame(lambda f: f.assign(x=f["x"].where(f["year"] > 2000)))),
    ("all missing", _column(np.nan)),
    ("constant", _column(1.0)),
    ("text", _column("a")),
    ("infinite", _column(np.inf)),
    ("zero", lambda v: v.with_columns(x=0.0, mining=0, total=0)),
    *((f"times {s:g}", lambda v, s=s: v.with_columns(x=v["x"] * s)) for s in (1e-200, 1e200, -1.0)),
    ("a cross-section", lambda v: v.at(2000)),
]


def _dense(change: Callable[[Any], Any], ids: Any = None) -> Change:
    return lambda v: sp.Weights.from_dense(change(v.sparse.toarray()), ids=IDS if ids is None else ids)


WEIGHTS: list[Odd] = [
    ("binary", lambda _: sp.weights.contiguity(cities())),
    ("other units", _dense(lambda m: m, list("abcdefghijkl"))),
    ("fewer units", lambda _: sp.weights.contiguity(cities().iloc[:6])),
    ("ids as numbers", lambda v: sp.Weights(pd.Index([int(i) for i in v.ids]), v.sparse)),
    ("no links", _dense(lambda m: m * 0)),
    ("an island", _dense(lambda m: m * np.r_[0.0, np.ones(N - 1)][:, None])),
    ("tiny", _dense(lambda m: m * 1e-300)),
    ("huge", _dense(lambda m: m * 1e300)),
    ("a Graph", lambda v: v.to_graph()),
    ("a dense array", lambda v: v.sparse.toarray()),
    ("one unit", lambda _: sp.Weights.from_dense(np.zeros((1, 1)), ids=IDS[:1])),
]
TABLES: list[Odd] = [
    ("one negative", lambda v: v - 25),
    ("all zero", lambda v: v * 0),
    ("a row of zeros", lambda v: v.where(pd.Series(range(len(v)), v.index) > 0, 0)),
    ("a column of zeros", lambda v: v.assign(mining=0)),
    ("one missing", lambda v: v.astype(float).where(v > v.iloc[0, 0])),
    ("infinite", lambda v: v.assign(mining=np.inf)),
    ("huge", lambda v: v * 1e300),
    ("tiny", lambda v: v * 1e-300),
    ("text", lambda v: v.astype(str)),
    ("some text", lambda v: v.assign(mining="many")),
    ("dates", lambda v: v.assign(mining=pd.Timestamp("2000-01-01"))),
    ("one column", lambda v: v[["mining"]]),
    ("no column", lambda v: v[[]]),
    ("equal names", lambda v: pd.concat([v, v], axis=1)),
    ("a Series", lambda v: v["mining"]),
]
COLUMNS: list[Odd] = [
    ("another name", always("no such")),
    ("a list of names", always(["x", "y"])),
    ("names twice", always(["x", "x"])),
    ("the unit", always("adcode")),
]
NUMBER: list[Odd] = [
    (repr(size), always(size))
    for size in (-1, 0, 0.5, 1, 1000, 1e300, 1e-300, float("inf"), "1", True, [1.0], (1, 2), np.float64(2.0))
]
ODD: dict[str, list[Odd]] = {
    "x": [*ANYTHING, *LABELLED, *NUMBERS],
    "W": [*ANYTHING, *WEIGHTS],
    "cities": [*ANYTHING, *LABELLED, *MAPS],
    "panel": [*ANYTHING, *PANELS],
    "table": [*ANYTHING, *LABELLED, *TABLES],
    "column": [*ANYTHING, *COLUMNS],
    "number": [*ANYTHING, *NUMBER],
    "anything": ANYTHING,
}
