"""What a study says of its results, in Chinese, and the reasons of checks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from spatial.languages.messages import in_language, message
from spatial.languages.names import name_in_chinese
from spatial.study.values import Values
from spatial.words import Said

__all__ = ["in_chinese", "reason_in_chinese"]

Pairs = tuple[tuple[str, str], ...]

_CHECKS: Mapping[str, str] = {
    "error": "错误",
    "warning": "警告",
    "sign": "符号",
    "stars": "星号",
    "R2": "R²",
    "equilibrium": "均衡",
    "error and moments": "标准误与矩",
    "mean": "均值",
    "sd": "标准差",
    "winsorised": "缩尾",
    "largest quotient": "最大区位熵",
    "moments": "矩",
    "units": "个体数",
    "years": "年数",
    "maximum": "最大值",
    "minimum": "最小值",
}
"""What `check_table` calls its checks and places."""

_EDGES = (
    (
        "Within a unit the outcomes feed on each other more than once over: a rise can end as a fall.",
        "个体内各被解释变量相互推动超过一倍：上升可能以下降告终。",
    ),
    ("Mutual adjustment within a unit does not die out.", "个体内的相互调整不收敛。"),
    (
        "The reduced form is singular or has the wrong sign for some spatial pattern: read no impacts.",
        "在某些空间形态下简化式奇异或符号相反：不可解读效应。",
    ),
    (
        "Spillovers do not die out with the order of neighbours: the power series diverges.",
        "溢出不随邻居阶数衰减：幂级数发散。",
    ),
    (
        "Best replies do not settle: the equilibrium would not be reached by adjustment.",
        "各方反应不收敛：经由调整达不到均衡。",
    ),
)
_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"The coefficient is (\S+) and its t is (\S+): they must have one sign\.",
        "系数为 {0}，t 值为 {1}：两者应当同号。",
    ),
    (r"A standard error is not negative; here (\S+)\.", "标准误不为负；此处为 {0}。"),
    (
        r"(\S+) / (\S+) is between (\S+) and (\S+) after rounding, and \|t\| is (\S+)\.",
        "计入舍入，{0} / {1} 在 {2} 与 {3} 之间，而 |t| 为 {4}。",
    ),
    (
        r"There are (\d+) stars, and only (\d+) thresholds: (.+)\.",
        "有 {0} 颗星，而显著性水平只有 {1} 个：{2}。",
    ),
    (
        r"(.+) gives (\d+) to (\d+) stars at (.+); the table has (\d+)\.",
        "按 {3} 的水平，{0} 应有 {1} 至 {2} 颗星；表中有 {4} 颗。",
    ),
    (
        r"(.+) gives (\d+) stars? at (.+); the table has (\d+)\.",
        "按 {2} 的水平，{0} 应有 {1} 颗星；表中有 {3} 颗。",
    ),
    (
        r"(.+) gives (\d+) stars? at (.+); the table has (\d+)\. It would be right .*",
        "按 {2} 的水平，{0} 应有 {1} 颗星；表中有 {3} 颗。自由度很小时可以如此。",
    ),
    (r"(N|units|years) is a whole number above 0; here (\S+)\.", "{0} 应为正整数；此处为 {1}。"),
    (
        r"N is (\d+), and (\d+) units x (\d+) years are (\d+): there are more observations than cells\.",
        "N 为 {0}，而 {1} 个个体 × {2} 年为 {3}：观测值多于单元。",
    ),
    (
        r"N is (\d+), and (\d+) units x (\d+) years are (\d+): N counts the (\w+), not the observations\.",
        "N 为 {0}，而 {1} 个个体 × {2} 年为 {3}：所记的是{4}，不是观测值数。",
    ),
    (
        r"N is (\d+), and (\d+) units x (\d+) years are (\d+): (\d+) cells are missing; an unbalanced.*",
        "N 为 {0}，而 {1} 个个体 × {2} 年为 {3}：缺失 {4} 个单元；非平衡面板应当说明。",
    ),
    (r"R2 is at most 1; here (\S+)\.", "R² 不大于 1；此处为 {0}。"),
    (
        r"R2 = (\S+) is below 0, which least squares.*",
        "R² = {0} 小于 0：含常数项的最小二乘不会如此，工具变量的 1 − RSS/TSS 可以；须说明是哪一种 R²。",
    ),
    (
        r"The standard error is at most (\S+); .* less than (.+) = (\S+) \(.*none is printed, N = (\S+)\)\.",
        "标准误至多为 {0}；误差独立同方差时，所印的矩不允许小于 {1} = {2}（未印 R²，取 0；N = {3}）。",
    ),
    (
        r"The standard error is at most (\S+); .* no less than (.+) = (\S+) \(with R2 = (\S+), N = (\S+)\)\.",
        "标准误至多为 {0}；误差独立同方差时，所印的矩不允许小于 {1} = {2}（R² = {3}，N = {4}）。",
    ),
    (r"The mean (\S+) is not between the minimum and the maximum\.", "均值 {0} 不在最小值与最大值之间。"),
    (
        r"With this mean and these ends sd is at most (\S+); printed (\S+)\.",
        "均值与两端如此，标准差至多为 {0}；所印为 {1}。",
    ),
    (
        r"Winsorised at (\S+) in each tail, as many cells stand at the (\w+), so .* = (\S+); printed (\S+)\.",
        "两端各缩尾 {0}，则有同样比例的单元位于{1}，标准差至少为 |{1} − 均值|·√{0} = {2}；所印为 {3}。",
    ),
    (
        r"The quotients of a unit, weighted .*; the printed minimum is (\S+)\. It is the quotient of one.*",
        "以全国份额加权，一地各行业区位熵的均值为 1，最大者不小于 1；所印最小值为 {0}："
        "应是某一行业的区位熵，或为他物。",
    ),
    (
        r"(\S+) on (\S+): slope (\S+), equilibrium multiplier (\S+): the conclusion reverses\.",
        "{0} 对 {1}：斜率 {2}，均衡乘数 {3}：结论相反。",
    ),
    (
        r"With its own W there is no stable equilibrium, or rho is at its bound: see fit\.stability\(\)\.",
        "以其自身的 W 不存在稳定均衡，或 rho 在边界上：见 fit.stability()。",
    ),
    *(
        (f"{before}(.+) = (\\S+), needed (.+)\\. {re.escape(en)}", f"{{0}}{of} = {{1}}，应 {{2}}。{zh}")
        for en, zh in _EDGES
        for before, of in (
            (r"largest \|eigenvalue\| of ", " 的最大特征值模"),
            ("smallest ", " 的最小值"),
            ("", ""),
        )
    ),
)
"""Reasons of `check_table`."""


def in_chinese(text: str, values: Values, heads: Mapping[str, str] | None = None) -> str:
    """Return what a result says in Chinese, its names by their labels; other texts as they are."""
    text = message(text)
    if not isinstance(text, Said):
        return text
    known = {**values.term_labels, **(heads or {})}
    return text.again("zh", lambda name: known.get(name) or name_in_chinese(name, known))


def reason_in_chinese(text: str) -> str:
    """Return a check, a place, a severity or a reason of `check_table` in Chinese.

    Examples
    --------
    >>> reason_in_chinese("R2 is at most 1; here 1.2."), reason_in_chinese("stars")
    ('R² 不大于 1；此处为 1.2。', '星号')
    """
    return _CHECKS[text] if text in _CHECKS else _said(text, _REASONS, _CHECKS)


def _said(text: str, patterns: Pairs, labels: Mapping[str, str]) -> str:
    """Return the Chinese of the first pattern that a text fits, its parts by their labels."""
    for pattern, chinese in patterns:
        found = re.fullmatch(pattern, text, re.DOTALL)
        if found is not None:
            parts = found.groups() or ("",)
            return chinese.format(*(labels.get(part) or in_language(part, "zh") for part in parts))
    return text
