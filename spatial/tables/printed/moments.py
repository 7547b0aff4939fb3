"""What printed moments rule out: errors too small, tails that cannot be, largest quotients below one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spatial.errors import DataError, did_you_mean
from spatial.tables.formats.numbers import Typed, read_number

from .typed import Line

__all__ = ["Moments", "moment_problems", "read_moments"]

_NAMES = ("mean", "sd", "min", "max")
Problem = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Moments:
    """Mean, standard deviation, minimum and maximum of a variable, as printed."""

    mean: Typed
    sd: Typed
    least: Typed
    largest: Typed


def read_moments(given: Mapping[str, Sequence[Any]] | None) -> dict[str, Moments]:
    """Read moments by variable; refuse what cannot be the four of any variable."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DataError(
            f"moments is a mapping of variables to [mean, sd, min, max]; got {type(given).__name__}."
        )
    return {str(name): _moments(str(name), values) for name, values in given.items()}


def _moments(name: str, values: Any) -> Moments:
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != len(_NAMES):
        raise DataError(f"moments of {name} are four numbers, [mean, sd, min, max]; got {values!r}.")
    read = [read_number(v, f"{what} of {name}") for what, v in zip(_NAMES, values, strict=True)]
    if any(one is None or not math.isfinite(one.value) for one in read):
        raise DataError(f"moments of {name} are four numbers, [mean, sd, min, max]; got {values!r}.")
    found = Moments(*(one for one in read if one is not None))
    if found.sd.value < 0 or found.least.value > found.largest.value:
        raise DataError(f"moments of {name}: sd is not negative, and min is not above max; got {values!r}.")
    return found


def moment_problems(
    lines: Iterable[Line], moments: Mapping[str, Moments], winsorized: float | None, largest: Iterable[str]
) -> Iterator[Problem]:
    """Yield what the moments rule out."""
    if winsorized is not None and not 0 < winsorized < 0.5:
        raise DataError(f"winsorized is the share in each tail, as 0.01; got {winsorized!r}.")
    for line in lines:
        yield from _error(line, moments)
    for name, found in moments.items():
        yield from _order(name, found)
        if winsorized is not None:
            yield from _tails(name, found, winsorized)
    for name in largest:
        if name not in moments:
            raise DataError(f"largest: there are no moments of {name!r}.{did_you_mean(name, moments)}")
        yield from _quotient(name, moments[name])


def _low(number: Typed) -> float:
    return max(0.0, abs(number.value) - number.half)


def _high(number: Typed) -> float:
    return abs(number.value) + number.half


def _error(line: Line, moments: Mapping[str, Moments]) -> Iterator[Problem]:
    """Compare a standard error with sd(y) sqrt(1 - R2) / (sd(x) sqrt(N)): other regressors only add to it."""
    y, x, n = moments.get(line.equation), moments.get(line.term), line.fact("N")
    if y is None or x is None or n is None or n.value < 1 or _high(x.sd) == 0:
        return
    r2 = line.fact("r2")
    rest = math.sqrt(max(0.0, 1.0 - (0.0 if r2 is None else r2.value + r2.half)))
    floor = _low(y.sd) * rest / (_high(x.sd) * math.sqrt(n.value))
    if line.std_error is not None:
        printed = _high(line.std_error)
    elif line.coefficient is not None and line.t is not None and _low(line.t) > 0:
        printed = _high(line.coefficient) / _low(line.t)
    else:
        return
    if printed >= floor:
        return
    fit = "with R2 = 0, as none is printed" if r2 is None else f"with R2 = {r2.value:g}"
    words = (
        f"The standard error is at most {printed:.2g}; with independent errors of one variance the printed "
        f"moments allow no less than sd({line.equation}) sqrt(1 - R2) / (sd({line.term}) sqrt(N)) = "
        f"{floor:.2g} ({fit}, N = {n.value:g})."
    )
    yield line.where, line.term, "error and moments", "warning", words


def _order(name: str, found: Moments) -> Iterator[Problem]:
    low, high = found.least.value - found.least.half, found.largest.value + found.largest.half
    mean, half = found.mean.value, found.mean.half
    if mean + half < low or mean - half > high:
        words = f"The mean {mean:g} is not between the minimum and the maximum."
        yield "moments", name, "mean", "error", words
        return
    # Bhatia and Davis: no variable between two ends has a larger variance.
    most = math.sqrt(max(0.0, (high - mean + half) * (mean + half - low)))
    if _low(found.sd) > most:
        words = f"With this mean and these ends sd is at most {most:.3g}; printed {found.sd.value:g}."
        yield "moments", name, "sd", "error", words


def _tails(name: str, found: Moments, share: float) -> Iterator[Problem]:
    """Compare sd with what a share of the cells at each end makes it."""
    above = max(0.0, abs(found.largest.value - found.mean.value) - found.largest.half - found.mean.half)
    below = max(0.0, abs(found.mean.value - found.least.value) - found.least.half - found.mean.half)
    floor = math.sqrt(share) * max(above, below)
    if _high(found.sd) >= floor:
        return
    end = "maximum" if above >= below else "minimum"
    words = (
        f"Winsorised at {share:.3g} in each tail, as many cells stand at the {end}, so that sd is at least "
        f"|{end} - mean| sqrt({share:.3g}) = {floor:.3g}; printed {found.sd.value:g}."
    )
    yield "moments", name, "winsorised", "error", words


def _quotient(name: str, found: Moments) -> Iterator[Problem]:
    if found.least.value + found.least.half >= 1:
        return
    words = (
        "The quotients of a unit, weighted by the shares of the nation, have mean 1, so that the largest of "
        f"them is at least 1; the printed minimum is {found.least.value:g}. It is the quotient of one "
        "industry, or of something else."
    )
    yield "moments", name, "largest quotient", "error", words
