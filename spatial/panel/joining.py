"""Map and panel brought together: ids of one kind, and the units that both have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
from pandas.api.types import is_integer_dtype

from spatial.errors import AlignmentError, DataError, did_you_mean, hinted, name_ids, warn
from spatial.ids.alignment import check_ids
from spatial.ids.matching import in_kind_of, why_apart
from spatial.io.frames import Source
from spatial.panel.panel import PanelLike
from spatial.places.points import CitiesLike
from spatial.words import Said, listed

from .panel import Panel, Step, as_panel
from .reading import read_table
from .shape import as_ids_of

__all__ = ["align", "as_map_ids", "read_calendar", "restrict"]

_CUT = {
    "map": (
        "not in the panel, cut from the map (missing neighbours): {ids}",
        "面板中没有、自地图剔除（其邻居因此缺少）：{ids}",
    ),
    "panel": ("not on the map, cut from the panel: {ids}", "地图上没有、自面板剔除：{ids}"),
}


def as_map_ids(panel: Panel, ids: pd.Index[Any]) -> Panel:
    """Return the panel with its unit ids in the type of the map's, which a table file cannot always say.

    See `spatial.ids.matching.in_kind_of`; where no id is shared, nothing is changed.
    """
    return as_ids_of(panel, ids)


@hinted
def align(cities: CitiesLike, panel: PanelLike) -> tuple[Any, Panel]:
    """Return map and panel cut to the units that both have, and say what was cut.

    Parameters
    ----------
    cities : GeoDataFrame
        Indexed by id, as `read_cities` gives it.
    panel : Panel, or DataFrame indexed by (unit, time)
        Codes that one side keeps as text and the other as numbers are matched by what they mean; the panel
        gets the map's.

    Returns
    -------
    cities, panel
        Of the same units; the cities in the order of the map.  The panel's history says what was cut.

    Raises
    ------
    AlignmentError
        Where they share no unit.
    DataError
        If something else than cities and a panel is given.

    Warns
    -----
    SpatialWarning
        Where something is cut, with the ids.  Cities that are cut are missing neighbours of those that stay.

    Examples
    --------
    >>> import geopandas as gpd
    >>> cities = gpd.GeoDataFrame(index=["37001", "37003"], geometry=gpd.points_from_xy([0, 1], [0, 1]))
    >>> frame = pd.DataFrame({"fips": [37003, 37001], "year": 2000, "x": [2.0, 1.0]})
    >>> cities, panel = align(cities, Panel.from_frame(frame, unit="fips", time="year"))
    >>> panel.units.tolist()
    ['37001', '37003']
    """
    if not isinstance(cities, pd.DataFrame):
        raise DataError(
            f"align needs a GeoDataFrame indexed by id, as read_cities gives it; got {type(cities).__name__}."
        )
    check_ids(cities.index, "The map")
    given = as_map_ids(as_panel(panel, "align"), cities.index)
    found, kept, cut = restrict(cities, given)
    if cut:
        text = f"Cut to the {len(found)} units that map and panel share; {cut}."
        warn(text)
    return found, kept


def restrict(cities: Any, panel: Panel) -> tuple[Any, Panel, Said]:
    """Keep the units that the map and the panel share; the third value says what was cut.

    Units that are cut are missing neighbours for those that stay, which the text says too.
    """
    panel = as_map_ids(panel, cities.index)
    both = cities.index.intersection(panel.units, sort=False)
    if not len(both):
        why = why_apart(panel.units, cities.index, "the panel", "the map")
        raise AlignmentError(
            f"The map and the panel share no id. The map has {name_ids(cities.index, 3)}; the panel has "
            f"{name_ids(panel.units, 3)}. {why or 'Are they the same kind of id?'}"
        )
    no_row, no_place = cities.index.difference(both), panel.units.difference(both)
    parts = []
    if len(no_row):
        parts.append(Said(_CUT["map"], ids=name_ids(no_row)))
    if len(no_place):
        parts.append(Said(_CUT["panel"], ids=name_ids(no_place)))
    keep = panel.frame.index.get_level_values(0).isin(both)
    cut = listed(parts, ("; ", "；"))
    step = Step("align", (), int((~keep).sum()), cut) if cut else None
    history = panel.history if step is None else (*panel.history, step)
    return cities.loc[both], replace(panel, frame=panel.frame[keep], history=history), cut


@hinted
def read_calendar(
    source: Source,
    panel: Panel,
    *,
    unit: str,
    start: str,
    sheet: str | int | None = None,
    encoding: str | None = None,
) -> pd.Series[Any]:
    """Read the calendar of a policy: one row a unit that adopts it, with the first treated time.

    Parameters
    ----------
    source : path, URL or DataFrame
        As in `read_panel`.
    panel : Panel
        Whose units and times are meant; units that the calendar does not name never adopt.
    unit, start : str
        Columns of the ids and of the first treated times.
    sheet, encoding
        As in `read_panel`.

    Returns
    -------
    Series
        By unit of the panel: the first treated time, or 0 for never; for `models.did` and `Panel.join`.

    Raises
    ------
    DataError
        Two starts of one unit, units that the panel has not, and starts that are no times of the panel.

    Examples
    --------
    >>> rows = pd.DataFrame({"city": ["a", "a", "b", "b"], "year": [2011, 2012] * 2, "y": 1.0})
    >>> panel = Panel.from_frame(rows, unit="city", time="year")
    >>> rows = pd.DataFrame({"city": ["b"], "since": [2012]})
    >>> read_calendar(rows, panel, unit="city", start="since").tolist()
    [0, 2012]
    """
    table = read_table(source, sheet=sheet, encoding=encoding)
    for column in (unit, start):
        if column not in table.columns:
            raise DataError(
                f"The calendar has no column {column!r}.{did_you_mean(column, table.columns)} "
                f"It has: {name_ids([str(c) for c in table.columns])}."
            )
    known = table[[unit, start]].dropna(subset=[start]).drop_duplicates()
    ids = in_kind_of(pd.Index(known[unit], name=panel.unit_name), panel.units)
    if ids.has_duplicates:
        raise DataError(f"The calendar has two starts of {name_ids(ids[ids.duplicated()].unique())}.")
    strange = ids.difference(panel.units)
    if len(strange):
        raise DataError(f"The calendar names units that the panel does not have: {name_ids(strange)}.")
    starts = pd.Series(known[start].to_numpy(), index=ids)
    outside = starts[~starts.isin(panel.times) & (starts != 0)]
    if len(outside):
        raise DataError(
            f"First treated times that are no times of the panel ({panel.times[0]} to {panel.times[-1]}): "
            f"{name_ids(outside.items())}. Leave units out that adopt later, or write 0."
        )
    whole = starts.reindex(panel.units, fill_value=0)
    return (whole.astype(panel.times.dtype) if is_integer_dtype(panel.times) else whole).rename(start)
