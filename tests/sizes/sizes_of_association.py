"""Rows of the list: rates, local Geary, join counts, LOSH, Lee's L, the correlogram."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from size_engine import Design, Size
from sizes_of_statistics import ANALYTIC, GLOBAL, ONE, SIDE, _runs, lattice

import spatial as sp


def _local(rng: np.random.Generator) -> dict[str, Any]:
    W, runs = lattice(), _runs(rng)
    runs.pop("workers")
    x = rng.normal(size=SIDE**2)
    one = sp.local_geary(x, W, **runs).frame
    two = sp.local_geary(pd.DataFrame(rng.normal(size=(SIDE**2, 3))), W, **runs).frame
    spread = sp.losh(x, W, **runs).frame
    return {
        "local Geary analytic": one["p_value"].to_numpy(),
        "local Geary": one["p_sim"].to_numpy(),
        "multivariate local Geary": two["p_sim"].to_numpy(),
        "LOSH chi2": spread["p_value"].to_numpy(),
        "LOSH": spread["p_sim"].to_numpy(),
    }


def _joins(rng: np.random.Generator) -> dict[str, Any]:
    W, runs = lattice().binary(), _runs(rng)
    yes = rng.random(SIDE**2) < 0.4
    frame = sp.join_counts(yes, W, **runs).frame
    local = sp.local_join_counts(yes, W, **runs).frame
    # Units with yes and no joins have p = 1: p is reported where joins are above 0.
    p = np.where(local["p_sim"].isna() & yes, 1.0, local["p_sim"])
    return {
        "BB analytic": frame.loc["BB", "p_value"],
        "BW analytic": frame.loc["BW", "p_value"],
        "BB": frame.loc["BB", "p_sim"],
        "BW": frame.loc["BW", "p_sim"],
        "local joins": p,
    }


def _rates(rng: np.random.Generator) -> dict[str, Any]:
    people = np.exp(rng.uniform(5, 11, SIDE**2)).round()
    found = sp.moran_rate(rng.poisson(people * 0.01).astype(float), people, lattice(), **_runs(rng))
    runs = _runs(rng)
    runs.pop("workers")
    x, y = rng.normal(size=(2, SIDE**2))
    return {"rate": found.p_sim, "Lee": sp.lee(x, x + y, lattice(), **runs).p_sim}


@cache
def seats() -> Any:
    return sp.shapefiles.load("china_cities").iloc[::4]


def _by_distance(rng: np.random.Generator) -> dict[str, Any]:
    x = pd.Series(rng.normal(size=len(seats())), seats().index)
    frame = sp.correlogram(x, seats(), bands=4, **_runs(rng)).frame
    return {"correlogram analytic": frame["p_value"].to_numpy(), "correlogram": frame["p_sim"].to_numpy()}


LOCAL = Design("independent normal, one and three variables, N = 49", _local, light=8)
JOINS = Design("yes with probability .4, independent, N = 49", _joins, full=2000, light=20)
RATES = Design("Poisson events of one rate, populations 150 to 60,000; y = x + e; N = 49", _rates, 4000, 20)
BANDS = Design("independent normal, 84 seats, four bands of distance", _by_distance, light=4)

GEARY = "spatial.association.differences:local_geary"
LOSH = "spatial.association.heteroscedasticity:losh"
JOIN = "spatial.association.joins:join_counts"

ASSOCIATION = [
    Size("Local Geary, analytic", "local Geary analytic", LOCAL, 0.02, 0.07, (GEARY,), "few neighbours"),
    Size(
        "Local Geary, permutation",
        "local Geary",
        LOCAL,
        0.045,
        0.055,
        (ONE,),
    ),
    Size(
        "Local Geary of three variables, permutation",
        "multivariate local Geary",
        LOCAL,
        0.045,
        0.055,
        (ONE,),
    ),
    Size("LOSH, chi2", "LOSH chi2", LOCAL, 0.0, 0.1, (LOSH,), "as published; few neighbours"),
    Size("LOSH, permutation", "LOSH", LOCAL, 0.03, 0.06, (ONE,), "deviations are from local means"),
    Size("Join counts BB, analytic", "BB analytic", JOINS, 0.035, 0.06, (JOIN,)),
    Size("Join counts BW, analytic", "BW analytic", JOINS, 0.035, 0.06, (JOIN,)),
    Size("Join counts BB, permutation", "BB", JOINS, 0.02, 0.055, (JOIN,), "ties count in full"),
    Size("Join counts BW, permutation", "BW", JOINS, 0.02, 0.055, (JOIN,), "ties count in full"),
    Size(
        "Local join counts, permutation",
        "local joins",
        JOINS,
        0.0,
        0.055,
        ("spatial.association.joins:local_join_counts",),
        "ties count in full",
    ),
    Size("Moran's I of rates, permutation", "rate", RATES, 0.035, 0.06, (GLOBAL,)),
    Size("Lee's L, permutation", "Lee", RATES, 0.045, 0.055, (GLOBAL,)),
    Size(
        "Correlogram, randomisation",
        "correlogram analytic",
        BANDS,
        0.035,
        0.06,
        ("spatial.association.distances:_moran_of_pairs", ANALYTIC),
    ),
    Size("Correlogram, permutation", "correlogram", BANDS, 0.045, 0.055, (GLOBAL,)),
]
