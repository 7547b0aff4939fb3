"""The interactive report: map, Moran scatter, histograms and tables, linked, in one offline file."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".building": ("explore",),
    ".web": ("write_web",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
