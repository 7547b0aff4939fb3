"""Least squares on samples of units drawn with replacement: by cross-products of units, without a new fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError
from spatial.models.data.effects import Effects
from spatial.models.data.layout import Codes

__all__ = ["UnitProducts", "drawn_counts", "unit_products"]

Float = NDArray[np.float64]

_MOST_LEVELS = 300


@dataclass(frozen=True, eq=False)
class UnitProducts:
    """Cross-products of each cluster of rows, unit effects out.

    Parameters
    ----------
    products : array (C, (L + m)^2)
        Of L dummies of the other effects and m columns.
    n_dummies : int
    n_columns : int
    """

    products: Float
    n_dummies: int
    n_columns: int

    def cross(self, counts: Float) -> Float:
        """Return (B, m, m) cross-products of the columns, all effects out, for draws of clusters (B, C)."""
        width = self.n_dummies + self.n_columns
        whole = (counts @ self.products).reshape(len(counts), width, width)
        if not self.n_dummies:
            return np.asarray(whole)
        D, m = self.n_dummies, whole[:, self.n_dummies :, self.n_dummies :]
        side = whole[:, :D, D:]
        inverse = np.linalg.pinv(whole[:, :D, :D], rcond=1e-10, hermitian=True)
        return np.asarray(m - np.swapaxes(side, 1, 2) @ inverse @ side)


def unit_products(columns: Float, effects: Effects, clusters: Codes) -> UnitProducts:
    """Return the cross-products of clusters that hold whole units.

    Unit effects are subtracted within units, which no draw of units changes; the others are dummies.
    """
    unit = effects.layout.unit
    others = [c for name, c in zip(effects.kept, effects.codes, strict=True) if name != ("unit",)]
    levels = sum(int(c.max()) + 1 for c in others)
    if levels > _MOST_LEVELS:
        raise DataError(
            f"The bootstrap draws whole units and takes effects of at most {_MOST_LEVELS} levels beside "
            "theirs; "
            f"these have {levels}. Use bootstrap=0: the Sobel interval, or fewer effects."
        )
    parts = [np.eye(int(c.max()) + 1)[c] for c in others]
    wide = np.column_stack([*parts, columns])
    if ("unit",) in effects.kept:
        sums = np.zeros((int(unit.max()) + 1, wide.shape[1]))
        np.add.at(sums, unit, wide)
        wide = wide - (sums / np.bincount(unit)[:, None])[unit]
    elif not effects.any:
        pass  # a constant is among the columns where there is one
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(clusters[order]) > 0])
    ends = np.r_[starts[1:], len(order)]
    products = np.stack([wide[order[a:z]].T @ wide[order[a:z]] for a, z in zip(starts, ends, strict=True)])
    return UnitProducts(products.reshape(len(products), -1), levels, columns.shape[1])


def drawn_counts(clusters: int, draws: int, seed: int) -> Float:
    """Return how often each cluster is drawn; (B, C)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(clusters, np.full(clusters, 1 / clusters), size=draws).astype(np.float64)
