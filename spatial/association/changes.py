"""Moran's I of changes between two times, and clusters of the units in one quantile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from spatial.autocorrelation.global_moran import Moran, moran
from spatial.autocorrelation.lisa import LocalMoran, local_moran
from spatial.autocorrelation.sample import check_missing, one_column
from spatial.errors import DataError, hinted, name_ids
from spatial.ids.alignment import aligned_values
from spatial.ids.numbers import Values
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.value import WeightsLike, as_weights

from .joins import LocalJoinCounts, local_join_counts

__all__ = ["differential_local_moran", "differential_moran", "quantile_lisa"]


@hinted
def differential_moran(before: Values, after: Values, W: WeightsLike, **options: Any) -> Moran:
    r"""Measure the spatial autocorrelation of the change of a variable: GeoDa's differential Moran's I.

    Moran's I of :math:`\Delta_i = x_{i,t} - x_{i,0}`.  What stays fixed in a unit drops out, and with it the
    autocorrelation that both times owe to it.

    Parameters
    ----------
    before, after : Series by id, or arrays, (N,)
        The variable at two times.
    W, **options
        As in `moran`: permutations, seed, alternative, missing, workers, executor, progress.

    Returns
    -------
    Moran

    Raises
    ------
    DataError
        If a variable has missing or infinite values, text, repeated ids, or the change does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> start = pd.Series([5.0, 1.0, 8.0, 2.0], list("abcd"), name="income")
    >>> end = start + pd.Series([1.0, 2.0, 3.0, 4.0], list("abcd"))
    >>> round(differential_moran(start, end.rename("income"), W, permutations=0).I, 6)
    0.333333
    """
    return moran(_change(before, after, W), W, **options)


@hinted
def differential_local_moran(before: Values, after: Values, W: WeightsLike, **options: Any) -> LocalMoran:
    """Measure the local autocorrelation of the change of a variable: `local_moran` of `differential_moran`.

    Parameters
    ----------
    before, after
        As in `differential_moran`.
    W, **options
        As in `local_moran`.

    Returns
    -------
    LocalMoran

    Raises
    ------
    DataError
        If a variable has missing or infinite values, text, repeated ids, or the change does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.weights import Weights
    >>> W = Weights.from_dense(np.eye(8)[[1, 2, 3, 4, 5, 6, 7, 0]], ids=list("abcdefgh"))
    >>> before, after = (pd.Series(v, W.ids) for v in ([1.0] * 8, [1.0, 1, 2, 2, 5, 6, 7, 6]))
    >>> differential_local_moran(before, after, W, permutations=99).frame.loc["g", "quadrant"]
    'HH'
    """
    found: LocalMoran = local_moran(_change(before, after, W), W, **options)
    return found


@hinted
def quantile_lisa(
    x: Values, W: WeightsLike, *, k: int = 5, quantile: int | None = None, **options: Any
) -> LocalJoinCounts:
    """Find clusters of the units that are in one quantile of a variable (Anselin 2019).

    `local_join_counts` of being in that quantile; of several variables, of being in it in all of them.
    It asks less of the variable than `local_moran` does: neither linearity nor a common scale.

    Parameters
    ----------
    x : Series, array (N,), or DataFrame by id
        One variable, or several in columns.
    W : Weights, OpenWeights, or libpysal Graph or W
    k : int
        Number of quantiles.
    quantile : int, optional
        Which of them, 1 (lowest) to k; the highest by default.
    **options
        As in `local_join_counts`: permutations, seed, alpha, fdr, missing, workers, executor, progress.

    Returns
    -------
    LocalJoinCounts

    Raises
    ------
    DataError
        If a variable has missing or infinite values, text, repeated ids, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> x = pd.Series([1.0, 2.0, 7.0, 8.0], list("abcd"), name="income")
    >>> quantile_lisa(x, W, k=2, permutations=99).frame["joins"].tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    which = k if quantile is None else quantile
    for name, value in (("k", k), ("quantile", which)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise DataError(f"{name} must be a whole number; got {value!r}.")
    if k < 2 or not 1 <= which <= k:
        raise DataError(f"quantile must be 1 to k, of k = 2 or more; got quantile {which} of {k}.")
    weights = W if isinstance(W, OpenWeights) else as_weights(W)
    columns = {c: x[c] for c in x.columns} if isinstance(x, pd.DataFrame) else {None: x}
    missing = options.get("missing", "raise")
    check_missing(missing)
    inside = {}
    for label, given in columns.items():
        name, values = one_column(given, "x" if label is None else str(label))
        numbers = aligned_values(values, weights.ids, name)
        absent = ~np.isfinite(numbers)
        if absent.any() and missing == "raise":
            raise DataError(
                f"{name!r} must be finite; NaN or infinity at {name_ids(weights.ids[absent])}. Fill these, "
                'or pass missing="drop".'
            )
        edges = np.quantile(numbers[~absent], [(which - 1) / k, which / k])
        hit = (numbers > edges[0]) & (numbers <= edges[1])
        if which == 1:
            hit |= numbers == edges[0]
        title = f"{name} in quantile {which} of {k}"
        inside[title] = pd.Series(np.where(absent, np.nan, hit.astype(np.float64)), index=weights.ids)
    if len(inside) == 1:
        ((title, one),) = inside.items()
        return local_join_counts(one.rename(title), weights, **options)
    return local_join_counts(pd.DataFrame(inside), weights, **options)


def _change(before: Any, after: Any, W: Any) -> pd.Series[float]:
    ids = (W if isinstance(W, OpenWeights) else as_weights(W)).ids
    (first, old), (last, new) = one_column(before, "before"), one_column(after, "after")
    change = aligned_values(new, ids, last) - aligned_values(old, ids, first)
    name = f"change of {last}" if first == last else f"{last} - {first}"
    return pd.Series(change, index=ids, name=name)
