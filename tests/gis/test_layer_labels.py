"""Labels of layers: from a mapping, or from the panel that has them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from spatial.errors import DataError
from spatial.gis.layers import write_layers
from spatial.panel import Panel


def test_labels_are_those_of_a_panel_too(tmp_path: Path) -> None:
    cities = gpd.GeoDataFrame(
        geometry=gpd.points_from_xy([116, 117], [40, 39]).buffer(0.3), index=["a", "b"], crs=4326
    )
    frame = pd.DataFrame({"city": ["a", "b"], "year": 2020, "gdp": [1.0, 2.0]})
    panel = Panel.from_frame(frame, unit="city", time="year").with_labels({"gdp": "Output"})
    layers = {"data": panel.at(2020)["gdp"]}
    aliases = []
    for name, labels in (("one", panel), ("two", {"gdp": "Output"})):
        path = write_layers(tmp_path / f"{name}.gpkg", cities, layers, labels=labels, lang="en")
        with closing(sqlite3.connect(path)) as database:
            aliases.append(
                database.execute("select name from gpkg_data_columns where title = 'Output'").fetchall()
            )
            aliases[-1] += database.execute(
                "select name from gpkg_data_columns where name = 'Output'"
            ).fetchall()
    assert aliases[0] == aliases[1] != []
    with pytest.raises(DataError, match="labels is a mapping of names to labels, or a Panel; got str"):
        write_layers(tmp_path / "three.gpkg", cities, layers, labels="Output")  # type: ignore[arg-type]
