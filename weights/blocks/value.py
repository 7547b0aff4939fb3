"""Weights that are never held whole: blocks of rows, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.errors import WeightsError
from spatial.ids.numbers import Values
from spatial.languages.names import kind_words, normal_words
from spatial.weights import lags, normalization
from spatial.weights.checks import links_fit
from spatial.weights.csr import owned
from spatial.weights.meta import Meta
from spatial.weights.transformations import Transformations
from spatial.words import tell

if TYPE_CHECKING:
    from spatial.panel.panel import PanelLike

__all__ = ["Block", "Blocks", "OpenWeights"]

Float = NDArray[np.float64]
Places = NDArray[np.int32]

_WHOLE = (
    *(name for name in vars(Transformations) if not name.startswith("_") and name != "row_standardized"),
    *("cardinalities", "islands", "neighbors", "plot", "report", "sparse"),
    *("to_dense", "to_frame", "to_graph", "to_w", "write"),
)


@dataclass(frozen=True, eq=False)
class Block:
    """Some rows of weights.

    Parameters
    ----------
    rows : int32 array, (R,)
        Which units these are, by their place in the ids; ascending.
    matrix : CSR, (R, N)
        Their neighbours, by place in the ids.
    """

    rows: Places
    matrix: sparse.csr_array

    @property
    def halo(self) -> Places:
        """The neighbours that are not of the block, by place."""
        return np.setdiff1d(self.matrix.indices, self.rows)

    @property
    def own(self) -> Float:
        """Own weights of the rows, (R,)."""
        heads = np.repeat(self.rows, np.diff(self.matrix.indptr))
        here = np.flatnonzero(heads == self.matrix.indices)
        out = np.zeros(len(self.rows))
        out[np.searchsorted(self.rows, heads[here])] = self.matrix.data[here]
        return out


class Blocks(Protocol):
    """Where blocks come from: a folder, or the shape of a raster."""

    @property
    def count(self) -> int:
        """How many blocks there are."""

    @property
    def n_links(self) -> int:
        """Nonzero weights of all."""

    @property
    def most(self) -> int:
        """The most links of any row."""

    def block(self, number: int) -> Block:
        """Return a block; every unit is in one."""


@dataclass(frozen=True)
class _ByBlocks:
    """What a lag multiplies arrays by: one block after the other."""

    weights: OpenWeights

    def __matmul__(self, values: Float) -> Float:
        """Return W times (N,) or (N, k)."""
        out = np.empty(values.shape)
        for block in self.weights.blocks():
            out[block.rows] = block.matrix @ values
        return out


@dataclass(frozen=True, eq=False, repr=False)
class OpenWeights:
    """Weights of which one block of rows is in memory at a time.

    Made by ``knn(cities, k, folder=)`` and ``distance_band(cities, km, folder=)``, which write a folder of
    blocks, by `spatial.weights.open_weights`, which opens one, and by ``grid(shape, stored=False)``, which
    stores nothing.  `lag`, fits of open panels, the local statistics (`spatial.local_moran` and the like) and
    the global ones (`spatial.moran` and the like) work block by block, to the bits of stored weights; other
    functions read them whole, as `spatial.weights.as_weights` does.

    Parameters
    ----------
    ids : Index, length N
    meta : Meta
    source : Blocks

    Examples
    --------
    >>> import numpy as np
    >>> import spatial as sp
    >>> W = sp.weights.grid((400, 500), stored=False).row_standardized()
    >>> W
    <OpenWeights grid: 200,000 units, 1,594,604 links, 1 block, normalisation row>
    >>> x = np.arange(200_000.0)
    >>> np.array_equal(W.lag(x), sp.weights.as_weights(W).lag(x))
    True
    """

    ids: pd.Index[Any]
    meta: Meta
    source: Blocks

    @property
    def n(self) -> int:
        """Number of units, N."""
        return len(self.ids)

    @property
    def n_links(self) -> int:
        """Number of nonzero weights."""
        return self.source.n_links

    @property
    def shape(self) -> tuple[int, int]:
        """(N, N)."""
        return self.n, self.n

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        """Name the kind, the size and the normalisation."""
        count = self.source.count
        said = tell(
            f"{self.meta.kind}: {self.n:,} units, {self.n_links:,} links, {count} block{'s' * (count != 1)}, "
            f"normalisation {self.meta.normalization}",
            f"{kind_words(self.meta.kind, 'zh')}：{self.n:,} 个个体，{self.n_links:,} 条连接，{count} 块"
            f"{normal_words(self.meta.normalization, 'zh')}",
        )
        return f"<OpenWeights {said}>"

    def blocks(self) -> Iterator[Block]:
        """Give one block after the other, normalised as the weights are."""
        for number in range(self.source.count):
            yield self.block(number)

    def block(self, number: int) -> Block:
        """Return one block, normalised as the weights are."""
        block = self.source.block(number)
        if self.meta.normalization != "row":
            return block
        return Block(block.rows, normalization.row_standardize(block.matrix, self.ids[block.rows]))

    def row_standardized(self) -> OpenWeights:
        """Divide each row by its sum, when it is read."""
        return replace(self, meta=replace(self.meta, normalization="row"))

    def __matmul__(self, x: Values | PanelLike) -> Any:
        """Return ``W @ x`` by blocks: the lag of labelled data, the product with an array (N,) or (N, k)."""
        return lags.times(_ByBlocks(self), self.ids, x)

    def lag(self, x: Values | PanelLike, *, axis: int | None = None) -> Any:
        """Return the spatial lag, in the form of `x`; see `spatial.weights.Weights.lag`."""
        cells = self.meta.parameters.get("shape") if self.meta.kind == "grid" else None
        return lags.lag(_ByBlocks(self), self.ids, x, axis=axis, cells=cells)

    def matrix(self) -> sparse.csr_array:
        """Read all blocks into one matrix.

        Raises
        ------
        WeightsError
            Where it does not fit, with its size.
        """
        advice = "lag and the local statistics work block by block, global ones with permutations=0."
        links_fit(float(self.n_links), f"{self!r}, in memory,", advice)
        counts, parts = np.zeros(self.n, np.int64), list(self.blocks())
        for block in parts:
            counts[block.rows] = np.diff(block.matrix.indptr)
        indptr = np.concatenate([[0], np.cumsum(counts)])
        indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1])
        while parts:
            block = parts.pop()
            widths = np.diff(block.matrix.indptr)
            place = np.repeat(indptr[block.rows] - block.matrix.indptr[:-1], widths)
            place += np.arange(len(place))
            indices[place], data[place] = block.matrix.indices, block.matrix.data
        return owned(sparse.csr_array((data, indices, indptr), shape=self.shape))

    def __getattr__(self, name: str) -> Any:
        """Say of what whole weights have that they must be read into memory."""
        if name in _WHOLE:
            raise WeightsError(
                f"W.{name} needs the weights in memory: spatial.weights.as_weights(W).{name}, "
                f"{12 * self.n_links / 1e6:,.0f} MB."
            )
        raise AttributeError(name)
