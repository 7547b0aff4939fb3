"""What a Moran scatter plot draws: standardised values, their lags, names and clusters by id."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import AlignmentError, DataError, name_ids
from spatial.figures.canvas import check_columns, matched
from spatial.figures.words import word

__all__ = [
    "HasScatter",
    "codes_of",
    "has_clusters",
    "names_of",
    "scatter_values",
    "slope_scale",
    "standardized",
    "variables_of",
]

Float = NDArray[np.float64]


@runtime_checkable
class HasScatter(Protocol):
    """What the scatter plot reads: z-scores and their lag by id, and the statistic."""

    @property
    def z(self) -> pd.Series[float]:
        """Standardised values by id."""

    @property
    def lag(self) -> pd.Series[float]:
        """Spatial lag of `z` by id."""

    @property
    def I(self) -> float:  # noqa: E743 - the literature's name
        """Moran's I."""


def scatter_values(moran: Any, W: Any) -> tuple[pd.Series[float], pd.Series[float], float]:
    """Return z, its lag and the statistic, of a result or of values with weights."""
    if isinstance(moran, pd.Series):
        if W is None:
            raise DataError(
                "Values alone have no spatial lag: pass moran_scatter(x, W), or the result of moran()."
            )
        return standardized(moran, W)
    if not isinstance(moran, HasScatter):
        raise DataError(
            f"moran_scatter needs the result of moran(), or a Series and W; got {type(moran).__name__}."
        )
    z, lag = pd.Series(moran.z), pd.Series(moran.lag)
    return z, matched(lag, z.index, "the lag"), float(moran.I)


def standardized(x: pd.Series[Any], W: Any) -> tuple[pd.Series[float], pd.Series[float], float]:
    """Return z, its lag scaled so that the slope is Moran's I, and Moran's I."""
    from spatial.ids.alignment import aligned_values, require_finite
    from spatial.weights.value import as_weights

    weights = as_weights(W)
    what = repr(x.name) if x.name is not None else "the values"
    values = aligned_values(x, weights.ids, what)
    require_finite(values, weights.ids, what)
    spread = values.std()
    if spread <= 1e-12 * max(1.0, float(np.abs(values).max())):
        raise DataError(f"{what} must vary over the units; all {len(values)} are {values[0]:g}.")
    z = pd.Series((values - values.mean()) / spread, index=weights.ids, name=x.name)
    lag = pd.Series(weights.lag(z.to_numpy()), index=weights.ids)
    statistic = float(z @ lag / (z @ z) * weights.n / weights.sparse.sum())
    return z, lag * slope_scale(z.to_numpy(), lag.to_numpy(), statistic), statistic


def slope_scale(z: Float, lag: Float, statistic: float) -> float:
    """Return what makes the slope of the lag the statistic."""
    slope = float(z @ lag / (z @ z))
    return statistic / slope if slope != 0 else 1.0


def variables_of(moran: Any, name: str | None, lang: str) -> tuple[str, str]:
    """Return the names on the axes; a bivariate result is named "x, W y"."""
    own = str(name or getattr(moran, "name", None) or word("variable", lang))
    first, _, second = own.partition(", W ")
    return first, second or first


def has_clusters(moran: Any) -> bool:
    """Return whether a result says of each unit which cluster it is in."""
    return "cluster" in getattr(getattr(moran, "frame", None), "columns", ())


def names_of(labels: Any, ids: pd.Index[Any]) -> pd.Series[Any] | None:
    """Return the names of the points, in the order of `ids`."""
    if labels is None or labels is False:
        return None
    if labels is True:
        return pd.Series(ids, index=ids)
    if not isinstance(labels, pd.Series):
        raise DataError(
            f"labels must be a Series of names by id, or True for the ids; got {type(labels).__name__}."
        )
    absent = ids.difference(labels.index, sort=False)
    if len(absent):
        raise AlignmentError(
            f"labels need a name for each unit of the plot; these have none: {name_ids(absent)}."
        )
    return labels.reindex(ids)


def codes_of(local: Any, z: pd.Series[float], lag: pd.Series[float]) -> tuple[NDArray[Any], bool]:
    """Return the cluster of each point, or without a local result its quadrant."""
    if local is None:
        up, right = lag.to_numpy() > 0, z.to_numpy() > 0
        return np.where(right, np.where(up, "HH", "HL"), np.where(up, "LH", "LL")), False
    frame = check_columns(getattr(local, "frame", None), ["cluster"], "The local result")
    return matched(frame["cluster"], z.index, "the local result").astype(str).to_numpy(), True
