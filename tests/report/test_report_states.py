"""States of the report - gaps, one year, no map, many rows - and how fast it opens and steps."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from browser.chromium import Page
from browser.readers import COLOURS

import spatial as sp
from spatial.report.building import explore

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("page_as_before")]

STEPS = """(async () => {
  const slider = document.getElementById('time'), found = [];
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => done(performance.now());
    channel.port2.postMessage(0);
  }));
  await painted();
  for (let t = 0; t <= Number(slider.max); t++) {
    const start = performance.now();
    slider.value = t;
    slider.dispatchEvent(new Event('input'));
    found.push(await painted() - start);
    await new Promise((done) => setTimeout(done, 30));
  }
  return found;
})()"""


def show(page: Page, tab: str) -> None:
    page.js(f"document.querySelector('#tab-{tab}').click()")
    page.settle()


def small(folder: Path, x: Any, times: Any, *, drawn: bool = True, n: int = 4, **options: Any) -> Path:
    """Write a report of n x n squares."""
    cells = [shapely.box(i, j, i + 1, j + 1) for i in range(n) for j in range(n)]
    ids = [f"u{k:03d}" for k in range(n * n)]
    squares = gpd.GeoDataFrame(geometry=cells, index=ids, crs=3857)
    frame = pd.DataFrame(
        {"city": np.tile(ids, len(times)), "year": np.repeat(times, n * n), "x": np.ravel(x)}
    )
    panel = sp.Panel.from_frame(frame, unit="city", time="year")
    W = sp.weights.contiguity(squares).row_standardized()
    return explore(
        squares if drawn else None, panel, "x", W, folder / "small.html", permutations=49, **options
    )


def test_a_year_without_data_says_so(page: Page, tmp_path: Path) -> None:
    x = np.arange(48.0).reshape(3, 16)
    x[1] = np.nan
    page.open(small(tmp_path, x, [2000, 2001, 2002]))
    page.js("report.app.goTo(1)")
    page.js("report.app.follow()")
    assert page.js("[...report.app.map.codes]") == [6] * 16
    assert not page.js("document.querySelector('#problem').hidden")
    assert page.js("document.querySelector('#scatter-sub').innerText").startswith("Not measured: ")
    assert page.js("document.querySelector('#time').getAttribute('aria-valuetext')") == "2001: not measured"
    assert page.js("document.querySelectorAll('#time-strip polyline').length") == 2  # a gap is no line
    page.js("report.app.goTo(2)")
    assert page.js("document.querySelector('#problem').hidden")


def test_one_year_has_no_time_chart(page: Page, tmp_path: Path) -> None:
    page.open(small(tmp_path, np.arange(16.0), [2000]))
    assert not page.js("document.querySelector('#time-strip').checkVisibility()")
    assert page.js("document.querySelector('#map-title').innerText") == "Clusters of x"


def test_without_a_map_ranks_stand_in_its_place(page: Page, tmp_path: Path) -> None:
    page.open(small(tmp_path, np.arange(32.0).reshape(2, 16), [2000, 2001], drawn=False))
    at = np.array(page.js("Array.from(report.app.map.at)")).reshape(-1, 2)
    assert (np.diff(at[:, 0]) < 0).all()  # the largest first
    assert (np.diff(at[:, 1]) < 0).all()  # and highest
    assert page.js(f"{COLOURS}(document.querySelector('#map .base'))") >= 2
    box = page.box("#map .top")
    page.click(box["left"] + at[3, 0], box["top"] + at[3, 1])
    assert page.js("[...report.app.state.selected]") == [3]
    show(page, "weights")
    assert page.js("document.querySelector('#links')") is None


def test_empty_sections_say_what_would_fill_them(page: Page, tmp_path: Path) -> None:
    page.open(small(tmp_path, np.arange(16.0), [2000]))
    for tab, words in (("models", "estimates no model. Add"), ("effects", "has no effects. Give")):
        show(page, tab)
        assert words in page.js(f"document.querySelector('#{tab} .empty').innerText")


def test_more_than_100_rows_are_cut_in_the_table_alone(page: Page, tmp_path: Path) -> None:
    page.open(small(tmp_path, np.arange(144.0), [2000], n=12))
    page.js("report.app.follow()")
    assert page.js("document.querySelectorAll('#rows tbody tr').length") == 100
    assert "the first 100 rows are shown" in page.js("document.querySelector('#rows-note').innerText")
    assert page.js("report.app.table.csv().trim().split('\\r\\n').length") == 145


def opened(page: Page, path: Path) -> float:
    """Return the milliseconds from navigation to the first frame; the best of three, as others only add."""
    found = []
    for _ in range(3):
        page.open(path)
        found.append(float(page.js("report.opened")))
    return min(found)


def stepped(page: Page, most: float) -> float:
    """Return the median milliseconds of a step; the best of some rounds."""
    rounds: list[float] = []
    while len(rounds) < 6 and (not rounds or min(rounds) > most):
        rounds.append(statistics.median(page.js(STEPS)))
    return min(rounds)


@pytest.fixture(scope="module")
def cities(china: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """336 Chinese cities, 20 years, 5 variables, with gaps."""
    random = np.random.default_rng(0)
    cube = random.normal(size=(20, len(china), 5)) + np.linspace(0, 2, len(china))[:, None]
    cube[4, :9, 0] = np.nan
    panel = sp.Panel.from_cube(
        cube, units=china.index, times=range(2003, 2023), columns=list("abcde"), unit="adcode", time="year"
    )
    W = sp.weights.contiguity(china, islands="nearest").row_standardized()
    target = tmp_path_factory.mktemp("report") / "china.html"
    return explore(china, panel, list("abcde"), W, target, permutations=49, lang="zh")


def test_340_cities_20_years_5_variables_step_within_100_ms(page: Page, cities: Path) -> None:
    assert cities.stat().st_size < 3_000_000
    assert opened(page, cities) <= 2000
    assert page.js("document.documentElement.lang") == "zh-CN"
    assert "Voronoi cells" in page.js("document.querySelector('header .source').textContent")
    for view in ("clusters", "values"):
        page.js(f"report.app.change({{view: '{view}'}})")
        assert stepped(page, 100) <= 100
    page.js("report.app.change({view: 'clusters'}); report.app.goTo(4)")
    assert page.js("document.querySelector('#legend [data-code=\"6\"] em').textContent") == "(9)"


def test_3107_counties_17_years_step_within_250_ms(page: Page, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    points = random.uniform(0, 1, size=(3107, 2)) * [4.5e6, 2.7e6]
    country = shapely.box(0, 0, 4.5e6, 2.7e6)
    cells = shapely.get_parts(
        shapely.voronoi_polygons(shapely.multipoints(points), extend_to=country, ordered=True)
    )
    # Borders of real counties bend: some eight vertices an edge.
    cells = shapely.segmentize(shapely.intersection(cells, country), 5_000)
    ids = [f"{k:05d}" for k in range(3107)]
    counties = gpd.GeoDataFrame(geometry=cells, index=ids, crs=5070)
    W = sp.weights.knn(counties.set_geometry(shapely.points(points)), 6).row_standardized()
    smooth = W.sparse @ random.normal(size=(3107, 17 * 2))
    cube = smooth.reshape(3107, 17, 2).transpose(1, 0, 2)
    panel = sp.Panel.from_cube(
        cube, units=counties.index, times=range(1980, 1997), columns=["a", "b"], unit="fips", time="year"
    )
    path = explore(counties, panel, ["a", "b"], W, tmp_path / "us.html", permutations=49)
    assert path.stat().st_size < 6_000_000
    assert opened(page, path) <= 2000
    for view in ("clusters", "values"):
        page.js(f"report.app.change({{view: '{view}'}})")
        assert stepped(page, 250) <= 250
    hover = (
        "(() => { const m = report.app.map, t = performance.now(); for (let k = 0; k < 100; k++) "
        "report.app.hover(m.under(20 + 7 * k, 40 + 2 * k)); return (performance.now() - t) / 100; })()"
    )
    brush = (
        "(() => { const t = performance.now(); report.app.select([...Array(1000).keys()]);"
        " return performance.now() - t; })()"
    )
    # The best of five: other programs on the machine only ever add.
    assert min(page.js(hover) for _ in range(5)) <= 4
    assert min(page.js(brush) for _ in range(5)) <= 50
