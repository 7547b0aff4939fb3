"""Spatial econometrics of cities: weights, Moran diagnostics, agglomeration, GS3SLS, tables and maps."""

from __future__ import annotations

import os

from spatial.names import hand_on

__version__ = "0.1.0"

# Lazily: `import spatial` must not pull in what is not used yet.
_MODULES = {
    "spatial.proof": ("evidence",),
    "spatial.panel.grouping": ("group",),
    "spatial.panel.panel": (
        "Panel",
        "Step",
    ),
    "spatial.weights": ("Weights",),
    "spatial.io.cities": ("read_cities",),
    "spatial.panel.reading": ("read_panel",),
    "spatial.places.points": ("points",),
    "spatial.panel.folder": ("OpenPanel", "open_panel"),
    "spatial.panel.industries": ("read_industries", "read_reference"),
    "spatial.panel.joining": ("align", "read_calendar"),
    "spatial.weights.columns": ("spatial_lag",),
    "spatial.autocorrelation.global_moran": (
        "Moran",
        "moran",
    ),
    "spatial.autocorrelation.panels": ("moran_panel",),
    "spatial.autocorrelation.lisa": (
        "LocalMoran",
        "local_moran",
        "bivariate_local_moran",
    ),
    "spatial.autocorrelation.two_variables": (
        "BivariateMoran",
        "bivariate_moran",
    ),
    "spatial.autocorrelation.global_geary": (
        "Geary",
        "geary",
    ),
    "spatial.autocorrelation.on_disk": ("OpenLocal", "open_local"),
    "spatial.autocorrelation.hot_spots": (
        "GetisOrd",
        "getis_ord",
    ),
    "spatial.autocorrelation.global_getis": (
        "GeneralG",
        "general_g",
    ),
    "spatial.autocorrelation.markov": (
        "LisaMarkov",
        "SpatialMarkov",
        "lisa_markov",
        "spatial_markov",
    ),
    "spatial.association.changes": (
        "differential_local_moran",
        "differential_moran",
        "quantile_lisa",
    ),
    "spatial.association.differences": (
        "LocalGeary",
        "local_geary",
    ),
    "spatial.association.distances": (
        "Correlogram",
        "Semivariogram",
        "correlogram",
        "semivariogram",
    ),
    "spatial.association.heteroscedasticity": (
        "LocalHeteroscedasticity",
        "losh",
    ),
    "spatial.association.joins": (
        "JoinCounts",
        "LocalJoinCounts",
        "join_counts",
        "local_join_counts",
    ),
    "spatial.association.regionalisation": (
        "Regions",
        "regions",
    ),
    "spatial.association.rates": (
        "eb_rate",
        "local_moran_rate",
        "moran_rate",
        "spatial_rate",
    ),
    "spatial.association.smoothed": (
        "LeeL",
        "lee",
    ),
    "spatial.agglomeration.potential": (
        "distance_decay",
        "market_potential",
    ),
    "spatial.agglomeration.virtual": (
        "virtual_agglomeration",
        "VirtualAgglomeration",
    ),
    "spatial.agglomeration.quotients": ("location_quotient",),
    "spatial.agglomeration.concentration": (
        "specialization",
        "krugman_index",
        "herfindahl",
        "hoover_index",
        "gini_specialization",
        "theil_specialization",
    ),
    "spatial.agglomeration.variety": (
        "diversity",
        "related_variety",
        "unrelated_variety",
    ),
    "spatial.agglomeration.localization": (
        "ellison_glaeser",
        "coagglomeration",
        "coagglomeration_matrix",
    ),
    "spatial.disparities.inequality": (
        "Decomposition",
        "dagum",
        "gini",
        "theil",
    ),
    "spatial.indices.composite": (
        "CompositeIndex",
        "composite_index",
        "entropy_index",
    ),
    "spatial.indices.resilience": (
        "RESILIENCE_INDICATORS",
        "Indicator",
        "Resilience",
        "composite_resilience",
        "sensitivity_resilience",
    ),
    "spatial.indices.upgrading": (
        "COORDINATION_LEVELS",
        "coordination_level",
        "coupling_coordination",
        "industrial_upgrading",
        "interaction_degree",
        "per_area",
        "per_capita",
    ),
    "spatial.disparities.convergence": (
        "BetaConvergence",
        "SigmaConvergence",
        "beta_convergence",
        "sigma_convergence",
    ),
    "spatial.disparities.centrography": (
        "Centrography",
        "gravity_center",
        "standard_ellipse",
    ),
    "spatial.disparities.densities": ("density_by_time",),
    "spatial.tables.regression": (
        "RegressionTable",
        "correlation_table",
        "descriptive_table",
        "identification_table",
        "moran_table",
        "regression_table",
        "weights_table",
        "write_tables",
    ),
    "spatial.tables.frames": ("frame_table",),
    "spatial.tables.printed.checking": ("check_table",),
    "spatial.report.building": ("explore",),
    "spatial.report.web": ("write_web",),
    "spatial.study.run": (
        "run_study",
        "check_study",
        "explain_study",
    ),
    "spatial.figures": (
        "moran_scatter",
        "moran_over_time",
        "coefficient_plot",
        "impacts_plot",
        "event_study_plot",
        "density_ridges",
        "neighbour_histogram",
        "reference_distribution",
        "save_figure",
    ),
    "spatial.maps.cohorts": ("map_cohorts",),
    "spatial.maps.maps": (
        "map_clusters",
        "map_significance",
        "map_values",
    ),
    "spatial.maps.multiples": ("small_multiples",),
    "spatial.maps.raster": ("map_raster",),
    "spatial.gis.layers": (
        "LayerInfo",
        "write_layers",
    ),
    "spatial.languages": ("language",),
    "spatial.errors": (
        "AlignmentError",
        "ArgumentError",
        "ConvergenceError",
        "DataError",
        "FormulaError",
        "NotIdentifiedError",
        "SpatialError",
        "SpatialWarning",
        "WeightsError",
    ),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES, ("models", "shapefiles", "weights"))

if os.environ.get("SPATIAL_LANG"):  # "zh", or as systems write it: "zh_CN.UTF-8"
    __getattr__("language")(os.environ["SPATIAL_LANG"].replace("-", "_").partition("_")[0].lower())
