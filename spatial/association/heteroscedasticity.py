"""LOSH: where values vary more among neighbours than over the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from spatial.autocorrelation.local_inference import LocalRun, LocalStatistic, clusters, conditional_test
from spatial.autocorrelation.sample import Missing, sample
from spatial.compute.threads import Executor
from spatial.errors import DataError, hinted
from spatial.ids.numbers import Values
from spatial.weights.value import WeightsLike

__all__ = ["LocalHeteroscedasticity", "losh"]

Float = NDArray[np.float64]

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
    W : Weights, or libpysal Graph or W
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
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> losh(pd.Series([1.0, 2.0, 3.0, 9.0], list("abcd")), W, permutations=0).frame["Hi"].round(3).tolist()
    [0.0, 0.335, 1.665, 0.578]
    """
    run = LocalRun(permutations, seed, "greater", workers, progress, alpha, fdr, executor=executor)
    if not (isinstance(power, (int, float)) and not isinstance(power, bool) and 0 < power < 10):
        raise DataError(f"power must be a positive number, 2 for variances or 1; got {power!r}.")
    data = sample({"x": x}, W, missing=missing, statistic="LOSH")
    matrix, values = data.matrix, data.x[data.order]
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    squares = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    islands = sums == 0
    mean = np.divide(matrix @ values, sums, out=values.copy(), where=~islands)
    deviation = np.abs(values - mean) ** power
    known = ~islands
    typical = float(deviation[known].mean())
    if not typical > 0:
        raise DataError(f"LOSH needs values that differ from their local means; {data.names[0]!r} does not.")
    safe = np.where(islands, np.nan, sums)
    H = (matrix @ deviation) / (typical * safe)
    n = int(known.sum())
    spread = float((deviation[known] ** 2).mean()) - typical**2
    variance = spread * (n * squares - sums**2) / ((n - 1) * (typical * safe) ** 2)
    z_value = np.full(data.n, np.nan)
    p_value = np.full(data.n, np.nan)
    if power == 2:
        some = np.isfinite(variance) & (variance > 0)
        z_value[some] = 2 * H[some] / variance[some]
        p_value[some] = chdtrc(2 / variance[some], z_value[some])
    draws, label = run.draws(deviation, data.most), f"LOSH of {data.names[0]}"
    tails = conditional_test(draws, matrix, np.ones(data.n), run, label=label)
    p_sim = np.where(islands, np.nan, tails.p)
    p_fdr = run.adjusted(p_sim, p_value)
    groups = pd.Categorical.from_codes(np.where(islands, -1, np.where(H > 1, 0, 1)), categories=KINDS)
    frame = pd.DataFrame(
        {
            "Hi": H,
            "expected": np.where(islands, np.nan, 1.0),
            "variance": variance,
            "z_value": z_value,
            "p_value": p_value,
            "p_sim": p_sim,
            "p_fdr": p_fdr,
            "quadrant": groups,
            "cluster": clusters(groups, run.basis(p_sim, p_value, p_fdr), alpha, islands),
        },
        index=data.weights.ids[data.order],
    ).loc[data.weights.ids]
    return LocalHeteroscedasticity(name=data.names[0], frame=frame, power=float(power), **run.fields(data))
