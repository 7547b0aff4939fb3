"""A table in LaTeX, for booktabs and threeparttable."""

from __future__ import annotations

import re

from .cells import Cells, Head, Row
from .numbers import split_stars

__all__ = ["latex", "latex_escape"]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    # After the end of a row, an option or a star would be read.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    # Greek and signs of our own labels, which 8-bit fonts lack.
    "ρ": r"$\rho$",
    "λ": r"$\lambda$",
    "δ": r"$\delta$",
    "ω": r"$\omega$",
    "×": r"$\times$",
    "²": r"$^2$",
    "−": "$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
}
_NUMBER = re.compile(r"^(\(?)-(?=[\d.])")


def latex_escape(text: str) -> str:
    """Return text that LaTeX prints as it is.

    Examples
    --------
    >>> print(latex_escape("R&D_1 50%"))
    R\\&D\\_1 50\\%
    """
    found = "".join(_ESCAPES.get(c, c) for c in text)
    for pair in ("--", "''", "?'", "!'"):  # ligatures
        found = found.replace(pair, f"{pair[0]}{{}}{pair[1]}")
    return found.replace("--", "-{}-")


def latex(table: Cells) -> str:
    """Return a ``table`` environment."""
    needs = "% \\usepackage{booktabs,threeparttable}"
    if table.lang == "zh":
        needs += " and, for Chinese, \\usepackage{ctex} with xelatex"
    lines = [needs, r"\begin{table}[htbp]", r"\centering", r"\begin{threeparttable}"]
    if table.title:
        lines.append(rf"\caption{{{latex_escape(table.title)}}}")
    lines += [rf"\begin{{tabular}}{{l{'c' * table.n_columns}}}", r"\toprule"]
    for heads in table.header:
        lines += _head(heads)
    lines.append(r"\midrule")
    for row in table.rows:
        lines += [r"\midrule"] if row.rule else []
        lines.append(_row(row, table.n_columns))
    lines += [r"\bottomrule", r"\end{tabular}"]
    if table.notes:
        lines += [r"\begin{tablenotes}[flushleft]\footnotesize"]
        lines += [rf"\item {latex_escape(note)}" for note in table.notes]
        lines.append(r"\end{tablenotes}")
    return "\n".join([*lines, r"\end{threeparttable}", r"\end{table}"]) + "\n"


def _head(row: tuple[Head, ...]) -> list[str]:
    cells, rules, place = [latex_escape(row[0].text)], [], 2
    for head in row[1:]:
        text = latex_escape(head.text)
        cells.append(rf"\multicolumn{{{head.span}}}{{c}}{{{text}}}" if head.span > 1 else text)
        if head.rule:
            rules.append(rf"\cmidrule(lr){{{place}-{place + head.span - 1}}}")
        place += head.span
    return [" & ".join(cells) + r" \\", *([" ".join(rules)] if rules else [])]


def _row(row: Row, width: int) -> str:
    label = latex_escape(row.label)
    if row.kind == "panel":
        return rf"\multicolumn{{{width + 1}}}{{l}}{{{label}}} \\"
    return " & ".join([label, *map(_cell, row.cells)]) + r" \\"


def _cell(text: str) -> str:
    number, stars = split_stars(text)
    if not _NUMBER.match(number):
        found = latex_escape(number)
    else:
        found = _NUMBER.sub(r"\1", number)
        found = number[: number.index("-")] + "$-$" + latex_escape(found.removeprefix("("))
    return found + (f"$^{{{stars}}}$" if stars else "")
