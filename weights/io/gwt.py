"""GWT, links with weights below a header (GeoDa, spdep, libpysal), and DAT, the same without one (MATLAB)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from spatial.weights.meta import HasLinks

from .links import links_at_once, links_to_csr, with_islands
from .parsed import Options, Parsed, flag
from .words import (
    Rows,
    create,
    header_line,
    ids_by_rule,
    numbers,
    read_lines,
    rows_of,
    shown,
    token_ids,
    typed_ids,
    unit_count,
)

__all__ = ["read_dat", "read_gwt", "read_links", "write_dat", "write_gwt"]

_WHOLE = re.compile(r"[0-9]{1,15}\.0*(?:e\+?0+)?", re.IGNORECASE)
_LINKS = "each line must hold a unit, its neighbour and the weight"


def read_gwt(path: Path, options: Options) -> Parsed:
    """Read links below a header with the number of units."""
    text = read_lines(path, options.encoding)
    top, _, body = text.lstrip("\n").partition("\n")
    n, facts = unit_count(rows_of(top), path)
    parsed = _links_at_once(body, path) or read_links(rows_of(text)[1:], path)
    if len(parsed.ids or ()) > n:
        raise flag(
            path,
            f"the header announces {n} units, but {len(parsed.ids or ())} are named. "
            "Correct the header, or export the file again.",
        )
    ids = typed_ids(list(parsed.ids or ()), top.split())
    return Parsed(parsed.matrix, ids, complete=False, announced=n, facts=facts)


def read_dat(path: Path, options: Options) -> Parsed:
    """Read links without a header, as MATLAB's spconvert and libpysal write them."""
    text = read_lines(path, options.encoding)
    parsed = _links_at_once(text, path) or read_links(rows_of(text), path)
    names = [str(i) for i in parsed.ids or ()]
    if not all(_WHOLE.fullmatch(name) for name in names):
        return parsed
    # MATLAB's save -ascii writes the id 2 as 2.0000.
    return replace(parsed, ids=[int(float(name)) for name in names])


def _links_at_once(text: str, path: Path) -> Parsed | None:
    found = links_at_once(text, path, sep=r"\s+", quoting=csv.QUOTE_NONE)
    return None if found is None else Parsed(found[1], ids_by_rule(found[0]), complete=False)


def read_links(rows: Rows, path: Path) -> Parsed:
    """Return the links of rows of three words; the first that has another number is named."""
    for number, words in rows:
        if len(words) != 3:
            raise flag(path, f"{_LINKS}; found {shown(words)}. Is the file truncated?", number)
    heads, tails = [words[0] for _, words in rows], [words[1] for _, words in rows]
    values = numbers([words[2] for _, words in rows], path, [number for number, _ in rows])
    units = list(dict.fromkeys([*heads, *tails]))
    matrix = links_to_csr(units, heads, tails, values, path)
    return Parsed(matrix, ids_by_rule(units), complete=False)


def write_gwt(W: HasLinks, path: Path, options: Options) -> None:
    """Write links with weights of full precision; an island as a link of weight 0 to itself."""
    lines = _link_lines(W, path)
    with create(path) as file:
        file.write(header_line(W, options, short=False))
        file.writelines(lines)


def write_dat(W: HasLinks, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write links as `write_gwt`, without the header."""
    lines = _link_lines(W, path)
    with create(path) as file:
        file.writelines(lines)


def _link_lines(W: HasLinks, path: Path) -> Iterator[str]:
    names = token_ids(W.ids, path)
    rows, columns, values = (part.tolist() for part in with_islands(W))
    return (f"{names[i]} {names[j]} {w!r}\n" for i, j, w in zip(rows, columns, values, strict=True))
