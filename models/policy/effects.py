"""What estimators share: their names, their choices, and what each of them returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["METHODS", "Effects", "Method", "Options", "no_cells"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]

Method = Literal[
    "twfe",
    "callaway-santanna",
    "sun-abraham",
    "borusyak-jaravel-spiess",
    "gardner",
    "stacked",
    "etwfe",
    "synthetic",
]
METHODS: tuple[str, ...] = get_args(Method)


@dataclass(frozen=True)
class Options:
    """Choices that estimators share.

    Parameters
    ----------
    control_group : "never" or "not-yet"
    base : "universal" or "varying"
        Whether effects before the policy are measured from the last time before it, or from one time to the
        next.
    window : (first, last), optional
        Times since the policy that are shown; two-way least squares bins what lies beyond.
    path : bool
        Whether the event study is wanted; without it only averages are computed.
    seed : int
    """

    control_group: Literal["never", "not-yet"] = "never"
    base: Literal["universal", "varying"] = "universal"
    window: tuple[int, int] | None = None
    path: bool = True
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Effects:
    """What an estimator found.

    Parameters
    ----------
    names : tuple of str
        Of the rows of `estimates`: ``"att"`` first, then further averages and slopes.
    estimates, std_errors : array
    times : int array
        Times since the policy of the event study, without the reference.
    path, path_covariance : array
        Its estimates; their covariance, with NaN off the diagonal where the program gives none.
    att_gt : DataFrame
        cohort and time (positions), estimate, std_error; empty where the method has none.
    df : float
    scores : array (R, K + E), optional
        Influence of each cell on `estimates` and `path`, where the estimator gives it.
    notes : tuple of str
    n_controls : int
        Untreated units that serve as controls.
    """

    names: tuple[str, ...]
    estimates: Float
    std_errors: Float
    times: Int
    path: Float
    path_covariance: Float
    att_gt: pd.DataFrame = field(default_factory=lambda: no_cells())
    df: float = np.inf
    scores: Float | None = None
    factor: float = 1.0
    notes: tuple[str, ...] = ()


def no_cells() -> pd.DataFrame:
    return pd.DataFrame({"cohort": [], "time": [], "estimate": [], "std_error": []})
