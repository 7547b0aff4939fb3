"""The tables and the figure that docs/simulation.md has of the two files of the simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from simulation_cells import KEYS

START, END = "<!-- grid: written by docs/simulation_grid.py -->", "<!-- end of the grid -->"
ARRAY_START, ARRAY_END = "<!-- array: written by docs/simulation_grid.py -->", "<!-- end of the array -->"
LAGS = ["y1:W(y1)", "y2:W(y2)", "rho1", "rho2"]
FACTORS = {"n": "N", "times": "T", "rho1": "rho", "weights": "", "errors": "", "equations": "equations"}
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
    extra += {1: ["one equation"], 3: ["three equations"]}.get(row["equations"], [])
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
            by_errors = [share(name, "total x1", kind) for name in ("gs3sls", "gs3sls, WX and W2X")]
            row[f"total effect by GS3SLS, {kind}"] = next((v for v in by_errors if v == v), np.nan)
        row["total effect by aqs"] = share("aqs", "total x1", "distance")
        draws = int(part["draws"].iloc[0])
        for kind in ("beyond", "no root"):
            row[kind] = f"{int(known['used'].get(('aqs', kind, '-'), 0))}/{draws}"
        rows.append(row)
    return pd.DataFrame(rows)


def levels(found: pd.DataFrame) -> pd.DataFrame:
    """Return coverage of the lags and of rho over the array, by estimator, for each level of each factor.

    Columns of an estimator: the share of all draws and equations, the least and the largest of a cell.
    """
    lags = found[found["quantity"].isin(LAGS)].copy()
    by_distance = lags["estimator"] == "aqs"
    lags = lags[np.where(by_distance, lags["interval"] == "distance", lags["interval"] == "wald")]
    lags["hits"] = lags["coverage"] * lags["used"]
    roots = found[found["interval"] == "-"].set_index(KEYS[:7])
    rows = []
    for label, part in _levels_of(lags):
        sums = part.groupby("estimator")[["hits", "used"]].sum()
        cells = part.groupby([*KEYS[:7], "estimator"])[["hits", "used"]].sum()
        shares = (cells["hits"] / cells["used"]).groupby("estimator").agg(["min", "max"])
        row: dict[str, Any] = {"level": label, "cells": len(part[KEYS[:7]].drop_duplicates())}
        for name, title in LABELS.items():
            row[title] = float(sums.loc[name, "hits"] / sums.loc[name, "used"])
            row[f"{title}: least"], row[f"{title}: most"] = shares.loc[name]
        draws = part.drop_duplicates(KEYS[:7])
        mine = roots[roots.index.isin(pd.MultiIndex.from_frame(draws[KEYS[:7]]))]
        for kind in ("beyond", "no root"):
            row[kind] = f"{int(mine.loc[mine['quantity'] == kind, 'used'].sum())}/{int(draws['draws'].sum())}"
        rows.append(row)
    return pd.DataFrame(rows)


def _levels_of(lags: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield "all", lags
    for column, word in FACTORS.items():
        for value in lags[column].drop_duplicates().tolist():
            name = "one equation" if value == 1 else "two equations"
            yield name if column == "equations" else f"{word} {value}".strip(), lags[lags[column] == value]


def write_page(found: pd.DataFrame, array: pd.DataFrame) -> None:
    """Put the tables into docs/simulation.md."""
    page = Path(__file__).with_name("simulation.md")
    text = page.read_text(encoding="utf-8")
    shown = levels(array)
    spread = pd.DataFrame({"level": shown["level"], "cells": shown["cells"].astype(str)})
    for title in LABELS.values():
        spread[title] = [
            f"{m:.3f} ({a:.2f}-{b:.2f})"
            for m, a, b in shown[[title, f"{title}: least", f"{title}: most"]].to_numpy()
        ]
    spread[["beyond", "no root"]] = shown[["beyond", "no root"]]
    for frame, start, end in ((covers(found), START, END), (spread, ARRAY_START, ARRAY_END)):
        before, rest = text.split(start)
        text = before + "\n".join([start, "", *_lines(frame), "", end]) + rest.split(end)[1]
    page.write_text(text, encoding="utf-8")


def _lines(shown: pd.DataFrame) -> list[str]:
    """Return a table in Markdown."""
    return [
        f"| {' | '.join(shown.columns)} |",
        f"|---|{'---:|' * (shown.shape[1] - 1)}",
        *(
            f"| {' | '.join('' if v != v else v if isinstance(v, str) else f'{v:.3f}' for v in row)} |"
            for row in shown.itertuples(index=False)
        ),
    ]


def draw_figure(found: pd.DataFrame, array: pd.DataFrame, path: Path) -> None:
    """Draw coverage by estimator: of the spatial lag in each cell, and over the levels of the array."""
    import matplotlib.pyplot as plt

    from spatial.figures.palette import CATEGORIES

    cells, over = covers(found), levels(array)
    cells = cells[cells[f"{LABELS['gs3sls']}: W(y1)"].notna()]
    count = len(cells) + len(over)
    figure, (top, bottom) = plt.subplots(
        2,
        sharex=True,
        figsize=(8.2, 0.3 * count + 2.2),
        height_ratios=[len(cells), len(over)],
        layout="constrained",
    )
    colours = dict(zip(LABELS.values(), (CATEGORIES[0][k] for k in (1, 3, 2, 0)), strict=True))
    for axes, frame, column, names in (
        (top, cells, "{}: W(y1)", cells["cell"]),
        (bottom, over, "{}", over["level"] + " (" + over["cells"].astype(str) + " cells)"),
    ):
        axes.axvspan(0.92, 0.98, color="0.92", zorder=0)
        axes.axvline(0.95, color="0.6", linewidth=0.8, zorder=1)
        for (label, colour), marker in zip(colours.items(), "vsDo", strict=True):
            places = np.arange(len(frame))
            axes.scatter(frame[column.format(label)], places, marker=marker, color=colour, s=32, zorder=3)
            if axes is bottom and label == "aqs":
                axes.hlines(places, frame["aqs: least"], frame["aqs: most"], color=colour, zorder=2)
        axes.set_yticks(range(len(frame)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.02)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="0.93")
        axes.set_axisbelow(True)
    top.set_title("Cells: 95 % interval of W(y1)", loc="left", fontsize="medium")
    bottom.set_title(
        "The array: lags and rho, by level; line: aqs, cell by cell", loc="left", fontsize="medium"
    )
    bottom.set_xlabel("Share of samples in which the 95 % interval covers")
    handles = [
        plt.Line2D([], [], marker=m, color=c, linestyle="", label=name)
        for (name, c), m in zip(colours.items(), "vsDo", strict=True)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
