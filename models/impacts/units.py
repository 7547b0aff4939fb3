r"""Effects of each unit with standard errors by the delta method, for any estimator.

.. math:: \widehat{\mathrm{Var}}(e_i) = \nabla e_i(\hat\delta)'\, \hat V\, \nabla e_i(\hat\delta)

The gradient is a central difference: each parameter moves by a thousandth of its standard error, and the
effects of all units are solved for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.weights.blocks.walk import whole_matrix

from .intervals import require
from .parts import Kind, unit_effects

if TYPE_CHECKING:
    from .result import Impacts

__all__ = ["unit_errors", "unit_table", "unit_values"]

Float = NDArray[np.float64]
KINDS: tuple[Kind, ...] = ("sent", "received", "direct")
_SHARE = 1e-3
_EACH = 1_000


def unit_values(found: Impacts, outcome: str, term: str, kind: Kind, theta: Float) -> Float:
    """Return one number for each unit at given parameters; (N,)."""
    names = found._map.structure.names
    require(outcome, names, "outcome")
    require(term, found._map.terms, "term")
    require(kind, KINDS, "kind")
    c = found._map.coefficients(theta)
    matrices = [whole_matrix(found._map.matrices[w]) for w in found._map.weights]
    place = found._map.terms.index(term)
    values = unit_effects(
        c, matrices, names.index(outcome), place, kind, len(found._unit), found._map.exponential
    )
    # Weights that differ between times stand beside each other: a unit is the mean of its cells.
    counts = np.bincount(found._unit, minlength=len(found._ids))
    sums = np.bincount(found._unit, weights=values, minlength=len(found._ids))
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / counts)


def unit_errors(values: Callable[[Float], Float], parameters: Float, covariance: Float) -> Float:
    """Return the standard errors of a vector function of the parameters, (N,); NaN where V is not known."""
    scale = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    moving = np.flatnonzero(scale > 0)
    slopes = []
    for k in moving:
        step = np.zeros(len(parameters))
        step[k] = _SHARE * scale[k]
        slopes.append((values(parameters + step) - values(parameters - step)) / (2 * step[k]))
    if not slopes:
        return np.full(len(values(parameters)), np.nan)
    J = np.array(slopes)
    variance = np.einsum("kn,kl,ln->n", J, covariance[np.ix_(moving, moving)], J, optimize=True)
    return np.asarray(np.sqrt(np.clip(variance, 0.0, None)))


def unit_table(
    found: Impacts, outcome: str, term: str, kinds: Sequence[Kind] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Return the frame of `Impacts.units`."""
    if not 0 < level < 1:
        raise DataError(f"level is a share between 0 and 1, as 0.95; got {level!r}.")
    if kinds is None:
        kinds = KINDS if len(found._unit) * len(found._map.structure.names) <= _EACH else KINDS[:2]
    out: dict[str, pd.Series[float]] = {}
    for kind in kinds:
        point = found.by_unit(outcome, term, kind)
        errors = unit_errors(
            partial(unit_values, found, outcome, term, kind),
            found._parameters,
            found._covariance,
        )
        half = found._law.quantile(level) * errors
        out |= {
            kind: point,
            f"{kind}_std_error": pd.Series(errors, index=point.index),
            f"{kind}_conf_low": point - half,
            f"{kind}_conf_high": point + half,
        }
    return pd.DataFrame(out)
