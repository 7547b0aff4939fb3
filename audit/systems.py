"""Systems: what is not identified, instruments that differ between equations, islands, several outcomes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.ground import noise, rook_w, rooks
from audit.question import REFUSE, question

FAMILY = "Systems and spatial models: identification, instruments, islands"


def _ring(n: int = 400) -> pd.DataFrame:
    """Two outcomes of each other with x in both equations: no instrument in the world tells them apart."""
    rng = np.random.default_rng(1)
    x, e = rng.standard_normal(n), rng.standard_normal((n, 2))
    solved = np.linalg.solve(np.array([[1, -0.4], [-0.3, 1]]), (np.outer(x, [1.0, 2.0]) + e).T).T
    return pd.DataFrame({"a": solved[:, 0], "b": solved[:, 1], "x": x}, index=[f"u{k:03d}" for k in range(n)])


@question(FAMILY, REFUSE)
class UnidentifiedPair:
    """The effect of b on a where both equations hold the same exogenous column."""

    def spatial() -> float:
        import spatial as sp

        return sp.models.SpatialSystem(["a ~ b + x", "b ~ a + x"], _ring()).fit("3sls").params[("a", "b")]

    def spreg() -> float:
        import spreg

        d = _ring()
        y, x, end = (
            [d[[c]].to_numpy() for c in "ab"],
            [d[["x"]].to_numpy()] * 2,
            [d[[c]].to_numpy() for c in "ba"],
        )
        return (
            spreg.ThreeSLS(*({k: v[k] for k in (0, 1)} for v in (y, x, end)), {k: x[k] for k in (0, 1)})
            .b3SLS[0][-1]
            .item()
        )

    def linearmodels() -> float:
        from linearmodels import IV3SLS

        d = _ring().assign(c=1.0)
        equations = {
            "a": {"dependent": d["a"], "exog": d[["c", "x"]], "endog": d["b"], "instruments": d[["x"]]},
            "b": {"dependent": d["b"], "exog": d[["c", "x"]], "endog": d["a"], "instruments": d[["x"]]},
        }
        return IV3SLS(equations).fit().params["a_b"]


@question(FAMILY, REFUSE)
class SpatialPairWithoutOwnColumns:
    """The same pair with spatial lags of both outcomes in both equations, as city papers write it."""

    def spatial() -> float:
        import spatial as sp

        formulas = ["a ~ b + W(a) + W(b) + x", "b ~ a + W(a) + W(b) + x"]
        return sp.models.SpatialSystem(formulas, _ring(), rook_w(20)).fit("gs3sls").params[("a", "b")]

    def spreg() -> float:
        import spreg
        from libpysal.weights import lag_spatial

        d, w = _ring(), rook_w(20)
        lag = {c: lag_spatial(w, d[[c]].to_numpy()) for c in "abx"}
        twice = np.hstack([lag["x"], lag_spatial(w, lag["x"])])
        end = {k: np.hstack([d[[o]].to_numpy(), lag["a"], lag["b"]]) for k, o in enumerate("ba")}
        y, x = {k: d[[c]].to_numpy() for k, c in enumerate("ab")}, {k: d[["x"]].to_numpy() for k in (0, 1)}
        q = {k: np.hstack([twice, lag_spatial(w, twice[:, 1:])]) for k in (0, 1)}
        return spreg.ThreeSLS(y, x, end, q).b3SLS[0][2].item()


def _two_instruments(n: int = 20000) -> pd.DataFrame:
    """y1 = .5 p + e1, p moves with z1; y2 = q + e2, q moves with z2; z2 is correlated with e1."""
    rng = np.random.default_rng(2)
    e = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], n)
    z1, fresh = rng.standard_normal((2, n))
    z2 = fresh + 0.8 * e[:, 0] - 0.56 * e[:, 1]  # uncorrelated with e2, correlated with e1
    p, q = z1 + e[:, 0], z2 + e[:, 1]
    return pd.DataFrame({"y1": 0.5 * p + e[:, 0], "y2": q + e[:, 1], "p": p, "q": q, "z1": z1, "z2": z2})


@question(FAMILY, 0.5, tolerance=0.03)
class OwnInstrumentsFirstEquation:
    """The slope of the first of two equations (true .5); the second's instrument is not valid in it."""

    def spatial() -> float:
        import spatial as sp

        formulas = ["y1 ~ 1 | p ~ z1", "y2 ~ 1 | q ~ z2"]
        return sp.models.SpatialSystem(formulas, _two_instruments()).fit("3sls").params[("y1", "p")]

    def spreg() -> float:
        import spreg

        d = _two_instruments()
        y, end, q = (
            {k: d[[c]].to_numpy() for k, c in enumerate(pair)} for pair in (("y1", "y2"), "pq", ("z1", "z2"))
        )
        x = {k: np.ones((len(d), 0)) for k in (0, 1)}
        return spreg.ThreeSLS(y, x, end, q).b3SLS[0][-1].item()

    def linearmodels() -> float:
        from linearmodels import IV3SLS

        d = _two_instruments().assign(c=1.0)
        equations = {
            "one": {"dependent": d["y1"], "exog": d[["c"]], "endog": d["p"], "instruments": d[["z1"]]},
            "two": {"dependent": d["y2"], "exog": d[["c"]], "endog": d["q"], "instruments": d[["z2"]]},
        }
        return IV3SLS(equations).fit().params["one_p"]

    def linearmodels_gmm() -> float:
        from linearmodels import IVSystemGMM

        d = _two_instruments().assign(c=1.0)
        equations = {
            "one": {"dependent": d["y1"], "exog": d[["c"]], "endog": d["p"], "instruments": d[["z1"]]},
            "two": {"dependent": d["y2"], "exog": d[["c"]], "endog": d["q"], "instruments": d[["z2"]]},
        }
        return IVSystemGMM(equations).fit().params["one_p"]


@question(FAMILY, 1.0, tolerance=0.03)
class OwnInstrumentsSecondEquation:
    """The slope of the second of the two (true 1), whose own instrument is valid in it."""

    def spatial() -> float:
        import spatial as sp

        formulas = ["y1 ~ 1 | p ~ z1", "y2 ~ 1 | q ~ z2"]
        return sp.models.SpatialSystem(formulas, _two_instruments()).fit("3sls").params[("y2", "q")]

    def spreg() -> float:
        import spreg

        d = _two_instruments()
        y, end, q = (
            {k: d[[c]].to_numpy() for k, c in enumerate(pair)} for pair in (("y1", "y2"), "pq", ("z1", "z2"))
        )
        x = {k: np.ones((len(d), 0)) for k in (0, 1)}
        return spreg.ThreeSLS(y, x, end, q).b3SLS[1][-1].item()

    def linearmodels() -> float:
        from linearmodels import IV3SLS

        d = _two_instruments().assign(c=1.0)
        equations = {
            "one": {"dependent": d["y1"], "exog": d[["c"]], "endog": d["p"], "instruments": d[["z1"]]},
            "two": {"dependent": d["y2"], "exog": d[["c"]], "endog": d["q"], "instruments": d[["z2"]]},
        }
        return IV3SLS(equations).fit().params["two_q"]

    def linearmodels_gmm() -> float:
        from linearmodels import IVSystemGMM

        d = _two_instruments().assign(c=1.0)
        equations = {
            "one": {"dependent": d["y1"], "exog": d[["c"]], "endog": d["p"], "instruments": d[["z1"]]},
            "two": {"dependent": d["y2"], "exog": d[["c"]], "endog": d["q"], "instruments": d[["z2"]]},
        }
        return IVSystemGMM(equations).fit().params["two_q"]


def _sample() -> pd.DataFrame:
    rows = rooks(20) / rooks(20).sum(axis=1, keepdims=True)
    x = noise(400, 2)
    y = np.linalg.solve(np.eye(400) - 0.6 * rows, 2 * x + 0.3 * noise(400, 3))
    return pd.DataFrame({"y": y, "x": x}, index=[f"u{k:03d}" for k in range(400)])


@question(FAMILY, REFUSE)
class LagModelWithMissing:
    """rho of a lag model where one x is missing."""

    def spatial() -> float:
        import spatial as sp

        data = _sample()
        data.loc["u010", "x"] = np.nan
        return sp.models.SpatialSystem("y ~ x + W(y)", data, rook_w(20)).fit("2sls").params[("y", "W(y)")]

    def spreg() -> float:
        import spreg

        data = _sample()
        data.loc["u010", "x"] = np.nan
        return spreg.GM_Lag(data[["y"]].to_numpy(), data[["x"]].to_numpy(), w=rook_w(20)).betas[-1].item()

    def spreg_ml() -> float:
        import spreg

        data = _sample()
        data.loc["u010", "x"] = np.nan
        return spreg.ML_Lag(data[["y"]].to_numpy(), data[["x"]].to_numpy(), w=rook_w(20)).rho

    def statspai() -> float:
        import statspai

        data = _sample()
        data.loc["u010", "x"] = np.nan
        return statspai.sar(rooks(20), data, "y ~ x").params["rho"]


@question(FAMILY, REFUSE)
class LagModelOfAnotherMap:
    """rho of a lag model whose weights name other units than the data."""

    def spatial() -> float:
        import spatial as sp

        data = _sample().rename(index="other {}".format)
        return sp.models.SpatialSystem("y ~ x + W(y)", data, rook_w(20)).fit("2sls").params[("y", "W(y)")]

    def spreg() -> float:
        import spreg

        data = _sample().rename(index="other {}".format)
        return spreg.GM_Lag(data["y"], data[["x"]], w=rook_w(20)).betas[-1].item()


@question(FAMILY, REFUSE)
class CollinearRegressors:
    """The slope of x beside 2 x."""

    def spatial() -> float:
        import spatial as sp

        data = _sample().assign(x2=lambda d: 2 * d["x"])
        return sp.models.SpatialSystem("y ~ x + x2", data).fit("2sls").params[("y", "x")]

    def spreg() -> float:
        import spreg

        data = _sample().assign(x2=lambda d: 2 * d["x"])
        return spreg.OLS(data[["y"]].to_numpy(), data[["x", "x2"]].to_numpy()).betas[1].item()

    def statsmodels() -> float:
        import statsmodels.api as sm

        data = _sample().assign(x2=lambda d: 2 * d["x"])
        return sm.OLS(data["y"], sm.add_constant(data[["x", "x2"]])).fit().params["x"]

    def linearmodels() -> float:
        from linearmodels import IV2SLS

        data = _sample().assign(x2=lambda d: 2 * d["x"], c=1.0)
        return IV2SLS(data["y"], data[["c", "x", "x2"]], None, None).fit().params["x"]

    def statspai() -> float:
        import statspai

        data = _sample().assign(x2=lambda d: 2 * d["x"])
        return statspai.regress("y ~ x + x2", data).params.get("x", np.nan)


def _total() -> float:
    """The average total impact 2 / (1 - .6) of the process."""
    return 5.0


@question(FAMILY, _total, tolerance=0.4)
class TotalImpactOfTheLagModel:
    """The average total impact of x (true 5) in the lag model."""

    def spatial() -> float:
        import spatial as sp

        fit = sp.models.SpatialSystem("y ~ x + W(y)", _sample(), rook_w(20)).fit("2sls")
        impacts = fit.impacts(draws=0).tidy()
        return impacts.query("effect == 'total' and term == 'x'")["estimate"].iloc[0]

    def spreg() -> float:
        import spreg

        data = _sample()
        fit = spreg.GM_Lag(data[["y"]].to_numpy(), data[["x"]].to_numpy(), w=rook_w(20), spat_impacts="full")
        return float(np.ravel(fit.sp_multipliers["full"])[-1] * fit.betas[1].item())

    def statspai() -> float:
        import statspai

        fit = statspai.sar(rooks(20), _sample(), "y ~ x")
        return fit.params["x"] / (1 - fit.params["rho"])
