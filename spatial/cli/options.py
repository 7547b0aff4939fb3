"""What the commands share: their common options, and reading a map with its panel."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

__all__ = [
    "SPEC", "Common", "Crs", "Encoding", "Id", "Islands", "Layer", "MapFile", "PanelFile", "Raw", "Spec",
    "Table", "Time", "Unit", "build_weights", "read_map_and_panel",
]  # fmt: skip

SPEC = "queen | rook | knn:8 | band:200 (km) | inverse:1[:500] | kernel:200, or a weights file"
MapFile = Annotated[str, typer.Argument(help="Map: .shp .gpkg .geojson .parquet, or postgresql://...")]
PanelFile = Annotated[str | None, typer.Option("--panel", help="Panel: .csv .dta .xlsx .parquet")]
Id = Annotated[
    str | None,
    typer.Option("--id", help="Column of the map that holds the unit ids; not for samples."),
]
Unit = Annotated[
    str | None, typer.Option("--unit", help="Column of the panel with the ids; default as --id.")
]
Time = Annotated[str, typer.Option("--time", help="Column of the panel with the time.")]
Table = Annotated[str | None, typer.Option("--table", help="Sheet, or table of the database, of the panel.")]
Spec = Annotated[str, typer.Option("--weights", "-w", help=SPEC)]
Islands = Annotated[str, typer.Option("--islands", help="Units without neighbours: raise | keep | nearest.")]
Raw = Annotated[bool, typer.Option("--raw", help="Weights as built, without row standardisation.")]
Common = Annotated[bool, typer.Option("--common", help="Keep only the units that map and panel share.")]
Layer = Annotated[str | None, typer.Option("--layer", help="Layer, where the file has several.")]
Crs = Annotated[str | None, typer.Option("--crs", help="For a map that states none, such as EPSG:4326.")]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Text encoding, where it is not found.")]


def read_map_and_panel(
    file: str,
    id: str | None,
    panel: str | None,
    *,
    unit: str | None = None,
    time: str = "year",
    table: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | None = None,
    common: bool = False,
) -> tuple[Any, Any]:
    """Return the map, and the panel or None, with ids of one type; what `common` cuts is said on stderr."""
    import spatial
    from spatial.panel.joining import as_map_ids, restrict

    cities = spatial.read_cities(file, id=id, crs=crs, layer=layer, encoding=encoding)
    if panel is None:
        return cities, None
    read = spatial.read_panel(panel, unit=unit or id, time=time, sheet=table)
    found = as_map_ids(read, cities.index)
    if common:
        cities, found, cut = restrict(cities, found)
        if cut:
            print(f"Units in both: {len(cities)}; {cut}.", file=sys.stderr)
    else:
        _require_same(cities, found)
    return cities, found


def _require_same(cities: Any, panel: Any) -> None:
    from spatial.errors import AlignmentError
    from spatial.ids.alignment import indexer

    try:
        indexer(panel.units, cities.index, "the panel", "the map")
    except AlignmentError as error:
        raise AlignmentError(f"{error} Here: --common keeps the units that both have.") from None


def build_weights(cities: Any, spec: str, islands: str, raw: bool) -> Any:
    """Return the weights, row-standardised unless `raw`."""
    import spatial

    W = spatial.weights.from_spec(cities, spec, islands=islands)
    return W if raw else W.row_standardized()
