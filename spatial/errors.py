"""One small tree of errors.  Each message says what was needed, what was given, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

__all__ = [
    "AlignmentError",
    "ConvergenceError",
    "DataError",
    "FormulaError",
    "NotIdentifiedError",
    "SpatialError",
    "SpatialWarning",
    "WeightsError",
    "did_you_mean",
    "name_ids",
    "plain",
]


class SpatialError(ValueError):
    """Base of every error that this package raises on purpose."""


class DataError(SpatialError):
    """Cities, panels or files that cannot be used as they are."""


class AlignmentError(SpatialError):
    """Ids of the data and of the weights that do not match."""


class WeightsError(SpatialError):
    """Spatial weights that cannot be built, read or transformed."""


class FormulaError(SpatialError):
    """A formula that cannot be read; the message points at the place."""


class NotIdentifiedError(SpatialError):
    """A system whose equations cannot be told apart by any instrument."""


class ConvergenceError(SpatialError):
    """An iteration that did not reach its tolerance."""


class SpatialWarning(UserWarning):
    """Numbers were computed, and the reader should know something about them."""


def name_ids(ids: Iterable[object], limit: int = 10) -> str:
    """Write the first ids and the count, for a message.

    Examples
    --------
    >>> name_ids(["a", "b", "c"], limit=2)
    "'a', 'b' and 1 more (3 in all)"
    >>> name_ids([(110000, 2003)])
    '(110000, 2003)'
    """
    found = [plain(i) for i in ids]
    shown = ", ".join(repr(i) for i in found[:limit])
    rest = len(found) - limit
    return f"{shown} and {rest} more ({len(found)} in all)" if rest > 0 else shown


def plain(value: Any) -> Any:
    """Return a numpy scalar as the value that the user typed; tuples by part.

    Examples
    --------
    >>> import numpy as np
    >>> plain((np.int64(3), "a"))
    (3, 'a')
    """
    if isinstance(value, tuple):
        return tuple(plain(part) for part in value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value


def did_you_mean(name: object, allowed: Iterable[object]) -> str:
    """Return ``" Did you mean 'x'?"`` for the closest allowed name, or ``""``.

    Examples
    --------
    >>> did_you_mean("crmte", ["crmrte", "polpc"])
    " Did you mean 'crmrte'?"
    >>> did_you_mean("zzz", ["crmrte"])
    ''
    """
    lowered = {str(option).lower(): str(option) for option in allowed}
    close = difflib.get_close_matches(str(name).lower(), lowered, n=1)
    return f" Did you mean {lowered[close[0]]!r}?" if close else ""
