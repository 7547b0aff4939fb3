"""To and from scipy, dense arrays, link tables and libpysal; lossless, ids kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import AlignmentError, WeightsError, name_ids, warn
from spatial.ids.alignment import as_float, check_ids

from .csr import owned
from .meta import Meta

__all__ = [
    "HEADS",
    "STRENGTHS",
    "TAILS",
    "from_dense",
    "from_frame",
    "from_graph",
    "from_sparse",
    "from_w",
    "link_columns",
    "say_negative",
    "to_frame",
    "to_graph",
    "to_w",
]

Parts = tuple["pd.Index[Any]", sparse.csr_array]


def from_sparse(matrix: Any, ids: Any) -> Parts:
    """Return ids and the matrix; ids default to 0..N-1."""
    if not sparse.issparse(matrix):
        raise WeightsError(
            f"A scipy sparse matrix is needed; got {type(matrix).__name__}. Use Weights.from_dense."
        )
    return (pd.RangeIndex(matrix.shape[0]) if ids is None else check_ids(ids, "Weights")), matrix


def say_negative(ids: pd.Index[Any], matrix: sparse.csr_array) -> None:
    """Warn of negative weights from outside, naming the units whose lag is no mean of neighbours then."""
    if matrix.nnz and matrix.data.min() < 0:
        below = matrix.data < 0
        rows = np.unique(matrix.tocoo().coords[0][below])
        count = "1 weight is" if below.sum() == 1 else f"{below.sum():,} weights are"
        said = f"{count} negative, in rows of {name_ids(ids[rows], 5)}: their lag is no mean of neighbours."
        warn(said)


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
        values = as_float(matrix.loc[:, list(index)], "A weights matrix")
        if ids is None:
            return index, sparse.csr_array(values)
        wanted = check_ids(ids, "Weights")
        order = index.get_indexer(wanted)
        if len(wanted) != len(index) or (order < 0).any():
            raise AlignmentError(
                f"The matrix is labelled, and its ids are not those given: {name_ids(wanted[order < 0])}."
            )
        return wanted, sparse.csr_array(values[np.ix_(order, order)])
    values = as_float(matrix, "A weights matrix")
    if values.ndim != 2 or values.shape[0] != values.shape[1]:
        raise WeightsError(f"A weights matrix must be square; got shape {values.shape}.")
    own = owned(sparse.csr_array(values))
    return (pd.RangeIndex(len(values)) if ids is None else check_ids(ids, "Weights")), own


# The usual names of the columns of a table of links: ours, libpysal's, spdep's, those of flow data.
HEADS = frozenset({"i", "focal", "from", "origin", "source", "id_i"})
TAILS = frozenset({"j", "neighbor", "neighbour", "to", "destination", "target", "id_j"})
STRENGTHS = frozenset({"w", "weight", "weights", "wij", "w_ij"})


def link_columns(names: Sequence[Any]) -> tuple[int, int, int] | None:
    """Return the places of the columns of unit, neighbour and weight by their names, or None.

    Examples
    --------
    >>> link_columns(["weight", "focal", "neighbor"])
    (1, 2, 0)
    """
    plain = [str(name).strip().lower() for name in names]
    found = [[k for k, name in enumerate(plain) if name in known] for known in (HEADS, TAILS, STRENGTHS)]
    return (found[0][0], found[1][0], found[2][0]) if all(len(f) == 1 for f in found) else None


def from_frame(links: pd.DataFrame, ids: Any) -> Parts:
    """Return ids and CSR of a table of links i, j, w; a link given twice is refused."""
    if not isinstance(links, pd.DataFrame):
        raise WeightsError(f"Links must be a DataFrame with columns i, j and w; got {type(links).__name__}.")
    heads, tails, values = _link_table(links)
    if heads.isna().any() or tails.isna().any():
        raise WeightsError(
            f"{int((heads.isna() | tails.isna()).sum())} links lack an id; each needs i, j and w."
        )
    try:
        named = pd.concat([heads, tails]).unique()
    except TypeError:
        raise WeightsError("Units of links must be text or numbers; some are lists or the like.") from None
    index = check_ids(named if ids is None else ids, "Links")
    row, column = index.get_indexer(pd.Index(heads)), index.get_indexer(pd.Index(tails))
    unknown = pd.Index(pd.concat([heads[row < 0], tails[column < 0]]).unique())
    if len(unknown):
        raise AlignmentError(f"These ids are in the links but not among the ids given: {name_ids(unknown)}.")
    twice = pd.Series(row * len(index) + column).duplicated().to_numpy()
    if twice.any():
        pairs = list(zip(heads[twice], tails[twice], strict=True))
        raise WeightsError(f"Each link must be given once; these pairs repeat: {name_ids(pairs)}.")
    shape = (len(index), len(index))
    return index, sparse.csr_array((as_float(values, "Weights of links"), (row, column)), shape=shape)


def _link_table(links: pd.DataFrame) -> list[pd.Series[Any]]:
    """Return unit, neighbour and weight, by the names of the columns (or of the levels of the index)."""
    flat = links if links.index.nlevels == 1 else links.reset_index()
    places = link_columns(list(flat.columns))
    if places is None and flat.shape[1] == 3 and list(flat.columns) == [0, 1, 2]:
        places = (0, 1, 2)  # columns that nobody named
    if places is None:
        raise WeightsError(
            "A table of links needs columns i, j and w, or as libpysal, spdep and flow data name them "
            "(focal, neighbor, weight; from, to, weights; origin, destination), each once; got "
            f"{name_ids(flat.columns)}. Rename them, e.g. frame.rename(columns={{'a': 'i', 'b': 'j'}})."
        )
    return [flat.iloc[:, place] for place in places]


def to_frame(matrix: sparse.csr_array, ids: pd.Index[Any]) -> pd.DataFrame:
    """Return columns i, j, w in the order of the rows."""
    rows = np.repeat(np.arange(len(ids)), np.diff(matrix.indptr))
    return pd.DataFrame({"i": ids[rows], "j": ids[matrix.indices], "w": matrix.data.copy()})


def to_graph(matrix: sparse.csr_array, ids: pd.Index[Any]) -> Any:
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
    return ids, owned(sparse.csr_array((links.to_numpy(np.float64), (i, j)), shape=(len(ids), len(ids))))


def graph_meta(graph: Any) -> Meta:
    """Return what a Graph knows of itself."""
    normal = {"R": "row", "O": "none"}.get(graph.transformation, f"libpysal {graph.transformation}")
    return Meta(kind="given", normalization=normal, islands="keep", source="libpysal Graph")


def to_w(matrix: sparse.csr_array, ids: pd.Index[Any]) -> Any:
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
    return pd.Index(w.id_order), owned(sparse.csr_array(w.sparse, copy=True))


def w_meta(w: Any) -> Meta:
    """Return what a legacy W knows of itself."""
    normal = {"R": "row", "O": "none"}.get(str(w.transform), f"libpysal {w.transform}")
    return Meta(kind="given", normalization=normal, islands="keep", source="libpysal W")
