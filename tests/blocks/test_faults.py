"""What goes wrong on clusters and disks: lost connections, tasks that come twice, disks that are full."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed
import geopandas as gpd
import numpy as np
import pytest
from blocks_cases import Waves, open_panel_of, system_data
from distributed import Client, LocalCluster
from distributed.comm import CommClosedError

import spatial as sp
from spatial.compute.threads import check_workers, run_tasks
from spatial.errors import DataError, SpatialError

CALLS: list[int] = []
LOCK = threading.Lock()


@dataclass(frozen=True)
class Counted(Waves):
    """Draws by task, each call of which is counted in this process."""

    def prepare(self) -> Callable[[int], np.ndarray]:
        plain = super().prepare()

        def work(task: int) -> np.ndarray:
            with LOCK:
                CALLS.append(task)
            time.sleep(0.03)
            return plain(task)

        return work


@pytest.fixture(scope="module")
def here() -> Iterator[Client]:
    """A cluster of threads in this process."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="inproc"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def collected(job: Any, workers: Any) -> list[tuple[int, bytes]]:
    """Return the tasks and the bits of their parts, in the order in which they are handed on."""
    found: list[tuple[int, bytes]] = []

    def collect(task: int, part: np.ndarray) -> int:
        found.append((task, part.tobytes()))
        return 1

    run_tasks(range(24), job, collect, workers=workers, total=24, seconds=24.0, progress=False, label="test")
    return found


@pytest.mark.parametrize("error", [CommClosedError("lost"), TimeoutError("late"), ConnectionError("reset")])
def test_a_lost_connection_sends_tasks_again_and_late_duplicates_count_once(
    here: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    expected = collected(Waves(3), 1)
    plain, turns = distributed.wait, iter(range(1000))

    def stumbling(*given: Any, **options: Any) -> Any:
        if next(turns) in (0, 2):
            time.sleep(0.01)  # tasks have begun and are not done: they are sent again, and end twice
            raise error
        return plain(*given, **options)

    monkeypatch.setattr(distributed, "wait", stumbling)
    CALLS.clear()
    assert collected(Counted(3), check_workers(None, here)) == expected
    assert len(CALLS) > 24  # some were worked on twice, and each was handed on once, in order


def test_a_connection_that_stays_lost_is_said_at_last(here: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise CommClosedError("lost")

    monkeypatch.setattr(distributed, "wait", broken)
    monkeypatch.setattr("spatial.compute.cluster.time.sleep", lambda _: None)
    with pytest.raises(SpatialError, match="lost 12 times"):
        collected(Waves(3, wait=0.2), check_workers(None, here))


def no_room(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_said_and_leaves_no_half_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, W = system_data(n=30, t=3)
    panel = open_panel_of(frame, tmp_path / "panel", "years")
    points = gpd.points_from_xy(np.arange(30), np.zeros(30), crs=4326)
    cities = gpd.GeoDataFrame(index=W.ids, geometry=points)
    with monkeypatch.context() as full:
        full.setattr("pyarrow.parquet.write_table", no_room)
        full.setattr("pandas.DataFrame.to_parquet", no_room)
        with pytest.raises(DataError, match=r"(?i)space"):
            sp.spatial_lag(panel, ["a"], W, folder=tmp_path / "lagged")
    with monkeypatch.context() as full:
        full.setattr("numpy.savez", no_room)
        with pytest.raises(DataError, match=r"(?i)space"):
            sp.weights.knn(cities, 3, folder=tmp_path / "w")
    for folder in ("lagged", "w"):
        assert not list((tmp_path / folder).iterdir())
    # The room is there again: the same call goes through.
    assert sp.weights.knn(cities, 3, folder=tmp_path / "w").n_links == 90
    assert "W_a" in sp.spatial_lag(panel, ["a"], W, folder=tmp_path / "lagged").columns


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system does not take room ahead")
def test_residuals_that_find_no_room_are_refused_before_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, W = system_data(n=30, t=4)
    panel = open_panel_of(frame, tmp_path, "years")
    system = sp.models.SpatialSystem("y ~ W(y) + a", panel, W, effects="unit", error="W")
    plain = system.fit("gs3sls", cov="cluster")
    monkeypatch.setattr("spatial.models.large.inference._MOST_BYTES", 0)
    on_disk = system.fit("gs3sls", cov="cluster")
    assert np.array_equal(plain.inference.cov, on_disk.inference.cov)
    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(DataError, match=r"residuals need 960 bytes in .*no room .*TMPDIR"):
        system.fit("gs3sls", cov="cluster")
