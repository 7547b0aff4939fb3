"""What the global statistics share: one checked run of permutations, one result, one way to make it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from spatial.compute.pvalues import (
    Alternative,
    alternative_words,
    check_alternative,
    normal_p,
    permutation_counts,
    permutation_p,
    smallest_p,
)
from spatial.compute.threads import Executor, Workers, check_workers
from spatial.errors import DataError
from spatial.languages.shown import head, padded, shown
from spatial.results import Result
from spatial.words import tell

from .sample import Sample, check_runs, describe_weights

if TYPE_CHECKING:
    from spatial.compute.links import Links

__all__ = ["GlobalStatistic", "Run", "normal_inference", "notes", "score", "symmetric_part"]

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """How a statistic is tested: checked once, and handed down whole.

    Parameters
    ----------
    permutations, seed : int
    alternative : {"two-sided", "greater", "less", "geoda"}
    workers : int, optional
        Threads; all cores by default.
    progress : bool, optional
    executor : dask.distributed.Client or int, optional
        Where permutations run, instead of `workers`.
    """

    permutations: int = 999
    seed: int = 0
    alternative: Alternative = "two-sided"
    workers: int | None = None
    progress: bool | None = None
    executor: Executor = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_runs(self.permutations, self.seed)
        check_alternative(self.alternative)
        check_workers(self.workers, self.executor)

    @property
    def threads(self) -> Workers:
        """Where permutations run: a number of threads, or a cluster."""
        return check_workers(self.workers, self.executor)

    @property
    def smallest_p(self) -> float:
        """The smallest p-value that the permutations can give; 0 without them."""
        return smallest_p(self.permutations, self.alternative)

    def simulate(
        self,
        values: Float,
        symmetric: sp.csr_array | Links,
        *,
        linear: Float | None = None,
        square: Float | None = None,
        stream: int = 0,
        label: str,
    ) -> Float:
        """Return the quadratic form under each permutation of `values`; see `permute_quadratic`."""
        from spatial.compute.permutation import permute_quadratic

        return permute_quadratic(
            values,
            symmetric,
            linear=linear,
            square=square,
            permutations=self.permutations,
            seed=self.seed,
            stream=stream,
            workers=self.threads,
            progress=self.progress,
            label=label,
        )

    def simulate_pairs(
        self, x: Float, y: Float, matrix: sp.csr_array, *, lags: bool = False, label: str
    ) -> Float:
        """Return a form of pairs under each permutation of the pairs; see `permute_bilinear`."""
        from spatial.compute.permutation import permute_bilinear

        return permute_bilinear(
            x,
            y,
            matrix,
            lags=lags,
            permutations=self.permutations,
            seed=self.seed,
            workers=self.threads,
            progress=self.progress,
            label=label,
        )

    def p_of(self, observed: float, simulated: Float | None) -> float:
        """Return the permutation p-value; NaN without permutations."""
        if simulated is None:
            return float("nan")
        if not np.isfinite(observed):
            raise DataError(f"The statistic is {observed}: it has no p-value. Check values and weights.")
        counts = permutation_counts(observed, simulated)
        return float(permutation_p(*counts, self.permutations, self.alternative))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class GlobalStatistic(Result):
    """One number for a whole map, with its inference under no spatial autocorrelation.

    Parameters
    ----------
    name : str
        The variable.
    expected : float
        Mean of the statistic under the null.
    variance_randomisation, z_randomisation, p_randomisation : float
        Where each arrangement of the values over the units is as likely; exact moments.
    p_sim : float
        By permutation; NaN without permutations.
    simulated : array (permutations,) or None
        The statistic under each permutation.
    n : int
        Units; islands count too.
    permutations, seed : int
    alternative : str
        Of all p-values.
    weights : str
        Kind, size and normalisation of the weights.
    dropped : Index
        Units cut as missing.
    """

    letter: ClassVar[str]
    """The field that holds the statistic."""
    title: ClassVar[str]
    """What it is called."""
    methods: ClassVar[tuple[str, ...]] = ("randomisation",)
    """The kinds of analytic inference it has."""
    digits: ClassVar[str] = ".6f"
    hypothesis: ClassVar[str] = "the values fall to the units at random"
    """What is true if the test does not reject, and what it takes for granted."""

    name: str
    expected: float
    variance_randomisation: float
    z_randomisation: float
    p_randomisation: float
    p_sim: float
    simulated: Float | None
    n: int
    permutations: int
    seed: int
    alternative: Alternative
    weights: str
    dropped: pd.Index[Any]

    @property
    def statistic(self) -> float:
        """The statistic itself."""
        return float(getattr(self, self.letter))

    @property
    def smallest_p(self) -> float:
        """The smallest p-value by permutation that so many permutations can give; 0 without them."""
        return smallest_p(self.permutations, self.alternative)

    @property
    def sidedness(self) -> str:
        """Which tail the p-values are of, in words."""
        return alternative_words(self.alternative)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each kind of inference; the null gives no confidence interval."""
        rows = [
            self._row(
                method,
                self.expected,
                getattr(self, f"variance_{method}"),
                getattr(self, f"z_{method}"),
                getattr(self, f"p_{method}"),
            )
            for method in self.methods
        ]
        if self.simulated is not None:
            mean, variance = float(self.simulated.mean()), float(self.simulated.var())
            z = (self.statistic - mean) / np.sqrt(variance) if variance > 0 else float("nan")
            rows.append(self._row("permutation", mean, variance, float(z), self.p_sim))
        return pd.DataFrame(rows)

    def _row(self, method: str, expected: float, variance: float, z: float, p: float) -> dict[str, Any]:
        return {
            "term": self.name,
            "method": method,
            "estimate": self.statistic,
            "expected": expected,
            "std_error": float(np.sqrt(variance)) if variance >= 0 else float("nan"),
            "statistic": z,
            "p_value": p,
            "conf_low": float("nan"),
            "conf_high": float("nan"),
        }

    def glance(self) -> pd.DataFrame:
        """Return one row: the statistic, its p-values and the sample."""
        kinds = [f"p_{method}" for method in self.methods]
        names = ("name", self.letter, "expected", *kinds, "p_sim", *self._also(), "n")
        more = ("permutations", "seed", "alternative", "weights")
        return pd.DataFrame([{**{k: getattr(self, k) for k in names + more}, **self._counts()}])

    def _also(self) -> tuple[str, ...]:
        """Name further fields of `glance`."""
        return ()

    def _counts(self) -> dict[str, int]:
        return {"dropped": len(self.dropped)}

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            tell(
                f"{self.title} of {self.name}: {self.statistic:{self.digits}}  "
                f"(expected {self.expected:{self.digits}}, n = {self.n})",
                f"{self.name} 的{shown(self.title)}：{self.statistic:{self.digits}}"
                f"（期望值 {self.expected:{self.digits}}，n = {self.n}）",
            )
        ]
        for method in self.methods:
            z, p = getattr(self, f"z_{method}"), getattr(self, f"p_{method}")
            lines.append(f"  {padded(head(method), 14)} z = {z:8.4f}  p = {p:.4g}")
        if self.permutations:
            lines.append(f"  {padded(head('permutation'), 14)} {'':13}  p = {self.p_sim:.4g}")
        return "\n".join(lines + self._remarks() + notes(self))

    def _remarks(self) -> list[str]:
        """Write what a reader of this statistic should know."""
        return []

    def headline(self) -> str:
        """Name the statistic and its p-value."""
        kind = "p_sim" if self.permutations else "p_randomisation"
        value = f"{self.statistic:{self.digits.replace('6', '4')}}"
        return f"{self.name}: {self.letter} = {value}, {kind} = {getattr(self, kind):.4g}, n = {self.n}"


Made = TypeVar("Made", bound=GlobalStatistic)


def made(
    kind: type[Made],
    data: Sample,
    run: Run,
    *,
    statistic: float,
    expected: float,
    variances: dict[str, float],
    simulated: Float | None,
    name: str | None = None,
    **fields: Any,
) -> Made:
    """Return a global statistic with its p-values; `variances` are by method."""
    inference: dict[str, Any] = {}
    for method, variance in variances.items():
        inference |= normal_inference(method, statistic, expected, variance, run.alternative)
    if simulated is not None:
        simulated.flags.writeable = False
    return kind(
        **{kind.letter: statistic},
        name=data.names[0] if name is None else name,
        expected=expected,
        p_sim=run.p_of(statistic, simulated),
        simulated=simulated,
        n=data.n,
        permutations=run.permutations,
        seed=run.seed,
        alternative=run.alternative,
        weights=describe_weights(data.links),
        dropped=data.dropped,
        **inference,
        **fields,
    )


def normal_inference(
    method: str, statistic: float, expected: float, variance: float, alternative: str
) -> dict[str, float]:
    """Return variance, z and p of one method, by their field names."""
    z = score(statistic - expected, variance, expected)
    return {
        f"variance_{method}": variance,
        f"z_{method}": z,
        f"p_{method}": float(normal_p(z, alternative)),
    }


def score(deviation: float, variance: float, expected: float) -> float:
    """Return deviation over standard error; NaN where the statistic cannot vary but for rounding."""
    return deviation / float(np.sqrt(variance)) if variance > 1e-10 * expected**2 else float("nan")


def symmetric_part(data: Sample) -> sp.csr_array:
    """Return W + W' by sorted id."""
    return sp.csr_array(data.matrix + data.matrix.T)


def notes(result: Any) -> list[str]:
    """Write what a reader should know: the null, weights, the p-values' tail, the seed, what was cut."""
    lines = [
        tell(f"Null hypothesis: {result.hypothesis}", f"原假设：{shown(result.hypothesis)}"),
        weights_line(result),
        tell("P-values: ", "p 值：") + alternative_words(result.alternative),
    ]
    if result.permutations:
        least = smallest_p(result.permutations, result.alternative)
        stop = getattr(result, "stop_after", None)
        count = str(result.permutations)
        if stop:
            count = tell(
                f"at most {count}, to {stop} exceedances a tail", f"至多 {count} 次，每侧超过 {stop} 次即止"
            )
        lines.append(permutations_line(count, result.seed, least))
    if len(result.dropped):
        ids = ", ".join(map(str, result.dropped[:10])) + (", ..." if len(result.dropped) > 10 else "")
        lines.append(
            tell(
                f"Dropped as missing, with their links: {len(result.dropped)} ({ids})",
                f"因缺失而剔除（连同其连接）：{len(result.dropped)} 个（{ids}）",
            )
        )
    return lines


def weights_line(result: Any) -> str:
    """Name the weights of a result."""
    return tell(f"Weights: {result.weights}", f"权重：{shown(result.weights)}")


def permutations_line(count: str, seed: int, least: float) -> str:
    """Say how many permutations there were, and what they can reach."""
    return tell(
        f"Permutations: {count}, seed {seed}; smallest p {least:.2g}",
        f"置换次数：{count}，随机种子 {seed}；可达到的最小 p 值 {least:.2g}",
    )
