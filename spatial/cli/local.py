"""The command `spatial local`: a statistic for each unit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .completion import columns as columns_of_map
from .completion import known
from .drawing import Background, Inset, Labels, NorthArrow, Outline, Projection, ScaleBar, map_options
from .options import (
    Alpha,
    Alternative,
    At,
    Bbox,
    Common,
    Crs,
    DropEmpty,
    Edit,
    Encoding,
    Id,
    Islands,
    Json,
    Lang,
    Layer,
    MapFile,
    Missing,
    Out,
    PanelFile,
    Permutations,
    Raw,
    Seed,
    Spec,
    Table,
    Time,
    Unit,
    Variables,
    as_options,
    build_weights,
    check_folder,
    check_lang,
    names_of,
    print_json,
    print_written,
    read_map_and_panel,
    values_of,
)  # fmt: skip

__all__ = ["local_command"]


def local_command(
    file: MapFile,
    columns: Variables,
    statistic: Annotated[
        str,
        typer.Option(
            "--statistic",
            "-s",
            help="moran | geary | getis | join-counts | quantile | losh; of two: rate | differential.",
            autocompletion=known(
                *("moran", "geary", "getis", "join-counts", "quantile", "losh", "rate", "differential")
            ),
        ),
    ] = "moran",
    beside: Annotated[
        str | None,
        typer.Option(
            "--with",
            help="A second variable: its lag, the population at risk, or the earlier one.",
            autocompletion=columns_of_map,
        ),
    ] = None,
    id: Id = None,
    weights: Spec = "queen",
    edit: Edit = None,
    islands: Islands = "raise",
    raw: Raw = False,
    panel: PanelFile = None,
    unit: Unit = None,
    time: Time = None,
    table: Table = None,
    at: At = None,
    common: Common = False,
    drop_empty: DropEmpty = False,
    missing: Missing = "raise",
    permutations: Permutations = 999,
    seed: Seed = 0,
    alternative: Alternative = "two-sided",
    alpha: Alpha = 0.05,
    fdr: Annotated[bool, typer.Option("--fdr", help="Hold the false discovery rate at alpha.")] = False,
    lang: Lang = None,
    out: Out = None,
    as_json: Json = False,
    layer: Layer = None,
    encoding: Encoding = None,
    bbox: Bbox = None,
    crs: Crs = None,
    projection: Projection = None,
    background: Background = None,
    outline: Outline = None,
    inset: Inset = "auto",
    labels: Labels = None,
    scale_bar: ScaleBar = None,
    north_arrow: NorthArrow = False,
) -> None:
    """Print a local statistic of each variable; with --out also write CSV, maps and a GeoPackage."""
    lang = check_lang(lang)
    check_folder(out)
    names = names_of(columns)
    from spatial.study.record import RunRecord

    from .local_job import LocalJob, run_local

    options = {"permutations": permutations, "seed": seed, "alpha": alpha, "fdr": fdr, "missing": missing}
    job = LocalJob(statistic, beside, options | {"alternative": alternative}, lang)
    job.check()
    settings = {"columns": names, "statistic": statistic, "weights": weights, **options}
    record = RunRecord(out or Path(), settings, stream=sys.stderr)
    cities, found, whole = read_map_and_panel(
        file, id, panel, unit=unit, time=time, table=table, layer=layer, encoding=encoding, crs=crs,
        common=common, drop_empty=drop_empty, bbox=bbox,
    )  # fmt: skip
    drawn = map_options(
        whole, projection=projection, background=background, outline=outline, inset=inset, labels=labels,
        scale_bar=scale_bar, north_arrow=north_arrow,
    )  # fmt: skip
    values, when = values_of(cities, found, at, [*names, beside])
    W = build_weights(cities, weights, islands, raw, edit)
    rows, text = run_local(record, names, values, W, job, whole, when, files=out is not None, maps=drawn)
    print_json(rows) if as_json else print(as_options(text))
    if out is not None:
        record.write()
        print_written(out, record.outputs, as_json)
