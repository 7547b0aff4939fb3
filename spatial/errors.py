"""One small tree of errors.  Each message says what was needed, what was given, and what to do."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

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
    "hinted",
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


P = ParamSpec("P")
R = TypeVar("R")

# What one argument is called here and elsewhere (libpysal, esda, spdep, GeoDa, linearmodels).
_SAME = (
    {"id", "unit", "ids", "index", "id_column", "idVariable", "entity", "units"},
    {"time", "year", "date", "period", "t", "times"},
    {"km", "threshold", "distance", "band", "radius", "d2", "max_distance", "cutoff"},
    {"k", "n", "neighbors", "neighbours", "n_neighbors"},
    {"bandwidth_km", "bandwidth", "bw"},
    {"power", "alpha", "exponent"},
    {"rook", "queen"},
    {"x", "y", "values", "data", "z"},
    {"W", "w", "weights", "listw"},
    {"permutations", "perms", "nsim", "n_permutations"},
    {"alternative", "tail", "side", "two_tailed"},
    {"columns", "cols", "variables", "column"},
    {"path", "out", "file", "filename", "output"},
)


def hinted(function: Callable[P, R]) -> Callable[P, R]:
    """Let a call whose arguments do not fit say which ones there are, and which was meant.

    The error stays Python's ``TypeError``; the signature, the types and the docstring stay as they are.

    Examples
    --------
    >>> @hinted
    ... def band(cities, km, *, rook=False): ...
    >>> try:
    ...     band("nc", threshold=100)
    ... except TypeError as error:
    ...     print(str(error)[-54:])
    Did you mean 'km'? Call it as band(cities, km, rook=).
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            # Raised inside the function, it has a second frame, and is not about its arguments.
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
            said = str(error).split(". Did you mean")[0]  # Python 3.13 has a guess of its own
            text = f"{said}.{_meant(function, kwargs)}"
        raise TypeError(text) from None

    return call


def _meant(function: Callable[..., Any], given: Iterable[str]) -> str:
    import inspect

    taken = inspect.signature(function).parameters
    wrong = next((name for name in given if name not in taken), None)
    same = {name for names in _SAME if wrong in names for name in names}
    known = next((name for name in taken if name in same), None)
    hint = f" Did you mean {known!r}?" if known else did_you_mean(wrong, taken) if wrong else ""
    shown = [f"{name}=" if p.kind is p.KEYWORD_ONLY else name for name, p in taken.items()]
    return f"{hint} Call it as {function.__name__}({', '.join(shown)})."
