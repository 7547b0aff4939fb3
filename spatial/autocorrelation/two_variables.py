"""Bivariate Moran's I: one variable against the spatial lag of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.pvalues import Alternative, check_alternative, normal_p
from spatial.errors import WeightsError, name_ids

from .inference import notes, permutation_test, row, score, simulated_row
from .sample import Missing, check_runs, describe_weights, sample, standardized

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["BivariateMoran", "bivariate_moran"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class BivariateMoran:
    """Bivariate Moran's I, with inference given both sets of values.

    Parameters
    ----------
    name : str
        "x, W y".
    I : float
        The statistic.
    expected : float
        Its mean where y falls to the units at random: 0.
    variance_randomisation, z_randomisation, p_randomisation : float
        Where each arrangement of y over the units is as likely; exact moments.
    p_sim : float
        By permutation of y; NaN without permutations.
    simulated : array (permutations,) or None
    correlation : float
        Of x and y in place: large, it makes I large where y alone is autocorrelated.
    n, permutations, seed : int
    alternative, weights : str
    z, lag : Series by id
        Standardised x, and the spatial lag of standardised y.
    dropped : Index
    """

    name: str
    I: float  # noqa: E741 - the literature's name
    expected: float
    variance_randomisation: float
    z_randomisation: float
    p_randomisation: float
    p_sim: float
    simulated: Float | None
    correlation: float
    n: int
    permutations: int
    seed: int
    alternative: Alternative
    weights: str
    z: pd.Series[float]
    lag: pd.Series[float]
    dropped: pd.Index[Any]

    def tidy(self) -> pd.DataFrame:
        """Return a row for each kind of inference."""
        rows = [
            row(
                self.name,
                "randomisation",
                self.I,
                self.expected,
                self.variance_randomisation,
                self.z_randomisation,
                self.p_randomisation,
            )
        ]
        return pd.DataFrame(rows + ([] if self.simulated is None else [simulated_row(self, self.I)]))

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        names = ("name", "I", "expected", "p_randomisation", "p_sim", "correlation", "n", "permutations")
        fields = {k: getattr(self, k) for k in (*names, "seed", "alternative", "weights")}
        return pd.DataFrame([{**fields, "dropped": len(self.dropped)}])

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            f"Bivariate Moran's I of {self.name}: {self.I:.6f}  (expected {self.expected:.6f}, n = {self.n})",
            f"  randomisation  z = {self.z_randomisation:8.4f}  p = {self.p_randomisation:.4g}",
        ]
        if self.permutations:
            lines.append(f"  permutation    {'':13}  p = {self.p_sim:.4g}")
        lines.append(f"  correlation of x and y in place: {self.correlation:.4f}")
        return "\n".join(lines + notes(self))

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the scatter of the lag of y against x."""
        from spatial.figures.scatter import moran_scatter

        return moran_scatter(self, ax=ax, **options)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the statistic."""
        return f"<BivariateMoran {self.name}: I = {self.I:.4f}, z_randomisation = {self.z_randomisation:.4f}>"


def bivariate_moran(
    x: Any,
    y: Any,
    W: Any,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    progress: bool | None = None,
) -> BivariateMoran:
    r"""Relate x to the spatial lag of y (Wartenberg 1985; Anselin, Syabri and Smirnov 2002).

    .. math:: I_{xy} = \frac{n}{S_0}
              \frac{\sum_i \sum_j w_{ij} (x_i - \bar x)(y_j - \bar y)}
                   {\sqrt{\sum_i (x_i - \bar x)^2 \sum_i (y_i - \bar y)^2}}

    Parameters are those of `moran`; `y` is permuted.  spdep's ``moran_bv`` and esda's ``Moran_BV`` leave out
    :math:`n / S_0`, which is 1 for row-standardised weights without islands.  Own weights are refused: they
    compare x and y in place, which is the plain correlation.

    Returns
    -------
    BivariateMoran

    References
    ----------
    Wartenberg, D. (1985). Multivariate spatial correlation. Geographical Analysis 17, 263-283.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, name="income")
    >>> round(bivariate_moran(x, -x.rename("crime"), Weights.from_frame(links), permutations=0).I, 6)
    -0.333333
    """
    check_runs(permutations, seed)
    check_alternative(alternative)
    data = sample({"x": x, "y": y}, W, missing=missing, statistic="Bivariate Moran's I")
    own = data.weights.sparse.diagonal() != 0
    if own.any():
        raise WeightsError(
            f"Bivariate Moran's I needs weights without own weights; these have them at "
            f"{name_ids(data.weights.ids[own])}."
        )
    n = data.n
    ordered = data.values[data.order]
    zx, zy = standardized(ordered[:, 0]), standardized(ordered[:, 1])
    total = float(data.matrix.sum())
    # z_x'W z_y is a weighted sum of y: its moments under rearrangement are exact, and no links are needed.
    pull = data.matrix.T @ zx
    statistic = float(pull @ zy) / total
    expected = 0.0
    variance = float(((pull - pull.mean()) ** 2).sum()) * n / (n - 1) / total**2
    p_sim, simulated = permutation_test(
        zy,
        sp.csr_array((n, n)),
        statistic,
        linear=pull,
        scale=1.0 / total,
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        workers=workers,
        progress=progress,
        label=f"Bivariate Moran's I of {data.names[0]}, W {data.names[1]}",
    )
    score_z = score(statistic, variance, expected)
    ids, back = data.weights.ids, data.unsorted
    return BivariateMoran(
        name=f"{data.names[0]}, W {data.names[1]}",
        I=statistic,
        expected=expected,
        variance_randomisation=variance,
        z_randomisation=score_z,
        p_randomisation=float(normal_p(score_z, alternative)),
        p_sim=p_sim,
        simulated=simulated,
        correlation=float(zx @ zy) / n,
        n=n,
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        weights=describe_weights(data.weights),
        z=pd.Series(back(zx), index=ids, name=data.names[0]),
        lag=pd.Series(back(data.matrix @ zy), index=ids, name=f"W_{data.names[1]}"),
        dropped=data.dropped,
    )
