"""What the pictures of the pages are drawn from: data that ship, read once."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import spatial as sp


@cache
def crime() -> tuple[Any, Any, Any]:
    """Return the 90 counties, their panel and queen weights."""
    panel = sp.shapefiles.load("nc_crime")
    counties = sp.shapefiles.load("nc").loc[panel.units]
    return counties, panel, sp.weights.contiguity(counties).row_standardized()


@cache
def births() -> tuple[Any, Any, Any]:
    """Return the 100 counties, the share of non-white births and queen weights."""
    nc = sp.shapefiles.load("nc")
    return nc, (nc["nwbir74"] / nc["bir74"]).rename("share"), sp.weights.contiguity(nc).row_standardized()


@cache
def system_fit(method: str) -> Any:
    """Return a fit of crime and police."""
    _, panel, W = crime()
    formulas = [
        "log(crmrte) ~ log(polpc) + W(log(crmrte)) + log(prbarr) + log(prbconv) + log(density)",
        "log(polpc) ~ log(crmrte) + W(log(polpc)) + log(taxpc) + log(mix) + log(density)",
    ]
    return sp.models.SpatialSystem(formulas, panel, W, effects=("unit", "time")).fit(method)


@cache
def policy() -> tuple[Any, Any]:
    """Ninety cities on a line, ten years: own effect 1, a neighbour within 60 km gets one half."""
    import geopandas as gpd

    rng = np.random.default_rng(4)
    n, years = 90, np.arange(2000, 2010)
    cities = gpd.GeoDataFrame(
        index=pd.RangeIndex(n, name="city"),
        geometry=gpd.points_from_xy(100 + 0.5 * np.arange(n), [30.0] * n),
        crs=4326,
    )
    first = np.zeros(n, int)
    first[rng.permutation(60)[:30]] = np.repeat([2003, 2005], 15)
    treated = (first[:, None] > 0) & (years >= first[:, None])
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) == 1
    exposed = ((near.astype(float) @ treated) > 0) & ~treated
    y = (
        rng.normal(size=(n, 1))
        + rng.normal(size=(1, 10))
        + treated
        + 0.5 * exposed
        + rng.normal(0, 0.3, (n, 10))
    )
    frame = pd.DataFrame(
        {
            "city": np.repeat(np.arange(n), 10),
            "year": np.tile(years, n),
            "y": y.ravel(),
            "first": np.repeat(first, 10),
        }
    )
    return sp.Panel.from_frame(frame, unit="city", time="year"), cities
