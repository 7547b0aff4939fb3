"""Rows of the list: difference-in-differences, with and without what neighbours get."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from policy_cases import OWN, policy_panel, seats
from size_engine import Design, Size

from spatial.models import did
from spatial.models.policy.difference import _fit as estimated
from spatial.models.policy.spillovers import Specification
from spatial.panel import Panel

METHODS = ("twfe", "callaway-santanna", "borusyak-jaravel-spiess")


def _covers(fit: Any, truth: float, row: int = 0) -> bool:
    found = fit.tidy().iloc[row]
    return bool(found["conf_low"] <= truth <= found["conf_high"])


@cache
def _asked(method: str, cohorts: tuple[int, ...], times: int, path: bool) -> Specification:
    """Return what is estimated, once; a cohort is the start of a unit, 0 for none.  Draws change y alone."""
    index = pd.MultiIndex.from_product([range(len(cohorts)), range(times)], names=["city", "year"])
    frame = pd.DataFrame({"y": np.arange(len(index)) % 7.0, "first": np.repeat(cohorts, times)}, index=index)
    asked = did(Panel(frame), "y", "first", method=method)._specification  # type: ignore[arg-type]
    return asked if path else asked.quick()


def _fits(
    rng: np.random.Generator, cohorts: tuple[int, ...], times: int, sigma: float, path: bool
) -> Iterator[tuple[str, Any]]:
    """Yield the fit by each method of one sample: unit and time effects, a constant effect of the policy."""
    start, when = np.array(cohorts), np.arange(times)[:, None]
    y = (
        rng.normal(size=(times, 1))
        + rng.normal(size=len(start))
        + sigma * rng.normal(size=(times, len(start)))
    )
    y = y + OWN * ((start > 0) & (when >= start))
    for method in METHODS:
        asked = _asked(method, cohorts, times, path)
        layout = asked.cells.layout
        cells = replace(asked.cells, y=y[layout.time, layout.unit])
        yield method, estimated(asked.with_cells(cells), method)


THIRDS = (3,) * 15 + (5,) * 15 + (0,) * 60
SIX = (4,) * 6 + (0,) * 58
SINGLE = (2, 3, 4, 5, 6) + (0,) * 59
ONE = (2,) + (0,) * 39


def _constant(rng: np.random.Generator) -> dict[str, Any]:
    out = {}
    for method, fit in _fits(rng, THIRDS, 8, 0.5, True):
        out[f"{method} covers"] = _covers(fit, OWN)
        out[f"{method} pre-trend"] = fit.pretrend().p_value
        path = fit.event_study()
        truth = np.where(path["time"] >= 0, OWN, 0.0)
        out[f"{method} band"] = bool(((path["band_low"] <= truth) & (truth <= path["band_high"])).all())
    return out


def _few(rng: np.random.Generator) -> dict[str, Any]:
    """Six of 64 units are treated from the fifth of eight times on."""
    return {f"{method} few": _covers(fit, OWN) for method, fit in _fits(rng, SIX, 8, 1.0, False)}


def _single(rng: np.random.Generator) -> dict[str, Any]:
    """Five cohorts of one unit each, among 64."""
    return {f"{method} single": _covers(fit, OWN) for method, fit in _fits(rng, SINGLE, 8, 1.0, False)}


def _calendars(rng: np.random.Generator) -> dict[str, Any]:
    """One of 40 units is treated from the third of four times on."""
    _, fit = next(_fits(rng, ONE, 4, 1.0, False))
    found = fit.placebo(39, level=0.95, seed=int(rng.integers(1 << 30)), progress=False, workers=1)
    return {"calendars": bool(found.conf_low <= OWN <= found.conf_high)}


def _spilling(rng: np.random.Generator, method: str) -> dict[str, Any]:
    # Group-time effects take it that nobody is affected before the own policy.
    panel = policy_panel(rng, ring=0.5, early=method != "callaway-santanna")
    fit = did(panel, "y", "first", method=method, rings=[0, 60], cities=seats())  # type: ignore[arg-type]
    out = {f"{method} covers beside rings": _covers(fit, OWN)}
    if len(fit.terms) > 1 and fit.terms[1].startswith("ring"):
        out[f"{method} ring covers"] = _covers(fit, 0.5, 1)
    return out


FEW_TREATED = Design("policy: 6 of 64 units treated at once, 8 times, iid errors", _few, 2000, 16)
SINGLES = Design("policy: five cohorts of one unit, 59 never treated, 8 times, iid errors", _single, 2000, 12)
CALENDARS = Design("policy: 1 of 40 units treated, 4 times, iid errors, 39 calendars", _calendars, 500, 4)
CONSTANT = Design("policy: 90 units, 8 times, cohorts of 15, iid errors, one effect", _constant, 2000, 16)
RINGS = {
    m: Design(
        f"policy: the same, neighbours within 60 km get half ({m})", partial(_spilling, method=m), 1000, 30
    )
    for m in METHODS
}
TEST = "spatial.models.policy.inference:pretrend_test"

LAW = ("spatial.models.estimation.laws:Law.of_coefficients",)

POLICY: list[Size] = [
    *(Size(f"{m}: 95 % interval of the effect", f"{m} covers", CONSTANT, 0.92, 0.97) for m in METHODS),
    *(
        Size(f"{m}: 95 % interval of the effect", f"{m} few", FEW_TREATED, 0.92, 0.98, LAW, "six treated")
        for m in METHODS
    ),
    *(
        Size(f"{m}: 95 % interval of the effect", f"{m} single", SINGLES, 0.92, 0.98, LAW, "five treated")
        for m in METHODS
    ),
    Size("placebo, 95 % interval by random calendars", "calendars", CALENDARS, 0.93, 0.98),
    *(Size(f"{m}: joint pre-trend test", f"{m} pre-trend", CONSTANT, 0.035, 0.065, (TEST,)) for m in METHODS),
    *(Size(f"{m}: simultaneous 95 % band", f"{m} band", CONSTANT, 0.92, 0.97) for m in METHODS),
    *(Size(f"{m}: interval beside rings", f"{m} covers beside rings", RINGS[m], 0.92, 0.97) for m in METHODS),
    Size("twfe: interval of the ring", "twfe ring covers", RINGS["twfe"], 0.92, 0.97),
    Size(
        "borusyak-jaravel-spiess: interval of the ring",
        "borusyak-jaravel-spiess ring covers",
        RINGS["borusyak-jaravel-spiess"],
        0.92,
        0.97,
    ),
]
