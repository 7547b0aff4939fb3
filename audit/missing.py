"""Missing values, constants, zeros and signs that a statistic has no answer for."""

from __future__ import annotations

import numpy as np

from audit.ground import rook_w, rooks, values
from audit.question import REFUSE, question

FAMILY = "Missing values, constants and values without an answer"
SIDE = 7


def _holed() -> np.ndarray:
    x = values(SIDE).to_numpy().copy()
    x[10] = np.nan
    return x


@question(FAMILY, REFUSE)
class MoranPValueOfMissing:
    """The permutation p-value of Moran's I where one value is missing."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(_holed(), rook_w(SIDE)).p_sim

    def esda() -> float:
        import esda

        return esda.Moran(_holed(), rook_w(SIDE)).p_sim

    def statspai() -> float:
        import statspai

        return statspai.moran(_holed(), rook_w(SIDE)).p_sim


@question(FAMILY, REFUSE)
class LocalMoranPValueOfMissing:
    """The smallest local p-value where one value is missing."""

    def spatial() -> float:
        import spatial as sp

        return sp.local_moran(_holed(), rook_w(SIDE)).frame["p_sim"].min()

    def esda() -> float:
        import esda

        return esda.Moran_Local(_holed(), rook_w(SIDE)).p_sim.min()

    def statspai() -> float:
        import statspai

        return min(statspai.moran_local(_holed(), rook_w(SIDE))["p_sim"])


@question(FAMILY, REFUSE)
class MoranPValueOfConstant:
    """The permutation p-value of Moran's I of a variable that does not vary."""

    def spatial() -> float:
        import spatial as sp

        return sp.moran(np.full(49, 3.0), rook_w(SIDE)).p_sim

    def esda() -> float:
        import esda

        return esda.Moran(np.full(49, 3.0), rook_w(SIDE)).p_sim

    def statspai() -> float:
        import statspai

        return statspai.moran(np.full(49, 3.0), rook_w(SIDE)).p_sim


@question(FAMILY, REFUSE)
class LocalMoranOfConstant:
    """How many units are called significant where nothing varies?"""

    def spatial() -> float:
        import spatial as sp

        return (sp.local_moran(np.full(49, 3.0), rook_w(SIDE)).frame["p_sim"] <= 0.05).sum()

    def esda() -> float:
        import esda

        return (esda.Moran_Local(np.full(49, 3.0), rook_w(SIDE)).p_sim <= 0.05).sum()


@question(FAMILY, REFUSE)
class GearyPValueOfConstant:
    """The permutation p-value of Geary's C of a variable that does not vary."""

    def spatial() -> float:
        import spatial as sp

        return sp.geary(np.full(49, 3.0), rook_w(SIDE)).p_sim

    def esda() -> float:
        import esda

        return esda.Geary(np.full(49, 3.0), rook_w(SIDE)).p_sim


@question(FAMILY, REFUSE)
class GearyPValueOfMissing:
    """The permutation p-value of Geary's C where one value is missing."""

    def spatial() -> float:
        import spatial as sp

        return sp.geary(_holed(), rook_w(SIDE)).p_sim

    def esda() -> float:
        import esda

        return esda.Geary(_holed(), rook_w(SIDE)).p_sim


@question(FAMILY, REFUSE)
class GeneralGOfNegatives:
    """General G of values with both signs, where its ratio means nothing."""

    def spatial() -> float:
        import spatial as sp

        return sp.general_g(values(SIDE), rook_w(SIDE)).G

    def esda() -> float:
        import esda

        return esda.G(values(SIDE).to_numpy(), rook_w(SIDE)).G


@question(FAMILY, REFUSE)
class GeneralGOfOneUnit:
    """The p-value of general G where one unit alone is not zero: every product of two units is zero."""

    def spatial() -> float:
        import spatial as sp

        return sp.general_g(np.eye(49)[10], rook_w(SIDE)).p_sim

    def esda() -> float:
        import esda

        return esda.G(np.eye(49)[10], rook_w(SIDE)).p_sim


@question(FAMILY, REFUSE)
class GetisPValueOfMissing:
    """The smallest p-value of local Getis-Ord where one value is missing."""

    def spatial() -> float:
        import spatial as sp

        return sp.getis_ord(np.abs(_holed()), rook_w(SIDE)).frame["p_sim"].min()

    def esda() -> float:
        import esda

        return esda.G_Local(np.abs(_holed()), rook_w(SIDE), star=True).p_sim.min()


@question(FAMILY, REFUSE)
class GiniOfNegatives:
    """The Gini coefficient of incomes that sum to nearly zero because some are negative."""

    def spatial() -> float:
        import spatial as sp

        return sp.gini(np.array([-5.0, -1.0, 1.0, 5.5]))

    def inequality() -> float:
        from inequality.gini import Gini

        return Gini(np.array([-5.0, -1.0, 1.0, 5.5])).g


@question(FAMILY, REFUSE)
class JoinCountsOfThreeValues:
    """Join counts (BB) of a variable that is not binary."""

    def spatial() -> float:
        import spatial as sp

        w = rook_w(SIDE)
        w.transform = "b"
        return sp.join_counts(np.arange(49) % 3, w, permutations=99).BB

    def esda() -> float:
        import esda

        w = rook_w(SIDE)
        w.transform = "b"
        return esda.Join_Counts(np.arange(49) % 3, w, permutations=0).bb


@question(FAMILY, REFUSE)
class RatesWithoutPopulation:
    """Moran's I of empirical Bayes rates where one unit has no population."""

    def spatial() -> float:
        import spatial as sp

        people = np.full(49, 1000.0)
        people[3] = 0
        return sp.moran_rate(np.arange(49.0), people, rook_w(SIDE)).I

    def esda() -> float:
        import esda

        people = np.full(49, 1000.0)
        people[3] = 0
        return esda.Moran_Rate(np.arange(49.0), people, rook_w(SIDE), permutations=0).I


def _complete() -> float:
    """The lag of u000, whose neighbours u001 and u007 are both known."""
    links = rooks(SIDE)
    return float(links[0] / links[0].sum() @ values(SIDE).to_numpy())


@question(FAMILY, REFUSE)
class LagBesideMissing:
    """The mean of u009's neighbours, one of which, u010, is missing."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.Weights.from_w(rook_w(SIDE)).lag(_holed())[9]

    def libpysal() -> float:
        from libpysal.weights import lag_spatial

        return lag_spatial(rook_w(SIDE), _holed())[9]


@question(FAMILY, _complete)
class LagFarFromMissing:
    """The mean of u000's neighbours, none of which is missing, while u010 elsewhere is."""

    def spatial() -> float:
        import spatial as sp

        return sp.weights.Weights.from_w(rook_w(SIDE)).lag(_holed())[0]

    def libpysal() -> float:
        from libpysal.weights import lag_spatial

        return lag_spatial(rook_w(SIDE), _holed())[0]
