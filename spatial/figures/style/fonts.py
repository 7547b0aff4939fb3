"""Fonts: a Latin face first, then a Chinese one for what it lacks, so that no character becomes a box.

matplotlib falls back from glyph to glyph along ``font.family``; what is chosen here is the list.  A Chinese
face never supplies Latin punctuation: its quotes and signs are as wide as a character.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spatial.errors import warn

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = [
    "HAN",
    "LATIN",
    "apply_fonts",
    "bold_weight",
    "families_for",
    "font_context",
    "missing_characters",
    "muted_glyphs",
]

LATIN: tuple[str, ...] = (
    *("Inter", "Source Sans 3", "Source Sans Pro", "Arial", "Helvetica", "Liberation Sans", "Noto Sans"),
)
# Sans before serif, the mainland's forms of the characters before others.
HAN: tuple[str, ...] = (
    *("Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC"),
    *(
        "Microsoft YaHei",
        "Hiragino Sans GB",
        "WenQuanYi Micro Hei",
        "WenQuanYi Zen Hei",
        "SimHei",
        "Heiti SC",
    ),
    *("Noto Sans CJK JP", "Droid Sans Fallback", "Noto Serif SC", "Noto Serif CJK SC"),
    *("Source Han Serif SC", "Songti SC", "STSong", "SimSun", "AR PL UMing CN", "Arial Unicode MS"),
)
_ENOUGH = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic and signs
_OWN = Path(__file__).parent / "han" / "SpatialHan.ttf"  # the common characters, where no font is installed
# It has a glyph for everything: the box that says which block a character is from.
_BOXES = "Last Resort"
_BOLD = 700  # of titles; the faces between it and the usual weight are not asked for
_single: set[str] = set()  # families with one weight, which stands for bold too
_warned: set[str] = set()  # that the advice was given; once a process is enough


def families_for(text: str | Iterable[str]) -> list[str]:
    """Return the font families that together draw `text`, in the order in which glyphs are looked up.

    A family that the user set in ``rcParams`` comes first; else the first installed of `LATIN`.  Then DejaVu,
    which matplotlib brings, and for Chinese the first installed of `HAN`, else the common characters that
    ship with this package.

    Warns
    -----
    SpatialWarning
        Once a process, where no font has the characters; it names what to install.

    Examples
    --------
    >>> families_for("plain text")[-1]
    'DejaVu Sans'
    """
    families: list[str] = []
    _add(families, *_first(), _ENOUGH)
    lacking = missing_characters(text, families)
    if not lacking:
        return families
    chosen = next((name for name in HAN if name in _installed()), None)
    if chosen is None and _look_again():
        chosen = next((name for name in HAN if name in _installed()), None)
    _add(families, *([chosen] if chosen else []))
    if missing_characters(lacking, families):
        _add(families, _own())
    for name in _installed():  # another script, or a rare character: whatever font has it
        lacking = missing_characters(lacking, families)
        if not lacking:
            return families
        if missing_characters(lacking, [name]) != lacking:
            _add(families, name)
    _warn(missing_characters(lacking, families))
    return families


def missing_characters(text: str | Iterable[str], families: Iterable[str]) -> set[str]:
    """Return the visible characters of `text` that none of `families` has; each text font has ASCII."""
    hidden = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Mn"}
    left = {c for c in "".join(text) if not c.isascii() and unicodedata.category(c) not in hidden}
    for family in families if left else ():
        left -= {c for c in left if ord(c) in _codes(family)}
    return left


def _first() -> list[str]:
    import matplotlib

    mine, usual = matplotlib.rcParams, matplotlib.rcParamsDefault
    if any(mine[key] != usual[key] for key in ("font.family", "font.sans-serif")):
        families = [str(family) for family in mine["font.family"]]
        sans = [str(family) for family in mine["font.sans-serif"]] if families == ["sans-serif"] else families
        return [name for name in sans if name in _installed()][:1] if families == ["sans-serif"] else families
    return [name for name in LATIN if name in _installed()][:1]


def _installed() -> dict[str, None]:
    from matplotlib.font_manager import fontManager

    return dict.fromkeys(e.name for e in fontManager.ttflist if not e.name.startswith(_BOXES))


def _codes(family: str) -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, fontManager

    try:
        path = fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False)
    except ValueError:
        return frozenset()
    return _codes_of_file(str(getattr(path, "path", path)), int(getattr(path, "face_index", 0)))


@lru_cache(maxsize=256)
def _codes_of_file(path: str, face: int) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        # Older matplotlib reads only the first face of a collection, and so does this.
        font: Any = FT2Font(path, face_index=face) if face else FT2Font(path)
        return frozenset(font.get_charmap())
    except (OSError, RuntimeError):  # removed or broken since matplotlib listed it
        return frozenset()


def _look_again() -> bool:
    """Tell matplotlib of fonts installed since it wrote its cache; return whether there were any."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {str(entry.fname) for entry in fontManager.ttflist}
    new = [path for path in findSystemFonts() if path not in known]
    for path in new:
        try:
            fontManager.addfont(path)
        except (OSError, RuntimeError, KeyError, ValueError):  # not a font that FreeType reads
            continue
    return bool(new)


def _own() -> str:
    from matplotlib.font_manager import fontManager

    if not any(str(entry.fname) == str(_OWN) for entry in fontManager.ttflist):
        fontManager.addfont(_OWN)
    return "Spatial Han"


def _add(families: list[str], *names: str) -> None:
    """Append families; the one weight of a face is its bold too, else matplotlib prints a line about it."""
    from matplotlib.font_manager import fontManager, weight_dict

    numbers: dict[Any, Any] = weight_dict  # weights are words or numbers

    for name in names:
        if name in families:
            continue
        families.append(name)
        faces = [entry for entry in fontManager.ttflist if entry.name == name]
        if faces and all(numbers.get(entry.weight, entry.weight) != _BOLD for entry in faces):
            upright = next((entry for entry in faces if entry.style == "normal"), faces[0])
            fontManager.ttflist.append(replace(upright, weight=_BOLD))
            _single.add(name)


def bold_weight(text: str, families: Iterable[str]) -> str:
    """Return "normal" where a face without bold draws a part of `text`, and the rest would stand out."""
    left = missing_characters(text, ())
    for family in families if left else ():
        lacking = missing_characters(left, [family])
        if family in _single and lacking != left:
            return "normal"
        left = lacking
    return "bold"


def _warn(characters: set[str]) -> None:
    if not characters or "fonts" in _warned:
        return
    _warned.add("fonts")
    warn(
        f"No installed font has these characters, which will be drawn as boxes: "
        f"{''.join(sorted(characters)[:10])} ({len(characters)} in all). Install one that has them (Debian, "
        "Ubuntu: apt install fonts-noto-cjk; Fedora: google-noto-sans-cjk-fonts; macOS and Windows bring "
        "PingFang and Microsoft YaHei), or name one of yours in matplotlib.rcParams['font.family']."
    )


@contextmanager
def font_context(text: str | Iterable[str], **rc: Any) -> Iterator[list[str]]:
    """Make figures inside this, and their text finds its characters wherever it is drawn later.

    Text takes its families when it is created, so the figure itself must be made inside too.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> with font_context("title"):
    ...     axes = Figure().subplots()
    """
    import matplotlib

    families = families_for(text)
    settings: Any = {"font.family": families, "axes.unicode_minus": True, **rc}
    with matplotlib.rc_context(settings):
        yield families


def apply_fonts(artist: Artist) -> None:
    """Give each text inside `artist` the families that it lacks, keeping its own first."""
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    texts = artist.findobj(Text)
    extra = families_for([text.get_text() for text in texts if isinstance(text, Text)])
    for text in texts:
        if isinstance(text, Text):
            own = [family for family in text.get_fontfamily() if family != "sans-serif"]
            families = own + [family for family in extra if family not in own]
            text.set_fontfamily(families)
            if text.get_fontweight() == "bold":
                text.set_fontweight(bold_weight(text.get_text(), families))
    for axes in artist.findobj(Axes):
        if isinstance(axes, Axes):
            # Ticks are made when they are drawn, so they need the families beforehand.
            ticks: Any = {"labelfontfamily": extra}  # a list falls back, as font.family does
            axes.tick_params(**ticks)


@contextmanager
def muted_glyphs() -> Iterator[None]:
    """Silence matplotlib's line for each missing glyph while drawing: the advice was given once."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
        yield
