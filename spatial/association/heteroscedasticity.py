"""LOSH: where values vary more among neighbours than over the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from spatial.autocorrelation.local_inference import (
    Filled,
    LocalRun,
    LocalStatistic,
    conditional_test,
    rows_shown,
)
from spatial.autocorrelation.sample import Missing, Sample, sample
from spatial.compute.conditional import row_sums_of
from spatial.compute.threads import Executor
from spatial.errors import DataError, hinted
from spatial.ids.numbers import Values
from spatial.weights.normalization import row_sums
from spatial.weights.value import WeightsLike

__all__ = ["LocalHeteroscedasticity", "losh"]

Float = NDArray[np.float64]

COLUMNS = ("Hi", "expected", "variance", "z_value", "p_value", "p_sim")
KINDS = ["more varied", "less varied"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LocalHeteroscedasticity(LocalStatistic):
    """Local spatial heteroscedasticity of each unit.

    Parameters
    ----------
    name : str
    frame : DataFrame by id, in the order of the weights
        ``Hi`` (1 on average); ``expected`` 1; ``variance``; ``z_value``, which is 2 H / Var(H), and
        ``p_value``, the upper tail of chi-squared with 2 / Var(H) degrees of freedom (`power` 2 only);
        ``p_sim`` by conditional permutation of the deviations, ``p_fdr``; ``quadrant`` ("more varied" where
        H is above 1, "less varied") and ``cluster``, the same where significant.
    power : float
        Of the deviations from the local mean.
    alpha, fdr, permutations, seed, alternative, weights, dropped
        As in `LocalMoran`; the test is of more variation.
    """

    column: ClassVar[str] = "Hi"
    title: ClassVar[str] = "LOSH"
    hypothesis: ClassVar[str] = "given that of a unit, deviations from local means fall to others at random"

    power: float


@hinted
def losh(
    x: Values,
    W: WeightsLike,
    *,
    power: float = 2.0,
    permutations: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
    fdr: bool = False,
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LocalHeteroscedasticity:
    r"""Find where values vary more than elsewhere: local spatial heteroscedasticity (Ord and Getis 2012).

    .. math::

        H_i = \frac{\sum_j w_{ij} |e_j|^a}{\bar h \sum_j w_{ij}}, \qquad
        e_j = x_j - \frac{\sum_k w_{jk} x_k}{\sum_k w_{jk}}, \qquad \bar h = \frac1n \sum_j |e_j|^a

    Parameters
    ----------
    x : Series or array, (N,)
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given, own weights too (G*-like means).  Units without neighbours have no local mean, no H and
        no part in the others'.
    power : float
        a: 2 for variances, 1 for absolute deviations.
    permutations, seed, alpha, fdr, missing, workers, executor, progress
        As in `local_moran`; p is of as much variation or more.

    Returns
    -------
    LocalHeteroscedasticity
        Equal to esda's ``LOSH`` and, with weights that hold the unit itself, to spdep's.

    Raises
    ------
    DataError
        If `x` has missing or infinite values, text, repeated ids, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    References
    ----------
    Ord, J. K., and A. Getis (2012). Local spatial heteroscedasticity (LOSH). The Annals of Regional Science
    48, 529-539.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> losh(pd.Series([1.0, 2.0, 3.0, 9.0], list("abcd")), W, permutations=0).frame["Hi"].round(3).tolist()
    [0.0, 0.335, 1.665, 0.578]
    """
    run = LocalRun(permutations, seed, "greater", workers, progress, alpha, fdr, executor=executor)
    if not (isinstance(power, (int, float)) and not isinstance(power, bool) and 0 < power < 10):
        raise DataError(f"power must be a positive number, 2 for variances or 1; got {power!r}.")
    data = sample({"x": x}, W, missing=missing, statistic="LOSH", blocks=True)
    deviation, known = _deviations(data, power)
    typical = float(deviation[known].mean())
    if not typical > 0:
        raise DataError(f"LOSH needs values that differ from their local means; {data.names[0]!r} does not.")
    n = int(known.sum())
    spread = float((deviation[known] ** 2).mean()) - typical**2
    draws, label = run.draws(deviation, data.most), f"LOSH of {data.names[0]}"
    filled = Filled(data, COLUMNS)
    for rows, test in rows_shown(data, run, label):
        matrix, islands = rows.matrix, ~known[rows.units]
        sums, squares = row_sums(matrix), row_sums_of(matrix, np.square)
        safe = np.where(islands, np.nan, sums)
        H = (matrix @ deviation) / (typical * safe)
        variance = spread * (n * squares - sums**2) / ((n - 1) * (typical * safe) ** 2)
        z_value, p_value = np.full(len(H), np.nan), np.full(len(H), np.nan)
        if power == 2:
            some = np.isfinite(variance) & (variance > 0)
            z_value[some] = 2 * H[some] / variance[some]
            p_value[some] = chdtrc(2 / variance[some], z_value[some])
        tails = conditional_test(draws, matrix, np.ones(len(H)), test, units=rows.units, label=label)
        measured = {
            "Hi": H,
            "expected": np.where(islands, np.nan, 1.0),
            "variance": variance,
            "z_value": z_value,
            "p_value": p_value,
            "p_sim": np.where(islands, np.nan, tails.p),
        }
        filled.put(rows, np.where(islands, -1, np.where(H > 1, 0, 1)), islands, measured)
    frame = filled.frame(run, KINDS)
    return LocalHeteroscedasticity(name=data.names[0], frame=frame, power=float(power), **run.fields(data))


def _deviations(data: Sample, power: float) -> tuple[Float, NDArray[np.bool_]]:
    """Return the deviations from local means by sorted id, and which units have one."""
    values = data.sorted_values()
    deviation, known = np.zeros(data.n), np.zeros(data.n, dtype=bool)
    for rows in data.rows():
        sums, mine = row_sums(rows.matrix), values[rows.units]
        some = sums != 0
        mean = np.divide(rows.matrix @ values, sums, out=mine.copy(), where=some)
        deviation[rows.units], known[rows.units] = np.abs(mine - mean) ** power, some
    return deviation, known
