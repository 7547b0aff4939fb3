"""A specification, and what untreated units get from treated ones: rings, and the treatment of neighbours."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, WeightsError, name_ids
from spatial.models.estimation import covariance as choice
from spatial.models.estimation.laws import Law
from spatial.models.formula.structure import Equation, Structure, Term
from spatial.models.impacts.result import Impacts, system_impacts
from spatial.places.points import points_of
from spatial.places.sphere import arc_km, unit_vectors
from spatial.weights.value import as_weights

from .cells import Cells
from .effects import Effects, Options
from .estimators import estimate
from .least_squares import regress

if TYPE_CHECKING:
    from .result import DifferenceInDifferences

__all__ = [
    "CARRY_NEIGHBOURS",
    "Exposure",
    "Specification",
    "exposure_regressors",
    "far_controls",
    "nearest_treated_km",
    "ring_names",
    "ring_regressors",
    "unit_impacts",
]

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]

Exposure = Literal["own", "neighbours", "both"]


def nearest_treated_km(cells: Cells, cities: Any) -> Float:
    """Return the distance of each unit to the nearest other treated one, (N, T); inf where there is none."""
    from scipy.spatial import cKDTree

    units = cells.layout.units
    points = points_of(cities)
    place = points.ids.get_indexer(units)
    if (place < 0).any():
        raise AlignmentError(
            f"The map has no city for {name_ids(units[place < 0])}; rings need a place for each."
        )
    x, y = points.x[place], points.y[place]
    where = unit_vectors(x, y) if points.lonlat else np.column_stack([x, y])
    treated = cells.adoption.treated()
    out = np.full(treated.shape, np.inf)
    for t in range(treated.shape[1]):
        if t and (treated[:, t] == treated[:, t - 1]).all():
            out[:, t] = out[:, t - 1]
            continue
        rows = np.nonzero(treated[:, t])[0]
        if not len(rows):
            continue
        found, which = cKDTree(where[rows]).query(where, k=[1, 2])
        own = rows[np.minimum(which, len(rows) - 1)] == np.arange(len(units))[:, None]
        nearest = np.where(own[:, 0], found[:, 1], found[:, 0])
        known = np.isfinite(nearest)
        out[known, t] = arc_km(nearest[known]) if points.lonlat else nearest[known]
    return out


def check_rings(rings: Sequence[float]) -> tuple[float, ...]:
    """Return the limits of rings in km, which start at 0 and grow."""
    limits = tuple(float(r) for r in rings)
    if len(limits) < 2 or limits[0] != 0 or any(b <= a for a, b in itertools.pairwise(limits)):
        raise DataError(
            f"rings are limits in km that start at 0 and grow, as [0, 100, 200]; got {list(rings)!r}."
        )
    return limits


def ring_names(limits: Sequence[float]) -> tuple[str, ...]:
    """Return the terms of rings.

    Examples
    --------
    >>> ring_names([0, 100, 200])
    ('ring 0-100 km', 'ring 100-200 km')
    """
    return tuple(f"ring {a:g}-{b:g} km" for a, b in itertools.pairwise(limits))


def ring_regressors(cells: Cells, nearest: Float, limits: Sequence[float]) -> Float:
    """Return whether an untreated cell has its nearest treated unit in each ring, (R, rings) of 0 and 1."""
    km = nearest[cells.unit, cells.time]
    free = ~cells.post
    bounds = itertools.pairwise(limits)
    return np.column_stack([(free & (km > a if a else km >= 0) & (km <= b)).astype(float) for a, b in bounds])


def far_controls(cells: Cells, nearest: Float, limits: Sequence[float], fewest: int) -> Bool:
    """Return the never-treated units beyond the outer ring of every treated one, (N,); refuse too few."""
    never = cells.adoption.never
    closest = nearest.min(axis=1)
    far = never & (closest > limits[-1])
    if int(far.sum()) >= fewest:
        return np.asarray(far)
    nearer = [
        (list(limits[: k + 1]), int((never & (closest > limits[k])).sum()))
        for k in range(len(limits) - 2, 0, -1)
    ]
    better = next(((rings, n) for rings, n in nearer if n >= fewest), None)
    shown = (
        f"Nearer rings, as [{', '.join(f'{r:g}' for r in better[0])}], leave {better[1]}; or "
        if better
        else "Use "
    )
    raise DataError(
        f"{int(far.sum())} of {int(never.sum())} never-treated units are beyond {limits[-1]:g} km of every "
        "treated one; "
        f'{fewest} are needed. {shown}exposure="both".'
    )


def exposure_regressors(cells: Cells, W: Any, exposure: str) -> tuple[tuple[str, ...], Float]:
    """Return the treatment of neighbours W(D), (R, 1); its name."""
    if exposure not in get_args(Exposure):
        raise DataError(f'exposure is "own", "neighbours" or "both"; got {exposure!r}.')
    if W is None:
        raise WeightsError(f'exposure="{exposure}" needs W, who neighbours whom.')
    weights = as_weights(W)
    units = cells.layout.units
    place = weights.ids.get_indexer(units)
    if (place < 0).any():
        raise AlignmentError(
            f"The weights have no unit {name_ids(units[place < 0])}; each unit of the panel needs one."
        )
    if strange := weights.ids.difference(units).tolist():
        raise AlignmentError(
            f"The weights have units that the estimation does not: {name_ids(strange)}. Their treatment is "
            "not known: "
            f"cut the weights with W.subset(ids)."
        )
    treated = np.zeros((len(weights.ids), cells.layout.n_times))
    treated[place] = cells.adoption.treated()
    lagged = np.asarray(weights.sparse @ treated)[place]
    return ("W(D)",), lagged[cells.unit, cells.time][:, None]


CARRY_NEIGHBOURS = ("twfe", "borusyak-jaravel-spiess")
"""Methods whose slope of W(D) is an estimate of their own."""
CONTROL_NEIGHBOURS = ("gardner", "sun-abraham", "etwfe")
"""Linear methods that hold W(D) fixed as a control that changes over time."""
_LISTED = ", ".join(map(repr, (*CARRY_NEIGHBOURS, *CONTROL_NEIGHBOURS)))
_HELD = (
    "W(D) is held fixed as a control: the slope of the neighbours' treatment is given by 'twfe' and "
    "'borusyak-jaravel-spiess'"
)


def unit_impacts(fit: DifferenceInDifferences) -> Impacts:
    """Return the effects of a unit's treatment on itself and on its neighbours; see the method `impacts`."""
    specification = fit._specification
    if specification.exposure != "both" or fit.method not in CARRY_NEIGHBOURS:
        raise DataError(
            "Effects by unit need the slope of W(D): did(..., exposure='both', W=W) by 'twfe' or "
            f"'borusyak-jaravel-spiess'; got {fit.method} with exposure={specification.exposure or None!r}. "
            "Where the outcome of neighbours feeds back too: SpatialSystem('y ~ D + W(D) + W(y)', ...).fit()"
            ".impacts()."
        )
    weights = as_weights(specification.W)
    own = Term("D", "D")
    equation = Equation(fit.outcome, fit.outcome, (own, Term("W(D)", "D", "lag", "W")))
    places = [0, fit.terms.index("W(D)")]
    law = fit.laws[0]  # an effect is of both coefficients: the fewest degrees of freedom of them
    return system_impacts(
        Structure((equation,), ("W",)),
        fit.estimates[places],
        fit.covariance_matrix[np.ix_(places, places)],
        {"W": weights.sparse},
        ids=weights.ids,
        law=Law(law.df, max(law.scales, default=law.scale)),
    )


@dataclass(frozen=True, eq=False)
class Specification:
    """What is estimated, without a result.

    Parameters
    ----------
    cells : Cells
    options : Options
    cov : Covariance
    lookup : callable
        Column to its values by cell, for clusters and coordinates.
    rings : tuple of float
    cities : GeoDataFrame, optional
    exposure : "", "own", "neighbours" or "both"
    W : Weights, optional
    fewest_far : int
    """

    cells: Cells
    options: Options
    cov: choice.Covariance
    lookup: Callable[[str], Any]
    rings: tuple[float, ...] = ()
    cities: Any = None
    exposure: str = ""
    W: Any = None
    fewest_far: int = 20

    def estimate(self, method: str) -> tuple[Effects, int]:
        """Return the effects, and the number of never-treated units beyond all rings (-1 without rings)."""
        if self.rings:
            return self._with_rings(method)
        if self.exposure in ("neighbours", "both"):
            if method not in (*CARRY_NEIGHBOURS, *CONTROL_NEIGHBOURS):
                raise DataError(
                    f"exposure changes over time, and {method} takes no control that does: W(D) has no place "
                    f"in it. Use {_LISTED}, or rings with 'callaway-santanna'."
                )
            extra = exposure_regressors(self.cells, self.W, self.exposure)
            if self.exposure == "neighbours":
                if method != "twfe":
                    raise DataError(
                        f"exposure=\"neighbours\" leaves the own treatment out, which only 'twfe' can; got "
                        f"{method!r}."
                    )
                return _slopes_only(self.cells, extra), -1
            if method in CONTROL_NEIGHBOURS:
                held = replace(self.cells, X=np.column_stack([self.cells.X, extra[1]]))
                found = estimate(held, method, self.options)
                return replace(found, notes=(*found.notes, _HELD)), -1
            return estimate(self.cells, method, self.options, extra), -1
        return estimate(self.cells, method, self.options), -1

    def _with_rings(self, method: str) -> tuple[Effects, int]:
        if method not in (*CARRY_NEIGHBOURS, "callaway-santanna"):
            raise DataError(
                f"rings are for 'twfe', 'borusyak-jaravel-spiess' and 'callaway-santanna'; {method} has no "
                "place for them."
            )
        nearest = nearest_treated_km(self.cells, self.cities)
        far = far_controls(self.cells, nearest, self.rings, self.fewest_far)
        if method == "callaway-santanna":
            return _far_comparison(self.cells, self.options, far), int(far.sum())
        extra = (ring_names(self.rings), ring_regressors(self.cells, nearest, self.rings))
        return estimate(self.cells, method, self.options, extra), int(far.sum())

    def with_cells(self, cells: Cells) -> Specification:
        """Return the same specification on other cells."""
        return replace(self, cells=cells)

    def quick(self) -> Specification:
        """Return the same specification without its event study."""
        return replace(self, options=replace(self.options, path=False))


def _far_comparison(cells: Cells, options: Options, far: NDArray[np.bool_]) -> Effects:
    """Compare the treated with the far never treated only; influences are put back at all cells."""
    keep = ~cells.adoption.never | far
    found = estimate(cells.keep(keep), "callaway-santanna", options)
    if found.scores is None:
        return found
    scores = np.zeros((len(cells.y), found.scores.shape[1]))
    scores[keep[cells.unit]] = found.scores
    return replace(found, scores=scores)


def _slopes_only(cells: Cells, extra: tuple[tuple[str, ...], Float]) -> Effects:
    names, Z = extra
    found = regress(
        cells.y, np.column_stack([Z, cells.X]), cells.unit, cells.second, weights=cells.row_weights
    )
    n, k = len(cells.y), found.rank - cells.layout.n_units + 1
    empty = np.zeros(0)
    return Effects(
        names,
        found.b[: len(names)],
        np.full(len(names), np.nan),
        empty.astype(np.int64),
        empty,
        np.zeros((0, 0)),
        df=float(cells.layout.n_units - 1),
        scores=found.scores[:, : len(names)],
        factor=(n - 1) / (n - k),
    )
