"""Descriptions by group: N, mean and standard deviation of each, and whether the means differ."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, name_ids
from spatial.models.diagnostics.means import MeansTest, compare_means
from spatial.models.estimation.clusters import name_of
from spatial.panel.panel import Panel

from .formats.cells import Head, Row, clean, clean_all, head_row
from .formats.numbers import Number, five_figures, format_number, marked, star_text
from .notes import noted, star_note
from .table import Table
from .words import word

__all__ = ["Grouped", "grouped"]


_TRUTH = {"true": "1", "false": "0"}


@dataclass(frozen=True)
class Grouped:
    """Variables by group.

    Parameters
    ----------
    by : str
    names : tuple
        The groups, in their order.
    tests : mapping of str to MeansTest
        By variable.
    places : mapping of str to int
        Decimals of each variable.
    missing : int
        Rows without a group, which are left out.
    clusters : str
        The column of the clusters; empty where each row stands by itself.
    """

    by: str
    names: tuple[Hashable, ...]
    tests: Mapping[str, MeansTest]
    places: Mapping[str, int]
    missing: int
    clusters: str

    def frame(self) -> pd.DataFrame:
        """Return the numbers unrounded: column, N, mean and sd of each group, and the test."""
        rows = []
        for name, test in self.tests.items():
            row: dict[str, Any] = {"column": name}
            for k, group in enumerate(self.names):
                values = (int(test.counts[k]), float(test.means[k]), float(test.sds[k]))
                row |= {f"{what}: {group}": v for what, v in zip(("N", "mean", "sd"), values, strict=True)}
            if len(self.names) == 2:
                row |= {"difference": test.difference, "std_error": test.std_error}
            else:
                row |= {"df": test.df[0]}
            row |= {"statistic": test.statistic, "df_denominator": test.df[1], "p_value": test.p_value}
            rows.append(row)
        return pd.DataFrame(rows)

    def heads(self, labels: Mapping[str, str]) -> list[str]:
        """Return what readers call the groups: their labels; numbers, true and false behind their column."""
        own = [group_name(g) for g in self.names]
        plain, by = isinstance(self.names[0], str), labels.get(self.by, self.by)
        # A column of conditions is one of 1 and 0, whose words may be given to true and false.
        known = {_TRUTH[g]: labels[g] for g in _TRUTH if g in labels} | dict(labels)
        return [clean(known.get(g, g if plain else f"{by} = {g}")) for g in own]

    def table(
        self, labels: Mapping[str, str], stars: tuple[float, ...], places: int | None, language: str,
        title: str | None, notes: str | Iterable[str],
    ) -> Table:  # fmt: skip
        """Return the table; without `places` each variable has its own."""
        rows = [
            self.row(
                name, labels.get(name, name), own if places is None else places,
                3 if places is None else places, stars,
            )
            for name, own in self.places.items()
        ]  # fmt: skip
        said = [word("note_sd", language), *self.notes(labels, stars, language), *clean_all(notes)]
        shown = word("grouped", language) if title is None else clean(title)
        head = self.header(labels, language)
        return Table(head, tuple(rows), shown, noted(said, language), language)

    def header(self, labels: Mapping[str, str], language: str) -> tuple[tuple[Head, ...], ...]:
        """Return the two rows of the head."""
        heads = [Head(text, 3, True) for text in self.heads(labels)]
        each = [word(k, language) for k in ("n", "mean", "sd")] * len(self.names)
        test = [word("difference", language), "t"] if len(self.names) == 2 else ["F", "p"]
        over = (Head(""), *heads, Head(word("equal_means", language), 2, True))
        return over, head_row([word("variable", language), *each, *test])

    def row(self, name: str, label: str, places: int, digits: int, stars: tuple[float, ...]) -> Row:
        """Return the row of a variable: `places` of its own numbers, `digits` of the statistic."""
        test, cells = self.tests[name], list[str]()
        for n, mean, sd in zip(test.counts, test.means, test.sds, strict=True):
            cells += [str(n), format_number(mean, places), format_number(sd, places)]
        mark, statistic = star_text(test.p_value, stars), format_number(test.statistic, digits)
        if len(self.names) == 2:
            return Row(
                clean(label), (*cells, marked(format_number(test.difference, places), "", mark), statistic)
            )
        p = "" if np.isnan(test.p_value) else Number(f"{test.p_value:.{digits}f}", test.p_value)
        return Row(clean(label), (*cells, marked(statistic, "", mark), p))

    def notes(self, labels: Mapping[str, str], stars: tuple[float, ...], language: str) -> list[str]:
        """Return what the differences are, how they are tested, and which rows are left out."""
        end = "。" if language == "zh" else "."
        first, second = self.heads(labels)[:2]
        column = (
            word("by_unit", language) if self.clusters == "unit" else labels.get(self.clusters, self.clusters)
        )
        how = word("welch_clustered" if self.clusters else "welch_rows", language, by=clean(column))
        kind = "note_difference" if len(self.names) == 2 else "note_equal_means"
        said = [word(kind, language, first=first, second=second, how=how)]
        said += [star_note(stars, language) + end] if stars else []
        return said + ([word("note_no_group", language, n=self.missing)] if self.missing else [])


def group_name(value: Hashable) -> str:
    """Return a group as labels know it: true and false in small letters, whole numbers without a point.

    Examples
    --------
    >>> group_name(True), group_name(1.0), group_name("east")
    ('true', '1', 'east')
    """
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def grouped(data: Any, by: Any, numbers: pd.DataFrame, cov: str) -> Grouped:
    """Return variables by group: `numbers` are columns of `data`, whose rows they have."""
    frame = data.frame if isinstance(data, Panel) else data
    values = _column(frame, by)
    code, names = _codes(values, by)
    cluster, clusters = _clusters(frame, cov)
    tests, places = {}, {}
    shown = numbers.columns.drop(by, errors="ignore") if isinstance(by, str) else numbers.columns
    for name in shown:
        x = numbers[name].to_numpy()
        kept = np.isfinite(x) & (code >= 0)
        places[str(name)] = five_figures(x[kept])
        tests[str(name)] = compare_means(x[kept], code[kept], cluster[kept], len(names))
    return Grouped(str(name_of(by)), tuple(names), tests, places, int((code < 0).sum()), clusters)


def _column(frame: pd.DataFrame, by: Any) -> pd.Series[Any]:
    if isinstance(by, pd.Series):
        if not by.index.is_unique:
            raise DataError("by has rows whose labels repeat; each needs its own.")
        if by.index.nlevels == frame.index.nlevels:
            return by.reindex(frame.index)
        if by.index.nlevels == 1 and frame.index.nlevels == 2:
            return pd.Series(by.reindex(frame.index.get_level_values(0)).to_numpy(), frame.index)
    elif isinstance(by, str) and by in frame.columns:
        found: pd.Series[Any] = frame[by]
        return found
    raise DataError(
        f"by is a column, or a Series by the rows or the units of the data; got {by!r}. There are: "
        f"{name_ids(frame.columns)}."
    )


def _codes(values: pd.Series[Any], by: Any) -> tuple[NDArray[np.intp], list[Hashable]]:
    """Return the group of each row, -1 where it is missing, and the groups: 1 before 0, true before false."""
    code, levels = pd.factorize(values, sort=True)
    found = list(levels)
    name = name_of(by)
    if len(found) > 12:
        raise DataError(
            f"by needs two groups to compare, and at most 12; {name!r} has {len(found)}. Make groups of it "
            "with group()."
        )
    if len(found) < 2:
        raise DataError(f"by needs two groups to compare, and at most 12; {name!r} has {len(found)}.")
    if set(found) == {0, 1}:  # the treated first, as papers have them; also of True and False
        return np.where(code < 0, code, 1 - code).astype(np.intp), found[::-1]
    return code.astype(np.intp), found


def _clusters(frame: pd.DataFrame, cov: str) -> tuple[NDArray[np.intp], str]:
    """Return the cluster of each row, and what clusters are; empty where each row is one."""
    rows = np.arange(len(frame))
    if cov == "welch":
        return rows, ""
    if cov == "cluster":
        codes = pd.factorize(frame.index.get_level_values(0))[0]
        return codes.astype(np.intp), "unit" if len(np.unique(codes)) < len(rows) else ""
    if isinstance(cov, str) and (column := cov.removeprefix("cluster:")) != cov and column in frame.columns:
        codes = pd.factorize(frame[column])[0]
        if (codes < 0).any():
            where = frame.index[codes < 0]
            raise DataError(f"Every row needs a cluster; {column!r} is missing at {name_ids(where)}.")
        return codes.astype(np.intp), column
    raise DataError(f"cov is 'cluster' (by unit), 'cluster:COLUMN' or 'welch' (by row); got {cov!r}.")
