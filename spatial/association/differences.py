"""Local Geary: each unit's squared differences from its neighbours, in one variable or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.autocorrelation.local_inference import LocalRun, LocalStatistic, clusters, own_and_others
from spatial.autocorrelation.sample import Missing, sample, standardized
from spatial.compute.pvalues import Alternative, normal_p, permutation_p
from spatial.errors import DataError, hinted
from spatial.ids.numbers import Values
from spatial.weights.value import WeightsLike

__all__ = ["LocalGeary", "local_geary"]

Float = NDArray[np.float64]

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
) -> LocalGeary:
    r"""Measure how unlike its neighbours each unit is (Anselin 1995), in one variable or in several (2019).

    .. math:: c_i = \frac1k \sum_{m=1}^k \sum_j w_{ij} (z_{im} - z_{jm})^2

    with z standardised by the population standard deviation and k variables: the mean over the variables,
    which is no sum of independent tests, and sees units that are near in all of them together.

    Parameters
    ----------
    x : Series, array (N,), or DataFrame by id
        One variable, or several in columns.
    W : Weights, or libpysal Graph or W
        Used as given (esda row-standardises).  Own weights play no part.
    permutations, seed, alpha, fdr, alternative, missing
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
    run = LocalRun(permutations, seed, alternative, None, None, alpha, fdr)
    data = sample(_columns(x), W, missing=missing, statistic="Local Geary")
    z = np.column_stack([standardized(v) for v in data.values[data.order].T])
    _, others = own_and_others(data)
    sums = np.asarray(others.sum(axis=1)).ravel()
    squares = np.asarray(others.multiply(others).sum(axis=1)).ravel()
    size = (z**2).sum(axis=1)
    observed = _statistic(z, size, sums, others @ z, others @ size)
    mean, spread = _moments(z, size)
    n, islands = data.n, np.diff(others.indptr) == 0
    expected, variance = sums * mean, spread * ((n - 1) * squares - sums**2) / (n - 2)
    score = (observed - expected) / np.sqrt(np.where(islands | (variance <= 0), np.nan, variance))
    p_value = normal_p(score, alternative)
    p_sim = _permuted(z, size, others, observed, run)
    p_fdr = run.adjusted(p_sim, p_value)
    groups = _groups(z, others @ z, observed < expected, islands)
    frame = pd.DataFrame(
        {
            "Ci": observed,
            "expected": expected,
            "variance": variance,
            "z_value": score,
            "p_value": p_value,
            "p_sim": p_sim,
            "p_fdr": p_fdr,
            "quadrant": groups,
            "cluster": clusters(groups, run.basis(p_sim, p_value, p_fdr), alpha, islands),
        },
        index=data.weights.ids[data.order],
    ).loc[data.weights.ids]
    return LocalGeary(name=", ".join(data.names), frame=frame, variables=data.names, **run.fields(data))


def _columns(x: Any) -> dict[str, Any]:
    if not isinstance(x, pd.DataFrame):
        return {"x": x}
    if not len(x.columns) or x.columns.duplicated().any():
        raise DataError("Local Geary needs one variable or more, in columns of different names.")
    return {str(name): x[name] for name in x.columns}


def _statistic(z: Float, size: Float, sums: Float, lag: Float, lag_size: Float) -> Float:
    """Return the mean over variables of the weighted squared differences, from lags of z and of z'z."""
    return np.asarray((sums * size - 2 * (z * lag).sum(axis=-1) + lag_size) / z.shape[-1])


def _moments(z: Float, size: Float) -> tuple[Float, Float]:
    """Return mean and variance, over the other units, of the mean squared difference from each unit."""
    n, k = z.shape
    first = n * size + size.sum()  # sums over j of |z_i - z_j|^2 and of its square; z sums to 0
    second = n * size**2 + float(size @ size) + 4 * np.einsum("im,ml,il->i", z, z.T @ z, z)
    second += 2 * size * size.sum() - 4 * z @ (z.T @ size)
    mean = first / (n - 1) / k
    return mean, np.maximum(second / (n - 1) / k**2 - mean**2, 0.0)


def _permuted(z: Float, size: Float, others: sparse.csr_array, observed: Float, run: LocalRun) -> Float:
    """Return the p-values by conditional permutation; NaN for units without neighbours."""
    p = np.full(len(z), np.nan)
    if not run.permutations:
        return p
    from spatial.compute.conditional import neighbour_draws

    indptr = others.indptr.astype(np.int64)
    for units, chosen in neighbour_draws(indptr, run.permutations, seed=run.seed):
        w = others.data[indptr[units][:, None] + np.arange(len(chosen))]
        drawn = np.zeros((len(units), run.permutations))
        for s, one in enumerate(chosen):
            apart = size[units][:, None] + size[one]
            for m in range(z.shape[1]):
                apart -= 2 * z[units, m][:, None] * z[one, m]
            drawn += w[:, s, None] * apart
        drawn /= z.shape[1]
        slack = 1e-12 * np.abs(w).sum(axis=1) * float(size.max())
        above = (drawn >= (observed[units] - slack)[:, None]).sum(axis=1)
        below = (drawn <= (observed[units] + slack)[:, None]).sum(axis=1)
        p[units] = permutation_p(above, below, run.permutations, run.alternative, mid=True)
    return p


def _groups(z: Float, lag: Float, alike: NDArray[np.bool_], islands: NDArray[np.bool_]) -> pd.Categorical:
    """Return the kind of each unit, significant or not; missing for islands."""
    if z.shape[1] > 1:
        code = np.where(alike, 0, 1)
        return pd.Categorical.from_codes(np.where(islands, -1, code), categories=KINDS_OF_SEVERAL)
    high, near = z[:, 0] > 0, lag[:, 0] > 0
    code = np.select([~alike, high & near, ~high & ~near], [3, 0, 1], 2)
    return pd.Categorical.from_codes(np.where(islands, -1, code), categories=KINDS)
