"""The script of a report, in three parts of one function.  Text from users enters by textContent only."""

from __future__ import annotations

from ._report_script_controls import CONTROLS
from ._report_script_data import DATA
from ._report_script_figures import FIGURES

__all__ = ["SCRIPT"]

SCRIPT = "\n".join([DATA, FIGURES, CONTROLS])
