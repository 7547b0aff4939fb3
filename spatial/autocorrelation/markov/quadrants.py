"""Moves of units through the quadrants of the Moran scatter plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from spatial.autocorrelation.inference import Run, weights_line
from spatial.autocorrelation.local_inference import QUADRANTS
from spatial.autocorrelation.sample import describe_weights
from spatial.errors import DataError, hinted
from spatial.languages.shown import frame_text
from spatial.panel.panel import Panel
from spatial.results import Result
from spatial.weights.value import WeightsLike
from spatial.words import tell

from .chains import INDEPENDENT
from .transitions import balanced, few_expected, moves, permuted_p, steady_state, tidy_block

__all__ = ["LisaMarkov", "lisa_markov"]

Float = NDArray[np.float64]

_DEGREES = 8  # 4 rows of 3 free probabilities, less 2 for each of the two chains of two states


@dataclass(frozen=True, eq=False, repr=False)
class LisaMarkov(Result):
    """Moves between quadrants of the Moran scatter plot.

    Parameters
    ----------
    name : str
    quadrants : DataFrame, units by times
        HH, LL, LH or HL: the unit, then its neighbours, against the year's mean.
    transitions, probabilities : DataFrame (4, 4)
        Counts and row shares.
    steady_state : array (4,)
        Long-run shares; NaN where the chain has no single one.
    expected : DataFrame (4, 4)
        Counts where a unit and its neighbours move independently.
    chi2, p_value : float
        Test of that, by the chi-squared distribution.
    degrees_of_freedom : int
        8: of 12 free probabilities, 4 are estimated in the two chains of two states.
    p_sim : float
        Where whole trajectories change places on the map; NaN without permutations.
    few_expected, cells : int
        How many of the expected counts are below 5, and how many there are.
    permutations, seed : int
    weights : str
    """

    figure: ClassVar[str] = "transition_plot"

    name: str
    quadrants: pd.DataFrame
    transitions: pd.DataFrame
    probabilities: pd.DataFrame
    steady_state: Float
    expected: pd.DataFrame
    chi2: float
    p_value: float
    degrees_of_freedom: int
    p_sim: float
    few_expected: int
    cells: int
    permutations: int
    seed: int
    weights: str

    def tidy(self) -> pd.DataFrame:
        """Return a row for each from and to: probability with standard error."""
        return tidy_block(self.name, 0, self.transitions.to_numpy(), QUADRANTS).drop(columns="lag_class")

    def glance(self) -> pd.DataFrame:
        """Return one row: the test."""
        names = ("name", "chi2", "degrees_of_freedom", "p_value", "p_sim", "few_expected", "cells")
        more = ("permutations", "seed", "weights")
        n, times = self.quadrants.shape
        return pd.DataFrame([{**{k: getattr(self, k) for k in names + more}, "n": n, "times": times}])

    def summary(self) -> str:
        """Write the result as text."""
        n, times = self.quadrants.shape
        lines = [
            tell(
                f"by {self.permutations} permutations of whole trajectories (seed {self.seed}): ",
                f"按整条轨迹置换 {self.permutations} 次（随机种子 {self.seed}）：",
            )
            + f"p = {self.p_sim:.4g}"
        ]
        if self.few_expected:
            few, cells = self.few_expected, self.cells
            lines.append(
                tell(
                    f"{few} of {cells} expected counts are below 5", f"{cells} 个期望频数中有 {few} 个小于 5"
                )
            )
        return "\n".join(
            [
                tell(
                    f"LISA transitions of {self.name}: {n} units, {times} times",
                    f"{self.name} 的 LISA 转移：{n} 个个体，{times} 期",
                ),
                weights_line(self),
                frame_text(self.probabilities, "%.4f", index=True),
                tell(
                    f"Units and neighbours move independently: chi2 {self.chi2:.4f}, "
                    f"{self.degrees_of_freedom} d.f., p = {self.p_value:.4g}",
                    f"个体与邻居的变动相互独立：χ² {self.chi2:.4f}，自由度 {self.degrees_of_freedom}，"
                    f"p = {self.p_value:.4g}",
                ),
                *lines[0 if self.permutations else 1 :],
                INDEPENDENT.again(),
            ]
        )

    def headline(self) -> str:
        """Name the test."""
        p = self.p_sim if self.permutations else self.p_value
        return f"{self.name}: chi2 = {self.chi2:.4f}, p = {p:.4g}"


@hinted
def lisa_markov(
    panel: Panel, column: str, W: WeightsLike, *, permutations: int = 999, seed: int = 0
) -> LisaMarkov:
    r"""Follow units through the quadrants of the Moran scatter plot (Rey 2001).

    Each year, z and its lag are about that year's mean.  Under independence of own and neighbours' moves

    .. math:: E[n_{ab}] = n_{a\cdot}\; p^{own}_{ab}\; p^{lag}_{ab} ,

    with the two-state chains of the unit and of its neighbours (above or below the mean).

    Parameters
    ----------
    panel, column, W, permutations, seed
        As in `spatial_markov`.

    Returns
    -------
    LisaMarkov

    Raises
    ------
    DataError
        If a unit lacks a value at some time, or the column does not vary in some year.
    WeightsError
        If `W` is not row-standardised, or a unit has no neighbours.
    AlignmentError
        If the units of the panel are not those of the weights.

    Notes
    -----
    giddy's ``LISA_Markov`` compares values with each unit's own mean over time in this test; here, as in the
    quadrants, they are compared with the year's mean over the units.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.panel import Panel
    >>> from spatial.weights import Weights
    >>> ring = np.roll(np.eye(20), 1, axis=1) + np.roll(np.eye(20), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> walk = np.random.default_rng(0).normal(size=(20, 9)).cumsum(axis=1)
    >>> rows = pd.MultiIndex.from_product([range(20), range(2001, 2010)], names=["city", "year"])
    >>> panel = Panel(pd.DataFrame({"income": walk.ravel()}, rows))
    >>> int(lisa_markov(panel, "income", W, permutations=99).transitions.sum().sum())
    160
    """
    run = Run(permutations, seed)
    values, units, weights = balanced(panel, column, W, relative=False)
    z = values - values.mean(axis=0)
    if (np.ptp(values, axis=0) <= 1e-13 * np.abs(values).max(axis=0)).any():
        raise DataError(f"{column!r} must vary over the units in each year; in some year it does not.")
    high, near = z > 0, (weights.sparse @ z) > 0
    code = _quadrants(high, near)
    counts, expected, statistic = _independence(high, near)
    share = _shares(counts)

    def statistics(places: NDArray[Any]) -> Float:
        moved = z[places]
        return np.array([_independence(moved > 0, (weights.sparse @ moved) > 0)[2]])

    (p_sim,) = permuted_p(statistics, len(values), run)
    few, cells = few_expected(expected)
    frame = pd.DataFrame(np.array(QUADRANTS, dtype=object)[code], index=units, columns=panel.times)
    return LisaMarkov(
        name=column,
        quadrants=frame.loc[weights.ids],
        transitions=pd.DataFrame(counts.astype(np.int64), QUADRANTS, QUADRANTS),
        probabilities=pd.DataFrame(share, QUADRANTS, QUADRANTS),
        steady_state=steady_state(share),
        expected=pd.DataFrame(expected, QUADRANTS, QUADRANTS),
        chi2=statistic,
        p_value=float(chdtrc(_DEGREES, statistic)),
        degrees_of_freedom=_DEGREES,
        p_sim=float(p_sim),
        few_expected=few,
        cells=cells,
        permutations=permutations,
        seed=seed,
        weights=describe_weights(weights),
    )


def _quadrants(high: NDArray[np.bool_], near: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the quadrant of each unit and time: HH, LL, LH, HL, the order of the categories everywhere."""
    return np.asarray(np.select([high & near, ~high & ~near, ~high], [0, 1, 2], 3), dtype=np.int64)


def _independence(high: NDArray[np.bool_], near: NDArray[np.bool_]) -> tuple[Float, Float, float]:
    """Return moves between quadrants, those expected where unit and neighbours move apart, and chi2."""
    code = _quadrants(high, near)
    counts = _chain(code, 4)
    own, lag = (_shares(_chain(state.astype(np.int64), 2)) for state in (high, near))
    state = [(1, 1), (0, 0), (0, 1), (1, 0)]
    joint = np.array([[own[a, c] * lag[b, d] for c, d in state] for a, b in state])
    expected = counts.sum(axis=1)[:, None] * joint
    square = np.divide((counts - expected) ** 2, expected, out=np.zeros((4, 4)), where=expected > 0)
    return counts, expected, float(square.sum())


def _chain(code: NDArray[np.int64], k: int) -> Float:
    counts: Float = moves(code[:, :-1], code[:, 1:], np.zeros_like(code[:, 1:]), (1, k))[0]
    return counts


def _shares(counts: Float) -> Float:
    left = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, left, out=np.zeros_like(counts), where=left > 0))
