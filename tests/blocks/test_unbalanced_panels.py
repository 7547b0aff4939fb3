"""Unbalanced panels on disk: the fits of memory, whichever cells are absent; what cannot be is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from blocks_cases import open_panel_of, system_data
from test_open_weights import cities

import spatial as sp
from spatial.errors import AlignmentError, DataError, WeightsError
from spatial.models import SpatialSystem

FORMULAS = ["y ~ p + W(y) + a", "p ~ y + W(p) + b + W(b)"]


def _with_holes(frame: pd.DataFrame, seed: int = 3) -> pd.DataFrame:
    """Leave out a fifth of the rows, one city at all but one time, and values of b."""
    rng = np.random.default_rng(seed)
    kept = frame[rng.uniform(size=len(frame)) > 0.2]
    kept = kept[(kept["city"] != "c005") | (kept["year"] == kept.loc[kept["city"] == "c005", "year"].max())]
    return kept.assign(b=kept["b"].where(rng.uniform(size=len(kept)) > 0.05))


def _panel(frame: pd.DataFrame) -> sp.Panel:
    return sp.Panel.from_frame(frame, unit="city", time="year")


def _same(found: Any, expected: Any) -> None:
    one, two = found.tidy(), expected.tidy()
    assert one[["equation", "term"]].equals(two[["equation", "term"]])
    assert np.allclose(one["estimate"], two["estimate"], rtol=1e-10, atol=1e-11)
    assert np.allclose(one["std_error"], two["std_error"], rtol=1e-10)
    assert np.allclose(one["p_value"], two["p_value"], rtol=1e-8, atol=1e-12)
    assert np.allclose(found.r_squared_within, expected.r_squared_within, rtol=1e-10)
    assert set(found.instruments) == set(expected.instruments)
    assert (found.n_obs, found.n_effective) == (
        int(expected.glance()["n_obs"].iloc[0]),
        expected.n_effective,
    )
    assert set(found.notes) <= set(expected.notes)


CASES: dict[str, tuple[Any, str, str, Any]] = {
    "two-way, clustered": (("unit", "time"), "cluster", "gs3sls", FORMULAS),
    "units, by cell": ("unit", "het", "3sls", FORMULAS),
    "times, homoskedastic": ("time", "hom", "gs2sls", FORMULAS),
    "no effects": ((), "cluster", "2sls", FORMULAS),
    "a time lag": (("unit", "time"), "cluster", "3sls", ["y ~ p + W(y) + lag(a, 1)", "p ~ y + b"]),
}


@pytest.mark.evidence("open_panel", kind="identity", source="the fits of the same unbalanced panel in memory")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:Weak identification")
def test_cells_that_are_complete_give_the_numbers_of_memory(tmp_path: Path, case: str) -> None:
    effects, cov, method, formulas = CASES[case]
    frame, W = system_data(n=60, t=6)
    holes = _with_holes(frame)
    given = {"effects": effects, "unbalanced": "induced"}
    memory = SpatialSystem(formulas, _panel(holes), W, **given).fit(method, cov=cov)
    system = SpatialSystem(formulas, open_panel_of(holes, tmp_path, "mixed"), W, **given)
    one = system.fit(method, cov=cov, executor=1)
    _same(one, memory)
    effects_of = [fit.impacts().tidy() for fit in (one, memory)]
    pd.testing.assert_frame_equal(*effects_of, rtol=1e-8, atol=1e-11)
    for threads in (2, 7):
        other = system.fit(method, cov=cov, executor=threads)
        assert np.array_equal(other.delta, one.delta)
        assert np.array_equal(other.inference.cov, one.inference.cov)
    assert f"unbalanced: {one.n_obs} of " in one.summary()


@pytest.mark.filterwarnings("ignore:Weak identification")
def test_a_unit_that_is_never_complete_and_parts_that_nothing_connects_are_counted_as_in_memory(
    tmp_path: Path,
) -> None:
    frame, W = system_data(n=60, t=6)
    half = frame["city"].str[1:].astype(int) < 30  # half of the cities early, the others late
    apart = frame[half == (frame["year"] < 2003)]
    apart = apart.assign(a=apart["a"].where(apart["city"] != "c007"))
    given = {"effects": ("unit", "time"), "unbalanced": "induced"}
    memory = SpatialSystem("y ~ W(y) + a + b", _panel(apart), W, **given).fit("2sls", cov="cluster")
    found = SpatialSystem("y ~ W(y) + a + b", open_panel_of(apart, tmp_path, "years"), W, **given)
    fit = found.fit("2sls", cov="cluster")
    _same(fit, memory)
    assert (fit.n_units, fit.n_effective) == (59, 59 * 3 - (59 + 6 - 2))


@pytest.mark.filterwarnings("ignore:Weak identification")
def test_far_levels_of_units_cost_no_digits(tmp_path: Path) -> None:
    frame, W = system_data(n=60, t=6)
    holes = _with_holes(frame)
    moved = holes.assign(a=holes["a"] + 1e8)
    exact = holes.assign(a=moved["a"] - 1e8)
    # Lags of levels differ where a unit has no neighbour observed: none of a here.
    given = {"effects": ("unit", "time"), "unbalanced": "induced", "iv_order": 0}
    fits = [
        SpatialSystem("y ~ a + b", open_panel_of(f, tmp_path / name, "years"), W, **given).fit("3sls")
        for name, f in (("a", exact), ("b", moved))
    ]
    assert np.allclose(fits[1].delta, fits[0].delta, rtol=1e-8, atol=1e-9)
    assert np.allclose(fits[1].std_errors, fits[0].std_errors, rtol=1e-8)


@pytest.mark.parametrize("method", ["gs3sls", "aqs"])
@pytest.mark.filterwarnings("ignore:Weak identification")
def test_complete_units_alone_are_a_balanced_panel_with_spatial_errors(tmp_path: Path, method: str) -> None:
    frame, W = system_data(n=60, t=6)
    few = frame[~frame["city"].isin(["c003", "c017"]) | (frame["year"] > 2001)]
    given = {"effects": ("unit", "time"), "error": "W", "unbalanced": "balance"}
    memory = SpatialSystem(FORMULAS, _panel(few), W, **given).fit(method, cov="cluster")
    system = SpatialSystem(FORMULAS, open_panel_of(few, tmp_path, "years"), W, **given)
    fit = system.fit(method, cov="cluster")
    assert np.allclose(fit.tidy()["estimate"], memory.tidy()["estimate"], rtol=1e-10, atol=1e-11)
    assert np.allclose(fit.tidy()["std_error"], memory.tidy()["std_error"], rtol=1e-9)
    assert fit.notes == memory.notes[:1] == ("2 incomplete units dropped, with 6.7% of the links",)
    assert fit.n_obs == 58 * 6


def test_weights_by_blocks_are_cut_to_the_observed_as_they_are_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("weights.blocks.folder", "weights.blocks.stencil"):
        monkeypatch.setattr(f"spatial.{module}.ROWS", 70)
    monkeypatch.setattr("spatial.models.large.lags.ROWS", 64)
    places = cities(200)
    stored = sp.weights.knn(places, 5).row_standardized()
    opened = sp.weights.knn(places, 5, folder=tmp_path / "w").row_standardized()
    rng = np.random.default_rng(0)
    (tmp_path / "p").mkdir()
    for year in range(5):
        a, b, e = rng.normal(size=(3, 200))
        y = np.linalg.solve(np.eye(200) - 0.4 * stored.sparse.toarray(), a + b + e)
        table = pd.DataFrame({"city": places.index, "year": year, "y": y, "a": a, "b": b})
        table = table if year == 2 else table.sample(frac=0.8, random_state=year)
        table.to_parquet(tmp_path / "p" / f"{year}.parquet")
    panel = sp.open_panel(tmp_path / "p", unit="city", time="year")
    given = {"effects": ("unit", "time"), "unbalanced": "induced"}
    fits = [SpatialSystem("y ~ W(y) + a + W(b)", panel, w, **given).fit("2sls") for w in (stored, opened)]
    assert np.array_equal(fits[0].delta, fits[1].delta)
    assert np.array_equal(fits[0].inference.cov, fits[1].inference.cov)
    _same(fits[1], SpatialSystem("y ~ W(y) + a + W(b)", panel.read(), stored, **given).fit("2sls"))
    pd.testing.assert_frame_equal(fits[0].impacts().tidy(), fits[1].impacts().tidy())
    with pytest.raises(WeightsError, match=r"W\.subset needs the weights in memory"):
        SpatialSystem("y ~ W(y) + a", panel, opened, effects="unit", unbalanced="balance")


def test_what_an_unbalanced_panel_on_disk_cannot_do_is_said(tmp_path: Path) -> None:
    frame, W = system_data(n=20, t=4)
    holes = open_panel_of(frame.iloc[1:], tmp_path / "a", "years")
    given: dict[str, Any] = {"effects": "unit"}
    with pytest.raises(AlignmentError, match=r"absent at some times: unbalanced='balance'"):
        SpatialSystem("y ~ W(y) + a", holes, W, **given).fit()
    given["unbalanced"] = "induced"
    system = SpatialSystem("y ~ W(y) + a", holes, W, error="W", **given)
    with pytest.raises(
        DataError, match=r"method='gs3sls' with spatial errors.*panel\.read.*'3sls' or '2sls'"
    ):
        system.fit()
    assert system.fit("2sls").n_obs == 79
    with pytest.raises(DataError, match=r"method='aqs' of an unbalanced panel needs it in memory"):
        system.fit("aqs")
    with pytest.raises(DataError, match="unbalanced= with where="):
        SpatialSystem("y ~ W(y) + a", holes, W, where="year > 2001", **given)
    other = W.subset(W.ids[:15])
    with pytest.raises(AlignmentError, match=r"must be in the weights; at year 2000 are not"):
        SpatialSystem("y ~ W(y) + a", holes, other, **given)
    short = open_panel_of(frame[frame["city"] != "c003"], tmp_path / "b", "years")
    with pytest.raises(AlignmentError, match=r"at some time; these are at none: 'c003'"):
        SpatialSystem("y ~ W(y) + a", short, W, **given)
    ragged = open_panel_of(frame[frame["year"] % 2 == frame["city"].eq("c001")], tmp_path / "c", "years")
    with pytest.raises(DataError, match="No two units are complete"):
        SpatialSystem("y ~ a", ragged, unbalanced="balance")
    endless = open_panel_of(frame.assign(a=np.inf), tmp_path / "d", "years")
    with pytest.raises(DataError, match="a must be finite; it is infinite at units"):
        SpatialSystem("y ~ a", endless, unbalanced="induced")
    once = open_panel_of(frame.drop_duplicates("city"), tmp_path / "e", "one")
    with pytest.raises(DataError, match=r"unit effects need two|leave none"):
        SpatialSystem("y ~ a", once, **given).fit()
    whole = SpatialSystem("y ~ W(y) + a", open_panel_of(frame, tmp_path / "f", "years"), W, **given)
    assert whole.fit().notes == ()
