"""The result of a composite index: index, weights and what each indicator contributes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

from spatial.languages.shown import digits, frame_text, shown
from spatial.results import Result
from spatial.words import tell

__all__ = ["CompositeIndex"]


@dataclass(frozen=True, eq=False, repr=False)
class CompositeIndex(Result):
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

    figure: ClassVar[str] = "index_plot"

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
        title = tell(
            f"{self.method}: {len(self.index)} rows, index from {low:.4f} to {high:.4f}",
            f"{shown(self.method)}：{len(self.index)} 行，指数从 {low:.4f} 到 {high:.4f}",
        )
        return f"{title}\n{frame_text(self.levels, digits(4))}"

    @property
    def mean_weights(self) -> pd.Series[Any]:
        """Weight of each indicator; the mean over time where they change."""
        return self.weights if isinstance(self.weights, pd.Series) else self.weights.mean()

    def headline(self) -> str:
        """Name the method and the range of the index."""
        rows, low, high = len(self.index), self.index.min(), self.index.max()
        return tell(
            f"{self.method}: {rows} rows, {low:.4f} to {high:.4f}",
            f"{shown(self.method)}：{rows} 行，{low:.4f} 至 {high:.4f}",
        )
