"""Sphinx settings: MyST pages, numpydoc reference, no network."""

from __future__ import annotations

import spatial

project = "spatial"
author = "The developers of spatial-cities"
release = version = spatial.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
autosummary_generate = True
numpydoc_show_class_members = False
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = "spatial"
html_theme_options = {"show_prev_next": False, "navbar_end": []}
html_show_sourcelink = False
