"""Local Geary: each unit's squared differences from its neighbours, in one variable or several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.autocorrelation.local_inference import (
    Filled,
    LocalRun,
    LocalStatistic,
    conditional_test,
    rows_shown,
)
from spatial.autocorrelation.sample import Missing, sample, standardized
from spatial.compute.conditional import row_sums_of
from spatial.compute.pvalues import Alternative, normal_p
from spatial.compute.threads import Executor
from spatial.errors import DataError, hinted
from spatial.ids.numbers import Values
from spatial.weights.normalization import row_sums
from spatial.weights.value import WeightsLike

__all__ = ["LocalGeary", "local_geary"]

Float = NDArray[np.float64]

COLUMNS = ("Ci", "expected", "variance", "z_value", "p_value", "p_sim")
KINDS = ["HH", "LL", "other positive", "negative"]
KINDS_OF_SEVERAL = ["positive", "negative"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LocalGeary(LocalStatistic):
    """Local Geary of each unit; small where neighbours are alike.

    Parameters
    ----------
    name : str
        The variable, or the variables joined by commas.
    frame : DataFrame by id, in the order of the weights
        ``Ci``; ``expected``, ``variance``, ``z_value``, ``p_value`` (given the unit's own values);
        ``p_sim`` (conditional permutation), ``p_fdr``; ``quadrant``: of one variable HH and LL (alike, both
        above or both below the mean), "other positive" (alike about the mean) or "negative" (unlike); of
        several "positive" or "negative"; and ``cluster``, the same where significant.
    variables : tuple of str
    alpha, fdr, permutations, seed, alternative, weights, dropped
        As in `LocalMoran`; "less" is the test for positive autocorrelation.
    """

    column: ClassVar[str] = "Ci"
    title: ClassVar[str] = "Local Geary"

    variables: tuple[str, ...]


@hinted
def local_geary(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LocalGeary:
    r"""Measure how unlike its neighbours each unit is (Anselin 1995), in one variable or in several (2019).

    .. math:: c_i = \frac1k \sum_{m=1}^k \sum_j w_{ij} (z_{im} - z_{jm})^2

    with z standardised by the population standard deviation and k variables: the mean over the variables,
    which is no sum of independent tests, and sees units that are near in all of them together.

    Parameters
    ----------
    x : Series, array (N,), or DataFrame by id
        One variable, or several in columns.
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given (esda row-standardises).  Own weights play no part.
    permutations, seed, alpha, fdr, alternative, missing, workers, executor, progress
        As in `local_moran`.  In several variables, whole rows are drawn: values of one place stay together.

    Returns
    -------
    LocalGeary

    Raises
    ------
    DataError
        If a variable has missing or infinite values, text, repeated ids, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Notes
    -----
    With row-standardised weights equal to esda's ``Geary_Local`` and ``Geary_Local_MV``; GeoDa and spdep
    (``localC``) divide by the sample variance, which makes each :math:`c_i` smaller by (n - 1)/n and changes
    no p-value.  Computed here, because esda's compiles for seconds in each process, draws for all units
    alike, and takes NaN in silence.

    References
    ----------
    Anselin, L. (2019). A local indicator of multivariate spatial association: extending Geary's c.
    Geographical Analysis 51, 133-150.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, name="income")
    >>> local_geary(x, W, permutations=0).frame["Ci"].round(3).tolist()
    [0.8, 1.6, 1.6, 0.8]
    """
    run = LocalRun(permutations, seed, alternative, workers, progress, alpha, fdr, executor=executor)
    data = sample(_columns(x), W, missing=missing, statistic="Local Geary", blocks=True)
    z = np.stack([standardized(data.sorted_values(m)) for m in range(len(data.names))])
    draws, label = run.draws(z, data.most, gaps=True), f"Local Geary of {', '.join(data.names)}"
    moments, filled = _moments(z), Filled(data, COLUMNS)
    for rows, test in rows_shown(data, run, label):
        others, mine = rows.others, z[:, rows.units]
        sums, squares = row_sums(others), row_sums_of(others, np.square)
        observed = draws.observed(others, rows.units) / len(z)
        mean, spread = moments(mine)
        islands = np.diff(others.indptr) == 0
        expected, variance = sums * mean, spread * ((data.n - 1) * squares - sums**2) / (data.n - 2)
        score = (observed - expected) / np.sqrt(np.where(islands | (variance <= 0), np.nan, variance))
        tails = conditional_test(draws, others, np.ones(len(sums)), test, units=rows.units, label=label)
        measured = {
            "Ci": observed,
            "expected": expected,
            "variance": variance,
            "z_value": score,
            "p_value": normal_p(score, alternative),
            "p_sim": tails.p,
        }
        codes = _groups(mine, others @ z[0], observed < expected)
        filled.put(rows, np.where(islands, -1, codes), islands, measured)
    frame = filled.frame(run, KINDS if len(z) == 1 else KINDS_OF_SEVERAL)
    return LocalGeary(name=", ".join(data.names), frame=frame, variables=data.names, **run.fields(data))


def _columns(x: Any) -> dict[str, Any]:
    if not isinstance(x, pd.DataFrame):
        return {"x": x}
    if not len(x.columns) or x.columns.duplicated().any():
        raise DataError("Local Geary needs one variable or more, in columns of different names.")
    return {str(name): x[name] for name in x.columns}


def _moments(z: Float) -> Callable[[Float], tuple[Float, Float]]:
    """Return what gives mean and variance, over the other units, of the mean squared difference from each."""
    k, n = z.shape
    size = (z**2).sum(axis=0)
    total, squared, cross, pull = float(size.sum()), float(size @ size), z @ z.T, z @ size

    def of(mine: Float) -> tuple[Float, Float]:
        # Sums over j of |z_i - z_j|^2 and of its square; z sums to 0.  Term by term, so that the bits are
        # those of all units at once.
        own = (mine**2).sum(axis=0)
        second = n * own**2 + squared + 2 * own * total
        for m in range(k):
            second -= 4 * pull[m] * mine[m]
            for other in range(k):
                second += 4 * cross[m, other] * mine[m] * mine[other]
        mean = (n * own + total) / (n - 1) / k
        return mean, np.maximum(second / (n - 1) / k**2 - mean**2, 0.0)

    return of


def _groups(mine: Float, lag: Float, alike: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the number of the kind of each unit, significant or not."""
    if len(mine) > 1:
        return np.where(alike, 0, 1)
    high, near = mine[0] > 0, lag > 0
    return np.select([~alike, high & near, ~high & ~near], [3, 0, 1], 2)
