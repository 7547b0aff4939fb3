"""What a reader does in the report: brush, hover, slide, sort, download, by mouse and by keyboard."""

from __future__ import annotations

import csv
import time
from typing import Any

import numpy as np
import pytest
from browser.chromium import Page
from browser.readers import legend, measured, on_map, on_scatter, pick, selected, settled, shown, slope, text

import spatial as sp

pytestmark = pytest.mark.browser

CODES = ("HH", "LL", "LH", "HL", "not significant", "island")


def test_a_box_on_the_map_selects_everywhere(report: Page, mapped: Any) -> None:
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
    assert sorted(ids) == sorted(mapped[2].ids[i] for i in here)
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


def test_hovering_shows_name_value_and_neighbours(report: Page, mapped: Any) -> None:
    cities, panel, W = mapped
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


def test_the_table_sorts_and_downloads(report: Page, mapped: Any) -> None:
    _, panel, W = mapped
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


def test_the_keyboard_reaches_everything(report: Page, mapped: Any) -> None:
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
    assert mapped[0]["name"].loc[report.js(f"report.app.study.ids[{third}]")] in text(report, "live")
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


def test_the_tab_key_follows_the_page(report: Page) -> None:
    report.js("document.body.focus()")
    order = []
    for _ in range(26):
        report.key("Tab")
        order.append(
            report.js(
                "(() => { const e = document.activeElement; return e.id || e.dataset.lang || "
                "e.className || e.value || e.tagName; })()"
            )
        )
    wanted = ["skip", "en", "zh", "theme", "print", "tab-explore", "variable", "fdr", "top", "play", "time"]
    wanted += ["find", "download"]
    assert [name for name in order if name in wanted] == wanted
    # What is struck out is left out, and each stop is on the screen.
    assert report.js("document.activeElement.getBoundingClientRect().height") > 0
