"""Rows of the list: difference-in-differences, with and without what neighbours get."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from policy_cases import OWN, policy_panel, seats
from size_engine import Design, Size

from spatial.models import did
from spatial.panel import Panel

METHODS = ("twfe", "callaway-santanna", "borusyak-jaravel-spiess")


def _covers(fit: Any, truth: float, row: int = 0) -> bool:
    found = fit.tidy().iloc[row]
    return bool(found["conf_low"] <= truth <= found["conf_high"])


def _constant(rng: np.random.Generator) -> dict[str, Any]:
    panel, out = policy_panel(rng), {}
    for method in METHODS:
        fit = did(panel, "y", "first", method=method)
        out[f"{method} covers"] = _covers(fit, OWN)
        out[f"{method} pre-trend"] = fit.pretrend().p_value
        path = fit.event_study()
        truth = np.where(path["time"] >= 0, OWN, 0.0)
        out[f"{method} band"] = bool(((path["band_low"] <= truth) & (truth <= path["band_high"])).all())
    return out


def _spilling(rng: np.random.Generator, method: str) -> dict[str, Any]:
    # Group-time effects take it that nobody is affected before the own policy.
    panel = policy_panel(rng, ring=0.5, early=method != "callaway-santanna")
    fit = did(panel, "y", "first", method=method, rings=[0, 60], cities=seats())  # type: ignore[arg-type]
    out = {f"{method} covers beside rings": _covers(fit, OWN)}
    if len(fit.terms) > 1 and fit.terms[1].startswith("ring"):
        out[f"{method} ring covers"] = _covers(fit, 0.5, 1)
    return out


def _few(rng: np.random.Generator) -> dict[str, Any]:
    """Six of 64 units are treated from the fifth of eight times on."""
    n, times = 64, 8
    first = np.where(np.arange(n) < 6, 2004, 0)
    post = (first[:, None] > 0) & (np.arange(times) >= 4)
    y = rng.normal(size=(n, 1)) + rng.normal(size=(1, times)) + OWN * post + rng.normal(size=(n, times))
    index = pd.MultiIndex.from_product([range(n), range(2000, 2000 + times)], names=["city", "year"])
    panel = Panel(pd.DataFrame({"y": y.ravel(), "first": np.repeat(first, times)}, index=index))
    fits = {method: did(panel, "y", "first", method=method) for method in METHODS}  # type: ignore[arg-type]
    return {f"{method} few": _covers(fit, OWN) for method, fit in fits.items()}


FEW_TREATED = Design("policy: 6 of 64 units treated at once, 8 times, iid errors", _few, 2000, 16)
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
        Size(f"{m}: 95 % interval of the effect", f"{m} few", FEW_TREATED, 0.9, 0.98, LAW, "six treated")
        for m in METHODS
    ),
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
