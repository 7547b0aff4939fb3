"""Spatial weights: who neighbours whom, and how strongly."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".blocks.folder": ("open_weights",),
    ".blocks.value": ("OpenWeights",),
    ".build.bandwidths": ("kernel",),
    ".build.contiguous": ("contiguity",),
    ".build.distances": (
        "distance_band",
        "inverse_distance",
        "knn",
    ),
    ".build.grid": (
        "grid",
        "raster_values",
        "values_to_raster",
    ),
    ".build.nearness": (
        "economic",
        "gravity",
        "nested_product",
    ),
    ".build.proximity": (
        "delaunay",
        "gabriel",
        "relative_neighbors",
        "voronoi",
    ),
    ".combined": (
        "block",
        "compare",
        "difference",
        "intersection",
        "nested",
        "symmetric_difference",
        "union",
    ),
    ".meta": ("Meta",),
    ".reading": ("read",),
    ".specs": ("from_spec",),
    "spatial.places.sphere": ("great_circle_km",),
    ".value": (
        "Weights",
        "WeightsLike",
        "as_weights",
    ),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
