"""Outcomes that are seen only between limits: the Tobit model, pooled and for panels."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".censored": ("tobit",),
    ".fit": ("TobitFit",),
    ".margins": ("MarginalEffects",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
