"""Write the pages that are read from the code: commands, keys of a study, all names, evidence, side by side.

    python docs/make/pages.py

They go into ``docs/_pages``, which is not kept; `make docs` runs this first.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer

import spatial as sp
from spatial.cli import build_app
from spatial.cli.api import ROOMS, describe_all
from spatial.study import json_schema

# Names of the same thing elsewhere, and of a type: they have no page of their own.
TWICE = ("weights.Weights", "weights.WeightsLike")
FOLDER = Path(__file__).parent.parent / "_pages"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Write a table of Markdown."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        cells = (html.escape(str(cell), quote=False).replace("|", "\\|").replace("\n", " ") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""


def commands() -> Iterator[str]:
    """Write each command with its options, as the command line itself says them."""
    yield "# Commands"
    yield "\nEach command with its arguments and options, read from the program. `spatial COMMAND --help` says the same.\n"
    group = typer.main.get_command(build_app())
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        yield f"## spatial {name}\n"
        yield " ".join((command.help or "").split()) + "\n"
        rows = []
        for p in command.params:
            names = ", ".join(f"`{o}`" for o in p.opts) if p.param_type_name == "option" else f"`{p.name}`"
            shown = "" if p.default is None or callable(p.default) or not p.default else f"`{p.default}`"
            rows.append(("required" if p.required else shown, names, getattr(p, "help", "") or ""))
        yield from table(("argument or option", "default", "what it does"), [(n, d, h) for d, n, h in rows])
    yield "Next: [keys of a study](study_keys.md)."


def study_keys() -> Iterator[str]:
    """Write the keys of a study file, section by section."""
    schema = json_schema()
    kinds = schema["$defs"]
    yield "# Keys of a study"
    yield "\nWhat each section of a `study.toml` may hold, read from the schema that `spatial check` uses. A section is one"
    yield "public function and its keys are that function's arguments.\n"
    yield "## At the top\n"
    yield from table(("key", "type", "default", "meaning"), _keys(schema))
    for name, kind in sorted(kinds.items()):
        if not name.endswith("ByName") and kind.get("type") == "object" and kind.get("properties"):
            yield f"## {name}\n"
            yield " ".join(kind.get("description", "").split()) + "\n"
            yield from table(("key", "type", "default", "meaning"), _keys(kind))
    yield "Next: [glossary](../lookup/glossary.md)."


def _keys(kind: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for key, value in kind["properties"].items():
        needed = key in kind.get("required", [])
        default = (
            "required"
            if needed
            else ""
            if value.get("default") in (None, [], {})
            else f"`{value['default']}`"
        )
        yield f"`{key}`", _type(value), default, " ".join(value.get("description", "").split())


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return value["$ref"].rpartition("/")[2].removesuffix("ByName")
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    for key in ("anyOf", "oneOf"):
        if key in value:
            return " or ".join(dict.fromkeys(filter(None, map(_type, value[key]))))
    if value.get("type") == "array":
        return f"list of {_type(value.get('items', {})) or 'values'}"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"table of {_type(value['additionalProperties'])}"
    return {"null": "", "string": "text"}.get(value.get("type", ""), str(value.get("type", "")))


def evidence() -> Iterator[str]:
    """Write what each function was checked against."""
    frame = sp.evidence()
    counts = frame["kind"].value_counts()
    yield "# Evidence"
    yield "\nWhat each public function and estimator was checked against: the numbers of another program or publication, a case worked out"
    yield "by hand, an equation that must hold exactly, or a seeded simulation. The tests write these rows themselves (`make evidence`), so"
    yield 'that none claims what does not run; a public function without a row fails the suite. `sp.evidence("moran")` and'
    yield "`fit.evidence()` return them.\n"
    yield f"{len(frame)} rows for {frame['name'].nunique()} functions and estimators: " + ", ".join(
        f"{n} {kind}" for kind, n in counts.items()
    )
    compared = int(frame["values"][frame["kind"] != "simulation"].sum())
    yield f"; {compared:,} numbers compared. A difference is relative to the largest number expected. Sizes and coverages"
    yield "are those of [the simulations](../simulation.md) (`make sizes`).\n"
    rows = []
    for row in frame.itertuples():
        found = row.measured if row.kind == "simulation" else "exact" if not row.worst else f"{row.worst:.0e}"
        source = (
            row.source
            + (f" [{row.version}]" if row.version else "")
            + (f" ({row.differs})" if row.differs else "")
        )
        rows.append(
            (
                f"`{row.name}`",
                row.kind,
                source,
                row.values or "",
                found if row.values else "",
                f"`{row.test}`" if row.command == "make evidence" else f"`{row.command}`",
                row.date,
            )
        )
    heads = (
        "function",
        "kind",
        "checked against",
        "numbers",
        "largest difference, or what was measured",
        "test",
        "last run",
    )
    yield from table(heads, rows)
    yield "Next: [numbers side by side](side_by_side.md)."


def all_names() -> Iterator[str]:
    """Write a page of every public name, with a page of its own for each that the reference does not list."""
    listed = (FOLDER.parent / "reference.md").read_text(encoding="utf-8")
    yield "# All names"
    yield "\nEvery public function and class, room by room, with what it does.\n"
    rest = []
    for room in ROOMS:
        yield f"## {room}\n"
        rows = []
        for entry in describe_all():
            if entry["name"].rpartition(".")[0] == room:
                short = entry["name"].removeprefix("spatial.")
                linked = short not in TWICE
                rows.append((f"[`{short}`](#{entry['name']})" if linked else f"`{short}`", entry["summary"]))
                if linked and f"   {short}\n" not in listed:
                    rest.append(short)
        yield from table(("name", "what it does"), rows)
    yield "```{eval-rst}\n.. currentmodule:: spatial\n.. autosummary::\n   :toctree: ../_generated\n"
    yield from (f"   {name}" for name in sorted(rest))
    yield "```\n"
    yield "Next: [commands](commands.md)."


def side_by_side() -> Iterator[str]:
    """Write commands beside commands and numbers beside numbers."""
    from side_by_side import page

    yield from page()


PAGES = {
    "commands": commands,
    "study_keys": study_keys,
    "evidence": evidence,
    "names": all_names,
    "side_by_side": side_by_side,
}


def write() -> None:
    """Write all pages; one that is as it was is not touched, so that Sphinx reads it no second time."""
    FOLDER.mkdir(exist_ok=True)
    for name, lines in PAGES.items():
        path, text = FOLDER / f"{name}.md", "\n".join(lines()) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
