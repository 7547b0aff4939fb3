"""Small cases that several test files share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

# splm::usaww, the contiguity of the 48 states in alphabetical order: neighbours of each, 0-based.
USAWW = (
    "7 8 21 39; 3 4 25 28 41; 15 21 22 33 39 40; 1 25 34; 1 13 24 28 33 41 47; 18 29 36; 17 27 35; 0 8; "
    "0 7 30 37 39; 23 25 34 41 44 47; 11 12 14 22 46; 10 14 19 32; 10 20 22 24 38 46; 4 22 24 33; "
    "10 11 22 32 39 43 45; 2 21 40; 26; 6 35 43 45; 5 26 29 36 42; 11 32 46; 12 31 38 46; 0 2 15 39; "
    "2 10 12 13 14 24 33 39; 9 31 38 47; 4 12 13 22 38 47; 1 3 9 34 41; 16 18 42; 6 29 35; 1 4 33 40 41; "
    "5 18 27 35 42; 8 37 39 43; 20 23 38; 11 14 19 35 45; 2 4 13 22 28 40; 3 9 25 44; 6 17 27 29 32 45; "
    "5 18; 8 30; 12 20 23 24 31 47; 0 2 8 14 21 22 30 43; 2 15 28 33; 1 4 9 25 28 47; 18 26 29; "
    "14 17 30 39 45; 9 34; 14 17 32 35 43; 10 12 19 20; 4 9 23 24 38 41"
)


def usaww() -> sparse.csr_array:
    rows = [[int(j) for j in row.split()] for row in USAWW.split(";")]
    i = np.repeat(np.arange(48), [len(row) for row in rows])
    weights = np.concatenate([np.full(len(row), 1 / len(row)) for row in rows])
    return sparse.csr_array((weights, (i, np.concatenate(rows))), shape=(48, 48))


@dataclass(frozen=True)
class Simulated:
    y: np.ndarray
    Y: np.ndarray
    X: np.ndarray
    Z: np.ndarray
    units: np.ndarray

    @property
    def basis(self) -> np.ndarray:
        return np.linalg.qr(np.hstack([self.X, self.Z]))[0]

    @property
    def regressors(self) -> np.ndarray:
        return np.hstack([self.X, self.Y])

    def two_stage(self) -> tuple[np.ndarray, np.ndarray]:
        Q, R = self.basis, self.regressors
        slopes = np.linalg.lstsq(Q.T @ R, Q.T @ self.y, rcond=None)[0]
        return slopes, self.y - R @ slopes


def simulated(seed: int, *, endogenous: float = 0.6, invalid: float = 0.0, serial: float = 0.0) -> Simulated:
    rng = np.random.default_rng(seed)
    units = np.tile(np.arange(80), 4)
    n = len(units)
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    Z = rng.normal(size=(n, 3)) + serial * rng.normal(size=(80, 3))[units]
    u = rng.normal(size=n) + serial * rng.normal(size=80)[units]
    Y = (Z @ [0.6, 0.4, 0.2] + 0.5 * X[:, 1] + endogenous * u + rng.normal(size=n))[:, None]
    y = 1 + X[:, 1] + 0.5 * Y[:, 0] + u + invalid * Z[:, 2]
    return Simulated(y, Y, X, Z, units)
