"""The report in headless Chromium: its statistics are Python's, text stays text, nothing is asked for.

Not run by default: `pytest -m browser`, with Chromium installed.  Acting, looks, states: the files beside.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.chromium import Page
from browser.readers import legend, measured, on_map, pick, settled, shown, text

import spatial as sp
from spatial.figures.classes import build_classes
from spatial.report.building import explore

pytestmark = pytest.mark.browser

EVIL = '<img src=x onerror="window.broken=1">"&\'</script><script>window.broken=1</script>'
CODES = ("HH", "LL", "LH", "HL", "not significant", "island")


def inverse_distance(cities: Any) -> Any:
    return sp.weights.inverse_distance(cities).row_standardized()


def binary(cities: Any) -> Any:
    return sp.weights.contiguity(cities, islands="keep")


def with_islands(cities: Any) -> Any:
    return sp.weights.distance_band(cities, 32, islands="keep").row_standardized()


@pytest.mark.parametrize("build", [None, inverse_distance, binary, with_islands])
def test_statistics_of_the_page_are_those_of_python(
    page: Page, mapped: Any, tmp_path: Path, build: Any
) -> None:
    cities, panel, W = mapped
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


def test_switches_agree_with_local_moran(report: Page, mapped: Any) -> None:
    _, panel, W = mapped
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
