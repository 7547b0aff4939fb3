"""Spatial econometrics of cities: weights, Moran diagnostics, agglomeration, GS3SLS, tables and maps."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Names are handed on lazily: `import spatial` must not pull in what is not used yet.  No module is named as
# a function that it holds: importing the one would hide the other.
_MODULES: dict[str, tuple[str, ...]] = {
    "spatial.panel": ("Panel",),
    "spatial.weights": ("Weights",),
    "spatial.cities": ("read_cities",),
    "spatial._read_panel": ("read_panel",),
    "spatial.lag": ("spatial_lag",),
    "spatial.global_moran": ("Moran", "moran"),
    "spatial.panel_moran": ("moran_panel",),
    "spatial.local": ("LocalMoran", "local_moran", "bivariate_local_moran"),
    "spatial.bivariate": ("bivariate_moran",),
    "spatial.geary_c": ("geary",),
    "spatial.getis": ("getis_ord",),
    "spatial.getis_general": ("general_g",),
    "spatial.markov": ("spatial_markov", "lisa_markov"),
    "spatial.agglomeration": ("distance_decay", "virtual_agglomeration", "VirtualAgglomeration"),
    "spatial.figures": (
        "moran_scatter",
        "moran_over_time",
        "coefficient_plot",
        "impacts_plot",
        "event_study_plot",
        "density_ridges",
        "neighbour_histogram",
        "save_figure",
    ),
    "spatial.maps": ("map_clusters", "map_significance", "map_values", "small_multiples"),
    "spatial.layers": ("write_layers",),
    "spatial.errors": (
        "AlignmentError",
        "ConvergenceError",
        "DataError",
        "FormulaError",
        "NotIdentifiedError",
        "SpatialError",
        "SpatialWarning",
        "WeightsError",
    ),
}
_NAMES = {name: module for module, names in _MODULES.items() for name in names}
_FOLDERS = ("models", "shapefiles", "weights")

__all__ = sorted([*_NAMES, *_FOLDERS])


def __getattr__(name: str) -> Any:
    if name in _FOLDERS:
        return importlib.import_module(f"spatial.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'spatial' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
