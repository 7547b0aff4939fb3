"""The attribute table of a Shapefile, as bytes: its fields, its text, and what encoding that is in."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spatial.errors import DataError, warn

from .encoding import decode_cut, sniff

__all__ = ["DbfHeader", "dbf_encoding", "decode_names", "decode_value", "read_dbf_header"]

# Language byte of the header -> code page.  0x57 ("ANSI") is whatever the writer's Windows had.
_LANGUAGES = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "gb18030", 0x4E: "cp949",
    0x4F: "cp950", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x7A: "gb18030", 0x78: "cp950",
    0x7B: "cp932", 0x79: "cp949", 0xC8: "cp1250", 0xC9: "cp1251", 0xCB: "cp1253", 0xCA: "cp1254",
}  # fmt: skip


@dataclass(frozen=True)
class DbfHeader:
    """Where the fields of a .dbf lie; names as bytes, since their encoding is not yet known."""

    n_rows: int
    start: int
    row_length: int
    language: int
    names: tuple[bytes, ...]
    kinds: tuple[str, ...]
    widths: tuple[int, ...]


def read_dbf_header(path: Path) -> DbfHeader:
    """Read the header; refuse a file that is shorter than it says."""
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            raise DataError(f"{path.name} ends inside its header ({len(head)} bytes); copy the file again.")
        n_rows, start, row_length = struct.unpack("<IHH", head[4:12])
        fields = file.read(max(start - 32, 0))
    needed = start + n_rows * row_length
    size = path.stat().st_size
    if size < needed:
        raise DataError(
            f"{path.name} is cut short: its header promises {n_rows} rows and {needed} bytes, it has {size}. "
            "Copy the file again, all its parts together."
        )
    entries = [fields[i : i + 32] for i in range(0, len(fields) - 31, 32)]
    # The list of fields ends with a carriage return; FoxPro writes more after it.
    ends = [i for i, entry in enumerate(entries) if entry[0] == 0x0D]
    entries = entries[: ends[0]] if ends else entries
    return DbfHeader(
        n_rows=n_rows,
        start=start,
        row_length=row_length,
        language=head[29],
        names=tuple(entry[:11].split(b"\0", 1)[0].rstrip(b" ") for entry in entries),
        kinds=tuple(chr(entry[11]) for entry in entries),
        # A text field's decimal count is the high byte of its width.
        widths=tuple(e[16] + 256 * e[17] * (chr(e[11]) == "C") for e in entries),
    )


def dbf_encoding(path: Path, header: DbfHeader, declared: str | None) -> str:
    """Find the encoding of the names and of all text values.

    `declared` is what the .cpg says; failing that, the language byte of the header is asked.
    """
    text = b"\n".join([*map(_evidence, header.names), *_text_values(path, header)])
    return sniff(text, path.name, declared or _LANGUAGES.get(header.language))


def decode_names(header: DbfHeader, encoding: str, file: str) -> list[str]:
    """Decode the field names, which may be cut inside a character; equal ones get a number."""
    out: list[str] = []
    for raw in header.names:
        name = _decode_name(raw, encoding, file)
        twins = sum(earlier == name or earlier.startswith(f"{name}_") for earlier in out)
        if name in out:
            warn(
                f"Two fields of {file} are called {name!r}, perhaps because their names were cut at ten "
                f"bytes; the later one is read as '{name}_{twins}'."
            )
            name = f"{name}_{twins}"
        out.append(name)
    return out


def decode_value(data: bytes, encoding: str, width: int) -> str:
    """Decode a text value; one that fills its field may end inside a character."""
    return decode_cut(data, encoding) if len(data) >= width else data.decode(encoding)


def _decode_name(raw: bytes, encoding: str, file: str) -> str:
    # GDAL cuts first and adds _1 afterwards: the broken character is then in the middle.
    stem, number = _split_number(raw)
    for whole, tail in ((raw, b""), (stem, number)):
        try:
            return decode_cut(whole, encoding) + tail.decode("ascii")
        except UnicodeDecodeError:
            continue
    raise DataError(
        f"The field name {raw!r} of {file} cannot be read as {encoding}. "
        "Leave encoding= out to have it found, or name another one."
    )


def _split_number(raw: bytes) -> tuple[bytes, bytes]:
    found = re.fullmatch(rb"(.*?)(_\d{1,2})?", raw, re.DOTALL)
    assert found is not None  # the pattern matches every text
    return found[1], found[2] or b""


def _evidence(raw: bytes) -> bytes:
    """Return the bytes of a full field that count for the encoding: without a character cut at its end."""
    for encoding in ("utf-8", "gb18030"):
        for part in (raw, _split_number(raw)[0]):
            try:
                return decode_cut(part, encoding).encode(encoding)
            except UnicodeDecodeError:
                continue
    return raw


def _text_values(path: Path, header: DbfHeader) -> list[bytes]:
    if header.n_rows == 0 or 1 + sum(header.widths) != header.row_length:
        return []
    layout = np.dtype([("deleted", "S1"), *((f"f{i}", f"S{w}") for i, w in enumerate(header.widths))])
    rows = np.memmap(path, dtype=layout, mode="r", offset=header.start, shape=(header.n_rows,))
    out: list[bytes] = []
    for i, (kind, width) in enumerate(zip(header.kinds, header.widths, strict=True)):
        if kind == "C":
            values = (bytes(value).rstrip(b" ") for value in np.unique(rows[f"f{i}"]))
            out += [_evidence(value) if len(value) >= width else value for value in values]
    return out
