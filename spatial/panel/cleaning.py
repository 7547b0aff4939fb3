"""Cleaning as papers do it, each step recorded: the methods of `Panel`; the arithmetic is in `_cleaning`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.ids.numbers import parse_numbers
from spatial.ids.times import find_time, ordinals

from . import arrays
from .base import Float, PanelBase, Step, column_numbers

__all__ = ["Columns", "PanelCleaning", "option"]

ZeroRule = Literal["raise", "add_one", "missing"]
Columns = str | Iterable[str]

_QUANTILES = (
    "linear", "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip


@hinted
class PanelCleaning(PanelBase):
    """The steps between a yearbook and a regression.  Each returns a new panel and adds a `Step`."""

    def interpolate(
        self,
        columns: Columns,
        *,
        extrapolate: bool = False,
        method: Literal["linear", "growth"] = "linear",
    ) -> Self:
        r"""Fill gaps between known values of the same unit, weighted by the distance in time.

        .. math:: x_t = x_p + (x_q - x_p) \frac{t - p}{q - p}, \qquad p < t < q

        Parameters
        ----------
        columns : str or list
        extrapolate : bool
            Also fill before the first and after the last known value, on the line through the nearest two
            (Stata's ``ipolate, epolate``).  Off by default: that invents a trend.
        method : {"linear", "growth"}
            ``growth`` interpolates logarithms, at a constant rate; values must be positive.

        Notes
        -----
        Only cells of rows that are there are filled; ``balance("fill")`` adds the absent rows.  The step says
        how many cells were filled, and in which units.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": "a", "year": [2000, 2001, 2003], "gdp": [1.0, None, 4.0]})
        >>> panel = Panel.from_frame(frame, unit="city", time="year").interpolate("gdp")
        >>> panel["gdp"].tolist(), panel.history[-1].cells
        ([1.0, 2.0, 4.0], 1)
        """
        option("method", method, ("linear", "growth"))
        wanted = self.require(columns)
        frame, total = self.frame.copy(), np.zeros(self.n_units, dtype=np.int64)
        unit, time = self._unit_codes(), self._row_ordinals().astype(np.float64)
        for name in wanted:
            values = self._finite(name)
            if method == "growth":
                self._refuse(name, values <= 0, "must be positive for method='growth'")
            found = arrays.interpolate(values, unit, time, extrapolate=extrapolate, method=method)
            if found.filled.any():
                frame[name] = found.values
                total += np.bincount(unit[found.filled], minlength=self.n_units)
        counts = tuple((self.units[i], int(total[i])) for i in np.flatnonzero(total))
        where = "inside and beyond the known values" if extrapolate else "inside only"
        detail = f"{method}, {where}; {len(counts)} units: {name_ids([u for u, _ in counts])}"
        return self._with(frame, Step("interpolate", tuple(wanted), int(total.sum()), detail, counts))

    def winsorize(
        self,
        columns: Columns,
        share: float | tuple[float, float] = 0.01,
        *,
        by: Literal["time"] | None = None,
        quantile: str = "linear",
    ) -> Self:
        """Set the values beyond the quantiles `share` and 1 - `share` to these quantiles.

        Parameters
        ----------
        columns : str or list
        share : float or (float, float)
            Of each tail, or of the lower and the upper one.
        by : None or "time"
            Quantiles of the whole column, or within each time.
        quantile : str
            Definition of the quantile, as `numpy.quantile` names it.  The default interpolates between order
            statistics.  Stata's ``winsor2`` and ``_pctile`` are ``quantile="averaged_inverted_cdf"``.

        Notes
        -----
        Missing values stay missing and do not count.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": list("abcde"), "year": 2000, "x": [1.0, 2, 3, 4, 100]})
        >>> Panel.from_frame(frame, unit="city", time="year").winsorize("x", 0.25)["x"].tolist()
        [2.0, 2.0, 3.0, 4.0, 4.0]
        """
        lower, upper = _shares(share)
        if by not in (None, "time", self.time_name):
            raise DataError(f"by= must be None (the whole column) or 'time'; got {by!r}.")
        option("quantile", quantile, _QUANTILES)
        wanted = self.require(columns)
        group = self._time_codes() if by else np.zeros(len(self), dtype=np.int64)
        frame, cells, limits = self.frame.copy(), 0, []
        for name in wanted:
            found = arrays.winsorize(self._finite(name), group, lower, upper, quantile=quantile)
            if found.changed.any():
                frame[name] = found.values
            cells += int(found.changed.sum())
            if not by:
                limits.append(f"{name} in [{found.limits[0, 0]:.6g}, {found.limits[0, 1]:.6g}]")
        detail = f"shares {lower:g} and {upper:g}, {'by time' if by else 'pooled'}"
        return self._with(frame, Step("winsorize", tuple(wanted), cells, "; ".join([detail, *limits[:10]])))

    def log(self, columns: Columns, *, zeros: ZeroRule = "raise", name: str = "ln_{column}") -> Self:
        """Add natural logarithms as new columns.

        Parameters
        ----------
        columns : str or list
        zeros : {"raise", "add_one", "missing"}
            Zeros are refused, unless told: ``add_one`` takes ln(1 + x) of the whole column; ``missing``
            leaves zeros and negative values out.  Negative values are refused otherwise.
        name : str
            Of the new columns.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": ["a", "b"], "year": 2000, "fdi": [1.0, 0.0]})
        >>> panel = Panel.from_frame(frame, unit="city", time="year")
        >>> panel.log("fdi", zeros="missing")["ln_fdi"].tolist()
        [0.0, nan]
        """
        option("zeros", zeros, get_args(ZeroRule))
        wanted = self.require(columns)
        frame, cells, labels = self.frame.copy(), 0, {}
        for column in wanted:
            values = self._finite(column)
            if zeros != "missing":
                self._refuse(column, values < 0, "is negative, which has no logarithm")
            if zeros == "raise":
                advice = "is zero; use zeros='add_one' for ln(1 + x), or zeros='missing'"
                self._refuse(column, values == 0, advice)
            plus = 1.0 if zeros == "add_one" else 0.0
            new = name.format(column=column)
            frame[new] = np.log(values + plus, out=np.full(len(values), np.nan), where=values + plus > 0)
            labels[new] = f"ln({'1 + ' if plus else ''}{self.label(column)})"
            cells += int((values <= 0).sum())
        detail = f"zeros={zeros!r}: {cells} cells at or below zero"
        return self._with(frame, Step("log", tuple(wanted), cells, detail), labels)

    def shift(self, columns: Columns, periods: int = 1, *, name: str | None = None) -> Self:
        """Add the values of the same unit `periods` earlier, by time and not by row: a gap gives NaN.

        Parameters
        ----------
        columns : str or list
        periods : int
            1 is the year, or period, before; negative ones look ahead.  Dates count in the step they share.
        name : str, optional
            Default ``L1_{column}``, or ``F1_{column}`` for a lead, after Stata's ``L1.x``.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": "a", "year": [2000, 2001, 2003], "x": [1.0, 2.0, 3.0]})
        >>> Panel.from_frame(frame, unit="city", time="year").shift("x")["L1_x"].tolist()
        [nan, 1.0, nan]
        """
        wanted = self.require(columns)
        if not isinstance(periods, (int, np.integer)) or periods == 0:
            raise DataError(f"periods= must be a whole number other than 0; got {periods!r}.")
        rows = arrays.lagged_rows(self._unit_codes(), self._row_ordinals(), int(periods))
        if not (rows >= 0).any():
            gaps = sorted(set(np.diff(ordinals(self.times, self.frequency)).tolist()))
            raise DataError(
                f"No unit has rows {abs(periods)} apart in {self.time_name!r}; the steps between its times "
                f"are {name_ids(gaps) or 'none'} ({_steps_of(self.frequency)}). "
                "Choose periods= among their sums."
            )
        template = name or f"{'L' if periods > 0 else 'F'}{abs(periods)}_{{column}}"
        frame, labels = self.frame.copy(), {}
        for column in wanted:
            new = template.format(column=column)
            frame[new] = (
                self.frame[column].reset_index(drop=True).reindex(np.where(rows < 0, len(self), rows)).array
            )
            labels[new] = f"{self.label(column)} ({'lag' if periods > 0 else 'lead'} {abs(periods)})"
        absent = int((rows < 0).sum())
        detail = f"{periods} in {self.time_name}; {absent} of {len(self)} rows have none"
        return self._with(frame, Step("shift", tuple(wanted), int((rows >= 0).sum()), detail), labels)

    def deflate(
        self,
        columns: Columns,
        by: str | pd.Series[Any],
        base: Any,
        *,
        chained: bool = False,
        name: str = "{column}",
    ) -> Self:
        r"""Turn nominal values into values at the prices of `base`.

        .. math:: \text{real}_{it} = \text{nominal}_{it} \, P_{i,\text{base}} / P_{it}

        Parameters
        ----------
        columns : str or list
        by : str or Series
            The price index: a column, each unit with its own; or a Series by time, by unit and time, or a
            national one over more years than the panel has.
        base : time
            The year of constant prices.
        chained : bool
            Whether the index is of the previous period = 100, as Chinese yearbooks print it; it is then
            multiplied up, and a gap in it is refused.
        name : str
            ``{column}`` replaces; e.g. ``real_{column}`` adds.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": "a", "year": [2000, 2001], "gdp": [100.0, 121.0]})
        >>> cpi = pd.Series([100.0, 110.0], index=pd.Index([2000, 2001], name="year"))
        >>> panel = Panel.from_frame(frame, unit="city", time="year")
        >>> panel.deflate("gdp", cpi, base=2000)["gdp"].round(6).tolist()
        [100.0, 110.0]
        """
        wanted = self.require(columns)
        level = self._price_level(by, base, chained)
        frame, cells, labels = self.frame.copy(), 0, {}
        for column in wanted:
            values = self._finite(column)
            self._refuse(column, ~np.isnan(values) & np.isnan(level), "has no price index to deflate it by")
            new = name.format(column=column)
            frame[new] = values / level
            labels[new] = f"{self.label(column)} (prices of {base})"
            cells += int((~np.isnan(values)).sum())
        source = by if isinstance(by, str) else f"series {by.name!r}"
        detail = f"by {source}{', chained' if chained else ''}, prices of {base}"
        return self._with(frame, Step("deflate", tuple(wanted), cells, detail), labels)

    def parse_numbers(
        self,
        columns: Columns,
        *,
        missing: Sequence[str] = (),
        thousands: str | None = None,
        decimal: Literal[".", ","] = ".",
    ) -> Self:
        """Turn text that holds numbers, as ``"1,234"`` or ``"1234,5"``, into numbers.

        Parameters
        ----------
        columns : str or list
        missing : list of str
            Marks that stand for a missing value, as ``["—", "..."]``; any other text is refused.
        thousands : str, optional
            Separator of thousands: one character, or "" for none.  Default: a comma, or a point where the
            comma is decimal.
        decimal : {".", ","}
            Decimal point or decimal comma.

        Examples
        --------
        >>> from .panel import Panel
        >>> frame = pd.DataFrame({"city": ["a", "b"], "year": 2000, "x": ["1,234", "—"]})
        >>> panel = Panel.from_frame(frame, unit="city", time="year")
        >>> panel.parse_numbers("x", missing=["—"])["x"].tolist()
        [1234.0, nan]
        """
        option("decimal", decimal, (".", ","))
        group = ({".": ",", ",": "."}[decimal]) if thousands is None else thousands
        if not isinstance(group, str) or len(group) > 1 or group == decimal or group.isalnum():
            raise DataError(
                f"thousands= must be one sign other than decimal={decimal!r}, or ''; got {thousands!r}."
            )
        wanted = self.require(columns)
        frame, cells, lost = self.frame.copy(), 0, 0
        for name in wanted:
            found = parse_numbers(self.frame[name], missing, group, decimal)
            if found.bad.any():
                values = self.frame[name][found.bad]
                raise DataError(
                    f"Column {name!r} holds text that is no number, in {len(values)} rows: "
                    f"{name_ids(values.unique(), 5)}, e.g. at {name_ids(values.index, 3)}. "
                    f"{_cure_of(values, decimal)}Correct it, or name the marks of missing values: "
                    "missing=[...]."
                )
            frame[name] = found.values
            cells, lost = cells + int(found.parsed.sum()), lost + int(found.missing.sum())
        detail = f"{cells} cells of text read as numbers, {lost} marks as missing"
        return self._with(frame, Step("parse_numbers", tuple(wanted), cells + lost, detail))

    # ---- help
    def _unit_codes(self) -> NDArray[np.int64]:
        return np.asarray(self._places(self.units)[1], dtype=np.int64)

    def _time_codes(self) -> NDArray[np.int64]:
        return np.asarray(self._places(self.units)[0], dtype=np.int64)

    def _row_ordinals(self) -> NDArray[np.int64]:
        return ordinals(self.times, self.frequency)[self._time_codes()]

    def _finite(self, column: str) -> Float:
        """Return a column as numbers, with NaN where missing, and refuse infinity."""
        values = column_numbers(self.frame[column])
        self._refuse(column, np.isinf(values), "is infinite")
        return values

    def _refuse(self, column: str, bad: NDArray[np.bool_], why: str) -> None:
        if bad.any():
            raise DataError(
                f"Column {column!r} {why}, at {int(bad.sum())} cells: {name_ids(self.frame.index[bad])}."
            )

    def _count_by_unit(self, rows: NDArray[np.bool_]) -> tuple[tuple[Any, int], ...]:
        counts = np.bincount(self._unit_codes()[rows], minlength=self.n_units)
        return tuple((self.units[i], int(counts[i])) for i in np.flatnonzero(counts))

    def _price_level(self, by: str | pd.Series[Any], base: Any, chained: bool) -> Float:
        if isinstance(by, pd.Series) and by.index.nlevels == 1 and self._fits(by.index, 1):
            series = by.sort_index()
            times, unit = series.index, np.zeros(len(series), dtype=np.int64)
            frequency = None
            values, ordinal = column_numbers(series), ordinals(series.index)
        else:
            if isinstance(by, str):
                column = self.frame[self.require(by)[0]]
            else:
                column = pd.Series(self._matched(by, str(by.name)), index=self.frame.index, name=by.name)
            times, unit, frequency = self.times, self._unit_codes(), self.frequency
            values, ordinal = column_numbers(column), self._row_ordinals()
        bad = values <= 0
        if bad.any() or np.isinf(values).any():
            raise DataError(f"A price index must be positive and finite; {int(bad.sum())} values are not.")
        at = int(ordinals(times, frequency)[times.get_loc(find_time(times, base, "The price index"))])
        level = arrays.price_level(values, unit, ordinal, at, chained=chained)
        if times is not self.times:
            level = level[times.get_indexer(self.frame.index.get_level_values(1))]
        return level


def _cure_of(values: pd.Series[Any], decimal: str) -> str:
    """Advise the other decimal sign where it reads what this one cannot."""
    other = "," if decimal == "." else "."
    if parse_numbers(values, (), "" if other == "." else ".", other).bad.any():
        return ""
    return f"If these are decimal {'commas' if other == ',' else 'points'}, use decimal={other!r}. "


def _steps_of(frequency: str | None) -> str:
    return "a step is 1" if frequency in (None, "step") else f"a step is one {frequency}"


def _shares(share: Any) -> tuple[float, float]:
    """Return the shares of the lower and the upper tail."""
    try:
        lower, upper = (float(share), float(share)) if np.ndim(share) == 0 else map(float, share)
    except (TypeError, ValueError):
        lower = upper = np.nan
    if not (0 <= lower < 0.5 and 0 <= upper < 0.5 and lower + upper > 0):
        raise DataError(
            "share= must be between 0 and 0.5, as 0.01 for 1 % in each tail, or a pair, lower and upper; "
            f"got {share!r}."
        )
    return lower, upper


def option(argument: str, given: str, allowed: Sequence[str]) -> None:
    """Refuse an option that is not among the allowed ones."""
    if given not in allowed:
        raise DataError(
            f"{argument}= must be one of {', '.join(map(repr, allowed))}; got {given!r}."
            f"{did_you_mean(given, allowed)}"
        )
