"""The result of a difference-in-differences: effects on the treated, their path, and what neighbours get."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Executor, check_workers
from spatial.languages.shown import frame_text, remarks, shown
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.laws import Law
from spatial.models.hypothesis import HypothesisTest
from spatial.results import Fit
from spatial.words import tell

from .inference import labelled, pretrend_test, sup_t

if TYPE_CHECKING:
    from spatial.models.impacts.result import Impacts

    from .checks import Bacon, Honest
    from .matching import Balance
    from .placebo import DropOne, Placebo
    from .spillovers import Specification

__all__ = ["DifferenceInDifferences"]

Float = NDArray[np.float64]

TITLES: Mapping[str, str] = {
    "twfe": "Two-way fixed effects",
    "callaway-santanna": "Callaway and Sant'Anna (2021)",
    "sun-abraham": "Sun and Abraham (2021)",
    "borusyak-jaravel-spiess": "Borusyak, Jaravel and Spiess (2024)",
    "gardner": "Gardner (2022)",
    "stacked": "Stacked (Wing, Freedman and Hollingsworth 2024)",
    "etwfe": "Extended two-way fixed effects (Wooldridge 2021)",
    "synthetic": "Synthetic difference-in-differences (Arkhangelsky et al. 2021)",
}

ASSUMES: Mapping[str, str] = {
    "none": "No untreated unit is affected by the treatment of others.",
    "rings": "Untreated units may be affected within {outer:g} km of a treated one, by ring and at all "
    "times alike; "
    "those beyond are not ({far} never-treated units).",
    "far": "Never-treated units within {outer:g} km of a treated one may be affected and are left out; those "
    "beyond are not ({far} units), nor are treated units before their own policy.",
    "exposure": "Each unit may be affected by the treatment of its neighbours in proportion to W(D), "
    "treated and "
    "untreated alike; units that W does not link are not.",
}


@dataclass(frozen=True, eq=False, repr=False)
class DifferenceInDifferences(Fit):
    r"""Average effects of a policy on the treated, by one method.

    Parameters
    ----------
    method : str
    outcome : str
    terms : tuple of str
        Of `estimates`: ``"ATT"`` first, then other averages, rings or ``"W(D)"``.
    estimates : array (K,)
    covariance_matrix : array (K + E, K + E)
        Of the estimates, and of the path of the event study; NaN where the method gives none.
    times : int array (E,)
        Times since the policy.
    path : array (E,)
        Effects at those times.
    att_gt : DataFrame
        cohort, time, estimate, std_error, and whether the time is before the policy; empty where a method
        has no effects by cohort and time.
    cohorts : mapping
        First treated time to number of units.
    n_obs, n_units, n_times, n_never : int
    effects : tuple of str
    controls : tuple of str
    covariance : Covariance
        How the errors were computed.
    laws : (Law, Law)
        Against what t statistics of `estimates` and of `path` are read.
    plain : Law
        Against what other programs read them: the normal distribution, for twfe t(N - 1).
    reference : int
        Time since the policy whose effect is set to zero.
    assumes : str
        What of untreated units is assumed, in words.
    notes : tuple of str
        What was left out, binned, or warned of.
    compared : mapping of str to DifferenceInDifferences
        The same specification by other methods, as asked for by ``compare=``.
    arguments : mapping
        The arguments of `did`, by name.
    """

    method: str
    outcome: str
    terms: tuple[str, ...]
    estimates: Float
    covariance_matrix: Float
    times: NDArray[np.int64]
    path: Float
    att_gt: pd.DataFrame
    cohorts: Mapping[Any, int]
    n_obs: int
    n_units: int
    n_times: int
    n_never: int
    effects: tuple[str, ...]
    controls: tuple[str, ...]
    covariance: Covariance
    laws: tuple[Law, Law]
    plain: Law
    reference: int
    assumes: str
    notes: tuple[str, ...]
    seed: int
    _specification: Specification
    _did: Callable[..., Any]
    compared: Mapping[str, DifferenceInDifferences] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)

    figure = "policy_plot"

    # ---- estimates
    @property
    def att(self) -> float:
        """The average effect on treated cells."""
        return float(self.estimates[0])

    @property
    def std_error(self) -> float:
        """Standard error of `att`."""
        return float(np.sqrt(self.covariance_matrix[0, 0]))

    @property
    def equation(self) -> str:
        """The outcome, for tables."""
        return self.outcome

    @property
    def cov(self) -> pd.DataFrame:
        """Covariance of the terms."""
        k = len(self.terms)
        return pd.DataFrame(self.covariance_matrix[:k, :k], index=self.terms, columns=self.terms)

    @property
    def df(self) -> float:
        """Degrees of freedom of the t statistic of `att`; infinite for the normal distribution."""
        law = self.laws[0]
        return float(law.each[0] if law.each else np.inf if law.df is None else law.df)

    def tidy(self, level: float = 0.95, *, small: bool = True) -> pd.DataFrame:
        """Return a row for each average, ring or exposure.

        Parameters
        ----------
        level : float
        small : bool
            Read t statistics against `laws`, which count the units of each cohort (Welch 1947; with errors
            clustered by unit or more); False: against the normal distribution, as csdid, did and
            did_imputation do, and for twfe t(N - 1), as reghdfe.
        """
        errors = np.sqrt(np.diag(self.covariance_matrix)[: len(self.terms)])
        law = self.laws[0] if small else self.plain
        return labelled("term", self.terms, self.outcome, self.estimates, errors, law, level)

    def event_study(self, level: float = 0.95, *, small: bool = True) -> pd.DataFrame:
        """Return effects by time since the policy, with pointwise intervals and simultaneous bands.

        ``small`` is that of `tidy`, for the pointwise intervals.  ``band_low`` and ``band_high`` cover the
        whole path at once with probability `level`; they are NaN where the method gives no joint covariance.
        """
        k = len(self.terms)
        matrix = self.covariance_matrix[k:, k:]
        errors = np.sqrt(np.diag(matrix))
        law = self.laws[1]
        plain = law if small else self.plain
        frame = labelled("time", self.times.tolist(), self.outcome, self.path, errors, plain, level)
        df = min(self._fewest - 1, np.inf if law.df is None else law.df)
        width = sup_t(matrix, level, self.seed, df) * errors * (np.array(law.scales) if law.scales else 1.0)
        return frame.assign(band_low=self.path - width, band_high=self.path + width)

    def pretrend(self) -> HypothesisTest:
        """Return the joint test that all effects before the policy are zero.

        That it does not reject is weak evidence for parallel trends: see `honest`.
        """
        k = len(self.terms)
        options = self._specification.options
        varying = options.base == "varying" and self.method == "callaway-santanna"
        anticipation = self._specification.cells.anticipation
        return pretrend_test(
            self.times, self.path, self.covariance_matrix[k:, k:], anticipation, varying, self._fewest
        )

    @property
    def _fewest(self) -> int:
        """The smaller of treated and untreated units; without never treated, half of all."""
        treated = sum(self.cohorts.values())
        return min(treated, self.n_never) if self.n_never else treated // 2

    def comparison(self) -> pd.DataFrame:
        """Return the average effect by this method and by those compared."""
        fits = {self.method: self, **self.compared}
        parts = [fit.tidy().iloc[[0]].assign(method=name) for name, fit in fits.items()]
        frame = pd.concat(parts, ignore_index=True)
        return frame[["method", *[c for c in frame.columns if c != "method"]]]

    def refit(self, **changes: Any) -> DifferenceInDifferences:
        """Estimate again with some arguments of `did` changed, as ``fit.refit(match="psm")``."""
        again: DifferenceInDifferences = self._did(**{**self.arguments, "compare": (), **changes})
        return again

    def impacts(self) -> Impacts:
        r"""Return what the treatment of a unit does to itself and to its neighbours.

        .. math:: \frac{\partial Y}{\partial D'} = \delta I + \theta W

        with the ATT as delta and the slope of W(D) as theta, from ``exposure="both"`` by ``twfe`` or
        ``borusyak-jaravel-spiess``: direct, indirect and total effects of ``"D"`` with their intervals,
        and ``impacts().units(outcome, "D")``, what each unit sends and receives, with standard errors.

        Raises
        ------
        DataError
            For a fit without a slope of W(D), with the way to one.
        """
        from .spillovers import unit_impacts

        return unit_impacts(self)

    def balance(self) -> Balance:
        """Return the means of the controls of treated and never-treated units, before and after matching.

        Standardised bias, t and variance ratio of a fit with ``match=``; weights and scores by unit.

        Raises
        ------
        DataError
            For a fit that is not matched.
        """
        from .matching import balance

        return balance(self._specification.cells)

    # ---- what may be wrong with it
    def bacon(self) -> Bacon:
        """Split the two-way estimate into comparisons of two groups (Goodman-Bacon 2021)."""
        from .checks import decompose

        return decompose(self._specification.cells)

    def honest(self, M: Sequence[float] = (0.5, 1.0, 1.5, 2.0), *, level: float = 0.95) -> Honest:
        """Return intervals of the first effect that allow trends to differ.

        After the policy they may differ by up to M times what they differed before (Rambachan and Roth
        2023).
        """
        from .checks import relative_magnitudes

        matrix = self.covariance_matrix[len(self.terms) :, len(self.terms) :]
        known = np.isfinite(np.diag(matrix))  # not of times that one treated unit alone has reached
        return relative_magnitudes(
            self.times[known],
            self.path[known],
            matrix[np.ix_(known, known)],
            tuple(M),
            level,
            self.reference,
            self.method,
        )

    def placebo(
        self,
        draws: int = 500,
        *,
        level: float | None = None,
        seed: int = 0,
        progress: bool | None = None,
        workers: int | None = None,
        executor: Executor = None,
    ) -> Placebo:
        """Estimate `draws` random calendars that keep the sizes of the cohorts.

        With a `level`, as .95, also the interval of all effects that they do not reject, for twice the time:
        with as few treated units as one it covers as it should, where units are exchangeable and the effect
        is one.

        The same numbers for any number of `workers`: threads of the methods that are computed here, ``twfe``
        and ``borusyak-jaravel-spiess``, by default as many as there are processors; and on the cluster of
        `executor`, a ``dask.distributed.Client``, which takes every method.
        """
        from .placebo import placebo

        return placebo(self, draws, seed, progress, check_workers(workers, executor), level)

    def drop_one(self, by: str | pd.Series[Any] = "unit") -> DropOne:
        """Estimate again without each treated unit, each cohort, or each group of units.

        Parameters
        ----------
        by : "unit", "cohort" or Series
            Series: unit to group, as its province.
        """
        from .placebo import drop_one

        return drop_one(self, by)

    # ---- text
    def glance(self) -> pd.DataFrame:
        """Return one row about the fit."""
        row = {
            "outcome": self.outcome, "method": self.method, "n_obs": self.n_obs, "n_units": self.n_units,
            "n_times": self.n_times, "n_treated": sum(self.cohorts.values()), "n_never": self.n_never,
            "cohorts": len(self.cohorts), "att": self.att, "std_error": self.std_error,
            "pretrend_p": self.pretrend().p_value, "covariance": self.covariance.label,
        }  # fmt: skip
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Return method, outcome and effect in one line."""
        return f"{self.method}, {self.outcome}: ATT {self.att:.4g} ({self.std_error:.3g})"

    def summary(self) -> str:
        """Write the effects, the sample, and what is assumed."""
        sizes = ", ".join(f"{g}: {n}" for g, n in self.cohorts.items())
        read = tell("; intervals by ", "；区间依据") + shown(self.laws[0].words)
        lines = [
            tell(
                f"{TITLES[self.method]}: effect of the policy on {self.outcome}",
                f"{shown(TITLES[self.method])}：政策对 {self.outcome} 的效应",
            ),
            tell(
                f"  {self.n_units} units, {self.n_times} times, {self.n_obs} cells; treated from {sizes}; "
                f"never {self.n_never}",
                f"  {self.n_units} 个个体，{self.n_times} 期，{self.n_obs} 个观测值；各批次（起始期："
                f"个体数）{sizes}；"
                f"从未处理 {self.n_never}",
            ),
            tell("  errors: ", "  标准误：")
            + shown(self.covariance.label)
            + (read if np.isfinite(self.std_error) else "")
            + (tell("; controls: ", "；控制变量：") + ", ".join(self.controls) if self.controls else ""),
            "",
            frame_text(self.tidy().drop(columns="equation").round(5)),
            "",
            f"  {self.pretrend()}",
            tell("  Assumes: ", "  假定：") + shown(self.assumes),
            *[f"  {note}" for note in remarks(self.notes)],
        ]
        return "\n".join(lines)
