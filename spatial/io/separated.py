"""Separated text: each row has as many cells as the header has names, or the first that has not is named."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.ids.kinds import ids_from_text

from .encoding import check_encoding, decode, sniff
from .frames import MISSING, Options, Table

__all__ = ["read_csv", "refuse_twins"]

Int = NDArray[np.int64]

# From pandas 3.1 on, which warns of the option, numbers are read exactly without it.
_EXACT_FLOATS: dict[str, Any] = (
    {"float_precision": "round_trip"} if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1) else {}
)
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'
_EXTRA = "\0beyond"
_BLOCK = 1 << 18  # bytes


def read_csv(path: Path, options: Options) -> Table:
    """Read separated text; the columns of ids and times are read as text first."""
    data = path.read_bytes()
    name = sniff(data, path.name) if options.encoding is None else check_encoding(options.encoding)
    raw = _in_utf8(data, name, path, found=options.encoding is None)
    if b"\0" in raw:
        raise DataError(f"{path.name} holds NUL bytes: it is no text, or of another encoding. Copy it again.")
    names, separator = _header(raw, path)
    if options.decimal == separator:
        raise DataError(
            f"{path.name} is separated by {separator!r}, which cannot be its decimal sign too: leave "
            "decimal= out, or write the file with semicolons."
        )
    rows = _Rows.of(raw, separator, path)
    width = len(names)
    while width > 1 and not names[width - 1].strip():
        width -= 1
    beyond = _check_widths(rows, width, max(len(names), width + 1), path)
    columns = [name if name.strip() else f"Unnamed: {k}" for k, name in enumerate(names[:width])]
    refuse_twins(columns, path)
    marks = {c: [""] if c == options.unit else list(MISSING) for c in columns}
    body = io.BytesIO(raw)
    body.seek(rows.body)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)
        frame = pd.read_csv(
            body,
            sep=separator,
            decimal=options.decimal,
            header=None,
            names=[*columns, *(f"{_EXTRA}{k}" for k in range(beyond))],
            usecols=range(width),
            index_col=False,
            dtype={options.unit: object, options.time: object},
            keep_default_na=False,
            na_values=marks,
            low_memory=False,
            encoding="utf-8",
            **_EXACT_FLOATS,
        )
    if options.unit in frame.columns:
        frame[options.unit] = ids_from_text(frame[options.unit])
    return Table(frame, notes=(f"text in {name}",))


def refuse_twins(names: Iterable[Any], path: Path) -> None:
    """Refuse columns of one name."""
    index = pd.Index([name for name in names if name not in ("", None)], dtype=object)
    if index.has_duplicates:
        raise DataError(
            f"{path.name} has more than one column {name_ids(index[index.duplicated()].unique())}; "
            "rename them."
        )


def _in_utf8(data: bytes, name: str, path: Path, *, found: bool) -> bytes:
    if name not in ("utf-8", "utf-8-sig"):
        return decode(data, name, path.name).removeprefix("\ufeff").encode("utf-8")
    # Without a mark it was found because it decodes; else it is decoded here, or it says where that fails.
    if not (found and name == "utf-8") and not data.isascii():
        decode(data, name, path.name)
    return data.removeprefix(b"\xef\xbb\xbf")


def _header(raw: bytes, path: Path) -> tuple[list[str], str]:
    """Return the names in the first row, and the separator that stands most often between them."""
    row = ""
    for line in _lines(raw):
        row += line
        # A name in quotes may go over several lines.
        if row.count('"') % 2 == 0:
            if row.strip(',;\t\r\n "'):
                break
            row = ""
    outside = re.sub(r'"[^"]*"', "", row)
    separator = max(",;\t", key=outside.count)
    names = next(csv.reader(io.StringIO(row, newline=""), delimiter=separator), None)
    if not names:
        raise DataError(f"{path.name} is empty: it has no row.")
    return names, separator


def _lines(raw: bytes) -> Iterator[str]:
    """Give the lines one by one: the first few are enough, and a file may be long."""
    start = 0
    for end in re.finditer(rb"\r\n|\n|\r", raw):
        yield raw[start : end.end()].decode("utf-8")
        start = end.end()
    yield raw[start:].decode("utf-8")


# ---- rows and cells, on the bytes
@dataclass(frozen=True)
class _Rows:
    """Where the rows of cells begin and end, the header left out; blank lines do not count.

    `body` is the place of the first row after the header; `start`, `end` and `cells` are by row; `ragged` has
    the rows whose number of cells is not that of the header's row.
    """

    raw: bytes
    separator: str
    body: int
    start: Int
    end: Int
    cells: Int

    @classmethod
    def of(cls, raw: bytes, separator: str, path: Path) -> _Rows:
        """Count the cells of each row; a separator or a line feed inside quotes is text."""
        ends, cells = _counted(raw, separator, path)
        starts = np.append(0, ends[:-1] + 1)
        blank = np.zeros(len(ends), dtype=bool)
        alone = np.flatnonzero(cells == 1)
        blank[alone] = [not raw[starts[k] : ends[k]].strip() for k in alone]
        # The header is the first row with anything in it: rows of separators only may stand above.
        kept = np.flatnonzero(~blank)
        signs = f'{separator} \r\t"'.encode()
        first = next(i for i, k in enumerate(kept) if raw[starts[k] : ends[k]].strip(signs))
        rows = kept[first + 1 :]
        return cls(raw, separator, int(ends[kept[first]]) + 1, starts[rows], ends[rows], cells[rows])

    def line(self, row: int) -> int:
        """Return the number of the line in which a row begins, counted from 1."""
        before = self.raw[: int(self.start[row])]
        return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1

    def text(self, row: int) -> str:
        """Return a row as it stands, for a message."""
        found = self.raw[int(self.start[row]) : int(self.end[row])].decode("utf-8", "replace").strip("\r")
        return found if len(found) <= 60 else found[:57] + "..."


def _counted(raw: bytes, separator: str, path: Path) -> tuple[Int, Int]:
    """Return the place of each row's end, and how many cells the row has."""
    sign = ord(separator)
    buffer = np.frombuffer(raw, dtype=np.uint8)
    has_lone = b"\r" in raw and raw.count(b"\r") > raw.count(b"\r\n")
    if not has_lone and b'"' not in raw:
        return _counted_in_blocks(buffer, sign)
    ends = buffer == _LINE_FEED
    if has_lone:
        lone = buffer == _RETURN
        lone[:-1] &= buffer[1:] != _LINE_FEED
        ends |= lone
    cuts = buffer == sign
    if b'"' in raw:
        quotes = buffer == _QUOTE
        inside = (np.cumsum(quotes, dtype=np.uint8) & 1).astype(bool)
        opening = np.flatnonzero(quotes & inside)
        before = buffer[np.maximum(opening - 1, 0)]
        fresh = (opening == 0) | (before == sign) | (before == _LINE_FEED) | (before == _RETURN)
        # A quote after a quote is one in a text; after anything else it is a sign like others, as in 5".
        if not (fresh | (before == _QUOTE)).all():
            return _counted_one_by_one(raw, separator, path)
        if len(inside) and inside[-1]:
            line = raw[: int(opening[-1])].count(b"\n") + 1
            raise DataError(
                f"{path.name} cannot be read; it may be cut short: the quote that opens in line {line} is "
                "not closed. Copy the file again, or close the quote."
            )
        ends &= ~inside
        cuts &= ~inside
    if len(buffer) and not ends[-1]:
        ends = np.append(ends, True)
        cuts = np.append(cuts, False)
    events = np.flatnonzero(ends | cuts)
    is_end = ends[events]
    places = np.flatnonzero(is_end)
    return events[places], np.diff(places, prepend=-1)


def _counted_in_blocks(buffer: NDArray[np.uint8], sign: int) -> tuple[Int, Int]:
    """Count where no quotes and no old line ends are: block by block, which stays in the cache."""
    ends, cells, open_cells = [], [], 1
    for start in range(0, len(buffer), _BLOCK):
        block = buffer[start : start + _BLOCK]
        events = np.flatnonzero((block == sign) | (block == _LINE_FEED))
        places = np.flatnonzero(block[events] == _LINE_FEED)
        if len(places):
            counts = np.diff(places, prepend=-1)
            counts[0] += open_cells - 1
            open_cells = 1
            ends.append(events[places] + start)
            cells.append(counts)
        open_cells += len(events) - (int(places[-1]) + 1 if len(places) else 0)
    if len(buffer) and buffer[-1] != _LINE_FEED:
        ends.append(np.array([len(buffer)]))
        cells.append(np.array([open_cells]))
    return np.concatenate([np.zeros(0, np.int64), *ends]), np.concatenate([np.zeros(0, np.int64), *cells])


def _counted_one_by_one(raw: bytes, separator: str, path: Path) -> tuple[Int, Int]:
    """Count with Python's reader, which takes a quote inside a cell as it is; slower."""
    stream = io.StringIO(raw.decode("utf-8"), newline="")
    sizes = np.cumsum([len(line.encode("utf-8")) for line in stream])
    stream.seek(0)
    reader = csv.reader(stream, delimiter=separator)
    ends, cells = [], []
    try:
        for row in reader:
            ends.append(int(sizes[reader.line_num - 1]) - 1)
            cells.append(max(len(row), 1))
    except csv.Error as error:
        raise DataError(f"{path.name} cannot be read: line {reader.line_num}: {error}.") from None
    if ends and not raw.endswith((b"\n", b"\r")):
        ends[-1] = len(raw)
    return np.array(ends, dtype=np.int64), np.array(cells, dtype=np.int64)


def _check_widths(rows: _Rows, width: int, widest: int, path: Path) -> int:
    """Refuse the first row with too few or too many cells; return how many empty ones may stand beyond."""
    if (rows.cells == width).all():
        return 0
    beyond = np.flatnonzero((rows.cells > width) & ~_ends_empty(rows, width + 1))
    few = np.flatnonzero(rows.cells < width)
    for row in beyond.tolist():
        if int(rows.cells[row]) > widest or _tail(rows, row, int(rows.cells[row]) - width).strip():
            raise DataError(_too_many(rows, row, width, path))
    if not len(few):
        return int(rows.cells.max(initial=width)) - width
    row = int(few[0])
    found = f"{int(rows.cells[row])} of {width} cells"
    if row == len(rows.cells) - 1:
        raise DataError(
            f"{path.name} ends inside a row: the last one has {int(rows.cells[row])} of {width} columns. "
            "If it is cut short, copy it again; if that row is a note, delete it."
        )
    raise DataError(
        f"{path.name}, line {rows.line(row)}, has {found}: {rows.text(row)!r}. Each row needs "
        f"{width - 1} separators ({rows.separator!r}), also where cells are empty; a note is deleted."
    )


def _ends_empty(rows: _Rows, cells: int) -> NDArray[np.bool_]:
    """Tell which rows have so many cells, the last of them without a character."""
    buffer = np.frombuffer(rows.raw, dtype=np.uint8)
    last = rows.end - 1
    last = last - (buffer[np.maximum(last, 0)] == _RETURN)
    return np.asarray((rows.cells == cells) & (buffer[np.maximum(last, 0)] == ord(rows.separator)))


def _tail(rows: _Rows, row: int, cells: int) -> str:
    """Return what stands in the last `cells` cells of a row."""
    text = rows.raw[int(rows.start[row]) : int(rows.end[row])].decode("utf-8")
    last = next(csv.reader([text.rstrip("\r\n")], delimiter=rows.separator), [])
    return "".join(last[-cells:])


def _too_many(rows: _Rows, row: int, width: int, path: Path) -> str:
    found = int(rows.cells[row])
    start = f"{path.name}, line {rows.line(row)}, has {found} cells where the header has {width}: "
    if width == 1:
        return f"{start}{rows.text(row)!r}. If the lines above are a title, delete them: names come first."
    if (rows.cells == width + 1).all() and len(rows.cells) > 1:
        cure = (
            "Each row has one more: if these are row names, write the file without them "
            "(R: row.names = FALSE; pandas: index=False), or give the column a name"
        )
    else:
        cure = f"Put a cell that holds {rows.separator!r}, as in 1{rows.separator}234, into quotes"
    return f"{start}{rows.text(row)!r}. {cure}."
