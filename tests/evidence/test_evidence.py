"""The rows of evidence: those of the tests as they stand, one at least for each public function."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evidence_recorder import CLAIM, KINDS, Comparisons, claims, names_to_prove, public_object, read_rows

import spatial as sp

AGAIN = "; run `python -m pytest --evidence -m evidence PATH` on the tests that changed"


def test_each_public_function_has_evidence() -> None:
    missing = names_to_prove() - {row["name"] for row in claims()}
    assert not missing, (
        f"these are compared with nothing: {sorted(missing)}; give the test that does it the marker "
        f'`@pytest.mark.evidence("name", source="...")`{AGAIN}'
    )


def test_the_file_is_what_the_markers_say() -> None:
    made = {tuple(row[key] for key in CLAIM) for row in claims()}
    kept = {tuple(row[key] for key in CLAIM) for row in read_rows()}
    assert not made - kept, f"not in the file: {sorted(map(str, made - kept))}{AGAIN}"
    assert not kept - made, f"no test says so any more: {sorted(map(str, kept - made))}{AGAIN}"
    assert len(read_rows()) == len(kept)


def test_markers_name_public_things_kinds_and_sources() -> None:
    for row in claims():
        assert public_object(row["name"]) is not None
        assert row["kind"] in KINDS
        assert row["source"]
        assert row["digits"] is None or row["kind"] != "simulation"


def test_a_difference_that_can_be_seen_has_its_reason() -> None:
    unsaid = [row["test"] for row in read_rows() if (row["worst"] or 0) > 1e-6 and not row["differs"]]
    assert not unsaid, f"these differ by more than 1e-6 from their source, say why (differs=): {unsaid}"


@pytest.mark.evidence("evidence", source="the rows of the file, filtered by hand", kind="identity")
def test_rows_are_found_by_any_name() -> None:
    rows = read_rows()
    assert (sp.evidence()["command"] == "make evidence").sum() == len(rows)
    assert sp.evidence("gs3sls")["name"].unique().tolist() == ["models.SpatialSystem:gs3sls"]
    assert set(sp.evidence("did")["name"]) >= {"models.did", "models.did:gardner"}
    assert len(sp.evidence("weights.knn")) == sum(row["name"] == "weights.knn" for row in rows)
    with pytest.raises(sp.SpatialError, match=r"There is no evidence of 'morna'\. Did you mean 'moran'"):
        sp.evidence("morna")


def test_a_result_knows_its_own(nc_crime: sp.Panel) -> None:
    fit = sp.models.SpatialSystem("log(crmrte) ~ density", nc_crime, effects="unit").fit("2sls")
    assert fit.evidence()["name"].unique().tolist() == ["models.SpatialSystem:2sls"]
    counties = nc_crime.at(1987)["crmrte"]
    W = sp.weights.knn(sp.shapefiles.load("nc").loc[counties.index], 4)
    assert "moran" in set(sp.moran(counties, W, permutations=9).evidence()["name"])


def test_comparisons_are_counted_and_the_largest_difference_is_kept() -> None:
    found = Comparisons()
    with found.listening():
        assert pytest.approx(1.0) == 1.0 + 1e-9
        np.testing.assert_allclose([100.0, 1.0], [100.0, 1.0 + 1e-6], rtol=1e-5)
        pd.testing.assert_series_equal(pd.Series([1.0, np.nan]), pd.Series([1.0, np.nan]))
        assert pytest.approx([1.0, 2.0]) == [1.0, 2.0]
    assert found.values == 6
    assert found.worst == pytest.approx(1e-8, rel=1e-3)  # 1e-6 of 100: relative to the largest expected


def test_a_promise_that_does_not_hold_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import sys\n"
        f"sys.path.insert(0, {str(__import__('evidence_recorder').HERE)!r})\n"
        "from evidence_recorder import Recorder\n"
        "def pytest_configure(config): config.pluginmanager.register(Recorder(False))\n"
    )
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.evidence('moran', source='x', digits=9)\n"
        "def test_far(): assert 1.001 == pytest.approx(1, abs=1)\n"
        "@pytest.mark.evidence('moran', source='x', digits=2)\n"
        "def test_near(): assert 1.001 == pytest.approx(1, abs=1)\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*promises 9 digits, and its largest difference is 1.0e-03*"])
