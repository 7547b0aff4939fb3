"""Ids of two sources brought together: codes as numbers meet codes as text, look-alikes are named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, plain

from .kinds import code_points, fold, id_text

__all__ = ["in_kind_of", "why_apart"]


def in_kind_of(ids: pd.Index[Any], others: pd.Index[Any]) -> pd.Index[Any]:
    """Return `ids` as `others` write them, where both mean the same codes; else unchanged.

    A table file does not tell the text "37001" from the number 37001; a map does.  The two meet by the text
    that a number is written as (`spatial.ids.kinds.id_text`), one to one or not at all.

    Examples
    --------
    >>> in_kind_of(pd.Index([37003, 37001]), pd.Index(["37001", "37003"])).tolist()
    ['37003', '37001']
    >>> in_kind_of(pd.Index([1001]), pd.Index(["01001"])).tolist()
    [1001]
    """
    if ids.equals(others) or not (len(ids) and len(others)):
        return ids
    if isinstance(ids, pd.MultiIndex) or isinstance(others, pd.MultiIndex) or ids.isin(others).all():
        return ids
    own, theirs = _texts(ids), _texts(others)
    if own is None or theirs is None or not (own.is_unique and theirs.is_unique):
        return ids
    place = theirs.get_indexer(own)
    if not (place >= 0).any():
        return ids
    out = np.empty(len(ids), dtype=object)
    labels, written = others.tolist(), own.tolist()
    as_text = isinstance(labels[0], str)
    for k, at in enumerate(place.tolist()):
        out[k] = labels[at] if at >= 0 else _converted(written[k], as_text)
    return pd.Index(out.tolist(), name=ids.name)


def _texts(ids: pd.Index[Any]) -> pd.Index[Any] | None:
    """Return the text that each id means, or None where some are neither text nor whole numbers."""
    if pd.api.types.is_bool_dtype(ids.dtype) or ids.hasnans:
        return None
    if pd.api.types.is_integer_dtype(ids.dtype):
        return pd.Index(ids.astype(str))
    values = ids.tolist()
    if not all(isinstance(v, (str, int)) or (isinstance(v, float) and v.is_integer()) for v in values):
        return None
    try:
        return pd.Index([id_text(value) for value in values], dtype=object)
    except DataError:  # cut digits: nothing can be said of them
        return None


def _converted(text: str, as_text: bool) -> Any:
    if as_text:
        return text
    return int(text) if text.lstrip("+-").isdigit() and not text.lstrip("+-").startswith("0") else text


def why_apart(given: Iterable[Any], wanted: Iterable[Any], what: str, against: str) -> str:
    """Say why ids that only one side has may be the same after all: look-alikes, lost zeros, types.

    Examples
    --------
    >>> why_apart([1001, 1003], ["01001", "01003"], "the panel", "the map")
    "Zeros at the front were lost in the panel: frame[column].astype(str).str.zfill(5) gives '01001'."
    """
    left, right = [plain(v) for v in given], [plain(v) for v in wanted]
    seen: dict[str, Any] = {}
    for value in right:
        seen.setdefault(fold(str(value)), value)
    for value in left:
        other = seen.get(fold(str(value)))
        if other is None or other == value:
            continue
        if isinstance(value, str) and isinstance(other, str):
            return (
                f"Some look alike and are not the same: {code_points(value, other)}. Write both sides alike, "
                "e.g. with .str.normalize('NFKC').str.strip()."
            )
        return (
            f"The ids are of different types: {type(value).__name__} in {what}, {type(other).__name__} in "
            f"{against}. Convert one side, e.g. frame.index = frame.index.astype(str)."
        )
    zeros = _lost_zeros(left, right)
    kinds = [sorted({type(value).__name__ for value in side}) for side in (left, right)]
    if zeros:
        return f"Zeros at the front were lost in {what}: {zeros}."
    zeros = _lost_zeros(right, left)
    if zeros:
        return f"Zeros at the front were lost in {against}: {zeros}."
    if left and right and kinds[0] != kinds[1]:
        rows = (
            kinds[0] == ["int"] and left == sorted(left) and left[0] >= 0 and left[-1] < 10 * len(left) + 10
        )
        numbers = " Are these row numbers? frame.set_index(column) makes the ids the index." if rows else ""
        return (
            f"The ids are {' and '.join(kinds[0])} in {what}, {' and '.join(kinds[1])} in {against}.{numbers}"
        )
    return ""


def _lost_zeros(short: list[Any], long: list[Any]) -> str:
    widths = {len(str(value)) for value in long}
    if len(widths) != 1 or not all(isinstance(v, str) and v.isdigit() for v in long):
        return ""
    width = widths.pop()
    whole = {str(value).zfill(width): value for value in short if str(value).isdigit()}
    found = [value for value in long if value in whole and whole[value] != value]
    return f"frame[column].astype(str).str.zfill({width}) gives {found[0]!r}" if found else ""
