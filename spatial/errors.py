"""One small tree of errors.  Each message says what was needed, what was given, and what to do."""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

__all__ = [
    "AlignmentError",
    "ArgumentError",
    "ConvergenceError",
    "DataError",
    "FormulaError",
    "Hinting",
    "NotIdentifiedError",
    "SpatialError",
    "SpatialWarning",
    "WeightsError",
    "did_you_mean",
    "hinted",
    "name_ids",
    "plain",
    "speak",
    "warn",
]


def _as_written(text: str) -> str:
    return text


_spoken: Callable[[str], str] = _as_written


def speak(how: Callable[[str], str]) -> None:
    """Let every error and warning be shown as `how` says it; `args` keep the English."""
    global _spoken
    _spoken = how


class SpatialError(ValueError):
    """Base of every error that this package raises on purpose."""

    def __str__(self) -> str:
        """Say it in the language in force."""
        return _spoken(self.args[0]) if len(self.args) == 1 else super().__str__()


class DataError(SpatialError):
    """Cities, panels or files that cannot be used as they are."""


class ArgumentError(SpatialError, TypeError):
    """A call with arguments that are not there, or without one that is needed; a TypeError too."""


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

    def __str__(self) -> str:
        """Say it in the language in force."""
        return _spoken(self.args[0]) if len(self.args) == 1 else super().__str__()


_OURS = ("spatial", "contextlib", "functools")


def warn(text: str | Warning, category: type[Warning] = SpatialWarning) -> None:
    """Warn at the line that called this package, however deep in it the reason was found."""
    level, frame = 2, sys._getframe(1)
    # What is decorated is called by contextlib.
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)


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


class Hinting:
    """A value that names what was meant, of an attribute that is not there."""

    _known_as: ClassVar[Mapping[str, str]] = {}
    """Names that other programs have for what it can do."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Refuse by name; an error inside a property stays its own."""
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)
            public = [found for found in dir(self) if not found.startswith("_")]
            same = type(self)._known_as.get(name)
            known = same is not None and same.partition("(")[0] in public
            meant = f" Did you mean {same!r}?" if known else did_you_mean(name, public)
            said = f"{type(self).__name__} has no {name!r}."
            # Names with leading underscores are asked for by programs, and often.
            raise AttributeError(said if name.startswith("_") else _spoken(said + meant), name=name)


C = TypeVar("C", bound=Callable[..., Any])

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
    {"cov", "vcov", "covariance", "cov_type", "se", "robust", "cluster", "vce"},
    {"effects", "fe", "fixef", "entity_effects", "time_effects"},
    {"instruments", "iv", "excluded"},
    {"level", "conf_level", "confidence"},
    {"method", "estimator"},
    {"draws", "R", "reps", "replications"},
    {"scheme", "classification", "classifier"},
    {"k", "classes", "bins"},
)


def hinted(target: C) -> C:
    """Let a call whose arguments do not fit say which ones there are, and which was meant.

    Of a class, all public methods and its construction; results have it by deriving from `Result`.  The
    signature, the types and the docstring stay as they are.

    Examples
    --------
    >>> @hinted
    ... def band(cities, km, *, rook=False): ...
    >>> try:
    ...     band("nc", threshold=100)
    ... except ArgumentError as error:
    ...     print(str(error)[-54:])
    Did you mean 'km'? Call it as band(cities, km, rook=).
    """
    if not isinstance(target, type):
        wrapped: C = _hinted(target)
        return wrapped
    for name, found in list(vars(target).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(found, classmethod | staticmethod):
            setattr(target, name, type(found)(_hinted(found.__func__)))
        elif inspect.isfunction(found):
            setattr(target, name, _hinted(found))
    return target


def _hinted(function: Any) -> Any:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            # Raised inside the function, it has a second frame, and is not about its arguments.
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise
            said = str(error).split(". Did you mean")[0]  # Python 3.13 has a guess of its own
            said = said.replace(function.__qualname__, _called(function))
            text = f"{said}.{_meant(function, kwargs)}"
        raise ArgumentError(text) from None

    return call


def _meant(function: Callable[..., Any], given: Iterable[str]) -> str:
    taken = [p for name, p in inspect.signature(function).parameters.items() if name not in ("self", "cls")]
    names = [p.name for p in taken if p.kind is not p.VAR_KEYWORD]
    wrong = next((name for name in given if name not in names), None)
    same = {name for names in _SAME if wrong in names for name in names}
    known = next((name for name in names if name in same), None)
    hint = f" Did you mean {known!r}?" if known else did_you_mean(wrong, names) if wrong else ""
    stars: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    shown = [f"{p.name}=" if p.kind is p.KEYWORD_ONLY else stars.get(p.kind, "") + p.name for p in taken]
    return f"{hint} Call it as {_called(function)}({', '.join(shown)})."


def _called(function: Any) -> str:
    return str(function.__qualname__).removesuffix(".__init__").rpartition(".")[2]
