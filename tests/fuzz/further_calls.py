"""Valid calls of further statistics, weights and models, for the test of the whole public face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from made_values import FORMULA, QUIET, a_ring, fit, instrumented, system, weights_file, wide
from odd_arguments import IDS, INDUSTRIES, VALID, Given, Later, N, column, number
from output_calls import files, pictures

import spatial as sp

Call = tuple[Callable[..., Any], dict[str, Any]]


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
        "language": (sp.language, {"lang": "en"}),
        "regions": (sp.regions, {"data": "x", "W": "W", "n": number(3)}),
        "lee": (sp.lee, {"x": "x", "y": people, "W": "W", **QUIET}),
        "points": (sp.points, {"x": Given("x", VALID["x"]()), "y": Given("x", VALID["x"]()), "crs": 4326}),
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
        "read": (w.read, {"path": Given("anything", Later(weights_file))}),
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
        "wald": (m.wald, {"fit": a_fit, "hypothesis": column("x = z")}),
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


def further() -> dict[str, Call]:
    """Return all of them."""
    return statistics() | weights() | models() | pictures() | files()
