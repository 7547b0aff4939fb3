"""Markov chains of places: classes given the neighbours' class, and moves through the quadrants."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".chains": ("SpatialMarkov", "spatial_markov"),
    ".quadrants": ("LisaMarkov", "lisa_markov"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
