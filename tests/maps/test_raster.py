"""Rasters of many units: colours by hand, pixel by pixel, and their place on the earth."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import spatial as sp
from spatial.errors import AlignmentError, DataError
from spatial.figures.classes import build_classes
from spatial.figures.palette import cluster_color, color


def pixels(folder: Path) -> np.ndarray:
    """Return the colours of the picture, and their opacity."""
    with Image.open(folder / "map.png") as picture:
        return np.asarray(picture.convert("RGBA"))


def rgb(shade: str) -> list[int]:
    return [int(shade[k : k + 2], 16) for k in (1, 3, 5)]


@pytest.mark.evidence(
    "map_raster", kind="hand", source="means of four cells, and their colours in the picture"
)
def test_a_pixel_is_the_mean_of_its_cells(tmp_path: Path) -> None:
    values = np.arange(24.0).reshape(4, 6)
    values[0, :2] = np.nan
    values[1, :2] = np.nan
    x = pd.Series(values.ravel(), name="a <b>").sample(frac=1, random_state=0)
    page = sp.map_raster(x, (4, 6), tmp_path / "m", width=3, k=2)
    means = np.array([[np.nan, 5.5, 7.5], [15.5, 17.5, 19.5]])
    classes = build_classes(means.ravel(), None, 2)
    found, shades = pixels(tmp_path / "m"), classes.colors()
    for place, code in np.ndenumerate(classes.codes(means.ravel()).reshape(2, 3)):
        assert found[place][3] == 255
        assert found[place][:3].tolist() == rgb(shades[code] if code >= 0 else color("hatch"))
    assert [float(n) for n in (tmp_path / "m" / "map.pgw").read_text().split()] == [2, 0, 0, -2, 1, 3]
    text = page.read_text(encoding="utf-8")
    assert "a &lt;b&gt;" in text
    assert all(label in text for label in classes.legend(classes.codes(means.ravel())))
    assert "No data (1)" in text


def test_a_pixel_of_a_local_statistic_has_the_cluster_of_most_units(tmp_path: Path) -> None:
    n = 40
    grid = np.add.outer(np.arange(n), np.arange(n)).astype(float)
    W = sp.weights.grid((n, n), stored=False).row_standardized()
    local = sp.local_moran(pd.Series(grid.ravel(), name="x"), W, permutations=99)
    page = sp.map_raster(local, (n, n), tmp_path, width=10, lang="zh")
    cluster = local.frame["cluster"].astype(str).to_numpy().reshape(10, 4, 10, 4).swapaxes(1, 2)
    found = pixels(tmp_path)
    for i, j in np.ndindex(10, 10):
        kinds, counts = np.unique(cluster[i, j], return_counts=True)
        most = kinds[counts == counts.max()]
        assert found[i, j, :3].tolist() in [rgb(cluster_color(kind)) for kind in most]
    text = page.read_text(encoding="utf-8")
    assert "高-高" in text
    assert "x的局部聚类" in text


def test_points_lie_where_the_world_file_says(tmp_path: Path) -> None:
    points = gpd.points_from_xy([500_000, 501_000, 500_000], [4_000_000, 4_000_000, 3_999_000], crs=32650)
    cities = gpd.GeoDataFrame(index=["a", "b", "c"], geometry=points)
    x = pd.Series({"c": 9.0, "a": 1.0, "b": 5.0}, name="x")
    sp.map_raster(x, cities, tmp_path, width=10, k=3)
    size, _, _, down, west, north = (float(n) for n in (tmp_path / "map.pgw").read_text().split())
    found = pixels(tmp_path)
    shown = {(round(west + size * j), round(north + down * i)) for i, j in np.argwhere(found[..., 3] > 0)}
    assert shown == {(500_050, 3_999_950), (501_050, 3_999_950), (500_050, 3_998_950)}
    assert "UTM" in (tmp_path / "map.prj").read_text()


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    x = pd.Series(np.arange(6.0))
    with pytest.raises(AlignmentError, match="from 0 to 3, row by row"):
        sp.map_raster(x, (2, 2), tmp_path)
    with pytest.raises(DataError, match="pixels, 1 or more"):
        sp.map_raster(x, (2, 3), tmp_path, width=0)
    with pytest.raises(DataError, match="is \\(rows, columns\\)"):
        sp.map_raster(x, (2, 3, 1), tmp_path)
    with pytest.raises(DataError, match="a Series by id; got ndarray"):
        sp.map_raster(x.to_numpy(), (2, 3), tmp_path)
    with pytest.raises(DataError, match="Take a smaller width"):
        sp.map_raster(x, (10_000, 10_000), tmp_path, width=10_000)
    assert not list(tmp_path.iterdir())
