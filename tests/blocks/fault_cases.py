"""Every kind of heavy work on small data, and what strikes it on a cluster of processes."""

from __future__ import annotations

import errno
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import dask
import geopandas as gpd
import numpy as np
import pandas as pd
from blocks_cases import open_panel_of, system_data
from distributed import Client, LocalCluster, get_worker
from lattice import grid
from policy_cases import policy_panel

import spatial as sp
from spatial.compute.threads import check_workers
from spatial.models.impacts.traces import _compute

Found = list[np.ndarray]
FEW: dict[str, Any] = {"permutations": 24}
SIDE = 20


@cache
def values() -> tuple[pd.Series, Any]:
    return grid(SIDE)


@cache
def places() -> tuple[pd.Series, Any]:
    rng = np.random.default_rng(0)
    points = gpd.points_from_xy(rng.uniform(80, 130, 3200), rng.uniform(20, 50, 3200), crs=4326)
    return pd.Series(rng.uniform(size=3200), name="jobs"), gpd.GeoDataFrame(geometry=points)


def moran(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    x, W = values()
    return [sp.moran(x, W, executor=executor, **FEW).simulated]


def geary(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    x, W = values()
    return [sp.geary(x, W, executor=executor, **FEW).simulated]


def general_g(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    x, W = values()
    return [sp.general_g(x - x.min() + 1, W, executor=executor, **FEW).simulated]


def local_moran(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    x, W = values()
    found = sp.local_moran(x, W, keep_simulations=True, executor=executor, permutations=130)
    return [found.simulations, found.frame["p_sim"]]


def getis_ord(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    x, W = values()
    return [sp.getis_ord(x - x.min() + 1, W, executor=executor, permutations=130).frame["p_sim"]]


def decay_exact(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    return [sp.distance_decay(*places(), executor=executor)]


def decay_tree(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    return [sp.distance_decay(*places(), tolerance=1e-3, executor=executor)]


def panel_in(folder: Path) -> tuple[Any, Any]:
    frame, W = system_data(n=40, t=5)
    return open_panel_of(frame, folder / "panel", "years"), W


def fit_from_disk(executor: Any, folder: Path) -> Found:
    panel, W = panel_in(folder)
    formulas = ["y ~ p + W(y) + a", "p ~ y + W(p) + b + W(b)"]
    system = sp.models.SpatialSystem(formulas, panel, W, effects=("unit", "time"), error="W")
    fit = system.fit("gs3sls", cov="cluster", executor=executor)
    return [fit.delta, fit.inference.cov]


def lags_on_disk(executor: Any, folder: Path) -> Found:
    panel, W = panel_in(folder)
    target = folder / f"lagged-{time.monotonic_ns()}"
    lagged = sp.spatial_lag(panel, ["a", "y"], W, folder=target, executor=executor)
    # What comes late is still writing, under a name that readers pass over.
    assert all(file.name.startswith(".") or file.suffix == ".parquet" for file in target.iterdir())
    return [lagged.read().frame[["W_a", "W_y"]].to_numpy()]


def placebo(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    panel = policy_panel(np.random.default_rng(0), n=30)
    fit = sp.models.did(panel, "y", cohort="first", method="twfe")
    return [fit.placebo(20, executor=executor).estimates]


def traces(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    return [_compute(values()[1].sparse, 8, 48, 0, check_workers(None, executor)).values]


def draws(executor: Any, folder: Path) -> Found:  # noqa: ARG001
    def draw(seed: int) -> Any:
        frame, _ = system_data(n=12, t=3, seed=seed)
        truth = pd.DataFrame({"equation": ["y"], "term": ["a"], "value": [1.0]})
        return Drawn(frame.set_index(["city", "year"]), truth)

    fits = {"fe": lambda s: sp.models.fixed_effects("y ~ a", s.panel)}
    return [sp.models.monte_carlo(draw, fits, 12, executor=executor).draws["estimate"]]


@dataclass
class Drawn:
    panel: pd.DataFrame
    truth: pd.DataFrame


KINDS: tuple[Callable[[Any, Path], Found], ...] = (
    moran,
    fit_from_disk,
    local_moran,
    decay_exact,
    geary,
    placebo,
    getis_ord,
    lags_on_disk,
    general_g,
    decay_tree,
    traces,
    draws,
)


def same(found: Found, expected: Found) -> bool:
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(found, expected, strict=True))


# ---- what strikes
FAULTS = ("killed", "connection", "disk", "late")


@dataclass(frozen=True, eq=False)
class Struck:
    """A job of which one task, when it is first worked on, meets a fault; in the worker that has it."""

    job: Any
    fault: str
    number: int
    mark: str
    common: Any = None
    shared: ClassVar[str] = "common"

    def prepare(self) -> Callable[[tuple[int, Any]], Any]:
        job = self.job if self.common is None else replace(self.job, **{self.job.shared: self.common})
        plain = job.prepare()

        def work(pair: tuple[int, Any]) -> Any:
            number, task = pair
            if self.fault in ("", "late") or number != self.number or not first(self.mark):
                return plain(task)
            if self.fault == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault == "connection":
                worker = get_worker()
                worker.loop.add_callback(worker.batched_stream.comm.abort)
                time.sleep(0.1)
            if self.fault == "disk":
                with disk_full():
                    plain(task)  # where it writes, it fails here
                raise OSError(errno.ENOSPC, "No space left on device")
            return plain(task)

        return work


def first(mark: str) -> bool:
    """Whether nobody has been here; of several at a time one is the first."""
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@contextmanager
def disk_full() -> Iterator[None]:
    """No file of this process can grow: the system refuses each write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.getsignal(signal.SIGXFSZ)
    assert before == signal.SIG_IGN  # as Python starts
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@dataclass
class Strikes:
    """Stands in for `Cluster.run`: a task a batch, one of which meets the fault of the run."""

    plain: Callable[..., None]
    fault: str = ""
    part: float = 0.0
    mark: str = ""

    def run(self, cluster: Any, tasks: Any, job: Any, collect: Any, seconds: float) -> None:  # noqa: ARG002
        number, name = int(self.part * len(tasks)), getattr(job, "shared", "")
        common = getattr(job, name) if name else None
        job = replace(job, **{name: None}) if name else job
        self.plain(
            cluster,
            list(enumerate(tasks)),
            Struck(job, self.fault, number, self.mark, common),
            lambda pair, part: collect(pair[1], part),
            4.0 * len(tasks),  # so that each is sent alone
        )


@contextmanager
def clusters(workers: int) -> Iterator[Clusters]:
    """Processes, which are closed at last."""
    found = Clusters(workers)
    try:
        yield found
    finally:
        found.close()


class Clusters:
    """Processes that are quick to start, and started anew where Dask gave all of them up."""

    def __init__(self, workers: int) -> None:
        self.workers, self.started = workers, 0
        self.cluster: Any = None
        self.client: Any = None

    def ready(self) -> Client:
        """Return a client of a cluster that has all its workers."""
        if self.client is None or not self._whole():
            self.close()
            self.started += 1
            self.cluster = LocalCluster(
                n_workers=self.workers, threads_per_worker=1, dashboard_address=":0", memory_limit=0
            )
            self.client = Client(self.cluster)
        return self.client

    def _whole(self) -> bool:
        """Wait for workers that were killed, which Dask starts again, and start those that it does not."""
        for _ in range(200):
            if len(self.client.nthreads()) == self.workers:
                return True
            for name, nanny in list(self.cluster.workers.items()):
                if nanny.status.name in ("closed", "failed"):
                    del self.cluster.workers[name]
                    self.cluster.scale(self.workers)
            time.sleep(0.05)
        return False

    def close(self) -> None:
        """Dask stumbles, when it closes, over workers that were killed."""
        with suppress(Exception):
            if self.client is not None:
                self.client.close()
                self.cluster.close()


HEAVY = (
    "spatial.agglomeration.decay",
    "spatial.autocorrelation.global_getis",
    "spatial.autocorrelation.lisa",
    "spatial.compute.conditional_kernels",
    "spatial.compute.permutation_kernels",
    "spatial.models.instrumental.effects",
    "spatial.models.large.system",
    "spatial.models.policy.placebo",
)


@contextmanager
def forked() -> Iterator[None]:
    """Workers are forked from a process that has imported the package: a killed one is back at once."""
    from distributed.utils import get_mp_context

    with dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}):
        context = get_mp_context()
        context.set_forkserver_preload(["distributed", "fault_cases", *HEAVY])
        assert isinstance(context, multiprocessing.context.ForkServerContext)
        yield
