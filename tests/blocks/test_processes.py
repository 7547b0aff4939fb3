"""Clusters of processes: the bits of this one, whoever is killed; Ctrl-C, the bar, versions, no network."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import distributed
import fault_cases as cases
import numpy as np
import pytest
from distributed.comm import CommClosedError
from lattice import grid

import spatial as sp
from spatial.compute.cluster import Cluster
from spatial.compute.threads import check_workers
from spatial.errors import DataError

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

RUNS = 200


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, cases.Found]:
    """What each kind of work gives on one thread of this process."""
    folder = tmp_path_factory.mktemp("serial")
    return {kind.__name__: kind(1, folder) for kind in cases.KINDS}


@pytest.fixture
def strikes(monkeypatch: pytest.MonkeyPatch) -> cases.Strikes:
    """Work that is little leaves this process all the same, and meets what is asked for."""
    monkeypatch.setattr("spatial.compute.permutation._MOST_CELLS", 0)
    monkeypatch.setattr("spatial.compute.conditional._MOST_SECONDS", 0)
    strikes = cases.Strikes(Cluster.run)
    monkeypatch.setattr(Cluster, "run", lambda *given: strikes.run(*given))
    plain = distributed.wait

    def lost_once(*given: object, **options: object) -> object:
        """The client loses its connection while workers work on: what they end then comes twice."""
        if strikes.fault == "late" and cases.first(strikes.mark):
            raise CommClosedError("lost")
        return plain(*given, **options)

    monkeypatch.setattr(distributed, "wait", lost_once)
    return strikes


def test_each_kind_of_work_has_the_same_bits_whatever_strikes(
    expected: dict[str, cases.Found], strikes: cases.Strikes, tmp_path: Path
) -> None:
    done = dict.fromkeys(((kind.__name__, fault) for kind in cases.KINDS for fault in cases.FAULTS), 0)
    with cases.forked(), cases.clusters(2) as clusters:
        for seed in range(RUNS):
            kind = cases.KINDS[seed % len(cases.KINDS)]
            strikes.fault = cases.FAULTS[seed // len(cases.KINDS) % len(cases.FAULTS)]
            strikes.part = float(np.random.default_rng(seed).uniform())
            strikes.mark = str(tmp_path / f"{seed}-{strikes.fault}")
            found = kind(clusters.ready(), tmp_path)
            assert cases.same(found, expected[kind.__name__]), (seed, kind.__name__, strikes.fault)
            done[kind.__name__, strikes.fault] += Path(strikes.mark).exists()
    assert sum(done.values()) == RUNS  # the fault came in every run
    assert min(done.values()) >= RUNS // len(done)


def test_seven_processes_have_the_bits_of_one_thread(
    expected: dict[str, cases.Found], strikes: cases.Strikes, tmp_path: Path
) -> None:
    assert not strikes.fault
    with cases.forked(), cases.clusters(7) as clusters:
        client = clusters.ready()
        assert (
            len({client.submit(os.getpid, pure=False, workers=[w]).result() for w in client.nthreads()}) == 7
        )
        for kind in cases.KINDS:
            assert cases.same(kind(client, tmp_path), expected[kind.__name__]), kind.__name__


def test_workers_with_another_version_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with cases.forked(), cases.clusters(1) as clusters:
        client = clusters.ready()
        assert check_workers(None, client).threads == 1
        monkeypatch.setattr(sp, "__version__", "9.9.9")
        with pytest.raises(
            DataError, match=r"9\.9\.9: tcp://.* has " + r"\d.*Install spatial-cities==9\.9\.9"
        ):
            sp.moran(*cases.values(), executor=client)


NO_NETWORK = """
import errno, socket
plain = socket.socket.connect
def connect(self, address):
    if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")
    return plain(self, address)
socket.socket.connect = connect
"""


def test_a_cluster_works_where_there_is_no_network(tmp_path: Path) -> None:
    """Every address but this machine's own is refused, in the process and in its workers."""
    (tmp_path / "sitecustomize.py").write_text(NO_NETWORK)
    with program(tmp_path, "measured") as process:
        text, _ = process.communicate(timeout=300)
    assert float(text) == sp.moran(*grid(100), permutations=199).p_sim


@pytest.mark.parametrize("whole", [False, True], ids=["the process", "the terminal"])
def test_ctrl_c_ends_the_work_of_a_cluster(tmp_path: Path, whole: bool) -> None:
    """A real SIGINT: to the process alone, or to its workers too, as a terminal sends it."""
    with program(tmp_path, "endless") as process:
        while not (tmp_path / "begun").exists():  # the work is under way on a worker
            assert process.poll() is None
            time.sleep(0.05)
        (os.killpg if whole else os.kill)(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=120)
    assert text.split() == ["cancelled"]
    assert process.returncode == 0


def program(folder: Path, what: str) -> subprocess.Popen[str]:
    """Start a program with a cluster of one process, in a group of its own."""
    here = Path(__file__).parent
    paths = os.pathsep.join(map(str, (folder, here, here.parent)))
    return subprocess.Popen(
        [sys.executable, str(here / "cluster_program.py"), what, str(folder)],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
