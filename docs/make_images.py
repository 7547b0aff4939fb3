"""Draw the pictures of the README and the pages from the shipped data: `python docs/make_images.py`."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

import spatial as sp

HERE = Path(__file__).parent / "images"


def readme() -> None:
    """Moran scatter plot and cluster map of non-white births in North Carolina, 1974."""
    nc = sp.shapefiles.load("nc")
    share = (nc["nwbir74"] / nc["bir74"]).rename("non-white births")
    W = sp.weights.contiguity(nc).row_standardized()
    figure = Figure(figsize=(10.5, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1, 2.1])
    sp.moran_scatter(sp.moran(share, W), ax=left)
    sp.map_clusters(sp.local_moran(share, W), nc, ax=right)
    figure.savefig(HERE / "nc.png", dpi=110)


if __name__ == "__main__":
    readme()
