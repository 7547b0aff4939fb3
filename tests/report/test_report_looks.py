"""How the report looks: widths, pixels, themes, languages, paper, without scripts, under a finger."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from browser.chromium import Page
from browser.readers import COLOURS

import spatial as sp
from spatial.report.building import explore

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("page_as_before")]

STAGES = ("#map .base", "#map .lines", "#scatter .base", "#histogram .base")
# From the event until the frame with the new drawing is handed over.


@pytest.fixture(scope="module")
def counties(nc: Any, nc_crime: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """North Carolina with a model and effects."""
    W = sp.weights.contiguity(nc.loc[nc_crime.units], islands="nearest").row_standardized()
    effects = pd.DataFrame(
        [
            ("crime", term, effect, b, 0.01, b - 0.2, b + 0.2)
            for term, b in (("arrests", -0.4), ("a regressor with a very long name indeed, in logs", 0.1))
            for effect in ("direct", "indirect", "total")
        ],
        columns=["outcome", "term", "effect", "estimate", "p_value", "conf_low", "conf_high"],
    )
    wide = pd.DataFrame(np.arange(24.0).reshape(2, 12) / 7, columns=[f"model ({k})" for k in range(12)])
    target = tmp_path_factory.mktemp("report") / "nc.html"
    return explore(
        nc,
        nc_crime,
        ["crmrte", "density"],
        W,
        target,
        permutations=99,
        tables={"Wide": wide, "GS3SLS": effects},
    )


def show(page: Page, tab: str) -> None:
    page.js(f"document.querySelector('#tab-{tab}').click()")
    page.settle()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_scrolls_the_page_sideways(page: Page, counties: Path, width: int) -> None:
    page.resize(width, mobile=width < 600)
    page.open(counties)
    for lang in ("en", "zh"):
        page.js(f"document.querySelector('[data-lang={lang}]').click()")
        for tab in ("explore", "models", "effects", "weights", "data", "methods"):
            show(page, tab)
            assert page.js("document.documentElement.scrollWidth") <= width, (lang, tab)
            out = page.js(
                "[...document.querySelectorAll('main *, header *')].filter((e) => e.checkVisibility() && "
                "!e.closest('.scroll, .tabs, .sr, svg')).filter((e) => e.getBoundingClientRect().right > "
                "innerWidth + 1).map((e) => e.id || e.className || e.tagName)"
            )
            assert out == [], (lang, tab)


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_overlaps_and_no_word_is_cut(page: Page, counties: Path, width: int) -> None:
    page.resize(width, mobile=width < 600)
    page.open(counties)
    page.js("report.app.follow()")
    # What stands beside or below something shares no area with it.  (The strip sticks on phones.)
    overlaps = page.js(
        """(() => {
        const parts = ['.bar', 'h1', '.dek', '.findings', '.controls', '#levels-note', '#map-title',
          '#map-sub', '#legend', '#map', '.left figure > .note', '#scatter-sub', '#scatter',
          '#histogram-title', '#histogram', '.picked', '.rows', '.foot',
          ...(innerWidth > 600 ? ['#time-strip'] : [])];
        const boxes = parts.map((query) => [query, document.querySelector(query).getBoundingClientRect()])
          .filter(([, b]) => b.width && b.height), found = [];
        boxes.forEach(([a, x], i) => boxes.slice(i + 1).forEach(([b, y]) => {
          const wide = Math.min(x.right, y.right) - Math.max(x.left, y.left);
          const high = Math.min(x.bottom, y.bottom) - Math.max(x.top, y.top);
          if (wide > 1 && high > 1) found.push([a, b, wide, high]);
        }));
        return found; })()"""
    )
    assert overlaps == []
    cut = page.js(
        "[...document.querySelectorAll('button, h1, .findings b, .findings span, .panel-title, .panel-sub')]"
        ".filter((e) => e.checkVisibility() && (e.scrollWidth > e.clientWidth + 1 || "
        "e.scrollHeight > e.clientHeight + 3) && e.clientWidth).map((e) => e.textContent)"
    )
    assert cut == []
    small = page.js(
        "[...document.querySelectorAll('.button, .segments button, #legend button')].filter((e) => "
        f"e.checkVisibility() && e.getBoundingClientRect().height < {38 if width < 600 else 28}).length"
    )
    assert small == 0


def test_the_first_screen_shows_question_findings_and_map(page: Page, counties: Path) -> None:
    page.open(counties)
    box = page.box("#map")
    assert box["top"] + box["height"] / 2 <= 900
    assert page.js("document.querySelectorAll('.findings li').length") == 3


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_canvas_is_painted_in_both_themes(page: Page, counties: Path, theme: str) -> None:
    page.media(prefers_color_scheme=theme)
    page.open(counties)
    assert page.js("document.documentElement.dataset.theme") == theme
    for stage in STAGES:
        assert page.js(f"{COLOURS}(document.querySelector('{stage}'))") >= 2, stage
    show(page, "weights")
    assert page.js(f"{COLOURS}(document.querySelector('#links canvas'))") >= 4
    paper = page.js("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 28)"}[theme]
    show(page, "explore")
    page.js("document.querySelector('#theme').click()")
    assert page.js("document.documentElement.dataset.theme") != theme


def test_a_unit_has_the_colour_of_its_legend(page: Page, counties: Path) -> None:
    page.open(counties)
    for view in ("clusters", "values", "p"):
        page.js(f"document.querySelector('#modes [value={view}]').click()")
        page.settle()
        wrong = page.js(
            """(() => { const m = report.app.map, wrong = [], wide = Math.round(m.fills.w);
            const data = m.fills.getImageData(0, 0, wide, Math.round(m.fills.h)).data;
            const mark = (code) => document.querySelector(`#legend [data-code="${code}"] i`);
            const swatch = (code) => getComputedStyle(mark(code)).backgroundColor
              .match(/\\d+/g).slice(0, 3).map(Number);
            for (let u = 0; u < 90; u++) {
              const [x, y] = [m.at[2 * u], m.at[2 * u + 1]];
              const k = 4 * (Math.round(y) * wide + Math.round(x)), found = data.slice(k, k + 3);
              const wanted = swatch(m.codes[u]);
              if (wanted.some((v, k) => Math.abs(v - found[k]) > 2)) wrong.push([u, [...found], wanted]);
            } return wrong; })()"""
        )
        assert wrong == [], view


def test_no_data_is_hatched_and_counted(page: Page, counties: Path) -> None:
    page.open(counties)
    said = page.js("document.querySelector('#legend [data-code=\"6\"]').innerText")
    assert said.split() == ["No", "data", "(10)"]
    assert page.js("document.querySelector('#legend').lastElementChild.dataset.code") == "6"
    inks = page.js(
        """(() => { const m = report.app.map, seen = new Set(); const [x, y] = [m.at[190], m.at[191]];
        const data = m.fills.getImageData(x - 6, y - 6, 12, 12).data;
        for (let k = 0; k < data.length; k += 4)
          seen.add(data[k] > 220 ? 'paper' : data[k] < 180 ? 'line' : '');
        return [...seen]; })()"""
    )
    assert {"paper", "line"} <= set(inks)


def test_forced_colours_keep_the_swatches(page: Page, counties: Path) -> None:
    page.open(counties)
    plain = page.js("getComputedStyle(document.querySelector('#legend .k-HH')).backgroundColor")
    page.media(forced_colors="active", prefers_reduced_motion="reduce")
    page.open(counties)
    assert page.js("getComputedStyle(document.querySelector('#legend .k-HH')).backgroundColor") == plain
    assert page.js("getComputedStyle(document.querySelector('.button')).transitionDuration") == "0s"


def test_the_language_switch_reaches_every_word(page: Page, counties: Path) -> None:
    page.open(counties)
    seen = "[...document.querySelectorAll('[data-say]')].filter((e) => e.checkVisibility())"
    words = f"{seen}.map((e) => e.innerText)"
    english = page.js(words)
    page.js("document.querySelector('[data-lang=zh]').click()")
    page.js("report.app.follow()")
    chinese = page.js(words)
    assert page.js("document.documentElement.lang") == "zh-CN"
    same = [a for a, b in zip(english, chinese, strict=True) if a == b]
    assert same == []
    for selector in (
        "h1",
        ".dek",
        ".findings",
        "#legend",
        "#map-title",
        "#rows thead",
        ".foot",
        "#scatter-sub",
    ):
        shown = page.js(f"document.querySelector('{selector}').innerText")
        assert selector == "#scatter-sub" or any("\u4e00" <= c <= "\u9fff" for c in shown), selector
    assert page.js("[...document.querySelectorAll('.en')].every((e) => !e.checkVisibility())")
    page.js("document.querySelector('[data-lang=en]').click()")
    assert page.js(words) == english


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_print_has_no_blank_canvas_and_keeps_the_legend(page: Page, counties: Path, theme: str) -> None:
    page.media(prefers_color_scheme=theme)
    page.open(counties)
    page.js("report.app.select([1, 2, 3]); report.app.hover(5)")
    page.js("window.dispatchEvent(new Event('beforeprint'))")
    copies = page.js(f"[...document.querySelectorAll('canvas.copy')].map((c) => {COLOURS}(c))")
    assert len(copies) == 4  # map, scatter, histogram, links
    assert min(copies) >= 2
    assert page.js("document.documentElement.dataset.theme") == "light"
    assert page.js("document.querySelector('#tip').hidden")
    assert page.js("[...document.querySelectorAll('[role=tabpanel]')].every((p) => !p.hidden)")
    page.js("window.dispatchEvent(new Event('afterprint'))")
    assert page.js("document.querySelectorAll('canvas.copy').length") == 0
    assert page.js("document.documentElement.dataset.theme") == theme
    assert page.js("document.querySelector('#models').hidden")
    page.call("Emulation.setEmulatedMedia", media="print")
    for kept in ("#legend", ".findings", "#map-title"):
        assert page.js(f"document.querySelector('{kept}').checkVisibility()")
    for gone in ("#theme", ".tabs", ".controls", "#download", "#time"):
        assert not page.js(f"document.querySelector('{gone}').checkVisibility()")
    page.resize(688)  # A4 between its margins
    page.js("window.dispatchEvent(new Event('beforeprint'))")
    cut = page.js(
        "[...document.querySelectorAll('main table, main svg, main canvas')]"
        ".filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > 689)"
        ".map((e) => e.textContent.slice(0, 60))"
    )
    assert cut == []
    page.js("window.dispatchEvent(new Event('afterprint'))")
    pdf = base64.b64decode(page.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") + pdf.count(b"/Type /Page/") >= 2


def test_without_scripts_there_are_a_map_and_all_tables(page: Page, counties: Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.call("Page.navigate", url=counties.as_uri())
    page.wait("document.readyState === 'complete'")
    assert page.js("document.querySelectorAll('noscript svg.still path').length") == 100
    assert page.js("document.querySelector('noscript svg.still').getBoundingClientRect().width") > 600
    assert page.js("document.querySelectorAll('#explore tbody tr').length") == 180  # two languages
    assert (
        page.js(
            "[...document.querySelectorAll('#explore tbody tr')].filter((r) => r.checkVisibility()).length"
        )
        == 90
    )
    for section in ("models", "effects", "weights", "data", "methods"):
        assert page.js(f"document.querySelector('#{section}').checkVisibility()")
    for gone in (".tabs", "#variable", "#theme", "#map"):
        assert not page.js(f"document.querySelector('{gone}').checkVisibility()")


def test_a_finger_taps_and_scrolls(page: Page, counties: Path) -> None:
    page.resize(390, 844, mobile=True)
    page.open(counties)
    page.js("document.querySelector('#map').scrollIntoView({block: 'end', behavior: 'instant'})")
    page.js("scrollBy({top: 60, behavior: 'instant'})")
    box = page.box("#map .top")
    x, y = page.js("[report.app.map.at[80], report.app.map.at[81]]")
    page.tap(box["left"] + x, box["top"] + y)
    assert page.js("[...report.app.state.selected]") == [40]
    assert page.js("getComputedStyle(document.querySelector('#map')).touchAction") == "pan-y"
    strip = page.box("#time-strip")
    assert strip["top"] + strip["height"] == pytest.approx(844, abs=1)  # sticks to the foot of the screen
