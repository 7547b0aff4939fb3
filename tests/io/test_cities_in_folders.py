"""Maps in folders of GeoParquet files: all of them, or the files and rows that a window meets."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import spatial as sp
from spatial.errors import DataError


def cells(n: int = 32) -> gpd.GeoDataFrame:
    """Return n x n squares of one degree, from (0, 0)."""
    x, y = (v.ravel() for v in np.meshgrid(np.arange(n), np.arange(n)))
    frame = {"cell": x + 100 * y, "income": (x * y).astype(float)}
    return gpd.GeoDataFrame(frame, geometry=shapely.box(x, y, x + 1, y + 1), crs=4326)


def folder_of(frame: gpd.GeoDataFrame, folder: Path, covering: bool = True) -> Path:
    """Write a file for each square of eight cells, in groups of two rows of cells."""
    corner = frame.geometry.bounds
    tile = (corner["miny"] // 8 * 4 + corner["minx"] // 8).astype(int)
    folder.mkdir(exist_ok=True)
    for k, part in frame.groupby(tile):
        name = folder / f"part{k:02d}.parquet"
        part.to_parquet(name, index=False, write_covering_bbox=covering, row_group_size=16)
    return folder


def test_a_folder_is_read_as_the_map_that_was_written(tmp_path: Path) -> None:
    whole = sp.read_cities(cells(), id="cell")
    found = sp.read_cities(folder_of(cells(), tmp_path / "map"), id="cell")
    assert "16 of 16 files, 64 of 64 groups" in found.attrs["read"]
    assert list(found.columns) == ["income", "geometry"]
    assert found.crs == whole.crs
    assert found.loc[whole.index].geometry.equals(whole.geometry)
    assert found.loc[whole.index, "income"].equals(whole["income"])


@pytest.mark.parametrize("covering", [True, False])
def test_a_window_reads_what_it_meets_and_nothing_else(tmp_path: Path, covering: bool) -> None:
    window = (9.5, 9.5, 12.5, 10.5)
    whole = sp.read_cities(cells(), id="cell", bbox=window)
    assert sorted(whole.index) == sorted(x + 100 * y for x in range(9, 13) for y in (9, 10))
    folder = folder_of(cells(), tmp_path / "map", covering)
    for file in folder.iterdir():  # the numbers of all other files are destroyed; their footers stand
        if file.name != "part05.parquet":
            data = bytearray(file.read_bytes())
            footer = int.from_bytes(data[-8:-4], "little") + 8
            data[4:-footer] = bytes(len(data) - footer - 4)
            file.write_bytes(data)
    found = sp.read_cities(folder, id="cell", bbox=window)
    assert sorted(found.index) == sorted(whole.index)
    assert f"1 of 16 files, {2 if covering else 4} of 64 groups" in found.attrs["read"]
    with pytest.raises(DataError):
        sp.read_cities(folder, id="cell")
    one = sp.read_cities(folder / "part05.parquet", id="cell", bbox=window)
    assert one.index.equals(found.index)


def test_names_of_folders_are_columns(tmp_path: Path) -> None:
    for code, part in cells(4).groupby(["N", "S"] * 8):
        (tmp_path / f"half={code}").mkdir()
        part.to_parquet(tmp_path / f"half={code}" / "x.parquet")
    found = sp.read_cities(tmp_path, id="cell")
    assert found["half"].value_counts().to_dict() == {"N": 8, "S": 8}


def test_what_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(cells(), tmp_path / "map")
    for bbox, text in (
        ((1, 2, 3), "four numbers"),
        ((3, 0, 1, 4), "west below east"),
        ((np.nan, 0, 1, 4), "west below east"),
        ((200, 80, 201, 81), r"No unit of map meets bbox=\(200.0, 80.0, 201.0, 81.0\)"),
    ):
        with pytest.raises(DataError, match=text):
            sp.read_cities(folder, id="cell", bbox=bbox)
    with pytest.raises(DataError, match="leave layer= and encoding= out"):
        sp.read_cities(folder, id="cell", layer="x")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="or a folder of GeoParquet files"):
        sp.read_cities(tmp_path / "none", id="cell")
    monkeypatch.setattr("spatial.io.vector.free_bytes", lambda: 50_000.0)
    with pytest.raises(DataError, match=r"1,024 units of .* take some 0\.0 GB in memory.*bbox="):
        sp.read_cities(folder, id="cell")
    assert len(sp.read_cities(folder, id="cell", bbox=(0.5, 0.5, 1.5, 1.5))) == 4
    monkeypatch.undo()
    cells().to_crs(32650).to_parquet(folder / "z.parquet", write_covering_bbox=True)
    with pytest.raises(DataError, match=r"differ in their CRS: .*z\.parquet"):
        sp.read_cities(folder, id="cell")
    pd.DataFrame({"cell": [1]}).to_parquet(folder / "z.parquet")
    with pytest.raises(DataError, match=r"z\.parquet has no geometry"):
        sp.read_cities(folder, id="cell")


def test_a_panel_partitioned_by_space_is_opened_by_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"cell": np.tile(np.arange(40), 3), "year": np.repeat([1, 2, 3], 40)})
    frame["x"] = rng.normal(size=120)
    for k, part in frame.groupby(frame["cell"] // 10):
        part.to_parquet(tmp_path / f"{k}.parquet", index=False)
    panel = sp.open_panel(tmp_path, unit="cell", time="year")
    assert (panel.n_units, list(panel.times)) == (40, [1, 2, 3])
    found = panel.period(2, ["x"], pd.Index(range(40)))[:, 0]
    assert np.array_equal(found, frame.loc[frame["year"] == 2, "x"])
