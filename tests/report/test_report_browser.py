"""The report in headless Chromium: brushing, sliding, switching, downloading, silence and speed.

Not run by default: `pytest -m browser`, with Chromium installed.
"""

from __future__ import annotations

import csv
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.chromium import Page, browser

import spatial as sp
from spatial.figures.classes import build_classes
from spatial.report.building import explore

pytestmark = pytest.mark.browser

EVIL = '<img src=x onerror="window.broken=1">"&\'</script><script>window.broken=1</script>'
COLUMNS = ["crmrte", "polpc", "density"]

# Where a place of a figure's data lies in the window.
PLACE = """((name, x, y) => {
  const plot = report.plots[name];
  const view = Bokeh.index.find_one ? Bokeh.index.find_one(plot) : Bokeh.index[plot.id];
  const outer = view.el.getBoundingClientRect(), b = view.frame.bbox, X = plot.x_range, Y = plot.y_range;
  return [outer.left + b.left + (x - X.start) / (X.end - X.start) * b.width,
          outer.top + b.bottom - (y - Y.start) / (Y.end - Y.start) * b.height];
})"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all tests."""
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def counties(nc: Any, nc_crime: Any) -> Any:
    """Map, panel and weights of the counties with crimes."""
    cities = nc.loc[nc_crime.units]
    return cities, nc_crime, sp.weights.contiguity(cities, islands="nearest").row_standardized()


@pytest.fixture(scope="module")
def file(counties: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of North Carolina."""
    cities, panel, W = counties
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


def place(page: Page, figure: str, x: float, y: float) -> tuple[float, float]:
    found = page.js(f"{PLACE}({json.dumps(figure)}, {x}, {y})")
    return found[0], found[1]


def selected(page: Page) -> list[int]:
    return sorted(page.js("Array.from(report.units.selected.indices)"))


def column(page: Page, name: str) -> Any:
    return page.js(f"Array.from(report.units.data[{json.dumps(name)}])")


def text(page: Page, element: str) -> str:
    return str(page.js(f"document.getElementById({json.dumps(element)}).textContent"))


def legend(page: Page) -> dict[str, int]:
    pairs = page.js(
        "[...document.querySelectorAll('#legend button')]"
        ".map((b) => [b.dataset.key, b.querySelector('b').textContent])"
    )
    return {key: int(count) for key, count in pairs if int(count)}


def pick(page: Page, selector: str, value: Any = None) -> None:
    """Choose as a reader does: by click, or by value and event."""
    if value is None:
        page.js(f"document.querySelector({json.dumps(selector)}).click()")
    else:
        page.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            f"e.value = {json.dumps(value)};"
            "e.dispatchEvent(new Event('input')); e.dispatchEvent(new Event('change')); })()"
        )
    page.settle()


def slope(z: Any, lag: Any) -> float:
    return float(np.polyfit(z, lag, 1)[0])


def shown(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def test_a_box_on_the_map_selects_everywhere(report: Page, counties: Any) -> None:
    x, y = np.array(column(report, "cx")), np.array(column(report, "cy"))
    low, high = np.quantile(x, [0.3, 0.6]), np.quantile(y, [0.2, 0.9])
    report.drag(place(report, "map", low[0], high[1]), place(report, "map", low[1], high[0]))
    inside = np.flatnonzero((x > low[0]) & (x < low[1]) & (y > high[0]) & (y < high[1]))
    found = selected(report)
    # The mouse falls on whole pixels: a unit on the very edge may go either way.
    assert len(set(found) ^ set(inside)) <= 2
    assert len(found) > 10
    z, lag = np.array(column(report, "z")), np.array(column(report, "lag"))
    rest = np.setdiff1d(np.arange(90), found)
    assert (
        text(report, "slope-selected") == f"Selected {shown(slope(z[found], lag[found]))} (n = {len(found)})"
    )
    assert text(report, "slope-rest") == f"Rest {shown(slope(z[rest], lag[rest]))} (n = {len(rest)})"
    assert text(report, "slope-all") == f"All {shown(slope(z, lag))} (n = 90)"
    for bars in ("bars", "degree"):
        assert sum(report.js(f"report.{bars}.data.chosen")) == len(found)
        assert sum(report.js(f"report.{bars}.data.top")) == 90
    ids = report.js("[...document.querySelectorAll('#rows tr')].map((r) => r.cells[1].textContent)")
    assert ids == [counties[2].ids[i] for i in found]
    assert text(report, "count") == f"{len(found)} of 90 selected"
    for line in ("line_selected", "line_rest", "line_all"):
        assert len(report.js(f"report.model('{line}').data.x")) == 2


def test_a_box_on_the_scatter_selects_everywhere(report: Page) -> None:
    z, lag = np.array(column(report, "z")), np.array(column(report, "lag"))
    report.drag(
        place(report, "scatter", -0.02, 0.02), place(report, "scatter", z.max() + 0.1, lag.max() + 0.1)
    )
    found = selected(report)
    inside = np.flatnonzero((z > 0) & (lag > 0))
    assert len(set(found) ^ set(inside)) <= 3
    assert sum(report.js("report.bars.data.chosen")) == len(found) > 3


def test_brushing_histograms_selects_their_units(report: Page, counties: Any) -> None:
    top = max(report.js("report.bars.data.top"))
    right = report.js("report.bars.data.right")
    values = counties[1].at(1987)["crmrte"].to_numpy()
    # Brush from within the third bar to the end; bars that the box touches count.
    edge = report.js("report.bars.data.left[2]") + 0.2 * (right[2] - report.js("report.bars.data.left[2]"))
    report.drag(place(report, "histogram", edge, top * 0.5), place(report, "histogram", right[-1], top * 0.2))
    width = right[1] - right[0]
    bins = np.minimum(((values - report.js("report.bars.data.left[0]")) / width).astype(int), len(right) - 1)
    found = selected(report)
    assert found == np.flatnonzero(bins >= 2).tolist()
    assert sum(report.js("report.bars.data.chosen")) == len(found)
    report.click(*place(report, "neighbours", 4, 1))
    count = counties[2].cardinalities.to_numpy()
    assert selected(report) == np.flatnonzero(count == 4).tolist()
    assert text(report, "slope-selected").endswith(f"(n = {(count == 4).sum()})")
    assert report.js("Array.from(report.bars.selected.indices)") == []  # the other brush was let go


def test_click_shift_click_legend_and_escape(report: Page) -> None:
    x, y = column(report, "cx"), column(report, "cy")
    report.click(*place(report, "map", x[3], y[3]))
    assert selected(report) == [3]
    assert text(report, "slope-selected") == "Selected – (n = 1)"
    pick(report, "#legend button[data-key=LL]")
    low = selected(report)
    assert len(low) == legend(report)["LL"]
    report.js("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    report.settle()
    assert selected(report) == []
    assert report.js("document.getElementById('slope-selected').hidden")
    assert text(report, "count") == "No selection"
    assert report.js("document.querySelectorAll('#rows tr').length") == 90


def test_switches_agree_with_local_moran(report: Page, counties: Any) -> None:
    _, panel, W = counties
    pick(report, "#variable", "2")
    pick(report, "#time", "3")
    local = sp.local_moran(panel.at(1984)["density"], W, permutations=199)
    frame = local.frame.loc[W.ids]
    assert text(report, "time-shown") == "1984"
    np.testing.assert_allclose(column(report, "z"), frame["z"], rtol=1e-9)
    np.testing.assert_allclose(column(report, "lag"), frame["lag"], rtol=1e-6)
    whole = sp.moran(panel.at(1984)["density"], W, permutations=199)
    assert text(report, "moran") == f"Moran's I = {shown(whole.I)}, p = {shown(whole.p_sim)}"
    assert slope(column(report, "z"), column(report, "lag")) == pytest.approx(whole.I, rel=1e-6)
    for fdr in (False, True):
        p = frame["p_fdr" if fdr else "p_sim"]
        for rank, level in enumerate((0.05, 0.01, 0.001)):
            pick(report, f"#levels input[value='{rank}']")
            wanted = (
                frame["quadrant"].astype(object).where(p <= level, "not significant").value_counts().to_dict()
            )
            assert legend(report) == wanted
        pick(report, "#fdr")
    pick(report, "#modes input[value=significance]")
    p = frame["p_sim"]
    wanted = {"s0": (p > 0.05).sum(), "s1": ((p <= 0.05) & (p > 0.01)).sum(), "s2": (p <= 0.01).sum()}
    assert legend(report) == {key: n for key, n in wanted.items() if n}
    pick(report, "#modes input[value=values]")
    pooled = panel.cube("density").ravel()
    codes = build_classes(pooled, "quantiles", 5).codes(panel.at(1984)["density"].to_numpy())
    assert legend(report) == {f"c{c}": n for c, n in enumerate(np.bincount(codes)) if n}
    assert len(set(column(report, "color"))) == len(legend(report))


def test_hovering_shows_name_value_and_neighbours(report: Page, counties: Any) -> None:
    cities, panel, W = counties
    x, y = column(report, "cx"), column(report, "cy")
    report.hover(*place(report, "map", x[40], y[40]))
    report.wait("report.model('links').data.x1.length > 0")
    near = W.sparse[[40]].indices
    assert sorted(report.js("report.model('links').data.x1")) == sorted(x[j] for j in near)
    assert len(report.js("report.model('focus').data.xs")) >= 1
    assert len(report.js("report.model('rings').data.xs")) >= len(near)
    assert len(report.js("report.model('around').data.x")) == len(near)
    said = text(report, "tip")
    value = panel.at(1987)["crmrte"].iloc[40]
    for words in (cities["name"].iloc[40], W.ids[40], f"{value:.4g}", "Crimes per person", "Cluster"):
        assert str(words) in said
    report.hover(2, 2)
    report.wait("report.model('links').data.x1.length === 0")
    assert report.js("document.getElementById('tip').hidden")


def test_the_trend_is_clickable(report: Page) -> None:
    I = report.js("report.model('trend_points').data.I[1]")  # noqa: E741
    report.click(*place(report, "trend", 1, I))
    assert text(report, "time-shown") == "1982"
    assert report.js("report.model('now').location") == 1
    pick(report, "#play")
    report.wait("document.getElementById('time-shown').textContent === '1983'")
    pick(report, "#play")


def test_the_table_sorts_and_downloads(report: Page, counties: Any) -> None:
    _, panel, W = counties
    report.js("report.choose([5, 7, 11])")
    report.settle()
    pick(report, "#rows-head th:nth-child(3) button")
    values = panel.at(1987)["crmrte"]
    order = values.iloc[[5, 7, 11]].sort_values(ascending=False).index.tolist()
    assert report.js("[...document.querySelectorAll('#rows tr')].map((r) => r.cells[1].textContent)") == order
    pick(report, "#download")
    rows = list(csv.reader(_downloaded(report, "crmrte_1987.csv").splitlines()))
    assert ",".join(rows[0]) == "id,name,year,crmrte,z,lag,quadrant,cluster,p_sim,p_fdr,neighbours"
    frame = sp.local_moran(values, W, permutations=199).frame
    for row, place_ in zip(rows[1:], (5, 7, 11), strict=True):
        unit = W.ids[place_]
        assert row[0] == unit
        assert float(row[3]) == values[unit]  # to the last bit
        assert [float(cell) for cell in row[4:6]] == pytest.approx(
            frame.loc[unit, ["z", "lag"]].tolist(), rel=1e-6
        )
        assert row[6] == frame.loc[unit, "quadrant"]
        assert row[7] == frame.loc[unit, "cluster"]
        assert float(row[8]) == pytest.approx(frame.loc[unit, "p_sim"], rel=1e-6)
        assert int(row[10]) == W.cardinalities[unit]


def _downloaded(page: Page, name: str) -> str:
    target = page.downloads / name
    limit = time.monotonic() + 20
    while not target.exists():
        assert time.monotonic() < limit, f"{name} was not downloaded"
        time.sleep(0.05)
    raw = target.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")  # Excel needs the mark to read Chinese
    return raw.decode("utf-8-sig")


def test_the_page_looks_like_a_report(report: Page, tmp_path: Path) -> None:
    report.screenshot(tmp_path / "report.png")
    import matplotlib.image

    picture = matplotlib.image.imread(tmp_path / "report.png")
    assert picture.shape[:2] == (900, 1400)
    for element in (
        "#figure-map",
        "#figure-scatter",
        "#figure-histogram",
        "#figure-neighbours",
        "#figure-trend",
    ):
        box = report.box(element)
        assert box["top"] + box["height"] <= 900
        rows = slice(int(box["top"]), int(box["top"] + box["height"]))
        part = picture[rows, int(box["left"]) : int(box["left"] + box["width"]), :3]
        assert part.std() > 0.02  # something is drawn there
    assert report.js("document.documentElement.scrollWidth") <= 1400
    assert report.js("document.querySelectorAll('#tables table tbody tr').length") == 8
    # The map keeps its shape: a step to the right is as long as a step up.
    right, up, zero = (place(report, "map", *at) for at in ((1000, 0), (0, 1000), (0, 0)))
    assert right[0] - zero[0] == pytest.approx(zero[1] - up[1], rel=0.02)


def test_text_from_data_stays_text(page: Page, tmp_path: Path) -> None:
    import geopandas as gpd
    import shapely

    cells = [shapely.box(i, j, i + 1, j + 1) for i in range(3) for j in range(3)]
    ids = ["=1+1", "b", "c", "d", EVIL, "f", "g", "h", "i"]
    names = ['=HYPERLINK("x")', "@SUM(1)", "-1+2", "plain, with comma", EVIL, "+f", "\tg", 'quo"te', "中文"]
    cities = gpd.GeoDataFrame({"name": names}, geometry=cells, index=ids, crs=3857)
    cities.attrs["note"] = EVIL
    x = np.arange(9.0) - 4
    x[7] = np.nan
    frame = pd.DataFrame({EVIL: x}, index=ids)
    W = sp.weights.contiguity(cities).row_standardized()
    page.requests.clear()
    page.problems.clear()
    page.open(explore(cities, frame, EVIL, W, tmp_path / "evil.html", permutations=9, tables={EVIL: frame}))
    assert text(page, "variable") == EVIL
    assert page.js("document.querySelector('h1').textContent").endswith(EVIL)
    page.hover(*place(page, "map", column(page, "cx")[4], column(page, "cy")[4] + 3000))
    page.wait("!document.getElementById('tip').hidden")
    assert text(page, "tip").startswith(EVIL)
    assert page.js("document.querySelectorAll('#tip img, #tip script').length") == 0
    assert legend(page)["missing"] == 1  # and it is not drawn as 0
    assert page.js("report.facts(7)[0][1]") == "No data"
    assert page.js("report.model('blank').data.xs.length") == 1
    lines = page.js("report.csv()").removeprefix("\ufeff")
    rows = list(csv.reader(lines.splitlines()))
    assert [row[1] for row in rows[1:]] == ["'" + n if n[0] in "=@-+\t" else n for n in names]
    assert rows[1][0] == "'=1+1"
    assert rows[1][3] == "-4"  # a number is a number
    assert rows[8][3:8] == ["", "", "", "", ""]
    assert rows[5][0] == EVIL
    assert page.js("window.broken") is None
    assert page.problems == []


def test_a_large_chinese_report_slides_within_100_ms(page: Page, china: Any, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    cube = random.normal(size=(20, len(china), 5)) + np.linspace(0, 2, len(china))[:, None]
    cube[4, :9, 0] = np.nan
    years = range(2003, 2023)
    panel = sp.Panel.from_cube(
        cube, units=china.index, times=years, columns=list("abcde"), unit="adcode", time="year"
    )
    W = sp.weights.contiguity(china, islands="nearest").row_standardized()
    path = explore(china, panel, list("abcde"), W, tmp_path / "china.html", permutations=49, lang="zh")
    page.problems.clear()
    page.open(path)
    assert path.stat().st_size < 5_000_000
    assert page.js("document.documentElement.lang") == "zh-CN"
    assert "Voronoi cells" in page.js("document.querySelector('header .note').textContent")
    # From the event until the frame with the new drawing is handed over; the best of some rounds, as other
    # programs on the machine only ever add to it.
    rounds = []
    while len(rounds) < 8 and (not rounds or min(rounds) >= 100):
        times = page.js(
            "(async () => { const s = document.getElementById('time'), found = [];"
            " for (let t = 0; t < 20; t++) { const start = performance.now(); s.value = t;"
            " s.dispatchEvent(new Event('input'));"
            " await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
            " found.push(performance.now() - start); } return found; })()"
        )
        rounds.append(statistics.median(times))
    assert min(rounds) < 100, rounds
    pick(page, "#time", "4")
    assert legend(page)["missing"] == 9
    assert page.js("Array.from({length: 336}, (_, i) => report.facts(i)[0][1])").count("无数据") == 9
    assert page.problems == []
