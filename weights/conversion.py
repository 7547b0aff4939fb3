"""To and from scipy, dense arrays, link tables and libpysal; lossless, ids kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatial.errors import AlignmentError, WeightsError, name_ids
from spatial.ids.alignment import as_float, check_ids

if TYPE_CHECKING:
    from .meta import Meta

__all__ = [
    "canonical_csr",
    "from_dense",
    "from_frame",
    "from_graph",
    "from_sparse",
    "from_w",
    "owned",
    "to_frame",
    "to_graph",
    "to_w",
]

Parts = tuple["pd.Index[Any]", sp.csr_array]


def canonical_csr(matrix: Any, ids: pd.Index[Any]) -> sp.csr_array:
    """Return float64 CSR with sorted indices, duplicates summed and no stored zeros; read-only."""
    if not sp.issparse(matrix):
        raise WeightsError(
            f"Weights need a scipy sparse matrix; got {type(matrix).__name__}. Use Weights.from_dense."
        )
    if matrix.shape != (len(ids), len(ids)):
        raise AlignmentError(
            f"{len(ids)} ids need a matrix of shape ({len(ids)}, {len(ids)}); got {matrix.shape}."
        )
    out = sp.csr_array(matrix, dtype=np.float64)
    if not out.has_canonical_format or (out.data == 0).any():
        out = out.copy()
        out.sum_duplicates()
        out.eliminate_zeros()
        owned(out)
    finite = np.isfinite(out.data)
    if not finite.all():
        rows = np.repeat(np.arange(len(ids)), np.diff(out.indptr))[~finite]
        raise WeightsError(
            f"Weights must be finite; NaN or infinity in the rows of {name_ids(ids[np.unique(rows)])}. "
            "Infinite inverse distances mean coincident points."
        )
    narrow = np.int32 if max(out.nnz, *out.shape) <= np.iinfo(np.int32).max else np.int64
    parts = (out.data, out.indices.astype(narrow, copy=False), out.indptr.astype(narrow, copy=False))
    # Read-only arrays are shared, between weights too; others stay the caller's, who may write to them.
    locked = tuple(_locked(part.copy() if part.flags.writeable else part) for part in parts)
    frozen = sp.csr_array(locked, shape=out.shape)
    frozen.has_canonical_format = True
    return frozen


def owned(matrix: sp.csr_array) -> sp.csr_array:
    """Lock the arrays of a matrix that nobody else holds, so that `canonical_csr` need not copy them."""
    for part in (matrix.data, matrix.indices, matrix.indptr):
        _locked(part)
    return matrix


def _locked(array: Any) -> Any:
    array.flags.writeable = False
    return array


def from_sparse(matrix: Any, ids: Any) -> Parts:
    """Return ids and CSR; ids default to 0..N-1."""
    if not sp.issparse(matrix):
        raise WeightsError(
            f"A scipy sparse matrix is needed; got {type(matrix).__name__}. Use Weights.from_dense."
        )
    own = owned(sp.csr_array(matrix, copy=True))
    return (pd.RangeIndex(own.shape[0]) if ids is None else check_ids(ids, "Weights")), own


def from_dense(matrix: Any, ids: Any) -> Parts:
    """Return ids and CSR of an array, or of a frame whose columns repeat its index."""
    if isinstance(matrix, pd.DataFrame):
        index = check_ids(matrix.index, "The rows of the matrix")
        columns = check_ids(matrix.columns, "The columns of the matrix")
        if set(index) != set(columns):
            only = index.symmetric_difference(columns)
            raise AlignmentError(
                f"The rows and columns of a weights frame must be the same ids; not shared: {name_ids(only)}."
            )
        values = matrix.loc[:, list(index)].to_numpy(dtype=np.float64)
        if ids is None:
            return index, sp.csr_array(values)
        wanted = check_ids(ids, "Weights")
        order = index.get_indexer(wanted)
        if len(wanted) != len(index) or (order < 0).any():
            raise AlignmentError(
                f"The matrix is labelled, and its ids are not those given: {name_ids(wanted[order < 0])}."
            )
        return wanted, sp.csr_array(values[np.ix_(order, order)])
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise WeightsError(f"A weights matrix must be square; got shape {values.shape}.")
    own = owned(sp.csr_array(values))
    return (pd.RangeIndex(len(values)) if ids is None else check_ids(ids, "Weights")), own


def from_frame(links: pd.DataFrame, ids: Any) -> Parts:
    """Return ids and CSR of a table of links i, j, w; a link given twice is refused."""
    if not isinstance(links, pd.DataFrame):
        raise WeightsError(f"Links must be a DataFrame with columns i, j and w; got {type(links).__name__}.")
    columns = ["i", "j", "w"] if {"i", "j", "w"} <= set(links.columns) else list(links.columns[:3])
    if len(columns) < 3:
        raise WeightsError(f"A table of links needs three columns, i, j and w; got {list(links.columns)}.")
    heads, tails, values = (links[c] for c in columns)
    if heads.isna().any() or tails.isna().any():
        raise WeightsError(
            f"{int((heads.isna() | tails.isna()).sum())} links lack an id; each needs i, j and w."
        )
    index = check_ids(pd.Index(pd.concat([heads, tails]).unique()) if ids is None else ids, "Links")
    row, column = index.get_indexer(pd.Index(heads)), index.get_indexer(pd.Index(tails))
    unknown = pd.Index(pd.concat([heads[row < 0], tails[column < 0]]).unique())
    if len(unknown):
        raise AlignmentError(f"These ids are in the links but not among the ids given: {name_ids(unknown)}.")
    twice = pd.Series(row * len(index) + column).duplicated().to_numpy()
    if twice.any():
        pairs = list(zip(heads[twice], tails[twice], strict=True))
        raise WeightsError(f"Each link must be given once; these pairs repeat: {name_ids(pairs)}.")
    shape = (len(index), len(index))
    return index, sp.csr_array((as_float(values, "Weights of links"), (row, column)), shape=shape)


def to_frame(matrix: sp.csr_array, ids: pd.Index[Any]) -> pd.DataFrame:
    """Return columns i, j, w in the order of the rows."""
    rows = np.repeat(np.arange(len(ids)), np.diff(matrix.indptr))
    return pd.DataFrame({"i": ids[rows], "j": ids[matrix.indices], "w": matrix.data.copy()})


def to_graph(matrix: sp.csr_array, ids: pd.Index[Any]) -> Any:
    """Return a libpysal Graph; islands become its self-loops of weight 0."""
    from libpysal.graph import Graph

    rows = np.repeat(np.arange(len(ids)), np.diff(matrix.indptr))
    alone = np.flatnonzero(np.diff(matrix.indptr) == 0)
    heads = np.concatenate([rows, alone])
    order = np.argsort(heads, kind="stable")
    tails = np.concatenate([matrix.indices, alone])[order]
    data = np.concatenate([matrix.data, np.zeros(len(alone))])[order]
    pairs = pd.MultiIndex.from_arrays([ids[heads[order]], ids[tails]], names=["focal", "neighbor"])
    return Graph(pd.Series(data, index=pairs, name="weight"), is_sorted=True)


def from_graph(graph: Any) -> Parts:
    """Return ids and CSR of a libpysal Graph."""
    if not hasattr(graph, "adjacency"):
        raise WeightsError(f"A libpysal Graph is needed; got {type(graph).__name__}.")
    ids, links = pd.Index(graph.unique_ids, name=None), graph.adjacency
    # Not graph.sparse, which has too few columns where the last units are nobody's neighbours.
    i, j = (
        ids.get_indexer(level)[codes]
        for level, codes in zip(links.index.levels, links.index.codes, strict=True)
    )
    return ids, owned(sp.csr_array((links.to_numpy(np.float64), (i, j)), shape=(len(ids), len(ids))))


def graph_meta(graph: Any) -> Meta:
    """Return what a Graph knows of itself."""
    from .meta import Meta

    normal = {"R": "row", "O": "none"}.get(graph.transformation, f"libpysal {graph.transformation}")
    return Meta(kind="given", normalization=normal, islands="keep", source="libpysal Graph")


def to_w(matrix: sp.csr_array, ids: pd.Index[Any]) -> Any:
    """Return a legacy libpysal W with the same ids, order and weights."""
    from libpysal.weights import W

    starts = matrix.indptr
    names = ids.tolist()
    neighbors, weights = {}, {}
    for i, name in enumerate(names):
        part = slice(starts[i], starts[i + 1])
        neighbors[name] = [names[j] for j in matrix.indices[part]]
        weights[name] = matrix.data[part].tolist()
    return W(neighbors, weights, id_order=names, silence_warnings=True)


def from_w(w: Any) -> Parts:
    """Return ids and CSR of a legacy W, in its id order."""
    if not hasattr(w, "id_order"):
        raise WeightsError(f"A legacy libpysal W is needed; got {type(w).__name__}.")
    return pd.Index(w.id_order), owned(sp.csr_array(w.sparse, copy=True))


def w_meta(w: Any) -> Meta:
    """Return what a legacy W knows of itself."""
    from .meta import Meta

    normal = {"R": "row", "O": "none"}.get(str(w.transform), f"libpysal {w.transform}")
    return Meta(kind="given", normalization=normal, islands="keep", source="libpysal W")
