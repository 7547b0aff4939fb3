"""Untreated units made comparable: propensity scores, kernels, entropy; and how well they balance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import ConvergenceError, DataError
from spatial.languages.shown import digits, frame_text
from spatial.models.diagnostics.means import compare_means
from spatial.results import Result
from spatial.words import tell

from .cells import Cells, Matching
from .group_time import logit

__all__ = ["Balance", "balance", "balance_weights", "matched", "read_match"]

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

CALIPER = 0.2
"""Widest distance of a match, in standard deviations of the log odds (Austin 2011)."""
_TIED = 1e-10
BANDWIDTH = 0.06
"""Of the kernel, in propensity scores: that of Heckman, Ichimura and Todd (1997), as psmatch2 has it."""


@dataclass(frozen=True)
class Match:
    """How units are matched: "psm", "kernel" or "entropy", and what each needs."""

    how: str
    neighbours: int = 1
    width: float = CALIPER


def read_match(text: Any) -> Match:
    """Read ``"psm"``, ``"psm:4"`` (neighbours), ``"psm:1:0.1"`` (caliper), ``"kernel:0.1"`` or ``"entropy"``.

    Examples
    --------
    >>> read_match("psm:4"), read_match("kernel").width
    (Match(how='psm', neighbours=4, width=0.2), 0.06)
    """
    how, *given = text.split(":") if isinstance(text, str) else ("",)
    try:
        found = None
        if how == "psm" and len(given) <= 2:
            width = float(given[1]) if len(given) == 2 else CALIPER
            found = Match("psm", int(given[0]) if given else 1, width)
        elif how == "kernel" and len(given) <= 1:
            found = Match("kernel", width=float(given[0]) if given else BANDWIDTH)
        elif how == "entropy" and not given:
            found = Match("entropy")
        if found is not None and found.neighbours >= 1 and 0 < found.width < math.inf:
            return found
    except ValueError:
        pass
    raise DataError(
        "match is 'psm', 'psm:NEIGHBOURS' or 'psm:NEIGHBOURS:CALIPER' (in standard deviations of the log "
        f"odds), 'kernel' or 'kernel:BANDWIDTH' (in propensity scores), or 'entropy'; got {text!r}."
    )


def matched(cells: Cells, text: str) -> Cells:
    """Return cells whose never-treated units are matched on means of the controls before the first policy.

    Parameters
    ----------
    cells : Cells
    text : str
        Neighbours on the log odds of treatment with replacement, within a caliper, each weighted by how often
        it is one; a kernel of the distances of propensity scores (Heckman, Ichimura and Todd 1997); or
        weights of the never treated that make their means those of the treated (Hainmueller 2012).
    """
    asked = read_match(text)
    if not cells.controls:
        raise DataError(f'match="{text}" needs controls, on whose means before the policy units are matched.')
    never = cells.adoption.never
    if not never.any():
        raise DataError(f'match="{text}" needs never-treated units; each unit is treated at some time.')
    first = int(cells.adoption.start[~never].min())
    early = cells.time < first
    counts = np.bincount(cells.unit[early], minlength=cells.layout.n_units)
    means = np.full((cells.layout.n_units, cells.X.shape[1]), np.nan)
    known = counts > 0
    sums = np.zeros(means.shape)
    np.add.at(sums, cells.unit[early], cells.X[early])
    means[known] = sums[known] / counts[known, None]
    scores = np.full(len(means), np.nan)
    if asked.how == "entropy":
        weights = known.astype(float)
        weights[never & known] = balance_weights(means[never & known], means[~never & known].mean(axis=0))
        weights[never & known] *= int((never & known).sum())
        kept, note = (
            known,
            "never-treated units are weighted to the treated's means of the controls before the policy",
        )
    else:
        scores[known] = propensity_scores(means[known], ~never[known])
        near = _neighbours if asked.how == "psm" else _kernel
        weights = near(scores, ~never, known, asked)
        kept = weights > 0
        note = (
            f"{int((kept & never).sum())} of {int(never.sum())} never-treated and "
            f"{int((kept & ~never).sum())} of "
            f"{int((~never).sum())} treated units are matched on propensity scores; the never-treated are "
            "weighted by their matches"
        )
    found = Matching(text, cells.layout.units, ~never, means, np.where(kept, weights, 0.0), scores)
    return replace(cells, row_weights=weights[cells.unit], matching=found).keep(kept, note)


def propensity_scores(X: Float, treated: Bool) -> Float:
    """Return the probabilities of treatment by a logit, (n,)."""
    scale = X.std(axis=0)
    Z = np.column_stack([np.ones(len(X)), (X - X.mean(axis=0)) / np.where(scale > 0, scale, 1.0)])
    return np.asarray(np.clip(logit(Z, treated.astype(float)), 1e-12, 1 - 1e-12))


def _neighbours(p: Float, treated: Bool, known: Bool, asked: Match) -> Float:
    odds = np.log(p / (1 - p))
    controls, weights = np.nonzero(known & ~treated)[0], np.zeros(len(p))
    widest = asked.width * float(np.std(odds[known]))
    for k in np.nonzero(known & treated)[0]:
        gap = np.abs(odds[controls] - odds[k])
        # All that are as near as the last one, as Stata's teffects psmatch: who is first is no reason.
        last = np.partition(gap, min(asked.neighbours, len(gap)) - 1)[min(asked.neighbours, len(gap)) - 1]
        nearest = np.nonzero(gap <= min(last + _TIED, widest))[0]
        if len(nearest):
            weights[k] = 1.0
            weights[controls[nearest]] += 1 / len(nearest)
    if not weights.any():
        raise DataError(
            f"No treated unit has an untreated one within {asked.width:g} standard deviations of its "
            "propensity score; "
            f"treated and untreated units do not overlap in the controls."
        )
    return weights


def _kernel(p: Float, treated: Bool, known: Bool, asked: Match) -> Float:
    controls, weights = np.nonzero(known & ~treated)[0], np.zeros(len(p))
    for k in np.nonzero(known & treated)[0]:
        near = np.maximum(1 - ((p[controls] - p[k]) / asked.width) ** 2, 0.0)  # Epanechnikov
        if near.sum() > 0:
            weights[k] = 1.0
            weights[controls] += near / near.sum()
    if not weights.any():
        raise DataError(
            f"No treated unit has an untreated one whose propensity score is within {asked.width:g}; treated "
            "and untreated units do not overlap in the controls."
        )
    return weights


@dataclass(frozen=True, eq=False, repr=False)
class Balance(Result):
    r"""Means of the controls of treated and never-treated units, before and after matching.

    .. math:: 100\, \frac{\bar x_1 - \bar x_0}{\sqrt{(s_1^2 + s_0^2) / 2}}

    is the standardised bias (Rosenbaum and Rubin 1985), with the variances before matching in both.

    Parameters
    ----------
    frame : DataFrame
        term, sample (``"before"``, ``"after"``), treated, untreated, std_bias (per cent), reduction (of its
        size, per cent), statistic and p_value (the t of Welch), variance_ratio (treated to untreated).
    weights : Series
        Of each unit, by id; 0 of those that are left out.
    scores : Series
        Propensity scores, by id; missing under entropy balancing.
    treated : Series
        By id.
    match : str
    """

    frame: pd.DataFrame
    weights: pd.Series[float]
    scores: pd.Series[float]
    treated: pd.Series[bool]
    match: str

    figure = "balance_plot"

    def tidy(self) -> pd.DataFrame:
        """Return a row for each control and sample."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: units that are matched, and mean and largest size of the bias, before and after."""
        used, row = self.weights > 0, {"match": self.match}
        size = self.frame["std_bias"].abs().groupby(self.frame["sample"])
        numbers = {
            "n_treated": int((used & self.treated).sum()),
            "n_untreated": int((used & ~self.treated).sum()),
        }
        biases = {
            f"{w}_bias_{k}": getattr(size, f)()[k] for k in ("before", "after") for w, f in _SIZES.items()
        }
        return pd.DataFrame([row | numbers | biases])

    def headline(self) -> str:
        """Return the largest bias before and after."""
        row = self.glance().iloc[0]
        sizes = (f"{row[f'largest_bias_{sample}']:.3g} %" for sample in ("before", "after"))
        return f"{self.match}: largest bias {' to '.join(sizes)}"

    def summary(self) -> str:
        """Write the balance."""
        row = self.glance().iloc[0]
        lines = [
            tell(
                f"Balance by {self.match}: {row['n_treated']} treated and {row['n_untreated']} never-treated "
                f"units; mean standardised bias {row['mean_bias_before']:.1f} % before and "
                f"{row['mean_bias_after']:.1f} % after",
                f"{self.match} 匹配的平衡性：处理组 {row['n_treated']} 个，从未处理 {row['n_untreated']} 个；"
                f"标准化偏差均值匹配前 {row['mean_bias_before']:.1f}%，匹配后 {row['mean_bias_after']:.1f}%",
            ),
            frame_text(self.frame, digits(4)),
        ]
        return "\n".join(lines)


_SIZES = {"mean": "mean", "largest": "max"}


def balance(cells: Cells) -> Balance:
    """Return the balance of matched cells."""
    found = cells.matching
    if found is None:
        raise DataError("Only a matched sample has a balance: did(..., controls=[...], match='psm').")
    known = np.isfinite(found.means).all(axis=1)
    group = np.where(found.treated, 0, 1)
    rows: list[dict[str, Any]] = []
    for name, x in zip(cells.controls, found.means.T, strict=True):
        scale, first = math.nan, math.nan
        for sample, w in (("before", known.astype(float)), ("after", found.weights)):
            part = w > 0
            test = compare_means(x[part], group[part], np.nonzero(part)[0], 2, w[part])
            if sample == "before":
                scale = float(np.sqrt((test.sds**2).mean()))
            with np.errstate(divide="ignore", invalid="ignore"):
                bias = float(np.float64(100 * test.difference) / scale)
                ratio = float((test.sds[0] / test.sds[1]) ** 2)
                less = (
                    float(100 * (1 - abs(bias) / np.float64(abs(first)))) if sample == "after" else math.nan
                )
            first = bias if sample == "before" else first
            rows.append(
                {
                    "term": name, "sample": sample, "treated": float(test.means[0]),
                    "untreated": float(test.means[1]), "std_bias": bias, "reduction": less,
                    "statistic": test.statistic, "p_value": test.p_value, "variance_ratio": ratio,
                }
            )  # fmt: skip
    units = found.units
    return Balance(
        pd.DataFrame(rows),
        pd.Series(found.weights, units, name="weight"),
        pd.Series(found.scores, units, name="score"),
        pd.Series(found.treated, units, name="treated"),
        found.match,
    )


def balance_weights(X: Float, target: Float) -> Float:
    r"""Return weights of least relative entropy with given means, summing to one,

    .. math:: \min_w \sum_i w_i \log w_i \quad \text{s.t.} \quad \sum_i w_i x_i = \bar x, \; \sum_i w_i = 1

    (Hainmueller 2012, eq. 9), by Newton steps on its dual.

    Parameters
    ----------
    X : array (n, k)
    target : array (k,)

    Examples
    --------
    >>> import numpy as np
    >>> w = balance_weights(np.array([[0.0], [1.0], [3.0]]), np.array([2.0]))
    >>> round(float(w @ [0.0, 1.0, 3.0]), 10), round(float(w.sum()), 10)
    (2.0, 1.0)
    """
    scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
    Z = (X - target) / scale
    b = np.zeros(Z.shape[1])

    def dual(b: Float) -> float:
        e = Z @ b
        return float(np.log(np.exp(e - e.max()).sum()) + e.max())

    for _ in range(200):
        e = Z @ b
        w = np.exp(e - e.max())
        w /= w.sum()
        gradient = Z.T @ w
        if np.max(np.abs(gradient)) < 1e-10:
            return np.asarray(w)
        step = np.linalg.pinv((Z * w[:, None]).T @ Z - np.outer(gradient, gradient)) @ gradient
        size, here = 1.0, dual(b)
        # Near the solution the dual falls by less than its rounding error.
        slack = 1e-14 * (1.0 + abs(here))
        while size > 1e-8 and dual(b - size * step) > here - 1e-4 * size * float(gradient @ step) + slack:
            size /= 2
        b = b - size * step
    raise ConvergenceError(
        "No weights of the untreated units give the means of the treated: they lie outside what the "
        "untreated have. "
        "Use fewer controls, or match='psm'."
    )
