"""Global Moran's I of one cross-section.

The module is not called ``moran``: ``spatial.moran`` is the function.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from spatial.compute.pvalues import Alternative
from spatial.compute.threads import Executor
from spatial.errors import hinted
from spatial.ids.numbers import Values
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.value import WeightsLike

from .inference import GlobalStatistic, Run, made
from .moments import moran_moments
from .pairs import walk
from .sample import Missing, sample

__all__ = ["Moran", "moran"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Moran(GlobalStatistic):
    """Moran's I of one variable, with three kinds of inference under no spatial autocorrelation.

    Parameters
    ----------
    name : str
        The variable.
    I : float
        The statistic.
    expected : float
        Its mean under the null, :math:`-1/(n-1)` for weights without own weights.
    variance_normality, z_normality, p_normality : float
        Where values are independent draws from one normal distribution.
    variance_randomisation, z_randomisation, p_randomisation : float
        Where each arrangement of the values over the units is as likely.
    p_sim : float
        By permutation; NaN without permutations.
    simulated : array (permutations,) or None
        The statistic under each permutation.
    n : int
        Units; islands count too.
    permutations, seed : int
    alternative : str
        Of all three p-values.
    weights : str
        Kind, size and normalisation of the weights.
    z, lag : Series by id
        Standardised values (population standard deviation) and their spatial lag: the Moran scatter plot.
    islands, dropped : Index
        Units without neighbours, and units cut as missing.
    """

    figure: ClassVar[str] = "moran_scatter"
    letter: ClassVar[str] = "I"
    title: ClassVar[str] = "Moran's I"
    methods: ClassVar[tuple[str, ...]] = ("normality", "randomisation")
    hypothesis: ClassVar[str] = (
        "the values fall to the units at random (for the p under normality: they are independent normal)"
    )

    I: float  # noqa: E741 - the literature's name
    variance_normality: float
    z_normality: float
    p_normality: float
    z: pd.Series[float]
    lag: pd.Series[float]
    islands: pd.Index[Any] = field(default_factory=lambda: pd.Index([]))

    def _counts(self) -> dict[str, int]:
        return {"islands": len(self.islands), "dropped": len(self.dropped)}


@hinted
def moran(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> Moran:
    r"""Measure global spatial autocorrelation with Moran's I.

    .. math:: I = \frac{n}{S_0}
              \frac{\sum_i \sum_j w_{ij} (x_i - \bar x)(x_j - \bar x)}{\sum_i (x_i - \bar x)^2},
              \qquad S_0 = \sum_i \sum_j w_{ij}

    Parameters
    ----------
    x : Series or array, (N,)
        A Series is matched to the weights by id; a bare array is taken in the order of ``W.ids``.
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given: row-standardise it first where that is wanted.  Never changed.  Open weights are read
        block by block; permutations keep each pair of neighbours once, 16 bytes.
    permutations : int
        Random permutations of the values over the units; 0 for none.
    seed : int
        One seed gives one answer, whatever the number of workers and the order of the rows.
    alternative : {"two-sided", "greater", "less", "geoda"}
        Of all p-values.  Two-sided is twice the smaller tail, at most 1.  By permutation a tail is
        :math:`(1 + \#\{I^* \ge I\}) / (1 + R)`, so that the smallest two-sided p is :math:`2/(1+R)`.
        ``"geoda"`` is the one-sided pseudo p towards the nearer tail that GeoDa and esda print, half of a
        two-sided one.
    missing : {"raise", "drop"}
        "drop" leaves units without a value out and cuts their links; row-standardised weights are
        standardised again.  The result names the units.
    workers : int, optional
        Threads; all cores by default.
    executor : dask.distributed.Client or int, optional
        Where permutations run: on a cluster, or so many threads.  The same bits on any of them; few units
        are faster here than sent away, and stay.
    progress : bool, optional
        Show a bar; by default on a terminal for runs of more than two seconds.

    Returns
    -------
    Moran

    Raises
    ------
    AlignmentError
        Where the ids of `x` and `W` differ.
    DataError
        For NaN and infinity (named by id), values that do not vary, fewer than 4 units.
    WeightsError
        For weights without links.

    Notes
    -----
    Islands (no neighbours) stay in n, as in esda and GeoDa; spdep's ``zero.policy`` takes them out of n
    unless ``adjust.n=FALSE``.  The moments are Cliff and Ord's, for any weights, symmetric or not; own
    weights (a diagonal) are allowed and enter them.  Where the weights give I no room to vary, as between all
    pairs with one weight, z and p are NaN.

    References
    ----------
    Cliff, A. D., and J. K. Ord (1981). Spatial Processes: Models and Applications. Pion. Equations 1.37-1.39.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"d": 4.0, "a": 1.0, "b": 2.0, "c": 3.0}, name="income")
    >>> result = moran(x, Weights.from_frame(links), permutations=99)
    >>> round(result.I, 6), round(result.expected, 6)
    (0.333333, -0.333333)
    """
    run = Run(permutations, seed, alternative, workers, progress, executor=executor)
    data = sample({"x": x}, W, missing=missing, statistic="Moran's I", blocks=True)
    # By sorted id throughout, so that sums add up in one order whatever the order of the rows.
    ordered = np.ascontiguousarray(data.sorted_values())
    mean = ordered.mean()
    ordered = ordered - mean
    pairs = walk(data, ordered, permutations, run.threads)
    constants = pairs.constants
    squares = float(ordered @ ordered)
    scale = data.n / (constants.total * squares)
    moments = moran_moments(ordered, constants)
    simulated = None
    if pairs.symmetric is not None:
        own = constants.own if constants.own.any() else None
        label = f"Moran's I of {data.names[0]}"
        simulated = scale * run.simulate(ordered, pairs.symmetric, square=own, label=label)
    standard = (data.x - mean) / np.sqrt(squares / data.n)
    ids = data.ids
    matrix = data.links if isinstance(data.links, OpenWeights) else data.links.sparse
    return made(
        Moran,
        data,
        run,
        statistic=scale * float(ordered @ pairs.lag),
        expected=moments.expected,
        variances={
            "normality": moments.variance_normality,
            "randomisation": moments.variance_randomisation,
        },
        simulated=simulated,
        z=pd.Series(standard, index=ids, name=data.names[0]),
        lag=pd.Series(matrix @ standard, index=ids, name=f"W_{data.names[0]}"),
        islands=ids[pairs.islands],
    )
