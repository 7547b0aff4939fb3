"""Parquet: the table of libpysal's Graph.to_parquet, with our meta beside its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import name_ids
from spatial.weights.meta import HasLinks

from .links import links_to_csr, with_islands
from .parsed import Options, Parsed, about_of, decode_meta, encode_meta, flag, name_of
from .words import plain_ids

__all__ = ["read_parquet", "write_parquet"]

_KEY = b"spatial_weights"


def read_parquet(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read a table focal, neighbor, weight; an island is a link of weight 0 to itself."""
    pa, pq = _pyarrow(path)
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise flag(path, f"not a Parquet file that can be read ({error}).") from None
    names = [
        c for c in (("focal", "neighbor", "weight"), ("i", "j", "w")) if set(c) <= set(table.column_names)
    ]
    if not names:
        raise flag(
            path,
            f"columns focal, neighbor, weight (or i, j, w) are needed; found {name_ids(table.column_names)}.",
        )
    heads, tails, values = (table.column(c) for c in names[0])
    if heads.null_count or tails.null_count or values.null_count:
        raise flag(path, "each link needs an id, a neighbour and a weight; some are missing.")
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise flag(path, f"weights are real numbers; the column {names[0][2]!r} holds {values.type}.")
    head, tail = heads.to_pylist(), tails.to_pylist()
    units = list(dict.fromkeys([*head, *tail]))
    meta = table.schema.metadata or {}
    about = about_of(meta.get(_KEY), path)
    matrix = links_to_csr(units, head, tail, values.to_numpy(), path)
    return Parsed(
        matrix, units, complete=bool(about), meta=decode_meta(about.get("meta")), name=about.get("name")
    )


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
