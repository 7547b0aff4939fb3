"""Rows of the list: tests between models by maximum likelihood, and intervals by likelihood ratios."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from likelihood_cases import fitted, moving, nearest, simulated
from size_engine import Design, Size

from spatial.models import SpatialSystem
from spatial.models.likelihood.contrast import hausman_test
from spatial.models.likelihood.random_estimate import RandomEstimate, mundlak_test
from spatial.models.likelihood.ratios import Reading, position
from spatial.weights import Weights

N, TIMES = 60, 4
W = nearest(N, 5, 5).toarray()
BOTH = ("unit", "time")
TESTS = {
    "lr d": "LR: no spatial lags of regressors",
    "wald d": "Wald: no spatial lags of regressors",
    "lr common": "LR: common factor (Durbin against error)",
    "wald common": "Wald: common factor (Durbin against error)",
    "left": "LM: innovations over space",
    "bp": "Breusch-Pagan (Koenker)",
}


def _p_values(fit: Any, keys: tuple[str, ...]) -> dict[str, float]:
    found = fit.diagnostics()
    return {key: found.test(TESTS[key], "y").p_value for key in keys}


def _lag(rng: np.random.Generator) -> dict[str, Any]:
    """A spatial lag of .4: what is beside it is not there; its own interval covers."""
    panel = simulated(W, TIMES, int(rng.integers(1 << 30)), lam=0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        lag = fitted("y ~ x + z + W(y)", panel, W, effects=BOTH)
        durbin = fitted("y ~ x + z + W(x) + W(z) + W(y)", panel, W, effects=BOTH)
    out = _p_values(lag, ("left", "bp")) | _p_values(durbin, ("lr d", "wald d"))
    out["moran"] = float(lag.moran(permutations=0).frame["p_value"].iloc[0])
    for kind in ("lr", "wald"):
        row = lag.confint(method=kind).set_index("term").loc["W(y)"]
        out[f"covers {kind}"] = bool(row["conf_low"] <= 0.4 <= row["conf_high"])
    return out


def _beside(rng: np.random.Generator) -> dict[str, Any]:
    """A spatial lag of .4, and a spatial error that is not there is estimated beside it."""
    panel = simulated(W, TIMES, int(rng.integers(1 << 30)), lam=0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        tests = fitted("y ~ x + z + W(y)", panel, W, error="W", effects=BOTH).diagnostics()
    return {
        f"{kind.lower()} rho": tests.test(f"{kind}: spatial error", "y").p_value
        for kind in ("LM", "LR", "Wald")
    }


def _error(rng: np.random.Generator) -> dict[str, Any]:
    """A spatial error of .4: the Durbin model has its common factor, and there is no lag beside it."""
    panel = simulated(W, TIMES, int(rng.integers(1 << 30)), rho=0.4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        durbin = fitted("y ~ x + z + W(x) + W(z) + W(y)", panel, W, effects=BOTH)
        error = fitted("y ~ x + z", panel, W, error="W", effects=BOTH)
        both = fitted("y ~ x + z + W(y)", panel, W, error="W", effects=BOTH).diagnostics()
    out = _p_values(durbin, ("lr common", "wald common")) | _p_values(error, ("left",))
    out |= {f"{kind.lower()} lam": both.test(f"{kind}: spatial lag", "y").p_value for kind in ("LR", "Wald")}
    for kind in ("lr", "wald"):
        row = error.confint(method=kind).set_index("term").loc["rho"]
        out[f"covers {kind}"] = bool(row["conf_low"] <= 0.4 <= row["conf_high"])
    return out


def _at_truth(found: Any, k: int, value: float) -> bool:
    """Whether the likelihood ratio does not reject a value: what its interval inverts."""
    held = replace(found.profile, fixed=(position(found.model, k), value))
    if isinstance(found, RandomEstimate):
        gap, n = found.found.value - held.highest(found.found.place), held.n
    else:
        gap, n = found.value - held.solved(held.maximised())[0], found.model.n
    return bool(2 * gap <= Reading(found.inference.law, n).threshold(0.95))


def _none(rng: np.random.Generator) -> dict[str, Any]:
    """No dependence over space."""
    panel = simulated(W, TIMES, int(rng.integers(1 << 30)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        lag = fitted("y ~ x + z + W(y)", panel, W, effects=BOTH).diagnostics()
        error = fitted("y ~ x + z", panel, W, error="W", effects=BOTH).diagnostics()
        mess = SpatialSystem("y ~ x + z + W(y)", panel, Weights.from_dense(W), effects=BOTH).fit("mess")
    return {
        "mess": mess.diagnostics().test("LR: spatial lag", "y").p_value,
        "mess moran": float(mess.moran(permutations=0).frame["p_value"].iloc[0]),
        "mess covers": _at_truth(mess.estimate, 0, 1.0),
        "lr lag": lag.test("LR: spatial lag", "y").p_value,
        "wald lag": lag.test("Wald: spatial lag", "y").p_value,
        "lr error": error.test("LR: spatial error", "y").p_value,
        "wald error": error.test("Wald: spatial error", "y").p_value,
    }


def _random(rng: np.random.Generator) -> dict[str, Any]:
    """Random effects that are not correlated with the regressors; and none."""
    panel = simulated(W, TIMES, int(rng.integers(1 << 30)), lam=0.4, effects=False)
    data = panel.frame.copy()
    mu = np.linalg.solve(np.eye(N) - 0.4 * W, rng.normal(size=N))
    none = fitted("y ~ x + z + W(y)", data, W, effects=("random",)).diagnostics()
    data["y"] += mu[data.index.get_level_values(0)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        random = fitted("y ~ x + z + W(y)", data, W, effects=("random",))
        fixed = fitted("y ~ x + z + W(y)", data, W, effects=("unit",))
    return {
        "moran": float(random.moran(permutations=0).frame["p_value"].iloc[0]),
        "covers lr": _at_truth(random.estimate, 3, 0.4),
        "mundlak": mundlak_test(random.estimate.profile, random.estimate.log_likelihood).p_value,
        "no effects": none.test("LR: random effects", "y").p_value,
        "hausman": hausman_test(fixed.estimate, random.estimate).p_value,
    }


def _dynamic(rng: np.random.Generator) -> dict[str, Any]:
    """Memory of .4 and no spatial lag, with unit and time effects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        panel = moving(W, 6, int(rng.integers(1 << 30)), lam=0.0)
        fit = fitted("y ~ lag(y, 1) + W(lag(y, 1)) + x + W(y)", panel, W, effects=BOTH)
    row = fit.tidy().set_index("term").loc["lag(y, 1)"]
    return {
        "dynamic lag": fit.diagnostics().test("Wald: spatial lag", "y").p_value,
        "covers": bool(row["conf_low"] <= 0.4 <= row["conf_high"]),
    }


DYNAMIC = Design("memory .4, two-way effects, normal, N = 60, T = 6", _dynamic, full=1000, light=8)
RANDOM = Design("spatial lag .4, random effects, normal, N = 60, T = 4", _random, full=2000, light=3)
LAG = Design("spatial lag .4, two-way effects, normal, N = 60, T = 4", _lag, full=2000, light=6)
BESIDE = Design(
    "spatial lag .4, an error estimated beside it, normal, N = 60, T = 4", _beside, full=1500, light=6
)
ERROR = Design("spatial error .4, two-way effects, normal, N = 60, T = 4", _error, full=2000, light=6)
NONE = Design("no spatial dependence, two-way effects, normal, N = 60, T = 4", _none, full=1000, light=6)

AT = "spatial.models.likelihood.comparisons"
RATIO = (f"{AT}:ratio_test", f"{AT}:likelihood_tests.both")
AMONG = "spatial.models.likelihood.random_estimate"
LIKELIHOOD = [
    Size(
        "MESS, LR: spatial lag",
        "mess",
        NONE,
        0.035,
        0.065,
        ("spatial.models.likelihood.exponential:ExponentialEstimate.tests",),
    ),
    Size("MESS, Moran's I of innovations", "mess moran", NONE, 0.035, 0.065),
    Size("MESS, coverage of a slope by likelihood ratios", "mess covers", NONE, 0.93, 0.97),
    Size("ML, random effects, Moran's I of innovations", "moran", RANDOM, 0.035, 0.065),
    Size("ML, random effects, coverage of lambda by likelihood ratios", "covers lr", RANDOM, 0.93, 0.97),
    Size(
        "ML, Wald: spatial lag of a dynamic model",
        "dynamic lag",
        DYNAMIC,
        0.035,
        0.065,
        (f"{AT}:dynamic_tests",),
    ),
    Size("ML, coverage of the memory of a dynamic model", "covers", DYNAMIC, 0.92, 0.97),
    Size(
        "ML, LR: Mundlak, random against fixed effects",
        "mundlak",
        RANDOM,
        0.035,
        0.065,
        (f"{AMONG}:mundlak_test",),
    ),
    Size(
        "ML, LR: random effects",
        "no effects",
        RANDOM,
        0.02,
        0.065,
        (f"{AMONG}:RandomEstimate.tests",),
        "half the mass at zero",
    ),
    Size(
        "ML, Hausman: random against fixed effects",
        "hausman",
        RANDOM,
        0.035,
        0.065,
        ("spatial.models.likelihood.contrast:hausman_test",),
    ),
    Size("ML, LR: spatial lag", "lr lag", NONE, 0.035, 0.065, RATIO),
    Size("ML, Wald: spatial lag", "wald lag", NONE, 0.035, 0.065),
    Size("ML, LR: spatial error", "lr error", NONE, 0.035, 0.065),
    Size("ML, Wald: spatial error", "wald error", NONE, 0.035, 0.065),
    Size("ML, LR: no spatial lags of regressors", "lr d", LAG, 0.035, 0.065),
    Size("ML, Wald: no spatial lags of regressors", "wald d", LAG, 0.035, 0.065),
    Size("ML, LM: spatial error beside a lag", "lm rho", BESIDE, 0.035, 0.065, (f"{AT}:_score_test",)),
    Size("ML, LR: spatial error beside a lag", "lr rho", BESIDE, 0.035, 0.065),
    Size("ML, Wald: spatial error beside a lag", "wald rho", BESIDE, 0.035, 0.1, (), "its detail says so"),
    Size("ML, LR: spatial lag beside an error", "lr lam", ERROR, 0.035, 0.065),
    Size("ML, Wald: spatial lag beside an error", "wald lam", ERROR, 0.035, 0.1, (), "its detail says so"),
    Size("ML, LM: innovations over space", "left", LAG, 0.035, 0.065, (f"{AT}:_score_test",)),
    Size(
        "ML, Moran's I of innovations",
        "moran",
        LAG,
        0.035,
        0.065,
        ("spatial.models.diagnostics.moran:_likelihood_row",),
    ),
    Size("ML, Breusch-Pagan (Koenker)", "bp", LAG, 0.035, 0.065, (f"{AT}:variance_test",)),
    Size("ML, coverage of lambda by likelihood ratios", "covers lr", LAG, 0.93, 0.97),
    Size("ML, coverage of lambda by standard errors", "covers wald", LAG, 0.93, 0.97),
    Size("ML, LR: common factor", "lr common", ERROR, 0.035, 0.065, (f"{AT}:common_factor",)),
    Size("ML, Wald: common factor", "wald common", ERROR, 0.035, 0.065),
    Size("ML, LM: innovations over space", "left", ERROR, 0.035, 0.065),
    Size("ML, coverage of rho by likelihood ratios", "covers lr", ERROR, 0.93, 0.97),
    Size("ML, coverage of rho by standard errors", "covers wald", ERROR, 0.93, 0.97),
]
