"""Where data and weights meet: everything is matched by id, once, here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, name_ids

from .matching import in_kind_of, why_apart
from .numbers import to_float

__all__ = [
    "aligned_values",
    "as_float",
    "check_ids",
    "check_scale",
    "distinct",
    "indexer",
    "require_finite",
    "row_places",
]

Float = NDArray[np.float64]

_LARGEST = 1e140
_CLOSE = 8  # numbers from the least to the largest id, for each id


def check_ids(ids: Any, what: str) -> pd.Index[Any]:
    """Return `ids` as an Index, or refuse missing and repeated ones by name."""
    # pd.Index makes plain tuples of a MultiIndex, so the question comes first.
    if isinstance(ids, pd.MultiIndex):
        raise DataError(f"{what} must have one id for each unit; got pairs, {list(ids.names)}.")
    try:
        index = pd.Index(ids)
        hash(tuple(index[:1]))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{what} must have ids in one list, text or whole numbers; got {type(ids).__name__} ({error})."
        ) from None
    missing = index.isna()
    if missing.any():
        places = np.flatnonzero(missing)
        raise DataError(
            f"{what} must have an id for each unit; {missing.sum()} are missing, at rows {name_ids(places)}. "
            "Drop those rows or give them ids."
        )
    if not distinct(index):
        twice = index[index.duplicated()].unique()
        raise DataError(
            f"{what} must have unique ids; these appear more than once: {name_ids(twice)}. "
            "Dissolve or drop the repeated units."
        )
    return index


def distinct(index: pd.Index[Any]) -> bool:
    """Whether no id repeats; whole numbers that lie close are ticked off in a table, others are hashed.

    Examples
    --------
    >>> distinct(pd.Index([1, 2, 5])), distinct(pd.Index(["b", "a", "b"]))
    (True, False)
    """
    if isinstance(index.dtype, np.dtype) and index.dtype.kind in "iu" and len(index):
        values = index.to_numpy()
        low, span = values.min(), int(values.max()) - int(values.min()) + 1
        if span <= _CLOSE * len(values):
            seen = np.zeros(span, dtype=bool)
            seen[values - low] = True
            return bool(np.count_nonzero(seen) == len(values))
    return bool(index.is_unique)


def indexer(
    given: pd.Index[Any], wanted: pd.Index[Any], what: str, against: str = "the weights"
) -> NDArray[np.intp]:
    """Return the positions of `wanted` in `given`; refuse ids that only one side has.

    Parameters
    ----------
    given : Index
        Ids of the data.
    wanted : Index
        Ids of the weights, in their order.
    what : str
        The data's name in the message.
    against : str
        The name of what holds `wanted`.

    Raises
    ------
    AlignmentError
        Where ids are in one and not in the other.

    Notes
    -----
    Codes that one side keeps as text and the other as numbers are matched by what they mean.
    """
    given = check_ids(given, what)
    positions = given.get_indexer(wanted)
    if (positions < 0).any() or len(given) != len(wanted):
        given = in_kind_of(given, wanted)
        positions = given.get_indexer(wanted)
    absent = wanted[positions < 0]
    extra = given.difference(wanted, sort=False) if len(given) != len(wanted) or len(absent) else given[:0]
    if len(absent) or len(extra):
        raise AlignmentError(_mismatch(given, wanted, absent, extra, what, against))
    return np.asarray(positions, dtype=np.intp)


def row_places(rows: pd.Index[Any], ids: pd.Index[Any]) -> NDArray[np.intp]:
    """Return the place in `ids` of each row's unit, -1 where it has none; rows may repeat, as in a panel.

    Examples
    --------
    >>> row_places(pd.Index([37003, 37001, 37003]), pd.Index(["37001", "37003"])).tolist()
    [1, 0, 1]
    """
    places = ids.get_indexer(rows)
    if (places < 0).any():
        codes, found = pd.factorize(rows)
        places = ids.get_indexer(in_kind_of(pd.Index(found), ids))[codes]
    return np.asarray(places, dtype=np.intp)


def _mismatch(
    given: pd.Index[Any],
    wanted: pd.Index[Any],
    absent: pd.Index[Any],
    extra: pd.Index[Any],
    what: str,
    against: str,
) -> str:
    parts = [f"{what} and {against} must have the same ids ({len(given)} given, {len(wanted)} in {against})."]
    if len(absent):
        parts.append(f"In {against} only: {name_ids(absent)}.")
    if len(extra):
        parts.append(f"In {what} only: {name_ids(extra)}.")
    reason = why_apart(extra, absent, what, against) if len(absent) and len(extra) else ""
    if reason:
        parts.append(reason)
    elif against == "the weights":
        parts.append(
            "Restrict the data to these units, the weights with W.subset(ids), or both with sp.align."
        )
    else:
        parts.append("Keep the units that both have, or complete the one that lacks some.")
    return " ".join(parts)


def aligned_values(
    x: Any, ids: pd.Index[Any], what: str = "the values", against: str = "the weights"
) -> Float:
    """Return `x` as float64 in the order of `ids`.

    A Series or DataFrame is matched by label; a bare array must have length N along its first
    axis and is taken in the order of `ids`.  NaN is passed through: see `require_finite`.
    """
    if isinstance(x, (pd.Series, pd.DataFrame)):
        values = as_float(x, _label(x, what))
        if x.index is ids or (len(x) == len(ids) and isinstance(ids, pd.RangeIndex) and x.index.equals(ids)):
            return values  # in the order that is asked for: millions of rows are not copied
        return values[indexer(x.index, ids, _label(x, what), against)]
    values = as_float(x, what)
    if values.ndim == 0 or values.shape[0] != len(ids):
        raise AlignmentError(
            f"{what} as a bare array must have length {len(ids)}, one for each id of {against}, "
            f"in their order; got shape {values.shape}. Pass a Series with ids to match by label."
        )
    return values


def _label(x: pd.Series[Any] | pd.DataFrame, what: str) -> str:
    return repr(x.name) if isinstance(x, pd.Series) and x.name is not None else what


def as_float(x: Any, what: str) -> Float:
    """Return `x` as float64, missing cells as NaN; refuse what is no number.  See `to_float`."""
    return to_float(x, what)


def check_scale(values: Float, what: str, power: Literal[2, 4] = 2) -> Float:
    """Return `values`; refuse those so large or so small that their squares, or fourth powers, are no floats.

    Variances of what is estimated from squares need fourth powers.

    Examples
    --------
    >>> check_scale(np.array([1.0, 1e200]), "x")
    Traceback (most recent call last):
    spatial.errors.DataError: x has values of up to 1e+200, whose squares no float holds: use another unit.
    """
    known = np.abs(values[np.isfinite(values)])
    size, largest = float(known.max(initial=0.0)), _LARGEST ** (2 / power)
    if size > largest or 0 < size < 1 / largest:
        words = "squares" if power == 2 else "fourth powers"
        raise DataError(
            f"{what} has values of up to {size:.3g}, whose {words} no float holds: use another unit."
        )
    return values


def require_finite(values: Float, ids: Sequence[Any] | pd.Index[Any], what: str) -> None:
    """Refuse NaN and infinity by id; `values` has units along its first axis."""
    flat = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not flat.all():
        bad = pd.Index(ids)[~flat]
        raise DataError(
            f"{what} must be finite; NaN or infinity at {name_ids(bad)}. "
            'Fill or drop these units, or pass missing="drop" where it is offered.'
        )
