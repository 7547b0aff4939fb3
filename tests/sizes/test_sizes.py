"""Every printed p-value keeps its size and every interval its coverage, by seeded simulation."""

from __future__ import annotations

import pytest
from size_engine import Design, measure, p_value_functions
from size_list import NO_TEST, SIZES, TO_MEASURE

DESIGNS = list(dict.fromkeys(size.design for size in SIZES))


def _out_of_bounds(design: Design, draws: int) -> list[str]:
    found = measure(design, draws)
    rows = [size for size in SIZES if size.design is design]
    return [f"{size.test}: {found[size.key].share:.3f}" for size in rows if not found[size.key].within(size)]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.words)
def test_sizes_are_within_their_bounds_in_a_light_simulation(design: Design) -> None:
    assert not _out_of_bounds(design, design.light)


@pytest.mark.sizes
@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.words)
def test_sizes_are_within_their_bounds_in_the_full_simulation(design: Design) -> None:
    assert not _out_of_bounds(design, design.full)


def test_each_p_value_has_a_row() -> None:
    made = set(p_value_functions())
    listed = {name for size in SIZES for name in size.functions}
    missing = made - listed - set(NO_TEST) - TO_MEASURE
    assert not missing, f"these print p-values and have no row in tests/sizes: {sorted(missing)}"
    stale = (listed | set(NO_TEST) | TO_MEASURE) - made
    assert not stale, f"these make no p-value any more: {sorted(stale)}"
    assert not listed & TO_MEASURE


def test_no_two_rows_are_the_same() -> None:
    keys = [(size.key, size.design.words) for size in SIZES]
    assert len(set(keys)) == len(keys)
