"""Gaps in years, absorbed columns, unbalanced panels, spatial panels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.ground import moran_by_hand, noise, panel, rook_w, rooks, slope_by_dummies
from audit.question import REFUSE, question

FAMILY = "Panels: gaps, absorbed columns, missing rows, stacking"


def _gap() -> pd.DataFrame:
    """Unit 0 lacks the year 2003; x of unit 0 in 2002 is 5 and in 2004 it is 9."""
    frame = panel()
    frame.loc[(frame["unit"] == 0) & (frame["year"] == 2002), "x"] = 5.0
    frame.loc[(frame["unit"] == 0) & (frame["year"] == 2004), "x"] = 9.0
    return frame[~((frame["unit"] == 0) & (frame["year"] == 2003))]


@question(FAMILY, REFUSE)
class LagOverAGap:
    """The value of unit 0 one year before 2004, where 2003 is missing (2002 holds 5)."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_gap(), unit="unit", time="year").shift(["x"], 1)
        return rows.frame.filter(like="x").loc[(0, 2004)].iloc[-1]

    def pandas() -> float:
        frame = _gap()
        frame["before"] = frame.groupby("unit")["x"].shift(1)
        return frame.set_index(["unit", "year"]).loc[(0, 2004), "before"]

    def statsmodels() -> float:
        from statsmodels.tsa.tsatools import lagmat

        return lagmat(_gap().query("unit == 0")["x"].to_numpy(), 1)[2, 0]


@question(FAMILY, REFUSE)
class AbsorbedRegressor:
    """The slope of a column that does not vary within units, beside unit effects."""

    def spatial() -> float:
        import spatial as sp

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        rows = sp.read_panel(frame, unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x + z", rows).params.get(("y", "z"), np.nan)

    def pyfixest() -> float:
        import pyfixest

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        return pyfixest.feols("y ~ x + z | unit + year", frame).coef().get("z", np.nan)

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = panel().assign(z=lambda f: np.sin(f["unit"])).set_index(["unit", "year"])
        fit = PanelOLS(frame["y"], frame[["x", "z"]], entity_effects=True, time_effects=True).fit()
        return fit.params["z"]

    def panelbox() -> float:
        import panelbox

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        return panelbox.FixedEffects("y ~ x + z", frame, "unit", "year", time_effects=True).fit().params["z"]

    def statspai() -> float:
        import statspai

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        return statspai.panel(frame, "y ~ x + z", "unit", "year", method="twoway").params.get("z", np.nan)


@question(FAMILY, REFUSE)
class AbsorbedInstrument:
    """The IV slope whose only instrument does not vary within units, beside unit effects."""

    def spatial() -> float:
        import spatial as sp

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        rows = sp.read_panel(frame, unit="unit", time="year")
        return sp.models.fixed_effects("y ~ 1 | x ~ z", rows).params[("y", "x")]

    def pyfixest() -> float:
        import pyfixest

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        return pyfixest.feols("y ~ 1 | unit + year | x ~ z", frame).coef()["x"]

    def linearmodels() -> float:
        from linearmodels import IV2SLS

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        columns = ["y", "x", "z"]
        within = frame[columns] - frame.groupby("unit")[columns].transform("mean")
        return IV2SLS(within["y"], None, within[["x"]], within[["z"]]).fit().params["x"]

    def statspai() -> float:
        import statspai

        frame = panel().assign(z=lambda f: np.sin(f["unit"]))
        columns = ["y", "x", "z"]
        within = frame[columns] - frame.groupby("unit")[columns].transform("mean")
        return statspai.ivreg("y ~ (x ~ z)", within).params["x"]


def _holes() -> pd.DataFrame:
    """The panel without a third of its rows: effects of units and years are not orthogonal."""
    frame = panel()
    return frame[noise(len(frame), 9) > -0.4].reset_index(drop=True)


@question(FAMILY, lambda: slope_by_dummies(_holes()))
class TwoWaySlopeUnbalanced:
    """The two-way slope of a panel that lacks a third of its rows (effects must be iterated)."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_holes(), unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x", rows).params[("y", "x")]

    def pyfixest() -> float:
        import pyfixest

        return pyfixest.feols("y ~ x | unit + year", _holes()).coef()["x"]

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = _holes().set_index(["unit", "year"])
        return PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit().params["x"]

    def panelbox() -> float:
        import panelbox

        return panelbox.FixedEffects("y ~ x", _holes(), "unit", "year", time_effects=True).fit().params["x"]

    def statspai() -> float:
        import statspai

        return statspai.panel(_holes(), "y ~ x", "unit", "year", method="twoway").params["x"]


def _within_r2() -> float:
    """1 - RSS / TSS after both effects are taken out."""
    frame = panel()
    for by in ("unit", "year"):
        frame[["x", "y"]] -= frame.groupby(by)[["x", "y"]].transform("mean")
    slope = frame["x"] @ frame["y"] / (frame["x"] @ frame["x"])
    return float(1 - ((frame["y"] - slope * frame["x"]) ** 2).sum() / (frame["y"] ** 2).sum())


@question(FAMILY, _within_r2)
class WithinR2OfTwoWays:
    """The within R2 of a two-way regression: the share explained after both effects are out."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(panel(), unit="unit", time="year")
        glance = sp.models.fixed_effects("y ~ x", rows).glance()
        return glance.filter(like="within").iloc[0, 0]

    def pyfixest() -> float:
        import pyfixest

        return pyfixest.feols("y ~ x | unit + year", panel())._r2_within

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = panel().set_index(["unit", "year"])
        return (
            PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit().rsquared_within
        )

    def panelbox() -> float:
        import panelbox

        fit = panelbox.FixedEffects("y ~ x", panel(), "unit", "year", time_effects=True).fit()
        return fit.rsquared_within


def _trend() -> pd.DataFrame:
    """Noise without any pattern in space, plus a national trend: 49 units, 10 years."""
    year = np.tile(np.arange(10), 49)
    names = np.repeat([f"u{k:03d}" for k in range(49)], 10)
    return pd.DataFrame({"unit": names, "year": 2001 + year, "x": noise(490, 4) + 10.0 * year})


def _within_moran() -> float:
    wide = _trend().pivot(index="unit", columns="year", values="x")
    centred = (wide - wide.mean()).to_numpy()
    rows = rooks(7) / rooks(7).sum(axis=1, keepdims=True)
    return float((centred * (rows @ centred)).sum() / (centred**2).sum())


@question(FAMILY, _within_moran, tolerance=1e-6)
class PooledMoranOfATrend:
    """Moran's I of all years together, where noise without pattern rides on a national trend."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_trend(), unit="unit", time="year")
        pooled = sp.moran_panel(rows, ["x"], rook_w(7), permutations=99)
        return pooled[pooled["time"].astype(str).str.contains("pooled|all", case=False)]["I"].iloc[0]

    def esda() -> float:
        import esda
        from libpysal.weights import full2W

        stacked = _trend().sort_values(["year", "unit"])
        w = full2W(np.kron(np.eye(10), rooks(7)))
        return esda.Moran(stacked["x"].to_numpy(), w, permutations=0).I


def _spatial_panel(units: int = 20, times: int = 8) -> pd.DataFrame:
    """y = .5 Wy + x + unit effect + e on a grid of units x units, sorted by unit."""
    rng = np.random.default_rng(8)
    n = units * units
    rows = rooks(units) / rooks(units).sum(axis=1, keepdims=True)
    solve = np.linalg.inv(np.eye(n) - 0.5 * rows)
    effect, x = rng.standard_normal(n), rng.standard_normal((times, n))
    y = (x + effect + rng.standard_normal((times, n))) @ solve.T
    names = [f"u{k:03d}" for k in range(n)]
    blocks = [pd.DataFrame({"unit": names, "year": t, "y": y[t], "x": x[t]}) for t in range(times)]
    return pd.concat(blocks).sort_values(["unit", "year"], ignore_index=True)


@question(FAMILY, 0.5, tolerance=0.08)
class SpatialPanelSortedByUnit:
    """rho (true .5) of a fixed-effects lag panel whose long table is sorted by unit, not by year."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_spatial_panel(), unit="unit", time="year")
        return (
            sp.models.SpatialSystem("y ~ x + W(y)", rows, rook_w(20), effects="unit")
            .fit("2sls")
            .params[("y", "W(y)")]
        )

    def spreg() -> float:
        import spreg

        frame = _spatial_panel()
        return spreg.Panel_FE_Lag(frame[["y"]].to_numpy(), frame[["x"]].to_numpy(), rook_w(20)).rho

    def statspai() -> float:
        import statspai

        fit = statspai.spatial_panel(_spatial_panel(), "y ~ x", "unit", "year", rooks(20))
        return fit.params["rho"]

    def panelbox() -> float:
        from panelbox.models.spatial import SpatialLag

        rows = rooks(20) / rooks(20).sum(axis=1, keepdims=True)
        return SpatialLag("y ~ x", _spatial_panel(), "unit", "year", W=rows).fit().params["rho"]


@question(FAMILY, 0.5, tolerance=0.08)
class SpatialPanelUnsortedUnits:
    """The same, where the table meets the units in another order than the weights."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_spatial_panel().iloc[::-1], unit="unit", time="year")
        return (
            sp.models.SpatialSystem("y ~ x + W(y)", rows, rook_w(20), effects="unit")
            .fit("2sls")
            .params[("y", "W(y)")]
        )

    def spreg() -> float:
        import spreg

        order = np.random.default_rng(3).permutation(400)
        frame = _spatial_panel()
        wide = [frame.pivot(index="unit", columns="year", values=v).to_numpy()[order] for v in ("y", "x")]
        return spreg.Panel_FE_Lag(*wide, rook_w(20)).rho

    def statspai() -> float:
        import statspai

        frame = _spatial_panel()
        code = np.random.default_rng(3).permutation(400)  # the units' codes are not in the order of W
        frame["unit"] = code[frame["unit"].str[1:].astype(int)]
        return statspai.spatial_panel(frame, "y ~ x", "unit", "year", rooks(20)).params["rho"]

    def panelbox() -> float:
        from panelbox.models.spatial import SpatialLag

        frame = _spatial_panel()
        code = np.random.default_rng(3).permutation(400)
        frame["unit"] = code[frame["unit"].str[1:].astype(int)]
        rows = rooks(20) / rooks(20).sum(axis=1, keepdims=True)
        return SpatialLag("y ~ x", frame, "unit", "year", W=rows).fit().params["rho"]


@question(FAMILY, 1.0, tolerance=0.12)
class VarianceOfAShortPanel:
    """The error variance (true 1) of a fixed-effects lag panel with two years."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_spatial_panel(times=2), unit="unit", time="year")
        fit = sp.models.SpatialSystem("y ~ x + W(y)", rows, rook_w(20), effects="unit").fit("2sls")
        return float(np.asarray(fit.sigma).ravel()[0])

    def spreg() -> float:
        import spreg

        frame = _spatial_panel(times=2)
        wide = [frame.pivot(index="unit", columns="year", values=v).to_numpy() for v in ("y", "x")]
        return spreg.Panel_FE_Lag(*wide, rook_w(20)).sig2.item()

    def statspai() -> float:
        import statspai

        return statspai.spatial_panel(_spatial_panel(times=2), "y ~ x", "unit", "year", rooks(20)).sigma2

    def panelbox() -> float:
        from panelbox.models.spatial import SpatialLag

        rows = rooks(20) / rooks(20).sum(axis=1, keepdims=True)
        fit = SpatialLag("y ~ x", _spatial_panel(times=2), "unit", "year", W=rows).fit()
        return fit.sigma2


@question(FAMILY, REFUSE)
class MoranOfStackedPanel:
    """Moran's I of 98 values (two years stacked) with the weights of 49 units."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(noise(98), rook_w(7), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(noise(98), rook_w(7), permutations=0).I


def _hand() -> float:
    return moran_by_hand(noise(49), rooks(7))


@question(FAMILY, _hand)
class MoranOfAColumnMatrix:
    """Moran's I of values given as a matrix of one column."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(noise(49)[:, None], rook_w(7), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(noise(49)[:, None], rook_w(7), permutations=0).I
