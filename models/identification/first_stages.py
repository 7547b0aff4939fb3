"""First-stage statistics of every endogenous regressor of a system."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.models.data.design import Design

from . import strength

__all__ = ["equation_first_stage", "first_stages"]

Float = NDArray[np.float64]


def first_stages(design: Design) -> pd.DataFrame:
    """Return first-stage statistics for each endogenous regressor of each equation."""
    rows: list[dict[str, object]] = []
    for g, equation in enumerate(design.structure.equations):
        endogenous = [j for j, t in enumerate(equation.terms) if t.is_endogenous]
        if not endogenous:
            continue
        stage, _ = equation_first_stage(design, g)
        rows += _stage_rows(stage, equation.name, [equation.terms[j].name for j in endogenous])
    return pd.DataFrame(rows)


def equation_first_stage(design: Design, g: int) -> tuple[strength.FirstStage, Float]:
    """Return the first stage of one equation, and its included exogenous regressors."""
    terms = design.structure.equations[g].terms
    columns = design.projected[:, list(design.regressors[g])]
    moving = np.array([t.is_endogenous for t in terms])
    included = columns[:, ~moving]
    stage = strength.first_stage(
        columns[:, moving],
        included,
        design.seen_by(g).basis.Q,
        n_effective=design.n_effective,
        codes=design.layout.unit,
    )
    return stage, included


def _stage_rows(stage: strength.FirstStage, equation: str, names: Sequence[str]) -> list[dict[str, object]]:
    cragg_donald = strength.cragg_donald(stage).statistic
    rank_test, rank_f = strength.kleibergen_paap(stage)
    effective = strength.effective_f(stage).statistic
    rows: list[dict[str, object]] = []
    for j, name in enumerate(names):
        judged, critical = strength.strength_of(stage, j)
        plain, conditional = strength.first_stage_f(stage, j), strength.sanderson_windmeijer_f(stage, j)
        rows.append(
            {
                "equation": equation,
                "regressor": name,
                "instruments": stage.n_instruments,
                "F": plain.statistic,
                "p_value": strength.first_stage_lm(stage, j).p_value,
                "SW_F": conditional.statistic,
                "SW_p_value": strength.first_stage_lm(stage, j, conditional=True).p_value,
                "strength": judged,
                "critical_value": critical,
                "F_clustered": strength.first_stage_f(stage, j, clustered=True).statistic,
                "SW_F_clustered": strength.sanderson_windmeijer_f(stage, j, clustered=True).statistic,
                "cragg_donald": cragg_donald,
                "kleibergen_paap": rank_test.statistic,
                "KP_p_value": rank_test.p_value,
                "KP_F": rank_f.statistic,
                "effective_F": effective,
                "partial_r2": strength.shea_r2(stage, j),
            }
        )
    return rows
