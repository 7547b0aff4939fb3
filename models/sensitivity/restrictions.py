"""Linear restrictions on the coefficients of a fit, as text, and their Wald test."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted
from spatial.models.hypothesis import HypothesisTest
from spatial.models.hypothesis import wald as quadratic_form

from .terms import estimates_of

__all__ = ["wald"]

Float = NDArray[np.float64]

_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")


@hinted
def wald(fit: object, hypothesis: str | Iterable[str], *, equation: str | None = None) -> HypothesisTest:
    r"""Test linear restrictions on the coefficients of a fit.

    .. math:: H_0: R\delta = r, \qquad
              W = (R\hat\delta - r)'[R\hat V R']^{-1}(R\hat\delta - r) \sim \chi^2(q)

    Parameters
    ----------
    fit : fit
        Of `spatial.models`, or any result with `params` and `cov` (or `cov_params`).
    hypothesis : str or list of str
        As ``"x = z"``, ``"2 * x + W(x) = 1"`` or ``"x = 0, z = 0"``: sums of terms, as the fit calls them,
        with numbers.  In a system ``[outcome]term`` says of which equation: ``"[y]x = [q]x"``.
    equation : str, optional
        Of terms without ``[outcome]``, where several equations have them.

    Returns
    -------
    HypothesisTest
        :math:`\chi^2(q)`; :math:`W/q \sim F(q, m)` where the fit counts m degrees of freedom.

    Raises
    ------
    DataError
        For terms that the fit has not, or that several equations have, and restrictions that contradict or
        repeat each other.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 3)), columns=["x", "z", "e"], index=index)
    >>> data["y"] = data.x + data.z + data.e
    >>> fit = fixed_effects("y ~ x + z", data)
    >>> wald(fit, "x = z").p_value > 0.05, wald(fit, "x + z = 0").p_value < 0.01
    (True, True)
    """
    params, cov = estimates_of(fit, "wald")
    texts = [hypothesis] if isinstance(hypothesis, str) else list(hypothesis)
    texts = [part.strip() for text in texts for part in _split(text)]
    if not texts:
        raise DataError("wald needs a restriction, as 'x = z' or 'x = 0, z = 0'.")
    places = _places(params.index, equation)
    rows, right = zip(*(_restriction(text, places, len(params)) for text in texts), strict=True)
    R, r = np.array(rows), np.array(right)
    if np.linalg.matrix_rank(R) < len(R):
        raise DataError(
            f"The restrictions {', '.join(texts)} repeat or contradict each other: leave one out."
        )
    test = quadratic_form("Wald", ", ".join(texts), R @ params.to_numpy() - r, R @ cov.to_numpy() @ R.T)
    label = getattr(getattr(fit, "covariance", None), "label", "")
    test = replace(test, detail=f"errors: {label}" if label else "errors of the fit")
    df = getattr(fit, "df", None)
    if df is None or not np.isfinite(df) or not test.computed:
        return test
    return HypothesisTest(
        "Wald", test.null, test.statistic / len(R), "F", len(R), float(df), detail=test.detail
    )


def _split(text: Any) -> Iterator[str]:
    """Yield the restrictions of a text, which commas outside of brackets divide."""
    if not isinstance(text, str):
        raise DataError(f"A restriction is a text, as 'x = z'; got {text!r}.")
    depth, start = 0, 0
    for k, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            yield text[start:k]
            start = k + 1
    if text[start:].strip():
        yield text[start:]


def _places(index: pd.Index[Any], equation: str | None) -> dict[str, int | None]:
    """Return the place of each name that a restriction may use; None where several equations have it."""
    found: dict[str, int | None] = {}
    for k, key in enumerate(index):
        outcome, term = key if len(key) == 2 else ("", key[-1])
        found[f"[{outcome}]{term}"] = k
        if equation is None or equation == outcome:
            found[str(term)] = None if str(term) in found else k
    return found


def _restriction(text: str, places: dict[str, int | None], count: int) -> tuple[Float, float]:
    """Read one restriction into a row of R and its right side."""
    sides = re.split(r"=(?!=)", text)
    if len(sides) != 2 or "==" in text:
        raise DataError(f"A restriction has one equals sign, as 'x = z' or 'x + z = 1'; got {text!r}.")
    row, value = np.zeros(count), 0.0
    for side, sign in zip(sides, (1.0, -1.0), strict=True):
        for factor, name in _summands(side, text, places):
            if name is None:
                value -= sign * factor
            else:
                row[name] += sign * factor
    if not row.any():
        raise DataError(f"The restriction {text!r} has no coefficient in it.")
    return row, value


def _summands(side: str, text: str, places: dict[str, int | None]) -> Iterator[tuple[float, int | None]]:
    """Yield the factor and the place of each summand; a place of None is a number by itself."""
    names = sorted(places, key=len, reverse=True)
    rest, sign, first = side.strip(), 1.0, True
    while rest or first:
        found = re.match(r"[+-]", rest)
        if found or not first:
            if not found:
                raise _unread(text, rest, places)
            sign, rest = (1.0 if found[0] == "+" else -1.0), rest[1:].lstrip()
        first, factor, place = False, sign, None
        number = _NUMBER.match(rest)
        if number:
            factor, rest = sign * float(number[0]), rest[number.end() :].lstrip()
            if not rest.startswith("*"):
                yield factor, None
                continue
            rest = rest[1:].lstrip()
        name = next((n for n in names if rest.startswith(n) and not re.match(r"[\w(]", rest[len(n) :])), None)
        if name is None:
            raise _unread(text, rest, places)
        place = places[name]
        if place is None:
            raise DataError(f"{text!r}: several equations have {name!r}; say which, as '[outcome]{name}'.")
        rest = rest[len(name) :].lstrip()
        yield factor, place


def _unread(text: str, rest: str, places: dict[str, int | None]) -> DataError:
    known = [name for name in places if not name.startswith("[")]
    shown = re.split(r"\s*[-+=,]", rest.strip(), maxsplit=1)[0] or "the end"
    return DataError(
        f"{text!r} stops at {shown!r}: a coefficient is needed.{did_you_mean(shown, known)} The fit has "
        f"{', '.join(known)}."
    )
