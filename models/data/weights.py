"""Weights by name, one for all times or one for each, in one order of units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, cast

import numpy as np
import pandas as pd
from scipy import sparse

from spatial.errors import FormulaError, WeightsError, did_you_mean, name_ids
from spatial.models.formula.grammar import FUNCTIONS, Formula
from spatial.models.formula.structure import Structure
from spatial.models.formula.tokens import Call, walk
from spatial.weights.value import Weights, WeightsLike, as_weights

__all__ = [
    "TimeWeights",
    "WeightsGiven",
    "error_weights",
    "lags_outcomes",
    "named_weights",
    "used_weights",
]

ByTime = Mapping[Any, WeightsLike] | Callable[[Any], WeightsLike]
WeightsGiven = WeightsLike | ByTime | Mapping[str, WeightsLike | ByTime]
"""One for all times, or by time, or these by name."""


@dataclass(frozen=True, eq=False, repr=False)
class TimeWeights(Weights):
    r"""Weights of each time, :math:`y_t = \lambda W_t y_t + \dots`.

    As weights they are the mean over the times, which describes them; lags within a time are by its own.

    Parameters
    ----------
    by_time : mapping of time to Weights
        The same units at each time, in one order.
    """

    by_time: Mapping[Any, Weights] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, by_time: Mapping[Any, Any], times: pd.Index[Any]) -> Self:
        """Return the weights of all times of the data; refuse times without, and units that differ."""
        known = {str(key): as_weights(value) for key, value in by_time.items()}
        missing = [time for time in times if str(time) not in known]
        if missing:
            raise WeightsError(
                f"Weights {name!r} are given by time, and have none for {name_ids(missing)}; they have "
                f"{name_ids(by_time)}. Give one for each time of the panel."
            )
        found = {time: known[str(time)] for time in times}
        first = found[times[0]]
        return cls._mean(
            {t: w if w.ids.equals(first.ids) else w.reordered(first.ids) for t, w in found.items()}
        )

    @classmethod
    def _mean(cls, by_time: Mapping[Any, Weights]) -> Self:
        every = list(by_time.values())
        mean = sparse.csr_array(sum(w.sparse for w in every[1:]) + every[0].sparse) / len(every)
        kind = f"{every[0].meta.kind}, one for each of {len(every)} times"
        meta = replace(every[0].meta, kind=kind)
        return cls(every[0].ids, sparse.csr_array(mean), meta, by_time)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor, with the weights of all times."""
        return type(self), (self.ids, self.sparse, self.meta, dict(self.by_time))

    @property
    def is_row_standardized(self) -> bool:
        """Whether the rows of each time sum to one."""
        return all(w.is_row_standardized for w in self.by_time.values())

    @property
    def islands(self) -> pd.Index[Any]:
        """Units without neighbours at some time."""
        alone = np.any([w.cardinalities.to_numpy() == 0 for w in self.by_time.values()], axis=0)
        return self.ids[alone]

    def equals(self, other: Weights) -> bool:
        """Whether the weights of all times are the same."""
        if not isinstance(other, TimeWeights) or list(other.by_time) != list(self.by_time):
            return False
        return all(w.equals(v) for w, v in zip(self.by_time.values(), other.by_time.values(), strict=True))

    def reordered(self, ids: Any) -> Self:
        """Put the same units into another order, at each time."""
        return self._mean({t: w.reordered(ids) for t, w in self.by_time.items()})

    def subset(
        self, ids: Any, *, renormalize: bool = True, islands: Literal["raise", "keep"] | None = None
    ) -> Self:
        """Keep only `ids`, at each time."""
        return self._mean(
            {t: w.subset(ids, renormalize=renormalize, islands=islands) for t, w in self.by_time.items()}
        )


def _by_time(name: str, value: Any, times: pd.Index[Any] | None, convert: Callable[[Any], Any]) -> Weights:
    """Return weights as they are, or those of each time from a mapping or a function of the time."""
    is_function = callable(value) and not isinstance(value, Weights) and not hasattr(value, "sparse")
    if not is_function and (isinstance(value, Weights) or not isinstance(value, Mapping)):
        return cast("Weights", convert(value))
    if times is None or len(times) < 2:
        raise WeightsError(
            f"Weights {name!r} by time are for panels of two times or more: pass one weights matrix."
        )
    found = {time: value(time) for time in times} if is_function else value
    return TimeWeights.of(name, found, times)


def _are_times(given: Mapping[Any, Any], times: pd.Index[Any] | None) -> bool:
    """Whether the keys of a mapping are times, and not names that formulas call."""
    known = set() if times is None else {str(time) for time in times}
    return bool(given) and all(not isinstance(key, str) or key in known for key in given)


def named_weights(
    weights: Any, panel: Any = None, convert: Callable[[Any], Any] = as_weights
) -> dict[str, Weights]:
    """Return weights by name, all in the order of the first.

    Parameters
    ----------
    weights : Weights, Graph, W, or mapping
        By name; a value, or the whole, may be a mapping of times to weights, or a function of the time.
    panel : Panel or DataFrame, optional
        For its times; weights by time are refused without.
    convert : function
        What makes weights of what is given.
    """
    if weights is None:
        return {}
    times = _times_of(panel)
    named = (
        isinstance(weights, Mapping) and not isinstance(weights, Weights) and not _are_times(weights, times)
    )
    given = dict(weights) if named else {"W": weights}
    out: dict[str, Weights] = {}
    for name, value in given.items():
        if not str(name).isidentifier() or name in (*FUNCTIONS, "C", "I", "lag"):
            raise WeightsError(f"Weights are called in formulas: {name!r} is not a name that can be.")
        out[name] = _by_time(name, value, times, convert)
    return _same_order(out) if out else out


def _times_of(panel: Any) -> pd.Index[Any] | None:
    """Return the times of a panel, or of a frame indexed by (unit, time); None of a cross-section."""
    if isinstance(panel, pd.DataFrame):
        return panel.index.unique(1).sort_values() if panel.index.nlevels == 2 else None
    return getattr(panel, "times", None)


def _same_order(weights: dict[str, Weights]) -> dict[str, Weights]:
    first = next(iter(weights.values()))
    return {name: w if w.ids.equals(first.ids) else w.reordered(first.ids) for name, w in weights.items()}


def error_weights(
    error: Any,
    equations: tuple[str, ...],
    named: dict[str, Weights],
    convert: Callable[[Any], Any] = as_weights,
) -> tuple[dict[str, str | None], dict[str, Weights]]:
    """Return the name of the error weights of each equation, and all weights by name."""
    given = (
        error
        if isinstance(error, Mapping) and not isinstance(error, Weights)
        else dict.fromkeys(equations, error)
    )
    unknown = [name for name in given if name not in equations]
    if unknown:
        raise FormulaError(
            f"error= names {unknown[0]!r}, which is no equation; there are {', '.join(equations)}."
        )
    out: dict[str, str | None] = {}
    found = dict(named)
    for name in equations:
        value = given.get(name)
        if value is None or isinstance(value, str):
            if value is not None and value not in found:
                known = ", ".join(found) or "none"
                raise WeightsError(
                    f"error={value!r} names no weights; there are {known}.{did_you_mean(value, found)}"
                )
            out[name] = value
        else:
            out[name] = _add_weights(convert(value), name, found, isinstance(error, Mapping))
    return out, _same_order(found) if found else found


def _add_weights(weights: Weights, equation: str, found: dict[str, Weights], several: bool) -> str:
    for name, known in found.items():
        alike = isinstance(known, Weights) and isinstance(weights, Weights) and known.equals(weights)
        if known is weights or alike:
            return name
    name = f"M_{equation}" if several and "M" in found else "M"
    found[name] = weights
    return name


def used_weights(
    formulas: Mapping[str, Formula], errors: Mapping[str, str | None], named: Mapping[str, Weights]
) -> dict[str, Weights]:
    called = {
        n.function
        for formula in formulas.values()
        for term in (*formula.terms, *formula.endogenous, *formula.instruments)
        for factor in term.factors
        for n in walk(factor)
        if isinstance(n, Call)
    }
    return {name: w for name, w in named.items() if name in called or name in errors.values()}


def lags_outcomes(structure: Structure, name: str) -> bool:
    in_errors = any(e.error == name for e in structure.equations)
    return in_errors or any(t.weights == name and t.role != "exogenous" for _, t in structure.terms)
