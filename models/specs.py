"""Covariances by a short text, as study files write them: ``cluster:region``, ``conley:200:1``."""

from __future__ import annotations

from typing import Any

from spatial.errors import DataError, did_you_mean
from spatial.models.estimation.covariance import (
    Cluster,
    Conley,
    Covariance,
    DriscollKraay,
    Heteroskedastic,
    Homoskedastic,
    TwoWay,
    WildBootstrap,
)

__all__ = ["covariance_columns", "covariance_of"]

# name -> (fewest parts, most parts, how it is written)
_TEXTS: dict[str, tuple[int, int, str]] = {
    "cluster": (0, 1, "cluster or cluster:COLUMN"),
    "hom": (0, 0, "hom"),
    "het": (0, 0, "het"),
    "conley": (1, 2, "conley:KM or conley:KM:LAGS"),
    "twoway": (0, 2, "twoway or twoway:COLUMN:COLUMN"),
    "driscoll-kraay": (0, 1, "driscoll-kraay or driscoll-kraay:LAGS"),
    "wild": (0, 1, "wild or wild:COLUMN"),
}


def covariance_of(text: str, cities: Any, seed: int) -> Covariance:
    """Return the covariance that `text` names.

    Parameters
    ----------
    text : str
        ``cluster``, ``cluster:region``, ``hom``, ``het``, ``conley:200`` (km), ``conley:200:2`` (and time
        lags), ``twoway``, ``twoway:unit:time``, ``driscoll-kraay``, ``driscoll-kraay:2``, ``wild``,
        ``wild:region``.
    cities : GeoDataFrame
        Coordinates for ``conley``.
    seed : int
        Of ``wild``.

    Examples
    --------
    >>> covariance_of("cluster:region", None, 0)
    Cluster(by='region')
    """
    name, *parts = text.split(":")
    if name not in _TEXTS:
        raise DataError(
            f"{text!r} is no covariance.{did_you_mean(name, _TEXTS)} "
            f"Write one of: {', '.join(how for *_, how in _TEXTS.values())}."
        )
    fewest, most, how = _TEXTS[name]
    if not fewest <= len(parts) <= most or not all(parts) or (name == "twoway" and len(parts) == 1):
        raise DataError(f"The covariance {text!r} must be written {how}.")
    match name:
        case "cluster":
            return Cluster(*parts)
        case "twoway":
            return TwoWay(*parts)
        case "wild":
            return WildBootstrap(parts[0] if parts else "unit", seed=seed)
        case "hom":
            return Homoskedastic()
        case "het":
            return Heteroskedastic()
    try:
        if name == "driscoll-kraay":
            return DriscollKraay(*(int(part) for part in parts))
        return Conley(float(parts[0]), int(parts[1]) if len(parts) > 1 else 0, coordinates=cities)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"The covariance {text!r} must be written {how}, with numbers.") from None


def covariance_columns(text: str) -> list[str]:
    """Return the columns that a covariance names."""
    name, *parts = text.split(":")
    return parts if name in ("cluster", "twoway", "wild") else []
