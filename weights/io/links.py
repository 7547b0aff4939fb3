"""Links given by id or by code: a matrix of them, or a refusal of what is unknown or repeated."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import name_ids
from spatial.ids.alignment import distinct
from spatial.weights.csr import owned
from spatial.weights.meta import HasLinks

from .parsed import flag

__all__ = ["codes_to_csr", "links_at_once", "links_to_csr", "unique_ids", "with_islands"]


def links_to_csr(
    ids: Sequence[Any] | pd.Index[Any],
    heads: Sequence[Any] | pd.Index[Any],
    tails: Sequence[Any] | pd.Index[Any],
    values: Any,
    path: Path,
) -> sparse.csr_array:
    """Return the matrix of links given by id; unknown ids and repeated pairs are refused."""
    index = unique_ids(ids, path)
    row, column = index.get_indexer(pd.Index(heads)), index.get_indexer(pd.Index(tails))
    unknown = pd.Index([*_where(heads, row < 0), *_where(tails, column < 0)]).unique()
    if len(unknown):
        raise flag(
            path,
            f"these neighbours have no row of their own: {name_ids(unknown)}. "
            "The file is damaged, or was cut out of a larger one.",
        )
    return codes_to_csr(index, row, column, values, path)


def codes_to_csr(
    index: pd.Index[Any], row: np.ndarray, column: np.ndarray, values: Any, path: Path
) -> sparse.csr_array:
    """Return the matrix of links given by place in `index`; repeated pairs are refused by name."""
    n, data = len(index), np.asarray(values, dtype=np.float64)
    if len(row) and bool((row[1:] >= row[:-1]).all()):  # in the order of the units: nothing is to be moved
        indptr = np.searchsorted(row, np.arange(n + 1, dtype=row.dtype)).astype(column.dtype)
        matrix = sparse.csr_array((data, column, indptr), shape=(n, n))
    else:
        # Not summed yet, as sparse.coo_array(...).tocsr() would do.
        order = np.lexsort((column, row))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))])
        matrix = sparse.csr_array((data[order], column[order], indptr), shape=(n, n))
    matrix = matrix if matrix.has_sorted_indices else matrix.sorted_indices()
    if not matrix.has_canonical_format:
        pairs = row.astype(np.int64) * n + column
        twice = pd.Series(pairs).duplicated().to_numpy()
        found = list(zip(index[row[twice]], index[column[twice]], strict=True))
        raise flag(
            path,
            f"each link must be given once; these pairs repeat: {name_ids(found)}. "
            "Drop the copies, or sum them.",
        )
    return owned(matrix)


def links_at_once(text: str, path: Path, **options: Any) -> tuple[list[str], sparse.csr_array] | None:
    """Return ids and matrix of a clean table i, j, w, or None where it needs a reader that names lines.

    pandas' parser is several times as fast as going through the lines, but its messages are not ours.
    """
    try:
        frame = pd.read_csv(io.StringIO(text), header=None, dtype=str, na_filter=False, **options)
        # float() of the text is exact in every version of pandas; its own parser is not.
        values = frame.iloc[:, 2].to_numpy(dtype=object).astype(np.float64)
    except (ValueError, TypeError, IndexError):  # pandas' ParserError is a ValueError
        return None
    if frame.shape[1] != 3 or not np.isfinite(values).all():
        return None
    codes, names = pd.factorize(pd.concat([frame[0], frame[1]], ignore_index=True))
    units = list(names)
    if (codes < 0).any() or not all(isinstance(u, str) for u in units):
        return None
    size = len(frame)
    return units, codes_to_csr(pd.Index(units), codes[:size], codes[size:], values, path)


def unique_ids(ids: Sequence[Any] | pd.Index[Any] | np.ndarray, path: Path) -> pd.Index[Any]:
    """Return the ids as an index, or name those that appear twice."""
    index = ids if isinstance(ids, pd.Index) else pd.Index(ids)
    if not distinct(index):
        twice = index[index.duplicated()].unique()
        raise flag(path, f"each unit must appear once; these ids repeat: {name_ids(twice)}.")
    return index


def _where(items: Sequence[Any] | pd.Index[Any], mask: Any) -> list[Any]:
    return [items[k] for k in np.flatnonzero(mask).tolist()]


def with_islands(W: HasLinks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, columns and weights of the links, each island as a link of weight 0 to itself.

    A list of links has no other place for a unit without any; libpysal writes islands so too.
    """
    counts = np.diff(W.sparse.indptr)
    alone = np.flatnonzero(counts == 0)
    rows = np.concatenate([np.repeat(np.arange(len(W.ids)), counts), alone])
    order = np.argsort(rows, kind="stable")
    columns = np.concatenate([W.sparse.indices, alone])[order]
    return rows[order], columns, np.concatenate([W.sparse.data, np.zeros(len(alone))])[order]
