"""Clusters and coordinates of the rows: what covariances read from the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids, warn
from spatial.ids.alignment import indexer
from spatial.models.data.layout import Codes, Layout

__all__ = [
    "FEW_CLUSTERS",
    "Clusters",
    "Coordinates",
    "Lookup",
    "cluster_codes",
    "coordinates",
    "count_of",
    "name_of",
    "warn_few",
]

Float = NDArray[np.float64]
Lookup = Callable[[str], Any]
"""Returns the (R,) values of a column of the data."""
Clusters: TypeAlias = "str | pd.Series[Any]"
"""``"unit"``, ``"time"``, a column, or a Series indexed by unit."""
Coordinates: TypeAlias = "tuple[str, str] | pd.DataFrame"
"""Two columns, or a frame by unit: with these columns first, or with a geometry."""

FEW_CLUSTERS = 30


def name_of(by: Any) -> str:
    """Name clusters: the column, or the name of the Series."""
    return by if isinstance(by, str) else str(getattr(by, "name", None) or "groups")


def count_of(codes: Codes) -> int:
    """Count the clusters."""
    return int(codes.max()) + 1


def cluster_codes(by: Any, layout: Layout, lookup: Lookup) -> Codes:
    """Return the cluster of each row, 0..C-1."""
    if isinstance(by, str) and by in ("unit", "time"):
        if (layout.n_units if by == "unit" else layout.n_times) < 2:
            raise DataError(f"Two clusters or more are needed; there is one {by}.")
        return layout.unit if by == "unit" else layout.time
    if isinstance(by, str):
        found: Any = lookup(by)
    elif isinstance(by, pd.Series):
        place = indexer(by.index, layout.units, f"clusters {name_of(by)}")
        found = by.to_numpy()[place][layout.unit]
    else:
        raise DataError(f"Clusters are a column name or a Series indexed by unit; got {type(by).__name__}.")
    codes, levels = pd.factorize(pd.Series(found))
    if (codes < 0).any():
        missing = layout.units[np.unique(layout.unit[codes < 0])]
        raise DataError(f"Every cell needs a cluster; {name_of(by)} is missing at {name_ids(missing)}.")
    if len(levels) < 2:
        raise DataError(f"Two clusters or more are needed; {name_of(by)} has {len(levels)}.")
    return np.asarray(codes, dtype=np.intp)


def warn_few(
    label: str, codes: list[Codes], layout: Layout, instead: str = "cov=Cluster(by=..., small='cr2')"
) -> None:
    """Warn where clusters are too few for the normal approximation."""
    fewest = min(count_of(c) for c in codes)
    if fewest >= FEW_CLUSTERS or fewest == layout.n_rows:
        return
    warn(
        f"Only {fewest} clusters ({label}): standard errors are too small below about "
        f"{FEW_CLUSTERS}. Use {instead}, or WildBootstrap(by=...)."
    )


def coordinates(given: Any, layout: Layout, lookup: Lookup) -> tuple[Float, Float]:
    """Return longitude and latitude of the units, in degrees."""
    if isinstance(given, (tuple, list)) and len(given) == 2 and all(isinstance(c, str) for c in given):
        first = np.unique(layout.unit, return_index=True)[1]
        lon, lat = (_degrees(c, lookup)[first] for c in given)
    elif isinstance(given, pd.DataFrame):
        place = indexer(given.index, layout.units, "the coordinates")
        if "geometry" in given.columns:
            points = given.geometry.representative_point().to_crs(4326)
            lon, lat = points.x.to_numpy()[place], points.y.to_numpy()[place]
        else:
            lon, lat = (given.iloc[:, k].to_numpy(dtype=np.float64)[place] for k in (0, 1))
    else:
        raise DataError("Conley's coordinates are two column names, a frame indexed by unit, or cities.")
    bad = ~(np.isfinite(lon) & np.isfinite(lat)) | (np.abs(lat) > 90) | (np.abs(lon) > 360)
    if bad.any():
        raise DataError(
            f"Longitude and latitude in degrees are needed; not so at {name_ids(layout.units[bad])}."
        )
    return lon, lat


def _degrees(column: str, lookup: Lookup) -> Float:
    try:
        return np.asarray(lookup(column), dtype=np.float64)
    except DataError as error:
        raise DataError(
            f"{error} Conley needs longitude and latitude: Conley(km, coordinates=cities)."
        ) from None
