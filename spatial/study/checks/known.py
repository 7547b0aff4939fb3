"""What the names of a study can mean: columns, weights, fits, times, tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from spatial.study.columns import made_columns
from spatial.study.data import Loaded
from spatial.study.fits.named import FitName, fit_names, group_levels, sections
from spatial.study.schema.data import Deflate, Log, Shift
from spatial.study.schema.study import Study

__all__ = ["Known"]


@dataclass(frozen=True)
class Known:
    """The study, where its file stands, and its data; without them, columns and times are not known."""

    study: Study
    folder: Path
    loaded: Loaded | None = None

    @cached_property
    def fits(self) -> dict[str, FitName]:
        """The fits by name."""
        if self.loaded is None:
            return fit_names(self.study)
        return fit_names(self.study, group_levels(self.study, self.loaded.panel.frame))

    @property
    def groups(self) -> bool:
        """Whether names of fits hang on values of the data."""
        return any(
            part.by is not None for section, _, part in sections(self.study) if section != "thresholds"
        )

    @property
    def systems(self) -> list[str]:
        """Names of fits that are of systems."""
        return [name for name, found in self.fits.items() if found.section == "systems"]

    @cached_property
    def raw(self) -> list[str]:
        """Columns as read."""
        return [] if self.loaded is None else [str(c) for c in self.loaded.panel.columns]

    @property
    def levels(self) -> list[str]:
        """Names of the unit and of the time."""
        panel = self._panel
        return [panel.unit_name, panel.time_name, "unit", "time"]

    @property
    def _panel(self) -> Any:
        assert self.loaded is not None
        return self.loaded.panel

    @property
    def made(self) -> list[str]:
        """Columns of [measures] and [variables]."""
        return list(made_columns(self.study, self.raw))

    def cleaned_before(self, step: int) -> list[str]:
        """Return the columns that steps of [[cleaning]] before this one make."""
        found: list[str] = []
        for part in self.study.cleaning[:step]:
            if isinstance(part, (Log, Shift, Deflate)):
                found += [part.made(column) for column in part.columns]
        return found

    def columns_at(self, location: tuple[str | int, ...]) -> list[str]:
        """Return the columns that a place of the file may name."""
        step = int(location[1]) if location[0] == "cleaning" else len(self.study.cleaning)
        return list(dict.fromkeys([*self.raw, *self.cleaned_before(step), *self.made]))

    @cached_property
    def map_columns(self) -> list[str]:
        """Columns of the map, without its places."""
        assert self.loaded is not None
        cities = self.loaded.cities
        return [str(c) for c in cities.columns if str(cities[c].dtype) != "geometry"]

    @property
    def tables(self) -> dict[str, Any]:
        """Tables of industries."""
        return {} if self.loaded is None else self.loaded.tables
