"""Moran scatter plots of a panel: of each year side by side, or of all years pooled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, name_ids
from spatial.figures.canvas import DOUBLE, drawing
from spatial.figures.style.captions import Captions, Words
from spatial.figures.words import p_words, word

from .cloud import Asked, Cloud, cloud_line, cloud_size, cloud_text, draw_cloud, far_note, reach_of, signed
from .values import codes_of, names_of, standardized

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["scatter_of_panel"]


def scatter_of_panel(panel: Any, W: Any, asked: Asked, ax: Axes | None, captions: Captions) -> Axes:
    """Draw one plot for each time wanted, or one of all units and times; see `moran_scatter`."""
    from spatial.autocorrelation.panels import moran_panel

    column, lang, permutations = asked.column, asked.lang, asked.permutations
    if W is None or column is None:
        raise DataError("Of a panel, moran_scatter needs the weights and a column: (panel, W, column='x').")
    times = _times(panel, asked.at)
    variable = str(asked.name or panel.label(panel.require(column)[0]))
    frame = moran_panel(panel, column, W, permutations=permutations).set_index("time")
    clouds = []
    for time in times:
        z, lag, statistic = _pooled(panel, column, W) if time == "pooled" else _year(panel, column, W, time)
        codes, _ = codes_of(None, z, lag)
        p = p_words(frame.loc[time], lang, permutations=permutations, short=len(times) > 1)
        label = word("pooled", lang) if time == "pooled" else str(time)
        own = names_of(asked.labels, z.index) if time != "pooled" else None
        clouds.append(Cloud(z, lag, statistic, p, codes, False, own, label, asked.n_labels))
    notes = [word("scatter_note", lang)]
    if "pooled" in times:
        notes.append(word("pooled_note", lang))
    if len(times) > 1 and permutations:
        least = f"{2 / (permutations + 1):.3g}"
        notes.append(word("grid_p", lang, count=f"{permutations:,}", least=least))
    notes += far_note(clouds, lang)
    one = clouds[0]
    colon = "：" if lang == "zh" else ": "
    words = Words.of(
        captions,
        lang,
        title=word("scatter", lang, name=variable),
        subtitle=f"{one.label.capitalize()}{colon}{cloud_line(one, lang)}" if len(clouds) == 1 else "",
        notes=notes,
    )
    texts = [variable, *(text for cloud in clouds for text in cloud_text(cloud, lang))]
    if len(clouds) == 1:
        with drawing(ax, texts, size=cloud_size(clouds[0]), words=words) as axes:
            draw_cloud(axes, clouds[0], lang)
            axes.set_xlabel(word("standardized", lang, name=variable))
            axes.set_ylabel(word("lag", lang, name=variable))
        return axes
    return _grid(clouds, ax, variable, lang, words, texts)


def _grid(
    clouds: Sequence[Cloud], ax: Axes | None, variable: str, lang: str, words: Words, texts: Sequence[str]
) -> Axes:
    across = min(len(clouds), 4 if len(clouds) > 6 else 3)
    down = -(-len(clouds) // across)
    limits = tuple(
        (min(reach[0] for reach in found), max(reach[1] for reach in found))
        for found in (
            [reach_of(cloud.z.to_numpy()) for cloud in clouds],
            [reach_of(cloud.lag.to_numpy()) for cloud in clouds],
        )
    )
    ratio = float(np.clip((limits[1][1] - limits[1][0]) / (limits[0][1] - limits[0][0]), 0.5, 1.6))
    wide = (DOUBLE - 0.35) / across
    high = (wide - 0.3) * ratio + 0.42
    with drawing(ax, texts, size=(DOUBLE, high * down + 0.2), words=words) as axes:
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        for number, cloud in enumerate(clouds):
            row, place = divmod(number, across)
            small = axes.inset_axes(
                (
                    0.055 + place * 0.945 / across,
                    0.04 + (1 - (row + 1) / down) * 0.96 + 0.19 / high * 0.96 / down,
                    0.945 / across - 0.3 / DOUBLE,
                    0.96 / down * (1 - 0.42 / high),
                )
            )
            draw_cloud(small, cloud, lang, (limits[0], limits[1]))
            small.tick_params(labelsize=6.5)
            title = f"{cloud.label}   I = {signed(cloud.statistic)}{', ' + cloud.p if cloud.p else ''}"
            small.set_title(title, loc="left", fontsize=7.5, fontweight="bold", pad=3)
        axes.text(0.52, 0, word("standardized", lang, name=variable), ha="center", va="bottom", fontsize=7.5)
        axes.text(0, 0.5, word("lag", lang, name=variable), ha="left", va="center", fontsize=7.5, rotation=90)
    return axes


def _times(panel: Any, at: Any) -> list[Any]:
    have = list(panel.times)
    if at is None or (isinstance(at, str) and at == "all"):
        return have
    wanted = (
        [at]
        if isinstance(at, str) or not isinstance(at, (list, tuple, range, pd.Index, np.ndarray))
        else list(at)
    )
    unknown = [
        time for time in wanted if time not in have and not (isinstance(time, str) and time == "pooled")
    ]
    if unknown or not wanted:
        raise DataError(
            f"The panel has no time {name_ids(unknown)}. It has {name_ids(have, 30)}; or 'all', or 'pooled'."
        )
    return wanted


def _year(panel: Any, column: str, W: Any, time: Any) -> tuple[pd.Series[float], pd.Series[float], float]:
    values = pd.Series(
        panel.cube([column])[list(panel.times).index(time), :, 0], index=panel.units, name=column
    )
    return standardized(values, W)


def _pooled(panel: Any, column: str, W: Any) -> tuple[pd.Series[float], pd.Series[float], float]:
    """Return deviations from each year's mean over their pooled spread, with their lags; by (unit, time)."""
    from spatial.ids.alignment import indexer
    from spatial.weights.value import as_weights

    weights = as_weights(W)
    order = indexer(pd.Index(panel.units), weights.ids, "the panel")
    values = panel.cube([column])[:, order, 0]
    z = values - values.mean(axis=1, keepdims=True)
    z /= np.sqrt((z**2).mean())
    lag = np.stack([weights.lag(row) for row in z])
    scale = weights.n / float(weights.sparse.sum())
    index = pd.MultiIndex.from_product([panel.times, weights.ids], names=["time", "unit"])
    return (
        pd.Series(z.ravel(), index=index),
        pd.Series(scale * lag.ravel(), index=index),
        float((z * lag).sum() / (z**2).sum() * scale),
    )
