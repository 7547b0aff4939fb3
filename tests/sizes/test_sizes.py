"""Every printed p-value keeps its size and every interval its coverage, by seeded simulation."""

from __future__ import annotations

import pytest
from size_audit import AUDIT
from size_engine import Design, measure, p_value_functions
from size_list import NO_TEST, SIZES, TO_MEASURE
from size_names import names_of

import spatial as sp

DESIGNS = list(dict.fromkeys(size.design for size in SIZES))


def _out_of_bounds(design: Design, draws: int) -> list[str]:
    found = measure(design, draws)
    rows = [size for size in SIZES if size.design is design]
    return [f"{size.test}: {found[size.key].share:.3f}" for size in rows if not found[size.key].within(size)]


@pytest.mark.slow
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


def test_each_item_of_the_audit_is_measured_by_rows_of_the_list() -> None:
    assert all(part.rows and part.before for part in AUDIT)
    assert len({part.item for part in AUDIT}) == len(AUDIT)


def test_bounds_wider_than_usual_have_a_note_that_says_why() -> None:
    for size in SIZES:
        low, high = (0.92, 0.98) if size.low >= 0.75 else (0.035, 0.065)
        assert size.note or (size.low >= low and size.high <= high), size.test


def test_no_two_rows_are_the_same() -> None:
    keys = [(size.key, size.design.words) for size in SIZES]
    assert len(set(keys)) == len(keys)


def test_measured_sizes_are_rows_of_the_function_that_prints_them() -> None:
    """`make sizes` writes them; the names are those that the design calls itself."""
    rows = sp.evidence("moran")
    rows = rows[rows["command"] == "make sizes"]
    assert set(rows["test"]) >= {
        f"Moran's I, {form}" for form in ("normality", "randomisation", "permutation")
    }
    assert rows["measured"].str.match(r"size at 5 % 0\.0\d\d \(asked: ").all()
    moran_row = next(size for size in SIZES if size.test == "Moran's I, normality")
    assert names_of(moran_row) == ["moran"]
    conley = next(size for size in SIZES if size.test == "Conley, 95 % interval")
    assert names_of(conley) == ["models.Conley"]
    assert sp.evidence("models.Conley")["measured"].str.startswith("coverage").any()
