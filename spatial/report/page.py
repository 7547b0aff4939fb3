"""The page of a report, one file that asks the network for nothing, from the parts in `static/`."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

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

    library = [part.replace("</script", r"<\/script") for part in Resources(
        mode="inline", components=["bokeh"], minified=True, log_level="warn"
    ).js_raw]  # fmt: skip
    page: str = _template().render(
        w=payload["words"],
        lang=lang,
        title=title,
        facts=facts,
        note=note,
        foot=list(foot),
        tables=list(tables),
        library=library,
        policy=_POLICY,
        style=static_text("report.css"),
        script=static_text("report.js"),
        payload=script_json(payload),
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
