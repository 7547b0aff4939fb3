"""Map and panel brought together: ids of one kind, and the units that both have."""

from __future__ import annotations

from typing import Any

import pandas as pd

from spatial.errors import DataError, name_ids

from .panel import Panel
from .shape import as_ids_of

__all__ = ["as_map_ids", "restrict"]


def as_map_ids(panel: Panel, ids: pd.Index[Any]) -> Panel:
    """Return the panel with its unit ids in the type of the map's, which a table file cannot always say.

    See `spatial.ids.matching.in_kind_of`; where no id is shared, nothing is changed.
    """
    return as_ids_of(panel, ids)


def restrict(cities: Any, panel: Panel) -> tuple[Any, Panel, str]:
    """Keep the units that the map and the panel share; the third value says what was cut.

    Units that are cut are missing neighbours for those that stay, which the text says too.
    """
    both = cities.index.intersection(panel.units)
    if not len(both):
        raise DataError(
            f"The map and the panel share no id. The map has {name_ids(cities.index, 3)}; the panel has "
            f"{name_ids(panel.units, 3)}. Are they the same kind of id, and both text or both numbers?"
        )
    no_row, no_place = cities.index.difference(both), panel.units.difference(both)
    parts = []
    if len(no_row):
        parts.append(f"not in the panel, cut from the map (missing neighbours): {name_ids(no_row)}")
    if len(no_place):
        parts.append(f"not on the map, cut from the panel: {name_ids(no_place)}")
    frame = panel.frame[panel.frame.index.get_level_values(0).isin(both)]
    return cities.loc[both], Panel(frame, panel.labels, panel.history), "; ".join(parts)
