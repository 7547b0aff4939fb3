"""Shared fixtures: the shipped maps, read once."""

from __future__ import annotations

import os

# Before matplotlib is imported anywhere: no window system is needed to draw.
os.environ["MPLBACKEND"] = "Agg"

from collections.abc import Iterator
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
