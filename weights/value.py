"""The value: ids, a sparse matrix whose row i holds the neighbours of i, and where it came from."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from spatial.errors import AlignmentError, WeightsError, hinted, name_ids
from spatial.ids.alignment import check_ids, indexer
from spatial.ids.kinds import whole_ids
from spatial.ids.numbers import Ids, Values
from spatial.results import drawn_by

from . import algebra, conversion, lags, normalization
from .blocks.value import OpenWeights
from .checks import MAX_LINKS
from .csr import DenseLike, SparseLike, canonical_csr
from .meta import Meta
from .report.comparison import WeightsComparison, compare_links
from .report.report import WeightsReport, build_report
from .report.text import weights_html, weights_line
from .transformations import Transformations

if TYPE_CHECKING:
    from libpysal.graph import Graph
    from libpysal.weights import W as LegacyW
    from matplotlib.axes import Axes

    from spatial.panel.panel import PanelLike
    from spatial.places.points import CitiesLike

__all__ = ["Weights", "WeightsLike", "as_weights"]


@hinted
@dataclass(frozen=True, eq=False, repr=False)
class Weights(Transformations):
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

    def __post_init__(self) -> None:
        ids = whole_ids(check_ids(self.ids, "Weights"), "Weights")
        object.__setattr__(self, "ids", ids)
        object.__setattr__(self, "sparse", canonical_csr(self.sparse, ids))

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
    def own_units(self) -> pd.Index[Any]:
        """Ids of the units that have a weight of their own."""
        return self.ids[self.sparse.diagonal() != 0]

    @cached_property
    def islands(self) -> pd.Index[Any]:
        """Ids of the units that have no neighbour."""
        return self.ids[self.cardinalities.to_numpy() == 0]

    @cached_property
    def is_row_standardized(self) -> bool:
        """Whether each row that has neighbours sums to one."""
        return normalization.sums_to_one(self.sparse)

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        """Name the kind, the size and the normalisation."""
        return f"<Weights {weights_line(self)}>"

    def _repr_html_(self) -> str:
        return weights_html(self)

    def equals(self, other: Weights) -> bool:
        """Whether ids (with their order) and weights are the same."""
        same = self.ids.equals(other.ids) and self.sparse.shape == other.sparse.shape
        return bool(same and (self.sparse != other.sparse).nnz == 0)

    def neighbors(self, unit: Hashable) -> pd.Series[float]:
        """Return the weights of the neighbours of `unit`, by id."""
        row = indexer_of(self.ids, unit)
        start, stop = self.sparse.indptr[row], self.sparse.indptr[row + 1]
        names = self.ids[self.sparse.indices[start:stop]]
        return pd.Series(self.sparse.data[start:stop], index=names, name=unit)

    # ---- the lag
    def lag(self, x: Values | PanelLike, *, axis: int | None = None) -> Any:
        r"""Return the spatial lag :math:`(I_T \otimes W) x` without ever making the Kronecker product.

        Parameters
        ----------
        x : Series, DataFrame, Panel, array or raster
            A Series or DataFrame indexed by unit, or by (unit, time), is matched by label and returned
            in its own order.  A Panel gives a Panel of lags.  An array has units along its last axis,
            ``(..., N)``; or, where that axis has another length, along its second to last, ``(T, N, k)``.
            An ``xarray.DataArray`` is a raster where the units are its cells (`spatial.weights.grid`).
        axis : int, optional
            The axis of the units, for an array where the shape leaves it open.

        Returns
        -------
        Series, DataFrame, Panel, array or raster
            Of the same form as `x`.  NaN in a neighbour's cell makes the lag NaN.

        Raises
        ------
        AlignmentError
            Where the ids differ, or an array has no axis of length N, or two.
        """
        cells = self.meta.parameters.get("shape") if self.meta.kind == "grid" else None
        return lags.lag(self.sparse, self.ids, x, axis=axis, cells=cells)

    # ---- with other weights of the same units
    def combine(self, other: WeightsLike, share: float) -> Weights:
        """Return `share` of these weights plus ``1 - share`` of `other`; see `spatial.weights.nested`."""
        second = self._matched(other)
        return Weights(self.ids, *algebra.mixed(self, second, share))

    def intersect(self, other: WeightsLike) -> Weights:
        """Keep the links that `other` has too, with these weights."""
        return Weights(self.ids, *algebra.intersected(self, self._matched(other)))

    def union(self, other: WeightsLike) -> Weights:
        """Link what these weights or `other` link; binary."""
        return Weights(self.ids, *algebra.of_sets(self, self._matched(other), "union"))

    def intersection(self, other: WeightsLike) -> Weights:
        """Link what both link; binary (`intersect` keeps these weights)."""
        return Weights(self.ids, *algebra.of_sets(self, self._matched(other), "intersection"))

    def difference(self, other: WeightsLike) -> Weights:
        """Link what these weights link and `other` does not; binary."""
        return Weights(self.ids, *algebra.of_sets(self, self._matched(other), "difference"))

    def symmetric_difference(self, other: WeightsLike) -> Weights:
        """Link what one of the two links and the other does not; binary."""
        return Weights(self.ids, *algebra.of_sets(self, self._matched(other), "symmetric_difference"))

    def compare(self, other: WeightsLike, x: Values | None = None) -> WeightsComparison:
        """Compare the links with those of `other`, and the lags of both; see `spatial.weights.compare`."""
        return compare_links(self, self._matched(other), x)

    def _matched(self, other: WeightsLike) -> Weights:
        """Return `other` as Weights, its units in the order of these; refuse other ids."""
        second = as_weights(other)
        if second.ids.equals(self.ids):
            return second
        order = indexer(second.ids, self.ids, "the second weights")
        return replace(second, ids=self.ids, sparse=second.sparse[order][:, order])

    # ---- look, convert, keep
    def report(self, *, spectrum: bool = True) -> WeightsReport:
        r"""Describe the weights: links, components, islands, row sums, and the spatial parameters they allow.

        The model :math:`y = \lambda W y + X\beta + u` needs :math:`I - \lambda W` regular, which holds for

        .. math:: 1/\omega_{min} < \lambda < 1/\omega_{max},

        with the least and largest real eigenvalues of W (LeSage and Pace 2009, chapter 4).  Row-standardised
        weights above zero have :math:`\omega_{max} = 1` exactly.

        Parameters
        ----------
        spectrum : bool
            Compute eigenvalues: exactly up to 1,000 units (400 where W has no symmetric twin), else by
            Arnoldi iterations with a fixed start; where these do not settle in time, :math:`1/\rho(W)`
            bounds the range, which is always safe, and the report says so.

        Returns
        -------
        WeightsReport

        Examples
        --------
        >>> W = Weights.from_dense([[0, 1.0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
        >>> report = W.row_standardized().report()
        >>> report.n_components, report.islands.tolist(), report.lambda_range
        (2, [3], (-1.0, 1.0))
        """
        return build_report(self.ids, self.sparse, self.meta, spectrum=spectrum)

    def plot(self, cities: CitiesLike, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the connectivity map over `cities`; see `spatial.maps.connectivity_map`."""
        axes: Axes = drawn_by("connectivity_map")(self, cities, ax=ax, **options)
        return axes

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
        if self.n**2 > MAX_LINKS:
            raise WeightsError(
                f"A dense matrix of {self.n:,} units would take {8e-9 * self.n**2:,.1f} GB; the limit is "
                f"{8e-9 * MAX_LINKS:.1f} GB. Use W.sparse, or W.to_frame()."
            )
        return pd.DataFrame(self.sparse.toarray(), index=self.ids, columns=self.ids)

    def write(
        self,
        path: str | Path,
        *,
        binary: bool = False,
        form: Literal["links", "dense"] | None = None,
        id_field: str | None = None,
        spatial_reference: str | None = None,
    ) -> Path:
        """Write to .gal, .gwt, .swm, .csv, .xlsx, .parquet, .npz, .mtx or .dat: the suffix says the format.

        The file appears whole or not at all.

        Parameters
        ----------
        path : str or Path
            An existing file is replaced.
        binary : bool
            Write 1 for each link.  .gal keeps nothing else, and refuses other weights without it.
        form : {"links", "dense"}, optional
            Of a table: default links in .csv, dense in .xlsx.
        id_field : str, optional
            Name of the id column in the map, for the header of .gal, .gwt and .swm; default, the name of
            `ids`.
        spatial_reference : str, optional
            For the header of .swm.

        Returns
        -------
        Path
            Of the file.

        Raises
        ------
        WeightsError
            Where the format cannot keep these weights or ids, with those that can.

        Notes
        -----
        Weights come back bit by bit, islands and the order of the units too.  .parquet, .npz and .mtx keep
        `meta` as well (a tuple in its parameters comes back as a list).  In .gwt, .dat, .csv and .parquet an
        island stands as a link of weight 0 to itself, as libpysal has it.
        """
        from .io import formats
        from .io.parsed import Options

        options = Options(form=form, id_field=id_field, spatial_reference=spatial_reference)
        return formats.write(self.binary() if binary else self, path, options)

    # ---- constructors
    @classmethod
    def from_sparse(cls, matrix: SparseLike, ids: Ids | None = None, *, meta: Meta | None = None) -> Weights:
        """Build from a scipy sparse matrix; ids default to 0..N-1."""
        return cls._given(conversion.from_sparse(matrix, ids), meta or Meta(source="sparse"))

    @classmethod
    def from_dense(cls, matrix: DenseLike, ids: Ids | None = None, *, meta: Meta | None = None) -> Weights:
        """Build from an N x N array, or a frame whose index and columns are the same ids."""
        return cls._given(conversion.from_dense(matrix, ids), meta or Meta(source="dense"))

    @classmethod
    def from_frame(cls, links: pd.DataFrame, ids: Ids | None = None, *, meta: Meta | None = None) -> Weights:
        """Build from columns ``i, j, w``; `ids` adds units without links.

        Columns are found by their names, in any order: also ``focal, neighbor, weight`` (libpysal), ``from,
        to, weights`` (spdep) and ``origin, destination, weight``.  Other names are refused.
        """
        return cls._given(conversion.from_frame(links, ids), meta or Meta(source="frame"))

    @classmethod
    def from_graph(cls, graph: Graph, *, meta: Meta | None = None) -> Weights:
        """Build from a libpysal ``Graph``."""
        return cls._given(conversion.from_graph(graph), meta or conversion.graph_meta(graph))

    @classmethod
    def from_w(cls, w: LegacyW, *, meta: Meta | None = None) -> Weights:
        """Build from a legacy libpysal ``W``, with its present transform; `w` is not changed."""
        return cls._given(conversion.from_w(w), meta or conversion.w_meta(w))

    @classmethod
    def _given(cls, parts: conversion.Parts, meta: Meta) -> Weights:
        made = cls(*parts, meta)
        conversion.say_negative(made.ids, made.sparse)
        return made


def indexer_of(ids: pd.Index[Any], unit: Any) -> int:
    """Return the row of one unit."""
    try:
        position = ids.get_indexer(pd.Index([unit]))[0]
    except (TypeError, ValueError):  # what cannot be an id is none of these
        position = -1
    if position < 0:
        raise AlignmentError(
            f"{unit!r} is not among the {len(ids)} ids of the weights ({name_ids(ids[:3])}, ...)."
        )
    return int(position)


if TYPE_CHECKING:
    WeightsLike: TypeAlias = Weights | OpenWeights | Graph | LegacyW
else:
    WeightsLike = Any  # libpysal takes a second to import, and is asked only by those who use it


@hinted
def as_weights(weights: WeightsLike) -> Weights:
    """Return `weights` as Weights; a libpysal ``Graph`` or ``W`` is converted, `OpenWeights` are read.

    Raises
    ------
    WeightsError
        For anything else.  A bare matrix has no ids: use `Weights.from_sparse` and name them.

    Examples
    --------
    >>> import libpysal
    >>> as_weights(libpysal.weights.lat2W(3, 3)).n
    9
    """
    if isinstance(weights, Weights):
        return weights
    if isinstance(weights, OpenWeights):
        return Weights(weights.ids, weights.matrix(), weights.meta)
    # By name, so that libpysal (1.3 s) is not imported only to ask.
    kinds = {f"{c.__module__.split('.')[0]}.{c.__name__}" for c in type(weights).__mro__}
    if "libpysal.Graph" in kinds:
        return Weights.from_graph(weights)
    if "libpysal.W" in kinds:
        return Weights.from_w(weights)
    swapped = getattr(weights, "ndim", 2) == 1 or kinds & {"pandas.DataFrame", "spatial.Panel"}
    advice = (
        "Values come first and weights second, as in moran(x, W)."
        if swapped
        else "A bare matrix has no ids: use Weights.from_sparse(matrix, ids) or from_dense."
    )
    raise WeightsError(
        f"Weights, or a libpysal Graph or W, are needed; got {type(weights).__name__}. {advice}"
    )
