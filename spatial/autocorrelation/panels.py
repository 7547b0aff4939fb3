"""Moran's I of a panel: one row for each variable and time, and the pooled statistic."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.pvalues import Alternative
from spatial.compute.threads import Executor
from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.ids.alignment import indexer
from spatial.panel.panel import Panel, as_panel
from spatial.weights.value import Weights, WeightsLike, as_weights

from .global_moran import moran
from .inference import Run, normal_inference, symmetric_part
from .moments import build_constants, trajectory_moments
from .sample import LEAST, Missing, Sample, check_missing, sample, sorted_order

__all__ = ["moran_panel"]

Float = NDArray[np.float64]
Center = Literal["within", "overall"]

CENTERS: dict[str, str] = {
    "within": "pooled over the years, deviations from each year's mean",
    "overall": "pooled over the years, deviations from the mean of all years: "
    "differences between years count as autocorrelation",
}

_COLUMNS = (
    "I",
    "expected",
    "variance_normality",
    "z_normality",
    "p_normality",
    "variance_randomisation",
    "z_randomisation",
    "p_randomisation",
    "p_sim",
    "n",
)


@hinted
def moran_panel(
    panel: Panel | pd.DataFrame,
    columns: str | Iterable[str],
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    center: Center = "within",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> pd.DataFrame:
    r"""Measure spatial autocorrelation in each year of a panel, and pooled over the years.

    The row of a year is `moran` of that cross-section, with the same seed.  The pooled row, time "pooled", is

    .. math:: I = \frac{n}{S_0} \frac{\sum_t z_t' W z_t}{\sum_t z_t' z_t},
              \qquad z = x - \bar x, \quad n = \sum_t n_t, \quad S_0 = \sum_t S_{0t},

    which is Moran's I of the stacked panel with weights :math:`I_T \otimes W`, never made.

    Parameters
    ----------
    panel : Panel, or DataFrame by (unit, time)
    columns : str or list of str
        The variables.
    W : Weights, or libpysal Graph or W
        Of all units of the panel, the same in each year.
    permutations, seed, alternative, workers, executor, progress
        As in `moran`.
    missing : {"raise", "drop"}
        "drop" leaves a unit out in the years in which it has no value; column n counts those left.  A year
        with fewer than four values has a row without numbers, and no part in the pooled one.
    center : {"within", "overall"}
        Of the pooled row.  "within": z is about each year's mean.  "overall": z is about the mean of all
        years, so that differences between years count as autocorrelation: a common trend alone makes I
        large.  ``frame.attrs["pooled"]`` says which, in words.

    Returns
    -------
    DataFrame
        Columns column, time, I, expected, variance_normality, z_normality, p_normality,
        variance_randomisation, z_randomisation, p_randomisation, p_sim, n.

    Raises
    ------
    AlignmentError, DataError, WeightsError
        As `moran`; missing values are named by (unit, time).

    Notes
    -----
    The pooled p-values are of whole trajectories: a unit changes places with all its years, so that
    persistence within units, which is no spatial autocorrelation, does not count.  Moments by randomisation
    are those of such permutations, and by normality those of trajectories drawn independently from one
    normal distribution of any covariance over the years; both are exact.  Where ``missing="drop"`` leaves
    holes, they move with their trajectory, weights are cut anew in each permutation, and there are no
    moments.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> rows = [(i, t, float(k * (1 + t))) for t in (0, 1) for k, i in enumerate("abcd")]
    >>> panel = Panel.from_frame(pd.DataFrame(rows, columns=["city", "year", "x"]), unit="city", time="year")
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> moran_panel(panel, "x", Weights.from_frame(links), permutations=0)[["column", "time", "I", "n"]]
      column    time         I  n
    0      x       0  0.333333  4
    1      x       1  0.333333  4
    2      x  pooled  0.333333  8
    """
    run = Run(permutations, seed, alternative, workers, progress, executor=executor)
    check_missing(missing)
    if center not in get_args(Center):
        raise DataError(
            f'center must be "within" or "overall"; got {center!r}.{did_you_mean(center, get_args(Center))}'
        )
    data = as_panel(panel, "moran_panel", " For one cross-section use moran.")
    weights = as_weights(W)
    indexer(data.units, weights.ids, "the panel")
    rows = []
    wanted = data.require(columns)
    if not wanted:
        raise DataError(f"moran_panel needs a column or more; the panel has {name_ids(data.columns, 12)}.")
    for column in wanted:
        years = _years(data, column, weights, missing)
        parts = {}
        for time, values in years.items():
            row = {"column": column, "time": time}
            if missing == "drop" and (count := int(np.isfinite(values).sum())) < LEAST:
                rows.append({**row, **dict.fromkeys(_COLUMNS, np.nan), "n": count})
                continue
            try:
                result = moran(
                    values,
                    weights,
                    permutations=permutations,
                    seed=seed,
                    alternative=alternative,
                    missing=missing,
                    workers=workers,
                    executor=executor,
                    progress=progress,
                )
            except DataError as error:
                raise DataError(f"At {time}: {error}") from error
            rows.append({**row, **{c: getattr(result, c) for c in _COLUMNS}})
            parts[time] = sample({column: values}, weights, missing=missing, statistic="Moran's I")
        if not parts:
            raise DataError(
                f"{column!r} has fewer than {LEAST} values in each year: there is nothing to measure."
            )
        rows.append(
            {"column": column, "time": "pooled", **_pooled(list(parts.values()), weights, center, run)}
        )
    frame = pd.DataFrame(rows)
    frame["time"] = frame["time"].astype(object)  # years and one word
    frame.attrs = {"pooled": CENTERS[center], "center": center}
    return frame


def _years(panel: Panel, column: str, weights: Weights, missing: str) -> dict[Any, pd.Series[float]]:
    """Return the cross-section of each time by id; refuse missing cells by (unit, time)."""
    cube = panel.cube([column], units=weights.ids)[:, :, 0]
    absent = ~np.isfinite(cube)
    if missing == "raise" and absent.any():
        cells = [(weights.ids[j], panel.times[t]) for t, j in np.argwhere(absent)]
        raise DataError(
            f"{column!r} must be finite in each cell; missing or infinite at {name_ids(cells)}. "
            'Fill these cells, or pass missing="drop" to leave the units out in those years.'
        )
    return {
        time: pd.Series(values, index=weights.ids, name=column)
        for time, values in zip(panel.times, cube, strict=True)
    }


# ---- the pooled row
@dataclass(frozen=True, eq=False)
class _Pool:
    """All years by sorted id: z and presence, (N, T), and the weights, (N, N)."""

    z: Float
    present: NDArray[np.bool_]
    matrix: sp.csr_array
    row_standardized: bool


def _pooled(parts: list[Sample], weights: Weights, center: str, run: Run) -> dict[str, Any]:
    """Return the pooled row; each part is one year."""
    most = max(part.exponents[0] for part in parts)  # one unit of measurement for all years
    ordered = [np.ldexp(part.x[part.order], part.exponents[0] - most) for part in parts]
    overall = float(np.concatenate(ordered).mean())
    z = [x - (overall if center == "overall" else x.mean()) for x in ordered]
    terms = [float(v @ (part.matrix @ v)) for v, part in zip(z, parts, strict=True)]
    n, total = sum(part.n for part in parts), sum(float(part.matrix.sum()) for part in parts)
    scale = n / (total * sum(float(v @ v) for v in z))
    row: dict[str, Any] = {"I": scale * sum(terms)}
    if all(part.n == weights.n for part in parts):
        row |= _balanced_inference(np.column_stack(z), parts[0], scale, row["I"], run)
    else:
        row |= _inference_with_holes(_pool(z, parts, weights), n, run)
    return {c: row.get(c, np.nan) for c in _COLUMNS} | {"n": n}


def _balanced_inference(Z: Float, part: Sample, scale: float, statistic: float, run: Run) -> dict[str, Any]:
    symmetric = symmetric_part(part)
    constants = build_constants(part.matrix, symmetric)
    mean, random, normal_mean, normal = trajectory_moments(Z, constants)
    simulated = None
    if run.permutations:
        own = constants.own if constants.own.any() else None
        label = f"Pooled Moran's I of {part.names[0]}"
        simulated = scale * run.simulate(Z.T, symmetric, square=own, label=label)
    return {
        "expected": scale * mean,
        **normal_inference("normality", statistic, scale * normal_mean, scale**2 * normal, run.alternative),
        **normal_inference("randomisation", statistic, scale * mean, scale**2 * random, run.alternative),
        "p_sim": run.p_of(statistic, simulated),
    }


def _pool(z: list[Float], parts: list[Sample], weights: Weights) -> _Pool:
    whole = weights.reordered(weights.ids[sorted_order(weights.ids)])
    values = np.zeros((weights.n, len(parts)))
    present = np.zeros((weights.n, len(parts)), dtype=bool)
    for t, (v, part) in enumerate(zip(z, parts, strict=True)):
        rows = whole.ids.get_indexer(part.weights.ids[part.order])
        values[rows, t], present[rows, t] = v, True
    return _Pool(values, present, whole.sparse, weights.is_row_standardized)


def _inference_with_holes(pool: _Pool, n: int, run: Run) -> dict[str, Any]:
    """Test by permutation alone: trajectories move with their holes, and weights are cut each time."""
    if not run.permutations:
        return {}
    from spatial.compute.draws import uniform_permutations

    squares = float((pool.z**2).sum())
    simulated = np.empty(run.permutations)
    for r in range(run.permutations):
        moved = uniform_permutations(len(pool.z), r, 1, seed=run.seed, stream=0)[:, 0]
        simulated[r] = _moran_with_holes(pool, moved, n, squares)
    return {"p_sim": run.p_of(_moran_with_holes(pool, np.arange(len(pool.z)), n, squares), simulated)}


def _moran_with_holes(pool: _Pool, moved: NDArray[Any], n: int, squares: float) -> float:
    z, present = pool.z[moved], pool.present[moved].astype(np.float64)
    lag, sums = present * (pool.matrix @ z), present * (pool.matrix @ present)
    if pool.row_standardized:
        lag = np.divide(lag, sums, out=np.zeros_like(lag), where=sums > 0)
        sums = (sums > 0).astype(np.float64)
    return n * float((z * lag).sum()) / (float(sums.sum()) * squares)
