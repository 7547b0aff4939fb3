"""Rows of the list: global and local statistics of one cross-section, panels, convergence."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from size_engine import Design, Size

import spatial as sp

SIDE = 7
RUNS = 199


@cache
def lattice(side: int = SIDE) -> Any:
    """Return row-standardised rook weights of a square lattice."""
    line = sparse.diags_array([np.ones(side - 1), np.ones(side - 1)], offsets=[-1, 1])
    both = sparse.kron(line, np.eye(side)) + sparse.kron(np.eye(side), line)
    return sp.Weights.from_sparse(sparse.csr_array(both), range(side * side)).row_standardized()


def _global(x: np.ndarray) -> dict[str, Any]:
    W, options = lattice(), {"permutations": RUNS, "workers": 1}
    moran, geary, g = (
        sp.moran(x, W, **options),
        sp.geary(x, W, **options),
        sp.general_g(np.exp(x), W, **options),
    )
    return {
        "moran normality": moran.p_normality,
        "moran randomisation": moran.p_randomisation,
        "moran permutation": moran.p_sim,
        "geary normality": geary.p_normality,
        "geary randomisation": geary.p_randomisation,
        "geary permutation": geary.p_sim,
        "general G randomisation": g.p_randomisation,
        "general G permutation": g.p_sim,
    }


def _local(rng: np.random.Generator) -> dict[str, Any]:
    W, options = lattice(), {"permutations": RUNS, "workers": 1}
    x = rng.normal(size=W.n)
    moran, getis = sp.local_moran(x, W, **options).frame, sp.getis_ord(np.exp(x), W, **options).frame
    return {
        "local Moran analytic": moran["p_value"].to_numpy(),
        "local Moran permutation": moran["p_sim"].to_numpy(),
        "Getis-Ord analytic": getis["p_value"].to_numpy(),
        "Getis-Ord permutation": getis["p_sim"].to_numpy(),
    }


def _correlation(rng: np.random.Generator) -> dict[str, Any]:
    frame = pd.DataFrame(rng.normal(size=(30, 2)), columns=["x", "y"])
    from spatial.tables.described import _correlation as correlation

    return {"correlation": correlation(frame["x"].to_numpy(), frame["y"].to_numpy())[2]}


NORMAL = Design("independent normal, N = 49", lambda rng: _global(rng.normal(size=SIDE**2)))
LOCAL = Design("independent normal (Getis-Ord: lognormal), N = 49", _local, full=400, light=30)
PAIRS = Design("two independent normal columns, 30 rows", _correlation, full=2000, light=200)

GLOBAL = "spatial.autocorrelation.inference:permutation_test"
ONE = "spatial.autocorrelation.local_inference:conditional_test"
M, C, G = (f"spatial.autocorrelation.global_{n}" for n in ("moran:moran", "geary:geary", "getis:general_g"))

STATISTICS = [
    Size("Moran's I, normality", "moran normality", NORMAL, 0.03, 0.06, (M,)),
    Size("Moran's I, randomisation", "moran randomisation", NORMAL, 0.03, 0.06, (M,)),
    Size("Moran's I, permutation", "moran permutation", NORMAL, 0.045, 0.055, (GLOBAL,)),
    Size("Geary's C, normality", "geary normality", NORMAL, 0.03, 0.065, (C,)),
    Size("Geary's C, randomisation", "geary randomisation", NORMAL, 0.03, 0.065, (C,)),
    Size("Geary's C, permutation", "geary permutation", NORMAL, 0.045, 0.055, (GLOBAL,)),
    Size("General G, randomisation", "general G randomisation", NORMAL, 0.03, 0.06, (G,)),
    Size("General G, permutation", "general G permutation", NORMAL, 0.045, 0.055, (GLOBAL,)),
    Size(
        "Local Moran's I, analytic",
        "local Moran analytic",
        LOCAL,
        0.02,
        0.06,
        ("spatial.autocorrelation.lisa:_local",),
    ),
    Size("Local Moran's I, permutation", "local Moran permutation", LOCAL, 0.045, 0.055, (ONE,)),
    Size(
        "Getis-Ord G*, analytic",
        "Getis-Ord analytic",
        LOCAL,
        0.02,
        0.08,
        ("spatial.autocorrelation.hot_spots:getis_ord",),
        note="skewed values and few neighbours",
    ),
    Size("Getis-Ord G*, permutation", "Getis-Ord permutation", LOCAL, 0.045, 0.055, (ONE,)),
    Size("Correlation", "correlation", PAIRS, 0.045, 0.055, ("spatial.tables.described:_correlation",)),
]
