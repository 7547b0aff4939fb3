"""Whatever is passed to the functions of weights: an answer, or a SpatialError; never a foreign one."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sparse

import spatial as sp
from spatial.errors import DataError, SpatialError, WeightsError
from spatial.weights import Weights

W = Weights.from_dense([[0.0, 1, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1], [0, 1, 1, 0]], ids=list("abcd"))
DAY = datetime.date(2020, 1, 1)
JUNK: list[Any] = [
    *(None, 5, -1, 1.5, np.nan, np.inf, True, 2**70, "x", "", DAY, object(), decimal.Decimal(1)),
    *(
        [],
        {},
        [None],
        ["a", "zz"],
        [[1], [2]],
        pd.Series([1, 2]),
        pd.Series(list("aabb"), index=list("abcd")),
    ),
    *(np.ones((2, 2)), np.ones(4) * 1j, np.array(["a"] * 4), W, sparse.eye_array(4), pd.DataFrame()),
]
MATRICES: list[Any] = [
    *JUNK,
    *([[0, "a"], [1, 0]], [[0, None], [1, 0]], [[0, 1], [1]], [[0, DAY], [DAY, 0]], np.ones((2, 2, 2))),
    *(np.array([[0, 1j], [1, 0]]), np.array([["2020-01-01"] * 2] * 2, dtype="M8[D]"), np.zeros((0, 0))),
    np.ma.masked_array([[0, 1.0], [1, 0]], mask=[[0, 1], [0, 0]]),
    *(pd.DataFrame([[0, v], [1, 0]], ["a", "b"], ["a", "b"]) for v in ("x", 1j, None)),
]
WEIGHTS: list[Any] = [
    ["a", "b"],
    [1j, 2],
    [None, 1],
    [DAY, DAY],
    [np.inf, 1],
    pd.to_datetime(["2020", "2021"]),
]
FRAMES: list[Any] = [
    *JUNK,
    *(pd.DataFrame({"i": [1, 2], "j": [2, 1], "w": w}) for w in WEIGHTS),
    *(pd.DataFrame({"i": i, "j": [2, 1], "w": 1.0}) for i in ([[1], [2]], [1, "a"], [1.5, 2], [True, False])),
]
METHODS = ["subset", "reordered", "intersect", "higher_order", "block", "scaled"]
METHODS += ["neighbors", "lag", "union", "compare", "write"]


@pytest.fixture(scope="module")
def nc() -> Any:
    return sp.shapefiles.load("nc").iloc[:12]


def answers(call: Callable[[], Any], what: str) -> None:
    try:
        call()
    except SpatialError:
        return
    except Exception as error:
        pytest.fail(f"{what}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("name", METHODS)
def test_methods(name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for junk in JUNK:
        answers(lambda junk=junk: getattr(W, name)(junk), f"{name}({junk!r})")


def test_constructors() -> None:
    for make, all_junk in (
        (Weights.from_dense, MATRICES),
        (Weights.from_sparse, MATRICES),
        (Weights.from_frame, FRAMES),
        (Weights.from_graph, JUNK),
        (Weights.from_w, JUNK),
        (sp.weights.as_weights, JUNK),
    ):
        for junk in all_junk:
            answers(lambda make=make, junk=junk: make(junk), f"{make.__name__}({junk!r})")
    for junk in JUNK:
        answers(lambda junk=junk: Weights.from_dense(np.ones((4, 4)), ids=junk), f"ids={junk!r}")
        answers(lambda junk=junk: Weights(junk, sparse.eye_array(4)), f"Weights({junk!r})")


def test_builders(nc: Any) -> None:
    build: dict[str, Callable[[Any], Any]] = {
        "knn": lambda x: sp.weights.knn(nc, x),
        "band": lambda x: sp.weights.distance_band(nc, x),
        "power": lambda x: sp.weights.inverse_distance(nc, power=x),
        "bandwidth_km": lambda x: sp.weights.kernel(nc, bandwidth_km=x),
        "contiguity": sp.weights.contiguity,
        "bridge": lambda x: sp.weights.contiguity(nc, bridge=x, islands="keep"),
        "snap_km": lambda x: sp.weights.contiguity(nc, snap_km=x, islands="keep"),
        "delaunay": sp.weights.delaunay,
        "grid": sp.weights.grid,
        "economic": sp.weights.economic,
        "block": sp.weights.block,
        "gravity": lambda x: sp.weights.gravity(nc, x),
        "from_spec": lambda x: sp.weights.from_spec(nc, x),
        "read": sp.weights.read,
        "nested": lambda x: sp.weights.nested(W, W, x),
        "add": lambda x: W.edit(add=x),
        "cut": lambda x: W.edit(cut=x),
        "x": lambda x: W.compare(W, x),
        "axis": lambda x: W.lag(np.ones((4, 4, 4)), axis=x),
        "islands": lambda x: W.subset(["a", "b"], islands=x),
        "values_to_raster": lambda x: sp.weights.values_to_raster(x, x),
        "great_circle_km": lambda x: sp.weights.great_circle_km(x, 0, 1, 1),
    }
    for name, call in build.items():
        for junk in JUNK:
            answers(lambda call=call, junk=junk: call(junk), f"{name}={junk!r}")


def test_the_messages_of_some() -> None:
    with pytest.raises(DataError, match="must have ids in one list, text or whole numbers; got int"):
        W.subset(5)
    with pytest.raises(DataError, match=r"The ids given must have ids in one list.*unhashable"):
        W.reordered([[1], [2]])
    with pytest.raises(WeightsError, match="finite number other than zero; got 'x'"):
        W.scaled("x")  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="named by a short text, as 'knn:8'; got int"):
        sp.weights.from_spec(None, 5)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match=r"bridge must be a list of pairs of ids or names; got 5"):
        sp.weights.contiguity(sp.shapefiles.load("nc"), bridge=5)  # type: ignore[arg-type]
    with pytest.raises(WeightsError, match="Units of links must be text or numbers; some are lists"):
        Weights.from_frame(pd.DataFrame({"i": [[1]], "j": [2], "w": 1.0}))
    big = Weights.from_sparse(sparse.csr_array((70_000, 70_000)))
    with pytest.raises(WeightsError, match=r"70,000 units would take 39\.2 GB; the limit is 3\.2 GB"):
        big.to_dense()
    assert W.higher_order(2**60, lower=True).n_links == 12  # it ends where nobody is farther away
