"""What both chains share: aligned values, counts of moves, steady states, tests by permutation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.autocorrelation.inference import Run
from spatial.autocorrelation.sample import describe_weights, sorted_order
from spatial.compute.draws import uniform_permutations
from spatial.compute.pvalues import permutation_counts, permutation_p
from spatial.errors import DataError, WeightsError, name_ids
from spatial.ids.alignment import check_scale, indexer
from spatial.ids.rows import check_spacing
from spatial.panel.panel import Panel
from spatial.weights.value import Weights, as_weights

__all__ = ["balanced", "few_expected", "moves", "permuted_p", "steady_state", "tidy_block"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]

FEW = 5.0
"""An expected count below this makes the chi-squared distribution a poor approximation (Cochran 1954)."""


def balanced(panel: Panel, column: str, W: Any, *, relative: bool) -> tuple[Float, pd.Index[Any], Weights]:
    """Return values (N, T) by sorted id, these ids, and the weights in that order; refuse gaps."""
    if not isinstance(panel, Panel):
        raise DataError(f"A Panel is needed, with several times; got {type(panel).__name__}.")
    given = as_weights(W)
    indexer(panel.units, given.ids, "the panel")
    weights = given.reordered(given.ids[sorted_order(given.ids)])
    if len(weights.islands):
        raise WeightsError(
            f"Neighbours' classes need neighbours; these units have none: {name_ids(weights.islands)}. "
            "Leave them out of panel and weights, or build weights that link them."
        )
    if not weights.is_row_standardized:
        raise WeightsError(
            "Neighbours' classes go by the neighbours' mean, and need row-standardised weights; these are "
            f"not ({describe_weights(weights)}). Pass W.row_standardized()."
        )
    (name,) = panel.require([column])
    cube = panel.cube([name], units=weights.ids)[:, :, 0]
    check_scale(cube, f"Column {name!r}")
    gaps = np.argwhere(~np.isfinite(cube))
    if len(gaps):
        cells = [(weights.ids[j], panel.times[t]) for t, j in gaps]
        raise DataError(
            f"{column!r} must have a value for each unit at each time; none at {name_ids(cells)}. "
            "Use panel.interpolate or panel.balance first."
        )
    if panel.n_times < 2:
        raise DataError(f"Transitions need two times or more; the panel has {panel.n_times}.")
    check_spacing(panel.times)
    if relative:
        means = cube.mean(axis=1, keepdims=True)
        low = np.flatnonzero(means[:, 0] <= 0)
        if len(low):
            raise DataError(
                f"relative=True divides by the year's mean, and that of {column!r} is not above zero in "
                f"{name_ids([panel.times[t] for t in low])}: the order of the units would turn round. Use "
                "relative=False, fixed=False for classes of each year, or a variable that is positive."
            )
        cube = cube / means
    return np.ascontiguousarray(cube.T), weights.ids, weights


def moves(before: Int, after: Int, given: Int, shape: tuple[int, int]) -> Float:
    """Count the moves from class to class (k, k) for each class of `given`, (m, k, k)."""
    m, k = shape
    code = (given * k + before) * k + after
    return np.bincount(code.ravel(), minlength=m * k * k).reshape(m, k, k).astype(np.float64)


def few_expected(expected: Float) -> tuple[int, int]:
    """Return how many of the expected counts above 0 are below 5, and how many there are."""
    some = expected[expected > 0]
    return int((some < FEW).sum()), len(some)


def permuted_p(statistics: Callable[[Any], Float], units: int, run: Run) -> Float:
    """Return the p-values of statistics where whole trajectories change places.

    ``statistics(places)`` returns a few numbers, large against the null, for the units so rearranged.
    """
    observed = statistics(np.arange(units))
    if not run.permutations:
        return np.full(len(observed), np.nan)
    simulated = np.empty((run.permutations, len(observed)))
    step = 256
    for start in range(0, run.permutations, step):
        stop = min(start + step, run.permutations)
        moved = uniform_permutations(units, start, stop - start, seed=run.seed)
        for r in range(start, stop):
            simulated[r] = statistics(moved[:, r - start])
    counts = [permutation_counts(o, s) for o, s in zip(observed, simulated.T, strict=True)]
    return np.array([permutation_p(*c, run.permutations, "greater") for c in counts])


def steady_state(p: Float) -> Float:
    """Return giddy's steady state, or NaN where it is not unique or a class was never left."""
    from spatial.compute.compiled import import_kept

    missing = np.full(len(p), np.nan)
    if (p.sum(axis=1) == 0).any():
        return missing
    found = np.atleast_2d(import_kept("giddy.ergodic").steady_state(p))
    return np.asarray(found[0], dtype=np.float64) if len(found) == 1 else missing


def tidy_block(name: str, lag: int, counts: Float, labels: list[str] | None = None) -> pd.DataFrame:
    size = len(counts)
    kinds: Any = labels or list(range(1, size + 1))
    left = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, left, out=np.full(counts.shape, np.nan), where=left > 0)
    error = np.sqrt(np.divide(share * (1 - share), left, out=np.full(counts.shape, np.nan), where=left > 0))
    return pd.DataFrame(
        {
            "term": name,
            "lag_class": lag,
            "from": np.repeat(kinds, size),
            "to": np.tile(kinds, size),
            "count": counts.ravel().astype(np.int64),
            "estimate": share.ravel(),
            "std_error": error.ravel(),
        }
    )
