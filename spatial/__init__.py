"""Spatial econometrics of cities: weights, Moran diagnostics, agglomeration, GS3SLS, tables and maps."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Names are handed on lazily: `import spatial` must not pull in what is not used yet.  No module is named as
# a function that it holds: importing the one would hide the other.
_MODULES: dict[str, tuple[str, ...]] = {
    "spatial.panel": ("Panel", "Step"),
    "spatial.weights": ("Weights",),
    "spatial.cities": ("read_cities",),
    "spatial._read_panel": ("read_panel",),
    "spatial.lag": ("spatial_lag",),
    "spatial.global_moran": ("Moran", "moran"),
    "spatial.panel_moran": ("moran_panel",),
    "spatial.local": ("LocalMoran", "local_moran", "bivariate_local_moran"),
    "spatial.bivariate": ("BivariateMoran", "bivariate_moran"),
    "spatial.geary_c": ("Geary", "geary"),
    "spatial.getis": ("GetisOrd", "getis_ord"),
    "spatial.getis_general": ("GeneralG", "general_g"),
    "spatial.markov": ("LisaMarkov", "SpatialMarkov", "lisa_markov", "spatial_markov"),
    "spatial.agglomeration": ("distance_decay", "virtual_agglomeration", "VirtualAgglomeration"),
    "spatial.quotients": ("location_quotient",),
    "spatial.specialization_measures": (
        "specialization",
        "krugman_index",
        "herfindahl",
        "hoover_index",
        "gini_specialization",
        "theil_specialization",
    ),
    "spatial.diversity_measures": ("diversity", "related_variety", "unrelated_variety"),
    "spatial.localization": ("ellison_glaeser", "coagglomeration", "coagglomeration_matrix"),
    "spatial.inequality": ("Decomposition", "dagum", "gini", "theil"),
    "spatial.indices": ("CompositeIndex", "composite_index", "entropy_index"),
    "spatial.resilience": (
        "RESILIENCE_INDICATORS",
        "Indicator",
        "Resilience",
        "composite_resilience",
        "sensitivity_resilience",
    ),
    "spatial.structure": (
        "COORDINATION_LEVELS",
        "coordination_level",
        "coupling_coordination",
        "industrial_upgrading",
        "interaction_degree",
        "per_area",
        "per_capita",
    ),
    "spatial.convergence": ("BetaConvergence", "SigmaConvergence", "beta_convergence", "sigma_convergence"),
    "spatial.centrography": ("Centrography", "gravity_center", "standard_ellipse"),
    "spatial.density": ("density_by_time",),
    "spatial.tables": (
        "RegressionTable",
        "correlation_table",
        "descriptive_table",
        "identification_table",
        "moran_table",
        "regression_table",
        "weights_table",
        "write_tables",
    ),
    "spatial.table_check": ("check_table",),
    "spatial.report": ("explore",),
    "spatial.study": ("run_study", "check_study"),
    "spatial.figures": (
        "moran_scatter",
        "moran_over_time",
        "coefficient_plot",
        "impacts_plot",
        "event_study_plot",
        "density_ridges",
        "neighbour_histogram",
        "save_figure",
    ),
    "spatial.maps": ("map_clusters", "map_significance", "map_values", "small_multiples"),
    "spatial.layers": ("write_layers",),
    "spatial.errors": (
        "AlignmentError",
        "ConvergenceError",
        "DataError",
        "FormulaError",
        "NotIdentifiedError",
        "SpatialError",
        "SpatialWarning",
        "WeightsError",
    ),
}
_NAMES = {name: module for module, names in _MODULES.items() for name in names}
_FOLDERS = ("models", "shapefiles", "weights")

__all__ = sorted([*_NAMES, *_FOLDERS])


def __getattr__(name: str) -> Any:
    if name in _FOLDERS:
        return importlib.import_module(f"spatial.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'spatial' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
