"""Least squares on samples of units drawn with replacement: by cross-products of units, without a new fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from spatial.errors import DataError, warn
from spatial.models.data.effects import Effects
from spatial.models.data.layout import Codes
from spatial.models.estimation.clusters import cluster_codes
from spatial.models.estimation.covariance import Cluster, Covariance
from spatial.models.results import SystemFit

__all__ = [
    "Interval",
    "UnitProducts",
    "drawn_coefficients",
    "drawn_counts",
    "product_interval",
    "unit_products",
]

Float = NDArray[np.float64]
Interval = Literal["bc", "percentile"]

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


def product_interval(
    estimate: float, sobel: float, drawn: Float | None, interval: Interval, level: float
) -> tuple[float, float, float, float]:
    """Return the interval, the standard error, and the p-value that belongs to the interval."""
    if drawn is None:
        half = scipy.stats.norm.ppf(0.5 + level / 2) * sobel
        return estimate - half, estimate + half, sobel, float(2 * scipy.stats.norm.sf(abs(estimate) / sobel))
    below = float(np.mean(drawn < estimate) + 0.5 * np.mean(drawn == estimate))
    shift = 0.0
    if interval == "bc":
        inner = min(max(below, 0.5 / len(drawn)), 1 - 0.5 / len(drawn))
        shift = float(scipy.stats.norm.ppf(inner))
        if not 0.05 < below < 0.95:
            warn(
                f"{below:.0%} of the bootstrap draws lie below the estimate: its bias is large; read the "
                "Sobel "
                "interval beside it."
            )
    tails = scipy.stats.norm.ppf([0.5 - level / 2, 0.5 + level / 2]) + 2 * shift
    low, high = np.quantile(drawn, scipy.stats.norm.cdf(tails))
    # The level at which the interval's end would be 0.
    share = float(np.clip(np.mean(drawn <= 0), 1 / (len(drawn) + 1), 1 - 1 / (len(drawn) + 1)))
    z = scipy.stats.norm.ppf(share) - 2 * shift
    return float(low), float(high), float(np.std(drawn, ddof=1)), float(2 * scipy.stats.norm.sf(abs(z)))


def drawn_coefficients(
    fits: Mapping[str, SystemFit], names: list[str], count: int, seed: int, value: Covariance
) -> Mapping[tuple[str, str, str], Float]:
    """Return the bootstrap draws of each coefficient, by the keys of the stacked fits."""
    design = fits["full"].estimate.design
    layout = design.layout
    by = value.by if isinstance(value, Cluster) else "unit"
    clusters = cluster_codes(by, layout, fits["full"].estimate.lookup)
    if len(np.unique(clusters * layout.n_units + layout.unit)) != layout.n_units:
        raise DataError("The bootstrap draws whole units: clusters must hold whole units.")
    columns: dict[str, int] = {}
    parts: list[Float] = []
    plans = []
    for key in [*names, "full"]:
        own = fits[key].estimate.design
        if own.layout.n_rows != layout.n_rows:
            raise DataError(
                f"The equations of {key} and of the outcome have {own.layout.n_rows} and {layout.n_rows} "
                "rows: "
                "choose rows that have all columns, with where= '... is not missing'."
            )
        terms = [t.name for t in own.structure.equations[0].terms]
        places = []
        for label, j in zip([f"outcome of {key}", *terms], own.equation_columns(0), strict=True):
            if label not in columns:
                columns[label] = len(parts)
                parts.append(own.columns[:, j])
            places.append(columns[label])
        plans.append((key, own.structure.names[0], terms, places))
    products = unit_products(np.column_stack(parts), design.effects, clusters)
    counts = drawn_counts(len(products.products), count, seed)
    out: dict[tuple[str, str, str], Float] = {}
    blocks = [products.cross(counts[k : k + 200]) for k in range(0, count, 200)]
    whole = np.concatenate(blocks)
    for key, equation, terms, places in plans:
        inner = whole[:, places[1:]][:, :, places[1:]]
        side = whole[:, places[1:]][:, :, places[:1]]
        beta = (np.linalg.pinv(inner, rcond=1e-12, hermitian=True) @ side)[:, :, 0]
        out |= {(key, equation, term): beta[:, j] for j, term in enumerate(terms)}
    return out
