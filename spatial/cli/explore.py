"""The command `spatial explore`: the interactive report from the shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spatial.words import tell

from . import completion
from .options import (
    Alpha,
    Bbox,
    Common,
    Crs,
    Encoding,
    Id,
    Islands,
    Json,
    Lang,
    Layer,
    MapFile,
    PanelFile,
    Raw,
    Seed,
    Spec,
    Table,
    Time,
    Unit,
    build_weights,
    check_lang,
    names_of,
    print_json,
    read_map_and_panel,
    values_of,
)  # fmt: skip

__all__ = ["explore_command"]


def explore_command(
    file: MapFile,
    columns: Annotated[
        str,
        typer.Option(help="Variables, with commas between them.", autocompletion=completion.columns),
    ],
    id: Id = None,
    panel: PanelFile = None,
    unit: Unit = None,
    time: Time = None,
    table: Table = None,
    names: Annotated[
        str | None, typer.Option(help="Column of the map with the names; default: name, if there is one.")
    ] = None,
    weights: Spec = "queen",
    islands: Islands = "raise",
    raw: Raw = False,
    common: Common = False,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option(help="Title of the page.")] = None,
    lang: Lang = None,
    logs: Annotated[
        str, typer.Option(help="Those of the columns that hold logarithms: shown in units.")
    ] = "",
    group: Annotated[str | None, typer.Option(help="Column of the map whose groups get borders.")] = None,
    alpha: Alpha = 0.05,
    permutations: Annotated[int, typer.Option(min=1, help="How many permutations.")] = 999,
    seed: Seed = 0,
    as_json: Json = False,
    crs: Crs = None,
    layer: Layer = None,
    encoding: Encoding = None,
    bbox: Bbox = None,
) -> None:
    """Write an interactive report that needs no network: map, Moran scatter and histograms, linked."""
    from spatial.report.building import explore

    lang = check_lang(lang)
    wanted = names_of([columns])
    cities, found, whole = read_map_and_panel(
        file,
        id,
        panel,
        unit=unit,
        time=time,
        table=table,
        crs=crs,
        layer=layer,
        encoding=encoding,
        common=common,
        bbox=bbox,
    )
    values_of(cities, found, None, wanted)
    written = explore(
        whole, cities if found is None else found, wanted, build_weights(cities, weights, islands, raw), out,
        lang=lang, names=names, logs=names_of([logs]) if logs else (), group=group, alpha=alpha,
        permutations=permutations, seed=seed, title=title,
    )  # fmt: skip
    size = written.stat().st_size
    if as_json:
        print_json({"written": str(written), "bytes": size})
    else:
        print(tell("Written: ", "已写入：") + f"{written} ({size / 1e6:.1f} MB)")
