"""What the commands share: their options, checks before any work, and reading a map with its panel."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from spatial.errors import DataError, SpatialError, did_you_mean, name_ids
from spatial.words import Said, in_force, tell

from . import completion
from .completion import known

__all__ = [
    "LAYERS", "SPEAK", "SPEC", "Alpha", "Alternative", "At", "Bbox", "Common", "Crs", "DropEmpty", "Edit",
    "Encoding", "Id", "Islands", "Json", "Lang", "Layer", "MapFile", "Missing", "Out", "PanelFile",
    "Permutations", "Raw", "Seed", "Spec", "Table", "Time", "Unit", "Variables", "as_options",
    "build_weights", "check_folder", "check_lang", "edited", "in_time", "names_of", "print_json",
    "print_written", "read_map_and_panel", "under_time", "values_of", "window_of", "with_terms",
]  # fmt: skip

_SPECS = ("queen", "rook", "knn:8", "band:200", "inverse:1", "kernel:200")
SPEC = "queen | rook | knn:8 | band:200 (km) | inverse:1[:500] | kernel:200, or a weights file"
MapFile = Annotated[
    str,
    typer.Argument(
        help="Map: .shp .gpkg .geojson .parquet, postgresql://..., or a sample such as nc",
        autocompletion=completion.maps,
    ),
]
Variables = Annotated[
    list[str],
    typer.Argument(help="Variables, of the map or of the panel.", autocompletion=completion.columns),
]
PanelFile = Annotated[
    str | None,
    typer.Option(
        "--panel",
        help="Panel or table: .csv .dta .xlsx .parquet, or a sample",
        autocompletion=completion.panels,
    ),
]
Id = Annotated[
    str | None,
    typer.Option(
        "--id",
        help="Column of the map that holds the unit ids; a sample knows its own.",
        autocompletion=completion.columns,
    ),
]
Unit = Annotated[
    str | None, typer.Option("--unit", help="Column of the panel with the ids; default as --id.")
]
Time = Annotated[
    str | None,
    typer.Option(
        "--time", help="Column of the panel with the time; default year, or none where there is none."
    ),
]
Table = Annotated[str | None, typer.Option("--table", help="Sheet, or table of the database, of the panel.")]
Spec = Annotated[str, typer.Option("--weights", "-w", help=SPEC, autocompletion=known(*_SPECS))]
Islands = Annotated[
    str,
    typer.Option(
        "--islands",
        help="Units without neighbours: raise | keep | nearest.",
        autocompletion=known("raise", "keep", "nearest"),
    ),
]
Raw = Annotated[bool, typer.Option("--raw", help="Weights as built, without row standardisation.")]
Common = Annotated[bool, typer.Option("--common", help="Keep only the units that map and panel share.")]
Layer = Annotated[str | None, typer.Option("--layer", help="Layer, where the file has several.")]
Crs = Annotated[str | None, typer.Option("--crs", help="For a map that states none, such as EPSG:4326.")]
Bbox = Annotated[
    str | None,
    typer.Option(
        "--bbox",
        help="Only units that meet this window, as 115,39,117,41: west,south,east,north in the map's CRS.",
    ),
]
Encoding = Annotated[str | None, typer.Option("--encoding", help="Text encoding, where it is not found.")]
DropEmpty = Annotated[bool, typer.Option("--drop-empty", help="Leave out units without a geometry.")]
SPEAK = "Language of all that is said: en | zh; default SPATIAL_LANG, or that of the system."
Lang = Annotated[str | None, typer.Option("--lang", help=SPEAK, autocompletion=known("en", "zh"))]
Edit = Annotated[
    Path | None,
    typer.Option("--edit", help="Table of links to add and cut: columns i, j, change (add | cut), w."),
]
Missing = Annotated[
    str, typer.Option(help="Units without a value: raise | drop.", autocompletion=known("raise", "drop"))
]
Alternative = Annotated[
    str,
    typer.Option(
        help="two-sided | greater | less | geoda (the folded one-sided pseudo p).",
        autocompletion=known("two-sided", "greater", "less", "geoda"),
    ),
]
Permutations = Annotated[int, typer.Option(min=0, help="How many permutations; 0 for none.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random numbers.")]
Alpha = Annotated[float, typer.Option(min=0.0, max=1.0, help="Level of significance.")]
At = Annotated[str | None, typer.Option(help="Time of the scatter and the maps; default the last.")]
Out = Annotated[Path | None, typer.Option(help="Folder for tables/, figures/, gis/ and run.json.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
LAYERS = Said(("GeoPackage with the local results", "含局部结果的 GeoPackage"))


def check_lang(lang: str | None) -> str:
    """Return the language, that in force where none is given, or refuse it before any work.

    Examples
    --------
    >>> check_lang("zh")
    'zh'
    """
    if lang is None:
        return in_force()
    if lang not in ("en", "zh"):
        meant = " Chinese is zh." if lang.lower() in ("cn", "zh-cn", "zh_cn", "chinese") else ""
        raise DataError(f"--lang must be en or zh; got {lang!r}.{meant}")
    return lang


_FILES = (".csv", ".fgb", ".geojson", ".gpkg", ".html", ".json", ".parquet", ".png", ".shp", ".xlsx", ".zip")


def check_folder(out: Path | None) -> Path | None:
    """Return the folder of results, or refuse a file in its place before any work."""
    if out is not None and (out.is_file() or any(parent.is_file() for parent in out.parents)):
        raise DataError(f"--out names a folder for the results; {str(out)!r} is a file. Give another name.")
    if out is not None and out.suffix.lower() in _FILES and not out.is_dir():
        raise DataError(
            f"--out names a folder for the results; {str(out)!r} is the name of a file. "
            f"Write --out {out.stem}."
        )
    return out


_SAID = {
    "cities.loc[ids]": "--common",
    "where it is offered": "here",
    "only the neighbours with write(path, binary=True)": "leave --row out",
    "Compare first, as in x > x.median()": "Give a column of 1 and 0, or take -s quantile: the top fifth",
    "Keep the units that both have, or complete": "Keep the units that both have (--common), or complete",
    "请保留两者共有的个体，": "请保留两者共有的个体（--common），",
}


def as_options(message: str) -> str:
    """Say arguments of Python as the options of the commands.

    Examples
    --------
    >>> as_options("pass islands='keep', or permutations=3999")
    'pass --islands keep, or --permutations 3999'
    """
    said = re.sub(r"\b(islands|missing|alternative)=['\"]([\w-]+)['\"]", r"--\1 \2", message)
    said = re.sub(r"\b(permutations|seed|alpha)=([\d.]+\b)", r"--\1 \2", said)
    said = re.sub(
        r"\b(id|unit|time|layer|crs|encoding)=(?:'([^']*)')?",
        lambda m: f"--{m[1]} {m[2] or ''}".rstrip(),
        said,
    )
    for python, option in _SAID.items():
        said = said.replace(python, option)
    return said


def names_of(columns: Sequence[str]) -> list[str]:
    """Return the variables that were asked for: words, or one word with commas.

    Examples
    --------
    >>> names_of(["bir74,sid74"]), names_of(["bir74", "sid74"])
    (['bir74', 'sid74'], ['bir74', 'sid74'])
    """
    found = [part.strip() for word in columns for part in word.split(",") if part.strip()]
    if not found:
        raise DataError("Name the variables, as bir74 or bir74,sid74.")
    return list(dict.fromkeys(found))


def window_of(bbox: str | None) -> Any:
    """Return the window that was asked for; what is none is refused where cities are read.

    Examples
    --------
    >>> window_of("115,39,117,41")
    ['115', '39', '117', '41']
    """
    return None if bbox is None else bbox.split(",")


def print_json(value: object) -> None:
    """Print a value, or a table as a list of rows, as JSON."""
    rows = (
        json.loads(value.to_json(orient="records", double_precision=15))
        if hasattr(value, "to_json")
        else value
    )
    print(json.dumps(rows, ensure_ascii=False, indent=1, default=str))


def read_map_and_panel(
    file: str,
    id: str | None,
    panel: str | None,
    *,
    unit: str | None = None,
    time: str | None = None,
    table: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    crs: str | None = None,
    common: bool = False,
    drop_empty: bool = False,
    bbox: str | None = None,
) -> tuple[Any, Any, Any]:
    """Return the map, the panel or None, with ids of one type, and the whole map before `common` cut it.

    What is cut is said on stderr.

    A table without a column of times is a cross-section: its columns join those of the map.
    """
    from spatial.io.cities import read_cities

    cities = read_cities(
        file, id=id, crs=crs, layer=layer, encoding=encoding, drop_empty=drop_empty, bbox=window_of(bbox)
    )
    if panel is None:
        return cities, None, cities
    from spatial.panel.joining import as_map_ids, restrict
    from spatial.panel.reading import read_panel

    ships = panel.isidentifier()  # a sample knows its own columns
    named = unit or (None if ships else id or str(cities.index.name))
    times = time or (None if ships else "year")
    try:
        read = read_panel(panel, unit=named, time=times, sheet=table)
    except DataError as error:
        if time is not None or "no column 'year'" not in error.args[0]:
            raise
        return _joined(cities, _one_time(panel, str(named), table), common), None, cities
    found = as_map_ids(read, cities.index)
    whole = cities
    if common:
        cities, found, cut = restrict(cities, found)
        if cut:
            print(tell("Units in both: ", "共有个体：") + f"{len(cities)}; {cut.again()}.", file=sys.stderr)
    else:
        _require_same(cities, found.units)
    return cities, found, whole


def _one_time(table: str, unit: str, sheet: str | None) -> Any:
    """Return a table without times as a panel of one time."""
    from spatial.panel.panel import Panel
    from spatial.panel.reading import read_table

    frame = read_table(table, unit=unit, sheet=sheet)
    if unit not in frame.columns:
        raise DataError(
            f"{Path(table).name} has no column {unit!r} with the ids.{did_you_mean(unit, frame.columns)} "
            "Give --unit. "
            f"It has: {name_ids(frame.columns, 12)}."
        )
    if frame[unit].duplicated().any():
        twice = frame.loc[frame[unit].duplicated(), unit].unique()
        raise DataError(
            f"{Path(table).name} has no column 'year', and several rows for {name_ids(twice)}. Give "
            "--time, the column "
            f"with the time. It has: {name_ids(frame.columns, 12)}."
        )
    return Panel.from_frame(frame.assign(_time=0), unit=unit, time="_time")


def _joined(cities: Any, table: Any, common: bool) -> Any:
    """Return the map with the columns of a table beside its own."""
    from spatial.panel.joining import as_map_ids, restrict

    found = as_map_ids(table, cities.index)
    if common:
        cities, found, cut = restrict(cities, found)
        if cut:
            print(tell("Units in both: ", "共有个体：") + f"{len(cities)}; {cut.again()}.", file=sys.stderr)
    else:
        _require_same(cities, found.units)
    columns = found.at(0).reindex(cities.index)
    return cities.drop(columns=[c for c in columns if c in cities.columns]).join(columns)


def _require_same(cities: Any, units: Any) -> None:
    from spatial.ids.alignment import indexer

    indexer(units, cities.index, "the panel", "the map")


def values_of(
    cities: Any, panel: Any, at: str | None, names: Iterable[str | None]
) -> tuple[Callable[[str], Any], Any]:
    """Return what gives the values of a column, of the map or of the panel at a time, and that time.

    That all of `names` are there is looked at now: weights, which take long, are built after this.
    """
    for name in filter(None, names):
        _column(cities, name) if panel is None else panel.require(name)
    if panel is None:
        if at is not None:
            raise DataError("--at is a time of the panel: give --panel, a table with times.")
        return lambda column: _column(cities, column), None
    when = panel.times[-1] if at is None else next((t for t in panel.times if str(t) == at), at)
    return lambda column: panel.at(when)[panel.require(column)[0]].rename(column), when


def in_time(at: Any) -> str:
    """Say of which time of a panel a step is; nothing without times."""
    return "" if at is None else Said((" in {at}", "（{at}）"), at=str(at))


def under_time(text: str, at: Any) -> str:
    """Put the time above a summary of one time of a panel."""
    return (
        text if at is None else f"{at}{tell(' (--at names another time)', '（--at 可指定其他时间）')}\n{text}"
    )


def with_terms(table: Any, result: Any, at: Any = None) -> Any:
    """Return rows that say of how many units and on which terms their p-values are, for programs."""
    n = {} if "n" in table else {"n": len(result.frame) if hasattr(result, "frame") else result.n}
    when = {} if at is None else {"time": at}
    terms = {name: getattr(result, name) for name in ("alternative", "permutations", "seed", "weights")}
    return table.assign(**when, **n, **terms)


def _column(cities: Any, column: str) -> Any:
    if column not in cities.columns:
        numbers = cities.select_dtypes("number").columns
        raise DataError(
            f"The map has no column {column!r}.{did_you_mean(column, cities.columns)} "
            f"Its columns of numbers: {name_ids(numbers)}."
        )
    return cities[column]


def print_written(out: Path, outputs: Iterable[str], as_json: bool) -> None:
    """Say what was written: on stderr where stdout is JSON."""
    said = tell("Written to ", "已写入 ") + f"{out}{tell(': ', '：')}{', '.join(sorted(outputs))}, run.json"
    print(said, file=sys.stderr if as_json else sys.stdout)


def build_weights(cities: Any, spec: str, islands: str, raw: bool, edit: Path | None = None) -> Any:
    """Return the weights, row-standardised unless `raw`; what was linked or edited is said on stderr."""
    from spatial.weights.specs import from_spec

    try:
        W = from_spec(cities, spec, islands=islands)
    except SpatialError as error:
        raise type(error)(f"--weights: {error}" if spec in str(error) else str(error)) from None
    joined = W.meta.parameters.get("linked_islands", ())
    if joined:
        pairs = "; ".join(tell(f"{a} with {b}", f"{a} 与 {b}") for a, b in joined[:10])
        rest = len(joined) - 10
        more = tell(f" and {rest} more", f" 等另 {rest} 对") if rest > 0 else ""
        said = tell("Units without neighbours, linked with the nearest: ", "没有邻居的个体，已与最近者连接：")
        print(f"{said}{pairs}{more}.", file=sys.stderr)
    if edit is not None:
        W = edited(W, edit)
    return W if raw else W.row_standardized()


def edited(W: Any, file: Path) -> Any:
    """Return weights with the links of a table added and cut."""
    from spatial.panel.reading import read_table

    table = read_table(file, unit="i")
    if missing := [column for column in ("i", "j", "change") if column not in table.columns]:
        raise DataError(
            f"--edit needs a table with columns i, j and change (add or cut); {file.name} lacks "
            f"{name_ids(missing)}. It has: {name_ids(table.columns, 8)}."
        )
    change = table["change"].astype(str).str.strip().str.lower()
    if (odd := ~change.isin(["add", "cut"])).any():
        raise DataError(
            f"change is add or cut; {file.name} has {name_ids(table.loc[odd, 'change'].unique())}."
        )
    added, cut = (table[change == kind].drop(columns="change") for kind in ("add", "cut"))
    # A column of strengths that nobody filled in is none.
    added, cut = added.dropna(axis=1, how="all"), cut.drop(columns="w", errors="ignore")
    found = W.edit(add=added if len(added) else None, cut=cut if len(cut) else None)
    said = tell(
        f"Links added: {len(added)}, cut: {len(cut)}", f"加入连接 {len(added)} 条，切断 {len(cut)} 条"
    )
    print(f"{said} ({file.name}).", file=sys.stderr)
    return found
