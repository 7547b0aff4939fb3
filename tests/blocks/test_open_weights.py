"""Weights by blocks: the bits of stored ones, whatever the blocks; and folders that are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.weights.blocks.hilbert import hilbert_order


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("folder", "stencil"):
        monkeypatch.setattr(f"spatial.weights.blocks.{module}.ROWS", 300)


def cities(n: int = 1000, seed: int = 0) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    points = gpd.points_from_xy(rng.uniform(80, 130, n), rng.uniform(20, 50, n), crs=4326)
    return gpd.GeoDataFrame(index=[f"p{i}" for i in range(n)], geometry=points)


@pytest.mark.evidence("weights.open_weights", kind="identity", source="the same weights, held whole")
@pytest.mark.parametrize("kind", ["knn", "band"])
def test_a_folder_of_blocks_holds_the_links_of_stored_weights(tmp_path: Path, kind: str) -> None:
    places = cities()
    if kind == "knn":
        stored = sp.weights.knn(places, 6)
        opened = sp.weights.knn(places, 6, folder=tmp_path / "w")
    else:
        stored = sp.weights.distance_band(places, 150)
        opened = sp.weights.distance_band(places, 150, folder=tmp_path / "w")
    for found in (opened, sp.weights.open_weights(tmp_path / "w")):
        assert found.source.count == 4
        assert (found.n_links, found.meta) == (stored.n_links, stored.meta)
        assert sp.weights.as_weights(found).equals(stored)
    blocks = list(opened.blocks())
    assert np.array_equal(np.sort(np.concatenate([b.rows for b in blocks])), np.arange(1000))
    for block in blocks:
        needed = np.concatenate([block.rows, block.halo])
        assert len(block.halo) < 200
        assert np.isin(block.matrix.indices, needed).all()


@pytest.mark.evidence(
    "weights.OpenWeights.lag",
    "weights.OpenWeights.row_standardized",
    source="the same weights stored",
    kind="identity",
)
@pytest.mark.parametrize("rook", [False, True])
def test_a_grid_that_is_never_stored_has_the_links_of_one_that_is(rook: bool) -> None:
    values = np.random.default_rng(0).normal(size=(23, 41))
    values[values > 1] = np.nan
    raster = xr.DataArray(values, dims=("y", "x"))
    for given in (raster, (30, 17), (1, 700)):
        stored, opened = (sp.weights.grid(given, rook, stored=s) for s in (True, False))
        assert opened.source.count > 1
        assert opened.n_links == stored.n_links
        assert sp.weights.as_weights(opened).equals(stored)
    stored, opened = (sp.weights.grid(raster, rook, stored=s).row_standardized() for s in (True, False))
    assert np.array_equal(stored.lag(raster), opened.lag(raster), equal_nan=True)


def test_statistics_by_blocks_have_the_bits_of_those_of_stored_weights(tmp_path: Path) -> None:
    places = cities()
    x = pd.Series(np.random.default_rng(1).gamma(2.0, size=1000), index=places.index, name="x")
    moved = x.sample(frac=1, random_state=1)
    stored = sp.weights.knn(places, 6).row_standardized()
    opened = sp.weights.knn(places, 6, folder=tmp_path / "w").row_standardized()
    pd.testing.assert_series_equal(stored.lag(moved), opened.lag(moved), check_exact=True)
    for function in (sp.local_moran, sp.getis_ord):
        a = function(x, stored, permutations=99)
        for executor in (1, 2, 7):
            b = function(moved, opened, permutations=99, executor=executor)
            pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)
    assert sp.moran(x, opened, permutations=19).p_sim == sp.moran(x, stored, permutations=19).p_sim
    dropped = x.where(x < 5)
    a, b = (sp.local_moran(dropped, w, permutations=9, missing="drop") for w in (stored, opened))
    pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)


LOCAL = {
    "geary": sp.local_geary,
    "geary of two": lambda x, W, **more: sp.local_geary(pd.DataFrame({"x": x, "y": np.sqrt(x)}), W, **more),
    "losh": sp.losh,
    "losh of absolute deviations": lambda x, W, **more: sp.losh(x, W, power=1, **more),
    "bivariate": lambda x, W, **more: sp.bivariate_local_moran(x, x.rank().rename("rank"), W, **more),
    "quantile": sp.quantile_lisa,
    "joins": lambda x, W, **more: sp.local_join_counts(x > 2, W, **more),
    "co-location": lambda x, W, **more: sp.local_join_counts(
        pd.DataFrame({"a": x > 1, "b": x < 4}), W, **more
    ),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", LOCAL)
def test_further_local_statistics_by_blocks_have_the_bits_of_those_of_stored_weights(
    tmp_path: Path, kind: str, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled:
        monkeypatch.setattr("spatial.compute.conditional._MOST_SECONDS", 0.0)
    monkeypatch.setattr(sp.weights.OpenWeights, "matrix", None)  # which would read them whole
    places, function = cities(), LOCAL[kind]
    x = pd.Series(np.random.default_rng(1).gamma(2.0, size=1000), index=places.index, name="x")
    moved = x.sample(frac=1, random_state=1)
    stored = sp.weights.distance_band(places, 90, islands="keep").row_standardized()
    opened = sp.weights.distance_band(places, 90, islands="keep", folder=tmp_path / "w").row_standardized()
    for permutations in (0, 99):
        a = function(x, stored, permutations=permutations)
        for executor in (1, 2, 7):
            b = function(moved, opened, permutations=permutations, executor=executor)
            pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)
        assert (a.frame["cluster"] == "island").any()
        assert a.frame.shape[0] == 1000


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("kind", ["grid", "knn"])
def test_statistics_of_pairs_by_blocks_have_the_bits_of_those_of_stored_weights(
    tmp_path: Path, kind: str, wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wide:
        monkeypatch.setattr("spatial.compute.links._NEAR", 10)
    monkeypatch.setattr("spatial.compute.permutation.BUCKET", 10)
    places = cities()
    if kind == "knn":
        opened = sp.weights.knn(places, 6, folder=tmp_path / "w").row_standardized()
        stored = sp.weights.knn(places, 6).row_standardized()
    else:
        opened, stored = (sp.weights.grid((25, 40), stored=s).row_standardized() for s in (False, True))
    x = pd.Series(np.random.default_rng(1).gamma(2.0, size=1000), index=stored.ids, name="x")
    y, moved = x.rank().rename("rank"), x.sample(frac=1, random_state=1)
    for function in (sp.lee, sp.bivariate_moran):
        a = function(x, y, stored, permutations=19)
        for executor in (1, 2):
            b = function(moved, y, opened, permutations=19, executor=executor)
            pd.testing.assert_frame_equal(a.tidy(), b.tidy(), check_exact=True)
            assert np.array_equal(a.simulated, b.simulated)
    a, b = (
        sp.join_counts(x > 2, stored, permutations=19),
        sp.join_counts(moved > 2, opened, permutations=19),
    )
    pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)
    pd.testing.assert_frame_equal(a.simulated, b.simulated, check_exact=True)
    monkeypatch.setattr(sp.weights.OpenWeights, "matrix", None)
    pd.testing.assert_frame_equal(
        sp.join_counts(x > 2, opened, permutations=0).frame.iloc[:, :5], a.frame.iloc[:, :5], check_exact=True
    )
    for function in (sp.lee, sp.bivariate_moran):
        a, b = (function(x, y, w, permutations=0) for w in (stored, opened))
        pd.testing.assert_frame_equal(a.tidy(), b.tidy(), check_exact=True)


def test_tables_that_memory_does_not_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    W = sp.weights.grid((25, 40), stored=False).row_standardized()
    monkeypatch.setattr("spatial.autocorrelation.local_inference.free_bytes", lambda: 5e4)
    for function in (sp.local_geary, sp.losh):
        with pytest.raises(DataError, match=r"table of 1,000 units .* GB are free.*with folder="):
            function(np.arange(1000.0), W)


def test_blocks_and_permutations_of_further_statistics_show_their_progress(
    capsys: pytest.CaptureFixture[str],
) -> None:
    W = sp.weights.grid((25, 40), stored=False).row_standardized()
    x = pd.Series(np.random.default_rng(1).normal(size=1000), index=W.ids, name="x")
    options: Any = {"permutations": 9, "progress": True}
    for function, label in ((sp.local_geary, "Local Geary of x"), (sp.losh, "LOSH of x")):
        function(x, W, **options)
        assert label in capsys.readouterr().err
    sp.lee(x, x.rank(), W, **options)
    assert "Lee's L of x" in capsys.readouterr().err


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("kind", ["grid", "rook", "knn"])
def test_global_statistics_by_blocks_have_the_bits_of_those_of_stored_weights(
    tmp_path: Path, kind: str, wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wide:  # neighbours that are far apart in the order of the rows are put into another order
        monkeypatch.setattr("spatial.compute.links._NEAR", 10)
    # Of few units stored weights go on arrays.
    monkeypatch.setattr("spatial.compute.permutation.BUCKET", 10)
    places, shape = cities(), (25, 40)
    if kind == "knn":
        opened = sp.weights.knn(places, 6, folder=tmp_path / "w").row_standardized()
        stored = sp.weights.knn(places, 6).row_standardized()
    else:
        opened, stored = (
            sp.weights.grid(shape, kind == "rook", stored=s).row_standardized() for s in (False, True)
        )
    x = pd.Series(np.random.default_rng(1).gamma(2.0, size=1000), index=stored.ids, name="x")
    moved = x.sample(frac=1, random_state=1)
    for function in (sp.moran, sp.geary, sp.general_g):
        a = function(x, stored, permutations=19)
        for executor in (1, 2):
            b = function(moved, opened, permutations=19, executor=executor)
            pd.testing.assert_frame_equal(a.tidy(), b.tidy(), check_exact=True)
            assert np.array_equal(a.simulated, b.simulated)
        assert function(x, opened, permutations=0).statistic == a.statistic
    a, b = (sp.moran(x, w, permutations=0) for w in (stored, opened))
    pd.testing.assert_series_equal(a.lag, b.lag, check_exact=True)
    pd.testing.assert_series_equal(a.z, b.z, check_exact=True)


def test_global_statistics_know_islands_and_cells_without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(23, 41))
    values[values > 0.3] = np.nan
    raster = xr.DataArray(values, dims=("y", "x"))
    x = sp.weights.raster_values(raster)
    stored, opened = (sp.weights.grid(raster, True, stored=s) for s in (True, False))
    a, b = (sp.moran(x, w, permutations=9) for w in (stored, opened))
    pd.testing.assert_frame_equal(a.tidy(), b.tidy(), check_exact=True)
    assert 0 < len(a.islands) == len(b.islands)
    assert a.islands.equals(b.islands)
    apart = xr.DataArray(np.where(np.indices((6, 6)).sum(axis=0) % 2, 1.0, np.nan), dims=("y", "x"))
    with pytest.raises(WeightsError, match="positive sum"):
        sp.geary(np.arange(18.0), sp.weights.grid(apart, True, stored=False), permutations=9)
    monkeypatch.setattr("spatial.weights.checks.MAX_LINKS", 100)  # of weights that are read whole
    assert sp.moran(x, opened, permutations=9).p_sim == a.p_sim
    monkeypatch.setattr("spatial.autocorrelation.pairs.free_bytes", lambda: 5e4)
    with pytest.raises(WeightsError, match=r"Permutations keep each pair of W \+ W'.*permutations=0 gives"):
        sp.moran(x, opened, executor=2)
    assert sp.moran(x, opened, permutations=0).I == a.I


def test_pairs_that_are_put_in_order_are_at_most_as_many_as_32_bits_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.compute.links._NEAR", 10)
    opened = sp.weights.knn(cities(), 6, folder=tmp_path / "w").row_standardized()
    x, links = np.random.default_rng(0).normal(size=1000), 6_000
    sp.moran(x, opened, permutations=9)
    with monkeypatch.context() as little:
        little.setattr("spatial.compute.links.free_bytes", lambda: 2e5)
        with pytest.raises(WeightsError, match=r"pairs of W \+ W' in order takes 0\.0 GB"):
            sp.moran(x, opened, permutations=9)
    monkeypatch.setattr("spatial.compute.links.MOST_ORDERED", links)
    with pytest.raises(
        WeightsError, match=r"at most 6,000 links; W \+ W' has .* Sort the units along the map"
    ):
        sp.moran(x, opened, permutations=9)
    near = sp.weights.grid((100, 10), stored=False)  # in order as it is
    assert near.n_links > links
    monkeypatch.setattr("spatial.compute.links._NEAR", 11)
    assert 0 < sp.moran(x, near, permutations=9).p_sim <= 1


def test_windows_of_many_units_are_drawn_alike_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spatial.compute.conditional_kernels.MANY", 10_000)
    monkeypatch.setattr("spatial.compute.conditional.MANY", 10_000)
    monkeypatch.setattr("spatial.weights.blocks.stencil.ROWS", 4_000)
    x = np.random.default_rng(2).normal(size=12_000)
    stored, opened = (sp.weights.grid((120, 100), stored=s).row_standardized() for s in (True, False))
    a, b = (sp.local_moran(x, w, permutations=9) for w in (stored, opened))
    pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)
    assert abs(a.I - b.I) <= 1e-12 * abs(a.I)
    several = pd.DataFrame({"x": x, "y": np.exp(x)})
    a, b = (sp.local_geary(several, w, permutations=9) for w in (stored, opened))
    pd.testing.assert_frame_equal(a.frame, b.frame, check_exact=True)


def test_panels_are_lagged_by_blocks_in_memory_and_on_disk(tmp_path: Path) -> None:
    stored, opened = (sp.weights.grid((20, 40), stored=s).row_standardized() for s in (True, False))
    rng = np.random.default_rng(0)
    for year in (2001, 2002, 2003):
        frame = pd.DataFrame({"cell": stored.ids, "year": year, "a": rng.normal(size=800)})
        frame.to_parquet(tmp_path / f"{year}.parquet")
    panel = sp.open_panel(tmp_path, unit="cell", time="year")
    a = sp.spatial_lag(panel, ["a"], stored, folder=tmp_path / "stored")
    b = sp.spatial_lag(panel, ["a"], opened, folder=tmp_path / "opened", executor=2)
    whole = panel.read()
    pd.testing.assert_frame_equal(a.read().frame, b.read().frame, check_exact=True)
    pd.testing.assert_frame_equal(
        sp.spatial_lag(whole, ["a"], opened).frame, a.read().frame, check_exact=True, check_like=True
    )
    pd.testing.assert_frame_equal(opened.lag(whole).frame, stored.lag(whole).frame, check_exact=True)


def test_the_hilbert_curve_steps_to_a_neighbour_each_time() -> None:
    x, y = (v.ravel().astype(float) for v in np.meshgrid(np.arange(32), np.arange(32)))
    order = hilbert_order(x, y)
    assert (np.abs(np.diff(x[order])) + np.abs(np.diff(y[order])) == 1).all()


def test_what_needs_the_weights_whole_says_how_to_read_them(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = sp.weights.grid((20, 20), stored=False)
    with pytest.raises(WeightsError, match=r"W\.report needs the weights in memory: .*as_weights\(W\)"):
        opened.report()
    with pytest.raises(AttributeError):
        opened.nothing  # noqa: B018
    monkeypatch.setattr("spatial.weights.checks.MAX_LINKS", 100)
    with pytest.raises(WeightsError, match="limit is 0 million"):
        sp.weights.as_weights(opened)
    with pytest.raises(DataError, match="32 bits"):
        sp.weights.grid((100_000, 100_000), stored=False)


def test_folders_that_hold_no_whole_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with pytest.raises(WeightsError, match="needs a folder that knn"):
        sp.weights.open_weights(tmp_path)
    with pytest.raises(WeightsError, match="got int"):
        sp.weights.open_weights(3)  # type: ignore[arg-type]
    sp.weights.knn(cities(), 3, folder=folder)
    with pytest.raises(WeightsError, match="w is a folder; open_weights opens one"):
        sp.weights.read(folder)
    with pytest.raises(WeightsError, match="new or empty"):
        sp.weights.knn(cities(), 3, folder=folder)
    with pytest.raises(DataError, match="folder to write into; got int"):
        sp.weights.knn(cities(), 3, folder=3)  # type: ignore[call-overload]
    with pytest.raises(DataError, match="folder to write into; got ''"):
        sp.weights.knn(cities(), 3, folder="")  # type: ignore[call-overload]
    with pytest.raises(WeightsError, match="keep islands"):
        sp.weights.distance_band(cities(), 3, islands="raise", folder=tmp_path / "b")  # type: ignore[call-overload]
    about = (folder / "weights.json").read_text()
    (folder / "weights.json").write_text(about.replace("by blocks, 1", "by blocks, 9"))
    with pytest.raises(WeightsError, match="its format is 'spatial weights by blocks, 9'"):
        sp.weights.open_weights(folder)
    (folder / "weights.json").write_text(about)
    block = folder / "000001.npz"
    block.write_bytes(b"not a block")
    with pytest.raises(WeightsError, match=r"000001\.npz: not a block"):
        sp.weights.as_weights(sp.weights.open_weights(folder))
    block.unlink()
    with pytest.raises(WeightsError, match=r"blocks \[1\] are missing"):
        sp.weights.open_weights(folder)


def test_the_product_with_labelled_data_goes_by_label() -> None:
    W = sp.weights.grid((3, 4), stored=False).row_standardized()
    x = pd.Series(np.arange(12.0) ** 2, range(12), name="x")[::-1]
    assert (W @ x).equals(sp.weights.as_weights(W) @ x)
    with pytest.raises(AlignmentError, match=r"'x' and the weights"):
        W @ x.iloc[1:]
    with pytest.raises(AlignmentError, match="needs the 12 units along the first axis"):
        W @ np.zeros(11)
