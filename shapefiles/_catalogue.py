"""What ships: names, files, sources, licences and the labels of the columns."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from spatial.errors import DataError, hinted
from spatial.io.samples import sample, sample_labels, samples
from spatial.words import check_language

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["catalogue", "labels", "path"]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


@hinted
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
    found = sample(name)
    wanted = found.formats[0] if format is None else format
    if wanted not in found.formats:
        raise DataError(
            f"{name!r} ships as {_listed(found.formats)}, not as {wanted!r}; ask for one of these, "
            "or load it and write it in the format that you need."
        )
    return found.file(wanted)


@hinted
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
        for found in samples().values()
    ]
    order = ["kind", "id", "units", "times", "formats", "source", "licence", "note"]
    return pd.DataFrame(rows).set_index("name")[order]


@hinted
def labels(name: str, lang: str | None = None) -> dict[str, str]:
    """Return the label of each column, for tables and plots.

    Parameters
    ----------
    name : str
        A name of `catalogue`.
    lang : {"en", "zh"}, optional
        English or Chinese; default the language in force.

    Raises
    ------
    DataError
        If there is no such sample or language.

    Examples
    --------
    >>> labels("nc_crime")["polpc"]
    'Police per capita'
    >>> labels("nc_crime", "zh")["polpc"]
    '人均警力'
    """
    return sample_labels(name, check_language(lang))
