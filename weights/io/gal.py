"""GAL, the neighbours without weights of GeoDa, spdep and libpysal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spatial.weights.meta import HasLinks

from .links import links_to_csr
from .parsed import Options, Parsed, flag
from .words import Rows, create, header_line, read_lines, rows_of, shown, token_ids, typed_ids, unit_count

__all__ = ["read_gal", "write_gal"]


def read_gal(path: Path, options: Options) -> Parsed:
    """Read a GAL file; each weight is 1."""
    rows = rows_of(read_lines(path, options.encoding))
    n, facts = unit_count(rows, path)
    units: list[str] = []
    heads: list[str] = []
    tails: list[str] = []
    at = 1
    for _ in range(n):
        if at == len(rows):
            raise _truncated(path, n, len(units))
        number, words = rows[at]
        if len(words) != 2 or not words[1].isdecimal():
            raise flag(path, f"an id and its number of neighbours are needed; found {shown(words)}.", number)
        found, at = _neighbours(rows, at + 1, int(words[1]))
        if len(found) != int(words[1]):
            if at == len(rows) and len(found) < int(words[1]):
                raise _truncated(path, n, len(units), words[0])
            raise flag(
                path,
                f"unit {words[0]!r} announces {words[1]} neighbours, but {len(found)} follow.",
                number,
            )
        units.append(words[0])
        heads += [words[0]] * len(found)
        tails += found
    if at < len(rows):
        raise flag(
            path, f"the header announces {n} units, but more follow: {shown(rows[at][1])}.", rows[at][0]
        )
    matrix = links_to_csr(units, heads, tails, np.ones(len(heads)), path)
    return Parsed(matrix, typed_ids(units, rows[0][1]), facts=facts)


def _neighbours(rows: Rows, at: int, count: int) -> tuple[list[str], int]:
    """Collect `count` words from row `at` on; a long list may go over several lines."""
    found: list[str] = []
    while len(found) < count and at < len(rows):
        found += rows[at][1]
        at += 1
    return found, at


def _truncated(path: Path, n: int, complete: int, inside: str | None = None) -> Exception:
    where = f", in the neighbours of {inside!r}" if inside else ""
    return flag(
        path,
        f"the header announces {n} units, but the file ends after {complete}{where}. "
        "It is truncated: export it again.",
    )


def write_gal(W: HasLinks, path: Path, options: Options) -> None:
    """Write neighbours; weights other than 1 cannot be kept and are refused."""
    if not (W.sparse.data == 1).all():
        raise flag(
            path,
            ".gal keeps neighbours only, and these weights are not all 1 "
            f"(normalisation {W.meta.normalization!r}). Write .gwt, .swm, .csv, .mtx, .parquet or .npz, or "
            "only the neighbours with write(path, binary=True).",
        )
    names = token_ids(W.ids, path)
    starts, columns = W.sparse.indptr, W.sparse.indices
    with create(path) as file:
        file.write(header_line(W, options, short=True))
        for row, name in enumerate(names):
            part = [names[j] for j in columns[starts[row] : starts[row + 1]]]
            file.write(f"{name} {len(part)}\n{' '.join(part)}\n")
