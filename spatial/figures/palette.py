"""Fixed colours by code: a cluster has one colour in each figure, layer and report, whatever else is drawn.

Colours follow GeoDa's convention (High-High red, Low-Low blue, outliers pale) in the tones of ColorBrewer's
RdBu and of Okabe and Ito (2008), which people with red-green blindness can tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping

from spatial.errors import DataError
from spatial.words import check_language

__all__ = [
    "CLUSTERS",
    "CLUSTER_COLORS",
    "ISLAND",
    "LINE_COLORS",
    "MISSING_COLOR",
    "NOT_SIGNIFICANT",
    "SIGNIFICANCE_COLORS",
    "cluster_label",
    "significance_color",
]

NOT_SIGNIFICANT = "not significant"
ISLAND = "island"

# The order of legends, and the codes that local Moran results carry.
CLUSTERS: tuple[str, ...] = ("HH", "LL", "LH", "HL", NOT_SIGNIFICANT, ISLAND)

CLUSTER_COLORS: Mapping[str, str] = {
    "HH": "#ca0020",
    "LL": "#0571b0",
    "LH": "#92c5de",
    "HL": "#f7a8a0",
    NOT_SIGNIFICANT: "#ebebeb",
    ISLAND: "#8c8c8c",
}

_CLUSTER_LABELS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "HH": "High-High",
        "LL": "Low-Low",
        "LH": "Low-High",
        "HL": "High-Low",
        NOT_SIGNIFICANT: "Not significant",
        ISLAND: "No neighbours",
    },
    "zh": {
        "HH": "高-高",
        "LL": "低-低",
        "LH": "低-高",
        "HL": "高-低",
        NOT_SIGNIFICANT: "不显著",
        ISLAND: "无邻居",
    },
}

# Greens, from the least to the most significant, as in GeoDa.
SIGNIFICANCE_COLORS: tuple[str, ...] = ("#b8e186", "#66a61e", "#276419", "#0b3009")

# Okabe and Ito, without black and yellow, which is too pale for lines.
LINE_COLORS: tuple[str, ...] = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#e69f00",
    "#5c5c5c",
)

MISSING_COLOR = "#ffffff"


def cluster_label(code: str, lang: str = "en") -> str:
    """Return the words for a cluster code.

    Examples
    --------
    >>> cluster_label("HH"), cluster_label("LH", "zh")
    ('High-High', '低-高')
    """
    words = _CLUSTER_LABELS[check_language(lang)]
    if code not in words:
        raise DataError(f"A cluster is one of {', '.join(CLUSTERS)}; got {code!r}.")
    return words[code]


def significance_color(rank: int, levels: int) -> str:
    """Return the colour of the `rank`-th of `levels` significance levels, 0 the least significant.

    Examples
    --------
    >>> significance_color(2, 3) == SIGNIFICANCE_COLORS[2]
    True
    """
    if not 0 <= rank < levels <= len(SIGNIFICANCE_COLORS):
        raise DataError(f"One to {len(SIGNIFICANCE_COLORS)} significance levels can be drawn; got {levels}.")
    return SIGNIFICANCE_COLORS[rank]
