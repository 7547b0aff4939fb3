"""Units without neighbours, and links that are set by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.errors import AlignmentError, WeightsError, did_you_mean, name_ids
from spatial.places.points import Points

from .neighbors import by_distance, nearest

__all__ = ["POLICIES", "bridged", "islands_of", "resolve_bridge", "settle_islands"]

POLICIES = ("raise", "keep", "nearest")
Weigh = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def islands_of(matrix: sp.csr_array) -> NDArray[np.intp]:
    """Return the rows that have no entry off the diagonal."""
    return np.flatnonzero(np.diff(matrix.indptr) - (matrix.diagonal() != 0) == 0)


def settle_islands(
    matrix: sp.csr_array,
    ids: pd.Index[Any],
    policy: str,
    *,
    points: Callable[[], Points],
    weigh: Weigh,
    cure: str,
) -> tuple[sp.csr_array, dict[str, Any]]:
    """Refuse, keep or link the units without neighbours; return what was linked, for `Meta.parameters`.

    With ``"nearest"`` each is linked, in both directions, with the unit nearest to its point, with the
    weight ``weigh(km)``.
    """
    alone = islands_of(matrix)
    if len(alone) == 0 or policy == "keep":
        return matrix, {}
    if policy == "raise":
        raise WeightsError(
            f"Each unit needs a neighbour; {len(alone)} of {len(ids)} have none: {name_ids(ids[alone])}. "
            f"{cure}"
        )
    if len(ids) < 2:
        raise WeightsError("islands='nearest' needs two units or more; there is one.")
    located = points()
    index, km = by_distance(located, alone, nearest(located, 1, alone))
    nearby = index[:, 0]
    pairs = list(zip(ids[alone].tolist(), ids[nearby].tolist(), strict=True))
    return linked(matrix, alone, nearby, weigh(km[:, 0])), {"linked_islands": pairs}


def linked(matrix: sp.csr_array, i: Any, j: Any, weights: Any) -> sp.csr_array:
    """Add symmetric links; a link that is there already keeps its weight."""
    low, high = np.minimum(i, j), np.maximum(i, j)
    pairs, first = np.unique(np.column_stack([low, high]), axis=0, return_index=True)
    n = matrix.shape[0]
    there = np.repeat(np.arange(n, dtype=np.int64), np.diff(matrix.indptr)) * n + matrix.indices
    new = ~np.isin(pairs[:, 0].astype(np.int64) * n + pairs[:, 1], there)
    a, b, w = pairs[new, 0], pairs[new, 1], np.asarray(weights, dtype=np.float64)[first][new]
    both = (np.concatenate([w, w]), (np.concatenate([a, b]), np.concatenate([b, a])))
    return sp.csr_array(matrix + sp.csr_array(both, shape=matrix.shape))


def resolve_bridge(cities: Any, ids: pd.Index[Any], bridge: Iterable[Any] | None) -> list[tuple[int, int]]:
    """Return the rows of pairs of ids or names; refuse what is unknown, ambiguous or not a pair."""
    if bridge is None:
        return []
    try:
        pairs = list(bridge)
    except TypeError:
        pairs = [bridge]
    out = []
    for pair in pairs:
        if not isinstance(pair, (tuple, list, np.ndarray, pd.Index)) or len(pair) != 2:
            raise WeightsError(f"bridge must be a list of pairs of ids or names; got {pair!r}.")
        first, second = (_row_of(cities, ids, unit) for unit in pair)
        if first == second:
            raise WeightsError(f"A bridge links two units; {pair!r} is one unit, {ids[first]!r}.")
        out.append((first, second))
    return out


def _row_of(cities: Any, ids: pd.Index[Any], unit: Any) -> int:
    row = int(ids.get_indexer(pd.Index([unit]))[0])
    if row >= 0:
        return row
    columns = [c for c in getattr(cities, "columns", ()) if str(c).lower().startswith("name")]
    for column in columns:
        rows = np.flatnonzero((cities[column] == unit).fillna(False).to_numpy(dtype=bool))
        if len(rows) > 1:
            raise AlignmentError(
                f"{unit!r} is the {column} of {len(rows)} units: {name_ids(ids[rows])}. Bridge by id."
            )
        if len(rows) == 1:
            return int(rows[0])
    known = [*ids, *(name for c in columns for name in cities[c].dropna())]
    where = f"an id or in {', '.join(map(str, columns))}" if columns else "an id"
    raise AlignmentError(
        f"A bridge needs known units; {unit!r} is not {where} of these {len(ids)} cities."
        f"{did_you_mean(unit, known)}"
    )


def bridged(matrix: sp.csr_array, rows: list[tuple[int, int]]) -> sp.csr_array:
    """Add links of weight 1 between the pairs of `rows`."""
    if not rows:
        return matrix
    i, j = np.array(rows).T
    return linked(matrix, i, j, np.ones(len(rows)))
