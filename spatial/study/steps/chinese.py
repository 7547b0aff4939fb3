"""What results say of themselves, in Chinese: names of tests, and the notes below their tables."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

__all__ = ["in_chinese", "named_in_chinese"]

TESTS: Mapping[str, str] = {
    "Moran's I of residuals": "残差的莫兰指数",
    "slope at lower end": "下端斜率",
    "slope at upper end": "上端斜率",
    "turning point": "拐点",
    "inverse U test": "倒 U 形检验",
    "U test": "U 形检验",
    "VIF": "方差膨胀因子",
    "Hausman, Mundlak": "Mundlak 检验",
    "Hausman": "Hausman 检验",
    "Wooldridge": "Wooldridge 序列相关检验",
    "Pesaran CD": "Pesaran CD 检验",
    "Anderson-Rubin": "Anderson-Rubin 检验",
    "Robust LM": "稳健 LM",
    " (clustered)": "（聚类）",
}
"""Tests in Chinese, by what our results call them."""

_NOTES: tuple[tuple[str, str], ...] = (
    (
        r"(.+) at the 10% quantile of (.+): (\S+) \(p = (\S+)\); "
        r"at the 90% quantile: (\S+) \(p = (\S+)\)\.",
        "{1} 的 10% 分位处 {0} 的效应为 {2}（p = {3}），90% 分位处为 {4}（p = {5}）。",
    ),
    (
        r"Equality of (.+) by (.+), wald: p = (\S+) \(Holm (\S+)\)\.",
        "{1} 各组的 {0} 相等：Wald 检验 p = {2}（Holm 校正 {3}）。",
    ),
    (
        r"Equality of (.+) by (.+), suest: p = (\S+) \(Holm (\S+)\)\.",
        "{1} 各组的 {0} 相等：似无相关检验 p = {2}（Holm 校正 {3}）。",
    ),
    (
        r"Equality of (.+) by (.+), permutation: p = (\S+) \(Holm (\S+)\)\.",
        "{1} 各组的 {0} 相等：置换检验 p = {2}（Holm 校正 {3}）。",
    ),
    (r"(\d+) draws; intervals of (\d+)%\.", "抽取 {0} 次；区间为 {1}%。"),
    (r"(.+): refused in (\d+) draws\.", "{0}：{1} 次抽取中被拒绝。"),
    (
        r"own through (.+): (\S+), (\d+)% interval \[(.+)\]\.",
        "经由 {0} 的间接效应：{1}，{2}% 区间 [{3}]。",
    ),
    (
        r"The product a x b is a causal share only if.*",
        "乘积 a×b 仅当给定控制变量后没有未观测因素同时影响中介与结果时才是因果份额；固定效应并不保证这一点。",
    ),
    (
        r"This table shows that the treatment moves the mediator.*",
        "本表只检验处理变量对中介变量的影响；中介变量影响结果由理论说明（江艇 2022），不由本表检验。",
    ),
    (r"(.+): cov (.+)\.", "{0}：标准误改为 {1}。"),
    (r"(.+): swap (.+) to (.+)\.", "{0}：以 {2} 代替 {1}。"),
    (r"(.+): winsorize (.+)\.", "{0}：各列在 {1} 分位缩尾。"),
    (r"(.+): shift (.+)\.", "{0}：解释变量滞后 {1} 期。"),
    (r"(.+): effects (.+)\.", "{0}：固定效应为 {1}。"),
    (r"(.+): where (.+)\.", "{0}：样本为 {1}。"),
    (r"(.+): weights (.+) to (.+)\.", "{0}：权重 {1} 改为 {2}。"),
    (r"(.+): add (.+)\.", "{0}：加入 {1}。"),
    (r"(.+): drop (.+)\.", "{0}：去掉 {1}。"),
    (r"(.+): policies (.+)\.", "{0}：控制同期政策 {1}。"),
    (r"(.+): match (.+)\.", "{0}：匹配方法 {1}。"),
)
"""Notes of results as patterns, and their Chinese; what none fits stays as it is."""


def named_in_chinese(name: str) -> str:
    """Return the Chinese words for a test.

    Examples
    --------
    >>> named_in_chinese("LM lag (clustered)")
    'LM lag（聚类）'
    """
    for english, chinese in TESTS.items():
        name = name.replace(english, chinese)
    return name


def in_chinese(note: str, labels: Mapping[str, str], keep: Collection[str] = ()) -> str:
    """Return a note of a result in Chinese, columns by their labels; names in `keep` stay where they lead.

    Examples
    --------
    >>> in_chinese("Equality of x by region, wald: p = 0.020 (Holm 0.040).", {"x": "集聚"})
    'region 各组的 集聚 相等：Wald 检验 p = 0.020（Holm 校正 0.040）。'
    """
    for pattern, text in _NOTES:
        found = re.fullmatch(pattern, note, re.DOTALL)
        if found is not None:
            first, *rest = found.groups() or ("",)
            words = [first if first in keep else labels.get(first, first)]
            return text.format(*words, *(labels.get(part, part) for part in rest))
    return note
