"""Covariances by a short text, as study files write them: ``cluster:region``, ``conley:200:1``."""

from __future__ import annotations

from typing import Any

from spatial.errors import DataError, did_you_mean
from spatial.models.estimation.covariance import KINDS, Covariance

__all__ = ["covariance_columns", "covariance_of"]

_KINDS = {kind.spec.word: kind for kind in KINDS}
_NAMES_COLUMNS = {"cluster": 1, "twoway": 2, "wild": 1}


def covariance_of(text: str, cities: Any, seed: int) -> Covariance:
    """Return the covariance that `text` names.

    Parameters
    ----------
    text : str
        ``cluster``, ``cluster:region``, ``hom``, ``het``, ``conley:200`` (km), ``conley:200:2`` (and time
        lags), ``twoway``, ``twoway:unit:time``, ``twoway:unit:time:satterthwaite``, ``driscoll-kraay``,
        ``driscoll-kraay:2``, ``wild``,
        ``wild:region``.
    cities : GeoDataFrame
        Coordinates for ``conley``.
    seed : int
        Of ``wild``.

    Examples
    --------
    >>> covariance_of("cluster:region", None, 0)
    Cluster(by='region', small='cr1')
    """
    name, *parts = text.split(":")
    if name not in _KINDS:
        raise DataError(
            f"{text!r} is no covariance.{did_you_mean(name, _KINDS)} "
            f"Write one of: {', '.join(kind.spec.text for kind in KINDS)}."
        )
    kind = _KINDS[name]
    spec = kind.spec
    if not spec.fewest <= len(parts) <= spec.most or not all(parts) or (name == "twoway" and len(parts) == 1):
        raise DataError(f"The covariance {text!r} must be written {spec.text}.")
    try:
        return kind.from_parts(parts, cities, seed)
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"The covariance {text!r} must be written {spec.text}, with numbers.") from None


def covariance_columns(text: str) -> list[str]:
    """Return the columns that a covariance names."""
    name, *parts = text.split(":")
    # A small-sample correction may follow.
    return parts[: _NAMES_COLUMNS.get(name, 0)]
