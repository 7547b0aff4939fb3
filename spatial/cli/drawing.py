"""Options of the maps that commands draw: projection, land below and above, insets, names, scale, north."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from spatial.errors import DataError, did_you_mean, name_ids

__all__ = [
    "Background", "Inset", "Labels", "NorthArrow", "Outline", "Projection", "ScaleBar", "map_options",
]  # fmt: skip

Projection = Annotated[
    str | None, typer.Option("--projection", help="Of the maps, such as EPSG:3857; default an area-true one.")
]
Background = Annotated[str | None, typer.Option("--background", help="Map of land drawn below.")]
Outline = Annotated[
    str | None, typer.Option("--outline", help="Map of boundaries drawn above, such as an approved base map.")
]
Inset = Annotated[
    str, typer.Option("--inset", help="Far parts in frames: auto | none | west,south,east,north.")
]
Labels = Annotated[
    str | None, typer.Option("--labels", help="Column of the map with names to be written, or ids.")
]
ScaleBar = Annotated[
    bool | None, typer.Option("--scale-bar/--no-scale-bar", help="Default where the scale is even.")
]
NorthArrow = Annotated[bool, typer.Option("--north-arrow", help="Draw an arrow to the north.")]


def map_options(
    cities: Any,
    *,
    projection: str | None = None,
    background: str | None = None,
    outline: str | None = None,
    inset: str = "auto",
    labels: str | None = None,
    scale_bar: bool | None = None,
    north_arrow: bool = False,
) -> dict[str, Any]:
    """Return the options of maps, with files read and names looked up; what cannot be is refused.

    Examples
    --------
    >>> map_options(None, projection="EPSG:3857", inset="none")
    {'crs': 'EPSG:3857', 'inset': None}
    """
    found: dict[str, Any] = {}
    if projection is not None:
        found["crs"] = _projection(projection)
    for name, file in (("background", background), ("outline", outline)):
        if file is not None:
            found[name] = _land(file)
    if inset != "auto":
        found["inset"] = _inset(inset)
    if labels is not None:
        found["labels"] = _names(cities, labels)
    if scale_bar is not None:
        found["scale_bar"] = scale_bar
    return found | ({"north_arrow": True} if north_arrow else {})


def _projection(text: str) -> str:
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS(text)
    except CRSError:
        raise DataError(f"--projection {text!r} is no reference system; write one as EPSG:3857.") from None
    return text


def _land(file: str) -> Any:
    """Read shapes without ids."""
    from spatial.io.cities import read_cities
    from spatial.io.samples import samples
    from spatial.io.vector import read_layer

    if file in samples():
        return read_cities(file)
    if not Path(file).exists():
        raise DataError(f"There is no file {file!r} to draw; give a .shp, .gpkg, .geojson or a sample.")
    return read_layer(Path(file), None, None, None)


def _inset(text: str) -> tuple[float, ...] | None:
    if text == "none":
        return None
    try:
        sides = tuple(float(part) for part in text.split(","))
    except ValueError:
        sides = ()
    if len(sides) != 4:
        raise DataError(f"--inset is auto, none, or west,south,east,north as 106,3,123,24; got {text!r}.")
    return sides


def _names(cities: Any, column: str) -> Any:
    if column == "ids":
        return True
    if column not in cities.columns:
        raise DataError(
            f"--labels names a column of the map, or ids; there is no {column!r}."
            f"{did_you_mean(column, cities.columns)} It has: {name_ids(cities.columns, 12)}."
        )
    return cities[column]
