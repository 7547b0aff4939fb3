"""The words that figures add by themselves, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from spatial.words import said

__all__ = ["word"]

_WORDS: Mapping[str, tuple[str, str]] = {
    "confidence_set": ("{level} % confidence set", "{level}% 置信集"),
    "clusters": ("Clusters of {name}", "{name}的局部聚类"),
    "clusters_plain": ("Local clusters", "局部聚类"),
    "statistic_LocalMoran": ("Local Moran’s I", "局部莫兰指数"),
    "statistic_GetisOrd": ("Getis-Ord G", "Getis-Ord G"),
    "statistic_other": ("Local statistic", "局部统计量"),
    "significance_of": ("Significance of the local statistic of {name}", "{name}局部统计量的显著性"),
    "side_two_sided": ("two-sided", "双侧"),
    "side_greater": ("one-sided (greater)", "单侧（大于）"),
    "side_less": ("one-sided (less)", "单侧（小于）"),
    "test": ("{side} {p_value} ≤ {level}", "{side}{p_value} ≤ {level}"),
    "permutations": (" ({count} permutations)", "（{count} 次置换）"),
    "hatched": ("Hatched units have no data ({count})", "斜线为无数据（{count} 个）"),
    "same_classes": (
        "The same classes in all years; counts are of units and years",
        "各年采用相同分级；计数为单元与年份之积",
    ),
    "some_years": (
        "{count} of the {of} times from {first} to {last}: one in {step}, and the last",
        "{first} 至 {last} 共 {of} 期，绘出 {count} 期：每 {step} 期一幅，及最后一期",
    ),
    "hatched_never": ("Hatched in all years: no data ({count})", "各年均为斜线：无数据（{count} 个）"),
    "hatched_sometimes": ("{count} units have gaps in some years", "{count} 个单元部分年份无数据"),
    "density": ("Density", "密度"),
    "direct": ("Direct", "直接效应"),
    "effect": ("Effect", "效应"),
    "estimate": ("Estimate", "估计值"),
    "expected": ("Expected without autocorrelation", "无自相关时的期望值"),
    "indirect": ("Indirect", "间接效应"),
    "km": ("km", "千米"),
    "effect_of": ("Effect of {name}", "{name} 的效应"),
    "told_from_zero": ("Told from 0 at {level} %", "在 {level}% 置信水平上不为 0"),
    "not_told_from_zero": ("Not told from 0", "与 0 无显著差异"),
    "turning_point": ("Turning point {value}", "拐点 {value}"),
    "likelihood_ratio": ("Likelihood ratio", "似然比"),
    "threshold": ("Threshold {number}", "门槛 {number}"),
    "threshold_line": ("{level} % critical value, {value}", "{level}% 临界值 {value}"),
    "lag": ("Spatial lag of {name}", "{name}的空间滞后"),
    "mean_neighbours": ("Mean {mean}; {count} without neighbours", "平均 {mean}；无邻居 {count} 个"),
    "missing": ("No data", "无数据"),
    "moran": ("Moran's I", "莫兰指数 I"),
    "moran_line": ("Moran's I = {value}", "莫兰指数 I = {value}"),
    "neighbours": ("Number of neighbours", "邻居数"),
    "north": ("N", "北"),
    "not_significant": ("Not significant (p > {alpha})", "不显著 (p > {alpha})"),
    "significance": ("permutation p", "置换检验 p"),
    "significance_analytic": ("analytic p", "解析 p"),
    "significance_fdr": ("permutation p after FDR", "FDR 校正的置换检验 p"),
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
