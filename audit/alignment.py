"""Rows in another order, names that do not match, names twice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.ground import (
    moran_by_hand,
    noise,
    panel,
    rook_w,
    rooks,
    shuffled,
    slope_by_dummies,
    squares,
    values,
)
from audit.question import REFUSE, question

FAMILY = "Alignment: rows in another order, ids that do not match"
SIDE = 7


def _moran() -> float:
    return moran_by_hand(values(SIDE).to_numpy(), rooks(SIDE))


@question(FAMILY, _moran)
class MoranShuffledSeries:
    """Moran's I of a Series by unit whose rows stand in another order than the weights."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).I

    def statspai() -> float:
        import statspai

        return statspai.moran(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).value


@question(FAMILY, REFUSE)
class MoranOfAnotherMap:
    """Moran's I of 49 units with the weights of another 49 units (no name in common)."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(values(SIDE).rename(index="other {}".format), rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(values(SIDE).rename(index="other {}".format), rook_w(SIDE), permutations=0).I

    def statspai() -> float:
        import statspai

        return statspai.moran(
            values(SIDE).rename(index="other {}".format), rook_w(SIDE), permutations=0
        ).value


@question(FAMILY, REFUSE)
class MoranOneIdRenamed:
    """One unit of the Series has a name that the weights do not know."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(values(SIDE).rename({"u010": "u010 "}), rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(values(SIDE).rename({"u010": "u010 "}), rook_w(SIDE), permutations=0).I


@question(FAMILY, REFUSE)
class MoranIdTwice:
    """Two rows of the Series carry one name."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(values(SIDE).rename({"u010": "u011"}), rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        return esda.Moran(values(SIDE).rename({"u010": "u011"}), rook_w(SIDE), permutations=0).I


def _geary() -> float:
    x, links = values(SIDE).to_numpy(), rooks(SIDE)
    rows = links / links.sum(axis=1, keepdims=True)
    z = x - x.mean()
    return float((len(x) - 1) * (rows * (x[:, None] - x) ** 2).sum() / (2 * rows.sum() * (z @ z)))


@question(FAMILY, _geary)
class GearyShuffledSeries:
    """Geary's C of a Series in another order than the weights."""

    def spatial() -> float:
        import spatial as sp

        return sp.geary(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).C

    def esda() -> float:
        import esda

        return esda.Geary(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).C

    def statspai() -> float:
        import statspai

        return statspai.geary(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).value


def _local() -> float:
    x, links = values(SIDE).to_numpy(), rooks(SIDE)
    z = (x - x.mean()) / x.std()
    return float(z[24] * (links[24] / links[24].sum()) @ z)


@question(FAMILY, _local, tolerance=0.05)  # programs divide by n or n - 1
class LocalMoranShuffledSeries:
    """The local Moran of the middle unit, u024, from a Series in another order."""

    def spatial() -> float:
        import spatial as sp

        return sp.local_moran(shuffled(values(SIDE)), rook_w(SIDE), permutations=99).frame.loc["u024", "Ii"]

    def esda() -> float:
        import esda

        return esda.Moran_Local(shuffled(values(SIDE)), rook_w(SIDE), permutations=0).Is[24]

    def statspai() -> float:
        import statspai

        return statspai.moran_local(shuffled(values(SIDE)), rook_w(SIDE), permutations=99)["Is"][24]


def _lag() -> float:
    links = rooks(SIDE)
    return float(links[24] / links[24].sum() @ values(SIDE).to_numpy())


@question(FAMILY, _lag)
class LagShuffledSeries:
    """The mean of the neighbours of u024, from a Series in another order."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.Weights.from_w(rook_w(SIDE)).lag(shuffled(values(SIDE)))["u024"]

    def libpysal() -> float:
        from libpysal.weights import lag_spatial

        return lag_spatial(rook_w(SIDE), shuffled(values(SIDE)))[24]

    def libpysal_graph() -> float:
        from libpysal.graph import Graph

        return Graph.from_W(rook_w(SIDE)).lag(shuffled(values(SIDE)))[24]


def _bivariate() -> float:
    x, y, links = values(SIDE).to_numpy(), values(SIDE, 5).to_numpy(), rooks(SIDE)
    rows = links / links.sum(axis=1, keepdims=True)
    return float(((x - x.mean()) / x.std()) @ rows @ ((y - y.mean()) / y.std()) / len(x))


@question(FAMILY, _bivariate, tolerance=1e-3)
class BivariateTwoOrders:
    """Bivariate Moran of two Series that stand in different orders."""

    def spatial() -> float:
        import spatial as sp

        return sp.bivariate_moran(values(SIDE), shuffled(values(SIDE, 5)), rook_w(SIDE), permutations=99).I

    def esda() -> float:
        import esda

        return esda.Moran_BV(values(SIDE), shuffled(values(SIDE, 5)), rook_w(SIDE), permutations=0).I


def _joins() -> float:
    high = (values(SIDE) > 0).to_numpy(float)
    return float(high @ rooks(SIDE) @ high / 2)


@question(FAMILY, _joins)
class JoinCountsShuffledSeries:
    """Joins of two units above zero (BB), from a Series in another order."""

    def spatial() -> float:
        import spatial as sp

        w = rook_w(SIDE)
        w.transform = "b"
        return sp.join_counts((shuffled(values(SIDE)) > 0).astype(int), w, permutations=99).BB

    def esda() -> float:
        import esda

        w = rook_w(SIDE)
        w.transform = "b"
        return esda.Join_Counts((shuffled(values(SIDE)) > 0).astype(int), w, permutations=0).bb


def _lag_model(seed: int = 2) -> pd.DataFrame:
    """y = .6 Wy + 2 x + e on a large grid, as a frame by unit."""
    links = rooks(20)
    rows = links / links.sum(axis=1, keepdims=True)
    x = noise(400, seed)
    y = np.linalg.solve(np.eye(400) - 0.6 * rows, 2 * x + 0.3 * noise(400, seed + 1))
    return pd.DataFrame({"y": y, "x": x}, index=[f"u{k:03d}" for k in range(400)])


@question(FAMILY, 0.6, tolerance=0.05)
class LagModelShuffledFrame:
    """The spatial lag model's rho (true .6) from a data frame in another order than the weights."""

    def spatial() -> float:
        import spatial as sp

        return (
            sp.models.SpatialSystem("y ~ x + W(y)", shuffled(_lag_model()), rook_w(20))
            .fit("2sls")
            .params[("y", "W(y)")]
        )

    def spreg() -> float:
        import spreg

        frame = shuffled(_lag_model())
        return spreg.GM_Lag(frame["y"], frame[["x"]], w=rook_w(20)).betas[-1].item()

    def statspai() -> float:
        import statspai

        return statspai.sar(rooks(20), shuffled(_lag_model()), "y ~ x").params["rho"]


@question(FAMILY, lambda: slope_by_dummies(panel()))
class TwoWaySlopeShuffledRows:
    """A two-way slope from a long panel whose rows are shuffled."""

    def spatial() -> float:
        import spatial as sp

        rows = sp.read_panel(shuffled(panel()), unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x", rows).params[("y", "x")]

    def pyfixest() -> float:
        import pyfixest

        return pyfixest.feols("y ~ x | unit + year", shuffled(panel())).coef()["x"]

    def linearmodels() -> float:
        from linearmodels import PanelOLS

        frame = shuffled(panel()).set_index(["unit", "year"])
        return PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit().params["x"]

    def panelbox() -> float:
        import panelbox

        model = panelbox.FixedEffects("y ~ x", shuffled(panel()), "unit", "year", time_effects=True)
        return model.fit().params["x"]

    def statspai() -> float:
        import statspai

        return statspai.panel(shuffled(panel()), "y ~ x", "unit", "year", method="twoway").params["x"]


@question(FAMILY, REFUSE)
class PanelRowTwice:
    """One unit has two rows in one year."""

    def spatial() -> float:
        import pandas as pd

        import spatial as sp

        rows = sp.read_panel(pd.concat([panel(), panel().head(1).assign(y=99.0)]), unit="unit", time="year")
        return sp.models.fixed_effects("y ~ x", rows).params[("y", "x")]

    def linearmodels() -> float:
        import pandas as pd
        from linearmodels import PanelOLS

        frame = pd.concat([panel(), panel().head(1).assign(y=99.0)]).set_index(["unit", "year"])
        return PanelOLS(frame["y"], frame[["x"]], entity_effects=True, time_effects=True).fit().params["x"]

    def pyfixest() -> float:
        import pandas as pd
        import pyfixest

        frame = pd.concat([panel(), panel().head(1).assign(y=99.0)])
        return pyfixest.feols("y ~ x | unit + year", frame).coef()["x"]

    def panelbox() -> float:
        import pandas as pd
        import panelbox

        frame = pd.concat([panel(), panel().head(1).assign(y=99.0)])
        return panelbox.FixedEffects("y ~ x", frame, "unit", "year", time_effects=True).fit().params["x"]

    def statspai() -> float:
        import pandas as pd
        import statspai

        frame = pd.concat([panel(), panel().head(1).assign(y=99.0)])
        return statspai.panel(frame, "y ~ x", "unit", "year", method="twoway").params["x"]


@question(FAMILY, 1.0)
class CallersWeightsUntouched:
    """After a general G, are the caller's row-standardised weights still row-standardised (1 = yes)?"""

    def spatial() -> float:
        import spatial as sp

        w = rook_w(SIDE)
        sp.general_g(values(SIDE).abs(), w, permutations=99)
        return float(w.transform == "R")

    def esda() -> float:
        import esda

        w = rook_w(SIDE)
        esda.G(values(SIDE).abs().to_numpy(), w, permutations=0)
        return float(w.transform == "R")


@question(FAMILY, _moran)
class MoranFromMapColumn:
    """Moran's I of a column of a map that was sorted by value after the weights were made."""

    def spatial() -> float:
        import spatial as sp

        cities = squares(SIDE).assign(x=values(SIDE)).sort_values("x")
        return sp.moran(cities["x"], rook_w(SIDE), permutations=0).I

    def esda() -> float:
        import esda

        cities = squares(SIDE).assign(x=values(SIDE)).sort_values("x")
        return esda.Moran(cities["x"], rook_w(SIDE), permutations=0).I
