"""Find an installed font that has the characters, so that Chinese is drawn as characters, not boxes."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from spatial.errors import SpatialWarning

if TYPE_CHECKING:
    from matplotlib.artist import Artist

__all__ = ["PREFERRED", "apply_fonts", "families_for", "font_context", "missing_characters", "muted_glyphs"]

# Sans before serif, mainland forms of the characters before others.
PREFERRED: tuple[str, ...] = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "SimHei",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Songti SC",
    "STSong",
    "SimSun",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Droid Sans Fallback",
    "AR PL UMing CN",
    "Arial Unicode MS",
    "Noto Sans CJK JP",
)

_GENERIC = frozenset({"sans-serif", "sans serif", "sans", "serif", "cursive", "fantasy", "monospace"})

_ADVICE = (
    "Install a font that has them (Debian, Ubuntu: apt install fonts-noto-cjk; Fedora: "
    "google-noto-sans-cjk-fonts; macOS and Windows bring PingFang and Microsoft YaHei), or name one "
    "of yours in matplotlib.rcParams['font.family']."
)

_warned: set[str] = set()  # that the advice was given; once a process is enough


def families_for(text: str | Iterable[str]) -> list[str]:
    """Return the font families that together draw `text`: those in use, then what they lack.

    The families of ``rcParams["font.family"]`` stay first, so figures without Chinese look as before, and
    Latin text and the minus sign come from the same font on each machine.

    Parameters
    ----------
    text : str or iterable of str
        All that will be drawn.

    Returns
    -------
    list of str
        For ``font.family``.

    Warns
    -----
    SpatialWarning
        Once a process, where no installed font has the characters; it names what to install.

    Examples
    --------
    >>> families_for("plain text")
    ['sans-serif']
    """
    import matplotlib

    families = [str(family) for family in matplotlib.rcParams["font.family"]]
    lacking = missing_characters(text, families)
    if not lacking:
        return families
    found = _search(lacking)
    if not found and _add_new_fonts():
        found = _search(lacking)
    left = lacking - _covered(found, lacking)
    if left:
        _warn(left)
    return families + [family for family in found if family not in families]


def missing_characters(text: str | Iterable[str], families: Iterable[str]) -> set[str]:
    """Return the visible characters of `text` that none of `families` has."""
    visible = {c for part in ([text] if isinstance(text, str) else text) for c in part if _is_visible(c)}
    visible = {c for c in visible if not c.isascii()}  # each text font has ASCII
    return visible - _covered(families, visible) if visible else visible


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs", "Mn"}


def _covered(families: Iterable[str], characters: set[str]) -> set[str]:
    codes = [_codes_of_family(family) for family in families]
    return {character for character in characters if any(ord(character) in has for has in codes)}


def _codes_of_family(family: str) -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, fontManager

    if family in _GENERIC:
        # findfont would write a log line for each absent member of a generic family.
        names = {entry.name for entry in fontManager.ttflist}
        members = [name for name in _generic_members(family) if name in names]
        return _codes_of_family(members[0]) if members else frozenset()
    try:
        found = fontManager.findfont(FontProperties(family=[family]), fallback_to_default=False)
    except ValueError:
        return frozenset()
    return _codes_of_file(str(getattr(found, "path", found)), int(getattr(found, "face_index", 0)))


def _generic_members(family: str) -> list[str]:
    import matplotlib

    key = {"sans": "sans-serif", "sans serif": "sans-serif"}.get(family, family)
    settings: Any = matplotlib.rcParams
    members = settings.get(f"font.{key}", [])
    return [str(member) for member in members if str(member) != family]


@lru_cache(maxsize=64)
def _codes_of_file(path: str, face: int) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        # Older matplotlib reads only the first face of a collection, and so does this.
        font: Any = FT2Font(path, face_index=face) if face else FT2Font(path)
        return frozenset(font.get_charmap())
    except (OSError, RuntimeError):  # removed or broken since matplotlib listed it
        return frozenset()


def _search(characters: set[str]) -> list[str]:
    """Return one family that has all `characters`; else those that together have the most."""
    from matplotlib.font_manager import fontManager

    installed = dict.fromkeys(entry.name for entry in fontManager.ttflist)
    preferred = [name for name in PREFERRED if name in installed]
    chosen: list[str] = []
    left = set(characters)
    for names in (preferred, [name for name in installed if name not in PREFERRED]):
        for name in names:
            if left == _covered([name], left):
                return [*chosen, name]
        # No font has them all, as with rare characters in place names: take the best, go on with the rest.
        while left:
            gains = {name: _covered([name], left) for name in names}
            best = max(gains, key=lambda name: len(gains[name]), default="")
            if not gains.get(best):
                break
            chosen.append(best)
            left -= gains[best]
        if not left:
            break
    return chosen


def _add_new_fonts() -> bool:
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


def _warn(characters: set[str]) -> None:
    if "fonts" in _warned:
        return
    _warned.add("fonts")
    shown = "".join(sorted(characters)[:10])
    warnings.warn(
        f"No installed font has these characters, which will be drawn as boxes: {shown} "
        f"({len(characters)} in all). {_ADVICE}",
        SpatialWarning,
        stacklevel=2,
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
            own = list(text.get_fontfamily())
            text.set_fontfamily(own + [family for family in extra if family not in own])
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
