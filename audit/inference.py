"""P-values with their size, effects with their meaning."""

from __future__ import annotations

import numpy as np

from audit.ground import noise, rook_w, rooks
from audit.question import REFUSE, question

FAMILY = "Inference: the size of tests, what cannot be significant"


@question(FAMILY, 0.05, tolerance=0.02)
class SizeOfMoranPermutations:
    """How often is noise called significant at .05 by the permutation p-value (1,000 maps of 49 units)?"""

    def spatial() -> float:
        import spatial as sp

        W = sp.weights.Weights.from_w(rook_w(7))
        return np.mean([sp.moran(noise(49, s), W, permutations=199).p_sim <= 0.05 for s in range(1000)])

    def esda() -> float:
        import esda

        w = rook_w(7)
        return np.mean([esda.Moran(noise(49, s), w, permutations=199).p_sim <= 0.05 for s in range(1000)])

    def statspai() -> float:
        import statspai

        w = rook_w(7)
        return np.mean([statspai.moran(noise(49, s), w, permutations=199).p_sim <= 0.05 for s in range(1000)])


@question(FAMILY, 0.05, tolerance=0.02)
class SizeOfLocalMoran:
    """Which share of the units of noise is called significant at .05 (40 maps of 100 units)?"""

    def spatial() -> float:
        import spatial as sp

        W = sp.weights.Weights.from_w(rook_w(10))
        frames = [sp.local_moran(noise(100, s), W, permutations=199).frame for s in range(40)]
        return np.mean([f["p_sim"] <= 0.05 for f in frames])

    def esda() -> float:
        import esda

        w = rook_w(10)
        return np.mean(
            [esda.Moran_Local(noise(100, s), w, permutations=199).p_sim <= 0.05 for s in range(40)]
        )

    def pygeoda() -> float:
        import pygeoda

        from audit.ground import squares

        frame = squares(10).reset_index(drop=True)
        w = pygeoda.rook_weights(pygeoda.open(frame.assign(v=1.0)))
        found = [
            pygeoda.local_moran(w, frame.assign(v=noise(100, s))["v"], permutations=199).lisa_pvalues()
            for s in range(40)
        ]
        return np.mean(np.array(found) <= 0.05)


@question(FAMILY, REFUSE)
class SignificanceThatCannotBe:
    """Units significant at .0001 with 999 permutations, whose smallest p-value is .001: none can be."""

    def spatial() -> float:
        import spatial as sp

        found = sp.local_moran(noise(49), rook_w(7), permutations=999, alpha=0.0001)
        return float((found.frame["cluster"] != "not significant").sum())

    def esda() -> float:
        import esda

        return float((esda.Moran_Local(noise(49), rook_w(7), permutations=999).p_sim <= 0.0001).sum())


@question(FAMILY, 0.05, tolerance=0.035)
class SizeOfBivariateMoran:
    """How often are two unrelated smooth maps called related at .05 (300 pairs of 100 units), by the null
    hypothesis that a program offers for maps that are each autocorrelated?"""

    def spatial() -> float:
        import spatial as sp

        W = sp.weights.Weights.from_w(rook_w(10))
        found = [
            sp.bivariate_moran(_smooth(2 * s), _smooth(2 * s + 1), W, permutations=199, null="spectral").p_sim
            for s in range(300)
        ]
        return np.mean(np.array(found) <= 0.05)

    def esda() -> float:
        import esda

        w = rook_w(10)
        found = [
            esda.Moran_BV(_smooth(2 * s), _smooth(2 * s + 1), w, permutations=199).p_sim for s in range(300)
        ]
        return np.mean(np.array(found) <= 0.05)


def _smooth(seed: int) -> np.ndarray:
    """Noise averaged over neighbours: smooth in space, unrelated to other seeds."""
    links = rooks(10)
    return noise(100, seed) + 0.8 * links @ noise(100, seed) / links.sum(axis=1)


@question(FAMILY, 1.0)
class SameSeedSameAnswer:
    """Does the same seed give the same p-values twice (1 = yes)?"""

    def spatial() -> float:
        import spatial as sp

        first, second = (sp.local_moran(noise(100), rook_w(10), seed=3, workers=k).frame for k in (1, 2))
        return float((first["p_sim"] == second["p_sim"]).all())

    def esda() -> float:
        import esda

        first, second = (
            esda.Moran_Local(noise(100), rook_w(10), seed=3, n_jobs=1, permutations=199).p_sim
            for _ in range(2)
        )
        return float((first == second).all())


@question(FAMILY, 0.0, tolerance=0.05)
class DrawsOfTwoUnits:
    """The correlation of two units' permutation draws, which their local tests take as independent."""

    def spatial() -> float:
        import spatial as sp

        found = sp.local_moran(noise(100), rook_w(10), permutations=999, keep_simulations=True)
        draws = np.asarray(found.simulations)
        draws = draws if draws.shape[0] == 100 else draws.T
        return np.corrcoef(draws[44], draws[47])[0, 1]

    def esda() -> float:
        import esda

        draws = esda.Moran_Local(noise(100), rook_w(10), permutations=999, keep_simulations=True).rlisas
        signs = np.sign(noise(100)[44] * noise(100)[47])
        return signs * np.corrcoef(draws[44], draws[47])[0, 1]
