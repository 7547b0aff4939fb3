"""Estimators of arrays: what they are equal to, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spatial.models.data.effects import within
from spatial.models.estimation.least_squares import three_stage, two_stage


def test_diagonal_sigma_makes_3sls_equal_2sls() -> None:
    rng = np.random.default_rng(1)
    R, r = [rng.normal(size=(9, 4)), rng.normal(size=(9, 3))], [rng.normal(size=9), rng.normal(size=9)]
    for precision in (np.eye(2), np.diag([2.0, 0.1])):
        np.testing.assert_allclose(three_stage(R, r, precision).delta, two_stage(R, r).delta, 1e-13)


def test_within_of_arrays() -> None:
    from spatial.models.data.layout import balanced_layout

    layout = balanced_layout(pd.Index([1, 2]), pd.Index([1, 2]))
    values = np.array([1.0, 2.0, 3.0, 8.0])  # (t, i): 11, 12, 21, 22
    np.testing.assert_allclose(within(values, layout, True, False), [-1, -3, 1, 3])
    np.testing.assert_allclose(within(values, layout, True, True), [1, -1, -1, 1])
