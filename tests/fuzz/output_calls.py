"""Valid calls of what draws, writes and runs: figures, maps, tables, layers, pages, studies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pandas as pd
from made_values import by_time, file, fit, folder, local, moran, study_file, system
from odd_arguments import IDS, Given, Later, column, number

import spatial as sp

Call = tuple[Callable[..., Any], dict[str, Any]]


def _closing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of figures that closes what it draws."""

    @functools.wraps(function)
    def drawn(**arguments: Any) -> Any:
        import matplotlib.pyplot as plt

        try:
            return function(**arguments)
        finally:
            plt.close("all")

    return drawn


def pictures() -> dict[str, Call]:
    """Return what is drawn."""
    result, classes = Given("anything", Later(moran)), Given("anything", Later(local))
    events = pd.DataFrame(
        {
            "time": [-2, -1, 0, 1],
            "estimate": [0.1, 0, 1, 1],
            "conf_low": [-1, 0, 0, 0],
            "conf_high": [1, 0, 2, 2],
        }
    )
    cohorts = pd.Series([0, 2001, 2002] * 4, index=IDS)
    found: dict[str, Call] = {
        "map_values": (sp.map_values, {"cities": "cities", "values": "x", "k": number(3)}),
        "map_raster": (
            sp.map_raster,
            {"values": "x", "places": "cities", "folder": Given("anything", Later(folder)), "k": number(3)},
        ),
        "map_clusters": (sp.map_clusters, {"local": classes, "cities": "cities"}),
        "map_significance": (sp.map_significance, {"local": classes, "cities": "cities", "levels": (0.3,)}),
        "map_cohorts": (sp.map_cohorts, {"cities": "cities", "cohorts": Given("x", cohorts)}),
        "small_multiples": (
            sp.small_multiples,
            {"cities": "cities", "panel": "panel", "column": column("x"), "k": number(3)},
        ),
        "density_ridges": (sp.density_ridges, {"panel": "panel", "column": column("x")}),
        "moran_scatter": (sp.moran_scatter, {"moran": result, "W": "W"}),
        "moran_over_time": (sp.moran_over_time, {"frame": Given("anything", Later(by_time))}),
        "reference_distribution": (sp.reference_distribution, {"result": result}),
        "neighbour_histogram": (sp.neighbour_histogram, {"W": "W"}),
        "coefficient_plot": (
            sp.coefficient_plot,
            {"fits": Given("anything", Later(fit)), "terms": column(["x"])},
        ),
        "impacts_plot": (
            sp.impacts_plot,
            {"impacts": Given("anything", Later(lambda: system().impacts(draws=0)))},
        ),
        "event_study_plot": (sp.event_study_plot, {"frame": Given("table", events)}),
    }
    return {name: (_closing(function), kinds) for name, (function, kinds) in found.items()}


def files() -> dict[str, Call]:
    """Return what writes and reads tables, layers, pages and studies."""
    return {
        "regression_table": (
            sp.regression_table,
            {"fits": Given("anything", Later(lambda: [fit()])), "digits": number(2)},
        ),
        "check_table": (
            sp.check_table,
            {"table": Given("anything", Later(lambda: sp.regression_table([fit()])))},
        ),
        "moran_table": (sp.moran_table, {"moran": Given("table", Later(by_time)), "digits": number(2)}),
        "weights_table": (sp.weights_table, {"weights": "W", "digits": number(2)}),
        "identification_table": (
            sp.identification_table,
            {"found": Given("anything", Later(lambda: fit().identification())), "digits": number(2)},
        ),
        "frame_table": (sp.frame_table, {"frame": "table", "digits": number(2)}),
        "write_tables": (
            lambda tables: sp.write_tables(tables, file(".xlsx")),
            {"tables": Given("anything", Later(lambda: [sp.regression_table([fit()])]))},
        ),
        "save_figure": (
            lambda ax: sp.save_figure(ax, file(".png")),
            {"ax": Given("anything", Later(_axes))},
        ),
        "write_layers": (
            lambda cities, layer: sp.write_layers(file(".gpkg"), cities, {"a": layer}),
            {"cities": "cities", "layer": Given("anything", Later(local))},
        ),
        "write_web": (
            lambda cities, panel, columns, W: sp.write_web(
                file("web"), cities, panel, columns, W, permutations=9
            ),
            {"cities": "cities", "panel": "panel", "columns": column(["x"]), "W": "W"},
        ),
        "explore": (
            lambda cities, panel, columns, W: sp.explore(
                cities, panel, columns, W, file(".html"), permutations=9
            ),
            {"cities": "cities", "panel": "panel", "columns": column(["x"]), "W": "W"},
        ),
        "check_study": (sp.check_study, {"path": Given("anything", Later(study_file))}),
        "explain_study": (
            sp.explain_study,
            {"path": Given("anything", Later(study_file)), "how": column("en")},
        ),
        "run_study": (
            lambda path, only: sp.run_study(path, out=file("run"), only=only, progress=_Silent()),
            {"path": Given("anything", Later(study_file)), "only": column(None)},
        ),
    }


class _Silent:
    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None: ...


def _axes() -> Any:
    import matplotlib.pyplot as plt

    return plt.figure().add_subplot()
