"""The sample maps and panels that ship, and boundaries from data of the user's own.

    import spatial as sp

    counties = sp.shapefiles.load("nc")
    panel = sp.shapefiles.load("nc_crime")
    cities = sp.shapefiles.load("china_cities")  # Voronoi cells of the seats, not administrative boundaries

PROVENANCE.md beside this file says where each comes from, under which licence, and how it was made.
"""

from ._catalogue import catalogue, labels, path
from ._china import china_boundaries
from ._load import load
from ._samples import Sample, load_sample, sample_contents

__all__ = [
    "Sample",
    "catalogue",
    "china_boundaries",
    "labels",
    "load",
    "load_sample",
    "path",
    "sample_contents",
]
