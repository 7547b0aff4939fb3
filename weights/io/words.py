"""The text of a weights file: its encoding, its words and numbers, and ids among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from spatial.errors import name_ids
from spatial.weights.meta import HasLinks

from .parsed import Options, flag

__all__ = [
    "Rows",
    "create",
    "header_line",
    "ids_by_rule",
    "numbers",
    "plain_ids",
    "read_lines",
    "read_text",
    "rows_of",
    "shown",
    "token_ids",
    "typed_ids",
    "unit_count",
]

Rows = list[tuple[int, list[str]]]
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_INT64 = np.iinfo(np.int64)
_TEXT_IDS = "text_ids"


def read_text(path: Path, encoding: str | None) -> str:
    """Return the text of a file: UTF-8, UTF-16 with its mark, else GB18030, or as `encoding` says."""
    raw = path.read_bytes()
    if not raw.strip():
        raise flag(path, "the file is empty. Export the weights again.")
    marked = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    for candidate in [encoding] if encoding else [marked, "gb18030"]:
        try:
            text = raw.decode(candidate)
        except UnicodeDecodeError:
            continue
        except LookupError:
            raise flag(path, f'{encoding!r} is no known encoding. Try "utf-8" or "gb18030".') from None
        if "\x00" in text:
            break
        return text
    tried = repr(encoding) if encoding else "UTF-8 or GB18030"
    raise flag(path, f"the file is not text in {tried}. Name its encoding, e.g. read(path, encoding='big5').")


def numbers(cells: Sequence[Any], path: Path, lines: Sequence[int] | None = None) -> np.ndarray:
    """Return finite float64 of the cells; the first that is no number is named with its line."""
    try:
        values = np.array(cells, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.array([_number(cell) for cell in cells], dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        cell = cells[int(bad[0])]
        shown = "an empty cell" if cell is None or str(cell).strip() == "" else repr(cell)
        raise flag(
            path,
            f"each weight must be a finite number; found {shown}. Write 0 where there is no link, "
            "and a point as the decimal sign.",
            None if lines is None else int(lines[int(bad[0])]),
        )
    return values


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError):
        return np.nan


def read_lines(path: Path, encoding: str | None) -> str:
    """Return the text with one kind of line end."""
    return read_text(path, encoding).replace("\r\n", "\n").replace("\r", "\n")


def rows_of(text: str) -> Rows:
    """Return the words of each line that has any, with its number."""
    split = ((number, line.split()) for number, line in enumerate(text.split("\n"), start=1))
    return [(number, words) for number, words in split if words]


def unit_count(rows: Rows, path: Path) -> tuple[int, dict[str, Any]]:
    """Return N and the names of a header `N` or `0 N layer id_field`."""
    number, words = rows[0]
    count = words[min(1, len(words) - 1)]
    if not (words[0].isdecimal() and count.isdecimal()):
        raise flag(
            path,
            "the first line must give the number of units, as 'N' or '0 N layer id_field'; "
            f"found {shown(words)}.",
            number,
        )
    facts = {"layer": " ".join(words[2:-1]), "id_field": words[-1] if len(words) > 3 else ""}
    if facts["layer"] == _TEXT_IDS:
        facts["layer"] = "Unknown"
    kept = {key: value.strip('"') for key, value in facts.items() if value not in ("", "Unknown")}
    return int(count), kept


def typed_ids(units: Sequence[Any], header: list[str]) -> list[Any]:
    """Return the ids as text where the header says so, else by the rule."""
    texts = [str(unit) for unit in units]
    return texts if header[2:3] == [_TEXT_IDS] else ids_by_rule(texts)


def shown(words: Sequence[str]) -> str:
    """Return the words for a message, cut to sixty characters."""
    return repr(" ".join(words)[:60])


# ---- ids
def ids_by_rule(texts: Sequence[str]) -> list[Any]:
    """Return integers where every text is a plain integer (no leading zeros, no sign +), else the texts."""
    if all(_INTEGER.fullmatch(t) for t in texts):
        values = [int(t) for t in texts]
        if all(_INT64.min <= v <= _INT64.max for v in values):
            return values
    return list(texts)


def plain_ids(ids: pd.Index[Any], path: Path) -> list[Any]:
    """Return the ids as integers or as texts; anything else cannot be kept by a file."""
    values = [i.item() if isinstance(i, np.generic) else i for i in ids.tolist()]
    whole = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
    if whole and all(_INT64.min <= v <= _INT64.max for v in values):
        return values
    if all(isinstance(v, str) and not _has_surrogate(v) for v in values):
        return values
    kinds = sorted({type(v).__name__ for v in values})
    raise flag(
        path,
        f"files keep ids that are all 64-bit integers or all text; these are {' and '.join(kinds)} "
        f"({name_ids(values[:3])}, ...). Convert the ids first, e.g. cities.index.astype(str).",
    )


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def token_ids(ids: pd.Index[Any], path: Path) -> list[str]:
    """Return the ids as words separated by spaces; refuse ids that hold a space, or none at all."""
    texts = [str(v) for v in plain_ids(ids, path)]
    # A byte order mark would be taken for the mark of the file.
    bad = [t for t in texts if len(t.split()) != 1 or t != t.strip() or "\x00" in t or "\ufeff" in t]
    if bad:
        raise flag(
            path,
            f"{path.suffix} separates ids by spaces, so that an id cannot be empty or hold one; not so at "
            f"{name_ids(bad)}. Write .csv, .parquet, .npz or .mtx, or rename these units.",
        )
    return texts


# ---- writing
def create(path: Path) -> TextIO:
    """Open a text file for writing: UTF-8, line ends as in Unix."""
    return path.open("w", encoding="utf-8", newline="\n")


def header_line(W: HasLinks, options: Options, *, short: bool) -> str:
    """Return GeoDa's header; `short` where the id field is not known and the format allows plain N."""
    field = options.id_field or (W.ids.name if isinstance(W.ids.name, str) else "")
    if len(field.split()) != 1:
        field = ""
    # Readers skip the name of the layer; here it says that ids such as 37001 are text.
    digits = len(W.ids) > 0 and isinstance(W.ids[0], str) and not isinstance(ids_by_rule(list(W.ids))[0], str)
    if short and not field and not digits:
        return f"{len(W.ids)}\n"
    return f"0 {len(W.ids)} {_TEXT_IDS if digits else 'Unknown'} {field or 'Unknown'}\n"
