"""Does the estimated system have a reduced form that means anything?  Printed with every fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.languages.shown import digits, frame_text, shown
from spatial.models.data.rows import whole_operators
from spatial.models.estimation.errors import rho_bound
from spatial.models.estimation.estimate import Estimate
from spatial.results import Result
from spatial.words import Said, tell

from .solve import DIRECT_LIMIT, ReducedForm
from .spectrum import Spectrum, spectrum
from .traces import constant_row_sum

__all__ = ["NO_LONG_RUN", "Stability", "dynamics_radius", "stability", "system_stability"]

Float = NDArray[np.float64]

INTERPRETATION = Said(
    (
        "Coefficients on other endogenous variables and on spatial lags are structural slopes, with the "
        "other\n"
        "  endogenous variables held fixed: 'a rise of 1 raises by b' is not the equilibrium effect: see "
        "impacts.",
        "其他内生变量与空间滞后的系数为结构斜率，其他内生变量保持不变：“增加 1 则增加 b”不是均衡效应：见 "
        "impacts。",
    )
)


@dataclass(frozen=True, eq=False, repr=False)
class Stability(Result):
    """Checks of coherence and stability.

    Parameters
    ----------
    frame : DataFrame
        One row for each check: `check`, `value`, `condition`, `ok`, `words`.
    multipliers : DataFrame
        Equilibrium response of each outcome (rows) to a structural shock of 1 everywhere in each equation
        (columns); empty where the reduced form does not exist or rows of W have different sums.
    reversals : tuple of str
        Slopes whose equilibrium counterpart has the other sign, in words.
    notes : tuple of str
        How eigenvalues were found.
    """

    frame: pd.DataFrame
    multipliers: pd.DataFrame
    reversals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def stable(self) -> bool:
        """Whether all checks hold."""
        return bool(self.frame["ok"].all())

    def tidy(self) -> pd.DataFrame:
        """Return the checks."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: the verdict, and how many checks fail."""
        return pd.DataFrame([{"stable": self.stable, "checks": len(self.frame), "failed": self.failed}])

    @property
    def failed(self) -> int:
        """How many checks fail."""
        return int((~self.frame["ok"]).sum()) if len(self.frame) else 0

    def headline(self) -> str:
        """Return the verdict."""
        checks = len(self.frame)
        fail = tell(f"{self.failed} of {checks} checks fail", f"{checks} 项检查中 {self.failed} 项不通过")
        return tell("stable", "稳定") if self.stable else fail

    def summary(self) -> str:
        """Return the report as text."""
        if self.frame.empty:
            return tell(
                "Stability: no feedback in the system, nothing to check.",
                "稳定性：系统中没有反馈，无需检查。",
            )
        bad, total = self.failed, len(self.frame)
        failing = tell(f"{bad} of {total} checks FAIL", f"{total} 项条件中有 {bad} 项不成立")
        verdict = failing if bad else tell("all checks hold", "各项条件均成立")
        lines = [tell("Stability: ", "稳定性：") + verdict]
        for row in self.frame.to_dict("records"):
            mark = tell("ok  ", "成立  ") if row["ok"] else tell("FAIL", "不成立")
            value = f"{shown(row['check'])} = {row['value']:.4g}"
            lines.append(f"  {mark} {value}" + tell(", needed ", "，应 ") + row["condition"])
            if not row["ok"]:
                lines.append(f"       {shown(row['words'])}")
        if len(self.multipliers):
            table = frame_text(self.multipliers, digits(4, "g"), index=True)
            lines.append(
                tell(
                    "  Equilibrium response (rows) to a shock of 1 everywhere (columns):",
                    "  各地同时受到单位冲击（列）时的均衡反应（行）：",
                )
            )
            lines += [f"    {line}" for line in table.splitlines()]
        lines += [f"  {shown(text)}" for text in (*self.reversals, *self.notes)]
        lines.append(f"  {shown(INTERPRETATION)}")
        return "\n".join(lines)


def stability(estimate: Estimate) -> Stability:
    """Report on the system of an estimate; see `system_stability`.

    Parameters
    ----------
    estimate : Estimate
        Its coefficients, its weights and its rho.
    """
    if estimate.exponential:
        empty = pd.DataFrame(columns=["check", "value", "condition", "ok", "words"])
        return Stability(empty, pd.DataFrame(), notes=("e^(alpha W) has an inverse for every alpha",))
    structure, design = estimate.structure, estimate.design
    matrices = structure.system_matrices(estimate.delta)
    layout, operators = whole_operators(design)
    used = {w: operators[w].matrices[-1] for w in structure.weights}
    limits = {e.name: e.error for e in structure.equations if e.error is not None}
    rho = {
        name: (float(value), rho_bound(design.operators[str(limits[name])]))
        for name, value in zip(estimate.errors, estimate.inference.rho, strict=True)
    }
    notes = () if layout.is_balanced else ("weights differ between times: those of the last time",)
    shifts = {
        s: (B, [matrices.Lambda_shift[s][w] for w in structure.weights]) for s, B in matrices.B_shift.items()
    }
    return system_stability(
        matrices.B,
        [matrices.Lambda[w] for w in structure.weights],
        list(used.values()),
        names=structure.names,
        rho=rho,
        shifts=shifts,
        notes=notes,
    )


def system_stability(
    B: Float,
    Lambda: Sequence[Float],
    matrices: Sequence[Any],
    *,
    names: Sequence[str],
    rho: Mapping[str, tuple[float, float]] | None = None,
    shifts: Mapping[int, tuple[Float, Sequence[Float]]] | None = None,
    notes: tuple[str, ...] = (),
) -> Stability:
    r"""Check a system with given coefficients.

    .. math:: \det(I - B - \omega\Lambda) > 0, \quad \varrho(B) < 1, \quad
              \varrho\bigl((I - B)^{-1}\Lambda\bigr) |\omega|_{max} < 1, \quad
              \max_\omega \varrho(B + \omega\Lambda) < 1, \quad |\rho_g| < \bar\rho_g

    for the eigenvalues :math:`\omega` of W: the reduced form exists and has the sign of its series;
    simultaneity within a unit dies out; the power series converges; best replies converge; the
    error process is admissible.

    Parameters
    ----------
    B : (G, G)
    Lambda : sequence of (G, G)
    matrices : sequence of sparse (N, N)
        One for each Lambda.
    names : sequence of str
        Names of the equations.
    rho : mapping of str to (rho, bound)
    shifts : mapping of int to (B_s, [Lambda_s])
        Coefficients of lagged outcomes.

    Examples
    --------
    >>> from scipy import sparse
    >>> ring = sparse.csr_array(np.roll(np.eye(5), 1, axis=1))
    >>> system_stability(np.zeros((1, 1)), [np.array([[0.5]])], [ring], names=["y"]).stable
    True
    """
    past = shifts or {}
    active = [k for k, c in enumerate(Lambda) if np.any(c) or any(np.any(p[1][k]) for p in past.values())]
    used, graphs = [Lambda[k] for k in active], [matrices[k] for k in active]
    past = {lag: (level, [lagged[k] for k in active]) for lag, (level, lagged) in past.items()}
    rows: list[tuple[str, float, str, bool, str]] = []
    found: list[str] = list(notes)
    if len(B) > 1 and np.any(B):
        rows += _within_unit(B)
    if len(graphs) == 1:
        checks, note = _one_matrix(B, used[0], graphs[0])
        rows, found = rows + checks, found + note
    elif graphs:
        rows += _several(B, used, graphs)
    if past:
        rows.append(_dynamics(B, used, graphs, past))
        if len(graphs) > 1:
            found.append("dynamics with several weights: checked where all units move together")
    for name, (value, bound) in (rho or {}).items():
        words = "The error process of this equation is at the edge of what is admissible."
        rows.append((f"|rho| of {name}", abs(value), f"< {bound:.4g}", abs(value) < bound, words))
    frame = pd.DataFrame(rows, columns=["check", "value", "condition", "ok", "words"])
    table = _multipliers(B, used, graphs, names)
    return Stability(frame, table, _reversals(B, table, names), tuple(found))


Row = tuple[str, float, str, bool, str]


def _within_unit(B: Float) -> list[Row]:
    determinant = float(np.linalg.det(np.eye(len(B)) - B))
    size = float(np.abs(np.linalg.eigvals(B)).max())
    return [
        (
            "det(I - B)",
            determinant,
            "> 0",
            determinant > 0,
            "Within a unit the outcomes feed on each other more than once over: a rise can end as a fall.",
        ),
        (
            "largest |eigenvalue| of B",
            size,
            "< 1",
            size < 1,
            "Mutual adjustment within a unit does not die out.",
        ),
    ]


def _one_matrix(B: Float, Lambda: Float, W: Any) -> tuple[list[Row], list[str]]:
    where = spectrum(W)
    rows = _spatial_rows(B, Lambda, where)
    if not where.exact and not all(row[3] for row in rows):
        closer = spectrum(W, thorough=True)
        rows, where = (_spatial_rows(B, Lambda, closer), closer) if closer.exact else (rows, where)
    if where.exact:
        return rows, []
    return rows, [
        "Eigenvalues of W are enclosed in a circle, not computed: a check that fails may be too strict."
    ]


def _spatial_rows(B: Float, Lambda: Float, where: Spectrum) -> list[Row]:
    low, high = where.real
    values = _determinants(B, Lambda, low, high)
    smallest = float(values.min())
    gamma = np.linalg.lstsq(np.eye(len(B)) - B, Lambda, rcond=None)[0]
    series = float(np.abs(np.linalg.eigvals(gamma)).max()) * where.radius
    replies = np.linalg.eigvals(B + where.points[:, None, None] * Lambda)
    best = float(np.abs(replies).max())
    return [
        (
            f"smallest det(I - B - omega Lambda), omega in [{low:.3g}, {high:.3g}]",
            smallest,
            "> 0",
            smallest > 0,
            "The reduced form is singular or has the wrong sign for some spatial pattern: read no impacts.",
        ),
        (
            "largest |eigenvalue| of (I - B)^-1 Lambda, times |omega|",
            series,
            "< 1",
            series < 1,
            "Spillovers do not die out with the order of neighbours: the power series diverges.",
        ),
        (
            "largest |eigenvalue| of B + omega Lambda",
            best,
            "< 1",
            best < 1,
            "Best replies do not settle: the equilibrium would not be reached by adjustment.",
        ),
    ]


def _determinants(B: Float, Lambda: Float, low: float, high: float) -> Float:
    grid = np.linspace(low, high, 401)
    return np.asarray(np.linalg.det(np.eye(len(B)) - B - grid[:, None, None] * Lambda))


def _several(B: Float, Lambda: Sequence[Float], matrices: Sequence[Any]) -> list[Row]:
    system = ReducedForm(B, np.array(Lambda), matrices)
    series, best = system.series_radius(), system.best_reply_radius()
    rows: list[Row] = [
        (
            "largest |eigenvalue| of (I - B)^-1 (sum Lambda_r W_r)",
            series,
            "< 1",
            series < 1,
            "Spillovers do not die out with the order of neighbours: the power series diverges.",
        ),
        (
            "largest |eigenvalue| of B + sum Lambda_r W_r",
            best,
            "< 1",
            best < 1,
            "Best replies do not settle: the equilibrium would not be reached by adjustment.",
        ),
    ]
    if series < 1:
        sign = bool(np.linalg.det(np.eye(len(B)) - B) > 0)
    elif system.matrix.shape[0] <= DIRECT_LIMIT:
        sign = system.sign_is_one()
    else:
        sign = False
    words = (
        "The reduced form is singular, has the wrong sign, or could not be checked for a system of this size."
    )
    return [("sign of det S", 1.0 if sign else -1.0, "> 0", sign, words), *rows]


NO_LONG_RUN = "A shock does not die out over time: there is no long run."


def _dynamics(
    B: Float,
    Lambda: Sequence[Float],
    matrices: Sequence[Any],
    shifts: Mapping[int, tuple[Float, Sequence[Float]]],
) -> Row:
    largest = dynamics_radius(B, Lambda, matrices, shifts)
    return "largest |eigenvalue| of the dynamics", largest, "< 1", largest < 1, NO_LONG_RUN


def dynamics_radius(
    B: Float,
    Lambda: Sequence[Float],
    matrices: Sequence[Any],
    shifts: Mapping[int, tuple[Float, Sequence[Float]]],
) -> float:
    """Return the largest modulus of the companion matrix at the eigenvalues of W: below 1, shocks die out."""
    points = spectrum(matrices[0]).points if len(matrices) == 1 else np.array([1.0 + 0j])
    return max(_companion_radius(B, Lambda, shifts, omega) for omega in points)


def _companion_radius(
    B: Float, Lambda: Sequence[Float], shifts: Mapping[int, tuple[Float, Sequence[Float]]], omega: complex
) -> float:
    g, last = len(B), max(shifts)
    now = np.eye(g) - B - omega * sum(Lambda, np.zeros_like(B))
    if abs(np.linalg.det(now)) < 1e-12:
        return float("inf")
    companion = np.zeros((g * last, g * last), dtype=complex)
    companion[g:, :-g] = np.eye(g * (last - 1))
    for s, (level, lagged) in shifts.items():
        past = level + omega * sum(lagged, np.zeros_like(B))
        companion[:g, g * (s - 1) : g * s] = np.linalg.solve(now, past)
    return float(np.abs(np.linalg.eigvals(companion)).max())


def _multipliers(
    B: Float, Lambda: Sequence[Float], matrices: Sequence[Any], names: Sequence[str]
) -> pd.DataFrame:
    sums = [constant_row_sum(W) for W in matrices]
    system = np.eye(len(B)) - B
    for coefficients, total in zip(Lambda, sums, strict=True):
        if total is None:
            return pd.DataFrame()
        system = system - total * coefficients
    if len(B) < 2 or abs(np.linalg.det(system)) < 1e-12:
        return pd.DataFrame()
    index = pd.Index(list(names), name="outcome")
    return pd.DataFrame(np.linalg.inv(system), index=index, columns=pd.Index(list(names), name="shock"))


def _reversals(B: Float, table: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """Say where a structural slope and its equilibrium multiplier have opposite signs."""
    if not len(table):
        return ()
    values = table.to_numpy()
    out = []
    for g, h in np.argwhere(B != 0):
        if values[g, h] * B[g, h] < 0:
            out.append(
                f"{names[h]} on {names[g]}: slope {B[g, h]:.4g}, equilibrium multiplier {values[g, h]:.4g}: "
                "the conclusion reverses."
            )
    return tuple(out)
