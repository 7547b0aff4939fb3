"""Inputs that the tests of autocorrelation share: columbus as spdep has it, and a lattice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.weights import Weights

# R 4.2.2, spdep 1.4.2 on spData's columbus, with its own neighbours; printed to 15 digits.
SPDEP = json.loads((Path(__file__).parent / "reference" / "spdep_columbus.json").read_text())


def spdep_weights(which: str, style: str) -> Weights:
    """Return columbus weights: the neighbours as spdep lists them, W row-standardised or B binary."""
    neighbours = SPDEP["neighbours"][which]
    links = [(i, j, 1.0) for i, row in enumerate(neighbours) for j in row]
    W = Weights.from_frame(pd.DataFrame(links, columns=["i", "j", "w"]), ids=range(len(neighbours)))
    return W.row_standardized() if style == "W" else W


def columbus(name: str) -> pd.Series[float]:
    return pd.Series(SPDEP["data"][name], name=name)


def grid(side: int, seed: int = 0) -> tuple[pd.Series[float], Weights]:
    """Return smooth values on a lattice with text ids, rook neighbours, row-standardised."""
    ids = [f"u{i:03d}" for i in range(side * side)]
    line = sparse.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(side, side))
    eye = sparse.eye_array(side)
    W = Weights.from_sparse(sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line)), ids)
    noise = np.random.default_rng(seed).normal(size=side * side)
    x = pd.Series(noise + W.row_standardized().sparse @ noise, index=ids, name="x")
    return x, W.row_standardized()


def shuffled(x: pd.Series[Any], W: Weights, seed: int = 0) -> tuple[pd.Series[Any], Weights]:
    rng = np.random.default_rng(seed)
    return x.sample(frac=1, random_state=seed), W.reordered(rng.permutation(W.ids))
