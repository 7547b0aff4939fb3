"""Spatial Markov chains: classes of a variable given the class of the neighbours' mean, by giddy."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from spatial.autocorrelation.inference import Run, weights_line
from spatial.autocorrelation.sample import describe_weights
from spatial.errors import DataError, hinted, warn
from spatial.languages.shown import frame_text
from spatial.panel.panel import Panel
from spatial.results import Result
from spatial.weights.value import WeightsLike
from spatial.words import Said, tell

from .transitions import balanced, few_expected, moves, permuted_p, steady_state, tidy_block

__all__ = ["SpatialMarkov", "spatial_markov"]

Float = NDArray[np.float64]


INDEPENDENT = Said(
    (
        "chi-squared takes transitions, permutation only units, as independent of each other",
        "χ² 检验视各次转移相互独立，置换检验只视各个体相互独立",
    )
)


@dataclass(frozen=True, eq=False, repr=False)
class SpatialMarkov(Result):
    """Transitions between classes of a variable, given the class of the neighbours' mean.

    Parameters
    ----------
    name : str
        The variable.
    cutoffs, lag_cutoffs : array (k - 1,), (m - 1,)
        Upper bounds of the classes of the variable and of its lag, the last class open; empty where classes
        are those of each year.
    transitions, probabilities : DataFrame (k, k)
        Counts and row shares, whatever the neighbours' class.
    conditional_transitions, conditional_probabilities : array (m, k, k)
        By the neighbours' class, then from, then to.  A class that was never left has a row of zeros.
    steady_state : array (k,)
        Long-run shares; NaN where the chain has no single one.
    conditional_steady_states : array (m, k)
    likelihood_ratio, q : float
        Tests of the same chain in all neighbours' classes (Bickenbach and Bode 2003).
    degrees_of_freedom : int
    p_likelihood_ratio, p_q : float
        By the chi-squared distribution, which needs expected counts of 5 or more.
    p_sim, p_sim_q : float
        Of likelihood ratio and Q where whole trajectories change places on the map; NaN without
        permutations.
    few_expected, cells : int
        How many of the expected counts are below 5, and how many there are.
    n, times : int
    permutations, seed : int
    weights : str
    """

    figure: ClassVar[str] = "transition_plot"

    name: str
    cutoffs: Float
    lag_cutoffs: Float
    transitions: pd.DataFrame
    probabilities: pd.DataFrame
    conditional_transitions: Float
    conditional_probabilities: Float
    steady_state: Float
    conditional_steady_states: Float
    likelihood_ratio: float
    p_likelihood_ratio: float
    q: float
    p_q: float
    degrees_of_freedom: int
    p_sim: float
    p_sim_q: float
    few_expected: int
    cells: int
    n: int
    times: int
    permutations: int
    seed: int
    weights: str

    def tidy(self) -> pd.DataFrame:
        """Return a row for each neighbours' class (0: all), from and to: probability with standard error."""
        blocks = [(0, self.transitions.to_numpy()), *enumerate(self.conditional_transitions, start=1)]
        return pd.concat([tidy_block(self.name, lag, counts) for lag, counts in blocks], ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: the tests of homogeneity."""
        names = ("name", "likelihood_ratio", "p_likelihood_ratio", "q", "p_q", "degrees_of_freedom")
        more = ("p_sim", "p_sim_q", "few_expected", "cells", "n", "times", "permutations", "seed", "weights")
        return pd.DataFrame([{k: getattr(self, k) for k in names + more}])

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            tell(
                f"Spatial Markov chain of {self.name}: {self.n} units, {self.times} times",
                f"{self.name} 的空间马尔可夫链：{self.n} 个个体，{self.times} 期",
            ),
            weights_line(self),
            tell("Same chain whatever the neighbours' class:", "原假设：无论邻居属于哪一类，转移相同"),
            tell(
                f"  likelihood ratio {self.likelihood_ratio:.4f}, Q {self.q:.4f}, "
                f"{self.degrees_of_freedom} d.f., p = {self.p_likelihood_ratio:.4g}, {self.p_q:.4g}",
                f"  似然比 {self.likelihood_ratio:.4f}，Q {self.q:.4f}，自由度 {self.degrees_of_freedom}，"
                f"p = {self.p_likelihood_ratio:.4g}、{self.p_q:.4g}",
            ),
        ]
        if self.permutations:
            lines.append(
                tell(
                    f"  by {self.permutations} permutations of whole trajectories (seed {self.seed}): "
                    f"p = {self.p_sim:.4g}, {self.p_sim_q:.4g}",
                    f"  按整条轨迹置换 {self.permutations} 次（随机种子 {self.seed}）："
                    f"p = {self.p_sim:.4g}、{self.p_sim_q:.4g}",
                )
            )
        lines.append(f"  {INDEPENDENT.again()}")
        if self.few_expected:
            lines.append(
                tell(
                    f"  {self.few_expected} of {self.cells} expected counts are below 5: the chi-squared "
                    "p-values are too small; read those by permutation, or take fewer classes",
                    f"  {self.cells} 个期望频数中有 {self.few_expected} 个小于 5：χ² 的 p 值偏小；"
                    "请读置换检验的 p 值，或减少类别",
                )
            )
        lines += [tell("All neighbours", "全部邻居"), frame_text(self.probabilities, "%.4f", index=True)]
        for lag, block in enumerate(self.conditional_probabilities, start=1):
            frame = pd.DataFrame(block, self.probabilities.index, self.probabilities.columns)
            lines += [
                tell(f"Neighbours in class {lag}", f"邻居属于第 {lag} 类"),
                frame_text(frame, "%.4f", index=True),
            ]
        return "\n".join(lines)

    def headline(self) -> str:
        """Name the test."""
        p = self.p_sim if self.permutations else self.p_likelihood_ratio
        return f"{self.name}: LR = {self.likelihood_ratio:.4f}, p = {p:.4g}"


@hinted
def spatial_markov(
    panel: Panel,
    column: str,
    W: WeightsLike,
    k: int = 5,
    *,
    m: int | None = None,
    fixed: bool = True,
    relative: bool = False,
    permutations: int = 999,
    seed: int = 0,
) -> SpatialMarkov:
    r"""Estimate a Markov chain of a variable's classes for each class of the neighbours' mean (Rey 2001).

    .. math:: \hat p_{ij|l} = n_{ij|l} \Big/ \sum_j n_{ij|l}

    Parameters
    ----------
    panel : Panel
        Balanced in `column`, at least two times, equally spaced.
    column : str
    W : Weights, or libpysal Graph or W
        Row-standardised and without islands, so that the lag is the neighbours' mean.
    k : int
        Classes of the variable, of equal size (quantiles).
    m : int, optional
        Classes of the lag; k by default.
    fixed : bool
        Quantiles of all years together, or of each year.
    relative : bool
        Divide by the year's mean first, so that classes are not of growth alone; means must be above zero.
    permutations, seed : int
        For ``p_sim``: units change places with their whole trajectories, and the neighbours' classes are
        found again.  With many classes and few units the chi-squared p-values are far too small.

    Returns
    -------
    SpatialMarkov

    Raises
    ------
    DataError
        For missing cells, one time only, or too few distinct values for the classes.
    WeightsError
        For weights that are not row-standardised, and for islands.
    AlignmentError
        If the units of the panel are not those of the weights.

    Warns
    -----
    SpatialWarning
        Without permutations, where expected counts are below 5.

    References
    ----------
    Rey, S. J. (2001). Spatial empirics for economic growth and convergence. Geographical Analysis 33,
    195-214.
    Bickenbach, F., and E. Bode (2003). Evaluating the Markov property in studies of economic convergence.
    International Regional Science Review 26, 363-392.

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
    >>> int(spatial_markov(panel, "income", W, 2, permutations=99).glance().loc[0, "n"])
    20
    """
    run = Run(permutations, seed)
    values, _, weights = balanced(panel, column, W, relative=relative)
    lags = k if m is None else m
    for what, count in (("k", k), ("m", lags)):
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= values.size:
            raise DataError(f"{what} must be a number of classes, 2 or more; got {count!r}.")
    from spatial.compute.compiled import import_kept

    with warnings.catch_warnings():
        # mapclassify's warning on ties; refused with its cause below.
        warnings.simplefilter("ignore", UserWarning)
        chain = import_kept("giddy.markov").Spatial_Markov(values, weights.to_w(), k=k, m=lags, fixed=fixed)
    if (chain.k, chain.m) != (k, lags) or len(np.unique(chain.class_ids)) < k:
        raise DataError(
            f"{column!r} has too many equal values for {k} classes of it and {lags} of its lag; "
            f"{len(np.unique(chain.class_ids))} and {len(np.unique(chain.lclass_ids))} can be told apart. "
            "Ask for fewer classes."
        )
    test = chain.ht
    labels = [f"class {i}" for i in range(1, k + 1)]
    own = np.asarray(chain.class_ids, dtype=np.int64)

    def statistics(places: NDArray[Any]) -> Float:
        lag = _classes(weights.sparse @ values[places], lags, fixed=fixed)
        classes = own[places]
        return _homogeneity(moves(classes[:, :-1], classes[:, 1:], lag[:, :-1], (lags, k)))

    p_sim, p_sim_q = permuted_p(statistics, len(values), run)
    left = chain.T.sum(axis=2, keepdims=True)
    few, cells = few_expected(left * chain.p)
    if few and not permutations:
        warn(
            f"{few} of {cells} expected counts are below 5: the chi-squared p-values of {column!r} are too "
            "small. Pass permutations=999, or take fewer classes."
        )
    return SpatialMarkov(
        name=column,
        cutoffs=_cutoffs(chain.cutoffs),
        lag_cutoffs=_cutoffs(chain.lag_cutoffs),
        transitions=pd.DataFrame(chain.transitions.astype(np.int64), labels, labels),
        probabilities=pd.DataFrame(chain.p, labels, labels),
        conditional_transitions=chain.T,
        conditional_probabilities=chain.P,
        steady_state=steady_state(chain.p),
        conditional_steady_states=np.array([steady_state(p) for p in chain.P]),
        likelihood_ratio=float(test.LR),
        # giddy's own p-values are 1 - cdf, which is 0 in the far tail.
        p_likelihood_ratio=float(chdtrc(test.dof, test.LR)),
        q=float(test.Q),
        p_q=float(chdtrc(test.dof, test.Q)),
        degrees_of_freedom=int(test.dof),
        p_sim=float(p_sim),
        p_sim_q=float(p_sim_q),
        few_expected=few,
        cells=cells,
        n=values.shape[0],
        times=values.shape[1],
        permutations=permutations,
        seed=seed,
        weights=describe_weights(weights),
    )


def _classes(values: Float, k: int, *, fixed: bool) -> NDArray[np.int64]:
    """Return the quantile class of each value, 0 .. k - 1: of all years together, or of each year."""
    shares = np.arange(1, k) / k
    if fixed:
        found = np.searchsorted(np.quantile(values, shares), values, side="left")
    else:
        columns = (np.searchsorted(np.quantile(v, shares), v, side="left") for v in values.T)
        found = np.column_stack(list(columns))
    return np.asarray(found, dtype=np.int64)


def _homogeneity(counts: Float) -> Float:
    """Return likelihood ratio and Q of the same chain in all neighbours' classes, from (m, k, k) counts."""
    whole = counts.sum(axis=0)
    left = whole.sum(axis=1, keepdims=True)
    p = np.divide(whole, left, out=np.zeros_like(whole), where=left > 0)
    expected = counts.sum(axis=2, keepdims=True) * p
    some = expected > 0
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=some & (counts > 0))
    square = np.divide((counts - expected) ** 2, expected, out=np.zeros_like(counts), where=some)
    return np.array([2 * float((counts * np.log(ratio)).sum()), float(square.sum())])


def _cutoffs(values: Any) -> Float:
    return np.empty(0) if values is None else np.asarray(values, dtype=np.float64)
