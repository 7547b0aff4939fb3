"""How wide texts are on a screen, where a Chinese character takes two columns; lines of so many columns."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["padded", "width", "wrapped"]

# A word, with what may not begin a line behind it and what may not end one before it; else one character.
_PIECES = re.compile(r"\s+|[（《“‘]*(?:[!-~]+|[^\s!-~])[，。：；、？！）》”’…,.;:!?)\]]*")


def width(text: str) -> int:
    """Return how many columns of a screen a text takes; Chinese characters count twice.

    Examples
    --------
    >>> width("abc"), width("标准误")
    (3, 6)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """Return a text filled up with blanks to so many columns of a screen.

    Examples
    --------
    >>> padded("权重", 6) + "|", padded("x", 3, right=True)
    ('权重  |', '  x')
    """
    blanks = " " * (columns - width(text))
    return blanks + text if right else text + blanks


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a text, none wider than so many columns, broken at blanks or between Chinese.

    Examples
    --------
    >>> wrapped("权重矩阵文件，或 queen | rook", 12)
    ['权重矩阵文', '件，或 queen', '| rook']
    """
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line.strip() and width(line.rstrip() if piece.isspace() else line + piece) > columns:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or not piece.isspace() else ""
    return [*lines, line.rstrip()] if line.strip() or not lines else lines
