"""Mathematics as MathML, made when the pages are built: no script, no network (a Sphinx extension)."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

FUNCTIONS = re.compile(r"<mi>(arcsin|sin|cos|log|exp|max|min|det)</mi>")


def _markup(latex: str, display: str) -> str:
    text = latex.replace("\\!", "").strip()
    if display == "block" and "\\\\" in text and "\\begin" not in text:
        text = f"\\begin{{aligned}}{text}\\end{{aligned}}"
    markup = str(convert(text, display=display))
    # Functions are operators: as variables they would stand close to what follows.
    return FUNCTIONS.sub(r'<mo lspace="0.17em" rspace="0.1em">\1</mo>', markup)


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(_markup(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(self: Any, node: nodes.math_block) -> None:
    self.body.append(f'<div class="math-block">{_markup(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
