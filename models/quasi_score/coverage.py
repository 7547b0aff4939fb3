"""What is known of the intervals of a fit with a spatial lag and a spatial error in the same weights."""

from __future__ import annotations

from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.instrumental.choice import highest_lag

__all__ = ["COVERAGE", "coverage_notes", "coverage_of"]

_GRID = "N 50-250, T 2-15, rho .4-.9"
_CELL = "N = 150, T = 6, rho = .7"
COVERAGE = {
    "lags": (".19-.92", _GRID),
    "one lag": (".82-.92", _CELL),
    "best": (".89-.95", _CELL),
}
"""Share of samples in which 95 % intervals of the lag and of rho cover, and where that was simulated."""

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
    share, where = COVERAGE[kind]
    return (
        "with a spatial lag and a spatial error in the same weights, 95 % intervals of the lag and of rho by "
        f"{method} with these instruments cover in {share} of samples ({where}; docs/simulation.md): "
        "system.fit('aqs') covers in .91-.97"
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
