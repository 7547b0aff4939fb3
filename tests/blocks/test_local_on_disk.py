"""Local statistics written to a folder: the bits of those in memory; and folders that are refused."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import spatial as sp
from spatial.compute.fdr import fdr_adjusted, fdr_of_counts
from spatial.errors import DataError


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("folder", "stencil"):
        monkeypatch.setattr(f"spatial.weights.blocks.{module}.ROWS", 150)


def grown() -> np.ndarray:
    """Return values of 20 x 30 cells with a hill."""
    row, column = np.indices((20, 30))
    hill = np.exp(-((row - 8.0) ** 2 + (column - 12.0) ** 2) / 20)
    return (np.random.default_rng(0).gamma(2.0, size=(20, 30)) + 8 * hill).ravel()


@pytest.mark.evidence("open_local", kind="identity", source="the same statistic, held in memory")
@pytest.mark.parametrize("permutations", [0, 999])
@pytest.mark.parametrize("fdr", [False, True])
@pytest.mark.parametrize("function", [sp.local_moran, sp.getis_ord])
def test_a_table_on_disk_has_the_bits_of_one_in_memory(
    tmp_path: Path, function: Any, fdr: bool, permutations: int
) -> None:
    W = sp.weights.grid((20, 30), stored=False).row_standardized()
    options: dict[str, Any] = {"permutations": permutations, "fdr": fdr}
    np.save(tmp_path / "x.npy", grown())
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    held = function(x, W, **options)
    written = function(x, W, folder=tmp_path / "deep" / "table", **options, executor=2)
    opened = sp.open_local(tmp_path / "deep" / "table")
    for found in (written, opened):
        pd.testing.assert_frame_equal(found.read(), held.frame, check_exact=True)
        assert found.summary() == held.summary()
        assert found.glance().equals(held.glance())
        assert vars(found.load()).keys() >= vars(held).keys() - {"tally"}
    assert [len(block) for block in opened.blocks(["z_value"])] == [150] * 4
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["table"]
    assert held.frame["cluster"].nunique() > 1
    pd.testing.assert_frame_equal(opened.tidy(), held.tidy(), check_exact=True)


def test_rows_come_back_in_the_order_of_the_weights_by_their_ids(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = gpd.points_from_xy(rng.uniform(80, 130, 500), rng.uniform(20, 50, 500), crs=4326)
    cities = gpd.GeoDataFrame(index=pd.Index([f"p{i}" for i in range(500)], name="city"), geometry=points)
    x = pd.Series(rng.gamma(2.0, size=500), cities.index, name="income")
    W = sp.weights.distance_band(cities, 110, folder=tmp_path / "w")
    found = sp.local_moran(x.sample(frac=1, random_state=1), W, permutations=99, folder=tmp_path / "table")
    held = sp.local_moran(x, sp.weights.as_weights(W), permutations=99)
    pd.testing.assert_frame_equal(found.read(), held.frame, check_exact=True)
    pd.testing.assert_series_equal(found.frame["cluster"], held.frame["cluster"])
    assert found.tally == held.tally
    assert 0 < found.tally.clusters["island"] < 200
    assert "income" in repr(found)
    assert "<pre>" in found._repr_html_()
    # Any program reads the files: ids and labels stand in them as text.
    assert len(pd.read_parquet(tmp_path / "table")) == 500
    table = pq.read_table(tmp_path / "table" / "000001.parquet").to_pandas()
    assert set(table["cluster"]) <= set(held.frame["cluster"])
    assert table.set_index("id")["Ii"].equals(held.frame.loc[table["id"], "Ii"])


def test_a_map_of_pixels_needs_the_clusters_alone(tmp_path: Path) -> None:
    W = sp.weights.grid((20, 30), stored=False)
    x = grown()
    held = sp.local_moran(x, W, permutations=99)
    found = sp.local_moran(x, W, permutations=99, folder=tmp_path / "table")
    pages = [sp.map_raster(r, (20, 30), tmp_path / name) for r, name in ((held, "a"), (found, "b"))]
    assert pages[0].read_text() == pages[1].read_text()
    assert (tmp_path / "a" / "map.png").read_bytes() == (tmp_path / "b" / "map.png").read_bytes()


def test_adjusted_p_values_follow_from_counts() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 7, 500):
        p = rng.integers(1, 40, size) / 40
        found, place, counts = np.unique(p, return_inverse=True, return_counts=True)
        assert np.array_equal(fdr_of_counts(found, counts)[place], fdr_adjusted(p))


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    W, x = sp.weights.grid((20, 30), stored=False), grown()
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 9000))
        with pytest.raises(DataError, match=r"table of 600 units takes 0\.0 GB, .* has 0\.0 GB free"):
            sp.local_moran(x, W, permutations=9, folder=tmp_path / "table")
    with monkeypatch.context() as patch:
        full = OSError(28, "No space left on device")

        def refuse(*_: Any, **__: Any) -> None:
            raise full

        patch.setattr(pq, "write_table", refuse)
        with pytest.raises(DataError, match="No space left on device"):
            sp.local_moran(x, W, permutations=9, folder=tmp_path / "table")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="Cannot write"):
        sp.getis_ord(x, W, permutations=9, folder=tmp_path / "file" / "table")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_folders_that_hold_no_whole_table_are_refused(tmp_path: Path) -> None:
    W, x = sp.weights.grid((20, 30), stored=False), grown()
    table = tmp_path / "table"
    found = sp.local_moran(x, W, permutations=9, folder=table)
    with pytest.raises(DataError, match="new or empty"):
        sp.local_moran(x, W, permutations=9, folder=table)
    with pytest.raises(DataError, match="got int"):
        sp.local_moran(x, W, permutations=9, folder=3)  # type: ignore[call-overload]
    with pytest.raises(DataError, match="keep_simulations holds"):
        sp.local_moran(x, W, permutations=9, folder=tmp_path / "b", keep_simulations=True)
    with pytest.raises(DataError, match=r"no column 'z_vale'.*'z_value'"):
        found.read(["z_vale"])
    with pytest.raises(DataError, match="got int"):
        sp.open_local(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"wrote; .* is none"):
        sp.open_local(tmp_path)
    (table / "000002.parquet").write_bytes(b"not a table")
    with pytest.raises(DataError, match=r"000002\.parquet cannot be read"):
        found.read()
    (table / "000002.parquet").unlink()
    with pytest.raises(DataError, match=r"files \[2\] are missing"):
        sp.open_local(table)
    (table / "_local.json").write_text("{}")
    with pytest.raises(DataError, match=r"wrote; .* is none"):
        sp.open_local(table)


def test_a_table_that_memory_does_not_hold_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial.autocorrelation.on_disk.MOST_BYTES", 1e4)
    W = sp.weights.grid((20, 30), stored=False)
    for function in (sp.local_moran, sp.getis_ord):
        with pytest.raises(DataError, match=r"600 units takes 0\.0 GB of memory; .* Write it with folder="):
            function(grown(), W)


def test_one_bar_counts_the_units_of_all_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    W = sp.weights.grid((20, 30), stored=False)
    sp.local_moran(grown(), W, permutations=9, progress=True)
    shown = capsys.readouterr().err
    assert "/600 " in shown
    assert "/150 " not in shown
