"""What a user should be warned of before anything is estimated."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd

from spatial.errors import SpatialWarning
from spatial.weights.value import Weights

from .design import Design

__all__ = ["warn_system"]


def warn_system(design: Design, given: Mapping[str, Weights]) -> None:
    _warn_nickell(design)
    for name, w in given.items():
        _warn_cut(name, w)
    for name, w in design.weights.items():
        _warn_row_sums(name, w)
    gone = [v for v in design.external if v in design.dropped_instruments]
    if gone and design.effects.any:
        warnings.warn(
            f"The instruments {', '.join(gone)} are absorbed by the effects, or depend on the others: they "
            "identify nothing. A time-invariant instrument needs a product with a variable of time.",
            SpatialWarning,
            stacklevel=3,
        )


def _warn_nickell(design: Design) -> None:
    lagged = [t.name for _, t in design.structure.terms if t.role == "predetermined"]
    if lagged and ("unit",) in design.effects.names:
        warnings.warn(
            f"Nickell bias: {', '.join(dict.fromkeys(lagged))} with unit effects and T = "
            f"{design.layout.n_times} is biased by about -(1 + b)/(T - 1), however many units there are. "
            "Read it with care for T below about 20.",
            SpatialWarning,
            stacklevel=4,
        )


def _warn_cut(name: str, weights: Weights) -> None:
    note = weights.meta.cut_note(weights.n)
    if note:
        warnings.warn(
            f"Weights {name!r}: {note}. Spatial lags leave out what the neighbours beyond the cut do.",
            SpatialWarning,
            stacklevel=4,
        )


def _warn_row_sums(name: str, weights: Weights) -> None:
    if weights.is_row_standardized or weights.n_links == 0:
        return
    sums = np.abs(weights.sparse).sum(axis=1)
    typical = float(np.median(sums[sums > 0]))
    if sums.max() > 20 * typical:
        unit = pd.Index(weights.ids)[int(np.argmax(sums))]
        warnings.warn(
            f"Row sums of weights {name!r} are far apart (at most {sums.max():.3g}, at {unit!r}; median "
            f"{typical:.3g}): the theory needs them bounded. Row-standardise them, or cut distances off.",
            SpatialWarning,
            stacklevel=4,
        )
