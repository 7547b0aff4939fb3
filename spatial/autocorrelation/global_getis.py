"""Getis and Ord's general G: one number for the concentration of high or low values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spatial.compute.pvalues import Alternative
from spatial.compute.threads import Executor
from spatial.errors import DataError, WeightsError, hinted, name_ids
from spatial.ids.numbers import Values
from spatial.weights.value import WeightsLike

from .inference import GlobalStatistic, Run, made
from .moments import general_g_moments
from .pairs import walk
from .sample import Missing, check_share, sample

__all__ = ["GeneralG", "general_g"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GeneralG(GlobalStatistic):
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

    letter: ClassVar[str] = "G"
    title: ClassVar[str] = "General G"
    digits: ClassVar[str] = ".6g"

    G: float


@hinted
def general_g(
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
) -> GeneralG:
    r"""Measure whether high values are near high ones with Getis and Ord's general G.

    .. math:: G = \frac{\sum_i \sum_{j \ne i} w_{ij} x_i x_j}{\sum_i \sum_{j \ne i} x_i x_j}

    Parameters are those of `moran`; `x` must not be negative and `W` have no own weights.  Moments are those
    under randomisation (Getis and Ord 1992), as in spdep's ``globalG.test``.

    Returns
    -------
    GeneralG

    Raises
    ------
    DataError
        If `x` has missing or infinite values, text, repeated ids, is negative, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 9.0, "b": 8.0, "c": 1.0, "d": 2.0}, name="crime")
    >>> round(general_g(x, Weights.from_frame(links), permutations=0).G, 6)
    0.656
    """
    run = Run(permutations, seed, alternative, workers, progress, executor=executor)
    data = sample({"x": x}, W, missing=missing, statistic="The general G", blocks=True)
    values = np.ascontiguousarray(data.sorted_values())
    check_share(values, data, "general G")
    if (values > 0).sum() < 2:
        above = data.ids[data.places(np.flatnonzero(values > 0))]
        raise DataError(
            "The general G is a share of the products of two units, and needs two units or more with values "
            f"above zero; {data.names[0]!r} is above zero at {name_ids(above)} only."
        )
    pairs = walk(data, values, permutations, run.threads)
    constants = pairs.constants
    if constants.own.any():
        units = data.ids[data.places(np.flatnonzero(constants.own))]
        raise WeightsError(
            f"The general G compares different units; these weights have own weights at "
            f"{name_ids(units)}. Build the weights without them."
        )
    # As a sum over pairs: where one value outweighs all others a difference would lose them.
    total = float(values @ (values.sum() - values))
    if total < 1e-7 * float(values.sum()) ** 2:
        highest = data.ids[data.places(np.array([values.argmax()]))]
        raise DataError(
            f"The general G cannot be computed: one value of {data.names[0]!r}, at "
            f"{name_ids(highest)}, is more than ten million times all others together. Leave that unit out, "
            "or take logarithms."
        )
    expected, variance = general_g_moments(values, constants)
    simulated = None
    if pairs.symmetric is not None:
        label = f"General G of {data.names[0]}"
        simulated = run.simulate(values, pairs.symmetric, label=label) * (1.0 / total)
    return made(
        GeneralG,
        data,
        run,
        statistic=float(values @ pairs.lag) / total,
        expected=expected,
        variances={"randomisation": variance},
        simulated=simulated,
    )
