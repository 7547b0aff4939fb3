"""Rows of the list: global and local statistics of one cross-section, panels, convergence."""

from __future__ import annotations

import warnings
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


def _runs(rng: np.random.Generator, permutations: int = RUNS) -> dict[str, int]:
    """Return options with a seed of its own for each sample, drawn from the design's."""
    return {"permutations": permutations, "seed": int(rng.integers(2**31)), "workers": 1}


def _global(rng: np.random.Generator) -> dict[str, Any]:
    W, options, x = lattice(), _runs(rng), rng.normal(size=SIDE**2)
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
    W, options = lattice(), _runs(rng)
    x = rng.normal(size=W.n)
    moran, getis = sp.local_moran(x, W, **options).frame, sp.getis_ord(np.exp(x), W, **options).frame
    stopped = sp.local_moran(x, W, stop_after=10, **options).frame
    return {
        "local Moran analytic": moran["p_value"].to_numpy(),
        "local Moran sequential": stopped["p_sim"].to_numpy(),
        "local Moran permutation": moran["p_sim"].to_numpy(),
        "Getis-Ord analytic": getis["p_value"].to_numpy(),
        "Getis-Ord permutation": getis["p_sim"].to_numpy(),
    }


def _counted(rng: np.random.Generator) -> dict[str, Any]:
    x = rng.poisson(1.0, size=SIDE**2).astype(float)
    frame = sp.local_moran(x, lattice(), **_runs(rng)).frame
    return {"local Moran of counts": frame["p_sim"].to_numpy()}


@cache
def irregular() -> Any:
    """Return queen weights, binary, of 100 counties with one to nine neighbours."""
    return sp.weights.contiguity(sp.shapefiles.load("nc"))


def _skewed(rng: np.random.Generator) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)
        found = sp.geary(rng.lognormal(size=100), irregular(), **_runs(rng))
    return {
        "skewed normality": np.nan if found.far_from_normal else found.p_normality,
        "skewed randomisation": found.p_randomisation,
        "skewed permutation": found.p_sim,
    }


# ---- panels and two variables
def _pooled(values: np.ndarray, center: str, options: dict[str, Any]) -> dict[str, Any]:
    T, n = values.shape
    rows = pd.MultiIndex.from_product([range(n), range(T)], names=["unit", "time"])
    panel = pd.DataFrame({"x": values.T.ravel()}, rows)
    row = sp.moran_panel(panel, "x", lattice(), center=center, **options).iloc[-1]
    return {f"pooled {center} {kind}": row[kind] for kind in ("p_normality", "p_randomisation", "p_sim")}


def _persistent(rng: np.random.Generator, T: int = 6, rho: float = 0.7) -> np.ndarray:
    """Return (T, N) values with autocorrelation in time, none in space."""
    x = rng.normal(size=(T, SIDE**2))
    x[0] /= np.sqrt(1 - rho**2)
    for t in range(1, T):
        x[t] += rho * x[t - 1]
    return x


def _persistent_pooled(rng: np.random.Generator) -> dict[str, Any]:
    x = _persistent(rng)
    options = _runs(rng)
    return {**_pooled(x, "within", options), **_pooled(x, "overall", options)}


def _trend_pooled(rng: np.random.Generator) -> dict[str, Any]:
    x = _persistent(rng, rho=0.0) + 3.0 * np.arange(6)[:, None]
    options = _runs(rng)
    return {**_pooled(x, "within", options), **_pooled(x, "overall", options)}


def _related(rng: np.random.Generator) -> dict[str, Any]:
    x = rng.normal(size=SIDE**2)
    y = 0.95 * x + np.sqrt(1 - 0.95**2) * rng.normal(size=SIDE**2)
    found = sp.bivariate_moran(x, y, lattice(), **_runs(rng))
    return {"bivariate randomisation": found.p_randomisation, "bivariate permutation": found.p_sim}


def _both_clustered(rng: np.random.Generator) -> dict[str, Any]:
    filtered = np.linalg.inv(np.eye(SIDE**2) - 0.8 * lattice().sparse.toarray())
    x, y = (filtered @ rng.normal(size=(SIDE**2, 2))).T
    runs = _runs(rng)
    found = sp.bivariate_moran(x, y, lattice(), null="spectral", **runs)
    pairs = sp.bivariate_moran(x, y, lattice(), **runs)
    runs.pop("workers")
    return {
        "spectral randomisation": found.p_randomisation,
        "spectral permutation": found.p_sim,
        "pairs": pairs.p_sim,
        "Lee spectral": sp.lee(x, y, lattice(), null="spectral", **runs).p_sim,
        "Lee pairs": sp.lee(x, y, lattice(), **runs).p_sim,
    }


def _markov(rng: np.random.Generator) -> dict[str, Any]:
    x = np.exp(0.3 * _persistent(rng))
    rows = pd.MultiIndex.from_product([range(SIDE**2), range(6)], names=["unit", "time"])
    panel = sp.Panel(pd.DataFrame({"x": x.T.ravel()}, rows))
    runs = {"permutations": 99, "seed": int(rng.integers(2**31))}
    chain = sp.spatial_markov(panel, "x", lattice(), 5, **runs)
    moves = sp.lisa_markov(panel, "x", lattice(), **runs)
    return {
        "chain LR": chain.p_sim,
        "chain Q": chain.p_sim_q,
        "moves": moves.p_sim,
        "moves chi2": moves.p_value,
    }


def _large_markov(rng: np.random.Generator) -> dict[str, Any]:
    x = np.exp(0.3 * _persistent(rng, T=40))
    rows = pd.MultiIndex.from_product([range(SIDE**2), range(40)], names=["unit", "time"])
    panel = sp.Panel(pd.DataFrame({"x": x.T.ravel()}, rows))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SpatialWarning)
        chain = sp.spatial_markov(panel, "x", lattice(), 2, permutations=0)
    return {"chain LR chi2": chain.p_likelihood_ratio, "chain Q chi2": chain.p_q}


def _dispersion(rng: np.random.Generator) -> dict[str, Any]:
    x = np.exp(0.2 * _persistent(rng, T=10))
    rows = pd.MultiIndex.from_product([range(SIDE**2), range(10)], names=["unit", "time"])
    frame = sp.sigma_convergence(pd.DataFrame({"x": x.T.ravel()}, rows), "x", lattice()).trends
    return {f"trend of {term}": p for term, p in zip(frame["term"], frame["p_value"], strict=True)}


def _correlation(rng: np.random.Generator) -> dict[str, Any]:
    frame = pd.DataFrame(rng.normal(size=(30, 2)), columns=["x", "y"])
    from spatial.tables.described import _correlation as correlation

    return {"correlation": correlation(frame["x"].to_numpy(), frame["y"].to_numpy())[2]}


NORMAL = Design("independent normal, N = 49", _global, full=4000)
LOCAL = Design("independent normal (Getis-Ord: lognormal), N = 49", _local, light=30)
COUNTED = Design("Poisson counts with mean 1, N = 49", _counted, light=20)
SKEWED = Design("lognormal, 100 counties, binary contiguity", _skewed, full=4000)
PERSISTENT = Design(
    "AR(1) .7 within the unit, independent over units, N = 49, T = 6", _persistent_pooled, light=40
)
TREND = Design("independent normal plus a common trend, N = 49, T = 6", _trend_pooled, light=6)
RELATED = Design("x and y correlated .95 in place, not in space, N = 49", _related, full=4000)
CLUSTERED = Design(
    "x and y independent, each spatially autoregressive .8, N = 49", _both_clustered, full=2000, light=30
)
MARKOV = Design(
    "AR(1) .7 within the unit, independent over units, N = 49, T = 6, 5 classes", _markov, 1000, 4
)
LARGE = Design("the same with T = 40 and 2 classes", _large_markov, 1000, 8)
DISPERSION = Design("AR(1) .7 within the unit with one variance, N = 49, T = 10", _dispersion, 2000, 40)
PAIRS = Design("two independent normal columns, 30 rows", _correlation, full=4000, light=100)

GLOBAL = "spatial.autocorrelation.inference:Run.p_of"
ANALYTIC = "spatial.autocorrelation.inference:normal_inference"
ONE = "spatial.autocorrelation.local_inference:conditional_test"


CHAINS = "spatial.autocorrelation.markov.transitions:permuted_p"
SPATIAL_MARKOV = "spatial.autocorrelation.markov.chains:spatial_markov"
LISA_MARKOV = "spatial.autocorrelation.markov.quadrants:lisa_markov"
TREND_P = "spatial.disparities.sigma:estimate_row"

STATISTICS = [
    Size("Moran's I, normality", "moran normality", NORMAL, 0.035, 0.06, (ANALYTIC,)),
    Size("Moran's I, randomisation", "moran randomisation", NORMAL, 0.035, 0.06, (ANALYTIC,)),
    Size("Moran's I, permutation", "moran permutation", NORMAL, 0.045, 0.055, (GLOBAL,)),
    Size("Geary's C, normality", "geary normality", NORMAL, 0.035, 0.065, (ANALYTIC,)),
    Size("Geary's C, randomisation", "geary randomisation", NORMAL, 0.035, 0.065, (ANALYTIC,)),
    Size("Geary's C, permutation", "geary permutation", NORMAL, 0.045, 0.055, (GLOBAL,)),
    Size("General G, randomisation", "general G randomisation", NORMAL, 0.035, 0.06, (ANALYTIC,)),
    Size("General G, permutation", "general G permutation", NORMAL, 0.045, 0.055, (GLOBAL,)),
    Size(
        "Local Moran's I, analytic",
        "local Moran analytic",
        LOCAL,
        0.035,
        0.06,
        ("spatial.autocorrelation.lisa:_local",),
    ),
    Size("Local Moran's I, permutation", "local Moran permutation", LOCAL, 0.045, 0.055, (ONE,)),
    Size("Local Moran's I, sequential", "local Moran sequential", LOCAL, 0.045, 0.055, (ONE,)),
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
    Size("Local Moran's I, permutation", "local Moran of counts", COUNTED, 0.035, 0.06, (ONE,), "mid-p"),
    Size(
        "Geary's C, normality",
        "skewed normality",
        SKEWED,
        0.0,
        0.15,
        (ANALYTIC,),
        "where it does not warn of itself",
    ),
    Size("Geary's C, randomisation", "skewed randomisation", SKEWED, 0.035, 0.06, (ANALYTIC,)),
    Size("Geary's C, permutation", "skewed permutation", SKEWED, 0.045, 0.055, (GLOBAL,)),
    *[
        Size(f"Pooled Moran's I, {center}, {kind}", f"pooled {center} {field}", design, *bounds, (ANALYTIC,))
        for design in (PERSISTENT, TREND)
        for center in ("within", "overall")
        for kind, field, bounds in (
            ("normality", "p_normality", (0.035, 0.065)),
            ("randomisation", "p_randomisation", (0.035, 0.065)),
            ("permutation", "p_sim", (0.045, 0.055)),
        )
    ],
    Size("Bivariate Moran's I, randomisation", "bivariate randomisation", RELATED, 0.035, 0.06, (ANALYTIC,)),
    Size("Bivariate Moran's I, permutation", "bivariate permutation", RELATED, 0.045, 0.055, (GLOBAL,)),
    Size(
        "Bivariate Moran's I, spectral",
        "spectral randomisation",
        CLUSTERED,
        0.01,
        0.06,
        (ANALYTIC,),
        "few eigenvectors carry the sum",
    ),
    Size("Bivariate Moran's I, spectral signs", "spectral permutation", CLUSTERED, 0.035, 0.065, (GLOBAL,)),
    Size("Lee's L, spectral signs", "Lee spectral", CLUSTERED, 0.035, 0.06, (GLOBAL,)),
    *[
        Size(
            f"{name}, permutation of pairs",
            key,
            CLUSTERED,
            0.3,
            0.6,
            (GLOBAL,),
            "not its null: read spectral",
        )
        for name, key in (("Bivariate Moran's I", "pairs"), ("Lee's L", "Lee pairs"))
    ],
    Size("Spatial Markov, LR, permutation", "chain LR", MARKOV, 0.035, 0.06, (CHAINS,)),
    Size("Spatial Markov, Q, permutation", "chain Q", MARKOV, 0.035, 0.06, (CHAINS,)),
    Size("LISA transitions, permutation", "moves", MARKOV, 0.035, 0.06, (CHAINS,)),
    Size("Spatial Markov, LR, chi2", "chain LR chi2", LARGE, 0.03, 0.08, (SPATIAL_MARKOV,), "large counts"),
    Size("Spatial Markov, Q, chi2", "chain Q chi2", LARGE, 0.03, 0.08, (SPATIAL_MARKOV,), "large counts"),
    Size("LISA transitions, chi2", "moves chi2", MARKOV, 0.0, 0.2, (LISA_MARKOV,), "neighbours overlap"),
    *[
        Size(f"Sigma convergence, trend of {term}", f"trend of {term}", DISPERSION, 0.035, 0.065, (TREND_P,))
        for term in ("sd_log", "cv", "sd_log_local")
    ],
    Size("Correlation", "correlation", PAIRS, 0.045, 0.055, ("spatial.tables.described:_correlation",)),
]
