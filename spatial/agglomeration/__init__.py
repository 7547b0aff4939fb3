"""Agglomeration of industries in cities: quotients, concentration, variety, distance decay."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".potential": ("distance_decay",),
    ".virtual": ("VirtualAgglomeration", "virtual_agglomeration"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
