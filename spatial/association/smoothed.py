"""Lee's L: the correlation of two variables after both are smoothed over the neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spatial.autocorrelation.inference import GlobalStatistic, Run, made
from spatial.autocorrelation.sample import Missing, sample, standardized
from spatial.autocorrelation.two_variables import NULLS, Null, check_null, spectral
from spatial.compute.conditional import row_sums_of
from spatial.compute.pvalues import Alternative
from spatial.compute.threads import Executor
from spatial.errors import hinted
from spatial.ids.numbers import Values
from spatial.weights.normalization import row_sums
from spatial.weights.value import WeightsLike
from spatial.words import tell

__all__ = ["LeeL", "lee"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LeeL(GlobalStatistic):
    """Lee's L of two variables, with inference by permutation.

    Parameters
    ----------
    name : str
        "x, y".
    L : float
        The statistic.
    expected : float
        Its mean under the null, exact: where pairs (x, y) fall to the units at random; or 0.
    correlation : float
        Pearson's r of x and y in place.
    smoothing_x, smoothing_y : float
        L of each variable with itself, the spatial smoothing scalar: what is left of its variance.
    p_sim : float
        By permutation of the pairs, or by random signs of the spectrum; NaN without permutations.
    simulated : array (permutations,) or None
    null : str
        "pairs" or "spectral".
    n, permutations, seed : int
    alternative, weights : str
    dropped : Index
    """

    letter: ClassVar[str] = "L"
    title: ClassVar[str] = "Lee's L"
    methods: ClassVar[tuple[str, ...]] = ()

    L: float
    correlation: float
    smoothing_x: float
    smoothing_y: float
    null: Null

    @property
    def hypothesis(self) -> str:  # type: ignore[override]
        """What is true if the test does not reject."""
        return NULLS[self.null]

    def _also(self) -> tuple[str, ...]:
        return ("correlation", "smoothing_x", "smoothing_y", "null")

    def _remarks(self) -> list[str]:
        return [
            tell("  correlation in place ", "  同地相关系数 ")
            + f"{self.correlation:.4f}"
            + tell("; smoothing scalars ", "；空间平滑标量 ")
            + f"{self.smoothing_x:.4f}, {self.smoothing_y:.4f}",
        ]


@hinted
def lee(
    x: Values,
    y: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    null: Null = "pairs",
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LeeL:
    r"""Correlate two variables in space with Lee's L (2001).

    .. math:: L = \frac{n}{1' W'W 1} \frac{z_x' W'W z_y}{n}

    with standardised z: the correlation of the spatial lags about the means of the variables, times the
    square root of both smoothing scalars.

    Parameters
    ----------
    x, y : Series or arrays, (N,)
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given; Lee's are row-standardised, and hold the unit itself where its own value is to count.
        Permutations keep all links, 12 bytes each.
    permutations, seed, alternative, missing, workers, executor, progress
        As in `moran`.
    null : {"pairs", "spectral"}
        As in `bivariate_moran`: "pairs" permutes pairs (x, y), and rejects where x and y are related in
        place, or autocorrelated and related; "spectral" keeps the autocorrelation of both, and tests whether
        they are independent.

    Returns
    -------
    LeeL
        Equal to esda's ``Spatial_Pearson`` and, with row-standardised weights, to spdep's ``lee``.

    Raises
    ------
    DataError
        If a variable has missing or infinite values, text, repeated ids, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    References
    ----------
    Lee, S.-I. (2001). Developing a bivariate spatial association measure: an integration of Pearson's r and
    Moran's I. Journal of Geographical Systems 3, 369-385.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> W = Weights.from_frame(links).row_standardized()
    >>> x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, name="income")
    >>> round(lee(x, -x.rename("crime"), W, permutations=0).L, 6)
    -0.2
    """
    run = Run(permutations, seed, alternative, workers, progress, executor=executor)
    check_null(null)
    data = sample({"x": x, "y": y}, W, missing=missing, statistic="Lee's L", blocks=True)
    zx, zy = standardized(data.sorted_values(0)), standardized(data.sorted_values(1))
    lag_x, lag_y, sums, squares = np.empty((4, data.n))
    for rows in data.rows():
        lag_x[rows.units], lag_y[rows.units] = rows.matrix @ zx, rows.matrix @ zy
        sums[rows.units], squares[rows.units] = row_sums(rows.matrix), row_sums_of(rows.matrix, np.square)
    total, name = float(sums @ sums), f"{data.names[0]}, {data.names[1]}"
    cross, simulated, variance = float(zx @ zy), None, float("nan")
    if null == "spectral":
        expected, variance, simulated = spectral(data, zx, data.matrix.T @ lag_y, run)
        variance /= total**2
    else:
        own = float(squares.sum())  # of W'W
        # Own weights keep each pair together; all others take it apart: a product is -r n / (n (n - 1)).
        expected = (own * cross / data.n - (total - own) * cross / (data.n * (data.n - 1))) / total
        if permutations:
            simulated = run.simulate_pairs(zx, zy, data.matrix, lags=True, label=f"Lee's L of {name}")
    if simulated is not None:
        simulated = simulated / total
    return made(
        LeeL,
        data,
        run,
        name=name,
        statistic=float(lag_x @ lag_y) / total,
        expected=expected,
        variances={"randomisation": variance},
        simulated=simulated,
        correlation=cross / data.n,
        smoothing_x=float(lag_x @ lag_x) / total,
        smoothing_y=float(lag_y @ lag_y) / total,
        null=null,
    )
