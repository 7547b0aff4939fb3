"""The command line: `spatial moran`, `weights`, `data`, `run`, `check`, `new`, `explore`, `demo`."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

import spatial
from spatial.errors import SpatialError

from .explore import explore_command
from .options import (
    Common,
    Crs,
    Encoding,
    Id,
    Islands,
    Layer,
    MapFile,
    PanelFile,
    Raw,
    Spec,
    Table,
    Time,
    Unit,
    build_weights,
    read_map_and_panel,
)  # fmt: skip
from .studies import check_command, explain_command, new_command, run_command

__all__ = ["app", "main"]

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Spatial econometrics of cities: weights, Moran diagnostics, GS3SLS, tables and maps.",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an error is one readable paragraph and exit code 2 (--debug: the traceback)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    given = [word for word in given if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if (getattr(stream, "encoding", None) or "").lower() in ("ascii", "us-ascii", "ansi_x3.4-1968"):
            stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        app(args=given, prog_name="spatial")
    except SpatialError as error:
        if debug:
            raise
        print(
            textwrap.fill(
                f"spatial: {_as_options(str(error))}", 100, break_long_words=False, break_on_hyphens=False
            ),
            file=sys.stderr,
        )
        sys.exit(2)


def _as_options(message: str) -> str:
    """Say arguments of Python as the options of the commands: islands='keep' is --islands keep here."""
    said = re.sub(r"\bislands='(\w+)'", r"--islands \1", message)
    return re.sub(r"\b(layer|crs|encoding)=(?:'([^']*)')?", lambda m: f"--{m[1]} {m[2] or ''}".rstrip(), said)


def _version(shown: bool) -> None:
    if shown:
        print(f"spatial-cities {spatial.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Every command takes --debug, which shows the traceback of an error."""


@app.command()
def moran(
    file: MapFile,
    column: Annotated[str, typer.Argument(help="Variable, of the map or of the panel.")],
    id: Id = None,
    weights: Spec = "queen",
    panel: PanelFile = None,
    unit: Unit = None,
    time: Time = "year",
    table: Table = None,
    at: Annotated[
        str | None, typer.Option(help="Time of the scatter and the maps; default the last.")
    ] = None,
    common: Common = False,
    islands: Islands = "raise",
    raw: Raw = False,
    permutations: Annotated[int, typer.Option(min=0)] = 999,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    alpha: Annotated[float, typer.Option(min=0.0, max=1.0)] = 0.05,
    lang: Annotated[str, typer.Option(help="Language of the figures: en | zh.")] = "en",
    out: Annotated[Path | None, typer.Option(help="Folder for tables/, figures/, gis/ and run.json.")] = None,
    layer: Layer = None,
    encoding: Encoding = None,
    crs: Crs = None,
) -> None:
    """Print Moran's I; with --out also write CSV, scatter plot, cluster map and GeoPackage."""
    from spatial.study.record import RunRecord

    from .moran_job import MoranJob, run_moran

    settings = {"column": column, "weights": weights, "permutations": permutations, "seed": seed}
    record = RunRecord(out or Path(), settings, stream=sys.stderr)
    cities, panel_data = read_map_and_panel(
        file,
        id,
        panel,
        unit=unit,
        time=time,
        table=table,
        layer=layer,
        encoding=encoding,
        crs=crs,
        common=common,
    )
    for source in filter(None, (file, panel)):
        record.read(source)
    W = build_weights(cities, weights, islands, raw)
    when = next((t for t in panel_data.times if str(t) == at), at) if panel_data is not None else None
    job = MoranJob(column, permutations, seed, alpha, when, lang)
    _, text = run_moran(record, cities, W, job, panel_data, files=out is not None)
    print(text)
    if panel_data is not None:
        print(f"Weights: {W!r}; p-values of {permutations} permutations are two-sided, seed {seed}.")
    if out is not None:
        record.write()
        print(f"Written to {out}: {', '.join(sorted(record.outputs))}, run.json")


@app.command()
def weights(
    file: Annotated[str, typer.Argument(help="A map, or a weights file to report or convert.")],
    id: Annotated[str | None, typer.Option("--id", help="Column of the map that holds the unit ids.")] = None,
    weights: Spec = "queen",
    islands: Islands = "raise",
    row: Annotated[bool, typer.Option("--row", help="Row-standardise.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write to .gal .gwt .swm .csv .xlsx .parquet .npz .mtx")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the connectivity map (.png, .svg, .pdf).")] = None,
    layer: Layer = None,
    encoding: Encoding = None,
    crs: Crs = None,
) -> None:
    """Build weights from a map (with --id) or read a file; print the report; convert with --out."""
    from spatial.io.samples import sample_of

    if id is None and sample_of(file, "cities") is None:
        if plot is not None:
            raise SpatialError("A connectivity map needs a map: give its file and --id.")
        if Path(file).suffix.lower() in (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".gdb"):
            raise SpatialError(
                f"{Path(file).name} is a map: give --id, the column with the ids of its units."
            )
        W = spatial.weights.read(file)
    else:
        cities = spatial.read_cities(file, id=id, crs=crs, layer=layer, encoding=encoding)
        W = spatial.weights.from_spec(cities, weights, islands=islands)
    W = W.row_standardized() if row else W
    print(W.report().summary())
    if out is not None:
        print(f"Written: {W.write(out)}")
    if plot is not None:
        print(f"Written: {spatial.save_figure(W.plot(cities), plot)}")


@app.command()
def data(
    name: Annotated[str | None, typer.Argument(help="A sample, to see where its files are.")] = None,
) -> None:
    """List the maps and panels that ship, or the files of one."""
    if name is None:
        print(spatial.shapefiles.catalogue().drop(columns=["note", "licence"]).to_string())
    else:
        print(spatial.shapefiles.path(name))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("out/demo"),
) -> None:
    """Run the study that ships: crime and police in North Carolina; and Moran's I of 336 Chinese cities."""
    from .demo import run_virtual_agglomeration

    run_command(spatial.shapefiles.path("nc").with_name("study.toml"), out=out)
    print(f"\n{run_virtual_agglomeration(out)}")


app.command("run")(run_command)
app.command("check")(check_command)
app.command("new")(new_command)
app.command("explain")(explain_command)
app.command("explore")(explore_command)
