"""Tables that are no regressions: descriptions, correlations, Moran's I, identification."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.ids.numbers import to_float
from spatial.ids.times import time_text
from spatial.panel.panel import LabelsLike, Panel, PanelLike, standard_deviation
from spatial.words import Said, check_language

from .columns import CONSTANT
from .differences import grouped
from .formats.cells import Head, Row, clean, clean_all, head_row
from .formats.numbers import Number, check_digits, five_figures, format_number, marked, star_text
from .layout import labels_of, term_label
from .notes import noted, star_note
from .styles import StyleName, shown_as
from .table import Table, in_languages
from .words import word

if TYPE_CHECKING:
    from spatial.models.identification.verdict import Identification
    from spatial.models.results import SystemFit
    from spatial.models.system import SpatialSystem

__all__ = ["correlation_table", "descriptive_table", "identification_table", "moran_table"]

P = Literal["p_randomisation", "p_normality", "p_sim"]


def numbers_of(data: Any, columns: Any) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return columns of numbers as float64, and the labels of a panel."""
    panel = isinstance(data, Panel)
    frame = data.frame if panel else data
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"A Panel or a DataFrame is needed; got {type(data).__name__}.")
    numeric = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c].dtype)]
    wanted = numeric if columns is None else [columns] if isinstance(columns, str) else list(columns)
    for name in wanted:
        if name not in frame.columns:
            raise DataError(
                f"There is no column {name!r}.{did_you_mean(name, frame.columns)} "
                f"There are: {name_ids(frame.columns)}."
            )
        if name not in numeric:
            raise DataError(f"Column {name!r} is not of numbers, but {frame[name].dtype}.")
    if not wanted:
        raise DataError("There is no column of numbers to show.")
    found = {str(name): frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in wanted}
    return pd.DataFrame(found), dict(data.labels) if panel else {}


@in_languages
@hinted
def descriptive_table(
    data: PanelLike,
    columns: str | Iterable[str] | None = None,
    *,
    by: str | pd.Series[Any] | None = None,
    cov: str = "cluster",
    stars: Iterable[float] | None = None,
    labels: LabelsLike | None = None,
    digits: int | None = None,
    lang: str | None = None,
    title: str | None = None,
    notes: str | Iterable[str] = (),
) -> Table:
    r"""Describe variables: N, mean, :math:`s = \sqrt{\sum (x - \bar x)^2 / (N - 1)}`, min, max.

    By group: N, mean and s of each, the difference of the means and its t; of more than two groups F and p.

    Parameters
    ----------
    data : Panel or DataFrame
    columns : list of str, optional
        All columns of numbers by default.
    by : str or Series, optional
        Groups to compare: a column, or a Series by the rows or units of the data, as of `group`.  The
        difference is that of the first less the second: 1 less 0, true less false, else in order of sorting.
    cov : "cluster", "cluster:COLUMN" or "welch"
        Of the t: rows of a unit, or of a value of a column, are kept together; or each row stands by itself,
        as in the t test of Welch (1947), which the first equals where each unit has one row.
    stars : list of float, optional
        Thresholds of the differences; by default .1, .05 and .01.
    labels : mapping or Panel, optional
        Those of the panel by default; also of the groups, by their values as text.
    digits : int, optional
        Decimals of all variables; by default three, and fewer of a variable that reaches hundreds (two),
        thousands (one) or more (none).
    lang : "en" or "zh"
    title : str, optional
    notes : str or list of str

    Raises
    ------
    DataError
        If a column is absent or holds no numbers, two columns have the same name, or `by` makes no groups.

    Examples
    --------
    >>> data = pd.DataFrame({"pilot": [1, 1, 1, 0, 0, 0], "x": [5.0, 6.0, 7.0, 1.0, 2.0, 3.0]})
    >>> table = descriptive_table(data, "x", by="pilot", digits=2)
    >>> table.frame.iloc[0].tolist()
    ['3', '6.00', '1.00', '3', '2.00', '1.00', '4.00***', '4.90']
    >>> print(descriptive_table(pd.DataFrame({"x": [1.0, 2.0, 6.0]}), digits=2, title=""))
    -----------------------------------
    Variable  N  Mean    SD   Min   Max
    -----------------------------------
    x         3  3.00  2.65  1.00  6.00
    -----------------------------------
    Note: SD: N − 1 in the denominator.
    """
    language, places = check_language(lang), None if digits is None else check_digits(digits)
    frame, own = numbers_of(data, columns)
    shown = {**own, **labels_of(labels)}
    if by is not None:
        levels = shown_as(None, stars=stars).stars
        return grouped(data, by, frame, cov).table(shown, levels, places, language, title, notes)
    rows = []
    for name in frame.columns:
        x = frame[name].dropna().to_numpy()
        sd = standard_deviation(x)
        facts = (float(x.mean()), sd, float(x.min()), float(x.max())) if len(x) else ()
        own_places = five_figures(x) if places is None else places
        cells = [str(len(x)), *[format_number(v, own_places) for v in facts], *[""] * (4 - len(facts))]
        rows.append(Row(clean(shown.get(name, name)), tuple(cells)))
    head = head_row([word(k, language) for k in ("variable", "n", "mean", "sd", "min", "max")])
    said = [word("note_sd", language), *clean_all(notes)]
    return Table(
        (head,), tuple(rows), titled(title, "descriptive", language), noted(said, language), language
    )


def titled(title: str | None, key: str, lang: str) -> str:
    return word(key, lang) if title is None else clean(title)


@in_languages
@hinted
def correlation_table(
    data: PanelLike,
    columns: str | Iterable[str] | None = None,
    *,
    labels: LabelsLike | None = None,
    style: StyleName | None = None,
    stars: Iterable[float] | None = None,
    digits: int = 3,
    lang: str | None = None,
    title: str | None = None,
    notes: str | Iterable[str] = (),
) -> Table:
    r"""Correlate variables, the lower triangle with stars.

    .. math:: t = r \sqrt{(n - 2) / (1 - r^2)}

    Each pair with the observations that have both.  Observations of a panel are not independent: the
    note says that the stars take them so.

    Parameters
    ----------
    data, columns, labels, digits, lang, title, notes
        As in `descriptive_table`.
    style, stars
        As in `regression_table`.

    Raises
    ------
    DataError
        If a column is absent or holds no numbers, or two columns have the same name.

    Examples
    --------
    >>> data = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 3.0, 2.0, 5.0]})
    >>> correlation_table(data).frame.iloc[1].tolist()
    ['0.832', '1']
    """
    asked, places = shown_as(style, stars=stars, lang=lang), check_digits(digits)
    language, levels = asked.lang, asked.stars
    frame, own = numbers_of(data, columns)
    shown = {**own, **labels_of(labels)}
    rows, counts = [], set()
    for i, name in enumerate(frame.columns):
        cells = []
        for other in frame.columns[:i]:
            r, n, p = _correlation(frame[name].to_numpy(), frame[other].to_numpy())
            counts.add(n)
            cells.append(marked(format_number(r, places), "", star_text(p, levels)))
        blank = [""] * (len(frame.columns) - i - 1)
        rows.append(Row(clean(f"({i + 1}) {shown.get(name, name)}"), (*cells, "1", *blank)))
    pairs = word("complete", language, n=counts.pop()) if len(counts) == 1 else word("pairwise", language)
    end = "。" if language == "zh" else "."
    said = [
        star_note(levels, language) + end if levels else "",
        word("note_correlation", language, pairs=pairs),
    ]
    head = head_row([word("variable", language), *[f"({i + 1})" for i in range(len(frame.columns))]])
    said += clean_all(notes)
    return Table(
        (head,),
        tuple(rows),
        titled(title, "correlation", language),
        noted(said, language, asked.note),
        language,
    )


def _correlation(x: Any, y: Any) -> tuple[float, int, float]:
    from scipy import stats

    both = np.isfinite(x) & np.isfinite(y)
    n = int(both.sum())
    if n < 3 or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0:
        return math.nan, n, math.nan
    # Without units: squares of very large and very small values are no floats.
    one, other = (v[both] / np.abs(v[both]).max() for v in (x, y))
    r = float(np.clip(np.corrcoef(one, other)[0, 1], -1, 1))
    rest = 1 - r * r
    return r, n, 0.0 if rest <= 0 else float(2 * stats.t.sf(abs(r) * math.sqrt((n - 2) / rest), n - 2))


@in_languages
@hinted
def moran_table(
    moran: pd.DataFrame,
    *,
    labels: LabelsLike | None = None,
    p: P = "p_randomisation",
    style: StyleName | None = None,
    stars: Iterable[float] | None = None,
    digits: int = 3,
    lang: str | None = None,
    title: str | None = None,
    notes: str | Iterable[str] = (),
) -> Table:
    """Show Moran's I by year: a row for each time, and I, z and p of each variable.

    Parameters
    ----------
    moran : DataFrame
        From `moran_panel`.
    p : "p_randomisation", "p_normality" or "p_sim"
        Which p-value, for the column and the stars; z is under normality with "p_normality".
    labels, style, stars, digits, lang, title, notes
        As in `regression_table`.

    Raises
    ------
    DataError
        If the frame is not that of `moran_panel`, or `digits` is no whole number from 0 to 10.

    Examples
    --------
    >>> frame = pd.DataFrame({"column": "x", "time": [2003, "pooled"], "I": [0.31, 0.28],
    ...     "z_randomisation": [3.2, 5.1], "p_randomisation": [0.0014, 3e-7]})
    >>> moran_table(frame).frame.index.tolist(), moran_table(frame).frame.iloc[0].tolist()
    (['2003', 'pooled'], ['0.310***', '3.200', '0.001'])
    """
    asked, places = shown_as(style, stars=stars, lang=lang), check_digits(digits)
    language, levels = asked.lang, asked.stars
    if p not in get_args(P):
        raise DataError(f"p is one of {', '.join(get_args(P))}; got {p!r}.{did_you_mean(p, get_args(P))}")
    z = "z_normality" if p == "p_normality" else "z_randomisation"
    needed = ["column", "time", "I", z, p]
    if not isinstance(moran, pd.DataFrame) or any(c not in moran.columns for c in needed):
        raise DataError(f"moran_table needs the frame of moran_panel, with columns {', '.join(needed)}.")
    if not moran.columns.is_unique:
        raise DataError("moran_table needs columns of different names; some repeat.")
    for name in ("I", z, p):
        to_float(moran[name], f"Column {name!r}")
    names = list(dict.fromkeys(moran["column"]))
    times = list(dict.fromkeys(moran["time"]))
    if moran.duplicated(["column", "time"]).any():
        raise DataError("moran_table needs one row for each column and time; some repeat.")
    known, cells = labels_of(labels), {}
    for row in moran.to_dict("records"):
        value = marked(format_number(row["I"], places), "", star_text(float(row[p]), levels))
        # A p-value of .0004 is 0.000 with three digits: nobody wants 4.0e-04 here.
        small = Number(f"{row[p]:.{places}f}", float(row[p])) if row[p] == row[p] else ""
        cells[row["column"], row["time"]] = (value, format_number(row[z], places), small)
    rows = []
    for time in times:
        label = word("pooled", language) if isinstance(time, str) and time == "pooled" else time_text(time)
        texts = [text for name in names for text in cells.get((name, time), ("", "", ""))]
        rows.append(
            Row(clean(label), tuple(texts), rule=time is times[-1] and label == word("pooled", language))
        )
    over = (Head(""), *[Head(clean(known.get(str(n), n)), 3, True) for n in names])
    head = (over, head_row([word("time", language), *["I", "z", "p"] * len(names)]))
    end = "。" if language == "zh" else "."
    said = [
        word("note_moran", language, how=word(p, language)),
        star_note(levels, language) + end if levels else "",
    ]
    if "pooled" in map(str, times) and moran.attrs.get("center") in ("within", "overall"):
        said.append(word(f"pooled_{moran.attrs['center']}", language))
    said += clean_all(notes)
    lines = noted(said, language, asked.note)
    return Table(head, tuple(rows), titled(title, "moran", language), lines, language, groups=0)


@in_languages
@hinted
def identification_table(
    found: Identification | SpatialSystem | SystemFit,
    *,
    labels: LabelsLike | None = None,
    digits: int = 3,
    lang: str | None = None,
    title: str | None = None,
    notes: str | Iterable[str] = (),
) -> Table:
    """Show whether each equation is identified, and the first stages of its endogenous regressors.

    Parameters
    ----------
    found : Identification, SpatialSystem or SystemFit
    labels, digits, lang, title, notes
        As in `regression_table`.

    Raises
    ------
    DataError
        If `found` is not a system's identification, or `digits` is no whole number from 0 to 10.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import SpatialSystem
    >>> data = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 4)), columns=["y", "p", "x", "z"])
    >>> table = identification_table(SpatialSystem("y ~ x | p ~ z", data))
    >>> "y" in table.to_markdown()
    True
    """
    language, places = check_language(lang), check_digits(digits)
    source = getattr(found, "_system", found)
    report = source.identification() if hasattr(source, "identification") else found
    frame, stages = getattr(report, "frame", None), getattr(report, "instruments", None)
    if (
        not isinstance(frame, pd.DataFrame)
        or "sigma_min" not in frame
        or not isinstance(stages, pd.DataFrame)
    ):
        raise DataError(f"identification_table needs system.identification(); got {type(found).__name__}.")
    known, said = labels_of(labels), []
    keys = ("identified", "rank", "required", "sigma_min", "weak")
    head = head_row([word("equation", language), *[word(k, language) for k in keys]])
    rows = []
    for row in frame.to_dict("records"):
        name = clean(known.get(row["equation"], row["equation"]))
        yes = [word("yes" if row[k] else "no", language) for k in ("identified", "weak")]
        small = format_number(row["sigma_min"], places)
        rows.append(Row(name, (yes[0], str(row["rank"]), str(row["required"]), small, yes[1])))
        advice = row["advice"]
        if isinstance(advice, Said) and language == "zh":
            advice = advice.again(
                "zh", lambda term: word("constant", "zh") if term == CONSTANT else known.get(term)
            )
        between = "：" if language == "zh" else ": "
        said += [f"{name}{between}{line}" for line in [" ".join(str(advice).split())] if line]
    rows += _stage_rows(stages, known, places, language)
    said += [word("note_strength", language)] if len(stages) else []
    said += clean_all(notes)
    shown = titled(title, "identification", language)
    return Table((head,), tuple(rows), shown, noted(said, language), language)


def _stage_rows(stages: pd.DataFrame, known: Mapping[str, str], digits: int, lang: str) -> list[Row]:
    if not len(stages):
        return []
    titles = tuple(word(k, lang) for k in ("sw_f", "sw_f_clustered", "strength", "critical", "kp"))
    rows = [Row(word("first_stages", lang), titles, "statistic", rule=True)]
    for row in stages.to_dict("records"):
        kept = ("SW_F", "SW_F_clustered", "strength", "critical_value")
        numbers = [format_number(row[k], digits) for k in kept]
        lm, p = format_number(row["kleibergen_paap"], digits), row["KP_p_value"]
        last = f"{lm} ({p:.{digits}f})" if lm and p == p else lm
        name = f"{known.get(row['equation'], row['equation'])}: {term_label(row['regressor'], known)}"
        rows.append(Row(clean(name), (*numbers, last)))
    rows[1] = Row(rows[1].label, rows[1].cells, rows[1].kind, rule=True)
    return rows
