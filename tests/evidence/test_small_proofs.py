"""Small checks of functions that no larger test compares with anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp


@pytest.mark.evidence("local_moran_rate", source="local_moran of esda's assuncao_rate", kind="identity")
def test_a_local_moran_of_rates_is_that_of_the_standardised_rates(nc: Any) -> None:
    from esda.smoothing import assuncao_rate

    W = sp.weights.contiguity(nc).row_standardized()
    found = sp.local_moran_rate(nc["sid74"], nc["bir74"], W, permutations=9)
    rates = pd.Series(assuncao_rate(nc["sid74"].to_numpy(float), nc["bir74"].to_numpy(float)), nc.index)
    np.testing.assert_allclose(
        found.frame["Ii"], sp.local_moran(rates, W, permutations=9).frame["Ii"], rtol=1e-12
    )


@pytest.mark.evidence("models.SpatialSystem:ols", digits=10, source="statsmodels OLS, 90 counties")
def test_least_squares_is_that_of_statsmodels(nc_crime: sp.Panel) -> None:
    import statsmodels.api as sm

    one = nc_crime.at(1987)
    data = pd.DataFrame({"y": np.log(one["crmrte"]), "x": np.log(one["polpc"]), "z": one["density"]})
    fit = sp.models.SpatialSystem("y ~ x + z", data).fit("ols", cov="hom")
    peer = sm.OLS(data["y"], sm.add_constant(data[["x", "z"]])).fit()
    np.testing.assert_allclose(fit.params, peer.params, rtol=1e-10)
    # Errors of a cross-section divide by n; statsmodels by n - k.
    np.testing.assert_allclose(fit.std_errors * np.sqrt(90 / 87), peer.bse, rtol=1e-10)


@pytest.mark.evidence(
    "weights.as_weights", source="a Graph and a W of libpysal, there and back", kind="identity"
)
def test_weights_of_libpysal_are_taken_as_they_are(nc: Any) -> None:
    W = sp.weights.contiguity(nc)
    for theirs in (W.to_graph(), W.to_w()):
        np.testing.assert_array_equal(sp.weights.as_weights(theirs).to_dense(), W.to_dense())


@pytest.mark.evidence(
    "write_tables", source="the cells that python-docx and openpyxl read back", kind="identity"
)
def test_all_tables_are_in_the_file(nc_crime: sp.Panel, tmp_path: Path) -> None:
    import docx
    import openpyxl

    tables = {
        name: sp.descriptive_table(nc_crime, [name], labels={name: name}) for name in ("polpc", "density")
    }
    word = docx.Document(str(sp.write_tables(tables, tmp_path / "two.docx")))
    excel = openpyxl.load_workbook(sp.write_tables(tables, tmp_path / "two.xlsx"))
    read = [[cell.text for row in table.rows for cell in row.cells] for table in word.tables]
    assert [name for name, cells in zip(tables, read, strict=True) if name in cells] == list(tables)
    sheets = [[str(cell) for row in sheet.values for cell in row] for sheet in excel.worksheets]
    assert [name for name, cells in zip(tables, sheets, strict=True) if name in cells] == list(tables)


@pytest.mark.evidence("shapefiles.sample_contents", source="the samples, loaded", kind="identity")
def test_the_contents_of_a_sample_are_those_that_it_loads() -> None:
    for name in ("nc", "china_cities"):
        said, sample = sp.shapefiles.sample_contents(name), sp.shapefiles.load_sample(name)
        assert sample.cities.index.equals(sp.shapefiles.load(said.cities).index)
        if said.panel:
            pd.testing.assert_frame_equal(sample.panel.frame, sp.shapefiles.load(said.panel).frame)


@pytest.mark.evidence("map_cohorts", source="the legend of eight cities, counted", kind="hand")
def test_a_map_of_cohorts_counts_who_starts_when() -> None:
    import geopandas as gpd

    shapes = gpd.points_from_xy(range(8), [0] * 8).buffer(0.4)
    cities = gpd.GeoDataFrame(index=list("abcdefgh"), geometry=shapes, crs=4326)
    starts = pd.Series([2014, 2012, 0, 2012, np.nan, 2012, 0, 2014], cities.index)
    axes = sp.map_cohorts(cities, starts.sample(frac=1, random_state=1))
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert words == ["2012 (3)", "2014 (2)", "never (3)"]
