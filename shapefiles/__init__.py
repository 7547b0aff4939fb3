"""The sample maps and panels that ship, and boundaries from data of the user's own.

    import spatial as sp

    counties = sp.shapefiles.load("nc")
    panel = sp.shapefiles.load("nc_crime")
    cities = sp.shapefiles.load("china_cities")  # Voronoi cells of the seats, not administrative boundaries

PROVENANCE.md beside this file says where each comes from, under which licence, and how it was made.
"""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    "._catalogue": ("catalogue", "labels", "path"),
    "._china": ("china_boundaries",),
    "._load": ("load",),
    "._samples": ("Sample", "load_sample", "sample_contents"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
