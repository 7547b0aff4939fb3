"""The numbers of a report, computed once in Python: the page only selects, counts and draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.lisa import local_moran
from spatial.autocorrelation.sample import check_runs
from spatial.errors import DataError, name_ids
from spatial.figures.canvas import matched
from spatial.figures.classes import Classes, build_classes
from spatial.figures.clusters import check_levels
from spatial.ids.alignment import indexer
from spatial.panel.panel import Panel
from spatial.weights.value import Weights, as_weights

__all__ = ["ISLAND_CODE", "MISSING_CODE", "QUADRANTS", "ReportData", "build_report_data", "display_names"]

Float = NDArray[np.float64]

# Codes of the page; the first four are those of the palette.
QUADRANTS = ("HH", "LL", "LH", "HL")
ISLAND_CODE, MISSING_CODE = 4, 5

_LEVELS = (0.05, 0.01, 0.001)
_NAME_COLUMNS = {"en": ("name_en", "name"), "zh": ("name_zh", "name_cn", "name")}


@dataclass(frozen=True, eq=False)
class ReportData:
    """What the page shows, for K variables, T times and N units in the order of the weights.

    Parameters
    ----------
    ids : Index
    names, columns, labels, times : list of str
    time_name : str
    values : array (K, T, N)
        As given; NaN is missing.
    lag, p_sim, p_fdr : float32 arrays (K, T, N)
        Lag of the standardised value; p-values by permutation, and adjusted by Benjamini and Hochberg.
    quadrant : uint8 array (K, T, N)
        Place in `QUADRANTS`, `ISLAND_CODE` or `MISSING_CODE`.
    passed_sim, passed_fdr : uint8 arrays (K, T, N)
        How many of `levels` the p-value is within; decided on the exact p-values.
    levels : tuple of float
        Decreasing.
    mean, sd, I, p : arrays (K, T)
        Of each cross-section; I and p are of global Moran's I.
    problems : list (K) of list (T) of str
        Why a cross-section could not be measured, or "".
    classes : list of Classes
        Quintiles of each variable over all times.
    indptr, indices : arrays
        Neighbours by row, heaviest first, without the unit itself; at most `shown_links` of each.
    neighbours : array (N,)
        How many there are.
    shown_links : int or None
        Where not all neighbours are listed.
    weights : Weights
    """

    ids: pd.Index[Any]
    names: list[str]
    columns: list[str]
    labels: list[str]
    times: list[str]
    time_name: str
    values: Float
    lag: NDArray[np.float32]
    p_sim: NDArray[np.float32]
    p_fdr: NDArray[np.float32]
    quadrant: NDArray[np.uint8]
    passed_sim: NDArray[np.uint8]
    passed_fdr: NDArray[np.uint8]
    levels: tuple[float, ...]
    mean: Float
    sd: Float
    I: Float  # noqa: E741 - the literature's name
    p: Float
    problems: list[list[str]]
    classes: list[Classes]
    indptr: NDArray[np.uint32]
    indices: NDArray[np.uint32]
    neighbours: NDArray[np.uint32]
    shown_links: int | None
    weights: Weights


def build_report_data(
    cities: pd.DataFrame,
    panel: Any,
    columns: Any,
    W: Any,
    *,
    names: Any,
    lang: str,
    alpha: float,
    permutations: int,
    seed: int,
) -> ReportData:
    """Match all by id, refuse what cannot be shown, and measure each variable at each time."""
    check_runs(permutations, seed)
    if permutations == 0:
        raise DataError("A report shows clusters by permutation: permutations must be 1 or more; got 0.")
    check_levels(alpha)
    weights = as_weights(W)
    indexer(cities.index, weights.ids, "the cities")
    data = _as_panel(panel)
    indexer(data.units, weights.ids, "the panel")
    wanted = list(dict.fromkeys(data.require(columns)))
    if not wanted:
        raise DataError(f"A report needs at least one column; the panel has {name_ids(data.columns, 12)}.")
    cube = np.ascontiguousarray(data.cube(wanted, units=weights.ids).transpose(2, 0, 1))
    _refuse_infinity(cube, wanted, data, weights.ids)
    levels = tuple(sorted({*_LEVELS, float(alpha)}, reverse=True))
    measured = _measure(cube, wanted, data, weights, levels, permutations, seed)
    indptr, indices, count, shown = _neighbours(weights)
    return ReportData(
        ids=weights.ids,
        names=display_names(cities, names, weights.ids, lang),
        columns=[str(c) for c in wanted],
        labels=[data.label(c) for c in wanted],
        times=[str(t) for t in data.times],
        time_name=data.time_name,
        values=cube,
        levels=levels,
        classes=[build_classes(layer.ravel(), "quantiles", 5) for layer in cube],
        indptr=indptr,
        indices=indices,
        neighbours=count,
        shown_links=shown,
        weights=weights,
        **measured,
    )


def _as_panel(panel: Any) -> Panel:
    """Return a Panel; a table by unit is one time, without a name of its own."""
    if isinstance(panel, Panel):
        return panel
    if isinstance(panel, pd.DataFrame) and panel.index.nlevels == 2:
        unit, time = (n or f"level_{k}" for k, n in enumerate(panel.index.names))
        return Panel.from_frame(panel.rename_axis([unit, time]), unit=unit, time=time)
    if isinstance(panel, pd.DataFrame):
        plain = pd.DataFrame(
            panel.drop(columns=[c for c in panel.columns if str(panel[c].dtype) == "geometry"])
        )
        index = pd.MultiIndex.from_arrays(
            [plain.index, np.zeros(len(plain), dtype=np.int64)], names=["unit", "time"]
        )
        return Panel(plain.set_axis(index, axis=0))
    raise DataError(
        "explore needs a Panel, a DataFrame by (unit, time), or a cross-section by unit; "
        f"got {type(panel).__name__}."
    )


def _refuse_infinity(cube: Float, columns: Sequence[str], panel: Panel, ids: pd.Index[Any]) -> None:
    for column, layer in zip(columns, cube, strict=True):
        where = np.argwhere(np.isinf(layer))
        if len(where):
            cells = [(ids[j], panel.times[t]) for t, j in where]
            raise DataError(
                f"{column!r} must be finite or missing; infinite at {name_ids(cells)}. Set these to NaN."
            )


def _measure(
    cube: Float,
    columns: Sequence[str],
    panel: Panel,
    weights: Weights,
    levels: tuple[float, ...],
    permutations: int,
    seed: int,
) -> dict[str, Any]:
    shape = cube.shape
    out: dict[str, Any] = {name: np.full(shape, np.nan, np.float32) for name in ("lag", "p_sim", "p_fdr")}
    out["quadrant"] = np.full(shape, MISSING_CODE, np.uint8)
    out |= {name: np.zeros(shape, np.uint8) for name in ("passed_sim", "passed_fdr")}
    out |= {name: np.full(shape[:2], np.nan) for name in ("mean", "sd", "I", "p")}
    problems = [["" for _ in panel.times] for _ in columns]
    for k, column in enumerate(columns):
        for t in range(shape[1]):
            x = pd.Series(cube[k, t], index=weights.ids, name=column)
            options: dict[str, Any] = {"permutations": permutations, "seed": seed, "progress": False}
            try:
                local = local_moran(x, weights, missing="drop", **options)
                whole = moran(x, weights, missing="drop", **options)
            except DataError as error:  # constant, or too few values: said on the page
                problems[k][t] = str(error)
                continue
            _store(out, (k, t), local.frame, weights.ids, levels)
            known = x.to_numpy()[np.isfinite(cube[k, t])]
            out["mean"][k, t], out["sd"][k, t] = known.mean(), known.std()
            out["I"][k, t], out["p"][k, t] = whole.I, whole.p_sim
        if all(problems[k]):
            raise DataError(f"{column!r} cannot be shown at any time: {problems[k][0]}")
    return {**out, "problems": problems}


def _store(
    out: dict[str, Any],
    at: tuple[int, int],
    frame: pd.DataFrame,
    ids: pd.Index[Any],
    levels: tuple[float, ...],
) -> None:
    place = ids.get_indexer(frame.index)
    for name in ("lag", "p_sim", "p_fdr"):
        out[name][(*at, place)] = frame[name].to_numpy(dtype=np.float64)
    codes = {name: code for code, name in enumerate(QUADRANTS)}
    groups = frame["quadrant"].astype(object).map(codes)
    out["quadrant"][(*at, place)] = groups.fillna(ISLAND_CODE).to_numpy(dtype=np.uint8)
    for kind in ("sim", "fdr"):
        p = frame[f"p_{kind}"].to_numpy(dtype=np.float64)
        out[f"passed_{kind}"][(*at, place)] = sum((p <= level).astype(np.uint8) for level in levels)


def _neighbours(weights: Weights, most: int = 30) -> tuple[Any, Any, Any, int | None]:
    """Return the neighbour lists as CSR; of dense weights only the heaviest links."""
    import scipy.sparse as sp

    matrix = sp.coo_array(weights.sparse)
    apart = (matrix.row != matrix.col) & (matrix.data != 0)
    row, column, weight = matrix.row[apart], matrix.col[apart], matrix.data[apart]
    count = np.bincount(row, minlength=weights.n).astype(np.uint32)
    order = np.lexsort((column, -weight, row))
    row, column = row[order], column[order]
    shown = most if len(row) > 2 * most * weights.n else None
    if shown is not None:
        starts = np.concatenate([[0], np.cumsum(count)])[:-1]
        keep = np.arange(len(row)) - starts[row] < shown
        row, column = row[keep], column[keep]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=weights.n))])
    return indptr.astype(np.uint32), column.astype(np.uint32), count, shown


def display_names(cities: pd.DataFrame, names: Any, ids: pd.Index[Any], lang: str) -> list[str]:
    """Return what the units are called: a column of the cities, a Series by id, or by default their name."""
    if names is None:
        lowered = {str(c).lower(): c for c in cities.columns}
        found = [lowered[name] for name in _NAME_COLUMNS[lang] if name in lowered]
        if not found:
            return [str(i) for i in ids]
        names = found[0]
    if isinstance(names, str):
        if names not in cities.columns:
            raise DataError(
                f"names must be a column of the cities; there is no {names!r}. "
                f"They have: {name_ids(cities.columns, 12)}."
            )
        names = cities[names]
    if not isinstance(names, pd.Series):
        raise DataError(
            f"names must be a column of the cities or a Series by id; got {type(names).__name__}."
        )
    series = matched(names, ids, "the names")
    return [str(i) if pd.isna(name) else str(name) for i, name in zip(ids, series, strict=True)]
