"""Write ``docs/_build/llms.txt``: what a program that writes code with `spatial` has to know, from the code.

python docs/make/llms.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spatial.cli.api import describe_all

HERE = Path(__file__).parent
PAGE = HERE.parent / "_build" / "llms.txt"


def text() -> str:
    """Return the whole page: rules and recipes as written, then one line for each name."""
    lines = [(HERE / "llms_head.txt").read_text(encoding="utf-8")]
    room = ""
    for entry in describe_all():
        here, _, name = entry["name"].rpartition(".")
        if name.endswith(("Error", "Warning")):
            continue
        if here != room:
            lines.append(f"\n### {here}\n")
            room = here
        lines.append(f"- {name}{_arguments(entry)}: {entry['summary']}")
    return "\n".join(lines) + "\n"


def _arguments(entry: dict[str, Any]) -> str:
    """Write the arguments without their types: names, and defaults of what can be left out."""
    if entry["kind"] == "class":
        return ""
    words, starred = [], False
    for p in entry["parameters"]:
        if p["keyword_only"] and not starred:
            words.append("*")
            starred = True
        words.append(p["name"] if p["default"] is None else f"{p['name']}={p['default']}")
    return f"({', '.join(words)})"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text(), encoding="utf-8")
