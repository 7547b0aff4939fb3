"""The system: formulas, data and weights checked and aligned, ready to be estimated."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import fields, replace
from functools import partial
from typing import Any, Literal, Unpack, overload

import pandas as pd

from spatial.compute.threads import Executor, check_workers
from spatial.errors import DataError, Hinting, NotIdentifiedError, SpatialWarning, did_you_mean, hinted, warn
from spatial.languages.shown import shown
from spatial.models.data.blueprint import build_blueprint
from spatial.models.data.cells import Unbalanced, check_weights
from spatial.models.data.centring import centred
from spatial.models.data.checks import warn_system
from spatial.models.data.design import Design, build_design, design_of_rows
from spatial.models.data.given import Given, Lags, check_options
from spatial.models.data.rows import check_lags, chosen_cells, outcome_columns, warn_outcome, within_rows
from spatial.models.data.source import as_source
from spatial.models.data.weights import (
    WeightsGiven,
    error_weights,
    lags_outcomes,
    named_weights,
    used_weights,
)
from spatial.models.estimation.covariance import Covariance, as_covariance
from spatial.models.estimation.estimate import Instruments, Interval, Request
from spatial.models.estimation.steps import Method, RhoMoments
from spatial.models.formula.asked import joined_terms, read_effects, read_formulas
from spatial.models.formula.grammar import parse_terms
from spatial.models.formula.structure import Structure
from spatial.models.identification.verdict import (
    Identification,
    identify,
    not_identified_message,
    structural_identification,
)
from spatial.panel.folder import OpenPanel
from spatial.panel.panel import Panel
from spatial.weights.value import WeightsLike
from spatial.words import tell

from .grouped import FitOptions, GroupFits, GroupsLike, fit_groups
from .large.opening import open_system
from .methods import check_asked, default_method, estimator_of, instruments_of, run
from .results import SystemFit

__all__ = ["SpatialSystem", "WeakInstrumentWarning"]


class WeakInstrumentWarning(SpatialWarning):
    """The instruments say little about some endogenous regressor."""


@hinted
class SpatialSystem(Hinting):
    r"""A system of spatial simultaneous equations, for panels and cross-sections.

    .. math::

        y_g = \sum_{h \ne g} b_{gh} y_h + \sum_r \sum_h \lambda_{r,gh} W_r y_h + X_g c_g
              + \sum_r W_r X_g d_{rg} + D_g \kappa_g + u_g, \qquad u_g = \rho_g M_g u_g + \varepsilon_g

    Parameters
    ----------
    formulas : str, list of str, or dict of name to str
        One formula for each equation; see `spatial.models.parse_formula`.  The left-hand sides of all
        equations are endogenous, and so is whatever is made of them; a time shift of one is
        predetermined; everything else is exogenous unless declared: ``| endog ~ instruments``.  Where
        equations declare different instruments, each uses its own; one that declares none uses all.
    panel : Panel, DataFrame or OpenPanel
        A DataFrame indexed by unit is a cross-section (T = 1).  A panel of `spatial.open_panel` stays on
        disk: the system is then a `spatial.models.large.system.LargeSystem`.
    weights : Weights, Graph, W, dict of name to weights, or None
        A single one is called ``W`` in formulas; by time ``{2010: w1, 2011: w2}`` or a function of the time,
        also as the value of a name.  Weights that no formula calls serve the tests of spatial dependence.
    effects : tuple of str
        Among ``"unit"``, ``"time"``, columns, and products such as ``"region:time"``; ``"random"`` for
        random effects of units, by ``ml``, ``gs3sls``, ``gs2sls``, ``3sls`` and ``2sls``.
    error : None, str, weights, or dict of equation to one of these
        Weights M of the spatially autoregressive errors; a text names one of `weights`.
    instruments : str or list of str, optional
        Excluded instruments for all equations, besides those of the formulas.
    iv_order : int, optional
        Highest power of the weights in the instruments (X, WX, W^2 X); default 2 as in Kelejian and
        Prucha (2004), but 1 in ``gs3sls``, ``gs2sls`` and ``gmm`` where an equation has a spatial lag and a
        spatial error in the same weights.  One more where the equations hold lags of exogenous variables.
        0: the exogenous terms themselves and the declared instruments, as in 2SLS without space.
    unbalanced : "raise", "balance" or "induced"
        For absent or missing cells: refuse; drop the units that have any; or use those observed, with the
        weights among them, row-standardised again where they were.  The last takes units that are not
        observed as no neighbours: where they are, lags are measured with error, and 95 % intervals covered
        .88 in a simulation.
    where, lags
        Which rows are used; see `SpatialSystem.where`.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.weights import Weights
    >>> rng = np.random.default_rng(1)
    >>> n = 60
    >>> ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> data = pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "z"])
    >>> data["y"] = np.linalg.solve(np.eye(n) - 0.4 * W.sparse.toarray(), 2 * data.x + rng.normal(size=n))
    >>> fit = SpatialSystem("y ~ x + W(y)", data, W).fit("gs2sls", cov="hom")
    >>> fit.params.round(2).to_dict()
    {('y', 'Intercept'): -0.12, ('y', 'x'): 2.05, ('y', 'W(y)'): 0.39}
    """

    _known_as = dict.fromkeys(("estimate", "summary", "params", "impacts", "tidy"), "fit()")

    def __new__(cls, *args: Any, **options: Any) -> Any:
        """Return the system, or for a panel that stays on disk the one that is fitted from there."""
        given = args[1] if len(args) > 1 else options.get("panel")
        return open_system(*args, **options) if isinstance(given, OpenPanel) else super().__new__(cls)

    def __init__(
        self,
        formulas: str | Iterable[str] | Mapping[str, str],
        panel: Panel | OpenPanel | pd.DataFrame,
        weights: WeightsGiven | None = None,
        *,
        effects: str | Iterable[str] = (),
        error: str | WeightsLike | Mapping[str, str | WeightsLike | None] | None = None,
        instruments: str | Iterable[str] | None = None,
        iv_order: int | None = None,
        unbalanced: Unbalanced = "raise",
        where: str | None = None,
        lags: Lags = "full",
    ) -> None:
        check_options(iv_order, unbalanced)
        if not isinstance(formulas, (str, Mapping)) and isinstance(formulas, Iterable):
            formulas = tuple(formulas)  # read again when the system is built again
        self.given = Given(
            formulas, panel, weights, effects, error, instruments, iv_order, unbalanced, where, lags
        )
        self.iv_order = 2 if iv_order is None else int(iv_order)
        named = named_weights(weights, panel)
        parsed = read_formulas(formulas, tuple(named))
        errors, named = error_weights(error, tuple(parsed), named)
        used = used_weights(parsed, errors, named)
        source = as_source(panel, next(iter(named.values())).ids if named else None)
        asked = read_effects(parsed, effects, source)
        chosen = tuple(name for name in asked if name != ("random",))
        text = joined_terms(instruments)
        extra = parse_terms(text, tuple(used)) if text else ()
        blueprint = build_blueprint(parsed, source, tuple(named), errors, extra, text, bool(chosen))
        for name, w in used.items():
            check_weights(name, w, lags_outcomes=lags_outcomes(blueprint.structure, name))
        spare, random = {name: w for name, w in named.items() if name not in used}, chosen != asked
        self._build = partial(
            build_design,
            blueprint,
            source,
            used,
            chosen,
            self.iv_order,
            unbalanced,
            spare=spare,
            random=random,
        )
        self._kept: tuple[Design, Design] | None = None
        self._used = used
        self._source = source
        self._design = design = self._build() if where is None else self._rows(where, lags)
        self.formulas: Mapping[str, str] = {name: f.text for name, f in parsed.items()}
        warn_system(design, used)

    # What help() and editors show is what __init__ takes.
    __new__.__signature__ = inspect.signature(__init__)  # type: ignore[attr-defined]

    @property
    def structure(self) -> Structure:
        """Equations and terms, without what the effects absorb."""
        return self._design.structure

    @property
    def design(self) -> Design:
        """The aligned arrays."""
        return self._design

    @property
    def effects(self) -> tuple[str, ...]:
        """The fixed effects, as ``"unit"`` or ``"region:time"``."""
        return tuple(":".join(name) for name in self._design.effects.names)

    @property
    def instruments(self) -> tuple[str, ...]:
        """Names of the instruments, of all equations together."""
        return self._design.kept_instruments

    def __repr__(self) -> str:
        """Name the equations and the size."""
        names, layout = ", ".join(self.structure.names), self._design.layout
        effects = tell("effects ", "固定效应：") + (", ".join(map(shown, self.effects)) or shown("none"))
        return f"<SpatialSystem {names}: N = {layout.n_units}, T = {layout.n_times}, {effects}>"

    def identification(self) -> Identification:
        """Ask whether each equation can be told from the others, before any number is estimated."""
        return identify(self._arrays)

    @property
    def _arrays(self) -> Design:
        """The design that is estimated on: centred where means dwarf the variation."""
        if self._kept is None or self._kept[0] is not self._design:
            self._kept = (self._design, centred(self._design))
        return self._kept[1]

    def where(self, condition: str, *, lags: Lags = "full") -> SpatialSystem:
        """Return the same system on the rows that meet a condition.

        Parameters
        ----------
        condition : str
            As ``"level != 'capital' and year >= 2010"``; see `spatial.panel.conditions.parse_condition`.
        lags : "full" or "within"
            ``"full"``: spatial and time lags are of the whole map and panel, then rows are chosen; impacts
            and stability are those of the whole map.  ``"within"``: W is cut to the chosen rows too.

        Warns
        -----
        SpatialWarning
            Where the condition is made of an outcome.
        """
        if self._design.choice is not None:
            raise DataError(
                f"Rows were chosen before, by {self._design.choice.condition}: write one condition, "
                "with 'and'."
            )
        out = copy(self)
        out.given = replace(self.given, where=condition, lags=lags)
        out._design = self._rows(condition, lags, self._design)
        return out

    def _rows(self, condition: str, lags: Lags, whole: Design | None = None) -> Design:
        check_lags(lags)
        chosen, grid = chosen_cells(condition, self._source)
        if lags == "full" and self._used:
            found = design_of_rows(whole or self._build(), self._source, chosen, grid)
        else:
            found = within_rows(self._build(keep=grid), self._used, chosen, grid)
        warn_outcome(chosen, outcome_columns(found.structure.outcomes))
        return found

    def again(self, **changes: Any) -> SpatialSystem:
        """Build the system anew with some arguments changed; rows that were chosen stay chosen."""
        names = [f.name for f in fields(Given)]
        unknown = [name for name in changes if name not in names]
        if unknown:
            raise DataError(
                f"A system has no {unknown[0]!r}; it has {', '.join(names)}.{did_you_mean(unknown[0], names)}"
            )
        asked = replace(self.given, **changes)
        values = {name: getattr(asked, name) for name in names}
        return SpatialSystem(values.pop("formulas"), values.pop("panel"), values.pop("weights"), **values)

    @overload
    def fit(
        self, method: Method | None = None, *, by: None = None, **options: Unpack[FitOptions]
    ) -> SystemFit: ...

    @overload
    def fit(
        self, method: Method | None = None, *, by: GroupsLike, **options: Unpack[FitOptions]
    ) -> GroupFits: ...

    def fit(
        self,
        method: Method | None = None,
        *,
        by: GroupsLike | None = None,
        cov: str | Covariance | None = None,
        rho_moments: RhoMoments = "kp2010",
        passes: int = 1,
        iv: Instruments = "lags",
        small: bool = False,
        force: bool = False,
        seed: int | None = None,
        compat: Literal["direct"] | None = None,
        random: Literal["kkp", "bsk"] = "kkp",
        intervals: Interval | None = None,
        where: str | None = None,
        lags: Lags = "full",
        executor: Executor = None,
    ) -> SystemFit | GroupFits:
        """Estimate the system.

        Parameters
        ----------
        method : "aqs", "gs3sls", "gs2sls", "3sls", "2sls", "gmm", "ols", "ml" or "mess", optional
            Default ``aqs`` where an equation has a spatial lag of an outcome and a spatial error, in whatever
            weights, else ``gs3sls``.  ``aqs``, the joint adjusted quasi-score estimator, is for spatial lags
            and errors together: see `spatial.models.quasi_score.estimator`.  ``2sls``, ``3sls`` and ``ols``
            (exogenous regressors only) leave spatial errors out; ``gmm`` is two-step, with weights
            clustered by unit, on the filtered data.  ``ml``: maximum likelihood of one equation, see
            `spatial.models.likelihood.estimator`.
        by : str or Series, optional
            One fit for each group of rows, spatial lags of the whole map first: a column, or labels as
            `spatial.group` makes them.  The result is a `GroupFits`: one table, and each fit by its group.
        cov : str or Covariance, optional
            ``"cluster"`` (by unit, the default), ``"hom"``, ``"het"``, or a value such as
            ``Conley(km=200)``; by ``ml`` ``"expected"`` (up to 1,000 units the default) or ``"observed"``
            information, or ``"qml"``.
        rho_moments : "kp2010" or "kp1999"
            Moments of rho: robust to heteroskedasticity and serial correlation, or of 1999.
        passes : int
            How often rho and Sigma are estimated again; 0 with "kp1999" is Kelejian and Prucha (2004).
            Without spatial errors 1 is two-step 3SLS; above, Sigma is estimated again from the last
            residuals, until nothing changes (Stata's ``reg3, ireg3``).
        iv : "lags" or "best"
            Instruments of the methods by instruments: exogenous variables and their spatial lags; or the
            regressors that the reduced form predicts at a first estimate (Lee 2003), filtered as the errors.
        small : bool
            Factors as in Stata and fixest: (R - 1)/(R - K) beside C/(C - 1) for clusters, K without the
            effects within them; n/(n - k) and t quantiles else.
        force : bool
            Estimate a system that is not identified; every table is stamped.
        seed : int, optional
            By ``ml``, of the random signs of log-determinants beyond 30,000 units.
        compat : "direct", optional
            By ``ml``: of all rows, effects not transformed out, as splm and xsmle; biased for few times.
        random : "kkp" or "bsk"
            By ``ml`` with ``effects="random"`` and spatial errors: whether these filter effects and
            innovations (Kapoor, Kelejian and Prucha 2007), or innovations alone (Baltagi, Song and Koh 2003).
        intervals : "distance", "lr" or "wald", optional
            How tables, figures and effects make p-values and intervals; default as in `SystemFit.confint`.
        where : str, optional
            Which rows are used, as ``"level != 'capital'"``; see `SpatialSystem.where`.
        lags : "full" or "within"
            With `where`: see there.
        executor : dask.distributed.Client or int, optional
            Where the fit runs, with the same bits: a task for each time of a panel on disk, else one task.

        Raises
        ------
        NotIdentifiedError
            With the exclusions that would identify the system.
        """
        workers = check_workers(None, executor)
        if where is not None or by is not None:
            options = FitOptions(
                cov=cov, rho_moments=rho_moments, passes=passes, iv=iv, small=small, force=force, seed=seed,
                compat=compat, random=random, intervals=intervals, executor=executor,
            )  # fmt: skip
            chosen = self if where is None else self.where(where, lags=lags)
            if by is None:
                return chosen.fit(method, **options)
            return fit_groups(chosen, by, lambda one: one.fit(method, **options), lags)
        by_default = method is None
        if method is None:
            published = rho_moments != "kp2010" or passes != 1 or iv != "lags"
            asked = as_covariance("cluster" if cov is None else cov)
            method = "gs3sls" if published else default_method(self._design, asked)
        estimator = estimator_of(method)
        choice = estimator.covariance(self._design) if cov is None else as_covariance(cov)
        check_asked(self._design, method, rho_moments, passes, small, iv, seed, compat, random, intervals)
        design = self._instruments_for(method, rho_moments)
        stamped = estimator.stamps
        stamps = stamped(self._design, force) if stamped else self._identified(design, force)
        request = Request(
            design, self._source, method, choice, rho_moments=rho_moments, passes=int(passes), small=small,
            forced=bool(stamps), seed=seed, compat=compat, random=random, iv=iv, by_default=by_default,
            given=self.given, intervals=intervals,
        )  # fmt: skip
        return SystemFit(run(request, workers), request, stamps)

    def _instruments_for(self, method: Method, rho_moments: RhoMoments) -> Design:
        """Return the arrays with the instruments of a method; those of the textbook with its moments."""
        whole = self._arrays
        if self.given.iv_order is not None or rho_moments == "kp1999":
            return whole
        fewer = instruments_of(whole, method)  # itself where there is nothing to leave out
        return fewer if fewer is whole or identify(fewer).identified else whole

    def _identified(self, design: Design, force: bool) -> tuple[str, ...]:
        """Refuse a system that is not identified; warn of a weak one; return stamps."""
        single = self.structure.n_equations == 1 and self._design.layout.n_rows > 50_000
        found = structural_identification(self.structure) if single else identify(design)
        if not found.identified:
            if not force:
                raise NotIdentifiedError(not_identified_message(found))
            return ("not identified: forced",)
        if found.weak:
            names = ", ".join(found.frame.loc[found.frame["weak"], "equation"])
            warn(
                f"Weak identification of {names}: estimates may be far off and intervals too short. See "
                "system.identification().summary(); exclusions of own variables are the strongest cure, and "
                "fit.anderson_rubin() gives confidence sets that hold however weak instruments are.",
                WeakInstrumentWarning,
            )
        return ()
