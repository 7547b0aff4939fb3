"""What every diagnostic starts from: values and weights matched by id, checked, in one fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, WeightsError, did_you_mean, name_ids
from spatial.ids.alignment import aligned_values, require_finite
from spatial.languages.names import normal_words
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.normalization import row_sums
from spatial.weights.report.text import links_in_words
from spatial.weights.value import Weights, as_weights
from spatial.words import Said

__all__ = [
    "LEAST",
    "Missing",
    "Rows",
    "Sample",
    "check_runs",
    "check_share",
    "describe_weights",
    "one_column",
    "restrict",
    "sample",
    "sorted_order",
    "standardized",
]

Float = NDArray[np.float64]
Missing = Literal["raise", "drop"]

LEAST = 4
"""Fewest units that the formulas of the moments allow."""

_MOST = 10**8  # permutations


@dataclass(frozen=True, eq=False)
class Sample:
    """Values of one or more variables and the weights of the same units.

    Parameters
    ----------
    values : array, (N, k)
        Finite, in the order of `links`; each column varies.  Each is given divided by
        ``2 ** exponents[k]``, which brings its largest value near 1 and changes no digit: the statistics do
        not depend on the unit of a variable, and their squares and fourth powers neither over- nor underflow.
    links : Weights or OpenWeights
        Of the units that were kept.
    dropped : Index
        Ids cut by ``missing="drop"``, in the order of the weights.
    names : tuple of str
        Of the variables.
    exponents : tuple of int
        Powers of two that the variables were divided by.
    """

    values: Float
    links: Weights | OpenWeights
    dropped: pd.Index[Any]
    names: tuple[str, ...]
    exponents: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of units."""
        return self.links.n

    @property
    def ids(self) -> pd.Index[Any]:
        """Ids of the units."""
        return self.links.ids

    @cached_property
    def weights(self) -> Weights:
        """The weights, whole."""
        return as_weights(self.links)

    @property
    def x(self) -> Float:
        """The first variable, (N,)."""
        return self.values[:, 0]

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Rows by sorted id: random draws go by this, so that sorting the rows changes nothing."""
        return sorted_order(self.ids)

    @cached_property
    def in_order(self) -> bool:
        """Whether the rows are sorted by id."""
        return bool(self.ids.is_monotonic_increasing) or np.array_equal(self.order, np.arange(self.n))

    def places(self, units: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
        """Return the rows of units that are given by their place among the sorted ids."""
        return units if self.in_order else self.order[units]

    @cached_property
    def matrix(self) -> sp.csr_array:
        """W with rows and columns by sorted id."""
        sparse = self.weights.sparse
        if self.in_order:
            return sparse
        moved = sp.csr_array(sparse[self.order][:, self.order])
        moved.sort_indices()
        return moved

    def sorted_values(self, k: int = 0) -> Float:
        """Return a variable by sorted id."""
        return self.values[:, k] if self.in_order else self.values[self.order, k]

    @property
    def most(self) -> int:
        """The most links of any unit."""
        if isinstance(self.links, OpenWeights):
            return self.links.source.most
        return int(np.diff(self.links.sparse.indptr).max())

    def rows(self) -> Iterator[Rows]:
        """Give the rows of W by sorted id: all at once, or of open weights one block after the other."""
        if not isinstance(self.links, OpenWeights):
            yield Rows(np.arange(self.n), self.matrix)
            return
        rank = None if self.in_order else np.argsort(self.order).astype(np.int32)
        for block in self.links.blocks():
            if rank is None:
                yield Rows(block.rows, block.matrix)
                continue
            parts = (block.matrix.data, rank[block.matrix.indices], block.matrix.indptr)
            moved = sp.csr_array(parts, shape=block.matrix.shape)
            moved.sort_indices()
            yield Rows(rank[block.rows], moved)

    def unsorted(self, values: NDArray[Any]) -> NDArray[Any]:
        """Put values by sorted id back into the order of the weights."""
        if self.in_order:
            return values
        out = np.empty_like(values)
        out[self.order] = values
        return out


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of W by sorted id.

    Parameters
    ----------
    units : array, (R,)
        Which units, by their place among the sorted ids.
    matrix : CSR, (R, N)
    """

    units: NDArray[np.integer[Any]]
    matrix: sp.csr_array

    @cached_property
    def own(self) -> Float:
        """Own weights, (R,)."""
        heads = np.repeat(np.arange(len(self.units)), np.diff(self.matrix.indptr))
        here = np.flatnonzero(self.units[heads] == self.matrix.indices)
        out = np.zeros(len(self.units))
        out[heads[here]] = self.matrix.data[here]
        return out

    @cached_property
    def others(self) -> sp.csr_array:
        """The rows without own weights."""
        if not self.own.any():
            return self.matrix
        places = (np.arange(len(self.units)), self.units)
        rest = sp.csr_array(self.matrix - sp.csr_array((self.own, places), shape=self.matrix.shape))
        rest.eliminate_zeros()
        return rest


def sorted_order(ids: pd.Index[Any]) -> NDArray[np.intp]:
    """Return the positions that sort the ids; ids of several types by type, then as text."""
    if ids.is_monotonic_increasing:
        return np.arange(len(ids))
    try:
        return np.asarray(ids.argsort(), dtype=np.intp)
    except TypeError:
        keys = [(type(i).__name__, str(i)) for i in ids]
        return np.array(sorted(range(len(ids)), key=keys.__getitem__), dtype=np.intp)


def sample(
    columns: dict[str, Any],
    W: Any,
    *,
    missing: str,
    statistic: str,
    least: int = LEAST,
    blocks: bool = False,
) -> Sample:
    """Match variables to weights by id, handle missing values, and check that there is something to measure.

    Parameters
    ----------
    columns : dict
        What each variable is called in a message, to its values; a Series' own name goes before.
    missing : {"raise", "drop"}
    statistic : str
        For messages, as "Moran's I".
    least : int
        Fewest units that the formulas allow.
    blocks : bool
        Leave open weights as they are, where no unit is dropped: the statistic takes `Sample.rows`.
    """
    check_missing(missing)
    stays = blocks and missing == "raise" and isinstance(W, OpenWeights)
    weights: Weights | OpenWeights = W if stays else as_weights(W)
    names, parts = [], []
    for label, given in columns.items():
        name, one = one_column(given, label)
        names.append(name)
        parts.append(aligned_values(one, weights.ids, f"{label}"))
    values = np.column_stack(parts)
    dropped = weights.ids[:0]
    if missing == "drop":
        keep: NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))
        dropped = weights.ids[~keep]
        _check_count(int(keep.sum()), dropped, statistic, least)
        values, weights = values[keep], restrict(as_weights(weights), keep)
    _check_count(weights.n, dropped, statistic, least)
    for name, column in zip(names, values.T, strict=True):
        require_finite(column, weights.ids, repr(name))
    values, exponents = scaled(values)
    _check_content(values, names, weights, statistic, exponents)
    return Sample(values, weights, dropped, tuple(names), exponents)


def scaled(values: Float) -> tuple[Float, tuple[int, ...]]:
    """Divide each column (N, k) by the power of two at its largest value; return these powers too.

    Examples
    --------
    >>> scaled(np.array([[3e200, 1.0], [1e200, 0.5]]))[1]
    (666, 1)
    """
    largest = np.maximum(values.max(axis=0, initial=0.0), -values.min(axis=0, initial=0.0))
    _, exponents = np.frexp(largest)
    return np.ldexp(values, -exponents), tuple(int(k) for k in exponents)


def one_column(given: Any, label: str) -> tuple[str, Any]:
    """Return the name and the values of one variable; refuse panels and several columns."""
    if hasattr(given, "cube") or isinstance(getattr(given, "index", None), pd.MultiIndex):
        raise DataError(
            f"{label} must be one cross-section, with one value for each unit; got values by unit and time. "
            "Take one time, panel.at(time)[column], or use moran_panel."
        )
    if isinstance(given, str):
        raise DataError(
            f"{label} must be one variable, a Series by id; got the text {given!r}. Pass the column, as "
            f"cities[{given!r}]."
        )
    if isinstance(given, pd.DataFrame):
        if given.shape[1] != 1:
            raise DataError(
                f"{label} must be one variable; got a table with columns {name_ids(given.columns)}. "
                "Pass one of them, as frame[column]."
            )
        given = given.iloc[:, 0]
    if isinstance(given, pd.Series):
        return (label if given.name is None else str(given.name)), given
    if np.iscomplexobj(given):
        raise DataError(f"{label} must be real numbers; got complex ones.")
    if np.ndim(given) == 2 and np.shape(given)[1] == 1:  # PySAL's habit, and a frame of one column passes too
        given = np.asarray(given)[:, 0]
    if np.ndim(given) != 1:
        raise AlignmentError(
            f"{label} must be one variable, a Series by id or an array of shape (N,); got {np.shape(given)}."
        )
    return label, given


def check_missing(missing: str) -> None:
    """Refuse a treatment of missing values that is not offered."""
    if missing not in get_args(Missing):
        raise DataError(
            f'missing must be "raise" or "drop"; got {missing!r}.{did_you_mean(missing, get_args(Missing))}'
        )


def restrict(weights: Weights, keep: NDArray[np.bool_]) -> Weights:
    """Keep only some units; the links that remain are normalised again as the weights are."""
    if keep.all():
        return weights
    return weights.subset(weights.ids[keep], islands="keep")


def _check_count(n: int, dropped: pd.Index[Any], statistic: str, least: int) -> None:
    if n < least:
        cut = f" ({len(dropped)} were dropped as missing)" if len(dropped) else ""
        raise DataError(f"{statistic} needs at least {least} units with values; got {n}{cut}.")


def _check_content(
    values: Float,
    names: list[str],
    weights: Weights | OpenWeights,
    statistic: str,
    exponents: tuple[int, ...],
) -> None:
    n = weights.n
    for name, column, exponent in zip(names, values.T, exponents, strict=True):
        # Rounding alone spreads a constant column: 0.1 is not the mean of a million times 0.1.
        if np.ptp(column) <= 1e-13 * np.abs(column).max():
            raise DataError(
                f"{statistic} needs values that vary; {name!r} is {np.ldexp(column[0], exponent):g} in all "
                f"{n} units."
            )
    if isinstance(weights, OpenWeights):  # which made and normalised them one way
        return
    own = weights.sparse.diagonal()
    links = weights.n_links - int((own != 0).sum())
    total = float(row_sums(weights.sparse).sum() - own.sum())
    if links == 0 or not total > 0:
        raise WeightsError(
            f"{statistic} needs links between units, with a positive sum; "
            f"these {links} links sum to {total:g}."
        )
    size = float(np.abs(weights.sparse.data).max())
    if not 1e-60 < size < 1e60:  # fourth powers of sums of weights are taken
        raise WeightsError(
            f"{statistic} needs weights of a size that can be squared; the largest of these is {size:g}. "
            "Pass W.row_standardized(), or W.scaled(...)."
        )


def check_runs(permutations: int, seed: int) -> None:
    """Refuse numbers of permutations and seeds that are not whole and 0 or more."""
    for what, value in (("permutations", permutations), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
            raise DataError(f"{what} must be a whole number, 0 or more; got {value!r}.")
    if permutations > _MOST:
        raise DataError(
            f"permutations={permutations} would keep {permutations * 8 / 2**30:.0f} GB of simulated values; "
            f"at most {_MOST} are made. 99,999 tell p-values of 0.00001 apart."
        )


def describe_weights(weights: Weights | OpenWeights) -> str:
    """Write kind, size and normalisation, for a summary."""
    if isinstance(weights, OpenWeights):
        return repr(weights)[len("<OpenWeights ") : -1]
    unit = f", {weights.meta.distance_unit}" if weights.meta.distance_unit else ""
    row = weights.meta.normalization == "none" and weights.is_row_standardized
    kind, alone = "row" if row else weights.meta.normalization, len(weights.islands)
    return Said(
        (
            "{kind}: {n} units, {links}, normalisation {norm}{alone}{unit}",
            "{kind}：{n} 个个体，{links}{norm}{alone}{unit}",
        ),
        kind=weights.meta.kind,
        n=f"{weights.n:,}",
        links=Said((links_in_words(weights, "en"), links_in_words(weights, "zh"))),
        norm=Said((kind, normal_words(kind, "zh"))),
        alone=Said((f", {alone} islands", f"，{alone} 个孤岛")) if alone else "",
        unit=unit and Said((unit, unit.replace(", ", "，"))),
    )


def check_share(values: Float, data: Sample, statistic: str) -> None:
    """Refuse negative values, which have no share of a total."""
    if (values < 0).any():
        below = data.ids[data.places(np.flatnonzero(values < 0))]
        raise DataError(
            f"Getis and Ord's {statistic} is a share of a total, and needs values that are not negative; "
            f"negative at {name_ids(below)}. Use local_moran or moran for such values."
        )


def standardized(values: Float) -> Float:
    """Return values about their mean, over the population standard deviation."""
    column = np.ascontiguousarray(values)  # strided sums add up in another order
    centred: Float = column - column.mean()
    centred /= np.sqrt(centred @ centred / len(centred))
    return centred
