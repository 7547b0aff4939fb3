"""The numbers of a report: measured once in Python, and as few of them as the page cannot work out itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.lisa import local_moran
from spatial.autocorrelation.local_inference import QUADRANTS, LocalRun
from spatial.errors import DataError, name_ids
from spatial.figures.canvas import matched
from spatial.figures.classes import Classes, build_classes
from spatial.ids.alignment import indexer
from spatial.panel.panel import Panel
from spatial.weights.value import Weights, as_weights

from .words import Pair, shown_label

__all__ = ["LEVELS", "Links", "ReportData", "Settings", "build_report_data", "display_names"]

Float = NDArray[np.float64]

LEVELS = (0.1, 0.05, 0.01, 0.001)
_NAME_COLUMNS = {"en": ("name_en", "name"), "zh": ("name_zh", "name_cn", "name")}
_CLOSE = 1e-9  # standard deviations within which the side of the mean is not left to the browser
_LISTED = 30


@dataclass(frozen=True)
class Settings(LocalRun):
    """How the statistics of a report are tested and first shown."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.permutations == 0:
            raise DataError("A report shows clusters by permutation: permutations must be 1 or more; got 0.")

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels to choose from, decreasing."""
        return tuple(sorted({*LEVELS, float(self.alpha)}, reverse=True))


@dataclass(frozen=True, eq=False)
class Links:
    """Neighbours of each unit, without the unit itself.

    Parameters
    ----------
    indptr, indices : int arrays
        By row; the heaviest first where only `listed` of each are held.
    count : int array (N,)
        How many there are.
    listed : int or None
    weight : array (N,) or None
        The one weight of all neighbours of a unit, so that the page can work out lags; None where weights
        differ, and lags are held instead.
    """

    indptr: NDArray[np.intp]
    indices: NDArray[np.intp]
    count: NDArray[np.intp]
    listed: int | None
    weight: Float | None


@dataclass(frozen=True, eq=False)
class ReportData:
    """What the page shows, for K variables, T times and N units in the order of the weights.

    Parameters
    ----------
    ids : Index
    columns : list of str
    labels : list of (English, Chinese)
    logs : list of bool
        Variables whose values are logarithms, shown as what they are logarithms of.
    times : list of str
    time_name : str
    values : array (K, T, N)
        As analysed; NaN is missing.
    p_sim : array (K, T, N)
    lag : array (K, T, N)
    sides : list of [k, t, i, place in `QUADRANTS`]
        Units so close to a mean that rounding would decide their quadrant.
    I, p, low, high, n : arrays (K, T)
        Global Moran's I, its p-value, the middle 95 % of its permutations, units measured.
    problems : list (K) of list (T) of str
        Why a cross-section could not be measured, or "".
    classes : list of Classes
        Of each variable over all times, in its own unit.
    links : Links
    weights : Weights
    settings : Settings
    """

    ids: pd.Index[Any]
    columns: list[str]
    labels: list[Pair]
    logs: list[bool]
    times: list[str]
    time_name: str
    values: Float
    p_sim: Float
    lag: Float
    sides: list[list[int]]
    I: Float  # noqa: E741 - the literature's name
    p: Float
    low: Float
    high: Float
    n: NDArray[np.int64]
    clusters: NDArray[np.int8]
    problems: list[list[str]]
    classes: list[Classes]
    links: Links
    weights: Weights
    settings: Settings

    @property
    def shown_labels(self) -> list[Pair]:
        """What the variables are called in their own units: logarithms without the word."""
        return [shown_label(label, log) for label, log in zip(self.labels, self.logs, strict=True)]

    def shown(self, k: int) -> Float:
        """Return the values of a variable in its own unit, (T, N)."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.values[k]) if self.logs[k] else self.values[k])


def build_report_data(
    panel: Any,
    columns: Any,
    W: Any,
    settings: Settings,
    *,
    labels: Mapping[Any, Pair] | None = None,
    logs: str | Sequence[Any] = (),
) -> ReportData:
    """Match all by id, refuse what cannot be shown, and measure each variable at each time."""
    weights = as_weights(W)
    data = _as_panel(panel)
    indexer(data.units, weights.ids, "the panel")
    wanted = list(dict.fromkeys(data.require(columns)))
    if not wanted:
        raise DataError(f"A report needs at least one column; the panel has {name_ids(data.columns, 12)}.")
    as_logs = [logs] if isinstance(logs, str) else list(logs)
    unknown = [name for name in as_logs if name not in wanted]
    if unknown:
        raise DataError(f"logs must be columns of the report; {name_ids(unknown)} are none of {wanted}.")
    cube = np.ascontiguousarray(data.cube(wanted, units=weights.ids).transpose(2, 0, 1))
    _refuse_infinity(cube, wanted, data, weights.ids)
    measured = _measure(cube, wanted, data, weights, settings)
    is_log = [name in as_logs for name in wanted]
    with np.errstate(over="ignore"):
        shown = [np.exp(layer) if log else layer for layer, log in zip(cube, is_log, strict=True)]
    given = labels or {}
    return ReportData(
        ids=weights.ids,
        columns=[str(c) for c in wanted],
        labels=[given.get(c, (data.label(c),) * 2) for c in wanted],
        logs=is_log,
        times=[str(t) for t in data.times],
        time_name=data.time_name,
        values=cube,
        classes=[build_classes(layer.ravel()) for layer in shown],
        links=build_links(weights),
        weights=weights,
        settings=settings,
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
    cube: Float, columns: Sequence[str], panel: Panel, weights: Weights, settings: Settings
) -> dict[str, Any]:
    shape = cube.shape
    out: dict[str, Any] = {name: np.full(shape, np.nan) for name in ("p_sim", "lag")}
    out |= {name: np.full(shape[:2], np.nan) for name in ("I", "p", "low", "high")}
    out["n"] = np.isfinite(cube).sum(axis=2)
    out["clusters"] = np.full(shape, -1, dtype=np.int8)
    problems = [["" for _ in panel.times] for _ in columns]
    sides: list[list[int]] = []
    options: dict[str, Any] = {
        "permutations": settings.permutations,
        "seed": settings.seed,
        "alternative": settings.alternative,
        "progress": False,
    }
    for k, column in enumerate(columns):
        for t in range(shape[1]):
            x = pd.Series(cube[k, t], index=weights.ids, name=column)
            try:
                local = local_moran(x, weights, missing="drop", alpha=settings.alpha, **options)
                whole = moran(x, weights, missing="drop", **options)
            except DataError as error:  # constant, or too few values: said on the page
                problems[k][t] = str(error.args[0])
                continue
            place = weights.ids.get_indexer(local.frame.index)
            out["p_sim"][k, t, place] = local.frame["p_sim"]
            out["lag"][k, t, place] = local.frame["lag"]
            out["clusters"][k, t, place] = local.frame["cluster"].cat.codes
            sides += [[k, t, *pair] for pair in _sides(local.frame, place)]
            out["I"][k, t], out["p"][k, t] = whole.I, whole.p_sim
            out["low"][k, t], out["high"][k, t] = np.quantile(np.asarray(whole.simulated), [0.025, 0.975])
        if all(problems[k]):
            raise DataError(f"{column!r} cannot be shown at any time: {problems[k][0]}")
    return {**out, "problems": problems, "sides": sides}


def _sides(frame: pd.DataFrame, place: NDArray[np.intp]) -> list[list[int]]:
    """Return (place of the unit, code of its quadrant) where z or its lag is too close to 0."""
    close = (frame["z"].abs() < _CLOSE) | (frame["lag"].abs() < _CLOSE)
    rows = np.flatnonzero(close.to_numpy() & frame["quadrant"].notna().to_numpy())
    codes = frame["quadrant"].cat.set_categories(QUADRANTS).cat.codes.to_numpy()
    return [[int(place[row]), int(codes[row])] for row in rows]


def build_links(weights: Weights) -> Links:
    """Return the neighbour lists as CSR; of dense weights only the heaviest links."""
    matrix = sp.coo_array(weights.sparse)
    apart = (matrix.row != matrix.col) & (matrix.data != 0)
    own = bool((~apart & (matrix.data != 0)).any())
    row, column, weight = matrix.row[apart], matrix.col[apart], matrix.data[apart]
    count = np.bincount(row, minlength=weights.n)
    order = np.lexsort((column, -weight, row))
    row, column, weight = row[order], column[order], weight[order]
    starts = np.concatenate([[0], np.cumsum(count)])
    listed = _LISTED if len(row) > 2 * _LISTED * weights.n else None
    first = np.zeros(weights.n)
    first[count > 0] = weight[starts[:-1][count > 0]]
    alike = not own and listed is None and np.allclose(weight, first[row], rtol=1e-12, atol=0)
    if listed is not None:
        keep = np.arange(len(row)) - starts[row] < listed
        row, column = row[keep], column[keep]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=weights.n))])
    return Links(indptr, column, count, listed, first if alike else None)


def display_names(cities: pd.DataFrame, names: Any, ids: pd.Index[Any], lang: str) -> list[str]:
    """Return what the units are called: a column of the cities, a Series by id, or by default their name.

    `ids` are those of the panel; the other units of the map follow, in the order of the cities.
    """
    beyond = cities.index.difference(ids, sort=False)
    every = ids.append(beyond)
    if names is None:
        lowered = {str(c).lower(): c for c in cities.columns}
        found = [lowered[name] for name in _NAME_COLUMNS[lang] if name in lowered]
        if not found:
            return [str(i) for i in every]
        names = found[0]
    if isinstance(names, str):
        if names not in cities.columns:
            raise DataError(
                f"names must be a column of the cities; there is no {names!r}. "
                f"They have: {name_ids(cities.columns, 12)}."
            )
        in_language = f"{names}_{lang}"  # "name_en" beside "name"
        series = list(cities[in_language if in_language in cities.columns else names].loc[every])
    elif isinstance(names, pd.Series):
        # Of units beyond the panel a Series need not know.
        series = [*matched(names, ids, "the names"), *([None] * len(beyond))]
    else:
        raise DataError(
            f"names must be a column of the cities or a Series by id; got {type(names).__name__}."
        )
    return [str(i) if pd.isna(name) else str(name) for i, name in zip(every, series, strict=True)]
