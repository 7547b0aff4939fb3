"""Rows of the list: limited outcomes, and what is asked of mechanisms, groups and thresholds."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from size_engine import Design, Size

from spatial.errors import SpatialWarning
from spatial.models import (
    SpatialSystem,
    fixed_effects,
    hausman,
    heterogeneity,
    mechanism,
    moderation,
    random_effects,
    serial_correlation,
    threshold,
    tobit,
    u_test,
    wald,
)
from spatial.panel import Panel
from spatial.tables.differences import grouped
from spatial.weights import Weights

N, T = 60, 4
GRID = pd.MultiIndex.from_product([range(N), range(T)], names=["city", "year"]).to_frame(index=False)


def _rows(by_unit: np.ndarray) -> np.ndarray:
    return by_unit[GRID.city.to_numpy()]


def _tobit(rng: np.random.Generator) -> dict[str, Any]:
    """Effects that do not depend on x, and no effects at all."""
    x = _rows(rng.normal(size=N)) + rng.normal(size=N * T)
    error, effect = rng.normal(size=N * T), _rows(rng.normal(size=N))
    panel = Panel.from_frame(
        GRID.assign(x=x, y=np.maximum(x + effect + error, 0), free=np.maximum(x + error, 0)),
        unit="city",
        time="year",
    )
    fit = tobit("y ~ x", panel, effects="correlated", points=8, cov="hom")
    row = fit.tidy().set_index("term").loc["x"]
    average = fit.marginal_effects().tidy().set_index("effect").loc["latent"]
    none = tobit("free ~ x", panel, points=8, cov="hom")
    return {
        "cre tobit": bool(row["conf_low"] <= 1 <= row["conf_high"]),
        "marginal effect": bool(average["conf_low"] <= 1 <= average["conf_high"]),
        "tobit mundlak": next(t.p_value for t in fit.tests if t.name == "Mundlak"),
        "tobit sigma_u": next(t.p_value for t in none.tests if t.name == "LR of sigma_u"),
    }


CENSORED = Design(f"Tobit, half censored, N = {N}, T = {T}", _tobit, full=2000, light=8)
LIMITED = "spatial.models.limited.censored"
TESTS = "spatial.models.sensitivity.specification"
SERIAL = "spatial.models.sensitivity.serial:_autoregression"
SCORES = "spatial.models.hypothesis:score_test"
BY_GROUP = "spatial.models.diagnostics.means"
MECHANISMS = "spatial.models.mechanisms"
EQUAL = f"{MECHANISMS}.stacked:equality"


def _threshold(rng: np.random.Generator) -> dict[str, Any]:
    """No threshold, with errors of AR(1) and of another variance in each unit; and one that is there."""
    q, x = rng.uniform(size=N * T), rng.normal(size=N * T)
    plain = rng.normal(size=N * T)
    series = plain.copy()
    for t in range(1, T):
        series[GRID.year == t] = 0.5 * series[GRID.year == t - 1] + plain[GRID.year == t]
    series = series * _rows(rng.uniform(0.5, 1.5, size=N))
    made = GRID.assign(q=q, x=x, none=x + series, one=x * np.where(q <= 0.5, 1.0, 1.7) + plain)
    panel = Panel.from_frame(made, unit="city", time="year")
    test = threshold("none ~ x", panel, "q", bootstrap=99, grid=40, seed=int(rng.integers(1 << 30)))
    found = threshold("one ~ x", panel, "q", bootstrap=0, trim=0.1)
    row, slope = found.thresholds.iloc[0], found.tidy().iloc[0]
    return {
        "threshold F": float(test.tests["p_value"].iloc[0]),
        "threshold interval": bool(row["conf_low"] <= 0.5 <= row["conf_high"]),
        "threshold slope": bool(slope["conf_low"] <= 1 <= slope["conf_high"]),
    }


def _means(rng: np.random.Generator) -> dict[str, Any]:
    """Means by group, errors that stay in a unit: six units of larger spread apart; four groups."""
    city = np.repeat(np.arange(40), 5)
    spread = np.where(np.arange(40) < 6, 2.0, 1.0)
    x = ((rng.normal(size=40) * spread)[city] + rng.normal(size=200))[:, None]
    few, post = (city < 6).astype(int), np.tile(np.arange(5) >= 2, 40)
    frame = pd.DataFrame({"x": x[:, 0]}, index=pd.MultiIndex.from_arrays([city, np.tile(np.arange(5), 40)]))
    groups = {"few": few, "switch": few * post, "several": city % 4}
    return {
        f"means {name}": grouped(frame.assign(by=group), "by", frame, "cluster").tests["x"].p_value
        for name, group in groups.items()
    }


MEANS = Design(
    "40 units, 6 of them of twice the spread, T = 5, errors that stay in a unit", _means, full=4000
)


def _union(rng: np.random.Generator) -> dict[str, Any]:
    """A threshold that is not sharp: slopes of 1 and 1.7."""
    q, x = rng.uniform(size=N * T), rng.normal(size=N * T)
    made = GRID.assign(q=q, x=x, y=x * np.where(q <= 0.5, 1.0, 1.7) + rng.normal(size=N * T))
    found = threshold("y ~ x", Panel.from_frame(made, unit="city", time="year"), "q", bootstrap=0, grid=40)
    slope = found.confint(method="union").iloc[0]
    return {"union": bool(slope["conf_low"] <= 1 <= slope["conf_high"])}


def _curves(rng: np.random.Generator) -> dict[str, Any]:
    """A parabola that only just turns at the end of the data; an effect that grows with a moderator."""
    x, m, d = rng.uniform(1, 4, size=N * T), rng.normal(size=N * T), rng.normal(size=N * T)
    x[:2] = 1.0, 4.0  # the ends of the data are the same in each sample
    unit, error = _rows(rng.normal(size=N)), rng.normal(size=N * T) + _rows(rng.normal(size=N)) * d
    made = GRID.assign(x=x, m=m, d=d)
    made["flat"] = (x - 4) ** 2 + unit + rng.normal(size=N * T)
    made["turns"] = (x - 2.5) ** 2 + unit + rng.normal(size=N * T)
    made["y"] = d * (1 + 0.5 * m) + unit + error
    panel = Panel.from_frame(made, unit="city", time="year")
    edge = u_test(fixed_effects("flat ~ x + I(x**2)", panel), "x")
    turn = u_test(fixed_effects("turns ~ x + I(x**2)", panel), "x")
    effects = moderation(fixed_effects("y ~ d", panel), "d", "m").effects.set_index("at").loc["90%"]
    true = 1 + 0.5 * effects["value"]
    return {
        "u test": edge.p_value,
        "fieller": bool(turn.fieller[0] <= 2.5 <= turn.fieller[1]),
        "delta": bool(turn.delta[0] <= 2.5 <= turn.delta[1]),
        "moderated effect": bool(effects["conf_low"] <= true <= effects["conf_high"]),
    }


CURVES = Design(f"least squares with effects, clusters, N = {N}, T = {T}", _curves, full=500, light=6)


def _groups(rng: np.random.Generator) -> dict[str, Any]:
    """Equal slopes in groups of other sizes and variances; and a mediator."""
    x, east = rng.normal(size=N * T), _rows(np.arange(N) < 24)
    spread = np.where(east, 2.0, 1.0)
    shared = _rows(rng.normal(size=N))
    made = GRID.assign(x=x, region=np.where(east, "east", "west"))
    made["y"] = x + shared + spread * (rng.normal(size=N * T) + 0.7 * _rows(rng.normal(size=N)) * x)
    made["m"] = 0.5 * x + shared + rng.normal(size=N * T)
    made["z"] = 0.3 * x + 0.4 * made.m + shared + rng.normal(size=N * T)
    panel = Panel.from_frame(made, unit="city", time="year")
    seed = int(rng.integers(1 << 30))
    fit = fixed_effects("y ~ x", panel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)  # few clusters in a group
        found = heterogeneity(
            fit, "region", test=["wald", "suest", "permutation"], permutations=99, seed=seed
        )
    p = found.tests[found.tests["term"] == "x"].set_index("test")["p_value"]
    product = mechanism("z ~ x", panel, "x", "m", style="product", bootstrap=199, seed=seed).effects.iloc[0]
    none = mechanism("z ~ x", panel, "x", "m", style="product", bootstrap=0).effects.iloc[0]
    half = 1.959964 * none["sobel_error"]
    return {
        "wald": p["wald"],
        "suest": p["suest"],
        "permutation": p["permutation"],
        "a x b": bool(product["conf_low"] <= 0.2 <= product["conf_high"]),
        "sobel": bool(abs(none["estimate"] - 0.2) <= half),
    }


def _errors(rng: np.random.Generator) -> dict[str, Any]:
    """Random effects that do not depend on x; errors without serial correlation."""
    x = _rows(rng.normal(size=N)) + rng.normal(size=N * T)
    made = GRID.assign(x=x, y=x + _rows(rng.normal(size=N)) + rng.normal(size=N * T))
    panel = Panel.from_frame(made, unit="city", time="year")
    fixed = fixed_effects("y ~ x", panel, effects="unit", cov="hom")
    random = random_effects("y ~ x", panel, cov="hom")
    return {
        "wald": wald(fixed_effects("y ~ x", panel), "2 * x = 2").p_value,
        "hausman": hausman(fixed, random).p_value,
        "mundlak": hausman(fixed, kind="mundlak").p_value,
        "differences": serial_correlation(fixed).p_value,
        "within": serial_correlation(fixed, kind="within").p_value,
        "mundlak scores": hausman(fixed, kind="mundlak", covariance="scores").p_value,
        "differences scores": serial_correlation(fixed, covariance="scores").p_value,
        "within scores": serial_correlation(fixed, kind="within", covariance="scores").p_value,
    }


def _in_space(rng: np.random.Generator) -> dict[str, Any]:
    """A spatial lag with random effects that do not depend on x; and spatial errors alone."""

    def panel(lag: float, error: float) -> Panel:
        x, z = rng.normal(size=(2, T, N))
        x = x + rng.normal(size=N)
        u = np.linalg.solve(np.eye(N) - error * RING, (rng.normal(size=N) + rng.normal(size=(T, N))).T).T
        y = np.linalg.solve(np.eye(N) - lag * RING, (x + z + u).T).T
        data = {"x": x.T.ravel(), "z": z.T.ravel(), "y": y.T.ravel()}
        return Panel.from_frame(GRID.assign(**data), unit="city", time="year")

    W = Weights.from_dense(RING)
    fixed = SpatialSystem("y ~ x + z + W(y)", panel(0.4, 0.0), W, effects="unit")
    random = fixed.again(effects="random")
    plain = SpatialSystem("y ~ x + z", panel(0.0, 0.4), W, effects="unit")
    return {
        "spatial hausman": hausman(fixed.fit("gs2sls"), random.fit("gs2sls"), kind="spatial").p_value,
        "pace lesage": hausman(plain.fit("ols"), plain.again(error="W").fit("ml"), kind="spatial").p_value,
    }


RING = (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)) / 2
IN_SPACE = Design(f"random effects, spatial lag or error .4, N = {N}, T = {T}", _in_space, full=500, light=6)
SPACE = "spatial.models.sensitivity.spatial_hausman"
ERRORS = Design(f"random effects, N = {N}, T = {T}", _errors, full=2000, light=8)
GROUPS = Design(f"two groups of other variance, N = {N}, T = {T}; a mediator", _groups, full=2000, light=2)
REGIMES = Design(f"threshold, N = {N}, T = {T}, AR(1) under the null", _threshold, full=1000, light=8)
UNION = Design(f"threshold, slopes 1 and 1.7, N = {N}, T = {T}", _union, full=2000, light=8)

TOOLKIT = [
    Size("Hausman, random against fixed effects", "hausman", ERRORS, 0.035, 0.065, (f"{SPACE}:contrast",)),
    Size("Hausman, Mundlak's form", "mundlak", ERRORS, 0.035, 0.065, (f"{TESTS}:_mundlak",)),
    Size("Hausman, Mundlak's form, scores", "mundlak scores", ERRORS, 0.035, 0.065, (SCORES,)),
    Size(
        "Hausman, spatial: by instruments", "spatial hausman", IN_SPACE, 0.035, 0.065, (f"{SPACE}:_robust",)
    ),
    Size(
        "Hausman, spatial: least squares, spatial errors",
        "pace lesage",
        IN_SPACE,
        0.035,
        0.065,
        (f"{SPACE}:_least_squares",),
    ),
    Size(
        "Wald test of restrictions",
        "wald",
        ERRORS,
        0.035,
        0.065,
        ("spatial.models.sensitivity.restrictions:wald",),
    ),
    Size("Wooldridge, differences", "differences", ERRORS, 0.035, 0.065, (SERIAL,)),
    Size("Wooldridge, within", "within", ERRORS, 0.035, 0.065, (SERIAL,)),
    Size("Wooldridge, differences, scores", "differences scores", ERRORS, 0.035, 0.065, (SCORES,)),
    Size("Wooldridge, within, scores", "within scores", ERRORS, 0.035, 0.065, (SCORES,)),
    Size("Groups, Wald of the interacted model", "wald", GROUPS, 0.035, 0.065, (EQUAL,)),
    Size("Groups, stacked scores", "suest", GROUPS, 0.035, 0.065, (EQUAL,)),
    Size("Groups, permutation of labels", "permutation", GROUPS, 0.035, 0.065),
    Size(
        "Product a x b, bias-corrected bootstrap",
        "a x b",
        GROUPS,
        0.92,
        0.97,
        (f"{MECHANISMS}.unit_bootstrap:product_interval",),
    ),
    Size("Product a x b, Sobel", "sobel", GROUPS, 0.92, 0.975, (f"{MECHANISMS}.mediation:_products",)),
    Size("Lind-Mehlum, slope 0 at the end of the data", "u test", CURVES, 0.035, 0.065),
    Size("Turning point, Fieller's interval", "fieller", CURVES, 0.93, 0.97),
    Size("Turning point, delta interval", "delta", CURVES, 0.92, 0.97),
    Size("Moderation, interval of an effect", "moderated effect", CURVES, 0.92, 0.97),
    Size("Means by group, t of Welch by unit", "means few", MEANS, 0.035, 0.065, (f"{BY_GROUP}:_welch_t",)),
    Size(
        "Means by group, units that change it", "means switch", MEANS, 0.035, 0.065, (f"{BY_GROUP}:_welch_t",)
    ),
    Size(
        "Means by group, F of Welch by unit", "means several", MEANS, 0.035, 0.065, (f"{BY_GROUP}:_welch_f",)
    ),
    Size("Threshold, bootstrap F", "threshold F", REGIMES, 0.035, 0.065),
    Size(
        "Threshold, likelihood-ratio interval", "threshold interval", REGIMES, 0.9, 0.995, (), "conservative"
    ),
    Size(
        "Threshold, interval of a slope",
        "threshold slope",
        REGIMES,
        0.92,
        0.97,
        (),
        "the threshold as if known; its note says so",
    ),
    Size("Threshold, interval of a slope by the union", "union", UNION, 0.92, 0.98),
    Size("Correlated random-effects Tobit, interval", "cre tobit", CENSORED, 0.92, 0.975),
    Size("Tobit marginal effect, interval", "marginal effect", CENSORED, 0.92, 0.975),
    Size("Tobit, Mundlak", "tobit mundlak", CENSORED, 0.035, 0.065, (f"{LIMITED}:_tests",)),
    Size(
        "Tobit, LR of sigma_u (half chi2)",
        "tobit sigma_u",
        CENSORED,
        0.025,
        0.065,
        (f"{LIMITED}:_tests",),
        "sigma_u at its bound under the null",
    ),
]
