"""Several fits at once: their covariance from stacked scores, summed by unit (as Stata's suest)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.covariance import Cluster, Covariance
from spatial.models.estimation.scores import cluster_scores
from spatial.models.hypothesis import HypothesisTest, wald
from spatial.models.results import SystemFit

__all__ = ["ASSUMED", "Stacked", "contrasts", "equality", "holm", "stacked_covariance"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stacked:
    """Coefficients of all fits by (fit, equation, term), and their joint covariance."""

    params: pd.Series[float]
    cov: pd.DataFrame


def stacked_covariance(fits: Mapping[str, SystemFit]) -> Stacked:
    r"""Return the joint covariance of fits on samples that may share units.

    .. math::

        \operatorname{Cov}(\hat\beta_a, \hat\beta_b) = \sum_c \psi_{ac}\psi_{bc}', \qquad
        \psi_{ac} = A_a^{-1} \sum_{i \in c} s_{ai}

    (Weesie 1999), with clusters c of the first fit's covariance, or units.  Each fit's own block is its own
    clustered covariance, small-sample factor and all.
    """
    first = next(iter(fits.values())).covariance
    by = first.by if isinstance(first, Cluster) else "unit"
    sums = {name: _influence(fit, by) for name, fit in fits.items()}
    labels = pd.Index([])
    for frame in sums.values():
        labels = labels.union(frame.index, sort=False)
    wide = np.column_stack([frame.reindex(labels, fill_value=0.0).to_numpy() for frame in sums.values()])
    keys = [(name, *key) for name, fit in fits.items() for key in fit.params.index]
    index = pd.MultiIndex.from_tuples(keys, names=["fit", "equation", "term"])
    params = pd.Series(np.concatenate([fit.params.to_numpy() for fit in fits.values()]), index=index)
    return Stacked(params, pd.DataFrame(wide.T @ wide, index=index, columns=index))


def _influence(fit: SystemFit, by: Any) -> pd.DataFrame:
    """Return the influence of each cluster on the coefficients; its outer products sum to the covariance."""
    found = fit.estimate
    layout = found.design.layout
    if getattr(found.numbers.fit, "gamma", None) is None:
        raise DataError(
            f"Scores of a fit by {fit.method!r} cannot be stacked; use test='wald' or 'permutation'."
        )
    codes = cluster_codes(by, layout, found.lookup)
    bread, gamma = found.numbers.fit.bread, found.numbers.fit.gamma
    sums = cluster_scores(found.design.basis.Q, found.numbers.residuals, gamma, codes) @ bread.T
    names = _names(by, layout, codes, found)
    count = len(sums)
    factor = count / (count - 1)
    if fit.asked.small:
        cov: Covariance = Cluster(by)
        k = len(bread) / len(found.numbers.residuals)
        factor *= cov.small_factor(found.design, k, found.lookup)
    return pd.DataFrame(sums * np.sqrt(factor), index=names)


def _names(by: Any, layout: Any, codes: Any, found: Any) -> pd.Index[Any]:
    """Return what each cluster is called, so that the fits can be matched."""
    first = np.unique(codes, return_index=True)[1]
    if isinstance(by, str) and by == "unit":
        return pd.Index(layout.units[layout.unit[first]])
    if isinstance(by, str) and by == "time":
        return pd.Index(layout.times[layout.time[first]])
    if isinstance(by, str):
        return pd.Index(np.asarray(found.lookup(by))[first])
    return pd.Index(by.reindex(layout.units[layout.unit[first]]).to_numpy())


# ---- equality
ASSUMED = {
    "wald": "errors as in the fit, groups in one model",
    "suest": "clusters independent of each other, groups in models of their own",
    "permutation": "units exchangeable between groups where slopes are equal",
}
"""What each test of equality takes for granted."""


def contrasts(keys: list[Any], params: pd.Series[Any]) -> Float:
    """Return the rows of R that compare each group with the first."""
    places = [params.index.get_loc(key) for key in keys]
    out = np.zeros((len(keys) - 1, len(params)))
    for row, place in enumerate(places[1:]):
        out[row, places[0]], out[row, place] = -1.0, 1.0
    return out


def equality(R: Float, params: pd.Series[Any], cov: pd.DataFrame, df: float | None = None) -> HypothesisTest:
    """Return the Wald test of R times the parameters; as F with `df` where the clusters are counted."""
    b, V = params.to_numpy(), cov.to_numpy()
    null = "the slopes are equal in all groups"
    test = wald("Wald", null, R @ b, R @ V @ R.T)
    if df is None or not test.computed:
        return test
    return HypothesisTest("Wald", null, test.statistic / test.df, "F", test.df, df)


def holm(p: pd.Series[Any]) -> Any:
    """Return p-values adjusted for several tests (Holm 1979)."""
    values = p.to_numpy(dtype=float)
    order = np.argsort(values)
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    out = np.empty(len(values))
    out[order] = np.minimum(steps, 1.0)
    return out
