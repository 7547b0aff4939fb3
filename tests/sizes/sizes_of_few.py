"""Rows of the list: few clusters with and without CR2, and intervals of effects in equilibrium."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from size_engine import Design, Size
from sizes_of_models import _errors, _panel, _weights

from spatial.models import Cluster, SpatialSystem

GROUP = np.repeat(range(12), [2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8, 10])
SPILL = 0.4


def _few_clusters(rng: np.random.Generator) -> dict[str, Any]:
    """Twelve provinces of 2 to 10 cities; three get a policy in the third of four years."""
    n, times = len(GROUP), 4
    common = rng.normal(size=(2, 1, 12))[:, :, GROUP]
    x = rng.normal(size=(times, n)) + common[0]
    d = (GROUP < 3) * (np.arange(times) >= 2)[:, None] * 1.0
    e = _errors(rng, n, times, "iid")[..., 0] + common[1] * np.linspace(0.5, 1.5, times)[:, None]
    groups = np.tile(GROUP.astype(float), (times, 1))
    panel = _panel({"x": x, "d": d, "y": x + d + e, "g": groups})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        fit = SpatialSystem("y ~ x + d", panel, effects=("unit", "time")).fit("ols")
        out = {}
        for small in ("cr1", "cr2"):
            row = fit.vcov(Cluster("g", small=small)).tidy().set_index("term").loc["d"]  # type: ignore[arg-type]
            out[small] = bool(row["conf_low"] <= 1 <= row["conf_high"])
    return out


def _effects(rng: np.random.Generator, n: int, times: int) -> dict[str, Any]:
    W = _weights(n)
    S = np.linalg.inv(np.eye(n) - SPILL * W.sparse.toarray())
    x, z = rng.normal(size=(2, times, n))
    y = (x + z + _errors(rng, n, times, "iid")[..., 0]) @ S.T
    total, direct = float(S.sum()) / n, float(np.trace(S)) / n
    truth = {"direct": direct, "indirect": total - direct, "total": total}
    effects = ("unit",) if times > 1 else ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        panel = _panel({"x": x, "z": z, "y": y})
        fit = SpatialSystem("y ~ x + z + W(y)", panel, W, effects=effects).fit("2sls")
        out = {}
        for way, draws in (("delta", 0), ("simulated", 300)):
            frame = fit.impacts(draws=draws, seed=1).tidy()
            rows = frame[frame["term"] == "x"].set_index("effect")
            for name, value in truth.items():
                out[f"{name} {way}"] = bool(
                    rows.loc[name, "conf_low"] <= value <= rows.loc[name, "conf_high"]
                )
        row = fit.vcov(Cluster(small="cr2")).tidy().set_index("term").loc["x"]
        out["slope cr2"] = bool(row["conf_low"] <= 1 <= row["conf_high"])
    return out


PROVINCES = Design(
    "12 clusters of 2 to 10 units, 3 of them treated, T = 4, both effects, errors with a drift by cluster",
    _few_clusters,
    light=4,
)
SECTION = Design("y ~ x + z + W(y), 2SLS, N = 50, T = 1", lambda rng: _effects(rng, 50, 1), light=4)
PANEL = Design("y ~ x + z + W(y), 2SLS, N = 60, T = 6", lambda rng: _effects(rng, 60, 6), light=4)
LAW = ("spatial.models.estimation.laws:Law.of_coefficients",)

FEW = [
    Size("Clustered, C/(C-1) and t(C - 1), 95 % interval", "cr1", PROVINCES, 0.8, 0.95, LAW, "too short"),
    Size("Clustered, CR2, 95 % interval", "cr2", PROVINCES, 0.93, 0.998, LAW, "too long if anything"),
    Size("2SLS, CR2, 95 % interval", "slope cr2", SECTION, 0.93, 0.98, LAW),
    *(
        Size(f"{effect.capitalize()} effect, {way}, 95 % interval", f"{effect} {way}", design, 0.92, 0.98)
        for design in (SECTION, PANEL)
        for effect in ("direct", "indirect", "total")
        for way in ("delta", "simulated")
    ),
]
