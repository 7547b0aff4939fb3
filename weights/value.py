"""The value: ids, a sparse matrix whose row i holds the neighbours of i, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatial.errors import AlignmentError, WeightsError, name_ids
from spatial.ids.alignment import check_ids, indexer

from . import conversion, cutting, lags, normalization
from .checks import one_of
from .meta import Meta

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.weights.report.report import WeightsReport

__all__ = ["Meta", "Weights", "as_weights"]


@dataclass(frozen=True, eq=False, repr=False)
class Weights:
    r"""Spatial weights: the matrix W of the spatial lag

    .. math:: (Wx)_i = \sum_j w_{ij} x_j .

    Immutable: each transformation returns new weights.

    Parameters
    ----------
    ids : Index, length N
        Unit ids, unique, in the order of the rows.
    sparse : scipy CSR array, (N, N)
        Row i holds the neighbours of unit i; sorted indices, no explicit zeros, float64.
    meta : Meta
        Kind, parameters, distance unit, normalisation, islands policy and source.

    Examples
    --------
    >>> import numpy as np
    >>> W = Weights.from_dense(np.array([[0, 1.0, 0], [1, 0, 1], [0, 1, 0]]), ids=["a", "b", "c"])
    >>> W.n, W.n_links
    (3, 4)
    >>> import pandas as pd
    >>> W.row_standardized().lag(pd.Series({"c": 3.0, "b": 2.0, "a": 1.0}, name="x"))
    c    2.0
    b    2.0
    a    2.0
    Name: W_x, dtype: float64
    """

    ids: pd.Index[Any]
    sparse: sp.csr_array
    meta: Meta = field(default_factory=Meta)

    def __post_init__(self) -> None:
        ids = check_ids(self.ids, "Weights")
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "sparse", conversion.canonical_csr(self.sparse, ids))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor, so that what is loaded is immutable too."""
        return type(self), (self.ids, self.sparse, self.meta)

    # ---- facts
    @property
    def n(self) -> int:
        """Number of units, N."""
        return len(self.ids)

    @property
    def n_links(self) -> int:
        """Number of nonzero weights, own weights included."""
        return int(self.sparse.nnz)

    @cached_property
    def cardinalities(self) -> pd.Series[int]:
        """Number of neighbours of each unit, by id (the unit itself not counted)."""
        own = (self.sparse.diagonal() != 0).astype(np.int64)
        return pd.Series(np.diff(self.sparse.indptr) - own, index=self.ids, name="neighbours")

    @cached_property
    def islands(self) -> pd.Index[Any]:
        """Ids of the units that have no neighbour."""
        return self.ids[self.cardinalities.to_numpy() == 0]

    @property
    def is_row_standardized(self) -> bool:
        """Whether each row that has neighbours sums to one."""
        return cutting.sums_to_one(self.sparse)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        """Name the kind, the size and the normalisation."""
        unit = f", {self.meta.distance_unit}" if self.meta.distance_unit else ""
        return (
            f"<Weights {self.meta.kind}: {self.n} units, {self.n_links} links, "
            f"normalisation {self.meta.normalization}{unit}>"
        )

    def equals(self, other: Weights) -> bool:
        """Whether ids (with their order) and weights are the same."""
        same = self.ids.equals(other.ids) and self.sparse.shape == other.sparse.shape
        return bool(same and (self.sparse != other.sparse).nnz == 0)

    def neighbors(self, unit: Any) -> pd.Series[float]:
        """Return the weights of the neighbours of `unit`, by id."""
        row = indexer_of(self.ids, unit)
        start, stop = self.sparse.indptr[row], self.sparse.indptr[row + 1]
        names = self.ids[self.sparse.indices[start:stop]]
        return pd.Series(self.sparse.data[start:stop], index=names, name=unit)

    # ---- the lag
    def lag(self, x: Any, *, axis: int | None = None) -> Any:
        r"""Return the spatial lag :math:`(I_T \otimes W) x` without ever making the Kronecker product.

        Parameters
        ----------
        x : Series, DataFrame, Panel or array
            A Series or DataFrame indexed by unit, or by (unit, time), is matched by label and returned
            in its own order.  A Panel gives a Panel of lags.  An array has units along its last axis,
            ``(..., N)``; or, where that axis has another length, along its second to last, ``(T, N, k)``.
        axis : int, optional
            The axis of the units, for an array where the shape leaves it open.

        Returns
        -------
        Series, DataFrame, Panel or array
            Of the same form as `x`.  NaN in a neighbour's cell makes the lag NaN.

        Raises
        ------
        AlignmentError
            Where the ids differ, or an array has no axis of length N, or two.
        """
        return lags.lag(self.sparse, self.ids, x, axis=axis)

    # ---- transformations: each returns new weights
    def row_standardized(self) -> Weights:
        """Divide each row by its sum; rows of islands stay zero."""
        return self._with(normalization.row_standardize(self.sparse, self.ids), normalization="row")

    def spectral_normalized(self) -> Weights:
        """Divide all weights by the spectral radius (Stata ``spmatrix`` default)."""
        return self._with(normalization.spectral_normalize(self.sparse), normalization="spectral")

    def minmax_normalized(self) -> Weights:
        """Divide all weights by min(largest row sum, largest column sum) (Kelejian and Prucha 2010)."""
        return self._with(normalization.minmax_normalize(self.sparse), normalization="minmax")

    def binary(self) -> Weights:
        """Set each nonzero weight to one."""
        ones = sp.csr_array(
            (np.ones_like(self.sparse.data), self.sparse.indices, self.sparse.indptr), self.sparse.shape
        )
        return self._with(ones, normalization="none")

    def scaled(self, factor: float) -> Weights:
        """Multiply all weights by `factor`."""
        if not np.isfinite(factor) or factor == 0:
            raise WeightsError(f"Weights can be scaled by a finite number other than zero; got {factor!r}.")
        return self._with(self.sparse * float(factor), normalization="none")

    def transposed(self) -> Weights:
        """Exchange senders and receivers."""
        return self._with(sp.csr_array(self.sparse.T), normalization="none")

    def reordered(self, ids: Any) -> Weights:
        """Put the same units into another order."""
        wanted = pd.Index(ids)
        order = indexer(self.ids, wanted, "the weights", "the ids given")
        return replace(self, ids=wanted, sparse=self.sparse[order][:, order])

    def subset(
        self, ids: Any, *, renormalize: bool = True, islands: Literal["raise", "keep"] | None = None
    ) -> Weights:
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
        cut, meta = cutting.cut_out(
            self.sparse, self.ids, self.meta, order, renormalize=renormalize, islands=policy
        )
        return Weights(wanted, conversion.owned(cut), meta)

    def combine(self, other: Any, share: float) -> Weights:
        """Return `share` of these weights plus ``1 - share`` of `other`."""
        from .algebra import nested

        return nested(self, other, share)

    def intersect(self, other: Any) -> Weights:
        """Keep the links that `other` has too, with these weights."""
        from .algebra import intersect

        return intersect(self, other)

    def higher_order(self, k: int, *, lower: bool = False) -> Weights:
        """Return the neighbours at exactly `k` steps, or at up to `k` with `lower`."""
        from .algebra import higher_order

        return higher_order(self, k, lower=lower)

    def block(self, groups: Any) -> Weights:
        """Keep only the links inside a group."""
        from .algebra import within_groups

        return within_groups(self, groups)

    def _with(self, sparse: sp.csr_array, **meta: Any) -> Weights:
        return replace(self, sparse=conversion.owned(sparse), meta=replace(self.meta, **meta))

    # ---- look, convert, keep
    def report(self, *, spectrum: bool = True) -> WeightsReport:
        """Describe the weights: links, components, islands, neighbours, row sums, spectrum, unit."""
        from spatial.weights.report.report import build_report

        return build_report(self, spectrum=spectrum)

    def plot(self, cities: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the connectivity map over `cities`."""
        from spatial.maps.connectivity import connectivity_map

        return connectivity_map(self, cities, ax=ax, **options)

    def to_graph(self) -> Any:
        """Convert to a libpysal ``Graph``."""
        return conversion.to_graph(self.sparse, self.ids)

    def to_w(self) -> Any:
        """Convert to a legacy libpysal ``W``."""
        return conversion.to_w(self.sparse, self.ids)

    def to_frame(self) -> pd.DataFrame:
        """Return the links as columns ``i, j, w``."""
        return conversion.to_frame(self.sparse, self.ids)

    def to_dense(self) -> pd.DataFrame:
        """Return the N x N matrix as a frame labelled by id; meant for small N."""
        return pd.DataFrame(self.sparse.toarray(), index=self.ids, columns=self.ids)

    def write(self, path: str | Path, **options: Any) -> Path:
        """Write to .gal, .gwt, .swm, .csv, .xlsx, .parquet, .npz or .mtx, by the suffix."""
        from spatial.weights.io.files import write

        return write(self, path, **options)

    # ---- constructors
    @classmethod
    def from_sparse(cls, matrix: Any, ids: Any = None, *, meta: Meta | None = None) -> Weights:
        """Build from a scipy sparse matrix; ids default to 0..N-1."""
        return cls(*conversion.from_sparse(matrix, ids), meta or Meta(source="sparse"))

    @classmethod
    def from_dense(cls, matrix: Any, ids: Any = None, *, meta: Meta | None = None) -> Weights:
        """Build from an N x N array, or a frame whose index and columns are the same ids."""
        return cls(*conversion.from_dense(matrix, ids), meta or Meta(source="dense"))

    @classmethod
    def from_frame(cls, links: pd.DataFrame, ids: Any = None, *, meta: Meta | None = None) -> Weights:
        """Build from columns ``i, j, w`` (or the first three columns); `ids` adds units without links."""
        return cls(*conversion.from_frame(links, ids), meta or Meta(source="frame"))

    @classmethod
    def from_graph(cls, graph: Any, *, meta: Meta | None = None) -> Weights:
        """Build from a libpysal ``Graph``."""
        return cls(*conversion.from_graph(graph), meta or conversion.graph_meta(graph))

    @classmethod
    def from_w(cls, w: Any, *, meta: Meta | None = None) -> Weights:
        """Build from a legacy libpysal ``W``, with its present transform; `w` is not changed."""
        return cls(*conversion.from_w(w), meta or conversion.w_meta(w))


def indexer_of(ids: pd.Index[Any], unit: Any) -> int:
    """Return the row of one unit."""
    position = ids.get_indexer(pd.Index([unit]))[0]
    if position < 0:
        raise AlignmentError(
            f"{unit!r} is not among the {len(ids)} ids of the weights ({name_ids(ids[:3])}, ...)."
        )
    return int(position)


def as_weights(weights: Any) -> Weights:
    """Return `weights` as Weights; a libpysal ``Graph`` or ``W`` is converted.

    Raises
    ------
    WeightsError
        For anything else.  A bare matrix has no ids: use `Weights.from_sparse` and name them.
    """
    if isinstance(weights, Weights):
        return weights
    # By name, so that libpysal (1.3 s) is not imported only to ask.
    kinds = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(weights).__mro__}
    if "libpysal.Graph" in kinds:
        return Weights.from_graph(weights)
    if "libpysal.W" in kinds:
        return Weights.from_w(weights)
    raise WeightsError(
        f"Weights, or a libpysal Graph or W, are needed; got {type(weights).__name__}. "
        "A bare matrix has no ids: use Weights.from_sparse(matrix, ids) or from_dense."
    )
