"""The report in headless Chromium: its statistics, brushing, sliding, switching, downloading and silence.

Not run by default: `pytest -m browser`, with Chromium installed.  Looks, states and speed: the files beside.
"""

from __future__ import annotations

import csv
import json
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
CODES = ("HH", "LL", "LH", "HL", "not significant", "island")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One browser for all tests."""
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def counties(nc: Any, nc_crime: Any) -> Any:
    """The whole map, the panel of 90 counties, and their weights."""
    sub = nc.loc[nc_crime.units]
    return nc, nc_crime, sp.weights.contiguity(sub, islands="nearest").row_standardized()


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


def selected(page: Page) -> list[int]:
    return sorted(page.js("[...report.app.state.selected]"))


def text(page: Page, element: str) -> str:
    return str(page.js(f"document.getElementById({json.dumps(element)}).innerText"))


def legend(page: Page) -> dict[int, int]:
    """Return the counts of the legend by code, those that are not 0."""
    pairs = page.js(
        "[...document.querySelectorAll('#legend button')]"
        ".map((b) => [Number(b.dataset.code), Number(b.querySelector('em').textContent.replace(/\\D/g, ''))])"
    )
    return {code: count for code, count in pairs if count}


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


def settled(page: Page) -> None:
    """Wait until table and live region have followed."""
    page.js("report.app.follow()")


def on_map(page: Page, unit: int) -> tuple[float, float]:
    """Return where a unit's place lies in the window."""
    page.js("document.querySelector('#map').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = page.box("#map .top")
    x, y = page.js(f"[report.app.map.at[2 * {unit}], report.app.map.at[2 * {unit} + 1]]")
    return box["left"] + x, box["top"] + y


def on_scatter(page: Page, z: float, lag: float) -> tuple[float, float]:
    page.js("document.querySelector('#scatter').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = page.box("#scatter .top")
    x, y = page.js(f"[report.app.scatter.x({z}), report.app.scatter.y({lag})]")
    return box["left"] + x, box["top"] + y


def measured(page: Page, k: int, t: int) -> dict[str, Any]:
    """Return what the page worked out."""
    found = page.js(
        f"(() => {{ const m = report.measure(report.app.study, {k}, {t}), out = {{n: m.n}};"
        "for (const name of ['z', 'lag', 'p', 'fdr', 'quadrants'])"
        " out[name] = Array.from(m[name], (x) => Number.isNaN(x) ? null : x); return out; })()"
    )
    return {k: np.array(v, dtype=float) if isinstance(v, list) else v for k, v in found.items()}


def slope(z: Any, lag: Any) -> float:
    return float(np.polyfit(z, lag, 1)[0])


def shown(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def inverse_distance(cities: Any) -> Any:
    return sp.weights.inverse_distance(cities).row_standardized()


def binary(cities: Any) -> Any:
    return sp.weights.contiguity(cities, islands="keep")


def with_islands(cities: Any) -> Any:
    return sp.weights.distance_band(cities, 32, islands="keep").row_standardized()


@pytest.mark.parametrize("build", [None, inverse_distance, binary, with_islands])
def test_statistics_of_the_page_are_those_of_python(
    page: Page, counties: Any, tmp_path: Path, build: Any
) -> None:
    cities, panel, W = counties
    W = W if build is None else build(cities.loc[panel.units])
    frame = panel.to_frame()
    if build is not None:  # gaps, ties at the mean, and a year without any value
        frame.loc[frame["year"].eq(1983) & frame.index.to_series().mod(7).eq(0), "density"] = np.nan
        frame["density"] = frame["density"].round(0)
        frame.loc[frame["year"] == 1985, "density"] = np.nan
    panel = sp.Panel.from_frame(frame, unit="fips", time="year")
    page.problems.clear()
    page.open(explore(cities, panel, ["density", "polpc"], W, tmp_path / "r.html", permutations=199))
    for k, column in enumerate(("density", "polpc")):
        for t, year in enumerate(panel.times):
            x = panel.at(year)[column].loc[W.ids]
            found = measured(page, k, t)
            if x.isna().all():
                assert found["n"] == 0
                continue
            local = sp.local_moran(x, W, permutations=199, missing="drop")
            python = local.frame.reindex(W.ids)
            for name, theirs in (("z", "z"), ("lag", "lag")):
                np.testing.assert_allclose(found[name], python[theirs], rtol=1e-9, atol=1e-9)
            np.testing.assert_array_equal(found["p"], python["p_sim"])
            np.testing.assert_array_equal(found["fdr"], python["p_fdr"])
            for fdr in (False, True):
                for level in (0.1, 0.05, 0.01):
                    codes = clusters(page, k, t, level, fdr)
                    p = python["p_fdr" if fdr else "p_sim"]
                    wanted = python["quadrant"].astype(object).where(p <= level, "not significant")
                    wanted = wanted.where(python["cluster"].astype(object) != "island", "island")
                    wanted = wanted.where(x.notna(), "missing")
                    assert codes == wanted.tolist()
    assert page.problems == []


def clusters(page: Page, k: int, t: int, level: float, fdr: bool) -> list[str]:
    codes = page.js(
        f"Array.from(report.codesOf(report.app.study, {{variable: {k}, time: {t}, view: 'clusters', "
        f"alpha: {level}, fdr: {json.dumps(fdr)}}})).slice(0, report.app.study.n)"
    )
    return [(*CODES, "missing")[code] for code in codes]


def test_a_box_on_the_map_selects_everywhere(report: Page, counties: Any) -> None:
    on_map(report, 0)
    at = np.array(report.js("Array.from(report.app.map.at)")).reshape(-1, 2)
    low, high = np.quantile(at, 0.25, axis=0), np.quantile(at, 0.6, axis=0)
    box = report.box("#map .top")
    corner = np.array([box["left"], box["top"]])
    report.drag(tuple(low + corner), tuple(high + corner))
    inside = np.flatnonzero(((at > low) & (at < high)).all(axis=1))
    found = selected(report)
    # The mouse falls on whole pixels: a unit on the very edge may go either way.
    assert len(set(found) ^ set(inside)) <= 2
    assert len(found) > 6
    data = measured(report, 0, 6)
    here = [i for i in found if i < 90]
    rest = np.setdiff1d(np.arange(90), here)
    z, lag = data["z"], data["lag"]
    assert text(report, "slopes") == (
        f"slope of all {shown(slope(z, lag))} · "
        f"selected {shown(slope(z[here], lag[here]))} (n = {len(here)}) · "
        f"rest {shown(slope(z[rest], lag[rest]))} (n = {len(rest)})"
    )
    settled(report)
    ids = report.js("[...document.querySelectorAll('#rows tbody tr')].map((r) => r.cells[1].textContent)")
    assert sorted(ids) == sorted(counties[2].ids[i] for i in here)
    assert text(report, "count") == f"{len(found)} of 100 selected"
    assert report.js("document.querySelector('#map .base').classList.contains('dim')")
    report.wait("getComputedStyle(document.querySelector('#map .base')).opacity === '0.26'")


def test_a_box_on_the_scatter_selects_and_shift_adds(report: Page) -> None:
    data = measured(report, 0, 6)
    z, lag = data["z"], data["lag"]
    report.drag(on_scatter(report, 0.02, lag.max() + 0.05), on_scatter(report, z.max() + 0.1, 0.02))
    found = selected(report)
    assert len(set(found) ^ set(np.flatnonzero((z > 0) & (lag > 0)))) <= 4
    assert len(found) > 3
    assert report.js("report.app.histogram.bins.length") == 90


def test_brushing_the_histogram_selects_its_units(report: Page) -> None:
    report.js("document.querySelector('#histogram').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = report.box("#histogram .top")
    bins = np.array(report.js("Array.from(report.app.histogram.bins)"))
    left, right = report.js(
        "(() => { const h = report.app.histogram, e = h.app.variable.edges;"
        " return [h.x((e[3] + e[4]) / 2), h.x(e[e.length - 1])]; })()"
    )
    y = box["top"] + 80
    report.drag((box["left"] + left, y), (box["left"] + right, y - 30))
    assert selected(report) == np.flatnonzero(bins >= 3).tolist()
    full = int(np.bincount(bins).argmax())
    middle = report.js(
        f"(() => {{ const h = report.app.histogram, e = h.app.variable.edges;"
        f" return h.x((e[{full}] + e[{full + 1}]) / 2); }})()"
    )
    report.click(box["left"] + middle, y)
    assert selected(report) == np.flatnonzero(bins == full).tolist()


def test_click_legend_clear_and_escape(report: Page) -> None:
    report.click(*on_map(report, 3))
    assert selected(report) == [3]
    assert "selected – (n = 1)" in text(report, "slopes")
    pick(report, "#legend button[data-code='4']")
    low = selected(report)
    assert len(low) == legend(report)[4]
    assert (
        report.js("document.querySelector('#legend [data-code=\"4\"]').getAttribute('aria-pressed')")
        == "true"
    )
    report.key("Escape")
    assert selected(report) == []
    pick(report, "#legend button[data-code='6']")
    assert selected(report) == list(range(90, 100))  # units without data can be chosen too
    pick(report, "#clear")
    settled(report)
    assert selected(report) == []
    assert text(report, "count") == "All 90 units with data"
    assert report.js("document.querySelectorAll('#rows tbody tr').length") == 90
    assert report.js("document.querySelector('#clear').disabled")


def test_switches_agree_with_local_moran(report: Page, counties: Any) -> None:
    _, panel, W = counties
    pick(report, "#variable", "2")
    pick(report, "#time", "3")
    frame = sp.local_moran(panel.at(1984)["density"], W, permutations=199).frame.loc[W.ids]
    assert report.js("document.querySelector('.year').textContent") == "1984"
    whole = sp.moran(panel.at(1984)["density"], W, permutations=199)
    assert text(report, "scatter-sub") == f"I = {shown(whole.I)}, p = {shown(whole.p_sim)}"
    assert text(report, "slopes") == ""  # the slope is I: said once
    assert "two-sided" in text(report, "map-sub")
    for fdr in (False, True):
        p = frame["p_fdr" if fdr else "p_sim"]
        for level in (0.1, 0.05, 0.01):
            pick(report, f"#levels button[value='{level}']")
            kinds = frame["quadrant"].astype(object).where(p <= level, "not significant").value_counts()
            wanted = {CODES.index(kind): n for kind, n in kinds.items()}
            assert legend(report) == {**wanted, 6: 10}
        pick(report, "#fdr")
    assert report.js("document.querySelector('#levels button[value=\"0.001\"]').disabled")
    assert text(report, "levels-note") == "Struck out: with 199 permutations no p-value is below 0.010."
    pick(report, "#modes button[value=p]")
    p = frame["p_sim"]
    wanted = {10: p > 0.1, 11: (p <= 0.1) & (p > 0.05), 12: (p <= 0.05) & (p > 0.01), 13: p <= 0.01}
    assert legend(report) == {**{code: int(n.sum()) for code, n in wanted.items() if n.sum()}, 6: 10}
    pick(report, "#modes button[value=values]")
    pooled = build_classes(panel.cube("density").ravel())
    codes = pooled.codes(panel.at(1984)["density"].to_numpy())
    assert legend(report) == {**{10 + c: int(n) for c, n in enumerate(np.bincount(codes)) if n}, 6: 10}


def test_a_step_paints_only_what_changed(report: Page) -> None:
    before = report.js("Array.from(report.app.map.codes)")
    pick(report, "#time", "0")
    after = report.js("Array.from(report.app.map.codes)")
    changed = sum(a != b for a, b in zip(before, after, strict=True))
    assert report.js("report.app.map.painted") == changed < 100


def test_hovering_shows_name_value_and_neighbours(report: Page, counties: Any) -> None:
    cities, panel, W = counties
    unit = W.ids[40]
    report.hover(*on_map(report, 40))
    report.wait("!document.getElementById('tip').hidden")
    assert report.js("report.app.state.hover") == 40
    said = text(report, "tip")
    value = panel.at(1987)["crmrte"].loc[unit]
    near = panel.at(1987)["crmrte"].loc[list(W.ids[W.sparse[[40]].indices])]
    for words in (
        cities["name"].loc[unit],
        unit,
        f"{value:.3g}",
        f"{near.mean():.3g}",
        f"Mean of {len(near)}",
    ):
        assert str(words) in said
    drawn = "report.app.map.top.getImageData(0, 0, 400, 300).data.some((v) => v)"
    assert report.js(drawn.replace("400, 300", "1400, 900"))
    report.hover(2, 2)
    report.wait("document.getElementById('tip').hidden")
    report.hover(*on_map(report, 95))
    assert "No data" in text(report, "tip")


def test_the_curve_is_the_slider(report: Page) -> None:
    report.js("document.querySelector('#time').scrollIntoView({block: 'center', behavior: 'instant'})")
    box = report.box("#time")
    x = report.js("report.app.strip.at.x(1)")
    report.click(box["left"] + x, box["top"] + box["height"] / 2)
    assert report.js("report.app.state.time") == 1
    report.js("document.querySelector('#time').focus()")
    report.key("ArrowRight")
    said = report.js("document.querySelector('#time').getAttribute('aria-valuetext')")
    assert said.startswith("1983: I = 0.")
    assert ", p = 0." in said
    # Thumb and curve agree at both ends.
    for t in (0, 6):
        x = report.js(f"report.app.strip.at.x({t})")
        report.click(box["left"] + x, box["top"] + box["height"] / 2)
        assert report.js("report.app.state.time") == t
    pick(report, "#play")
    report.wait("report.app.state.time === 1")
    pick(report, "#play")
    assert report.js("report.app.strip.timer") == 0


def test_the_table_sorts_and_downloads(report: Page, counties: Any) -> None:
    _, panel, W = counties
    report.js("report.app.select([5, 7, 11])")
    settled(report)
    pick(report, "#rows thead th:nth-child(3) button")
    values = panel.at(1987)["crmrte"]
    order = values.loc[[W.ids[i] for i in (5, 7, 11)]].sort_values().index.tolist()
    rows = "[...document.querySelectorAll('#rows tbody tr')].map((r) => r.cells[1].textContent)"
    assert report.js(rows) == order
    pick(report, "#rows thead th:nth-child(3) button")
    assert report.js(rows) == order[::-1]
    assert (
        report.js("document.querySelector('#rows th:nth-child(3)').getAttribute('aria-sort')") == "descending"
    )
    assert report.js("document.activeElement.dataset.column") == "2"
    pick(report, "#download")
    lines = list(csv.reader(_downloaded(report, "crmrte_1987.csv").splitlines()))
    assert ",".join(lines[0]) == "id,name,year,crmrte,z,lag,quadrant,cluster,p_sim,p_fdr,neighbours"
    frame = sp.local_moran(values, W, permutations=199).frame
    for row, unit in zip(lines[1:], order[::-1], strict=True):
        assert row[0] == unit
        assert float(row[3]) == values[unit]  # to the last bit
        assert [float(cell) for cell in row[4:6]] == pytest.approx(
            frame.loc[unit, ["z", "lag"]].tolist(), rel=1e-9
        )
        assert row[6:8] == frame.loc[unit, ["quadrant", "cluster"]].tolist()
        assert [float(cell) for cell in row[8:10]] == frame.loc[unit, ["p_sim", "p_fdr"]].tolist()
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


def test_the_keyboard_reaches_everything(report: Page, counties: Any) -> None:
    report.js("document.querySelector('#tab-explore').focus()")
    report.key("ArrowRight")
    assert report.js("document.activeElement.id") == "tab-models"
    assert report.js("[...document.querySelectorAll('[role=tab]')].map((t) => t.tabIndex)") == [
        -1,
        0,
        -1,
        -1,
        -1,
        -1,
    ]
    assert not report.js("document.querySelector('#models').hidden")
    assert report.js("document.querySelector('#explore').hidden")
    report.key("End")
    assert report.js("document.activeElement.id") == "tab-methods"
    report.key("Home")
    report.js("document.querySelector('#map .top').focus()")
    report.key("ArrowRight")
    first = report.js("report.app.state.hover")
    at = np.array(report.js("Array.from(report.app.map.at)")).reshape(-1, 2)
    report.key("ArrowRight")
    second = report.js("report.app.state.hover")
    assert at[second, 0] > at[first, 0]
    report.key("Enter")
    assert selected(report) == [second]
    report.key("ArrowDown")
    third = report.js("report.app.state.hover")
    assert at[third, 1] > at[second, 1]
    report.key("Enter")
    assert selected(report) == sorted([second, third])
    assert counties[0]["name"].loc[report.js(f"report.app.study.ids[{third}]")] in text(report, "live")
    report.key("Escape")
    assert selected(report) == []
    pick(report, "#find", "mecklenburg")
    assert [report.js(f"report.app.name({u})") for u in selected(report)] == ["Mecklenburg"]
    pick(report, "#find", "37051")
    assert [report.js(f"report.app.name({u})") for u in selected(report)] == ["Cumberland"]


def test_a_reader_who_cannot_see_is_told(report: Page) -> None:
    settled(report)
    label = report.js("document.querySelector('#map .top').getAttribute('aria-label')")
    assert label.startswith("Clusters of ")
    assert "No data (10)" in label
    assert "I = " in text(report, "live")
    for selector in ("#map .top", "#scatter .top", "#histogram .top"):
        assert report.js(f"document.querySelector('{selector}').getAttribute('role')") == "img"
        assert report.js(f"document.querySelector('{selector}').getAttribute('aria-label').length") > 10
    tabs = report.js(
        "[...document.querySelectorAll('[role=tab]')].every((t) => document.getElementById("
        "t.getAttribute('aria-controls')).getAttribute('aria-labelledby') === t.id)"
    )
    assert tabs
    unnamed = report.js(
        "[...document.querySelectorAll('button, input, select')].filter((e) => e.checkVisibility() && !("
        "e.innerText || e.getAttribute('aria-label') || e.labels?.length)).map((e) => e.outerHTML)"
    )
    assert unnamed == []
    assert report.js("[...document.querySelectorAll('th')].every((th) => th.scope)")


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
    assert page.js("document.querySelector('#variable').selectedOptions[0].textContent") == EVIL
    page.hover(*on_map(page, 4))
    page.wait("!document.getElementById('tip').hidden")
    assert text(page, "tip").startswith(EVIL)
    for tab in ("models", "effects", "weights", "data", "methods", "explore"):
        pick(page, f"#tab-{tab}")
    pick(page, "[data-lang=zh]")
    settled(page)
    assert page.js("document.querySelectorAll('main img, main script, header img, #tip img').length") == 0
    assert legend(page)[6] == 1  # and it is not drawn as 0
    rows = list(csv.reader(page.js("report.app.table.csv()").removeprefix("\ufeff").splitlines()))
    named = {row[1] for row in rows[1:]}
    assert named == {"'" + n if n[0] in "=@-+\t" else n for i, n in enumerate(names) if i != 7}
    by_id = {row[0]: row for row in rows[1:]}
    assert by_id["'=1+1"][2] == "-4"  # a number is a number
    assert EVIL in by_id
    assert page.js("window.broken") is None
    assert page.problems == []


def test_the_browser_itself_forbids_requests(page: Page, file: Path) -> None:
    page.open(file)
    page.requests.clear()
    page.problems.clear()
    said = page.js("fetch('https://example.org/').then(() => 'open', () => 'closed')")
    assert said == "closed"
    page.js("document.body.append(Object.assign(document.createElement('script'), {textContent: 'got = 1'}))")
    assert page.js("window.got") is None
    assert page.requests == []
    assert all("Content Security Policy" in problem for problem in page.problems)
    page.problems.clear()
