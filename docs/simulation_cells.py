"""The cells of the simulation: what is decided by many draws, and the array over all factors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

KEYS = ["n", "times", "rho1", "rho2", "weights", "errors", "equations", "estimator", "quantity", "interval"]
OTHERS = ", errors in "


@dataclass(frozen=True)
class Cell:
    """Units, times, rho of both equations (None: no spatial error is modelled), weights, innovations.

    `others` are the weights of the errors where they are not those of the lags; `regions`, how many regions
    have effects of their own at each time; `kept`, which effects there are; `absent`, the share of cells that
    are not observed, at random, with weights among those that are; `moving`, whether places move, so that
    each time has weights of its own; `effects`, whether effects in equilibrium are simulated by draws of
    GS3SLS too.
    """

    n: int = 100
    times: int = 6
    rho: tuple[float, float] | None = (0.7, 0.7)
    weights: str = "knn5"
    errors: str = "iid"
    equations: int = 2
    draws: int = 150
    others: str = ""
    regions: int = 0
    kept: tuple[str, ...] = ("unit", "time")
    absent: float = 0.0
    moving: bool = False
    effects: bool = True

    @property
    def key(self) -> tuple[Any, ...]:
        """What names the cell in the file; 9 where there is no spatial error."""
        rho = self.rho or (9.0, 9.0)
        weights = self.weights + f"{OTHERS}{self.others}" * bool(self.others)
        weights += ", regions by time" * bool(self.regions)
        weights += f", {self.absent:.0%} of cells absent" * bool(self.absent)
        weights += ", weights by time" * self.moving
        weights += "" if len(self.kept) == 2 else f", {' '.join(self.kept) or 'no'} effects"
        return (self.n, self.times, *rho, weights, self.errors, self.equations)

    def of(self, found: pd.DataFrame) -> Any:
        """Return which rows of a file are of this cell."""
        return (found[KEYS[:7]] == list(self.key)).all(axis=1)


LOW, HIGH, EXTREME = (0.4, -0.3), (0.7, 0.7), (0.9, 0.9)
CELLS = [
    Cell(50, 2, HIGH, draws=200),
    Cell(50, 2, EXTREME, draws=60),
    Cell(100, 2, LOW, draws=50),
    Cell(250, 2, LOW, draws=200),
    Cell(50, 6, HIGH, draws=1000),
    Cell(50, 6, EXTREME, draws=300),
    Cell(100, 6, (-0.3, -0.3), draws=200),
    Cell(100, 6, LOW, draws=200),
    Cell(100, 6, HIGH, draws=300),
    Cell(100, 6, EXTREME, draws=1000),
    Cell(150, 6, HIGH, draws=1000),
    Cell(250, 6, LOW, draws=100),
    Cell(250, 6, HIGH, draws=150),
    Cell(1000, 6, HIGH, draws=100),
    Cell(1000, 6, EXTREME, draws=100),
    Cell(50, 15, HIGH, draws=200),
    Cell(100, 15, HIGH, draws=100),
    Cell(100, 15, EXTREME, draws=200),
    Cell(errors="heteroskedastic", draws=1000),
    Cell(errors="serial", draws=300),
    Cell(errors="skewed", draws=300),
    Cell(weights="queen", draws=100),
    Cell(weights="knn15", draws=300),
    Cell(weights="inverse", draws=50),
    Cell(others="knn15", draws=1000),
    Cell(50, 6, others="knn15", draws=100),
    Cell(100, 6, EXTREME, others="knn15", draws=100),
    Cell(weights="knn15", others="knn5", draws=100),
    Cell(others="inverse", draws=100),
    Cell(80, 4, LOW, regions=4, draws=100),
    Cell(100, 6, HIGH, regions=5, draws=100),
    Cell(absent=0.15, draws=100),
    Cell(50, 6, absent=0.15, draws=100),
    Cell(100, 4, LOW, "knn15", absent=0.3, draws=50),
    Cell(moving=True, draws=50),
    Cell(kept=("unit",), draws=100),
    Cell(kept=("time",), draws=50),
    Cell(250, 1, kept=(), draws=50),
    Cell(equations=1, draws=150),
    Cell(equations=3, draws=50),
    Cell(50, 6, None, draws=200),
    Cell(100, 6, None, draws=300),
    Cell(100, 6, None, errors="serial"),
    Cell(250, 6, None),
]

LEVELS: dict[str, tuple[Any, ...]] = {
    "n": (50, 100, 250, 1000),
    "times": (2, 6, 15, 6),
    "rho": (-0.3, 0.4, 0.7, 0.9),
    "weights": ("knn5", "knn15", "queen", "inverse"),
    "errors": ("iid", "heteroskedastic", "serial", "skewed"),
    "equations": (1, 2, 1, 2),
}
"""Levels of the factors of the array, four each: six times and each number of equations stand twice."""
_PRODUCTS = ((0, 0, 0, 0), (0, 1, 2, 3), (0, 2, 3, 1), (0, 3, 1, 2))
_POINTS = ((1, 0, 0), (1, 2, 3), (0, 1, 0), (0, 0, 1), (1, 1, 1), (1, 3, 2))


def array(draws: int = 50) -> list[Cell]:
    """Return 64 of the 1,536 cells of the cross, in which any levels of three factors stand together.

    Cells are the vectors of three elements of the field of four, 0, 1, w and w + 1, and a factor is a
    linear form of them.  Of the forms, the points of a hyperoval, any three are independent, so that the
    64 combinations of any three factors stand there once: an orthogonal array of strength three (Bush 1952).
    """
    out = []
    for row in product(range(4), repeat=3):
        level = {}
        for (name, values), point in zip(LEVELS.items(), _POINTS, strict=True):
            # In this field addition is the exclusive or of the labels.
            a, b, c = (_PRODUCTS[x][y] for x, y in zip(row, point, strict=True))
            level[name] = values[a ^ b ^ c]
        rho = level.pop("rho")
        out.append(Cell(rho=(rho, rho), draws=draws, effects=False, **level))
    return out
