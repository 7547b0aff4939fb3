"""Threads and clusters give the same bits, whatever arrives first and whoever is lost."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from blocks_cases import Broken, Waves, open_panel_of, system_data
from distributed import Client, LocalCluster
from lattice import grid
from policy_cases import policy_panel

import spatial as sp
from spatial.compute.threads import blas_on_one_thread, check_workers, run_tasks
from spatial.errors import DataError
from spatial.models.impacts.traces import _compute


def total(job: Any, workers: Any, tasks: int = 40) -> np.ndarray:
    """Add the parts up as they are handed on."""
    sums, order = np.zeros(50), []

    def collect(task: int, part: np.ndarray) -> int:
        nonlocal sums
        sums = sums + part
        order.append(task)
        return 1

    run_tasks(
        range(tasks), job, collect, workers=workers, total=tasks, seconds=20.0, progress=False, label="test"
    )
    assert order == list(range(tasks))
    return sums


@pytest.fixture(scope="module")
def here() -> Iterator[Client]:
    """A cluster of threads in this process: the same messages, without other processes."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="inproc"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_sums_of_parts_that_arrive_in_any_order_have_the_same_bits(here: Client) -> None:
    one = total(Waves(1), 1)
    for workers in (2, 7, check_workers(None, here)):
        assert np.array_equal(total(Waves(1, wait=0.004), workers), one)


def test_an_error_of_the_work_reaches_the_caller_of_a_cluster(here: Client) -> None:
    with pytest.raises(ValueError, match="task 0 is broken"):
        total(Broken(), check_workers(None, here), tasks=1)


def test_ctrl_c_cancels_what_is_under_way_on_a_cluster(here: Client) -> None:
    def stopped(task: int, part: np.ndarray) -> int:  # noqa: ARG001
        raise KeyboardInterrupt

    before = set(here.futures)
    with pytest.raises(KeyboardInterrupt):
        run_tasks(
            range(40),
            Waves(1, wait=0.05),
            stopped,
            workers=check_workers(None, here),
            total=40,
            seconds=40.0,
            progress=False,
            label="test",
        )
    for _ in range(100):
        left = set(here.futures) - before
        if not left:
            break
        time.sleep(0.05)
    assert not left


def test_the_bar_counts_the_steps_of_all_workers(here: Client, capsys: pytest.CaptureFixture[str]) -> None:
    for workers in (2, check_workers(None, here)):
        run_tasks(
            range(8),
            Waves(1),
            lambda task, part: 1,  # noqa: ARG005
            workers=workers,
            total=8,
            seconds=9.0,
            progress=True,
            label="steps",
        )
        assert "steps" in capsys.readouterr().err


def test_what_is_no_executor_is_refused() -> None:
    x, W = grid(5)
    for wrong, text in (
        (0, "1 or more"),
        (1.5, "1 or more"),
        ("dask", "1 or more"),
        (object(), "dask.distributed.Client"),
    ):
        with pytest.raises(DataError, match=text):
            sp.moran(x, W, executor=wrong)
    with pytest.raises(DataError, match="leave workers out"):
        sp.moran(x, W, workers=2, executor=2)


def compared(executor: Any) -> list[Any]:
    """Every function that takes an executor, on as many units as leave this process."""
    x, W = grid(66)
    rng = np.random.default_rng(0)
    places = gpd.points_from_xy(rng.uniform(80, 130, 5000), rng.uniform(20, 50, 5000), crs=4326)
    cities = gpd.GeoDataFrame(index=np.arange(5000), geometry=places)
    jobs = pd.Series(rng.uniform(size=5000), name="jobs")
    few = {"executor": executor, "permutations": 24}
    other = x.sample(frac=1, random_state=1).set_axis(x.index).rename("other")
    local = sp.local_moran(x, W, keep_simulations=True, executor=executor, permutations=130)
    return [
        sp.moran(x, W, **few).simulated,
        sp.geary(x, W, **few).simulated,
        sp.general_g(x - x.min() + 1, W, **few).simulated,
        sp.bivariate_local_moran(x, other, W, executor=executor, permutations=130).frame["p_sim"],
        local.simulations,
        local.frame["p_sim"],
        sp.getis_ord(x - x.min() + 1, W, executor=executor, permutations=130).frame["p_sim"],
        sp.distance_decay(jobs, cities, executor=executor),
        sp.distance_decay(jobs, cities, tolerance=1e-3, executor=executor),
        _compute(W.sparse, 12, 48, 0, check_workers(None, executor)).values,
        *further(executor),
    ]


def further(executor: Any) -> list[Any]:
    """Draw where units are few."""
    x, W = grid(12)
    yes, few = x > 0, {"executor": executor, "permutations": 24}
    rng = np.random.default_rng(1)
    places = gpd.points_from_xy(rng.uniform(80, 130, 144), rng.uniform(20, 50, 144), crs=4326)
    cities = gpd.GeoDataFrame(index=x.index, geometry=places)
    frame = pd.DataFrame({"unit": x.index, "time": 1, "x": x.to_numpy(), "it": x.rank().to_numpy()})
    panel = sp.Panel.from_frame(frame.assign(all=200.0), unit="unit", time="time")
    policy = sp.models.did(policy_panel(rng, n=30), "y", cohort="first", method="twfe")
    fits = {"fe": lambda s: sp.models.fixed_effects("y ~ a", s.panel)}
    return [
        sp.join_counts(yes, W, **few).frame["p_sim"],
        sp.local_join_counts(yes, W, **few).frame["p_sim"],
        sp.bivariate_moran(x, x.rank().rename("rank"), W, **few).simulated,
        sp.losh(x, W, **few).frame["p_sim"],
        sp.local_geary(x, W, **few).frame["p_sim"],
        sp.local_geary(pd.DataFrame({"x": x, "y": x**2}), W, **few).frame["p_sim"],
        sp.lee(x, x.rank().rename("rank"), W, **few).simulated,
        sp.correlogram(x, cities, bands=3, **few).frame["p_sim"],
        sp.moran_panel(panel, "x", W, **few)["p_sim"],
        sp.virtual_agglomeration(panel, "it", "all", cities, executor=executor).values,
        policy.placebo(20, executor=executor).estimates,
        sp.models.monte_carlo(drawn, fits, 6, executor=executor).draws["estimate"],
    ]


def drawn(seed: int) -> Any:
    """Return a small sample whose truth is known."""
    frame, _ = system_data(n=40, t=3, seed=seed)
    truth = pd.DataFrame({"equation": ["y"], "term": ["a"], "value": [1.0]})
    return SimpleNamespace(panel=frame.set_index(["city", "year"]), truth=truth)


@pytest.mark.parametrize("interrupted", [False, True])
def test_what_blocks_have_in_common_is_sent_to_a_cluster_once(
    here: Client, interrupted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.weights.blocks.stencil.ROWS", 300)
    monkeypatch.setattr("spatial.compute.conditional._MOST_SECONDS", 0)
    W = sp.weights.grid((25, 40), stored=False).row_standardized()
    x = np.random.default_rng(0).normal(size=1000)
    sent, scatter = [], here.scatter

    def counted(data: Any, **options: Any) -> Any:
        sent.append(type(data).__name__)
        if interrupted and len(sent) == 4:
            raise KeyboardInterrupt
        return scatter(data, **options)

    monkeypatch.setattr(here, "scatter", counted)
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            sp.local_moran(x, W, permutations=19, executor=here)
    else:
        found = sp.local_moran(x, W, permutations=19, executor=here)
        expected = sp.local_moran(x, W, permutations=19, executor=1)
        pd.testing.assert_frame_equal(found.frame, expected.frame, check_exact=True)
        assert sent == ["Pool", *["_Counts"] * 4]
    end = time.monotonic() + 20
    while here.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < end  # and is freed when no block needs it
        time.sleep(0.05)


def test_each_function_that_takes_workers_takes_an_executor() -> None:
    found = [sp.models.DifferenceInDifferences.placebo]
    for room in (sp, sp.models, sp.weights):
        found += [f for name in room.__all__ if inspect.isfunction(f := getattr(room, name))]
    taking = [f for f in found if "workers" in inspect.signature(f).parameters]
    assert len(taking) > 12
    assert not [f.__name__ for f in taking if "executor" not in inspect.signature(f).parameters]


def same(found: list[Any], expected: list[Any]) -> bool:
    return all(
        np.array_equal(np.asarray(a), np.asarray(b), equal_nan=True)
        for a, b in zip(found, expected, strict=True)
    )


@pytest.mark.slow
def test_statistics_and_sums_are_the_same_on_threads_and_on_a_cluster(
    here: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.compute.permutation._MOST_CELLS", 0)
    monkeypatch.setattr("spatial.compute.conditional._MOST_SECONDS", 0)
    serial = compared(1)
    assert same(compared(2), serial)
    assert same(compared(here), serial)


def test_a_fit_in_memory_and_its_impacts_take_an_executor() -> None:
    frame, W = system_data(n=40, t=4)
    panel = sp.Panel.from_frame(frame, unit="city", time="year")
    system = sp.models.SpatialSystem("y ~ W(y) + a", panel, W, effects="unit")
    one, two = (system.fit("2sls", executor=e).impacts(executor=e, draws=20).tidy() for e in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    with pytest.raises(DataError, match="1 or more"):
        system.fit("2sls", executor=0)


def test_a_fit_in_memory_runs_on_a_worker_and_its_warnings_are_heard_here(here: Client) -> None:
    frame, W = system_data(n=40, t=4)
    panel = sp.Panel.from_frame(frame, unit="city", time="year")
    system = sp.models.SpatialSystem("y ~ W(y) + a", panel, W, effects="unit", error="W")
    for options in ({"method": "gs3sls"}, {"method": "gs3sls", "where": "year > 2000"}):
        before = len(here.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_log))
        one, other = system.fit(**options), system.fit(**options, executor=here)
        assert one.summary() == other.summary()
        assert np.array_equal(one.estimate.inference.cov, other.estimate.inference.cov)
        assert len(here.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_log)) > before


def test_an_unbalanced_panel_on_disk_has_the_bits_of_one_thread_on_a_cluster(
    here: Client, tmp_path: Any
) -> None:
    frame, W = system_data(n=60, t=4)
    holes = frame[np.random.default_rng(0).uniform(size=len(frame)) > 0.2]
    panel = open_panel_of(holes, tmp_path, "years")
    system = sp.models.SpatialSystem(
        "y ~ W(y) + a + b", panel, W, effects=("unit", "time"), unbalanced="induced"
    )
    one, other = (system.fit("2sls", cov="cluster", executor=executor) for executor in (1, here))
    assert np.array_equal(one.delta, other.delta)
    assert np.array_equal(one.inference.cov, other.inference.cov)


# ---- other processes: slow
def cluster_of(workers: int) -> LocalCluster:
    """One or two processes; more workers are threads with queues of their own, quick to start."""
    few = workers < 3
    return LocalCluster(n_workers=workers, threads_per_worker=1, processes=few, dashboard_address=":0")


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_one_two_and_seven_workers_give_the_bits_of_this_process() -> None:
    serial = compared(1)
    for workers in (1, 2, 7):
        with cluster_of(workers) as cluster, Client(cluster) as client:
            assert same(compared(client), serial)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_panel_on_disk_is_fitted_by_processes_to_the_bits_of_threads(tmp_path: Any) -> None:
    frame, W = system_data(n=60, t=6)
    panel = open_panel_of(frame, tmp_path, "years")
    options = {"effects": ("unit", "time"), "error": "W"}
    system = sp.models.SpatialSystem(["y ~ p + W(y) + a", "p ~ y + W(p) + b + W(b)"], panel, W, **options)
    asked = [("gs3sls", "cluster"), ("gs3sls", "het"), ("gs3sls", "hom"), ("aqs", "cluster")]
    fits = [(system.fit(method, executor=1, cov=cov), method, cov) for method, cov in asked]
    for workers in (1, 2, 7):
        with cluster_of(workers) as cluster, Client(cluster) as client:
            for one, method, cov in fits:
                other = system.fit(method, executor=client, cov=cov)
                assert np.array_equal(other.delta, one.delta)
                assert np.array_equal(other.inference.cov, one.inference.cov)


def test_blas_has_one_thread_while_anyone_asks_for_it_and_its_own_number_after() -> None:
    from threadpoolctl import threadpool_info

    def counts() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with blas_on_one_thread():  # loads every BLAS there is
        pass
    before = counts()
    outer, inner = blas_on_one_thread(), blas_on_one_thread()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    assert set(counts()) == {1}  # the first to come went first, as threads may
    inner.__exit__(None, None, None)
    assert counts() == before
