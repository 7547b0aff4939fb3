"""Local Moran's I (LISA), univariate and bivariate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.conditional import row_sums_of
from spatial.compute.pvalues import Alternative, normal_p
from spatial.compute.threads import Executor
from spatial.errors import DataError, WeightsError, did_you_mean, hinted, name_ids
from spatial.ids.numbers import Values
from spatial.results import drawn_by
from spatial.weights.value import WeightsLike

from .local_inference import (
    QUADRANTS,
    Filled,
    LocalRun,
    LocalStatistic,
    conditional_test,
    quadrants,
    rows_shown,
)
from .moments import local_moran_moments
from .on_disk import OpenLocal, Written, check_folder
from .sample import Missing, Rows, Sample, sample, standardized

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LocalMoran", "bivariate_local_moran", "local_moran"]

Float = NDArray[np.float64]
LocalMoments = Literal["conditional", "total"]

COLUMNS = ("Ii", "z", "lag", "expected", "variance", "z_value", "p_value", "p_sim")
ORDER = [*COLUMNS[:3], "quadrant", *COLUMNS[3:], "p_fdr", "cluster"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LocalMoran(LocalStatistic):
    """Local Moran's I of each unit, with its quadrant, p-values and cluster.

    Parameters
    ----------
    name : str
        The variable; "x, W y" for two.
    frame : DataFrame by id, in the order of the weights
        ``Ii``; ``z`` (standardised value) and ``lag`` (of z); ``quadrant`` (HH, LL, LH, HL: unit, then
        neighbours); ``expected``, ``variance``, ``z_value``, ``p_value`` (analytic); ``p_sim`` (conditional
        permutation); ``p_fdr`` (p_sim, or p_value without permutations, adjusted by Benjamini and Hochberg);
        ``cluster`` (the quadrant where significant, else "not significant", or "island").
    I : float
        Global Moran's I: the sum of the local ones over the sum of the weights.
    alpha : float
        Level of the clusters.
    fdr : bool
        Whether clusters go by p_fdr.
    simulations : array (N, permutations) or None
        Ii under each permutation, in the order of the frame.
    permutations, seed, stop_after : int
    alternative, moments : str
    weights : str
        Kind, size and normalisation of the weights.
    dropped : Index
        Units cut as missing.
    """

    column: ClassVar[str] = "Ii"
    title: ClassVar[str] = "Local Moran's I"

    I: float  # noqa: E741 - the literature's name
    simulations: Float | None
    moments: LocalMoments

    @property
    def z(self) -> pd.Series[float]:
        """Standardised values by id."""
        return self.frame["z"]

    @property
    def lag(self) -> pd.Series[float]:
        """Spatial lag of the standardised values by id."""
        return self.frame["lag"]

    def _also(self) -> dict[str, Any]:
        return {"I": self.I}

    def plot(self, *args: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the cluster map over the `cities` given, or without them the Moran scatter plot."""
        cities = args[0] if args else options.pop("cities", None)
        if cities is None:
            axes: Axes = drawn_by("moran_scatter")(self, ax=ax, **options)
            return axes
        return super().plot(cities, ax=ax, **options)


@overload
def local_moran(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    stop_after: int | None = None,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    moments: LocalMoments = "conditional",
    missing: Missing = "raise",
    keep_simulations: bool = False,
    folder: None = None,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LocalMoran: ...
@overload
def local_moran(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    stop_after: int | None = None,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    moments: LocalMoments = "conditional",
    missing: Missing = "raise",
    keep_simulations: bool = False,
    folder: str | Path,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> OpenLocal: ...
@hinted
def local_moran(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    stop_after: int | None = None,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    moments: LocalMoments = "conditional",
    missing: Missing = "raise",
    keep_simulations: bool = False,
    folder: str | Path | None = None,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LocalMoran | OpenLocal:
    r"""Measure local spatial autocorrelation with Moran's :math:`I_i` (Anselin 1995).

    .. math:: I_i = \frac{z_i}{m_2} \sum_j w_{ij} z_j, \qquad z = x - \bar x, \quad m_2 = \sum_i z_i^2 / n

    so that :math:`\sum_i I_i = S_0 I`.  This is spdep's default; GeoDa and esda divide by
    :math:`\sum z^2 / (n-1)`, which makes each :math:`I_i` smaller by (n-1)/n and changes no p-value.

    Parameters
    ----------
    x : Series or array, (N,)
        A Series is matched to the weights by id; a bare array is taken in the order of ``W.ids``, and may be
        on disk (``numpy.load(path, mmap_mode="r")``).
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given; never changed.  Open weights are read block by block.
    permutations : int
        Conditional permutations: unit i keeps its value and its neighbours' values are drawn, without
        replacement, from all others.  Each unit has draws of its own.  0 for none.
    seed : int
        One seed gives one answer, whatever the number of workers and the order of the rows: draws belong to
        a unit by its place among the sorted ids.
    stop_after : int, optional
        Sequential p-values (Besag and Clifford 1991): a unit stops drawing when so many draws are at or
        beyond its statistic in each tail: p = h/l where the h-th is draw l, else that of all `permutations`.
        With 20, units that do not stand out need some hundred of 99,999; those that do draw them all.
    alpha : float
        Level of the cluster labels.
    fdr : bool
        Label clusters by ``p_fdr`` rather than by ``p_sim``.  Testing n units one by one at 5 %, some 5 % of
        them are called significant where there is nothing.
    alternative : {"two-sided", "greater", "less", "geoda"}
        Of all p-values.  Two-sided is twice the smaller tail, at most 1, so at least 2/(1 + permutations).
        ``"geoda"`` is the one-sided pseudo p towards the nearer tail that GeoDa and esda print: half of a
        two-sided p, so that about twice as many units are below a level where there is nothing.
    moments : {"conditional", "total"}
        Of the analytic p-values: given the unit's own value, or over all arrangements (Sokal, Oden and
        Thomson 1998, A3 and A4, or A1 and A2).  The total ones need weights without own weights.
    missing : {"raise", "drop"}
        "drop" leaves units without a value out and cuts their links; row-standardised weights are
        standardised again.  The result names the units.
    keep_simulations : bool
        Keep all permuted statistics: 8 bytes for each unit and permutation.
    folder : path, optional
        New or empty: the table is written there, a Parquet file for each block of units, and never held
        whole.  For tens of millions of units; the numbers are those in memory, to the bit.
    workers : int, optional
        Threads; all cores by default.
    executor : dask.distributed.Client or int, optional
        Where permutations run: on a cluster, or so many threads.  The same bits on any of them; few units
        are faster here than sent away, and stay.
    progress : bool, optional
        Show a bar; by default on a terminal for runs of more than two seconds.

    Returns
    -------
    LocalMoran, or with `folder` OpenLocal

    Raises
    ------
    AlignmentError, DataError, WeightsError
        As `moran`; a folder that is not empty, or a disk without room for the table.

    Notes
    -----
    From 200,000 units on each block of 128 permutations draws from a random sample of 8,192 others, which is
    four times as fast and makes the Monte Carlo error of p some 5 percent larger.

    Half of the tied draws count (mid-p), so that tests of counted data keep their size; without ties this
    changes nothing.  Quadrants go by the signs of z and of the lag of z, as in GeoDa and esda; spdep's
    ``quadr`` attribute compares the lag with its own mean.  Islands have Ii = 0, no quadrant, no p-value, and
    the label "island".

    References
    ----------
    Anselin, L. (1995). Local indicators of spatial association. Geographical Analysis 27, 93-115.
    Besag, J., and P. Clifford (1991). Sequential Monte Carlo p-values. Biometrika 78, 301-304.
    Sokal, R. R., N. L. Oden and B. A. Thomson (1998). Local spatial autocorrelation in a biological model.
    Geographical Analysis 30, 331-354.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, name="income")
    >>> local_moran(x, Weights.from_frame(links), permutations=99).frame[["Ii", "quadrant"]]
        Ii quadrant
    a  0.6       LL
    b  0.4       LL
    c  0.4       HH
    d  0.6       HH
    """
    if moments not in get_args(LocalMoments):
        raise DataError(
            f'moments must be "conditional" or "total"; got {moments!r}.'
            f"{did_you_mean(moments, get_args(LocalMoments))}"
        )
    target = check_folder(folder, W)
    if stop_after is not None and keep_simulations:
        raise DataError("keep_simulations keeps all permutations; with stop_after= not all are drawn.")
    if target is not None and keep_simulations:
        raise DataError(
            "keep_simulations holds all permuted statistics in memory; leave it out with folder=."
        )
    # Permuted statistics of all units are more than any weights.
    data = sample({"x": x}, W, missing=missing, statistic="Local Moran's I", blocks=not keep_simulations)
    run = LocalRun(
        permutations, seed, alternative, workers, progress, alpha, fdr, stop_after, executor=executor
    )
    return _local(data, data.names[0], run, moments, keep_simulations, target)


@hinted
def bivariate_local_moran(
    x: Values,
    y: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
    fdr: bool = False,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    keep_simulations: bool = False,
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LocalMoran:
    r"""Relate each unit's x to its neighbours' y (Anselin, Syabri and Smirnov 2002).

    .. math:: I_i = \frac{z^x_i}{s_x} \sum_j w_{ij} \frac{z^y_j}{s_y}

    Parameters are those of `local_moran`; `y` is permuted among the other units.  ``lag`` is that of y, and
    the quadrant HL means high x among low y.  It says nothing on causes, and x and y that are correlated in
    place make it large where y alone is autocorrelated.  Own weights are refused: they compare x and y in
    place.

    Returns
    -------
    LocalMoran

    Raises
    ------
    DataError
        If a variable has missing or infinite values, text, repeated ids, or does not vary.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Examples
    --------
    >>> import pandas as pd
    >>> from spatial.weights import Weights
    >>> links = pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0})
    >>> x = pd.Series({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, name="income")
    >>> local = bivariate_local_moran(x, -x.rename("crime"), Weights.from_frame(links), permutations=99)
    >>> local.frame["quadrant"].tolist()
    ['LH', 'LH', 'HL', 'HL']
    """
    blocks = not keep_simulations
    data = sample({"x": x, "y": y}, W, missing=missing, statistic="Bivariate local Moran's I", blocks=blocks)
    run = LocalRun(permutations, seed, alternative, workers, progress, alpha, fdr, executor=executor)
    found = _local(data, f"{data.names[0]}, W {data.names[1]}", run, "conditional", keep_simulations)
    assert isinstance(found, LocalMoran)
    return found


def _local(
    data: Sample, name: str, run: LocalRun, moments: LocalMoments, keep: bool, folder: Path | None = None
) -> LocalMoran | OpenLocal:
    """Compute by sorted id; x is the first variable and the neighbours' is the last."""
    x = standardized(data.sorted_values())
    y = x if data.values.shape[1] == 1 else standardized(data.sorted_values(-1))
    draws, label = run.draws(y, data.most), f"Local Moran's I of {name}"
    with Filled(data, COLUMNS) if folder is None else Written(data, run, folder, QUADRANTS) as filled:
        total, weight, lags = 0.0, 0.0, None
        for rows, test in rows_shown(data, run, label):
            own, others, mine = rows.own, rows.others, x[rows.units]
            if len(data.names) > 1 and own.any():
                raise WeightsError(f"{name}: local Moran's I of two needs weights without own weights.")
            lag = others @ y + own * y[rows.units]
            expected, variance = _moments(rows, data, x, y, moments)
            islands = np.diff(others.indptr) == 0
            tails = conditional_test(draws, others, mine, test, units=rows.units, keep=keep, label=label)
            # An island's Ii cannot vary: no z-value and no p-value.
            score = (mine * lag - expected) / np.sqrt(np.where(islands | (variance <= 0), np.nan, variance))
            measured = {
                "Ii": mine * lag,
                "z": mine,
                "lag": lag,
                "expected": expected,
                "variance": variance,
                "z_value": score,
                "p_value": normal_p(score, run.alternative),
                "p_sim": tails.p,
            }
            filled.put(rows, quadrants(mine, lag, islands).codes, islands, measured)
            total, weight = total + float(mine @ lag), weight + float(rows.matrix.sum())
            if tails.lags is not None:
                # In place: there may be gigabytes of them.
                lags = tails.lags
                lags += (own * y[rows.units])[:, None]
                lags *= mine[:, None]
                lags = data.unsorted(lags)
        del draws  # and what it draws from, before the adjusted p-values
        if isinstance(filled, Written):
            facts = {"I": total / weight, "simulations": None, "moments": moments}
            return filled.finish(LocalMoran, LocalMoran.title, ORDER, name, **facts)
        return LocalMoran(
            name=name,
            frame=filled.frame(run, QUADRANTS)[ORDER],
            I=total / weight,
            simulations=lags,
            moments=moments,
            **run.fields(data),
        )


def _moments(rows: Rows, data: Sample, x: Float, y: Float, moments: str) -> tuple[Float, Float]:
    """Return mean and variance of the Ii of some rows, by sorted id."""
    own, others, mine = rows.own, rows.others, x[rows.units]
    sums = np.asarray(others.sum(axis=1)).ravel()
    squares = row_sums_of(others, np.square)
    if moments == "total":
        if own.any():
            units = data.ids[data.places(rows.units)][own != 0]
            raise WeightsError(
                f"Total moments need weights without own weights; these have them at {name_ids(units)}. "
                'Use moments="conditional".'
            )
        return local_moran_moments(mine, sums, squares, conditional=False, whole=x)
    if x is y or np.array_equal(x, y):
        expected, variance = local_moran_moments(mine, sums, squares, conditional=True, whole=x)
        return expected + own * mine**2, variance
    # Of two variables: x_i fixed, the neighbours' y drawn from the other n - 1 values.
    n, theirs = data.n, y[rows.units]
    mean = -theirs / (n - 1)
    spread = (n - theirs**2) / (n - 1) - mean**2  # y has mean 0 and mean square 1
    return mine * sums * mean, mine**2 * spread * (squares * (n - 1) - sums**2) / (n - 2)
