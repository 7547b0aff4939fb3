"""Layers of polygons by hand, and their links as pairs, that tests of contiguity share."""

from __future__ import annotations

from typing import Any

import geopandas as gpd


def layer(shapes: dict[Any, Any], crs: Any = None) -> Any:
    return gpd.GeoDataFrame(index=list(shapes), geometry=list(shapes.values()), crs=crs)


def pairs(W: Any) -> set[str]:
    frame = W.to_frame()
    return {f"{i}{j}" for i, j in zip(frame["i"], frame["j"], strict=True) if str(i) < str(j)}
