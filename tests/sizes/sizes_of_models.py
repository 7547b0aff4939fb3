"""Rows of the list: the tests that `diagnostics()` and `moran()` print, and intervals of each covariance."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from gs3sls_simulation import autoregression
from size_engine import Design, Size

from spatial.models import SpatialSystem
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


IID = _ls("least squares, N = 60, T = 6, unit effects, independent errors", 60, 6, "iid", "unit", 12)
BOTH = _ls("least squares, N = 60, T = 6, unit and time effects, independent", 60, 6, "iid", "unit time", 0)
SERIAL = _ls("least squares, N = 60, T = 6, unit effects, AR(1) .7", 60, 6, "serial", "unit", 12)
LONG = _ls("least squares, N = 50, T = 20, unit effects, AR(1) .7", 50, 20, "serial", "unit", 0)
CROSS = _ls("least squares, N = 100, T = 1", 100, 1, "iid", "", 12)

SPACE_MADE = ("spatial.models.diagnostics.space:_lm_family",)
MORAN_MADE = ("spatial.models.diagnostics.moran:_permuted", "spatial.models.diagnostics.moran:_row")


def _space_rows(design: Design, names: tuple[str, ...], low: float, high: float) -> list[Size]:
    return [Size(SPACE[name], name, design, low, high, SPACE_MADE) for name in names]


PLAIN = ("lm lag", "lm error", "robust lm lag", "robust lm error", "sarma")
CLUSTERED = tuple(f"{name} c" for name in PLAIN)

LEAST_SQUARES = [
    *_space_rows(IID, (*PLAIN, *CLUSTERED), 0.02, 0.075),
    *_space_rows(BOTH, (*PLAIN, *CLUSTERED), 0.02, 0.075),
    *_space_rows(CROSS, (*PLAIN, *CLUSTERED), 0.02, 0.075),
    *_space_rows(SERIAL, CLUSTERED, 0.02, 0.075),
]
