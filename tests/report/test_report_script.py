"""The report's script and style, read as text; tests/report/js runs them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import spatial as sp
from spatial.report.page import MODULES, script_json, script_text, static_text, style_text
from spatial.report.words import PAIRS, report_words


def test_the_script_is_its_modules_in_order() -> None:
    script = script_text()
    assert "import " not in re.sub(r"//.*", "", script)
    assert not re.search(r"^export ", script, re.M)
    stored = {path.stem for path in (Path(sp.__file__).parent / "report/static").glob("*.js")}
    assert set(MODULES) == stored
    for place, name in enumerate(MODULES):
        text = static_text(f"{name}.js")
        assert text.count("\n") < 400
        needed = set(re.findall(r'from "\./(\w+)\.js"', text))
        assert needed <= set(MODULES[:place]), name
    tops = [found for name in MODULES for found in declared(static_text(f"{name}.js"))]
    assert len(tops) == len(set(tops))  # one scope: no name twice


def declared(text: str) -> list[str]:
    return re.findall(r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)", text, re.M)


def test_every_word_that_the_script_asks_for_has_two_languages() -> None:
    script = script_text()
    asked = set(re.findall(r'say\("([\w-]+)"', script)) | set(
        re.findall(r'(?:data-say|data-label|data-hint)="([\w-]+)"', script)
    )
    page = static_text("page.html.j2")
    asked |= set(re.findall(r'say\("([\w-]+)"\)', page)) | set(
        re.findall(r'data-(?:label|hint)="([\w-]+)"', page)
    )
    assert asked <= set(PAIRS)
    for code in ("HH", "LL", "LH", "HL", "not-significant", "island", "missing"):
        assert report_words("zh")[code]


def test_every_colour_of_the_style_is_in_the_table_of_colours() -> None:
    style = style_text()
    assert set(re.findall(r"var\(--([\w-]+)\)", style)) <= set(re.findall(r"--([\w-]+):", style))
    assert not re.search(r"#[0-9a-f]{6}", static_text("report.css").replace("#0000", ""))
    assert not re.search(r"#[0-9a-fA-F]{6}", script_text())


def test_json_cannot_end_its_element() -> None:
    text = script_json({"a": "</script><!--&\u2028"})
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == {"a": "</script><!--&\u2028"}
