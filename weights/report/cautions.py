"""What to mind about weights before a model takes them, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import name_ids, plain
from spatial.weights.meta import Meta
from spatial.weights.normalization import column_sums, row_sums

__all__ = ["cautions"]

_EXTREME_SUM, _DENSE = 10.0, 0.5
Pair = tuple[str, str]


def cautions(
    ids: pd.Index[Any], matrix: sparse.csr_array, meta: Meta, islands: pd.Index[Any], sizes: tuple[int, ...]
) -> list[Pair]:
    """Return pairs (English, Chinese): assumptions A1 and A3 of GS3SLS, and what spatial lags lose.

    The assumptions are those of Kelejian and Prucha (2004).  `sizes` are the units of each connected part.
    """
    return [*_of_the_map(ids, meta, islands, sizes), *_of_the_matrix(ids, matrix)]


def _of_the_map(
    ids: pd.Index[Any], meta: Meta, islands: pd.Index[Any], sizes: tuple[int, ...]
) -> Iterator[Pair]:
    if note := meta.cut_note(len(ids)):
        yield (
            f"these weights are a subset: {note}. Spatial lags are of the units that remain.",
            f"该权重是子集：{meta.subset_of} 个单元中的 {len(ids)} 个，其连接的 {_percent(meta.cut_share)} "
            "通向被去掉的单元，已截去。空间滞后只含保留的单元。",
        )
    if len(islands):
        yield (
            f"{len(islands)} of {len(ids)} units have no neighbours, so that their spatial lag is 0: "
            f"{name_ids(islands)}. Link them (islands='nearest', bridge=) or drop them.",
            f"{len(ids)} 个单元中有 {len(islands)} 个没有邻居，其空间滞后为 0：{_names(islands)}。"
            "请连接它们（islands='nearest' 或 bridge=），或将其去掉。",
        )
    parts = [size for size in sizes if size > 1]
    if len(parts) > 1:
        yield (
            f"the map falls into {len(parts)} parts that do not reach each other, of "
            f"{name_ids(parts)} units. Link them with bridge=, or take k nearest neighbours.",
            f"地图分为 {len(parts)} 个互不连通的部分，单元数为 {_names(parts)}。"
            "请用 bridge= 连接，或改用 K 近邻。",
        )


def _of_the_matrix(ids: pd.Index[Any], matrix: sparse.csr_array) -> Iterator[Pair]:
    if (own := int((matrix.diagonal() != 0).sum())) > 0:
        yield (
            f"{own} units are their own neighbour; models with a spatial lag assume none is.",
            f"{own} 个单元是自己的邻居；含空间滞后的模型假定没有这样的单元。",
        )
    if not (matrix.data > 0).all():
        negative = int((matrix.data < 0).sum())
        yield f"{negative} weights are negative.", f"{negative} 个权重为负。"
    for side, sums in (("row", row_sums(abs(matrix))), ("column", column_sums(abs(matrix)))):
        kept = sums[sums > 0]
        if len(kept) and kept.max() > _EXTREME_SUM * np.median(kept):
            times, where = f"{kept.max() / np.median(kept):.0f}", ids[[int(sums.argmax())]]
            row = side == "row"
            yield (
                f"the largest {side} sum is {times} times the median, at {name_ids(where)}: sums must stay "
                f"bounded as N grows. {'Normalise the weights.' if row else 'This unit sways many others.'}",
                f"最大的{'行' if row else '列'}和是中位数的 {times} 倍，位于 {_names(where)}："
                f"N 增大时和须有界。{'请对权重标准化。' if row else '该单元影响许多其他单元。'}",
            )
    density = matrix.nnz / len(ids) ** 2
    if density > _DENSE and len(ids) >= 30:
        yield (
            f"W is dense, {density:.0%} of all pairs are linked: lags come close to one mean for all. "
            "Set a cut-off, or a higher power of distance.",
            f"W 很稠密，{density:.0%} 的单元对相连：各单元的空间滞后接近同一个均值。"
            "请设截断距离，或用更高的距离幂次。",
        )


def _names(ids: Iterable[object], limit: int = 10) -> str:
    """Write the first ids and their number in Chinese, as `name_ids` does in English."""
    found = [repr(plain(i)) for i in ids]
    return "、".join(found[:limit]) + (f" 等 {len(found)} 个" if len(found) > limit else "")


def _percent(share: float) -> str:
    return "不到 0.1%" if share < 0.001 else f"{share:.1%}"
