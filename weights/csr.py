"""The one gate into weights: a sparse matrix, its format checked in full, in canonical form, read-only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import AlignmentError, WeightsError, name_ids

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["DenseLike", "Pairs", "SparseLike", "canonical_csr", "checked_csr", "owned", "seen"]

SparseLike: TypeAlias = "sparse.sparray | sparse.spmatrix"
DenseLike: TypeAlias = "pd.DataFrame | ArrayLike"
"""N x N: a table by id and id, or an array."""
Pairs: TypeAlias = "Iterable[tuple[Any, Any]] | pd.DataFrame | str | Path"
"""Links by the ids of both ends: a list, a table, or a file of one."""

_AGAIN = "Build it again, with scipy.sparse.coo_array((w, (i, j)))."


def canonical_csr(matrix: Any, ids: pd.Index[Any]) -> sparse.csr_array:
    """Return float64 CSR with sorted indices, duplicates summed and no stored zeros; read-only.

    Every way into `Weights` passes here, and the format is checked in full: what scipy does not check when
    arrays are put together would make kernels read memory that is not theirs.
    """
    if not sparse.issparse(matrix):
        raise WeightsError(
            f"Weights need a scipy sparse matrix; got {type(matrix).__name__}. Use Weights.from_dense."
        )
    n = len(ids)
    if matrix.shape != (n, n):
        raise AlignmentError(f"{n} ids need a matrix of shape ({n}, {n}); got {matrix.shape}.")
    out = checked_csr(matrix)
    usual = _above_zero(out.data)
    if not out.has_canonical_format or not (usual or out.data.all()):
        out = out.copy()
        out.sum_duplicates()
        out.eliminate_zeros()
        owned(out)
        usual = _above_zero(out.data)
    if not usual and not (finite := np.isfinite(out.data)).all():
        rows = np.repeat(np.arange(n), np.diff(out.indptr))[~finite]
        raise WeightsError(
            f"Weights must be finite; NaN or infinity in the rows of {name_ids(ids[np.unique(rows)])}. "
            "Infinite inverse distances mean coincident points."
        )
    # Read-only arrays are shared, between weights too; others stay the caller's, who may write to them.
    locked = tuple(_locked(part.copy() if part.flags.writeable else part) for part in _parts(out))
    frozen = sparse.csr_array(locked, shape=(n, n))
    frozen.has_canonical_format = True
    return frozen


def _above_zero(data: Any) -> bool:
    """Whether all weights are finite and above zero, as nearly always: NaN is neither."""
    return not len(data) or bool(data.min() > 0 and data.max() < np.inf)


def checked_csr(matrix: Any) -> sparse.csr_array:
    """Return float64 CSR of fresh arrays, or of those of `matrix`, each number of them looked at."""
    if _is_seen(matrix):
        return matrix
    if matrix.dtype.kind not in "fiub":
        raise WeightsError(f"Weights must be real numbers; the matrix holds {matrix.dtype}.")
    # Fresh, because a flag such as has_sorted_indices that somebody set on the matrix proves nothing.
    return sparse.csr_array(_checked_parts(_as_csr(matrix), matrix.shape[1]), shape=matrix.shape)


def seen(matrix: sparse.csr_array) -> sparse.csr_array:
    """Lock what `checked_csr` returned, so that it need not look at the same arrays again."""
    owned(matrix)._seen = _parts(matrix)
    return matrix


def _is_seen(matrix: Any) -> bool:
    parts = getattr(matrix, "_seen", None)
    return parts is not None and all(
        part is now and not now.flags.writeable for part, now in zip(parts, _parts(matrix), strict=True)
    )


def _parts(matrix: Any) -> tuple[Any, Any, Any]:
    return matrix.data, matrix.indices, matrix.indptr


def _as_csr(matrix: Any) -> Any:
    """Return the matrix as CSR; coordinates are checked first, because scipy writes where they point."""
    if matrix.format == "csr":
        return matrix
    if matrix.format == "csc":
        _refuse_outside(matrix.indices, matrix.shape[0], "row")
        _refuse_broken(matrix.indptr, matrix.indices, matrix.data, matrix.shape[1])
        return matrix.tocsr()
    try:
        entries = sparse.coo_array(matrix)
    except (ValueError, TypeError, IndexError) as error:
        raise WeightsError(f"The matrix is damaged: scipy finds {error}. {_AGAIN}") from None
    rows, columns = entries.coords
    _refuse_outside(rows, matrix.shape[0], "row")
    _refuse_outside(columns, matrix.shape[1], "column")
    return entries.tocsr()


def _checked_parts(matrix: Any, n: int) -> tuple[Any, Any, Any]:
    """Return data, indices and indptr of a CSR, each entry of them looked at."""
    data, indices, indptr = (np.asarray(part) for part in (matrix.data, matrix.indices, matrix.indptr))
    _refuse_broken(indptr, indices, data, matrix.shape[0])
    used = int(indptr[-1])
    data, indices = data[:used], indices[:used]
    _refuse_outside(indices, n, "column")
    narrow = np.int32 if max(used, n) <= np.iinfo(np.int32).max else np.int64
    return (
        data.astype(np.float64, copy=False),
        indices.astype(narrow, copy=False),
        indptr.astype(narrow, copy=False),
    )


def _refuse_outside(numbers: Any, n: int, what: str) -> None:
    if not len(numbers) or (numbers.dtype == np.int32 and numbers.view(np.uint32).max() < n):
        return  # one pass: a negative number is a large one without its sign
    if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= n:
        raise WeightsError(
            f"The matrix is damaged: {what} numbers must be whole, 0 to {n - 1}; they go from "
            f"{numbers.min()} to {numbers.max()}. {_AGAIN}"
        )


def _refuse_broken(indptr: Any, indices: Any, data: Any, n: int) -> None:
    sound = (
        all(part.ndim == 1 for part in (indptr, indices, data))
        and indptr.dtype.kind in "iu"
        and len(indptr) == n + 1
        and len(indices) == len(data)
        and indptr[0] == 0
        and indptr[-1] <= len(data)
        and bool((indptr[1:] >= indptr[:-1]).all())
    )
    if not sound:
        raise WeightsError(
            f"The matrix is damaged: its indptr must have {n + 1} whole numbers that begin with 0, never "
            f"fall, and end with at most the number of entries; {len(indptr)} numbers, {len(indices)} "
            f"indices and {len(data)} entries were found. {_AGAIN}"
        )


def owned(matrix: sparse.csr_array) -> sparse.csr_array:
    """Lock the arrays of a matrix that nobody else holds, so that `canonical_csr` need not copy them."""
    for part in _parts(matrix):
        _locked(part)
    return matrix


def _locked(array: Any) -> Any:
    array.flags.writeable = False
    return array
