"""Confidence sets of slopes by the Anderson-Rubin test: valid however weak the instruments are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from spatial.errors import DataError, did_you_mean
from spatial.models.data.design import Design
from spatial.models.estimation.products import columns_of
from spatial.models.hypothesis import HypothesisTest
from spatial.results import Result

from .score_test import ScoreProducts, score_products

__all__ = ["AndersonRubin", "anderson_rubin_sets", "anderson_rubin_test"]

Float = NDArray[np.float64]
Intervals = tuple[tuple[float, float], ...]

NAME = "Anderson-Rubin"
_ANGLES, _TURNS = 61, 32
_MOST = 2
_FINE, _WINDOW = 201, 41


@dataclass(frozen=True, eq=False)
class SlopeSet:
    """The confidence set of the slopes of one equation, and of each slope by projection.

    Parameters
    ----------
    equation : str
    terms : tuple of str
        The m endogenous regressors, one or two.
    estimate : array (m,)
        Of the fit; it need not lie in the set.
    intervals : tuple of tuple of (float, float)
        For each slope the values that some values of the others make acceptable; several where the set has
        holes, none where it is empty, infinite where it has no bound.
    statistic, p_value : arrays (m,)
        Of the hypothesis that this slope is 0, whatever the others are: the smallest F.
    critical : float
        F above which slopes are rejected.
    """

    equation: str
    terms: tuple[str, ...]
    estimate: Float
    intervals: tuple[Intervals, ...]
    statistic: Float
    p_value: Float
    critical: float
    _unit: Float = field(repr=False)
    _products: ScoreProducts = field(repr=False)

    def surface(self) -> tuple[tuple[Float, ...], Float]:
        """Return slopes around the set, an array for each regressor, and F on their grid: for a figure."""
        grid = tuple(
            _window(self.intervals[j], float(self.estimate[j]), float(self._unit[j]), len(self.terms))
            for j in range(len(self.terms))
        )
        mesh = np.meshgrid(*grid, indexing="ij")
        slopes = np.stack([m.ravel() for m in mesh], axis=1)
        F = self._products.statistic(np.column_stack([np.ones(len(slopes)), slopes]))[0]
        return grid, F.reshape(mesh[0].shape)


@dataclass(frozen=True, repr=False)
class AndersonRubin(Result):
    """Confidence sets of the slopes of endogenous regressors, equation by equation.

    All slopes of an equation that the test of `spatial.models.identification.score_test` does not reject, rho
    estimated anew at each.  The coverage does not depend on the strength of the instruments; the price is
    that a set may be without bound, or empty where the model itself is rejected.  The interval of one
    slope of two is a projection, which covers more often than the level.

    Parameters
    ----------
    sets : tuple of SlopeSet
    level : float
    notes : tuple of str
        Equations that have no set, and why.
    """

    sets: tuple[SlopeSet, ...]
    level: float
    notes: tuple[str, ...] = ()

    figure: ClassVar[str] = "confidence_set_plot"

    def of(self, equation: str | None = None) -> SlopeSet:
        """Return the set of one equation; the name may be left out where there is one."""
        names = [s.equation for s in self.sets]
        if equation is None and len(names) == 1:
            return self.sets[0]
        for found in self.sets:
            if found.equation == equation:
                return found
        near = did_you_mean(equation, names) if equation is not None else ""
        raise DataError(f"equation= is one of {', '.join(map(repr, names))}; got {equation!r}.{near}")

    def test(self, slopes: Mapping[str, float], equation: str | None = None) -> HypothesisTest:
        """Test the hypothesis that the slopes are these, by name; all slopes of the equation are needed."""
        found = self.of(equation)
        if set(slopes) != set(found.terms):
            raise DataError(
                f"The test needs a value for each endogenous regressor of {found.equation!r} "
                f"({', '.join(found.terms)}); got {', '.join(map(str, slopes)) or 'none'}."
            )
        return _test(found._products, np.array([slopes[t] for t in found.terms]), found.equation)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each slope; `conf_low` and `conf_high` enclose its set, `set` writes it out."""
        rows = [
            {
                "equation": s.equation,
                "term": term,
                "estimate": s.estimate[j],
                "std_error": np.nan,
                "statistic": s.statistic[j],
                "p_value": s.p_value[j],
                "conf_low": s.intervals[j][0][0] if s.intervals[j] else np.nan,
                "conf_high": s.intervals[j][-1][1] if s.intervals[j] else np.nan,
                "shape": _shape(s.intervals[j]),
                "set": _written(s.intervals[j]),
            }
            for s in self.sets
            for j, term in enumerate(s.terms)
        ]
        return pd.DataFrame(rows)

    def glance(self) -> pd.DataFrame:
        """Return one row: level, number of sets, how many have no bound or are empty."""
        shapes = [_shape(i) for s in self.sets for i in s.intervals]
        row = {
            "level": self.level,
            "n_slopes": len(shapes),
            "n_unbounded": sum(shape in ("unbounded", "all values") for shape in shapes),
            "n_empty": shapes.count("empty"),
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Name the level and the equations."""
        return f"{self.level:.0%} sets: {', '.join(s.equation for s in self.sets)}"

    def summary(self) -> str:
        """Return the sets as text."""
        lines = [f"Anderson-Rubin confidence sets, {self.level:.0%}, valid however weak the instruments are"]
        for s in self.sets:
            L, C = s._products.count, s._products.clusters
            lines.append(f"  {s.equation}: F({L}, {C - L}) at most {s.critical:.2f}")
            width = max(map(len, s.terms))
            for j, term in enumerate(s.terms):
                lines.append(
                    f"    {term:<{width}}  estimate {s.estimate[j]:.4g}, set {_written(s.intervals[j])}"
                    f", p = {s.p_value[j]:.3f} for 0"
                )
        if any(len(s.terms) > 1 for s in self.sets):
            lines.append("Sets of one slope of two are projections: they cover more often than the level.")
        if any(_shape(i) == "empty" for s in self.sets for i in s.intervals):
            lines.append("Empty: every value is rejected, so instruments or the model are.")
        if any(_shape(i) in ("unbounded", "all values") for s in self.sets for i in s.intervals):
            lines.append("Without bound: the instruments say too little to exclude large values.")
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


def _shape(intervals: Intervals) -> str:
    if not intervals:
        return "empty"
    if intervals == ((-np.inf, np.inf),):
        return "all values"
    if any(np.isinf(edge) for pair in intervals for edge in pair):
        return "unbounded"
    return "bounded" if len(intervals) == 1 else "disjoint"


def _written(intervals: Intervals) -> str:
    if not intervals:
        return "empty"
    return " and ".join(
        f"{'(' if np.isinf(a) else '['}{a:.4g}, {b:.4g}{')' if np.isinf(b) else ']'}" for a, b in intervals
    )


def anderson_rubin_test(design: Design, g: int, slopes: Float | None = None) -> HypothesisTest:
    """Test that the slopes of the endogenous regressors of equation g are these; 0 by default.

    Clusters are units.  Where the statistic cannot be computed the answer holds the reason.
    """
    equation = design.structure.equations[g]
    moving = [t for t in equation.terms if t.is_endogenous]
    values = np.zeros(len(moving)) if slopes is None else slopes
    null = _null(values)
    reason = _reason(design, g)
    if reason:
        return HypothesisTest.failed(NAME, null, reason, equation=equation.name)
    return _test(score_products(design, g, design.layout.unit), values, equation.name)


def _null(slopes: Float) -> str:
    if not slopes.any():
        return "the endogenous regressors have no effect, however weak the instruments"
    shown = ", ".join(f"{slope:g}" for slope in slopes)
    return f"the slopes of the endogenous regressors are ({shown}), however weak the instruments"


def _test(products: ScoreProducts, slopes: Float, equation: str) -> HypothesisTest:
    F, rho = products.statistic(np.concatenate([[1.0], slopes])[None])
    L, C = products.count, products.clusters
    detail = "score, clustered"
    if products.forms is not None:
        detail += f"; rho under the null {rho[0]:.3f}"
    return HypothesisTest(NAME, _null(slopes), float(F[0]), "F", L, C - L, equation=equation, detail=detail)


def _reason(design: Design, g: int) -> str:
    """Say why the statistic cannot be computed; empty where it can."""
    terms = design.structure.equations[g].terms
    moving = sum(t.is_endogenous for t in terms)
    if not moving:
        return "the equation has no endogenous regressor"
    L = design.basis.rank - (len(terms) - moving)
    if L < 1:
        return "there are no excluded instruments"
    if design.layout.n_units <= L:
        return f"{design.layout.n_units} clusters for {L} instruments"
    return ""


def anderson_rubin_sets(
    design: Design, estimate: Float, scale: Float, level: float = 0.95, equation: str | None = None
) -> AndersonRubin:
    """Invert the Anderson-Rubin test, clustered by unit.

    Parameters
    ----------
    design : Design
    estimate, scale : arrays (K,)
        Coefficients and their standard errors: where to look first, and how far.
    level : float
    equation : str, optional
        One equation; default all that have one or two endogenous regressors.

    Raises
    ------
    DataError
        For a level outside (0, 1), an unknown equation, or one that has no set, with the reason.
    """
    if not 0 < level < 1:
        raise DataError(f"level is a share between 0 and 1, as 0.95; got {level!r}.")
    structure = design.structure
    if equation is not None and equation not in structure.names:
        raise DataError(
            f"There is no equation {equation!r}; there are {', '.join(structure.names)}."
            f"{did_you_mean(equation, structure.names)}"
        )
    chosen = [g for g, name in enumerate(structure.names) if equation in (None, name)]
    refused = {g: _refusal(design, g) for g in chosen}
    usable = [g for g in chosen if not refused[g]]
    if not usable:
        raise DataError(" ".join(f"Equation {structure.names[g]!r}: {refused[g]}." for g in chosen))
    columns = columns_of(design)
    sets = []
    for g in usable:
        products = score_products(design, g, design.layout.unit, columns)
        place = structure.slices[g]
        terms = tuple(t.name for t in structure.equations[g].terms if t.is_endogenous)
        sets.append(
            _slope_set(
                products,
                structure.names[g],
                terms,
                estimate[place][products.moving],
                scale[place][products.moving],
                level,
            )
        )
    notes = tuple(f"no set for {structure.names[g]}: {why}" for g, why in refused.items() if why)
    return AndersonRubin(tuple(sets), level, notes)


def _refusal(design: Design, g: int) -> str:
    moving = [t.name for t in design.structure.equations[g].terms if t.is_endogenous]
    if len(moving) > _MOST:
        return (
            f"it has {len(moving)} endogenous regressors ({', '.join(moving)}), and sets are drawn for one "
            "or two; leave some out, or test one value with diagnostics()"
        )
    return _reason(design, g)


# ---- inversion
def _slope_set(
    products: ScoreProducts,
    equation: str,
    terms: Sequence[str],
    estimate: Float,
    scale: Float,
    level: float,
) -> SlopeSet:
    L, C = products.count, products.clusters
    law = stats.f(L, C - L)
    critical = float(law.ppf(level))
    unit = np.where(np.isfinite(scale) & (scale > 0), scale, np.maximum(np.abs(estimate), 1.0))
    line = _Line(products, estimate, unit)
    intervals = tuple(_intervals(line, j, critical) for j in range(len(terms)))
    at_zero = np.array([line.smallest(np.array([0.0]), j)[0] for j in range(len(terms))])
    return SlopeSet(
        equation, tuple(terms), estimate, intervals, at_zero, law.sf(at_zero), critical, unit, products
    )


@dataclass(frozen=True, eq=False)
class _Line:
    """The statistic along one slope, the other (if any) chosen to make it least.

    A slope is an angle: :math:`s = \\hat s + \\sigma \\tan\\varphi`, so that the line without bound is the
    interval from -pi/2 to pi/2, ends included.
    """

    products: ScoreProducts
    estimate: Float
    unit: Float

    def smallest(self, slopes: Float, j: int) -> Float:
        """Return the smallest F with slope j at each of these values."""
        return self.at_angles(np.arctan((slopes - self.estimate[j]) / self.unit[j]), j)

    def slope(self, angle: Float, j: int) -> Float:
        """Return the slope at an angle."""
        return np.asarray(self.estimate[j] + self.unit[j] * np.tan(angle))

    def at_angles(self, angles: Float, j: int) -> Float:
        """Return the smallest F at each angle of slope j."""
        cos, sin = np.cos(angles), np.sin(angles)
        own = cos * self.estimate[j] + sin * self.unit[j]
        if len(self.estimate) == 1:
            return self.products.statistic(np.stack([cos, own], axis=1))[0]
        other = 1 - j
        # Multiples of the direction of the other slope are added: an angle once more.
        grid = np.linspace(-np.pi / 2, np.pi / 2, _TURNS, endpoint=False)

        def value(turn: Float) -> Float:
            """Return F, (angles, turns), for (angles, turns) of the other slope."""
            c, s = np.cos(turn), np.sin(turn)
            w = np.empty((*turn.shape, 3))
            w[..., 0] = cos[:, None] * c
            w[..., 1 + j] = own[:, None] * c
            w[..., 1 + other] = cos[:, None] * c * self.estimate[other] + s * self.unit[other]
            return self.products.statistic(w.reshape(-1, 3))[0].reshape(turn.shape)

        F = value(np.broadcast_to(grid, (len(angles), len(grid))))
        best = np.argmin(F, axis=1)
        step = grid[1] - grid[0]
        centre = grid[best]
        least = F[np.arange(len(angles)), best]
        for _ in range(4):  # the bracket shrinks to a third each time
            turn = centre[:, None] + step * np.linspace(-1, 1, 7)
            found = value(turn)
            best = np.argmin(found, axis=1)
            centre, step = turn[np.arange(len(angles)), best], step / 3
            least = np.minimum(least, found[np.arange(len(angles)), best])
        return np.asarray(least)


def _intervals(line: _Line, j: int, critical: float) -> Intervals:
    """Return the values of slope j that are not rejected."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, _ANGLES)
    inside = line.at_angles(angles, j) <= critical
    inside[-1] = inside[0]  # the two ends are one point
    if inside.all():
        return ((-np.inf, np.inf),)
    low = np.flatnonzero(inside[1:] != inside[:-1])
    edges = _edges(line, j, critical, angles[low], angles[low + 1], inside[low])
    points = [float(line.slope(np.array(e), j)) for e in edges]
    if inside[0]:
        points = [-np.inf, *points, np.inf]
    return tuple((points[k], points[k + 1]) for k in range(0, len(points), 2))


def _edges(line: _Line, j: int, critical: float, a: Float, b: Float, inside: NDArray[np.bool_]) -> Float:
    """Bisect between angles a, of which `inside` tells whether they are accepted, and b, which are not so."""
    if not len(a):
        return a
    low, high = (np.stack([e, line.at_angles(e, j) - critical]) for e in (a, b))
    for k in range(14):  # the secant and the middle in turn: F is smooth, and the bracket stays a bracket
        gap = np.where(np.isfinite(low[1] - high[1]), low[1] - high[1], np.inf)
        secant = low[0] + (high[0] - low[0]) * np.clip(np.nan_to_num(low[1] / gap), 0.02, 0.98)
        middle = secant if k % 3 else (low[0] + high[0]) / 2
        new = np.stack([middle, line.at_angles(middle, j) - critical])
        same = (new[1] <= 0) == inside
        low, high = np.where(same, new, low), np.where(same, high, new)
    return np.asarray((low[0] + high[0]) / 2)


def _window(intervals: Intervals, estimate: float, unit: float, count: int) -> Float:
    """Return slopes for a figure: the set with a margin, or twelve standard errors around the estimate."""
    finite = [edge for pair in intervals for edge in pair if np.isfinite(edge)]
    bounded = finite and len(finite) == 2 * len(intervals)
    far = [estimate - 12 * unit, estimate + 12 * unit]
    ends = [*finite, estimate] if bounded else [*far, *np.clip(np.array(finite), far[0], far[1])]
    low, high = min(ends), max(ends)
    margin = 0.15 * (high - low) if high > low else unit
    return np.linspace(low - margin, high + margin, _FINE if count == 1 else _WINDOW)
