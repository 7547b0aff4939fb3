"""How far does it reach?  One fit again and again while a distance grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from spatial.errors import DataError, SpatialError, did_you_mean, hinted
from spatial.languages.shown import digits, frame_text
from spatial.models.mechanisms.asked import again
from spatial.models.mechanisms.variants import terms_shown
from spatial.models.results import SystemFit
from spatial.models.specs import covariance_of
from spatial.models.system import SpatialSystem
from spatial.places.points import CitiesLike
from spatial.results import Fit, Result
from spatial.weights.specs import from_spec
from spatial.words import tell

__all__ = ["Sweep", "sweep"]

_ESTIMATES = ["equation", "term", "estimate", "std_error", "p_value", "conf_low", "conf_high"]
Islands = Literal["raise", "keep", "nearest"]


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Result):
    """Estimates by distance; see `sweep`.

    Parameters
    ----------
    spec : str
        What changed, with ``{km}`` for the distance.
    terms : tuple of str
    frame : DataFrame
        cutoff_km, equation, term, estimate, std_error, p_value, conf_low, conf_high, n_obs, neighbours (mean
        number, NaN without weights) and alone (units without any).
    """

    spec: str
    terms: tuple[str, ...]
    frame: pd.DataFrame

    figure = "decay_plot"

    def tidy(self) -> pd.DataFrame:
        """Return one row for each distance and term."""
        return self.frame.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row for each term: the range of its estimates, and where it is told from zero."""
        rows = []
        for term in self.terms:
            mine = self.frame[self.frame["term"] == term]
            told = mine.loc[mine["p_value"] <= 0.05, "cutoff_km"]
            rows.append(
                {
                    "term": term,
                    "distances": len(mine),
                    "least": float(mine["estimate"].min()),
                    "largest": float(mine["estimate"].max()),
                    "significant": len(told),
                    "furthest_significant": float(told.max()) if len(told) else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def headline(self) -> str:
        """Name the terms and the distances."""
        km = self.frame["cutoff_km"]
        terms = ", ".join(self.terms)
        return tell(
            f"of {terms} over {self.spec}, {km.min():g} to {km.max():g} km",
            f"{terms} 随 {self.spec} 变化，{km.min():g} 至 {km.max():g} 千米",
        )

    def summary(self) -> str:
        """Return the estimates by distance."""
        rows = frame_text(self.frame.drop(columns=["n_obs"]), digits(4))
        return f"{tell('Sweep ', '距离扫描：')}{self.headline()}\n\n{rows}"


@hinted
def sweep(
    model: SpatialSystem | SystemFit | Fit,
    cities: CitiesLike,
    cutoffs: Iterable[float],
    *,
    spec: str = "band:{km}",
    weights: str | None = None,
    islands: Islands = "keep",
    terms: str | Iterable[str] | None = None,
) -> Sweep:
    r"""Fit a model again with each distance in its weights, its covariance, or its rings.

    .. math:: y = X\beta + \theta \, W_d x + \varepsilon, \qquad
              (W_d)_{ij} \propto 1\{km_{ij} \le d\}, \qquad d = d_1, d_2, \dots

    Parameters
    ----------
    model : SpatialSystem, SystemFit or DifferenceInDifferences
    cities : GeoDataFrame
        Indexed by unit; distances are great circles in km.
    cutoffs : list of float
        Distances in km.
    spec : str
        What the distance is put in: weights, as ``"band:{km}"``, ``"inverse:1:{km}"`` or ``"kernel:{km}"``,
        row-standardised; the errors, as ``"conley:{km}:2"``; or ``"rings:{km}"``, one ring around the treated
        (of `did`).
    weights : str, optional
        Which weights of the system, where it has several.
    islands : {"keep", "raise", "nearest"}
        Units that nobody is near to: their lag is zero, refused, or linked to the nearest.
    terms : str or list of str, optional
        What is shown; default all terms but the constant.

    Raises
    ------
    DataError
        For a spec without ``{km}``, distances that are none, and weights that the model has not.

    Examples
    --------
    >>> import spatial as sp
    >>> cities, panel = sp.shapefiles.load_sample("nc")
    >>> cities = cities.loc[panel.units]
    >>> W = sp.weights.knn(cities, 5).row_standardized()
    >>> fit = sp.models.fixed_effects("log(crmrte) ~ log(polpc) + W(log(polpc))", panel, weights=W)
    >>> found = sweep(fit, cities, [60, 120], terms="W(log(polpc))", islands="nearest")
    >>> found.tidy()[["cutoff_km", "neighbours"]].round(1).to_numpy().tolist()
    [[60.0, 6.1], [120.0, 20.6]]
    """
    if not isinstance(spec, str) or "{km}" not in spec:
        raise DataError(f"spec holds '{{km}}' where the distance goes, as 'band:{{km}}'; got {spec!r}.")
    kilometres = _distances(cutoffs)
    base = again(model, None, None, "sweep")
    name = _weights_of(base, weights) if _kind(spec) == "weights" else ""
    frames, shown = [], None
    for km in kilometres:
        try:
            change, facts = _change(spec, km, cities, base, name, islands)
            fit = base.varied(change)
        except SpatialError as error:
            raise type(error)(f"{spec.format(km=f'{km:g}')}: {error}") from error
        shown = terms_shown(fit, terms) if shown is None else shown
        found = fit.tidy()
        kept = found.loc[found["term"].isin(shown), _ESTIMATES]
        frames.append(kept.assign(n_obs=fit.n_obs, **facts).assign(cutoff_km=km))
    frame = pd.concat(frames, ignore_index=True)
    return Sweep(spec, shown or (), frame[["cutoff_km", *frame.columns.drop("cutoff_km")]])


def _distances(cutoffs: Any) -> list[float]:
    try:
        found = [float(km) for km in cutoffs]
    except (TypeError, ValueError):
        found = []
    if len(found) < 2 or not all(np.isfinite(km) and km > 0 for km in found) or len(set(found)) < len(found):
        raise DataError(f"cutoffs are two or more different distances in km, each above 0; got {cutoffs!r}.")
    return sorted(found)


def _kind(spec: str) -> str:
    start = spec.split(":")[0]
    return start if start in ("conley", "rings") else "weights"


def _weights_of(base: Any, weights: str | None) -> str:
    """Return the name of the weights that the distance changes; of policies, their argument W."""
    names = list(base.weights)
    if weights is None and len(names) == 1:
        return str(names[0])
    if weights not in names:
        asked = "" if weights is None else f"; got {weights!r}.{did_you_mean(weights, names)}"
        known = f"one of {', '.join(names)}" if names else "of a model with weights, and this one has none"
        raise DataError(f"weights is {known}{asked}")
    return str(weights)


def _change(
    spec: str, km: float, cities: Any, base: Any, name: str, islands: Islands
) -> tuple[dict[str, Any], dict[str, float]]:
    text = spec.format(km=f"{km:g}")
    nothing = {"neighbours": np.nan, "alone": np.nan}
    match _kind(spec):
        case "conley":
            return {"cov": covariance_of(text, cities, 0)}, nothing
        case "rings":
            return {"rings": [0.0, km]}, nothing
    W = from_spec(cities, text, islands=islands)
    counts = W.cardinalities.to_numpy()
    facts = {"neighbours": float(counts.mean()), "alone": float((counts == 0).sum())}
    return base.weighted(name, W.row_standardized()), facts
