"""Moran's I of a panel: one row for each variable and time, and the pooled statistic."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.pvalues import (
    Alternative,
    check_alternative,
    normal_p,
    permutation_counts,
    permutation_p,
)
from spatial.errors import DataError, did_you_mean, name_ids
from spatial.ids.alignment import indexer
from spatial.panel.panel import Panel, as_panel
from spatial.weights.value import Weights, as_weights

from .global_moran import moran
from .inference import permutation_test, score, symmetric_part
from .moments import Constants, Moments, build_constants, moran_moments
from .sample import Missing, Sample, check_missing, check_runs, sample

__all__ = ["moran_panel"]

Float = NDArray[np.float64]
Center = Literal["overall", "within"]

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


def moran_panel(
    panel: Panel | pd.DataFrame,
    columns: Any,
    W: Any,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    center: Center = "overall",
    workers: int | None = None,
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
    permutations, seed, alternative, workers, progress
        As in `moran`.
    missing : {"raise", "drop"}
        "drop" leaves a unit out in the years in which it has no value; column n counts those left.
    center : {"overall", "within"}
        Of the pooled row.  "overall": z is about the mean of all years, and the moments are Cliff and Ord's
        for :math:`I_T \otimes W`, under which any value may fall to any unit in any year; differences
        between years then count as autocorrelation.  "within": z is about each year's mean, and the moments
        are those of rearrangement inside each year.  p_sim permutes inside each year, independently, in both.

    Returns
    -------
    DataFrame
        Columns column, time, I, expected, variance_normality, z_normality, p_normality,
        variance_randomisation, z_randomisation, p_randomisation, p_sim, n.

    Raises
    ------
    AlignmentError, DataError, WeightsError
        As `moran`; missing values are named by (unit, time).

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
    2      x  pooled  0.435028  8
    """
    check_runs(permutations, seed)
    check_alternative(alternative)
    check_missing(missing)
    if center not in get_args(Center):
        raise DataError(
            f'center must be "overall" or "within"; got {center!r}.{did_you_mean(center, get_args(Center))}'
        )
    data = as_panel(panel, "moran_panel", " For one cross-section use moran.")
    weights = as_weights(W)
    indexer(data.units, weights.ids, "the panel")
    options: dict[str, Any] = {
        "permutations": permutations,
        "seed": seed,
        "alternative": alternative,
        "workers": workers,
        "progress": progress,
    }
    rows = []
    for column in data.require(columns):
        years = _years(data, column, weights, missing)
        for time, values in years.items():
            result = moran(values, weights, missing=missing, **options)
            rows.append({"column": column, "time": time, **{c: getattr(result, c) for c in _COLUMNS}})
        parts = [
            sample({column: values}, weights, missing=missing, statistic="Moran's I")
            for values in years.values()
        ]
        pooled = _pooled(parts, center=center, **options)
        rows.append({"column": column, "time": "pooled", **pooled})
    frame = pd.DataFrame(rows)
    frame["time"] = frame["time"].astype(object)  # years and one word
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


def _pooled(
    parts: list[Sample],
    *,
    center: str,
    permutations: int,
    seed: int,
    alternative: str,
    workers: int | None,
    progress: bool | None,
) -> dict[str, Any]:
    """Return the pooled row; each part is one year."""
    ordered = [part.x[part.order] for part in parts]
    overall = float(np.concatenate(ordered).mean())
    z = [x - (overall if center == "overall" else x.mean()) for x in ordered]
    symmetric = [symmetric_part(part) for part in parts]
    constants = [build_constants(part.matrix, both) for part, both in zip(parts, symmetric, strict=True)]
    n, total = sum(part.n for part in parts), sum(c.total for c in constants)
    scale = n / (total * sum(float(v @ v) for v in z))
    terms = [float(v @ (part.matrix @ v)) for v, part in zip(z, parts, strict=True)]
    statistic = scale * sum(terms)
    moments = _stacked(z, constants) if center == "overall" else _by_year(z, constants, scale)
    p_sim = float("nan")
    if permutations:
        simulated = np.zeros(permutations)
        for t, (v, both, c) in enumerate(zip(z, symmetric, constants, strict=True)):
            _, draws = permutation_test(
                v,
                both,
                terms[t],
                square=c.own if c.own.any() else None,
                scale=1.0,
                permutations=permutations,
                seed=seed,
                stream=t + 1,
                alternative=alternative,
                workers=workers,
                progress=progress,
                label=f"Pooled Moran's I of {parts[0].names[0]}",
            )
            simulated += np.asarray(draws)
        p_sim = float(
            permutation_p(*permutation_counts(statistic, scale * simulated), permutations, alternative)
        )
    deviation = statistic - moments.expected
    z_normal = score(deviation, moments.variance_normality, moments.expected)
    z_random = score(deviation, moments.variance_randomisation, moments.expected)
    return {
        "I": statistic,
        "expected": moments.expected,
        "variance_normality": moments.variance_normality,
        "z_normality": z_normal,
        "p_normality": float(normal_p(z_normal, alternative)),
        "variance_randomisation": moments.variance_randomisation,
        "z_randomisation": z_random,
        "p_randomisation": float(normal_p(z_random, alternative)),
        "p_sim": p_sim,
        "n": n,
    }


def _stacked(z: list[Float], constants: list[Constants]) -> Moments:
    """Moments for the block-diagonal weights: sums over blocks are sums over years."""
    block = Constants(
        n=sum(c.n for c in constants),
        S0=sum(c.S0 for c in constants),
        S1=sum(c.S1 for c in constants),
        S2=sum(c.S2 for c in constants),
        degree=np.concatenate([c.degree for c in constants]),
        own=np.concatenate([c.own for c in constants]),
    )
    return moran_moments(np.concatenate(z), block)


def _by_year(z: list[Float], constants: list[Constants], scale: float) -> Moments:
    """Moments of rearrangement inside each year: years are independent, so their moments add up."""
    expected, normal, random = 0.0, 0.0, 0.0
    for v, c in zip(z, constants, strict=True):
        moments = moran_moments(v, c)
        share = scale * c.total * float(v @ v) / c.n
        expected += share * moments.expected
        normal += share**2 * moments.variance_normality
        random += share**2 * moments.variance_randomisation
    return Moments(expected, normal, random)
