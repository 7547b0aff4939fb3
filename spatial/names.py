"""Public names handed on lazily, so that importing a room does not import all that it holds."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["OF_PANELS", "elsewhere", "hand_on"]

_PACKAGES = {"spatial": "sp", "spatial.models": "sp.models", "spatial.weights": "sp.weights"}
_MODEL = 'sp.models.SpatialSystem("y ~ x + W(y)", panel, W)'
# What libpysal, esda, spreg, spdep, spatialreg, splm, fixest, GeoDa and Stata's commands are called here.
_CALLED = {
    "sp.weights.contiguity(cities)": "queen from_contiguity poly2nb contiguity_w",
    "sp.weights.contiguity(cities).row_standardized()": "nb2listw",
    "sp.weights.contiguity(cities, rook=True)": "rook",
    "sp.weights.knn(cities, k)": "knn k_nearest knearneigh",
    "sp.weights.distance_band(cities, km)": "distanceband distance_band distance dnearneigh",
    "sp.weights.kernel(cities, bandwidth_km=)": "kernel",
    "sp.weights.read(path)": "read_weights open_weights_file read_gal read_gwt spatwmat spmatrix read_w",
    "sp.read_cities": "read_shapefile read_shp read_file read_geojson read_gpkg read_map read_gdf st_read",
    "sp.read_panel": "read_csv read_excel read_xlsx read_stata read_dta use pdata_frame",
    "sp.local_moran": "lisa moran_local localmoran local_moran_i local_i spatlsa",
    "sp.moran": "moran_i morans_i global_moran spatgsa moran_test moran_mc",
    "sp.bivariate_moran": "moran_bv bv_moran moran_bivariate",
    "sp.geary": "geary_c gearys_c",
    "sp.getis_ord": "g_local getis_ord_g hot_spots hotspot hotspots local_g gi_star",
    "sp.join_counts": "join_count joincount",
    "sp.spatial_lag": "lag lag_spatial slag",
    "sp.map_clusters": "lisa_map cluster_map lisa_cluster plot_lisa plot_clusters map_lisa",
    "sp.map_significance": "significance_map lisa_significance",
    "sp.map_values": "choropleth quantile_map natural_breaks_map plot_map map_plot tmap",
    'sp.map_values(cities, x, scheme="box")': "box_map boxmap",
    "sp.moran_scatter": "plot_moran moran_plot moran_scatterplot scatter_moran",
    "sp.write_layers": "to_gpkg write_gpkg export to_qgis to_shapefile to_file",
    "sp.explore": "report to_report",
    "sp.save_figure": "savefig save",
    "sp.regression_table": "etable esttab outreg outreg2 stargazer modelsummary texreg",
    "sp.coefficient_plot": "coefplot plot_coefficients iplot",
    "sp.descriptive_table": "summary_statistics sum summarize describe summary tabstat sum2docx",
    'panel.winsorize(["x"], 0.01)': "winsor2 winsor winsorize",
    "fit.impacts()": "impacts effects",
    "sp.models.fixed_effects": "ols reghdfe xtreg areg feols lm plm panel_ols fe panelols twfe ivreghdfe",
    f"{_MODEL}.fit('ml')": "xsmle spml ml_lag ml_error lagsarlm errorsarlm spxtregress sar sem sac",
    'sp.models.SpatialSystem("y ~ x + W(x) + W(y)", panel, W)': "sdm sdem slx durbin",
    f"{_MODEL}.fit('gs2sls')": "gm_lag gm_error gm_combo spivregress spregress stsls gs2sls",
    f"{_MODEL}.fit('gs3sls')": "gs3sls reg3",
    "sp.models.did": "csdid att_gt did_multiplegt eventstudy event_study",
    "sp.models.tobit": "xttobit",
    "sp.models.threshold": "xthreg",
}
OF_PANELS = {
    **dict.fromkeys(("df", "data", "head", "loc", "iloc", "query", "merge", "groupby", "tail"), "frame"),
    **dict.fromkeys(("assign", "insert", "mutate", "eval", "generate", "gen"), "with_columns(name=values)"),
    **dict.fromkeys(("filter", "keep", "subset"), "where(condition)"),
    **dict.fromkeys(("lag", "lags", "diff", "lead"), "shift(columns, 1)"),
    **dict.fromkeys(("ipolate", "fillna", "ffill", "impute"), "interpolate(columns)"),
    **dict.fromkeys(("dropna", "balanced"), "balance(columns=[...])"), **dict.fromkeys(("N", "n"), "n_units"),
    **dict.fromkeys(("winsor", "winsor2", "clip"), "winsorize(columns, 0.01)"), "T": "n_times",
    "years": "times", "time": "times", "ids": "units", "cities": "units", "summary": "describe()",
    "ln": "log(columns)", "year": "at(time)", "to_csv": "write(path)", "to_excel": "write(path)",
}  # fmt: skip
"""What pandas, Stata and R call it, of a panel."""

_ELSEWHERE = {name: here for here, names in _CALLED.items() for name in names.split()}


def elsewhere(name: str) -> str:
    """Return how the package writes what others call `name`, or the package that has it; nothing if unknown.

    Examples
    --------
    >>> elsewhere("lisa"), elsewhere("fixed_effects"), elsewhere("KNN"), elsewhere("q")
    ('sp.local_moran', 'sp.models.fixed_effects', 'sp.weights.knn(cities, k)', '')
    """
    for package, short in _PACKAGES.items():
        if name in importlib.import_module(package).__all__:
            return f"{short}.{name}"
    return _ELSEWHERE.get(name.lower(), "")


def hand_on(
    package: str,
    modules: Mapping[str, Sequence[str]],
    rooms: Sequence[str] = (),
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__all__``, ``__getattr__`` and ``__dir__`` of a package that hands names on.

    Parameters
    ----------
    package : str
        The package's own name.
    modules : mapping
        A module, absolute or relative to the package (``".panel"``), to its public names.
    rooms : sequence of str
        Packages below this one that are public by name, as ``weights``.

    Notes
    -----
    No module may be named as a function that its package hands on: importing the one would hide the other.

    Examples
    --------
    >>> names, get, _ = hand_on("spatial", {".errors": ["DataError"]})
    >>> names, get("DataError").__name__
    (['DataError'], 'DataError')
    """
    owner = {name: module for module, names in modules.items() for name in names}
    public = sorted([*owner, *rooms])

    def get(name: str) -> Any:
        if name in rooms:
            return importlib.import_module(f"{package}.{name}")
        if name in owner:
            return getattr(importlib.import_module(owner[name], package), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}{_meant(name)}")

    def _meant(name: str) -> str:
        # Names with leading underscores are asked for by programs, and often.
        if name.startswith("_"):
            return ""
        import difflib

        lowered = {one.lower(): one for one in public}
        close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.75)
        found = elsewhere(name) or (lowered[close[0]] if close else "")
        return f". Did you mean {found}?" if found else ""

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *public})

    return public, get, names
