"""What a reader of a report does and sees, in a browser."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from .chromium import Page

# How many different colours a canvas holds, up to 9.
COLOURS = """((canvas) => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
  for (let k = 0; k < data.length && seen.size < 9; k += 4)
    if (data[k + 3] > 200) seen.add(data[k] * 65536 + data[k + 1] * 256 + data[k + 2]);
  return seen.size;
})"""


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
