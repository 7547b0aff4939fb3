"""``smart-city-simulated``: 284 cities in 2007-2020, three cohorts of a policy whose effects grow and spill.

    effect after e years = (.010 + .004 min(e, 5)) x speed(cohort: 1.25, 1, .75) x (1 + .4 east + .5 govern
                           - .4 human - .3 physical + .25 Manu + .20 Finance, all centred in the treated)
    an untreated city gets .008 where a treated one is within 100 km, else .004 where one is within 200 km
    D -> Diffuse .50, Inform .35, Attention .080;  M -> y .012, .010, .030, which are parts of the effect

The paper is an abstract without numbers: every number here is ours.  Adoption is likelier in large and in
eastern cities; trends are parallel; a treated city gets nothing from others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.panel.panel import Panel

from .fields import Fields, bounded, standardized
from .panels import city_seats, distances_km, rows_of, within

__all__ = ["SEED", "draw"]

Float = NDArray[np.float64]
SEED = 20260105
YEARS = range(2007, 2021)
WEIGHTS = ""
COHORTS = {2012: 48, 2013: 42, 2014: 34}
SPEED = {2012: 1.25, 2013: 1.0, 2014: 0.75}
PARTS = {"east": 0.4, "govern": 0.5, "human": -0.4, "physical": -0.3, "Manu": 0.25, "Finance": 0.20}
"""Shares of the effect, of variables centred in the treated."""
RINGS = {(0, 100): 0.008, (100, 200): 0.004}
CONTROLS = {"PGDP": 0.010, "Fin": 0.006, "Fdi": 0.05, "Open": 0.004, "Dens": 0.004}
MEDIATORS = {"Diffuse": (0.50, 0.012, 0.9), "Inform": (0.35, 0.010, 0.7), "Attention": (0.080, 0.030, 0.25)}
"""Effect of the policy on the mediator, of the mediator on the outcome, and the scale of its noise."""
MOMENTS = {
    "InnRes": (0.148, 0.078, 0.05, 0.60),
    "PGDP": (10.62, 0.63, 8.2, 12.6),
    "Fin": (2.35, 1.15, 0.56, 9.6),
    "Fdi": (0.018, 0.018, 0.0, 0.13),
    "Open": (0.19, 0.30, 0.001, 2.4),
    "Dens": (5.75, 0.91, 1.6, 7.9),
}
LOW, HIGH = 0.012, 0.742


def draw(seed: int = SEED) -> tuple[Any, Panel, pd.DataFrame, dict[str, Panel], dict[str, pd.DataFrame]]:
    """Return map, panel, truth, the table of employment, and the nation's."""
    rng = np.random.default_rng(seed)
    cities = city_seats(284)
    km = distances_km(cities)
    fields = Fields(km, len(YEARS), rng)
    years = np.asarray(YEARS)
    time = np.linspace(0, 1, len(years))[None]
    east = (cities["region"] == "east").to_numpy(float)[:, None]
    above = (cities["level"] != "prefecture-level city").to_numpy(float)[:, None]
    size = standardized(fields.unit(0.4) + 0.4 * east + 0.7 * above)
    cohort = _cohorts(size, rng)
    since = np.where(cohort[:, None] > 0, years[None] - cohort[:, None], -99)
    treated = since >= 0
    environment = {name: 0.6 * size + fields.unit(0.3) for name in ("govern", "human", "physical")}
    moderators = {"east": east}
    moderators |= {name: (v > np.median(v)).astype(float) for name, v in environment.items()}
    for name in ("Manu", "Finance"):
        raw = 0.3 * size + fields.unit(0.4) + 0.15 * fields.moving(0.8)
        moderators[name] = bounded(raw, 0.92, 0.42, 0.05, 3.2)
    effect = _effect(cohort, since, treated, moderators)
    spill = _spillovers(km, treated)
    controls = _controls(fields, size, time)
    mediators = {
        name: a * treated + 0.6 * size + fields.unit(0.3) + 0.8 * time + scale * fields.moving(0.5)
        for name, (a, _, scale) in MEDIATORS.items()
    }
    outcome = _outcome(fields, size, effect + spill, controls, mediators, treated)
    columns = {
        "InnRes": outcome,
        "cohort": cohort[:, None].astype(float),
        **controls,
        **mediators,
        **environment,
        **_concurrent(cohort, size, years, np.random.default_rng(seed + 1)),
    }
    frame = rows_of(cities, YEARS, columns)
    frame["cohort"] = frame["cohort"].astype(np.int64)
    panel = Panel.from_frame(frame.reset_index(), unit="adcode", time="year")
    jobs, nation = _employment(cities, moderators, np.random.default_rng(seed + 2))
    own = float(effect[treated].mean())
    return cities, panel, _truth(own), {"jobs": jobs}, {"jobs": nation}


def _truth(att: float) -> pd.DataFrame:
    rows = [("InnRes", "ATT", att, "own effect, mean over treated cells")]
    rows += [("InnRes", f"ring {a}-{b} km", value, "untreated cities") for (a, b), value in RINGS.items()]
    rows += [(name, "D", a, "effect of the policy on the mediator") for name, (a, _, _) in MEDIATORS.items()]
    return pd.DataFrame(rows, columns=["equation", "term", "value", "note"])


def _cohorts(size: Float, rng: np.random.Generator) -> NDArray[np.int64]:
    score = 0.6 * size[:, 0] + rng.gumbel(size=len(size))
    order, cohort, place = np.argsort(-score), np.zeros(len(size), dtype=np.int64), 0
    for year, count in COHORTS.items():
        cohort[order[place : place + count]] = year
        place += count
    return cohort


def _effect(
    cohort: NDArray[np.int64], since: NDArray[Any], treated: NDArray[Any], moderators: dict[str, Float]
) -> Float:
    ever = cohort > 0
    scale = 1 + np.sum(
        [PARTS[k] * (v - v[ever].mean()) for k, v in _same(moderators, treated.shape).items()], axis=0
    )
    speed = np.array([SPEED.get(int(year), 0.0) for year in cohort])[:, None]
    base = 0.010 + 0.004 * np.clip(since, 0, 5)
    return np.asarray(np.where(treated, base * speed * scale, 0.0))


def _same(parts: dict[str, Float], shape: tuple[int, ...]) -> dict[str, Float]:
    return {name: np.broadcast_to(values, shape) for name, values in parts.items()}


def _spillovers(km: Float, treated: NDArray[Any]) -> Float:
    """Return what untreated cities get from treated ones: each in the nearest ring that holds one."""
    apart = km + np.diag(np.full(len(km), np.inf))
    left = np.ones(treated.shape, bool)
    found = np.zeros(treated.shape)
    for (inner, outer), value in RINGS.items():
        near = ((apart > inner) & (apart <= outer)).astype(float) @ treated > 0
        found += value * (near & left & ~treated)
        left &= ~near
    return found


def _controls(fields: Fields, size: Float, time: Float) -> dict[str, Float]:
    found = {}
    for name in CONTROLS:
        raw = (0.4 if name == "Fdi" else 0.7) * size + 0.6 * fields.unit(0.4)
        raw = raw + (1.3 if name == "PGDP" else 0.4) * time + 0.4 * fields.moving(0.6)
        found[name] = bounded(raw, *MOMENTS[name])
    return found


def _outcome(
    fields: Fields,
    size: Float,
    effect: Float,
    controls: dict[str, Float],
    mediators: dict[str, Float],
    treated: NDArray[Any],
) -> Float:
    """Add unit means within the range, year effects and noise; mediators' own moves enter too."""
    level = 0.055 * (0.75 * size + 0.6 * fields.unit(0.4))
    year = np.cumsum(np.r_[0, fields.rng.normal(0.006, 0.004, fields.times - 1)])[None]
    noise = 0.022 * (0.9 * fields.moving(0.5) + 0.45 * fields.moving(0.5, 0.9))
    moves = np.sum([b * (mediators[k] - a * treated) for k, (a, b, _) in MEDIATORS.items()], axis=0)
    y = effect + np.sum([b * controls[k] for k, b in CONTROLS.items()], axis=0) + level + year + noise
    y = y + within(moves)
    dev = y - y.mean(axis=1, keepdims=True)
    means = bounded(level[:, 0], *MOMENTS["InnRes"])[:, None]
    low, high = LOW - dev.min(axis=1, keepdims=True), HIGH - dev.max(axis=1, keepdims=True)
    return np.asarray(np.clip(means, low, high) + dev)


def _concurrent(
    cohort: NDArray[np.int64], size: Float, years: NDArray[Any], rng: np.random.Generator
) -> dict[str, Float]:
    """Return three other policies of the time, likelier in large cities; none has an effect."""
    found = {}
    for name, starts in {
        "low_carbon": (2010, 2012, 2017),
        "broadband_china": (2014, 2015, 2016),
        "innovation_city": (2008, 2010, 2018),
    }.items():
        draw = 0.5 * size[:, 0] + rng.gumbel(size=len(cohort))
        chosen = draw > np.quantile(draw, 0.7)
        start = np.where(chosen, rng.choice(starts, len(cohort)), 9999)
        found[name] = (years[None] >= start[:, None]).astype(float)
    return found


_INDUSTRIES = ("制造业", "金融业", "其他")
_SHARES = (0.28, 0.035)


def _employment(
    cities: Any, moderators: dict[str, Float], rng: np.random.Generator
) -> tuple[Panel, pd.DataFrame]:
    """Return employment whose quotients of manufacturing and finance are the moderators."""
    shape = moderators["Manu"].shape
    total = np.exp(12.5 + 0.7 * rng.normal(size=(shape[0], 1)) + 0.02 * np.arange(shape[1])[None])
    manufacturing, finance = (
        share * moderators[name] * total for name, share in zip(("Manu", "Finance"), _SHARES, strict=True)
    )
    columns = dict(zip(_INDUSTRIES, (manufacturing, finance, total - manufacturing - finance), strict=True))
    frame = rows_of(cities, YEARS, columns)
    nation = 7.5e8 * (1 + 0.01 * np.arange(shape[1]))[:, None] * np.array([*_SHARES, 1 - sum(_SHARES)])
    panel = Panel.from_frame(frame.reset_index(), unit="adcode", time="year")
    return panel, pd.DataFrame(nation, pd.Index(YEARS, name="year"), list(_INDUSTRIES))


LABELS = {
    "InnRes": ("Innovation resilience", "城市创新韧性"),
    "cohort": ("First year as smart city", "智慧城市试点年份"),
    "PGDP": ("GDP per capita (log)", "人均地区生产总值（对数）"),
    "Fin": ("Finance", "金融发展"),
    "Fdi": ("Foreign investment", "外商直接投资"),
    "Open": ("Openness", "对外开放"),
    "Dens": ("Population density (log)", "人口密度（对数）"),
    "Diffuse": ("Diffusion of knowledge", "创新知识扩散"),
    "Inform": ("Informatisation", "信息化渗透"),
    "Attention": ("Government attention to innovation", "政府科技创新关注"),
    "govern": ("Governance of innovation", "创新治理环境"),
    "human": ("Human capital", "人力资本"),
    "physical": ("Physical capital", "物质资本"),
    "low_carbon": ("Low-carbon city", "低碳城市"),
    "broadband_china": ("Broadband China", "宽带中国"),
    "innovation_city": ("Innovative city", "创新型城市"),
}
