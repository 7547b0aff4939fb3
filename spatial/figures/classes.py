"""Classes of a choropleth: mapclassify's bounds, words for the intervals, one colour each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean

__all__ = ["Classes", "build_classes", "class_colors"]

Float = NDArray[np.float64]

# Names as users of GeoDa and QGIS say them -> mapclassify's.
_SCHEMES = {
    "quantiles": "quantiles",
    "equal_interval": "equalinterval",
    # Fisher-Jenks is natural breaks found exactly; mapclassify's "naturalbreaks" starts at random.
    "natural_breaks": "fisherjenks",
    "fisher_jenks": "fisherjenks",
    "box_plot": "boxplot",
    "std_mean": "stdmean",
    "percentiles": "percentiles",
    "maximum_breaks": "maximumbreaks",
    "headtail_breaks": "headtailbreaks",
    "pretty_breaks": "prettybreaks",
    "jenks_caspall": "jenkscaspall",
    "max_p": "maxp",
}
_WITHOUT_K = {"boxplot", "stdmean", "percentiles", "headtailbreaks"}


@dataclass(frozen=True)
class Classes:
    """Intervals (lowest, bounds[0]], (bounds[0], bounds[1]], ...; the first holds its lower end too.

    Attributes
    ----------
    lowest : float
    bounds : array, (k,)
        Upper ends, increasing.
    scheme : str
    """

    lowest: float
    bounds: Float
    scheme: str

    def codes(self, values: Float) -> NDArray[np.intp]:
        """Return the class of each value; -1 for NaN."""
        found = np.searchsorted(self.bounds, values, side="left")
        return np.where(np.isnan(values), -1, np.minimum(found, len(self.bounds) - 1))

    @property
    def labels(self) -> list[str]:
        """The intervals in words, with as few digits as tell them apart."""
        ends = np.concatenate([[self.lowest], self.bounds])
        words = _numbers(ends)
        return [f"{'[' if k == 0 else '('}{words[k]}, {words[k + 1]}]" for k in range(len(self.bounds))]


def build_classes(values: Float, scheme: str | Sequence[float], k: int) -> Classes:
    """Find the class bounds of the finite `values`.

    Parameters
    ----------
    values : array
        NaN are left out; there must be at least one number.
    scheme : str or sequence of float
        A classifier, or the upper bounds themselves.
    k : int
        Number of classes, where the classifier takes one; fewer where values repeat.
    """
    finite = np.sort(values[np.isfinite(values)])
    if not isinstance(scheme, str):
        return _given(finite, scheme)
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= 12:
        raise DataError(f"k must be a number of classes from 1 to 12; got {k!r}.")
    name = scheme_name(scheme)
    distinct = np.unique(finite)
    if len(distinct) <= min(k, 2):
        return Classes(float(finite[0]), distinct, scheme)
    bounds = _bounds(finite, name, min(int(k), len(distinct)))
    # Ties give equal bounds, and some classifiers end beyond the data or below its maximum.
    bounds = np.unique(bounds[bounds >= finite[0]])
    used = bounds[np.unique(np.minimum(np.searchsorted(bounds, finite), len(bounds) - 1))]
    used[-1] = max(used[-1], finite[-1]) if used[-1] < finite[-1] else min(used[-1], finite[-1])
    return Classes(float(finite[0]), used, scheme)


def _bounds(finite: Float, name: str, k: int) -> Float:
    # The two plainest are mapclassify's too, to the last digit; its import alone takes two seconds.
    shares = np.arange(1, k + 1) / k
    if name == "quantiles":
        return np.asarray(np.quantile(finite, shares))
    if name == "equalinterval":
        return np.append(finite[0] + (finite[-1] - finite[0]) * shares[:-1], finite[-1])
    import mapclassify

    options = {} if name in _WITHOUT_K else {"k": k}
    return np.asarray(mapclassify.classify(finite, name, **options).bins, dtype=np.float64)


def scheme_name(scheme: str) -> str:
    """Return mapclassify's name for `scheme`, or refuse with the nearest."""
    plain = scheme.lower()
    if plain in _SCHEMES:
        return _SCHEMES[plain]
    from mapclassify.classifiers import CLASSIFIERS

    known = {name.lower() for name in CLASSIFIERS} - {"userdefined"}
    squeezed = plain.replace("_", "").replace(" ", "")
    if squeezed == "naturalbreaks":
        return "fisherjenks"
    if squeezed not in known:
        raise DataError(
            f"Unknown scheme {scheme!r}.{did_you_mean(scheme, _SCHEMES)} Use one of "
            f"{', '.join(sorted(_SCHEMES))}, another of mapclassify's, or a list of upper bounds."
        )
    return squeezed


def _given(finite: Float, scheme: Sequence[float]) -> Classes:
    bounds = np.asarray(scheme, dtype=np.float64)
    if bounds.ndim != 1 or len(bounds) == 0 or not np.isfinite(bounds).all() or (np.diff(bounds) <= 0).any():
        raise DataError(
            f"Class bounds must be increasing finite numbers, the upper ends; got {list(bounds)!r}."
        )
    if finite[-1] > bounds[-1]:
        bounds = np.append(bounds, finite[-1])
    return Classes(float(min(finite[0], bounds[0])), bounds, "given")


def _numbers(ends: Float) -> list[str]:
    """Write the ends with so many decimals that the narrowest class shows two digits; whole numbers whole."""
    gaps = np.diff(np.unique(ends))
    decimals = 1 - int(np.floor(np.log10(gaps.min()))) if len(gaps) else 2
    if (ends == np.round(ends)).all():
        decimals = 0
    if decimals > 6 or np.abs(ends).max() >= 1e12:
        return [f"{end:.6g}".replace("-", "−") for end in ends]
    return [_number(end, max(decimals, 0)) for end in ends]


def _number(value: float, decimals: int) -> str:
    text = f"{abs(value):,.{decimals}f}"
    sign = "−" if value < 0 and float(text.replace(",", "")) else ""
    # Thousands by narrow blanks (ISO 80000), as the comma already divides the ends of an interval.
    return sign + text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def class_colors(cmap: Any, k: int, ends: tuple[float, float] = (0.08, 0.95)) -> list[str]:
    """Return `k` colours of a matplotlib colour map between `ends`: its extremes are too pale or dark."""
    from matplotlib import colormaps
    from matplotlib.colors import Colormap, to_hex

    if isinstance(cmap, (list, tuple)):
        if len(cmap) < k:
            raise DataError(f"cmap lists {len(cmap)} colours for {k} classes: give one for each.")
        return [to_hex(color) for color in cmap[:k]]
    if not isinstance(cmap, Colormap) and cmap not in colormaps:
        raise DataError(f"matplotlib has no colour map {cmap!r}.{did_you_mean(cmap, list(colormaps))}")
    chosen = cmap if isinstance(cmap, Colormap) else colormaps[cmap]
    places = np.linspace(*ends, k) if k > 1 else np.array([0.6])
    return [to_hex(color) for color in chosen(places)]
