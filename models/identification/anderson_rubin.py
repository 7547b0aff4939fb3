"""Confidence sets of slopes by the Anderson-Rubin test: valid however weak the instruments are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean
from spatial.languages.shown import padded, remarks, width
from spatial.models.data.design import Design
from spatial.models.hypothesis import HypothesisTest
from spatial.models.products.columns import columns_of
from spatial.results import Result
from spatial.words import tell

from .inversion import Intervals, Line, intervals_of, window
from .score_test import ScoreProducts, score_products

__all__ = ["AndersonRubin", "anderson_rubin_sets", "anderson_rubin_test"]

Float = NDArray[np.float64]

NAME = "Anderson-Rubin"
_MOST = 2


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
            window(self.intervals[j], float(self.estimate[j]), float(self._unit[j]), len(self.terms))
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
        names = ", ".join(s.equation for s in self.sets)
        return f"{self.level:.0%}{tell(' sets: ', ' 置信集：')}{names}"

    def summary(self) -> str:
        """Return the sets as text."""
        lines = [
            tell(
                f"Anderson-Rubin confidence sets, {self.level:.0%}, valid however weak the instruments are",
                f"Anderson–Rubin {self.level:.0%} 置信集，工具变量无论强弱均有效",
            )
        ]
        for s in self.sets:
            L, C = s._products.count, s._products.clusters
            most = f"{s.critical:.2f}"
            lines.append(
                tell(
                    f"  {s.equation}: F({L}, {C - L}) at most {most}",
                    f"  {s.equation}：F({L}, {C - L}) 不超过 {most}",
                )
            )
            longest = max(map(width, s.terms))
            for j, term in enumerate(s.terms):
                value, found, p = f"{s.estimate[j]:.4g}", _written(s.intervals[j]), f"{s.p_value[j]:.3f}"
                lines.append(
                    f"    {padded(term, longest)}  "
                    + tell(
                        f"estimate {value}, set {found}, p = {p} for 0",
                        f"估计值 {value}，置信集 {found}，系数为 0 的 p = {p}",
                    )
                )
        if any(len(s.terms) > 1 for s in self.sets):
            lines.append(
                tell(
                    "Sets of one slope of two are projections: they cover more often than the level.",
                    "两个斜率中单个斜率的置信集为投影，覆盖率高于名义水平。",
                )
            )
        if any(_shape(i) == "empty" for s in self.sets for i in s.intervals):
            lines.append(
                tell(
                    "Empty: every value is rejected, so instruments or the model are.",
                    "空集：所有取值均被拒绝，即工具变量或模型被拒绝。",
                )
            )
        if any(_shape(i) in ("unbounded", "all values") for s in self.sets for i in s.intervals):
            lines.append(
                tell(
                    "Without bound: the instruments say too little to exclude large values.",
                    "无界：工具变量的信息不足以排除很大的取值。",
                )
            )
        return "\n".join([*lines, *remarks(self.notes)])


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
        return tell("empty", "空集")
    return tell(" and ", " 与 ").join(
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
    L = design.seen_by(g).basis.rank - (len(terms) - moving)
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
    columns = None if structure.has_own_instruments else columns_of(design)
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
    law = scipy.stats.f(L, C - L)
    critical = float(law.ppf(level))
    unit = np.where(np.isfinite(scale) & (scale > 0), scale, np.maximum(np.abs(estimate), 1.0))
    line = Line(products, estimate, unit)
    intervals = tuple(intervals_of(line, j, critical) for j in range(len(terms)))
    at_zero = np.array([line.smallest(np.array([0.0]), j)[0] for j in range(len(terms))])
    return SlopeSet(
        equation, tuple(terms), estimate, intervals, at_zero, law.sf(at_zero), critical, unit, products
    )
