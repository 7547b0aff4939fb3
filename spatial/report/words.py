"""The words of a report, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from spatial.figures.palette import CLUSTERS, cluster_label
from spatial.words import check_language

__all__ = ["report_words", "weights_words"]

_WORDS: Mapping[str, tuple[str, str]] = {
    "all": ("All", "全部"),
    "all_selected": ("{n} of {total} selected", "已选 {n} / {total}"),
    "borders": ("Borders are simplified for the screen.", "边界已为屏幕显示而简化。"),
    "classes": ("Quintiles over all times", "全部时期的五分位"),
    "clear": ("Clear", "清除"),
    "cluster": ("Cluster", "聚类"),
    "clusters": ("LISA clusters", "LISA 聚类"),
    "download": ("Download CSV", "下载 CSV"),
    "fdr": ("FDR", "FDR 校正"),
    "fdr_help": (
        "Benjamini-Hochberg: hold the share of false discoveries among the clusters",
        "Benjamini-Hochberg：控制聚类中的错误发现率",
    ),
    "first_rows": ("The first {n} rows are shown; the CSV has all.", "仅显示前 {n} 行；CSV 含全部。"),
    "heaviest": (
        "Hovering shows the {n} neighbours with the largest weights.",
        "悬停时显示权重最大的 {n} 个邻居。",
    ),
    "histogram": ("Distribution", "分布"),
    "how": (
        "Drag a box over the map, the scatter or a histogram; Shift adds. Click a legend row to select it.",
        "在地图、散点图或直方图上拖框选择；按住 Shift 追加。点击图例可选择该类。",
    ),
    "id": ("Id", "编号"),
    "lag": ("Spatial lag", "空间滞后"),
    "lag_z": ("Spatial lag of z", "z 的空间滞后"),
    "least_p": (
        "With {permutations} permutations no p-value is below {least}; at lower levels none is significant.",
        "{permutations} 次置换时双侧 p 值不小于 {least}：更小的显著性水平下没有显著单元。",
    ),
    "level": ("Significance", "显著性"),
    "map": ("Map", "地图"),
    "missing": ("No data", "无数据"),
    "moran": ("Moran's I", "莫兰指数 I"),
    "mean": ("Mean", "均值"),
    "name": ("Name", "名称"),
    "neighbours": ("Neighbours", "邻居数"),
    "none_selected": ("No selection", "未选择"),
    "no_script": ("This report needs JavaScript.", "本报告需要 JavaScript。"),
    "not_measured": ("Not measured: {reason}", "未计算：{reason}"),
    "p": ("p (permutation)", "p（置换检验）"),
    "p_fdr": ("p after FDR", "p（FDR 校正）"),
    "p_plain": ("p", "p"),
    "play": ("Play", "播放"),
    "pause": ("Pause", "暂停"),
    "quadrant": ("Quadrant", "象限"),
    "rest": ("Rest", "其余"),
    "scatter": ("Moran scatter", "莫兰散点图"),
    "selected": ("Selected", "所选"),
    "selection": ("Selection", "所选单元"),
    "significance": ("p-values", "p 值"),
    "slope": ("Slope", "斜率"),
    "tables": ("Models and effects", "模型与效应"),
    "title": ("Spatial patterns of {what}", "{what}的空间格局"),
    "times": ("times", "个时期"),
    "trend": ("Moran's I over time", "莫兰指数的变化"),
    "trend_help": ("filled: p ≤ {alpha}; click a point to go there", "实心：p ≤ {alpha}；点击可跳转"),
    "units": ("Units", "单元数"),
    "value": ("Value", "数值"),
    "values": ("Values", "数值"),
    "variable": ("Variable", "变量"),
    "weights": ("Weights", "空间权重"),
    "weights_histogram": ("Neighbours per unit", "每个单元的邻居数"),
    "with_p": (
        "p-values: {permutations} permutations, seed {seed}",
        "p 值：{permutations} 次置换，种子 {seed}",
    ),
    "z": ("z (standardised)", "z（标准化）"),
}

_WEIGHTS_ZH: Mapping[str, str] = {
    "contiguity": "邻接",
    "distance_band": "距离带",
    "economic": "经济距离",
    "gravity": "引力",
    "inverse_distance": "反距离",
    "kernel": "核函数",
    "knn": "K 近邻",
    "minmax": "最大行列和标准化",
    "nested": "嵌套",
    "none": "未标准化",
    "row": "行标准化",
    "spectral": "谱标准化",
}
_NORMALIZATION_EN: Mapping[str, str] = {
    "minmax": "min-max normalised",
    "none": "not normalised",
    "row": "row-standardised",
    "spectral": "spectrally normalised",
}


def weights_words(kind: str, normalization: str, links: int, islands: int, lang: str) -> str:
    """Describe weights in one line.

    Examples
    --------
    >>> weights_words("knn", "row", 800, 0, "en")
    'knn, 800 links, row-standardised'
    >>> weights_words("knn", "row", 800, 2, "zh")
    'K 近邻，800 条连接，行标准化，2 个无邻居'
    """
    if check_language(lang) == "zh":
        parts = [
            _WEIGHTS_ZH.get(kind, kind),
            f"{links:,} 条连接",
            _WEIGHTS_ZH.get(normalization, normalization),
        ]
        return "，".join(parts + ([f"{islands} 个无邻居"] if islands else []))
    parts = [kind.replace("_", " "), f"{links:,} links", _NORMALIZATION_EN.get(normalization, normalization)]
    return ", ".join(parts + ([f"{islands} without neighbours"] if islands else []))


def report_words(lang: str) -> dict[str, str]:
    """Return all words of one language, and those of the clusters by code.

    Examples
    --------
    >>> report_words("zh")["slope"], report_words("en")["HH"]
    ('斜率', 'High-High')
    """
    place = check_language(lang) == "zh"
    words = {key: pair[place] for key, pair in _WORDS.items()}
    return words | {code: cluster_label(code, lang) for code in CLUSTERS}
