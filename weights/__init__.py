"""Who neighbours whom, and how strongly."""

from __future__ import annotations

from ._compose import block, nested
from ._contiguity import contiguity
from ._distance import distance_band, inverse_distance, kernel, knn
from ._economic import economic, gravity, nested_product
from ._io import read
from ._spec import from_spec
from ._sphere import great_circle_km
from ._weights import Meta, Weights, as_weights

__all__ = [
    "Meta",
    "Weights",
    "as_weights",
    "block",
    "contiguity",
    "distance_band",
    "economic",
    "from_spec",
    "gravity",
    "great_circle_km",
    "inverse_distance",
    "kernel",
    "knn",
    "nested",
    "nested_product",
    "read",
]
