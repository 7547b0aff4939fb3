"""Models beside each other: what one leaves out is said, and equal columns under two names are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lattice import grid

import spatial as sp
from spatial.errors import DataError
from spatial.study.checks.known import Known
from spatial.study.checks.names import check_names
from spatial.study.schema.study import Study
from spatial.tables.notes import left_out, method_words

FORMULAS = ["y ~ q + W(y) + x", "q ~ y + z"]
PLAIN = ["y ~ q + x", "q ~ y + z"]
W = grid(7)[1]


@pytest.fixture(scope="module")
def fit() -> Callable[..., Any]:
    rng = np.random.default_rng(3)
    x, z, u, v = rng.normal(size=(4, W.n, 4)) * [[[3.0]], [[3.0]], [[1.0]], [[1.0]]]
    eye = np.eye(W.n)
    reduced = np.linalg.inv(eye - 0.09 * eye - 0.4 * W.sparse.toarray())
    y = reduced @ (0.3 * (z + v) + x + u)
    q = 0.3 * y + z + v
    index = pd.MultiIndex.from_product([W.ids, range(4)], names=["id", "year"])
    frame = pd.DataFrame({n: m.ravel() for n, m in {"x": x, "z": z, "y": y, "q": q}.items()}, index=index)
    panel = sp.Panel.from_frame(frame.reset_index(), unit="id", time="year")

    def of(method: str, formulas: list[str] = FORMULAS, **options: Any) -> Any:
        return sp.models.SpatialSystem(formulas, panel, W, **options).fit(method)

    return of


def test_a_model_without_the_spatial_parts_of_another_says_so(fit: Callable[..., Any]) -> None:
    full, no_errors, plain = fit("gs3sls", error="W"), fit("3sls", error="W"), fit("3sls", PLAIN)
    assert left_out([full, no_errors, plain]) == ["", "errors", "terms"]
    assert left_out([fit("gs2sls", PLAIN, error="W"), no_errors]) == ["lags", "errors"]
    assert left_out([no_errors]) == [""]
    assert method_words(plain, "terms") == "3SLS, no spatial terms"
    table = sp.regression_table([full, no_errors, plain])
    assert "Columns (3), (4): 3SLS, no spatial errors." in table.notes
    assert "Columns (5), (6): 3SLS, no spatial terms." in table.notes
    zh = sp.regression_table([full, plain], lang="zh")
    assert any("3SLS，不含空间项" in note for note in zh.notes)


@pytest.mark.parametrize(("one", "other"), [("gs3sls", "3sls"), ("gs2sls", "2sls")])
def test_two_methods_with_one_set_of_numbers_are_refused(
    one: str, other: str, fit: Callable[..., Any]
) -> None:
    pair = [fit(one), fit(other)]
    with pytest.raises(
        DataError, match=r"in columns \(1\), \(2\) and .* in columns \(3\), \(4\) are the same numb"
    ):
        sp.regression_table(pair)
    assert sp.regression_table([pair[0], pair[0].vcov("hom")]).rows
    assert sp.regression_table([fit(one, error="W"), fit(other, error="W")]).rows


def test_a_study_refuses_a_comparison_with_itself_before_it_runs() -> None:
    def faults(**options: Any) -> list[str]:
        system = {"name": "s", "formulas": FORMULAS, "compare": ["2sls", "3sls"], **options}
        content = {"data": {"sample": "nc"}, "weights": {"W": {"spec": "queen"}}, "systems": [system]}
        study = Study.model_validate(content)
        return [f"{fault.location}: {fault.message}" for fault in check_names(Known(study, None))]

    assert faults(error="W") == []
    (found,) = faults()
    assert (
        "('systems', 0, 'compare', 1): without spatial errors '3sls' gives the numbers of 'gs3sls'" in found
    )
    assert faults(compare=["2sls"]) == []
