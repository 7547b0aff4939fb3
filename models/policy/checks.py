"""Checks: what the two-way estimate is made of, and intervals that do without parallel trends."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.languages.shown import frame_text
from spatial.results import Result
from spatial.words import tell

from .cells import Cells

__all__ = ["Bacon", "Honest", "decompose", "relative_magnitudes"]

Float = NDArray[np.float64]

KINDS = {
    "treated_vs_never": "treated - never treated",
    "earlier_vs_later": "earlier - later treated",
    "later_vs_earlier": "later - earlier treated",
}


@dataclass(frozen=True, eq=False, repr=False)
class Bacon(Result):
    """The comparisons that the two-way estimate weighs.

    Parameters
    ----------
    frame : DataFrame
        kind, treated, control (cohort, or ``"never"``), estimate, weight; the weights sum to one.
    twfe : float
        The two-way estimate without controls, equal to the weighted sum.
    """

    frame: pd.DataFrame
    twfe: float

    figure = "bacon_plot"

    def tidy(self) -> pd.DataFrame:
        """Return a row for each kind of comparison: weight, and average estimate."""
        grouped = self.frame.assign(part=self.frame["estimate"] * self.frame["weight"]).groupby(
            "kind", sort=False
        )
        sums = grouped[["weight", "part"]].sum()
        out = pd.DataFrame(
            {
                "term": sums.index,
                "estimate": (sums["part"] / sums["weight"]).to_numpy(),
                "weight": sums["weight"].to_numpy(),
            }
        )
        return out.sort_values("weight", ascending=False, ignore_index=True)

    def glance(self) -> pd.DataFrame:
        """Return one row: the estimate, and the weight of comparisons with units that are treated already."""
        return pd.DataFrame(
            [{"twfe": self.twfe, "comparisons": len(self.frame), "forbidden": self.forbidden}]
        )

    @property
    def forbidden(self) -> float:
        """Weight of comparisons of later with earlier treated units, which effects that grow make wrong."""
        return float(self.frame.loc[self.frame["kind"] == KINDS["later_vs_earlier"], "weight"].sum())

    def headline(self) -> str:
        """Return estimate and forbidden weight."""
        return tell(
            f"two-way {self.twfe:.4g}, of which {self.forbidden:.0%} compares with units treated already",
            f"双向固定效应 {self.twfe:.4g}，其中 {self.forbidden:.0%} 是与已受处理个体的比较",
        )

    def summary(self) -> str:
        """Write the decomposition."""
        return "\n".join(
            [
                tell(
                    f"Goodman-Bacon decomposition of the two-way estimate {self.twfe:.5f} (without controls)",
                    f"双向固定效应估计值 {self.twfe:.5f} 的 Goodman-Bacon 分解（不含控制变量）",
                ),
                frame_text(self.tidy().round(5)),
                tell(
                    f"  {self.forbidden:.1%} of the weight compares with units that are treated already; "
                    "where "
                    "effects grow with time these comparisons have the wrong sign.",
                    f"  {self.forbidden:.1%} 的权重来自与已处理个体的比较；效应随时间增长时，"
                    "这些比较的符号相反。",
                ),
            ]
        )


def decompose(cells: Cells) -> Bacon:
    """Return the decomposition of the two-way estimate of these cells without their controls."""
    import diff_diff

    if not cells.balanced:
        raise DataError("The Bacon decomposition needs each unit at each time. Use panel.balance().")
    if cells.effects != ("unit", "time"):
        raise DataError("The Bacon decomposition is that of unit and time effects.")
    if cells.anticipation:
        raise DataError(
            "The Bacon decomposition is that of the estimate without anticipation; it is "
            f"{cells.anticipation}. Estimate with anticipation=0."
        )
    if len(cells.adoption.cohorts) == 1:
        (only,) = cells.adoption.cohorts
        raise DataError(
            f"There is one cohort, {only}: the two-way estimate is one comparison, with the never treated. A "
            f"decomposition needs units that start at different times."
        )
    frame = cells.frame()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = diff_diff.BaconDecomposition(weights="exact").fit(
            frame, outcome="y", unit="unit", time="time", first_treat="first"
        )
    times = cells.layout.times

    def label(group: object) -> object:
        return "never" if isinstance(group, str) else times[int(group) - 1]  # type: ignore[call-overload]

    rows = [
        {
            "kind": KINDS[c.comparison_type], "treated": label(c.treated_group),
            "control": label(c.control_group), "estimate": float(c.estimate), "weight": float(c.weight),
        }
        for c in found.comparisons
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    total = float(np.dot(table["estimate"], table["weight"]))
    return Bacon(table, total)


@dataclass(frozen=True, eq=False, repr=False)
class Honest(Result):
    """Robust intervals of the first effect of the policy.

    Parameters
    ----------
    frame : DataFrame
        M, conf_low, conf_high: M = 0 is the original interval.
    estimate, std_error : float
        Of the effect at the first treated time.
    level : float
    """

    frame: pd.DataFrame
    estimate: float
    std_error: float
    level: float

    figure = "honest_plot"

    @property
    def breakdown(self) -> float:
        """The largest M of those asked for at which the interval still leaves zero out; NaN if none does."""
        kept = self.frame[(self.frame["conf_low"] > 0) | (self.frame["conf_high"] < 0)]
        return float(kept["M"].max()) if len(kept) else float("nan")

    def tidy(self) -> pd.DataFrame:
        """Return a row for each M."""
        return self.frame.assign(term="effect at 0", estimate=self.estimate)[
            ["term", "M", "estimate", "conf_low", "conf_high"]
        ]

    def glance(self) -> pd.DataFrame:
        """Return one row: the estimate and the breakdown value."""
        return pd.DataFrame(
            [
                {
                    "estimate": self.estimate,
                    "std_error": self.std_error,
                    "breakdown_M": self.breakdown,
                    "level": self.level,
                }
            ]
        )

    def headline(self) -> str:
        """Return the breakdown value."""
        return tell(
            f"effect {self.estimate:.4g}, significant up to M = {self.breakdown:g}",
            f"效应 {self.estimate:.4g}，M 不超过 {self.breakdown:g} 时显著",
        )

    def summary(self) -> str:
        """Write the intervals."""
        verdict = (
            tell(
                "  The effect keeps its sign while trends differ after the policy by at most "
                f"{self.breakdown:g} times the largest difference between two times before it.",
                f"  政策后趋势之差不超过政策前相邻两期最大差异的 {self.breakdown:g} 倍时，效应的符号不变。",
            )
            if np.isfinite(self.breakdown)
            else tell(
                "  Already with parallel trends, or with the smallest M asked for, the interval holds zero.",
                "  即使趋势平行，或取所给最小的 M，区间仍包含零。",
            )
        )
        effect = tell(
            f"Effect at the first treated time: {self.estimate:.5f} ({self.std_error:.5f}); "
            f"{self.level:.0%} intervals",
            f"首个处理期的效应：{self.estimate:.5f}（{self.std_error:.5f}）；{self.level:.0%} 区间",
        )
        return "\n".join([effect, frame_text(self.frame.round(5)), verdict])


def relative_magnitudes(
    times: NDArray[np.int64],
    path: Float,
    matrix: Float,
    M: tuple[float, ...],
    level: float,
    reference: int,
    method: str,
) -> Honest:
    """Return intervals under the restriction of relative magnitudes, for each M; times must be gapless."""
    import diff_diff

    if any(not np.isfinite(m) or m < 0 for m in M) or not M:
        raise DataError(f"M are numbers of at least 0, as [0.5, 1, 2]; got {list(M)!r}.")
    before = times[times < reference]
    if not len(before):
        raise DataError(
            "Robust intervals need effects before the policy, and there is no time before the reference."
        )
    if not (times == 0).any() or not np.isfinite(matrix).all():
        raise DataError(
            f"Robust intervals need an event study with its joint covariance, which {method} does not give "
            "here."
        )
    first = int(np.nonzero(times == 0)[0][0])
    error = float(np.sqrt(matrix[first, first]))
    from scipy import stats

    z = float(stats.norm.ppf((1 + level) / 2))
    rows = [{"M": 0.0, "conf_low": path[first] - z * error, "conf_high": path[first] + z * error}]
    used = [int(k) for k in times if k < reference or k >= 0]
    place = [int(np.nonzero(times == k)[0][0]) for k in used]
    study = _study(used, path[place], matrix[np.ix_(place, place)], reference, 1 - level)
    for m in sorted(set(M) - {0.0}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = diff_diff.HonestDiD(
                    method="relative_magnitude", M=m, alpha=1 - level, l_vec=_first(used)
                ).fit(study)
            except (ValueError, np.linalg.LinAlgError) as fault:
                raise DataError(f"Robust intervals cannot be computed here: {fault}") from fault
        rows.append({"M": float(m), "conf_low": float(found.ci_lb), "conf_high": float(found.ci_ub)})
    return Honest(pd.DataFrame(rows), float(path[first]), error, level)


def _first(used: list[int]) -> Float:
    after = [k for k in used if k >= 0]
    return np.array([float(k == 0) for k in after])


def _study(times: list[int], path: Float, matrix: Float, reference: int, alpha: float) -> object:
    """Return the event study as the container that diff-diff reads."""
    import diff_diff

    errors = np.sqrt(np.diag(matrix))
    effects = {
        k: diff_diff.PeriodEffect(
            k, float(b), float(s), float(b / s), float("nan"), (float("nan"), float("nan"))
        )
        for k, b, s in zip(times, path, errors, strict=True)
    }
    nan = float("nan")
    return diff_diff.MultiPeriodDiDResults(
        period_effects=effects, avg_att=nan, avg_se=nan, avg_t_stat=nan, avg_p_value=nan, avg_conf_int=(nan,
        nan),
        n_obs=0, n_treated=0, n_control=0, pre_periods=[k for k in times if k < 0], post_periods=[k for k in
        times if k >= 0], alpha=alpha, vcov=matrix, reference_period=reference, interaction_indices={k: j for
        j, k in
        enumerate(times)},
    )  # fmt: skip
