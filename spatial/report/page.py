"""The page of a report, one file that asks the network for nothing, from the parts in `static/`."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

from spatial.figures.palette import css_variables

__all__ = ["MODULES", "build_page", "plain_json", "script_json", "script_text", "style_text"]

# In the order in which they need each other.
MODULES = (
    *("words", "numbers", "decode", "statistics", "canvas", "map", "labels", "charts"),
    *("legend", "time", "table", "page"),
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./\w+\.js";\n', re.M)


def plain_json(value: Any) -> str:
    """Write JSON in as few characters as it needs."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def script_json(value: Any) -> str:
    """Write JSON that may stand inside a script element: no text can end the element."""
    text = plain_json(value)
    # These five stand only inside strings of JSON, where the escape means the same.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@functools.cache
def script_text() -> str:
    """Return the modules as one script: each file is a module of its own only for tests and editors."""
    parts = [_IMPORT.sub("", static_text(f"{name}.js")) for name in MODULES]
    body = "\n".join(re.sub(r"^export ", "", part, flags=re.M) for part in parts)
    return f'(() => {{\n"use strict";\n{body}}})();\n'


@functools.cache
def style_text() -> str:
    """Return the style sheet, after the colours of the package's table."""
    return css_variables() + static_text("report.css")


def policy() -> str:
    """Return what the browser may do: nothing but this script and this style, and no request at all."""
    script, style = (_hash(text) for text in (script_text(), style_text()))
    return (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def build_page(payload: Any, **parts: Any) -> str:
    """Put the page together; what is not HTML made here is text, and escaped."""
    page: str = _template().render(
        policy=policy(), style=style_text(), script=script_text(), payload=script_json(payload), **parts
    )
    return page


@functools.cache
def static_text(name: str) -> str:
    """Return a file of `static/`."""
    return files(__package__).joinpath("static", name).read_text(encoding="utf-8")


@functools.cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    # Everything is escaped but what says `safe`: our own parts, JSON made for scripts, and cleaned tables.
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.from_string(static_text("page.html.j2"))
