"""What is common to a unit or to a time changes no difference-in-differences, and no error of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.models import did

pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")

METHODS = [
    ("twfe", "never"),
    ("callaway-santanna", "never"),
    ("callaway-santanna", "not-yet"),
    ("sun-abraham", "never"),
    ("borusyak-jaravel-spiess", "never"),
    ("gardner", "never"),
    ("stacked", "never"),
    ("stacked", "not-yet"),
    ("etwfe", "never"),
]
N, YEARS = 60, np.arange(2000, 2008)


def drawn(seed: int, shocks: float = 0.0, own: float = 0.0) -> pd.DataFrame:
    """Three cohorts without an effect, with effects of units and times of these standard deviations."""
    rng = np.random.default_rng(seed)
    first = rng.choice([np.nan, 2003, 2004, 2005], p=[0.4, 0.2, 0.2, 0.2], size=N)
    y = rng.normal(size=(N, len(YEARS)))
    y = y + own * rng.normal(size=(N, 1)) + shocks * rng.normal(size=len(YEARS))
    rows = pd.MultiIndex.from_product([[f"{i:02d}" for i in range(N)], YEARS], names=["unit", "year"])
    return pd.DataFrame({"y": y.ravel(), "first": np.repeat(first, len(YEARS))}, index=rows)


@pytest.mark.parametrize(("method", "group"), METHODS)
def test_effects_of_units_and_times_change_neither_estimates_nor_errors(method: Any, group: Any) -> None:
    """Crises and booms that all units share: five standard deviations of the errors."""
    fits = [
        did(drawn(2, *sizes), "y", "first", method=method, control_group=group)
        for sizes in ((0.0, 0.0), (5.0, 5.0))
    ]
    plain, shocked = (fit.tidy().select_dtypes("number").to_numpy(float) for fit in fits)
    np.testing.assert_allclose(shocked, plain, rtol=1e-7, atol=1e-9)
    paths = [fit.event_study().select_dtypes("number").to_numpy(float) for fit in fits]
    np.testing.assert_allclose(paths[1], paths[0], rtol=1e-7, atol=1e-9)


@pytest.mark.evidence(
    "models.did:stacked", kind="simulation", source="spread of 60 estimates under common shocks"
)
@pytest.mark.slow
def test_errors_of_stacked_cohorts_are_the_spread_of_their_estimates() -> None:
    fits = [did(drawn(s, 3.0), "y", "first", method="stacked") for s in range(60)]
    spread, error = np.std([f.att for f in fits]), np.mean([f.std_error for f in fits])
    assert 0.8 < error / spread < 1.2  # 2.1 with the shocks left in the residuals
