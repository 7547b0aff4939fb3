"""Composite indices of cities: entropy weights, resilience, coordination, upgrading."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".composite": (
        "composite_index",
        "entropy_index",
    ),
    ".result": ("CompositeIndex",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
