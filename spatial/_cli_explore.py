"""The command `spatial explore`: the interactive report from the shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from spatial.errors import DataError

__all__ = ["explore_command"]

_SPEC = "queen | rook | knn:8 | band:200 (km) | inverse:1[:500] | kernel:200, or a weights file"


def explore_command(
    file: Annotated[Path, typer.Argument(help="Map: .shp .gpkg .geojson .parquet")],
    id: Annotated[str, typer.Option("--id", help="Column of the map that holds the unit ids.")],
    columns: Annotated[str, typer.Option(help="Variables, with commas between them.")],
    panel: Annotated[Path | None, typer.Option(help="Panel: .csv .dta .xlsx .parquet")] = None,
    unit: Annotated[
        str | None, typer.Option(help="Column of the panel with the unit ids; default as --id.")
    ] = None,
    time: Annotated[str, typer.Option(help="Column of the panel with the time.")] = "year",
    names: Annotated[
        str | None, typer.Option(help="Column of the map with the names; default: name, if there is one.")
    ] = None,
    weights: Annotated[str, typer.Option("--weights", "-w", help=_SPEC)] = "queen",
    islands: Annotated[str, typer.Option(help="Units without neighbours: raise | keep | nearest.")] = "raise",
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave the weights as built, without row standardisation.")
    ] = False,
    common: Annotated[
        bool, typer.Option("--common", help="Keep only the units that map and panel share.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the page: en | zh.")] = "en",
    alpha: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.05,
    permutations: Annotated[int, typer.Option(min=1)] = 999,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    layer: Annotated[str | None, typer.Option(help="Layer, where the file has several.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Text encoding, where it is not found by itself.")
    ] = None,
) -> None:
    """Write an interactive report that needs no network: map, Moran scatter and histograms, linked."""
    import spatial
    from spatial.diagnose import as_map_ids, restrict
    from spatial.report import explore

    wanted = [part.strip() for part in columns.split(",") if part.strip()]
    if not wanted:
        raise DataError(f"--columns needs names with commas between them; got {columns!r}.")
    cities = spatial.read_cities(file, id=id, layer=layer, encoding=encoding)
    data = cities
    if panel is not None:
        data = as_map_ids(spatial.read_panel(panel, unit=unit or id, time=time), cities.index)
        if common:
            cities, data, cut = restrict(cities, data)
            if cut:
                print(f"Units in both: {len(cities)}; {cut}.", file=sys.stderr)
    policy: Any = islands  # checked there
    W = spatial.weights.from_spec(cities, weights, islands=policy)
    W = W if raw else W.row_standardized()
    written = explore(
        cities, data, wanted, W, out,
        lang=lang, names=names, alpha=alpha, permutations=permutations, seed=seed, title=title,
    )  # fmt: skip
    print(f"Written: {written} ({written.stat().st_size / 1e6:.1f} MB)")
