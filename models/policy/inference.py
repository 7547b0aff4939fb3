"""Covariances of effects from influences, simultaneous bands, and the joint test before the policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

__all__ = ["covariance_matrix", "few_note", "labelled", "laws_of", "pretrend_test", "sup_t"]

Float = NDArray[np.float64]

DRAWS = 20_000


def covariance_matrix(
    found: Effects, cells: Cells, cov: choice.Covariance, lookup: Callable[[str], Any], method: str
) -> Float:
    """Return the covariance of the estimates and the path, (K + E, K + E); NaN where there is none.

    A program gives none, or one unit (or cluster) alone is treated at that time: its errors are fitted, and
    what is left is the variance of the untreated alone.
    """
    matrix = _covariance(found, cells, cov, lookup, method)
    unknown = _unknown(found, cells, cov, lookup, method)
    matrix[unknown, :] = matrix[:, unknown] = np.nan
    return matrix


def _unknown(
    found: Effects, cells: Cells, cov: choice.Covariance, lookup: Callable[[str], Any], method: str
) -> NDArray[np.bool_]:
    """Return which estimates and effects of the path rest on one treated unit (or cluster), (K + E,)."""
    k, e = len(found.estimates), len(found.path)
    effect = np.array([name.startswith("att") for name in found.names] + [True] * e, dtype=bool)
    if method == "synthetic":  # its variance is that of placebos
        return np.zeros(k + e, dtype=bool)
    by = cov.by if isinstance(cov, choice.Cluster) else "unit"
    codes = cluster_codes(by, cells.layout, lookup)
    treated = cells.adoption.start[cells.unit] >= 0
    alone = [len(np.unique(codes[treated & (cells.since == since)])) < 2 for since in found.times]
    rest = len(np.unique(codes[treated])) < 2
    return np.asarray(effect & np.array([rest] * k + alone, dtype=bool))


def few_note(unknown: NDArray[np.bool_], cohorts: Mapping[Any, int], method: str) -> tuple[str, ...]:
    """Return what must be said where cohorts have one unit; `unknown` as the covariance has it."""
    if unknown[0]:
        return (
            "one unit (or cluster) alone is treated: how much it varies cannot be known, and there is no "
            "standard error. Other programs print that of the untreated alone, and 95 % intervals cover "
            ".21; placebo(500, level=0.95) gives an interval by random calendars, which covers .95",
        )
    out = []
    if unknown.any():
        out.append("times since the policy that one treated unit alone has reached have no standard error")
    single = [g for g, n in cohorts.items() if n == 1]
    if single and method != "synthetic":
        named = ", ".join(str(g) for g in single[:5])
        out.append(
            f"cohorts of one treated unit ({named}): how much it varies cannot be known from itself, and "
            "intervals may be too short; placebo(500, level=0.95) gives one by random calendars"
        )
    return tuple(out)


def _covariance(
    found: Effects, cells: Cells, cov: choice.Covariance, lookup: Callable[[str], Any], method: str
) -> Float:
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
) -> tuple[Law, Law]:
    """Return against what t statistics of the estimates and of the path are read.

    Where the influence of each unit is known, by the t of Welch: cohorts have means of their own.  Slopes, as
    of rings, by t(C - 1).  Elsewhere by t with one less than the fewer of treated and untreated units.
    """
    k, e = len(found.estimates), len(found.path)
    if found.scores is None:
        few = cells.adoption.fewest
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

    Of those that have a variance; NaN where their covariance is not known whole.  Montiel Olea and
    Plagborg-Moller (2019), algorithm 1, with a t distribution of `df` degrees of freedom.
    """
    known = np.isfinite(np.diag(matrix))
    matrix = matrix[np.ix_(known, known)]
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
    before = before & np.isfinite(np.diag(matrix))
    if few < 2 or not before.any():
        return HypothesisTest.failed(name, null, "one unit alone is treated, or not treated")
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
