r"""Columns whose mean dwarfs their variation, measured from their mean: digits kept, nothing else changed.

With a constant or effects on the right, a number taken off a column only moves the constant:

.. math:: y - s_y = a' + (Z - 1s')\delta + u, \qquad a = a' + s_y - s'\delta .
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .instruments import column_norms

__all__ = ["centred", "original_coordinates"]

Float = NDArray[np.float64]

_LARGE = 1e3  # mean over standard deviation: below, three digits are lost at most


def centred(design: Design) -> Design:
    """Return the design with such columns and instruments centred, `shift` saying by what; or itself."""
    places = [_constant(design, g) for g in range(design.structure.n_equations)]
    if design.shift is not None or (not design.effects.any and None in places):
        return design
    shift = _shifts(design.columns, design.sizes)
    H_shift = _shifts(design.instruments, design.instrument_sizes)
    if not np.any(shift) and not np.any(H_shift):
        return design
    return replace(
        design,
        columns=design.columns - shift,
        instruments=design.instruments - H_shift,
        levels=_each(design.levels),
        external=_each(design.external),
        shift=shift,
    )


def _each(columns: Mapping[str, Float]) -> dict[str, Float]:
    return {
        name: values - _shifts(values[:, None], column_norms(values[:, None]))[0]
        for name, values in columns.items()
    }


def _shifts(values: Float, sizes: Float) -> Float:
    shifts, totals = np.zeros(values.shape[1]), np.ones(len(values)) @ values
    # The square of a sum is nearly N times the sum of squares where the mean dwarfs the variation.
    for j in np.flatnonzero(totals**2 > 0.999 * len(values) * sizes**2):
        column = np.ascontiguousarray(values[:, j])
        mean = column.mean()
        if column.min() < column.max() and abs(mean) > _LARGE * column.std():
            shifts[j] = mean
    return shifts


def _constant(design: Design, g: int) -> int | None:
    """Return which term of equation g is the constant."""
    terms = design.structure.equations[g].terms
    return next((j for j, t in enumerate(terms) if t.role == "constant"), None)


def original_coordinates(design: Design) -> tuple[Float, Float] | None:
    """Return (L, b): L delta + b are the coefficients of the columns as they were; None if none moved."""
    if design.shift is None or design.effects.any:
        return None
    slices = design.structure.slices
    L, b = np.eye(slices[-1].stop), np.zeros(slices[-1].stop)
    for g, place in enumerate(slices):
        constant = _constant(design, g)
        assert constant is not None
        row = place.start + constant
        L[row, place] -= design.shift[list(design.regressors[g])]
        b[row] = design.shift[design.outcomes[g]]
    return L, b
