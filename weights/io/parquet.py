"""Parquet: the table of libpysal's Graph.to_parquet, with our meta beside its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from spatial.errors import name_ids
from spatial.weights.meta import HasLinks

from .links import codes_to_csr, unique_ids, with_islands
from .parsed import Options, Parsed, about_of, decode_meta, encode_meta, flag, name_of
from .words import plain_ids

__all__ = ["read_parquet", "write_parquet"]

Whole = npt.NDArray[Any]
_KEY = b"spatial_weights"
_CLOSE = 8  # numbers from the least to the largest id, for each unit


def read_parquet(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read a table focal, neighbor, weight; an island is a link of weight 0 to itself.

    One column is in memory at a time, numbers one group of rows at a time, and no value becomes a Python
    object.
    """
    pa, pq = _pyarrow(path)
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            schema = file.schema_arrow
            names = _columns(schema, path)
            index, row, column = _codes(pa, _Columns(file, names, path))
            values = _weights(pa, _Columns(file, names, path))
    except (pa.ArrowException, OSError) as error:
        raise flag(path, f"not a Parquet file that can be read ({error}).") from None
    about = about_of((schema.metadata or {}).get(_KEY), path)
    matrix = codes_to_csr(unique_ids(index, path), row, column, values, path)
    return Parsed(
        matrix, index, complete=bool(about), meta=decode_meta(about.get("meta")), name=about.get("name")
    )


def _columns(schema: Any, path: Path) -> tuple[str, str, str]:
    for names in (("focal", "neighbor", "weight"), ("i", "j", "w")):
        if set(names) <= set(schema.names):
            return names
    raise flag(
        path, f"columns focal, neighbor, weight (or i, j, w) are needed; found {name_ids(schema.names)}."
    )


@dataclass(frozen=True)
class _Columns:
    """The columns of both ids and of the weights, read when they are asked for."""

    file: Any
    names: tuple[str, str, str]
    path: Path

    def type(self, k: int) -> Any:
        return self.file.schema_arrow.field(self.names[k]).type

    def whole(self, k: int) -> Any:
        return self._checked(self.file.read(columns=[self.names[k]]))

    def numbers(self, k: int, kind: Any) -> Whole:
        numbers = np.empty(self.file.metadata.num_rows, kind.to_pandas_dtype())
        start = 0
        for group in range(self.file.num_row_groups):
            part = self._checked(self.file.read_row_group(group, columns=[self.names[k]])).cast(kind)
            numbers[start : start + len(part)] = part.to_numpy()
            start += len(part)
        return numbers

    def _checked(self, table: Any) -> Any:
        column = table.column(0)
        if column.null_count:
            raise flag(self.path, "each link needs an id, a neighbour and a weight; some are missing.")
        return column


def _codes(pa: Any, columns: _Columns) -> tuple[pd.Index[Any], np.ndarray, np.ndarray]:
    """Return the units in the order of their first link, and the places of both ends of each link."""
    import pyarrow.compute as pc

    kind = columns.type(0)
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_integer(kind):
        return _codes_of_numbers(lambda k: columns.numbers(k, kind))
    heads = columns.whole(0).cast(kind)
    coded = pc.dictionary_encode(heads).combine_chunks()
    units, row = coded.dictionary, coded.indices.to_numpy()
    del heads, coded
    tails = columns.whole(1).cast(units.type)
    found = pc.index_in(tails, value_set=units)
    if found.null_count:  # units that nobody's row names
        units = pa.concat_arrays([units, pc.unique(tails.filter(pc.is_null(found)))])
        found = pc.index_in(tails, value_set=units)
    return pd.Index(units.to_pandas()), row, found.combine_chunks().to_numpy()


def _codes_of_numbers(column: Callable[[int], Whole]) -> tuple[pd.Index[Any], Whole, Whole]:
    """Do the same for whole numbers: links that follow each other have one unit, or it is looked up once."""
    heads = column(0)
    changes = np.append(True, heads[1:] != heads[:-1])[: len(heads)]
    starts = np.flatnonzero(changes)
    unit, units = pd.factorize(heads[starts])
    ends = np.diff(np.append(starts, len(heads)))
    row = np.repeat(unit.astype(np.int32), ends)
    del heads, changes
    tails = column(1)
    found = _places(units, tails)
    if (absent := found < 0).any():  # units that nobody's row names
        units = np.concatenate([units, pd.unique(tails[absent])])
        found = _places(units, tails)
    return pd.Index(units), row, found


def _places(units: Whole, wanted: Whole) -> Whole:
    """Return where whole numbers stand among `units`, -1 where they do not; by a table where it is short."""
    low, high = (int(units.min()), int(units.max())) if len(units) else (0, 0)
    if high - low > _CLOSE * len(units) or wanted.min(initial=low) < low or wanted.max(initial=high) > high:
        return np.asarray(pd.Index(units).get_indexer(wanted).astype(np.int32))
    table = np.full(high - low + 1, -1, dtype=np.int32)
    table[units - low] = np.arange(len(units), dtype=np.int32)
    return np.asarray(table[wanted - low if low else wanted])


def _weights(pa: Any, columns: _Columns) -> np.ndarray:
    kind, name = columns.type(2), columns.names[2]
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        raise flag(columns.path, f"weights are real numbers; the column {name!r} holds {kind}.")
    return columns.numbers(2, kind)


def write_parquet(W: HasLinks, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write links as a table that libpysal.graph.read_parquet reads too."""
    pa, pq = _pyarrow(path)
    ids = pd.Index(plain_ids(W.ids, path))
    rows, columns, values = with_islands(W)
    pairs = pd.MultiIndex.from_arrays([ids[rows], ids[columns]], names=["focal", "neighbor"])
    table = pa.Table.from_pandas(pd.DataFrame({"weight": values}, index=pairs))
    about = json.dumps({"meta": encode_meta(W.meta), "name": name_of(W)}).encode()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: about}), path)


def _pyarrow(path: Path) -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise flag(
            path, '.parquet needs pyarrow: pip install "spatial-cities[parquet]". Or use .npz.'
        ) from None
    return pa, pq
