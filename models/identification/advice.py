"""What to tell a researcher whose equation is not identified, or only weakly."""

from __future__ import annotations

import pandas as pd

from spatial.words import Said, listed

from .pattern import SystemPattern

__all__ = ["advice_data", "advice_form", "advice_weak", "faint"]

WEAK = 0.05


def faint(instruments: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the endogenous regressors whose statistic is below its critical value, with both."""
    if not len(instruments):
        return {}
    low = instruments[~(instruments["strength"] >= instruments["critical_value"])]
    pairs = zip(low["strength"], low["critical_value"], strict=True)
    return dict(zip(low["regressor"], pairs, strict=True))


_WORDS = {
    "mixture": (
        "Every variable of this equation is also in the others: a mixture of the equations has its form.",
        "本方程的变量也都在其他方程中：各方程的线性组合与它形式相同。",
    ),
    "nothing": (
        "Nothing outside this equation moves its endogenous regressors.",
        "本方程之外没有变量推动其内生解释变量。",
    ),
    "alike": (
        "The variables that it leaves out do not tell the other equations apart: a mixture of the equations "
        "has its form.",
        "它所排除的变量不足以区分其他方程：各方程的线性组合与它形式相同。",
    ),
    "leave": ("Leave out one of: {terms}.", "可从本方程去掉其中之一：{terms}。"),
    "several": (
        "No single exclusion is enough: leave out at least {count} variables of this equation.",
        "只排除一个变量不够：至少从本方程去掉 {count} 个。",
    ),
    "put": (
        "Or put into {whose} an exogenous variable that is not in this one, or name an\n"
        "instrument from outside the system with instruments=.",
        "或在{whose}中加入本方程没有的外生变量，或以 instruments= 给出系统之外的工具变量。",
    ),
    "name": (
        "Name an\ninstrument from outside the system with instruments=.",
        "可以 instruments= 给出系统之外的工具变量。",
    ),
    "one": ("the equation of {names}", " {names} 的方程"),
    "more": ("the equations of {names}", " {names} 的方程"),
    "few": (
        "{count} coefficients, {rank} independent instruments after the effects are taken out.\n"
        "Add exogenous variables, raise iv_order, or name instruments from outside with instruments=.",
        "有 {count} 个系数，剔除固定效应后只有 {rank} 个独立的工具变量。"
        "可加入外生变量、提高 iv_order，或以 instruments= 给出系统之外的工具变量。",
    ),
    "data": (
        "The form would do, but with these X and W a combination of the regressors cannot be told from the\n"
        "others: W and its powers, or regressors and their lags, are dependent once the effects are out.\n"
        "Use other weights, more exogenous variables, or instruments from outside with instruments=.",
        "方程形式足以识别，但在此 X 与 W 之下不能：剔除固定效应后，W 与其各次幂，或解释变量与其滞后项，"
        "线性相关。"
        "可换用其他权重、加入外生变量，或以 instruments= 给出系统之外的工具变量。",
    ),
    "near": (
        "Even with endless data the regressors are nearly dependent ({value} < {least}): expect large "
        "standard errors.",
        "即使数据无穷多，解释变量也近于线性相关（{value} < {least}）：标准误会很大。",
    ),
    "low": (
        "First-stage F below its critical value: {shown}.\n"
        "fit.anderson_rubin() gives confidence sets that hold however weak instruments are.",
        "第一阶段 F 低于临界值：{shown}。fit.anderson_rubin() 给出不受弱工具变量影响的置信集。",
    ),
    "stronger": (
        "An exogenous variable of another equation, excluded here, is stronger than spatial lags.",
        "其他方程中、本方程所排除的外生变量，比空间滞后更强。",
    ),
    "outside": (
        "An instrument from outside the equation is stronger than spatial lags.",
        "方程之外的工具变量比空间滞后更强。",
    ),
}
_LINES = ("\n", "")


def advice_form(found: SystemPattern, g: int, rank: int, remedies: tuple[str, ...]) -> Said:
    """Say why the form of an equation cannot be told from the others, and what would help."""
    structure = found.structure
    others = [name for h, name in enumerate(structure.names) if h != g]
    why = "alike" if rank else "mixture" if others else "nothing"
    lines = [Said(_WORDS[why])]
    missing = found.pattern.equations - 1 - rank
    if remedies:
        lines.append(Said(_WORDS["leave"], terms=listed(remedies)))
    elif missing > 1:
        lines.append(Said(_WORDS["several"], count=str(missing)))
    whose = Said(_WORDS["one" if len(others) == 1 else "more"], names=listed(others))
    lines.append(Said(_WORDS["put"], whose=whose) if others else Said(_WORDS["name"]))
    return listed(lines, _LINES)


def advice_data(found: SystemPattern, g: int, instruments: int | None) -> Said:
    """Say why X and W do not identify an equation whose form would do."""
    count = len(found.structure.equations[g].terms)
    rank = count if instruments is None else instruments
    return Said(_WORDS["few" if rank < count else "data"], count=str(count), rank=str(rank))


def advice_weak(smallest: float, low: dict[str, tuple[float, float]], equations: int) -> Said:
    """Say by which measure an equation is weakly identified."""
    lines = []
    if smallest < WEAK:
        lines.append(Said(_WORDS["near"], value=f"{smallest:.2g}", least=f"{WEAK:g}"))
    if low:
        pair = ("{name} {value} < {least}", "{name} {value} < {least}")
        each = [Said(pair, name=n, value=f"{v:.3g}", least=f"{least:.3g}") for n, (v, least) in low.items()]
        lines.append(Said(_WORDS["low"], shown=listed(each)))
    lines.append(Said(_WORDS["stronger" if equations > 1 else "outside"]))
    return listed(lines, _LINES)
