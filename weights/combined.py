"""Weights made of weights, or of groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import DataError, WeightsError, hinted
from spatial.ids.alignment import check_ids
from spatial.ids.numbers import Values

from .algebra import group_codes, group_name
from .checks import links_fit, number
from .csr import owned
from .meta import Meta
from .report.comparison import WeightsComparison
from .value import Weights, WeightsLike, as_weights

__all__ = ["block", "compare", "difference", "intersection", "nested", "symmetric_difference", "union"]


@hinted
def union(first: WeightsLike, second: WeightsLike) -> Weights:
    """Link what either of two weights of the same units links; binary.

    Raises
    ------
    WeightsError
        If an argument is not weights with ids.
    AlignmentError
        If the ids of the two differ.

    Examples
    --------
    >>> A = Weights.from_dense([[0, 1.0, 0], [0, 0, 0], [0, 0, 0]])
    >>> B = Weights.from_dense([[0, 2.0, 3.0], [0, 0, 0], [0, 0, 0]])
    >>> union(A, B).n_links, intersection(A, B).n_links, difference(B, A).n_links
    (2, 1, 1)
    """
    return as_weights(first).union(second)


@hinted
def intersection(first: WeightsLike, second: WeightsLike) -> Weights:
    """Link what both of two weights link; binary.  `Weights.intersect` keeps the weights of the first.

    Raises
    ------
    WeightsError
        If an argument is not weights with ids.
    AlignmentError
        If the ids of the two differ.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> first, second = (Weights.from_dense(m, ids=["a", "b", "c"]) for m in (
    ...     [[0, 1, 1], [1, 0, 0], [1, 0, 0]], [[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> intersection(first, second).neighbors("a").index.tolist()
    ['b']
    """
    return as_weights(first).intersection(second)


@hinted
def difference(first: WeightsLike, second: WeightsLike) -> Weights:
    """Link what the first of two weights links and the second does not; binary.

    Raises
    ------
    WeightsError
        If an argument is not weights with ids.
    AlignmentError
        If the ids of the two differ.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> first, second = (Weights.from_dense(m, ids=["a", "b", "c"]) for m in (
    ...     [[0, 1, 1], [1, 0, 0], [1, 0, 0]], [[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> difference(first, second).neighbors("a").index.tolist()
    ['c']
    """
    return as_weights(first).difference(second)


@hinted
def symmetric_difference(first: WeightsLike, second: WeightsLike) -> Weights:
    """Link what one of two weights links and the other does not; binary.

    Raises
    ------
    WeightsError
        If an argument is not weights with ids.
    AlignmentError
        If the ids of the two differ.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> first, second = (Weights.from_dense(m, ids=["a", "b", "c"]) for m in (
    ...     [[0, 1, 1], [1, 0, 0], [1, 0, 0]], [[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> symmetric_difference(first, second).neighbors("c").index.tolist()
    ['a', 'b']
    """
    return as_weights(first).symmetric_difference(second)


@hinted
def compare(first: WeightsLike, second: WeightsLike, x: Values | None = None) -> WeightsComparison:
    r"""Compare two weights of the same units: their links, and the lags that both give.

    The correlation of the lags of independent noise u under two row-standardised weights is

    .. math::

        \operatorname{corr}(Au, Bu) = \frac{\operatorname{tr} A B'}
        {\sqrt{\operatorname{tr} A A' \; \operatorname{tr} B B'}}

    (LeSage and Pace 2014): weights that look different often give nearly the same lag.

    Parameters
    ----------
    first, second : Weights, or a libpysal Graph or W
        Of the same units, in any order.
    x : Series or array, optional
        A variable by unit: then also the correlation of its two lags.

    Returns
    -------
    WeightsComparison

    Raises
    ------
    WeightsError
        If an argument is not weights with positive links, or the lags of `x` do not vary.
    AlignmentError
        If the ids differ.
    DataError
        If `x` is no numbers by id.

    Examples
    --------
    >>> A = Weights.from_dense([[0, 1.0, 1], [1, 0, 0], [1, 0, 0]], ids=["a", "b", "c"])
    >>> B = Weights.from_dense([[0, 1.0, 0], [1, 0, 1], [0, 1, 0]], ids=["a", "b", "c"])
    >>> found = compare(A, B)
    >>> found.n_shared, found.n_first_only, found.n_second_only, round(found.jaccard, 3)
    (2, 2, 2, 0.333)
    """
    return as_weights(first).compare(second, x)


@hinted
def nested(
    W_distance: WeightsLike, W_economic: WeightsLike, share: float, *, row_standardize: bool = False
) -> Weights:
    r"""Mix two weights of the same units.

    .. math:: W = \varphi W_d + (1 - \varphi) W_e .

    Weights are taken as they are.  Inverse kilometres and inverse income have no common unit, so that
    one would drown the other: pass ``row_standardize=True``, or weights that are row-standardised.

    Parameters
    ----------
    W_distance, W_economic : Weights, Graph or W
        Of the same ids, in any order; the result has the order of the first.
    share : float
        The share :math:`\varphi` of the first, 0 to 1.
    row_standardize : bool
        Row-standardise both first.

    Raises
    ------
    WeightsError
        If an argument is not weights with ids, or `share` is not in [0, 1].
    AlignmentError
        If the ids of the two differ.

    Examples
    --------
    >>> A = Weights.from_dense([[0, 1.0], [1, 0]], ids=["a", "b"])
    >>> B = Weights.from_dense([[0, 3.0], [5, 0]], ids=["b", "a"])
    >>> nested(A, B, 0.5).to_dense()
         a    b
    a  0.0  3.0
    b  2.0  0.0
    """
    if number(share, "share", zero=True) > 1:
        raise WeightsError(f"share must lie between 0 and 1; got {share!r}.")
    first, second = as_weights(W_distance), as_weights(W_economic)
    if row_standardize:
        first, second = first.row_standardized(), second.row_standardized()
    mixed = first.combine(second, share)
    parameters = {**mixed.meta.parameters, "row_standardize": row_standardize}
    return replace(mixed, meta=replace(mixed.meta, parameters=parameters))


@hinted
def block(groups: pd.Series[Any]) -> Weights:
    r"""Link all units of the same group.

    .. math:: w_{ij} = 1 \text{ where } g_i = g_j, \; i \ne j.

    Parameters
    ----------
    groups : Series
        Group by unit id, such as the province of each city.

    Returns
    -------
    Weights
        Binary and symmetric; the only unit of a group is an island.

    Raises
    ------
    DataError
        If `groups` is no Series by id, or an id is missing or twice.

    Examples
    --------
    >>> import pandas as pd
    >>> block(pd.Series({"a": "east", "b": "west", "c": "east"})).to_frame()
       i  j    w
    0  a  c  1.0
    1  c  a  1.0
    """
    if not isinstance(groups, pd.Series):
        raise DataError(f"groups must be a Series indexed by unit id; got {type(groups).__name__}.")
    ids = check_ids(groups.index, "Groups")
    code = group_codes(groups, ids)
    size = np.bincount(code)
    links = float((size.astype(np.float64) ** 2).sum())
    links_fit(links, f"Blocks of up to {int(size.max(initial=0)):,} units", "Take smaller groups.")
    # Units in the order of their group; each is paired with each member, then itself is dropped.
    members = np.argsort(code, kind="stable")
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    count = size[code]
    i = np.repeat(np.arange(len(ids), dtype=np.int32), count)
    within = np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    j = members[np.repeat(start[code], count) + within].astype(np.int32)
    other = i != j
    matrix = sparse.csr_array((np.ones(int(other.sum())), (i[other], j[other])), shape=(len(ids), len(ids)))
    return Weights(
        ids, owned(matrix), Meta("block", {"groups": group_name(groups)}, None, "none", "keep", "groups")
    )
