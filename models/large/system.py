"""A system whose panel stays on disk."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd

from spatial.compute.threads import Executor, check_workers
from spatial.errors import DataError, FormulaError, NotIdentifiedError, hinted, name_ids
from spatial.ids.times import times_after_gaps
from spatial.languages.shown import shown
from spatial.models.data.cells import check_links
from spatial.models.data.checks import refuse_own_instruments
from spatial.models.data.weights import lags_outcomes
from spatial.models.estimation.covariance import Covariance, as_covariance
from spatial.models.estimation.steps import SPATIAL_ERRORS, Method, RhoMoments
from spatial.models.formula.structure import CONSTANT, Structure
from spatial.models.identification.verdict import not_identified_message, structural_identification
from spatial.models.instrumental.choice import filters_by_lags
from spatial.words import tell

from .columns import Plan
from .fit import LargeFit
from .inference import check_covariance, infer_from_sums
from .joint import check_joint, fit_jointly
from .levels import observed_sums
from .observed import ObservedPlan
from .steps import GramSpace, Step, estimate_from_sums
from .sums import Form, Sums, forms_of, system_sums

__all__ = ["LargeSystem"]

_IN_MEMORY = ("again", "design", "formulas", "given", "identification", "instruments")
_METHODS: tuple[Method, ...] = ("gs3sls", "gs2sls", "3sls", "2sls", "aqs")


@hinted
class LargeSystem:
    """What `spatial.models.SpatialSystem` returns for an open panel: the same system, fitted from the disk.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        for name, w in plan.map.weights.items():
            operator = plan.map.operators[name]
            alone = plan.map.units[operator.islands & (w.meta.islands != "keep")]
            own = plan.map.units[operator.own != 0]
            check_links(name, alone, own, lags_outcomes=lags_outcomes(plan.structure, name))
        self.plan = plan
        refuse_own_instruments(plan.structure, "a panel on disk")
        self._check_times()

    @property
    def structure(self) -> Structure:
        """Equations and terms."""
        return self.plan.structure

    @property
    def effects(self) -> tuple[str, ...]:
        """The fixed effects."""
        return self.plan.effects

    def __repr__(self) -> str:
        """Name the equations and the size."""
        effects = ", ".join(map(shown, self.effects)) or shown("none")
        return (
            f"<LargeSystem {', '.join(self.structure.names)}: N = {len(self.plan.units)}, "
            f"T = {self.plan.n_times}, {tell('effects ', '固定效应：')}{effects}>"
        )

    def __getattr__(self, name: str) -> Any:
        """Say of what a system in memory has that it is left out here."""
        if name == "where":
            raise DataError(
                "A system of a panel on disk takes its rows when it is made: SpatialSystem(formulas, panel, "
                "weights, where=\"level != 'capital'\")."
            )
        if name in _IN_MEMORY:
            raise DataError(
                f"system.{name} needs the panel in memory: panel.read(), {self.plan.panel.size()}."
            )
        raise AttributeError(name)

    def fit(
        self,
        method: Literal["gs3sls", "gs2sls", "3sls", "2sls", "aqs"] = "gs3sls",
        *,
        cov: str | Covariance = "cluster",
        rho_moments: RhoMoments = "kp2010",
        passes: int = 1,
        small: bool = False,
        force: bool = False,
        executor: Executor = None,
        progress: bool | None = None,
        **in_memory: object,
    ) -> LargeFit:
        r"""Estimate the system, reading the panel once, twice where `cov` is not "hom", once more by "aqs".

        The estimates are those in memory but for rounding (1e-10): the estimator is a function of the Gram
        matrix of :math:`[B, WB, W^2B, \dots]` and of quadratic forms in the error matrices, which are sums
        over periods.  The same bits for any number of threads or processes.

        Parameters
        ----------
        method : "gs3sls", "gs2sls", "3sls", "2sls" or "aqs"
            The joint estimator ``"aqs"`` takes one weights matrix for lags of outcomes and errors, in memory;
            its tables invert the distance of the quasi-score.
        cov : "cluster" (by unit), "hom" or "het"
        passes : int
            How often rho and Sigma are estimated again.
        rho_moments, small, force
            As in memory there only: other values than these are refused.
        executor : dask.distributed.Client or int, optional
            Where periods are worked on; all cores here by default.  Workers of a cluster read the files
            themselves, at the same path.
        progress : bool, optional
            Show a bar; by default on a terminal for long runs.
        **in_memory
            What fits in memory take besides, as `where`: refused by name.

        Raises
        ------
        NotIdentifiedError
            With the exclusions that would identify the system.
        DataError
            For what needs the panel in memory, with its size; cells that are missing, by unit; sums that keep
            fewer than 8 digits.
        """
        if in_memory:
            raise DataError(
                "Of a panel on disk fit takes method, cov, passes, executor and progress; "
                f"{name_ids(in_memory)} needs it in memory: panel.read(), {self.plan.panel.size()}."
            )
        if method not in _METHODS:
            raise DataError(
                f"Of a panel on disk method is one of {', '.join(map(repr, _METHODS))}; {method!r} needs it "
                f"in memory: panel.read(), {self.plan.panel.size()}."
            )
        if rho_moments != "kp2010" or small or force:
            raise DataError(
                "Of a panel on disk rho_moments is 'kp2010', and small and force are False; others need it "
                f"in memory: panel.read(), {self.plan.panel.size()}."
            )
        if isinstance(passes, bool) or not isinstance(passes, int) or passes < 0:
            raise DataError(f"passes is a whole number, 0 or more; got {passes!r}.")
        choice, workers = as_covariance(cov), check_workers(None, executor)
        kind = check_covariance(choice)
        found = structural_identification(self.structure)
        if not found.identified:
            raise NotIdentifiedError(not_identified_message(found))
        plan = self._plan_of(method)
        if plan.joint:
            check_joint(plan)
        forms: tuple[Form, ...] = ()
        if isinstance(plan, ObservedPlan):
            _check_observed(plan, method)
            sums = observed_sums(plan, workers, progress)
        else:
            forms = forms_of(plan)
            sums = system_sums(plan, forms, workers, progress)
        _refuse_absorbed(plan, sums)
        space = GramSpace(plan, sums, forms, _effective(plan))
        step = estimate_from_sums(space, "gs3sls" if plan.joint else method, 1 if plan.joint else passes)
        joint, inference = None, None
        if plan.joint:
            step, joint = fit_jointly(space, step, kind, workers, progress)
            inference = joint.inference
        kept = tuple(sums.names[j] for j in space.kept)
        return LargeFit(
            structure=self.structure,
            method=method,
            covariance=choice,
            delta=step.fit.delta,
            inference=inference or infer_from_sums(space, step, method, choice, workers, progress),
            sigma=step.sigma,
            r_squared_within=_within(space, step),
            n_units=len(plan.units),
            n_times=plan.n_times,
            n_obs=plan.n_rows,
            n_effective=space.n,
            effects=plan.effects,
            instruments=kept,
            dropped_instruments=tuple(n for n in sums.instrument_names if n not in kept),
            digits=space.digits,
            notes=plan.notes,
            _plan=plan if isinstance(plan, ObservedPlan) else None,
            _joint=joint,
            _weights=plan.map.weights,
            _ids=plan.map.units,
        )

    def _plan_of(self, method: Method) -> Plan:
        """Return the plan with the lags that a method takes where the user named no order, as in memory."""
        fewer = not self.plan.order_given and filters_by_lags(method) and self.structure.has_lag_and_error
        return self.plan.changed(self.plan.iv_order - fewer, method == "aqs")

    def _check_times(self) -> None:
        plan = self.plan
        unknown = [e for e in plan.effects if e not in ("unit", "time")]
        if unknown:
            raise FormulaError(
                f"Effects of a panel on disk are 'unit' and 'time'; {name_ids(unknown)} needs it in memory: "
                f"panel.read(), {plan.panel.size()}."
            )
        if plan.n_times < (2 if "unit" in plan.effects else 1):
            raise DataError(
                f"{plan.panel.n_times} times, of which {plan.shift} serve as lags, are too few: "
                f"{'unit effects need two' if 'unit' in plan.effects else 'one is needed'}."
            )
        if plan.shift and len(wide := times_after_gaps(plan.panel.times)):
            raise DataError(f"lag(x, 1) needs evenly spaced times; there are gaps before {name_ids(wide)}.")


def _check_observed(plan: ObservedPlan, method: Method) -> None:
    """Refuse what is no function of sums where the panel is unbalanced."""
    if method in SPATIAL_ERRORS and plan.structure.has_error:
        raise DataError(
            f"method={method!r} with spatial errors of an unbalanced panel needs it in memory: panel.read(), "
            f"{plan.panel.size()}. What effects take out of filtered columns is another at each rho there, "
            "so that no sums serve. From the disk: unbalanced='balance', or method='3sls' or '2sls', which "
            "leave spatial errors out."
        )
    if plan.n_rows <= plan.rank:
        raise DataError(f"The effects ({plan.rank}) leave none of the {plan.n_rows} cells free.")


def _effective(plan: Plan) -> int:
    if isinstance(plan, ObservedPlan):
        return plan.n_rows - plan.rank
    N, T = len(plan.units), plan.n_times
    unit, time = "unit" in plan.effects, "time" in plan.effects
    return N * T - unit * N - time * T + (unit and time)


def _refuse_absorbed(plan: Plan, sums: Sums) -> None:
    left = np.diag(sums.gram)[: sums.n_equation]
    gone = left <= 1e-20 * sums.raw[: sums.n_equation]
    if gone.any():
        names = [name for name, out in zip(sums.names, gone, strict=False) if out]
        raise DataError(
            f"The effects ({', '.join(plan.effects) or 'none'}) leave nothing of {name_ids(names)}: leave "
            "them out of the formulas."
        )


def _within(space: GramSpace, step: Step) -> pd.Series[float]:
    """Return R2 of each equation after effects, from its structural residuals."""
    structure = space.plan.structure
    left = np.diag(space.sigma(np.zeros(structure.n_equations), step.fit.delta)) * space.n
    gram, outcomes = space.sums.gram, list(space.plan.outcomes)
    total = np.diag(gram)[outcomes]
    if CONSTANT in space.sums.names:  # without effects, about the mean
        one = space.sums.names.index(CONSTANT)
        total = total - gram[outcomes, one] ** 2 / gram[one, one]
    return pd.Series(
        1.0 - left / total, index=pd.Index(structure.names, name="equation"), name="r_squared_within"
    )
