"""What all tables of a study share: the values, the section, and the words of notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from spatial.study.calls import Call
from spatial.study.values import Values

__all__ = ["Shown"]


@dataclass(frozen=True)
class Shown:
    """A table of one kind: `values` and the section."""

    values: Values
    part: Any
    written: bool = False
    """Whether its call is written as Python, so that nothing is estimated for it."""

    def words(self) -> dict[str, Any]:
        """Return language, digits, title and notes, as every table takes them."""
        part, found = self.part, {"lang": self.values.study.language}
        return found | {"notes": self.notes(), "digits": part.digits, "title": self.title}

    @property
    def title(self) -> str | None:
        """What stands above the table."""
        heading: str | None = self.part.heading(self.values.study.language)
        return heading

    def notes(self) -> list[str]:
        """Return the notes of the section, and that data were drawn."""
        return [*self.part.notes, *self.values.stamps]

    def key(self) -> str:
        """Return a digest of what the numbers depend on."""
        return self.values.panel_key

    def call(self) -> Call:
        """Return what makes the table."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def beside(self, table: Any) -> Any:
        """Return the table with what a paper prints, where it is asked for."""
        return table

    def numbers(self) -> pd.DataFrame:
        """Return the numbers behind the table, unrounded."""
        raise NotImplementedError  # pragma: no cover - each kind has its own
