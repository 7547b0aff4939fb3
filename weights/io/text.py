"""Text files of neighbours and links: GAL, GWT and KWT (GeoDa, spdep), DAT (MATLAB), Stata text."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import scipy.sparse as sp

from spatial.weights.value import Weights

from .parts import (
    Options,
    Parsed,
    flag,
    ids_by_rule,
    links_at_once,
    links_to_csr,
    numbers,
    read_text,
    token_ids,
    with_islands,
)

__all__ = [
    "read_dat",
    "read_gal",
    "read_gwt",
    "read_txt",
    "write_dat",
    "write_gal",
    "write_gwt",
    "write_txt",
]

Rows = list[tuple[int, list[str]]]
_WHOLE = re.compile(r"[0-9]{1,15}\.0*(?:e\+?0+)?", re.IGNORECASE)
_TEXT_IDS = "text_ids"
_LINKS = "each line must hold a unit, its neighbour and the weight"


def _text(path: Path, encoding: str | None) -> str:
    return read_text(path, encoding).replace("\r\n", "\n").replace("\r", "\n")


def _rows(text: str) -> Rows:
    """Return the words of each line that has any, with its number."""
    split = ((number, line.split()) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, words) for number, words in split if words]


def _header(rows: Rows, path: Path) -> tuple[int, dict[str, Any]]:
    """Return N and the names of a header `N` or `0 N layer id_field`."""
    number, words = rows[0]
    count = words[min(1, len(words) - 1)]
    if not (words[0].isdecimal() and count.isdecimal()):
        raise flag(
            path,
            "the first line must give the number of units, as 'N' or '0 N layer id_field'; "
            f"found {_shown(words)}.",
            number,
        )
    facts = {"layer": " ".join(words[2:-1]), "id_field": words[-1] if len(words) > 3 else ""}
    if facts["layer"] == _TEXT_IDS:
        facts["layer"] = "Unknown"
    kept = {key: value.strip('"') for key, value in facts.items() if value not in ("", "Unknown")}
    return int(count), kept


def _typed(units: Sequence[Any], header: list[str]) -> list[Any]:
    """Return the ids as text where the header says so, else by the rule."""
    texts = [str(unit) for unit in units]
    return texts if header[2:3] == [_TEXT_IDS] else ids_by_rule(texts)


# ---- GAL: neighbours without weights
def read_gal(path: Path, options: Options) -> Parsed:
    """Read a GAL file; each weight is 1."""
    rows = _rows(_text(path, options.encoding))
    n, facts = _header(rows, path)
    units: list[str] = []
    heads: list[str] = []
    tails: list[str] = []
    at = 1
    for _ in range(n):
        if at == len(rows):
            raise _truncated(path, n, len(units))
        number, words = rows[at]
        if len(words) != 2 or not words[1].isdecimal():
            raise flag(path, f"an id and its number of neighbours are needed; found {_shown(words)}.", number)
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
            path, f"the header announces {n} units, but more follow: {_shown(rows[at][1])}.", rows[at][0]
        )
    matrix = links_to_csr(units, heads, tails, np.ones(len(heads)), path)
    return Parsed(matrix, _typed(units, rows[0][1]), facts=facts)


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


def _shown(words: Sequence[str]) -> str:
    return repr(" ".join(words)[:60])


def write_gal(W: Weights, path: Path, options: Options) -> None:
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
    with _create(path) as file:
        file.write(_header_line(W, options, short=True))
        for row, name in enumerate(names):
            part = [names[j] for j in columns[starts[row] : starts[row + 1]]]
            file.write(f"{name} {len(part)}\n{' '.join(part)}\n")


def _create(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")


def _header_line(W: Weights, options: Options, *, short: bool) -> str:
    """Return GeoDa's header; `short` where the id field is not known and the format allows plain N."""
    field = options.id_field or (W.ids.name if isinstance(W.ids.name, str) else "")
    if len(field.split()) != 1:
        field = ""
    # Readers skip the name of the layer; here it says that ids such as 37001 are text.
    digits = W.n > 0 and isinstance(W.ids[0], str) and not isinstance(ids_by_rule(list(W.ids))[0], str)
    if short and not field and not digits:
        return f"{W.n}\n"
    return f"0 {W.n} {_TEXT_IDS if digits else 'Unknown'} {field or 'Unknown'}\n"


# ---- GWT, KWT and DAT: links with weights
def read_gwt(path: Path, options: Options) -> Parsed:
    """Read links below a header with the number of units."""
    text = _text(path, options.encoding)
    top, _, body = text.lstrip("\n").partition("\n")
    n, facts = _header(_rows(top), path)
    parsed = _links_at_once(body, path) or _read_links(_rows(text)[1:], path)
    if len(parsed.ids or ()) > n:
        raise flag(
            path,
            f"the header announces {n} units, but {len(parsed.ids or ())} are named. "
            "Correct the header, or export the file again.",
        )
    ids = parsed.ids and _typed(parsed.ids, top.split())
    return Parsed(parsed.matrix, ids, complete=False, announced=n, facts=facts)


def read_dat(path: Path, options: Options) -> Parsed:
    """Read links without a header, as MATLAB's spconvert and libpysal write them."""
    text = _text(path, options.encoding)
    parsed = _links_at_once(text, path) or _read_links(_rows(text), path)
    names = [str(i) for i in parsed.ids or ()]
    if not all(_WHOLE.fullmatch(name) for name in names):
        return parsed
    # MATLAB's save -ascii writes the id 2 as 2.0000.
    return replace(parsed, ids=[int(float(name)) for name in names])


def _links_at_once(text: str, path: Path) -> Parsed | None:
    found = links_at_once(text, path, sep=r"\s+", quoting=csv.QUOTE_NONE)
    return None if found is None else Parsed(found[1], ids_by_rule(found[0]), complete=False)


def _read_links(rows: Rows, path: Path) -> Parsed:
    for number, words in rows:
        if len(words) != 3:
            raise flag(path, f"{_LINKS}; found {_shown(words)}. Is the file truncated?", number)
    heads, tails = [words[0] for _, words in rows], [words[1] for _, words in rows]
    values = numbers([words[2] for _, words in rows], path, [number for number, _ in rows])
    units = list(dict.fromkeys([*heads, *tails]))
    matrix = links_to_csr(units, heads, tails, values, path)
    return Parsed(matrix, ids_by_rule(units), complete=False)


def write_gwt(W: Weights, path: Path, options: Options) -> None:
    """Write links with weights of full precision; an island as a link of weight 0 to itself."""
    lines = _link_lines(W, path)
    with _create(path) as file:
        file.write(_header_line(W, options, short=False))
        file.writelines(lines)


def write_dat(W: Weights, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write links as `write_gwt`, without the header."""
    lines = _link_lines(W, path)
    with _create(path) as file:
        file.writelines(lines)


def _link_lines(W: Weights, path: Path) -> Iterator[str]:
    names = token_ids(W.ids, path)
    rows, columns, values = (part.tolist() for part in with_islands(W))
    return (f"{names[i]} {names[j]} {w!r}\n" for i, j, w in zip(rows, columns, values, strict=True))


# ---- Stata text, and what else is called .txt
def read_txt(path: Path, options: Options) -> Parsed:
    """Read what Stata and ArcGIS call text: N and rows, or an id field and links, or bare links."""
    rows = _rows(_text(path, options.encoding))
    first = rows[0][1]
    if len(first) == 1 and first[0].isdecimal():
        return _read_stata(rows, path)
    if len(first) == 1 and all(len(words) == 3 for _, words in rows[1:]):
        return _read_links(rows[1:], path)  # ArcGIS: the first line names the id field
    if len(first) == len(rows) and all(len(words) == len(rows) for _, words in rows) and len(rows) != 3:
        return Parsed(_matrix(rows, 0, path), None)
    return _read_links(rows, path)


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


def _matrix(rows: Rows, skip: int, path: Path) -> sp.csr_array:
    parts = [sp.csr_array(numbers(words[skip:], path, [k] * len(words))[None, :]) for k, words in rows]
    return sp.csr_array(sp.vstack(parts, format="csr"))


def write_txt(W: Weights, path: Path, options: Options) -> None:
    """Write Stata's text form: N, then each id with its full row, or with its neighbours."""
    names = token_ids(W.ids, path)
    full = options.form != "neighbors"
    if not full and not (W.sparse.data == 1).all():
        raise flag(
            path,
            "form='neighbors' keeps no weights, and these are not all 1. Write form='full', "
            "or only the neighbours with binary=True.",
        )
    if not full and W.sparse.diagonal().any():
        # With own neighbours, a list can be as long as a row of weights: no reader could tell them apart.
        raise flag(path, "form='neighbors' has no place for a unit's own weight. Write form='full'.")
    starts, columns = W.sparse.indptr, W.sparse.indices
    with _create(path) as file:
        file.write(f"{W.n}\n")
        for row, name in enumerate(names):
            part = slice(starts[row], starts[row + 1])
            if full:
                cells = ["0"] * W.n
                for j, w in zip(columns[part].tolist(), W.sparse.data[part].tolist(), strict=True):
                    cells[j] = repr(w)
            else:
                cells = [names[j] for j in columns[part]]
            file.write(" ".join([name, *cells]) + "\n")
