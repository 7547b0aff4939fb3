"""Classes of a choropleth: where they end, what the legend says of them, and one colour each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean
from spatial.words import check_language

from .palette import ramp

__all__ = ["Classes", "build_classes", "class_colors"]

Float = NDArray[np.float64]

# Names as users of GeoDa and QGIS say them -> ours, or mapclassify's.
_SCHEMES = {
    "quantiles": "quantiles",
    "equal_interval": "equalinterval",
    # Fisher-Jenks is natural breaks found exactly; mapclassify's "naturalbreaks" starts at random.
    "natural_breaks": "fisherjenks",
    "fisher_jenks": "fisherjenks",
    "box": "box",
    "box_plot": "box",
    "percentile": "percentile",
    "percentiles": "percentile",
    "standard_deviation": "standarddeviation",
    "std_mean": "standarddeviation",
    "maximum_breaks": "maximumbreaks",
    "headtail_breaks": "headtailbreaks",
    "pretty_breaks": "prettybreaks",
    "jenks_caspall": "jenkscaspall",
    "max_p": "maxp",
}
_WITHOUT_K = {"headtailbreaks"}
_BOX = (
    ("Lower outlier", "低值离群"),
    ("Below 25%", "25% 以下"),
    ("25–50%", "25–50%"),
    ("50–75%", "50–75%"),
    ("Above 75%", "75% 以上"),
    ("Upper outlier", "高值离群"),
)
_PERCENTILE = tuple((w, w) for w in ("< 1%", "1–10%", "10–50%", "50–90%", "90–99%", "> 99%"))
_DEVIATIONS = (
    ("Below −2 sd", "低于 −2 标准差"),
    ("−2 to −1 sd", "−2 至 −1 标准差"),
    ("−1 sd to mean", "−1 标准差至均值"),
    ("Mean to 1 sd", "均值至 1 标准差"),
    ("1 to 2 sd", "1 至 2 标准差"),
    ("Above 2 sd", "高于 2 标准差"),
)
_LONGEST = 7  # digits of an end
_MOST_ZEROS = 4  # behind the point, that ends near zero are written with, beside larger ones
_NEAR = 0.02  # of the smallest class: how far a bound that is not exact may be rounded
_EXACT = ("quantiles", "symmetric", "given")  # bounds that the legend writes to the last digit
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MUCH_ZERO = 0.2  # of values that are zero, beyond which zero is a class of its own
_FEW = 0.05  # of values on one side of the centre, below which colours go one way


@dataclass(frozen=True)
class Classes:
    """Intervals (lowest, bounds[0]], (bounds[0], bounds[1]], ...; the first holds its lower end too.

    Attributes
    ----------
    lowest : float
    bounds : array, (k,)
        Upper ends, increasing.
    scheme : str
    names : pairs of str
        English and Chinese words of the classes of box, percentile and standard-deviation maps; these
        keep classes that hold no unit.
    center : float, optional
        The value at which colours change sides.
    falling : bool
        Darker towards smaller values: negative values go by magnitude.
    highest : float, optional
        The largest value, where the last bound lies beyond it.
    """

    lowest: float
    bounds: Float
    scheme: str
    names: tuple[tuple[str, str], ...] = ()
    center: float | None = None
    falling: bool = False
    highest: float | None = None

    def codes(self, values: Float) -> NDArray[np.intp]:
        """Return the class of each value; -1 for NaN."""
        found = np.searchsorted(self.bounds, values, side="left")
        return np.where(np.isnan(values), -1, np.minimum(found, len(self.bounds) - 1))

    @property
    def ends(self) -> Float:
        """The lowest value and the upper ends."""
        return np.concatenate([[self.lowest], self.bounds])

    @property
    def labels(self) -> list[str]:
        """The intervals in words, with as few digits as tell them apart."""
        highest = self.bounds[-1] if self.highest is None else self.highest
        ends = np.clip(self.ends, self.lowest, highest)
        texts = _numbers(ends, exact=self.scheme in _EXACT)
        return [_interval(texts[k], texts[k + 1], self.ends, k) for k in range(len(self.bounds))]

    def legend(self, codes: NDArray[np.intp], lang: str | None = None) -> list[str]:
        """Return each class in words with the number of its units, as "0.002–0.017 (20)"."""
        chinese = check_language(lang) == "zh"
        counts = np.bincount(codes[codes >= 0].ravel(), minlength=len(self.bounds))
        words = self.labels
        if self.names:
            used = [f": {text}" if count else "" for text, count in zip(words, counts, strict=True)]
            words = [pair[chinese] + tail for pair, tail in zip(self.names, used, strict=True)]
        return [f"{text} ({count:,})" for text, count in zip(words, counts, strict=True)]

    def colors(self) -> list[str]:
        """Return a colour for each class: one way by magnitude, or two ways from the centre."""
        k = len(self.bounds)
        if self.names:
            return ramp("diverging", k)
        if self.center is None:
            shades = ramp("sequential", k)
            return shades[::-1] if self.falling else shades
        below = int((self.bounds <= self.center).sum())
        above = int((self.ends[:-1] >= self.center).sum())
        across = k - below - above
        most = max(below, above, 1)
        shades = ramp("diverging", min(2 * most + across, 12))
        most = (len(shades) - across) // 2
        left = [shades[max(most - below + j, 0)] for j in range(below)]
        right = [shades[min(most + across + j, len(shades) - 1)] for j in range(above)]
        return [*left, *shades[most : most + across], *right]


def build_classes(
    values: Float,
    scheme: str | Sequence[float] | None = None,
    k: int = 5,
    *,
    hinge: float = 1.5,
    center: float | None = None,
) -> Classes:
    """Find the class bounds of the finite `values`.

    Parameters
    ----------
    values : array
        NaN are left out; there must be at least one number.
    scheme : str or sequence of float, optional
        A classifier, or the upper bounds themselves.  By default fifths, with zero apart where more than a
        fifth are zero; where both signs occur, classes symmetric round zero.
    k : int
        Number of classes, where the classifier takes one; fewer where values repeat.
    hinge : float
        Of box maps: a value is an outlier beyond so many interquartile ranges from the quartiles.
    center : float, optional
        Where colours change sides; default zero, if at least a twentieth of the values are on either side.
    """
    finite = np.sort(values[np.isfinite(values)])
    middle = _center(finite, center)
    falling = middle is None and float(np.median(finite)) < 0
    if scheme is not None and not isinstance(scheme, str):
        return replace(_given(finite, scheme), center=middle, falling=falling)
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= 12:
        raise DataError(f"k must be a number of classes from 1 to 12; got {k!r}.")
    if scheme is None and middle is not None:
        return _symmetric(finite, int(k), middle)
    scheme = scheme or "quantiles"
    name = scheme_name(scheme)
    if name in ("box", "percentile", "standarddeviation"):
        return _named(finite, name, scheme, hinge)
    distinct = np.unique(finite)
    if len(distinct) <= min(k, 2):
        return Classes(float(finite[0]), distinct, scheme, (), middle, falling)
    bounds = _bounds(finite, name, min(int(k), len(distinct)))
    # Ties give equal bounds, and some classifiers end beyond the data or below its maximum.
    bounds = np.unique(bounds[bounds >= finite[0]])
    used = bounds[np.unique(np.minimum(np.searchsorted(bounds, finite), len(bounds) - 1))]
    used[-1] = max(used[-1], finite[-1]) if used[-1] < finite[-1] else min(used[-1], finite[-1])
    if name == "quantiles":
        used = _rounded(finite, used)
    return Classes(float(finite[0]), used, scheme, (), middle, falling)


def _center(finite: Float, center: float | None) -> float | None:
    if center is not None:
        if not np.isfinite(center):
            raise DataError(f"center must be a finite number; got {center!r}.")
        return float(center)
    both = min((finite < 0).mean(), (finite > 0).mean()) >= _FEW
    return 0.0 if both else None


def _symmetric(finite: Float, k: int, center: float) -> Classes:
    """Return classes whose bounds lie as far above the centre as below it."""
    inner = k // 2 if k % 2 else k // 2 - 1
    size: Any = (
        np.quantile(np.abs(finite - center), np.arange(1, inner + 1) / (inner + 1)) if inner > 0 else []
    )
    size = np.unique([float(f"{s:.2g}") for s in size if s > 0])
    cuts = np.concatenate([center - size[::-1], [] if k % 2 and len(size) else [center], center + size])
    cuts = cuts[(cuts >= finite[0]) & (cuts < finite[-1])]
    return Classes(float(finite[0]), np.append(cuts, finite[-1]), "symmetric", (), center)


def _named(finite: Float, name: str, scheme: str, hinge: float) -> Classes:
    """Return the six classes of GeoDa's box, percentile and standard-deviation maps."""
    if name == "box":
        if not np.isfinite(hinge) or hinge <= 0:
            raise DataError(f"hinge must be a positive number, as 1.5 or 3; got {hinge!r}.")
        q1, q2, q3 = np.quantile(finite, [0.25, 0.5, 0.75])
        low, high = q1 - hinge * (q3 - q1), q3 + hinge * (q3 - q1)
        # What lies on the fence is no outlier.
        cuts = np.array([np.nextafter(low, -np.inf), q1, q2, q3, high])
        names: tuple[tuple[str, str], ...] = _BOX
    elif name == "percentile":
        cuts, names = np.quantile(finite, [0.01, 0.1, 0.5, 0.9, 0.99]), _PERCENTILE
    else:
        spread = finite.std(ddof=1) if len(finite) > 1 else 0.0
        cuts, names = finite.mean() + spread * np.arange(-2, 3), _DEVIATIONS
    last = max(finite[-1], np.nextafter(cuts[-1], np.inf))
    return Classes(float(finite[0]), np.append(cuts, last), scheme, names, highest=float(finite[-1]))


def _bounds(finite: Float, name: str, k: int) -> Float:
    # The two plainest are mapclassify's too; its import alone takes a second.
    shares = np.arange(1, k + 1) / k
    if name == "quantiles":
        zero = float((finite == 0).mean())
        if zero > _MUCH_ZERO and finite[0] == 0 and k > 2:
            return np.append(0.0, np.quantile(finite[finite > 0], np.arange(1, k) / (k - 1)))
        return np.asarray(np.quantile(finite, shares))
    if name == "equalinterval":
        return np.append(finite[0] + (finite[-1] - finite[0]) * shares[:-1], finite[-1])
    from spatial.compute.compiled import import_kept

    options = {} if name in _WITHOUT_K else {"k": k}
    return np.asarray(import_kept("mapclassify").classify(finite, name, **options).bins, dtype=np.float64)


def _rounded(finite: Float, bounds: Float) -> Float:
    """Round inner bounds to the fewest digits that leave each class within a tenth of its size."""
    exact = _counts(finite, bounds)
    for digits in range(2, 12):
        near = np.array([float(f"{bound:.{digits}g}") for bound in bounds[:-1]])
        best = [_moving_fewer(finite, *pair, digits) for pair in zip(bounds, near, strict=False)]
        for inner in (near, best):
            cuts = np.append(inner, bounds[-1])
            apart = (np.diff(cuts) > 0).all() and cuts[0] >= finite[0]
            if apart and (np.abs(_counts(finite, cuts) - exact) <= 0.1 * exact).all():
                return np.asarray(cuts)
    return bounds


def _moving_fewer(finite: Float, bound: float, near: float, digits: int) -> float:
    """Return a rounded bound, or its neighbour on the other side of `bound` where that moves fewer values.

    A fifth of 31 provinces ends at a value, which a bound rounded downwards would move to the next class.
    """
    if near == bound:
        return near
    step = 10.0 ** (np.floor(np.log10(abs(bound))) - digits + 1)
    other = float(f"{near - np.copysign(step, near - bound):.{digits}g}")
    exact, by_near, by_other = np.searchsorted(finite, [bound, near, other], side="right").tolist()
    return near if abs(by_near - exact) <= abs(by_other - exact) else other


def _counts(finite: Float, bounds: Float) -> NDArray[np.intp]:
    return np.bincount(np.searchsorted(bounds, finite, side="left"), minlength=len(bounds))


def scheme_name(scheme: str) -> str:
    """Return our or mapclassify's name for `scheme`, or refuse with the nearest."""
    plain = scheme.lower()
    if plain in _SCHEMES:
        return _SCHEMES[plain]
    from spatial.compute.compiled import import_kept

    known = {name.lower() for name in import_kept("mapclassify.classifiers").CLASSIFIERS} - {"userdefined"}
    squeezed = plain.replace("_", "").replace(" ", "")
    ours = {name.replace("_", ""): own for name, own in _SCHEMES.items()}
    if squeezed in ours:
        return ours[squeezed]
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


# ---- words
def _interval(low: str, high: str, ends: Float, k: int) -> str:
    if ends[k] == ends[k + 1] or low == high:
        return high
    if k and ends[k - 1] == ends[k]:
        return f"> {low}–{high}"  # the value below has a class of its own
    # With negative numbers a dash alone would read as a sign.
    return f"{low} – {high}" if "−" in low + high else f"{low}–{high}"


def _numbers(ends: Float, *, exact: bool) -> list[str]:
    """Write the ends with three significant digits, or so many that no two look alike; decimals alike."""
    distinct = len(np.unique(ends))
    for digits in range(3, 13):
        texts = [_number(end, digits) for end in ends]
        whole = all(_number(end, 12) == text for end, text in zip(ends[1:-1], texts[1:-1], strict=True))
        if len(set(texts)) == distinct and (whole or not exact):
            break
    return _aligned(ends, texts, exact=exact)


def _aligned(ends: Float, texts: list[str], *, exact: bool) -> list[str]:
    """Give all ends one number of decimals, the extremes rounded outwards; not where sizes lie far apart."""
    inner, largest = texts[1:-1], np.abs(ends).max()
    by_power = ["×" in text for text in inner]
    if not inner or all(by_power) or (any(by_power) and largest < 10.0**-_MOST_ZEROS):
        return texts
    most = max(
        _LONGEST - 1 if power else len(text.partition(".")[2])
        for text, power in zip(inner, by_power, strict=True)
    )
    gap = np.diff(np.unique(ends)).min(initial=np.inf)
    allowed = 1e-9 * gap if exact else _NEAR * gap
    near = (k for k in range(most) if (np.abs(np.round(ends[1:-1], k) - ends[1:-1]) <= allowed).all())
    decimals = next(near, most)
    if decimals and len(str(int(largest))) + decimals > _LONGEST + (largest < 1):
        return texts
    unit = 10.0**decimals
    shown = ends.copy()
    shown[ends == ends[0]] = np.floor(ends[0] * unit + 1e-9) / unit
    shown[ends == ends[-1]] = np.ceil(ends[-1] * unit - 1e-9) / unit
    written = [f"{value:,.{decimals}f}".replace("-", "−") for value in shown + 0.0]
    if not decimals:  # large numbers keep their three digits
        kept = ["." not in text or "×" in text for text in texts]
        small = np.abs(ends) < 1
        written = [a if k and not s else b for a, b, k, s in zip(texts, written, kept, small, strict=True)]
    return written if len(set(written)) == len(set(texts)) else texts


def _number(value: float, digits: int) -> str:
    """Write a number: thousands by comma, very large and small ones by powers of ten, a true minus."""
    rounded = float(f"{value:.{digits}g}")
    if value == round(value) and abs(value) < 1e6:
        rounded = value  # whole numbers stay whole
    size = abs(rounded)
    if size and not 1e-4 <= size < 1e9:
        factor, power = f"{size:.{digits - 1}e}".split("e")
        factor = factor.rstrip("0").rstrip(".") if "." in factor else factor
        text = f"{factor}×10{str(int(power)).translate(_RAISED)}"
    else:
        text = f"{size:,.0f}" if rounded == round(rounded) else np.format_float_positional(size, trim="-")
        text = text if "," in text or size < 1000 else f"{size:,}"
    return ("−" if rounded < 0 else "") + text


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
