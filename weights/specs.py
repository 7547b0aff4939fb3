"""Weights by a short text, as the command line and study files write them: ``queen``, ``knn:8``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spatial.errors import WeightsError, did_you_mean, hinted
from spatial.places.points import CitiesLike

from .build.bandwidths import kernel
from .build.contiguous import contiguity
from .build.distances import distance_band, inverse_distance, knn
from .build.proximity import delaunay, gabriel, relative_neighbors, voronoi
from .value import Weights

__all__ = ["SPECS", "from_spec"]

# name -> (fewest numbers, most numbers, how it is written)
SPECS: dict[str, tuple[int, int, str]] = {
    "queen": (0, 0, "queen"),
    "rook": (0, 0, "rook"),
    "knn": (1, 1, "knn:NEIGHBOURS"),
    "band": (1, 1, "band:KM"),
    "inverse": (1, 2, "inverse:POWER or inverse:POWER:CUTOFF_KM"),
    "kernel": (1, 1, "kernel:BANDWIDTH_KM"),
    "delaunay": (0, 0, "delaunay"),
    "gabriel": (0, 0, "gabriel"),
    "relative": (0, 0, "relative"),
    "voronoi": (0, 0, "voronoi"),
}

EXAMPLES = {
    "queen": "queen",
    "rook": "rook",
    "knn": "knn:8",
    "band": "band:200",
    "inverse": "inverse:1 or inverse:1:500",
    "kernel": "kernel:200",
}
POLICIES = ("raise", "keep", "nearest")


@hinted
def from_spec(cities: CitiesLike, spec: str, *, islands: str = "raise") -> Weights:
    """Build weights from a short text, or read them from a file.

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by unit id.
    spec : str
        ``queen``, ``rook``, ``knn:8``, ``band:200`` (km), ``inverse:1`` (power), ``inverse:1:500`` (power and
        cut-off in km), ``kernel:200`` (triangular, bandwidth in km), ``delaunay``, ``gabriel``, ``relative``
        (neighbours), ``voronoi`` (cells that touch); or the path of a weights file, which
        is matched to the cities by how the ids are written, so that 37001 of a text file is "37001" here.
    islands : {"raise", "keep", "nearest"}
        What to do with units that have no neighbour.

    Raises
    ------
    WeightsError
        Where the text is none of these.
    AlignmentError
        For a file of other units than the cities, or without ids.
    DataError
        If cities are no GeoDataFrame by id, or cannot be measured.

    Examples
    --------
    >>> import spatial as sp
    >>> sp.weights.from_spec(sp.shapefiles.load("nc"), "knn:4")
    <Weights knn: 100 units, 400 directed links, normalisation none, km>
    """
    if islands not in POLICIES:
        raise WeightsError(f"islands must be one of {', '.join(POLICIES)}; got {islands!r}.")
    if not isinstance(spec, str):
        raise WeightsError(f"Weights are named by a short text, as 'knn:8'; got {type(spec).__name__}.")
    name, *parts = spec.split(":")
    if name not in SPECS:
        if Path(spec).suffix and Path(spec).exists():
            from .reading import read_for

            return read_for(cities, spec)
        written = ", ".join(how for *_, how in SPECS.values())
        raise WeightsError(
            f"Weights {spec!r} are neither a known kind nor a file.{did_you_mean(name, SPECS)} "
            f"Write one of: {written}; or the path of a weights file."
        )
    return _build(cities, name, _numbers(spec, name, parts), islands)


def _numbers(spec: str, name: str, parts: list[str]) -> list[float]:
    fewest, most, how = SPECS[name]
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        raise WeightsError(
            f"Weights {spec!r} must be written {how}, with numbers after the colon, "
            f"as {EXAMPLES.get(name, name)}."
        ) from None
    if not fewest <= len(numbers) <= most or (name == "knn" and numbers[0] != int(numbers[0])):
        raise WeightsError(f"Weights {spec!r} must be written {how}, as {EXAMPLES.get(name, name)}.")
    return numbers


def _build(cities: Any, name: str, numbers: list[float], islands: Any) -> Weights:
    match name:
        case "queen" | "rook":
            return contiguity(cities, rook=name == "rook", islands=islands)
        case "knn":
            return knn(cities, int(numbers[0]))
        case "band":
            return distance_band(cities, numbers[0], islands=islands)
        case "inverse":
            cutoff = numbers[1] if len(numbers) > 1 else None
            return inverse_distance(cities, power=numbers[0], cutoff_km=cutoff, islands=islands)
        case "kernel":
            return kernel(cities, bandwidth_km=numbers[0])
        case "delaunay":
            return delaunay(cities)
        case "gabriel":
            return gabriel(cities)
        case "relative":
            return relative_neighbors(cities)
        case _:
            return voronoi(cities)
