"""Weights that differ between times: dense algebra, one W where they do not differ, coverage."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.errors import SpatialError
from spatial.models import SpatialSystem
from spatial.weights import Weights

pytestmark = pytest.mark.filterwarnings("ignore:Weak identification", "ignore:[0-9]* instruments for")

N, YEARS = 40, (2010, 2011, 2012, 2013)


@cache
def weights(year: int, n: int = N) -> Weights:
    rng = np.random.default_rng(year)
    links = (rng.random((n, n)) < 4 / n).astype(float)
    np.fill_diagonal(links, 0.0)
    links[np.arange(n), (np.arange(n) + 1) % n] = 1.0
    return Weights.from_dense(links, ids=range(n)).row_standardized()


BY_YEAR = {year: weights(year) for year in YEARS}


def draw(seed: int, n: int = N, rho: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mu, parts = rng.normal(size=n), []
    for year in YEARS:
        dense, x = weights(year, n).sparse.toarray(), rng.normal(size=(n, 2)) + 0.5 * mu[:, None]
        u = np.linalg.solve(np.eye(n) - rho * dense, rng.normal(size=n))
        y = np.linalg.solve(np.eye(n) - 0.4 * dense, x @ [1.0, -0.5] + mu + u)
        parts.append(pd.DataFrame({"i": range(n), "t": year, "x": x[:, 0], "z": x[:, 1], "y": y}))
    return pd.concat(parts)


def panel(frame: pd.DataFrame) -> sp.Panel:
    return sp.Panel.from_frame(frame, unit="i", time="t")


def test_lags_within_a_time_are_by_its_own_weights() -> None:
    frame = draw(0)
    lagged = np.concatenate([BY_YEAR[t].sparse @ frame[frame.t == t]["x"].to_numpy() for t in YEARS])
    by_hand = SpatialSystem("y ~ x + lagged", panel(frame.assign(lagged=lagged)), effects="unit").fit("ols")
    fit = SpatialSystem("y ~ x + W(x)", panel(frame), BY_YEAR, effects="unit").fit("ols")
    assert fit.params.to_numpy() == pytest.approx(by_hand.params.to_numpy(), rel=1e-10)
    assert fit.std_errors.to_numpy() == pytest.approx(by_hand.std_errors.to_numpy(), rel=1e-10)


@pytest.mark.parametrize("method", ["2sls", "gs2sls", "gs3sls", "gmm", "aqs"])
@pytest.mark.parametrize("effects", [(), ("unit",)], ids=["no effects", "unit effects"])
def test_the_same_weights_at_all_times_are_one_matrix(method: Any, effects: tuple[str, ...]) -> None:
    data = panel(draw(1, rho=0.3))
    options: dict[str, Any] = {"effects": effects, "error": "W"}
    one = SpatialSystem("y ~ x + z + W(y)", data, weights(2010), **options).fit(method)
    many = SpatialSystem("y ~ x + z + W(y)", data, dict.fromkeys(YEARS, weights(2010)), **options).fit(method)
    # The joint estimator finds its expected slopes by probes there: other weights of the same moments.
    allowed = 0.2 * one.std_errors if method == "aqs" else 1e-7
    assert ((many.params - one.params).abs() <= allowed).all()
    assert many.std_errors.to_numpy() == pytest.approx(one.std_errors.to_numpy(), rel=0.05)


def test_a_mapping_a_name_and_a_function_say_the_same_in_any_order() -> None:
    data = panel(draw(2))
    turned: Mapping[Any, Any] = {t: BY_YEAR[t].reordered(range(N - 1, -1, -1)) for t in reversed(YEARS)}
    fits = [
        SpatialSystem("y ~ x + z + W(y)", data, given, effects="unit").fit("gs2sls")
        for given in (BY_YEAR, {"W": BY_YEAR}, lambda year: weights(year), turned, {"W": weights})
    ]
    for fit in fits[1:]:
        assert fit.params.to_numpy() == pytest.approx(fits[0].params.to_numpy(), rel=1e-9)
    assert "one for each of 4 times" in fits[0].summary()


def test_effects_are_means_over_the_times() -> None:
    fit = SpatialSystem("y ~ x + z + W(y)", panel(draw(3)), BY_YEAR, effects="unit").fit("gs2sls")
    lam, b = fit.params["y", "W(y)"], fit.params["y", "x"]
    S = [np.linalg.inv(np.eye(N) - lam * w.sparse.toarray()) * b for w in BY_YEAR.values()]
    effects = fit.impacts()
    table = effects.tidy().set_index(["term", "effect"])["estimate"]
    assert table["x", "direct"] == pytest.approx(np.mean([np.trace(s) for s in S]) / N, rel=1e-8)
    assert table["x", "total"] == pytest.approx(np.mean([s.sum() for s in S]) / N, rel=1e-8)
    sent = effects.units("y", "x", ["sent"])["sent"]
    assert sent.to_numpy() == pytest.approx(np.mean([s.sum(axis=0) for s in S], axis=0), rel=1e-8)
    assert fit.diagnostics().glance().loc[0, "computed"] > 0
    assert np.isfinite(fit.moran(permutations=0).tidy().loc[0, "I"])


def test_unbalanced_panels_and_rows_have_the_weights_of_their_time() -> None:
    frame = draw(4)
    hole = frame[~((frame.i == 3) & (frame.t == 2011))]
    system = SpatialSystem("y ~ x + z + W(y)", panel(hole), BY_YEAR, effects="unit", unbalanced="induced")
    assert system.fit("gs2sls").n_obs == N * len(YEARS) - 1
    chosen = SpatialSystem("y ~ x + W(x)", panel(frame), BY_YEAR).fit("ols", where="t >= 2012")
    some = {t: BY_YEAR[t] for t in YEARS[2:]}
    late = SpatialSystem("y ~ x + W(x)", panel(frame[frame.t >= 2012]), some).fit("ols")
    assert chosen.params.to_numpy() == pytest.approx(late.params.to_numpy(), rel=1e-10)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({t: BY_YEAR[t] for t in YEARS[:3]}, "have none for 2013; they have 2010, 2011, 2012"),
        ({t: weights(t, 30) for t in YEARS}, "must have the same ids"),
        ({"W 1": BY_YEAR}, "is not a name that can be"),
        ({"log": BY_YEAR}, "is not a name that can be"),
    ],
)
def test_refusals(given: Any, message: str) -> None:
    with pytest.raises(SpatialError, match=message):
        SpatialSystem("y ~ x + W(y)", panel(draw(5)), given)


def test_what_cannot_take_them_says_why() -> None:
    data = panel(draw(6))
    with pytest.raises(SpatialError, match="same weights at all times"):
        SpatialSystem("y ~ x + W(y)", data, BY_YEAR, effects="unit").fit("ml")
    with pytest.raises(SpatialError, match="takes one W for all times"):
        sp.models.spreg("ML_LagFE", "y ~ x", data, BY_YEAR)
    with pytest.raises(SpatialError, match="panels of two times or more"):
        SpatialSystem("y ~ x + W(y)", draw(6).query("t == 2010").set_index("i"), BY_YEAR)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_intervals_cover_with_weights_by_time() -> None:
    n, covered = 80, []
    given = {year: weights(year, n) for year in YEARS}
    for seed in range(100):
        data = panel(draw(1000 + seed, n, rho=0.4))
        for method in ("2sls", "gs3sls", "aqs"):
            system = SpatialSystem(
                "y ~ x + z + W(y)", data, given, effects="unit", error=None if method == "2sls" else "W"
            )
            table = system.fit(method).confint(method="wald").set_index("term")  # type: ignore[arg-type]
            truth = {"x": 1.0, "z": -0.5, "W(y)": 0.4}
            covered += [
                (method, term, table.loc[term, "conf_low"] <= v <= table.loc[term, "conf_high"])
                for term, v in truth.items()
            ]
    found = pd.DataFrame(covered, columns=["method", "term", "covered"]).groupby(["method", "term"])[
        "covered"
    ]
    share = found.mean()
    slopes = share.drop("W(y)", level="term")
    assert (slopes[["2sls", "gs3sls"]] > 0.88).all()
    # Unit effects that the filter changes: too seldom for a default, and the fit says so.
    assert (share["aqs"] > 0.78).all()
