"""Maps, panels and weights that the tests of the report share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from browser.chromium import Page, browser

import spatial as sp
from spatial.report.building import explore

COLUMNS = ["crmrte", "polpc", "density"]


@pytest.fixture(scope="session")
def counties(nc: Any, nc_crime: Any) -> Any:
    """Map, panel and weights of the counties with crimes."""
    cities = nc.loc[nc_crime.units]
    return cities, nc_crime, sp.weights.contiguity(cities, islands="nearest").row_standardized()


@pytest.fixture
def grid() -> Any:
    """Nine squares, a panel of two years, and their weights."""
    cells = [shapely.box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)]
    cities = gpd.GeoDataFrame({"name": list("ABCDEFGHI")}, geometry=cells, index=list("abcdefghi"), crs=3857)
    rows = [(i, t, float(k * (t - 1999)) + (k % 2)) for t in (2000, 2001) for k, i in enumerate("abcdefghi")]
    panel = sp.Panel.from_frame(pd.DataFrame(rows, columns=["city", "year", "x"]), unit="city", time="year")
    return cities, panel, sp.weights.contiguity(cities).row_standardized()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all tests."""
    with browser(tmp_path_factory.mktemp("browser"), width=1280) as found:
        yield found


@pytest.fixture(scope="session")
def mapped(nc: Any, nc_crime: Any) -> Any:
    """The whole map, the panel of 90 counties, and their weights."""
    sub = nc.loc[nc_crime.units]
    return nc, nc_crime, sp.weights.contiguity(sub, islands="nearest").row_standardized()


@pytest.fixture(scope="session")
def file(mapped: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of North Carolina."""
    cities, panel, W = mapped
    table = sp.moran_panel(panel, "crmrte", W, permutations=0)[["time", "I", "z_randomisation"]]
    target = tmp_path_factory.mktemp("report") / "nc.html"
    return explore(cities, panel, COLUMNS, W, target, permutations=199, tables={"Moran's I": table})


@pytest.fixture
def report(page: Page, file: Path) -> Iterator[Page]:
    """The page, freshly opened; afterwards nothing was complained of and nothing asked for."""
    page.requests.clear()
    page.problems.clear()
    page.open(file)
    yield page
    assert page.problems == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert sum(url.startswith("file:") for url in page.requests) == 1


@pytest.fixture
def page_as_before(page: Page) -> Iterator[None]:
    """The page for tests that change its size, its media or its scripts, put back afterwards."""
    page.problems.clear()
    page.requests.clear()
    yield
    page.resize(1280)
    page.media()
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    # Pixels are read back by these tests alone.
    assert [said for said in page.problems if "getImageData" not in said] == []
    assert [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))] == []
