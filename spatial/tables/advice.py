"""Why an equation is not identified, or only weakly, and what would help, in English and Chinese."""

from __future__ import annotations

import re

__all__ = ["advice_words", "all_known"]

_LINES: tuple[tuple[str, str], ...] = (
    (
        r"(\d+) of (\d+) equations cannot be identified by any instrument of this system\.",
        "{1} 个方程中有 {0} 个不能由本系统的任何工具变量识别。",
    ),
    (r"(\S+) \(rank (\d+), needs (\d+)\):", "{0}（秩 {1}，需要 {2}）："),
    (
        r"Every variable of this equation is also in the others: a mixture of the equations has its form\.",
        "本方程的变量也都在其他方程中：各方程的线性组合与它形式相同。",
    ),
    (
        r"Nothing outside this equation moves its endogenous regressors\.",
        "本方程之外没有变量推动其内生解释变量。",
    ),
    (
        r"The variables that it leaves out do not tell the other equations apart: .*",
        "它所排除的变量不足以区分其他方程：各方程的线性组合与它形式相同。",
    ),
    (
        r"(\d+) coefficients, (\d+) independent instruments after the effects are taken out\.",
        "有 {0} 个系数，剔除固定效应后只有 {1} 个独立的工具变量。",
    ),
    (
        r"Add exogenous variables, raise iv_order, or name instruments from outside with instruments=\.",
        "可加入外生变量、提高 iv_order，或以 instruments= 给出系统之外的工具变量。",
    ),
    (
        r"The form would do, but with these X and W a combination of the regressors cannot be told from the",
        "方程形式",
    ),
    (
        r"others: W and its powers, or regressors and their lags, are dependent once the effects are out\.",
        "足以识别，但在此 X 与 W 之下不能：剔除固定效应后，W 与其各次幂，或解释变量与其滞后项线性相关。",
    ),
    (
        r"Use other weights, more exogenous variables, or instruments from outside with instruments=\.",
        "可换用其他权重、加入外生变量，或以 instruments= 给出系统之外的工具变量。",
    ),
    (r"Leave out one of: (.+)\.", "可从本方程去掉其中之一：{0}。"),
    (
        r"No single exclusion is enough: leave out at least (\d+) variables of this equation\.",
        "只排除一个变量不够：至少从本方程去掉 {0} 个。",
    ),
    (
        r"Or put into the equations? of (.+) an exogenous variable that is not in this one, or name an",
        "或在 {0} 的方程中加入本方程没有的外生变量，",
    ),
    (r"Name an", ""),
    (r"instrument from outside the system with instruments=\.", "或以 instruments= 给出系统之外的工具变量。"),
    (
        r"fit\(force=True\) estimates all the same, to replicate a published table, and stamps the output\.",
        "fit(force=True) 仍可估计，以复现已发表的表，并在输出上注明。",
    ),
    (
        r"Even with endless data the regressors are nearly dependent \((\S+) < (\S+)\): expect large "
        r"standard errors\.",
        "即使样本无限，解释变量仍近乎线性相关（{0} < {1}）：标准误会很大。",
    ),
    (r"First-stage F below its critical value: (.+)\.", "第一阶段 F 值低于临界值：{0}。"),
    (
        r"fit\.anderson_rubin\(\) gives confidence sets that hold however weak instruments are\.",
        "fit.anderson_rubin() 给出的置信集不论工具变量多弱都成立。",
    ),
    (
        r"An exogenous variable of another equation, excluded here, is stronger than spatial lags\.",
        "其他方程中的、本方程排除的外生变量比空间滞后项更强。",
    ),
    (
        r"An instrument from outside the equation is stronger than spatial lags\.",
        "方程之外的工具变量比空间滞后项更强。",
    ),
)


def advice_words(advice: str, lang: str) -> str:
    """Return advice, a sentence a line, in a language; in Chinese what is not known stays.

    Examples
    --------
    >>> advice_words("First-stage F below its critical value: p 2.1 < 11.5.\\nName an", "zh")
    '第一阶段 F 值低于临界值：p 2.1 < 11.5。'
    >>> advice_words("Leave out one of:\\n  x, z.", "en")
    'Leave out one of: x, z.'
    """
    if lang != "zh":
        return " ".join(advice.split())
    return "".join(_chinese(line) for line in _lines(advice))


def all_known(advice: str) -> bool:
    """Whether each line has its Chinese."""
    return all(_chinese(line) != line for line in _lines(advice))


def _lines(advice: str) -> list[str]:
    return [line.strip() for line in advice.splitlines()]


def _chinese(line: str) -> str:
    for pattern, chinese in _LINES:
        found = re.fullmatch(pattern, line)
        if found is not None:
            return chinese.format(*found.groups())
    return line
