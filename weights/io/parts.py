"""What the readers of weights files share: text, ids, links, and the match with the ids of a map."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatial.errors import AlignmentError, SpatialWarning, WeightsError, name_ids
from spatial.ids.alignment import check_ids
from spatial.weights.value import Meta, Weights

__all__ = [
    "Options",
    "Parsed",
    "decode_meta",
    "encode_meta",
    "flag",
    "ids_by_rule",
    "is_row_standardized",
    "links_at_once",
    "links_to_csr",
    "needs_openpyxl",
    "numbers",
    "plain_ids",
    "read_text",
    "token_ids",
    "weights_of",
    "with_islands",
]

_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_INT64 = np.iinfo(np.int64)


@dataclass(frozen=True)
class Options:
    """What the caller of `read` or `write` chose; a format takes what concerns it."""

    encoding: str | None = None
    sheet: str | None = None
    form: str | None = None
    id_field: str | None = None
    spatial_reference: str | None = None


@dataclass(frozen=True)
class Parsed:
    """What a file says: the matrix, the ids of its rows or None, and how far the ids are complete.

    `complete` is False where a file lists links, so that a unit without links may be absent from it;
    `announced` is the number of units in its header, where it has one.
    """

    matrix: sp.csr_array
    ids: Sequence[Any] | None
    complete: bool = True
    announced: int | None = None
    meta: Meta | None = None
    name: str | None = None
    facts: Mapping[str, Any] | None = None


def flag(path: Path, message: str, line: int | None = None) -> WeightsError:
    """Return the error with the file and, for text, the line in front."""
    return WeightsError(f"{path.name}{f', line {line}' if line else ''}: {message}")


def needs_openpyxl(path: Path) -> WeightsError:
    """Return the error that names the extra."""
    return flag(path, '.xlsx needs openpyxl: pip install "spatial-cities[excel]". Or save the sheet as .csv.')


# ---- text
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


# ---- links
def links_to_csr(
    ids: Sequence[Any], heads: Sequence[Any], tails: Sequence[Any], values: Any, path: Path
) -> sp.csr_array:
    """Return the matrix of links given by id; unknown ids and repeated pairs are refused."""
    index = unique_ids(ids, path)
    row, column = index.get_indexer(pd.Index(heads)), index.get_indexer(pd.Index(tails))
    unknown = pd.Index([*_where(heads, row < 0), *_where(tails, column < 0)]).unique()
    if len(unknown):
        raise flag(
            path,
            f"these neighbours have no row of their own: {name_ids(unknown)}. "
            "The file is damaged, or was cut out of a larger one.",
        )
    return _matrix_of(index, row, column, values, path)


def _matrix_of(index: pd.Index[Any], row: Any, column: Any, values: Any, path: Path) -> sp.csr_array:
    pairs = row.astype(np.int64) * len(index) + column
    twice = pd.Series(pairs).duplicated().to_numpy()
    if twice.any():
        found = list(zip(index[row[twice]], index[column[twice]], strict=True))
        raise flag(
            path,
            f"each link must be given once; these pairs repeat: {name_ids(found)}. "
            "Drop the copies, or sum them.",
        )
    return sp.csr_array((np.asarray(values, np.float64), (row, column)), shape=(len(index),) * 2)


def links_at_once(text: str, path: Path, **options: Any) -> tuple[list[str], sp.csr_array] | None:
    """Return ids and matrix of a clean table i, j, w, or None where it needs a reader that names lines.

    pandas' parser is several times as fast as going through the lines, but its messages are not ours.
    """
    try:
        frame = pd.read_csv(io.StringIO(text), header=None, dtype=str, na_filter=False, **options)
        # float() of the text is exact in every version of pandas; its own parser is not.
        values = frame.iloc[:, 2].to_numpy(dtype=object).astype(np.float64)
    except (ValueError, TypeError, IndexError):  # pandas' ParserError is a ValueError
        return None
    if frame.shape[1] != 3 or not np.isfinite(values).all():
        return None
    codes, names = pd.factorize(pd.concat([frame[0], frame[1]], ignore_index=True))
    units = list(names)
    if (codes < 0).any() or not all(isinstance(u, str) for u in units):
        return None
    size = len(frame)
    return units, _matrix_of(pd.Index(units), codes[:size], codes[size:], values, path)


def unique_ids(ids: Sequence[Any], path: Path) -> pd.Index[Any]:
    """Return the ids as an index, or name those that appear twice."""
    index = pd.Index(list(ids))
    if not index.is_unique:
        twice = index[index.duplicated()].unique()
        raise flag(path, f"each unit must appear once; these ids repeat: {name_ids(twice)}.")
    return index


def _where(items: Sequence[Any], mask: Any) -> list[Any]:
    return [items[k] for k in np.flatnonzero(mask).tolist()]


def with_islands(W: Weights) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, columns and weights of the links, each island as a link of weight 0 to itself.

    A list of links has no other place for a unit without any; libpysal writes islands so too.
    """
    counts = np.diff(W.sparse.indptr)
    alone = np.flatnonzero(counts == 0)
    rows = np.concatenate([np.repeat(np.arange(W.n), counts), alone])
    order = np.argsort(rows, kind="stable")
    columns = np.concatenate([W.sparse.indices, alone])[order]
    return rows[order], columns, np.concatenate([W.sparse.data, np.zeros(len(alone))])[order]


# ---- what the weights are, as JSON
def encode_meta(meta: Meta) -> dict[str, Any]:
    """Return the meta as plain JSON values."""
    encoded: dict[str, Any] = json.loads(json.dumps({**asdict(meta)}, default=_plain))
    return encoded


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (np.ndarray, pd.Index, pd.Series)):
        return value.tolist()
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)


def decode_meta(encoded: Any) -> Meta | None:
    """Return the meta of `encode_meta`; None for anything else."""
    if not isinstance(encoded, dict):
        return None
    known = {f.name for f in fields(Meta)}
    return Meta(**{key: value for key, value in encoded.items() if key in known})


# ---- the value
def weights_of(parsed: Parsed, ids: Any, path: Path, whose: str = "ids=") -> Weights:
    """Return the weights, in the order of `ids` where they are given; `whose` names these in messages."""
    if parsed.ids is not None:
        unique_ids(parsed.ids, path)
    if ids is None:
        index, matrix = _own_ids(parsed, path), parsed.matrix
    else:
        index = check_ids(ids.index if isinstance(ids, pd.DataFrame) else ids, "ids=")
        matrix = _aligned(parsed, index, path, whose)
    try:
        W = Weights(index, matrix)
    except WeightsError as error:
        raise WeightsError(f"{path.name}: {error}") from None
    given = Meta(
        parameters=dict(parsed.facts or {}),
        normalization="row" if is_row_standardized(W) else "none",
        islands="keep",
        source=path.name,
    )
    return Weights(W.ids, W.sparse, parsed.meta or given)


def is_row_standardized(W: Weights) -> bool:
    """As the property; weights near the largest float may sum to infinity without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return W.is_row_standardized


def _own_ids(parsed: Parsed, path: Path) -> pd.Index[Any]:
    if parsed.ids is None:
        n = parsed.matrix.shape[0]
        warnings.warn(
            f"{path.name} names no units: its rows are numbered 0 to {n - 1}. "
            "Pass ids=, the ids of the map in the order of the rows, to match them with data.",
            SpatialWarning,
            stacklevel=4,
        )
        return pd.RangeIndex(n)
    if parsed.announced is not None and parsed.announced > len(parsed.ids):
        raise flag(
            path,
            f"the header announces {parsed.announced} units, but only {len(parsed.ids)} are named: "
            "the others have no links, or the file is truncated. Pass ids= with all ids of the map.",
        )
    return pd.Index(list(parsed.ids), name=parsed.name)


def _aligned(parsed: Parsed, wanted: pd.Index[Any], path: Path, whose: str) -> sp.csr_array:
    """Return the matrix in the order of `wanted`, matched by how the ids are written."""
    if parsed.ids is None:
        if parsed.matrix.shape[0] != len(wanted):
            raise AlignmentError(
                f"{path.name} is a matrix of {parsed.matrix.shape[0]} rows without ids; ids= has "
                f"{len(wanted)}. Pass one id for each row, in the order of the rows."
            )
        return parsed.matrix
    have, want = pd.Index([str(i) for i in parsed.ids]), pd.Index([_written(i) for i in wanted])
    if not want.is_unique:
        alike = want[want.duplicated()].unique()
        raise AlignmentError(f"ids= must differ as written; these are written alike: {name_ids(alike)}.")
    place = want.get_indexer(have)
    absent = wanted[have.get_indexer(want) < 0]
    if (place < 0).any() or (len(absent) and parsed.complete) or _miscounted(parsed, wanted):
        raise AlignmentError(_other_map(parsed, wanted, have[place < 0], absent, path, whose))
    if len(absent) and parsed.announced is None:
        warnings.warn(
            f"{path.name} lists links only; these ids have none and become islands: {name_ids(absent)}.",
            SpatialWarning,
            stacklevel=4,
        )
    links = parsed.matrix.tocoo()
    rows, columns = (place[c] for c in links.coords)
    return sp.csr_array((links.data, (rows, columns)), shape=(len(wanted), len(wanted)))


def _miscounted(parsed: Parsed, wanted: pd.Index[Any]) -> bool:
    return parsed.announced is not None and parsed.announced != len(wanted)


def _written(value: Any) -> str:
    return str(value.item() if isinstance(value, np.generic) else value)


def _other_map(
    parsed: Parsed,
    wanted: pd.Index[Any],
    extra: Iterable[Any],
    absent: pd.Index[Any],
    path: Path,
    whose: str,
) -> str:
    count = parsed.announced or len(parsed.ids or ())
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
    parts.append(cure)
    return " ".join(parts)
