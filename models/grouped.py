"""Groups of rows, and one fit for each: what ``by=`` of a fit gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.compute.threads import Executor
from spatial.errors import DataError, did_you_mean
from spatial.languages.shown import shown
from spatial.models.data.given import Lags
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.estimate import Instruments, Interval
from spatial.models.estimation.steps import RhoMoments
from spatial.results import Fit
from spatial.words import tell

from .results import SystemFit

__all__ = ["FitOptions", "GroupFits", "Groups", "GroupsLike", "fit_groups", "with_groups"]

GroupsLike: TypeAlias = "str | pd.Series[Any]"
"""A column, or labels by (unit, time) or by unit."""


class FitOptions(TypedDict, total=False):
    """Arguments of `SpatialSystem.fit` besides the method and the groups."""

    cov: str | Covariance | None
    rho_moments: RhoMoments
    passes: int
    iv: Instruments
    small: bool
    force: bool
    seed: int | None
    compat: Literal["direct"] | None
    intervals: Interval | None
    random: Literal["kkp", "bsk"]
    where: str | None
    lags: Lags
    executor: Executor


_MOST = 12


@dataclass(frozen=True, eq=False, repr=False)
class GroupFits(Fit):
    """One fit for each group of rows, in one table; ``by=`` of `SpatialSystem.fit` and of `fixed_effects`.

    Parameters
    ----------
    by : str
        What the groups are made of.
    fits : mapping of str to SystemFit
        By group.
    notes : tuple of str
    """

    by: str
    fits: Mapping[str, SystemFit]
    notes: tuple[str, ...] = ()

    figure = "coefficient_plot"

    def __getitem__(self, group: str) -> SystemFit:
        """Return the fit of a group."""
        if group not in self.fits:
            known = list(self.fits)
            raise DataError(
                f"There is no group {group!r} of {self.by}.{did_you_mean(group, known)} There are "
                f"{', '.join(known)}."
            )
        return self.fits[group]

    def __iter__(self) -> Iterator[str]:
        """Go through the groups."""
        return iter(self.fits)

    def items(self) -> Iterator[tuple[str, SystemFit]]:
        """Go through groups and their fits."""
        yield from self.fits.items()

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each group and coefficient."""
        return _joined({name: fit.tidy(level) for name, fit in self.fits.items()})

    def glance(self) -> pd.DataFrame:
        """Return one row for each group."""
        return _joined({name: fit.glance() for name, fit in self.fits.items()})

    def headline(self) -> str:
        """Name the groups."""
        names = ", ".join(self.fits)
        return tell(f"by {self.by}: {names}", f"按 {self.by}：{names}")

    @property
    def table_notes(self) -> tuple[str, ...]:
        """What a table says below."""
        return self.notes

    def summary(self) -> str:
        """Return the fits one below the other."""
        parts = [f"{self.by}: {name}\n\n{fit.summary()}" for name, fit in self.fits.items()]
        return "\n\n".join([*parts, *(tell("Note: ", "注：") + shown(note) for note in self.notes)])


def _joined(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    found = pd.concat(frames, names=["group", None]).reset_index("group")
    return pd.DataFrame(found.reset_index(drop=True))


@dataclass(frozen=True, eq=False)
class Groups:
    """The group of each row of a design.

    Parameters
    ----------
    name : str
        What readers call the division.
    column : str
    codes : array (R,)
        -1 for rows without a group.
    levels : tuple
        Values of the column.
    """

    name: str
    column: str
    codes: NDArray[np.intp]
    levels: tuple[Any, ...]

    @classmethod
    def of(cls, name: str, column: str, system: Any) -> Groups:
        """Read the groups of the rows of a system; refuse one group, and very many."""
        rows = system._source.rows(column, system.design.layout)
        codes, levels = pd.factorize(pd.Series(rows), sort=True)
        if len(levels) < 2:
            raise DataError(f"by={name!r} has {len(levels)} group; two or more are needed.")
        if len(levels) > _MOST:
            raise DataError(
                f"by={name!r} has {len(levels)} values; groups are at most {_MOST}. Use "
                "spatial.group(panel[column]) for high and low."
            )
        return cls(name, column, codes.astype(np.intp), tuple(levels))

    @property
    def labels(self) -> list[str]:
        """Names of the groups."""
        return [str(level) for level in self.levels]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out."""
        lacking = int((self.codes < 0).sum())
        return (f"{lacking} rows without a group of {self.name} are left out",) if lacking else ()

    def condition(self, k: int, within: str | None = None) -> str:
        """Write the condition of group k, among the rows of another condition."""
        level, column = self.levels[k], self.column if self.column.isidentifier() else f"`{self.column}`"
        if isinstance(level, (bool, np.bool_)):
            text = f"{column} == {'true' if level else 'false'}"
        elif isinstance(level, str):
            mark = "'" if "'" not in level else '"'
            text = f"{column} == {mark}{level}{mark}"
        else:
            text = f"{column} == {float(level)!r}"
        return text if within is None else f"({within}) and {text}"


def with_groups(source: Any, panel: Any, by: Any) -> tuple[str, Any]:
    """Return the column of the groups, and the data that have it."""
    if isinstance(by, str):
        if not source.has(by):
            raise DataError(f"The data have no column {by!r}.{did_you_mean(by, source.columns)}")
        return by, panel
    if not isinstance(by, pd.Series):
        raise DataError(f"by is a column or a Series of labels; got {type(by).__name__}.")
    column = str(by.name or "group")
    while source.has(column):
        column += "_group"
    if source.is_panel:
        return column, source.data.with_columns({column: by})
    return column, panel.assign(**{column: by.reindex(panel.index)})


def fit_groups(
    system: Any, by: GroupsLike, fit: Callable[[Any], SystemFit], lags: Lags = "full"
) -> GroupFits:
    """Fit each group of the rows of a system, the lags of the whole map first.

    Parameters
    ----------
    system : SpatialSystem
    by : str or Series
    fit : function of a SpatialSystem
    lags : "full" or "within"
        Of a system whose rows are not chosen.
    """
    column, panel = with_groups(system._source, system.given.panel, by)
    whole = system if panel is system.given.panel else system.again(panel=panel)
    name = by if isinstance(by, str) else str(by.name or "groups")
    groups = Groups.of(name, column, whole)
    chosen, fits = system.given.where, {}
    for k, label in enumerate(groups.labels):
        own = groups.condition(k, chosen)
        fits[label] = fit(whole.again(where=own, lags=lags if chosen is None else system.given.lags))
    return GroupFits(name, fits, groups.notes)
