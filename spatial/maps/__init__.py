"""Maps of cities: choropleths, Moran clusters and their significance, small multiples, connectivity."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".cohorts": ("map_cohorts",),
    ".connectivity": ("connectivity_map",),
    ".maps": (
        "map_clusters",
        "map_significance",
        "map_values",
    ),
    ".multiples": ("small_multiples",),
    ".raster": ("map_raster",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
