"""What a weights matrix is like: links, components, islands, row sums, spectrum, and what to mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatial.errors import WeightsError, name_ids
from spatial.weights.normalization import column_sums, row_sums
from spatial.weights.value import Weights, as_weights

from .spectrum import Spectrum, spectrum

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["WeightsReport", "build_report"]

_EXTREME_SUM, _DENSE = 10.0, 0.5
_BLUE, _ORANGE, _GREY = "#0072b2", "#d55e00", "#555555"


@dataclass(frozen=True, eq=False, repr=False)
class WeightsReport:
    """The facts of a weights matrix; `print` it, or take `tidy`, `glance`, `summary` and `plot`.

    Parameters
    ----------
    n, n_links : int
        Units, and nonzero weights (own weights included).
    density : float
        Nonzero weights among the N x N cells.
    component_sizes : tuple of int
        Units in each connected component, links taken both ways; the largest first, islands as 1.
    islands : Index
        Ids without a neighbour.
    n_own : int
        Nonzero weights of units on themselves.
    neighbors : Series
        Number of units by their number of neighbours, from the least to the largest.
    neighbors_mean, neighbors_median : float
    row_sum_min, row_sum_median, row_sum_max : float
        Of the weights as they are, islands included.
    symmetric_pattern, symmetric_values : bool
        Whether each link has its opposite, and of the same weight.
    spectrum : Spectrum or None
        Eigenvalues and the admissible range of lambda; None where not asked for.
    kind, normalization, islands_policy, source, distance_unit, parameters, subset_of, cut_share
        From `W.meta`.
    warnings : tuple of str
        What to mind before estimating.
    """

    n: int
    n_links: int
    density: float
    component_sizes: tuple[int, ...]
    islands: pd.Index[Any]
    n_own: int
    neighbors: pd.Series[int]
    neighbors_mean: float
    neighbors_median: float
    row_sum_min: float
    row_sum_median: float
    row_sum_max: float
    symmetric_pattern: bool
    symmetric_values: bool
    spectrum: Spectrum | None
    kind: str
    normalization: str
    islands_policy: str
    source: str
    distance_unit: str | None
    parameters: Mapping[str, Any]
    subset_of: int | None
    cut_share: float
    warnings: tuple[str, ...]

    # ---- facts under the names of the literature
    @property
    def n_components(self) -> int:
        """Number of connected components, each island one."""
        return len(self.component_sizes)

    @property
    def neighbors_min(self) -> int:
        """Fewest neighbours of a unit."""
        return int(self.neighbors.index[0])

    @property
    def neighbors_max(self) -> int:
        """Most neighbours of a unit."""
        return int(self.neighbors.index[-1])

    @property
    def spectral_radius(self) -> float | None:
        """Largest absolute eigenvalue."""
        return None if self.spectrum is None else self.spectrum.radius

    @property
    def omega_min(self) -> float | None:
        """Most negative real eigenvalue; NaN where none was found."""
        return None if self.spectrum is None else self.spectrum.least

    @property
    def omega_max(self) -> float | None:
        """Largest real eigenvalue."""
        return None if self.spectrum is None else self.spectrum.largest

    @property
    def lambda_range(self) -> tuple[float, float] | None:
        r"""Open interval around 0 in which :math:`I - \lambda W` is regular."""
        return None if self.spectrum is None else (self.spectrum.lower, self.spectrum.upper)

    # ---- show
    def tidy(self) -> pd.DataFrame:
        """Return one row a fact: item, value."""
        facts = {**self._facts(), "islands": self.islands.tolist(), "parameters": dict(self.parameters)}
        facts |= {f"units with {k} neighbours": int(count) for k, count in self.neighbors.items()}
        facts |= {f"warning {k}": text for k, text in enumerate(self.warnings, start=1)}
        return pd.DataFrame({"item": list(facts), "value": pd.Series(list(facts.values()), dtype=object)})

    def glance(self) -> pd.DataFrame:
        """Return one row with a column a fact."""
        return pd.DataFrame([self._facts()])

    def _facts(self) -> dict[str, Any]:
        low, high = self.lambda_range or (None, None)
        return {
            "kind": self.kind,
            "n": self.n,
            "n_links": self.n_links,
            "density": self.density,
            "n_components": self.n_components,
            "largest_component": self.component_sizes[0] if self.component_sizes else 0,
            "n_islands": len(self.islands),
            "n_own": self.n_own,
            "neighbors_min": self.neighbors_min,
            "neighbors_mean": self.neighbors_mean,
            "neighbors_median": self.neighbors_median,
            "neighbors_max": self.neighbors_max,
            "row_sum_min": self.row_sum_min,
            "row_sum_median": self.row_sum_median,
            "row_sum_max": self.row_sum_max,
            "symmetric_pattern": self.symmetric_pattern,
            "symmetric_values": self.symmetric_values,
            "spectral_radius": self.spectral_radius,
            "omega_min": self.omega_min,
            "omega_max": self.omega_max,
            "lambda_min": low,
            "lambda_max": high,
            "spectrum_method": None if self.spectrum is None else self.spectrum.method,
            "distance_unit": self.distance_unit,
            "normalization": self.normalization,
            "islands_policy": self.islands_policy,
            "source": self.source,
            "subset_of": self.subset_of,
            "cut_share": self.cut_share,
        }

    def summary(self) -> str:
        """Return the report as text."""
        from .text import report_text

        return report_text(self)

    def __str__(self) -> str:
        """Return `summary`."""
        return self.summary()

    __repr__ = __str__

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many units have how many neighbours; islands in orange, the mean as a line."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(6.4, 3.6), layout="constrained")[1]
        from spatial.maps.connectivity import title_of

        counts = self.neighbors.to_numpy()
        places = self.neighbors.index.to_numpy()
        colors = [_ORANGE if place == 0 else _BLUE for place in places]
        ax.bar(places, counts, width=0.86, color=colors)
        ax.axvline(self.neighbors_mean, color=_GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=3)
        ax.annotate(
            f"mean {self.neighbors_mean:.2f}",
            (self.neighbors_mean, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4, -3),
            textcoords="offset points",
            va="top",
            color=_GREY,
            fontsize=9,
        )
        if len(self.islands):
            ax.annotate(
                "islands",
                (-0.43, int(counts[places <= 2].max())),
                xytext=(0, 2),
                textcoords="offset points",
                va="bottom",
                color=_ORANGE,
                fontsize=9,
            )
        ax.locator_params(axis="both", integer=True)
        ax.set_xlabel("neighbours")
        ax.set_ylabel("units")
        text = title_of(self.kind, self.parameters, self.n, self.n_links)
        ax.set_title(text, loc="left", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_axisbelow(True)
        ax.grid(axis="y", color="#e6e6e6", linewidth=0.8)
        return ax


def build_report(W: Any, *, spectrum: bool = True) -> WeightsReport:
    r"""Describe weights: what is linked, how strongly, and which spatial parameters they allow.

    The model :math:`y = \lambda W y + X\beta + u` needs :math:`I - \lambda W` regular, which holds for

    .. math:: 1/\omega_{min} < \lambda < 1/\omega_{max},

    with the least and largest real eigenvalues of W (LeSage and Pace 2009, chapter 4).  Row-standardised
    weights above zero have :math:`\omega_{max} = 1` exactly.

    Parameters
    ----------
    W : Weights, or a libpysal Graph or W
    spectrum : bool
        Compute eigenvalues: exactly up to 1,000 units (400 where W has no symmetric twin), else by Arnoldi
        iterations with a fixed start; where these do not settle in time, :math:`1/\rho(W)` bounds the range,
        which is always safe, and the report says so.

    Returns
    -------
    WeightsReport

    Examples
    --------
    >>> W = Weights.from_dense([[0, 1.0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]])
    >>> report = build_report(W.row_standardized())
    >>> report.n_components, report.islands.tolist(), report.lambda_range
    (2, [3], (-1.0, 1.0))
    """
    weights = as_weights(W)
    if weights.n == 0:
        raise WeightsError("A report needs weights with at least one unit; these have none.")
    own = sp.csr_array(weights.sparse, copy=True)  # Cython refuses read-only arrays
    cards = weights.cardinalities.to_numpy()
    sums = row_sums(own)
    pattern, values = _symmetry(own)
    sizes = _component_sizes(own)
    meta = weights.meta
    density = own.nnz / max(weights.n, 1) ** 2
    return WeightsReport(
        n=weights.n,
        n_links=weights.n_links,
        density=density,
        component_sizes=sizes,
        islands=weights.islands,
        n_own=int((own.diagonal() != 0).sum()),
        neighbors=_histogram(cards),
        neighbors_mean=float(cards.mean()),
        neighbors_median=float(np.median(cards)),
        row_sum_min=float(sums.min()),
        row_sum_median=float(np.median(sums)),
        row_sum_max=float(sums.max()),
        symmetric_pattern=pattern,
        symmetric_values=values,
        spectrum=_spectrum_of(own) if spectrum else None,
        kind=meta.kind,
        normalization=meta.normalization,
        islands_policy=meta.islands,
        source=meta.source,
        distance_unit=meta.distance_unit,
        parameters=dict(meta.parameters),
        subset_of=meta.subset_of,
        cut_share=meta.cut_share,
        warnings=tuple(_warnings(weights, own, sizes, density)),
    )


_spectrum_of = spectrum  # the argument of build_report has the same name


def _histogram(cards: np.ndarray) -> pd.Series[int]:
    values, counts = np.unique(cards, return_counts=True)
    return pd.Series(counts, index=pd.Index(values, name="neighbours"), name="units")


def _component_sizes(matrix: sp.csr_array) -> tuple[int, ...]:
    from scipy.sparse.csgraph import connected_components

    labels = connected_components(matrix, directed=False)[1]
    return tuple(np.sort(np.bincount(labels))[::-1].tolist())


def _symmetry(matrix: sp.csr_array) -> tuple[bool, bool]:
    other = sp.csr_array(matrix.T)
    other.sort_indices()
    same = np.array_equal(matrix.indptr, other.indptr) and np.array_equal(matrix.indices, other.indices)
    return bool(same), bool(same and np.allclose(matrix.data, other.data, rtol=1e-12, atol=0))


def _warnings(W: Weights, matrix: sp.csr_array, sizes: tuple[int, ...], density: float) -> list[str]:
    """What to mind: GS3SLS assumptions A1 and A3 (Kelejian and Prucha 2004), and what spatial lags lose."""
    found = []
    if note := W.meta.cut_note(W.n):
        found.append(f"these weights are a subset: {note}. Spatial lags are of the units that remain.")
    if len(W.islands):
        found.append(
            f"{len(W.islands)} of {W.n} units have no neighbours, so that their spatial lag is 0: "
            f"{name_ids(W.islands)}. Link them (islands='nearest', bridge=) or drop them."
        )
    parts = [size for size in sizes if size > 1]
    if len(parts) > 1:
        found.append(
            f"the map falls into {len(parts)} parts that do not reach each other, of "
            f"{name_ids(parts)} units. Link them with bridge=, or take k nearest neighbours."
        )
    if (own := int((matrix.diagonal() != 0).sum())) > 0:
        found.append(f"{own} units are their own neighbour; models with a spatial lag assume none is.")
    if not (matrix.data > 0).all():
        found.append(f"{int((matrix.data < 0).sum())} weights are negative.")
    for side, sums in (("row", row_sums(abs(matrix))), ("column", column_sums(abs(matrix)))):
        kept = sums[sums > 0]
        if len(kept) and kept.max() > _EXTREME_SUM * np.median(kept):
            found.append(
                f"the largest {side} sum is {kept.max() / np.median(kept):.0f} times the median, at "
                f"{name_ids(W.ids[[int(sums.argmax())]])}: sums must stay bounded as N grows. "
                + ("Normalise the weights." if side == "row" else "This unit sways many others.")
            )
    if density > _DENSE and W.n >= 30:
        found.append(
            f"W is dense, {density:.0%} of all pairs are linked: lags come close to one mean for all. "
            "Set a cut-off, or a higher power of distance."
        )
    return found
