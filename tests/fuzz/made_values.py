"""Panels, fits, results and files that calls of the public functions take, made once."""

from __future__ import annotations

import functools
import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from odd_arguments import VALID, Given

import spatial as sp

Call = tuple[Callable[..., Any], dict[str, Any]]
FORMULA = Given("column", "y ~ x + z")
QUIET = {"permutations": 9}
STUDY = """
[data]
sample = "nc"
[weights.W]
spec = "queen"
[[tables]]
kind = "weights"
name = "weights"
"""


@functools.cache
def wide() -> sp.Panel:
    """Return a panel with cohorts of a policy, times enough, and a censored outcome."""
    rng = np.random.default_rng(8)
    index = pd.MultiIndex.from_product([[f"{i:02d}" for i in range(40)], range(2000, 2006)], names=["i", "t"])
    frame = pd.DataFrame(rng.normal(size=(240, 4)), index=index, columns=["x", "z", "m", "y"])
    frame["cohort"] = np.repeat([0, 2002, 2003, 0], 60)
    unit = rng.normal(size=40).repeat(6)
    frame["shock"] = 2 * frame["m"] + rng.normal(size=240)
    frame["y"] += frame["x"] + 0.5 * frame["m"] + unit
    frame["limited"] = frame["y"].clip(lower=0)
    frame["half"] = np.repeat(["a", "b"], 120)
    frame["d"] = ((frame["cohort"] > 0) & (index.get_level_values(1) >= frame["cohort"])).astype(float)
    return sp.Panel.from_frame(frame.reset_index(), unit="i", time="t")


@functools.cache
def fit() -> Any:
    return sp.models.fixed_effects("y ~ x + z", wide())


@functools.cache
def system() -> Any:
    n = wide().n_units
    ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    W = sp.Weights.from_dense(ring, ids=wide().units).row_standardized()
    return sp.models.SpatialSystem("y ~ x + z + W(y)", wide(), W, effects=("unit",)).fit("2sls")


@functools.cache
def instrumented() -> Any:
    return sp.models.fixed_effects("y ~ z | unit | shock ~ m", wide())


@functools.cache
def local() -> Any:
    return sp.local_moran(VALID["x"](), VALID["W"](), permutations=9)


@functools.cache
def by_time() -> pd.DataFrame:
    return sp.moran_panel(VALID["panel"](), "x", VALID["W"](), permutations=9)


@functools.cache
def moran() -> Any:
    return sp.moran(VALID["x"](), VALID["W"](), permutations=99)


@functools.cache
def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="spatial-fuzz-"))


def file(suffix: str) -> Path:
    return folder() / f"{next(_COUNT)}{suffix}"


_COUNT = itertools.count()


def study_file() -> Path:
    path = folder() / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def weights_file() -> Path:
    path = file(".gwt")
    VALID["W"]().write(path)
    return path


def a_ring() -> sp.Weights:
    n = wide().n_units
    return sp.Weights.from_dense(np.roll(np.eye(n), 1, axis=1), ids=wide().units)
