"""One map and one panel, for all formats."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from spatial.panel.panel import Panel


@pytest.fixture
def panel() -> Panel:
    frame = pd.DataFrame(
        {
            "城市代码": ["01001", "01001", "48001", "48001"],
            "年份": [2001, 2002, 2001, 2002],
            "地区生产总值": [0.1 + 0.2, np.nan, -1e-300, 1e300],
            "备注": ["=1+1", None, "http://x", 'a,b"c\n汉'],
            "整数": [1, 2, 3, -4],
            "文字代码": ["a1", "b", "c", "d"],
        }
    )
    return Panel.from_frame(
        frame,
        unit="城市代码",
        time="年份",
        labels={"地区生产总值": "GDP（亿元）", "城市代码": "行政区划代码"},
    )


@pytest.fixture
def frame() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "adcode": ["110000", "120000", "010000"],
            "名称": ["北京市", "天津市", "某市"],
            "number": [3.0, 1.0, 2.0],
            "lon": [116.4, 117.2, 118.5],
            "lat": [39.9, 39.1, 39.5],
        },
        geometry=[
            shapely.box(116, 39, 117, 40),
            shapely.box(117, 39, 118, 40),
            shapely.box(118, 39, 119, 40),
        ],
        crs=4326,
    )
