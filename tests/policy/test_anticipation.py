"""Times of anticipation are neither treated nor compared with, by every method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import SpatialError
from spatial.models import did

pytestmark = pytest.mark.filterwarnings("ignore::spatial.errors.SpatialWarning")

N, YEARS, START = 60, np.arange(2000, 2009), 2005
SEVERAL = [
    "twfe",
    "callaway-santanna",
    "sun-abraham",
    "borusyak-jaravel-spiess",
    "gardner",
    "stacked",
    "etwfe",
]


def drawn(cohorts: list[float], early: float = 0.0, ahead: int = 1) -> pd.DataFrame:
    """An effect that grows from 1, and `early` in the years before it."""
    rng = np.random.default_rng(5)
    first = rng.choice([np.nan, *cohorts], size=N)
    since = YEARS - first[:, None]
    y = rng.normal(size=(N, len(YEARS))) + np.where(since >= 0, 1 + 0.3 * since, 0.0)
    y += np.where((since < 0) & (since >= -ahead), early, 0.0)
    rows = pd.MultiIndex.from_product([[f"{i:02d}" for i in range(N)], YEARS], names=["unit", "year"])
    return pd.DataFrame({"y": y.ravel(), "first": np.repeat(first, len(YEARS))}, index=rows)


@pytest.mark.parametrize("ahead", [1, 2])
@pytest.mark.parametrize("method", [*SEVERAL, "synthetic"])
def test_what_happens_in_anticipation_changes_no_average(method: Any, ahead: int) -> None:
    cohorts = [START] if method == "synthetic" else [2004.0, START, 2006.0]
    plain, moved = (
        did(drawn(cohorts, early, ahead), "y", "first", method=method, anticipation=ahead)
        for early in (0.0, 10.0)
    )
    assert moved.att == pytest.approx(plain.att, rel=1e-7)
    if method not in ("twfe", "gardner", "borusyak-jaravel-spiess"):
        assert moved.std_error == pytest.approx(plain.std_error, rel=1e-6)


@pytest.mark.evidence(
    "models.did:gardner",
    "models.did:twfe",
    "models.did:borusyak-jaravel-spiess",
    kind="identity",
    source="means of the years since the policy less those before anticipation",
    digits=9,
)
@pytest.mark.parametrize("method", ["twfe", "borusyak-jaravel-spiess", "gardner"])
def test_with_one_cohort_the_average_is_a_difference_of_means(method: Any) -> None:
    data = drawn([START], 3.0, 2)
    wide, treated = data["y"].unstack(), data["first"].groupby(level=0).first() == START
    change = wide.loc[:, START:].mean(axis=1) - wide.loc[:, : START - 3].mean(axis=1)
    wanted = change[treated].mean() - change[~treated].mean()
    assert did(data, "y", "first", method=method, anticipation=2).att == pytest.approx(wanted, rel=1e-9)


@pytest.mark.evidence(
    "models.did:stacked", kind="identity", source="means since the policy less the year before anticipation"
)
def test_stacked_cohorts_are_measured_from_the_year_before_anticipation() -> None:
    data = drawn([START], 3.0, 2)
    wide, treated = data["y"].unstack(), data["first"].groupby(level=0).first() == START
    change = wide.loc[:, START:].mean(axis=1) - wide[START - 3]
    wanted = change[treated].mean() - change[~treated].mean()
    for method in ("stacked", "callaway-santanna", "sun-abraham"):
        found = did(data, "y", "first", method=method, anticipation=2)  # type: ignore[arg-type]
        assert found.att == pytest.approx(wanted, rel=1e-9)
    errors = [did(data, "y", "first", method=m, anticipation=2).std_error for m in ("stacked", "sun-abraham")]  # type: ignore[arg-type]
    assert abs(errors[0] / errors[1] - 1) < 0.05


def test_the_decomposition_is_refused_beside_anticipation() -> None:
    fit = did(drawn([2004.0, START]), "y", "first", method="twfe", anticipation=1)
    with pytest.raises(SpatialError, match="without anticipation; it is 1"):
        fit.bacon()
