"""What holds for the examples of all pages."""

from __future__ import annotations

from pathlib import Path

import pytest

# They extend Sphinx, which only the pages need.
collect_ignore = ["docs/make/chinese_search.py", "docs/make/mathml.py"]
collect_ignore_glob = ["*conftest.py"]  # fixtures, not examples: two of one name cannot be collected

HERE = Path(__file__).parent / "docs"
ODD = Path(__file__).parent / "tests" / "fuzz"
LONG = (
    "chinese_fonts.md",
    "conference_table.md",
    "first_paper.md",
    "liu.md",
    "pysal.md",
    "qgis.md",
    "yearbook_to_panel.md",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the examples of the pages cut a map to its panel without failing on the warning that says so."""
    for item in items:
        # The Chinese pages run the code of the English ones.
        if HERE / "zh" in item.path.parents or item.path.name in LONG:
            item.add_marker(pytest.mark.slow)
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Cut to the .* units that map and panel share"))


@pytest.fixture(autouse=True)
def _own_folder(request: pytest.FixtureRequest) -> None:
    """Let the examples of the pages, and calls with odd names of files, write without leaving anything."""
    if HERE in request.path.parents or ODD in request.path.parents:
        request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
