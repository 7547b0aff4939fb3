"""What a weights matrix is like: links, components, islands, row sums, spectrum, and what to mind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import WeightsError
from spatial.languages.names import kind_words
from spatial.results import Result
from spatial.weights.meta import Meta
from spatial.weights.normalization import row_sums
from spatial.words import tell

from .cautions import cautions
from .spectrum import Spectrum, spectrum
from .text import report_text, words_of_links

__all__ = ["WeightsReport", "build_report"]


@dataclass(frozen=True, eq=False, repr=False)
class WeightsReport(Result):
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
    warnings, warnings_zh : tuple of str
        What to mind before estimating, in English and in Chinese.
    """

    figure: ClassVar[str] = "neighbour_histogram"

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
    warnings_zh: tuple[str, ...]

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
        return report_text(self)

    def headline(self) -> str:
        """Return the kind and the numbers of units and links."""
        links = self.links_in_words()
        return tell(
            f"{self.kind}: {self.n:,} units, {links}",
            f"{kind_words(self.kind, 'zh')}：{self.n:,} 个个体，{links}",
        )

    def links_in_words(self, lang: str | None = None, *, with_entries: bool = True) -> str:
        """Return the number of links: each once where all have their opposite, else the directed ones."""
        return words_of_links(
            self.n_links, self.n_own, self.symmetric_pattern, lang, with_entries=with_entries
        )


def build_report(
    ids: pd.Index[Any], matrix: sparse.csr_array, meta: Meta, *, spectrum: bool = True
) -> WeightsReport:
    """Describe weights; see `spatial.weights.Weights.report`."""
    if len(ids) == 0:
        raise WeightsError("A report needs weights with at least one unit; these have none.")
    own = sparse.csr_array(matrix, copy=True)  # Cython refuses read-only arrays
    diagonal = own.diagonal() != 0
    cards = np.diff(own.indptr) - diagonal
    sums = row_sums(own)
    pattern, values = _symmetry(own)
    sizes = _component_sizes(own)
    density = own.nnz / len(ids) ** 2
    islands = ids[cards == 0]
    minded = cautions(ids, own, meta, islands, sizes)
    return WeightsReport(
        n=len(ids),
        n_links=own.nnz,
        density=density,
        component_sizes=sizes,
        islands=islands,
        n_own=int(diagonal.sum()),
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
        warnings=tuple(text for text, _ in minded),
        warnings_zh=tuple(text for _, text in minded),
    )


_spectrum_of = spectrum  # the argument of build_report has the same name


def _histogram(cards: np.ndarray) -> pd.Series[int]:
    values, counts = np.unique(cards, return_counts=True)
    return pd.Series(counts, index=pd.Index(values, name="neighbours"), name="units")


def _component_sizes(matrix: sparse.csr_array) -> tuple[int, ...]:
    from scipy.sparse.csgraph import connected_components

    labels = connected_components(matrix, directed=False)[1]
    return tuple(np.sort(np.bincount(labels))[::-1].tolist())


def _symmetry(matrix: sparse.csr_array) -> tuple[bool, bool]:
    other = sparse.csr_array(matrix.T)
    other.sort_indices()
    same = np.array_equal(matrix.indptr, other.indptr) and np.array_equal(matrix.indices, other.indices)
    return bool(same), bool(same and np.allclose(matrix.data, other.data, rtol=1e-12, atol=0))
