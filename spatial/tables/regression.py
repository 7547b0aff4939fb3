"""Tables of a paper: regressions, descriptions, correlations, Moran's I, identification, weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted
from spatial.panel.panel import LabelsLike

from .brackets import Show
from .columns import System, columns_of
from .compared import weights_table
from .described import (
    correlation_table,
    descriptive_table,
    identification_table,
    moran_table,
)
from .formats.cells import Head, Row, clean, clean_all
from .formats.docx import write_docx
from .formats.numbers import check_digits, format_number
from .formats.xlsx import write_xlsx
from .layout import COUNTS, Layout, labels_of
from .notes import left_out, refuse_equal, regression_notes
from .styles import StyleName, shown_as
from .table import Table, in_languages

__all__ = [
    "Head",
    "RegressionTable",
    "Row",
    "Table",
    "correlation_table",
    "descriptive_table",
    "identification_table",
    "moran_table",
    "regression_table",
    "weights_table",
    "write_tables",
]

_BRACKETS = (("statistic", "t"), ("std_error", "se"))
Count = Literal["rows", "units", "times", "links"]


@dataclass(frozen=True, eq=False, repr=False)
class RegressionTable(Table):
    """Equations and models as columns; see `regression_table`.

    Parameters
    ----------
    printed : DataFrame
        A row for each coefficient, as printed, with what `check_table` needs.
    systems : tuple of System
        Structural coefficients among outcomes, of each model that has them.
    stars : tuple of float
        Thresholds, from the largest.
    """

    printed: pd.DataFrame = field(default_factory=pd.DataFrame)
    systems: tuple[System, ...] = ()
    stars: tuple[float, ...] = (0.1, 0.05, 0.01)


@in_languages
@hinted
def regression_table(
    fits: Any,
    *,
    names: Sequence[str | None] | None = None,
    labels: LabelsLike | None = None,
    style: StyleName | None = None,
    stars: Iterable[float] | None = None,
    show: Show | None = None,
    digits: int = 3,
    controls: Iterable[str] | None = None,
    rows: Iterable[str] | None = None,
    counts: Iterable[Count] | None = None,
    columns: Literal["equations", "fits"] = "equations",
    heads: Iterable[tuple[str, int]] | None = None,
    effects_rows: bool = True,
    impacts: bool | Iterable[str] = False,
    draws: int = 0,
    seed: int = 0,
    lang: str | None = None,
    title: str = "",
    notes: str | Iterable[str] = (),
) -> RegressionTable:
    r"""Set models side by side, a column for each equation or model.

    A cell shows :math:`\hat\delta` with its stars, and below :math:`t = \hat\delta / se(\hat\delta)` or the
    standard error in parentheses, or an interval in brackets.  Then controls, effects, weights, N, T,
    observations, R2, Hansen J, the first-stage F and whether the system has a stable equilibrium.  The notes
    define each of them; stamps, as of a system that is not identified, are always among them.

    Parameters
    ----------
    fits : fit, list of fits, or mapping of names to fits
        Of `spatial.models`, or any result that maketables understands: pyfixest, statsmodels, linearmodels,
        and classes with its plug-in protocol.
    names : list of str, optional
        Names of the models, above their columns; None for one is its method, as "GS3SLS".
    labels : mapping or Panel, optional
        LabelsLike of variables, effects (``"unit"``) and weights (``"W"``); names inside terms are replaced:
        ``W(x)`` becomes ``W×label``.
    style : "aer", "ersa" or "jjyj", optional
        The rules of a journal for stars, parentheses, language and notes, where they are not given here:
        American Economic Review, journals of the European Regional Science Association, Economic Research
        Journal (in Chinese).
    stars : tuple of float, optional
        Thresholds of p-values, one star each; ``()`` for none.  By default 0.1, 0.05 and 0.01.
    show : "t", "se" or "ci", optional
        What is below a coefficient: its t statistic, standard error, or 95 % interval.  By default t; the
        interval for the joint estimator, whose intervals and stars do not follow from standard errors.
    digits : int
        Decimals.
    controls : list of str, optional
        Terms shown as one yes/no row in place of their coefficients.
    rows : list of str, optional
        Terms that come first, in this order; the others follow as the models have them, the constant last.
    counts : list of "rows", "units", "times" and "links", optional
        Which counts of the sample are shown; all that are known by default.
    columns : "equations" or "fits"
        What a column is: an equation of a model, or a model, whose equations stand one below the other.
    heads : list of (str, int), optional
        A line above all others: texts, and over how many columns each stands; ``""`` over those without.
    effects_rows : bool
        Yes/no rows for fixed effects.
    impacts : bool or list of str
        A second panel with direct, indirect and total effects in equilibrium: of all terms that are no
        controls, or of those named.
    draws, seed : int
        Of the simulated standard errors of effects.
    lang : "en" or "zh"
    title : str
    notes : str or list of str
        Added below.

    Returns
    -------
    RegressionTable
        Writes itself: ``to_docx``, ``to_xlsx``, ``to_latex``, ``to_html``, ``to_markdown``; ``frame`` has the
        cells.

    Raises
    ------
    DataError
        For options that cannot be, models that nobody understands, names of terms that are in no model, and
        two methods that give the same numbers, as GS3SLS and 3SLS do without spatial errors.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import spatial as sp
    >>> rng = np.random.default_rng(0)
    >>> grid = pd.MultiIndex.from_product([range(50), range(4)], names=["city", "year"]).to_frame(index=False)
    >>> data = grid.assign(x=rng.normal(size=200))
    >>> data["y"] = 2 * data.x + data.city + rng.normal(size=200)
    >>> panel = sp.Panel.from_frame(data, unit="city", time="year", labels={"x": "Income"})
    >>> fit = sp.models.fixed_effects("y ~ x", panel)
    >>> table = regression_table([fit], labels=panel)
    >>> table.frame.loc["Income"].tolist(), table.frame.loc["Observations"].tolist()
    (['1.960***'], ['200'])
    """
    shown, wanted = (
        shown_as(style, stars=stars, show=show, lang=lang),
        _options(digits, impacts, controls, rows, counts, columns),
    )
    models = _models(fits, names)
    options = {"draws": draws, "seed": seed} if wanted.impacts else None
    lacking = left_out([fit for _, fit in models])
    found = [
        replace(c, lacks=lacking[k])
        for k, (name, fit) in enumerate(models)
        for c in columns_of(fit, k, name, options)
    ]
    refuse_equal(found)
    if wanted.impacts and all(c.impacts is None for c in found):
        raise DataError(
            "impacts needs a system with spatial weights or several outcomes, as SpatialSystem(...).fit(); "
            "none of the models has effects in equilibrium. Leave impacts out."
        )
    found = [
        replace(
            c,
            effects=_panel_effects(c.effects, labels),
            show=show or ("ci" if c.inverted else shown.show),
        )
        for c in found
    ]
    by_fit = columns == "fits"
    layout = Layout(
        tuple(found),
        labels_of(labels, found),
        shown.stars,
        check_digits(digits),
        wanted.controls,
        effects_rows,
        wanted.terms,
        any(name is not None for name, _ in models),
        shown.lang,
        wanted.rows,
        wanted.counts,
        _heads(heads, len(models) if by_fit else len(found)),
        by_fit,
    )
    systems = {c.number: c.system for c in found if c.system is not None}
    header = layout.header()
    return RegressionTable(
        header,
        tuple(layout.rows()),
        clean(title),
        regression_notes(layout, (*clean_all(_own_notes(fits)), *clean_all(notes)), shown.note),
        shown.lang,
        len(header) - 1,
        _printed(layout),
        tuple(systems.values()),
        layout.stars,
    )


@hinted
def write_tables(tables: Mapping[str, Table] | Iterable[Table], path: str | Path) -> Any:
    """Write several tables into one Word or Excel file, in their order.

    Raises
    ------
    DataError
        If there is no table, something else is among them, or `path` ends neither in .docx nor in .xlsx.

    Examples
    --------
    >>> import tempfile, pandas as pd
    >>> from pathlib import Path
    >>> data = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [2.0, 1.0, 5.0]})
    >>> path = Path(tempfile.mkdtemp()) / "tables.docx"
    >>> write_tables([descriptive_table(data), correlation_table(data)], path).name
    'tables.docx'
    """
    several = list(tables.values()) if isinstance(tables, Mapping) else list(tables)
    if not several or any(not isinstance(t, Table) for t in several):
        raise DataError("write_tables needs at least one table of spatial.tables, and nothing else.")
    suffix = Path(path).suffix.lower()
    if suffix == ".docx":
        return write_docx(several, path)
    if suffix == ".xlsx":
        return write_xlsx(several, path)
    raise DataError(f"Several tables go into one .docx or .xlsx; got {Path(path).name!r}.")


# ---- arguments
@dataclass(frozen=True)
class _Wanted:
    impacts: bool
    terms: tuple[str, ...] | None
    controls: tuple[str, ...]
    rows: tuple[str, ...]
    counts: tuple[str, ...] | None


def _options(digits: int, impacts: Any, controls: Any, rows: Any, counts: Any, columns: Any) -> _Wanted:
    check_digits(digits)
    if columns not in ("equations", "fits"):
        known = did_you_mean(str(columns), ("equations", "fits"))
        raise DataError(f"columns is 'equations' or 'fits'; got {columns!r}.{known}")
    named = _names_of(controls, "controls") if controls is not None else ()
    order = tuple(dict.fromkeys(_names_of(rows, "rows"))) if rows is not None else ()
    if both := [term for term in order if term in named]:
        raise DataError(f"rows and controls both name {both[0]!r}: controls have no row of their own.")
    shown = _counts(counts)
    if isinstance(impacts, bool):
        return _Wanted(impacts, None, named, order, shown)
    terms = _names_of(impacts, "impacts")
    return _Wanted(bool(terms), terms, named, order, shown)


def _counts(counts: Any) -> tuple[str, ...] | None:
    if counts is None:
        return None
    named = _names_of(counts, "counts")
    for name in named:
        if name not in COUNTS:
            raise DataError(
                f"counts are among {', '.join(map(repr, COUNTS))}; got {name!r}.{did_you_mean(name, COUNTS)}"
            )
    return named


def _heads(heads: Any, columns: int) -> tuple[Head, ...]:
    """Return the line of heads that a user gives, over all columns."""
    if heads is None:
        return ()
    several = list(heads) if isinstance(heads, Iterable) and not isinstance(heads, str | bytes) else [heads]
    found = []
    for pair in several:
        is_pair = isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)
        if not is_pair or isinstance(pair[1], bool) or not isinstance(pair[1], int) or pair[1] < 1:
            raise DataError(f"heads are pairs of a text and a number of columns, as ('A', 2); got {pair!r}.")
        found.append(Head(clean(pair[0]), pair[1], bool(pair[0]) and pair[1] > 1))
    total = sum(head.span for head in found)
    if total != columns:
        raise DataError(f"heads stand over all {columns} columns of the table, '' over some; got {total}.")
    return tuple(found)


def _names_of(value: Any, what: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    found = tuple(value) if isinstance(value, Iterable) else (None,)
    if any(not isinstance(name, str) for name in found):
        raise DataError(f"{what} is a list of names of terms; got {value!r}.")
    return found


def _models(fits: Any, names: Sequence[str | None] | None) -> list[tuple[str | None, Any]]:
    """Return models with their names, those of a result with several one by one."""
    if isinstance(fits, Mapping):
        if names is not None:
            raise DataError("names are the keys where fits is a mapping; pass one of the two.")
        pairs = [(str(k), one) for k, fit in fits.items() for _, one in _expanded(fit)]
        given: list[tuple[str | None, Any]] = list(pairs)
    else:
        several = list(fits) if isinstance(fits, list | tuple) else [fits]
        given = [pair for fit in several for pair in _expanded(fit)]
        if names is not None and (isinstance(names, str) or len(names) != len(given)):
            count = "one text" if isinstance(names, str) else str(len(names))
            raise DataError(f"names needs {len(given)} names, one for each model; got {count}.")
        if names is not None:
            shown = [None if name is None else str(name) for name in names]
            given = [(name, fit) for name, (_, fit) in zip(shown, given, strict=True)]
    if not given:
        raise DataError("regression_table needs at least one fit; got none.")
    return given


def _expanded(fit: Any) -> list[tuple[str | None, Any]]:
    # pyfixest's multiple estimation, which maketables does not take as one; and our own, by name.
    found = getattr(fit, "all_fitted_models", None)
    if isinstance(found, Mapping):
        return [(None, one) for one in found.values()]
    own = getattr(fit, "fits", None)
    return [(str(name), one) for name, one in own.items()] if isinstance(own, Mapping) else [(None, fit)]


def _own_notes(fits: Any) -> list[str]:
    """Return what a result with several fits says below its table: the test of their equality, as text."""
    several = list(fits.values()) if isinstance(fits, Mapping) else fits
    several = list(several) if isinstance(several, list | tuple) else [several]
    return [note for fit in several for note in getattr(fit, "table_notes", ())]


def _panel_effects(effects: tuple[str, ...], labels: Any) -> tuple[str, ...]:
    """Name the effects of other programs as ours, where the panel says which columns are meant."""
    same = {getattr(labels, "unit_name", None): "unit", getattr(labels, "time_name", None): "time"}
    return tuple(same.get(name, name) for name in effects)


def _printed(layout: Layout) -> pd.DataFrame:
    """Return what the table prints of each coefficient, a row each, for `check_table`."""
    rows = []
    for k, column in enumerate(layout.columns):
        for term, values in column.estimates.iterrows():
            if term in layout.controls:
                continue
            text = layout.starred(values["estimate"], values["p_value"])
            t, error = (values[k] if column.show == s else math.nan for k, s in _BRACKETS)
            rows.append(
                {
                    "column": (column.number if layout.by_fit else k) + 1,
                    "model": f"({column.number + 1}) {column.model}",
                    "equation": column.equation,
                    "term": term,
                    "coefficient": text,
                    "t": format_number(t, layout.digits),
                    "std_error": format_number(error, layout.digits),
                    "p_value": values["p_value"],
                    "N": column.n_obs,
                    "units": column.n_units,
                    # An unbalanced panel has a note of its own.
                    "years": math.nan if column.is_unbalanced else column.n_times,
                    "r2": column.r2 if not math.isnan(column.r2) else column.r2_within,
                    "structural": column.r2_kind == "structural",
                }
            )
    return pd.DataFrame(rows)
