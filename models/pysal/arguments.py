"""From a formula, data and weights matched by id to the arrays that a class of spreg takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, FormulaError, WeightsError, name_ids
from spatial.ids.alignment import aligned_values
from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.design import Design
from spatial.models.data.source import Source
from spatial.models.formula.structure import CONSTANT, Equation, Term
from spatial.weights.value import Weights, WeightsLike, as_weights

from .catalogue import SpregClass

__all__ = ["Arguments", "Columns", "as_spreg_weights", "cross_section_arguments", "system_arguments"]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """The terms of one equation by what spreg calls them, in its order: x, then the endogenous, then W(y).

    Parameters
    ----------
    x, endogenous : tuple of Term
        Columns that are handed over.
    lagged : tuple of Term
        Spatial lags of `x` that spreg makes itself.
    own : Term, optional
        The spatial lag of the outcome that spreg adds.
    """

    x: tuple[Term, ...]
    endogenous: tuple[Term, ...]
    lagged: tuple[Term, ...] = ()
    own: Term | None = None


@dataclass(frozen=True, eq=False)
class Arguments:
    """What a class is called with, and what its names mean.

    Parameters
    ----------
    values : mapping of str to Any
    names : mapping of str to str
        From a name in spreg's output to a term of the formula.
    levels : tuple of str
        Regimes.
    notes : tuple of str
    """

    values: dict[str, Any]
    names: Mapping[str, str]
    levels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def as_spreg_weights(weights: Weights) -> Any:
    """Return a libpysal W in the order of the ids; row-standardised ones say so, for the W of each regime."""
    found = weights.to_w()
    if weights.is_row_standardized:
        found.transform = "r"
    return found


def cross_section_arguments(
    name: str,
    kind: SpregClass,
    taken: frozenset[str],
    design: Design,
    source: Source,
    weights: tuple[str, Weights] | None,
    options: Mapping[str, Any],
) -> Arguments:
    """Return the arguments of a class with one equation: y, x, yend, q, w, regimes, and their names."""
    equation = design.structure.equations[0]
    columns = _columns(name, kind, equation, "slx_lags" in taken and not options.get("slx_lags"))
    place = dict(zip(equation.terms, design.regressors[0], strict=True))
    values: dict[str, Any] = {
        "y": design.raw[:, [design.outcomes[0]]],
        "x": design.raw[:, [place[t] for t in columns.x]],
        "name_y": equation.outcome,
        "name_x": [t.name for t in columns.x],
    }
    values |= _instruments(name, columns, taken, design, place)
    if columns.lagged:
        lagged = {t.variable for t in columns.lagged}
        values |= {"slx_lags": 1, "slx_vars": [t.variable in lagged for t in columns.x]}
    if weights is not None and "w" in taken:
        values |= {"w": as_spreg_weights(weights[1]), "name_w": weights[0]}
    levels: tuple[str, ...] = ()
    found = {k: v for k, v in options.items() if k not in ("regimes", "gwk", "coords")}
    if name.endswith("_Regimes"):
        regimes = _regimes(name, options.get("regimes"), design, source)
        levels = tuple(sorted(set(regimes)))
        values |= {"regimes": regimes, "name_regimes": str(options["regimes"])}
    if options.get("gwk") is not None:
        values |= {"gwk": _kernel_weights(options["gwk"], design.layout.units), "name_gwk": "kernel"}
    if name == "NSLX":
        values["coords"] = _coordinates(options.get("coords"), design.layout.units, options)
    names = _names(columns, equation.outcome, levels, str(options.get("regimes")))
    kept = {k: v for k, v in values.items() if k in taken}
    return Arguments(kept | found, names, levels)


def _columns(name: str, kind: SpregClass, equation: Equation, may_lag: bool) -> Columns:
    """Sort the terms of an equation into what spreg calls x, yend, W x and W y."""
    terms = [t for t in equation.terms if t.role != "constant"]
    own = [t for t in terms if t.variable == equation.outcome and t.operator == "lag" and not t.shift]
    if own and not kind.lag:
        raise FormulaError(
            f"spreg's {name} has no spatial lag of the outcome, and {own[0].name} would be taken for "
            "exogenous: "
            "use 'GM_Lag' or 'ML_Lag' (with errors 'GM_Combo_Het'), or SpatialSystem."
        )
    rest = [t for t in terms if t not in own]
    exogenous = tuple(t for t in rest if not t.is_endogenous)
    levels = {t.variable for t in exogenous if t.operator == "level"}
    lagged = tuple(t for t in exogenous if t.operator == "lag" and not t.shift)
    complete = all(t.variable in levels for t in lagged)
    if lagged and kind.lag and not (may_lag and complete):
        bad = next((t for t in lagged if t.variable not in levels), lagged[0])
        raise FormulaError(
            f"spreg's {name} makes instruments of the lags of x, so {bad.name} needs {bad.variable} "
            "beside it "
            "in the formula; leave it out, add it, or use SpatialSystem."
        )
    made = lagged if lagged and may_lag and complete else ()
    x = tuple(t for t in exogenous if t not in made)
    # spreg lags in the order of x.
    made = tuple(sorted(made, key=lambda t: [u.variable for u in x].index(t.variable)))
    if not x:
        raise FormulaError(f"spreg's {name} needs an exogenous regressor besides the constant.")
    return Columns(x, tuple(t for t in rest if t.is_endogenous), made, own[0] if own else None)


def _instruments(
    name: str, columns: Columns, taken: frozenset[str], design: Design, place: Mapping[Term, int]
) -> dict[str, Any]:
    """Return yend and q; refuse endogenous regressors that a class cannot take, or too few instruments."""
    if not columns.endogenous and not design.external:
        return {}
    if "yend" not in taken:
        raise FormulaError(
            f"spreg's {name} takes no endogenous regressors "
            f"({', '.join(t.name for t in columns.endogenous)}): "
            "use 'TSLS', 'GM_Lag', 'GM_Endog_Error_Het' or 'GM_Combo_Het'."
        )
    if len(design.external) < len(columns.endogenous):
        raise FormulaError(
            f"spreg's {name} has {len(columns.endogenous)} endogenous regressors and {len(design.external)} "
            "instruments, and would print numbers all the same: name one or more for each, '| endog ~ z'."
        )
    return {
        "yend": design.raw[:, [place[t] for t in columns.endogenous]],
        "q": np.column_stack(list(design.external.values())),
        "name_yend": [t.name for t in columns.endogenous],
        "name_q": list(design.external),
    }


def _names(columns: Columns, outcome: str, levels: tuple[str, ...], regimes: str) -> dict[str, str]:
    """Return what each name in spreg's output is called in the formula."""
    plain = {
        "CONSTANT": CONSTANT,
        "lambda": "rho",
        **{t.name: t.name for t in (*columns.x, *columns.endogenous)},
    }
    plain |= {f"W_{t.variable}": t.name for t in columns.lagged}
    plain |= {f"W_{t.name}": f"W({t.name})" for t in columns.x if f"W_{t.name}" not in plain}
    plain |= {f"We_{t.name}": f"We({t.name})" for t in columns.x}
    plain[f"W_{outcome}"] = columns.own.name if columns.own is not None else f"W({outcome})"
    out = dict(plain)
    for key, value in plain.items():
        out[f"_Global_{key}"] = value
        out |= {f"{level}_{key}": f"{regimes}[{level}]:{value}" for level in levels}
    return out


def _regimes(name: str, column: Any, design: Design, source: Source) -> list[str]:
    if not isinstance(column, str) or not source.has(column):
        raise DataError(
            f"spreg's {name} needs regimes='column', the name of a column of the data; got {column!r}."
        )
    found = pd.Series(source.rows(column, design.layout), index=design.layout.units[design.layout.unit])
    if found.isna().any():
        raise DataError(f"The regimes {column!r} are missing at units {name_ids(found.index[found.isna()])}.")
    levels = found.astype(str)
    counts = levels.value_counts()
    least = len(design.regressors[0]) + 1
    small = counts[counts < least]
    if len(counts) < 2 or len(small):
        raise DataError(
            f"Regimes need two or more levels with at least {least} units each (the coefficients and one "
            "more); "
            f"{column!r} has {', '.join(f'{k} ({v})' for k, v in counts.items())}."
        )
    return [str(v) for v in levels]


def _kernel_weights(gwk: WeightsLike, units: pd.Index[Any]) -> Any:
    weights = as_weights(gwk)
    weights = weights if weights.ids.equals(units) else weights.reordered(units)
    own = weights.sparse.diagonal()
    if not np.allclose(own, 1.0):
        raise WeightsError(
            "gwk= are kernel weights with 1 on the diagonal, for HAC standard errors; the diagonal given "
            "runs "
            f"from {own.min():g} to {own.max():g}. Build them with sp.weights.kernel(cities, "
            "bandwidth_km=...)."
        )
    return _as_kernel(weights.to_w())


def _as_kernel(w: Any) -> Any:
    """Return the same W in the class that spreg asks for; it takes no other as kernel weights."""
    from libpysal.weights import Kernel, W

    found = Kernel.__new__(Kernel)
    W.__init__(found, w.neighbors, w.weights, id_order=w.id_order, silence_warnings=True)
    return found


def _coordinates(coords: Any, units: pd.Index[Any], options: Mapping[str, Any]) -> Float:
    if isinstance(coords, gpd.GeoDataFrame):
        if coords.crs is not None and coords.crs.is_geographic and "distance_metric" not in options:
            raise DataError(
                "NSLX measures distances; these cities are in degrees. Project them (to_crs), or say "
                "distance_metric='Arc'."
            )
        points = coords.geometry.representative_point()
        coords = pd.DataFrame({"x": points.x, "y": points.y}, index=coords.index)
    if not isinstance(coords, pd.DataFrame) or coords.shape[1] != 2:
        raise DataError("spreg's NSLX needs coords=, a map or a frame of x and y by unit.")
    return aligned_values(coords, units, "coords")


# ---- systems of equations
def system_arguments(
    name: str,
    design: Design,
    weights: tuple[str, Weights] | None,
    taken: frozenset[str],
    options: dict[str, Any],
) -> tuple[Arguments, list[list[str]]]:
    """Return the arguments of a class with several equations, and the terms of each in spreg's order."""
    lag = name == "SURlagIV"
    parts = [_equation_parts(design, g, lag) for g in range(len(design.outcomes))]
    names = design.structure.names
    values: dict[str, Any] = {
        "bigy": {g: design.raw[:, [j]] for g, j in enumerate(design.outcomes)},
        "bigX": {g: p[1] for g, p in enumerate(parts)},
        "name_bigy": dict(enumerate(names)),
        "name_bigX": {g: p[0] for g, p in enumerate(parts)},
    }
    notes: tuple[str, ...] = ()
    if name == "ThreeSLS":
        refuse_own_instruments(design.structure, "spreg's 3SLS, inconsistent otherwise,")
        values |= _common_instruments(design, parts)
        notes = (
            "spreg's 3SLS is inconsistent where equations have instruments of their own: all equations "
            "are given "
            "the exogenous variables and instruments of all",
        )
    elif any(p[2] for p in parts):
        raise FormulaError(f"spreg's {name} takes no endogenous regressors ({parts[0][2] or parts[1][2]}).")
    if lag and any(set(p[0]) != set(parts[0][0]) for p in parts):
        raise DataError(
            "spreg's SURlagIV instruments each equation by its own x and W x, which is inconsistent "
            "where equations "
            "have different regressors (rho .550 for .6, .159 for .2 at N = 2,500): use SpatialSystem(...)"
            ".fit('3sls'), which is the same estimator with common instruments."
        )
    if weights is not None and "w" in taken:
        values |= {"w": as_spreg_weights(weights[1]), "name_w": weights[0]}
    order = [[CONSTANT if n == "CONSTANT" else n for n in p[0]] + p[2] + p[3] for p in parts]
    return Arguments(values | options, {}, notes=notes), order


def _equation_parts(design: Design, g: int, lag: bool) -> tuple[list[str], Float, list[str], list[str]]:
    """Return names and columns of x with the constant first, the names of the endogenous, and of W(y)."""
    equation = design.structure.equations[g]
    place = dict(zip(equation.terms, design.regressors[g], strict=True))
    own = [t for t in equation.terms if lag and t.variable == equation.outcome and t.operator == "lag"]
    others = [t for t in equation.terms if t.is_endogenous and t not in own]
    x = [t for t in equation.terms if not t.is_endogenous and t.role != "constant" and t not in own]
    columns = np.column_stack([np.ones(design.layout.n_rows), design.raw[:, [place[t] for t in x]]])
    return ["CONSTANT", *(t.name for t in x)], columns, [t.name for t in others], [t.name for t in own]


def _common_instruments(
    design: Design, parts: list[tuple[list[str], Float, list[str], list[str]]]
) -> dict[str, Any]:
    """Return yend and q of each equation, so that x and q together are the instruments of all equations."""
    kept = [j for j in design.basis.kept if design.instrument_names[j] != CONSTANT]
    values: dict[str, Any] = {"bigyend": {}, "bigq": {}, "name_bigyend": {}, "name_bigq": {}}
    for g, (names, _, endogenous, _) in enumerate(parts):
        equation = design.structure.equations[g]
        place = {t.name: j for t, j in zip(equation.terms, design.regressors[g], strict=True)}
        mine = [j for j in kept if design.instrument_names[j] not in names]
        if len(mine) < len(endogenous) or not endogenous:
            raise FormulaError(
                f"spreg's ThreeSLS: equation {equation.name!r} has {len(endogenous)} endogenous "
                "regressors and "
                f"{len(mine)} instruments outside it"
                + (". Use 'SUR'." if not endogenous else ", and spreg would print numbers all the same.")
            )
        values["bigyend"][g] = design.raw[:, [place[n] for n in endogenous]]
        values["bigq"][g] = design.instruments[:, mine]
        values["name_bigyend"][g] = endogenous
        values["name_bigq"][g] = [design.instrument_names[j] for j in mine]
    return values
