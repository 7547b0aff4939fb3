"""The maps and panels that ship, by name: a name is taken wherever a file is."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from spatial.errors import DataError, did_you_mean

__all__ = ["Sample", "sample", "sample_labels", "sample_of", "samples"]


@dataclass(frozen=True)
class Sample:
    """One map or panel that ships."""

    name: str
    kind: Literal["cities", "panel"]
    id: str
    units: int
    source: str
    licence: str
    folder: str
    formats: tuple[str, ...]
    time: str = ""
    times: str = ""
    note: str = ""
    note_zh: str = ""
    seat: tuple[str, str] | None = None

    def file(self, format: str) -> Path:
        """Return the file of this format."""
        return _home() / self.folder / f"{self.name}.{format}"


def _home() -> Path:
    # By its place, without importing it: that package stands above this one.
    found = find_spec("spatial.shapefiles")
    if found is None or not found.submodule_search_locations:
        raise DataError("The samples are missing, with spatial.shapefiles: install spatial again.")
    return Path(found.submodule_search_locations[0])


@cache
def samples() -> dict[str, Sample]:
    """Return what ships, by name."""
    with (_home() / "samples.toml").open("rb") as file:
        tables = tomllib.load(file)
    return {
        name: Sample(name, **{key: _frozen(v) for key, v in table.items()}) for name, table in tables.items()
    }


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def sample(name: str) -> Sample:
    """Return the sample of that name, or say what ships."""
    if name not in samples():
        raise DataError(
            f"No data named {name!r} ships with spatial.{did_you_mean(name, samples())} "
            f"What ships: {', '.join(map(repr, samples()))}."
        )
    return samples()[name]


def sample_of(source: Any, kind: Literal["cities", "panel"]) -> Sample | None:
    """Return the sample that `source` names, if it does; a file of that name goes before.

    Examples
    --------
    >>> sample_of("nc", "cities").id
    'fips'
    >>> sample_of("nc.shp", "cities") is None
    True
    """
    if not isinstance(source, str) or source not in samples() or Path(source).exists():
        return None
    found = samples()[source]
    if found.kind != kind:
        reader = "read_panel" if kind == "cities" else "read_cities"
        what = "panel" if kind == "cities" else "map"
        raise DataError(f"The sample {source!r} is a {what}: read it with spatial.{reader}({source!r}).")
    return found


def sample_labels(name: str, language: Literal["en", "zh"] = "en") -> dict[str, str]:
    """Return the label of each column of a sample."""
    import pandas as pd

    table = pd.read_csv(_home() / sample(name).folder / "labels.csv", dtype=str, encoding="utf-8")
    own = table[table["data"] == name]
    return dict(zip(own["column"], own[f"label_{language}"], strict=True))
