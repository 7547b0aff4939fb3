"""Kernels, laws and options of the covariances, as functions of arrays and of names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spatial.errors import DataError
from spatial.models import (
    Cluster,
    Conley,
    Homoskedastic,
)
from spatial.models.estimation.covariance import as_covariance
from spatial.models.estimation.laws import fixed_b_law
from spatial.models.estimation.scores import (
    bartlett_lags,
    kernel_weights,
    nearest_psd,
)


def test_the_fixed_b_law_is_that_of_simulated_statistics() -> None:
    """t of the mean of 400 normal draws, Bartlett with b = .1: quantiles of |t|."""
    rng, T_, draws = np.random.default_rng(1), 400, 4000
    e = rng.normal(size=(T_, draws))
    centred, lags = e - e.mean(axis=0), 39
    V = np.sum(centred**2, axis=0)
    for lag in range(1, lags + 1):
        V += 2 * (1 - lag / (lags + 1)) * np.sum(centred[lag:] * centred[:-lag], axis=0)
    t = np.abs(e.sum(axis=0) / np.sqrt(V))
    law = fixed_b_law(0.1)
    for level in (0.9, 0.95, 0.98):
        assert np.quantile(t, level) == pytest.approx(law.quantile(level), rel=0.04)


def test_nearest_psd() -> None:
    bad = np.array([[1.0, 2.0], [2.0, 1.0]])
    fixed, changed = nearest_psd(bad)
    assert changed
    np.testing.assert_allclose(fixed, [[1.5, 1.5], [1.5, 1.5]])
    good, changed = nearest_psd(np.diag([1e-12, 1e12]))
    assert not changed
    np.testing.assert_array_equal(good, np.diag([1e-12, 1e12]))


def test_bartlett_lags() -> None:
    assert [bartlett_lags(t) for t in (2, 10, 100)] == [1, 2, 4]


def test_kernel_weights_are_symmetric() -> None:
    K = kernel_weights(np.array([0.0, 0.5, 90.0]), np.array([0.0, 0.0, 0.0]), 100.0, "bartlett").toarray()
    np.testing.assert_allclose(K, K.T)
    np.testing.assert_array_equal(np.diag(K), 1)
    assert K[0, 1] == pytest.approx(1 - 6371.0088 * np.radians(0.5) / 100)
    assert K[0, 2] == 0


# ---- messages
def test_choices_by_name() -> None:
    assert as_covariance("hom") == Homoskedastic()
    assert as_covariance(Cluster("a")) == Cluster("a")
    with pytest.raises(
        DataError, match=r"cov must be one of 'hom', .* got 'clustr'. Did you mean 'cluster'\?"
    ):
        as_covariance("clustr")
    with pytest.raises(DataError, match="got 3"):
        as_covariance(3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"km": 0}, "bandwidth above 0 km; got 0"),
        ({"km": "200"}, "bandwidth above 0 km; got '200'"),
        ({"km": 1, "lags": -1}, "whole number of time lags"),
        ({"km": 1, "kernel": "box"}, "Kernels are bartlett, uniform, epanechnikov, parzen; got 'box'"),
    ],
)
def test_conley_options(options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Conley(**options)
