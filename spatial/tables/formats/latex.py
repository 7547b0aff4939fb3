"""A table in LaTeX: three lines, numbers on their points, in the environment that its size asks for."""

from __future__ import annotations

from .cells import Cells, Head, Row
from .numbers import is_aligned, split_stars, with_minus
from .pages import Page, build_pages, unbroken, wrapped

__all__ = ["PACKAGES", "latex", "latex_escape"]

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
    **{
        letter: rf"$\{name}$"
        for letter, name in zip(
            "αβγδθλμρστχωΛ",
            (
                "alpha",
                "beta",
                "gamma",
                "delta",
                "theta",
                "lambda",
                "mu",
                "rho",
                "sigma",
                "tau",
                "chi",
                "omega",
                "Lambda",
            ),
            strict=True,
        )
    },
    "×": r"$\times$",
    "ᵤ": r"$_u$",
    "ₑ": r"$_e$",
    "²": r"$^2$",
    "³": r"$^3$",
    "\u00a0": "~",
    "−": "$-$",
    "∞": r"$\infty$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
}


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


# What a document needs for any table of ours.
PACKAGES = (
    r"\usepackage{booktabs,siunitx,threeparttable,threeparttablex,longtable,rotating,pdflscape,adjustbox}"
)
_TYPE = {10.5: "", 9.0: r"\small", 8.0: r"\footnotesize"}
_TEXT = r"table-align-text-before=false,table-align-text-after=false"


def latex(table: Cells) -> str:
    """Return the table in the environments that its width and length ask for.

    `table` in the type of the text, `sidewaystable` for one wider than the page, `longtable` for one longer,
    one environment each where it is split; `adjustbox` shrinks what still is wider in the document's type.
    """
    needs = f"% {PACKAGES}"
    if table.lang == "zh":
        needs += "\n% and, for Chinese, \\usepackage{ctex} with xelatex"
    parts = [_longtable(p) if p.is_long else _float(p, k > 0) for k, p in enumerate(build_pages(table))]
    return "\n\n".join([needs, *["\n".join(lines) for lines in parts]]) + "\n"


def _float(page: Page, continued: bool) -> list[str]:
    table, kind = page.table, "sidewaystable" if page.lies else "table"
    shrink = [r"\begin{adjustbox}{max width=\linewidth}"] if page.lies or page.size < max(_TYPE) else []
    lines = [rf"\begin{{{kind}}}[htbp]", r"\addtocounter{table}{-1}"][: 1 + continued]
    lines += [r"\centering", *_small(page), *shrink, r"\begin{threeparttable}"]
    lines += [rf"\caption{{{latex_escape(table.title)}}}"] if table.title else []
    lines += [rf"\begin{{tabular}}{{{_columns(table)}}}", r"\toprule", *_heads(page), r"\midrule"]
    lines += [*_body(page), r"\bottomrule", r"\end{tabular}"]
    if table.notes:
        lines += [r"\begin{tablenotes}[flushleft]\footnotesize", *_notes(table), r"\end{tablenotes}"]
    lines += [r"\end{threeparttable}", *[r"\end{adjustbox}" for _ in shrink]]
    return [*lines, rf"\end{{{kind}}}"]


def _longtable(page: Page) -> list[str]:
    """Return a table over several pages, its head on each, its notes below the last row."""
    table, head = page.table, [r"\toprule", *_heads(page), r"\midrule"]
    lines = [r"\begin{landscape}"] if page.lies else []
    lines += [r"\begingroup", *_small(page), r"\begin{ThreePartTable}"]
    if table.notes:
        lines += [r"\begin{TableNotes}[flushleft]\footnotesize", *_notes(table), r"\end{TableNotes}"]
    lines.append(rf"\begin{{longtable}}{{{_columns(table)}}}")
    lines += [rf"\caption{{{latex_escape(table.title)}}} \\"] if table.title else []
    lines += [*head, r"\endfirsthead", *head, r"\endhead", r"\midrule", r"\endfoot", r"\bottomrule"]
    lines += [r"\insertTableNotes", r"\endlastfoot"] if table.notes else [r"\endlastfoot"]
    lines += [*_body(page), r"\end{longtable}", r"\end{ThreePartTable}", r"\endgroup"]
    return lines + ([r"\end{landscape}"] if page.lies else [])


def _small(page: Page) -> list[str]:
    return [_TYPE[page.size]] if _TYPE[page.size] else []


def _notes(table: Cells) -> list[str]:
    return [rf"\item {latex_escape(unbroken(note))}" for note in table.notes]


def _columns(table: Cells) -> str:
    """Return the columns: `S` with room for the widest number and what hangs beside it, else centred."""
    return "l" + "".join(
        _column([row.cells[k] for row in table.rows if row.cells]) for k in range(table.n_columns)
    )


def _column(texts: list[str]) -> str:
    shown = [text for text in texts if is_aligned(text)]
    if not shown:
        return "c"
    numbers = [_digits(text) for text in shown]
    sign = "-" if any(number.startswith("-") for number in numbers) else ""
    parts = [number.lstrip("-").split(".") for number in numbers]
    whole, rest = (max(len(part[side]) for part in parts) for side in (0, 1))
    brackets = any(text.startswith("(") for text in shown)
    stars = max((split_stars(text)[1] for text in shown), key=len)
    hangs = f"{{$^{{{stars}}}$}}" if stars else "{)}" if brackets else ""
    return f"S[table-format={'{(}' if brackets else ''}{sign}{whole}.{rest}{hangs},{_TEXT}]"


def _digits(text: str) -> str:
    return split_stars(text)[0].strip("()[]")


def _heads(page: Page) -> list[str]:
    return [line for row in page.table.header for line in _head(row, page)]


def _head(row: tuple[Head, ...], page: Page) -> list[str]:
    cells, rules, place = [latex_escape(row[0].text)], [], 2
    for head in row[1:]:
        text = _lines(head.text, sum(page.widths[place - 1 : place - 1 + head.span]), page.size)
        cells.append(rf"\multicolumn{{{head.span}}}{{c}}{{{text}}}")
        if head.rule:
            rules.append(rf"\cmidrule(lr){{{place}-{place + head.span - 1}}}")
        place += head.span
    return [" & ".join(cells) + r" \\", *([" ".join(rules)] if rules else [])]


def _lines(text: str, width: float, size: float, place: str = "bc") -> str:
    """Return text in lines that its columns have room for, whole words each."""
    lines = [latex_escape(line) for line in wrapped(text, width, size)]
    if len(lines) == 1:
        return lines[0]
    joined = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[{place[0]}]{{@{{}}{place[1]}@{{}}}}{joined}\end{{tabular}}"


def _body(page: Page) -> list[str]:
    lines = []
    following = [*page.table.rows[1:], None]
    for row, below in zip(page.table.rows, following, strict=True):
        lines += [r"\midrule"] if row.rule else []
        # A page never ends between a coefficient and what stands below it, nor behind a heading.
        held = page.is_long and (row.kind == "panel" or (below is not None and below.kind == "detail"))
        lines.append(_row(row, page) + ("*" if held and below is not None else ""))
    return lines


def _row(row: Row, page: Page) -> str:
    if row.kind == "panel":
        return rf"\multicolumn{{{page.table.n_columns + 1}}}{{l}}{{\textbf{{{latex_escape(row.label)}}}}} \\"
    label = _lines(row.label, page.widths[0], page.size, "tl")
    cells = [_cell(text, width, page.size) for text, width in zip(row.cells, page.widths[1:], strict=True)]
    return " & ".join([label, *cells]) + r" \\"


def _cell(text: str, width: float, size: float) -> str:
    """Return a cell: a number for its point to be found, brackets and stars beside it; words in lines."""
    if not is_aligned(text):
        return f"{{{_lines(with_minus(text), width, size, 'tc')}}}" if text else ""
    number, stars = split_stars(text)
    before, after = ("{(}", "{)}") if number.startswith("(") else ("", "")
    return before + _digits(number) + after + (f"{{$^{{{stars}}}$}}" if stars else "")
