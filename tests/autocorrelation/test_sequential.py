"""Sequential p-values of local statistics: those that stopping the full run by hand gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.compute import conditional
from spatial.errors import DataError

M, H = 499, 8


def by_hand(statistic: np.ndarray, simulated: np.ndarray) -> np.ndarray:
    """Return two-sided p-values: h/l where the h-th exceedance is draw l, else of all draws."""
    tails = []
    for beyond in (simulated >= statistic[:, None] - 1e-12, simulated <= statistic[:, None] + 1e-12):
        tail = np.empty(len(beyond))
        for unit, hits in enumerate(beyond):
            places = np.flatnonzero(hits)
            tail[unit] = H / (places[H - 1] + 1) if len(places) >= H else (len(places) + 1) / (M + 1)
        tails.append(tail)
    return np.minimum(1.0, 2 * np.minimum(*tails))


@pytest.mark.evidence("local_moran", source="the full run, stopped by hand", kind="identity")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_stopped_run_is_the_full_run_read_up_to_its_stop(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled:
        monkeypatch.setattr(conditional, "_MOST_SECONDS", 0.0)
    W = sp.weights.grid((9, 11)).row_standardized()
    x = np.random.default_rng(1).normal(size=99).cumsum()
    full = sp.local_moran(x, W, permutations=M, seed=3, keep_simulations=True)
    stopped = sp.local_moran(x, W, permutations=M, seed=3, stop_after=H)
    assert full.simulations is not None
    expected = by_hand(full.frame["Ii"].to_numpy(), full.simulations)
    np.testing.assert_allclose(stopped.frame["p_sim"], expected, rtol=1e-14)
    rest = ["Ii", "z_value", "p_value"]
    pd.testing.assert_frame_equal(stopped.frame[rest], full.frame[rest])
    # Where neither tail has stopped at H, p is that of the full run.
    never = sp.local_moran(x, W, permutations=M, seed=3, stop_after=M)
    np.testing.assert_allclose(never.frame["p_sim"], full.frame["p_sim"], rtol=1e-14)
    assert stopped.glance().at[0, "stop_after"] == H
    assert "stop_after" not in full.glance()
    assert f"Permutations: at most {M}, to {H} exceedances a tail" in stopped.summary()


def test_ties_count_half_in_both_tails() -> None:
    W = sp.weights.grid((8, 8))
    x = np.random.default_rng(2).poisson(0.7, size=64).astype(float)
    found = [sp.getis_ord(x, W, permutations=M, stop_after=h).frame["p_sim"].to_numpy() for h in (H, M)]
    plain = sp.getis_ord(x, W, permutations=M).frame["p_sim"].to_numpy()
    np.testing.assert_allclose(found[1], plain, rtol=1e-14)
    assert (np.abs(found[0] - plain) <= 0.5).all()
    assert np.corrcoef(found[0], plain)[0, 1] > 0.8


def test_the_folder_holds_the_same_and_knows_its_stop(tmp_path: Path) -> None:
    W = sp.weights.grid((12, 10))
    x = np.random.default_rng(4).normal(size=120)
    told = {"permutations": M, "stop_after": H, "fdr": True}
    here = sp.local_moran(x, W, **told)
    there = sp.local_moran(x, W, folder=tmp_path / "lisa", **told).load()
    assert there.stop_after == H
    pd.testing.assert_frame_equal(there.frame, here.frame)


@pytest.mark.parametrize("stop_after", [0, -1, 2.5, True, "10"])
def test_a_stop_is_a_whole_number(stop_after: object) -> None:
    with pytest.raises(DataError, match="stop_after must be a whole number, 1 or more"):
        sp.local_moran(np.arange(9.0), sp.weights.grid((3, 3)), stop_after=stop_after)  # type: ignore[call-overload]


def test_a_stop_keeps_no_simulations() -> None:
    with pytest.raises(DataError, match="with stop_after= not all are drawn"):
        sp.local_moran(np.arange(9.0), sp.weights.grid((3, 3)), stop_after=9, keep_simulations=True)
