"""Covariances as a study file writes them."""

from __future__ import annotations

from typing import Any

import pytest

import spatial as sp
from spatial.models.estimation.covariance import Cluster, Conley, DriscollKraay, TwoWay, WildBootstrap
from spatial.models.specs import covariance_columns, covariance_of


# ---- covariances by text
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cluster", Cluster()),
        ("cluster:region", Cluster("region")),
        ("conley:200:1", Conley(200.0, 1, coordinates=None)),
        ("twoway:region:year", TwoWay("region", "year")),
        ("twoway:unit:time:satterthwaite", TwoWay(small="satterthwaite")),
        ("driscoll-kraay:2", DriscollKraay(2)),
        ("wild:region", WildBootstrap("region", seed=5)),
        ("wild", WildBootstrap(seed=5)),
    ],
)
def test_covariance_texts(text: str, expected: Any) -> None:
    assert covariance_of(text, None, 5) == expected
    assert {covariance_of(t, None, 0).label for t in ("hom", "het")} == {"homoskedastic", "heteroskedastic"}


@pytest.mark.parametrize("text", ["conley", "conley:x", "conley:1:2:3", "twoway:a", "cluster:", "hom:1"])
def test_covariance_texts_that_cannot_be(text: str) -> None:
    with pytest.raises(sp.SpatialError, match="must be written"):
        covariance_of(text, None, 0)


def test_covariance_names_columns() -> None:
    assert covariance_columns("twoway:a:b") == ["a", "b"]
    assert covariance_columns("twoway:a:b:satterthwaite") == ["a", "b"]
    assert covariance_columns("conley:200") == []
    with pytest.raises(sp.SpatialError, match="above 0 km"):
        covariance_of("conley:-1", None, 0)
