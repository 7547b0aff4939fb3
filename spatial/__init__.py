"""Spatial econometrics of cities: weights, Moran diagnostics, agglomeration, GS3SLS, tables and maps."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Names are handed on lazily: `import spatial` must not pull in what is not used yet.
_NAMES: dict[str, str] = {
    "Panel": "spatial.panel",
    "Weights": "spatial.weights",
    "distance_decay": "spatial.agglomeration",
    "virtual_agglomeration": "spatial.agglomeration",
    "VirtualAgglomeration": "spatial.agglomeration",
    "AlignmentError": "spatial.errors",
    "ConvergenceError": "spatial.errors",
    "DataError": "spatial.errors",
    "FormulaError": "spatial.errors",
    "NotIdentifiedError": "spatial.errors",
    "SpatialError": "spatial.errors",
    "SpatialWarning": "spatial.errors",
    "WeightsError": "spatial.errors",
}
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
