"""`fit(intervals=...)`: tables and effects say the intervals that were asked for, those of `confint`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from spatial.errors import DataError
from spatial.models import SpatialSystem
from spatial.panel.panel import Panel
from spatial.tables import regression_table
from spatial.weights import Weights

ENDS = ["p_value", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "z"])
    dense = W.sparse.toarray()
    e = np.linalg.solve(np.eye(60) - 0.3 * dense, rng.normal(size=60))
    return data.assign(y=np.linalg.solve(np.eye(60) - 0.4 * dense, 3 * data["x"] - 2 * data["z"] + e))


W = Weights.from_dense(np.roll(np.eye(60), 1, axis=1) + np.roll(np.eye(60), -1, axis=1)).row_standardized()


def _fit(data: pd.DataFrame, method: Any, **options: Any) -> Any:
    return SpatialSystem("y ~ x + z + W(y)", data, W, error="W").fit(method, **options)


def _same(a: pd.DataFrame, b: pd.DataFrame) -> None:
    np.testing.assert_allclose(a[ENDS].to_numpy(), b[ENDS].to_numpy(), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    ("method", "intervals"),
    [
        pytest.param("ml", "lr", marks=pytest.mark.slow),
        ("aqs", "wald"),
        pytest.param("aqs", "distance", marks=pytest.mark.slow),
    ],
)
def test_what_is_asked_of_the_fit_is_what_confint_gives_by_name(
    data: pd.DataFrame, method: str, intervals: Any
) -> None:
    plain, asked = _fit(data, method), _fit(data, method, intervals=intervals)
    assert asked.params.equals(plain.params)
    expected = plain.confint(method=intervals)
    _same(asked.tidy(), expected)
    _same(asked.confint(), expected)
    assert (asked.confint()["method"] == intervals).all()
    effects, by_name = asked.impacts(), plain.impacts().confint(method=intervals)
    _same(effects.tidy(), by_name)
    _same(effects.confint(), by_name)
    # Another covariance keeps the choice; by unit there are standard errors where ratios are of averages.
    again = asked.vcov("observed" if method == "ml" else "het")
    assert set(again.confint()["method"]) == {intervals}
    assert len(effects.confint(outcome="y", term="x", by_unit="sent")) == 60


def test_the_default_is_what_it_was(data: pd.DataFrame) -> None:
    assert set(_fit(data, "aqs").confint()["method"]) == {"distance"}
    assert set(_fit(data, "ml").confint()["method"]) == {"wald"}


@pytest.mark.slow
def test_tables_say_how_intervals_and_stars_were_found(data: pd.DataFrame) -> None:
    fits = {"ML": _fit(data, "ml", intervals="lr"), "AQS": _fit(data, "aqs", intervals="wald")}
    english = regression_table(fits, impacts=True).to_markdown()
    said = next(line for line in english.splitlines() if "by likelihood ratios, not from" in line)
    assert "1" in said
    assert "2" not in said
    assert "distance of the quasi-score" not in english
    assert "by the delta method; their intervals and stars as those of the coefficients" in english
    assert "的置信区间与显著性由似然比得到" in regression_table(fits, lang="zh").to_markdown()
    low, high = fits["ML"].confint().loc[lambda f: f["term"] == "x", ["conf_low", "conf_high"]].iloc[0]
    assert f"[{low:.3f}, {high:.3f}]" in english.replace("\\", "")
    assert "95 % intervals in brackets, by likelihood ratios" in fits["ML"].impacts().summary()


@pytest.mark.parametrize(
    ("method", "intervals", "message"),
    [
        ("gs3sls", "lr", r"need a likelihood; this fit is by 'gs3sls'.*or intervals='wald'"),
        ("ml", "distance", r"made from the joint estimator; this fit is by 'ml'.*or intervals='wald'"),
        ("ml", "likelihood", r"intervals is 'distance', 'lr' or 'wald'; got 'likelihood'"),
    ],
)
def test_intervals_that_a_method_has_not_are_refused_before_it_runs(
    data: pd.DataFrame, method: str, intervals: Any, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        _fit(data, method, intervals=intervals)


@pytest.mark.filterwarnings("ignore:Nickell bias")
def test_a_biased_likelihood_gives_no_ratios() -> None:
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([range(60), range(5)], names=["unit", "time"])
    panel = pd.DataFrame(rng.normal(size=(300, 2)), index=index, columns=["y", "x"]).reset_index()
    system = SpatialSystem(
        "y ~ lag(y, 1) + x + W(y)", Panel.from_frame(panel, unit="unit", time="time"), W, effects=("unit",)
    )
    with pytest.raises(DataError, match="biased in dynamic models"):
        system.fit("ml", intervals="lr")
