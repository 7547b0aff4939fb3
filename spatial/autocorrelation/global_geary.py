"""Geary's C: spatial autocorrelation by the differences between neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.pvalues import Alternative, check_alternative, normal_p

from .inference import global_rows, notes, permutation_test, score, symmetric_part
from .moments import build_constants, geary_moments
from .sample import Missing, check_runs, describe_weights, sample

__all__ = ["Geary", "geary"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Geary:
    """Geary's C of one variable, with three kinds of inference; below 1 neighbours are alike.

    Parameters
    ----------
    name : str
        The variable.
    C : float
        The statistic.
    expected : float
        1.
    variance_normality, z_normality, p_normality : float
        Where values are independent draws from one normal distribution; z is (C - 1) / s.d.
    variance_randomisation, z_randomisation, p_randomisation : float
        Where each arrangement of the values over the units is as likely.
    p_sim : float
        By permutation; NaN without permutations.
    simulated : array (permutations,) or None
    n, permutations, seed : int
    alternative : str
        "less" is positive autocorrelation.
    weights : str
    dropped : Index
    """

    name: str
    C: float
    expected: float
    variance_normality: float
    z_normality: float
    p_normality: float
    variance_randomisation: float
    z_randomisation: float
    p_randomisation: float
    p_sim: float
    simulated: Float | None
    n: int
    permutations: int
    seed: int
    alternative: Alternative
    weights: str
    dropped: pd.Index[Any]

    def tidy(self) -> pd.DataFrame:
        """Return a row for each kind of inference."""
        return global_rows(self, self.C)

    def glance(self) -> pd.DataFrame:
        """Return one row: the statistic, its p-values and the sample."""
        names = ("name", "C", "expected", "p_normality", "p_randomisation", "p_sim", "n")
        more = ("permutations", "seed", "alternative", "weights")
        return pd.DataFrame([{**{k: getattr(self, k) for k in names + more}, "dropped": len(self.dropped)}])

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            f"Geary's C of {self.name}: {self.C:.6f}  (below 1 neighbours are alike, n = {self.n})",
            f"  normality      z = {self.z_normality:8.4f}  p = {self.p_normality:.4g}",
            f"  randomisation  z = {self.z_randomisation:8.4f}  p = {self.p_randomisation:.4g}",
        ]
        if self.permutations:
            lines.append(f"  permutation    {'':13}  p = {self.p_sim:.4g}")
        return "\n".join(lines + notes(self))

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the statistic."""
        return f"<Geary {self.name}: C = {self.C:.4f}, z_randomisation = {self.z_randomisation:.4f}>"


def geary(
    x: Any,
    W: Any,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    progress: bool | None = None,
) -> Geary:
    r"""Measure global spatial autocorrelation with Geary's C.

    .. math:: C = \frac{n - 1}{2 S_0} \frac{\sum_i \sum_j w_{ij} (x_i - x_j)^2}{\sum_i (x_i - \bar x)^2}

    Parameters are those of `moran`.  C is 1 without autocorrelation and falls towards 0 as neighbours become
    alike; z = (C - 1) / s.d. is then negative (spdep's ``geary.test`` prints it with the other sign), and
    ``alternative="less"`` is the test for positive autocorrelation.  Own weights play no part.

    Returns
    -------
    Geary

    References
    ----------
    Cliff, A. D., and J. K. Ord (1981). Spatial Processes: Models and Applications. Pion. Equations 1.40-1.43.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, name="income")
    >>> round(geary(x, Weights.from_frame(links), permutations=0).C, 6)
    0.3
    """
    check_runs(permutations, seed)
    check_alternative(alternative)
    data = sample({"x": x}, W, missing=missing, statistic="Geary's C")
    symmetric = symmetric_part(data)
    w = build_constants(data.matrix, symmetric)
    z = data.x[data.order] - data.x[data.order].mean()
    scale = (data.n - 1) / (2 * w.S0 * float(z @ z))

    def quadratic(values: Float) -> float:
        return float(values @ (data.matrix @ values)) - float(w.own @ values**2)

    # The squared differences are the weighted squares less twice the products.
    statistic = scale * (float(w.degree @ z**2) - 2 * quadratic(z))
    moments = geary_moments(z, w)
    p_sim, simulated = permutation_test(
        z,
        symmetric,
        statistic,
        square=-0.5 * w.degree,
        scale=-2 * scale,
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        workers=workers,
        progress=progress,
        label=f"Geary's C of {data.names[0]}",
    )
    z_normality = score(statistic - 1, moments.variance_normality, 1.0)
    z_randomisation = score(statistic - 1, moments.variance_randomisation, 1.0)
    return Geary(
        name=data.names[0],
        C=statistic,
        expected=1.0,
        variance_normality=moments.variance_normality,
        z_normality=z_normality,
        p_normality=float(normal_p(z_normality, alternative)),
        variance_randomisation=moments.variance_randomisation,
        z_randomisation=z_randomisation,
        p_randomisation=float(normal_p(z_randomisation, alternative)),
        p_sim=p_sim,
        simulated=simulated,
        n=data.n,
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        weights=describe_weights(data.weights),
        dropped=data.dropped,
    )
