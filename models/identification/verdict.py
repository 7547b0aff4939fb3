"""Is the system identified?  By its form, by the user's X and W, and by the sample; in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import blas_on_one_thread
from spatial.languages.shown import digits, frame_text, shown
from spatial.models.data.design import Design
from spatial.models.data.effects import Effects
from spatial.models.data.instruments import orthonormal_basis
from spatial.models.data.layout import LagOperator, balanced_layout
from spatial.models.formula.structure import CONSTANT, Structure
from spatial.results import Result
from spatial.words import Said, listed, tell

from .advice import WEAK, advice_data, advice_form, advice_weak, faint
from .first_stages import first_stages
from .pattern import SystemPattern, system_pattern
from .population import DRAWS, population_strength
from .rank import exclusions_that_identify, structural_ranks

__all__ = [
    "Identification",
    "identify",
    "not_identified_message",
    "structural_identification",
]

Float = NDArray[np.float64]

NOT_IDENTIFIED = 1e-8
_LARGE = 50_000  # cells; more, and a few periods and two random systems have to do


@dataclass(frozen=True, eq=False, repr=False)
class Identification(Result):
    """The verdict, equation by equation.

    Parameters
    ----------
    frame : DataFrame
        A row for each equation: `equation`; `identified`; `rank` of the coefficients of the variables it
        excludes, and the rank `required`; `sigma_min`, the smallest singular value of the projected
        expected regressors (NaN without data); `weak`; `advice` in words.
    instruments : DataFrame
        A row for each endogenous regressor: `equation`, `regressor`, ordinary first-stage `F` and
        conditional `SW_F`, each homoskedastic and `_clustered`, with `p_value` and `SW_p_value` of their
        clustered LM forms; `strength`, the statistic that judges, and the `critical_value` that it must
        exceed; and, the same for all regressors of an equation, `cragg_donald`, `kleibergen_paap` (clustered
        rk LM) with `KP_p_value`, its Wald form `KP_F`, and `effective_F` (one endogenous regressor).
    remedies : mapping of str to tuple of str
        For each equation that is not identified, the terms any one of which, left out, would identify it.
    outside : tuple of str
        Declared instruments that enter no equation.

    Examples
    --------
    >>> from spatial.models.formula.structure import Equation, Term
    >>> y2, own = Term("b", "b", role="endogenous"), Term("W(a)", "a", "lag", "W", role="endogenous")
    >>> first = Equation("a", "a", (y2, own, Term("x", "x")))
    >>> second = Equation("b", "b", (Term("a", "a", role="endogenous"), own, Term("x", "x")))
    >>> print(structural_identification(Structure((first, second), ("W",))))
    Identification: 0 of 2 equations identified
      a: NOT IDENTIFIED (rank 0, needs 1)
         Every variable of this equation is also in the others: a mixture of the equations has its form.
         Leave out one of: x, W(a), b.
         Or put into the equation of b an exogenous variable that is not in this one, or name an
         instrument from outside the system with instruments=.
      b: NOT IDENTIFIED (rank 0, needs 1)
         Every variable of this equation is also in the others: a mixture of the equations has its form.
         Leave out one of: x, W(a), a.
         Or put into the equation of a an exogenous variable that is not in this one, or name an
         instrument from outside the system with instruments=.
    """

    frame: pd.DataFrame
    instruments: pd.DataFrame
    remedies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    outside: tuple[str, ...] = ()

    @property
    def identified(self) -> bool:
        """Whether every equation is."""
        return bool(self.frame["identified"].all())

    @property
    def weak(self) -> bool:
        """Whether some equation is identified only weakly."""
        return bool(self.frame["weak"].any())

    def tidy(self) -> pd.DataFrame:
        """Return the frame of equations."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: whether all equations are identified, and whether any is so only weakly."""
        row = {"identified": self.identified, "weak": self.weak, "equations": len(self.frame)}
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Return the verdict in one line."""
        good, total = int(self.frame["identified"].sum()), len(self.frame)
        said = tell(f"{good} of {total} equations identified", f"{total} 个方程中 {good} 个可识别")
        return said + (tell("; weak", "；弱识别") if self.weak else "")

    def summary(self) -> str:
        """Return the verdict in words, and the first stages as a table."""
        verdict = self.verdict()
        return verdict if self.instruments.empty else f"{verdict}\n\n{self._first_stages()}"

    def _first_stages(self) -> str:
        columns = ["equation", "regressor", "F", "F_clustered", "SW_F", "SW_F_clustered"]
        columns += ["strength", "critical_value", "KP_p_value"]
        said = tell(
            "First stages: read strength against critical_value (bias of 2SLS above 10 %).\n"
            "One endogenous regressor: the effective F of Montiel Olea and Pflueger; several: the smaller\n"
            "of both conditional F of Sanderson and Windmeijer.  KP_p_value: Kleibergen-Paap LM, clustered;\n"
            "the F have no p-value that keeps its size.  Where weak, read Anderson-Rubin in diagnostics().",
            "第一阶段：以判定统计量与临界值比较（2SLS 偏误超过 10%）。\n"
            "单个内生变量为有效 F（Montiel Olea–Pflueger）；多个内生变量为两个 Sanderson–Windmeijer 条件 F "
            "中较小者。\n"
            "KP p 值：Kleibergen–Paap LM（聚类）；各 F 没有水平正确的 p 值。弱识别时请读 diagnostics() 中的 "
            "Anderson–Rubin。",
        )
        return f"{said}\n{frame_text(self.instruments[columns], digits(3, 'g'))}"

    def verdict(self) -> str:
        """Return the verdict in words, equation by equation."""
        good, total = int(self.frame["identified"].sum()), len(self.frame)
        lines = [
            tell(
                f"Identification: {good} of {total} equations identified",
                f"模型识别：{total} 个方程中可识别 {good} 个",
            )
        ]
        for row in self.frame.to_dict("records"):
            kind = 0 if not row["identified"] else 1 if row["weak"] else 2
            verdict = tell(
                ("NOT IDENTIFIED", "weak", "identified")[kind], ("未识别", "弱识别", "可识别")[kind]
            )
            facts = tell(
                f"rank {row['rank']}, needs {row['required']}", f"秩 {row['rank']}，需要 {row['required']}"
            )
            if np.isfinite(row["sigma_min"]):
                facts += tell("; smallest singular value ", "；最小奇异值 ") + f"{row['sigma_min']:.2g}"
            lines.append(
                tell(
                    f"  {row['equation']}: {verdict} ({facts})", f"  {row['equation']}：{verdict}（{facts}）"
                )
            )
            lines += [f"     {line}" for line in shown(row["advice"]).splitlines()]
        return "\n".join(lines)


def structural_identification(structure: Structure) -> Identification:
    """Apply the classical rank condition to the formulas alone, without data."""
    return _verdict(system_pattern(structure), None, pd.DataFrame())


@blas_on_one_thread()
def identify(design: Design) -> Identification:
    r"""Check identification three ways, before any coefficient is estimated.

    1. By form: :math:`\operatorname{rank}(A_g^{\circ}) = G - 1`, spatial lags being variables of their own.
    2. By X and W: the smallest singular value of :math:`P_H E[Z_g]` in random systems of this form; below
       1e-8 no, below 0.05 weakly.
    3. By the sample: Sanderson-Windmeijer F, Cragg-Donald and clustered Kleibergen-Paap statistics.

    Parameters
    ----------
    design : Design
        The aligned arrays of a system.

    Examples
    --------
    Two equations that differ in nothing but the outcome.

    >>> from spatial.models.system import SpatialSystem
    >>> from spatial.weights import Weights
    >>> ring = np.roll(np.eye(40), 1, axis=1) + np.roll(np.eye(40), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> data = pd.DataFrame(np.random.default_rng(1).normal(size=(40, 4)), columns=["a", "b", "x", "z"])
    >>> same = SpatialSystem(["a ~ b + W(a) + W(b) + x + z", "b ~ a + W(b) + W(a) + x + z"], data, W)
    >>> identify(same.design).frame["identified"].tolist()
    [False, False]
    """
    if design not in _KNOWN:
        found = system_pattern(design.structure)
        # Random systems are drawn on the map on which the lags were computed.
        base = design if design.whole is None else design.whole
        _KNOWN[design] = _verdict(found, _population(base, found), first_stages(design), design.basis.rank)
    return _KNOWN[design]


# A design never changes, and fit, diagnostics and tables ask again.
_KNOWN: WeakKeyDictionary[Design, Identification] = WeakKeyDictionary()


# ---- the population check
def _population(design: Design, found: SystemPattern) -> Float:
    layout, operators = design.layout, design.operators
    X, external = _raw(design, found.exogenous), _raw(design, found.external)
    seen = [design.seen_by(g) for g in range(design.structure.n_equations)]
    seen = seen if design.structure.has_own_instruments else seen[:1]
    effects = design.effects
    large = layout.n_rows > _LARGE
    if (
        large
        and layout.is_balanced
        and layout.n_times > 2
        and all(op.is_constant for op in operators.values())
    ):
        # A few periods show as much: E[Z] has the same columns in each.
        rows, times = _some_times(design)
        X, external = X[rows], external[rows]
        layout = balanced_layout(layout.units, layout.times[times])
        operators = {name: LagOperator(op.matrices, layout) for name, op in operators.items()}
        codes = tuple(np.unique(c[rows], return_inverse=True)[1].astype(np.intp) for c in effects.codes)
        effects = Effects(effects.names, effects.kept, codes, layout)
        bases = [_basis(one.instruments[rows], effects) for one in seen]
    else:
        bases = [one.basis.Q for one in seen]
    return population_strength(
        found.pattern,
        X,
        external,
        [operators[w] for w in found.weights],
        bases,
        effects.project,
        equations=design.structure.n_equations,
        draws=2 if large else DRAWS,
    )


def _basis(H: Float, effects: Effects) -> Float:
    return orthonormal_basis(effects.project(H), np.linalg.norm(H, axis=0)).Q


def _some_times(design: Design) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    layout = design.layout
    count = max(2, _LARGE // layout.n_units)
    times = np.unique(np.linspace(0, layout.n_times - 1, count).astype(np.intp))
    rows = (times[:, None] * layout.n_units + np.arange(layout.n_units)).ravel()
    return rows, times


def _raw(design: Design, names: Sequence[str]) -> Float:
    """Return the columns of exogenous variables as they are."""
    rows = design.layout.n_rows
    columns = [_level(design, name) for name in names]
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _level(design: Design, name: str) -> Float:
    if name == CONSTANT:
        return np.ones(design.layout.n_rows)
    for known in (design.levels, design.external):
        if name in known:
            return known[name]
    return design.instruments[:, design.instrument_names.index(name)]


# ---- the verdict
def _verdict(
    found: SystemPattern, sigma: Float | None, instruments: pd.DataFrame, count: int | None = None
) -> Identification:
    structure, pattern = found.structure, found.pattern
    required = pattern.equations - 1
    ranks = structural_ranks(pattern)
    rows, remedies = [], {}
    for g, name in enumerate(structure.names):
        smallest = float("nan") if sigma is None else float(sigma[g])
        by_form = ranks[g] >= required
        by_data = not smallest < NOT_IDENTIFIED
        mine = instruments[instruments["equation"] == name] if len(instruments) else instruments
        low = faint(mine)
        weak = by_form and by_data and (smallest < WEAK or bool(low))
        if not by_form:
            entries = exclusions_that_identify(pattern, g)
            remedies[name] = tuple(found.term(g, *entry).name for entry in entries)
            advice = advice_form(found, g, ranks[g], remedies[name])
        elif not by_data:
            advice = advice_data(found, g, count)
        else:
            advice = advice_weak(smallest, low, structure.n_equations) if weak else Said(("", ""))
        rows.append((name, by_form and by_data, ranks[g], required, smallest, weak, advice))
    columns = ["equation", "identified", "rank", "required", "sigma_min", "weak", "advice"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["advice"] = pd.Series([row[-1] for row in rows], dtype=object)  # which knows its Chinese
    return Identification(frame, instruments, remedies, found.external)


def not_identified_message(found: Identification) -> Said:
    """Return the message of `NotIdentifiedError`: which equation, why, and what would help."""
    bad = found.frame[~found.frame["identified"]]
    lines = [Said(_NONE, bad=str(len(bad)), all=str(len(found.frame)))]
    for row in bad.to_dict("records"):
        shown = "\n".join(f"  {line}" for line in str(row["advice"]).splitlines())
        ranks = {"rank": str(row["rank"]), "needs": str(row["required"])}
        lines.append(Said(_ONE, equation=row["equation"], shown=shown, advice=row["advice"], **ranks))
    return listed([*lines, Said(_FORCE)], ("\n", ""))


_NONE = (
    "{bad} of {all} equations cannot be identified by any instrument of this system.",
    "{all} 个方程中有 {bad} 个不能由本系统的任何工具变量识别。",
)
_ONE = (
    "{equation} (rank {rank}, needs {needs}):\n{shown}",
    "{equation}（秩 {rank}，需要 {needs}）：{advice}",
)
_FORCE = (
    "fit(force=True) estimates all the same, to replicate a published table, and stamps the output.",
    "fit(force=True) 仍可估计，以复现已发表的表，并在输出上注明。",
)
