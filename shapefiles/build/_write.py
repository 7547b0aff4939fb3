"""Write the files that ship so that the same input gives the same bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyogrio

__all__ = ["DATE", "sha256", "write_geopackage"]

DATE = "2026-11-22"  # stamped into the files instead of the time of the run


def write_geopackage(frame: gpd.GeoDataFrame, path: Path, *, title: str, description: str) -> None:
    """Write one layer, named as the file; its description is kept where QGIS and `ogrinfo` show it."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{DATE}T00:00:00.000Z"})
    partial = path.with_name(f"{path.stem}.partial.gpkg")
    partial.unlink(missing_ok=True)
    # Version 1.2: QGIS 3.22 and older warn about anything newer.
    options: dict[str, Any] = {"VERSION": "1.2", "IDENTIFIER": title, "DESCRIPTION": description}
    options["layer_metadata"] = {"TITLE": title, "DESCRIPTION": description}
    pyogrio.write_dataframe(frame, partial, driver="GPKG", layer=path.stem, promote_to_multi=True, **options)
    os.replace(partial, path)


def sha256(path: Path) -> str:
    """Return the digest that PROVENANCE.md records."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
