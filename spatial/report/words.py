"""The words of a report, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from spatial.figures.palette import CLUSTERS, cluster_label
from spatial.languages.names import kind_words, normal_words
from spatial.weights.value import Weights
from spatial.words import check_language

__all__ = ["PAIRS", "STEPS", "Pair", "both", "report_words", "shown_label", "weights_words"]

Pair = tuple[str, str]

# Steps of cleaning, as a panel's history calls them.
STEPS: Mapping[str, Pair] = {
    "align": ("align", "与地图对齐"),
    "balance": ("balance", "取平衡面板"),
    "deflate": ("deflate", "平减"),
    "drop": ("drop", "删除列"),
    "interpolate": ("interpolate", "插值"),
    "join": ("join", "并入列"),
    "log": ("log", "取对数"),
    "map_units": ("map_units", "统一编号"),
    "parse_numbers": ("parse numbers", "读为数字"),
    "read_panel": ("read", "读入"),
    "rename": ("rename", "改名"),
    "restrict": ("restrict", "限定样本"),
    "shift": ("shift", "滞后"),
    "where": ("where", "按条件取行"),
    "winsorize": ("winsorise", "缩尾"),
    "with_columns": ("new column", "新增列"),
    "with_labels": ("labels", "标签"),
}

PAIRS: Mapping[str, Pair] = {
    "all_units": ("All {n} units with data", "全部 {n} 个有数据的单元"),
    "axis_lag": ("mean of neighbours, sd", "邻居均值（标准差）"),
    "axis_lag_sum": ("lag, sd", "空间滞后（标准差）"),
    "axis_z": ("value, sd", "本单元值（标准差）"),
    "beyond": ("{n} beyond {sd} sd at the edge", "{n} 个超出 {sd} 个标准差，绘于边缘"),
    "caution": ("Caution", "注意"),
    "classes": ("Classes over all times", "各期共同分级"),
    "classes_log": (
        "Classes over all times; analysed in logs, shown in units",
        "各期共同分级；以对数分析，以原单位显示",
    ),
    "clear": ("Clear selection", "清除选择"),
    "cluster": ("Cluster", "聚类"),
    "clusters_fdr": (
        "Local Moran, p after FDR ≤ {alpha} ({side})",
        "局部莫兰，FDR 校正后 p ≤ {alpha}（{side}）",
    ),
    "clusters_p": (
        "Local Moran, permutation p ≤ {alpha} ({side})",
        "局部莫兰，置换检验 p ≤ {alpha}（{side}）",
    ),
    "dark": ("Dark", "深色"),
    "data_head": ("The data", "数据"),
    "download": ("Download CSV", "下载 CSV"),
    "effects_head": ("Effects once neighbours respond", "邻居作出反应之后的效应"),
    "effects_note": (
        "Direct: on the unit itself. Indirect: through neighbours. Total: both. Filled marks differ from "
        "zero at "
        "5 %; bars are 95 % intervals.",
        "直接效应：对本单元；间接效应：经由邻居；总效应：二者之和。实心标记在 5% 水平上异于零；线段为 "
        "95% 区间。",
    ),
    "fdr": ("Correct for many tests (FDR)", "校正多重检验（FDR）"),
    "fdr_floor": (
        "{permutations} permutations are too few to call one unit alone: {enough} would do",
        "{permutations} 次置换不足以判定单个单元，需要 {enough} 次",
    ),
    "find": ("Find a unit", "查找单元"),
    "first_rows": ("the first {n} rows are shown, the CSV has all", "仅显示前 {n} 行，CSV 含全部"),
    "histogram": ("Distribution", "分布"),
    "histogram_sub": ("Units; the same bars in all times", "单元数；各期分组相同"),
    "how": (
        "Drag over a figure to select, Shift adds; click a row, a bar or the legend",
        "在图上拖动以选择，Shift 追加；也可点击表行、柱或图例",
    ),
    "id": ("Id", "编号"),
    "island": ("No neighbours", "无邻居"),
    "lag_z": ("Lag of z", "z 的空间滞后"),
    "language": ("Language", "语言"),
    "legend": ("Legend: choose a class to select its units", "图例：点选一类以选择其单元"),
    "level": ("Significance", "显著性水平"),
    "light": ("Light", "浅色"),
    "links_label": ("Map of the links between neighbours", "邻居连接图"),
    "links_note": (
        "Each line is a link; the area of a dot grows with the number of neighbours.",
        "每条线为一个连接；点的面积随邻居数增大。",
    ),
    "map": ("Map shows", "地图显示"),
    "map_help": (
        "Arrow keys go from unit to unit, Enter selects, Escape clears. The table below holds the same "
        "numbers.",
        "方向键在单元间移动，回车选择，Esc 清除。下表载有相同数字。",
    ),
    "methods_head": ("How the numbers are made", "方法"),
    "missing": ("No data", "无数据"),
    "missing_all": ("No data at this time", "此期无数据"),
    "models_head": ("Models", "模型"),
    "moran": ("Moran's I", "莫兰指数 I"),
    "name": ("Name", "名称"),
    "neighbour_mean": ("Mean of {n} neighbours", "{n} 个邻居的均值"),
    "neighbours": ("Neighbours", "邻居数"),
    "no": ("no", "否"),
    "no_effects": (
        "This report has no effects. Give explore(tables=...) the impacts of a system that was estimated.",
        "本报告没有效应。请把已估计系统的 impacts 交给 explore(tables=...)。",
    ),
    "no_models": (
        "This study estimates no model. Add [[systems]] or [[regressions]] and [[tables]], or give "
        "explore(tables=...) a result.",
        "本研究未估计模型。可加入 [[systems]] 或 [[regressions]] 与 [[tables]]，或把结果交给 "
        "explore(tables=...)。",
    ),
    "no_script": (
        "Scripts are switched off: the map and the table show the last time; switches need JavaScript.",
        "脚本已关闭：地图与表格显示最后一期；各项切换需要 JavaScript。",
    ),
    "no_value": ("not measured", "未计算"),
    "not-significant": ("Not significant", "不显著"),
    "not_measured": ("Not measured: {reason}", "未计算：{reason}"),
    "ns": ("(n.s.)", "（不显著）"),
    "p_fdr": ("p after FDR", "p（FDR）"),
    "p_plain": ("p", "p"),
    "p_view": ("Local Moran, permutation p-values, {side}", "局部莫兰，置换检验 p 值，{side}"),
    "p_view_fdr": ("Local Moran, p-values after FDR, {side}", "局部莫兰，FDR 校正后的 p 值，{side}"),
    "pause": ("❚❚ Pause", "❚❚ 暂停"),
    "play": ("▶ Play", "▶ 播放"),
    "print": ("Print", "打印"),
    "rank": ("Rank", "排名"),
    "scatter": ("Moran scatter plot", "莫兰散点图"),
    "sections": ("Sections", "各部分"),
    "selected_of": ("{n} of {total} selected", "已选 {n} / {total}"),
    "side_geoda": ("one-sided towards the nearer tail", "就近单侧"),
    "side_greater": ("one-sided, greater", "单侧，大于"),
    "side_less": ("one-sided, less", "单侧，小于"),
    "side_two-sided": ("two-sided", "双侧"),
    "skip": ("Skip to the map", "跳至地图"),
    "slope_all": ("slope of all {slope}", "全部斜率 {slope}"),
    "slope_rest": ("rest {slope} (n = {n})", "其余 {slope}（n = {n}）"),
    "slope_selected": ("selected {slope} (n = {n})", "所选 {slope}（n = {n}）"),
    "tab_data": ("Data", "数据"),
    "tab_effects": ("Effects", "效应"),
    "tab_explore": ("Explore", "探索"),
    "tab_methods": ("Methods", "方法"),
    "tab_models": ("Models", "模型"),
    "tab_weights": ("Weights", "权重"),
    "table": ("Table of the units", "单元表"),
    "title_at": ("{title}, {time}", "{title}，{time}"),
    "title_clusters": ("Clusters of {what}", "{what}的聚类"),
    "title_p": ("Local Moran's p-values of {what}", "{what}的局部莫兰 p 值"),
    "title_values": ("{what}", "{what}"),
    "trend": ("Moran's I over time", "莫兰指数的变化"),
    "trend_help": (
        "Filled: significant; band: the middle 95 % of permutations.",
        "实心：显著；阴影：置换分布的中间 95%。",
    ),
    "trend_how": ("Drag, or use the arrow keys.", "可拖动，或用方向键。"),
    "unreached": (
        "Struck out: with {permutations} permutations no p-value is below {least}.",
        "划去的水平不可及：{permutations} 次置换时 p 值不小于 {least}。",
    ),
    "variable": ("Variable", "变量"),
    "view_clusters": ("Clusters", "聚类"),
    "view_p": ("p-values", "p 值"),
    "view_values": ("Values", "数值"),
    "weights_head": ("Who neighbours whom", "空间权重"),
    "yes": ("yes", "是"),
    "z": ("z", "z"),
}


# Columns of tidy frames, as people read them.
_HEADS: Mapping[str, Pair] = {
    "advice": ("Advice", "建议"),
    "check": ("Check", "检查"),
    "cluster": ("Cluster", "聚类"),
    "condition": ("Condition", "条件"),
    "conf_high": ("Upper end", "区间上限"),
    "conf_low": ("Lower end", "区间下限"),
    "detail": ("Detail", "说明"),
    "df": ("Degrees of freedom", "自由度"),
    "distribution": ("Law", "分布"),
    "effect": ("Effect", "效应"),
    "equation": ("Equation", "方程"),
    "estimate": ("Estimate", "估计值"),
    "expected": ("Expected", "期望"),
    "identified": ("Identified", "可识别"),
    "method": ("Method", "方法"),
    "model": ("Model", "模型"),
    "null": ("Null hypothesis", "原假设"),
    "ok": ("Holds", "成立"),
    "outcome": ("Outcome", "被解释变量"),
    "p_fdr": ("p after FDR", "p（FDR）"),
    "p_sim": ("p by permutation", "p（置换）"),
    "p_value": ("p", "p 值"),
    "rank": ("Rank", "秩"),
    "reason": ("Reason", "原因"),
    "required": ("Needed", "所需秩"),
    "sigma_min": ("Smallest singular value", "最小奇异值"),
    "statistic": ("Statistic", "统计量"),
    "std_error": ("Std. error", "标准误"),
    "term": ("Term", "项"),
    "test": ("Test", "检验"),
    "time": ("Time", "时期"),
    "unit": ("Unit", "单元"),
    "value": ("Value", "值"),
    "variable": ("Variable", "变量"),
    "weak": ("Weak", "弱识别"),
    "words": ("In words", "文字说明"),
}


_RESULTS: Mapping[str, Pair] = {
    "Diagnostics": ("Diagnostics", "诊断检验"),
    "Identification": ("Identification", "识别"),
    "Moran": ("Moran’s I", "莫兰指数"),
    "LocalMoran": ("Local Moran’s I", "局部莫兰指数"),
    "Stability": ("Stability of the equilibrium", "均衡的稳定性"),
    "SystemFit": ("Estimates", "估计结果"),
}


def result_words(kind: str, lang: str) -> str:
    """Return what a result is called: its class in words, where it has no name of its own.

    Examples
    --------
    >>> result_words("Diagnostics", "zh"), result_words("SpatialMarkov", "en")
    ('诊断检验', 'Spatial Markov')
    """
    english, chinese = _RESULTS.get(kind, (re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind),) * 2)
    return chinese if check_language(lang) == "zh" else english


def head_words(name: object, lang: str) -> object:
    """Return the head of a column of a frame in words, or as it is called.

    Examples
    --------
    >>> head_words("std_error", "zh"), head_words("std_error", "en"), head_words("gdp", "zh")
    ('标准误', 'Std. error', 'gdp')
    """
    found = _HEADS.get(name) if isinstance(name, str) else None
    return found[check_language(lang) == "zh"] if found else name


def both(english: str, chinese: str, **values: Any) -> Pair:
    """Return a pair with the same values filled in.

    Examples
    --------
    >>> both("{n} units", "{n} 个单元", n=3)
    ('3 units', '3 个单元')
    """
    return english.format(**values), chinese.format(**values)


def shown_label(label: Pair, log: bool) -> Pair:
    """Return what a variable is called in units: without the words that say it is a logarithm.

    Examples
    --------
    >>> shown_label(("Crimes per person (log)", "人均犯罪数（对数）"), True)
    ('Crimes per person', '人均犯罪数')
    """
    if not log:
        return label
    ends = (" (log)", " (in logs)", ", log"), ("（对数）", "（取对数）")
    found = []
    for text, tails in zip(label, ends, strict=True):
        tail = next((tail for tail in (*tails, *ends[0]) if text.endswith(tail)), "")
        found.append(text.removesuffix(tail))
    return found[0], found[1]


def weights_words(weights: Weights, lang: str) -> str:
    """Describe weights in one line, in the words of the tables.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from spatial.weights import knn
    >>> seats = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0, 1, 2], [0, 0, 1]), crs=4326)
    >>> weights_words(knn(seats, 1), "en")
    'knn, 3 directed links, row-standardised'
    >>> weights_words(knn(seats, 1), "zh")
    'K 近邻，3 条有向连接，行标准化'
    """
    report, meta, zh = weights.report(spectrum=False), weights.meta, check_language(lang) == "zh"
    row = meta.normalization == "none" and weights.is_row_standardized
    links = report.links_in_words(lang, with_entries=False)
    normal = normal_words("row" if row else meta.normalization, lang).strip(" ,，")
    alone = f"{len(report.islands):,} {'个无邻居' if zh else 'without neighbours'}"
    parts = [kind_words(meta.kind, lang), links, normal, *([alone] if len(report.islands) else [])]
    return ("，" if zh else ", ").join(parts)


def report_words(lang: str) -> dict[str, str]:
    """Return all words of one language, and those of the clusters by code.

    Examples
    --------
    >>> report_words("zh")["slope_all"], report_words("en")["HH"]
    ('全部斜率 {slope}', 'High-High')
    """
    place = check_language(lang) == "zh"
    words = {key: pair[place] for key, pair in PAIRS.items()}
    return words | {code: cluster_label(code, lang) for code in CLUSTERS[:4]}
