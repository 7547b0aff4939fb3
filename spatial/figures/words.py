"""The words that figures add by themselves, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from spatial.languages.heads import CHINESE
from spatial.languages.names import name_in_chinese
from spatial.words import check_language, said

__all__ = ["named", "p_words", "word"]

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
    "side_geoda": ("one-sided (as GeoDa)", "单侧（同 GeoDa）"),
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
    "map": ("Map", "地图"),
    "pixel_mean": (
        "A pixel is the mean of its units, and the legend counts pixels.",
        "每个像元为其所含单元的均值，图例计数为像元数。",
    ),
    "unit_mean": (
        "A pixel is the mean of its units, and the legend counts units.",
        "每个像元为其所含单元的均值，图例计数为单元数。",
    ),
    "closer": ("Zoom in", "放大"),
    "farther": ("Zoom out", "缩小"),
    "all": ("Whole map", "全图"),
    "pixel_most": (
        "A pixel is what most of its units are, and the legend counts units.",
        "每个像元取其所含单元中最多的类别，图例计数为单元数。",
    ),
    "density": ("Density", "密度"),
    "direct": ("Direct", "直接效应"),
    "effect": ("Effect", "效应"),
    "estimate": ("Estimate", "估计值"),
    "expected": ("expected by chance", "随机期望"),
    "indirect": ("Indirect", "间接效应"),
    "km": ("km", "千米"),
    "gamma": ("Direct effect of the instrument, γ", "工具变量的直接效应 γ"),
    "specification": ("Specification, by estimate", "模型设定（按估计值排序）"),
    "whole_sample": ("Whole sample", "全样本"),
    "without": ("Left out", "剔除"),
    "spillover": ("Effect on the untreated", "对未处理个体的效应"),
    "effect_of": ("Effect of {name}", "{name}的效应"),
    "told_from_zero": ("Told from 0 at {level} %", "在 {level}% 置信水平上不为 0"),
    "not_told_from_zero": ("Not told from 0", "与 0 无显著差异"),
    "turning_point": ("Turning point {value}", "拐点 {value}"),
    "likelihood_ratio": ("Likelihood ratio", "似然比"),
    "threshold": ("Threshold {number}", "门槛 {number}"),
    "threshold_line": ("{level} % critical value, {value}", "{level}% 临界值 {value}"),
    "lag": ("Spatial lag of {name}", "{name}的空间滞后"),
    "mean_neighbours": ("Mean {mean}; {count} without neighbours", "平均 {mean}；无邻居 {count} 个"),
    "missing": ("No data", "无数据"),
    "moran": ("Moran’s I", "莫兰指数 I"),
    "moran_line": ("Moran’s I = {value}", "莫兰指数 I = {value}"),
    "scatter": ("Moran scatter plot of {name}", "{name}的莫兰散点图"),
    "scatter_note": (
        "Both axes in standard deviations, same scale; the slope is Moran’s I",
        "两轴均为标准差，比例相同；斜率为莫兰指数 I",
    ),
    "scatter_colors": ("Colours: local Moran, p ≤ {alpha}", "颜色：局部莫兰指数，p ≤ {alpha}"),
    "scatter_far": (
        "Triangles at the edge: {count} beyond 8 standard deviations",
        "边缘三角：{count} 个超过 8 个标准差",
    ),
    "coefficients": ("Equation of {name}", "{name}方程"),
    "effects_on": ("Effects on {name}", "对{name}的效应"),
    "att": ("Average effect on the treated", "平均处理效应"),
    "filled_at": (
        "Intervals of {level}%; filled marks: zero lies outside",
        "{level}% 置信区间；实心：区间不含零",
    ),
    "exclude_zero": ("Filled marks have intervals that exclude zero", "实心：区间不含零"),
    "effects_note": (
        "Direct: in the unit itself; indirect: in all others; total: both",
        "直接：本单元；间接：其他所有单元；总：两者之和",
    ),
    "own_scales": ("Panels have their own scales", "各图比例不同"),
    "base_period": ("Base period {value} (hollow)", "基期 {value}（空心）"),
    "bars": ("Bars: pointwise intervals", "竖线：逐点区间"),
    "bars_and_caps": ("Bars: pointwise intervals; caps: simultaneous ones", "竖线：逐点区间；短横：联合区间"),
    "density_note": (
        "{count} of the {of} times, evenly",
        "共 {of} 期，均匀选绘 {count} 期",
    ),
    "neighbours_title": ("Neighbours of {n} units", "{n} 个单元的邻居数"),
    "pooled": ("pooled", "合并"),
    "pooled_within": (
        "Pooled over the years{name}, deviations from each year’s mean: I = {value}, {p}",
        "各年合并{name}，取与当年均值之差：I = {value}，{p}",
    ),
    "pooled_overall": (
        "Pooled over the years{name}, deviations from the mean of all years: I = {value}, {p}",
        "各年合并{name}，取与总均值之差：I = {value}，{p}",
    ),
    "grid_p": (
        "Two-sided p of {count} permutations, at least {least}",
        "双侧置换检验 p，{count} 次置换，最小可达 {least}",
    ),
    "moran_of": ("Moran’s I of {name}", "{name}的莫兰指数 I"),
    "band": (
        "Shaded: 95% of what chance arrangements of the values give, by their exact variance",
        "阴影：数值随机排列时 95% 的范围（按精确方差）",
    ),
    "band_permuted": ("Shaded: the middle 95% of permutations", "阴影：置换结果的中间 95%"),
    "filled": ("Filled: {p_value} ≤ {alpha}", "实心：{p_value} ≤ {alpha}"),
    "correlogram": ("Correlogram of {name}", "{name}的空间相关图"),
    "correlogram_plain": ("Correlogram", "空间相关图"),
    "pairs_note": ("Bars: numbers of pairs", "底部条形：点对数"),
    "distance": ("Distance, km", "距离（千米）"),
    "band_width": ("Reach of the distance band, km", "距离带半径（千米）"),
    "sweep": ("Autocorrelation by reach of the distance band", "不同距离带下的空间自相关"),
    "sweep_note": ("Dashed: the band where the statistic is largest", "虚线：统计量最大的距离带"),
    "z_value": ("z-value", "z 值"),
    "reference": ("Reference distribution of {name}", "{name}的参考分布"),
    "reference_plain": ("Reference distribution", "参考分布"),
    "reference_note": (
        "{count} permutations; darker: as far out as the observed value or farther",
        "{count} 次置换；深色：与观测值同样或更极端",
    ),
    "observed": ("observed {value}", "观测值 {value}"),
    "simulated": ("Statistic under permutation", "置换下的统计量"),
    "pooled_note": (
        "Pooled over the years, deviations from each year’s mean",
        "各年合并，取与当年均值之差",
    ),
    "n_units": ("n = {count}", "n = {count}"),
    "p_is": ("p = {value}", "p = {value}"),
    "p_below": ("p < 0.001", "p < 0.001"),
    "p_smallest": ("p = {value} (smallest attainable)", "p = {value}（可达最小值）"),
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
    "true_value": ("True value", "真值"),
    "printed": ("Printed", "原文"),
    "covers": ("covers", "覆盖率"),
    "estimate_of": ("Estimate of {name} in the equation of {equation}", "{equation}方程中{name}的估计值"),
    "growth_coefficient": ("Coefficient", "系数"),
    "growth_equation": ("Growth equation", "增长方程"),
    "interval": ("Bars: {level}% intervals", "线段：{level}% 置信区间"),
    "dispersion": ("Dispersion between units", "单元之间的离散程度"),
    "inequality_parts": ("Parts of {name}", "{name}的分解"),
    "longitude": ("Longitude, degrees", "经度（度）"),
    "latitude": ("Latitude, degrees", "纬度（度）"),
    "centres": ("Path of the centre of gravity", "重心迁移轨迹"),
    "ellipses": ("Grey: standard deviational ellipses", "灰线：标准差椭圆"),
    "index_weights": ("Weights of the index", "指数权重"),
    "mean_weights": ("Mean over the times, where weights change", "权重随时间变化时取各期均值"),
    "resilience": ("Growth and what was expected of it", "实际增长与预期增长"),
    "expected_growth": ("Expected growth", "预期增长"),
    "growth": ("Growth", "实际增长"),
    "near_zero": (
        "Hollow: expected growth is near zero, and its ratio means little",
        "空心：预期增长接近零，比值意义有限",
    ),
    "transitions": ("Transitions of {name}", "{name}的状态转移"),
    "given_all": ("all neighbours", "所有邻居"),
    "given_quadrants": ("quadrants of the Moran scatter plot", "莫兰散点图象限"),
    "given_class": ("neighbours in class {number}", "邻居处于第 {number} 类"),
    "from": ("From", "期初"),
    "to": ("To", "期末"),
    "semivariogram": ("Semivariogram of {name}", "{name}的半变异函数"),
    "semivariance": ("Semivariance", "半变异"),
    "variance": ("Variance", "方差"),
    "groups": ("The effect by group", "分组效应"),
    "mechanism": ("What the treatment does, step by step", "处理的作用路径"),
    "specifications": ("The estimate in every specification", "各设定下的估计值"),
    "base_filled": ("Filled diamond: the base", "实心菱形：基准设定"),
    "almost_exogenous": ("If the instrument had an effect of its own", "若工具变量自身有直接效应"),
    "union": ("Dashed: ends of all intervals together", "虚线：所有区间的并集"),
    "left_out": ("The estimate without each group", "逐一剔除后的估计值"),
    "thresholds": ("Likelihood ratio of the threshold {name}", "门槛变量 {name} 的似然比"),
    "moderation": ("The effect over {name}", "{name}不同取值下的效应"),
    "u_bands": (
        "Zero at the least value; blue: {level}% interval; grey: that of the turning point (Fieller)",
        "以最小值处为零；蓝色：{level}% 置信区间；灰色：拐点的置信区间（Fieller）",
    ),
    "u_band": ("Zero at the least value; blue: {level}% interval", "以最小值处为零；蓝色：{level}% 置信区间"),
    "u_shape": ("The curve over {name}", "{name} 的曲线关系"),
    "marks_below": ("Marks below: values of the moderator", "底部短线：调节变量取值"),
    "anderson_rubin": (
        "Slopes that the Anderson-Rubin test does not reject",
        "Anderson-Rubin 检验不拒绝的系数",
    ),
    "decay": ("The estimate by distance", "估计值随距离的变化"),
    "draws": ("Estimates over the draws", "各次模拟的估计值"),
    "draws_note": (
        "A dot is a draw, the bar the middle half, the line the middle 95%, the circle the median; "
        "coverage: how often the 95% interval holds the truth",
        "点为每次模拟，粗线为中间 50%，细线为中间 95%，圆圈为中位数；覆盖率：95% 置信区间包含真值的比例",
    ),
    "never": ("never", "从未"),
    "adopted": ("First treated", "首个受处理期"),
}


def word(key: str, lang: str | None = None, **values: object) -> str:
    """Return the words for `key`, with `values` filled in.

    Examples
    --------
    >>> word("lag", "en", name="income"), word("total", "zh")
    ('Spatial lag of income', '总效应')
    """
    return said(_WORDS, key, lang, **values)


def named(name: object, lang: str | None = None) -> str:
    """Return what a result calls a measure, a part or a class in a language; names of columns stay.

    Examples
    --------
    >>> named("theil", "zh"), named("class 1", "zh"), named("theil", "en"), named("gdp", "zh")
    ('泰尔指数', '第 1 类', 'theil', 'gdp')
    """
    text = str(name)
    if check_language(lang) == "en":
        return text
    return CHINESE.get(text) or name_in_chinese(text, {})


def p_words(
    result: Any, lang: str | None = None, *, permutations: int | None = None, short: bool = False
) -> str:
    """Return the p-value of a result in words, with its side: by permutation, if there were permutations.

    The smallest p-value that so many permutations can give is said to be that, not "< 0.001".  `short` leaves
    out both, for many plots beside each other.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> p_words(SimpleNamespace(p_sim=0.002, permutations=999, alternative="two-sided"))
    'two-sided p = 0.002 (smallest attainable)'
    """
    lang = check_language(lang)
    found = [(key, _value(result, key)) for key in ("p_sim", "p_randomisation", "p_value")]
    known = [(key, p) for key, p in found if np.isfinite(p)]
    if not known:
        return ""
    key, p = known[0]
    runs = int(_value(result, "permutations", 0) if permutations is None else permutations)
    side = str(getattr(result, "alternative", "two-sided")).replace("-", "_")
    smallest = getattr(result, "smallest_p", (2 if side == "two_sided" else 1) / (runs + 1) if runs else 0.0)
    if short:
        return word("p_is", lang, value=f"{p:.3f}")
    if key == "p_sim" and runs and p <= float(smallest) * (1 + 1e-9):
        said_p = word("p_smallest", lang, value=f"{p:.3g}")
    elif p < 0.001:
        said_p = word("p_below", lang)
    else:
        said_p = word("p_is", lang, value=f"{p:.3f}")
    return f"{word(f'side_{side}', lang)} {said_p}"


def _value(result: Any, key: str, default: float = np.nan) -> float:
    found = result.get(key, default) if isinstance(result, pd.Series) else getattr(result, key, default)
    return float(found) if isinstance(found, (int, float, np.number)) else default
