"""Rows of the list: the tests that `diagnostics()` and `moran()` print, and intervals of each covariance."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from gs3sls_simulation import autoregression
from size_engine import Design, Size

from spatial.models import Conley, DriscollKraay, SpatialSystem, TwoWay
from spatial.panel.panel import Panel
from spatial.weights import Weights


@cache
def _weights(n: int) -> Weights:
    """Return the five nearest neighbours of random places."""
    places = _places(n).to_numpy()
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    nearest = np.argsort(distance, axis=1)[:, :5]
    graph = np.zeros((n, n))
    graph[np.arange(n)[:, None], nearest] = 1.0
    return Weights.from_dense(graph, ids=range(n)).row_standardized()


@cache
def _places(n: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(5).uniform(0, 5, (n, 2)), columns=["lon", "lat"])


def _errors(rng: np.random.Generator, n: int, times: int, kind: str, columns: int = 1) -> np.ndarray:
    """Return (times, n, columns): independent, or of memory .7 and a variance of its own in each unit."""
    e = rng.normal(size=(times, n, columns))
    if kind == "iid":
        return e
    return autoregression(e) * np.exp(0.4 * rng.normal(size=n))[:, None]


def _panel(arrays: dict[str, np.ndarray]) -> Panel:
    times, n = next(iter(arrays.values())).shape
    frame = pd.DataFrame({name: values.ravel() for name, values in arrays.items()})
    frame["t"], frame["i"] = np.repeat(range(times), n), np.tile(range(n), times)
    return Panel.from_frame(frame, unit="i", time="t")


def _p_values(fit: Any, wanted: dict[str, str], equation: str = "y") -> dict[str, float]:
    frame = fit.diagnostics().frame.set_index(["equation", "test"])["p_value"]
    return {key: float(frame[(equation, name)]) for key, name in wanted.items()}


# ---- least squares: LM, Moran, Pesaran, effects
SPACE = {
    "lm lag": "LM lag",
    "lm error": "LM error",
    "robust lm lag": "Robust LM lag",
    "robust lm error": "Robust LM error",
    "sarma": "LM SARMA",
    "lm lag c": "LM lag (clustered)",
    "lm error c": "LM error (clustered)",
    "robust lm lag c": "Robust LM lag (clustered)",
    "robust lm error c": "Robust LM error (clustered)",
    "sarma c": "LM SARMA (clustered)",
}


def _least_squares(rng: np.random.Generator, n: int, times: int, kind: str, effects: str) -> dict[str, Any]:
    x, z = rng.normal(size=(2, times, n)) + 0.5 * rng.normal(size=(2, 1, n))
    y = x - z + _errors(rng, n, times, kind)[..., 0]
    system = SpatialSystem(
        "y ~ x + z", _panel({"x": x, "z": z, "y": y}), _weights(n), effects=effects.split()
    )
    fit = system.fit("ols")
    out = _p_values(fit, SPACE)
    moran = fit.moran(permutations=99, seed=int(rng.integers(1 << 30))).tidy().iloc[0]
    out |= {"moran": moran["p_value"], "moran c": moran["p_clustered"], "moran p": moran["p_sim"]}
    if "time" not in effects and times > 2:
        out |= _p_values(fit, {"cd": "Pesaran CD after"})
    if effects:
        out |= _p_values(fit, {f"f {effect}": f"F: {effect} effects" for effect in effects.split()[1:]})
    if "unit" in effects:
        out |= _p_values(fit, {"mundlak": "Mundlak"})
    return out


def _ls(words: str, n: int, times: int, kind: str, effects: str, light: int) -> Design:
    return Design(words, lambda rng: _least_squares(rng, n, times, kind, effects), full=1000, light=light)


IID = _ls("least squares, N = 60, T = 6, unit effects, independent errors", 60, 6, "iid", "unit", 4)
BOTH = _ls("least squares, N = 60, T = 6, unit and time effects, independent", 60, 6, "iid", "unit time", 4)
SERIAL = _ls("least squares, N = 60, T = 6, unit effects, AR(1) .7", 60, 6, "serial", "unit", 4)
CROSS = _ls("least squares, N = 100, T = 1", 100, 1, "iid", "", 4)

LM = ("spatial.models.diagnostics.space:_lm_family",)
MORAN = ("spatial.models.diagnostics.moran:_permuted", "spatial.models.diagnostics.moran:_row")
CD = ("spatial.models.diagnostics.panels:pesaran_cd",)
MUNDLAK = (
    "spatial.models.diagnostics.panels:mundlak",
    "spatial.models.diagnostics.residuals:_pooled_wald",
)
PLAIN = ("lm lag", "lm error", "robust lm lag", "robust lm error", "sarma")
CLUSTERED = tuple(f"{name} c" for name in PLAIN)


def _rows(design: Design, names: tuple[str, ...], low: float, high: float) -> list[Size]:
    return [Size(SPACE[name], name, design, low, high, LM) for name in names]


LEAST_SQUARES = [
    *_rows(IID, (*PLAIN, *CLUSTERED), 0.035, 0.065),
    *_rows(BOTH, (*PLAIN, *CLUSTERED), 0.035, 0.065),
    *_rows(CROSS, (*PLAIN, *CLUSTERED), 0.035, 0.065),
    *_rows(SERIAL, CLUSTERED, 0.035, 0.065),
    Size("Moran's I of residuals, moments", "moran", IID, 0.035, 0.065, MORAN),
    Size("Moran's I of residuals, moments", "moran", CROSS, 0.035, 0.065, MORAN),
    Size("Moran's I of residuals, clustered", "moran c", SERIAL, 0.035, 0.06, MORAN),
    Size("Moran's I of residuals, permutations", "moran p", SERIAL, 0.035, 0.065, MORAN),
    Size("Pesaran CD", "cd", IID, 0.035, 0.065, CD),
    Size("Pesaran CD", "cd", SERIAL, 0.01, 0.07, CD, "errors of each unit follow an AR(1)"),
    Size("F of time effects", "f time", BOTH, 0.035, 0.065, ("spatial.models.diagnostics.panels:effects_f",)),
    Size("Mundlak, CR2", "mundlak", IID, 0.035, 0.065, MUNDLAK),
    Size("Mundlak, CR2", "mundlak", SERIAL, 0.035, 0.065, MUNDLAK),
]

# ---- two equations, errors of different equations independent of each other
SYSTEM = {
    "bp": "Breusch-Pagan LM",
    "bp c": "Breusch-Pagan LM (clustered)",
    "system j": "Hansen-Sargan J",
    "system j c": "Hansen J (clustered)",
    "hausman": "Hausman: 2SLS against 3SLS",
    "hausman c": "Hausman (clustered): 2SLS against 3SLS",
}


def _two_equations(rng: np.random.Generator, n: int, times: int, kind: str) -> dict[str, Any]:
    x = rng.normal(size=(4, times, n))
    e = np.moveaxis(_errors(rng, n, times, kind, 2), 2, 0)
    right = np.stack([x[0] + 0.5 * x[1] + e[0], x[2] - 0.5 * x[3] + e[1]])
    y = np.tensordot(np.linalg.inv(np.array([[1, -0.4], [-0.3, 1]])), right, axes=1)
    data = {"y": y[0], "p": y[1], **{f"x{k}": v for k, v in enumerate(x)}}
    system = SpatialSystem(["y ~ p + x0 + x1", "p ~ y + x2 + x3"], _panel(data), effects=("unit",))
    return _p_values(system.fit("3sls"), SYSTEM, "")


TWO = Design(
    "two simultaneous equations, N = 60, T = 6, independent errors, Sigma diagonal",
    lambda rng: _two_equations(rng, 60, 6, "iid"),
    light=4,
)
TWO_SERIAL = Design(
    "two simultaneous equations, N = 60, T = 6, AR(1) .7 within units, Sigma diagonal",
    lambda rng: _two_equations(rng, 60, 6, "serial"),
    light=4,
)
TESTS = "spatial.models.diagnostics.systems"
HAUSMAN = "spatial.models.diagnostics.endogeneity"
SYSTEMS = [
    Size("Breusch-Pagan LM", "bp", TWO, 0.035, 0.065, (f"{TESTS}:diagonal_sigma",)),
    Size("Breusch-Pagan LM (clustered)", "bp c", TWO, 0.035, 0.065, (f"{TESTS}:diagonal_sigma",)),
    Size("Breusch-Pagan LM (clustered)", "bp c", TWO_SERIAL, 0.035, 0.065, (f"{TESTS}:diagonal_sigma",)),
    Size("Hansen-Sargan J", "system j", TWO, 0.035, 0.065, (f"{TESTS}:system_j",)),
    Size("Hansen J (clustered), system", "system j c", TWO, 0.035, 0.065, (f"{TESTS}:_centred_j",)),
    Size("Hansen J (clustered), system", "system j c", TWO_SERIAL, 0.035, 0.065, (f"{TESTS}:_centred_j",)),
    Size(
        "Hausman: 2SLS against 3SLS",
        "hausman",
        TWO,
        0.0,
        0.08,
        (f"{HAUSMAN}:hausman",),
        "no gain, no test",
    ),
    Size("Hausman (clustered)", "hausman c", TWO_SERIAL, 0.035, 0.065, (f"{HAUSMAN}:hausman_robust",)),
]


# ---- one equation with instruments
ONE = {
    "sargan": "Sargan J",
    "j": "Hansen J (clustered)",
    "difference": "Difference in J",
    "dwh": "Durbin-Wu-Hausman",
    "ak": "Anselin-Kelejian",
    "ak c": "Anselin-Kelejian (clustered)",
}


def _instrumented(rng: np.random.Generator, n: int, times: int, kind: str, strength: float) -> dict[str, Any]:
    z = rng.normal(size=(4, times, n))
    p = strength * z.sum(axis=0) + _errors(rng, n, times, kind)[..., 0]
    y = p + _errors(rng, n, times, kind)[..., 0]
    data = {"y": y, "p": p, "x": rng.normal(size=(times, n)), **{f"z{k}": v for k, v in enumerate(z)}}
    formula = "y ~ x | unit | p ~ z0 + z1 + z2 + z3"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        system = SpatialSystem(formula, _panel(data), _weights(n), iv_order=0)
        fit = system.fit("2sls")
        table = fit.tidy().set_index("term").loc["p"]
        frame = fit.diagnostics().frame
    own = frame[frame["equation"] == "y"].drop_duplicates("test").set_index("test")["p_value"]
    first = system.identification().instruments.iloc[0]
    out = {key: float(own[name]) for key, name in ONE.items()}
    out |= {"first lm": first["p_value"], "kp": first["KP_p_value"]}
    return out | {"covers": bool(table["conf_low"] <= 1 <= table["conf_high"])}


def _iv(words: str, kind: str, strength: float) -> Design:
    return Design(words, lambda rng: _instrumented(rng, 60, 6, kind, strength), light=4)


IV = _iv("2SLS with 4 instruments, N = 60, T = 6, unit effects, independent errors", "iid", 0.5)
IV_SERIAL = _iv("2SLS with 4 instruments, N = 60, T = 6, unit effects, AR(1) .7", "serial", 0.5)


def _many(words: str, count: int, strength: float) -> Design:
    """More instruments, so that moments are many for the clusters that there are."""

    def draw(rng: np.random.Generator) -> dict[str, Any]:
        z = rng.normal(size=(count, 6, 50))
        p = strength * z[:4].sum(axis=0) + _errors(rng, 50, 6, "serial")[..., 0]
        data = {"y": p + _errors(rng, 50, 6, "serial")[..., 0], "p": p}
        data |= {f"z{k}": v for k, v in enumerate(z)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            formula = f"y ~ 1 | unit | p ~ {' + '.join(f'z{k}' for k in range(count))}"
            system = SpatialSystem(formula, _panel(data), iv_order=0)
            fit = system.fit("2sls")
        first = system.identification().instruments.iloc[0]
        return _p_values(fit, {"j": "Hansen J (clustered)"}) | {"first lm": first["p_value"]}

    return Design(words, draw, light=3)


TWELVE = _many("2SLS with 12 instruments, N = 50, T = 6, unit effects, AR(1) .7", 12, 0.5)
TWENTY_EIGHT = _many("2SLS with 28 instruments, N = 50, T = 6, unit effects, AR(1) .7", 28, 0.5)
TEN = _many("2SLS with 10 irrelevant instruments, N = 50, T = 6, AR(1) .7", 10, 0.0)
IRRELEVANT = _iv("2SLS with 4 irrelevant instruments, N = 60, T = 6, AR(1) .7", "serial", 0.0)
STRENGTH = "spatial.models.identification.strength"
FIRST = (f"{STRENGTH}:first_stage_lm", f"{STRENGTH}:_f_test", f"{STRENGTH}:effective_f")
AK = ("spatial.models.diagnostics.space:anselin_kelejian",)
LAW = ("spatial.models.estimation.laws:Law.p_value",)
INSTRUMENTS = [
    Size("Sargan J", "sargan", IV, 0.035, 0.065, (f"{TESTS}:sargan",)),
    Size("Hansen J (clustered)", "j", IV, 0.035, 0.065, (f"{TESTS}:_centred_j",)),
    Size("Hansen J (clustered)", "j", IV_SERIAL, 0.035, 0.065, (f"{TESTS}:_centred_j",)),
    Size("Hansen J (clustered)", "j", TWELVE, 0.035, 0.065, (f"{TESTS}:_centred_j",)),
    Size("Hansen J (clustered)", "j", TWENTY_EIGHT, 0.035, 0.065, (f"{TESTS}:_centred_j",)),
    Size("First-stage LM (clustered)", "first lm", TEN, 0.01, 0.065, FIRST, "cautious with many instruments"),
    Size("Difference in J", "difference", IV_SERIAL, 0.035, 0.065, (f"{TESTS}:reduced_j",)),
    Size("Durbin-Wu-Hausman", "dwh", IV_SERIAL, 0.035, 0.065, (f"{HAUSMAN}:durbin_wu_hausman",)),
    Size("Anselin-Kelejian", "ak", IV, 0.035, 0.065, AK),
    Size("Anselin-Kelejian (clustered)", "ak c", IV_SERIAL, 0.035, 0.065, AK),
    Size("First-stage LM (clustered)", "first lm", IRRELEVANT, 0.035, 0.065, FIRST),
    Size("Kleibergen-Paap LM", "kp", IRRELEVANT, 0.035, 0.065, (f"{STRENGTH}:kleibergen_paap",)),
    Size("2SLS, 95 % interval, t(C - 1)", "covers", IV_SERIAL, 0.92, 0.975, LAW),
]


# ---- spatial restrictions
def _durbin(rng: np.random.Generator, rho: float, lam: float) -> dict[str, Any]:
    n, times = 60, 6
    x, e = rng.normal(size=(times, n)), _errors(rng, n, times, "serial")[..., 0]
    W = _weights(n).sparse.toarray()
    u = np.linalg.solve(np.eye(n) - rho * W, e.T).T
    y = np.linalg.solve(np.eye(n) - lam * W, (x + u).T).T
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        system = SpatialSystem(
            "y ~ x + W(x) + W(y)", _panel({"x": x, "y": y}), _weights(n), effects=("unit", "time")
        )
        return _p_values(system.fit("2sls"), {"error": "Wald: Durbin against error"})


SEM = Design(
    "spatial errors, rho = .5, N = 60, T = 6, both effects, AR(1) .7", lambda r: _durbin(r, 0.5, 0.0), light=4
)
RESTRICTIONS = [
    Size(
        "Durbin against error",
        "error",
        SEM,
        0.035,
        0.065,
        (
            "spatial.models.diagnostics.restrictions:_filtered_wald",
            "spatial.models.diagnostics.restrictions:restriction_tests",
        ),
    ),
]


# ---- intervals of the covariances
def _intervals(rng: np.random.Generator, n: int, times: int, kind: str) -> dict[str, Any]:
    shock = rng.normal(size=(2, times, 1)) if kind == "common" else np.zeros((2, times, 1))
    x = rng.normal(size=(times, n)) + shock[0]
    e = _errors(rng, n, times, "serial" if kind == "serial" else "iid")[..., 0] + shock[1]
    panel = _panel({"x": x, "y": 1 + x + e})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        system = SpatialSystem("y ~ x", panel, effects=("unit",) if times > 1 else ())
        fit = system.fit("ols")
        covs: dict[str, Any] = {"conley": Conley(150, coordinates=_places(n))}
        if times >= 10:
            covs |= {"driscoll-kraay": DriscollKraay(), "two-way": TwoWay()}
            covs["two-way random"] = TwoWay(small="satterthwaite")
        out = {}
        for name, cov in covs.items():
            row = fit.vcov(cov).tidy().set_index("term").loc["x"]
            out[name] = bool(row["conf_low"] <= 1 <= row["conf_high"])
    return out


COMMON = Design("N = 50, T = 20, unit effects, shocks common to all units of a time",
                lambda rng: _intervals(rng, 50, 20, "common"), 3000, light=4)  # fmt: skip
PLACES = Design("N = 150, T = 1, independent errors", lambda rng: _intervals(rng, 150, 1, "iid"), light=4)
WITHIN = Design("N = 60, T = 6, unit effects, AR(1) .7", lambda r: _intervals(r, 60, 6, "serial"), light=4)


def _two_step(rng: np.random.Generator) -> dict[str, Any]:
    z = rng.normal(size=(3, 6, 60))
    u = _errors(rng, 60, 6, "serial", 2)
    p = 0.5 * z.sum(axis=0) + u[..., 1] + 0.5 * u[..., 0]
    data = {"y": p + u[..., 0], "p": p, **{f"z{k}": v for k, v in enumerate(z)}}
    system = SpatialSystem("y ~ 1 | unit | p ~ z0 + z1 + z2", _panel(data), iv_order=0)
    row = system.fit("gmm").tidy().iloc[0]
    return {"gmm": bool(row["conf_low"] <= 1 <= row["conf_high"])}


GMM = Design("two-step GMM, 3 instruments, N = 60, T = 6, AR(1) .7", _two_step, light=4)
INTERVALS = [
    Size("Driscoll-Kraay, fixed-b, 95 % interval", "driscoll-kraay", COMMON, 0.92, 0.97, LAW),
    Size("Two-way clusters, 95 % interval", "two-way", COMMON, 0.92, 0.975, LAW, "t(19), as reghdfe has it"),
    Size("Two-way clusters, Satterthwaite, 95 % interval", "two-way random", COMMON, 0.93, 0.98, LAW),
    Size("Conley, 95 % interval", "conley", PLACES, 0.92, 0.98, LAW),
    Size("Conley within units, 95 % interval", "conley", WITHIN, 0.92, 0.975, LAW),
    Size("Two-step GMM (Windmeijer), 95 % interval", "gmm", GMM, 0.92, 0.975, LAW),
]

MODELS = [*LEAST_SQUARES, *SYSTEMS, *INSTRUMENTS, *RESTRICTIONS, *INTERVALS]
