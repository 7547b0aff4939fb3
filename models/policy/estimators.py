"""The estimators of staggered difference-in-differences, each from cells to effects with their covariance.

Two-way least squares, imputation and group-time effects are computed here (`least_squares`, `group_time`),
since
they carry what neighbours get and give the influence of each cell; Sun and Abraham, Gardner, stacked,
Wooldridge and
synthetic difference-in-differences are computed by diff-diff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean
from spatial.models.solving import in_unit_columns

from .cells import Cells
from .delegated import (
    control_group,
    etwfe,
    gardner,
    need_balance,
    need_two_effects,
    stacked,
    sun_abraham,
    synthetic,
)
from .effects import METHODS, Effects, Options
from .group_time import aggregate, group_time
from .least_squares import impute, regress

__all__ = ["estimate"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def estimate(
    cells: Cells, method: str, options: Options, extra: tuple[tuple[str, ...], Float] | None = None
) -> Effects:
    """Return the effects by one method.

    Parameters
    ----------
    cells : Cells
    method : str
    options : Options
    extra : (names, array (R, m)), optional
        Regressors whose slopes are wanted: rings, or the treatment of neighbours.  Two-way least squares and
        imputation only.
    """
    if method not in METHODS:
        raise DataError(
            f"There is no method {method!r}.{did_you_mean(method, METHODS)} Methods: {', '.join(METHODS)}."
        )
    if method == "twfe":
        return _two_way(cells, options, extra)
    if method == "borusyak-jaravel-spiess":
        return _imputation(cells, options, extra)
    return _in_unit_columns(_FOREIGN[method], cells, options)


# ---- computed here
def _two_way(cells: Cells, options: Options, extra: tuple[tuple[str, ...], Float] | None) -> Effects:
    names, Z = extra or ((), np.zeros((len(cells.y), 0)))
    D = cells.post.astype(float)[:, None]
    # What reacts before the policy is neither treated nor compared with: its times have slopes of their own.
    early = np.column_stack(
        [D[:, :0], *((cells.since == -k).astype(float) for k in range(1, cells.anticipation + 1))]
    )
    regressors = np.column_stack([D, Z, early, cells.X])
    static = regress(cells.y, regressors, cells.unit, cells.second, weights=cells.row_weights)
    if static.aliased[0]:
        raise DataError(
            "The treatment is explained by the effects: each treated unit of a cell of the second effect "
            "starts at "
            "one time, and no untreated unit is left to compare with."
        )
    times = _event_times(cells, options)
    binned = _binned(cells, options)
    reference = -1 - cells.anticipation
    shown = [int(k) for k in times if k != reference]
    if len(times) and not cells.adoption.never.any():
        # Without never-treated units the path is known up to a trend: a second reference.
        shown = [k for k in shown if k != min(times)]
    if not shown:  # nothing but the average is wanted, as by a placebo
        path = replace(static, b=static.b[:0], scores=static.scores[:, :0], aliased=static.aliased[:0])
    else:
        dummies = np.column_stack([(binned == k).astype(float) for k in shown])
        regressors = np.column_stack([dummies, Z, cells.X])
        path = regress(cells.y, regressors, cells.unit, cells.second, weights=cells.row_weights)
    kept = [j for j in range(len(shown)) if not path.aliased[j]]
    n, k = len(cells.y), static.rank - cells.layout.n_units + 1
    wanted = 1 + len(names)
    notes: tuple[str, ...] = ()
    if options.window is not None and (binned != cells.since)[cells.adoption.start[cells.unit] >= 0].any():
        notes = (f"times beyond {options.window[0]} and {options.window[1]} are binned into the ends",)
    return Effects(
        ("att", *names),
        static.b[:wanted],
        np.full(wanted, np.nan),
        np.array([shown[j] for j in kept], dtype=np.int64),
        path.b[kept],
        np.zeros((0, 0)),
        df=float(cells.layout.n_units - 1),
        scores=np.column_stack([static.scores[:, :wanted], path.scores[:, kept]]),
        factor=(n - 1) / (n - k),
        notes=notes,
    )


def _imputation(cells: Cells, options: Options, extra: tuple[tuple[str, ...], Float] | None) -> Effects:
    names, Z = extra or ((), np.zeros((len(cells.y), 0)))
    free, post = cells.free, cells.post
    X = np.column_stack([cells.X, Z])
    known_unit = np.bincount(cells.unit[free], minlength=cells.layout.n_units) > 0
    known_time = np.bincount(cells.second[free], minlength=int(cells.second.max()) + 1) > 0
    known = known_unit[cells.unit] & known_time[cells.second]
    target = post & known
    notes = []
    if lost := int((post & ~known).sum()):
        notes.append(
            f"{lost} treated cells have no untreated cell of their unit or time and no imputed outcome"
        )
    if not target.any():
        raise DataError("No treated cell can be imputed: at no time of a treated unit is any unit untreated.")
    times = _event_times(cells, options)
    after = [int(k) for k in times if k >= 0 and (target & (cells.since == k)).any()]
    pairs = sorted(
        {*zip(cells.adoption.start[cells.unit[target]].tolist(), cells.time[target].tolist(), strict=True)}
    )
    pairs = pairs if options.path else []
    start = cells.adoption.start[cells.unit]
    masks = [target, *((cells.since == k) & target for k in after)]
    masks += [target & (start == g) & (cells.time == t) for g, t in pairs]
    weights = np.column_stack([m / m.sum() for m in masks])
    groups = np.full(len(cells.y), -1, dtype=np.int64)
    groups[~free] = np.unique(_averaged(cells)[~free], return_inverse=True)[1]
    used = free | target
    found = impute(
        cells.y[used], X[used], cells.unit[used], cells.second[used], free[used], weights[used], groups[used],
        weights=cells.row_weights[used],
    )  # fmt: skip
    before = [int(k) for k in times if k < -1 - cells.anticipation]
    leads = np.column_stack([(cells.since == k).astype(float) for k in before] or [np.zeros(len(cells.y))])
    lead = regress(
        cells.y, np.column_stack([leads, X]), cells.unit, cells.second, free, weights=cells.row_weights
    )
    kept = [j for j in range(len(before)) if not lead.aliased[j]]

    def spread(scores: Float) -> Float:
        out = np.zeros((len(cells.y), scores.shape[1]))
        out[used] = scores
        return out

    first = 1 + len(after)
    slopes = slice(cells.X.shape[1], X.shape[1])
    scores = spread(found.scores)
    return Effects(
        ("att", *names),
        np.concatenate([found.estimates[:1], found.b[slopes]]),
        np.full(1 + len(names), np.nan),
        np.array([before[j] for j in kept] + after, dtype=np.int64),
        np.concatenate([lead.b[kept], found.estimates[1:first]]),
        np.zeros((0, 0)),
        att_gt=pd.DataFrame(
            {
                "cohort": [g for g, _ in pairs],
                "time": [t for _, t in pairs],
                "estimate": found.estimates[first:],
                "std_error": np.sqrt((_by_unit(scores[:, first:], cells) ** 2).sum(axis=0)),
            }
        ),
        scores=np.column_stack(
            [scores[:, :1], spread(found.slope_scores[:, slopes]), lead.scores[:, kept], scores[:, 1:first]]
        ),
        notes=tuple(notes),
    )


def _averaged(cells: Cells) -> Int:
    """Return within which cells effects are averaged for the variance, (R,): cohort by time.

    Cohorts of one unit together, by time since the policy: alone each would be its own average, and vary by
    nothing (on averages over more than one unit: Borusyak, Jaravel and Spiess 2024, conservative inference).
    """
    starts = cells.adoption.start
    counts = np.bincount(starts[starts >= 0], minlength=cells.layout.n_times)
    single = (starts >= 0) & (counts[np.maximum(starts, 0)] == 1)
    own = starts[cells.unit] * (cells.layout.n_times + 1) + cells.time
    return np.where(single[cells.unit], -1 - np.maximum(cells.since, -1), own)


def _by_unit(scores: Float, cells: Cells) -> Float:
    out = np.zeros((cells.layout.n_units, scores.shape[1]))
    np.add.at(out, cells.unit, scores)
    return out


def _event_times(cells: Cells, options: Options) -> Int:
    treated = cells.adoption.start[cells.unit] >= 0
    found = np.unique(cells.since[treated])
    if not options.path:
        return found[:0]
    if options.window is None:
        return found
    return found[(found >= options.window[0]) & (found <= options.window[1])]


def _binned(cells: Cells, options: Options) -> Int:
    if options.window is None:
        return cells.since
    treated = cells.adoption.start[cells.unit] >= 0
    return np.where(treated, np.clip(cells.since, *options.window), cells.since)


def _callaway_santanna(cells: Cells, options: Options) -> Effects:
    need_balance(cells, "callaway-santanna")
    need_two_effects(cells, "callaway-santanna")
    control_group(cells, options, "callaway-santanna")
    start, layout = cells.adoption.start, cells.layout
    shape = (layout.n_times, layout.n_units)
    found = group_time(
        cells.y.reshape(shape),
        cells.X.reshape(*shape, -1),
        start,
        not_yet=options.control_group == "not-yet",
        anticipation=cells.anticipation,
        universal=options.base == "universal",
        weights=cells.row_weights[: layout.n_units],  # balanced: the first time has each unit
    )
    since = found.time - found.cohort
    after = since >= 0
    times = [int(k) for k in np.unique(since) if k in set(_event_times(cells, options).tolist())]
    overall = [aggregate(found, after, start), aggregate(found, after, start, by_cohort=True)]
    path = [aggregate(found, since == k, start) for k in times]
    scores = np.zeros((layout.n_rows, 2 + len(times)))
    # The influence of a unit stands at its first cell.
    scores[: layout.n_units] = np.column_stack([influence for _, influence in (*overall, *path)])
    return Effects(
        ("att", "att by cohort"),
        np.array([value for value, _ in overall]),
        np.full(2, np.nan),
        np.array(times, dtype=np.int64),
        np.array([value for value, _ in path]),
        np.zeros((0, 0)),
        att_gt=pd.DataFrame(
            {
                "cohort": found.cohort,
                "time": found.time,
                "estimate": found.att,
                "std_error": np.sqrt((found.influence**2).sum(axis=0)),
            }
        ),
        scores=scores,
    )


_SHORT = 0.3  # against columns of zeros and ones


def _in_unit_columns(method: Callable[[Cells, Options], Effects], cells: Cells, options: Options) -> Effects:
    """Estimate on an outcome that varies by about one: other programs stop at fixed gaps.

    Controls vary by less: where their products with cells depend on each other, an ETWFE leaves out the
    shorter columns, which must not be the cells.
    """
    centred = cells.y - cells.y.mean()
    unit = float(in_unit_columns(centred[:, None] / np.sqrt(len(centred)))[1][0])
    X = in_unit_columns(cells.X / np.sqrt(len(centred)))[1]
    found = method(replace(cells, y=centred / unit, X=_SHORT * cells.X / X), options)
    cohorts = found.att_gt.assign(**{c: found.att_gt[c] * unit for c in ("estimate", "std_error")})
    return replace(
        found,
        estimates=found.estimates * unit,
        std_errors=found.std_errors * unit,
        path=found.path * unit,
        path_covariance=found.path_covariance * unit**2,
        att_gt=cohorts,
        scores=None if found.scores is None else found.scores * unit,
    )


_FOREIGN: Mapping[str, Callable[[Cells, Options], Effects]] = {
    "callaway-santanna": _callaway_santanna,
    "sun-abraham": sun_abraham,
    "gardner": gardner,
    "stacked": stacked,
    "etwfe": etwfe,
    "synthetic": synthetic,
}
