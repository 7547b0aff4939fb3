"""Write the Learn pages as notebooks, in both languages, run from their first cell to their last.

    python docs/make/notebooks.py                  # docs/_notebooks and docs/zh/_notebooks: not kept
    python docs/make/notebooks.py first_map        # one of them

A page and its notebook are one text: examples become cells, commands of the shell become cells that begin
with ``!``, a picture that the cell above draws is left to it, and any other is put into the notebook.
"""

from __future__ import annotations

import base64
import doctest
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent
LONG = "spatial run paper.toml"
"""The one command that takes minutes: the test of commands runs it, a notebook leaves it to its reader."""


def pages() -> Iterator[Path]:
    """Give each Learn page, in either language."""
    yield from sorted(DOCS.glob("learn/first_*.md"))
    yield from sorted(DOCS.glob("zh/learn/first_*.md"))


def notebook(page: Path) -> Any:
    """Return a page as a notebook that has not run."""
    import jupytext  # the schemas behind it take seconds to build

    text = page.read_text(encoding="utf-8")
    text = re.sub(r"\[[^\]]*\]\(\.\./_notebooks/[^)]*\)[^\n]*\n", "", text)  # the link to this notebook
    text = re.sub(r"```python\n(.*?)\n```\n(?:\n(!\[[^\n]*\n))?", _cells, text, flags=re.DOTALL)
    text = re.sub(r"(?m)(?:^    spatial [^\n]*\n)+", _commands, text)
    text = re.sub(r"(?<!!)\[([^\]]*)\]\([^)]*\.(?:md|html)[^)]*\)", r"\1", text)
    made = jupytext.reads(text, fmt="md")
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made.metadata.pop("jupytext", None)
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"  # the same each time
        cell.metadata.clear()
        if cell.cell_type == "markdown":
            _attach(cell, page)
        elif LONG in cell.source:
            cell.metadata["tags"] = ["skip-execution"]
        elif cell.source.endswith("# raises"):
            cell.source = cell.source.removesuffix("# raises").rstrip()
            cell.metadata["tags"] = ["raises-exception"]
    return made


def _cells(found: re.Match[str]) -> str:
    """Cut a block of examples into cells, each ending in what it shows."""
    cells, lines = [], list[str]()
    for example in doctest.DocTestParser().get_examples(found[1] + "\n"):
        source = re.sub(r"\s*# doctest:.*", "", example.source).rstrip()
        lines.append(source + ("  # raises" if example.exc_msg else ""))
        drawn = source.startswith("axes = ")
        if drawn:
            lines.append("axes.figure")
        if drawn or example.want:
            cells.append(lines)
            lines = []
    cells += [lines] if lines else []
    drawn = any(cell[-1] == "axes.figure" for cell in cells)
    picture = found[2] if found[2] and not drawn else ""
    return "".join(_fenced(cell) for cell in cells) + picture


def _commands(found: re.Match[str]) -> str:
    return "".join(_fenced([f"!{line.strip()}"]) for line in found[0].splitlines())


def _fenced(lines: list[str]) -> str:
    return "\n".join(("```python", *lines, "```", "", ""))


def _attach(cell: Any, page: Path) -> None:
    """Put the pictures of a cell into the notebook."""
    for target in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", cell.source):
        path = (page.parent / target).resolve()
        if not path.exists():  # the Chinese one is drawn by `make docs`, from the same list
            path = DOCS / path.relative_to(DOCS / "zh")
        cell.source = cell.source.replace(f"({target})", f"(attachment:{path.name})")
        kept = cell.setdefault("attachments", {})
        kept[path.name] = {"image/png": base64.b64encode(path.read_bytes()).decode()}


def run(made: Any) -> None:
    """Run a notebook in an empty folder; what a cell raises, unless it is meant to, stops the building."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        client = NotebookClient(
            made, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        )
        client.execute(env={**os.environ, "PATH": path})
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # clock times


def write(wanted: list[str]) -> None:
    """Write the notebooks, each once it has run."""
    import jupytext

    for page in pages():
        if wanted and page.stem not in wanted:
            continue
        made = notebook(page)
        run(made)
        folder = page.parents[1] / "_notebooks"
        folder.mkdir(exist_ok=True)
        jupytext.write(made, folder / f"{page.stem}.ipynb")


if __name__ == "__main__":
    write(sys.argv[1:])
