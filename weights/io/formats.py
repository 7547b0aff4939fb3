"""The formats of weights files by their suffix; a file is written whole or not at all."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spatial.errors import WeightsError, did_you_mean
from spatial.io.atomic import atomic_path
from spatial.weights.meta import HasLinks

from . import delimited, excel, gal, gwt, matrices, npz, parquet, stata, swm
from .parsed import Options, Parsed, flag

__all__ = ["FORMATS", "Form", "parse", "write"]

Form = Literal["links", "dense", "labelled"]


@dataclass(frozen=True)
class Format:
    """How a suffix is read and written, and which options it takes."""

    read: Callable[[Path, Options], Parsed]
    write: Callable[[HasLinks, Path, Options], None] | None
    read_options: frozenset[str] = frozenset()
    write_options: frozenset[str] = frozenset()
    read_forms: tuple[str, ...] = ()
    write_forms: tuple[str, ...] = ()


# What the readers of zip, numpy, pickle-free arrays and XML let through where a file is damaged.
_DAMAGED = (
    zlib.error,
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    NotImplementedError,
    RecursionError,
    MemoryError,
    SyntaxError,
    UnicodeError,
)

_ENCODED = frozenset({"encoding"})
_FIELD = frozenset({"id_field"})
_TABLE = ("links", "dense", "labelled")
FORMATS: dict[str, Format] = {
    ".gal": Format(gal.read_gal, gal.write_gal, _ENCODED, _FIELD),
    ".gwt": Format(gwt.read_gwt, gwt.write_gwt, _ENCODED, _FIELD),
    ".swm": Format(swm.read_swm, swm.write_swm, frozenset(), frozenset({"id_field", "spatial_reference"})),
    ".csv": Format(delimited.read_csv, delimited.write_csv, _ENCODED, frozenset(), _TABLE, _TABLE[:2]),
    ".xlsx": Format(excel.read_xlsx, excel.write_xlsx, frozenset({"sheet"}), frozenset(), _TABLE, _TABLE[:2]),
    ".txt": Format(stata.read_txt, None, _ENCODED),
    ".dat": Format(gwt.read_dat, gwt.write_dat, _ENCODED),
    ".mtx": Format(matrices.read_mtx, matrices.write_mtx),
    ".parquet": Format(parquet.read_parquet, parquet.write_parquet),
    ".npz": Format(npz.read_npz, npz.write_npz),
    ".mat": Format(matrices.read_mat, None, frozenset({"sheet"})),
}


def parse(
    path: str | Path, encoding: str | None, sheet: str | None, form: Form | None
) -> tuple[Parsed, Path]:
    """Return what the file at `path` says, and the path itself."""
    if not isinstance(path, (str, os.PathLike)):
        raise WeightsError(f"Weights are read from the path of a file; got {type(path).__name__}.")
    where = Path(path).expanduser()
    kind = _format(where)
    _require_options(where, kind.read_options, encoding=encoding, sheet=sheet)
    _require_form(where, kind.read_forms, form)
    if not where.is_file():
        there = "is a folder" if where.is_dir() else "does not exist"
        raise WeightsError(f"{where} {there}. Give the path of a weights file.")
    try:
        return kind.read(where, Options(encoding=encoding, sheet=sheet, form=form)), where
    except OSError as error:
        raise flag(where, f"the file cannot be read ({error.strerror or error}).") from None
    except _DAMAGED as error:
        raise flag(
            where, f"the file is damaged ({type(error).__name__}: {error}). Export it again."
        ) from None


def write(W: HasLinks, path: str | Path, options: Options) -> Path:
    """Write weights to a file of the format that its suffix says; see `Weights.write`."""
    if not isinstance(path, (str, os.PathLike)):
        raise WeightsError(f"Weights are written to the path of a file; got {type(path).__name__}.")
    where = Path(path).expanduser()
    kind = _format(where, to_write=True)
    if kind.write is None:
        raise flag(where, f"{where.suffix} is read, not written. Write {_known(written=True)}.")
    _require_options(
        where,
        kind.write_options,
        id_field=options.id_field,
        spatial_reference=options.spatial_reference,
    )
    _require_form(where, kind.write_forms, options.form)
    if not where.parent.is_dir():
        raise WeightsError(f"The folder {where.parent} does not exist. Make it, or give another path.")
    try:
        with atomic_path(where) as unfinished:
            kind.write(W, unfinished, options)
    except OSError as error:
        raise flag(where, f"the file cannot be written ({error.strerror or error}).") from None
    return where


def _format(path: Path, *, to_write: bool = False) -> Format:
    suffix = path.suffix.lower()
    if path.is_dir() and not to_write:
        raise WeightsError(f"{path.name} is a folder; open_weights opens one of weights by blocks.")
    if suffix not in FORMATS:
        raise WeightsError(
            f"{path.name}: {suffix or 'a name without suffix'} is no format of weights files."
            f"{did_you_mean(suffix, FORMATS)} Known: {_known(written=False)}."
        )
    return FORMATS[suffix]


def _known(*, written: bool) -> str:
    return ", ".join(suffix for suffix, kind in FORMATS.items() if kind.write or not written)


def _require_options(path: Path, allowed: frozenset[str], **given: Any) -> None:
    for name, value in given.items():
        if value is not None and name not in allowed:
            raise flag(path, f"{name}= does not apply to {path.suffix}. Leave it out.")


def _require_form(path: Path, allowed: tuple[str, ...], form: str | None) -> None:
    if form is None or form in allowed:
        return
    if not allowed:
        raise flag(path, f"form= does not apply to {path.suffix}. Leave it out.")
    raise flag(path, f"form= must be one of {', '.join(map(repr, allowed))}; got {form!r}.")
