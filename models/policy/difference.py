"""`did`: staggered difference-in-differences with one result for all methods, and what neighbours get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.models.estimation import covariance as choice
from spatial.models.estimation.laws import Law
from spatial.models.specs import covariance_of
from spatial.panel.panel import Panel, as_panel
from spatial.places.points import CitiesLike
from spatial.weights.value import WeightsLike

from .adoption import Calendar, read_adoption
from .cells import Cells, build_cells
from .effects import METHODS, Method, Options
from .inference import covariance_matrix, few_note, laws_of
from .matching import matched
from .result import ASSUMES, DifferenceInDifferences
from .spillovers import Exposure, Specification, check_rings

__all__ = ["did"]


@hinted
def did(
    panel: Panel | pd.DataFrame,
    outcome: str,
    cohort: Calendar,
    *,
    method: Method = "callaway-santanna",
    compare: Sequence[Method] = (),
    controls: Iterable[str] = (),
    effects: tuple[str, str] = ("unit", "time"),
    cov: str | choice.Covariance = "cluster",
    base: Literal["universal", "varying"] = "universal",
    control_group: Literal["never", "not-yet"] = "never",
    anticipation: int = 0,
    window: tuple[int, int] | None = None,
    rings: Sequence[float] | None = None,
    exposure: Exposure | None = None,
    cities: CitiesLike | None = None,
    W: WeightsLike | None = None,
    match: str | None = None,
    policies: Iterable[str] = (),
    where: str | None = None,
    fewest_far: int = 20,
    seed: int = 0,
) -> DifferenceInDifferences:
    r"""Estimate the effect of a policy that units adopt at different times.

    .. math:: ATT = \frac{1}{n_1} \sum_{it: t \ge g_i} \bigl(Y_{it}(g_i) - Y_{it}(\infty)\bigr)

    Parameters
    ----------
    panel : Panel, or DataFrame indexed by (unit, time)
    outcome : str
    cohort : str, or Series or dict by unit
        First treated time: a column (0 or missing: never), a 0/1 treatment that is never switched off, or a
        calendar of unit to time.
    method : str
        ``"callaway-santanna"`` (group-time effects, doubly robust), ``"borusyak-jaravel-spiess"``
        (imputation),
        ``"twfe"`` (one coefficient beside unit and time effects: biased where effects grow or differ),
        ``"sun-abraham"``, ``"gardner"``, ``"stacked"``, ``"etwfe"``, ``"synthetic"`` (one cohort).
    compare : list of str
        Further methods for the same specification, in ``.compared``.
    controls : list of str
        Columns.  Callaway and Sant'Anna take them at the base time; the others as they change.
    effects : pair of str
        ``("unit", "time")``, or ``("unit", "region:time")`` for 'twfe' and 'borusyak-jaravel-spiess'.
    cov : str or Covariance
        ``"cluster"`` (unit), ``"cluster:province"``, ``"conley:200"`` (km; needs `cities`).
    base : "universal" or "varying"
        Effects before the policy from the last time before it, or from one time to the next
        (Callaway and Sant'Anna).
    control_group : "never" or "not-yet"
    anticipation : int
        Times before the policy at which units may react already: by every method neither treated, so that
        averages are of the times since the policy, nor compared with.
    window : (first, last), optional
        Times since the policy that the event study shows.
    rings : list of float, optional
        Limits in km from 0, as ``[0, 100, 200]``: untreated units may be affected by ring of their distance
        to the nearest treated one (Butts 2021).  Needs `cities`.
    exposure : "own", "neighbours" or "both", optional
        Regressors: the own treatment, that of neighbours W(D), or both.  Needs `W`.  ``"both"`` is for
        ``twfe`` and ``borusyak-jaravel-spiess``, and for ``gardner``, ``sun-abraham`` and ``etwfe``, which
        hold W(D) fixed as a control and do not print its slope.
    cities : GeoDataFrame, optional
        Indexed by unit.
    W : Weights, Graph or W, optional
    match : str, optional
        Match the never treated on means of the controls before the first policy: ``"psm"``, or
        ``"psm:NEIGHBOURS:CALIPER"``, nearest propensity scores with replacement (the caliper in standard
        deviations of the log odds, .2); ``"kernel"``, or ``"kernel:BANDWIDTH"`` (.06); ``"entropy"``, equal
        means.  For ``callaway-santanna``, ``twfe`` and ``borusyak-jaravel-spiess``, which take the weights of
        the matches; see `DifferenceInDifferences.balance`.
    policies : list of str
        0/1 columns of concurrent policies, held constant.
    where : str, optional
        Rows, as ``"level != 'capital'"``.
    fewest_far : int
        Fewest never-treated units beyond all rings.
    seed : int
        Of simultaneous bands, and of synthetic placebos.

    Returns
    -------
    DifferenceInDifferences

    Raises
    ------
    DataError
        A treatment that is switched off, nobody to compare with, too few far controls, a method that cannot
        do what is asked: each with the way out.
    AlignmentError
        If the calendar names units that the panel does not have.

    References
    ----------
    Callaway and Sant'Anna (2021), Sun and Abraham (2021), Borusyak, Jaravel and Spiess (2024), Gardner
    (2022), Wooldridge (2021), Butts (2021) for rings, Goodman-Bacon (2021), Rambachan and Roth (2023).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.panel.panel import Panel
    >>> rng = np.random.default_rng(0)
    >>> cells = pd.MultiIndex.from_product([range(60), range(2000, 2008)], names=["city", "year"])
    >>> grid = cells.to_frame(index=False)
    >>> grid["first"] = grid.city.map(lambda i: 2003 if i < 20 else 2005 if i < 40 else 0)
    >>> treated = (grid["first"] > 0) & (grid.year >= grid["first"])
    >>> grid["y"] = grid.city / 60 + 0.1 * grid.year + 1.0 * treated + rng.normal(0, 0.3, len(grid))
    >>> fit = did(Panel.from_frame(grid, unit="city", time="year"), "y", "first")
    >>> round(fit.att, 2), round(fit.std_error, 2)
    (1.04, 0.07)
    """
    asked = dict(locals())  # what `refit` changes a part of
    data = as_panel(panel, "did")
    if where is not None:
        data = data.where(where)
    for name in (method, *compare):
        if name not in METHODS:
            raise DataError(
                f"There is no method {name!r}.{did_you_mean(name, METHODS)} Methods: {', '.join(METHODS)}."
            )
    specification = _specify(
        data, outcome, cohort, tuple(dict.fromkeys([*controls, *policies])), tuple(effects), cov,
        anticipation,
        Options(_one_of(control_group, ("never", "not-yet"), "control_group"), _one_of(base, ("universal",
        "varying"), "base"),
                _window(window), seed=seed),
        rings, exposure, cities, W, match, fewest_far,
    )  # fmt: skip
    if policies and "callaway-santanna" in (method, *compare):
        raise DataError(
            "Concurrent policies change over time, and callaway-santanna takes controls at the base time "
            "only. Use "
            "'borusyak-jaravel-spiess' or 'twfe', or leave their units out with where=."
        )
    fit = replace(_fit(specification, method), arguments=asked)
    if not compare:
        return fit
    others = [name for name in dict.fromkeys(compare) if name != method]
    return replace(fit, compared={name: _compared(specification, name, asked) for name in others})


def _compared(specification: Specification, name: str, asked: Mapping[str, Any]) -> DifferenceInDifferences:
    return replace(_fit(specification, name), arguments={**asked, "method": name, "compare": ()})


def _one_of(value: Any, allowed: Sequence[str], what: str) -> Any:
    if value not in allowed:
        raise DataError(
            f"{what} is {' or '.join(map(repr, allowed))}; got {value!r}.{did_you_mean(value, allowed)}"
        )
    return value


def _window(window: tuple[int, int] | None) -> tuple[int, int] | None:
    if window is None:
        return None
    pair = tuple(window)
    if len(pair) != 2 or not all(choice.is_whole(abs(k), 0) for k in pair) or not pair[0] < 0 <= pair[1]:
        raise DataError(f"window is (first, last) times since the policy, as (-5, 6); got {window!r}.")
    return (int(pair[0]), int(pair[1]))


def _specify(
    data: Panel, outcome: str, cohort: Calendar, controls: tuple[str, ...], effects: tuple[str, ...],
    cov: str | choice.Covariance, anticipation: int, options: Options, rings: Sequence[float] | None,
    exposure: str | None, cities: Any, W: Any, match: str | None, fewest_far: int,
) -> Specification:  # fmt: skip
    if not choice.is_whole(anticipation, 0):
        raise DataError(f"anticipation is a number of times, 0 or more; got {anticipation!r}.")
    if rings is not None and exposure is not None:
        raise DataError(
            "rings and exposure are two answers to one question, who is affected: give one of them."
        )
    limits = check_rings(rings) if rings is not None else ()
    if limits and cities is None:
        raise DataError("rings need cities: a GeoDataFrame indexed by unit, for distances.")
    if isinstance(cov, str) and cov.startswith("conley") and cities is None:
        raise DataError(f"cov={cov!r} needs cities: a GeoDataFrame indexed by unit, for distances.")
    value = covariance_of(cov, cities, options.seed) if isinstance(cov, str) else choice.as_covariance(cov)
    adoption = read_adoption(data, cohort)
    cells = build_cells(
        data, outcome, adoption, controls=controls, effects=effects, anticipation=int(anticipation)
    )
    if match is not None:
        cells = matched(cells, match)
    return Specification(
        cells, options, value, _lookup(data, cells), limits, cities, exposure or "", W, fewest_far
    )


@dataclass(frozen=True, eq=False)
class Lookup:
    """The values of a column by cell.

    Parameters
    ----------
    data : Panel
    index : MultiIndex
        Unit and time of each cell.
    """

    data: Panel
    index: pd.MultiIndex

    def __call__(self, column: str) -> Any:
        """Return the values of a column; refuse one that there is not."""
        self.data.require([column])
        return self.data.frame[column].reindex(self.index).to_numpy()


def _lookup(data: Panel, cells: Cells) -> Lookup:
    places = [cells.layout.units[cells.layout.unit], cells.layout.times[cells.layout.time]]
    return Lookup(data, pd.MultiIndex.from_arrays(places, names=data.frame.index.names))


def _fit(specification: Specification, method: str) -> DifferenceInDifferences:
    cells, options = specification.cells, specification.options
    takes_weights = ("twfe", "borusyak-jaravel-spiess", "callaway-santanna")
    if cells.row_weights.min() != cells.row_weights.max() and method not in takes_weights:
        raise DataError(
            f"match= weights units, which {method} does not take here; use "
            f"{', '.join(map(repr, takes_weights[:-1]))} or {takes_weights[-1]!r}."
        )
    found, far = specification.estimate(method)
    matrix = covariance_matrix(found, cells, specification.cov, specification.lookup, method)
    kind = "none"
    if specification.rings:
        kind = "far" if method == "callaway-santanna" else "rings"
    elif specification.exposure in ("neighbours", "both"):
        kind = "exposure"
    outer = specification.rings[-1] if specification.rings else 0.0
    return DifferenceInDifferences(
        method=method,
        outcome=cells.outcome,
        terms=tuple(name.replace("att", "ATT") for name in found.names),
        estimates=found.estimates,
        covariance_matrix=matrix,
        times=found.times,
        path=found.path,
        att_gt=_labelled(found.att_gt, cells),
        cohorts=cells.adoption.cohorts,
        n_obs=len(cells.y),
        n_units=cells.layout.n_units,
        n_times=cells.layout.n_times,
        n_never=int(cells.adoption.never.sum()),
        effects=cells.effects,
        controls=cells.controls,
        covariance=specification.cov,
        laws=laws_of(found, cells, specification.cov, specification.lookup, matrix),
        plain=Law(None if np.isinf(found.df) else found.df),
        reference=-1 - cells.anticipation,
        assumes=ASSUMES[kind].format(outer=outer, far=far),
        notes=(
            *cells.notes,
            *found.notes,
            *few_note(np.isnan(np.diag(matrix)), cells.adoption.cohorts, method),
        ),
        seed=options.seed,
        _specification=specification,
        _did=did,
    )


def _labelled(frame: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """Return ATT(g, t) with the panel's times for positions, without the reference."""
    times = cells.layout.times
    cohort, time = frame["cohort"].to_numpy(dtype=np.int64), frame["time"].to_numpy(dtype=np.int64)
    out = frame.assign(cohort=times[cohort], time=times[time], since=time - cohort)
    return out[["cohort", "time", "since", "estimate", "std_error"]].reset_index(drop=True)
