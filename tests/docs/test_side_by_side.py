"""Numbers of other programs beside ours, as the page shows them: none farther apart than the page allows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "make"))
from side_by_side import Beside, comparisons

COMPARISONS = list(comparisons())


@pytest.mark.slow
@pytest.mark.parametrize("one", COMPARISONS, ids=lambda one: f"{one.program[:12]} {one.theirs[:20]}")
def test_ours_are_theirs(one: Beside) -> None:
    theirs = [value for _, value, _ in one.numbers]
    assert one.computed() == pytest.approx(theirs, rel=one.within)


def test_a_wider_tolerance_has_its_reason() -> None:
    assert all(one.why for one in COMPARISONS if one.within > 1e-7)
