"""ArcGIS spatial weights, .swm: a line of text, then little-endian records, one a unit.

A record is the unit's id and its number of neighbours m as integers; then, where m > 0, m ids, m weights
(one, in the variant with fixed weights) and the sum of the weights before standardisation as doubles.
Integers take 4 bytes, or 8 where the header says ``HASID64@True``.  The layout was checked against
ArcGIS's and libpysal's files; libpysal writes the sum for a unit without neighbours too, against the layout
and its own reader, and such files are read as well.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from spatial.weights.meta import HasLinks

from .links import links_to_csr
from .parsed import Options, Parsed, flag, is_row_standardized
from .words import plain_ids

__all__ = ["read_swm", "write_swm"]

_INT32 = np.iinfo(np.int32)
_NEW_HEADER = (
    "VERSION@10.1;UNIQUEID@{field};SPATIALREFNAME@{reference};INPUTFC@#;WTYPE@-1;DISTANCEMETHOD@#;EXPONENT@#;"
    "THRESHOLD@#;NUMNEIGHS@#;INPUTTABLE@#;TIMEFIELD@#;TIMETYPE@#;TIMEVALUE@#;INPUTNET@#;IMPEDANCEFIELD@#;"
    "BARRIERFC@#;UTURNPOLICY@#;RESTRICTIONS@#;USEHIERARCHY@#;SEARCHTOLERANCE@#;ADDCONCEPT@#;"
    "FIXEDWEIGHTS@False;HASZ@False;HASID64@True\n"
)


def read_swm(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read an .swm file of any version."""
    raw = path.read_bytes()
    end = raw.find(b"\n")
    facts = _header(raw[:end].decode("utf-8", errors="replace")) if end >= 0 else None
    if facts is None:
        raise flag(path, "not an ArcGIS .swm file: it must begin with 'FIELD;REFERENCE' or 'VERSION@'.")
    wide, fixed = facts.pop("wide"), facts.pop("fixed")
    integer, start = np.dtype("<i8" if wide else "<i4"), end + 1 + (16 if wide else 8)
    if len(raw) < start:
        raise flag(path, "the file ends in its header. It is truncated: export it again.")
    n, standardized = np.frombuffer(raw, integer, 2, end + 1).tolist()
    records = _records(raw, start, n, integer, fixed, path)
    matrix = links_to_csr(records[0], records[1], records[2], records[3], path)
    return Parsed(matrix, records[0], facts={**facts, "row_standardized": bool(standardized)})


def _header(line: str) -> dict[str, Any] | None:
    """Return the id field, the spatial reference, and how the records are laid out."""
    if line.upper().startswith("VERSION@"):
        items = dict(item.split("@", 1) for item in line.split(";") if "@" in item)
        field, reference = items.get("UNIQUEID", ""), items.get("SPATIALREFNAME", "")
        fixed, wide = (items.get(k, "").strip().upper() == "TRUE" for k in ("FIXEDWEIGHTS", "HASID64"))
    elif line.count(";") == 1 and line.isprintable():
        (field, reference), fixed, wide = line.split(";"), False, False
    else:
        return None
    return {"id_field": field, "spatial_reference": reference.strip(), "fixed": fixed, "wide": wide}


def _records(
    raw: bytes, start: int, n: int, integer: np.dtype[Any], fixed: bool, path: Path
) -> tuple[list[int], list[int], list[int], np.ndarray]:
    """Return ids, heads, tails and weights; the file must end where the last record does."""
    for sum_after_none in (False, True):
        found = _walk(raw, start, n, integer, fixed, sum_after_none)
        if found is not None:
            ids, counts, tails, weights = found
            heads = np.repeat(np.array(ids, dtype=np.int64), counts).tolist()
            joined = [np.concatenate(part) if part else np.empty(0) for part in (tails, weights)]
            return ids, heads, joined[0].astype(np.int64).tolist(), joined[1]
    raise flag(
        path,
        f"the header announces {n} units, and the records do not end where the file does. "
        "It is truncated or damaged: export it again.",
    )


def _walk(
    raw: bytes, at: int, n: int, integer: np.dtype[Any], fixed: bool, sum_after_none: bool
) -> tuple[list[int], list[int], list[np.ndarray], list[np.ndarray]] | None:
    ids: list[int] = []
    counts: list[int] = []
    tails: list[np.ndarray] = []
    weights: list[np.ndarray] = []
    size = integer.itemsize
    for _ in range(n):
        if at + 2 * size > len(raw):
            return None
        unit, m = np.frombuffer(raw, integer, 2, at).tolist()
        values = 1 if fixed else m
        stop = at + 2 * size + (m * size + values * 8 + 8 if m > 0 else 8 * sum_after_none)
        if m < 0 or stop > len(raw):
            return None
        ids.append(unit)
        counts.append(m)
        if m > 0:
            tails.append(np.frombuffer(raw, integer, m, at + 2 * size))
            found = np.frombuffer(raw, "<f8", values, at + (2 + m) * size)
            weights.append(np.repeat(found, m) if fixed else found)
        at = stop
    return (ids, counts, tails, weights) if at == len(raw) and n >= 0 else None


def write_swm(W: HasLinks, path: Path, options: Options) -> None:
    """Write the header that every reader knows; with 64-bit ids, the one of ArcGIS 10.1 and later."""
    ids = plain_ids(W.ids, path)
    if not all(isinstance(i, int) for i in ids):
        raise flag(
            path,
            ".swm keeps integer ids only, and these are text. Write .csv, .parquet, .npz or .mtx, "
            "or give the units integer ids first.",
        )
    wide = any(not _INT32.min <= i <= _INT32.max for i in ids)
    names = np.array(ids, dtype="<i8" if wide else "<i4")
    field = options.id_field or (W.ids.name if isinstance(W.ids.name, str) else "") or "Unknown"
    reference = options.spatial_reference or "Unknown"
    if any(c in field + reference for c in ";@\r\n"):
        raise flag(path, f"the id field and the spatial reference cannot hold ; @ or a line end: {field!r}.")
    header = _NEW_HEADER if wide else "{field};{reference}\n"
    starts, columns, data = W.sparse.indptr.tolist(), W.sparse.indices, W.sparse.data
    sums = data
    with np.errstate(over="ignore", invalid="ignore"):  # weights near the largest float may sum to infinity
        sums = (
            np.add.reduceat(np.append(data, 0.0), np.minimum(starts[:-1], len(data))) if len(W.ids) else data
        )
    with path.open("wb") as file:
        file.write(header.format(field=field.upper(), reference=reference).encode())
        file.write(np.array([len(W.ids), is_row_standardized(W.sparse)], dtype=names.dtype).tobytes())
        for row, (start, stop) in enumerate(itertools.pairwise(starts)):
            file.write(names[row].tobytes() + names.dtype.type(stop - start).tobytes())
            if stop > start:
                file.write(names[columns[start:stop]].tobytes())
                file.write(data[start:stop].astype("<f8").tobytes() + np.float64(sums[row]).tobytes())
