"""Public functions, called with what people pass: a right answer, or a refusal of ours; nothing foreign.

Light in `make test`; `make fuzz` tries each oddity, and pairs.  A failure names the call and what was odd.
"""

from __future__ import annotations

import inspect
import itertools
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from further_calls import further
from odd_arguments import ODD, VALID, Change, Given, Later, column, number

import spatial as sp
from spatial.cli.api import sections_of
from spatial.errors import SpatialError, SpatialWarning

UNUSABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


Call = tuple[Callable[..., Any], dict[str, Any]]


def calls() -> dict[str, Call]:
    """Return a valid call of each function that takes data: arguments by kind, or as they are."""
    w = sp.weights
    halves = Given("x", pd.Series(["e", "w"] * 6, VALID["x"]().index))
    x, mining, total = column("x"), column("mining"), column("total")
    found: dict[str, Call] = {
        f.__name__: (f, {"x": "x", "W": "W", "permutations": 9})
        for f in (sp.moran, sp.geary, sp.general_g, sp.local_moran, sp.getis_ord)
    }
    for pair in (sp.bivariate_moran, sp.bivariate_local_moran):
        found[pair.__name__] = (pair, {"x": "x", "y": "x", "W": "W", "permutations": 9})
    measures = (
        sp.location_quotient, sp.specialization, sp.diversity, sp.krugman_index, sp.herfindahl,
        sp.hoover_index, sp.gini_specialization, sp.theil_specialization,
    )  # fmt: skip
    found |= {f.__name__: (f, {"table": "table"}) for f in measures}
    upgrading = {
        "data": "panel",
        "primary": mining,
        "secondary": column("retail"),
        "tertiary": column("bank"),
    }
    places = {name: number(1.0 * k) for k, name in enumerate(("lon1", "lat1", "lon2", "lat2"))}
    frames = Given("cities", VALID["cities"]().reset_index()), Given("cities", VALID["panel"]().to_frame())
    return found | {
        "align": (sp.align, {"cities": "cities", "panel": "panel"}),
        "moran_panel": (sp.moran_panel, {"panel": "panel", "columns": x, "W": "W", "permutations": 9}),
        "spatial_lag": (sp.spatial_lag, {"panel": "panel", "columns": x, "W": "W"}),
        "lag": (lambda W, x: w.as_weights(W).lag(x), {"W": "W", "x": "x"}),
        "distance_decay": (
            sp.distance_decay,
            {"values": "x", "cities": "cities", "power": number(1.0), "own": number(1.0)},
        ),
        "virtual_agglomeration": (
            sp.virtual_agglomeration,
            {"panel": "panel", "sector": mining, "total": total, "cities": "cities"},
        ),
        "entropy_index": (sp.entropy_index, {"panel": "panel", "positive": column(["x", "y"])}),
        "industrial_upgrading": (sp.industrial_upgrading, upgrading),
        "gini": (sp.gini, {"x": "x"}),
        "theil": (sp.theil, {"x": "x"}),
        "dagum": (sp.dagum, {"x": "x", "groups": halves}),
        "gravity_center": (sp.gravity_center, {"values": "x", "cities": "cities"}),
        "standard_ellipse": (sp.standard_ellipse, {"values": "x", "cities": "cities", "scale": number(1.0)}),
        "sigma_convergence": (sp.sigma_convergence, {"panel": "panel", "column": x, "W": "W"}),
        "density_by_time": (sp.density_by_time, {"panel": "panel", "column": x}),
        "spatial_markov": (
            sp.spatial_markov,
            {"panel": "panel", "column": x, "W": "W", "k": number(3), "permutations": 0},
        ),
        "lisa_markov": (sp.lisa_markov, {"panel": "panel", "column": x, "W": "W", "permutations": 9}),
        "describe": (lambda columns: VALID["panel"]().describe(columns), {"columns": column(["x"])}),
        "at": (lambda time: VALID["panel"]().at(time), {"time": number(2000)}),
        "shift": (lambda columns, n: VALID["panel"]().shift(columns, n), {"columns": x, "n": number(1)}),
        "interpolate": (lambda columns: VALID["panel"]().interpolate(columns), {"columns": x}),
        "contiguity": (w.contiguity, {"cities": "cities"}),
        "knn": (w.knn, {"cities": "cities", "k": number(2)}),
        "distance_band": (w.distance_band, {"cities": "cities", "km": number(200.0)}),
        "inverse_distance": (w.inverse_distance, {"cities": "cities", "power": number(1.0)}),
        "kernel": (w.kernel, {"cities": "cities", "bandwidth_km": number(300.0)}),
        "economic": (w.economic, {"values": "x", "power": number(1.0)}),
        "gravity": (w.gravity, {"cities": "cities", "mass": "x", "power": number(2.0)}),
        "nested": (w.nested, {"W_distance": "W", "W_economic": "W", "share": number(0.5)}),
        "block": (w.block, {"groups": halves}),
        "great_circle_km": (w.great_circle_km, places),
        "read_cities": (sp.read_cities, {"source": frames[0], "id": column("adcode")}),
        "read_panel": (
            sp.read_panel,
            {"source": frames[1], "unit": column("adcode"), "time": column("year")},
        ),
        "descriptive_table": (sp.descriptive_table, {"data": "panel", "columns": column(["x"])}),
        "correlation_table": (sp.correlation_table, {"data": "panel", "columns": column(["x", "y"])}),
    }


FURTHER = further()
CALLS = calls() | FURTHER
LONG = [pytest.param(name, marks=pytest.mark.slow) if name in FURTHER else name for name in CALLS]
NOT_CALLED = {
    "china_boundaries": "makes a map of files that are not shipped",
    "catalogue": "takes no argument",
    "evidence": "takes the name of a public name",
    "labels": "takes the name of a sample",
    "load": "takes the name of a sample",
    "load_sample": "takes the name of a sample",
    "path": "takes the name of a sample",
    "sample_contents": "takes the name of a sample",
    "raster_values": "takes an xarray, which is optional",
    "values_to_raster": "takes an xarray, which is optional",
    "monte_carlo": "takes functions of the caller",
    "sweep": "as robustness, by distance bands",
    "open_local": "takes a folder of blocks",
    "open_panel": "takes a folder of blocks",
    "open_weights": "takes a folder of blocks",
    "read_calendar": "reads a table of dates, as read_panel does",
}


def made(kinds: dict[str, Any]) -> dict[str, Any]:
    """Return valid arguments, new ones each time."""
    return {name: _value(kind) for name, kind in kinds.items()}


def _value(kind: Any) -> Any:
    if isinstance(kind, Given):
        return kind.value.make() if isinstance(kind.value, Later) else kind.value
    return VALID[kind]() if isinstance(kind, str) and kind in VALID else kind


def oddities(kinds: dict[str, Any]) -> Iterator[tuple[str, str, Change]]:
    """Give each odd value of each argument: argument, words, and what makes it of the valid one."""
    for name, kind in kinds.items():
        pool = kind.kind if isinstance(kind, Given) else kind
        for words, change in ODD.get(pool, ()) if isinstance(pool, str) else ():
            yield name, words, change


def attempt(function: Callable[..., Any], arguments: dict[str, Any]) -> str:
    """Call; return what is wrong with what comes back: nothing for an answer that can be, or a refusal."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", SpatialWarning)
        try:
            found = function(**arguments)
        except SpatialError as error:
            return undocumented(function, error)
        except TypeError:
            return ""
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    p = getattr(found, "p_sim", None)
    if isinstance(p, float):
        statistic = next((getattr(found, n) for n in ("I", "C", "G") if hasattr(found, n)), 0.0)
        if np.isnan(statistic) and not np.isnan(p):
            return "a p-value of no statistic"
    frame = found if isinstance(found, pd.DataFrame) else getattr(found, "frame", None)
    if isinstance(frame, pd.DataFrame):
        for name in [c for c in frame.columns if str(c).startswith("p_")]:
            values = frame[name].dropna().to_numpy(dtype=float)
            if not ((values >= 0) & (values <= 1)).all():
                return f"{name} outside 0 and 1"
    return ""


def undocumented(function: Callable[..., Any], error: SpatialError) -> str:
    """Return what is wrong with a refusal that the function's Raises section does not know."""
    raises = sections_of(inspect.getdoc(function) or "").get("Raises", "")
    known = {name.strip() for line in re.findall(r"^\S.*", raises, re.MULTILINE) for name in line.split(",")}
    if not known or (known | {"ArgumentError"}) & {kind.__name__ for kind in type(error).__mro__}:
        return ""
    return f"{type(error).__name__} is not among its Raises ({', '.join(sorted(known))}): {error}"


def run(name: str, chosen: list[tuple[tuple[str, str, Change], ...]]) -> None:
    """Call a function with each of these sets of odd arguments."""
    function, kinds = CALLS[name]
    faults = []
    for odd in chosen:
        arguments = made(kinds)
        try:
            for argument, _, change in odd:
                arguments[argument] = change(arguments[argument])
        except UNUSABLE:
            continue  # that oddity is none of this argument
        if fault := attempt(function, arguments):
            faults.append(f"{name}({', '.join(f'{a}: {words}' for a, words, _ in odd)}): {fault}")
    assert not faults, "\n".join(faults)


def test_each_public_function_is_called_or_left_out_for_a_reason() -> None:
    faces = (sp, sp.models, sp.weights, sp.shapefiles)
    public = {n for face in faces for n in face.__all__ if inspect.isfunction(getattr(face, n))}
    assert public - set(CALLS) - set(NOT_CALLED) == set()
    assert set(NOT_CALLED) <= public


@pytest.mark.parametrize("name", LONG)
def test_valid_arguments_are_answered_and_odd_ones_answered_or_refused(name: str) -> None:
    function, kinds = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)
        assert function(**made(kinds)) is not None
    pool = list(oddities(kinds))
    rng = np.random.default_rng([0, *name.encode()])
    run(name, [(pool[int(k)],) for k in rng.permutation(len(pool))[:3]])


@pytest.mark.fuzz
@pytest.mark.parametrize("name", CALLS)
def test_each_odd_argument_is_answered_or_refused(name: str) -> None:
    run(name, [(odd,) for odd in oddities(CALLS[name][1])])


@pytest.mark.fuzz
@pytest.mark.parametrize("name", CALLS)
def test_pairs_of_odd_arguments_are_answered_or_refused(name: str) -> None:
    pairs = [p for p in itertools.combinations(oddities(CALLS[name][1]), 2) if p[0][0] != p[1][0]]
    rng = np.random.default_rng([1, *name.encode()])
    run(name, [pairs[int(k)] for k in rng.permutation(len(pairs))[:100]])
