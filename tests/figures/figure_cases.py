"""Ids, random numbers and readers of what is drawn, for the tests of figures."""

from __future__ import annotations

from typing import Any

import numpy as np

IDS = list("abcdefghij")
RNG = np.random.default_rng(0)


def points(axes: Any) -> np.ndarray:
    return np.asarray(axes.collections[0].get_offsets())


def slope(axes: Any) -> float:
    line = next(line for line in axes.lines if line.get_gid() == "moran-line")
    return float(np.diff(line.get_ydata())[0] / np.diff(line.get_xdata())[0])


def said(axes: Any, gid: str) -> str:
    texts = [t.get_text() for t in axes.figure.texts if t.get_gid() == gid]
    return " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")
