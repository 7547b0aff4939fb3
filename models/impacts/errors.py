"""Standard errors of effects: by simulation and by the delta method, side by side."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.models.estimation.laws import NORMAL, Law
from spatial.models.formula.structure import Structure

from .map import EffectMap
from .stability import NO_LONG_RUN, dynamics_radius

__all__ = [
    "EFFECTS",
    "delta_errors",
    "effects_frame",
    "effects_notes",
    "nonlinear_terms",
    "simulate",
    "time_notes",
]

Float = NDArray[np.float64]

EFFECTS = ("direct", "indirect", "total")
DIFFERENT = 0.1  # relative gap between delta and simulated standard errors that is worth a note
MANY_UNSTABLE = 0.05


def delta_errors(effect_map: EffectMap, parameters: Float, covariance: Float, scale: Float) -> Float:
    """Return delta-method standard errors of direct, indirect and total effects, (3, G, K)."""
    d_direct, d_total = effect_map.jacobian(parameters, scale)
    out = []
    for slopes in (d_direct, d_total - d_direct, d_total):
        variance = np.einsum("pgk,pq,qgk->gk", slopes, covariance, slopes, optimize=True)
        out.append(np.sqrt(np.clip(variance, 0.0, None)))
    return np.array(out)


def simulate(
    effect_map: EffectMap, parameters: Float, covariance: Float, draws: int, seed: int, stable: bool
) -> tuple[Float, float]:
    """Return standard errors and percentiles (3, 3, G, K) of the draws, and the share outside the region."""
    # Of correlations: variances in other units leave digits to none of the others, and change no draw.
    size = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    unit = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2 / np.outer(unit, unit))
    root = unit[:, None] * vectors * np.sqrt(np.clip(values, 0.0, None))
    normal = np.random.default_rng(seed).normal(size=(draws, len(parameters)))
    direct, total, inside, _ = effect_map.evaluate(parameters + normal @ root.T)
    share = float(1.0 - inside.mean())
    found = np.stack([direct, total - direct, total])
    # Where the estimates themselves are outside, no draw is better than another.
    used = inside if stable else np.isfinite(found).all(axis=(0, 2, 3))
    if used.sum() < 2:
        return np.full((3, *found.shape[:1], *found.shape[2:]), np.nan), share
    kept = found[:, used]
    low, high = np.percentile(kept, [2.5, 97.5], axis=1)
    return np.stack([kept.std(axis=1, ddof=1), low, high]), share


def effects_frame(
    effect_map: EffectMap, point: Float, delta: Float, simulated: Float | None, law: Law = NORMAL
) -> pd.DataFrame:
    """Return the tidy frame: outcome slow, then term, then effect.

    Intervals are as wide as the law of the estimates has them; percentiles of normal draws are stretched from
    the estimate by the ratio of its quantile to the normal one, which keeps their skewness.
    """
    g, k = point.shape[1:]
    order = [(e, a, b) for a in range(g) for b in range(k) for e in range(3)]
    place = tuple(np.array(axis) for axis in zip(*order, strict=True))
    estimate, error_delta = point[place], delta[place]
    error = error_delta if simulated is None else simulated[0][place]
    half = law.quantile(0.95) * error
    low, high = estimate - half, estimate + half
    if simulated is not None:
        stretch = law.quantile(0.95) / NORMAL.quantile(0.95)
        low, high = (estimate + stretch * (bound[place] - estimate) for bound in simulated[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / error
    return pd.DataFrame(
        {
            "outcome": [effect_map.structure.names[a] for _, a, _ in order],
            "term": [effect_map.terms[b] for _, _, b in order],
            "effect": [EFFECTS[e] for e, _, _ in order],
            "estimate": estimate,
            "std_error": error,
            "statistic": statistic,
            "p_value": law.p_value(statistic),
            "conf_low": low,
            "conf_high": high,
            "std_error_delta": error_delta,
            "std_error_simulated": np.nan if simulated is None else simulated[0][place],
            "method": "delta" if simulated is None else "simulated",
        }
    )


def time_notes(effect_map: EffectMap, parameters: Float) -> tuple[str, ...]:
    """Say what lagged outcomes do to these effects."""
    structure = effect_map.structure
    if not structure.shifts:
        return ()
    if effect_map.horizon == "short":
        return (
            "With lagged outcomes: effects in one period; horizon='long' gives those of a lasting change.",
        )
    found = structure.system_matrices(parameters)
    names = [effect_map.weights[k] for k in effect_map.feedback]
    shifts = {s: (B, [found.Lambda_shift[s][w] for w in names]) for s, B in found.B_shift.items()}
    graphs = [effect_map.matrices[w] for w in names]
    largest = dynamics_radius(found.B, [found.Lambda[w] for w in names], graphs, shifts)
    return (NO_LONG_RUN,) if largest >= 1 else ()


def nonlinear_terms(structure: Structure) -> tuple[str, ...]:
    """Return the endogenous regressors that are functions of a column of an outcome.

    Examples
    --------
    >>> from spatial.models.formula.structure import Equation, Term
    >>> square = Term("I(y**2)", "I(y**2)", role="endogenous")
    >>> nonlinear_terms(Structure((Equation("y", "y", (square,)),)))
    ('I(y**2)',)
    """
    columns = {word for outcome in structure.outcomes for word in _words(outcome)}
    return tuple(name for name in structure.other_endogenous if columns & _words(name))


def _words(text: str) -> set[str]:
    """Return the names in an expression, less those that are called."""
    return set(re.findall(r"[^\W\d]\w*(?!\w*\s*\()", text))


def effects_notes(
    effect_map: EffectMap,
    parameters: Float,
    stable: bool,
    share: float,
    draws: int,
    frame: pd.DataFrame,
    truncation: float,
) -> tuple[str, ...]:
    """Say what a reader should know about these effects."""
    notes = [
        f"{name} is made of an outcome: the system is not linear, and these effects take {name} as given."
        for name in nonlinear_terms(effect_map.structure)
    ]
    if not stable:
        notes.append(
            "The estimates lie outside the region where the reduced form exists with the sign of its series: "
            "these numbers have no economic meaning. See fit.stability()."
        )
    elif share > 0:
        word = "Many draws" if share > MANY_UNSTABLE else "Some draws"
        notes.append(f"{word} ({share:.1%} of {draws}) lie outside the stable region and were left out.")
    if draws and not effect_map.can_simulate:
        notes.append(
            "Several weights matrices and many units: each draw would need its own solution of the reduced "
            "form, so standard errors are by the delta method alone."
        )
    if not frame["estimate"].notna().all():
        notes.append(
            "The power series diverges, and for so many units the eigenvalues of W are not known: effects "
            "that are not given cannot be computed."
        )
    if truncation > 1e-6:
        notes.append(
            f"Powers of W beyond the last trace were extrapolated; at most {truncation:.1g} depends on it."
        )
    probes = effect_map.probe_error(parameters)
    if probes > 0 and np.isfinite(probes):
        notes.append(
            f"Traces of powers of W by {effect_map.traces.method} leave a standard error of at most "
            f"{probes:.1g} in direct effects, beside that of the estimates; none in total effects."
        )
    both = frame.dropna(subset=["std_error_simulated"])
    gap = (both["std_error_simulated"] / both["std_error_delta"] - 1).abs()
    far = both[gap > DIFFERENT]
    if len(far):
        worst = far.loc[gap[far.index].idxmax()]
        notes.append(
            f"Delta and simulated standard errors differ by more than {DIFFERENT:.0%} for {len(far)} of "
            f"{len(both)} effects (most: {worst['effect']} of {worst['term']} on {worst['outcome']}, delta "
            f"{worst['std_error_delta']:.3g}, simulated {worst['std_error_simulated']:.3g}): tidy() has both."
        )
    return tuple(notes)
