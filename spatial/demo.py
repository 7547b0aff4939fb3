"""The main job on the shipped data: Moran diagnostics of crime in North Carolina, 1981-1987."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import spatial as sp
from spatial._files import atomic_text
from spatial.diagnose import MoranJob, as_map_ids, restrict, run_moran, write_table
from spatial.record import RunRecord

__all__ = ["run_demo"]


def run_demo(folder: Path) -> Path:
    """Run the demo into `folder` and return it."""
    record = RunRecord(folder, {"demo": "nc", "seed": 0, "permutations": 999}, steps=11, stream=sys.stderr)
    with record.step("reading the counties and the crime panel of North Carolina"):
        cities = sp.read_cities(record.read(sp.shapefiles.path("nc", "gpkg")), id="fips")
        panel = sp.read_panel(record.read(sp.shapefiles.path("nc_crime")), unit="fips", time="year")
        cities, panel, cut = restrict(cities, as_map_ids(panel, cities.index))
    print(f"    {len(cities)} counties x {panel.n_times} years; {cut}", file=sys.stderr)
    W = _weights(record, cities)
    write_table(panel.describe(), record.made("tables", "describe.csv"), index=True)
    table, text = run_moran(record, cities, W, MoranJob("crmrte"), panel)
    with record.step("Moran's I through time"):
        sp.save_figure(sp.moran_over_time(table), record.made("figures", "moran_over_time.png"))
    record.write()
    print(f"\nMoran's I of crime, 1981-1987 (queen contiguity, row-standardised):\n{text}")
    print(f"\nWritten to {folder}/: tables, figures, gis/moran.gpkg (opens coloured in QGIS), run.json")
    return folder


def _weights(record: RunRecord, cities: Any) -> sp.Weights:
    with record.step("queen contiguity, its report and its map"):
        W = sp.weights.contiguity(cities).row_standardized()
        atomic_text(record.made("tables", "weights_report.txt"), W.report().summary() + "\n")
        W.write(record.made("tables", "weights_queen.csv"))
        sp.save_figure(W.plot(cities), record.made("figures", "connectivity.png"))
    return W
