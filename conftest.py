"""What holds for the examples of all pages."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent / "docs"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the examples of the pages cut a map to its panel without failing on the warning that says so."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Cut to the .* units that map and panel share"))


@pytest.fixture(autouse=True)
def _own_folder(request: pytest.FixtureRequest) -> None:
    """Let the examples of the pages write files without leaving any."""
    if HERE in request.path.parents:
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
