"""The pages run as tests; that `align` says what it cut is meant there."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the examples of the pages cut a map to its panel without failing on the warning that says so."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Cut to the .* units that map and panel share"))
