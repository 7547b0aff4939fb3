"""Intervals of effects: by distance or by likelihood ratios where there are such, else by standard errors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean
from spatial.models.estimation.estimate import Interval, interval_method
from spatial.words import Said

if TYPE_CHECKING:
    from .parts import Kind
    from .result import Impacts

__all__ = ["INVERTED", "effect_intervals", "require", "with_intervals"]

INVERTED = {
    "distance": Said(("inverting the distance of the quasi-score", "拟得分距离的反演")),
    "lr": Said(("likelihood ratios", "似然比的反演")),
}
"""Intervals that do not follow from standard errors."""


FEW_TIMES = 10


def require(name: str, allowed: tuple[str, ...], what: str) -> None:
    """Refuse a name that is none of those allowed."""
    if name not in allowed:
        shown = ", ".join(map(repr, allowed))
        raise DataError(f"{what} is one of {shown}; got {name!r}.{did_you_mean(name, allowed)}")


def effect_intervals(
    found: Impacts,
    level: float,
    method: Interval | None,
    outcome: str | None,
    term: str | None,
    by_unit: Kind | None,
) -> pd.DataFrame:
    """Return the intervals of `Impacts.confint`."""
    chosen = _method(found, level, method)
    if outcome is not None:
        require(outcome, found._map.structure.names, "outcome")
    if term is not None:
        require(term, found._map.terms, "term")
    if by_unit is not None:
        if method == "lr":
            raise DataError("Intervals by likelihood ratios are of averages: by unit use method='wald'.")
        return _by_unit(found, level, chosen, outcome, term, by_unit)
    frame = found.frame[["outcome", "term", "effect", "estimate"]].assign(
        std_error=found.frame["std_error_delta"]
    )
    made = None
    if chosen == "distance" and found._estimate is not None:
        made = found._estimate.effect_intervals(found._map, level, found._map.n_regressors)
    if chosen == "lr" and found._estimate is not None:
        G, K = len(found._map.structure.names), found._map.n_regressors
        asked = frame["term"].eq(term) if term is not None else True
        errors = (frame["std_error"] * asked).to_numpy().reshape(G, K, 3).transpose(2, 0, 1)
        made = found._estimate.effect_ratios(found._map, level, errors)
    if made is None:
        chosen = "wald"
        law = found._law
        with np.errstate(divide="ignore", invalid="ignore"):
            frame["p_value"] = law.p_value((frame["estimate"] / frame["std_error"]).to_numpy())
        half = law.quantile(level) * frame["std_error"]
        frame["conf_low"], frame["conf_high"] = frame["estimate"] - half, frame["estimate"] + half
    else:
        frame["p_value"] = made[0].transpose(1, 2, 0).ravel()
        frame[["conf_low", "conf_high"]] = made[1].transpose(1, 2, 0, 3).reshape(-1, 2)
    keep = np.ones(len(frame), dtype=bool)
    for column, wanted in (("outcome", outcome), ("term", term)):
        if wanted is not None:
            keep &= (frame[column] == wanted).to_numpy()
    return frame[keep].assign(method=chosen).reset_index(drop=True)


def _method(found: Impacts, level: float, method: Interval | None) -> Interval:
    estimate = found._estimate
    if estimate is None:
        if method in ("distance", "lr"):
            raise DataError(f"Such intervals need a fit: fit.impacts().confint(method={method!r}).")
        return "wald"
    chosen = interval_method(method, level, estimate)
    if chosen == "distance" and (found.horizon == "long" or found._map.way == "solves"):
        if method == "distance":
            raise DataError(
                "Intervals of effects by distance are made with one weights matrix and horizon='short': "
                "use method='wald'."
            )
        return "wald"
    return chosen


def _by_unit(
    found: Impacts, level: float, chosen: Interval, outcome: str | None, term: str | None, kind: Kind
) -> pd.DataFrame:
    if outcome is None or term is None:
        raise DataError("Intervals by unit are of one effect: give outcome= and term=.")
    require(kind, ("sent", "received", "direct"), "by_unit")
    place = found._map.structure.names.index(outcome), found._map.terms.index(term), kind
    bounds = None
    if found._estimate is not None and chosen == "distance" and len(found._unit) == len(found._ids):
        bounds = found._estimate.unit_intervals(found._map, place, level)
    if bounds is None:
        table = found.units(outcome, term, [kind], level)
        return table.rename(
            columns=lambda name: "estimate" if name == kind else name.removeprefix(f"{kind}_")
        )
    frame = found.by_unit(outcome, term, kind).rename("estimate").to_frame()
    return frame.assign(conf_low=bounds[:, 0], conf_high=bounds[:, 1])


def _where_too_short(found: Impacts) -> tuple[str, ...]:
    """Say where intervals by standard errors were measured to be too short, and which are not."""
    estimate = found._estimate
    if estimate is None:
        return ()
    design = estimate.design
    times = design.layout.n_times
    if design.structure.shifts:
        if found.horizon == "short" or times >= FEW_TIMES:
            return ()
        return (
            f"Long-run effects are ratios with an estimated denominator: with as few times as here, {times}, "
            "95 % intervals of total effects cover in about .91 of samples (.94 with ten times).",
        )
    both = bool(np.any(estimate.numbers.rho != 0))
    if (
        estimate.method not in ("ml", "mess")
        or found._map.way != "traces"
        or design.n_effective > (500 if both else 250)
    ):
        return ()
    return (
        f"By standard errors, with as few rows as here, {design.n_effective}, 95 % intervals of indirect and "
        "total effects cover in .91 to .95 of samples; by likelihood ratios, "
        "fit('ml', intervals='lr', small=True), in .93 to .96.",
    )


def with_intervals(found: Impacts) -> Impacts:
    """Put intervals by distance, or those asked for, in place of those by standard errors."""
    if _method(found, 0.95, None) == "wald":
        return replace(found, notes=(*found.notes, *_where_too_short(found)))
    made = effect_intervals(found, 0.95, None, None, None, None)
    frame = found.frame.copy()
    for column in ("std_error", "p_value", "conf_low", "conf_high", "method"):
        frame[column] = made[column].to_numpy()
    frame["statistic"] = frame["estimate"] / frame["std_error"]
    return replace(found, frame=frame)
