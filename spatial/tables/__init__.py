"""Tables of a paper: regressions, descriptions, correlations, Moran's I, identification, weights."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".regression": (
        "RegressionTable",
        "regression_table",
        "write_tables",
    ),
    ".chosen": ("selection_table",),
    ".table": ("Table",),
    ".formats.cells": (
        "Head",
        "Row",
    ),
    ".described": (
        "correlation_table",
        "descriptive_table",
        "identification_table",
        "moran_table",
    ),
    ".compared": ("weights_table",),
    ".frames": ("frame_table",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
