"""The script of a report, in three parts of one function.  Text from users enters by textContent only."""

from __future__ import annotations

from .script_controls import CONTROLS
from .script_data import DATA
from .script_figures import FIGURES

__all__ = ["SCRIPT"]

SCRIPT = "\n".join([DATA, FIGURES, CONTROLS])
