"""Shared fixtures: the shipped maps, read once."""

from __future__ import annotations

import os
import time

# Before matplotlib is imported anywhere: no window system is needed to draw.
os.environ["MPLBACKEND"] = "Agg"

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from evidence_recorder import Recorder
from hypothesis import settings
from small_font import register_font

import spatial as sp

pytest_plugins = ["pytester"]

# A slow machine is not a wrong result; and a run that fails can be run again as it was.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


# Kernels that take ten seconds to compile each, together with those that they import.
KERNELS = (
    ("spatial.agglomeration.decay_tree",),
    ("spatial.compute.conditional_kernels", "spatial.models.likelihood.determinants.elimination"),
)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several workers run all tests, let two share out what is to be compiled: none does it twice."""
    worker = getattr(session.config, "workerinput", {"workercount": 1})
    if worker["workercount"] == 1 or session.config.args_source != pytest.Config.ArgsSource.TESTPATHS:
        return
    here = int(worker["workerid"].removeprefix("gw"))
    folder = session.config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]
    for name in KERNELS[here] if here < len(KERNELS) else ():
        import_module(name)
    (folder / f"compiled-{here}").touch()
    end = time.monotonic() + 300  # where the other one was lost
    while time.monotonic() < end:
        if all((folder / f"compiled-{other}").exists() for other in range(len(KERNELS))):
            break
        time.sleep(0.05)


@pytest.fixture(scope="session")
def nc() -> Any:
    """The 100 counties of North Carolina."""
    return sp.shapefiles.load("nc")


@pytest.fixture(scope="session")
def nc_crime() -> Any:
    """The Cornwell-Trumbull panel, 90 counties x 1981-1987."""
    return sp.shapefiles.load("nc_crime")


@pytest.fixture(scope="session")
def china() -> Any:
    """The 336 Chinese cities."""
    return sp.shapefiles.load("china_cities")


@pytest.fixture(scope="session", autouse=True)
def _chinese_font(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Chinese figures are tested on machines without a Chinese font too."""
    register_font(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `make evidence` write what the marked tests compared."""
    parser.addoption(
        "--evidence", action="store_true", help="write the rows of evidence of the tests that run"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Listen to each test that is marked as evidence."""
    config.pluginmanager.register(Recorder(config.getoption("--evidence")))
