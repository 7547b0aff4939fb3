"""Weights made of weights: nested, intersected, of higher order, and within groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, WeightsError, name_ids
from spatial.ids.alignment import check_ids, indexer

from .checks import links_fit, number, whole
from .conversion import owned
from .value import Meta, Weights, as_weights

__all__ = ["block", "higher_order", "intersect", "nested", "within_groups"]


def nested(W_distance: Any, W_economic: Any, share: float, *, row_standardize: bool = False) -> Weights:
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

    Examples
    --------
    >>> A = Weights.from_dense([[0, 1.0], [1, 0]], ids=["a", "b"])
    >>> B = Weights.from_dense([[0, 3.0], [5, 0]], ids=["b", "a"])
    >>> nested(A, B, 0.5).to_dense()
         a    b
    a  0.0  3.0
    b  2.0  0.0
    """
    share = number(share, "share", zero=True)
    if share > 1:
        raise WeightsError(f"share must lie between 0 and 1; got {share!r}.")
    first, second = _same_units(W_distance, W_economic)
    if row_standardize:
        first, second = first.row_standardized(), second.row_standardized()
    # Rows of islands in one of the two sum to less than one: then the mixture is not row-standardised.
    row = all(w.meta.normalization == "row" and len(w.islands) == 0 for w in (first, second))
    parameters = {
        "share": share,
        "row_standardize": row_standardize,
        "first": first.meta.kind,
        "second": second.meta.kind,
        "first_normalization": first.meta.normalization,
        "second_normalization": second.meta.normalization,
    }
    unit = first.meta.distance_unit or second.meta.distance_unit
    meta = Meta("nested", parameters, unit, "row" if row else "none", first.meta.islands, "weights")
    return Weights(first.ids, first.sparse * share + second.sparse * (1 - share), meta)


def _same_units(one: Any, other: Any) -> tuple[Weights, Weights]:
    """Return both as Weights, the second in the order of the first; refuse other ids."""
    first, second = as_weights(one), as_weights(other)
    if second.ids.equals(first.ids):
        return first, second
    order = indexer(second.ids, first.ids, "the second weights")
    return first, replace(second, ids=first.ids, sparse=second.sparse[order][:, order])


def intersect(W: Any, other: Any) -> Weights:
    """Keep the links of `W` that `other` has too, with the weights of `W`; see `Weights.intersect`."""
    first, second = _same_units(W, other)
    parameters = {
        **first.meta.parameters,
        "intersected_with": second.meta.kind,
        "base_normalization": first.meta.normalization,
    }
    meta = replace(first.meta, parameters=parameters, normalization="none")
    return Weights(first.ids, sp.csr_array(first.sparse.multiply(_ones(second.sparse))), meta)


def higher_order(W: Any, k: int, *, lower: bool = False) -> Weights:
    """Link the units whose shortest path along links of `W` has `k` steps (up to `k`, with `lower`).

    Binary; own weights are no links, and a unit is never its own neighbour.
    """
    base, k = as_weights(W), whole(k, "k")
    step = _ones(base.sparse)
    step = step - sp.diags_array(step.diagonal(), format="csr")
    step.eliminate_zeros()
    seen = sp.csr_array(sp.eye_array(base.n, format="csr"))
    frontier, found = seen, step * 0
    for order in range(1, k + 1):
        reached = _ones(frontier @ step)
        frontier = reached - reached.multiply(seen)
        frontier = sp.csr_array(frontier)
        frontier.eliminate_zeros()
        seen = seen + frontier
        if lower or order == k:
            found = found + frontier
    parameters = {
        "k": k,
        "lower": lower,
        "base": base.meta.kind,
        **{"base_" + a: b for a, b in base.meta.parameters.items()},
    }
    meta = Meta("higher_order", parameters, base.meta.distance_unit, "none", "keep", "weights")
    return Weights(base.ids, found, meta)


def _ones(matrix: sp.csr_array) -> sp.csr_array:
    """Return the pattern of `matrix` with ones."""
    pattern = sp.csr_array(matrix)
    if (pattern.data == 0).any():
        pattern = pattern.copy()
        pattern.eliminate_zeros()
    ones = np.ones(len(pattern.data))
    return sp.csr_array((ones, pattern.indices, pattern.indptr), shape=pattern.shape)


def within_groups(W: Any, groups: Any) -> Weights:
    """Keep the links of `W` between units of the same group; see `Weights.block`."""
    base = as_weights(W)
    code = _codes(groups, base.ids)
    rows = np.repeat(code, np.diff(base.sparse.indptr))
    data = np.where(rows == code[base.sparse.indices], base.sparse.data, 0.0)
    matrix = sp.csr_array((data, base.sparse.indices, base.sparse.indptr), shape=base.sparse.shape)
    parameters = {
        **base.meta.parameters,
        "groups": _name(groups),
        "base_normalization": base.meta.normalization,
    }
    meta = replace(base.meta, parameters=parameters, normalization="none")
    return Weights(base.ids, owned(matrix), meta)


def block(groups: Any) -> Weights:
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
    code = _codes(groups, ids)
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
    matrix = sp.csr_array((np.ones(int(other.sum())), (i[other], j[other])), shape=(len(ids), len(ids)))
    return Weights(
        ids, owned(matrix), Meta("block", {"groups": _name(groups)}, None, "none", "keep", "groups")
    )


def _codes(groups: Any, ids: pd.Index[Any]) -> NDArray[np.intp]:
    """Return the number of the group of each of `ids`."""
    if isinstance(groups, pd.Series):
        labels = groups.iloc[indexer(groups.index, ids, "groups")]
    elif np.ndim(groups) == 1 and len(groups) == len(ids):
        labels = pd.Series(np.asarray(groups), index=ids)
    else:
        raise AlignmentError(
            f"groups must be a Series by unit id, or {len(ids)} labels in the order of the weights; "
            f"got {type(groups).__name__} of shape {np.shape(groups)}."
        )
    if labels.isna().any():
        raise DataError(f"Each unit needs a group; missing at {name_ids(ids[labels.isna().to_numpy()])}.")
    return np.asarray(pd.factorize(labels)[0], dtype=np.intp)


def _name(groups: Any) -> str | None:
    name = getattr(groups, "name", None)
    return None if name is None else str(name)
