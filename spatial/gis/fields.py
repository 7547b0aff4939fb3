"""Fields of a layer: short ASCII names, titles and comments in two languages, values that formats keep."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError

__all__ = ["Title", "field_slugs", "storable", "title_of"]


@dataclass(frozen=True)
class Title:
    """What a field is called, and a sentence about it, in English and Chinese; a sentence may be empty."""

    en: str
    zh: str
    en_comment: str = ""
    zh_comment: str = ""

    def name(self, lang: str) -> str:
        """Return the title in a language."""
        return self.zh if lang == "zh" else self.en

    def comment(self, lang: str) -> str:
        """Return what the field holds, else its title in the other language."""
        own, other = (self.zh_comment, self.en) if lang == "zh" else (self.en_comment, self.zh)
        return own or (other if other != self.name(lang) else "")


# Column -> field, title, comment.  All fields fit into the ten bytes of a Shapefile.
_KNOWN: Mapping[str, tuple[str, Title]] = {
    "name": ("name", Title("Name", "名称")),
    "名称": ("name", Title("Name", "名称")),
    "名字": ("name", Title("Name", "名字")),
    "城市": ("city", Title("City", "城市")),
    "城市名": ("city", Title("City", "城市名")),
    "市": ("city", Title("City", "市")),
    "地级市": ("city", Title("City", "地级市")),
    "县": ("county", Title("County", "县")),
    "地区": ("region", Title("Region", "地区")),
    "省": ("province", Title("Province", "省")),
    "省份": ("province", Title("Province", "省份")),
    "value": ("value", Title("Value", "数值", "The variable as it was given", "变量原值")),
    "year": ("year", Title("Year", "年份", "The time of the values of this layer", "本图层数值的时间")),
    "Ii": (
        "local_i",
        Title(
            "Local Moran's I",
            "局部莫兰指数",
            "z times the spatial lag of z; the sum over the units is N times I where rows of W sum to one",
            "z 与其空间滞后之积；W 行标准化时，各单元之和为 N 乘以全局指数 I",
        ),
    ),
    "z": (
        "z",
        Title("Standardised value", "标准化值", "Less the mean, by the deviation", "减均值后除以标准差"),
    ),
    "lag": (
        "lag",
        Title(
            "Spatial lag of the standardised value",
            "标准化值的空间滞后",
            "Mean of the neighbours' standardised values, by the weights",
            "按权重计算的邻居标准化值之均值",
        ),
    ),
    "quadrant": (
        "quadrant",
        Title(
            "Quadrant of the Moran scatter plot",
            "莫兰散点图象限",
            "Unit, then neighbours: H above the mean, L below",
            "先单元后邻居：H 高于均值，L 低于均值",
        ),
    ),
    "expected": ("expected", Title("Expected value", "期望值", "Under no autocorrelation", "无自相关假设下")),
    "variance": ("variance", Title("Variance", "方差", "Under no autocorrelation", "无自相关假设下")),
    "z_value": ("z_value", Title("z-value", "z值", "Less expected, by its deviation", "减期望后除以标准差")),
    "p_value": ("p_value", Title("p-value", "p值", "From the normal distribution", "正态近似")),
    "p_sim": (
        "p_sim",
        Title(
            "Permutation p-value",
            "置换检验p值",
            "By conditional permutation: the unit keeps its value, the others are shuffled",
            "条件置换：本单元数值不变，其余随机置换",
        ),
    ),
    "p_fdr": (
        "p_fdr",
        Title(
            "p-value after FDR",
            "FDR校正p值",
            "Adjusted by Benjamini and Hochberg for as many tests as units",
            "按 Benjamini-Hochberg 法对多重检验校正",
        ),
    ),
    "cluster": (
        "cluster",
        Title(
            "Cluster",
            "聚类类型",
            "The quadrant where significant, else not significant, or island",
            "显著时为所在象限，否则为不显著；无邻居者为孤岛",
        ),
    ),
    "direct": ("direct", Title("Direct effect", "直接效应", "On the unit itself", "对本单元")),
    "indirect": ("indirect", Title("Indirect effect", "间接效应", "On all other units", "对其他单元")),
    "total": ("total", Title("Total effect", "总效应", "Direct and indirect", "直接与间接之和")),
    "residual": ("residual", Title("Residual", "残差", "Observed less fitted", "观测值减拟合值")),
    "fitted": ("fitted", Title("Fitted value", "拟合值", "What the model says", "模型给出的值")),
    "i": ("i", Title("From", "起点", "Id of the unit", "单元编号")),
    "j": ("j", Title("To", "终点", "Id of its neighbour", "邻居编号")),
    "w": ("w", Title("Weight", "权重", "Of the neighbour for the unit", "邻居对本单元的权重")),
    "km": ("km", Title("Distance in km", "距离（千米）", "On the sphere", "球面距离")),
}
_RESERVED = {"fid", "geom", "geometry", "ogc_fid", "rowid"}


def title_of(column: str, labels: Mapping[str, str], lang: str = "zh") -> Title:
    """Return the title of a column: known here, with its label in `lang`, else its own name."""
    known = _KNOWN[column][1] if column in _KNOWN else Title(column, column)
    label = labels.get(column)
    if label is None:
        return known
    return Title(known.en if lang == "zh" else label, label if lang == "zh" else known.zh)


def field_slugs(names: Iterable[str]) -> list[str]:
    """Give each name a readable ASCII field name, unique without regard to case.

    Examples
    --------
    >>> field_slugs(["Ii", "W(crmrte)", "人均GDP", "产值", "fid", "w_crmrte"])
    ['local_i', 'W_crmrte', 'GDP', 'field', 'fid_1', 'w_crmrte_1']
    """
    taken = set(_RESERVED)
    out = []
    for name in names:
        stem = _KNOWN[name][0] if name in _KNOWN else re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:50]
        if not stem or stem[0].isdigit():
            stem = f"field_{stem}".strip("_")
        slug = stem
        number = 0
        while slug.lower() in taken:
            number += 1
            slug = f"{stem}_{number}"
        taken.add(slug.lower())
        out.append(slug)
    return out


def storable(values: pd.Series[Any], column: str) -> Any:
    """Return values of a type that each format keeps: int, float, bool, text or date."""
    kind = values.dtype
    if pd.api.types.is_bool_dtype(kind) and not values.isna().any():
        return values.to_numpy(dtype=bool)
    if pd.api.types.is_unsigned_integer_dtype(kind) and values.max() > np.iinfo(np.int64).max:
        return values.astype(str).to_numpy(dtype=object)
    if pd.api.types.is_integer_dtype(kind) and not values.isna().any():
        return values.to_numpy(dtype=np.int64)
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_complex_dtype(kind):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_datetime64_any_dtype(kind):
        return values.to_numpy()
    if isinstance(kind, pd.CategoricalDtype):
        # Few categories stand in many rows.
        words = pd.Series([*storable(pd.Series(kind.categories, dtype=object), column), None])
        codes = values.cat.codes.to_numpy()
        return words.array.take(np.where(codes < 0, len(words) - 1, codes))
    if isinstance(kind, pd.StringDtype) and kind == pd.Series([""]).dtype:
        return values.array
    if isinstance(kind, pd.StringDtype) or pd.api.types.infer_dtype(values) == "string":
        return values.to_numpy(dtype=object, na_value=None)
    plain = values.astype(object).where(values.notna(), None)
    if pd.api.types.is_complex_dtype(kind) or any(isinstance(v, (list, dict, set, tuple)) for v in plain):
        raise DataError(
            f"Column {column!r} holds {kind} values that no layer keeps; turn them into numbers or text."
        )
    return plain.map(lambda v: None if v is None else str(v)).to_numpy()
