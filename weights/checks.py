"""Arguments that are checked before any number is computed."""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from spatial.errors import WeightsError, did_you_mean, name_ids

__all__ = ["MAX_LINKS", "links_fit", "number", "one_of", "whole"]

MAX_LINKS = 400_000_000
"""Links that are built without asking; at 12 bytes a link, 4.8 GB: all pairs of 20,000 units."""


def number(value: Any, what: str, *, zero: bool = False) -> float:
    """Return a finite positive number (or zero, where `zero`) as float."""
    plain = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    if not plain or not np.isfinite(float(value)) or value < 0 or (value == 0 and not zero):
        need = "a finite number, zero or more" if zero else "a finite number above zero"
        raise WeightsError(f"{what} must be {need}; got {value!r}.")
    return float(value)


def whole(value: Any, what: str) -> int:
    """Return a whole number of at least one as int."""
    plain = isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_))
    if not plain or value < 1:
        raise WeightsError(f"{what} must be a whole number, 1 or more; got {value!r}.")
    return int(value)


def one_of(value: Any, allowed: Iterable[str], what: str) -> str:
    """Return `value` when it is one of `allowed`."""
    options = list(allowed)
    if not isinstance(value, str) or value not in options:
        raise WeightsError(
            f"{what} must be one of {name_ids(options, 20)}; got {value!r}.{did_you_mean(value, options)}"
        )
    return value


def links_fit(links: float, what: str, advice: str) -> None:
    """Refuse weights of more than `MAX_LINKS` links, with the memory that they would take."""
    if links > MAX_LINKS:
        raise WeightsError(
            f"{what} would have {_short(links)} links and take {links * 12 / 1e9:,.1f} GB; "
            f"the limit is {_short(MAX_LINKS)} links. {advice}"
        )


def _short(links: float) -> str:
    return f"{links / 1e9:,.1f} billion" if links >= 1e9 else f"{links / 1e6:,.0f} million"
