"""Lee's L: the correlation of two variables after both are smoothed over the neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.autocorrelation.inference import GlobalStatistic, Run, made
from spatial.autocorrelation.sample import Missing, sample, standardized
from spatial.autocorrelation.two_variables import NULLS, Null, check_null, spectral
from spatial.compute.permutation import permute_bilinear
from spatial.compute.pvalues import Alternative
from spatial.errors import hinted
from spatial.ids.numbers import Values
from spatial.weights.value import WeightsLike

__all__ = ["LeeL", "lee"]

Float = NDArray[np.float64]


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
            f"  correlation in place {self.correlation:.4f}; smoothing scalars {self.smoothing_x:.4f}, "
            f"{self.smoothing_y:.4f}",
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
) -> LeeL:
    r"""Correlate two variables in space with Lee's L (2001).

    .. math:: L = \frac{n}{1' W'W 1} \frac{z_x' W'W z_y}{n}

    with standardised z: the correlation of the spatial lags about the means of the variables, times the
    square root of both smoothing scalars.

    Parameters
    ----------
    x, y : Series or arrays, (N,)
    W : Weights, or libpysal Graph or W
        Used as given; Lee's are row-standardised, and hold the unit itself where its own value is to count.
    permutations, seed, alternative, missing
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
    run = Run(permutations, seed, alternative)
    check_null(null)
    data = sample({"x": x, "y": y}, W, missing=missing, statistic="Lee's L")
    ordered = data.values[data.order]
    zx, zy = standardized(ordered[:, 0]), standardized(ordered[:, 1])
    matrix = sparse.csr_array(data.matrix.T @ data.matrix)
    matrix.sort_indices()
    total = float(matrix.sum())

    def of(a: Float, b: Float) -> float:
        return float(a @ (matrix @ b)) / total

    cross, simulated, variance = float(zx @ zy), None, float("nan")
    if null == "spectral":
        expected, variance, simulated = spectral(data, zx, matrix @ zy, run)
        variance /= total**2
    else:
        own = float(matrix.diagonal().sum())
        # Own weights keep each pair together; all others take it apart: a product is -r n / (n (n - 1)).
        expected = (own * cross / data.n - (total - own) * cross / (data.n * (data.n - 1))) / total
        if permutations:
            simulated = permute_bilinear(zx, zy, matrix, permutations=permutations, seed=seed)
    if simulated is not None:
        simulated = simulated / total
    return made(
        LeeL,
        data,
        run,
        name=f"{data.names[0]}, {data.names[1]}",
        statistic=of(zx, zy),
        expected=expected,
        variances={"randomisation": variance},
        simulated=simulated,
        correlation=cross / data.n,
        smoothing_x=of(zx, zx),
        smoothing_y=of(zy, zy),
        null=null,
    )
