"""What every result can do: one frame, one row, one text, one picture; and the table of every fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from spatial.errors import DataError, Hinting, hinted
from spatial.languages.kinds import KINDS
from spatial.languages.shown import frame_text, in_words
from spatial.words import tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Fit", "Result", "drawn_by", "notebook_html"]

# What other packages (statsmodels, linearmodels, spreg, esda) call what a result has.
_ELSEWHERE = {
    "resid": "residuals", "resids": "residuals", "u": "residuals", "coef": "params", "betas": "params",
    "coefficients": "params", "bse": "std_errors", "std_err": "std_errors", "se": "std_errors",
    "conf_int": "confint", "cov_params": "vcov", "vm": "vcov", "nobs": "n_obs", "n": "n_obs",
    "rsquared": "r_squared", "r2": "r_squared", "rsquared_adj": "r_squared_adjusted", "df_resid": "df",
    "Is": "I", "EI": "expected", "sim": "simulated", "q": "frame", "pvalues": "tidy", "tvalues": "tidy",
    "summary2": "summary", "fittedvalues": "predict", "predy": "predict", "to_frame": "tidy",
    "aic": "glance", "bic": "glance", "llf": "glance", "loglik": "glance", "loglikelihood": "glance",
    "effects_": "impacts", "impact": "impacts", "marginal_effects": "impacts", "to_word": "to_docx",
    "to_excel": "to_xlsx", "to_tex": "to_latex", "latex": "to_latex", "lm_tests": "diagnostics",
    "test": "diagnostics", "tests": "diagnostics", "wald": "diagnostics", "wald_test": "diagnostics",
    "p_values": "tidy", "coefs": "params", "estimates": "tidy", "df": "tidy", "show": "plot", "draw": "plot",
}  # fmt: skip
_ROWS = 12  # of a frame in a notebook
# Colours of the page around, light or dark; no script, no network.
_BOX = "font:13px/1.45 system-ui,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei',sans-serif;max-width:60em"
_TABLE = "border-collapse:collapse;margin:.3em 0;font-variant-numeric:tabular-nums"
_HEAD = "text-align:{side};padding:1px .7em;border-bottom:1px solid currentColor;font-weight:600"
_CELL = "text-align:{side};padding:1px .7em;white-space:nowrap"
_NOTE = "opacity:.7;font-size:12px"


class Result(Hinting):
    """An answer: `tidy` is one frame, `glance` one row, `summary` text, `plot` an Axes.

    A result is a frozen dataclass that derives from this class.  It says what it knows in `tidy`, `glance`,
    `summary` and `headline`, and names in `figure` the function that draws it; it draws nothing itself.
    """

    _known_as = _ELSEWHERE
    figure: ClassVar[str] = ""
    """The function of `spatial.figures` or `spatial.maps` that draws this result; empty if none does."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Let each public method say which arguments it takes."""
        super().__init_subclass__(**options)
        hinted(cls)

    def tidy(self) -> pd.DataFrame:
        """Return one row for each term or unit."""
        raise NotImplementedError  # pragma: no cover - each result has its own

    def glance(self) -> pd.DataFrame:
        """Return one row about the whole."""
        raise NotImplementedError  # pragma: no cover - each result has its own

    def summary(self) -> str:
        """Write the result as text."""
        return frame_text(self.tidy())

    def headline(self) -> str:
        """Return the result in one line, for `repr`."""
        return ""

    def plot(self, *args: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """Draw the result on `ax`, or on a new figure, and return the Axes."""
        if not self.figure:
            raise DataError(
                f"{type(self).__name__} has no figure; use tidy() and draw what you need from it."
            )
        axes: Axes = drawn_by(self.figure)(self, *args, ax=ax, **options)
        return axes

    def evidence(self) -> pd.DataFrame:
        """Return what the function that made this result was checked against, as `spatial.evidence` does."""
        from spatial.proof.records import rows_of_result

        return rows_of_result(type(self).__name__, str(getattr(self, "method", "")))

    def __str__(self) -> str:
        """Return the summary."""
        return self.summary()

    def __repr__(self) -> str:
        """Name the result in one line."""
        return f"<{' '.join(filter(None, (type(self).__name__, self.headline())))}>"

    def _repr_html_(self) -> str:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(self).__name__)
        title = tell(name, KINDS.get(type(self).__name__, name))
        return notebook_html(title, self.headline(), in_words(self.tidy()), index=False)


class Fit(Result):
    """A result with a table; `options` are those of `spatial.regression_table`, as ``lang="zh"``."""

    printed: ClassVar[str] = "regression_table"
    """The function of `spatial.tables` that prints this result."""

    def table(self, **options: Any) -> Any:
        """Return the table of a paper."""
        return self._table(options)

    def to_docx(self, path: str | Path, **options: Any) -> Path:
        """Write the table as a Word file."""
        return Path(self._table(options).to_docx(path))

    def to_xlsx(self, path: str | Path, **options: Any) -> Path:
        """Write the table as an Excel file."""
        return Path(self._table(options).to_xlsx(path))

    def to_latex(self, path: str | Path | None = None, **options: Any) -> Any:
        """Return the table in LaTeX, or write it."""
        return self._table(options).to_latex(path)

    def to_html(self, path: str | Path | None = None, **options: Any) -> Any:
        """Return the table in HTML, or write it."""
        return self._table(options).to_html(path)

    def to_markdown(self, path: str | Path | None = None, **options: Any) -> Any:
        """Return the table in Markdown, or write it."""
        return self._table(options).to_markdown(path)

    def _table(self, options: dict[str, Any]) -> Any:
        import spatial.tables

        made: Callable[..., Any] = getattr(spatial.tables, self.printed)
        return made([self] if self.printed == "regression_table" else self, **options)

    # ---- maketables' protocol: its ETable takes our fits
    @property
    def __maketables_coef_table__(self) -> Any:
        return _protocol().coef_table(self)

    @property
    def __maketables_depvar__(self) -> Any:
        return _protocol().depvar(self)

    @property
    def __maketables_fixef_string__(self) -> Any:
        return _protocol().fixef_string(self)

    @property
    def __maketables_vcov_info__(self) -> Any:
        return _protocol().vcov_info(self)

    def __maketables_stat__(self, key: str) -> Any:
        return _protocol().stat(self, key)


def notebook_html(
    title: str, headline: str, frame: pd.DataFrame, *, index: bool = True, note: str = ""
) -> str:
    """Return what a notebook shows of a value: its title, one line, and the first rows of a frame.

    Numbers have four digits, columns without any value are left out, all text is escaped.

    Examples
    --------
    >>> shown = notebook_html("Panel", "2 units", pd.DataFrame({"x": [1.23456, None], "y": [None, None]}))
    >>> "1.235" in shown, ">y<" in shown, "<script" in shown
    (True, False, False)
    """
    kept = frame.loc[:, frame.notna().any()].head(_ROWS)
    table = kept.reset_index() if index else kept
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    sides = ["right" if is_number else "left" for is_number in numeric]
    heads = [
        f'<th scope="col" style="{_HEAD.format(side=side)}">{escape(_said(name))}</th>'
        for name, side in zip(table.columns, sides, strict=True)
    ]
    rows = [
        "<tr>"
        + "".join(
            f'<td style="{_CELL.format(side=side)}">{escape(_said(value))}</td>'
            for value, side in zip(row, sides, strict=True)
        )
        + "</tr>"
        for row in table.itertuples(index=False, name=None)
    ]
    rest = len(frame) - _ROWS
    more = tell(f"{rest:,} more rows", f"另有 {rest:,} 行") if rest > 0 else ""
    said = " · ".join(filter(None, [more, note]))
    parts = [f'<div style="{_BOX}"><div><b>{escape(title)}</b> {escape(headline)}</div>']
    if heads:
        parts.append(f'<table style="{_TABLE}"><thead><tr>{"".join(heads)}</tr></thead>')
        parts.append(f"<tbody>{''.join(rows)}</tbody></table>")
    parts.append(f'<div style="{_NOTE}">{escape(said)}</div>' if said else "")
    return "".join([*parts, "</div>"])


def _said(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}".replace("-", "−")
    return "" if value is None or value is pd.NaT or value is pd.NA else str(value)


def drawn_by(name: str) -> Callable[..., Any]:
    """Return the figure or map of that name.  Here and in `Fit` stand the only imports that go up."""
    import spatial.figures
    import spatial.maps

    room = spatial.figures if name in spatial.figures.__all__ else spatial.maps
    drawing: Callable[..., Any] = getattr(room, name)
    return drawing


def _protocol() -> Any:
    from spatial.tables import protocol

    return protocol
