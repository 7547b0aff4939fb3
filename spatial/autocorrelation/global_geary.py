"""Geary's C: spatial autocorrelation by the differences between neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spatial.compute.pvalues import Alternative
from spatial.compute.threads import Executor
from spatial.errors import hinted, warn
from spatial.ids.numbers import Values
from spatial.languages.shown import shown
from spatial.weights.value import WeightsLike
from spatial.words import tell

from .inference import GlobalStatistic, Run, made
from .moments import geary_moments
from .pairs import walk
from .sample import Missing, sample

__all__ = ["Geary", "geary"]


# Standard errors that differ by more than this tell that the values are far from normal.
_FAR_FROM_NORMAL = 1.25


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Geary(GlobalStatistic):
    r"""Geary's C of one variable, with three kinds of inference; below 1 neighbours are alike.

    Parameters
    ----------
    name : str
        The variable.
    C : float
        The statistic.
    expected : float
        1.
    variance_normality, z_normality, p_normality : float
        Where values are independent draws from one normal distribution; z is (C - 1) / s.d.  Of values
        with long tails this variance is too small: see `kurtosis`.
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
    kurtosis : float
        Of the values, :math:`n \sum z^4 / (\sum z^2)^2`; 3 for a normal distribution.
    """

    letter: ClassVar[str] = "C"
    title: ClassVar[str] = "Geary's C"
    methods: ClassVar[tuple[str, ...]] = ("normality", "randomisation")
    hypothesis: ClassVar[str] = (
        "the values fall to the units at random (for the p under normality: they are independent normal)"
    )

    C: float
    variance_normality: float
    z_normality: float
    p_normality: float
    kurtosis: float

    @property
    def far_from_normal(self) -> bool:
        """Whether the standard errors by normality and by randomisation are a quarter apart or more."""
        ratio = np.sqrt(self.variance_randomisation / self.variance_normality)
        return bool(max(ratio, 1 / ratio) > _FAR_FROM_NORMAL) if ratio > 0 else False

    def _remarks(self) -> list[str]:
        lines = [tell("  below 1 neighbours are alike", "  小于 1 表示邻居相似")]
        if self.far_from_normal:
            lines.append(f"  {shown(_not_normal(self))}")
        return lines


def _not_normal(found: Geary) -> str:
    ratio = np.sqrt(found.variance_randomisation / found.variance_normality)
    return (
        f"{found.name} is far from normal (kurtosis {found.kurtosis:.1f}; 3 if normal): the standard error "
        f"by randomisation is {ratio:.2f} times that by normality. Read p_randomisation or p_sim, not "
        "p_normality."
    )


@hinted
def geary(
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
) -> Geary:
    r"""Measure global spatial autocorrelation with Geary's C.

    .. math:: C = \frac{n - 1}{2 S_0} \frac{\sum_i \sum_j w_{ij} (x_i - x_j)^2}{\sum_i (x_i - \bar x)^2}

    Parameters are those of `moran`.  C is 1 without autocorrelation and falls towards 0 as neighbours become
    alike; z = (C - 1) / s.d. is then negative (spdep's ``geary.test`` prints it with the other sign), and
    ``alternative="less"`` is the test for positive autocorrelation.  Own weights play no part.

    Returns
    -------
    Geary

    Raises
    ------
    DataError
        If `x` has missing or infinite values, text, repeated ids, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Warns
    -----
    SpatialWarning
        Where the values are so far from normal that ``p_normality`` misleads: with long tails it rejects a
        true null in a fifth of the samples.

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
    run = Run(permutations, seed, alternative, workers, progress, executor=executor)
    data = sample({"x": x}, W, missing=missing, statistic="Geary's C", blocks=True)
    z = np.ascontiguousarray(data.sorted_values())
    z = z - z.mean()
    pairs = walk(data, z, permutations, run.threads)
    w = pairs.constants
    scale = (data.n - 1) / (2 * w.S0 * float(z @ z))
    # The squared differences are the weighted squares less twice the products.
    products = float(z @ pairs.lag) - float(w.own @ z**2)
    moments = geary_moments(z, w)
    simulated = None
    if pairs.symmetric is not None:
        label = f"Geary's C of {data.names[0]}"
        simulated = -2 * scale * run.simulate(z, pairs.symmetric, square=-0.5 * w.degree, label=label)
    found = made(
        Geary,
        data,
        run,
        statistic=scale * (float(w.degree @ z**2) - 2 * products),
        expected=1.0,
        variances={
            "normality": moments.variance_normality,
            "randomisation": moments.variance_randomisation,
        },
        simulated=simulated,
        kurtosis=data.n * float((z**2) @ (z**2)) / float(z @ z) ** 2,
    )
    if found.far_from_normal:
        warn(_not_normal(found))
    return found
