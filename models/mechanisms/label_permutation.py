"""Fisher's permutation of the labels of units, with studentised differences of slopes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.design import Design
from spatial.models.data.effects import Effects
from spatial.models.data.layout import Layout

__all__ = ["permuted_differences", "slopes_by_group"]

Float = NDArray[np.float64]
Codes = NDArray[np.intp]


def permuted_differences(
    design: Design,
    codes: Codes,
    fixed: bool,
    compared: list[tuple[str, str]],
    least_squares: bool,
    count: int,
    seed: int,
) -> dict[tuple[str, str], tuple[float, float]]:
    r"""Return the statistic and the p-value of each term.

    .. math::

        T = \max_{r<s} \frac{|\hat\beta_r - \hat\beta_s|}{\sqrt{\hat v_r + \hat v_s}}, \qquad
        p = \frac{1 + \#\{T^* \ge T\}}{1 + B}

    with variances clustered by unit.  Labels are drawn among units, group sizes kept; where a unit changes
    its group over time it is the whole path of its labels that is drawn, which needs a balanced panel.
    """
    layout = design.layout
    refuse_own_instruments(design.structure, "the permutation of labels")
    if (codes < 0).any():
        raise DataError("Every row needs a group for the permutation of labels.")
    if not fixed and not layout.is_balanced:
        raise DataError(
            "Labels that change over time are permuted as whole paths of units, which needs each unit at "
            "each "
            "time: use test='suest', or groups that do not change (of='unit')."
        )
    groups = int(codes.max()) + 1
    observed = _statistics(design, codes, groups, compared, least_squares)
    rng = np.random.default_rng(seed)
    above = np.zeros(len(compared))
    place = np.zeros((layout.n_units, layout.n_times), dtype=np.intp)
    own = np.zeros(layout.n_units, dtype=np.intp)
    if fixed:
        own[layout.unit] = codes
    else:
        place[layout.unit, layout.time] = codes
    for _ in range(count):
        order = rng.permutation(layout.n_units)
        drawn = own[order][layout.unit] if fixed else place[order][layout.unit, layout.time]
        above += _statistics(design, drawn, groups, compared, least_squares) >= observed * (1 - 1e-12)
    p = (1 + above) / (1 + count)
    return {key: (float(observed[j]), float(p[j])) for j, key in enumerate(compared)}


def _statistics(
    design: Design, codes: Codes, groups: int, compared: list[tuple[str, str]], least_squares: bool
) -> Float:
    found = [slopes_by_group(design, codes == r, compared, least_squares) for r in range(groups)]
    best = np.zeros(len(compared))
    for r in range(groups):
        for s in range(r + 1, groups):
            gap = np.abs(found[r][0] - found[s][0]) / np.sqrt(found[r][1] + found[s][1])
            best = np.fmax(best, gap)
    return best


def slopes_by_group(
    design: Design, mask: NDArray[np.bool_], compared: list[tuple[str, str]], least_squares: bool
) -> tuple[Float, Float]:
    """Return least squares or 2SLS of the rows, one equation at a time, and variances clustered by unit."""
    layout = design.layout
    units, unit = np.unique(layout.unit[mask], return_inverse=True)
    times, time = np.unique(layout.time[mask], return_inverse=True)
    own = Layout(
        pd.RangeIndex(len(units)), pd.RangeIndex(len(times)), unit.astype(np.intp), time.astype(np.intp)
    )
    codes = tuple(np.unique(c[mask], return_inverse=True)[1].astype(np.intp) for c in design.effects.codes)
    effects = Effects(design.effects.names, design.effects.kept, codes, own)
    data = effects.project(design.columns[mask])
    basis = None if least_squares else _basis(effects.project(design.instruments[mask]))
    estimate, variance = np.full(len(compared), np.nan), np.full(len(compared), np.nan)
    for g, equation in enumerate(design.structure.equations):
        wanted = [j for j, (name, _) in enumerate(compared) if name == equation.name]
        if not wanted:
            continue
        y, Z = data[:, design.outcomes[g]], data[:, list(design.regressors[g])]
        fitted = Z if basis is None else basis @ (basis.T @ Z)
        inverse = np.linalg.pinv(fitted.T @ fitted, hermitian=True)
        beta = inverse @ (fitted.T @ y)
        influence = (fitted * (y - Z @ beta)[:, None]) @ inverse
        sums = np.column_stack([np.bincount(unit, weights=c) for c in influence.T])
        spread = np.sum(sums**2, axis=0) * len(units) / max(1, len(units) - 1)
        terms = [t.name for t in equation.terms]
        for j in wanted:
            place = terms.index(compared[j][1])
            estimate[j], variance[j] = beta[place], spread[place]
    return estimate, variance


def _basis(H: Float) -> Float:
    size = np.linalg.norm(H, axis=0)
    U, values, _ = np.linalg.svd(H[:, size > 0] / size[size > 0], full_matrices=False)
    return np.asarray(U[:, values > 1e-8 * values[0]])
