"""What the local statistics share: conditional permutation, adjusted p-values, frames and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.pvalues import permutation_p
from spatial.compute.threads import check_workers
from spatial.errors import DataError

from .sample import Sample

__all__ = [
    "QUADRANTS",
    "check_alpha",
    "clusters",
    "conditional_test",
    "count_line",
    "local_tidy",
    "own_and_others",
    "quadrants",
]

Float = NDArray[np.float64]

QUADRANTS = ["HH", "LL", "LH", "HL"]


def check_alpha(alpha: float) -> None:
    """Refuse a level outside (0, 1)."""
    if not 0 < alpha < 1:
        raise DataError(f"alpha must be between 0 and 1, as 0.05; got {alpha!r}.")


def own_and_others(data: Sample) -> tuple[Float, sp.csr_array]:
    """Split W, by sorted id, into its diagonal and the rest."""
    own = np.asarray(data.matrix.diagonal(), dtype=np.float64)
    if not own.any():
        return own, data.matrix
    rest = sp.csr_array(data.matrix - sp.diags_array(own))
    rest.eliminate_zeros()
    return own, rest


def conditional_test(
    values: Float,
    others: sp.csr_array,
    sign: Float,
    *,
    permutations: int,
    seed: int,
    alternative: str,
    keep: bool,
    workers: int | None,
    progress: bool | None,
    label: str,
) -> tuple[Float, Float | None]:
    """Return p-values of ``sign * (lag of values)`` and, with `keep`, the permuted lags; by sorted id.

    A statistic that is `sign` times the lag, with `sign` fixed, has the lag's p-value; where `sign` is
    negative the tails change places, and where it is 0 the statistic cannot vary and p is 1.
    Units without neighbours get NaN.
    """
    threads = check_workers(workers)
    islands = np.diff(others.indptr) == 0
    if permutations == 0:
        return np.full(len(values), np.nan), None
    from .conditional import conditional_counts

    above, below, lags = conditional_counts(
        values,
        others,
        permutations=permutations,
        seed=seed,
        keep=keep,
        workers=threads,
        progress=progress,
        label=label,
    )
    up = np.where(sign > 0, above, np.where(sign < 0, below, permutations))
    down = np.where(sign > 0, below, np.where(sign < 0, above, permutations))
    p = np.asarray(permutation_p(up, down, permutations, alternative), dtype=np.float64)
    return np.where(islands, np.nan, p), lags


def quadrants(z: Float, lag: Float, islands: NDArray[np.bool_]) -> pd.Categorical:
    """Return HH, LL, LH or HL by the signs of z and of its lag; missing for islands."""
    code = np.select([(z > 0) & (lag > 0), (z <= 0) & (lag <= 0), z <= 0], [0, 1, 2], 3)
    return pd.Categorical.from_codes(np.where(islands, -1, code), categories=QUADRANTS)


def clusters(groups: pd.Categorical, p: Float, alpha: float, islands: NDArray[np.bool_]) -> pd.Categorical:
    """Return each unit's group where p is at most `alpha`, else "not significant", or "island"."""
    kinds = [*groups.categories, "not significant", "island"]
    rest = len(groups.categories)
    code = np.where(p <= alpha, groups.codes, rest)  # NaN <= alpha is False
    return pd.Categorical.from_codes(np.where(islands, rest + 1, code), categories=kinds)


def local_tidy(frame: pd.DataFrame, statistic: str, name: str) -> pd.DataFrame:
    """Tabulate one row a unit with the names that all results share."""
    return pd.DataFrame(
        {
            "term": name,
            "unit": frame.index,
            "estimate": frame[statistic].to_numpy(),
            "std_error": np.sqrt(frame["variance"].to_numpy()),
            "statistic": frame["z_value"].to_numpy(),
            "p_value": frame["p_value"].to_numpy(),
            "conf_low": np.nan,
            "conf_high": np.nan,
            "p_sim": frame["p_sim"].to_numpy(),
            "p_fdr": frame["p_fdr"].to_numpy(),
            "cluster": frame["cluster"].to_numpy(),
        }
    )


def count_line(frame: pd.DataFrame) -> str:
    """Write how many units are in each cluster."""
    counts: Any = frame["cluster"].value_counts(sort=False)
    return ", ".join(f"{kind} {count}" for kind, count in counts.items())
