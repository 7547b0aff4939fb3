"""Choosing between spatial models: the path that referees expect, run whole, with its weak points."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".selection": ("select",),
    ".result": ("ModelChoice",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
