"""Virtual agglomeration: location quotients and the centrality of their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Executor, Workers, check_workers
from spatial.errors import DataError, hinted, name_ids
from spatial.ids.alignment import indexer
from spatial.panel.panel import Panel, as_panel
from spatial.places.points import CitiesLike, Points, points_of

from .decay import Decay, decayed_sums, is_number
from .potential import cutoff_in_units, positive_km, require_cells

__all__ = ["VirtualAgglomeration", "virtual_agglomeration"]

Float = NDArray[np.float64]
Reading = Literal["own", "others"]

READINGS: dict[str, str] = {
    "own": "own: the city's quotient times its centrality, LQ_it (w + sum over j != i of D_ij^-a)",
    "others": "others: the quotients of the other cities decayed, w LQ_it + sum over j != i of LQ_jt D_ij^-a",
}


@dataclass(frozen=True, eq=False, repr=False)
class VirtualAgglomeration(Panel):
    """A Panel with ``location_quotient`` and ``virtual_agglomeration``, and how they were made.

    `meta` holds the formula, the power, the unit of distance, the own weight and the cut-off, and a note
    on their arbitrariness; `sensitivity` shows how much hangs on them.
    """

    meta: Mapping[str, Any] = field(default_factory=dict)
    points: Points | None = None

    @property
    def values(self) -> pd.Series[Any]:
        """Virtual agglomeration by (unit, time)."""
        return self.frame["virtual_agglomeration"]

    def sensitivity(
        self,
        *,
        units_km: Iterable[float] = (1.0, 10.0, 100.0, 1000.0),
        powers: Iterable[float] = (0.5, 1.0, 2.0),
        cutoffs_km: Iterable[float | None] = (None, 500.0, 1000.0),
    ) -> pd.DataFrame:
        """Recompute over units, powers and cut-offs, in both readings of the formula.

        Returns
        -------
        DataFrame
            A row each: unit_km, power, cutoff_km, quotient_of (the reading of this result), mean, own_share
            (the part of the own quotient in the sum, mean over cells), pearson and spearman (correlation
            with this result); mean_own and mean_others, the mean in either reading, and between_readings,
            their correlation.
        """
        rows = []
        assert self.points is not None
        quotient = self.cube("location_quotient", units=self.points.ids)[:, :, 0]
        base = pd.Series(self.cube("virtual_agglomeration", units=self.points.ids).ravel())
        for unit in units_km:
            for power in powers:
                for cutoff in cutoffs_km:
                    settings = {**self.meta, "unit_km": unit, "power": power, "cutoff_km": cutoff}
                    both = {
                        reading: pd.Series(
                            _virtual(quotient, self.points, {**settings, "quotient_of": reading}).ravel()
                        )
                        for reading in READINGS
                    }
                    other = both[self.meta["quotient_of"]]
                    # A quotient of 0 has no part in 0.
                    own = self.meta["own"] * quotient.ravel() / other.where(other != 0)
                    rows.append(
                        {
                            "unit_km": unit,
                            "power": power,
                            "cutoff_km": np.nan if cutoff is None else cutoff,
                            "quotient_of": self.meta["quotient_of"],
                            "mean": other.mean(),
                            "own_share": own.mean(),
                            "pearson": base.corr(other),
                            "spearman": base.rank().corr(other.rank()),
                            "mean_own": both["own"].mean(),
                            "mean_others": both["others"].mean(),
                            "between_readings": both["own"].corr(both["others"]),
                        }
                    )
        return pd.DataFrame(rows)


@hinted
def virtual_agglomeration(
    panel: Panel | pd.DataFrame,
    sector: str,
    total: str,
    cities: CitiesLike,
    *,
    quotient_of: Reading = "own",
    power: float = 1.0,
    own: float = 1.0,
    unit_km: float = 1.0,
    cutoff_km: float | None = None,
    tolerance: float = 0.0,
    executor: Executor = None,
) -> VirtualAgglomeration:
    r"""Virtual agglomeration: the location quotient of a digital industry times the centrality of its place.

    .. math::

        LQ_{it} = \frac{x_{it} / e_{it}}{\sum_j x_{jt} / \sum_j e_{jt}}, \qquad
        Vag_{it} = LQ_{it} \Big( \omega + \sum_{j \ne i} \frac{1}{(D_{ij} / u)^a} \Big)

    with own weight :math:`\omega = 1`, as Sun (2025) writes it: the numerator inside his sum carries the
    subscript i, and a city without the industry has 0 (``quotient_of="own"``, the default).  The other
    reading decays the quotients of the *other* cities (``quotient_of="others"``),

    .. math:: Vag_{it} = \omega LQ_{it} + \sum_{j \ne i} \frac{LQ_{jt}}{(D_{ij} / u)^a} ,

    in which a city without the industry has what its neighbours radiate.  ``meta["reading"]`` says which.

    **The unit matters.**  With the own weight fixed at 1, D in kilometres makes the neighbours' part small
    and D in hundreds of kilometres makes it large: the result is not invariant to `unit_km`.
    `meta["note"]` says so, and `VirtualAgglomeration.sensitivity` shows by how much.

    Parameters
    ----------
    panel : Panel, or DataFrame by (unit, time)
        With `sector` and `total` as columns, complete for every city and period.
    sector, total : str
        Employment (or output) of the sector, and of all sectors.
    cities : GeoDataFrame
        The panel's units; seats, points or polygons.
    quotient_of : {"own", "others"}
        The reading of the formula: Sun's, or with the quotients of the others.
    power, own, unit_km, cutoff_km, tolerance, executor
        As in `distance_decay`.

    Returns
    -------
    VirtualAgglomeration
        A Panel with the columns ``location_quotient`` and ``virtual_agglomeration``.

    Raises
    ------
    DataError
        Negative or missing cells, cities with no employment at all, a sector absent in a period: named.
    AlignmentError
        If the units of the panel are not the cities.
    WeightsError
        If two cities lie in the same place.

    Examples
    --------
    >>> import geopandas as gpd, pandas as pd
    >>> import spatial as sp
    >>> seats = gpd.points_from_xy([0, 0], [0, 1], crs=4326)
    >>> cities = gpd.GeoDataFrame(index=["a", "b"], geometry=seats)
    >>> long = pd.DataFrame({"city": ["a", "b"], "year": 2020, "it": [30.0, 10.0], "all": 100.0})
    >>> panel = sp.Panel.from_frame(long, unit="city", time="year")
    >>> vag = sp.virtual_agglomeration(panel, "it", "all", cities, unit_km=111.19508)
    >>> vag.frame.round(3)["virtual_agglomeration"].tolist()  # 1.5 (1 + 1 / 1) and 0.5 (1 + 1 / 1)
    [3.0, 1.0]
    """
    if quotient_of not in READINGS:
        raise DataError(f'quotient_of must be "own" or "others"; got {quotient_of!r}.')
    if not is_number(own):
        raise DataError(f"own must be a finite number; got {own!r}.")
    panel = as_panel(panel, "virtual_agglomeration")
    points = points_of(cities)
    points.refuse_coincident("Quotients decayed by distance")
    indexer(panel.units, points.ids, "the panel", "the cities")
    cube = panel.cube([sector, total], units=points.ids)
    require_cells(cube, panel, [sector, total], points.ids)
    quotient = _quotient(cube, panel, points.ids, sector, total)
    meta = {
        "measure": "virtual agglomeration",
        "quotient_of": quotient_of,
        "reading": READINGS[quotient_of],
        "sector": sector,
        "total": total,
        "power": power,
        "own": own,
        "unit_km": unit_km,
        "cutoff_km": cutoff_km,
        "tolerance": tolerance,
        "note": f"Own weight {own:g}, distance in units of {unit_km:g} km: the result depends on the unit.",
    }
    result = np.stack([quotient, _virtual(quotient, points, meta, check_workers(None, executor))], axis=2)
    names = ["location_quotient", "virtual_agglomeration"]
    made = panel.with_cube(names, result, units=points.ids).select(names)
    labels = {names[0]: f"Location quotient of {panel.label(sector)}", names[1]: "Virtual agglomeration"}
    made = replace(made, labels=labels)
    return VirtualAgglomeration(made.frame, made.labels, made.history, meta, points)


def _virtual(
    quotient: Float, points: Points, settings: Mapping[str, Any], workers: Workers | None = None
) -> Float:
    """Return (T, N) from the quotients (T, N)."""
    cutoff, unit = settings["cutoff_km"], settings["unit_km"]
    positive_km(unit, "unit_km")
    decay = Decay("power", settings["power"], cutoff_in_units(cutoff, unit))
    if settings["quotient_of"] == "own":
        ones = np.ones((1, points.n))
        factor = settings["own"] + decayed_sums(points, ones, decay, unit, settings["tolerance"], workers)
        return np.asarray(quotient * factor)
    sums = decayed_sums(points, quotient, decay, unit, settings["tolerance"], workers)
    return np.asarray(settings["own"] * quotient + sums)


def _quotient(cube: Float, panel: Panel, ids: pd.Index[Any], sector: str, total: str) -> Float:
    """Return the location quotients (T, N)."""
    for k, name in enumerate((sector, total)):
        negative = np.argwhere(cube[:, :, k] < 0)
        if len(negative):
            cells = [(ids[i], panel.times[t]) for t, i in negative]
            raise DataError(f"{name!r} must not be negative; it is at {name_ids(cells)}.")
    x, e = cube[:, :, 0], cube[:, :, 1]
    empty = np.argwhere(e == 0)
    if len(empty):
        cells = [(ids[i], panel.times[t]) for t, i in empty]
        raise DataError(f"A location quotient needs {total!r} above 0; it is 0 at {name_ids(cells)}.")
    absent = panel.times[x.sum(axis=1) == 0]
    if len(absent):
        raise DataError(f"{sector!r} is 0 in every city at {name_ids(absent)}: its quotient is undefined.")
    share = x.sum(axis=1, keepdims=True) / e.sum(axis=1, keepdims=True)
    return np.asarray(x / e / share)
