"""What the shell offers after a tab: values of options, samples beside files, columns of the map."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Callable
from pathlib import Path

import typer

__all__ = ["columns", "known", "maps", "panels", "public", "shipped"]

_MAPS = (".shp", ".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".zip")
_PANELS = (".csv", ".dta", ".xlsx", ".parquet")


def known(*words: str) -> Callable[[str], list[str]]:
    """Return what completes one of some words.

    Examples
    --------
    >>> known("raise", "keep", "nearest")("n")
    ['nearest']
    """

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def maps(incomplete: str) -> list[str]:
    """Return the sample maps, and the folders and files that a map may be in."""
    return _sources(incomplete, "cities", _MAPS)


def panels(incomplete: str) -> list[str]:
    """Return the sample panels, and the folders and files that a panel may be in."""
    return _sources(incomplete, "panel", _PANELS)


def _sources(incomplete: str, kind: str, ends: tuple[str, ...]) -> list[str]:
    from spatial.io.samples import samples

    found = [name for name, one in samples().items() if one.kind == kind and name.startswith(incomplete)]
    start = incomplete.rpartition("/")[0]
    for path in sorted(Path(start or ".").glob("*")):
        written = f"{start}/{path.name}" if "/" in incomplete else path.name
        if written.startswith(incomplete) and (path.is_dir() or path.suffix.lower() in ends):
            found.append(written + "/" * path.is_dir())
    return found


def columns(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the columns of the map and the panel on the line; several with commas."""
    before, comma, last = incomplete.rpartition(",")
    found = [name for key in ("file", "panel") for name in _columns_of(ctx.params.get(key))]
    return [f"{before}{comma}{name}" for name in dict.fromkeys(found) if name.startswith(last)]


def _columns_of(source: str | None) -> list[str]:
    """Return the columns of a file or a sample, as far as its head tells; a shell wants no refusals."""
    from spatial.io.samples import samples

    ships = samples().get(source or "")
    path = ships.file(ships.formats[0]) if ships else Path(source or "")
    try:
        if path.suffix.lower() == ".csv":
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                return next(csv.reader(file), [])
        import pyogrio

        return list(map(str, pyogrio.read_info(path)["fields"])) if path.is_file() else []
    except (OSError, ValueError, RuntimeError):
        return []


def shipped(incomplete: str) -> list[str]:
    """Return what `spatial data` knows by name."""
    from spatial.io.samples import samples

    return [name for name in samples() if name.startswith(incomplete)]


def public(incomplete: str) -> list[str]:
    """Return the public names, those of rooms with their room."""
    found = []
    for room in ("spatial", "spatial.models", "spatial.weights", "spatial.shapefiles"):
        short = room.partition(".")[2]
        names: list[str] = importlib.import_module(room).__all__
        found += [f"{short}.{name}" if short else name for name in names]
    return [name for name in found if name.startswith(incomplete)]
