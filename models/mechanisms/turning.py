"""Is it a U?  The test of Lind and Mehlum, and the turning point with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted
from spatial.ids.rows import one_text
from spatial.models.estimation.laws import Law
from spatial.models.results import SystemFit
from spatial.models.summaries import errors_line
from spatial.results import Result
from spatial.words import tell

from .asked import one_equation

__all__ = ["UTest", "fieller", "u_test"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class UTest(Result):
    """The test of a U, or of an inverse U; see `u_test`.

    Parameters
    ----------
    equation, term, square : str
        The outcome, x and the term of its square.
    shape : "U" or "inverse U"
        By the sign of the square.
    slopes : DataFrame
        at ("lower", "upper"), value, slope, std_error, statistic, p_value: one-sided, each end against the
        sign that the shape needs there.
    statistic, p_value : float
        Of the null that it is monotone or of the other shape: the weaker end (Sasabuchi 1980).
    turning_point : float
    delta, fieller : tuple of float
        Intervals of the turning point.
    bounded : bool
        Whether Fieller's interval is a finite one.
    n_below, n_above : int
        Rows on either side of the turning point.
    level : float
    curve : DataFrame
        value, estimate, conf_low, conf_high: the effect of x against its value at the turning point's side of
        the data, the least value of x.
    errors : str
        The covariance of the fit in words.
    """

    equation: str
    term: str
    square: str
    shape: str
    slopes: pd.DataFrame
    statistic: float
    p_value: float
    turning_point: float
    delta: tuple[float, float]
    fieller: tuple[float, float]
    bounded: bool
    n_below: int
    n_above: int
    level: float
    curve: pd.DataFrame
    errors: str = ""

    figure = "u_plot"

    @property
    def inside(self) -> bool:
        """Whether the turning point lies in the data."""
        low, high = self.slopes["value"]
        return bool(low < self.turning_point < high)

    @property
    def is_u(self) -> bool:
        """Whether the null is rejected at 1 - level."""
        return self.inside and self.p_value <= 1.0 - self.level + 1e-12

    def tidy(self) -> pd.DataFrame:
        """Return the slope at either end of the data, the test, and the turning point."""
        rows = [
            {
                "quantity": f"slope at {row['at']} end",
                "value": row["value"],
                "estimate": row["slope"],
                **_common(row),
            }
            for row in self.slopes.to_dict("records")
        ]
        rows.append({"quantity": f"{self.shape} test", "statistic": self.statistic, "p_value": self.p_value})
        rows.append(
            {
                "quantity": "turning point",
                "estimate": self.turning_point,
                "conf_low": self.fieller[0],
                "conf_high": self.fieller[1],
            }
        )
        columns = [
            "quantity",
            "value",
            "estimate",
            "std_error",
            "statistic",
            "p_value",
            "conf_low",
            "conf_high",
        ]
        return pd.DataFrame(rows).reindex(columns=columns)

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        row = {
            "equation": self.equation,
            "term": self.term,
            "shape": self.shape,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "turning_point": self.turning_point,
            "fieller_low": self.fieller[0],
            "fieller_high": self.fieller[1],
            "delta_low": self.delta[0],
            "delta_high": self.delta[1],
            "inside": self.inside,
            "n_below": self.n_below,
            "n_above": self.n_above,
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Name the shape, the turning point and p."""
        turn = f"{self.turning_point:.4g}, p = {self.p_value:.4f}"
        shape = "U 形" if self.shape == "U" else "倒 U 形"
        return tell(
            f"{self.shape} of {self.equation} in {self.term}: {turn}",
            f"{self.equation} 对 {self.term} 的{shape}关系：{turn}",
        )

    def summary(self) -> str:
        """Return the test in words."""
        low, high = self.slopes.to_dict("records")
        shape, other = ("U 形", "倒 U 形") if self.shape == "U" else ("倒 U 形", "U 形")
        total = self.n_below + self.n_above
        verdict = (
            tell(
                f"{self.shape}: the slope changes its sign inside the data.",
                f"{shape}：斜率在样本范围内变号。",
            )
            if self.is_u
            else tell(f"no {self.shape} is shown: ", f"未显示{shape}：")
            + (
                tell(
                    f"the slope at one end is not told from 0 at {1 - self.level:.0%}.",
                    f"在 {1 - self.level:.0%} 水平上，一端的斜率与 0 无显著差异。",
                )
                if self.inside
                else tell("the turning point lies outside the data.", "拐点在样本范围之外。")
            )
        )
        fieller = (
            f"[{self.fieller[0]:.5g}, {self.fieller[1]:.5g}]"
            if self.bounded
            else tell(
                "not a finite interval: the square is not told from 0", "区间无界：平方项与 0 无显著差异"
            )
        )
        return "\n".join(
            [
                tell(
                    f"Lind-Mehlum test: {self.shape} of {self.equation} in {self.term}, square {self.square}",
                    f"Lind–Mehlum 检验：{self.equation} 对 {self.term} 的{shape}关系，平方项 {self.square}",
                ),
                *(
                    tell(
                        f"Slope at {end['value']:.5g} ({english}): {end['slope']:.5g}, "
                        f"t = {end['statistic']:.3f}, one-sided p = {end['p_value']:.4f}",
                        f"{end['value']:.5g}（{chinese}）处的斜率：{end['slope']:.5g}，"
                        f"t = {end['statistic']:.3f}，单侧 p = {end['p_value']:.4f}",
                    )
                    for end, english, chinese in ((low, "least", "最小值"), (high, "largest", "最大值"))
                ),
                tell(f"H0: monotone or {'inverse U' if self.shape == 'U' else 'U'}: ", f"H0：单调或{other}：")
                + f"t = {self.statistic:.3f}, p = {self.p_value:.4f}",
                tell(
                    f"Turning point = {self.turning_point:.5g}; {self.level:.0%} interval: Fieller "
                    f"{fieller}; "
                    f"delta [{self.delta[0]:.5g}, {self.delta[1]:.5g}]",
                    f"拐点 = {self.turning_point:.5g}；{self.level:.0%} 区间：Fieller {fieller}；"
                    f"delta 方法 [{self.delta[0]:.5g}, {self.delta[1]:.5g}]",
                ),
                *([errors_line(self.errors)] if self.errors else []),
                tell(
                    f"Rows below it: {self.n_below} of {total}, above: {self.n_above}",
                    f"{total} 行中低于拐点 {self.n_below} 行，高于拐点 {self.n_above} 行",
                ),
                tell("Verdict: ", "结论：") + verdict,
            ]
        )


def _common(row: dict[Any, Any]) -> dict[str, float]:
    return {key: row[key] for key in ("std_error", "statistic", "p_value")}


@hinted
def u_test(
    fit: SystemFit, term: str, *, square: str | None = None, equation: str | None = None, level: float = 0.95
) -> UTest:
    r"""Test whether an effect is U-shaped in the data, and say where it turns.

    .. math::

        H_0: \beta_1 + 2\beta_2 x_l \ge 0 \text{ or } \beta_1 + 2\beta_2 x_h \le 0, \qquad
        x^* = -\beta_1 / (2\beta_2)

    A significant square is not enough: the slope must change its sign between the least and the largest
    value of x.  The test is that of Sasabuchi (1980), the larger of the one-sided p-values at both ends.

    Parameters
    ----------
    fit : SystemFit
        Least squares, IV or a system; the square of an endogenous x is endogenous too and needs its own
        instruments.  Coefficients are structural slopes.
    term : str
        x, as in the formula: ``"PSS"`` or ``"log(x)"``.
    square : str, optional
        The term of its square, where it is not ``I(x**2)``, ``I(x^2)``, ``I(x * x)`` or ``x:x``.
    equation : str, optional
        Where several equations have the term.
    level : float
        Of the intervals of the turning point: Fieller's (1954), which may be unbounded, and the delta
        method's.

    Raises
    ------
    DataError
        If `fit` is no fit of this package, or has no such `term` with its square.

    References
    ----------
    Lind and Mehlum (2010, Oxford Bulletin of Economics and Statistics 72), equations 4 to 11.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame({"x": rng.uniform(0, 4, size=320)}, index=index)
    >>> data["y"] = (data.x - 2.5) ** 2 + rng.normal(size=320)
    >>> test = u_test(fixed_effects("y ~ x + I(x**2)", data), "x")
    >>> test.shape, round(test.turning_point, 1), test.is_u
    ('U', 2.5, True)
    """
    if not isinstance(fit, SystemFit):
        raise DataError(f"u_test takes a fit of spatial.models; got {type(fit).__name__}.")
    if not 0 < level < 1:
        raise DataError(f"level is between 0 and 1; got {level!r}.")
    name, g = _equation(fit, term, equation)
    terms = [t.name for t in fit.structure.equations[g].terms]
    second = _square(term, square, terms)
    pair = [(name, term), (name, second)]
    b = fit.params.loc[pair].to_numpy()
    V = fit.cov.loc[pair, pair].to_numpy()
    if b[1] == 0:
        raise DataError(f"The coefficient of {second} is exactly 0: there is no turning point.")
    design = fit.estimate.design
    x = design.raw[:, design.regressors[g][terms.index(term)]]
    other = design.raw[:, design.regressors[g][terms.index(second)]]
    if np.abs(other - x**2).max() > 1e-8 * max(1.0, float(np.abs(other).max())):
        raise DataError(f"{second} is not the square of {term} in the data.")
    found = _tested(name, term, second, b, V, x, fit.estimate.inference.law, level)
    return replace(found, errors=fit.covariance.label)


def _equation(fit: SystemFit, term: str, equation: str | None) -> tuple[str, int]:
    one_text(term, "term")
    having = [e.name for e in fit.structure.equations if term in [t.name for t in e.terms]]
    if not having:
        known = [t.name for _, t in fit.structure.terms]
        raise DataError(
            f"The fit has no term {term!r}.{did_you_mean(term, known)} It has {', '.join(known)}."
        )
    name = one_equation(having, equation, "u_test")
    return name, fit.structure.names.index(name)


def _square(term: str, square: str | None, terms: list[str]) -> str:
    plain = {t.replace(" ", ""): t for t in terms}
    x = term.replace(" ", "")
    known = [square] if square else [f"I({x}**2)", f"I({x}^2)", f"I({x}*{x})", f"{x}:{x}"]
    for spelling in known:
        if spelling.replace(" ", "") in plain:
            return plain[spelling.replace(" ", "")]
    asked = square or f"I({term}**2)"
    raise DataError(
        f"The equation has no square {asked!r} of {term}.{did_you_mean(asked, terms)} Add it to the "
        "formula, or "
        "name its column by square=."
    )


def _tested(name: str, term: str, second: str, b: Float, V: Float, x: Float, law: Law, level: float) -> UTest:
    ends = np.array([x.min(), x.max()])
    slope = b[0] + 2 * b[1] * ends
    error = np.sqrt(V[0, 0] + 4 * ends * V[0, 1] + 4 * ends**2 * V[1, 1])
    statistic = slope / error
    needed = np.array([-1.0, 1.0]) * np.sign(b[1])
    p = one_sided(statistic * needed, law)
    slopes = pd.DataFrame(
        {
            "at": ["lower", "upper"],
            "value": ends,
            "slope": slope,
            "std_error": error,
            "statistic": statistic,
            "p_value": p,
        }
    )
    turn = float(-b[0] / (2 * b[1]))
    gradient = np.array([-1 / (2 * b[1]), b[0] / (2 * b[1] ** 2)])
    half = law.quantile(level) * float(np.sqrt(gradient @ V @ gradient))
    low, high, bounded = fieller(b, V, law.quantile(level))
    weaker = int(np.argmax(p))
    return UTest(
        name,
        term,
        second,
        "U" if b[1] > 0 else "inverse U",
        slopes,
        float(np.abs(statistic[weaker])) if p[weaker] < 0.5 else float(statistic[weaker] * needed[weaker]),
        float(p[weaker]),
        turn,
        (turn - half, turn + half),
        (low, high),
        bounded,
        int((x <= turn).sum()),
        int((x > turn).sum()),
        level,
        _curve(b, V, ends, law.quantile(level)),
    )


def one_sided(statistic: Float, law: Law) -> Float:
    """Return the p-value of each statistic against values above 0."""
    two = law.p_value(statistic)
    return np.where(statistic > 0, two / 2, 1 - two / 2)


def fieller(b: Float, V: Float, critical: float) -> tuple[float, float, bool]:
    r"""Return :math:`\{\theta: (b_1 + 2b_2\theta)^2 \le c^2 \operatorname{Var}(b_1 + 2b_2\theta)\}`.

    Returns
    -------
    low, high : float
        Infinite where the set is not an interval: the whole line, or two rays.
    bounded : bool

    Examples
    --------
    >>> low, high, bounded = fieller(np.array([-4.0, 1.0]), np.diag([0.04, 0.0025]), 1.96)
    >>> round(low, 3), round(high, 3), bounded
    (1.74, 2.299, True)
    """
    c2 = critical**2
    A = 4 * (b[1] ** 2 - c2 * V[1, 1])
    B = 4 * (b[0] * b[1] - c2 * V[0, 1])
    C = b[0] ** 2 - c2 * V[0, 0]
    under = B**2 - 4 * A * C
    if A <= 0 or under < 0:
        return float("-inf"), float("inf"), False
    root = float(np.sqrt(under))
    return float((-B - root) / (2 * A)), float((-B + root) / (2 * A)), True


def _curve(b: Float, V: Float, ends: Float, critical: float) -> pd.DataFrame:
    """Return the effect of x against its least value, with its band."""
    grid = np.linspace(ends[0], ends[1], 101)
    moves = np.column_stack([grid - ends[0], grid**2 - ends[0] ** 2])
    value = moves @ b
    half = critical * np.sqrt(np.einsum("ij,jk,ik->i", moves, V, moves))
    return pd.DataFrame(
        {"value": grid, "estimate": value, "conf_low": value - half, "conf_high": value + half}
    )
