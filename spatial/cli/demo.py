"""The second shipped example: virtual agglomeration over the real seats of 336 Chinese cities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.agglomeration.virtual import virtual_agglomeration
from spatial.autocorrelation.panels import moran_panel
from spatial.figures.canvas import save_figure
from spatial.io.atomic import write_csv
from spatial.io.cities import read_cities
from spatial.languages.shown import digits, frame_text
from spatial.maps.maps import map_values
from spatial.panel.panel import Panel
from spatial.weights.build.distances import knn
from spatial.words import tell

__all__ = ["made_up_employment", "run_virtual_agglomeration"]

YEARS = (2019, 2020, 2021)


def made_up_employment(cities: Any, seed: int = 2025) -> Panel:
    """Make up employment of all sectors and of a digital one, higher on the coast: not data, an example."""
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([cities.index, YEARS], names=["adcode", "year"])
    total = rng.lognormal(12, 1, len(rows))
    coastal = cities["coastal"].reindex(rows, level=0).to_numpy(dtype=float)
    digital = total * 0.03 * rng.lognormal(0.5 * coastal, 0.4)
    frame = pd.DataFrame({"digital": digital, "total": total}, index=rows).reset_index()
    labels = {"digital": "made-up digital employment", "total": "made-up employment"}
    return Panel.from_frame(frame, unit="adcode", time="year", labels=labels)


def run_virtual_agglomeration(folder: Path) -> str:
    """Write Moran's I of virtual agglomeration by year and its map; return what to show."""
    cities = read_cities("china_cities")
    found = virtual_agglomeration(made_up_employment(cities), "digital", "total", cities)
    W = knn(cities, 6).row_standardized()
    table = moran_panel(found, ["virtual_agglomeration"], W)
    write_csv(table, folder / "china" / "moran_virtual_agglomeration.csv")
    write_csv(found.sensitivity(), folder / "china" / "sensitivity.csv")
    latest = found.at(YEARS[-1])["virtual_agglomeration"]
    axes = map_values(
        cities,
        latest,
        legend_title=tell("Virtual agglomeration\n(made-up employment)", "虚拟集聚\n（就业为虚构）"),
    )
    save_figure(axes, folder / "china" / "virtual_agglomeration.png")
    shown = frame_text(table[["time", "n", "I", "z_randomisation", "p_sim"]], digits(3))
    title = tell(
        "Virtual agglomeration of 336 Chinese cities: real seats, employment made up by a seeded generator",
        "中国 336 个城市的虚拟集聚：驻地为真，就业由固定种子的随机数生成",
    )
    return f"{title}\n{shown}\n{tell('Written to ', '已写入 ')}{folder / 'china'}"
