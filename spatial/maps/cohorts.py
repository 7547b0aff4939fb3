"""Maps of policies: who adopted when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from spatial.errors import DataError, hinted
from spatial.figures.palette import color, ramp
from spatial.figures.words import word
from spatial.places.points import CitiesLike
from spatial.words import check_language

from .frame import MapOptions
from .maps import map_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["map_cohorts"]


@hinted
def map_cohorts(
    cities: CitiesLike, cohorts: pd.Series[Any], *, ax: Axes | None = None, **options: Unpack[MapOptions]
) -> Axes:
    """Map when units adopted a policy: the earliest palest, those that never did in grey.

    Parameters
    ----------
    cities : GeoDataFrame
    cohorts : Series
        By unit: first treated time; 0 or missing for never.
    ax : Axes, optional
    **options
        See `MapOptions`.

    Raises
    ------
    DataError
        Where no unit adopts.
    AlignmentError
        If a unit of the values is not on the map.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> shapes = gpd.points_from_xy([0, 1, 2], [0, 0, 0]).buffer(0.4)
    >>> cities = gpd.GeoDataFrame(geometry=shapes, crs=4326)
    >>> axes = map_cohorts(cities, pd.Series([2012, 2014, 0]))
    >>> [text.get_text() for text in axes.get_legend().get_texts()]
    ['2012 (1)', '2014 (1)', 'never (1)']
    """
    language = check_language(options.get("lang"))
    if not isinstance(cohorts, pd.Series):
        raise DataError(f"cohorts is a Series by unit; got {type(cohorts).__name__}.")
    if cohorts.isin([float("inf"), float("-inf")]).any():
        raise DataError("cohorts are times, 0 or missing for never; some are infinite.")
    never = cohorts.isna() | (cohorts == 0)
    starts = sorted(cohorts[~never].unique())
    if not starts:
        raise DataError("No unit adopts the policy: there is nothing to map.")
    # Numbers sort before words, so that "never" is last in the legend.
    whole = [start if pd.isna(start) or start != int(start) else int(start) for start in cohorts]
    shown = pd.Series(whole, cohorts.index, dtype=object).where(~never, word("never", language))
    count = len(starts)
    shades = [*ramp("sequential", count + 1)[1:], color("band")]
    return map_values(
        cities, shown, ax=ax, scheme="unique", cmap=shades if never.any() else shades[:-1],
        legend_title=word("adopted", language), **options,
    )  # fmt: skip
