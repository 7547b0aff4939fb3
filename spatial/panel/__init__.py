"""The panel: one row per (unit, time), kept sorted, with its labels and its history."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".panel": (
        "Panel",
        "as_panel",
    ),
    ".base": ("Step",),
    ".choosing": ("ChosenRows", "choose_rows"),
    ".conditions": ("Condition", "parse_condition"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
