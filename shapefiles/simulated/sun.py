"""``sun-simulated``: 283 cities in 2003-2023, after Sun (2025) on virtual agglomeration and urban resilience.

    Res = .015 Vag + .032 Int + 1.070 Hum + .925 Den + .009 Ued - .086 Gov + .006 W(Vag) + .010 (east x Vag)
          + .002 u_patents + .015 u_SH + unit + year + noise,        W = 5 nearest,

with the coefficients of column (2) of his Table 3 and the four moments of each variable of his Table 2; the
coefficients of W(Vag), of the east and of the mediators are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.panel.panel import Panel

from .fields import Fields, bounded, placed, root_between, standardized
from .panels import city_seats, distances_km, nearest_weights, rows_of, slopes, within

__all__ = ["SEED", "draw"]

Float = NDArray[np.float64]
SEED = 20250928
YEARS = range(2003, 2024)
WEIGHTS = "knn:5"

MOMENTS = {  # mean, standard deviation, minimum and maximum of Table 2
    "Res": (0.0966, 0.070, 0.0100, 0.5651),
    "Vag": (0.6454, 0.533, 0.0, 6.1919),
    "Int": (0.2003, 0.198, 0.0020, 2.0164),
    "Hum": (0.0175, 0.023, 0.0001, 0.1848),
    "Den": (0.0432, 0.034, 0.0005, 0.3430),
    "Ued": (6.8894, 1.417, 1.7047, 12.0627),
    "Gov": (0.1735, 0.093, 0.0313, 1.0268),
}
SLOPES = {"Vag": 0.015, "Int": 0.032, "Hum": 1.070, "Den": 0.925, "Ued": 0.009, "Gov": -0.086}
CONTROLS = ("Int", "Hum", "Den", "Ued", "Gov")
WITHOUT_CONTROLS = 0.033
SPILLOVER, EAST = 0.006, 0.010
# Slope of Vag in the mediator, as printed; of the mediator in Res, ours; standard error as printed.
PATENTS, UPGRADING = (0.606, 0.002, 0.606 / 2.06), (0.091, 0.015, 0.091 / 2.40)
YEAR_EFFECT, R_SQUARED = 0.0157, 0.849
GAPS = ("unemployment", "freight", "beds", "loans", "broadband", "it_firms")
"""Columns of which .3 % of the cells are missing, inside the panel."""


@dataclass(frozen=True)
class _Process:
    """The variables of the model, (N, T) each."""

    columns: dict[str, Float]
    outcome: Float
    patents: Float
    upgrading: Float


def draw(seed: int = SEED) -> tuple[Any, Panel, pd.DataFrame]:
    """Return map, panel and truth."""
    rng = np.random.default_rng(seed)
    cities = city_seats(283)
    km = distances_km(cities)
    fields = Fields(km, len(YEARS), rng)
    east = (cities["region"] == "east").to_numpy(float)[:, None]
    found = _process(fields, nearest_weights(km, 5), east)
    columns = {
        **_indicators(found.outcome, np.random.default_rng(seed + 1)),
        **_firms(found.columns["Vag"], km, fields),
        "patents": found.patents,
        **_sources(found, np.random.default_rng(seed + 2)),
    }
    frame = rows_of(cities, YEARS, columns)
    _leave_gaps(frame, np.random.default_rng(seed + 3))
    panel = Panel.from_frame(frame.reset_index(), unit="adcode", time="year")
    return cities, panel, truth()


def truth() -> pd.DataFrame:
    """Return the true coefficients: equation, term, value and note."""
    own = [("Res", name, value, "Table 3, column (2)") for name, value in SLOPES.items()]
    ours = [
        ("Res", "W(Vag)", SPILLOVER, "W: 5 nearest, row-standardised; ours"),
        ("patents", "Vag", PATENTS[0], "Table 4"),
        ("SH", "Vag", UPGRADING[0], "Table 4"),
    ]
    return pd.DataFrame([*own, *ours], columns=["equation", "term", "value", "note"])


# ---- the model
def _process(fields: Fields, W: Float, east: Float) -> _Process:
    time = np.linspace(0, 1, fields.times)[None]
    size = standardized(fields.unit(0.4) + 0.35 * east)
    columns, first = _regressors(fields, size, time)
    xs = [columns[name] for name in SLOPES]
    patents, upgrading, shocks = _mediators(fields, columns["Vag"], xs, size, time)
    # The outcome without noise; the east's part leaves the pooled slopes of Vag and W(Vag) as they are.
    lag = W @ columns["Vag"]
    part = east * columns["Vag"]
    b, _, _ = slopes(part, [*xs, lag])
    systematic = sum((SLOPES[name] * columns[name] for name in SLOPES), np.zeros_like(part))
    systematic = systematic + EAST * (part - b[0] * columns["Vag"] - b[-1] * lag) + SPILLOVER * lag
    years = time**1.2
    systematic = systematic + years * (YEAR_EFFECT / years.mean())
    systematic = systematic + PATENTS[1] * shocks[0] + UPGRADING[1] * shocks[1]
    return _Process(columns, _outcome(fields, systematic, xs, size, first, shocks[2]), patents, upgrading)


def _regressors(fields: Fields, size: Float, time: Float) -> tuple[dict[str, Float], Float]:
    """Draw Vag and the controls; through a common factor, leaving the controls out adds what is printed."""
    common = fields.moving(0.9)
    own = {name: fields.moving(0.9) for name in MOMENTS}
    fixed = {name: fields.unit(0.5) for name in MOMENTS}

    def latent(load: float) -> dict[str, Float]:
        c = load * common
        return {
            "Vag": 0.75 * size + 0.5 * fixed["Vag"] + 0.20 * time + c + 0.40 * own["Vag"],
            "Int": 0.35 * size + 0.2 * fixed["Int"] + 3.2 * time + 0.5 * c + 0.45 * own["Int"],
            "Hum": 0.8 * size + 0.5 * fixed["Hum"] + 0.6 * time + 0.5 * c + 0.22 * own["Hum"],
            "Den": 0.5 * size + 0.8 * fixed["Den"] + 0.3 * time + 0.45 * c + 0.16 * own["Den"],
            "Ued": 0.6 * size + 0.6 * fixed["Ued"] + 2.2 * time + 0.1 * c + 0.18 * own["Ued"],
            "Gov": -0.7 * size + 0.5 * fixed["Gov"] + 1.1 * time + 0.42 * own["Gov"],
        }

    near: dict[str, dict[str, Any]] = {name: {} for name in SLOPES}

    def made(load: float) -> dict[str, Float]:
        return {name: bounded(z, *MOMENTS[name], near[name]) for name, z in latent(load).items()}

    def bias(load: float) -> float:
        found = made(load)
        v = within(found["Vag"])
        return sum(SLOPES[k] * float((within(found[k]) * v).sum() / (v**2).sum()) for k in CONTROLS)

    wanted = WITHOUT_CONTROLS - SLOPES["Vag"]
    load = root_between(lambda x: bias(x) - wanted, 0.0, 2.5, 1e-5)
    return made(load), fixed["Res"]


def _mediators(
    fields: Fields, vag: Float, xs: list[Float], size: Float, time: Float
) -> tuple[Float, Float, tuple[Float, Float, Float]]:
    """Draw two positive mediators M = a Vag + year + L exp(s e - s^2 / 2), errors scaled to the printed ones.

    The error of patents is correlated with that of Res, so that a product of coefficients misleads there;
    the error of SH is not.
    """
    e_patents, e_upgrading = fields.moving(0.6, 0.2), fields.moving(0.6, 0.2)
    level, other = np.exp(0.8 * size), 0.55 * np.exp(0.25 * fields.unit())
    u_patents = level * (np.exp(0.6 * e_patents - 0.18) - 1)

    def error_of(values: Float) -> float:
        return float(slopes(values, xs)[1][0])

    scale = PATENTS[2] / error_of(u_patents)
    u_patents, level = scale * u_patents, scale * level

    def shocks(s: float) -> Float:
        return np.asarray(other * (np.exp(s * e_upgrading - s * s / 2) - 1))

    s = root_between(lambda x: error_of(shocks(x)) - UPGRADING[2], 0.01, 1.5)
    u_upgrading = shocks(s)
    patents = PATENTS[0] * vag + 0.3 + 2.5 * time + level + u_patents
    upgrading = UPGRADING[0] * vag + 0.15 + 0.35 * time + other + u_upgrading
    return patents, upgrading, (u_patents, u_upgrading, e_patents)


def _outcome(
    fields: Fields, systematic: Float, xs: list[Float], size: Float, first: Float, e_patents: Float
) -> Float:
    """Add noise for the printed R2, and unit means that keep each cell in the printed range."""
    moves = systematic - systematic.mean(axis=1, keepdims=True)
    z = standardized(0.8 * size + 0.5 * first + 0.3 * fields.unit(0.2))
    spread = moves.max(axis=1, keepdims=True) - moves.min(axis=1, keepdims=True)
    level = np.maximum(np.exp(0.85 * z), 0.12) + 1.1 * spread / 0.07
    noise = 0.75 * fields.moving(0.85) + 0.55 * fields.moving(0.85, 0.9) + 0.35 * e_patents
    noise = noise - noise.mean(axis=1, keepdims=True)
    noise = np.clip(noise, -2.2, 2.6) * (level / level.mean()) ** 0.5
    s = root_between(lambda x: slopes(systematic + x * noise, xs)[2] - R_SQUARED, 0.0, 0.05, 1e-9)
    dev: Float = moves + s * noise
    dev = dev - dev.mean(axis=1, keepdims=True)
    return placed(dev, level / level.mean(), MOMENTS["Res"]) + dev


# ---- the raw columns, of which the study makes the variables again
def _firms(vag: Float, km: Float, fields: Fields) -> dict[str, Float]:
    """Return firms and IT firms whose own location quotients, times 1 + sum 1 / D, are Vag."""
    inverse = np.where(km > 0, 1 / np.where(km > 0, km, 1), 0)
    quotient = vag / (1 + inverse.sum(axis=1)[:, None])
    noise = 0.5 * fields.unit(0.3) + 0.05 * fields.moving(0.8)
    firms = np.empty_like(vag)
    for t in range(fields.times):

        def mass(k: float, t: int = t) -> Float:
            return np.asarray(np.exp(k * np.log(quotient[:, t] + 0.05) + noise[:, t]))

        def mean_quotient(k: float, t: int = t) -> float:
            q = mass(k, t)
            return float((q * quotient[:, t]).sum() / q.sum()) - 1

        q = mass(root_between(mean_quotient, -3.0, 6.0, 1e-13))
        firms[:, t] = q * 2.0e6 * (1 + 0.12 * t) / q.sum()
    share = 0.02 + 0.03 * np.linspace(0, 1, fields.times)[None]
    return {"it_firms": quotient * firms * share, "firms": firms}


def _indicators(index: Float, rng: np.random.Generator) -> dict[str, Float]:
    """Return twelve indicators whose entropy-weighted index is `index`, by a fixed point."""
    n, t = index.shape
    aim, count = index.ravel(), 12
    powers, sigma = rng.uniform(0.5, 1.3, count), rng.uniform(0.25, 0.6, count)
    unit = np.repeat(rng.normal(size=(n, count)), t, axis=0)
    z = aim[:, None] ** powers * np.exp(sigma * (0.8 * unit + 0.5 * rng.normal(size=(n * t, count))))
    low, high = z.argmin(axis=0), z.argmax(axis=0)
    z = (z - z.min(axis=0)) / (z.max(axis=0) - z.min(axis=0))
    for _ in range(200):
        share = z / z.sum(axis=0)
        entropy = -(share * np.log(np.where(share > 0, share, 1))).sum(axis=0) / np.log(n * t)
        weights = (1 - entropy) / (1 - entropy).sum()
        got = z @ weights
        if np.abs(got - aim).max() < 1e-12:
            break
        z = np.clip(z * (aim / np.maximum(got, 1e-12))[:, None], 0, 1)
        z[low, range(count)], z[high, range(count)] = 0, 1
    found = {name: (a + (b - a) * z[:, k]).reshape(n, t) for k, (name, (a, b)) in enumerate(_RANGES.items())}
    found["unemployment"] = 12.0 - found["unemployment"]  # less of it is better
    return found


_RANGES = {
    "gdp_pc": (0.4, 22.0),
    "firms_large": (20.0, 12000.0),
    "fiscal_self": (0.05, 1.1),
    "retail": (10.0, 18000.0),
    "beds": (12.0, 130.0),
    "savings_pc": (0.2, 24.0),
    "freight": (300.0, 140000.0),
    "students_pc": (1.0, 140.0),
    "tech_share": (0.02, 9.0),
    "loans": (20.0, 110000.0),
    "open": (0.001, 2.4),
    "unemployment": (0.2, 11.5),
}


def _sources(found: _Process, rng: np.random.Generator) -> dict[str, Float]:
    """Return the yearbook columns of which controls and SH are made."""
    n, t = found.outcome.shape
    population = np.exp(5.8 + 0.7 * rng.normal(size=(n, 1)) + np.linspace(0, 0.08, t)[None])
    area = np.exp(9.3 + 0.6 * rng.normal(size=(n, 1)))
    district = np.exp(7.3 + 0.6 * rng.normal(size=(n, 1)))
    x = found.columns
    gdp = np.exp(x["Ued"]) * area
    rest = gdp / (1 + found.upgrading)
    primary = 0.05 + 0.35 / (1 + np.exp(rng.normal(size=(n, 1)) + np.linspace(0, 1, t)[None]))
    return {
        "y1": primary * rest,
        "y2": (1 - primary) * rest,
        "y3": gdp - rest,
        "broadband": x["Int"] * population,
        "population": population,
        "students": x["Hum"] * population,
        "district_pop": x["Den"] * district,
        "district_area": district,
        "gdp": gdp,
        "area": area,
        "fiscal": x["Gov"] * gdp,
    }


def _leave_gaps(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Take single cells out, never at the ends of a unit nor two in a row."""
    years = frame.index.get_level_values("year").to_numpy()
    inside = np.flatnonzero((years > YEARS[0]) & (years < YEARS[-1]))
    for column in GAPS:
        chosen = np.sort(rng.choice(inside, size=round(0.003 * len(frame)), replace=False))
        apart = np.concatenate([[True], np.diff(chosen) > 1])
        frame.iloc[chosen[apart], frame.columns.get_loc(column)] = np.nan


LABELS = {
    "gdp_pc": ("GDP per capita", "人均地区生产总值"),
    "unemployment": ("Unemployment rate", "登记失业率"),
    "firms_large": ("Industrial firms above size", "规模以上工业企业数"),
    "fiscal_self": ("Fiscal self-sufficiency", "财政自给率"),
    "retail": ("Retail sales", "社会消费品零售总额"),
    "beds": ("Hospital beds", "医院床位数"),
    "savings_pc": ("Savings per capita", "人均储蓄余额"),
    "freight": ("Freight", "货运量"),
    "students_pc": ("Students per ten thousand", "每万人在校大学生数"),
    "tech_share": ("Share of science in public spending", "科技支出占比"),
    "loans": ("Loans", "金融机构贷款余额"),
    "open": ("Openness", "对外开放程度"),
    "it_firms": ("IT firms", "信息技术企业数"),
    "firms": ("Firms", "企业总数"),
    "patents": ("Innovation", "创新水平"),
    "y1": ("Output, primary sector", "第一产业增加值"),
    "y2": ("Output, secondary sector", "第二产业增加值"),
    "y3": ("Output, tertiary sector", "第三产业增加值"),
    "broadband": ("Broadband users", "互联网宽带接入用户数"),
    "population": ("Population", "年末总人口"),
    "students": ("Students in higher education", "普通高校在校生数"),
    "district_pop": ("Population of the districts", "市辖区人口"),
    "district_area": ("Area of the districts", "市辖区面积"),
    "gdp": ("GDP", "地区生产总值"),
    "area": ("Area", "行政区域面积"),
    "fiscal": ("Public spending", "一般公共预算支出"),
}
