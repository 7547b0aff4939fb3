"""Weights made of weights, as sparse arrays with what they are: mixed, intersected, in steps, in groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, WeightsError, name_ids
from spatial.ids.alignment import indexer

from .checks import number, whole
from .conversion import owned
from .meta import HasLinks, Meta

__all__ = ["group_codes", "group_name", "in_steps", "intersected", "mixed", "within_groups"]

Made = tuple[sparse.csr_array, Meta]


def mixed(first: HasLinks, second: HasLinks, share: float) -> Made:
    """Return `share` of the first plus ``1 - share`` of the second; both have the same units in one order."""
    share = number(share, "share", zero=True)
    if share > 1:
        raise WeightsError(f"share must lie between 0 and 1; got {share!r}.")
    # Rows of islands in one of the two sum to less than one: then the mixture is not row-standardised.
    row = all(w.meta.normalization == "row" and _all_linked(w.sparse) for w in (first, second))
    parameters = {
        "share": share,
        "row_standardize": False,
        "first": first.meta.kind,
        "second": second.meta.kind,
        "first_normalization": first.meta.normalization,
        "second_normalization": second.meta.normalization,
    }
    unit = first.meta.distance_unit or second.meta.distance_unit
    meta = Meta("nested", parameters, unit, "row" if row else "none", first.meta.islands, "weights")
    return sparse.csr_array(first.sparse * share + second.sparse * (1 - share)), meta


def _all_linked(matrix: sparse.csr_array) -> bool:
    return bool((np.diff(matrix.indptr) > (matrix.diagonal() != 0)).all())


def intersected(first: HasLinks, second: HasLinks) -> Made:
    """Return the links of the first that the second has too, with the weights of the first."""
    parameters = {
        **first.meta.parameters,
        "intersected_with": second.meta.kind,
        "base_normalization": first.meta.normalization,
    }
    meta = replace(first.meta, parameters=parameters, normalization="none")
    return sparse.csr_array(first.sparse.multiply(_ones(second.sparse))), meta


def in_steps(base: HasLinks, k: int, *, lower: bool) -> Made:
    """Return links between units whose shortest path has `k` steps (up to `k`, with `lower`)."""
    k = whole(k, "k")
    n = len(base.ids)
    step = _ones(base.sparse)
    step = step - sparse.diags_array(step.diagonal(), format="csr")
    step.eliminate_zeros()
    seen = sparse.csr_array(sparse.eye_array(n, format="csr"))
    frontier, found = seen, step * 0
    for order in range(1, k + 1):
        reached = _ones(frontier @ step)
        frontier = reached - reached.multiply(seen)
        frontier = sparse.csr_array(frontier)
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
    return found, Meta("higher_order", parameters, base.meta.distance_unit, "none", "keep", "weights")


def _ones(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return the pattern of `matrix` with ones."""
    pattern = sparse.csr_array(matrix)
    if (pattern.data == 0).any():
        pattern = pattern.copy()
        pattern.eliminate_zeros()
    ones = np.ones(len(pattern.data))
    return sparse.csr_array((ones, pattern.indices, pattern.indptr), shape=pattern.shape)


def within_groups(base: HasLinks, groups: Any) -> Made:
    """Return the links between units of the same group."""
    code = group_codes(groups, base.ids)
    rows = np.repeat(code, np.diff(base.sparse.indptr))
    data = np.where(rows == code[base.sparse.indices], base.sparse.data, 0.0)
    matrix = sparse.csr_array((data, base.sparse.indices, base.sparse.indptr), shape=base.sparse.shape)
    parameters = {
        **base.meta.parameters,
        "groups": group_name(groups),
        "base_normalization": base.meta.normalization,
    }
    return owned(matrix), replace(base.meta, parameters=parameters, normalization="none")


def group_codes(groups: Any, ids: pd.Index[Any]) -> NDArray[np.intp]:
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


def group_name(groups: Any) -> str | None:
    """Return the name of a Series of groups."""
    name = getattr(groups, "name", None)
    return None if name is None else str(name)
