"""What weights become without others: normalised, cut, reordered, of higher order; each time new weights."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import AlignmentError, Hinting, WeightsError, hinted, name_ids
from spatial.ids.alignment import check_ids, indexer

from . import algebra, editing, lags, normalization
from .checks import one_of
from .csr import Pairs, owned
from .meta import Meta

__all__ = ["Transformations"]


# What libpysal, spdep and Stata call it.
_ELSEWHERE = {
    **dict.fromkeys(("row_standardize", "row_normalize", "row_normalized", "standardize", "standardized",
                     "normalize", "normalized", "transform", "nb2listw"), "row_standardized()"),
    **dict.fromkeys(("higher_order_contiguity", "higher_order_sp", "nblag", "order"), "higher_order(k)"),
    **dict.fromkeys(("save", "to_file", "to_csv", "to_gal"), "write(path)"),
    **dict.fromkeys(("summary", "describe", "summarize"), "report()"),
    **dict.fromkeys(("adjacency", "to_adjacency", "to_adjlist", "edges"), "to_frame()"),
    **dict.fromkeys(("full", "toarray", "to_array", "matrix"), "to_dense()"),
    "neighbours": "neighbors", "explore": "plot(cities)", "symmetrize": "union", "drop": "subset(ids)",
    "sum": "n_links", "n_units": "n", "nonzero": "n_links", "spatial_lag": "lag(x)", "lag_spatial": "lag(x)",
}  # fmt: skip


@hinted
@dataclass(frozen=True, eq=False, repr=False)
class Transformations(Hinting):
    """The ids, the matrix and the meta of weights, and what can be made of them alone; see `Weights`."""

    _known_as: ClassVar[Mapping[str, str]] = _ELSEWHERE
    ids: pd.Index[Any]
    sparse: sparse.csr_array
    meta: Meta = field(default_factory=Meta)

    def __matmul__(self, x: Any) -> Any:
        """Return ``W @ x``: the lag of labelled data, the product with an array (N,) or (N, k)."""
        return lags.times(self.sparse, self.ids, x)

    def row_standardized(self) -> Self:
        """Divide each row by its sum; rows of islands stay zero."""
        return self._with(normalization.row_standardize(self.sparse, self.ids), normalization="row")

    def spectral_normalized(self) -> Self:
        """Divide all weights by the spectral radius (Stata ``spmatrix`` default)."""
        return self._with(normalization.spectral_normalize(self.sparse), normalization="spectral")

    def minmax_normalized(self) -> Self:
        """Divide all weights by min(largest row sum, largest column sum) (Kelejian and Prucha 2010)."""
        return self._with(normalization.minmax_normalize(self.sparse), normalization="minmax")

    def binary(self) -> Self:
        """Set each nonzero weight to one."""
        ones = sparse.csr_array(
            (np.ones_like(self.sparse.data), self.sparse.indices, self.sparse.indptr), self.sparse.shape
        )
        return self._with(ones, normalization="none")

    def scaled(self, factor: float) -> Self:
        """Multiply all weights by `factor`."""
        real = isinstance(factor, numbers.Real) and not isinstance(factor, bool)
        if not real or not np.isfinite(float(factor)) or factor == 0:
            raise WeightsError(f"Weights can be scaled by a finite number other than zero; got {factor!r}.")
        return self._with(self.sparse * float(factor), normalization="none")

    def transposed(self) -> Self:
        """Exchange senders and receivers."""
        return self._with(sparse.csr_array(self.sparse.T), normalization="none")

    def reordered(self, ids: Any) -> Self:
        """Put the same units into another order."""
        wanted = check_ids(ids, "The ids given")
        order = indexer(self.ids, wanted, "the weights", "the ids given")
        return replace(self, ids=wanted, sparse=self.sparse[order][:, order])

    def subset(
        self, ids: Any, *, renormalize: bool = True, islands: Literal["raise", "keep"] | None = None
    ) -> Self:
        """Keep only `ids`, in the order given; links to the units left out are cut.

        Parameters
        ----------
        ids : Index or sequence
            Unit ids, each among those of these weights.
        renormalize : bool
            Normalise what remains as these weights are: rows that summed to one do so again.  With False the
            weights stay as they are, and the normalisation is ``"none"`` where links were cut.
        islands : {"raise", "keep"}, optional
            What becomes of units that lose all their neighbours.  Default, as these weights were built:
            ``"keep"`` where they keep islands, else ``"raise"``.

        Returns
        -------
        Weights
            ``meta.subset_of`` and ``meta.cut_share`` say what was cut, and `report` prints it.

        Raises
        ------
        AlignmentError
            For ids that are not in the weights.
        WeightsError
            Where units lose all neighbours and may not, or what remains cannot be normalised.

        Examples
        --------
        >>> import numpy as np
        >>> from spatial.weights import Weights
        >>> W = Weights.from_dense(1 - np.eye(3), ids=["a", "b", "c"]).row_standardized()
        >>> W.subset(["b", "a"]).to_dense()
             b    a
        b  0.0  1.0
        a  1.0  0.0
        >>> W.subset(["b", "a"]).meta.cut_share
        0.5
        """
        wanted = check_ids(ids, "A subset")
        order = self.ids.get_indexer(wanted)
        if (order < 0).any():
            raise AlignmentError(f"These ids are not in the weights: {name_ids(wanted[order < 0])}.")
        policy = None if islands is None else one_of(islands, ("raise", "keep"), "islands")
        cut, meta = algebra.cut_out(
            self.sparse, self.ids, self.meta, order, renormalize=renormalize, islands=policy
        )
        return replace(self, ids=wanted, sparse=owned(cut), meta=meta)

    def higher_order(self, k: int, *, lower: bool = False) -> Self:
        """Return the neighbours at exactly `k` steps, or at up to `k` with `lower`.

        Binary; own weights are no links, and a unit is never its own neighbour.
        """
        return self._made(*algebra.in_steps(self, k, lower=lower))

    def block(self, groups: Any) -> Self:
        """Keep only the links inside a group: a Series by unit, or labels in the order of the ids."""
        return self._made(*algebra.within_groups(self, groups))

    def edit(self, *, add: Pairs | None = None, cut: Pairs | None = None, both_ways: bool = True) -> Self:
        """Add and cut single links, by hand or by a file.

        Parameters
        ----------
        add, cut : list of pairs, DataFrame, or path, optional
            Links by id: ``[(i, j), ...]``, a table with columns ``i, j`` (and ``w`` for weights that are not
            all 1), or a .csv file of such a table.
        both_ways : bool
            Each pair stands for both directions.

        Returns
        -------
        Weights
            ``meta.parameters["added"]`` and ``["cut"]`` name the pairs.

        Raises
        ------
        AlignmentError
            For ids that are not in the weights.
        WeightsError
            For a link to add that is there, one to cut that is not, and weights that are normalised already.

        Examples
        --------
        >>> from spatial.weights import Weights
        >>> W = Weights.from_dense([[0, 1.0, 0], [1, 0, 0], [0, 0, 0]], ids=["a", "b", "c"])
        >>> W.edit(add=[("a", "c")], cut=[("a", "b")]).to_frame().to_numpy().tolist()
        [['a', 'c', 1.0], ['c', 'a', 1.0]]
        """
        return type(self)(self.ids, *editing.edited(self, add, cut, both_ways=both_ways))

    def _with(self, matrix: sparse.csr_array, **meta: Any) -> Self:
        return replace(self, sparse=owned(matrix), meta=replace(self.meta, **meta))

    def _made(self, matrix: sparse.csr_array, meta: Meta) -> Self:
        return replace(self, sparse=owned(matrix), meta=meta)
