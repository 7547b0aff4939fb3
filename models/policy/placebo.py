"""Calendars that did not happen, and samples without one unit: how far the estimate depends on either."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Workers, run_tasks
from spatial.errors import AlignmentError, DataError, SpatialError, name_ids
from spatial.languages.shown import shown
from spatial.models.estimation.covariance import is_whole
from spatial.models.estimation.laws import Law
from spatial.results import Result
from spatial.words import tell

from .inference import check_level, covariance_matrix, laws_of

if TYPE_CHECKING:
    from .result import DifferenceInDifferences

__all__ = ["DropOne", "Placebo", "drop_one", "placebo"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Placebo(Result):
    r"""Estimates under random calendars.

    .. math:: p = \frac{1 + \#\{|\hat\tau_b| \ge |\hat\tau|\}}{1 + B}

    Parameters
    ----------
    estimate : float
        Under the true calendar.
    estimates : array (B,)
    p_values : array (B,)
        Of each, by the test that the fit prints: some 5 % of them lie below .05 where that test is right.
    failed : int
        Random calendars that could not be estimated; they are drawn again.
    method, outcome : str
    seed : int
    level : float, optional
        Of the interval.
    conf_low, conf_high : float
        The effects that random calendars do not reject; infinite where too few of them differ from the true
        one.
    """

    estimate: float
    estimates: Float
    p_values: Float
    failed: int
    method: str
    outcome: str
    seed: int
    level: float | None = None
    conf_low: float = float("nan")
    conf_high: float = float("nan")

    figure = "placebo_plot"

    @property
    def p_value(self) -> float:
        """Two-sided p-value under random assignment of the calendar."""
        beyond = np.abs(self.estimates) >= abs(self.estimate)
        return float((1 + beyond.sum()) / (1 + len(self.estimates)))

    @property
    def share_significant(self) -> float:
        """Share of the random calendars with an effect that is significant at 5 %."""
        known = self.p_values[np.isfinite(self.p_values)]
        return float((known < 0.05).mean()) if len(known) else float("nan")

    def tidy(self) -> pd.DataFrame:
        """Return one row: the estimate, and mean, sd, tail and share of significant ones of the placebos."""
        row = {
            "term": "ATT", "estimate": self.estimate, "placebo_mean": float(self.estimates.mean()),
            "placebo_sd": float(self.estimates.std(ddof=1)), "p_value": self.p_value,
            "significant": self.share_significant, "draws": len(self.estimates),
        }  # fmt: skip
        if self.level is not None:
            row |= {"conf_low": self.conf_low, "conf_high": self.conf_high}
        return pd.DataFrame([row])

    def glance(self) -> pd.DataFrame:
        """Return the same row, with method and seed."""
        return self.tidy().assign(method=self.method, outcome=self.outcome, seed=self.seed)

    def headline(self) -> str:
        """Return the p-value."""
        count, p = len(self.estimates), self.p_value
        return tell(f"{count} random calendars, p = {p:.4g}", f"随机实施时间 {count} 次，p = {p:.4g}")

    def summary(self) -> str:
        """Write the result."""
        row = self.tidy().iloc[0]
        interval, share = "", ""
        if np.isfinite(self.share_significant):
            number = f"{100 * self.share_significant:.1f}"
            share = tell(f"; {number} % of them are significant at 5 %", f"；其中 {number}% 在 5% 水平上显著")
        if self.level is not None:
            ends = f"[{self.conf_low:.5f}, {self.conf_high:.5f}]"
            interval = tell(
                f" {self.level:.0%} interval, one effect for all: {ends}.",
                f"{self.level:.0%} 区间（各处理效应相同）：{ends}。",
            )
        text = tell(
            f"{len(self.estimates)} random calendars with the same sizes of cohorts ({self.method}, "
            f"{self.outcome}): mean "
            f"{row['placebo_mean']:.5f}, sd {row['placebo_sd']:.5f}; the estimate {self.estimate:.5f} has "
            f"p = {self.p_value:.4f}{share}.",
            f"随机抽取 {len(self.estimates)} 个实施时间表，各批次规模不变（{shown(self.method)}，"
            f"{self.outcome}）："
            f"均值 {row['placebo_mean']:.5f}，标准差 {row['placebo_sd']:.5f}；估计值 {self.estimate:.5f} 的 "
            f"p = {self.p_value:.4f}{share}。",
        )
        return text + interval


def placebo(
    fit: DifferenceInDifferences,
    draws: int,
    seed: int,
    progress: bool | None,
    workers: Workers,
    level: float | None = None,
) -> Placebo:
    """Return estimates under `draws` random permutations of the calendar over units."""
    if not is_whole(draws, 20):
        raise DataError(f"placebo needs 20 draws or more, so that a tail can be seen; got {draws!r}.")
    specification = fit._specification.quick()
    if level is not None:
        _check_interval(fit, check_level(level), draws)
    job = _Calendars(specification, fit.method, seed, level is not None)
    found, failed, tries = list[tuple[float, float, float]](), 0, 0

    def collect(_: int, part: tuple[float, float, float] | SpatialError) -> int:
        nonlocal failed
        if isinstance(part, SpatialError):
            failed += 1
            if failed > draws:
                raise DataError(
                    f"More than half of the random calendars cannot be estimated ({part}); the placebo "
                    "would not be of this design."
                ) from part
            return 0
        found.append(part)
        return 1

    while len(found) < draws:
        missing = draws - len(found)
        run_tasks(
            range(tries, tries + missing), job, collect,
            # Methods of other programs silence their warnings, which threads share.
            workers=workers if fit.method in _OWN or not isinstance(workers, int) else 1,
            total=draws, seconds=missing * len(job.specification.cells.y) * _SECONDS, progress=progress,
            label="placebo",
        )  # fmt: skip
        tries += missing
    estimates, errors, shares = np.array(found).T
    law = fit.laws[0]  # the cohorts of a random calendar are as large as those of the true one
    own = Law(law.each[0] if law.each else law.df, law.scales[0] if law.scales else law.scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        p_values = own.p_value(estimates / errors)
    ends = (np.nan, np.nan) if level is None else _inverted(fit.att, estimates, shares, level)
    return Placebo(fit.att, estimates, p_values, failed, fit.method, fit.outcome, seed, level, *ends)


def _check_interval(fit: DifferenceInDifferences, level: float, draws: int) -> None:
    if fit.method == "synthetic" or fit._specification.rings or fit._specification.exposure:
        raise DataError(
            "An interval by random calendars takes estimates that are linear in the outcome and units that "
            "others do not affect: it is not for 'synthetic', rings or exposure. Leave level out."
        )
    if (1 - level) * (draws + 1) < 1:
        raise DataError(
            f"An interval of {level:.4g} needs {int(np.ceil(1 / (1 - level))) - 1} draws or more; got "
            f"{draws}."
        )


def _inverted(estimate: float, estimates: Float, shares: Float, level: float) -> tuple[float, float]:
    r"""Return the least and the largest effect that random calendars do not reject.

    .. math:: p(\tau) = \frac{1 + \#\{|\hat\tau_b - \tau c_b| \ge |\hat\tau - \tau|\}}{1 + B}

    With the effect taken off, y - tau D, an estimate moves by tau c_b: c_b is the estimate of a random
    calendar for the true treatment as the outcome, and 1 for the true calendar.  Each calendar is as far out
    between two values on both sides of the estimate, or for all values where it is the true one.
    """
    inside = np.abs(shares) < 1 - 1e-9
    c = np.where(inside, shares, 0.0)
    ends = np.array([(estimate - estimates) / (1 - c), (estimate + estimates) / (1 + c)])
    low = np.sort(np.where(inside, ends.min(axis=0), -np.inf))
    high = np.sort(np.where(inside, ends.max(axis=0), np.inf))[::-1]
    # Fewer than this many others as far out reject: 1 + number <= (1 - level) (1 + B).
    enough = int(np.floor((1 - level) * (1 + len(estimates)) + 1e-9))
    return float(low[enough - 1]), float(high[enough - 1])


_OWN = ("twfe", "borusyak-jaravel-spiess")
_SECONDS = 1e-6
"""Of one cell in one estimate, roughly."""


@dataclass(frozen=True)
class _Calendars:
    """Estimates the effect, and its standard error, under one random calendar."""

    specification: Any
    method: str
    seed: int
    shares: bool
    """Whether the true treatment is estimated too, as an outcome."""

    def prepare(self) -> Callable[[int], tuple[float, float, float] | SpatialError]:
        """Return what does it."""
        return self._estimate

    def _estimate(self, number: int) -> tuple[float, float, float] | SpatialError:
        # A generator for each try: the same draws whatever failed before, and whoever draws them.
        cells = self.specification.cells
        order = np.random.default_rng([self.seed, number]).permutation(len(cells.adoption.start))
        try:
            value, std_error = self._of(cells.reassigned(order))
            true = cells.post.astype(np.float64)
            share = self._of(replace(cells, y=true).reassigned(order))[0] if self.shares else 0.0
        except SpatialError as error:
            return error
        return value, std_error, share

    def _of(self, cells: Any) -> tuple[float, float]:
        drawn = self.specification.with_cells(cells)
        effects, _ = drawn.estimate(self.method)
        matrix = covariance_matrix(effects, drawn.cells, drawn.cov, drawn.lookup, self.method)
        return float(effects.estimates[0]), float(np.sqrt(matrix[0, 0]))


@dataclass(frozen=True, eq=False, repr=False)
class DropOne(Result):
    """Estimates without one treated unit, cohort or group each.

    Parameters
    ----------
    frame : DataFrame
        left_out, estimate, std_error, conf_low, conf_high.
    estimate : float
        With all.
    by : str
    """

    frame: pd.DataFrame
    estimate: float
    by: str

    figure = "drop_one_plot"

    def tidy(self) -> pd.DataFrame:
        """Return a row for each that was left out."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: the smallest and the largest estimate, and without whom."""
        estimates, names = self.frame["estimate"], self.frame["left_out"]
        low, high = estimates.argmin(), estimates.argmax()
        row = {
            "estimate": self.estimate, "least": estimates.iloc[low], "least_without": str(names.iloc[low]),
            "most": estimates.iloc[high], "most_without": str(names.iloc[high]), "samples": len(self.frame),
        }  # fmt: skip
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Return the range."""
        low, high = self.frame["estimate"].min(), self.frame["estimate"].max()
        count = len(self.frame)
        return tell(
            f"{count} samples by {self.by}: {low:.4g} to {high:.4g}",
            f"按{shown(self.by)}的 {count} 个样本：{low:.4g} 至 {high:.4g}",
        )

    def summary(self) -> str:
        """Write the range."""
        g = self.glance().iloc[0]
        return tell(
            f"Effect {self.estimate:.5f}; without one {self.by} each it lies between {g['least']:.5f} "
            f"(without {g['least_without']}) and {g['most']:.5f} (without {g['most_without']}), "
            f"{len(self.frame)} samples.",
            f"效应 {self.estimate:.5f}；逐一剔除{shown(self.by)}，在 {g['least']:.5f}（剔除 "
            f"{g['least_without']}）与 "
            f"{g['most']:.5f}（剔除 {g['most_without']}）之间，共 {len(self.frame)} 个样本。",
        )


def drop_one(fit: DifferenceInDifferences, by: str | pd.Series[Any]) -> DropOne:
    """Return the estimates without one each."""
    cells = fit._specification.cells
    start = cells.adoption.start
    groups: list[tuple[Hashable, NDArray[np.bool_]]]
    if isinstance(by, pd.Series):
        name = str(by.name or "group")
        values = by.reindex(cells.layout.units)
        if values.isna().any():
            raise AlignmentError(
                f"Each unit needs a group; missing for {name_ids(values.index[values.isna()])}."
            )
        groups = [(g, (values == g).to_numpy()) for g in pd.unique(values)]
    elif by == "cohort":
        name = by
        groups = [(cells.layout.times[k], start == k) for k in np.unique(start[start >= 0])]
    elif by == "unit":
        name = by
        groups = [(cells.layout.units[k], np.arange(len(start)) == k) for k in np.nonzero(start >= 0)[0]]
    else:
        raise DataError(f"by is 'unit', 'cohort' or a Series of unit to group; got {by!r}.")
    if len(groups) < 2:
        raise DataError(f"There is one {name}: without it nobody is left to estimate an effect on.")
    quick, rows = fit._specification.quick(), list[tuple[Hashable, float, float, float, float]]()
    for label, members in groups:
        part = quick.with_cells(cells.keep(~members))
        effects, _ = part.estimate(fit.method)
        lookup = _kept(part.lookup, ~members[cells.unit])
        matrix = covariance_matrix(effects, part.cells, part.cov, lookup, fit.method)
        law, _ = laws_of(effects, part.cells, part.cov, lookup, matrix)
        estimate, error = float(effects.estimates[0]), float(np.sqrt(matrix[0, 0]))
        half = float(law.of_coefficients(effects.estimates, 0.95)[1][0]) * error
        rows.append((label, estimate, error, estimate - half, estimate + half))
    columns = ["left_out", "estimate", "std_error", "conf_low", "conf_high"]
    return DropOne(pd.DataFrame(rows, columns=columns), fit.att, name)


def _kept(lookup: Callable[[str], Any], rows: NDArray[np.bool_]) -> Callable[[str], Any]:
    return lambda column: lookup(column)[rows]
