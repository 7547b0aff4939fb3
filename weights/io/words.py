"""The text of a weights file: its encoding, its words and numbers, and ids among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd

from spatial.errors import DataError, name_ids
from spatial.ids.kinds import id_text
from spatial.io.encoding import check_encoding, decode, sniff
from spatial.weights.meta import HasLinks

from .parsed import Options, flag

__all__ = [
    "Rows",
    "Words",
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
_OTHER_BLANK = re.compile(r"[^\S \t\n]")
_KEEP = np.array([(1 << 8 * k) - 1 for k in range(9)], dtype=np.uint64)  # the first k of eight bytes


def read_text(path: Path, encoding: str | None) -> str:
    """Return the text of a file: UTF-8, UTF-16 with its mark, GB18030 where that is Chinese, or as told."""
    raw = path.read_bytes()
    if not raw.strip():
        raise flag(path, "the file is empty. Export the weights again.")
    try:
        text = decode(raw, check_encoding(encoding) if encoding else sniff(raw, "this file"), "the file")
    except DataError as error:
        raise flag(path, str(error)) from None
    if "\x00" in text:
        raise flag(path, "the file is no text: it holds zero bytes. Export the weights again.")
    return text.removeprefix("\ufeff")


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


@dataclass(frozen=True)
class Words:
    """The words of a text, by their places in its bytes: no Python object a word.

    Parameters
    ----------
    raw : bytes
        The text.
    starts, lengths : arrays, (words,)
        Of each word, in bytes.
    per_line, first : arrays, (lines with words,)
        Number of words of each line, and the number of its first word.
    """

    raw: bytes
    starts: np.ndarray
    lengths: np.ndarray
    per_line: np.ndarray
    first: np.ndarray

    @classmethod
    def of(cls, text: str) -> Words | None:
        """Find the words; None where other blanks than space, tab and line end separate them."""
        if (
            _OTHER_BLANK.search(text)
            if not text.isascii()
            else any(c in text for c in "\x0b\x0c\x1c\x1d\x1e\x1f")
        ):
            return None
        raw = text.encode()
        byte = np.frombuffer(b"\n" + raw + b"\n", dtype=np.uint8)
        inside = byte > ord(" ")
        edges = np.flatnonzero(inside[1:] != inside[:-1])
        starts, ends = edges[::2], edges[1::2]
        lines = np.flatnonzero(byte[:-1] == ord("\n"))
        per_line = np.diff(np.searchsorted(starts, np.append(lines, len(byte))))
        per_line = per_line[per_line > 0]
        first = np.cumsum(per_line) - per_line
        return cls(raw, starts, ends - starts, per_line, first)

    def whole(self, chosen: np.ndarray) -> np.ndarray:
        """Return the numbers of the `chosen` words, -1 for those that are not up to nine digits."""
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        byte = np.frombuffer(self.raw + b" ", dtype=np.uint8)
        out = np.zeros(len(chosen), dtype=np.int64)
        plain = lengths <= 9
        for k in range(int(min(lengths.max(initial=0), 9))):
            within = lengths > k
            digit = byte[np.where(within, starts + k, 0)].astype(np.int64) - ord("0")
            plain &= ~within | ((digit >= 0) & (digit <= 9))
            out = np.where(within, out * 10 + digit, out)
        return np.where(plain, out, -1)

    def coded(self, chosen: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Return the number of each chosen word among the distinct ones, and these in order of appearance."""
        starts, lengths = self.starts[chosen], self.lengths[chosen]
        padded = np.frombuffer(self.raw + bytes(8), dtype=np.uint8)
        eight = np.lib.stride_tricks.as_strided(
            padded[:8].view("<u8"), shape=(len(padded) - 7,), strides=(1,), writeable=False
        )
        codes = np.zeros(len(starts), dtype=np.int64)
        for at in range(0, int(lengths.max(initial=0)), 8):
            kept = np.clip(lengths - at, 0, 8)
            part = eight[np.where(kept > 0, starts + at, 0)] & _KEEP[kept]
            more = pd.factorize(part)[0]
            codes = more if at == 0 else pd.factorize(codes * (more.max() + 1) + more)[0]
        place = np.zeros(int(codes.max(initial=-1)) + 1, dtype=np.int64)
        place[codes[::-1]] = np.arange(len(codes))[::-1]  # the first of each is written last
        spans = zip(starts[place].tolist(), (starts + lengths)[place].tolist(), strict=True)
        return codes, [self.raw[a:b].decode() for a, b in spans]


# ---- ids
def ids_by_rule(texts: Sequence[str]) -> list[Any]:
    """Return integers where every text is a whole number (no leading zeros, no sign +), else the texts."""
    found = texts
    if not all(map(_INTEGER.fullmatch, texts)) and all(t[:1] in "-0123456789" for t in texts):
        found = [id_text(t, "An id of the weights") for t in texts]  # 110000.0 and 1e+05 are numbers too
    if all(map(_INTEGER.fullmatch, found)):
        values = [int(t) for t in found]
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
