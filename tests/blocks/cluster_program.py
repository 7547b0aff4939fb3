"""A program with a cluster of one process, which tests start and interrupt."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster
from lattice import grid

import spatial as sp


def measured(client: Client) -> None:
    """Print a p-value of permutations on the cluster."""
    x, W = grid(100)
    print(sp.moran(x, W, executor=client, permutations=199).p_sim)


def endless(client: Client, folder: Path) -> None:
    """Draw for very long; where that is interrupted, say when the cluster has nothing left to do."""

    def draw(seed: int) -> Any:
        (folder / "begun").touch()
        time.sleep(0.02)
        return type("Drawn", (), {"truth": sp.shapefiles.load_sample("sun-simulated", seed=seed).truth})

    try:
        sp.models.monte_carlo(draw, {"none": _refused}, 100_000, executor=client)
    except KeyboardInterrupt:
        end = time.monotonic() + 60
        while client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
            assert time.monotonic() < end
            time.sleep(0.1)
        print("cancelled")


def _refused(sample: Any) -> Any:  # noqa: ARG001
    raise sp.DataError("no fit")


if __name__ == "__main__":
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        if sys.argv[1] == "measured":
            measured(client)
        else:
            endless(client, Path(sys.argv[2]))
