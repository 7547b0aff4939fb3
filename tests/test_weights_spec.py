"""Weights by a short text."""

from __future__ import annotations

from typing import Any

import pytest

import spatial as sp


@pytest.mark.parametrize(
    ("spec", "built"),
    [
        ("queen", lambda c: sp.weights.contiguity(c)),
        ("rook", lambda c: sp.weights.contiguity(c, rook=True)),
        ("knn:8", lambda c: sp.weights.knn(c, 8)),
        ("band:100", lambda c: sp.weights.distance_band(c, 100)),
        ("inverse:2", lambda c: sp.weights.inverse_distance(c, power=2)),
        ("inverse:1:150", lambda c: sp.weights.inverse_distance(c, cutoff_km=150)),
        ("kernel:100", lambda c: sp.weights.kernel(c, bandwidth_km=100)),
    ],
)
def test_each_text_is_its_builder(nc: Any, spec: str, built: Any) -> None:
    assert sp.weights.from_spec(nc, spec).equals(built(nc))


@pytest.mark.parametrize(
    ("spec", "islands", "message"),
    [
        ("quen", "raise", "Did you mean 'queen'"),
        ("knn", "raise", "must be written knn:NEIGHBOURS"),
        ("knn:2.5", "raise", "must be written knn:NEIGHBOURS"),
        ("inverse:1:2:3", "raise", "must be written inverse:POWER"),
        ("band:far", "raise", "with numbers after the colon"),
        ("knn:4", "drop", "islands must be one of raise, keep, nearest; got 'drop'"),
    ],
)
def test_refusals(nc: Any, spec: str, islands: str, message: str) -> None:
    with pytest.raises(sp.WeightsError, match=message):
        sp.weights.from_spec(nc, spec, islands=islands)
