"""Getis and Ord's general G: one number for the concentration of high or low values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.pvalues import Alternative, check_alternative, normal_p
from spatial.errors import WeightsError, name_ids

from .inference import notes, permutation_test, row, score, simulated_row, symmetric_part
from .moments import build_constants, general_g_moments
from .sample import Missing, check_runs, check_share, describe_weights, sample

__all__ = ["GeneralG", "general_g"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class GeneralG:
    """Getis and Ord's general G: whether high values, or low ones, are near each other.

    Parameters
    ----------
    name : str
    G, expected, variance_randomisation, z_randomisation, p_randomisation : float
    p_sim : float
        By permutation; NaN without permutations.
    simulated : array (permutations,) or None
    n, permutations, seed : int
    alternative, weights : str
    dropped : Index
    """

    name: str
    G: float
    expected: float
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
        rows = [
            row(
                self.name,
                "randomisation",
                self.G,
                self.expected,
                self.variance_randomisation,
                self.z_randomisation,
                self.p_randomisation,
            )
        ]
        return pd.DataFrame(rows + ([] if self.simulated is None else [simulated_row(self, self.G)]))

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        names = ("name", "G", "expected", "p_randomisation", "p_sim", "n", "permutations", "seed")
        fields = {k: getattr(self, k) for k in (*names, "alternative", "weights")}
        return pd.DataFrame([{**fields, "dropped": len(self.dropped)}])

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            f"General G of {self.name}: {self.G:.6g}  (expected {self.expected:.6g}, n = {self.n})",
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
        return f"<GeneralG {self.name}: G = {self.G:.4g}, z = {self.z_randomisation:.4f}>"


def general_g(
    x: Any,
    W: Any,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    progress: bool | None = None,
) -> GeneralG:
    r"""Measure whether high values are near high ones with Getis and Ord's general G.

    .. math:: G = \frac{\sum_i \sum_{j \ne i} w_{ij} x_i x_j}{\sum_i \sum_{j \ne i} x_i x_j}

    Parameters are those of `moran`; `x` must not be negative and `W` have no own weights.  Moments are those
    under randomisation (Getis and Ord 1992), as in spdep's ``globalG.test``.

    Returns
    -------
    GeneralG

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 9.0, "b": 8.0, "c": 1.0, "d": 2.0}, name="crime")
    >>> round(general_g(x, Weights.from_frame(links), permutations=0).G, 6)
    0.656
    """
    check_runs(permutations, seed)
    check_alternative(alternative)
    data = sample({"x": x}, W, missing=missing, statistic="The general G")
    ids = data.weights.ids[data.order]
    values = data.x[data.order]
    check_share(values, ids, "general G")
    constants = build_constants(data.matrix)
    if constants.own.any():
        raise WeightsError(
            f"The general G compares different units; these weights have own weights at "
            f"{name_ids(ids[constants.own != 0])}. Build the weights without them."
        )
    total = float(values.sum() ** 2 - values @ values)
    statistic = float(values @ (data.matrix @ values)) / total
    expected, variance = general_g_moments(values, constants)
    p_sim, simulated = permutation_test(
        values,
        symmetric_part(data),
        statistic,
        scale=1.0 / total,
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        workers=workers,
        progress=progress,
        label=f"General G of {data.names[0]}",
    )
    z = score(statistic - expected, variance, expected)
    return GeneralG(
        name=data.names[0],
        G=statistic,
        expected=expected,
        variance_randomisation=variance,
        z_randomisation=z,
        p_randomisation=float(normal_p(z, alternative)),
        p_sim=p_sim,
        simulated=simulated,
        n=data.n,
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        weights=describe_weights(data.weights),
        dropped=data.dropped,
    )
