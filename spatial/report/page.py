"""The page of a report: its frame and its looks, one file that asks the network for nothing."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from typing import Any

from .script import SCRIPT
from .style import STYLE

__all__ = ["build_page", "script_json"]

# The browser itself forbids every request: what is not in the file cannot be loaded.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)


def script_json(value: Any) -> str:
    """Write JSON that may stand inside a script element: no text can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # These five stand only inside strings of JSON, where the escape means the same.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def build_page(
    payload: Mapping[str, Any],
    *,
    lang: str,
    title: str,
    facts: str,
    note: str,
    foot: Iterable[str],
    tables: Iterable[tuple[str, str]],
) -> str:
    """Put the page together; `tables` are (title, clean HTML), everything else is text."""
    from bokeh.resources import Resources

    w = {key: html.escape(str(word)) for key, word in payload["words"].items()}
    library = [part.replace("</script", r"<\/script") for part in Resources(
        mode="inline", components=["bokeh"], minified=True, log_level="warn"
    ).js_raw]  # fmt: skip
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="{"zh-CN" if lang == "zh" else "en"}">',
        '<head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{STYLE}</style>",
        *(f"<script>{part}</script>" for part in library),
        "</head><body>",
        f"<header><h1>{html.escape(title)}</h1><p>{html.escape(facts)}</p>",
        f'<p class="note">{html.escape(note)}</p>' if note else "",
        f"</header><noscript><p>{w['no_script']}</p></noscript>",
        _controls(w),
        '<p id="problem" hidden></p>',
        _figures(w),
        f'<p class="hint">{w["how"]}</p>',
        _selection(w),
        _tables(w, list(tables)),
        '<div id="tip" hidden><b id="tip-name"></b> <i id="tip-id"></i><div id="tip-facts"></div></div>',
        f"<footer>{'<br>'.join(html.escape(line) for line in foot)}</footer>",
        f'<script type="application/json" id="payload">{script_json(payload)}</script>',
        f"<script>{SCRIPT}</script>",
        "</body></html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _controls(w: Mapping[str, str]) -> str:
    return f"""<div class="controls">
<div><label class="word" for="variable">{w["variable"]}</label><select id="variable"></select></div>
<div id="time-box"><button type="button" class="push" id="play" title="{w["play"]}">▶</button>
<input type="range" id="time" min="0" step="1" aria-labelledby="time-shown">
<output id="time-shown"></output></div>
<div><span class="word">{w["map"]}</span><span class="choice" id="modes"></span></div>
<div><span class="word">{w["level"]}</span><span class="choice" id="levels"></span>
<label title="{w["fdr_help"]}"><input type="checkbox" id="fdr"> {w["fdr"]}</label></div>
<div><span id="count" class="word"></span>
<button type="button" class="push" id="clear">{w["clear"]}</button></div>
</div>"""


def _figures(w: Mapping[str, str]) -> str:
    return f"""<div class="main"><div class="column">
<div class="card"><div class="head"><h2>{w["map"]}</h2><span id="legend-note"></span></div>
<div id="legend"></div>
<div id="figure-map"></div></div>
<div class="card" id="trend-card"><div class="head"><h2>{w["trend"]}</h2>
<span id="trend-help"></span></div>
<div id="figure-trend"></div></div>
</div><div class="column">
<div class="card"><div class="head"><h2>{w["scatter"]}</h2><span id="moran"></span></div>
<div class="head"><span>{w["slope"]}</span><span id="slope-all"></span>
<span id="slope-selected" hidden></span>
<span id="slope-rest" hidden></span></div><div id="figure-scatter"></div></div>
<div class="pair">
<div class="card"><div class="head"><h2>{w["histogram"]}</h2></div><div id="figure-histogram"></div></div>
<div class="card"><div class="head"><h2>{w["weights_histogram"]}</h2></div>
<div id="figure-neighbours"></div></div>
</div></div></div>"""


def _selection(w: Mapping[str, str]) -> str:
    return f"""<section class="card" id="selection"><div class="head"><h2>{w["selection"]}</h2>
<span id="rows-note"></span><button type="button" class="push" id="download">{w["download"]}</button></div>
<div class="scroll"><table class="rows"><thead id="rows-head"></thead>
<tbody id="rows"></tbody></table></div></section>"""


def _tables(w: Mapping[str, str], tables: list[tuple[str, str]]) -> str:
    if not tables:
        return ""
    pieces = [
        (f"<h3>{html.escape(title)}</h3>" if title else "") + f'<div class="scroll">{table}</div>'
        for title, table in tables
    ]
    return f'<section class="card" id="tables"><h2>{w["tables"]}</h2>{"".join(pieces)}</section>'
