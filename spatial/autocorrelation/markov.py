"""Markov chains of places: spatial Markov and LISA transitions, computed by giddy on aligned data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from spatial.errors import DataError, WeightsError, name_ids
from spatial.ids.alignment import indexer
from spatial.panel.panel import Panel
from spatial.weights.value import Weights, as_weights

from .local_inference import QUADRANTS
from .sample import describe_weights, sorted_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LisaMarkov", "SpatialMarkov", "lisa_markov", "spatial_markov"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SpatialMarkov:
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
    n, times : int
    weights : str
    """

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
    n: int
    times: int
    weights: str

    def tidy(self) -> pd.DataFrame:
        """Return a row for each neighbours' class (0: all), from and to: probability with standard error."""
        blocks = [(0, self.transitions.to_numpy()), *enumerate(self.conditional_transitions, start=1)]
        return pd.concat([_tidy_block(self.name, lag, counts) for lag, counts in blocks], ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: the tests of homogeneity."""
        names = ("name", "likelihood_ratio", "p_likelihood_ratio", "q", "p_q", "degrees_of_freedom")
        return pd.DataFrame([{k: getattr(self, k) for k in (*names, "n", "times", "weights")}])

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            f"Spatial Markov chain of {self.name}: {self.n} units, {self.times} times",
            f"Weights: {self.weights}",
            "Same chain whatever the neighbours' class:",
            f"  likelihood ratio {self.likelihood_ratio:.4f}, Q {self.q:.4f}, "
            f"{self.degrees_of_freedom} d.f., p = {self.p_likelihood_ratio:.4g}, {self.p_q:.4g}",
            "All neighbours",
            self.probabilities.to_string(float_format="%.4f"),
        ]
        for lag, block in enumerate(self.conditional_probabilities, start=1):
            frame = pd.DataFrame(block, self.probabilities.index, self.probabilities.columns)
            lines += [f"Neighbours in class {lag}", frame.to_string(float_format="%.4f")]
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None, *, lag_class: int | None = None) -> Axes:
        """Draw the transition probabilities, of all or given the neighbours' class 1 .. m."""
        title = f"{self.name}: all neighbours"
        values = self.probabilities.to_numpy()
        if lag_class is not None:
            if not 1 <= lag_class <= len(self.conditional_probabilities):
                raise DataError(
                    f"lag_class must be 1 to {len(self.conditional_probabilities)}; got {lag_class!r}."
                )
            values = self.conditional_probabilities[lag_class - 1]
            title = f"{self.name}: neighbours in class {lag_class}"
        return _draw_matrix(values, list(self.probabilities.index), title, ax)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the test."""
        test = f"LR = {self.likelihood_ratio:.4f}, p = {self.p_likelihood_ratio:.4g}"
        return f"<SpatialMarkov {self.name}: {test}>"


@dataclass(frozen=True, eq=False, repr=False)
class LisaMarkov:
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
        Test of that.
    degrees_of_freedom : int
    weights : str
    """

    name: str
    quadrants: pd.DataFrame
    transitions: pd.DataFrame
    probabilities: pd.DataFrame
    steady_state: Float
    expected: pd.DataFrame
    chi2: float
    p_value: float
    degrees_of_freedom: int
    weights: str

    def tidy(self) -> pd.DataFrame:
        """Return a row for each from and to: probability with standard error."""
        return _tidy_block(self.name, 0, self.transitions.to_numpy(), QUADRANTS).drop(columns="lag_class")

    def glance(self) -> pd.DataFrame:
        """Return one row: the test."""
        names = ("name", "chi2", "degrees_of_freedom", "p_value", "weights")
        n, times = self.quadrants.shape
        return pd.DataFrame([{**{k: getattr(self, k) for k in names}, "n": n, "times": times}])

    def summary(self) -> str:
        """Write the result as text."""
        n, times = self.quadrants.shape
        return "\n".join(
            [
                f"LISA transitions of {self.name}: {n} units, {times} times",
                f"Weights: {self.weights}",
                self.probabilities.to_string(float_format="%.4f"),
                f"Units and neighbours move independently: chi2 {self.chi2:.4f}, "
                f"{self.degrees_of_freedom} d.f., p = {self.p_value:.4g}",
            ]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the transition probabilities."""
        return _draw_matrix(self.probabilities.to_numpy(), QUADRANTS, f"{self.name}: quadrants", ax)

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the test."""
        return f"<LisaMarkov {self.name}: chi2 = {self.chi2:.4f}, p = {self.p_value:.4g}>"


def spatial_markov(
    panel: Panel,
    column: str,
    W: Any,
    k: int = 5,
    *,
    m: int | None = None,
    fixed: bool = True,
    relative: bool = False,
) -> SpatialMarkov:
    r"""Estimate a Markov chain of a variable's classes for each class of the neighbours' mean (Rey 2001).

    .. math:: \hat p_{ij|l} = n_{ij|l} \Big/ \sum_j n_{ij|l}

    Parameters
    ----------
    panel : Panel
        Balanced in `column`, at least two times.
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
        Divide by the year's mean first, so that classes are not of growth alone.

    Returns
    -------
    SpatialMarkov

    Raises
    ------
    DataError
        For missing cells, one time only, or too few distinct values for the classes.
    WeightsError
        For weights that are not row-standardised, and for islands.

    References
    ----------
    Rey, S. J. (2001). Spatial empirics for economic growth and convergence. Geographical Analysis 33,
    195-214.
    Bickenbach, F., and E. Bode (2003). Evaluating the Markov property in studies of economic convergence.
    International Regional Science Review 26, 363-392.
    """
    values, _, weights = _balanced(panel, column, W, relative=relative)
    lags = k if m is None else m
    for what, count in (("k", k), ("m", lags)):
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= values.size:
            raise DataError(f"{what} must be a number of classes, 2 or more; got {count!r}.")
    from giddy.markov import Spatial_Markov

    with warnings.catch_warnings():
        # mapclassify's warning on ties; refused with its cause below.
        warnings.simplefilter("ignore", UserWarning)
        chain = Spatial_Markov(values, weights.to_w(), k=k, m=lags, fixed=fixed)
    if (chain.k, chain.m) != (k, lags) or len(np.unique(chain.class_ids)) < k:
        raise DataError(
            f"{column!r} has too many equal values for {k} classes of it and {lags} of its lag; "
            f"{len(np.unique(chain.class_ids))} and {len(np.unique(chain.lclass_ids))} can be told apart. "
            "Ask for fewer classes."
        )
    test = chain.ht
    labels = [f"class {i}" for i in range(1, k + 1)]
    return SpatialMarkov(
        name=column,
        cutoffs=_cutoffs(chain.cutoffs),
        lag_cutoffs=_cutoffs(chain.lag_cutoffs),
        transitions=pd.DataFrame(chain.transitions.astype(np.int64), labels, labels),
        probabilities=pd.DataFrame(chain.p, labels, labels),
        conditional_transitions=chain.T,
        conditional_probabilities=chain.P,
        steady_state=_steady_state(chain.p),
        conditional_steady_states=np.array([_steady_state(p) for p in chain.P]),
        likelihood_ratio=float(test.LR),
        # giddy's own p-values are 1 - cdf, which is 0 in the far tail.
        p_likelihood_ratio=float(chdtrc(test.dof, test.LR)),
        q=float(test.Q),
        p_q=float(chdtrc(test.dof, test.Q)),
        degrees_of_freedom=int(test.dof),
        n=values.shape[0],
        times=values.shape[1],
        weights=describe_weights(weights),
    )


def lisa_markov(panel: Panel, column: str, W: Any) -> LisaMarkov:
    r"""Follow units through the quadrants of the Moran scatter plot (Rey 2001).

    Each year, z and its lag are about that year's mean.  Under independence of own and neighbours' moves

    .. math:: E[n_{ab}] = n_{a\cdot}\; p^{own}_{ab}\; p^{lag}_{ab} ,

    with the two-state chains of the unit and of its neighbours (above or below the mean).

    Parameters
    ----------
    panel, column, W
        As in `spatial_markov`.

    Returns
    -------
    LisaMarkov

    Notes
    -----
    giddy's ``LISA_Markov`` compares values with each unit's own mean over time in this test; here, as in the
    quadrants, they are compared with the year's mean over the units.
    """
    values, units, weights = _balanced(panel, column, W, relative=False)
    z = values - values.mean(axis=0)
    if (np.ptp(values, axis=0) <= 1e-13 * np.abs(values).max(axis=0)).any():
        raise DataError(f"{column!r} must vary over the units in each year; in some year it does not.")
    high, near = z > 0, (weights.sparse @ z) > 0
    # HH, LL, LH, HL: the order of the categories everywhere.
    code = np.select([high & near, ~high & ~near, ~high], [0, 1, 2], 3)
    from giddy.markov import Markov, chi2

    chain = Markov(code, classes=np.arange(4), summary=False)
    own = Markov(high.astype(np.int64), classes=np.arange(2), summary=False)
    lag = Markov(near.astype(np.int64), classes=np.arange(2), summary=False)
    state = [(1, 1), (0, 0), (0, 1), (1, 0)]
    joint = np.array([[own.p[a, c] * lag.p[b, d] for c, d in state] for a, b in state])
    expected = chain.transitions.sum(axis=1)[:, None] * joint
    statistic, _, dof = chi2(chain.transitions, expected)
    frame = pd.DataFrame(np.array(QUADRANTS, dtype=object)[code], index=units, columns=panel.times)
    return LisaMarkov(
        name=column,
        quadrants=frame.loc[weights.ids],
        transitions=pd.DataFrame(chain.transitions.astype(np.int64), QUADRANTS, QUADRANTS),
        probabilities=pd.DataFrame(chain.p, QUADRANTS, QUADRANTS),
        steady_state=_steady_state(chain.p),
        expected=pd.DataFrame(expected, QUADRANTS, QUADRANTS),
        chi2=float(statistic),
        p_value=float(chdtrc(dof, statistic)),
        degrees_of_freedom=int(dof),
        weights=describe_weights(weights),
    )


def _balanced(panel: Panel, column: str, W: Any, *, relative: bool) -> tuple[Float, pd.Index[Any], Weights]:
    """Return values (N, T) by sorted id, these ids, and the weights in that order; refuse gaps."""
    if not isinstance(panel, Panel):
        raise DataError(f"A Panel is needed, with several times; got {type(panel).__name__}.")
    given = as_weights(W)
    indexer(panel.units, given.ids, "the panel")
    weights = given.reordered(given.ids[sorted_order(given.ids)])
    if len(weights.islands):
        raise WeightsError(
            f"Neighbours' classes need neighbours; these units have none: {name_ids(weights.islands)}. "
            "Leave them out of panel and weights, or build weights that link them."
        )
    if not weights.is_row_standardized:
        raise WeightsError(
            "Neighbours' classes go by the neighbours' mean, and need row-standardised weights; these are "
            f"not ({describe_weights(weights)}). Pass W.row_standardized()."
        )
    (name,) = panel.require([column])
    cube = panel.cube([name], units=weights.ids)[:, :, 0]
    gaps = np.argwhere(~np.isfinite(cube))
    if len(gaps):
        cells = [(weights.ids[j], panel.times[t]) for t, j in gaps]
        raise DataError(
            f"{column!r} must have a value for each unit at each time; none at {name_ids(cells)}. "
            "Use panel.interpolate or panel.balance first."
        )
    if panel.n_times < 2:
        raise DataError(f"Transitions need two times or more; the panel has {panel.n_times}.")
    if relative:
        means = cube.mean(axis=1, keepdims=True)
        low = np.flatnonzero(means[:, 0] <= 0)
        if len(low):
            raise DataError(
                f"relative=True divides by the year's mean, and that of {column!r} is not above zero in "
                f"{name_ids([panel.times[t] for t in low])}: the order of the units would turn round. Use "
                "relative=False, fixed=False for classes of each year, or a variable that is positive."
            )
        cube = cube / means
    return np.ascontiguousarray(cube.T), weights.ids, weights


def _cutoffs(values: Any) -> Float:
    return np.empty(0) if values is None else np.asarray(values, dtype=np.float64)


def _steady_state(p: Float) -> Float:
    """Return giddy's steady state, or NaN where it is not unique or a class was never left."""
    from giddy.ergodic import steady_state

    missing = np.full(len(p), np.nan)
    if (p.sum(axis=1) == 0).any():
        return missing
    found = np.atleast_2d(steady_state(p))
    return np.asarray(found[0], dtype=np.float64) if len(found) == 1 else missing


def _tidy_block(name: str, lag: int, counts: Float, labels: list[str] | None = None) -> pd.DataFrame:
    size = len(counts)
    kinds: Any = labels or list(range(1, size + 1))
    left = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, left, out=np.full(counts.shape, np.nan), where=left > 0)
    error = np.sqrt(np.divide(share * (1 - share), left, out=np.full(counts.shape, np.nan), where=left > 0))
    return pd.DataFrame(
        {
            "term": name,
            "lag_class": lag,
            "from": np.repeat(kinds, size),
            "to": np.tile(kinds, size),
            "count": counts.ravel().astype(np.int64),
            "estimate": share.ravel(),
            "std_error": error.ravel(),
        }
    )


def _draw_matrix(values: Float, labels: list[str], title: str, ax: Axes | None) -> Axes:
    from spatial.figures.canvas import drawing

    with drawing(ax, [title, *labels], size=(4.2, 3.8)) as axes:
        axes.imshow(values, cmap="Blues", vmin=0.0, vmax=1.0)
        for (i, j), value in np.ndenumerate(values):
            axes.text(
                j, i, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.5 else "black"
            )
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.set_xlabel("to")
        axes.set_ylabel("from")
        axes.set_title(title)
    return axes
