"""The words that figures add by themselves, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from spatial.words import said

__all__ = ["word"]

_WORDS: Mapping[str, tuple[str, str]] = {
    "clusters": ("Local Moran clusters", "局部莫兰聚类"),
    "confidence_set": ("{level} % confidence set", "{level}% 置信集"),
    "density": ("Density", "密度"),
    "direct": ("Direct", "直接效应"),
    "effect": ("Effect", "效应"),
    "estimate": ("Estimate", "估计值"),
    "expected": ("Expected without autocorrelation", "无自相关时的期望值"),
    "indirect": ("Indirect", "间接效应"),
    "km": ("km", "千米"),
    "lag": ("Spatial lag of {name}", "{name}的空间滞后"),
    "mean_neighbours": ("Mean {mean}; {count} without neighbours", "平均 {mean}；无邻居 {count} 个"),
    "missing": ("No data", "无数据"),
    "moran": ("Moran's I", "莫兰指数 I"),
    "moran_line": ("Moran's I = {value}", "莫兰指数 I = {value}"),
    "neighbours": ("Number of neighbours", "邻居数"),
    "north": ("N", "北"),
    "not_significant": ("Not significant (p > {alpha})", "不显著 (p > {alpha})"),
    "significance": ("Permutation p-value", "置换检验 p 值"),
    "significance_analytic": ("p-value", "p 值"),
    "significance_fdr": ("p-value after FDR", "FDR 校正 p 值"),
    "significant": ("p ≤ {alpha}", "p ≤ {alpha}"),
    "standardized": ("{name} (standardised)", "{name}（标准化）"),
    "time": ("Time relative to the event", "相对事件的时间"),
    "total": ("Total", "总效应"),
    "units": ("Number of units", "单元数"),
    "variable": ("Variable", "变量"),
}


def word(key: str, lang: str = "en", **values: object) -> str:
    """Return the words for `key`, with `values` filled in.

    Examples
    --------
    >>> word("lag", "en", name="income"), word("total", "zh")
    ('Spatial lag of income', '总效应')
    """
    return said(_WORDS, key, lang, **values)
