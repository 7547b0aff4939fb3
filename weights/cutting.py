"""Weights of some of the units: links to the others are cut, and what remains is normalised again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import WeightsError, name_ids

from .meta import Meta
from .normalization import minmax_normalize, row_standardize, spectral_normalize, sums_to_one

__all__ = ["cut_out"]


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
