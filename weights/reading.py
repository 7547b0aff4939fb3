"""Weights read from files, and matched with the ids of a map."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import scipy.sparse as sparse

from spatial.errors import AlignmentError, WeightsError, hinted, name_ids, warn
from spatial.ids.alignment import check_ids
from spatial.ids.kinds import id_text
from spatial.ids.matching import why_apart
from spatial.ids.numbers import Ids

from .conversion import say_negative
from .io.formats import Form, parse
from .io.links import unique_ids
from .io.parsed import Parsed, flag, is_row_standardized
from .meta import Meta
from .value import Weights

__all__ = ["read", "read_for"]


@hinted
def read(
    path: str | Path,
    *,
    ids: Ids | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    form: Form | None = None,
) -> Weights:
    """Read a weights file; its suffix says the format.

    =========  =====================================================================================
    suffix     what is read
    =========  =====================================================================================
    .gal       neighbours (GeoDa, spdep, libpysal); each weight is 1
    .gwt       links with weights below a header (GeoDa, spdep, libpysal)
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
    ...     back = read(W.write(f"{folder}/w.csv"))
    >>> back.equals(W), list(back.islands)
    (True, ['03'])
    """
    parsed, where = parse(path, encoding, sheet, form)
    return weights_of(parsed, ids, where)


def read_for(cities: Any, path: str | Path) -> Weights:
    """Read the weights of `cities`, in their order: matched by id, never by position.

    Raises
    ------
    AlignmentError
        For a file that belongs to another map, or that names no units.
    """
    parsed, where = parse(path, None, None, None)
    if parsed.ids is None:
        raise AlignmentError(
            f"{where.name} names no units, so its rows cannot be matched with the {len(cities)} of the map "
            "by id. Write the ids into the file, or in Python say that the rows are in the order of the "
            "map: spatial.weights.read(path, ids=cities)."
        )
    try:
        return weights_of(parsed, cities.index, where, "the map")
    except AlignmentError as error:
        column = _column_of_ids(cities, set(_written(unique_ids(parsed.ids, where))))
        if column is None:
            raise
        raise AlignmentError(
            f"{error} The column {column!r} of the map holds the ids of the file: read the map with "
            f"id={column!r}."
        ) from None


def _column_of_ids(cities: Any, wanted: set[str]) -> str | None:
    """Return a column of the map that holds these ids, each once."""
    if not hasattr(cities, "columns"):
        return None
    for column in cities.columns:
        values = pd.Index(cities[column])
        if values.inferred_type not in ("integer", "string") or not values.is_unique:
            continue
        if set(_written(values)) == wanted:
            return str(column)
    return None


def weights_of(parsed: Parsed, ids: Any, path: Path, whose: str = "ids=") -> Weights:
    """Return the weights, in the order of `ids` where they are given; `whose` names these in messages."""
    own = None if parsed.ids is None else unique_ids(parsed.ids, path)
    if ids is None:
        index, matrix = _own_ids(parsed, own, path), parsed.matrix
    else:
        index = check_ids(ids.index if isinstance(ids, pd.DataFrame) else ids, "ids=")
        matrix = _aligned(parsed, own, index, path, whose)
    meta = parsed.meta or Meta(
        parameters=dict(parsed.facts or {}),
        normalization="row" if is_row_standardized(matrix) else "none",
        islands="keep",
        source=path.name,
    )
    try:
        made = Weights(index, matrix, meta)
    except WeightsError as error:
        raise WeightsError(f"{path.name}: {error}") from None
    say_negative(made.ids, made.sparse)
    return made


def _own_ids(parsed: Parsed, own: pd.Index[Any] | None, path: Path) -> pd.Index[Any]:
    if own is None:
        n = parsed.matrix.shape[0]
        warn(
            f"{path.name} names no units: its rows are numbered 0 to {n - 1}. "
            "Pass ids=, the ids of the map in the order of the rows, to match them with data."
        )
        return pd.RangeIndex(n)
    if parsed.announced is not None and parsed.announced > len(own):
        raise flag(
            path,
            f"the header announces {parsed.announced} units, but only {len(own)} are named: "
            "the others have no links, or the file is truncated. Pass ids= with all ids of the map.",
        )
    return own.rename(parsed.name)


def _aligned(
    parsed: Parsed, own: pd.Index[Any] | None, wanted: pd.Index[Any], path: Path, whose: str
) -> sparse.csr_array:
    """Return the matrix in the order of `wanted`, matched by the text that an id means."""
    if own is None:
        if parsed.matrix.shape[0] != len(wanted):
            raise AlignmentError(
                f"{path.name} is a matrix of {parsed.matrix.shape[0]} rows without ids; ids= has "
                f"{len(wanted)}. Pass one id for each row, in the order of the rows."
            )
        return parsed.matrix
    if own.equals(wanted) and not _miscounted(parsed, wanted):
        return parsed.matrix
    have, want = (_written(i) for i in (own, wanted))
    if not want.is_unique:
        alike = want[want.duplicated()].unique()
        raise AlignmentError(f"ids= must differ as written; these are written alike: {name_ids(alike)}.")
    place = want.get_indexer(have)
    absent = wanted[have.get_indexer(want) < 0]
    if (place < 0).any() or (len(absent) and parsed.complete) or _miscounted(parsed, wanted):
        raise AlignmentError(_other_map(parsed, wanted, have[place < 0], absent, path, whose))
    if len(absent) and parsed.announced is None:
        warn(f"{path.name} lists links only; these ids have none and become islands: {name_ids(absent)}.")
    links = parsed.matrix.tocoo()
    rows, columns = (place[c] for c in links.coords)
    return sparse.csr_array((links.data, (rows, columns)), shape=(len(wanted), len(wanted)))


def _miscounted(parsed: Parsed, wanted: pd.Index[Any]) -> bool:
    return parsed.announced is not None and parsed.announced != len(wanted)


def _written(ids: pd.Index[Any]) -> pd.Index[Any]:
    """Return the text that each id means: 37009, "37009" and "37009.0" are one, "01001" is only that."""
    if pd.api.types.is_integer_dtype(ids.dtype):
        return pd.Index(ids.astype(str))
    texts = [str(i) if isinstance(i, int) else id_text(i) for i in ids.tolist()]
    written = pd.Index(texts)
    return written if written.is_unique else pd.Index([str(i) for i in ids.tolist()])


def _other_map(
    parsed: Parsed,
    wanted: pd.Index[Any],
    extra: Iterable[Any],
    absent: pd.Index[Any],
    path: Path,
    whose: str,
) -> str:
    count = parsed.announced or parsed.matrix.shape[0]
    parts = [
        f"{path.name} holds weights for other units than those of {whose} "
        f"({count} in the file, {len(wanted)} in {whose})."
    ]
    extra = list(extra)
    if extra:
        parts.append(f"In the file only: {name_ids(extra)}.")
    if len(absent):
        parts.append(f"In {whose} only: {name_ids(absent)}.")
    if whose == "ids=":
        cure = "Pass the ids of the map that the file was made for, or read without ids= and use W.subset."
    else:
        cure = "Give the file that was made for this map, or build the weights from the map."
    parts.append(why_apart(extra, absent, "the file", whose) if extra and len(absent) else "")
    parts.append(cure)
    return " ".join(filter(None, parts))
