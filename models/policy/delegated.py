"""Estimators that diff-diff computes: its arguments and results are known here only."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError

from .cells import Cells
from .effects import Effects, Options, no_cells

__all__ = [
    "control_group",
    "etwfe",
    "gardner",
    "need_balance",
    "need_two_effects",
    "stacked",
    "sun_abraham",
    "synthetic",
]

Float = NDArray[np.float64]
Int = NDArray[np.int64]
_OF_PROGRAMMERS = (FutureWarning, DeprecationWarning, pd.errors.PerformanceWarning)


def _run(model: Any, cells: Cells, names: str = "covariates", **more: Any) -> tuple[Any, tuple[str, ...]]:
    """Fit a model of diff-diff; its warnings become notes, its errors ours."""
    controls = [f"x{k}" for k in range(cells.X.shape[1])]
    columns = {"outcome": "y", "unit": "unit", "time": "time"} | ({names: controls} if controls else {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = model.fit(cells.frame(), **columns, **({"first_treat": "first"} | more))
        except (ValueError, np.linalg.LinAlgError) as error:
            raise DataError(
                f"{type(model).__name__} of diff-diff cannot be computed here: {error}"
            ) from error
    kept = [str(w.message) for w in caught if not issubclass(w.category, _OF_PROGRAMMERS)]
    return found, tuple(dict.fromkeys(_first_sentence(text) for text in kept))


def _first_sentence(text: str) -> str:
    return " ".join(text.split()).split(". ")[0].rstrip(".")


def need_balance(cells: Cells, method: str) -> None:
    if not cells.balanced:
        counts = np.bincount(cells.unit, minlength=cells.layout.n_units)
        short = int((counts < cells.layout.n_times).sum())
        raise DataError(
            f"{method} needs each unit at each time; {short} of {cells.layout.n_units} units miss some of "
            f"{cells.layout.n_times}. Use panel.balance(), or 'borusyak-jaravel-spiess', 'gardner' or 'twfe'."
        )


def need_two_effects(cells: Cells, method: str) -> None:
    if cells.effects != ("unit", "time"):
        raise DataError(
            f"{method} has unit and time effects; {cells.effects[1]!r} is for 'twfe' and "
            "'borusyak-jaravel-spiess'."
        )


def control_group(cells: Cells, options: Options, method: str) -> str:
    never = int(cells.adoption.never.sum())
    if options.control_group == "never" and not never:
        raise DataError(
            f"{method} compares with never-treated units, and each of the {cells.layout.n_units} units is "
            "treated "
            f'at some time. Use control_group="not-yet".'
        )
    return "never_treated" if options.control_group == "never" else "not_yet_treated"


def _path(
    effects: Mapping[Any, Mapping[str, Any]], vcov: Any, index: Any, cells: Cells, options: Options
) -> tuple[Int, Float, Float]:
    """Return times, estimates and covariance of an event study of diff-diff."""
    reference = -1 - cells.anticipation
    low, high = options.window or (-10_000, 10_000)
    times = [
        int(k)
        for k, v in sorted(effects.items())
        if low <= k <= high and np.isfinite(v["se"]) and v["se"] > 0 and k != reference
    ]
    path = np.array([float(effects[k]["effect"]) for k in times])
    matrix = np.full((len(times), len(times)), np.nan)
    np.fill_diagonal(matrix, np.array([float(effects[k]["se"]) for k in times]) ** 2)
    if vcov is not None and index is not None:
        place = {int(k): j for j, k in enumerate(index)}
        if set(times) <= set(place):
            chosen = [place[k] for k in times]
            matrix = np.asarray(vcov)[np.ix_(chosen, chosen)]
    return np.array(times, dtype=np.int64), path, matrix


def _study(found: Any, cells: Cells, options: Options) -> tuple[Int, Float, Float]:
    return _path(
        found.event_study_effects or {}, getattr(found, "event_study_vcov", None),
        getattr(found, "event_study_vcov_index", None), cells, options,
    )  # fmt: skip


def _gt(table: Mapping[Any, Mapping[str, Any]], key: str = "effect") -> pd.DataFrame:
    rows = [
        {"cohort": int(g) - 1, "time": int(t) - 1, "estimate": float(v[key]), "std_error": float(v["se"])}
        for (g, t), v in table.items()
    ]
    return pd.DataFrame(rows, columns=["cohort", "time", "estimate", "std_error"])


def sun_abraham(cells: Cells, options: Options) -> Effects:
    import diff_diff

    need_two_effects(cells, "sun-abraham")
    model = diff_diff.SunAbraham(
        control_group=control_group(cells, options, "sun-abraham"),
        anticipation=cells.anticipation,
        cluster="unit",
    )
    found, notes = _run(model, cells)
    times, path, matrix = _study(found, cells, options)
    return _overall(found, times, path, matrix, notes=notes)


def gardner(cells: Cells, options: Options) -> Effects:
    import diff_diff

    need_two_effects(cells, "gardner")
    model = diff_diff.TwoStageDiD(anticipation=cells.anticipation, cluster="unit", pretrends=True)
    found, notes = _run(model, cells, aggregate="event_study")
    times, path, matrix = _study(found, cells, options)
    if cells.anticipation:  # which diff-diff counts among the treated times
        found, _ = _run(diff_diff.TwoStageDiD(cluster="unit"), cells.rows(cells.free | cells.post))
    return _overall(found, times, path, matrix, notes=notes)


def stacked(cells: Cells, options: Options) -> Effects:
    import diff_diff

    need_balance(cells, "stacked")
    need_two_effects(cells, "stacked")
    starts = np.unique(cells.adoption.start[cells.adoption.start >= 0])
    widest = (int(starts.min()) - cells.anticipation, int(cells.layout.n_times - 1 - starts.max()))
    low, high = options.window or (-widest[0], widest[1])
    before, after = max(1, min(-low, widest[0])), max(0, min(high, widest[1]))
    model = diff_diff.StackedDiD(
        kappa_pre=before,
        kappa_post=after,
        control_group=control_group(cells, options, "stacked"),
        anticipation=cells.anticipation,
        cluster="unit",
    )
    # Estimates do not change with what is common to a time, and the errors of diff-diff do: one dummy for an
    # event time leaves the shocks of several calendar times in the residuals.
    free = replace(cells, y=cells.y - _of_times(cells)[cells.time])
    found, notes = _run(model, free, aggregate="event_study")
    times, path, matrix = _study(found, cells, options)
    notes = (
        *notes,
        f"stacked over {before} times before and {after} after the policy, which all cohorts have",
    )
    out = _overall(found, times, path, matrix, notes=notes)
    if not cells.anticipation:
        return out
    # diff-diff counts times of anticipation among the treated ones; the average is that of the others.
    after_policy = (times >= 0) / (times >= 0).sum()
    error = np.sqrt(after_policy @ matrix @ after_policy)
    return replace(out, estimates=np.array([after_policy @ path]), std_errors=np.array([error]))


def _of_times(cells: Cells) -> Float:
    """Return the time effects of the untreated cells of a balanced panel, beside unit effects; (T,)."""
    used = cells.layout.dense(cells.free.astype(np.float64))
    y, counts = cells.layout.dense(cells.y), np.maximum(used.sum(axis=0), 1.0)
    left = used * (y - (used * y).sum(axis=0) / counts)
    across = np.diag(used.sum(axis=1)) - (used / counts) @ used.T
    return np.asarray(np.linalg.lstsq(across, left.sum(axis=1), rcond=None)[0])


def etwfe(cells: Cells, options: Options) -> Effects:
    import diff_diff

    need_two_effects(cells, "etwfe")
    model = diff_diff.WooldridgeDiD(
        control_group=control_group(cells, options, "etwfe"), anticipation=cells.anticipation, cluster="unit"
    )
    found, notes = _run(model, cells, "exovar")
    study = found.aggregate("event_study").event_study_effects
    effects = {k: {"effect": v["att"], "se": v["se"]} for k, v in study.items()}
    times, path, matrix = _path(effects, *_joint(found), cells, options)
    return _overall(found, times, path, matrix, _gt(found.group_time_effects, "att"), notes)


def _joint(found: Any) -> tuple[Float | None, list[int] | None]:
    """Return the covariance of the event study of a WooldridgeDiD, and its times: weighted means of cells."""
    V, keys = getattr(found, "_gt_vcov", None), list(getattr(found, "_gt_keys", ()))
    if V is None or len(V) != len(keys):
        return None, None
    since = np.array([int(t) - int(g) for g, t in keys])
    size = np.array([float(found._gt_weights.get(key, 0)) for key in keys])
    times = [int(k) for k in np.unique(since) if size[since == k].sum() > 0]
    means = np.array([np.where(since == k, size, 0.0) / size[since == k].sum() for k in times])
    return means @ np.asarray(V) @ means.T, times


def _overall(
    found: Any,
    times: Int,
    path: Float,
    matrix: Float,
    att_gt: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (),
) -> Effects:
    return Effects(
        ("att",),
        np.array([found.overall_att], dtype=float),
        np.array([found.overall_se], dtype=float),
        times,
        path,
        matrix,
        att_gt=no_cells() if att_gt is None else att_gt,
        notes=notes,
    )


def synthetic(cells: Cells, options: Options) -> Effects:
    import diff_diff

    need_balance(cells, "synthetic")
    need_two_effects(cells, "synthetic")
    cohorts = cells.adoption.cohorts
    if len(cohorts) > 1:
        named = ", ".join(f"{g} ({n})" for g, n in cohorts.items())
        raise DataError(
            f"synthetic difference-in-differences takes one cohort; there are {len(cohorts)}: {named}. "
            "Estimate each "
            f"beside the never treated, or use another method."
        )
    control_group(cells, options, "synthetic")
    frame = cells.frame()
    start = int(cells.adoption.start.max())
    frame = frame[~frame["time"].between(start + 1 - cells.anticipation, start)].copy()
    frame["treated"] = (frame["first"] > 0).astype(int)
    covariates = [f"x{k}" for k in range(cells.X.shape[1])]
    model = diff_diff.SyntheticDiD(seed=options.seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = model.fit(
                frame, outcome="y", treatment="treated", unit="unit", time="time",
                post_periods=list(range(start + 1, cells.layout.n_times + 1)),
                **({"covariates": covariates} if covariates else {}),
            )  # fmt: skip
        except (ValueError, np.linalg.LinAlgError) as error:
            raise DataError(f"SyntheticDiD of diff-diff cannot be computed here: {error}") from error
    notes = tuple(dict.fromkeys(_first_sentence(str(w.message)) for w in caught))
    empty = np.zeros(0)
    return Effects(
        ("att",),
        np.array([found.att]),
        np.array([found.se]),
        empty.astype(np.int64),
        empty,
        np.zeros((0, 0)),
        notes=notes,
    )
