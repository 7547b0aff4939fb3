"""What a weights file says, what is written to one, and the message that names the file and the line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import WeightsError
from spatial.weights.meta import HasLinks, Meta
from spatial.weights.normalization import sums_to_one

__all__ = [
    "Options",
    "Parsed",
    "about_of",
    "decode_meta",
    "encode_meta",
    "flag",
    "is_row_standardized",
    "name_of",
    "needs_openpyxl",
]


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

    matrix: sparse.csr_array
    ids: Sequence[Any] | pd.Index[Any] | np.ndarray | None
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
    given = {f.name: encoded[f.name] for f in fields(Meta) if _is_like(f.default, encoded.get(f.name))}
    return Meta(**given)


def _is_like(default: Any, value: Any) -> bool:
    """Whether a value of a file can be that of a field; what cannot is left at its default."""
    match default:
        case str():
            return isinstance(value, str)
        case float():
            return isinstance(value, (int, float)) and 0 <= value <= 1
        case None:
            return isinstance(value, (str, int)) and not isinstance(value, bool)
        case _:
            return isinstance(value, dict)


def about_of(stored: Any, path: Path) -> dict[str, Any]:
    """Return the description that a file holds as JSON; empty where it holds none."""
    try:
        found = {} if stored is None else json.loads(bytes(stored).decode())
    except ValueError:
        raise flag(path, "the description of the weights is damaged. Write the file again.") from None
    return found if isinstance(found, dict) else {}


def name_of(W: HasLinks) -> str | None:
    """Return the name of the ids, where it is text."""
    return W.ids.name if isinstance(W.ids.name, str) else None


def is_row_standardized(matrix: sparse.csr_array) -> bool:
    """Whether rows sum to one; weights near the largest float may sum to infinity without a warning."""
    with np.errstate(over="ignore", invalid="ignore"):
        return sums_to_one(matrix)
