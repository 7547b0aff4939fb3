"""Units of measurement: yuan and shares, tiny and huge numbers, few bits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.alignment import _lag_model
from audit.ground import moran_by_hand, panel, rook_w, rooks, slope_by_dummies, values
from audit.question import REFUSE, question

FAMILY = "Scales: yuan and shares, few bits, whole numbers that wrap"
SIDE = 7


def _moran() -> float:
    return moran_by_hand(values(SIDE).to_numpy(), rooks(SIDE))


@question(FAMILY, _moran)
class MoranOfTinyValues:
    """Moran's I of values of the size 1e-170, whose squares underflow."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(values(SIDE).to_numpy() * 1e-170, rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(values(SIDE).to_numpy() * 1e-170, rook_w(SIDE), permutations=0).I

    def statspai() -> float:
        import statspai

        return statspai.moran(values(SIDE).to_numpy() * 1e-170, rook_w(SIDE), permutations=0).value


@question(FAMILY, _moran)
class MoranOfHugeValues:
    """Moran's I of values of the size 1e200, whose squares overflow."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(values(SIDE).to_numpy() * 1e200, rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(values(SIDE).to_numpy() * 1e200, rook_w(SIDE), permutations=0).I

    def statspai() -> float:
        import statspai

        return statspai.moran(values(SIDE).to_numpy() * 1e200, rook_w(SIDE), permutations=0).value


@question(FAMILY, REFUSE)
class MoranPValueOfHugeValues:
    """The p-value printed beside a Moran's I that overflowed (values of 1e200); without I there is none."""

    def spatial() -> float:
        import spatial as sp

        result = sp.moran(values(SIDE).to_numpy() * 1e200, rook_w(SIDE))
        return result.p_sim if np.isnan(result.I) else float("nan")

    def esda() -> float:
        import esda

        result = esda.Moran(values(SIDE).to_numpy() * 1e200, rook_w(SIDE))
        return result.p_sim if np.isnan(result.I) else float("nan")


@question(FAMILY, _moran, tolerance=1e-6)
class MoranFarFromZero:
    """Moran's I of values around 1e9 that vary by one."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(values(SIDE).to_numpy() + 1e9, rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(values(SIDE).to_numpy() + 1e9, rook_w(SIDE), permutations=0).I

    def statspai() -> float:
        import statspai

        return statspai.moran(values(SIDE).to_numpy() + 1e9, rook_w(SIDE), permutations=0).value


def _bytes() -> np.ndarray:
    """Small whole numbers, as a raster holds them."""
    return ((values(SIDE).to_numpy() * 40).round() + 120).clip(0, 255).astype(np.uint8)


def _geary() -> float:
    x, links = _bytes().astype(float), rooks(SIDE)
    rows = links / links.sum(axis=1, keepdims=True)
    z = x - x.mean()
    return float((len(x) - 1) * (rows * (x[:, None] - x) ** 2).sum() / (2 * rows.sum() * (z @ z)))


@question(FAMILY, _geary)
class GearyOfBytes:
    """Geary's C of whole numbers of 8 bits without a sign, whose differences wrap."""

    def spatial() -> float:
        import spatial as sp

        return sp.geary(_bytes(), rook_w(SIDE), permutations=0).C

    def esda() -> float:
        import esda

        return esda.Geary(_bytes(), rook_w(SIDE), permutations=0).C

    def statspai() -> float:
        import statspai

        return statspai.geary(_bytes(), rook_w(SIDE), permutations=0).value


def _general() -> float:
    x, links = _bytes().astype(float), rooks(SIDE)
    return float(x @ links @ x / (x.sum() ** 2 - (x**2).sum()))


@question(FAMILY, _general)
class GeneralGOfBytes:
    """General G of whole numbers of 8 bits, whose products wrap."""

    def spatial() -> float:
        import spatial as sp

        w = rook_w(SIDE)
        w.transform = "b"
        return sp.general_g(_bytes(), w, permutations=0).G

    def esda() -> float:
        import esda

        w = rook_w(SIDE)
        w.transform = "b"
        return esda.G(_bytes(), w, permutations=0).G


@question(FAMILY, _moran, tolerance=1e-4)
class MoranOfHalfPrecision:
    """Moran's I of 4 (1e3 + x) held in 32 bits, where four digits of x are left."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(
            (4 * (1e3 + values(SIDE).to_numpy())).astype(np.float32), rook_w(SIDE), permutations=0
        ).I

    def esda() -> float:
        import esda

        return esda.Moran(
            (4 * (1e3 + values(SIDE).to_numpy())).astype(np.float32), rook_w(SIDE), permutations=0
        ).I


def _yuan() -> pd.DataFrame:
    """GDP in yuan: x and y of the size 1e12."""
    frame = panel()
    frame["x"], frame["y"] = (frame["x"] + 5) * 1e12, frame["y"] * 1e12
    return frame


def _share() -> pd.DataFrame:
    """A share of the size 1e-9 on the right."""
    frame = panel()
    frame["x"] *= 1e-9
    return frame


@question(FAMILY, lambda: slope_by_dummies(_yuan()), tolerance=1e-6)
class TwoWaySlopeInYuan:
    """A two-way slope where both sides are in yuan (1e12)."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_yuan(), unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x", rows).params[("y", "x")]

    def pyfixest() -> float:
        import pyfixest

        return pyfixest.feols("y ~ x | unit + year", _yuan()).coef()["x"]

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = _yuan().set_index(["unit", "year"])
        return PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit().params["x"]

    def panelbox() -> float:
        import panelbox

        return panelbox.FixedEffects("y ~ x", _yuan(), "unit", "year", time_effects=True).fit().params["x"]

    def statspai() -> float:
        import statspai

        return statspai.panel(_yuan(), "y ~ x", "unit", "year", method="twoway").params["x"]


@question(FAMILY, lambda: slope_by_dummies(_share()) / 1e9, tolerance=1e-6)
class TwoWaySlopeOfTinyShare:
    """A two-way slope, divided by 1e9, where the regressor is of the size 1e-9."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_share(), unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x", rows).params[("y", "x")] / 1e9

    def pyfixest() -> float:
        import pyfixest

        return pyfixest.feols("y ~ x | unit + year", _share()).coef()["x"] / 1e9

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = _share().set_index(["unit", "year"])
        fit = PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit()
        return fit.params["x"] / 1e9

    def panelbox() -> float:
        import panelbox

        fit = panelbox.FixedEffects("y ~ x", _share(), "unit", "year", time_effects=True).fit()
        return fit.params["x"] / 1e9

    def statspai() -> float:
        import statspai

        return statspai.panel(_share(), "y ~ x", "unit", "year", method="twoway").params["x"] / 1e9


def _lifted(by: float) -> pd.DataFrame:
    frame = _lag_model()
    return frame.assign(y=frame["y"] + by)


@question(FAMILY, 0.6, tolerance=0.05)
class LagModelFarFromZero:
    """The lag model's rho (true .6) where 1e6 is added to the outcome, which changes the intercept alone."""

    def spatial() -> float:
        import spatial as sp

        return (
            sp.models.SpatialSystem("y ~ x + W(y)", _lifted(1e6), rook_w(20))
            .fit("2sls")
            .params[("y", "W(y)")]
        )

    def spreg() -> float:
        import spreg

        frame = _lifted(1e6)
        return spreg.GM_Lag(frame[["y"]].to_numpy(), frame[["x"]].to_numpy(), w=rook_w(20)).betas[-1].item()

    def spreg_ml() -> float:
        import spreg

        frame = _lifted(1e6)
        return spreg.ML_Lag(frame[["y"]].to_numpy(), frame[["x"]].to_numpy(), w=rook_w(20)).rho

    def statspai() -> float:
        import statspai

        return statspai.sar(rooks(20), _lifted(1e6), "y ~ x").params["rho"]


def _float_ids() -> pd.DataFrame:
    """Codes of nine digits in floats of 32 bits: 110000001 and 110000002 are one number there."""
    frame = panel()
    frame["unit"] = (110000000 + frame["unit"]).astype(np.float32)
    return frame


@question(FAMILY, REFUSE)
class NineDigitIdsInStataFloats:
    """A two-way slope where 30 units' nine-digit codes collapse to fewer in 32-bit floats."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(_float_ids(), unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x", rows).params[("y", "x")]

    def pyfixest() -> float:
        import pyfixest

        return pyfixest.feols("y ~ x | unit + year", _float_ids()).coef()["x"]

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = _float_ids().set_index(["unit", "year"])
        return PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit().params["x"]

    def panelbox() -> float:
        import panelbox

        return (
            panelbox.FixedEffects("y ~ x", _float_ids(), "unit", "year", time_effects=True).fit().params["x"]
        )


def _comma() -> pd.Series:
    """A yearbook's text column with decimal commas."""
    return values(SIDE).map(lambda v: f"{v:.6f}".replace(".", ","))


@question(FAMILY, REFUSE)
class DecimalCommas:
    """Moran's I of a text column with decimal commas ("0,512"), not declared as such."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(_comma(), rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(_comma(), rook_w(SIDE), permutations=0).I
