"""What is known of the intervals of a fit with a spatial lag and a spatial error in the same weights."""

from __future__ import annotations

from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.instrumental.choice import highest_lag

__all__ = ["COVERAGE", "WHERE", "coverage_notes", "coverage_of"]

WHERE = "N 50-250, T 2-15, rho .4-.9"
COVERAGE = {"lags": ".18-.94", "one lag": ".41-.96", "best": ".62-.96", "aqs": ".91-1.00"}
"""Least and largest share of samples in which 95 % intervals of the lags and of rho cover, in the cells of
docs/simulation_grid.csv with sparse weights; of `aqs` by distance.  A test compares them with the file."""

CHANGED = (
    "fit() without a method is by aqs here, where a lag and an error have the same weights (before 0.1 by "
    "gs3sls); fit('gs3sls') is the published estimator"
)
FEWER = (
    "instruments to WX only (iv_order=1, the default here): each further lag adds to the bias of the "
    "spatial lag"
)


def coverage_of(method: str, kind: str) -> str:
    """Say in how many samples intervals cover, by the instruments: "lags", "one lag" or "best"."""
    return (
        "with a spatial lag and a spatial error in the same weights, 95 % intervals of the lag and of rho by "
        f"{method} with these instruments cover in {COVERAGE[kind]} of samples ({WHERE}; "
        f"docs/simulation.md): system.fit('aqs') covers in {COVERAGE['aqs']}"
    )


def coverage_notes(asked: Request, found: Estimate) -> tuple[str, ...]:
    """Say how often intervals like those of this fit cover, where that is not .95."""
    if not found.structure.has_lag_and_error:
        return ()
    if found.method == "aqs":
        return (CHANGED,) if asked.by_default else ()
    if found.method not in ("gs3sls", "gs2sls", "gmm"):
        return ()
    one = highest_lag(found.design) < 2
    kind = "best" if asked.iv == "best" else "one lag" if one else "lags"
    said = coverage_of(found.method, kind)
    if kind == "one lag" and asked.given is not None and asked.given.iv_order is None:
        return (FEWER, said)
    return (said,)
