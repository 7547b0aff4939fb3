"""Join counts of a yes-or-no variable: how often yes meets yes, over the map and at each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.autocorrelation.inference import Run, notes
from spatial.autocorrelation.local_inference import Filled, LocalRun, LocalStatistic, rows_shown
from spatial.autocorrelation.moments import geary_moments, trajectory_moments
from spatial.autocorrelation.pairs import Pairs, walk
from spatial.autocorrelation.sample import Missing, Sample, describe_weights, sample
from spatial.compute.pvalues import Alternative, normal_p, permutation_counts, permutation_p, smallest_p
from spatial.compute.threads import Executor
from spatial.errors import DataError, WeightsError, hinted, name_ids
from spatial.ids.numbers import Values
from spatial.languages.shown import digits, frame_text
from spatial.results import Result
from spatial.weights.value import WeightsLike
from spatial.words import Said, tell

__all__ = ["JoinCounts", "LocalJoinCounts", "join_counts", "local_join_counts"]

Float = NDArray[np.float64]

KINDS = ("BB", "WW", "BW")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class JoinCounts(Result):
    """Joins between neighbours: both yes (BB, black-black), both no (WW), one of each (BW).

    Parameters
    ----------
    name : str
        The variable.
    frame : DataFrame, rows BB, WW, BW
        ``count`` (half of the sum of weights over ordered pairs), ``expected``, ``variance``, ``z_value``,
        ``p_value`` where the number of yes is given and each arrangement as likely; ``p_sim`` by permutation.
    simulated : DataFrame (permutations, 3) or None
    n, yes : int
        Units, and those with yes.
    permutations, seed : int
    alternative, weights : str
    dropped : Index
    """

    name: str
    frame: pd.DataFrame
    simulated: pd.DataFrame | None
    n: int
    yes: int
    permutations: int
    seed: int
    alternative: Alternative
    weights: str
    dropped: pd.Index[Any]

    @property
    def BB(self) -> float:
        """Joins of yes with yes."""
        return float(self.frame.loc["BB", "count"])

    @property
    def WW(self) -> float:
        """Joins of no with no."""
        return float(self.frame.loc["WW", "count"])

    @property
    def BW(self) -> float:
        """Joins of yes with no."""
        return float(self.frame.loc["BW", "count"])

    @property
    def smallest_p(self) -> float:
        """The smallest p_sim that so many permutations can give."""
        return smallest_p(self.permutations, self.alternative)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each kind of join; statistic and p_value are analytic."""
        f = self.frame
        return pd.DataFrame(
            {
                "term": f.index,
                "estimate": f["count"].to_numpy(),
                "expected": f["expected"].to_numpy(),
                "std_error": np.sqrt(f["variance"].to_numpy()),
                "statistic": f["z_value"].to_numpy(),
                "p_value": f["p_value"].to_numpy(),
                "conf_low": np.nan,
                "conf_high": np.nan,
                "p_sim": f["p_sim"].to_numpy(),
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: the counts, their p-values and the sample."""
        counts = {kind: self.frame.loc[kind, "count"] for kind in KINDS}
        p = {f"p_sim_{kind}": self.frame.loc[kind, "p_sim"] for kind in KINDS}
        more = ("n", "yes", "permutations", "seed", "alternative", "weights")
        fields = {k: getattr(self, k) for k in more}
        return pd.DataFrame([{"name": self.name, **counts, **p, **fields, "dropped": len(self.dropped)}])

    @property
    def hypothesis(self) -> str:
        """What is true if the test does not reject."""
        return Said(
            (
                "the {yes} yes of {n} units fall to them at random",
                "{n} 个个体中的 {yes} 个“是”随机分配于各个体",
            ),
            yes=str(self.yes),
            n=str(self.n),
        )

    def summary(self) -> str:
        """Write the result as text."""
        title = tell(
            f"Join counts of {self.name}: n = {self.n}, yes {self.yes}",
            f"{self.name} 的连接计数：n = {self.n}，“是” {self.yes} 个",
        )
        return "\n".join([title, frame_text(self.frame, digits(4, "g"), index=True), *notes(self)])

    def headline(self) -> str:
        """Name the counts."""
        return f"{self.name}: " + ", ".join(f"{k} = {self.frame.loc[k, 'count']:g}" for k in KINDS)


@hinted
def join_counts(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> JoinCounts:
    r"""Count how often neighbours are both yes, both no, or one of each (Moran 1948; Cliff and Ord 1981).

    .. math::

        BB = \tfrac12 \sum_{i \ne j} w_{ij} x_i x_j, \qquad
        WW = \tfrac12 \sum_{i \ne j} w_{ij} (1 - x_i)(1 - x_j), \qquad
        BW = \tfrac12 \sum_{i \ne j} w_{ij} (x_i - x_j)^2

    Parameters
    ----------
    x : Series or array, (N,)
        Yes or no: bool, or 1 and 0.
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given; binary weights count joins.  Own weights are refused.
    permutations, seed, alternative, missing, workers, executor, progress
        As in `moran`; "greater" of BB is the test that yes is near yes.

    Returns
    -------
    JoinCounts
        Moments are those of nonfree sampling, as in spdep's ``joincount.test`` (which prints BB and WW); the
        counts with binary weights are esda's ``Join_Counts``.

    Raises
    ------
    DataError
        If `x` is neither True and False nor 0 and 1, or is the same in all units.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> coast = pd.Series([True, True, False, False], list("abcd"), name="coast")
    >>> join_counts(coast, W, permutations=0).frame["count"].tolist()
    [1.0, 1.0, 1.0]
    """
    run = Run(permutations, seed, alternative, workers, progress, executor=executor)
    data = sample({"x": _as_numbers(x)}, W, missing=missing, statistic="Join counts", blocks=True)
    b = _binary(data, 0)
    pairs = walk(data, b, permutations, run.threads)
    w = pairs.constants
    if w.own.any():
        raise WeightsError("Join counts compare different units; these weights have own weights.")
    values: dict[str, tuple[float, float, float]] = {}
    both = float(b @ pairs.lag)
    neither = float((1 - b) @ (pairs.sums - pairs.lag))
    for kind, v, joins in (("BB", b, both), ("WW", 1 - b, neither)):
        mean, variance, _, _ = trajectory_moments(v[:, None], w)
        values[kind] = (joins / 2, mean / 2, variance / 4)
    # BW is Geary's C but for its scale.
    z = b - b.mean()
    scale = w.S0 * float(z @ z) / (data.n - 1)
    count = w.S0 / 2 - values["BB"][0] - values["WW"][0]
    values["BW"] = (count, scale, scale**2 * geary_moments(z, w).variance_randomisation)
    simulated = _simulated(b, pairs, run, data.names[0]) if permutations else None
    rows = []
    for kind in KINDS:
        count, expected, variance = values[kind]
        score = (count - expected) / np.sqrt(variance) if variance > 1e-10 * expected**2 else np.nan
        p_sim = np.nan
        if simulated is not None:
            counts = permutation_counts(count, simulated[kind].to_numpy())
            p_sim = float(permutation_p(*counts, permutations, alternative))
        rows.append((count, expected, variance, score, float(normal_p(score, alternative)), p_sim))
    columns = ["count", "expected", "variance", "z_value", "p_value", "p_sim"]
    return JoinCounts(
        name=data.names[0],
        frame=pd.DataFrame(rows, index=pd.Index(KINDS, name="join"), columns=columns),
        simulated=simulated,
        n=data.n,
        yes=int(b.sum()),
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        weights=describe_weights(data.links),
        dropped=data.dropped,
    )


def _simulated(b: Float, pairs: Pairs, run: Run, name: str) -> pd.DataFrame:
    """Return the three counts under each permutation: all follow from x'Wx and the joins of yes."""
    label, symmetric, w = f"Join counts of {name}", pairs.symmetric, pairs.constants
    assert symmetric is not None
    both = run.simulate(b, symmetric, label=label) / 2
    one = run.simulate(b, symmetric, linear=w.degree, label=label) - 2 * both
    # one = sum of the degrees of yes; each join of yes with anything is in it, those of two yes twice.
    mixed = one / 2 - 2 * both
    return pd.DataFrame({"BB": both, "WW": w.S0 / 2 - both - mixed, "BW": mixed})


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LocalJoinCounts(LocalStatistic):
    """Neighbours with yes of each unit with yes.

    Parameters
    ----------
    name : str
        The variable, or those that must all be yes, joined by commas.
    frame : DataFrame by id, in the order of the weights
        ``joins`` (weight of the neighbours with yes; 0 where the unit itself has no); ``p_sim`` by
        conditional permutation, NaN where joins are 0; ``p_fdr``; ``quadrant`` ("positive" where the unit has
        yes) and ``cluster``, the same where significant.
    yes : int
        Units with yes.
    alpha, fdr, permutations, seed, alternative, weights, dropped
        As in `LocalMoran`; the test is one-sided.
    """

    column: ClassVar[str] = "joins"
    title: ClassVar[str] = "Local join counts"
    hypothesis: ClassVar[str] = "given a unit with yes, the others with yes fall to the units at random"

    yes: int

    def _also(self) -> dict[str, Any]:
        return {"yes": self.yes}


@hinted
def local_join_counts(
    x: Values,
    W: WeightsLike,
    *,
    permutations: int = 999,
    seed: int = 0,
    alpha: float = 0.05,
    fdr: bool = False,
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
    progress: bool | None = None,
) -> LocalJoinCounts:
    r"""Count the neighbours with yes of each unit with yes, and test whether they are many.

    .. math:: J_i = b_i \sum_j w_{ij} b_j, \qquad b_i = \prod_m x_{im}

    (Anselin and Li 2019).  With several variables b is 1 where all of them are yes: co-location, in place and
    at the neighbours.

    Parameters
    ----------
    x : Series, array (N,), or DataFrame by id
        Yes or no: bool, or 1 and 0; for co-location several in columns.
    W : Weights, OpenWeights, or libpysal Graph or W
        Used as given; binary weights count neighbours.  Own weights play no part.
    permutations, seed, alpha, fdr, missing, workers, executor, progress
        As in `local_moran`.  The p-value is one-sided, of as many joins or more; all ties count.

    Returns
    -------
    LocalJoinCounts
        With binary weights the counts are esda's ``Join_Counts_Local``, and of several variables
        ``Join_Counts_Local_MV``.

    Raises
    ------
    DataError
        If `x` is neither True and False nor 0 and 1, or is the same in all units.
    AlignmentError
        If the ids are not those of the weights.
    WeightsError
        If `W` has no links.

    References
    ----------
    Anselin, L., and X. Li (2019). Operational local join count statistics for cluster detection. Journal of
    Geographical Systems 21, 189-210.

    Examples
    --------
    >>> from spatial.weights import Weights
    >>> W = Weights.from_frame(pd.DataFrame({"i": list("abbccd"), "j": list("bacbdc"), "w": 1.0}))
    >>> x = pd.Series([1, 1, 1, 0], list("abcd"), name="capital")
    >>> local_join_counts(x, W, permutations=99).frame["joins"].tolist()
    [1.0, 2.0, 1.0, 0.0]
    """
    run = LocalRun(permutations, seed, "greater", workers, progress, alpha, fdr, executor=executor)
    columns = {str(c): _as_numbers(x[c]) for c in x.columns} if isinstance(x, pd.DataFrame) else None
    given = columns or {"x": _as_numbers(x)}
    data = sample(given, W, missing=missing, statistic="Local join counts", blocks=True)
    b = np.prod([_binary(data, m) for m in range(len(data.names))], axis=0)
    draws, label = run.draws(b, data.most), f"Local join counts of {', '.join(data.names)}"
    filled = Filled(data, ("joins", "p_value", "p_sim"))
    for rows, test in rows_shown(data, run, label):
        others, mine = rows.others, b[rows.units]
        joins, islands, p = mine * (others @ b), np.diff(others.indptr) == 0, np.full(len(mine), np.nan)
        if permutations:
            found = draws.count(others, rows.units, workers=test.threads, progress=test.progress, label=label)
            counted = permutation_p(found.above, found.below, permutations, "greater")
            p = np.where(joins > 0, counted, np.nan)
        codes = np.where((mine > 0) & ~islands, 0, -1)
        filled.put(rows, codes, islands, {"joins": joins, "p_value": np.full(len(p), np.nan), "p_sim": p})
    frame = filled.frame(run, ["positive"])[["joins", "p_sim", "p_fdr", "quadrant", "cluster"]]
    return LocalJoinCounts(name=", ".join(data.names), frame=frame, yes=int(b.sum()), **run.fields(data))


def _as_numbers(x: Any) -> Any:
    """Return bool as 1.0 and 0.0; everything else as it is."""
    if isinstance(x, pd.Series) and pd.api.types.is_bool_dtype(x.dtype):
        return x.astype(np.float64)
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype == bool else x


def _binary(data: Sample, column: int) -> Float:
    """Return one variable by sorted id as 1.0 and 0.0; refuse others by id."""
    values = np.ldexp(data.sorted_values(column), data.exponents[column])
    bad = (values != 0.0) & (values != 1.0)
    if bad.any():
        ids = data.ids[data.order]
        raise DataError(
            f"Join counts need yes or no, True and False or 1 and 0; {data.names[column]!r} is another value "
            f"at {name_ids(ids[bad])}. Compare first, as in x > x.median()."
        )
    return np.asarray(values)
