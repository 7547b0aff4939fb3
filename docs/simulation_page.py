"""The table and the figure that docs/simulation.md has of docs/simulation_grid.csv."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from simulation_cells import KEYS

START, END = "<!-- grid: written by docs/simulation_grid.py -->", "<!-- end of the grid -->"
LABELS = {
    "gs3sls, WX and W2X": "GS3SLS, WX and W2X",
    "gs3sls": "GS3SLS, WX",
    "gs3sls, best": "GS3SLS, best",
    "aqs": "aqs",
}


def cell_label(row: Mapping[str, Any]) -> str:
    """Name a cell as the page does.

    Examples
    --------
    >>> cell_label(dict(zip(KEYS, (50, 6, 9.0, 9.0, "knn5", "serial", 2))))
    'N 50, T 6, no spatial error, serial'
    """
    rho = "no spatial error" if row["rho1"] > 1 else f"rho {row['rho1']:g}, {row['rho2']:g}"
    extra = [row["weights"]] * (row["weights"] != "knn5") + [row["errors"]] * (row["errors"] != "iid")
    extra += ["one equation"] * (row["equations"] == 1)
    return ", ".join([f"N {row['n']}, T {row['times']}", rho, *extra])


def covers(found: pd.DataFrame) -> pd.DataFrame:
    """Return what the page prints: a row for each cell, coverage by estimator and kind of interval."""
    rows = []
    for key, part in found.groupby(KEYS[:7], sort=False):
        known = part.set_index(["estimator", "quantity", "interval"])

        def share(*of: str, known: pd.DataFrame = known) -> float:
            return float(known["coverage"].get(of, np.nan))

        by = {"aqs": "distance"}
        row: dict[str, Any] = {"cell": cell_label(dict(zip(KEYS, key, strict=False)))}
        for name, label in LABELS.items():
            row[f"{label}: W(y1)"] = share(name, "y1:W(y1)", by.get(name, "wald"))
        for name in ("gs3sls", "aqs"):
            row[f"{LABELS[name]}: rho1"] = share(name, "rho1", by.get(name, "wald"))
        for kind in ("delta", "simulated"):
            row[f"total effect by GS3SLS, {kind}"] = float(
                known.xs(("total x1", kind), level=(1, 2))["coverage"].iloc[0]
            )
        row["total effect by aqs"] = share("aqs", "total x1", "distance")
        draws = int(part["draws"].iloc[0])
        none = int(known["used"].get(("aqs", "no root", "-"), 0))
        rows.append(row | {"no root": f"{none}/{draws}"})
    return pd.DataFrame(rows)


def write_page(found: pd.DataFrame) -> None:
    """Put the table into docs/simulation.md."""
    page = Path(__file__).with_name("simulation.md")
    shown = covers(found)
    head = f"| {' | '.join(shown.columns)} |\n|---|{'---:|' * (shown.shape[1] - 1)}"
    lines = [
        f"| {' | '.join('' if v != v else v if isinstance(v, str) else f'{v:.3f}' for v in row)} |"
        for row in shown.itertuples(index=False)
    ]
    before, rest = page.read_text(encoding="utf-8").split(START)
    table = "\n".join([START, "", head, *lines, "", END])
    page.write_text(before + table + rest.split(END)[1], encoding="utf-8")


def draw_figure(found: pd.DataFrame, path: Path) -> None:
    """Draw the coverage of the spatial lag by estimator, a line for each cell."""
    import matplotlib.pyplot as plt

    from spatial.figures.palette import CATEGORIES

    shown = covers(found)
    shown = shown[shown[f"{LABELS['gs3sls']}: W(y1)"].notna()].iloc[::-1].reset_index(drop=True)
    figure, axes = plt.subplots(figsize=(8.2, 0.34 * len(shown) + 1.6), layout="constrained")
    axes.axvspan(0.92, 0.98, color="0.92", zorder=0)
    axes.axvline(0.95, color="0.6", linewidth=0.8, zorder=1)
    colours = [CATEGORIES[0][k] for k in (1, 3, 2, 0)]
    for k, (label, marker) in enumerate(zip(LABELS.values(), "vsDo", strict=True)):
        values = shown[f"{label}: W(y1)"]
        axes.scatter(values, shown.index, marker=marker, color=colours[k], s=36, label=label, zorder=3)
    axes.set_yticks(shown.index, shown["cell"])
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("Share of samples in which the 95 % interval of W(y1) covers")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="0.93")
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper left", ncols=4, frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)
