"""A map of sixteen squares, a local result and a panel that tests of maps share."""

from __future__ import annotations

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from map_cases import IDS

from spatial.panel.panel import Panel


@pytest.fixture
def cities() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 + k % 4, 30 + k // 4, 101 + k % 4, 31 + k // 4) for k in range(16)]
    return gpd.GeoDataFrame({"gdp": np.arange(16.0)}, geometry=shapes, index=IDS, crs=4326)


@pytest.fixture
def local() -> SimpleNamespace:
    frame = pd.DataFrame({"quadrant": ["HH", "LL", "LH", "HL"] * 4}, index=IDS)
    frame["p_sim"] = [0.001] * 4 + [0.03] * 4 + [0.2] * 8
    frame["p_fdr"] = [0.004] * 4 + [0.08] * 4 + [0.4] * 8
    frame["cluster"] = frame["quadrant"].where(frame["p_sim"] <= 0.05, "not significant")
    frame.loc["u15", ["quadrant", "cluster"]] = ["LL", "island"]
    return SimpleNamespace(frame=frame.sample(frac=1, random_state=5))


# ---- small multiples
@pytest.fixture
def panel() -> Panel:
    rows = [(i, t, k + 10.0 * t) for k, i in enumerate(IDS) for t in (1, 2, 3)]
    frame = pd.DataFrame(rows, columns=["city", "year", "x"]).sample(frac=1, random_state=0)
    return Panel.from_frame(frame, unit="city", time="year", labels={"x": "income"})
