"""What a joint fit says of its cell: where its intervals cover less often, or tell little."""

from __future__ import annotations

from spatial.models.data.design import Design
from spatial.words import Said, listed

from .coverage import JOINT, WITHOUT
from .moments import Moments
from .roots import Root

__all__ = ["NO_ROOT", "cell_notes", "root_notes"]

_DENSE, _EDGE = 0.2, 0.995

NO_ROOT = Said(
    (
        "the equations of the joint estimator have no solution near the instrumental-variable estimate",
        "联合估计的方程在工具变量估计附近无解",
    )
)
_BY_DISTANCE = Said(
    (
        "p-values and intervals by inverting the distance of the quasi-score, not from standard errors",
        "p 值与置信区间由拟得分的距离反推，不用标准误",
    )
)
_BEYOND = (
    "the equations of the joint estimator have their solution beyond the admissible region ({where}): "
    "reported is a point at its edge, with the standard errors of the solution; intervals by distance "
    "are measured from the solution, and hold",
    "联合估计的方程之解在可行域之外（{where}）：所报为域边界上的一点，标准误取自该解；按距离的区间自该解量起，仍然成立",
)
_RHO = ("rho of {name} {value}", "{name} 的 rho 为 {value}")
_UNSTABLE = Said(("spatial lags without an equilibrium", "空间滞后无均衡"))
_TWO_TIMES = (
    "with two times 95 % intervals cover less often than they say: in simulations those of slopes of "
    "other outcomes in {others}, of lags and rho in {lags}; see fit.anderson_rubin()",
    "只有两期时，95% 区间的覆盖率低于名义水平：模拟中其他因变量的系数为 {others}，空间滞后与 rho 为 {lags}；"
    "见 fit.anderson_rubin()",
)
_VARIED = {
    "unbalanced": (
        "in an unbalanced panel, of weights among the units observed, 95 % intervals covered in {share} of "
        "simulated samples (N 50-100, T 4-6, 15-30 % of the cells absent at random, 50-100 draws)",
        "非平衡面板（权重限于当期观测到的单元），95% 区间在 {share} 的模拟样本中覆盖真值"
        "（N 50–100，T 4–6，随机缺失 15%–30%，50–100 次抽样）",
    ),
    "weights by time": (
        "with weights that change over time 95 % intervals covered in {share} of simulated samples "
        "(N 100, T 6, 50 draws)",
        "权重随时间变化时，95% 区间在 {share} 的模拟样本中覆盖真值（N 100，T 6，50 次抽样）",
    ),
    "regions by time": (
        "with effects that the spatial filter changes (region by time) 95 % intervals covered in "
        "{share} of simulated samples (N 80-100, T 4-6)",
        "含空间滤波会改变的效应（区域 × 时间）时，95% 区间在 {share} 的模拟样本中覆盖真值（N 80–100，T 4–6）",
    ),
}
_WITHOUT = (
    "{names} without an equation: instrumented as in 2SLS; 95 % intervals of such slopes"
    " covered in {share} of simulated samples (N 50-100, T 6; the weaker the instruments, the less)",
    "{names} 没有自己的方程：按 2SLS 取工具变量；这类系数的 95% 区间在 {share} 的模拟样本中覆盖真值"
    "（N 50–100，T 6；工具越弱，覆盖越少）",
)
_ALL_PAIRS = (
    "{names} joins more than {share} of all pairs of units: lag and error can "
    "hardly be told apart, intervals are wide; they covered in {covered} of simulated "
    "samples (inverse distances of all pairs, N 100, T 6, rho .7)",
    "{names} 连接了 {share} 以上的单元对：空间滞后与空间误差几乎无法区分，区间很宽；"
    "它们在 {covered} 的模拟样本中覆盖真值（全部单元对的反距离，N 100，T 6，rho .7）",
)


def root_notes(moments: Moments, root: Root) -> tuple[Said, ...]:
    """Say where the estimate lies, and how its intervals are made."""
    if root.converged:
        return (_BY_DISTANCE,)
    if root.centre is None:
        return (NO_ROOT,)
    structure, beyond = moments.design.structure, []
    for g, k in moments.rho_places.items():
        operator = moments.design.error_operator(g)
        if operator is not None and abs(root.centre[k]) * operator.radius > _EDGE:
            beyond.append(Said(_RHO, name=structure.names[g], value=f"{root.centre[k]:.2f}"))
    return Said(_BEYOND, where=listed(beyond or [_UNSTABLE])), _BY_DISTANCE


def cell_notes(moments: Moments) -> tuple[Said, ...]:
    """Say where the intervals cover less often than they should, or tell little; with figures."""
    design, notes = moments.design, []
    if design.layout.n_times == 2 and ("unit",) in design.effects.kept:
        others, lags = JOINT["other outcomes at two times"], JOINT["two times"]
        notes.append(Said(_TWO_TIMES, others=others, lags=lags))
    kind = _varied(moments)
    if kind:
        notes.append(Said(_VARIED[kind], share=JOINT[kind]))
    outside = design.structure.other_endogenous
    if outside:
        notes.append(Said(_WITHOUT, names=listed(outside), share=WITHOUT))
    dense = [name for name in moments.matrices if _density(design, name) > _DENSE]
    if dense:
        share = f"{_DENSE:.0%}"
        notes.append(Said(_ALL_PAIRS, names=listed(dense), share=share, covered=JOINT["all pairs"]))
    return tuple(notes)


def _varied(moments: Moments) -> str:
    """Name what makes the effects depend on rho, or the matrices on time; empty where nothing does."""
    if not moments.design.layout.is_balanced:
        return "unbalanced"
    if not all(moments.design.operators[name].is_constant for name in moments.matrices):
        return "weights by time"
    return "" if moments.columns.space.is_within else "regions by time"


def _density(design: Design, name: str) -> float:
    matrices = design.operators[name].matrices
    return float(max(m.nnz / max(1, m.shape[0] * (m.shape[0] - 1)) for m in matrices))
