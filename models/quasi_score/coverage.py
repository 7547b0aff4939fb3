"""What is known of the intervals of a fit with a spatial lag and a spatial error."""

from __future__ import annotations

from spatial.models.estimation.estimate import Estimate, Request
from spatial.models.instrumental.choice import highest_lag
from spatial.words import Said

__all__ = ["APART", "COVERAGE", "JOINT", "WHERE", "WITHOUT", "coverage_notes", "coverage_of"]

WHERE = "N 50-1000, T 2-15, rho -.3 to .9"
COVERAGE = {"lags": ".22-.98", "one lag": ".32-.97", "best": ".62-1.00", "aqs": ".89-.99"}
"""Least and largest share of samples in which 95 % intervals of the lags and of rho cover, in the cells of
docs/simulation_grid.csv with sparse weights; of `aqs` by distance.  A test compares them with the file."""
APART_WHERE = "N 50-100, T 6, rho .7 and .9, lags and errors in five and fifteen neighbours or all"
APART = {"lags": ".12-.77", "one lag": ".26-.82", "best": ".84-.97", "aqs": ".93-.99"}
"""The same with the error in other weights than the lag."""
JOINT = {
    "two times": ".89-.98",
    "other outcomes at two times": ".89-.96",
    "regions by time": ".89-.99",
    "unbalanced": ".93-1.00",
    "weights by time": ".92-1.00",
    "all pairs": ".92-.98",
}
"""The same of `aqs` by distance where its intervals are less good, or lag and error hard to tell apart: of
lags, rho and slopes of other outcomes, with two times of lags and rho alone."""

WITHOUT = ".83-.93"
"""The same of slopes of endogenous regressors that have no equation."""

CHANGED = Said(
    (
        "fit() without a method is by aqs here, where an equation has a spatial lag and a spatial error "
        "(before 0.1 by gs3sls); fit('gs3sls') is the published estimator",
        "方程同时含空间滞后与空间误差时，fit() 不指定方法即用 aqs（0.1 之前用 gs3sls）；"
        "fit('gs3sls') 为已发表的估计量",
    )
)
FEWER = Said(
    (
        "instruments to WX only (iv_order=1, the default here): each further lag adds to the bias of the "
        "spatial lag",
        "工具变量只到 WX（iv_order=1，此处的默认）：每多一阶滞后都会加大空间滞后系数的偏误",
    )
)
_COVERS = (
    "with a spatial lag and a spatial error in {weights} weights, 95 % "
    "intervals of the lag and of rho by {method} with these instruments cover in {share} of "
    "samples ({where}; docs/simulation.md): system.fit('aqs') covers in {joint}",
    "空间滞后与空间误差用{weights}权重时，{method} 用这些工具变量所得空间滞后与 rho 的 95% 区间，"
    "在 {share} 的样本中覆盖真值（{where}；docs/simulation.md）；system.fit('aqs') 为 {joint}",
)
_SAME, _OTHER = Said(("the same", "同一")), Said(("other", "不同"))


def coverage_of(method: str, kind: str, same: bool = True) -> Said:
    """Say in how many samples intervals cover, by the instruments: "lags", "one lag" or "best"."""
    shares, where = (COVERAGE, WHERE) if same else (APART, APART_WHERE)
    weights = _SAME if same else _OTHER
    values = {"share": shares[kind], "where": where, "joint": shares["aqs"]}
    return Said(_COVERS, weights=weights, method=method, **values)


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
