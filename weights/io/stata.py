"""What Stata and ArcGIS export as .txt: N and rows, an id field and links, bare links or a bare matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.sparse as sparse

from .gwt import read_links
from .links import links_to_csr
from .parsed import Options, Parsed, flag
from .words import Rows, ids_by_rule, numbers, read_lines, rows_of

__all__ = ["read_txt"]


def read_txt(path: Path, options: Options) -> Parsed:
    """Read what Stata and ArcGIS call text: N and rows, or an id field and links, or bare links."""
    rows = rows_of(read_lines(path, options.encoding))
    first = rows[0][1]
    if len(first) == 1 and first[0].isdecimal():
        return _read_stata(rows, path)
    if len(first) == 1 and all(len(words) == 3 for _, words in rows[1:]):
        return read_links(rows[1:], path)  # ArcGIS: the first line names the id field
    if len(first) == len(rows) and all(len(words) == len(rows) for _, words in rows) and len(rows) != 3:
        return Parsed(_matrix(rows, 0, path), None)
    return read_links(rows, path)


def _read_stata(rows: Rows, path: Path) -> Parsed:
    n, body = int(rows[0][1][0]), rows[1:]
    if len(body) != n:
        what = "It is truncated: export it again." if len(body) < n else "Correct the first line."
        raise flag(path, f"the first line announces {n} units, but {len(body)} rows follow. {what}")
    units = [words[0] for _, words in body]
    if all(len(words) == n + 1 for _, words in body):
        return Parsed(_matrix(body, 1, path), ids_by_rule(units))
    for number, words in body:
        if len(words) > n + 1 or (len(words) > 2 and "." in words[1]):
            raise flag(
                path,
                f"a row of a matrix of {n} units needs an id and {n} weights; this one has {len(words) - 1}.",
                number,
            )
    heads = [words[0] for _, words in body for _ in words[1:]]
    tails = [word for _, words in body for word in words[1:]]
    matrix = links_to_csr(units, heads, tails, np.ones(len(heads)), path)
    return Parsed(matrix, ids_by_rule(units))


def _matrix(rows: Rows, skip: int, path: Path) -> sparse.csr_array:
    parts = [sparse.csr_array(numbers(words[skip:], path, [k] * len(words))[None, :]) for k, words in rows]
    return sparse.csr_array(sparse.vstack(parts, format="csr"))
