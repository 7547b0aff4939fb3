"""GAL, the neighbours without weights of GeoDa, spdep and libpysal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from spatial.weights.meta import HasLinks

from .links import codes_to_csr, links_to_csr
from .parsed import Options, Parsed, flag
from .words import (
    Rows,
    Words,
    create,
    header_line,
    read_lines,
    rows_of,
    shown,
    token_ids,
    typed_ids,
    unit_count,
)

__all__ = ["read_gal", "write_gal"]


def read_gal(path: Path, options: Options) -> Parsed:
    """Read a GAL file; each weight is 1."""
    text = read_lines(path, options.encoding)
    top, _, rest = text.lstrip("\n").partition("\n")
    clean = _at_once(rest, path)
    if clean is not None and top.split():
        n, facts = unit_count(rows_of(top), path)
        if n == clean.matrix.shape[0]:
            return replace(clean, ids=typed_ids(list(clean.ids or ()), top.split()), facts=facts)
    return _read_rows(rows_of(text), path)


def _at_once(text: str, path: Path) -> Parsed | None:
    """Return what a clean file says below its header, or None where it needs the reader that goes by lines.

    Clean is one line for a unit and its number of neighbours and, where there are any, one for these.
    """
    found = Words.of(text)
    if found is None:
        return None
    second = np.minimum(found.first + 1, max(len(found.starts) - 1, 0))
    lines = _unit_lines(found.per_line.tolist(), found.whole(second).tolist())
    if not lines:
        return None
    at = found.first[lines]
    is_id = np.ones(len(found.starts), dtype=bool)
    is_id[at + 1] = False
    codes, texts = found.coded(is_id)
    is_unit = np.zeros(len(found.starts), dtype=bool)
    is_unit[at] = True
    heads, tails = codes[is_unit[is_id]], codes[~is_unit[is_id]]
    place = np.full(len(texts), -1, dtype=np.int32)
    place[heads] = np.arange(len(heads), dtype=np.int32)
    if len(heads) != len(texts) or (place < 0).any():  # a unit named twice, or a neighbour without a row
        return None
    row = np.repeat(np.arange(len(heads), dtype=np.int32), found.whole(at + 1))
    units = [texts[code] for code in heads.tolist()]
    matrix = codes_to_csr(pd.Index(units), row, place[tails], np.ones(len(row)), path)
    return Parsed(matrix, units)


def _unit_lines(per_line: list[int], second: list[int]) -> list[int]:
    """Return the lines of units: two words, of which the second says how many the next line has."""
    found, line, last = [], 0, len(per_line)
    while line < last:
        count = second[line]
        if per_line[line] != 2 or count < 0:
            return []
        if count > 0 and (line + 1 == last or per_line[line + 1] != count):
            return []
        found.append(line)
        line += 2 if count else 1
    return found


def _read_rows(rows: Rows, path: Path) -> Parsed:
    """Read line by line; what is wrong is named with its line."""
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
