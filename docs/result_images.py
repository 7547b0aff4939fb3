"""Pictures of the contact sheet that need a result first: disparities, indices, policies, mechanisms."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

import spatial as sp
from spatial import figures

SHEET: dict[str, tuple[str, Callable[[], Any]]] = {}


def shown(words: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Put a picture on the contact sheet, with what it shows."""

    def add(draw: Callable[[], Any]) -> Callable[[], Any]:
        SHEET[draw.__name__] = words, draw
        return draw

    return add


@cache
def crime() -> Any:
    """Crime and police of 90 counties over seven years, with logarithms."""
    panel = sp.shapefiles.load("nc_crime")
    return panel.with_columns(**{f"l{n}": np.log(panel.frame[n]) for n in ("crmrte", "polpc", "density")})


@cache
def ninety() -> Any:
    """Who touches whom among them."""
    nc = sp.shapefiles.load("nc")
    return sp.weights.contiguity(nc.loc[nc.index.isin(crime().units)]).row_standardized()


@cache
def policy() -> Any:
    """Draw 60 units over eight times, a third treated at time 3, a third at time 5, the effect growing."""
    rng = np.random.default_rng(3)
    start = np.repeat([3, 5, 99], 20)
    time = np.arange(8)
    since = np.where(time >= start[:, None], time - start[:, None] + 1, 0)
    y = rng.normal(size=(60, 1)) + rng.normal(size=8) + 0.4 * since + rng.normal(0, 0.5, (60, 8))
    frame = pd.DataFrame(
        {
            "city": np.repeat(np.arange(60), 8),
            "year": np.tile(2000 + time, 60),
            "output": y.ravel(),
            "first": np.repeat(np.where(start == 99, 0, 2000 + start), 8),
        }
    )
    return sp.Panel.from_frame(frame, unit="city", time="year")


@cache
def fitted() -> Any:
    """Fit the policy by Callaway and Sant'Anna."""
    return sp.models.did(policy(), "output", "first")


@shown("Dispersion between units over time")
def dispersion() -> Any:
    return sp.sigma_convergence(crime(), "crmrte").plot(title="Crime rates drifted apart until 1986")


@shown("Convergence with and without neighbours")
def convergence() -> Any:
    return sp.beta_convergence(crime(), "crmrte", ninety()).plot()


@shown("Parts of inequality")
def inequality() -> Any:
    groups = (crime().frame["west"] > 0).map({True: "west", False: "elsewhere"})
    return sp.theil(crime().frame["crmrte"], groups).plot()


@shown("Weights of a composite index")
def index() -> Any:
    return sp.entropy_index(crime(), ["polpc", "prbarr", "prbconv"], ["crmrte"]).plot()


@shown("Transitions given the neighbours")
def transitions() -> Any:
    return sp.spatial_markov(crime(), "crmrte", ninety(), k=4, permutations=0).plot(lag_class=1)


@shown("Semivariogram")
def semivariogram() -> Any:
    nc = sp.shapefiles.load("nc")
    return sp.semivariogram((nc["nwbir74"] / nc["bir74"]).rename("non-white births"), nc).plot()


@shown("A policy by time since it began, simulated")
def policy_study() -> Any:
    return fitted().plot()


@shown("Placebo policies")
def placebo() -> Any:
    return fitted().placebo(99, seed=1).plot()


@shown("Comparisons within the two-way estimate")
def bacon() -> Any:
    return fitted().bacon().plot()


@shown("Intervals that hold if trends differ")
def honest() -> Any:
    return fitted().honest().plot()


@shown("One coefficient by group, in Chinese")
def groups() -> Any:
    model = sp.models.SpatialSystem("lcrmrte ~ lpolpc + ldensity", crime(), effects=("unit", "time"))
    labels = {"0": "非西部", "1": "西部"}
    found = sp.models.heterogeneity(model, by="west", terms="lpolpc", method="ols")
    return found.plot(labels=labels, lang="zh")


@shown("Every specification")
def specifications() -> Any:
    model = sp.models.SpatialSystem("lcrmrte ~ lpolpc + ldensity", crime(), effects=("unit", "time"))
    variants: dict[str, dict[str, Any]] = {
        "no 1987": {"where": "year < 1987"},
        "no west": {"where": "west == 0"},
        "urban": {"where": "density > 1"},
        "two-way": {"cov": "twoway"},
    }
    return sp.models.robustness(model, variants, terms="lpolpc", method="ols").plot()


@shown("An estimate by distance, simulated")
def decay() -> Any:
    km = np.array([50.0, 100, 150, 200, 300, 400, 500])
    estimate = 0.42 * np.exp(-km / 160)
    frame = pd.DataFrame({"term": "W(output)", "cutoff_km": km, "estimate": estimate})
    frame = frame.assign(conf_low=estimate - 0.07, conf_high=estimate + 0.07)
    return figures.decay_plot(SimpleNamespace(tidy=lambda: frame))
