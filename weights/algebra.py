"""Weights made of weights, as sparse arrays with their meta: mixed, intersected, in steps, in groups, cut."""

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
from .csr import owned
from .meta import HasLinks, Meta
from .normalization import minmax_normalize, row_standardize, spectral_normalize, sums_to_one

__all__ = [
    "cut_out",
    "group_codes",
    "group_name",
    "in_steps",
    "intersected",
    "mixed",
    "of_sets",
    "within_groups",
]

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


def of_sets(first: HasLinks, second: HasLinks, kind: str) -> Made:
    """Return the union, intersection, difference or symmetric difference of two sets of links; binary."""
    a, b = _ones(first.sparse), _ones(second.sparse)
    match kind:
        case "union":
            links = a.maximum(b)
        case "intersection":
            links = a.multiply(b)
        case "difference":
            links = a - a.multiply(b)
        case _:
            links = a.maximum(b) - a.multiply(b)
    parameters = {
        "first": first.meta.kind,
        "second": second.meta.kind,
        "first_parameters": dict(first.meta.parameters),
        "second_parameters": dict(second.meta.parameters),
    }
    unit = first.meta.distance_unit or second.meta.distance_unit
    return sparse.csr_array(links), Meta(kind, parameters, unit, "none", "keep", "weights")


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
        if not frontier.nnz:  # nobody is farther away
            break
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


def cut_out(
    matrix: sparse.csr_array,
    ids: pd.Index[Any],
    meta: Meta,
    order: Any,
    *,
    renormalize: bool,
    islands: str | None,
) -> tuple[sparse.csr_array, Meta]:
    """Return the rows and columns in `order`, and what became of them; see `Weights.subset`."""
    rows = sparse.csr_array(matrix[order])
    kept = sparse.csr_array(rows[:, order])
    lost = rows.nnz - kept.nnz
    units = ids[order]
    _refuse_isolated(rows, kept, order, units, meta.islands if islands is None else islands)
    share = 1 - (1 - meta.cut_share) * (kept.nnz / rows.nnz if lost else 1.0)
    out = replace(meta, islands=meta.islands if islands is None else islands)
    if len(order) < len(ids) or meta.subset_of is not None:
        out = replace(out, subset_of=meta.subset_of or len(ids), cut_share=share)
    if not renormalize:
        return kept, replace(out, normalization="none") if lost else out
    # Of the eigenvalues and the largest sums, any unit left out may have been a part.
    if len(order) < len(ids) and kept.nnz:
        kept = _normalized(matrix, kept, units, meta.normalization, bool(lost))
    return kept, out


def _refuse_isolated(
    rows: sparse.csr_array, kept: sparse.csr_array, order: Any, units: pd.Index[Any], policy: str
) -> None:
    if policy == "keep":
        return
    n = len(order)
    own = kept.diagonal() != 0
    alone = (np.diff(kept.indptr) - own == 0) & (np.diff(rows.indptr) - own > 0)
    if alone.any():
        raise WeightsError(
            f"{int(alone.sum())} of the {n} units kept lose all their neighbours: {name_ids(units[alone])}. "
            "Leave them out too, keep their neighbours, build the weights anew from the map of these units, "
            "or accept lags of 0 with subset(ids, islands='keep')."
        )


def _normalized(
    before: sparse.csr_array, kept: sparse.csr_array, units: pd.Index[Any], normalization: str, lost: bool
) -> sparse.csr_array:
    match normalization:
        case "row":
            return row_standardize(kept, units) if lost else kept
        case "spectral":
            return spectral_normalize(kept)
        case "minmax":
            return minmax_normalize(kept)
        case "none" | "libpysal B":
            # Weights of a file, whose rows sum to one, are row-standardised whatever they are called.
            return row_standardize(kept, units) if lost and sums_to_one(before) else kept
    if not lost:
        return kept
    raise WeightsError(
        f"The normalisation of these weights, {normalization!r}, cannot be made again for the units kept. "
        "Pass renormalize=False and normalise the result, or cut before normalising."
    )
