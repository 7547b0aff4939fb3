"""Covariances of effects from influences, simultaneous bands, and the joint test before the policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.estimation import covariance as choice
from spatial.models.estimation.clusters import cluster_codes, coordinates
from spatial.models.estimation.laws import Law, welch_law
from spatial.models.estimation.measures import inference_frame
from spatial.models.estimation.scores import cluster_meat, cluster_sums, conley_meat, kernel_weights
from spatial.models.hypothesis import CLUSTERED, HypothesisTest, wald

from .cells import Cells
from .effects import Effects

__all__ = ["covariance_matrix", "labelled", "laws_of", "pretrend_test", "sup_t"]

Float = NDArray[np.float64]

DRAWS = 20_000


def covariance_matrix(
    found: Effects, cells: Cells, cov: choice.Covariance, lookup: Callable[[str], Any], method: str
) -> Float:
    """Return the covariance of the estimates and the path, (K + E, K + E); NaN where a program gives none."""
    if found.scores is None:
        if cov != choice.Cluster("unit"):
            raise DataError(
                f"{method} has errors clustered by unit; cov is for 'twfe', 'callaway-santanna' and "
                f"'borusyak-jaravel-spiess', whose influence of each cell is known."
            )
        k, e = len(found.estimates), len(found.path)
        out = np.full((k + e, k + e), np.nan)
        np.fill_diagonal(out[:k, :k], found.std_errors**2)
        out[k:, k:] = found.path_covariance
        return out
    scores = found.scores
    if isinstance(cov, choice.Cluster):
        codes = cluster_codes(cov.by, cells.layout, lookup)
        plain = cov.by == "unit" and found.factor == 1.0
        clusters = int(codes.max()) + 1
        return cluster_meat(scores, codes, (1.0 if plain else clusters / (clusters - 1)) * found.factor)
    if isinstance(cov, choice.Conley):
        lon, lat = coordinates(cov.coordinates, cells.layout, lookup)
        weights = kernel_weights(lon, lat, cov.km, cov.kernel)
        if not _per_cell(method):
            sums = cluster_sums(scores, cells.layout.unit)
            return np.asarray(sums.T @ (weights @ sums))
        lags = None if cov.lags is None else min(cov.lags, cells.layout.n_times - 1)
        return conley_meat(scores, cells.layout, weights, lags)
    raise DataError(
        f"cov is 'cluster', 'cluster:COLUMN' or 'conley:KM' for effects of policies; got "
        f"{cov.label or cov!r}."
    )


def laws_of(
    found: Effects,
    cells: Cells,
    cov: choice.Covariance,
    lookup: Callable[[str], Any],
    matrix: Float,
    few: int,
) -> tuple[Law, Law]:
    """Return against what t statistics of the estimates and of the path are read.

    Where the influence of each unit is known, by the t of Welch: cohorts have means of their own.  Slopes, as
    of rings, by t(C - 1).  Elsewhere by t with one less than the fewer of treated and untreated units.
    """
    k, e = len(found.estimates), len(found.path)
    if found.scores is None:
        law = Law(None if few < 2 else few - 1)
        return law, law
    if not isinstance(cov, choice.Cluster):
        law = Law(None if np.isinf(found.df) else found.df)
        return law, law
    codes = cluster_codes(cov.by, cells.layout, lookup)
    sums = cluster_sums(found.scores, codes)
    start = np.full(len(sums), -1)
    if cov.by == "unit":
        start = cells.adoption.start
    else:  # clusters with and without treated units
        np.maximum.at(start, codes, np.minimum(cells.adoption.start[cells.unit], 0))
    inside = (sums != 0).any(axis=1)  # the others are compared with nobody
    groups = np.unique(start[inside], return_inverse=True)[1]
    both = welch_law(sums[inside], groups, np.diag(matrix))
    effect = [name.startswith("att") for name in found.names] + [True] * e
    df = np.where(effect, both.each, max(int(inside.sum()) - 1, 1))
    scales = np.where(effect, both.scales, 1.0)

    def part(place: slice) -> Law:
        mine = df[place]
        if not len(mine):
            return Law()
        return Law(float(mine.min()), said=both.said, each=tuple(mine), scales=tuple(scales[place]))

    return part(slice(0, k)), part(slice(k, k + e))


def _per_cell(method: str) -> bool:
    # Only a regression has influences of cells that may be cut after some time lags.
    return method == "twfe"


def sup_t(matrix: Float, level: float, seed: int, df: float) -> float:
    """Return the critical value of simultaneous bands: the quantile of the largest |t|.

    NaN where the covariance is not known whole.  Montiel Olea and Plagborg-Moller (2019), algorithm 1, with a
    t distribution of `df` degrees of freedom.
    """
    if not len(matrix) or not np.isfinite(matrix).all() or df < 1:
        return float("nan")
    size = np.sqrt(np.diag(matrix))
    if (size <= 0).any():
        return float("nan")
    values, vectors = np.linalg.eigh(matrix / np.outer(size, size))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((DRAWS, len(matrix))) @ root.T
    return float(np.quantile(np.abs(draws).max(axis=1) / np.sqrt(rng.chisquare(df, DRAWS) / df), level))


def labelled(
    name: str, labels: Sequence[Any], outcome: str, estimates: Float, errors: Float, law: Law, level: float
) -> pd.DataFrame:
    """Return equation, a label column called `name`, and the columns of inference."""
    index = pd.MultiIndex.from_arrays([[outcome] * len(labels), list(labels)])
    frame = inference_frame(estimates, errors, check_level(level), index, law)
    return frame.rename(columns={"term": name})


def check_level(level: float) -> float:
    """Return a level between 0 and 1."""
    if not 0 < level < 1:
        raise DataError(f"level must lie between 0 and 1, as 0.95; got {level!r}.")
    return float(level)


def pretrend_test(
    times: NDArray[np.int64], path: Float, matrix: Float, anticipation: int, varying: bool, few: int
) -> HypothesisTest:
    r"""Return the joint test that all effects before the policy are zero.

    .. math:: F = \frac{C - q}{q (C - 1)} \, \hat\theta' \hat V^{-1} \hat\theta \sim F(q, C - q)

    with C the smaller of treated and untreated units, as in Hotelling's test: the chi-square of the same
    statistic rejects .14 of true nulls at 5 % with 30 treated units and 5 times, this one .06.
    """
    name, null = "Pre-trend", "all effects before the policy are zero"
    before = times < (0 if varying else -1) - anticipation
    if not before.any():
        return HypothesisTest.failed(name, null, "there is no time before the policy but the reference")
    part = matrix[np.ix_(before, before)]
    if not np.isfinite(part).all():
        return HypothesisTest.failed(
            name, null, "the covariance of the event study is not given by this method"
        )
    found = wald(name, null, path[before], part)
    q = int(found.df) if found.computed else 0
    if not found.computed:
        return found
    if few <= q:
        return HypothesisTest.failed(
            name, null, f"{q} effects before the policy need more than {few} treated and untreated units each"
        )
    scaled = (few - q) / (q * (few - 1)) * found.statistic
    return HypothesisTest(
        name, null, scaled, "F", q, few - q, detail=f"{CLUSTERED}; Hotelling's small-sample F"
    )
