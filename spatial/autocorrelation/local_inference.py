"""What the local statistics share: one result, conditional permutation, adjusted p-values, clusters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.fdr import fdr_adjusted
from spatial.compute.pvalues import Alternative, check_reachable, folded_p, permutation_p, sequential_tail
from spatial.compute.threads import free_bytes, progress_bar, wants_bar
from spatial.errors import DataError
from spatial.results import drawn_by
from spatial.weights.blocks.value import OpenWeights

from .inference import Run
from .local_words import LocalWords, Tally
from .sample import Rows, Sample, describe_weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from spatial.compute.conditional import Draws

__all__ = [
    "QUADRANTS",
    "Filled",
    "LocalRun",
    "LocalStatistic",
    "Tails",
    "clusters",
    "conditional_test",
    "quadrants",
    "rows_shown",
]

Float = NDArray[np.float64]

QUADRANTS = ["HH", "LL", "LH", "HL"]

_SECONDS = 1.6e-9  # for each draw, one thread
_DEFAULT_LEVEL = 0.05


@dataclass(frozen=True)
class LocalRun(Run):
    """How local statistics are tested.

    A `Run`, the level of the clusters, whether they go by the FDR, and after how many exceedances in each
    tail a unit stops drawing.
    """

    alpha: float = _DEFAULT_LEVEL
    fdr: bool = False
    stop_after: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.alpha < 1:
            raise DataError(f"alpha must be between 0 and 1, as 0.05; got {self.alpha!r}.")
        stop = self.stop_after
        if stop is not None and (isinstance(stop, bool) or not isinstance(stop, Integral) or stop < 1):
            raise DataError(f"stop_after must be a whole number, 1 or more, as 20, or None; got {stop!r}.")
        if self.alpha < _DEFAULT_LEVEL:  # which stays with a few permutations, for trying things out
            check_reachable(self.alpha, self.permutations, self.alternative)

    def draws(self, values: Float, most: int, *, gaps: bool = False) -> Draws:
        """Return the conditional permutations of values by sorted id; see `Draws`."""
        from spatial.compute.conditional import Draws

        given = np.require(np.atleast_2d(values), np.float64, ["C", "W"])
        return Draws(given, most, self.permutations, self.seed, stop_after=self.stop_after or 0, gaps=gaps)

    def basis(self, p_sim: Float, p_value: Float, p_fdr: Float) -> Float:
        """Return the p-values that the clusters go by."""
        return p_fdr if self.fdr else (p_sim if self.permutations else p_value)

    def fields(self, data: Sample) -> dict[str, Any]:
        """Return what each local result says of its run and its sample."""
        return {
            "alpha": self.alpha,
            "fdr": self.fdr,
            "permutations": self.permutations,
            "seed": self.seed,
            "stop_after": self.stop_after,
            "alternative": self.alternative,
            "weights": describe_weights(data.links),
            "dropped": data.dropped,
        }

    def adjusted(self, p_sim: Float, p_value: Float) -> Float:
        """Return the p-values that are used, adjusted by Benjamini and Hochberg."""
        return fdr_adjusted(p_sim if self.permutations else p_value)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LocalStatistic(LocalWords):
    """One number for each unit, with p-values and clusters.

    Parameters
    ----------
    name : str
        The variable.
    frame : DataFrame by id, in the order of the weights
        The statistic, its moments and p-values, and the ``cluster``.
    alpha : float
        Level of the clusters.
    fdr : bool
        Whether clusters go by p_fdr.
    permutations, seed : int
    stop_after : int or None
        Exceedances in each tail after which a unit stopped drawing.
    alternative : str
    weights : str
        Kind, size and normalisation of the weights.
    dropped : Index
        Units cut as missing.
    """

    column: ClassVar[str]
    """The column of the frame that holds the statistic."""
    title: ClassVar[str]
    """What it is called."""
    figure: ClassVar[str] = "map_clusters"

    name: str
    frame: pd.DataFrame
    alpha: float
    fdr: bool
    permutations: int
    seed: int
    stop_after: int | None = None
    alternative: Alternative
    weights: str
    dropped: pd.Index[Any]

    def _titled(self) -> str:
        return self.title

    @cached_property
    def tally(self) -> Tally:
        """How many units are in each cluster, and below the level."""
        return Tally.of(self.frame, self.permutations, self.alpha)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each unit; statistic and p_value are analytic."""
        frame = self.frame
        n = len(frame)

        def column(name: str) -> Any:
            return frame[name].to_numpy() if name in frame else np.full(n, np.nan)

        return pd.DataFrame(
            {
                "term": self.name,
                "unit": frame.index,
                "estimate": column(self.column),
                "std_error": np.sqrt(column("variance")),
                "statistic": column("z_value"),
                "p_value": column("p_value"),
                "conf_low": np.nan,
                "conf_high": np.nan,
                "p_sim": column("p_sim"),
                "p_fdr": column("p_fdr"),
                "cluster": column("cluster"),
            }
        )

    def plot(self, *args: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """Map the clusters over the `cities` given."""
        cities = args[0] if args else options.pop("cities", None)
        if cities is None:
            raise DataError("A map of clusters needs the cities: result.plot(cities).")
        axes: Axes = drawn_by(self.figure)(self, cities, ax=ax, **options)
        return axes


def rows_shown(data: Sample, run: LocalRun, label: str) -> Iterator[tuple[Rows, LocalRun]]:
    """Give the rows of W and the run of their tests, with one bar over all blocks where there are several."""
    if not isinstance(data.links, OpenWeights) or data.links.source.count == 1:
        for rows in data.rows():
            yield rows, run
        return
    seconds = _SECONDS * run.permutations * data.links.n_links
    with progress_bar(data.n, label, wants_bar(run.progress, seconds)) as bar:
        for rows in data.rows():
            yield rows, replace(run, progress=False)
            bar.update(len(rows.units))


class Filled:
    """Columns by unit, in the order of the weights, that are filled some rows at a time.

    Parameters
    ----------
    data : Sample
    names : sequence of str
    """

    def __init__(self, data: Sample, names: Sequence[str]) -> None:
        needed, free = 8.0 * (len(names) + 2) * data.n, free_bytes()
        if needed > free:
            raise DataError(
                f"The table of {data.n:,} units takes {needed / 1e9:,.1f} GB of memory; {free / 1e9:,.1f} GB "
                "are free. Take fewer units; local_moran and getis_ord write theirs with folder=."
            )
        self.data = data
        self.columns = {name: np.empty(data.n) for name in names}
        self.codes = np.empty(data.n, np.int8)
        self.islands = np.empty(data.n, dtype=bool)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def put(
        self, rows: Rows, codes: NDArray[Any], islands: NDArray[np.bool_], columns: Mapping[str, Float]
    ) -> None:
        """Fill some rows."""
        at = self.data.places(rows.units)
        self.codes[at], self.islands[at] = codes, islands
        for name, values in columns.items():
            self.columns[name][at] = values

    def frame(self, run: LocalRun, categories: list[str]) -> pd.DataFrame:
        """Return the table, with adjusted p-values, groups and clusters."""
        p_sim, p_value = self.columns["p_sim"], self.columns["p_value"]
        p_fdr = run.adjusted(p_sim, p_value)
        groups = pd.Categorical.from_codes(self.codes, categories=categories)
        found = clusters(groups, run.basis(p_sim, p_value, p_fdr), run.alpha, self.islands)
        made = {**self.columns, "p_fdr": p_fdr, "quadrant": groups, "cluster": found}
        return pd.DataFrame(made, index=self.data.ids, copy=False)


@dataclass(frozen=True, eq=False)
class Tails:
    """P-values (N,) by permutation, and whether the upper tail is the one that is small."""

    p: Float
    high: NDArray[np.bool_]
    lags: Float | None


def conditional_test(
    draws: Draws,
    others: sp.csr_array,
    sign: Float,
    run: Run,
    *,
    units: NDArray[np.integer[Any]] | None = None,
    keep: bool = False,
    label: str,
) -> Tails:
    """Return p-values of ``sign * (lag of values)`` and, with `keep`, the permuted lags; by sorted id.

    A statistic that is `sign` times the lag, with `sign` fixed, has the lag's p-value; where `sign` is
    negative the tails change places, and where it is 0 the statistic cannot vary and p is 1.  Half of the
    ties count: with counted data the full p-values are too large.  Units without neighbours get NaN.
    `units` says which the rows of `others` are; all by default.
    """
    islands = np.diff(others.indptr) == 0
    n = run.permutations
    if n == 0:
        return Tails(np.full(len(islands), np.nan), np.ones(len(islands), dtype=bool), None)
    found = draws.count(others, units, keep=keep, workers=run.threads, progress=run.progress, label=label)

    def turned(above: Any, below: Any, whole: float) -> tuple[Any, Any]:
        up = np.where(sign > 0, above, np.where(sign < 0, below, whole))
        return up, np.where(sign > 0, below, np.where(sign < 0, above, whole))

    if found.drawn is None:
        up, down = turned(found.above, found.below, n)
        p = permutation_p(up, down, n, run.alternative, mid=True)
    else:
        upper = sequential_tail(found.above, found.drawn[:, 0], n, draws.stop_after)
        lower = sequential_tail(found.below, found.drawn[:, 1], n, draws.stop_after)
        up, down = turned(upper, lower, 1.0)
        p = folded_p(up, down, run.alternative)
    p = np.where(sign == 0, 1.0, np.asarray(p, dtype=np.float64))
    return Tails(np.where(islands, np.nan, p), np.asarray(up <= down), found.lags)


def quadrants(z: Float, lag: Float, islands: NDArray[np.bool_]) -> pd.Categorical:
    """Return HH, LL, LH or HL by the signs of z and of its lag; missing for islands."""
    code = np.select([(z > 0) & (lag > 0), (z <= 0) & (lag <= 0), z <= 0], [0, 1, 2], 3)
    return pd.Categorical.from_codes(np.where(islands, -1, code), categories=QUADRANTS)


def clusters(groups: pd.Categorical, p: Float, alpha: float, islands: NDArray[np.bool_]) -> pd.Categorical:
    """Return each unit's group where p is at most `alpha`, else "not significant", or "island"."""
    kinds = [*groups.categories, "not significant", "island"]
    rest = len(groups.categories)
    code = np.where(p <= alpha, groups.codes, np.int8(rest))  # NaN <= alpha is False
    return pd.Categorical.from_codes(np.where(islands, np.int8(rest + 1), code), categories=kinds)
