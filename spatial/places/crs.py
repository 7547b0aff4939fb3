"""What the coordinates of a layer are: degrees, or a plane with a unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, warn

from .sphere import EARTH_RADIUS_KM

__all__ = ["Frame", "frame_of", "transformer_of"]


@dataclass(frozen=True)
class Frame:
    """Coordinates times `factor` are degrees where `lonlat`, else kilometres."""

    lonlat: bool
    factor: float
    name: str
    mercator: bool = False

    def warn_if_distorted(self, y_km: NDArray[np.float64]) -> None:
        """Warn where a Mercator map makes lengths more than 5 percent too long."""
        scale = float(np.cosh(np.median(y_km) / EARTH_RADIUS_KM)) if self.mercator else 1.0
        if scale > 1.05:
            warn(
                f"{self.name} is a Mercator map: at these latitudes its lengths are {scale:.2f} times those "
                "on the ground. Use cities.to_crs(4326) for great-circle kilometres."
            )


def frame_of(crs: Any) -> Frame:
    """Return what coordinates in `crs` mean; refuse a layer without a CRS."""
    if crs is None:
        raise DataError(
            "Distances need a coordinate reference system; this layer has none. Pass it where the map is "
            "read, e.g. crs='EPSG:4326' for longitudes and latitudes, or set it with cities.set_crs(4326)."
        )
    label = ":".join(crs.to_authority() or ()) or str(crs.name)
    unit = float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 0.0
    if crs.is_geographic and unit > 0:
        factor = float(np.degrees(unit))  # gon, in some national systems
        return Frame(True, 1.0 if abs(factor - 1) < 1e-9 else factor, label)
    if not crs.is_projected or unit <= 0:
        raise DataError(
            f"Distances need a geographic or a projected CRS; this layer has {label} "
            f"({crs.type_name}). Use cities.to_crs(4326)."
        )
    operation = getattr(crs, "coordinate_operation", None)
    method = operation.method_name.lower() if operation is not None else ""
    mercator = "mercator" in method and "transverse" not in method and "oblique" not in method
    return Frame(False, unit / 1000.0, label, mercator)


@lru_cache(maxsize=64)
def transformer_of(source: Any, target: Any) -> Any:
    """Return pyproj's way from one CRS to another, x before y; to look it up takes longer than to go it."""
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)
