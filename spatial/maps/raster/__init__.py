"""Maps of millions of units: one picture, or a pyramid of tiles, with a page that shows it."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {".pictures": ("map_raster",)}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
