"""A table of separated text by the compiled pass, or nothing where the text is not plain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.ids.pairs import taken
from spatial.io.frames import MISSING

from .decimals import FIVES, TENS
from .scan import DONE, FULL, NO_NUMBER, placed, scan

__all__ = ["Read", "scanned"]

_FEW = 1 << 12  # places in the first hash table of a column
_OF_A_PLACE = 16  # bytes: a code, half a key, half a span
_HEAD = 1 << 16  # bytes of the first look
_BLOCK = 1 << 18  # bytes, which stay in the cache
_MISSING = np.array([int.from_bytes(text.encode(), "big") for text in MISSING], dtype=np.uint64)
_TENS = TENS.copy()
_TENS.flags.writeable = False


Read = Callable[[str, bytes], "pd.Series[Any]"]
"""Gives the values that the distinct texts of a column mean, by its name and the texts, one a line.

What pandas makes of a column depends on nothing else.
"""


def scanned(
    letters: NDArray[np.uint8],
    first: int,
    names: Sequence[str],
    labels: frozenset[str],
    marks: tuple[str, str],
    read: Read,
) -> pd.DataFrame | None:
    """Return the table, or None: pandas is then asked, or the row that does not fit is named.

    Parameters
    ----------
    letters : array of bytes
        UTF-8 that ends with a line feed.
    first : int
        The place of the first row after the names.
    names : list of str
        The names.
    labels : set of str
        Columns that are categories in the table: of ids and times.
    marks : str, str
        What parts the cells, and the decimal sign.
    read : function

    Returns
    -------
    DataFrame
        Except for `labels`, with the values and types that pandas gives.
    """
    is_number = np.array([name not in labels for name in names], dtype=np.uint8)
    # The first rows say which columns hold numbers; a later row that says otherwise has all read again.
    ends = np.flatnonzero(letters[first : first + _HEAD] == ord("\n"))
    if not len(ends):
        return None
    part = letters[: first + int(ends[-1]) + 1]
    while True:
        one = _Scan(part, is_number)
        stopped = one.run(first, marks)
        if stopped is None or (stopped < 0 and not one.rows):
            return None
        if stopped >= 0:
            is_number[stopped] = 0
        elif len(part) < len(letters):
            part = letters
        else:
            return one.table(names, labels, read)


class _Scan:
    """One pass over the rows, and what it gave."""

    def __init__(self, letters: NDArray[np.uint8], is_number: NDArray[np.uint8]) -> None:
        self.letters, self.is_number, self.rows = letters, is_number, 0
        blocks = (letters[k : k + _BLOCK] for k in range(0, len(letters), _BLOCK))
        most = sum(int(np.count_nonzero(block == ord("\n"))) for block in blocks)
        numbers = int(is_number.sum())
        texts = len(is_number) - numbers
        self.whole = np.empty((numbers, most), dtype=np.int64)
        self.floats = self.whole.view(np.float64)
        self.is_float = np.zeros(numbers, dtype=np.uint8)
        self.codes = np.empty((texts, most), dtype=np.int32)
        self.keys = np.empty((texts, 0), dtype=np.uint64)
        self.spans = np.empty((texts, 0, 2), dtype=np.int64)
        self.found = np.zeros(texts, dtype=np.int64)
        self._enlarge(_FEW)

    def run(self, place: int, marks: tuple[str, str]) -> int | None:
        """Return -1 at the end, the number of a column that does not hold numbers, or None."""
        while True:
            why, column, self.rows, place = scan(
                self.letters, place, self.rows, *map(ord, marks), self.is_number, _MISSING, _TENS, FIVES,
                self.whole, self.floats, self.is_float,
                self.codes, self.slots, self.keys, self.spans, self.found,
            )  # fmt: skip
            if why == DONE:
                return -1
            if why == NO_NUMBER:
                return int(column)
            size = 4 * self.slots.shape[1]
            # Tables larger than the file gain nothing.
            if why != FULL or size * len(self.found) * _OF_A_PLACE > max(len(self.letters), 1 << 20):
                return None
            self._enlarge(size)

    def _enlarge(self, size: int) -> None:
        """Make the hash tables larger; half of them may be filled."""
        texts, more = len(self.found), size // 2 - self.keys.shape[1]
        self.slots = np.full((texts, size), -1, dtype=np.int32)
        self.keys = np.concatenate([self.keys, np.empty((texts, more), dtype=np.uint64)], axis=1)
        self.spans = np.concatenate([self.spans, np.empty((texts, more, 2), dtype=np.int64)], axis=1)
        placed(self.keys, self.found, self.slots)

    def table(self, names: Sequence[str], labels: frozenset[str], read: Read) -> pd.DataFrame:
        """Return what was read."""
        out: dict[str, Any] = {}
        number = text = 0
        for name, is_number in zip(names, self.is_number, strict=True):
            if is_number:
                kept = self.floats if self.is_float[number] else self.whole
                out[name] = kept[number, : self.rows]
                number += 1
            else:
                values = read(name, self._texts(text))
                out[name] = _taken(values, self.codes[text, : self.rows], name in labels)
                text += 1
        return pd.DataFrame(out, copy=False)

    def _texts(self, column: int) -> bytes:
        """Return the texts of a column, each with a line feed, which none of them holds."""
        start, length = self.spans[column, : self.found[column]].T
        stop = np.cumsum(length + 1)
        places = np.repeat(start - (stop - length - 1), length + 1) + np.arange(stop[-1])
        letters = self.letters[np.minimum(places, len(self.letters) - 1)]
        letters[stop - 1] = ord("\n")
        return bytes(letters.data)


def _taken(values: pd.Series[Any], codes: NDArray[np.int32], as_label: bool) -> Any:
    if not as_label:
        return values.array.take(codes)
    own, distinct = pd.factorize(values)  # two texts may mean one
    return pd.Categorical.from_codes(taken(own, codes), pd.Index(distinct, dtype=values.dtype))
