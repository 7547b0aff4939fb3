"""The result of a composite index: index, weights and what each indicator contributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["CompositeIndex"]


@dataclass(frozen=True, eq=False, repr=False)
class CompositeIndex:
    """An index with its weights; unpacks as ``index, weights``.

    Parameters
    ----------
    index : Series
        By unit, or by (unit, time), in the order of the input; ready for ``W.lag`` and, through
        ``panel.with_columns``, for ``moran_panel``.
    weights : Series or DataFrame
        By indicator, summing to one; by time x indicator where the scope is ``"year"``.
    contributions : DataFrame
        Weight times normalised value, rows x indicators: the rows sum to the index (not for TOPSIS).
    levels : DataFrame
        One row an indicator (and time): direction, dimension, weight inside its dimension, weight of
        the dimension, and their product.
    dimensions : DataFrame
        The sub-index of each dimension, rows x dimensions, before it is weighted; no columns without
        dimensions.
    method : str
        How weights and index were made.
    """

    index: pd.Series[Any]
    weights: pd.Series[Any] | pd.DataFrame
    contributions: pd.DataFrame
    levels: pd.DataFrame
    dimensions: pd.DataFrame
    method: str

    def __iter__(self) -> Iterator[Any]:
        """Yield the index, then the weights."""
        return iter((self.index, self.weights))

    def tidy(self) -> pd.DataFrame:
        """Return the weights, a row an indicator: ``term, estimate, direction, dimension, ...``."""
        return self.levels.rename(columns={"indicator": "term", "weight": "estimate"})

    def glance(self) -> pd.DataFrame:
        """Return one row: method, rows, indicators, and the range of the index."""
        described = {k: float(getattr(self.index, k)()) for k in ("mean", "std", "min", "max")}
        return pd.DataFrame(
            [{"method": self.method, "n": len(self.index), "n_indicators": self.n_indicators, **described}]
        )

    @property
    def n_indicators(self) -> int:
        """Number of indicators."""
        return len(self.contributions.columns)

    def summary(self) -> str:
        """Return the weights and the range of the index as text."""
        low, high = self.index.min(), self.index.max()
        head = f"{self.method}: {len(self.index)} rows, index from {low:.4f} to {high:.4f}"
        return f"{head}\n{self.levels.to_string(index=False, float_format=lambda v: f'{v:.4f}')}"

    def __repr__(self) -> str:
        """Return the summary."""
        return self.summary()

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the weights as bars; their mean over time where they change."""
        from spatial.figures.canvas import drawing

        mean = self.weights if isinstance(self.weights, pd.Series) else self.weights.mean()
        names = [str(name) for name in mean.index]
        with drawing(ax, names, size=(5.2, 1.0 + 0.28 * len(names))) as axes:
            axes.barh(np.arange(len(names)), mean.to_numpy())
            axes.set_yticks(np.arange(len(names)), names)
            axes.invert_yaxis()
            axes.set_xlabel(self.method)
        return axes
