"""Reading and writing weights files; the format goes by the suffix."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from spatial.errors import AlignmentError, WeightsError, did_you_mean
from spatial.weights.value import Weights, as_weights

from . import cells, cells_writing, matrices, swm, text
from .parts import Options, Parsed, flag, weights_of

__all__ = ["read", "read_for", "write"]

Form = Literal["links", "dense", "labelled", "full", "neighbors"]


@dataclass(frozen=True)
class Format:
    """How a suffix is read and written, and which options it takes."""

    read: Callable[[Path, Options], Parsed]
    write: Callable[[Weights, Path, Options], None] | None
    read_options: frozenset[str] = frozenset()
    write_options: frozenset[str] = frozenset()
    read_forms: tuple[str, ...] = ()
    write_forms: tuple[str, ...] = ()


_ENCODED = frozenset({"encoding"})
_FIELD = frozenset({"id_field"})
_TABLE = ("links", "dense", "labelled")
FORMATS: dict[str, Format] = {
    ".gal": Format(text.read_gal, text.write_gal, _ENCODED, _FIELD),
    ".gwt": Format(text.read_gwt, text.write_gwt, _ENCODED, _FIELD),
    ".kwt": Format(text.read_gwt, text.write_gwt, _ENCODED, _FIELD),
    ".swm": Format(swm.read_swm, swm.write_swm, frozenset(), frozenset({"id_field", "spatial_reference"})),
    ".csv": Format(cells.read_csv, cells_writing.write_csv, _ENCODED, frozenset(), _TABLE, _TABLE[:2]),
    ".xlsx": Format(
        cells.read_xlsx, cells_writing.write_xlsx, frozenset({"sheet"}), frozenset(), _TABLE, _TABLE[:2]
    ),
    ".txt": Format(text.read_txt, text.write_txt, _ENCODED, frozenset(), (), ("full", "neighbors")),
    ".dat": Format(text.read_dat, text.write_dat, _ENCODED),
    ".mtx": Format(matrices.read_mtx, matrices.write_mtx),
    ".parquet": Format(matrices.read_parquet, matrices.write_parquet),
    ".npz": Format(matrices.read_npz, matrices.write_npz),
    ".mat": Format(matrices.read_mat, None, frozenset({"sheet"})),
}


def read(
    path: str | Path,
    *,
    ids: Any = None,
    encoding: str | None = None,
    sheet: str | None = None,
    form: Form | None = None,
) -> Weights:
    """Read a weights file; its suffix says the format.

    =========  =====================================================================================
    suffix     what is read
    =========  =====================================================================================
    .gal       neighbours (GeoDa, spdep, libpysal); each weight is 1
    .gwt .kwt  links with weights below a header (GeoDa, spdep, libpysal)
    .swm       ArcGIS, all versions: 32 and 64 bit ids, fixed and variable weights
    .csv       links i, j, w; or the dense matrix, with or without a row and a column of ids
    .xlsx      the same, from a sheet (needs openpyxl)
    .txt       Stata (N, then full rows or neighbours), ArcGIS text, bare links or a bare matrix
    .dat       bare links i j w (MATLAB spconvert)
    .mtx       Matrix Market; ids from ``%id`` comments where this package wrote it
    .parquet   links, ids and meta (also those of libpysal's ``Graph.to_parquet``; needs pyarrow)
    .npz       arrays of CSR (also those of ``scipy.sparse.save_npz``); nothing is unpickled
    .mat       MATLAB up to version 7: the one square matrix, or the variable named by `sheet`
    =========  =====================================================================================

    Parameters
    ----------
    path : str or Path
    ids : Index, array or GeoDataFrame, optional
        The ids of the map.  Weights come back in their order and with their type, matched by how an id
        is written: 37009 in the file is 37009 or "37009" here, "01001" is only "01001".  A file without
        ids needs one id for each row, in the order of the rows.  In a file of links, units that it does
        not name become islands, with a warning.
    encoding : str, optional
        Of text; found by itself for UTF-8, UTF-16 and GB18030.
    sheet : str, optional
        Name of the sheet, or of the MATLAB variable.
    form : {"links", "dense", "labelled"}, optional
        Of a table, where it leaves that open.

    Returns
    -------
    Weights
        In the order of the file, islands included.

    Raises
    ------
    WeightsError
        For a file that is absent, truncated or damaged, with the line where there is one.
    AlignmentError
        For a file that belongs to another map than `ids`; the ids are named.

    Notes
    -----
    Text does not say whether 1001 is a number.  Ids in text files are integers if *every* id is a plain
    integer without leading zeros, else all are text.  In .csv, ids in quotes are text whatever they look
    like, unless the weights are quoted too.  .xlsx, .mtx, .parquet and .npz keep the type themselves; .gal
    and .gwt that this package wrote say ``text_ids`` in the header, where other readers skip a layer's name.

    Examples
    --------
    >>> import tempfile
    >>> W = Weights.from_dense([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]], ids=["01", "02", "03"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = read(write(W, f"{folder}/w.csv"))
    >>> back.equals(W), list(back.islands)
    (True, ['03'])
    """
    parsed, where = _parse(path, encoding, sheet, form)
    return weights_of(parsed, ids, where)


def read_for(cities: Any, path: str | Path) -> Weights:
    """Read the weights of `cities`, in their order: matched by id, never by position.

    Raises
    ------
    AlignmentError
        For a file that belongs to another map, or that names no units.
    """
    parsed, where = _parse(path, None, None, None)
    if parsed.ids is None:
        raise AlignmentError(
            f"{where.name} names no units, so its rows cannot be matched with the {len(cities)} of the map "
            "by id. Write the ids into the file, or in Python say that the rows are in the order of the "
            "map: spatial.weights.read(path, ids=cities)."
        )
    return weights_of(parsed, cities.index, where, "the map")


def _parse(
    path: str | Path, encoding: str | None, sheet: str | None, form: Form | None
) -> tuple[Parsed, Path]:
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


def write(
    W: Any,
    path: str | Path,
    *,
    binary: bool = False,
    form: Form | None = None,
    id_field: str | None = None,
    spatial_reference: str | None = None,
) -> Path:
    """Write weights to a file; its suffix says the format (see `read`; .mat is not written).

    The file appears whole or not at all: it is written under another name in the same folder, then moved.

    Parameters
    ----------
    W : Weights, or a libpysal Graph or W
    path : str or Path
        An existing file is replaced.
    binary : bool
        Write 1 for each link.  .gal keeps nothing else, and refuses other weights without it.
    form : str, optional
        "links" (default of .csv) or "dense" (default of .xlsx); for .txt "full" (default) or "neighbors".
    id_field : str, optional
        Name of the id column in the map, for the header of .gal, .gwt and .swm; default, the name of `W.ids`.
    spatial_reference : str, optional
        For the header of .swm.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    WeightsError
        Where the format cannot keep these weights or ids, with those that can.

    Notes
    -----
    Weights come back bit by bit, islands and the order of the units too.  .parquet, .npz and .mtx keep
    `W.meta` as well (a tuple in its parameters comes back as a list).  In .gwt, .dat, .csv and .parquet an
    island stands as a link of weight 0 to itself, as libpysal has it.
    """
    weights = as_weights(W)
    where = Path(path).expanduser()
    kind = _format(where)
    if kind.write is None:
        raise flag(where, f"{where.suffix} is read, not written. Write {_known(written=True)}.")
    _require_options(where, kind.write_options, id_field=id_field, spatial_reference=spatial_reference)
    _require_form(where, kind.write_forms, form)
    if not where.parent.is_dir():
        raise WeightsError(f"The folder {where.parent} does not exist. Make it, or give another path.")
    options = Options(form=form, id_field=id_field, spatial_reference=spatial_reference)
    # openpyxl and pyarrow look at the suffix, so the name for the time being keeps it.
    unfinished = where.with_name(f".{secrets.token_hex(6)}{where.suffix}")
    try:
        kind.write(weights.binary() if binary else weights, unfinished, options)
        unfinished.replace(where)
    except WeightsError as error:
        raise WeightsError(str(error).replace(unfinished.name, where.name, 1)) from None
    except OSError as error:
        raise flag(where, f"the file cannot be written ({error.strerror or error}).") from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return where


def _format(path: Path) -> Format:
    suffix = path.suffix.lower()
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
