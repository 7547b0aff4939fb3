"""The page for programs, as `make docs` writes it: every example in it runs, every name is there."""

from __future__ import annotations

import doctest
import runpy
from pathlib import Path

import pytest

import spatial as sp

MAKE = Path(__file__).parents[2] / "docs" / "make" / "llms.py"


def test_every_example_on_the_page_runs_and_every_function_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = runpy.run_path(str(MAKE))["text"]()
    monkeypatch.chdir(tmp_path)
    Path("llms.txt").write_text(page, encoding="utf-8")
    flags = doctest.NORMALIZE_WHITESPACE
    found = doctest.testfile(str(tmp_path / "llms.txt"), module_relative=False, optionflags=flags)
    assert (found.failed, found.attempted > 15) == (0, True)
    for name in (*sp.models.__all__, *sp.weights.__all__):
        assert name.endswith(("Error", "Warning")) or f"\n- {name}" in page
