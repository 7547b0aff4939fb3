"""Names that results use, in Chinese: tests, effects, weights, covariances, conditions on rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from spatial.errors import DataError

__all__ = [
    "METHODS",
    "TESTS",
    "condition_words",
    "covariance_words",
    "given_labels",
    "kind_words",
    "name_in_chinese",
    "named_in_chinese",
    "normal_words",
    "stamp_words",
]

METHODS = {
    "gs3sls": "GS3SLS",
    "gs2sls": "GS2SLS",
    "3sls": "3SLS",
    "2sls": "2SLS",
    "gmm": "GMM",
    "aqs": "Joint GMM",
    "ml": "ML",
    "mess": "MESS",
    "ols": "OLS",
    "twfe": "TWFE",
    "callaway-santanna": "Callaway-Sant'Anna",
    "sun-abraham": "Sun-Abraham",
    "borusyak-jaravel-spiess": "Borusyak-Jaravel-Spiess",
    "gardner": "Gardner",
    "stacked": "Stacked",
    "etwfe": "ETWFE",
    "synthetic": "Synthetic DiD",
}

TESTS: Mapping[str, str] = {
    "Moran's I of residuals": "残差的莫兰指数",
    "slope at lower end": "下端斜率",
    "slope at upper end": "上端斜率",
    "turning point": "拐点",
    "inverse U test": "倒 U 形检验",
    "U test": "U 形检验",
    "VIF": "方差膨胀因子",
    "Wald": "Wald 检验",
    "Hausman, spatial": "空间 Hausman 检验",
    "ATT by cohort": "ATT（按批次汇总）",
    "treated - never treated": "处理组与从未处理组",
    "later - earlier treated": "较晚处理组与较早处理组",
    "earlier - later treated": "较早处理组与较晚处理组",
    "Hausman, Mundlak": "Mundlak 检验",
    "Hausman": "Hausman 检验",
    "Wooldridge": "Wooldridge 序列相关检验",
    "Pesaran CD": "Pesaran CD 检验",
    "Pre-trend": "事前趋势检验",
    "Anderson-Rubin": "Anderson-Rubin 检验",
    "Robust LM": "稳健 LM",
    " (clustered)": "（聚类）",
}
"""Tests in Chinese, by what our results call them."""

_NAMES: Mapping[str, str] = {
    "unit": "个体",
    "time": "时间",
    "Intercept": "常数项",
    "psm": "倾向得分匹配",
    "kernel": "核匹配",
    "before": "匹配前",
    "after": "匹配后",
    "entropy": "熵平衡",
    "total": "总效应",
    "full": "加入中介变量",
    "all": "全部",
    "pooled": "各期合并",
    "neighbours' mediator": "邻市的中介变量",
    "neighbours' treatment": "邻市的处理变量",
    "least": "最小值",
    "median": "中位数",
    "largest": "最大值",
    "clustered by unit": "按个体聚类",
    "Moran's I": "莫兰指数",
    "Bivariate Moran's I": "双变量莫兰指数",
    "Local Moran's I": "局部莫兰指数",
    "Bivariate Local Moran's I": "双变量局部莫兰指数",
    "Geary's C": "Geary C 指数",
    "Local Geary": "局部 Geary 指数",
    "General G": "全局 G 统计量",
    "Getis-Ord G": "局部 G 统计量",
    "Getis-Ord G*": "局部 G* 统计量",
    "Lee's L": "Lee L 统计量",
    "LOSH": "局部空间异方差（LOSH）",
    "Local join counts": "局部连接计数",
    "normality": "正态假设",
    "randomisation": "随机化假设",
    "permutation": "置换检验",
    "not significant": "不显著",
    "island": "孤岛",
    "hot spot": "热点",
    "cold spot": "冷点",
    "eigenvalues": "特征值",
    "exact": "精确",
    "delta": "delta 方法",
    "simulation": "模拟",
    "simulated": "模拟",
    "cons": "常数项",
    "rho": "ρ（空间误差）",
    "HH": "高-高",
    "LL": "低-低",
    "LH": "低-高",
    "HL": "高-低",
    "undefined": "无定义",
    "positive": "正",
    "negative": "负",
    "direct": "直接效应",
    "indirect": "间接效应",
    "none": "无",
    "constant": "常数项",
    "row": "行标准化",
    "spectral": "谱标准化",
    "minmax": "最小–最大标准化",
    "great circle, R = 6371.0088 km": "球面距离，半径 6371.0088 千米",
    "product": "乘积法",
    "two-step": "两步法",
    "random": "随机",
    "effective F": "有效 F",
    "conditional F": "条件 F",
    "own": "自身",
    "neighbours": "邻居",
    "absolute": "绝对收敛",
    "conditional": "条件收敛",
}
"""What results name, in Chinese."""
_ASKED = {"het": "heteroskedastic", "hom": "homoskedastic", "cluster": "clustered by unit"}
_KINDS = {
    "contiguity": "邻接",
    "knn": "K 近邻",
    "distance_band": "距离阈值",
    "inverse_distance": "反距离",
    "kernel": "核函数",
    "economic": "经济距离",
    "gravity": "引力",
    "nested": "经济地理嵌套",
    "nested_product": "经济地理嵌套（乘积）",
    "higher_order": "高阶邻接",
    "block": "分组",
    "grid": "栅格",
    "delaunay": "Delaunay 三角网",
    "gabriel": "Gabriel 图",
    "relative_neighbors": "相对邻近图",
    "voronoi": "泰森多边形邻接",
    "union": "并集",
    "intersection": "交集",
    "difference": "差集",
    "symmetric_difference": "对称差",
    "given": "给定矩阵",
}
_NORMALIZATIONS = {
    "row": (", row-standardised", "，行标准化"),
    "spectral": (", divided by the spectral radius", "，谱标准化"),
    "minmax": (", divided by the smaller of the largest row and column sum", "，最小–最大标准化"),
    "none": (", not normalised", "，未标准化"),
}
_COVARIANCES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^homoskedastic$", "同方差"),
    (r"^expected information$", "期望信息矩阵"),
    (r"^observed information$", "观测信息矩阵"),
    (r"^quasi-maximum likelihood sandwich$", "拟极大似然（三明治）"),
    (r"^heteroskedastic$", "异方差稳健"),
    (r"^clustered by (.+) and (.+)$", lambda m: f"按{_named(m[1])}与{_named(m[2])}双向聚类"),
    (r"^clustered by (.+), CR2$", lambda m: f"按{_named(m[1])}聚类（CR2）"),
    (r"^clustered by (.+)$", lambda m: f"按{_named(m[1])}聚类"),
    (
        r"^wild bootstrap by (.+), (\d+) replications$",
        lambda m: f"按{_named(m[1])}的 wild bootstrap，{m[2]} 次",
    ),
    (r"^Conley, (.+) km, (\d+) time lags, .*$", lambda m: f"Conley，{m[1]} 千米，时间滞后 {m[2]} 期"),
    (r"^Driscoll-Kraay, (\d+) lags$", lambda m: f"Driscoll–Kraay，滞后 {m[1]} 期"),
)

_STAMPS = {
    "not identified": "未识别",
    "not identified: forced": "未识别：强制估计（not identified: forced）",
    "Stata gs3sls: pooled, no fixed effects, no spatial error, own and cross lags in both equations": (
        "按 Stata gs3sls 命令：混合估计，无固定效应，无空间误差，两方程均含自身与交叉空间滞后"
        "（Stata gs3sls compatibility）"
    ),
}


def kind_words(kind: str, lang: str) -> str:
    """Return the kind of weights in words."""
    return _KINDS.get(kind, kind) if lang == "zh" else kind.replace("_", " ")


def normal_words(normalization: str, lang: str) -> str:
    """Return the normalisation of weights, as the end of a sentence."""
    known = _NORMALIZATIONS.get(normalization)
    return known[lang == "zh"] if known else f", {normalization}"


def covariance_words(label: str, lang: str) -> str:
    """Return how standard errors were computed, in words."""
    if lang == "zh":
        for pattern, made in _COVARIANCES:
            if found := re.match(pattern, label):
                return made if isinstance(made, str) else made(found)
    return label


def _named(level: str) -> str:
    return {"unit": "个体", "time": "时间"}.get(level, level)


_CONDITION = {
    "and": "且", "or": "或", "not": "非", "in": "属于", "is": "为", "missing": "缺失", "true": "真",
    "false": "假", "unit": "个体", "time": "时间", "==": "=", "!=": "≠", ">=": "≥", "<=": "≤",
}  # fmt: skip


def condition_words(text: str, lang: str, labels: Mapping[str, str]) -> str:
    """Return a condition on rows for readers: names by their labels, words in the language.

    Examples
    --------
    >>> condition_words("level != 'capital' and year >= 2010", "zh", {"level": "级别", "year": "年份"})
    '级别 ≠ “capital” 且 年份 ≥ 2010'
    """
    if lang != "zh":
        return text
    known = {**_CONDITION, **labels}
    shown = re.sub(
        r"'([^']*)'|\"([^\"]*)\"|`([^`]+)`|[^\W\d]\w*|==|!=|>=|<=",
        lambda m: f"“{m[1] or m[2]}”" if m[1] or m[2] else known.get(m[3] or m[0], m[3] or m[0]),
        text,
    )
    return shown.replace("为 非 缺失", "非缺失").replace("非 属于", "不属于")


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


def name_in_chinese(name: str, labels: Mapping[str, str]) -> str:
    """Return the Chinese of what results name: covariances, weights, effects, conditions, paths.

    Examples
    --------
    >>> name_in_chinese("het", {}), name_in_chinese("region:time", {"region": "区域"})
    ('异方差稳健', '区域×时间')
    """
    if name in _NAMES:
        return _NAMES[name]
    if made := _made(name):
        return made
    if ring := re.fullmatch(r"ring (\S+)-(\S+) km", name):
        return f"{ring[1]}–{ring[2]} 公里圈层"
    parts = name.split(":")
    if len(parts) > 1 and all(part in labels or part in _NAMES for part in parts):
        return "×".join(labels.get(part) or _NAMES[part] for part in parts)
    for words in (covariance_words(_ASKED.get(name, name), "zh"), kind_words(name, "zh")):
        if words != name:
            return words
    is_condition = re.search(r" (==|!=|<=?|>=?) | is (not )?missing| in [\[(]", name)
    return condition_words(name, "zh", labels) if is_condition else METHODS.get(name, name)


_WEIGHTINGS = {
    "entropy": "熵权法",
    "critic": "CRITIC 法",
    "variation": "变异系数法",
    "principal": "主成分法",
    "equal": "等权重",
    "given": "给定权重",
}


def _made(name: str) -> str:
    """Return the Chinese of what measures name: classes, growth of a column, how an index is made."""
    if number := re.fullmatch(r"class (\d+)", name):
        return f"第 {number[1]} 类"
    if growth := re.fullmatch(r"W\(growth of (.+)\)", name):
        return f"W({growth[1]} 的增长率)"
    if index := re.fullmatch(r"(\w+) weights, (sum|topsis), (?:(pooled|year)|base (.+))", name):
        over = {"pooled": "全样本", "year": "逐年"}.get(index[3]) or f"基期 {index[4]}"
        way = "加权求和" if index[2] == "sum" else "TOPSIS"
        return f"{_WEIGHTINGS.get(index[1], index[1])}，{way}，{over}"
    return ""


def given_labels(labels: Any) -> dict[str, str]:
    """Return labels by name from a mapping, a Panel or None; refuse what has none.

    Examples
    --------
    >>> given_labels({"crmrte": "Crime"})
    {'crmrte': 'Crime'}
    """
    known = labels if labels is None or isinstance(labels, Mapping) else getattr(labels, "labels", None)
    if labels is not None and not isinstance(known, Mapping):
        raise DataError(f"labels is a mapping of names to labels, or a Panel; got {type(labels).__name__}.")
    return {str(name): str(text) for name, text in (known or {}).items()}


def stamp_words(stamp: str, lang: str) -> str:
    """Return what every table must say; the English stays beside the Chinese."""
    return _STAMPS.get(stamp, stamp) if lang == "zh" else stamp
