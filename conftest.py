"""What holds for the examples of all pages."""

from __future__ import annotations

import gc
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

# They extend Sphinx, which only the pages need.
collect_ignore = ["docs/make/chinese_search.py", "docs/make/mathml.py"]
collect_ignore_glob = ["*conftest.py"]  # fixtures, not examples: two of one name cannot be collected

HERE = Path(__file__).parent / "docs"
ODD = Path(__file__).parent / "tests" / "fuzz"
TESTS = Path(__file__).parent / "tests"
LONG = (
    "chinese_fonts.md",
    "conference_table.md",
    "first_paper.md",
    "liu.md",
    "pysal.md",
    "qgis.md",
    "yearbook_to_panel.md",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Look for no garbage while tests are found, nor among what was found: all of it is kept to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, Any, Any]:
    """Look for examples in the house and on its pages, not in the tests."""
    found = yield
    tests = file_path.suffix == ".py" and TESTS in file_path.parents
    return [one for one in found if type(one) is pytest.Module] if tests else found


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the examples of the pages cut a map to its panel without failing on the warning that says so."""
    pages = [item for item in items if HERE in item.path.parents]
    for item in pages:
        # The Chinese pages run the code of the English ones.
        if HERE / "zh" in item.path.parents or item.path.name in LONG:
            item.add_marker(pytest.mark.slow)
        item.add_marker(pytest.mark.filterwarnings("ignore:Cut to the .* units that map and panel share"))


@pytest.fixture(autouse=True)
def _own_folder(request: pytest.FixtureRequest) -> None:
    """Let the examples of the pages, and calls with odd names of files, write without leaving anything."""
    if HERE in request.path.parents or ODD in request.path.parents:
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
