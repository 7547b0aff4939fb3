"""Rows in another order change no output: everything is matched by id."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from odd_arguments import Given
from test_public_face import CALLS, made

import spatial as sp
from spatial.errors import SpatialWarning

# What is drawn or written, and what reads rows as they come.
LEFT_OUT = {
    "read_cities": "keeps the order of the file",
    "read_reference": "keeps the order of the file",
    "explore": "a page; its numbers have tests of their own",
    "write_web": "a folder of files",
    "write_layers": "a file",
    "raster_values": "cells have places, not ids",
}
SHUFFLED = ("x", "table", "cities", "panel")


def shuffled(value: Any) -> Any:
    if isinstance(value, sp.Panel):
        rows = value.frame.sample(frac=1, random_state=3).reset_index()
        return sp.Panel.from_frame(rows, unit=value.unit_name, time=value.time_name, labels=value.labels)
    return value.sample(frac=1, random_state=3)


def kinds_of(name: str) -> dict[str, str]:
    """Return the arguments of a call whose rows have ids, by kind."""
    kinds = {a: k.kind if isinstance(k, Given) else k for a, k in CALLS[name][1].items()}
    return {a: k for a, k in kinds.items() if isinstance(k, str) and k in SHUFFLED}


def frames(value: Any, depth: int = 0) -> list[Any]:
    """Return what a result holds as tables by label, arrays and numbers."""
    if isinstance(value, sp.Weights):
        return [pd.DataFrame(value.sparse.toarray(), value.ids, value.ids)]
    if isinstance(value, sp.Panel):
        return [value.frame]
    if isinstance(value, (pd.Series, pd.DataFrame, int, float, str, np.number)):
        return [value]
    if isinstance(value, (tuple, list)):
        return [part for item in value for part in frames(item, depth + 1)]
    if hasattr(value, "tidy"):
        return [value.tidy()]
    if dataclasses.is_dataclass(value) and depth < 2:
        return [part for f in dataclasses.fields(value) for part in frames(getattr(value, f.name), depth + 1)]
    return []


def same(a: Any, b: Any) -> bool:
    if isinstance(a, (pd.Series, pd.DataFrame)):
        if not a.index.is_unique:
            return len(a) == len(b)
        b = b.reindex(a.index) if a.index.sort_values().equals(b.index.sort_values()) else b
        if isinstance(a, pd.DataFrame):
            b = b[list(a.columns)] if set(a.columns) == set(b.columns) else b
            return a.columns.equals(b.columns) and all(
                same(a.iloc[:, k], b.iloc[:, k]) for k in range(a.shape[1])
            )
        if pd.api.types.is_numeric_dtype(a.dtype) and pd.api.types.is_numeric_dtype(b.dtype):
            one, two = (v.to_numpy(float, na_value=np.nan) for v in (a, b))
            return a.index.equals(b.index) and np.allclose(one, two, rtol=1e-9, atol=1e-12, equal_nan=True)
        return a.index.equals(b.index) and a.astype(str).tolist() == b.astype(str).tolist()
    if isinstance(a, (float, np.floating)):
        return bool(np.isclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))
    return bool(a == b)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in CALLS if n not in LEFT_OUT and kinds_of(n)])
def test_the_order_of_rows_changes_no_output(name: str) -> None:
    function, kinds = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SpatialWarning)
        expected = frames(function(**made(kinds)))
        for argument in kinds_of(name):
            arguments = made(kinds)
            arguments[argument] = shuffled(arguments[argument])
            found = frames(function(**arguments))
            assert len(found) == len(expected), argument
            assert all(map(same, expected, found)), argument
