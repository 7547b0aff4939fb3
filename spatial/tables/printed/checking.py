"""What in a table cannot be right: ours, or one typed from a paper."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, hinted
from spatial.models.impacts.stability import system_stability
from spatial.tables.formats.numbers import Typed, check_thresholds
from spatial.tables.regression import RegressionTable

from .moments import moment_problems, read_moments
from .typed import Line, TypedTable, read_typed, system_of

__all__ = ["check_table"]

_COLUMNS = ["where", "term", "check", "severity", "words"]
# Below as many degrees of freedom, t thresholds leave the normal ones by more than a tenth.
_FEW = 25
_COMPLETE = 101

Problem = tuple[str, str, str, str, str]


@hinted
def check_table(
    table: Any,
    *,
    stars: Iterable[float] | None = None,
    B: Any = None,
    Lambda: Any = None,
    moments: Mapping[str, Sequence[Any]] | None = None,
    winsorized: float | None = None,
    largest: Iterable[str] = (),
) -> pd.DataFrame:
    r"""List what cannot be right in a table of regressions.

    Coefficient and t have one sign; :math:`t = \hat\delta / se` within rounding; stars follow from t (normal,
    or t with ``df`` degrees of freedom); R2 is in [0, 1]; N is units times years; and the structural
    coefficients have a stable equilibrium :math:`(I - B - \omega\Lambda)^{-1}`, at least for the eigenvalues
    :math:`\omega` that every row-standardized W has: 1, and one that is not above 0.

    A table of descriptions rules out more: a standard error below
    :math:`sd(y)\sqrt{1 - R^2} / (sd(x)\sqrt N)`, which other regressors can only raise; of a variable
    winsorised at s in each tail a standard deviation below :math:`|max - mean|\sqrt s`; and a largest
    location quotient below 1.

    Parameters
    ----------
    table : RegressionTable, DataFrame or dict of columns
        A row for each coefficient: `equation`, `term`, `coefficient`, `t` and/or `std_error`, `stars`, and
        where known `column`, `p_value`, `df`, `N`, `units`, `years`, `r2`.  Numbers as they are
        printed, best as text: ``"-0.378**"``, ``"(2.31)"``.  A dict may have `B` and `Lambda`.
    stars : tuple of float, optional
        Thresholds of the stars; those of the table, else 0.1, 0.05, 0.01.
    B, Lambda : (G, G), optional
        Structural coefficients: row g has those of equation g on the outcomes, and on their spatial lags.
        By default from the names of terms: an outcome of another equation, and ``W(outcome)``, ``W.outcome``
        or ``W_outcome``.

    Returns
    -------
    DataFrame
        `where`, `term`, `check`, `severity` ("error": impossible; "warning": possible, and to be explained)
        and `words`; empty for a table without problems.

    Raises
    ------
    DataError
        If the table has no columns of estimates, standard errors or stars to check.

    Examples
    --------
    >>> typed = {"equation": "y", "term": ["x", "z"], "coefficient": ["0.653***", "-0.21"],
    ...     "t": ["1.20", "0.50"], "N": 241, "units": 241, "years": 12}
    >>> check_table(typed)[["term", "check"]].to_numpy().tolist()
    [['x', 'stars'], ['z', 'sign'], ['', 'N']]
    >>> printed = {"Vag": [0.6454, 0.533, 0.0, 6.1919]}
    >>> check_table({"coefficient": []}, moments=printed, winsorized=0.01)["words"].tolist()[0][-51:]
    '|maximum - mean| sqrt(0.01) = 0.555; printed 0.533.'
    """
    if isinstance(table, RegressionTable):
        typed = read_typed(table.printed)
        levels = table.stars if stars is None else check_thresholds(stars)
        systems: list[tuple[Any, Any, Any, bool | None]]
        systems = [(s.names, s.B, s.Lambda, s.stable) for s in table.systems]
    else:
        typed = read_typed(table)
        levels = check_thresholds((0.1, 0.05, 0.01) if stars is None else stars)
        systems = []
    given = _given_system(typed, B, Lambda)
    if given is not None:
        systems = [given]
    elif not isinstance(table, RegressionTable):
        systems = [(*found, None) for part in _models(typed.lines) if (found := system_of(part)) is not None]
    problems = [problem for line in typed.lines for problem in _line_problems(line, levels)]
    problems += _sample_problems(typed.lines)
    problems += [problem for system in systems for problem in _system_problems(*system)]
    problems += moment_problems(typed.lines, read_moments(moments), winsorized, largest)
    return pd.DataFrame(problems, columns=_COLUMNS)


# ---- one coefficient
def _line_problems(line: Line, levels: tuple[float, ...]) -> Iterator[Problem]:
    if line.coefficient is None:
        return
    for check in (_sign, _ratio):
        yield from check(line)
    yield from _star_problem(line, levels)


def _sign(line: Line) -> Iterator[Problem]:
    b, t, se = line.coefficient, line.t, line.std_error
    if b is not None and t is not None and _sure(b) * _sure(t) < 0:
        words = f"The coefficient is {b.value:g} and its t is {t.value:g}: they must have one sign."
        yield line.where, line.term, "sign", "error", words
    if se is not None and se.value < 0:
        yield line.where, line.term, "sign", "error", f"A standard error is not negative; here {se.value:g}."


def _sure(number: Typed) -> int:
    """Sign of a printed number; 0 where it was rounded to zero."""
    return int(np.sign(number.value))


def _range(number: Typed) -> tuple[float, float]:
    """Absolute values that are printed so."""
    half = number.half * (1 + 1e-9)
    return max(0.0, abs(number.value) - half), abs(number.value) + half


def _t_range(line: Line) -> tuple[float, float] | None:
    """Absolute t statistics that the line allows: as printed, else coefficient over standard error."""
    if line.t is not None:
        return _range(line.t)
    if line.coefficient is None or line.std_error is None:
        return None
    (b_low, b_high), (s_low, s_high) = _range(line.coefficient), _range(line.std_error)
    return (b_low / s_high if s_high else math.inf), (b_high / s_low if s_low else math.inf)


def _ratio(line: Line) -> Iterator[Problem]:
    if line.coefficient is None or line.t is None or line.std_error is None:
        return
    (b_low, b_high), (s_low, s_high) = _range(line.coefficient), _range(line.std_error)
    low = b_low / s_high if s_high else math.inf
    high = b_high / s_low if s_low else math.inf
    t_low, t_high = _range(line.t)
    if t_high < low or t_low > high:
        words = (
            f"{abs(line.coefficient.value):g} / {line.std_error.value:g} is between {low:.4g} and {high:.4g} "
            f"after rounding, and |t| is {abs(line.t.value):g}."
        )
        yield line.where, line.term, "t = b / se", "error", words


def _star_problem(line: Line, levels: tuple[float, ...]) -> Iterator[Problem]:
    if line.stars is None or not levels:
        return
    shown = len(line.stars)
    if shown > len(levels):
        words = f"There are {shown} stars, and only {len(levels)} thresholds: {_percent(levels)}."
        yield line.where, line.term, "stars", "error", words
        return
    span = _t_range(line)
    if not math.isnan(line.p_value):
        fewest = most = sum(line.p_value < level for level in levels)
        basis = f"p = {line.p_value:.4g}"
    elif span is not None:
        fewest, most = (_count(t, line.df, levels) for t in span)
        basis = f"|t| = {abs(line.t.value):g}" if line.t else f"|t| about {(span[0] + span[1]) / 2:.3g}"
    else:
        return
    if fewest <= shown <= most:
        return
    severity = "error"
    if math.isnan(line.df) and math.isnan(line.p_value) and span is not None:
        # Few clusters ask more of t than the normal distribution: fewer stars may then be right.
        severity = "warning" if _count(span[0], _FEW, levels) <= shown < fewest else "error"
    need = str(fewest) if fewest == most else f"{fewest} to {most}"
    words = (
        f"{basis} gives {need} star{'' if need == '1' else 's'} at {_percent(levels)}; the table has {shown}."
    )
    if severity == "warning":
        words += " It would be right with few degrees of freedom."
    yield line.where, line.term, "stars", severity, words


def _count(t: float, df: float, levels: tuple[float, ...]) -> int:
    from scipy import stats

    p = 2 * (stats.norm.sf(t) if math.isnan(df) or math.isinf(df) else stats.t.sf(t, df))
    return sum(bool(p < level) for level in levels)


def _percent(levels: tuple[float, ...]) -> str:
    return ", ".join(f"{100 * level:g}%" for level in levels)


# ---- one column of the table
def _sample_problems(lines: tuple[Line, ...]) -> Iterator[Problem]:
    seen: set[tuple[Any, ...]] = set()
    for line in lines:
        key = (line.where, line.sample)
        if key in seen:
            continue
        seen.add(key)
        yield from _size(line)
        yield from _r2(line)


def _size(line: Line) -> Iterator[Problem]:
    n, units, years = (line.fact(name) for name in ("N", "units", "years"))
    for name, number in (("N", n), ("units", units), ("years", years)):
        if number is not None and (number.value < 1 or number.value != round(number.value)):
            yield line.where, "", "N", "error", f"{name} is a whole number above 0; here {number.value:g}."
            return
    if n is None or units is None or years is None:
        return
    cells = units.value * years.value
    if n.value == cells:
        return
    base = f"N is {n.value:.0f}, and {units.value:.0f} units x {years.value:.0f} years are {cells:.0f}"
    if n.value > cells:
        yield line.where, "", "N", "error", f"{base}: there are more observations than cells."
    elif n.value in (units.value, years.value):
        what = "units" if n.value == units.value else "years"
        yield line.where, "", "N", "error", f"{base}: N counts the {what}, not the observations."
    else:
        words = f"{base}: {cells - n.value:.0f} cells are missing; an unbalanced panel must say so."
        yield line.where, "", "N", "warning", words


def _r2(line: Line) -> Iterator[Problem]:
    r2 = line.fact("r2")
    if r2 is None:
        return
    if r2.value > 1 + r2.half:
        yield line.where, "", "R2", "error", f"R2 is at most 1; here {r2.value:g}."
    elif r2.value < 0 and not line.structural:
        words = (
            f"R2 = {r2.value:g} is below 0, which least squares with a constant cannot have; "
            "with instruments 1 - RSS/TSS can: the table must say which R2 it is."
        )
        yield line.where, "", "R2", "warning", words


# ---- the system
def _models(lines: tuple[Line, ...]) -> list[tuple[Line, ...]]:
    """Return the lines of each model: those whose place differs only by the equation."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.where.removesuffix(line.equation).rstrip(", "), []).append(line)
    return [tuple(group) for group in groups.values()]


def _given_system(typed: TypedTable, B: Any, Lambda: Any) -> tuple[Any, Any, Any, None] | None:
    within = typed.B if B is None else B
    lagged = typed.Lambda if Lambda is None else Lambda
    if within is None and lagged is None:
        return None
    matrices = [
        _matrix(value, name) for value, name in ((within, "B"), (lagged, "Lambda")) if value is not None
    ]
    size = matrices[0].shape[0]
    if any(m.shape != (size, size) for m in matrices):
        raise DataError(
            f"B and Lambda need the same shape; got {' and '.join(str(m.shape) for m in matrices)}."
        )
    zero = np.zeros((size, size))
    found = (
        _matrix(within, "B") if within is not None else zero,
        _matrix(lagged, "Lambda") if lagged is not None else zero,
    )
    names = tuple(dict.fromkeys(line.equation for line in typed.lines if line.equation))
    if len(names) != size:
        names = tuple(f"y{g + 1}" for g in range(size))
    return names, *found, None


def _matrix(value: Any, name: str) -> Any:
    try:
        found = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not np.isfinite(found).all():
        raise DataError(
            f"{name} is a square table of finite numbers, a row for each equation; got {value!r}."
        )
    return found


def _system_problems(names: Sequence[str], B: Any, Lambda: Any, stable: bool | None) -> Iterator[Problem]:
    """Check what every row-standardized W implies; for a fit of ours, its own verdict comes first."""
    from scipy import sparse

    where = ", ".join(names)
    if stable:
        return
    parts = list(Lambda.values()) if isinstance(Lambda, dict) else [Lambda]
    # All pairs linked: its eigenvalues, 1 and just below 0, are those that every W has.
    full = (np.ones((_COMPLETE, _COMPLETE)) - np.eye(_COMPLETE)) / (_COMPLETE - 1)
    report = system_stability(B, [sum(parts, np.zeros_like(B))], [sparse.csr_array(full)], names=names)
    bad = [row for row in report.frame.to_dict("records") if not row["ok"]]
    for row in bad:
        words = f"{row['check']} = {row['value']:.4g}, needed {row['condition']}. {row['words']}"
        yield where, "", "equilibrium", "error", words
    for text in report.reversals if bad else ():
        yield where, "", "equilibrium", "error", text
    if stable is False and not bad:
        words = "With its own W there is no stable equilibrium, or rho is at its bound: see fit.stability()."
        yield where, "", "equilibrium", "error", words
