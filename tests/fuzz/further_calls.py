"""Valid calls of models, pictures, tables, files and studies, for the test of the whole public face."""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from odd_arguments import IDS, INDUSTRIES, VALID, Given, Later, N, column, number

import spatial as sp

Call = tuple[Callable[..., Any], dict[str, Any]]
FORMULA = Given("column", "y ~ x + z")
QUIET = {"permutations": 9}
STUDY = """
[data]
sample = "nc"
[weights.W]
spec = "queen"
[[tables]]
kind = "weights"
name = "weights"
"""


@functools.cache
def wide() -> sp.Panel:
    """Return a panel with cohorts of a policy, times enough, and a censored outcome."""
    rng = np.random.default_rng(8)
    index = pd.MultiIndex.from_product([[f"{i:02d}" for i in range(40)], range(2000, 2006)], names=["i", "t"])
    frame = pd.DataFrame(rng.normal(size=(240, 4)), index=index, columns=["x", "z", "m", "y"])
    frame["cohort"] = np.repeat([0, 2002, 2003, 0], 60)
    unit = rng.normal(size=40).repeat(6)
    frame["shock"] = 2 * frame["m"] + rng.normal(size=240)
    frame["y"] += frame["x"] + 0.5 * frame["m"] + unit
    frame["limited"] = frame["y"].clip(lower=0)
    frame["half"] = np.repeat(["a", "b"], 120)
    frame["d"] = ((frame["cohort"] > 0) & (index.get_level_values(1) >= frame["cohort"])).astype(float)
    return sp.Panel.from_frame(frame.reset_index(), unit="i", time="t")


@functools.cache
def fit() -> Any:
    return sp.models.fixed_effects("y ~ x + z", wide())


@functools.cache
def system() -> Any:
    n = wide().n_units
    ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    W = sp.Weights.from_dense(ring, ids=wide().units).row_standardized()
    return sp.models.SpatialSystem("y ~ x + z + W(y)", wide(), W, effects=("unit",)).fit("2sls")


@functools.cache
def instrumented() -> Any:
    return sp.models.fixed_effects("y ~ z | unit | shock ~ m", wide())


@functools.cache
def local() -> Any:
    return sp.local_moran(VALID["x"](), VALID["W"](), permutations=9)


@functools.cache
def by_time() -> pd.DataFrame:
    return sp.moran_panel(VALID["panel"](), "x", VALID["W"](), permutations=9)


@functools.cache
def moran() -> Any:
    return sp.moran(VALID["x"](), VALID["W"](), permutations=99)


@functools.cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="spatial-fuzz-"))


def file(suffix: str) -> Path:
    return folder() / f"{next(_COUNT)}{suffix}"


_COUNT = itertools.count()


def _study() -> Path:
    path = folder() / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def _weights_file() -> Path:
    path = file(".gwt")
    VALID["W"]().write(path)
    return path


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


def statistics() -> dict[str, Call]:
    """Return the further statistics."""
    flags = Given("x", (VALID["x"]() > 1).astype(int))
    people = Given("x", VALID["x"]() * 100 + 50)
    groups = {"mining": "a", "retail": "b", "bank": "b"}
    plants = pd.Series(0.1, index=INDUSTRIES)
    found: dict[str, Call] = {
        f.__name__: (f, {"x": "x", "W": "W", **QUIET}) for f in (sp.local_geary, sp.losh, sp.quantile_lisa)
    }
    found |= {
        f.__name__: (f, {"x": flags, "W": "W", **QUIET}) for f in (sp.join_counts, sp.local_join_counts)
    }
    for f in (sp.differential_moran, sp.differential_local_moran):
        found[f.__name__] = (f, {"before": "x", "after": people, "W": "W", **QUIET})
    for f in (sp.moran_rate, sp.local_moran_rate):
        found[f.__name__] = (f, {"events": "x", "population": people, "W": "W", **QUIET})
    return found | {
        "regions": (sp.regions, {"data": "x", "W": "W", "n": number(3)}),
        "lee": (sp.lee, {"x": "x", "y": people, "W": "W", **QUIET}),
        "eb_rate": (sp.eb_rate, {"events": "x", "population": people, "W": "W"}),
        "spatial_rate": (sp.spatial_rate, {"events": "x", "population": people, "W": "W"}),
        "correlogram": (sp.correlogram, {"x": "x", "cities": "cities", "bands": number(3), **QUIET}),
        "semivariogram": (sp.semivariogram, {"x": "x", "cities": "cities", "bands": number(3)}),
        "market_potential": (sp.market_potential, {"values": "x", "cities": "cities", "power": number(1.0)}),
        "beta_convergence": (sp.beta_convergence, {"panel": "panel", "column": column("x"), "W": "W"}),
        "composite_index": (sp.composite_index, {"panel": "panel", "positive": column(["x", "y"])}),
        "composite_resilience": (
            sp.composite_resilience,
            {
                "panel": "panel",
                "indicators": [sp.Indicator("a", "+", "one"), sp.Indicator("b", "-", "two")],
                "columns": {"a": "x", "b": "y"},
            },
        ),
        "coupling_coordination": (
            sp.coupling_coordination,
            {"data": "panel", "columns": column(["x", "y"]), "normalise": "minmax"},
        ),
        "interaction_degree": (
            sp.interaction_degree,
            {"data": "panel", "columns": column(["x", "y"]), "normalise": "minmax"},
        ),
        "coordination_level": (sp.coordination_level, {"degree": Given("x", VALID["x"]() / 100)}),
        "sensitivity_resilience": (
            sp.sensitivity_resilience,
            {"panel": "panel", "industries": column(INDUSTRIES)},
        ),
        "coagglomeration": (
            sp.coagglomeration,
            {"table": "table", "first": column("mining"), "second": column("bank")},
        ),
        "coagglomeration_matrix": (sp.coagglomeration_matrix, {"table": "table"}),
        "ellison_glaeser": (sp.ellison_glaeser, {"table": "table", "plant_herfindahl": Given("x", plants)}),
        "related_variety": (sp.related_variety, {"table": "table", "groups": Given("anything", groups)}),
        "unrelated_variety": (sp.unrelated_variety, {"table": "table", "groups": Given("anything", groups)}),
        "per_area": (sp.per_area, {"values": "x", "area": people}),
        "per_capita": (sp.per_capita, {"values": "x", "population": people}),
        "group": (sp.group, {"values": "x", "parts": number(2)}),
        "read_industries": (
            sp.read_industries,
            {"source": Given("cities", _industries()), "unit": column("adcode"), "time": column("year")},
        ),
        "read_reference": (
            sp.read_reference,
            {
                "source": Given("cities", _industries()),
                "time": column("year"),
                "columns": column(["农林牧渔业"]),
            },
        ),
    }


def _industries() -> pd.DataFrame:
    return pd.DataFrame({"adcode": IDS * 2, "year": [2000] * N + [2001] * N, "A": 1.0, "B": 2.0})


def weights() -> dict[str, Call]:
    """Return the further makers of weights."""
    w = sp.weights
    found: dict[str, Call] = {
        f.__name__: (f, {"cities": "cities"})
        for f in (w.delaunay, w.gabriel, w.relative_neighbors, w.voronoi)
    }
    for f in (w.union, w.intersection, w.difference, w.symmetric_difference):
        found[f.__name__] = (f, {"first": "W", "second": "W"})
    return found | {
        "as_weights": (w.as_weights, {"weights": "W"}),
        "compare": (w.compare, {"first": "W", "second": "W", "x": "x"}),
        "from_spec": (w.from_spec, {"cities": "cities", "spec": column("knn:3")}),
        "nested_product": (w.nested_product, {"W": "W", "values": "x"}),
        "grid": (w.grid, {"raster_or_shape": Given("number", (3, 4))}),
        "read": (w.read, {"path": Given("anything", Later(_weights_file))}),
    }


def models() -> dict[str, Call]:
    """Return the models, on a small panel, and what is done with a fit."""
    m = sp.models
    a_fit, a_system = Given("anything", Later(fit)), Given("anything", Later(system))
    a_panel, section = Given("panel", Later(wide)), Given("panel", Later(lambda: wide().at(2000)))
    x = column("x")
    return {
        "SpatialSystem": (
            lambda formulas, panel, W: m.SpatialSystem(formulas, panel, W).fit("ols"),
            {"formulas": FORMULA, "panel": "panel", "W": "W"},
        ),
        "fixed_effects": (m.fixed_effects, {"formula": FORMULA, "panel": "panel", "effects": column("unit")}),
        "random_effects": (m.random_effects, {"formula": FORMULA, "panel": "panel"}),
        "tobit": (m.tobit, {"formula": column("limited ~ x"), "panel": a_panel, "effects": None}),
        "threshold": (
            m.threshold,
            {"formula": FORMULA, "panel": a_panel, "by": x, "bootstrap": 3, "grid": number(5)},
        ),
        "did": (
            m.did,
            {"panel": a_panel, "outcome": column("y"), "cohort": column("cohort"), "method": "twfe"},
        ),
        "mechanism": (
            m.mechanism,
            {"formula": FORMULA, "panel": a_panel, "treatment": x, "mediators": column("m"), "bootstrap": 9},
        ),
        "moderation": (m.moderation, {"model": a_fit, "treatment": x, "by": column("z")}),
        "heterogeneity": (m.heterogeneity, {"model": a_fit, "by": column("half"), "permutations": 9}),
        "robustness": (
            m.robustness,
            {"model": a_fit, "variants": Given("anything", {"hom": {"cov": "hom"}})},
        ),
        "leave_one_out": (m.leave_one_out, {"fit": a_fit, "term": x}),
        "oster": (m.oster, {"fit": a_fit, "term": x}),
        "plausibly_exogenous": (
            m.plausibly_exogenous,
            {
                "fit": Given("anything", Later(instrumented)),
                "term": column("shock"),
                "range": Given("number", (-0.1, 0.1)),
            },
        ),
        "u_test": (
            m.u_test,
            {"fit": Given("anything", Later(lambda: m.fixed_effects("y ~ x + I(x**2)", wide()))), "term": x},
        ),
        "vif": (m.vif, {"fit": a_fit}),
        "serial_correlation": (m.serial_correlation, {"fit": a_fit}),
        "pesaran_cd": (m.pesaran_cd, {"fit": a_system}),
        "hausman": (
            m.hausman,
            {"a": a_fit, "b": Given("anything", Later(lambda: m.random_effects("y ~ x + z", wide())))},
        ),
        "select": (
            m.select,
            {"formula": FORMULA, "panel": a_panel, "weights": Given("anything", Later(a_ring))},
        ),
        "evaluate": (m.evaluate, {"formula": column("log(x) + 1"), "panel": "panel"}),
        "holds": (m.holds, {"formula": column("x > 1 and y < 2"), "panel": "panel"}),
        "parse_formula": (m.parse_formula, {"text": FORMULA, "weights": column(["W"])}),
        "spreg": (
            m.spreg,
            {"name": column("OLS"), "formula": FORMULA, "data": section, "W": None},
        ),
        "stata_gs3sls": (
            m.stata_gs3sls,
            {
                "formulas": Given("column", ["y ~ m + x", "m ~ y + z"]),
                "data": section,
                "W": Given("anything", Later(a_ring)),
            },
        ),
    }


def a_ring() -> sp.Weights:
    n = wide().n_units
    return sp.Weights.from_dense(np.roll(np.eye(n), 1, axis=1), ids=wide().units)


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
        "check_study": (sp.check_study, {"path": Given("anything", Later(_study))}),
        "explain_study": (sp.explain_study, {"path": Given("anything", Later(_study)), "how": column("en")}),
        "run_study": (
            lambda path, only: sp.run_study(path, out=file("run"), only=only, progress=_Silent()),
            {"path": Given("anything", Later(_study)), "only": column(None)},
        ),
    }


class _Silent:
    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None: ...


def _axes() -> Any:
    import matplotlib.pyplot as plt

    return plt.figure().add_subplot()


def further() -> dict[str, Call]:
    """Return all of them."""
    return statistics() | weights() | models() | pictures() | files()
