"""Sphinx settings: MyST pages, numpydoc reference, MathML, one switch of language; nothing from a network.

The Chinese edition is built with the same settings from ``docs/zh`` (see the Makefile).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "make"))

import spatial
from spatial.figures import css_variables

HERE = Path(__file__).resolve().parent
project = "spatial"
author = "The developers of spatial-cities"
release = version = spatial.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "mathml"]
autosummary_generate = True
numpydoc_show_class_members = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
show_warning_types = True
autodoc_typehints_format = "short"
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "zh", "make"]
templates_path = [str(HERE / "_templates")]
html_static_path = [str(HERE / "_static")]
html_css_files = ["spatial.css"]
html_theme = "pydata_sphinx_theme"
html_title = "spatial"
html_show_sourcelink = False
html_theme_options: dict[str, Any] = {
    "show_prev_next": True,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button-field", "language"],
    "header_links_before_dropdown": 7,
    "footer_start": [],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
html_sidebars = {"index": [], "gallery": []}

LACKING = {  # what the theme does not say in Chinese
    "Collapse Sidebar": "收起侧栏", "Expand Sidebar": "展开侧栏", "Color mode": "颜色模式",
    "System Settings": "跟随系统",
}  # fmt: skip


def _say_in_chinese(app: Any) -> None:
    """Add what the theme does not say in Chinese."""
    if app.config.language.startswith("zh"):
        app.translator._catalog.update(LACKING)


def _language_link(app: Any, pagename: str, _template: str, context: dict[str, Any], _tree: Any) -> None:
    """Give each page the address of the same page in the other language, or of its first page."""
    chinese = app.config.language.startswith("zh")
    folder = HERE if chinese else HERE / "zh"
    same = pagename if (folder / f"{pagename}.md").exists() else "index"
    up = "../" * (pagename.count("/") + chinese)
    context["other_language"] = f"{up}{'' if chinese else 'zh/'}{same}.html"
    context["other_language_name"] = "English" if chinese else "中文"


DRAWN = {  # a picture of the gallery for the page of a function
    "contiguity": "links", "moran": "scatter", "moran_scatter": "scatter", "moran_panel": "over_time",
    "moran_over_time": "over_time", "local_moran": "clusters", "map_clusters": "clusters",
    "map_significance": "significance", "map_values": "values", "small_multiples": "years",
    "reference_distribution": "reference", "correlogram": "correlogram", "coefficient_plot": "coefficients",
    "Impacts": "impacts", "impacts_plot": "impacts",
    "event_study_plot": "event_study", "density_ridges": "densities",
    "density_by_time": "densities", "neighbour_histogram": "neighbours", "distance_band": "sweep",
}  # fmt: skip


def _checked_against(_app: Any, what: str, name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Show below each function its picture, and say what it was checked against."""
    if picture := DRAWN.get(name.rpartition(".")[2]):
        lines += ["", f".. image:: /images/gallery/{picture}.png", f"   :alt: What {name} gives, drawn", ""]
    rows = spatial.evidence()
    short = name.removeprefix("spatial.")
    rows = rows[(rows["name"] == short) | rows["name"].str.startswith(f"{short}:")]
    if what in ("function", "class") and len(rows):
        lines += ["", ".. rubric:: Checked against", ""]
        for row in rows.itertuples():
            method = row.name.partition(":")[2]
            lines.append(f"- {f'{method}: ' if method else ''}{row.source} ({row.kind})")
        lines.append("")


def _tidy(_app: Any, _docname: str, source: list[str]) -> None:
    """Take the blank line from the end of an example, and the line breaks from inside a Chinese sentence."""
    text = re.sub(r"\n\n(?=[ ]*```\n)", "\n", source[0])
    source[0] = re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])", "", text)


def setup(app: Any) -> None:
    """Write what is read from the code, and join the two languages."""
    static = HERE / "_static"
    static.mkdir(exist_ok=True)
    (static / "tokens.css").write_text(css_variables(), encoding="utf-8")
    if Path(app.srcdir).name != "zh":
        import pages

        pages.write()
    from chinese_search import PairsOfCharacters

    app.add_search_language(PairsOfCharacters)
    app.connect("builder-inited", _say_in_chinese)
    app.connect("source-read", _tidy)
    app.connect("html-page-context", _language_link)
    app.connect("autodoc-process-docstring", _checked_against, priority=900)
