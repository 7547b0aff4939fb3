"""The words round a figure: title and subtitle above, the note below, each flush with its left edge."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypedDict

from spatial.figures.palette import color
from spatial.words import check_language

from .fonts import bold_weight

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Captions", "Words", "caption_axes", "caption_figure", "caption_heights", "text_width", "wrap"]

_TITLE, _SUBTITLE, _NOTE = 10.0, 8.0, 6.5  # points
_STEPS = {_TITLE: 14.0, _SUBTITLE: 11.0, _NOTE: 9.2}  # from line to line
_LEFT = 1.0
_SAFE = 0.94  # of the width: hinting makes text a little wider on a screen than in print
# Signs that hold what stands round them together.
_GLUE = ("=", "≤", "<", ">", "≥")


class Captions(TypedDict, total=False):
    """Keywords of the words round a figure.

    Attributes
    ----------
    title, subtitle : str, optional
        What is to be seen, as a sentence; and variable, unit, sample, year, test.  Default: from the result.
    note : str, optional
        Added to what the note says by itself.
    titles : bool
        False leaves title, subtitle and note to the journal's caption; ``axes.figure.note`` has the note.
    """

    title: str | None
    subtitle: str | None
    note: str | None
    titles: bool


@dataclass
class Words:
    """Title, subtitle, sentences of the note, and the text for who cannot see the figure."""

    title: str = ""
    subtitle: str = ""
    notes: list[str] = field(default_factory=list)
    alt: str = ""
    shown: bool = True
    lang: str = "en"

    @classmethod
    def of(
        cls, given: Captions, lang: str, *, title: str = "", subtitle: str = "", notes: Sequence[str] = ()
    ) -> Words:
        """Return the words given, and the figure's own where none are."""
        own = given.get("title"), given.get("subtitle")
        extra = given.get("note")
        return cls(
            title if own[0] is None else own[0],
            subtitle if own[1] is None else own[1],
            [*notes, *([extra] if extra else [])],
            "",
            given.get("titles", True),
            check_language(lang),
        )

    @property
    def note(self) -> str:
        """The note as one text: sentences with their stops, after "Note:"."""
        chinese = self.lang == "zh"
        sentences = [note.strip() for note in self.notes if note and note.strip()]
        if not sentences:
            return ""
        stop = "。" if chinese else "."
        text = ("" if chinese else " ").join(s if s[-1] in ".。!?！？" else s + stop for s in sentences)
        return f"注：{text}" if chinese else f"Note: {text}"

    @property
    def texts(self) -> list[str]:
        """All that is written."""
        return [self.title, self.subtitle, self.note]

    def describe(self, figure: Figure) -> None:
        """Give `figure` its ``note`` and ``alt`` text."""
        stop = "。" if self.lang == "zh" else ". "
        alt = self.alt or stop.join(text for text in (self.title, self.subtitle) if text)
        before = vars(figure).get("alt", "")
        vars(figure).update(alt="\n".join(filter(None, [before, alt])), note=self.note)


def _blocks(words: Words, width: float) -> list[tuple[str, float, str, bool]]:
    """Return each line above the figure: text, size, colour, bold."""
    lines = [(line, _TITLE, color("ink"), True) for line in wrap(words.title, width, _TITLE, bold=True)]
    return lines + [
        (line, _SUBTITLE, color("ink-2"), False) for line in wrap(words.subtitle, width, _SUBTITLE)
    ]


def caption_heights(words: Words, width: float) -> tuple[float, float]:
    """Return the points that the words take above and below a figure `width` points wide."""
    if not words.shown:
        return 2.0, 2.0
    above = sum(_STEPS[size] for _, size, _, _ in _blocks(words, width))
    below = _STEPS[_NOTE] * len(wrap(words.note, width, _NOTE))
    return above + (7.0 if above else 2.0), below + (8.0 if below else 2.0)


def caption_figure(figure: Figure, words: Words) -> None:
    """Write the words at the edges of `figure`, whose size is final."""
    words.describe(figure)
    if not words.shown:
        return
    import matplotlib

    wide, high = (float(side) * 72 for side in figure.get_size_inches())
    y = high - 2
    for line, size, ink, bold in _blocks(words, wide):
        figure.text(
            _LEFT / wide,
            y / high,
            line,
            fontsize=size,
            fontweight=bold_weight(line, matplotlib.rcParams["font.family"]) if bold else "normal",
            color=ink,
            va="top",
            ha="left",
            parse_math=False,
            gid="title" if bold else "subtitle",
        )
        y -= _STEPS[size]
    lines = wrap(words.note, wide, _NOTE)
    for number, line in enumerate(reversed(lines)):
        figure.text(
            _LEFT / wide,
            (2 + _STEPS[_NOTE] * number) / high,
            line,
            fontsize=_NOTE,
            color=color("ink-3"),
            va="bottom",
            ha="left",
            parse_math=False,
            gid="note",
        )


def caption_axes(axes: Axes, words: Words, figure: Figure, *, note: bool) -> None:
    """Write the words round the caller's `axes`; the note only below maps, where no axis label stands."""
    words.describe(figure)
    if not words.shown:
        return
    above = 0.0
    width = float(axes.get_window_extent().width / figure.dpi * 72)
    lines = wrap(words.subtitle, width, _SUBTITLE)
    for line in reversed(lines):
        _beside(axes, line, (0.0, 1.0), above + 3, "bottom", _SUBTITLE, "ink-2", "subtitle")
        above += _STEPS[_SUBTITLE]
    if words.title:
        title = "\n".join(wrap(words.title, width, _TITLE, bold=True))
        axes.set_title(title, loc="left", fontsize=_TITLE, fontweight="bold", pad=above + 4, parse_math=False)
    if note and words.note:
        text = "\n".join(wrap(words.note, width, _NOTE))
        _beside(axes, text, (0.0, 0.0), -5, "top", _NOTE, "ink-3", "note")


def _beside(
    axes: Axes, text: str, at: tuple[float, float], offset: float, va: str, size: float, ink: str, gid: str
) -> None:
    axes.annotate(
        text,
        at,
        (0, offset),
        xycoords="axes fraction",
        textcoords="offset points",
        ha="left",
        va=va,
        fontsize=size,
        color=color(ink),
        annotation_clip=False,
        parse_math=False,
        gid=gid,
    )


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> list[str]:
    """Break `text` into lines of at most `width` points: Chinese between any two characters, Latin at spaces.

    Examples
    --------
    >>> wrap("cells, not boundaries", 50.0, 8.0)
    ['cells, not', 'boundaries']
    """
    lines, line, used = [], "", 0.0
    width *= _SAFE
    for token in _tokens(text):
        length = text_width(token.rstrip(), size, bold)
        if line and used + length > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line += token
        used += length + (
            text_width("n n", size, bold) - text_width("nn", size, bold) if token[-1] == " " else 0.0
        )
    return [*lines, line.rstrip()] if line else lines


def _tokens(text: str) -> list[str]:
    plain = " ".join(text.split())
    for sign in _GLUE:
        plain = plain.replace(f" {sign} ", f"\N{NO-BREAK SPACE}{sign}\N{NO-BREAK SPACE}")
    tokens: list[str] = []
    for character in plain:
        wide = unicodedata.east_asian_width(character) in "WF"
        # Closing punctuation never begins a line.
        glued = character in "，。、；：）》”" or (not wide and tokens and not tokens[-1].endswith(" "))
        if tokens and glued and not (not wide and unicodedata.east_asian_width(tokens[-1][-1]) in "WF"):
            tokens[-1] += character
        else:
            tokens.append(character)
    return tokens


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return the points that `text` takes in the fonts in use."""
    import matplotlib

    return _measured(text, size, bold, tuple(matplotlib.rcParams["font.family"]))


@lru_cache(maxsize=4096)
def _measured(text: str, size: float, bold: bool, families: tuple[str, ...]) -> float:
    from matplotlib.backends.backend_agg import RendererAgg as Renderer
    from matplotlib.font_manager import FontProperties

    from .fonts import muted_glyphs

    font = FontProperties(family=list(families), size=size, weight="bold" if bold else "normal")
    renderer: Any = Renderer
    with muted_glyphs():
        return float(renderer(1, 1, 720).get_text_width_height_descent(text, font, False)[0]) / 10
