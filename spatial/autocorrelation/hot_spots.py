"""Getis and Ord's local G and G*: hot and cold spots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, overload

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.conditional import row_sums_of
from spatial.compute.pvalues import Alternative, normal_p
from spatial.compute.threads import Executor
from spatial.errors import WeightsError, hinted, name_ids
from spatial.ids.numbers import Values
from spatial.weights.value import WeightsLike

from .local_inference import Filled, LocalRun, LocalStatistic, conditional_test, rows_shown
from .on_disk import OpenLocal, Written, check_folder
from .sample import Missing, check_share, sample

__all__ = ["GetisOrd", "getis_ord"]

Float = NDArray[np.float64]

SPOTS = ["hot spot", "cold spot"]
COLUMNS = ("G", "expected", "variance", "z_value", "p_value", "p_sim")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GetisOrd(LocalStatistic):
    """Local G or G* of each unit.

    Parameters
    ----------
    name : str
        The variable.
    star : bool
        G* (the unit is one of its own neighbours) or G.
    frame : DataFrame by id, in the order of the weights
        ``G`` (share of the neighbours in the total); ``expected``, ``variance``, ``z_value`` (the statistic
        of Ord and Getis 1995, which spdep returns), ``p_value``; ``p_sim`` (conditional permutation);
        ``p_fdr`` (p_sim, or p_value without permutations, adjusted by Benjamini and Hochberg);
        ``quadrant`` (hot or cold, significant or not) and ``cluster`` ("hot spot", "cold spot", "not
        significant", "island"): hot or cold by the tail that p is of.  By permutation that is the
        neighbours' tail: given the unit's own value, only they vary.
    alpha : float
        Level of the clusters.
    fdr : bool
        Whether clusters go by p_fdr.
    permutations, seed : int
    alternative : str
    weights : str
        Kind, size and normalisation of the weights.
    dropped : Index
        Units cut as missing.
    """

    column: ClassVar[str] = "G"
    title: ClassVar[str] = "Getis-Ord"

    star: bool

    def _also(self) -> dict[str, Any]:
        return {"star": self.star}

    def _titled(self) -> str:
        return f"{self.title} {'G*' if self.star else 'G'}"

    def headline(self) -> str:
        """Name the variable and count the clusters."""
        return f"{'G*' if self.star else 'G'} {super().headline()}"


@overload
def getis_ord(
    x: Values,
    W: WeightsLike,
    *,
    star: bool = True,
    permutations: int = 999,
    seed: int = 0,
    stop_after: int | None = None,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    folder: None = None,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> GetisOrd: ...
@overload
def getis_ord(
    x: Values,
    W: WeightsLike,
    *,
    star: bool = True,
    permutations: int = 999,
    seed: int = 0,
    stop_after: int | None = None,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    folder: str | Path,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> OpenLocal: ...
@hinted
def getis_ord(
    x: Values,
    W: WeightsLike,
    *,
    star: bool = True,
    permutations: int = 999,
    seed: int = 0,
    stop_after: int | None = None,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    folder: str | Path | None = None,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> GetisOrd | OpenLocal:
    r"""Find hot and cold spots with Ord and Getis's local G.

    .. math:: z_i = \frac{\sum_j w_{ij} x_j - W_i \bar x}
                         {s \sqrt{[n S_{1i} - W_i^2] / (n - 1)}},
              \qquad W_i = \sum_j w_{ij}, \quad S_{1i} = \sum_j w_{ij}^2

    for G*; for G the mean, s and n are of the other units.

    Parameters
    ----------
    x : Series or array, (N,)
        Not negative, with a true zero: G is a share of a total.
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given.  For G*, units without an own weight get the mean of their row's weights (one for
        binary weights, 1/k for row-standardised ones): z does not depend on the scale of a row, so this is
        the G* of the neighbours and the unit itself, all alike.  For G, own weights are refused.
    star : bool
        G*, or G without the unit itself.
    permutations, seed, stop_after, alternative, missing, folder, workers, executor, progress
        As in `local_moran`.
    alpha, fdr
        Level of the labels, and whether they go by ``p_fdr``.

    Returns
    -------
    GetisOrd, or with `folder` OpenLocal

    Raises
    ------
    AlignmentError, DataError, WeightsError
        As `local_moran`; negative values are named.

    References
    ----------
    Ord, J. K., and A. Getis (1995). Local spatial autocorrelation statistics. Geographical Analysis 27,
    286-306.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 9.0, "b": 8.0, "c": 1.0, "d": 2.0}, name="crime")
    >>> getis_ord(x, Weights.from_frame(links), permutations=0).frame["z_value"].round(3).tolist()
    [1.715, 0.849, -1.131, -1.715]
    """
    target = check_folder(folder, W)
    run = LocalRun(
        permutations, seed, alternative, workers, progress, alpha, fdr, stop_after, executor=executor
    )
    data = sample({"x": x}, W, missing=missing, statistic="Getis and Ord's G", blocks=True)
    values = data.sorted_values()
    check_share(values, data, "G")
    centred = values - values.mean()
    draws, label = run.draws(centred, data.most), f"Getis-Ord G of {data.names[0]}"
    with Filled(data, COLUMNS) if target is None else Written(data, run, target, SPOTS) as filled:
        for rows, test in rows_shown(data, run, label):
            own, others = rows.own, rows.others
            islands = np.diff(others.indptr) == 0
            if star:
                own = _fill_own(own, others)
            elif own.any():
                units = data.ids[data.places(rows.units)][own != 0]
                raise WeightsError(
                    f"G leaves the unit itself out; these weights have own weights at {name_ids(units)}. "
                    "Use star=True, or build the weights without them."
                )
            shift, expected, variance, total = _local_g(values, centred, rows.units, own, others, star=star)
            z_value = np.where(variance > 0, shift / np.sqrt(np.where(variance > 0, variance, 1.0)), np.nan)
            p_value = normal_p(z_value, alternative)
            # Given x_i, G moves with the lag of the others alone.
            tails = conditional_test(draws, others, np.ones(len(own)), test, units=rows.units, label=label)
            # Where all others are zero their share is of nothing: no statistic, and no p-value.
            some = total > 0
            share = np.where(some, total, np.nan)
            high = tails.high if run.permutations else shift > 0
            measured = {
                "G": np.where(some, expected, np.nan) + shift / share,
                "expected": expected,
                "variance": variance / share**2,
                "z_value": np.where(some, z_value, np.nan),
                "p_value": np.where(some, p_value, np.nan),
                "p_sim": np.where(some, tails.p, np.nan),
            }
            filled.put(rows, np.where(high, 0, 1), islands, measured)
        if isinstance(filled, Written):
            title = f"{GetisOrd.title} {'G*' if star else 'G'}"
            order = [*COLUMNS, "p_fdr", "quadrant", "cluster"]
            return filled.finish(GetisOrd, title, order, data.names[0], star=star)
        return GetisOrd(name=data.names[0], star=star, frame=filled.frame(run, SPOTS), **run.fields(data))


def _fill_own(own: Float, others: sp.csr_array) -> Float:
    counts = np.diff(others.indptr)
    mean = np.asarray(others.sum(axis=1)).ravel() / np.maximum(counts, 1)
    return np.where(own != 0, own, np.where(counts > 0, mean, 1.0))


def _local_g(
    x: Float,
    centred: Float,
    units: NDArray[np.integer[Any]],
    own: Float,
    others: sp.csr_array,
    *,
    star: bool,
) -> tuple[Float, Float, Float, Float]:
    """Return lag minus its mean, the mean of G, the lag's variance, and the total that G is a share of."""
    n, mine = len(x), centred[units]
    sums = np.asarray(others.sum(axis=1)).ravel() + own
    squares = row_sums_of(others, np.square) + own**2
    lag = others @ centred + own * mine
    if star:
        s2 = float(centred @ centred) / n
        variance = s2 * (n * squares - sums**2) / (n - 1)
        return lag, sums / n, variance, np.full(len(units), float(x.sum()))
    mean = -mine / (n - 1)
    rest = (float(centred @ centred) - mine**2) / (n - 1) - mean**2
    variance = rest * ((n - 1) * squares - sums**2) / (n - 2)
    return lag - sums * mean, sums / (n - 1), variance, x.sum() - x[units]
