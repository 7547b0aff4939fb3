"""Rates of events in a population at risk: smoothed, and their Moran's I with variances that differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.autocorrelation.global_moran import Moran, moran
from spatial.autocorrelation.lisa import LocalMoran, local_moran
from spatial.autocorrelation.sample import check_missing, one_column
from spatial.errors import DataError, hinted, name_ids
from spatial.ids.alignment import aligned_values, check_ids, check_scale
from spatial.ids.numbers import Values
from spatial.weights.value import WeightsLike, as_weights

__all__ = ["eb_rate", "local_moran_rate", "moran_rate", "spatial_rate"]

Float = NDArray[np.float64]


@hinted
def eb_rate(events: Values, population: Values, W: WeightsLike | None = None) -> pd.Series[float]:
    r"""Smooth rates by empirical Bayes: small populations are drawn towards the mean.

    .. math::

        \hat\theta_i = \lambda_i r_i + (1 - \lambda_i) \mu, \qquad r_i = O_i / P_i, \qquad
        \lambda_i = \frac{\sigma^2}{\sigma^2 + \mu / P_i}, \\
        \mu = \frac{\sum O_i}{\sum P_i}, \qquad
        \sigma^2 = \max\Big\{0,\; \frac{\sum P_i (r_i - \mu)^2}{\sum P_i} - \frac{\mu}{\bar P}\Big\}

    With `W` the mean, the variance and :math:`\bar P` are those of each unit and its neighbours.

    Parameters
    ----------
    events, population : Series by id, or arrays of one length
        Counts at least 0; populations above 0.  Series are matched by id.
    W : Weights, or libpysal Graph or W, optional
        Who neighbours whom; the sizes of the weights play no part.

    Returns
    -------
    Series
        ``eb_rate`` by id, in the order of `events` (with `W`, of the weights).

    Raises
    ------
    DataError
        If an event count is missing or negative, a population is not above 0, or there are no events.
    AlignmentError
        If the ids of events, population differ.
    WeightsError
        If `W` is not weights with ids.

    Notes
    -----
    Equal to GeoDa's empirical Bayes rates and to esda's ``Empirical_Bayes`` and ``Spatial_Empirical_Bayes``,
    but that esda's first keeps a variance below 0, which puts rates outside those observed; here, as in
    GeoDa and spdep, it is 0.

    References
    ----------
    Marshall, R. J. (1991). Mapping disease and mortality rates using empirical Bayes estimators. Applied
    Statistics 40, 283-294.

    Examples
    --------
    >>> deaths, people = pd.Series([4, 0, 4, 40], list("abcd")), pd.Series([10, 20, 50, 1000], list("abcd"))
    >>> eb_rate(deaths, people).round(4).to_dict()
    {'a': 0.116, 'b': 0.0296, 'c': 0.0643, 'd': 0.0402}
    """
    ids, o, p, near = _read(events, population, W)
    rate = o / p
    if near is None:
        mean: Any = o.sum() / p.sum()
        spread = float((p * (rate - mean) ** 2).sum() / p.sum()) - mean / p.mean()
    else:
        people = near @ p
        mean = (near @ o) / people
        count = np.asarray(near.sum(axis=1)).ravel()
        square = near @ (p * rate**2) - 2 * mean * (near @ o) + mean**2 * people
        spread = square / people - mean * count / people
    spread = np.maximum(spread, 0.0)
    noise = mean / p
    share = np.divide(spread, spread + noise, out=np.zeros_like(rate), where=spread + noise > 0)
    return pd.Series(share * rate + (1 - share) * mean, index=ids, name="eb_rate")


@hinted
def spatial_rate(events: Values, population: Values, W: WeightsLike) -> pd.Series[float]:
    r"""Smooth rates over each unit and its neighbours.

    .. math:: \hat\theta_i = \frac{O_i + \sum_{j \in N_i} O_j}{P_i + \sum_{j \in N_i} P_j}

    Parameters
    ----------
    events, population
        As in `eb_rate`.
    W : Weights, or libpysal Graph or W
        Who neighbours whom; the sizes of the weights play no part.

    Returns
    -------
    Series
        ``spatial_rate`` by id, in the order of the weights; equal to GeoDa's and esda's.

    Raises
    ------
    DataError
        If an event count is missing or negative, a population is not above 0, or there are no events.
    AlignmentError
        If the ids of events, population and weights differ.
    WeightsError
        If `W` is not weights with ids.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbc"), "j": list("bacb"), "w": 1.0}))
    >>> spatial_rate(pd.Series([1, 0, 4], list("abc")), pd.Series([10, 20, 50], list("abc")), W).tolist()
    [0.03333333333333333, 0.0625, 0.05714285714285714]
    """
    ids, o, p, near = _read(events, population, as_weights(W))
    assert near is not None
    return pd.Series((near @ o) / (near @ p), index=ids, name="spatial_rate")


@hinted
def moran_rate(events: Values, population: Values, W: WeightsLike, **options: Any) -> Moran:
    r"""Measure the autocorrelation of rates whose populations differ (Assuncao and Reis 1999).

    Moran's I of

    .. math::

        z_i = \frac{r_i - b}{\sqrt{v_i}}, \qquad v_i = a + b / P_i, \qquad b = \frac{\sum O}{\sum P}, \qquad
        a = \frac{\sum P_i (r_i - b)^2}{\sum P_i} - \frac{b}{\bar P},

    with :math:`v_i = b / P_i` where it would be below 0: raw rates of small populations vary more, which
    Moran's I takes for a pattern.

    Parameters
    ----------
    events, population
        As in `eb_rate`, of the units of the weights.
    W, **options
        As in `moran`: permutations, seed, alternative, missing, workers, executor, progress.

    Returns
    -------
    Moran
        Equal to GeoDa's Moran's I with EB rate, to spdep's ``EBImoran.mc`` and to esda's ``Moran_Rate``.

    Raises
    ------
    DataError
        If an event count is missing or negative, a population is not above 0, or there are no events.
    AlignmentError
        If the ids of events, population and weights differ.
    WeightsError
        If `W` is not weights with ids, or has no links.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> deaths, people = pd.Series([4, 0, 4, 40], list("abcd")), pd.Series([10, 20, 50, 1000], list("abcd"))
    >>> round(moran_rate(deaths, people, W, permutations=0).I, 4)
    -0.4148
    """
    z = _standardized_rate(events, population, W, options.get("missing", "raise"))
    return moran(z, W, **options)


@hinted
def local_moran_rate(events: Values, population: Values, W: WeightsLike, **options: Any) -> LocalMoran:
    """Measure the local autocorrelation of rates whose populations differ: `local_moran` of `moran_rate`'s z.

    Parameters
    ----------
    events, population
        As in `eb_rate`, of the units of the weights.
    W, **options
        As in `local_moran`.

    Returns
    -------
    LocalMoran

    Raises
    ------
    DataError
        If an event count is missing or negative, a population is not above 0, or there are no events.
    AlignmentError
        If the ids of events, population and weights differ.
    WeightsError
        If `W` is not weights with ids, or has no links.

    Examples
    --------
    >>> from spatial.shapefiles import load
    >>> from spatial.weights import contiguity
    >>> counties = load("nc")
    >>> local = local_moran_rate(counties["sid74"], counties["bir74"], contiguity(counties), permutations=99)
    >>> bool((local.frame["cluster"] == "HH").any())
    True
    """
    z = _standardized_rate(events, population, W, options.get("missing", "raise"))
    found: LocalMoran = local_moran(z, W, **options)
    return found


def _standardized_rate(events: Any, population: Any, W: Any, missing: str) -> pd.Series[float]:
    """Return z by id; with ``missing="drop"`` NaN where events or population are missing."""
    check_missing(missing)
    ids, o, p, _ = _read(events, population, W, gaps=missing == "drop")
    known = np.isfinite(o) & np.isfinite(p)
    total, people = o[known].sum(), p[known].sum()
    rate, mean = o / p, total / people
    spread = float((p * (rate - mean) ** 2)[known].sum() / people) - mean / p[known].mean()
    variance = spread + mean / p
    variance = np.where(variance < 0, mean / p, variance)
    name = f"{one_column(events, 'events')[0]} / {one_column(population, 'population')[0]}"
    return pd.Series((rate - mean) / np.sqrt(variance), index=ids, name=name)


def _read(
    events: Any, population: Any, W: Any, *, gaps: bool = False
) -> tuple[pd.Index[Any], Float, Float, sparse.csr_array | None]:
    """Return ids, counts, populations, and each unit with its neighbours as ones (N, N)."""
    (what, o), (who, p) = one_column(events, "events"), one_column(population, "population")
    near = None
    if W is not None:
        weights = as_weights(W)
        ids = weights.ids
        near = sparse.csr_array((weights.sparse != 0).astype(np.float64))
        near = sparse.csr_array(((near + sparse.eye_array(len(ids), format="csr")) != 0).astype(np.float64))
    else:
        ids = o.index if isinstance(o, pd.Series) else p.index if isinstance(p, pd.Series) else None
        ids = pd.RangeIndex(len(o)) if ids is None else ids
        check_ids(ids, "events")
    counts = check_scale(aligned_values(o, ids, "events"), repr(what))
    people = check_scale(aligned_values(p, ids, "population"), repr(who))
    absent = ~(np.isfinite(counts) & np.isfinite(people)) if gaps else np.zeros(len(ids), dtype=bool)
    bad = ~absent & ~(np.isfinite(people) & (people > 0))
    if bad.any():
        raise DataError(
            f"A rate needs a population above 0; {who!r} has none at {name_ids(ids[bad])}. Leave these units "
            "out of both, and of the weights."
        )
    bad = ~absent & ~(np.isfinite(counts) & (counts >= 0))
    if bad.any():
        raise DataError(
            f"Events are counts, 0 or more; {what!r} is missing or negative at {name_ids(ids[bad])}."
        )
    if not counts[~absent].any():
        raise DataError(f"There are no events: {what!r} is 0 everywhere.")
    return ids, np.where(absent, np.nan, counts), np.where(absent, np.nan, people), near
