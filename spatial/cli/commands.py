"""The commands `spatial moran`, `weights`, `data` and `demo`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from spatial.errors import SpatialError
from spatial.io.samples import Sample, sample, samples
from spatial.words import Said, tell

from . import completion
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
    edited,
    names_of,
    print_json,
    print_written,
    read_map_and_panel,
    values_of,
    window_of,
)  # fmt: skip

__all__ = ["data", "demo", "moran", "weights"]


def moran(
    file: MapFile,
    columns: Variables,
    id: Id = None,
    weights: Spec = "queen",
    panel: PanelFile = None,
    unit: Unit = None,
    time: Time = None,
    table: Table = None,
    at: At = None,
    common: Common = False,
    drop_empty: DropEmpty = False,
    missing: Missing = "raise",
    beside: Annotated[
        str | None,
        typer.Option(
            "--with",
            help="A second variable: the bivariate Moran's I with its lag.",
            autocompletion=completion.columns,
        ),
    ] = None,
    edit: Edit = None,
    islands: Islands = "raise",
    raw: Raw = False,
    permutations: Permutations = 999,
    seed: Seed = 0,
    alternative: Alternative = "two-sided",
    alpha: Alpha = 0.05,
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
    """Print Moran's I; with --out also write CSV, figures, maps, GeoPackage and, of a panel, the report."""
    lang = check_lang(lang)
    check_folder(out)
    names = names_of(columns)
    from spatial.study.record import RunRecord

    from .moran_job import MoranJob, by_time_notes, run_moran

    settings = {"columns": names, "weights": weights, "permutations": permutations, "seed": seed}
    record = RunRecord(out or Path(), settings, stream=sys.stderr)
    cities, panel_data, whole = read_map_and_panel(
        file, id, panel, unit=unit, time=time, table=table, layer=layer, encoding=encoding, crs=crs,
        common=common, drop_empty=drop_empty, bbox=bbox,
    )  # fmt: skip
    drawn = map_options(
        whole, projection=projection, background=background, outline=outline, inset=inset, labels=labels,
        scale_bar=scale_bar, north_arrow=north_arrow,
    )  # fmt: skip
    for source in filter(None, (file, panel)):
        ships = samples().get(source)
        record.read(source if ships is None else ships.file(ships.formats[0]))
    values, when = values_of(cities, panel_data, at, [*names, beside])
    W = build_weights(cities, weights, islands, raw, edit)
    job = MoranJob(tuple(names), permutations, seed, alpha, when, lang, alternative, missing, beside, drawn)
    found, text = run_moran(record, cities, values, W, job, panel_data, files=out is not None, whole=whole)
    if as_json:
        print_json(found)
    else:
        print(as_options(text))
        if panel_data is not None:
            print(by_time_notes(found))
    if out is not None:
        record.write()
        print_written(out, record.outputs, as_json)


def weights(
    file: Annotated[
        str,
        typer.Argument(
            help="A map or a sample, or a weights file to report or convert.", autocompletion=completion.maps
        ),
    ],
    id: Id = None,
    weights: Spec = "queen",
    edit: Edit = None,
    islands: Islands = "raise",
    row: Annotated[bool, typer.Option("--row", help="Row-standardise.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write to .gal .gwt .swm .csv .xlsx .parquet .npz .mtx")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the connectivity map (.png, .svg, .pdf).")] = None,
    lang: Lang = None,
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
    """Build weights from a map (with --id) or read a file; print the report; convert with --out."""
    from spatial.io.cities import read_cities
    from spatial.weights.reading import read

    cities = None
    if id is None and not file.isidentifier():
        if plot is not None:
            raise SpatialError("A connectivity map needs a map: give its file and --id.")
        if Path(file).suffix.lower() in (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".gdb"):
            read_cities(file, crs=crs, layer=layer, encoding=encoding)  # names the columns that could be ids
        W = read(file)
        W = W if edit is None else edited(W, edit)
        W = W.row_standardized() if row else W
    else:
        window = window_of(bbox)
        cities = read_cities(file, id=id, crs=crs, layer=layer, encoding=encoding, bbox=window)
        W = build_weights(cities, weights, islands, not row, edit)
    written = None if out is None else W.write(out)
    report = W.report()
    if as_json:
        print_json(report.glance())
    else:
        print(report.summary())
    if written is not None:
        print(tell("Written: ", "已写入：") + str(written), file=sys.stderr)
    if plot is not None:
        from spatial.figures.canvas import save_figure

        drawn = map_options(
            cities, projection=projection, background=background, outline=outline, inset=inset,
            labels=labels, scale_bar=scale_bar, north_arrow=north_arrow,
        )  # fmt: skip
        path = save_figure(W.plot(cities, lang=lang, **drawn), plot)
        print(tell("Written: ", "已写入：") + str(path), file=sys.stderr)


def data(
    name: Annotated[
        str | None,
        typer.Argument(help="A sample, to see where its files are.", autocompletion=completion.shipped),
    ] = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """List the maps and panels that ship, or the files of one."""
    from .drawn import drawn_samples, sample_facts, sample_text

    check_lang(lang)
    found = samples()
    if name in drawn_samples():
        print_json(sample_facts(name)) if as_json else print(sample_text(name))
    elif name is not None:
        one = sample(name)
        files = {kind: str(one.file(kind)) for kind in one.formats}
        if as_json:
            print_json({**_facts(one), "files": files})
        else:
            print(one.file(one.formats[0]))
    elif as_json:
        drawn = [{"name": name, "kind": "simulated"} for name in drawn_samples()]
        print_json([*map(_facts, found.values()), *drawn])
    else:
        width = max(map(len, found))
        for one in found.values():
            times = f" x {one.times}" if one.times else ""
            kind = tell(f"{one.kind:<6}", {"cities": "地图", "panel": "面板"}[one.kind])
            facts = tell(
                f"{one.units} units{times}, id {one.id}", f"{one.units} 个个体{times}，编号列 {one.id}"
            )
            print(f"{one.name:<{width}}  {kind}  {facts}")
            print(f"{'':<{width}}  {one.source}")
        drawn_names = drawn_samples()
        said = tell(
            f"Drawn with known truth, as `spatial data {drawn_names[0]}`: ",
            f"真值已知的模拟样本（如 `spatial data {drawn_names[0]}`）：",
        )
        print(said + ", ".join(drawn_names))


def _facts(one: Sample) -> dict[str, object]:
    names = ("name", "kind", "id", "units", "time", "times", "formats", "source", "licence", "note")
    return {name: getattr(one, name) for name in names}


_PAPERS = Said(
    (
        "Papers on simulated data with known truth: {command} (or bai, smart-city)",
        "用真值已知的模拟数据重做论文：{command}（或 bai、smart-city）",
    ),
    command="spatial new --like sun paper.toml",
)


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("out/demo"),
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Run the study that ships: crime and police in North Carolina; and Moran's I of 336 Chinese cities."""
    from spatial.io.atomic import atomic_text

    from .demo import run_virtual_agglomeration
    from .studies import print_run, run_command

    check_folder(out)
    study = sample("nc").file("gpkg").with_name("study.toml")
    if (lang := check_lang(lang)) != "en":
        text = study.read_text(encoding="utf-8").replace('language = "en"', f'language = "{lang}"', 1)
        study = atomic_text(out / study.name, text)
    run_command(study, out=out, quiet=as_json)
    text = run_virtual_agglomeration(out)
    print_run(out) if as_json else print(f"\n{text}\n\n{_PAPERS.again()}")
