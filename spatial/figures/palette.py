"""Every colour, once: figures, the report's style sheet, layers and pages take theirs from this table.

Each token has a colour on light and one on dark paper.  Red and blue are kept for clusters and nothing else;
``tests/figures/test_palette.py`` recomputes the contrasts (WCAG 2) and the differences that people with
colour blindness see (Machado, Oliveira and Fernandes 2009; distances in OKLab, Ottosson 2020).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted
from spatial.words import check_language

__all__ = [
    "CATEGORIES",
    "CLUSTERS",
    "CLUSTER_COLORS",
    "COLORS",
    "DIVERGING",
    "FAMILIES",
    "ISLAND",
    "LINE_COLORS",
    "MARKERS",
    "NOT_SIGNIFICANT",
    "P_VALUE_COLORS",
    "SEQUENTIAL",
    "SIGNIFICANCE_COLORS",
    "Ramp",
    "Theme",
    "cluster_color",
    "cluster_label",
    "color",
    "css_variables",
    "current_theme",
    "ramp",
    "significance_color",
    "theme",
]

Theme = Literal["light", "dark"]
Ramp = Literal["sequential", "diverging", "p_values"]
Float = NDArray[np.float64]

NOT_SIGNIFICANT = "not significant"
ISLAND = "island"

# The order of legends, and the codes that local Moran results carry; other statistics: `FAMILIES`.
CLUSTERS: tuple[str, ...] = ("HH", "LL", "LH", "HL", NOT_SIGNIFICANT, ISLAND)

FAMILIES: tuple[tuple[str, ...], ...] = (
    ("HH", "LL", "LH", "HL"),
    ("hot spot", "cold spot"),
    ("positive",),
    ("positive", "negative"),
    ("HH", "LL", "other positive", "negative"),
)

# Token: (on light paper, on dark paper).
COLORS: Mapping[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#14181c"),  # page, sea, foreign land
    "wash": ("#f6f5f2", "#1b2025"),  # header, code, the time before an event
    "band": ("#eceae5", "#262d33"),  # what permutations give
    "ink": ("#16202a", "#eef1f3"),  # text, zero lines, fitted lines
    "ink-2": ("#4a5560", "#b4bdc5"),  # subtitles, axes
    "ink-3": ("#66717c", "#8f9aa4"),  # notes, counts
    "rule": ("#8b9198", "#67727c"),  # borders of controls, swatches, insets
    "grid": ("#e7e6e2", "#283037"),
    "accent": ("#0b5c78", "#6cc3dc"),  # focus, links, brush
    "coast": ("#6b737b", "#8b949c"),  # outline of all land
    "group": ("#9aa0a5", "#6f7981"),  # provinces, states
    "edge": ("#ffffff", "#14181c"),  # between units of a group
    "land": ("#f3f2ef", "#20262b"),  # units under the links of weights
    "land-edge": ("#d5d6d4", "#39424a"),
    "links": ("#1b5fa8", "#6bb0ee"),  # of weights
    "mark": ("#5b7083", "#8ea2b4"),  # bars and dots without a meaning of their own
    "dot": ("#98a3ad", "#75828e"),  # dots that are not significant
    "hatch": ("#868b92", "#7d868e"),  # no data, on paper
    "HH": ("#960f29", "#ff9486"),
    "LL": ("#10437f", "#8cc1ff"),
    "HL": ("#da6446", "#c66450"),
    "LH": ("#3f88c2", "#4487c6"),
    NOT_SIGNIFICANT: ("#eeeeec", "#30373d"),
    ISLAND: ("#858a91", "#8b949c"),
    # Of other local statistics: what gathers high or low, is alike at middling values, or unlike.
    "hot spot": ("#960f29", "#ff9486"),
    "cold spot": ("#10437f", "#8cc1ff"),
    "positive": ("#960f29", "#ff9486"),
    "other positive": ("#8557ad", "#b08fdb"),
    "negative": ("#a07c00", "#c9a93a"),
}

# Few to much: darker on light paper, brighter on dark.
SEQUENTIAL = (
    ("#f1f1d3", "#93dab3", "#0cafb6", "#0075a7", "#213d74"),
    ("#263454", "#1d5e85", "#00929f", "#56c499", "#dbe699"),
)
# Below and above a named centre; the middle has the colour of what is not significant.
DIVERGING = (
    ("#713f00", "#b07932", "#ddbf91", "#efeeea", "#96d1d0", "#209292", "#00565a"),
    ("#f0c58c", "#c08a45", "#75551f", "#30373d", "#22686a", "#2fa3a2", "#a5e6e2"),
)
# The least significant first.
P_VALUE_COLORS = (("#61b565", "#21763c", "#064425"), ("#3d8a4c", "#7fcf82", "#d5f2c8"))
# Lines and dots, never without a marker or a word of their own; the first two and the last for two or three.
CATEGORIES = (
    ("#1b5fa8", "#d9640f", "#148f63", "#8a3d86", "#a88200", "#2b3138"),
    ("#6bb0ee", "#f2954f", "#4fc79f", "#e290c2", "#d2b445", "#d7dde2"),
)
MARKERS: tuple[str, ...] = ("o", "s", "^", "p", "P", "D")

CLUSTER_COLORS: Mapping[str, str] = {code: COLORS[code][0] for code in CLUSTERS}
SIGNIFICANCE_COLORS: tuple[str, ...] = P_VALUE_COLORS[0]
LINE_COLORS: tuple[str, ...] = CATEGORIES[0]

_LABELS: Mapping[str, tuple[str, str]] = {
    "HH": ("High-High", "高-高"),
    "LL": ("Low-Low", "低-低"),
    "LH": ("Low-High", "低-高"),
    "HL": ("High-Low", "高-低"),
    NOT_SIGNIFICANT: ("Not significant", "不显著"),
    ISLAND: ("No neighbours", "无邻居"),
    "hot spot": ("Hot spot", "热点"),
    "cold spot": ("Cold spot", "冷点"),
    "positive": ("Positive", "正相关"),
    "other positive": ("Other positive", "其他正相关"),
    "negative": ("Negative", "负相关"),
}

_theme: ContextVar[Theme] = ContextVar("theme", default="light")


def current_theme() -> Theme:
    """Return the theme that figures are drawn in."""
    return _theme.get()


@contextmanager
def theme(name: Theme) -> Iterator[None]:
    """Draw figures on light or on dark paper inside this.

    Examples
    --------
    >>> with theme("dark"):
    ...     color("paper")
    '#14181c'
    """
    token = _theme.set(_checked(name))
    try:
        yield
    finally:
        _theme.reset(token)


def _checked(name: str | None) -> Theme:
    chosen = current_theme() if name is None else name
    if chosen not in ("light", "dark"):
        raise DataError(f"A theme is 'light' or 'dark'; got {name!r}.")
    return chosen  # type: ignore[return-value]  # one of the two


def color(token: str, theme: Theme | None = None) -> str:
    """Return the colour of `token`, in the theme in use or in the one given.

    Examples
    --------
    >>> color("HH"), color("ink", "dark")
    ('#960f29', '#eef1f3')
    """
    if token not in COLORS:
        raise DataError(f"No colour is called {token!r}.{did_you_mean(token, COLORS)}")
    return COLORS[token][_checked(theme) == "dark"]


def cluster_color(code: str) -> str:
    """Return the colour of a cluster code, in the theme in use."""
    cluster_label(code)
    return color(code)


def cluster_label(code: str, lang: str | None = None) -> str:
    """Return the words for a cluster code.

    Examples
    --------
    >>> cluster_label("HH"), cluster_label("LH", "zh")
    ('High-High', '低-高')
    """
    chinese = check_language(lang) == "zh"
    if code not in _LABELS:
        raise DataError(f"A cluster is one of {', '.join(_LABELS)}; got {code!r}.")
    return _LABELS[code][chinese]


def ramp(kind: Ramp, k: int, theme: Theme | None = None) -> list[str]:
    """Return `k` colours of a ramp, its own ones or between them, even to the eye (in OKLab).

    Parameters
    ----------
    kind : {"sequential", "diverging", "p_values"}
        Few to much; below and above a centre (an odd `k` has it as a class); less to more significant.
    k : int
        One to twelve.
    theme : {"light", "dark"}, optional

    Examples
    --------
    >>> ramp("sequential", 3)
    ['#f1f1d3', '#0cafb6', '#213d74']
    >>> len(ramp("diverging", 4))
    4
    """
    ramps = {"sequential": SEQUENTIAL, "diverging": DIVERGING, "p_values": P_VALUE_COLORS}
    if kind not in ramps:
        raise DataError(f"A ramp is one of {', '.join(ramps)}; got {kind!r}.")
    if not 1 <= k <= 12:
        raise DataError(f"A ramp gives 1 to 12 colours; got {k}.")
    given = ramps[kind][_checked(theme) == "dark"]
    if kind == "p_values" and k <= len(given):
        return list(given[len(given) - k :])
    if k == 1:
        return [given[len(given) // 2]]
    # An even number of diverging classes has none at the centre: half a step is left out on each side.
    places = np.linspace(0, len(given) - 1, k)
    if kind == "diverging" and k % 2 == 0:
        half = np.linspace(0, len(given) // 2 - 1, k // 2)
        places = np.concatenate([half, len(given) - 1 - half[::-1]])
    lab = _to_oklab(given)
    axes = [np.interp(places, np.arange(len(given)), lab[:, axis]) for axis in range(3)]
    return _from_oklab(np.column_stack(axes))


def significance_color(rank: int, levels: int) -> str:
    """Return the colour of the `rank`-th of `levels` significance levels, 0 the least significant.

    Examples
    --------
    >>> significance_color(2, 3) == P_VALUE_COLORS[0][2]
    True
    """
    if not 0 <= rank < levels <= 4:
        raise DataError(f"One to 4 significance levels can be drawn; got {levels}.")
    return ramp("p_values", levels)[rank]


@hinted
def css_variables() -> str:
    """Return the style sheet's custom properties: light, dark by the reader's system, and either by choice.

    Examples
    --------
    >>> css_variables().splitlines()[0][:30]
    ':root { --paper: #ffffff; --wa'
    """
    light, dark = (_properties(name) for name in ("light", "dark"))
    return (
        f":root {{ {light} color-scheme: light; }}\n"
        f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) '
        f"{{ {dark} color-scheme: dark; }} }}\n"
        f':root[data-theme="dark"] {{ {dark} color-scheme: dark; }}\n'
    )


def _properties(name: str) -> str:
    """Return ``--hh: #960f29;`` and so on; ramps are numbered ``--s1``, ``--d1``, ``--p1``, ``--c1``."""
    dark = name == "dark"
    named = {token.lower().replace(" ", "-"): pair[dark] for token, pair in COLORS.items()}
    for letter, colors in (
        ("s", SEQUENTIAL),
        ("d", DIVERGING),
        ("p", P_VALUE_COLORS),
        ("c", CATEGORIES),
    ):
        named |= {f"{letter}{number}": value for number, value in enumerate(colors[dark], 1)}
    return " ".join(f"--{token}: {value};" for token, value in named.items())


# ---- OKLab (Ottosson 2020): even steps look even
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_oklab(colors: Sequence[str]) -> Float:
    rgb = np.array([[int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)] for text in colors])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _LMS.T) @ _LAB.T)


def _from_oklab(lab: Float) -> list[str]:
    linear = np.clip((lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return ["#" + "".join(f"{round(255 * value):02x}" for value in row) for row in rgb]
