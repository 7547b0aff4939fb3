"""What is known of the intervals of a fit with a spatial lag and a spatial error."""

from __future__ import annotations

from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.instrumental.choice import highest_lag

__all__ = ["APART", "COVERAGE", "JOINT", "WHERE", "coverage_notes", "coverage_of"]

WHERE = "N 50-1000, T 2-15, rho -.3 to .9"
COVERAGE = {"lags": ".22-.98", "one lag": ".40-.97", "best": ".69-1.00", "aqs": ".89-.99"}
"""Least and largest share of samples in which 95 % intervals of the lags and of rho cover, in the cells of
docs/simulation_grid.csv with sparse weights; of `aqs` by distance.  A test compares them with the file."""
APART_WHERE = "N 50-100, T 6, rho .7 and .9, lags and errors in five and fifteen neighbours or all"
APART = {"lags": ".12-.77", "one lag": ".26-.82", "best": ".84-.97", "aqs": ".93-.99"}
"""The same with the error in other weights than the lag."""
JOINT = {
    "two times": ".89-.96",
    "other outcomes at two times": ".90-.96",
    "regions by time": ".89-.99",
    "all pairs": ".92-.98",
}
"""The same of `aqs` by distance where its intervals are less good, or lag and error hard to tell apart: of
lags, rho and slopes of other outcomes, with two times of lags and rho alone."""

CHANGED = (
    "fit() without a method is by aqs here, where an equation has a spatial lag and a spatial error (before "
    "0.1 by gs3sls); fit('gs3sls') is the published estimator"
)
FEWER = (
    "instruments to WX only (iv_order=1, the default here): each further lag adds to the bias of the "
    "spatial lag"
)


def coverage_of(method: str, kind: str, same: bool = True) -> str:
    """Say in how many samples intervals cover, by the instruments: "lags", "one lag" or "best"."""
    shares, where = (COVERAGE, WHERE) if same else (APART, APART_WHERE)
    return (
        f"with a spatial lag and a spatial error in {'the same' if same else 'other'} weights, 95 % "
        f"intervals of the lag and of rho by {method} with these instruments cover in {shares[kind]} of "
        f"samples ({where}; docs/simulation.md): system.fit('aqs') covers in {shares['aqs']}"
    )


def coverage_notes(asked: Request, found: Estimate) -> tuple[str, ...]:
    """Say how often intervals like those of this fit cover, where that is not .95."""
    same = found.structure.has_lag_and_error
    if not found.structure.has_lag_beside_error:
        return ()
    if found.method == "aqs":
        return (CHANGED,) if asked.by_default else ()
    if found.method not in ("gs3sls", "gs2sls", "gmm"):
        return ()
    one = highest_lag(found.design) < 2
    kind = "best" if asked.iv == "best" else "one lag" if one else "lags"
    said = coverage_of(found.method, kind, same)
    if kind == "one lag" and asked.given is not None and asked.given.iv_order is None:
        return (FEWER, said)
    return (said,)
