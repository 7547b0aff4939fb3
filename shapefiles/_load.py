"""Load the sample maps and panels as the values that every function takes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, overload

from spatial.errors import hinted
from spatial.io.samples import sample

if TYPE_CHECKING:
    import geopandas as gpd

    from spatial.panel.panel import Panel

__all__ = ["load"]


@overload
def load(name: Literal["nc", "china_cities"]) -> gpd.GeoDataFrame: ...
@overload
def load(name: Literal["nc_crime"]) -> Panel: ...
@overload
def load(name: str) -> Any: ...
@hinted
def load(name: str) -> Any:
    """Load a map or a panel that ships.

    Parameters
    ----------
    name : {"nc", "china_cities", "nc_crime"}
        ``"nc"``: the 100 counties of North Carolina, by FIPS code, NAD27.
        ``"china_cities"``: 336 cities of China, by division code, WGS-84, with the seats as a second column
        of points; the polygons are **Voronoi cells of the seats, not administrative boundaries**.
        ``"nc_crime"``: the Cornwell-Trumbull panel, 90 of the counties of ``"nc"`` in 1981-1987.

    Returns
    -------
    GeoDataFrame or Panel
        Maps are indexed by id and say in ``attrs`` where they come from; the panel carries its labels.

    Raises
    ------
    DataError
        If nothing of this name ships.

    Examples
    --------
    >>> cities = load("china_cities")
    >>> cities.loc["230100", ["name_en", "region", "level"]].tolist()
    ['Harbin', 'northeast', 'sub-provincial']
    >>> cities.attrs["note"]
    'Voronoi cells of city seats, not administrative boundaries'
    >>> load("nc_crime")
    <Panel 90 units x 7 times, 23 columns, balanced>
    """
    if sample(name).kind == "cities":
        from spatial.io.cities import read_cities

        return read_cities(name)
    from spatial.panel.reading import read_panel

    return replace(read_panel(name), history=())
