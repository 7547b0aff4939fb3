"""Direct, indirect and total effects of every regressor on every outcome, with standard errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from spatial.compute.threads import Executor, blas_on_one_thread, check_workers
from spatial.errors import DataError
from spatial.languages.shown import shown
from spatial.models.data.rows import whole_operators
from spatial.models.estimation.covariance import is_whole
from spatial.models.estimation.estimate import Estimate, Interval, interval_method
from spatial.models.estimation.laws import NORMAL, Law
from spatial.models.formula.structure import Structure
from spatial.results import Result
from spatial.weights.blocks.walk import whole_matrix
from spatial.words import tell

from .errors import EFFECTS, delta_errors, effects_frame, effects_notes, simulate, time_notes
from .intervals import INVERTED, effect_intervals, require, with_intervals
from .map import EffectMap, Horizon
from .orders import orders_of
from .parts import Kind
from .text import NO_REGRESSOR, effects_text
from .traces import power_traces
from .units import unit_table, unit_values

__all__ = ["Impacts", "impacts", "system_impacts"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Impacts(Result):
    """Effects in equilibrium, as averages over units.

    For E the N x N derivatives of one outcome by one regressor: direct, the mean of the diagonal (a
    unit's own regressor); total, the mean of the row sums (the regressor of all units); indirect, the
    difference.  Units: those of the outcome for one unit of the regressor.

    Parameters
    ----------
    frame : DataFrame
        `outcome`, `term`, `effect`, `estimate`, `std_error`, `statistic`, `p_value`, `conf_low`, `conf_high`,
        then `std_error_delta`, `std_error_simulated` and `method`, which of them is in `std_error`.
    draws : int
        Draws of the parameters used; 0 where only the delta method was.
    share_unstable : float
        Share of draws outside the region where the reduced form exists with the sign of its series.
    stable : bool
        Whether the estimates themselves are inside.
    horizon : "short" or "long"
    how : str
        How multipliers were computed.
    seed : int
    notes : tuple of str
    """

    figure: ClassVar[str] = "impacts_plot"

    frame: pd.DataFrame
    draws: int
    share_unstable: float
    stable: bool
    horizon: Horizon
    how: str
    seed: int
    notes: tuple[str, ...]
    _map: EffectMap = field(repr=False)
    _parameters: Float = field(repr=False)
    _shocks: pd.DataFrame = field(repr=False)
    _ids: pd.Index[Any] = field(repr=False)
    _unit: NDArray[np.intp] = field(repr=False)
    _covariance: Float = field(repr=False)
    _law: Law = field(repr=False)
    _estimate: Estimate | None = field(default=None, repr=False)

    def confint(
        self,
        level: float = 0.95,
        method: Interval | None = None,
        *,
        outcome: str | None = None,
        term: str | None = None,
        by_unit: Kind | None = None,
    ) -> pd.DataFrame:
        """Return confidence intervals of the effects.

        Parameters
        ----------
        level : float
        method : "distance", "lr" or "wald", optional
            ``"distance"``, by ``aqs`` the default, and ``"lr"``, by ``ml`` and ``mess``: all values that the
            distance, or the likelihood ratio, does not reject.  ``"wald"``: by delta-method standard errors.
        outcome, term : str, optional
            Only these effects.
        by_unit : "sent", "received" or "direct", optional
            Intervals of this effect of each unit (see `by_unit`), by distance; with `outcome` and `term`.

        Returns
        -------
        DataFrame
            `outcome`, `term`, `effect`, `estimate`, `std_error`, `p_value` (of 0), `conf_low`, `conf_high`,
            `method`; by unit indexed by id: `estimate`, `conf_low`, `conf_high`.
        """
        return effect_intervals(self, level, method, outcome, term, by_unit)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each outcome, term and effect."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row: how the effects were found."""
        row = {
            "draws": self.draws,
            "share_unstable": self.share_unstable,
            "stable": self.stable,
            "horizon": self.horizon,
            "how": self.how,
            "seed": self.seed,
        }
        return pd.DataFrame([row])

    @property
    def cross_multipliers(self) -> pd.DataFrame:
        """Equilibrium response of each outcome to a structural shock of one in each equation.

        The same columns as `frame`, with `shock`, the equation that is hit, in place of `term`.
        """
        return self._shocks.copy()

    def structural(self) -> pd.DataFrame:
        """Return the short form, coefficients as estimated, beside the equilibrium form.

        `own` and `lagged`: coefficients of the regressor and of its spatial lags (times their mean row
        sum) in the outcome's own equation; 0 where it does not enter.  `feedback`: direct less own.
        """
        c = self._map.coefficients(self._parameters)
        sums = [
            float(self._map.matrices[w].sum()) / self._map.matrices[w].shape[0] for w in self._map.weights
        ]
        lagged = sum((s * D for s, D in zip(sums, c.D, strict=True)), np.zeros_like(c.C))
        wide = self.frame.pivot_table(
            index=["outcome", "term"], columns="effect", values="estimate", sort=False
        )
        rows = []
        for g, outcome in enumerate(self._map.structure.names):
            for k, term in enumerate(self._map.terms[: self._map.n_regressors]):
                effect = wide.loc[(outcome, term)]
                own = float(c.C[g, k])
                row = {"outcome": outcome, "term": term, "own": own, "lagged": float(lagged[g, k])}
                row |= {name: float(effect[name]) for name in EFFECTS}
                rows.append(row | {"feedback": float(effect["direct"]) - own})
        return pd.DataFrame(rows)

    def by_order(self, k: int = 5) -> pd.DataFrame:
        """Return what neighbours of each order add: a partition of the powers of W.

        Order 0 is the unit itself, 1 its neighbours, 2 theirs (the unit again among them).  The last
        rows, order "rest", are what is beyond `k`; all orders add up to the effects.

        Parameters
        ----------
        k : int
            Highest order shown alone.
        """
        return orders_of(self, k)

    def by_unit(self, outcome: str, term: str, kind: Kind = "sent") -> pd.Series[float]:
        """Return one number for each unit, by id: a column for a map.

        Parameters
        ----------
        outcome, term : str
            As in `frame`.
        kind : "sent", "received" or "direct"
            sent: what a rise of `term` by one in this unit alone adds to `outcome`, summed over all units.
            received: what a rise in all units adds to `outcome` of this unit; the same everywhere where W is
            row-standardized.  direct: what a rise in this unit adds to its own `outcome`.  The mean
            of the first two is the total effect, that of the third the direct effect.

        Returns
        -------
        Series
            Indexed by unit id, in the order of the weights.
        """
        values = unit_values(self, outcome, term, kind, self._parameters)
        return pd.Series(values, index=self._ids, name=f"{kind}: {term} on {outcome}")

    def units(
        self, outcome: str, term: str, kinds: Sequence[Kind] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Return effects of each unit with standard errors and intervals by the delta method: map columns.

        Parameters
        ----------
        outcome, term : str
            As in `frame`.
        kinds : list of "sent", "received", "direct", optional
            See `by_unit`; default all, but "direct" only up to 1,000 units and equations.
        level : float

        Returns
        -------
        DataFrame
            By unit id: each kind, and ``{kind}_std_error``, ``{kind}_conf_low``, ``{kind}_conf_high``.
        """
        return unit_table(self, outcome, term, kinds, level)

    def summary(self) -> str:
        """Return the table, with how it was made and what to know about it."""
        if not len(self.frame):
            return NO_REGRESSOR.again()
        wide = self.frame.copy()
        stars = np.select(
            [wide["p_value"] < 0.01, wide["p_value"] < 0.05, wide["p_value"] < 0.1], ["***", "**", "*"], ""
        )
        method = self.frame["method"].iloc[0]
        under = [f"({error:.3g})" for error in wide["std_error"]]
        if method in INVERTED:
            under = [f"[{low:.3g}, {high:.3g}]" for low, high in wide[["conf_low", "conf_high"]].to_numpy()]
        wide["shown"] = [f"{b:.4g}{s} {t}" for b, s, t in zip(wide["estimate"], stars, under, strict=True)]
        table = wide.pivot_table(
            index=["outcome", "term"], columns="effect", values="shown", aggfunc="first", sort=False
        )[list(EFFECTS)]
        return "\n".join([*effects_text(self, table, method), *map(shown, self.notes)])

    def headline(self) -> str:
        """Name the outcomes and how the multipliers were computed."""
        said = tell("of {} regressors on {}; {}", "{} 个解释变量对 {} 的效应；{}")
        return said.format(self._map.n_regressors, ", ".join(self._map.structure.names), shown(self.how))


@blas_on_one_thread()
def impacts(
    estimate: Estimate,
    draws: int = 0,
    seed: int = 0,
    horizon: Horizon = "short",
    executor: Executor = None,
) -> Impacts:
    """Return the effects of an estimate; see `system_impacts`.

    Parameters
    ----------
    estimate : Estimate
    draws : int
        Draws of the parameters for simulated standard errors and percentiles; 0, the default, for the delta
        method: its intervals cover in .85-1.00 of samples where the simulated cover in .25-.98, because
        estimates that are off by much are drawn about where they are (docs/simulation.md).
    seed : int
    horizon : "short" or "long"
        With lagged outcomes: the effect in the same period, or of a lasting change in the end.
    executor : dask.distributed.Client or int, optional
        Where traces of the powers of W are computed: a cluster, or so many threads; the same bits.

    Examples
    --------
    >>> from spatial.models.system import SpatialSystem
    >>> from spatial.weights import Weights
    >>> rng = np.random.default_rng(1)
    >>> ring = np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> data = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "z"])
    >>> data["y"] = np.linalg.solve(np.eye(60) - 0.4 * W.sparse.toarray(), 2 * data.x + 0.1 * data.z)
    >>> found = SpatialSystem("y ~ x + W(y)", data, W).fit("2sls").impacts()
    >>> found.tidy()[["term", "effect", "estimate"]].round(2).values.tolist()
    [['x', 'direct', 2.18], ['x', 'indirect', 1.1], ['x', 'total', 3.28]]
    """
    layout, operators = whole_operators(estimate.design)
    matrices, unit = {}, np.arange(layout.n_units)
    for name in estimate.structure.weights:
        operator = operators[name]
        if operator.is_constant:
            matrices[name] = operator.matrices[0]
        else:
            # Averages over cells are those of the times side by side.
            matrices[name] = sparse.csr_array(
                sparse.block_diag([m for _, _, m in operator.blocks()], format="csr")
            )
            unit = layout.unit
    found = system_impacts(
        estimate.structure,
        estimate.delta,
        estimate.cov,
        matrices,
        ids=layout.units,
        unit=unit,
        # By distance nothing is simulated.
        draws=0 if interval_method(None, 0.95, estimate) == "distance" and horizon == "short" else draws,
        seed=seed,
        horizon=horizon,
        exponential=estimate.exponential,
        executor=executor,
        law=estimate.inference.law,
    )
    return with_intervals(replace(found, _estimate=estimate))


def system_impacts(
    structure: Structure,
    parameters: Float,
    covariance: Float,
    matrices: Mapping[str, Any],
    *,
    ids: pd.Index[Any],
    unit: NDArray[np.intp] | None = None,
    draws: int = 0,
    seed: int = 0,
    horizon: Horizon = "short",
    exponential: bool = False,
    executor: Executor = None,
    law: Law = NORMAL,
) -> Impacts:
    r"""Compute effects in equilibrium and their standard errors.

    .. math::

        \frac{\partial y_g}{\partial x_k'} = \sum_h (S^{-1})_{gh} \Bigl(c_{hk} I + \sum_r d_{rhk} W_r\Bigr)

        S = (I - B) \otimes I - \sum_r \Lambda_r \otimes W_r

    One weights matrix: by traces of its powers, common to all draws (LeSage and Pace 2009); several: by
    sparse solves.  Standard errors: simulated from the joint normal of the coefficients, and by the delta
    method.

    Parameters
    ----------
    structure : Structure
    parameters : (P,)
    covariance : (P, P)
    matrices : mapping of str to sparse (N, N) or, where traces serve, BlockMatrix
    ids : Index
    unit : int array (N,), optional
        Unit of each row of the matrices.
    draws, seed : int
    horizon : "short" or "long"
    exponential : bool
        Whether outcomes feed back through e^(alpha W).
    executor : Client or int, optional
    law : Law
        Against which t statistics of the coefficients are read.
    """
    _check_options(draws, seed, horizon)
    graphs = dict(matrices) or {"": sparse.csr_array((len(ids), len(ids)))}
    effect_map = EffectMap(structure, graphs, horizon, seed, exponential)
    if effect_map.way == "solves":
        effect_map = replace(effect_map, matrices={k: whole_matrix(m) for k, m in graphs.items()})
    workers = check_workers(None, executor)
    if effect_map.way == "traces":
        # Kept for the map, which asks for them next.
        power_traces(graphs[effect_map.weights[effect_map.feedback[0]]], seed=seed, workers=workers)
    direct, total, stable, truncation = effect_map.evaluate(parameters)
    point = np.array([direct, total - direct, total])
    scale = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
    delta = delta_errors(effect_map, parameters, covariance, scale)
    simulated, share = None, float("nan")
    if draws and effect_map.can_simulate:
        simulated, share = simulate(effect_map, parameters, covariance, draws, seed, bool(stable))
    frame = effects_frame(effect_map, point, delta, simulated, law)
    notes = (
        *time_notes(effect_map, parameters),
        *effects_notes(effect_map, parameters, bool(stable), share, draws, frame, float(truncation)),
    )
    own = frame["term"].isin(effect_map.terms[: effect_map.n_regressors])
    shocks = frame[~own].reset_index(drop=True)
    shocks["term"] = shocks["term"].str.removeprefix("shock in ")
    return Impacts(
        frame[own].reset_index(drop=True),
        draws if simulated is not None else 0,
        share,
        bool(stable),
        horizon,
        effect_map.how,
        seed,
        notes,
        effect_map,
        np.asarray(parameters, dtype=np.float64),
        shocks.rename(columns={"term": "shock"}),
        ids,
        np.arange(len(ids)) if unit is None else unit,
        np.asarray(covariance, dtype=np.float64),
        law,
    )


def _check_options(draws: int, seed: int, horizon: str) -> None:
    if not is_whole(draws, 0) or draws == 1:
        raise DataError(f"draws is 0, or a whole number above 1; got {draws!r}.")
    if not is_whole(seed, 0):
        raise DataError(f"seed is a whole number, 0 or more; got {seed!r}.")
    require(horizon, ("short", "long"), "horizon")
