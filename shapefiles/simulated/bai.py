"""``bai-simulated``: 241 cities in 2010-2020, after Bai on urban resilience and industrial agglomeration.

    ER  = .439 PSS - .234 PSD + .653 W(ER) - .378 W(PSS) + .145 W(PSD) + X b + 1.2 shock + effects + S u1
    PSS = .05 ER + .30 W(PSS) - .02 W(ER) + X b / 10 + .5 rail_x + effects + S u2
    PSD = -.01 ER + .596 W(PSD) + .004 W(ER) + X b / 100 + .10 dens_x + effects + S u3,    S = (I - .3 W)^-1

The equation of ER has the coefficients that the paper prints; those of PSS and PSD are ours, since the
printed ones have no stable equilibrium (1 - .439 x 9.304 = -3.08).  u1 enters u2 and u3, which is the
endogeneity; shock, rail_x = rail1933 x rail_shift and dens_x = dens1984 x dens_shift are one exclusive
variable an equation.  W: contiguity of the cells, islands linked to the nearest.  ER, PSS and PSD are not
shipped: they are measured from a table of employment that gives them back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.panel.panel import Panel
from spatial.weights import contiguity

from .bai_industries import INDUSTRIES, employment
from .fields import Fields, bounded, placed
from .panels import city_seats, distances_km, rows_of

__all__ = ["SEED", "draw"]

Float = NDArray[np.float64]
SEED = 2023
YEARS = range(2010, 2021)
WEIGHTS = "queen"

MOMENTS = {  # mean, standard deviation, minimum and maximum of Table 1
    "ER": (1.972, 3.387, -19.857, 18.868),
    "PSS": (2.724, 3.883, 0.098, 38.390),
    "PSD": (2.230, 0.227, 1.206, 2.706),
    "Gov": (0.171, 0.077, 0.043, 0.688),
    "PGDP": (10.400, 0.632, 4.595, 13.060),
    "Fdi": (0.019, 0.018, 0.001, 0.129),
    "Popden": (5.773, 0.895, 1.603, 7.727),
    "Market": (15.200, 0.979, 12.160, 18.380),
    "HumCap": (4.519, 1.170, -0.552, 7.147),
    "Rd": (2.268, 0.578, -0.528, 4.686),
    "RD": (0.880, 2.193, -5.552, 11.680),
    "Fix_cap": (0.720, 0.221, 0.087, 1.852),
}
# Size, trend and smoothness of each control's field.
CONTROLS = {
    "Gov": (-0.7, 0.8, 0.3),
    "PGDP": (0.7, 1.2, 0.5),
    "Fdi": (0.5, -0.5, 0.4),
    "Popden": (0.5, 0.02, 0.7),
    "Market": (0.9, 0.8, 0.3),
    "HumCap": (0.8, 0.2, 0.2),
    "Rd": (0.4, 0.7, 0.4),
    "RD": (0.7, 0.9, 0.5),
    "Fix_cap": (-0.2, 0.6, 0.5),
}
_ORDER = ("Gov", "PGDP", "Fdi", "Fix_cap", "RD", "HumCap", "Rd", "Popden", "Market")
SLOPES = {
    "ER": dict(zip(_ORDER, (4.393, 0.590, -2.002, -0.177, 0.143, -0.117, 0.176, 0.353, -0.350), strict=True)),
    "PSS": dict(
        zip(_ORDER, (0.4405, 0.0587, 0.1916, -0.0244, 0.0158, -0.0157, 0.0204, 0.0479, -0.0309), strict=True)
    ),
    "PSD": dict(
        zip(
            _ORDER,
            (0.05565, 0.00391, -0.03569, -0.00187, 0.00151, -0.0008, 0.00249, 0.0025, -0.0019),
            strict=True,
        )
    ),
}
LINKS = {  # of an outcome with another, and with spatial lags
    ("ER", "PSS"): 0.439,
    ("ER", "PSD"): -0.234,
    ("ER", "W(ER)"): 0.653,
    ("ER", "W(PSS)"): -0.378,
    ("ER", "W(PSD)"): 0.145,
    ("PSS", "ER"): 0.05,
    ("PSS", "W(PSS)"): 0.30,
    ("PSS", "W(ER)"): -0.02,
    ("PSD", "ER"): -0.01,
    ("PSD", "W(PSD)"): 0.596,
    ("PSD", "W(ER)"): 0.004,
}
OWN = {("ER", "shock"): 1.2, ("PSS", "rail_x"): 0.5, ("PSD", "dens_x"): 0.10}
RHO = 0.3
TOBIT = {  # Table 10
    "LnHsh": 0.055,
    "LnFdi": -0.125,
    "LnMar": 5.482,
    "LnTra": 5.989,
    "LnDen": -0.021,
    "LnCin": -0.026,
    "LnTec": 1.042,
    "LnPro": 0.006,
}
_OUTCOMES = ("ER", "PSS", "PSD")


def draw(seed: int = SEED) -> tuple[Any, Panel, pd.DataFrame, dict[str, Panel], dict[str, pd.DataFrame]]:
    """Return map, panel, truth, the tables of industries, and the nation's."""
    rng = np.random.default_rng(seed)
    cities = city_seats(241)
    fields = Fields(distances_km(cities), len(YEARS), rng)
    W = contiguity(cities, islands="nearest").row_standardized().sparse.toarray()
    time = np.linspace(0, 1, len(YEARS))[None]
    size = fields.unit(0.4)
    columns = {
        name: bounded(
            a * size
            + 0.7 * fields.unit(c)
            + b * time
            + (0.08 if name == "Popden" else 0.35) * fields.moving(0.6),
            *MOMENTS[name],
        )
        for name, (a, b, c) in CONTROLS.items()
    }
    own, shipped = _exclusive(fields, size)
    outcomes = _outcomes(fields, W, size, columns, own)
    interact, factors = _interaction(fields)
    frame = rows_of(cities, YEARS, {**columns, **shipped, **factors, "Interact": interact})
    frame["tier"] = np.repeat(_tiers(cities, size), len(YEARS))
    panel = Panel.from_frame(frame.reset_index(), unit="adcode", time="year")
    jobs, nation = employment(outcomes["ER"], outcomes["PSS"], outcomes["PSD"], size, rng)
    tables, references = _tables(cities, jobs, nation, np.random.default_rng(seed + 1))
    return cities, panel, truth(), tables, references


def truth() -> pd.DataFrame:
    """Return the true coefficients: equation, term, value and note."""
    note = {"ER": "Tables 2 and 3", "PSS": "ours", "PSD": "ours"}
    rows = [(equation, term, value, note[equation]) for (equation, term), value in {**LINKS, **OWN}.items()]
    rows += [(e, name, value, note[e]) for e, slopes in SLOPES.items() for name, value in slopes.items()]
    rows += [("Interact", name, value, "Table 10") for name, value in TOBIT.items()]
    return pd.DataFrame(rows, columns=["equation", "term", "value", "note"])


def _exclusive(fields: Fields, size: Float) -> tuple[dict[str, Float], dict[str, Float]]:
    """Draw one exclusive variable an equation; railways and density are made to move by a national series."""
    rng, times = fields.rng, fields.times
    rail = (fields.unit(0.4) + 0.5 * size > 0.35).astype(float)
    density = 5.2 + 0.9 * fields.unit(0.7)
    rail_shift = np.cumsum(rng.normal(0.25, 0.5, times))[None]
    dens_shift = np.cumsum(rng.normal(0.2, 0.5, times))[None]
    shock = 0.7 * fields.moving(0.2, 0.3) + 0.5 * fields.unit(0.5) * rng.normal(size=(1, times))
    shock = shock / shock.std()
    own = {"shock": shock, "rail_x": rail * rail_shift, "dens_x": (density - 5.2) * dens_shift}
    shipped = {
        "shock": shock,
        "rail1933": rail,
        "dens1984": density,
        "rail_shift": rail_shift,
        "dens_shift": dens_shift,
    }
    return own, shipped


def _outcomes(
    fields: Fields, W: Float, size: Float, columns: dict[str, Float], own: dict[str, Float]
) -> dict[str, Float]:
    """Solve the equations for deviations from unit means; then place the means in the printed ranges."""
    rng, (n, t) = fields.rng, (fields.n, fields.times)
    place = {name: k for k, name in enumerate(_OUTCOMES)}
    left = np.eye(3 * n)
    for (y, x), value in LINKS.items():
        inner = x.removeprefix("W(").removesuffix(")")
        i, j = place[y] * n, place[inner] * n
        left[i : i + n, j : j + n] -= value * (W if x.startswith("W(") else np.eye(n))
    errors = np.asarray(np.linalg.inv(np.eye(n) - RHO * W), dtype=np.float64)
    common = rng.standard_t(6, size=(n, t)) / np.sqrt(1.5)
    specialised = 0.45 * fields.unit(0.6) - 0.5 * size + 0.75 * fields.unit(0.6)
    level = np.exp(0.8 * specialised)
    level = np.minimum(level / level.mean(), 4) ** 0.7
    shocks = {
        "ER": 1.55 * common,
        "PSS": 0.35 * level * (0.4 * common + rng.normal(size=(n, t))),
        "PSD": 0.045 * (-0.3 * common + rng.normal(size=(n, t))),
    }
    years = {
        name: np.cumsum(rng.normal(0, sd, t))[None]
        for name, sd in zip(_OUTCOMES, (0.3, 0.03, 0.008), strict=True)
    }
    right = []
    for name in _OUTCOMES:
        parts = [b * columns[c] for c, b in SLOPES[name].items()]
        parts += [value * own[z] for (y, z), value in OWN.items() if y == name]
        x = np.sum(parts, axis=0) + errors @ shocks[name]
        right.append(x - x.mean(axis=1, keepdims=True) + years[name] - years[name].mean())
    inverse = np.asarray(np.linalg.inv(left), dtype=np.float64)
    dev = (inverse @ np.vstack(right)).reshape(3, n, t)
    dev -= dev.mean(axis=2, keepdims=True)
    spread = fields.unit(0.5)
    dev = _extremes(dev, inverse, errors, spread)
    pss = placed(dev[1], np.sinh(1.15 * specialised), MOMENTS["PSS"]) + dev[1]
    # No more entropy than the first industry leaves.
    share = np.clip(pss * 0.0172, 1e-6, 0.9999)
    most = -share * np.log(share) - (1 - share) * np.log((1 - share) / (len(INDUSTRIES) - 1)) - 0.01
    shape = -np.exp(0.55 * (0.55 * specialised - 0.6 * size + 0.6 * fields.unit(0.3)))
    psd = placed(dev[2], shape, MOMENTS["PSD"], room=most) + dev[2]
    er = placed(dev[0], spread, MOMENTS["ER"], fill=False) + dev[0]
    return {"ER": er, "PSS": pss, "PSD": psd}


def _extremes(dev: Float, inverse: Float, errors: Float, spread: Float) -> Float:
    """Add one crisis and one boom, single shocks to ER, so that its extremes are the printed ones."""
    _, n, t = dev.shape
    mean, sd, low, high = MOMENTS["ER"]
    now = dev[0] + mean + np.sqrt(max(sd**2 - float((dev[0] ** 2).mean()), 0.01)) * spread
    for cell, aim in ((int(now.argmin()), low), (int(now.argmax()), high)):
        i, year = divmod(cell, t)
        shock = np.zeros((3 * n, t))
        shock[:n, year] = errors[:, i]
        path = (inverse @ shock).reshape(3, n, t)
        path -= path.mean(axis=2, keepdims=True)
        dev = dev + path * (aim - now[i, year]) / path[0, i, year]
    return np.asarray(dev)


def _interaction(fields: Fields) -> tuple[Float, dict[str, Float]]:
    """Draw the outcome of Table 10, censored at zero; one factor is correlated with the unit effect."""
    effect = fields.unit(0.2)
    factors = {name: 0.6 * fields.unit(0.4) + 0.5 * fields.moving(0.5) for name in TOBIT}
    factors["LnMar"] = factors["LnMar"] * 0.25
    factors["LnTra"] = factors["LnTra"] * 0.25
    factors["LnTec"] = factors["LnTec"] + 0.4 * effect
    latent = 2.2 + 1.0 * effect + 1.2 * fields.rng.normal(size=(fields.n, fields.times))
    latent = latent + np.sum([value * factors[name] for name, value in TOBIT.items()], axis=0)
    return np.maximum(latent, 0), factors


def _tiers(cities: Any, size: Float) -> NDArray[np.int64]:
    """Return the tier of each city, 1 to 4."""
    level = cities["level"].to_numpy()
    above = np.isin(level, ["provincial capital", "sub-provincial"])
    rest = np.where(size[:, 0] > np.median(size), 3, 4)
    return np.asarray(np.where(level == "municipality", 1, np.where(above, 2, rest)))


def _tables(
    cities: Any, jobs: Float, nation: Float, rng: np.random.Generator
) -> tuple[dict[str, Panel], dict[str, pd.DataFrame]]:
    """Return employment and output, (N, T + 1, 19), as panels, with the nation's."""
    times = [YEARS[0] - 1, *YEARS]
    productivity = np.exp(rng.normal(2.5, 0.5, len(INDUSTRIES)) + 0.05 * np.arange(len(times))[:, None])
    noise = np.exp(0.15 * rng.normal(size=(len(cities), 1, len(INDUSTRIES))))
    found = {"jobs": (jobs, nation), "output": (jobs * productivity * noise, nation * productivity)}
    tables, references = {}, {}
    for name, (values, total) in found.items():
        columns = {industry: values[:, :, k] for k, industry in enumerate(INDUSTRIES)}
        frame = rows_of(cities, times, columns)
        tables[name] = Panel.from_frame(frame.reset_index(), unit="adcode", time="year")
        references[name] = pd.DataFrame(total, pd.Index(times, name="year"), list(INDUSTRIES))
    return tables, references


LABELS = {
    "Gov": ("Government", "政府干预"),
    "PGDP": ("GDP per capita (log)", "人均地区生产总值（对数）"),
    "Fdi": ("Foreign investment", "外商直接投资"),
    "Fix_cap": ("Fixed investment", "固定资产投资"),
    "RD": ("Research", "研发投入"),
    "HumCap": ("Human capital (log)", "人力资本（对数）"),
    "Rd": ("Roads (log)", "道路（对数）"),
    "Popden": ("Population density (log)", "人口密度（对数）"),
    "Market": ("Market size (log)", "市场规模（对数）"),
    "shock": ("Shift-share shock", "份额移动冲击"),
    "rail1933": ("Railway in 1933", "1933 年铁路"),
    "dens1984": ("Density in 1984 (log)", "1984 年人口密度（对数）"),
    "rail_shift": ("National rail freight", "全国铁路货运"),
    "dens_shift": ("National services", "全国服务业"),
    "tier": ("Tier", "城市等级"),
    "LnHsh": ("Household size", "家庭规模"),
    "LnFdi": ("Foreign investment (log)", "外商投资（对数）"),
    "LnMar": ("Market (log)", "市场规模（对数）"),
    "LnTra": ("Transport (log)", "交通（对数）"),
    "LnDen": ("Density (log)", "密度（对数）"),
    "LnCin": ("Investment in the city (log)", "城市投资（对数）"),
    "LnTec": ("Technology (log)", "技术（对数）"),
    "LnPro": ("Productivity (log)", "生产率（对数）"),
    "Interact": ("Interaction", "交互作用"),
}
